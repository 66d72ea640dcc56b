#!/usr/bin/env python3
"""Runs the fuzz targets, and the differential fuzzer, in turns, for hours or days.

What has been done stands in build/campaign: a later start goes on and adds up. --executions and --cases are totals of
all starts; --hours is the time of this one. Exit code 1 if anything was ever found, 2 for options that do not fit.
"""

import argparse
import os
import shutil
import signal
import sys
import tempfile
import threading
import time
from pathlib import Path

from campaign_parts import report, turns
from campaign_parts.keep import keep_corpus, trim_corpus
from campaign_parts.state import State

TARGETS = ["fuzz_index_file", "fuzz_readers", "fuzz_live_folder", "fuzz_server_messages", "fuzz_c_api"]
EXAMPLE = """examples:
  python3 tests/fuzz/campaign.py --hours 8
  python3 tests/fuzz/campaign.py --executions 5000000 --cases 1000000 --jobs 1
  python3 tests/fuzz/campaign.py --hours 1 --targets fuzz_index_file
  python3 tests/fuzz/campaign.py --keep          # what was found worth keeping goes to tests/fuzz/corpus
"""


def parse(arguments):
    parser = argparse.ArgumentParser(
        description=__doc__, epilog=EXAMPLE, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    source = Path(__file__).resolve().parents[2]
    parser.add_argument("--hours", type=float, help="how long this start runs at most")
    parser.add_argument(
        "--executions", type=int, default=0, help="of the libFuzzer targets, shared alike, in all starts"
    )
    parser.add_argument("--cases", type=int, default=0, help="of the differential fuzzer, in all starts")
    parser.add_argument("--targets", nargs="+", help="only these; without it all that were built")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="processes at once (every core)")
    parser.add_argument("--turn", type=int, default=600, help="seconds that a process runs before another's turn")
    parser.add_argument("--build", type=Path, default=source / "build/libfuzzer/bin", help="where the targets are")
    parser.add_argument(
        "--differential",
        type=Path,
        default=source / "build/dev/bin" / turns.DIFFERENTIAL,
        help="the differential fuzzer, of any build",
    )
    parser.add_argument("--folder", type=Path, default=source / "build/campaign", help="state, corpora, report")
    parser.add_argument("--keep", action="store_true", help="minimise the corpora into tests/fuzz/corpus, and end")
    options = parser.parse_args(arguments)
    options.source = source
    for name in ("build", "differential", "folder"):
        setattr(options, name, getattr(options, name).resolve())
    if not (options.hours or options.executions or options.cases or options.keep):
        parser.error("say how much: --hours, --executions or --cases")
    if options.jobs < 1 or options.turn < 1:
        parser.error("--jobs and --turn are at least 1")
    return options, parser


class Campaign:
    def __init__(self, options, folders, targets):
        self.options, self.folders, self.targets = options, folders, targets
        self.state = State(options.folder / "state.json")
        self.lock = threading.Lock()
        self.running = {target: 0 for target in targets}
        self.started = []
        self.ended = threading.Event()
        self.broken = []
        self.begin = time.monotonic()

    def _goal(self, target):
        """Executions in all starts; 0: no goal but the time."""
        if target == turns.DIFFERENTIAL:
            return self.options.cases
        others = [name for name in self.targets if name != turns.DIFFERENTIAL]
        return -(-self.options.executions // len(others))

    def _share(self, target):
        """How far a target is: of its goal, or in seconds."""
        entry, goal = self.state.of(target), self._goal(target)
        return entry["executions"] / goal if goal else entry["seconds"]

    def _open(self, target):
        goals = self.options.executions or self.options.cases
        goal = self._goal(target)
        return self.state.of(target)["executions"] < goal if goal else not goals

    def _next(self):
        with self.lock:
            waiting = [target for target in self.targets if self._open(target)]
            if self.ended.is_set() or not waiting or self._seconds_left() <= 0:
                return None
            target = min(waiting, key=lambda name: (self.running[name], self._share(name)))
            self.running[target] += 1
            # Processes of one target at the same time need different seeds.
            seed = self.state.of(target)["turns"] * 1000 + self.running[target]
            return target, seed

    def _seconds_left(self):
        if not self.options.hours:
            return self.options.turn
        return int(self.options.hours * 3600 - (time.monotonic() - self.begin))

    def work(self):
        """Takes turns. What goes wrong with the campaign itself is a failure, too."""
        try:
            self._take_turns()
        except Exception as error:
            self.broken.append(f"{type(error).__name__}: {error}")
            print(f"the campaign itself failed: {self.broken[-1]}", flush=True)

    def _take_turns(self):
        while (taken := self._next()) is not None:
            target, seed = taken
            seconds = max(1, min(self.options.turn, self._seconds_left()))
            turn = turns.run(self.folders, target, seed, seconds, self.started)
            with self.lock:
                self.running[target] -= 1
                if self.ended.is_set():
                    return  # it was ended from outside: what it says is no failure
                self._count(turn)
                if self.running[target] == 0 and target != turns.DIFFERENTIAL:
                    trim_corpus(self.folders, target, self.state.of(target))

    def _count(self, turn):
        self.state.add(turn, self.folders.corpus, self.folders.crashes)
        report.write(self.state, self.options.source, self.options.folder)
        entry = self.state.of(turn.target)
        found = f"; FOUND {turn.failure}" if turn.failure else ""
        print(f"{turn.target}: {turn.executions:,} more, {entry['executions']:,} in all{found}", flush=True)

    def end(self, *_):
        """A signal: ends at once. What was not counted is done again."""
        self.ended.set()
        for process in list(self.started):
            process.kill()

    def run(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self.end)
        workers = [threading.Thread(target=self.work) for _ in range(self.options.jobs)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        return report.write(self.state, self.options.source, self.options.folder)


def built(folders, wanted):
    """The targets to run: those that are wanted, or all that were built."""
    names = wanted or [*TARGETS, turns.DIFFERENTIAL]
    there = [name for name in names if turns.program_of(folders, name).exists()]
    missing = [name for name in names if name not in there]
    return there, missing


def main(arguments=None):
    options, parser = parse(arguments)
    options.folder.mkdir(parents=True, exist_ok=True)
    in_memory = "/dev/shm" if os.path.isdir("/dev/shm") else None
    temporary = Path(tempfile.mkdtemp(prefix="maxdot-campaign-", dir=in_memory))
    folders = turns.Folders(
        programs=options.build,
        differential=options.differential,
        corpus=options.folder / "corpus",
        kept=options.source / "tests/fuzz/corpus",
        crashes=options.folder / "crashes",
        temporary=temporary,
    )
    folders.crashes.mkdir(exist_ok=True)
    try:
        targets, missing = built(folders, options.targets)
        if missing and options.targets or not targets:
            parser.error(f"not built: {', '.join(missing)} (README.md in tests/fuzz/targets says how)")
        for name in missing:
            print(f"{name}: was not built, is left out", flush=True)
        if options.keep:
            keep_corpus(folders, [name for name in targets if name != turns.DIFFERENTIAL])
            return 0
        campaign = Campaign(options, folders, targets)
        done = campaign.run()
        print(
            f"{done['executions']:,} executions, {done['cases']:,} cases, {done['failure_count']} different failures:"
            f" {options.folder / 'report.md'}"
        )
        return 1 if done["failure_count"] or campaign.broken else 0
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
