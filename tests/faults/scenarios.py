"""What is run with faults in it: a program, its files, and what it must leave whatever happens."""

from __future__ import annotations

import json
import pathlib
import random
import shutil
import struct

from running import Fault, Outcome, Runner

ITEMS, DIMENSION, USERS, K = 500, 16, 40, 5
Files = dict[str, bytes]

#: As the help of the command lists them, and as Python's programs here give them.
CODES = {0: "done", 3: "io", 4: "bad data", 5: "unsupported", 6: "out of memory"}


def files_in(folder: pathlib.Path) -> Files:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def write_rows(path: pathlib.Path, count: int, seed: int) -> None:
    numbers = random.Random(seed)
    values = [numbers.gauss(0, 1) for _ in range(count * DIMENSION)]
    payload = struct.pack(f"<{len(values)}f", *values)
    if path.suffix == ".fbin":
        path.write_bytes(struct.pack("<II", count, DIMENSION) + payload)
        return
    head = repr({"descr": "<f4", "fortran_order": False, "shape": (count, DIMENSION)})
    head += " " * (-(len(head) + 11) % 64) + "\n"
    path.write_bytes(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(head)) + head.encode() + payload)


class Scenario:
    """A command of maxdot that writes `targets`: each is then what it was, or what it becomes without a fault."""

    from_main = True
    #: Whether what it says on stdout is the result.
    answers_on_stdout = False
    writes = True
    leads = "maxdot: error: "
    #: What an unfinished job may leave on purpose.
    kept: tuple[str, ...] = ()

    def __init__(self, name: str, arguments: str, targets: tuple[str, ...], old: tuple[str, ...] = ()) -> None:
        self.name = name
        self.targets = targets
        self._arguments = arguments.split()
        self._old = old  # targets that are there before, with other content

    def set_up(self, runner: Runner, folder: pathlib.Path, binary: str) -> None:
        """Makes the files, and learns what is right."""
        self._runner = runner
        self.program = [binary, *self._arguments]
        self.template = folder / self.name
        self.template.mkdir(parents=True)
        self.make_files(binary)
        self.before = files_in(self.template)
        done = folder / f"{self.name}-done"
        shutil.copytree(self.template, done)
        self.right = self.succeed(done)
        self.after = self.compared(files_in(done))

    def make_files(self, binary: str) -> None:
        write_rows(self.template / "items.npy", ITEMS, 1)
        write_rows(self.template / "items.fbin", ITEMS, 1)
        write_rows(self.template / "users.npy", USERS, 2)
        numbers = random.Random(4)
        pairs = "".join(f"{row},{numbers.randrange(ITEMS)}\n" for row in range(USERS) for _ in range(3))
        (self.template / "seen.csv").write_text("user,item\n" + pairs, encoding="utf-8")
        if "build" not in self._arguments:
            self.need([binary, "build", "items.npy", "-o", "items.maxdot", "--metric", "dot"])
        for name in self._old:
            (self.template / name).write_bytes(f"what {name} was before".encode() * 50)

    def need(self, program: list[str]) -> Outcome:
        outcome = self._runner.run(program, self.template, None, self.from_main)
        if outcome.code != 0:
            raise AssertionError(f"{program}: {outcome}")
        return outcome

    def succeed(self, folder: pathlib.Path) -> Outcome:
        """Runs it without a fault."""
        outcome = self._runner.run(self.program, folder, None, self.from_main)
        if outcome.code != 0:
            raise AssertionError(f"without a fault: exit {outcome.code}: {outcome.stderr}")
        return outcome

    def run(self, folder: pathlib.Path, fault: Fault) -> Outcome:
        return self._runner.run(self.program, folder, fault, self.from_main)

    def run_alone(self, folder: pathlib.Path) -> Outcome:
        """Without a fault of this project's making."""
        return self._runner.run(self.program, folder, None, self.from_main)

    def may_abort(self, outcome: Outcome) -> bool:
        """Whether it was ended, where memory was out, by a library that it needs: that is taken for a kill."""
        return False

    #: How files end that may be left where memory was out.
    kept_without_memory: tuple[str, ...] = ()

    # What is right afterwards.

    def state_of(self, name: str, found: Files) -> str:
        now = found.get(name)
        if now == self.after.get(name):
            return "new"
        if now == self.before.get(name):
            return "old"
        return "missing" if now is None else "neither the old nor the new"

    def wrong_files(self, outcome: Outcome, found: Files) -> list[str]:
        problems = []
        states = {name: self.state_of(name, found) for name in self.targets}
        if outcome.code == 0:
            problems += [f"exit 0, but {name} is {state}" for name, state in states.items() if state != "new"]
        elif len(set(states.values())) > 1:
            # A pair: new ids never stand beside old scores. These may be missing: said, but by a kill.
            said = "removed" in outcome.stderr or "holds its new content" in outcome.stderr or outcome.code == -9
            if self.targets[-1] in found or not said or "neither the old nor the new" in states.values():
                problems.append(f"of the pair, {states}")
        elif not set(states.values()) <= {"old", "new"}:
            problems.append(f"left {states}")
        for name, data in self.before.items():
            if name not in self.targets and not self.is_kept(name) and found.get(name) != data:
                problems.append(f"{name}, which it only reads, was changed")
        return problems

    def is_kept(self, name: str) -> bool:
        return name.endswith(self.kept) if self.kept else False

    def leftovers(self, found: Files) -> list[str]:
        expected = set(self.before) | set(self.targets)
        return [name for name in found if name not in expected and not self.is_kept(name)]

    def compared(self, found: Files) -> Files:
        """Of what it leaves when it succeeds, that which is the same each time."""
        return found

    def wrong_later(self, folder: pathlib.Path, outcome: Outcome) -> list[str]:
        """Runs it again, without a fault."""
        try:
            self.succeed(folder)
        except AssertionError as error:
            return [f"run again, {error}"]
        found = self.compared(files_in(folder))
        changed = [name for name in self.after if found.get(name) != self.after[name]]
        more = [name for name in found if name not in self.after]
        return ([f"run again, {changed} differ"] if changed else []) + (
            [f"run again, {more} are left"] if more else []
        )


