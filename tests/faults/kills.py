#!/usr/bin/env python3
"""Kills what users run at every system call that touches files. The old file or the new is there, and it goes on.

    kills.py [--quick] [--binary BIN/maxdot] [--python PYTHON] [--out build/faults] [--only SCENARIO] [--at N]

A job of `maxdot batch`, and of maxdot.batch, is then the same bytes as of one run; a LiveIndex has every change
that was acknowledged. SIGKILL comes before the n-th call, and within the n-th write, of which half is done. All n
up to 400, else a sample of the rest.
"""

from __future__ import annotations

import concurrent.futures
import pathlib
import sys

from choice import arguments, carry_out, chosen_scenarios
from matrix import try_all
from report import Report
from running import Fault, Runner

KILLS = (Fault("file", "kill"), Fault("write", "tear"))
QUICK_SCENARIOS = ("build-over", "batch-resumed", "python-live")


def main() -> int:
    options = arguments(__doc__)

    def body(report: Report, runner: Runner, folder: pathlib.Path) -> None:
        with concurrent.futures.ThreadPoolExecutor(2) as workers:
            for scenario in chosen_scenarios(options, QUICK_SCENARIOS):
                if scenario.writes:
                    scenario.set_up(runner, folder / "files", options.binary)
                    try_all(scenario, KILLS, options, folder, report, workers)

    return carry_out("kills", options, body)


if __name__ == "__main__":
    sys.exit(main())
