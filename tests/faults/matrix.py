#!/usr/bin/env python3
"""Every n-th allocation and system call of what users run fails: it says so, and leaves the old file or the new.

    matrix.py [--quick] [--binary BIN/maxdot] [--python PYTHON] [--out build/faults] [--only SCENARIO]
              [--kind KIND] [--error ERROR] [--at N]

`make faults` runs all of it, `make test` the quick form. PYTHON is one that has maxdot. The report says how many
calls there were, and how many were tried.
"""

from __future__ import annotations

import concurrent.futures
import pathlib
import shutil
import sys
import tempfile

from choice import arguments, carry_out, chosen_scenarios, is_chosen
from judge import judge
from report import Report, numbers_to_try
from running import Fault, Runner
from scenarios import Scenario

#: Of every kind of call, what the system may answer.
FAULTS = (
    Fault("memory", "ENOMEM"),
    Fault("memory", "ENOMEM", lasts=True),
    Fault("thread", "EAGAIN"),
    Fault("thread", "EAGAIN", lasts=True),
    Fault("map", "ENOMEM"),
    Fault("open", "EMFILE"),
    Fault("open", "EMFILE", lasts=True),
    Fault("open", "EACCES"),
    Fault("open", "EINTR"),
    Fault("create", "ENOSPC"),
    Fault("read", "EIO"),
    Fault("read", "short"),
    Fault("read", "EINTR"),
    Fault("write", "ENOSPC"),
    Fault("write", "ENOSPC", lasts=True),
    Fault("write", "EIO"),
    Fault("write", "short"),
    Fault("write", "EINTR"),
    Fault("sync", "EIO"),
    Fault("sync", "EINTR"),
    Fault("close", "EIO"),
    Fault("rename", "EIO"),
    Fault("rename", "ENOSPC"),
    Fault("link", "EIO"),
    Fault("unlink", "EIO"),
    Fault("size", "ENOSPC"),
    Fault("size", "EINTR"),
    Fault("stat", "EIO"),
    Fault("list", "EIO"),
    Fault("lock", "ENOLCK"),
    Fault("lock", "EINTR"),
    Fault("folder", "ENOSPC"),
    Fault("owner", "EPERM"),
)
#: In a few seconds: one error of the kinds that have most to go wrong.
QUICK = (0, 2, 4, 5, 10, 11, 13, 16, 18, 20, 21, 25)
QUICK_SCENARIOS = ("build-over", "search", "batch-resumed", "python-save", "python-live")


def applies(scenario: Scenario, fault: Fault) -> bool:
    # CPython waits for ever for a thread of its own that had no memory to start.
    if scenario.name == "python-batch" and fault.kind == "map":
        return False
    # Python itself cannot go on, nor say anything, without memory or files at all.
    return scenario.from_main or not (fault.lasts and fault.kind in ("memory", "open"))


def try_one(scenario: Scenario, fault: Fault, scratch: pathlib.Path) -> dict:
    folder = pathlib.Path(tempfile.mkdtemp(dir=scratch)) / "here"
    shutil.copytree(scenario.template, folder)
    outcome = scenario.run(folder, fault)
    if not outcome.fired:
        problems, left, state = [], [], "not reached"
    else:
        problems, left, state = judge(scenario, fault, outcome, folder)
    shutil.rmtree(folder.parent)
    told = {"at": fault.at, "code": outcome.code, "state": state, "left": left, "problems": problems}
    told |= {
        "call": outcome.call,
        "about": outcome.about.replace(str(folder), "."),
        "stderr": outcome.stderr[-500:],
    }
    return told | {"fired": outcome.fired}


def count_calls(scenario: Scenario, fault: Fault, scratch: pathlib.Path) -> int:
    folder = scratch / "counted"
    shutil.copytree(scenario.template, folder)
    outcome = scenario.run(folder, fault.numbered(0))
    shutil.rmtree(folder)
    if outcome.code != 0:
        raise AssertionError(f"{scenario.name} without a fault: {outcome}")
    return outcome.calls


def try_all(scenario: Scenario, faults, options, scratch: pathlib.Path, report: Report, workers) -> None:
    for fault in faults:
        if not applies(scenario, fault):
            continue
        calls = count_calls(scenario, fault, scratch)
        if calls == 0 and fault.kind == "memory":
            raise AssertionError(f"{scenario.name}: no allocation was counted")
        numbers = numbers_to_try(calls, *how_many(options, scenario, fault))
        if options.at:
            numbers = [options.at]
        tried = list(workers.map(lambda at, fault=fault: try_one(scenario, fault.numbered(at), scratch), numbers))
        # Which calls a program makes may differ by a few from run to run.
        reached = [one for one in tried if one["fired"]]
        if tried and not reached:
            raise AssertionError(f"{scenario.name}, {fault.name}: none of {calls} calls was hit")
        report.add(scenario.name, fault.name, calls, reached)
        report.write(options.out)
        report.tell(options.verbose)


def how_many(options, scenario: Scenario, fault: Fault) -> tuple[int, int]:
    """The first calls, all of them, and how many of the rest."""
    kills = fault.error in ("kill", "tear")
    if options.quick:
        return (1, 7 if kills else 4) if scenario.from_main else (1, 2 if kills else 1)
    if kills:
        return (400, 100)
    if scenario.from_main:
        return (50, 250 if fault.lasts else 5000) if fault.kind == "memory" else (50, 100)
    return (5, 15) if fault.kind in ("memory", "map", "stat") or scenario.name == "python-batch" else (20, 20)


def main() -> int:
    options = arguments(__doc__)
    faults = [fault for number, fault in enumerate(FAULTS) if not options.quick or number in QUICK]
    faults = [fault for fault in faults if is_chosen(fault, options)]

    def body(report: Report, runner: Runner, folder: pathlib.Path) -> None:
        with concurrent.futures.ThreadPoolExecutor(2) as workers:
            for scenario in chosen_scenarios(options, QUICK_SCENARIOS):
                scenario.set_up(runner, folder / "files", options.binary)
                try_all(scenario, faults, options, folder, report, workers)

    return carry_out("matrix", options, body)


if __name__ == "__main__":
    sys.exit(main())