class Search(Scenario):
    """Answers on stdout."""

    answers_on_stdout = True
    writes = False


class Batch(Scenario):
    kept = (".partial", ".job")


class BatchApart(Batch):
    """Ids and scores in two folders."""

    def make_files(self, binary: str) -> None:
        for name in self.targets:
            (self.template / name).parent.mkdir()
        super().make_files(binary)


class BadRowsBatch(Batch):
    """Of users who have no vector, a report is written beside the pair."""

    report = "bad.jsonl"

    def make_files(self, binary: str) -> None:
        super().make_files(binary)
        users = bytearray((self.template / "users.npy").read_bytes())
        for user in (3, 20):
            at = len(users) - (USERS - user) * DIMENSION * 4
            users[at : at + 4] = struct.pack("<f", float("nan"))
        (self.template / "users.npy").write_bytes(users)

    def is_kept(self, name: str) -> bool:
        return name == self.report or super().is_kept(name)

    def wrong_files(self, outcome: Outcome, found: Files) -> list[str]:
        state = self.state_of(self.report, found)
        allowed = ("new",) if outcome.code == 0 else ("new", "old")  # there was none
        wrong = [] if state in allowed else [f"exit {outcome.code}, and {self.report} is {state}"]
        return super().wrong_files(outcome, found) + wrong


class ResumedBatch(Batch):
    """Goes on with a job that was killed when half of it was done."""

    def make_files(self, binary: str) -> None:
        super().make_files(binary)
        # The first name that a fresh job removes is that of its job file, when all users are done.
        fault = Fault("unlink", "kill", 1)
        outcome = self._runner.run(self.program, self.template, fault, self.from_main)
        job = self.template / "ids.npy.job"
        if outcome.code != -9 or not job.exists():
            raise AssertionError(f"no job was left: {outcome}")
        state = json.loads(job.read_text(encoding="utf-8"))
        state["done"]["users"] = USERS // 2
        job.write_text(json.dumps(state), encoding="utf-8")
