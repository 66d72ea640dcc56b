"""Hours of searches, changes and swaps: answers are checked; memory, descriptors and folders are watched.

A maxdot-server has a model that is an index file and one that is the folder of a LiveIndex; another process has a
LiveIndex of its own. README.md tells what is done to them. The report says whether all of it stayed flat.
"""

import argparse
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import samples
import server_process
import verdict
from catalogue import Pool
from report import write_report
from server_load import FILE, Files, Load, live_folder
from tally import Tally

HERE = pathlib.Path(__file__).resolve().parent
# [seconds] Between samples; less in a run so short that there would be too few.
INTERVAL = 10
FEWEST = 24
# Of live_process.py: its readers, writers and maintenance.
LIVE_THREADS = 6
# [seconds] Far beyond what its end takes.
PATIENCE = 300

EXAMPLE = """example:
  MAXDOT_SERVER_BIN=build/dev/bin/maxdot-server build/venv-server/bin/python tests/soak/soak.py --minutes 1

exit codes: 0 all answers right and everything flat; 1 not so; 2 a bad option
"""


def options():
    parser = argparse.ArgumentParser(
        description=__doc__, epilog=EXAMPLE, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--minutes", type=float, default=120, help="how long (120)")
    parser.add_argument(
        "--out",
        type=pathlib.Path,
        default=pathlib.Path("build/soak/samples.jsonl"),
        help="the file of samples, one JSON object a line; all else is put beside it (%(default)s)",
    )
    parser.add_argument("--seed", type=int, default=1, help="of the rows, the questions and the changes (1)")
    given = parser.parse_args()
    if not given.minutes > 0:
        parser.error("--minutes: give a number above 0")
    if not os.access(server_process.BIN, os.X_OK):
        parser.error("MAXDOT_SERVER_BIN: name the program maxdot-server in this variable of the environment")
    return given


class Soak:
    def __init__(self, given):
        self.given, self.tally = given, Tally()
        self.folder = given.out.parent / "soak-catalogues"
        self.summary = given.out.parent / "live.json"
        self.server_log = given.out.parent / "server.log"
        self.over = threading.Event()
        self.samples = []
        self.server = self.live = None

    def start(self):
        shutil.rmtree(self.folder, ignore_errors=True)
        self.summary.unlink(missing_ok=True)
        for name in ("server", "live"):
            (self.folder / name).mkdir(parents=True)
        pool = Pool(self.given.seed)
        self.server_folder = live_folder(self.folder / "server")
        files = Files(self.folder / "server", pool, np.random.default_rng(self.given.seed))
        self.server = server_process.Server(self.folder / "server", self.server_log, "--client-timeout", "10")
        command = ["--folder", self.folder / "live", "--summary", self.summary, "--seed", self.given.seed + 1]
        self.live = subprocess.Popen(
            [sys.executable, HERE / "live_process.py", *map(str, command)], start_new_session=True
        )
        self.load = Load(self.server, files, pool, self.tally, self.given.seed)

    def run(self):
        interval = min(INTERVAL, self.given.minutes * 60 / FEWEST)
        self.began = time.monotonic()
        with self.given.out.open("w") as out:
            # The last one is of the end.
            for number in range(round(self.given.minutes * 60 / interval) + 1):
                self.over.wait(max(0, self.began + number * interval - time.monotonic()))
                if self.over.is_set() or not self._sample(out):
                    break
        self.seconds = time.monotonic() - self.began

    def _sample(self, out):
        """False if a process has ended."""
        running = {"server": self.server.process, "live": self.live}
        processes = {name: samples.of_process(process.pid) for name, process in running.items()}
        ended = [name for name, process in running.items() if process.poll() is not None or processes[name] is None]
        if ended:
            for name in ended:
                self.tally.fail("dead process", f"{name} has ended after {time.monotonic() - self.began:.0f} s")
            return False
        sample = {
            "time": time.time(),
            "seconds": round(time.monotonic() - self.began, 3),
            "processes": processes,
            "folders": {
                "server, live model": samples.of_folder(self.server_folder),
                "live": samples.of_folder(self.folder / "live" / "items"),
            },
            "clients": samples.of_process(os.getpid()),
            "done": self.tally.summary()["counts"],
        }
        self.samples.append(sample)
        print(json.dumps(sample), file=out, flush=True)
        return True

    def stop(self):
        """Ends both processes, checks what they leave, and returns what all have done."""
        if self.live.poll() is None:
            self.live.send_signal(signal.SIGTERM)
        self.load.stop()
        if self.server.process.poll() is None:
            self._try(self._check_metrics)
        code = self.server.stop()
        if code == 0:
            # After another end nobody knows of the changes that were under way.
            self._try(self.load.check_folder, self.server_folder)
        else:
            self.tally.fail("dead process", f"the server's exit code is {code}")
        self._check_log()
        try:
            code = self.live.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            code = "none: it did not end when asked to"
        if code != 0:
            self.tally.fail("dead process", f"the live process's exit code is {code}")
        live = json.loads(self.summary.read_text()) if self.summary.exists() else {"counts": {}, "failures": []}
        for name, counts in (("server", self.tally.summary()["counts"]), ("live", live["counts"])):
            if not counts.get("answers checked"):
                self.tally.fail("no answers", f"{name} has had none that was checked")
        return {"server": self.tally.summary(), "live": live}

    def _try(self, check, *arguments):
        """A check that cannot be made is a failure, and the report comes all the same."""
        try:
            check(*arguments)
        except Exception as error:
            self.tally.fail("unexpected error", f"at the end: {type(error).__name__}: {error}")

    def kill(self):
        """Whatever went wrong, no process is left."""
        for process in (self.server and self.server.process, self.live):
            if process and process.poll() is None:
                process.kill()

    def _check_metrics(self):
        bad = ("maxdot_live_compaction_failed", 'code="internal"', 'code="out_of_memory"')
        for line in self.load.metrics().splitlines():
            counts = any(words in line for words in bad) and not line.startswith("#")
            if counts and float(line.rpartition(" ")[2]) != 0:
                self.tally.fail("server's metrics", line)

    def _check_log(self):
        """Damaged files are errors that are wanted: one or two for each (by a request, by the server's look)."""
        refused = self.tally.summary()["counts"].get("damaged files refused", 0)
        wanted = 0
        for line in self.server.log():
            if line.get("event") == "load_failed" and line.get("model") == FILE:
                wanted += 1
            elif line.get("level") in ("warn", "error"):
                self.tally.fail("server's log", json.dumps(line))
        if not refused <= wanted <= 2 * refused + 2:
            self.tally.fail("server's log", f"{refused} damaged files were refused, and {wanted} were logged")


def main():
    given = options()
    given.out.parent.mkdir(parents=True, exist_ok=True)
    soak = Soak(given)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: soak.over.set())
    try:
        soak.start()
        soak.run()
        done = soak.stop()
    finally:
        soak.kill()
    clients = {"server": soak.load.clients, "live": LIVE_THREADS}
    findings = verdict.judge(soak.samples, clients, soak.seconds / 60)
    return 0 if write_report(given.out.parent, soak.samples, done, findings, soak.seconds, given) else 1


if __name__ == "__main__":
    sys.exit(main())
