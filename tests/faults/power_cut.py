#!/usr/bin/env python3
"""Cuts the power while users' programs write: what was not synced is lost, torn, or comes to the disk in any order.

    power_cut.py [--quick] [--binary BIN/maxdot] [--python PYTHON] [--out build/faults] [--only SCENARIO]
                 [--at RECORD]

A program is run once, and recorded (recorder.c). Between any two of its calls the power may fail: disk.py draws what
the disk may hold then. From each such disk the program's promises are asked: the old file or the new; a job that goes
on; a LiveIndex with every change that was acknowledged. After the program has ended well, all must be there.
"""

from __future__ import annotations

import dataclasses
import hashlib
import pathlib
import random
import shutil
import sys
from collections.abc import Iterator

from choice import arguments, carry_out, chosen_scenarios
from disk import SYNC, TOLD, Disk, Tree, read_records
from report import Report
from running import Outcome, Runner
from scenarios import Scenario, files_in

QUICK_SCENARIOS = ("build-over", "batch-resumed", "python-live", "python-create")
KILLED = -9  # as an exit code: what Scenario says of programs that ended so holds here, too
SEED = 1


def place_in(scratch: pathlib.Path) -> pathlib.Path:
    return scratch / "here"


def write_tree(tree: Tree, folder: pathlib.Path, template: pathlib.Path) -> None:
    """What was not changed since the template has its time: a job knows its inputs by it."""
    folder.mkdir()
    for name, data in tree.items():  # a folder stands before what is in it
        if data is None:
            (folder / name).mkdir()
            continue
        (folder / name).write_bytes(data)
        if (template / name).is_file() and (template / name).read_bytes() == data:
            shutil.copystat(template / name, folder / name)


def digest(tree: Tree, told: str, code: int) -> bytes:
    made = hashlib.blake2b(f"{told} {code}".encode())
    for name, data in tree.items():
        made.update(f"\0{name}\0{-1 if data is None else len(data)}\0".encode() + (data or b""))
    return made.digest()


@dataclasses.dataclass
class Case:
    """A power cut after so many calls, of which the last was `call`."""

    at: int
    call: str
    lost: str
    tree: Tree
    outcome: Outcome


def judge_tree(scenario: Scenario, scratch: pathlib.Path, case: Case) -> dict:
    """In the folder that the program ran in: some jobs know their files by their paths."""
    folder = place_in(scratch)
    write_tree(case.tree, folder, scenario.template)
    found = files_in(folder)
    problems = scenario.wrong_files(case.outcome, found)
    states = {scenario.state_of(name, found) for name in scenario.targets}
    left = scenario.leftovers(found)
    problems += scenario.wrong_later(folder, case.outcome)
    shutil.rmtree(folder)
    told = {"at": case.at, "code": case.outcome.code, "state": "/".join(sorted(states)), "left": left}
    return told | {"problems": problems, "call": f"{case.call}; lost:", "about": case.lost[:500]}


def recorded(scenario: Scenario, runner: Runner, scratch: pathlib.Path) -> tuple[Disk, list]:
    """The disk before the program ran, and what it did."""
    folder = place_in(scratch)
    shutil.copytree(scenario.template, folder)
    before, replayed = Disk(folder), Disk(folder)
    record = scratch / "record"
    outcome = runner.record(scenario.program, folder, scenario.from_main, record)
    if outcome.code != 0:
        raise AssertionError(f"{scenario.name}, recorded: {outcome}")
    records = read_records(record)
    for one in records:
        replayed.carry_out(one)
    if {name: data for name, data in replayed.tree().items() if data is not None} != files_in(folder):
        raise AssertionError(f"{scenario.name}: the record does not make the files that the program left")
    shutil.rmtree(folder)
    record.unlink()
    return before, records


def must_see_lost_syncs(scenario: Scenario, runner: Runner, scratch: pathlib.Path) -> None:
    """A program that never syncs its files, or its folders, keeps no promise: that must be seen."""
    for is_folder, what in enumerate(("files", "folders")):
        disk, records = recorded(scenario, runner, scratch)
        kept = [record for record in records if record.kind != SYNC or record.numbers[1] != is_folder]
        cases = list(cases_of(disk, kept, 2, None))
        if not any(judge_tree(scenario, scratch, case)["problems"] for case in reversed(cases)):
            raise AssertionError(f"{scenario.name}: that {what} are never synced was not seen")


def cases_of(disk: Disk, records: list, several: int, only: int | None) -> Iterator[Case]:
    """Each disk once."""
    draw = random.Random(SEED)
    seen: set[bytes] = set()
    told = ""
    for at in range(len(records) + 1):
        call = "nothing" if at == 0 else str(records[at - 1])
        if at > 0:
            disk.carry_out(records[at - 1])
            if records[at - 1].kind == TOLD:
                told += records[at - 1].data.decode()
        trees = disk.trees(draw, several)
        if only not in (None, at):
            continue
        for code in (KILLED, 0) if at == len(records) else (KILLED,):
            for tree, lost in trees:
                key = digest(tree, told, code)
                if key not in seen:
                    seen.add(key)
                    yield Case(at, call, lost, tree, Outcome(code, told, ""))


def some_of(cases: list[Case]) -> list[Case]:
    """About twenty, and all of the end."""
    step = max(1, len(cases) // 20)
    return [case for number, case in enumerate(cases) if number % step == 0 or case.at == cases[-1].at]


def main() -> int:
    options = arguments(__doc__)

    def body(report: Report, runner: Runner, folder: pathlib.Path) -> None:
        for scenario in chosen_scenarios(options, QUICK_SCENARIOS):
            if not scenario.writes:
                continue
            scenario.set_up(runner, folder / "files", options.binary)
            disk, records = recorded(scenario, runner, folder)
            cases = cases_of(disk, records, 2 if options.quick else 12, options.at)
            if options.quick:
                cases = some_of(list(cases))
            tried = [judge_tree(scenario, folder, case) for case in cases]
            must_see_lost_syncs(scenario, runner, folder)
            report.add(scenario.name, "power cut", len(records), tried)
            report.write(options.out)
            report.tell(options.verbose)

    return carry_out("power cut", options, body)


if __name__ == "__main__":
    sys.exit(main())
