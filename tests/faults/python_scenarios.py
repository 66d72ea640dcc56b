"""What users run from Python (programs.py), with faults in it."""

from __future__ import annotations

import hashlib
import pathlib
import re
import shutil
import signal

from running import HERE, Outcome, Runner
from scenarios import Files, Scenario, write_rows, ITEMS

#: What programs.py tells of a catalogue without items.
EMPTY = hashlib.sha256().hexdigest()[:16]


class PythonSave(Scenario):
    from_main = False
    leads = "error: "

    def __init__(self, python: str) -> None:
        super().__init__("python-save", "save", ("items.maxdot",), ("items.maxdot",))
        self.python = python

    def make_files(self, binary: str) -> None:
        self.program = self.call("save")
        super().make_files(binary)
        (self.template / "items.maxdot").write_bytes(b"what it was before" * 50)

    def call(self, name: str) -> list[str]:
        return [self.python, str(HERE / "programs.py"), name]


class PythonBatch(PythonSave):
    """maxdot.batch. Results are in a folder; what is in its `_maxdot` is the job's own."""

    leads = "maxdot: error: "
    #: A unit that was opened, and no memory to claim it: the next run does.
    kept_without_memory = (".parquet.tmp",)

    def __init__(self, python: str) -> None:
        Scenario.__init__(self, "python-batch", "batch", ())
        self.python = python

    def make_files(self, binary: str) -> None:
        self.program = self.call("batch")
        write_rows(self.template / "items.npy", ITEMS, 1)
        self.need(self.call("make_batch"))

    def set_up(self, runner: Runner, folder: pathlib.Path, binary: str) -> None:
        super().set_up(runner, folder, binary)
        self.results = {name for name in self.after if name.startswith("out/")}

    def may_abort(self, outcome: Outcome) -> bool:
        """Arrow throws through what catches nothing."""
        return outcome.code == -signal.SIGABRT and "std::bad_alloc" in outcome.stderr

    def wrong_files(self, outcome: Outcome, found: Files) -> list[str]:
        wrong = [name for name in self.results & set(found) if found[name] != self.after[name]]
        missing = sorted(self.results - set(found)) if outcome.code == 0 else []
        early = "out/_SUCCESS" in found and not self.results <= set(found)
        changed = [name for name, data in self.before.items() if found.get(name) != data]
        problems = [f"{name} is not what it must be" for name in wrong + changed]
        return (
            problems + [f"exit 0 without {name}" for name in missing] + (["_SUCCESS without all"] if early else [])
        )

    def is_kept(self, name: str) -> bool:
        return name in self.results or name.startswith("out/_maxdot/")

    def compared(self, found: Files) -> Files:
        # The job's own files tell of times. None is in the making any more.
        unfinished = (".tmp", "/exclude-")
        return {
            name: data
            for name, data in found.items()
            if "/_maxdot/" not in name or any(word in name for word in unfinished)
        }


class PythonLive(PythonSave):
    """Changes of a LiveIndex. Every acknowledged one must be there, and no half of another."""

    def __init__(self, python: str) -> None:
        Scenario.__init__(self, "python-live", "live", ())
        self.python = python

    def make_files(self, binary: str) -> None:
        self.program = self.call("live")
        write_rows(self.template / "items.npy", ITEMS, 1)
        self.need(self.call("make_live"))

    def set_up(self, runner: Runner, folder: pathlib.Path, binary: str) -> None:
        super().set_up(runner, folder, binary)
        probe = folder / f"{self.name}-probe"
        shutil.copytree(self.template, probe)
        told = [line.split() for line in self.look(probe).stdout.splitlines()]
        self.states = [words[1] for words in told if words[0] in ("read", "changed")]

    def look(self, folder: pathlib.Path) -> Outcome:
        return self._runner.run(self.call("look_at_live"), folder, None, self.from_main)

    def wrong_files(self, outcome: Outcome, found: Files) -> list[str]:
        done = outcome.stdout.count("done")
        return [f"exit 0 after {done} changes"] if outcome.code == 0 and done != len(self.states) - 1 else []

    def leftovers(self, found: Files) -> list[str]:
        return [name for name in found if ".tmp" in name]

    def wrong_later(self, folder: pathlib.Path, outcome: Outcome) -> list[str]:
        looked = self.look(folder)
        if looked.code != 0:
            return [f"cannot be opened afterwards: {looked.stderr}"]
        told = [line.split() for line in looked.stdout.splitlines()]
        done = outcome.stdout.count("done")
        # The change in hand may be there, too, unless it was said that it is not.
        allowed = self.states[done : done + (1 if "nothing was changed" in outcome.stderr else 2)]
        problems = [f"{who}: not what {done} changes make" for who, state in told[:2] if state not in allowed]
        changed = [words[1] for words in told if words[0] == "changed"]
        if changed[-1] != self.states[-1]:
            problems.append("the changes, made again, lead elsewhere")
        left = " ".join(told[-1][1:])
        if not re.fullmatch(r"lock log-\d+ manifest segment-\d+\.maxdot", left):
            problems.append(f"compacted and closed, it holds {left}")
        return problems


class PythonCreate(PythonSave):
    """A LiveIndex is created, and filled."""

    def __init__(self, python: str) -> None:
        Scenario.__init__(self, "python-create", "create", ())
        self.python = python

    def make_files(self, binary: str) -> None:
        self.program = self.call("create")

    def set_up(self, runner: Runner, folder: pathlib.Path, binary: str) -> None:
        super().set_up(runner, folder, binary)
        empty = folder / f"{self.name}-empty"
        empty.mkdir()
        self.need_in(empty, "create")
        #: After none, one and both of the changes.
        self.states = ["none", EMPTY, self.look(empty)]

    def need_in(self, folder: pathlib.Path, name: str) -> Outcome:
        outcome = self._runner.run(self.call(name), folder, None, self.from_main)
        if outcome.code != 0:
            raise AssertionError(f"{name}: {outcome}")
        return outcome

    def look(self, folder: pathlib.Path) -> str:
        return self.need_in(folder, "look_at_created").stdout.split()[-1]

    def wrong_files(self, outcome: Outcome, found: Files) -> list[str]:
        done = outcome.stdout.count("done")
        return [f"exit 0 after {done} changes"] if outcome.code == 0 and done != len(self.states) - 1 else []

    def is_kept(self, name: str) -> bool:
        return name.startswith("new/live/") and ".tmp" not in name

    def compared(self, found: Files) -> Files:
        return {}  # each catalogue has a number of its own

    def wrong_later(self, folder: pathlib.Path, outcome: Outcome) -> list[str]:
        done = outcome.stdout.count("done")
        try:
            state = self.look(folder)
            if state == "none":
                self.need_in(folder, "create")
        except AssertionError as error:
            return [f"afterwards, {error}"]
        return [] if state in self.states[done : done + 2] else [f"{state} after {done} changes"]
