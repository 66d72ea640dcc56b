#!/usr/bin/env python3
"""Disks that are really full, of every size in steps, and limits of the size of files.

Build, batch and LiveIndex must say so and leave the old file; with more room the same command ends as if nothing
had been.

    full_disk.py [--quick] [--binary BIN/maxdot] [--python PYTHON] [--out build/faults] [--only SCENARIO]

A disk is a tmpfs of so many pages, mounted in a user namespace of this program's own: `unshare -rm`. Where that
is not permitted, only the limits (RLIMIT_FSIZE) are tried, and the report says so.
"""

from __future__ import annotations

import os
import pathlib
import resource
import shutil
import subprocess
import sys
import tempfile

from choice import arguments, carry_out, chosen_scenarios
from judge import judge
from report import Report, numbers_to_try
from running import Fault, Outcome, Runner
from scenarios import Scenario, files_in

PAGE = 4096
BLOCK = 128  # bytes, of the limits
INSIDE = "MAXDOT_FAULTS_INSIDE"  # this program again, in a namespace
SCENARIOS = ("build-over", "search-out", "batch-new", "batch-resumed", "python-save", "python-live")
QUICK_SCENARIOS = ("build-over", "batch-resumed")
FULL = Fault("write", "ENOSPC", lasts=True)
LIMITED = Fault("write", "EFBIG", lasts=True)


def pages_of(files: dict[str, bytes]) -> int:
    return sum(-(-len(data) // PAGE) for data in files.values())


def told(at: int, outcome: Outcome, found: tuple[list[str], list[str], str]) -> dict:
    problems, left, state = found
    words = {"at": at, "code": outcome.code, "state": state, "left": left, "problems": problems}
    return words | {"call": "", "about": "", "stderr": outcome.stderr[-500:]}


def limited(scenario: Scenario, scratch: pathlib.Path, blocks: int) -> dict:
    """No file may be larger than so many blocks."""
    folder = pathlib.Path(tempfile.mkdtemp(dir=scratch)) / "here"
    shutil.copytree(scenario.template, folder)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (blocks * BLOCK, before[1]))
    try:
        outcome = scenario.run_alone(folder)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    found = judge(scenario, LIMITED, outcome, folder)
    shutil.rmtree(folder.parent)
    return told(blocks, outcome, found)


def try_limits(scenario: Scenario, scratch: pathlib.Path, report: Report, options) -> None:
    largest = max(len(scenario.after[name]) for name in scenario.targets or scenario.after)
    blocks = largest // BLOCK + 2
    steps = numbers_to_try(blocks, 3, 3 if options.quick else 40)
    tried = [limited(scenario, scratch, number) for number in steps]
    report.add(scenario.name, f"files of at most n times {BLOCK} bytes", blocks, tried)
    report.tell(options.verbose)


def on_full_disk(scenario: Scenario, disk: pathlib.Path, scratch: pathlib.Path, pages: int) -> dict | None:
    """A disk with so many pages beyond what the files need. None: they do not fit."""
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={pages * PAGE}", "tmpfs", disk], check=True)
    try:
        folder = disk / "here"
        try:
            shutil.copytree(scenario.template, folder)
        except (OSError, shutil.Error):
            return None
        outcome = scenario.run_alone(folder)
        # What it left is looked at where there is room.
        kept = pathlib.Path(tempfile.mkdtemp(dir=scratch)) / "here"
        shutil.copytree(folder, kept)
    finally:
        subprocess.run(["umount", disk], check=True)
    found = judge(scenario, FULL, outcome, kept)
    shutil.rmtree(kept.parent)
    return told(pages, outcome, found)


def try_disks(scenario: Scenario, scratch: pathlib.Path, report: Report, options) -> None:
    disk = scratch / "disk"
    disk.mkdir(exist_ok=True)
    first = pages_of(files_in(scenario.template))
    tried: list[dict] = []
    enough = 0
    pages = first
    # Up to the first size with which it succeeds, and three more.
    # Twice what it reads and writes, and some: more is never needed.
    most = 2 * (first + pages_of(scenario.after)) + 64
    while enough < 4 and pages <= most:
        one = on_full_disk(scenario, disk, scratch, pages)
        if one is not None:
            tried.append(one)
            enough += one["code"] == 0
        if one is not None and one["code"] not in (0, 3):
            enough = 4  # judge has said what is wrong
        pages += 1 if not options.quick else 4
    if enough < 4:
        raise AssertionError(f"{scenario.name}: does not succeed on a disk of {most} pages")
    report.add(scenario.name, "disks of n pages", len(tried), tried)
    report.tell(options.verbose)


def may_mount() -> bool:
    if shutil.which("unshare") is None:
        return False
    with tempfile.TemporaryDirectory() as folder:
        command = ["unshare", "-rm", "mount", "-t", "tmpfs", "-o", f"size={PAGE}", "tmpfs", folder]
        return subprocess.run(command, capture_output=True, check=False).returncode == 0


def main() -> int:
    options = arguments(__doc__)
    mounts = os.environ.get(INSIDE) == "1"
    if not mounts and may_mount():
        os.environ[INSIDE] = "1"
        os.execvp("unshare", ["unshare", "-rm", sys.executable, *sys.argv])

    def body(report: Report, runner: Runner, folder: pathlib.Path) -> None:
        if not mounts:
            report.skipped = [
                "full disks: mounts in a user namespace are not permitted here; only limits were tried"
            ]
            print(report.skipped[0])
        for scenario in chosen_scenarios(options, QUICK_SCENARIOS):
            if scenario.name in SCENARIOS:
                scenario.set_up(runner, folder / "files", options.binary)
                try_limits(scenario, folder, report, options)
                if mounts:
                    try_disks(scenario, folder, report, options)
                report.write(options.out)

    return carry_out("full disks", options, body)


if __name__ == "__main__":
    sys.exit(main())
