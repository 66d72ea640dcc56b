#!/usr/bin/env python3
"""Faults in maxdot-server: it ends with a message before it is ready, or it answers.

What a fault spoils is one request, not the next.

    server.py --server BIN/maxdot-server [--binary BIN/maxdot] [--out build/faults] [--kind KIND] [--at N]

A life: start, two requests by HTTP, SIGTERM. Memory is left out: gRPC and Abseil end the process when they get
none.
"""

from __future__ import annotations

import concurrent.futures
import json
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import urllib.error
import urllib.request

from choice import arguments, carry_out, is_chosen
from judge import NEVER
from report import Report, numbers_to_try
from running import Fault, Outcome, Runner
from scenarios import DIMENSION, ITEMS, write_rows

FAULTS = (
    Fault("thread", "EAGAIN"),
    Fault("open", "EMFILE"),
    Fault("open", "EACCES"),
    Fault("read", "EIO", files=True),
    Fault("read", "short", files=True),
    Fault("read", "EINTR", files=True),
    Fault("stat", "EIO"),
    Fault("close", "EIO"),
    Fault("socket", "EMFILE"),
    Fault("accept", "EMFILE"),
    Fault("accept", "EMFILE", lasts=True),
)
CODES = (0, 3, 5, 6)
SECONDS = 10  # after which it hangs
BODY = json.dumps(
    {
        "parameters": {"k": 3},
        "inputs": [{"name": "queries", "datatype": "FP32", "shape": [1, DIMENSION], "data": [0.5] * DIMENSION}],
    }
).encode()


def ask(port: int) -> tuple[int, str]:
    """Status and answer; 0 where the connection was closed."""
    request = urllib.request.Request(f"http://127.0.0.1:{port}/v2/models/items/infer", BODY)
    try:
        with urllib.request.urlopen(request, timeout=SECONDS) as response:
            return response.status, response.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()
    except OSError as error:
        return 0, str(error)


class Life:
    """Of one server, from its start to its end."""

    def __init__(self, requests: int) -> None:
        self.requests = requests
        self.answers: list[tuple[int, str]] = []
        self.ready = False

    def carry_out(self, command: list[str], folder: pathlib.Path, environment: dict[str, str]) -> Outcome:
        process = subprocess.Popen(
            command, cwd=folder, env=environment, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True
        )
        # Of the server, too, where that is its tracer: the server ends with it.
        watch = threading.Timer(SECONDS, process.kill)
        watch.start()
        lines, port = [], 0
        for line in process.stderr:
            lines.append(line)
            event = json.loads(line) if line.startswith("{") else {}
            port = event.get("http_port", port)
            if event.get("event") == "ready":
                self.ready = True
                self.answers = [ask(port) for _ in range(self.requests)]
                process.send_signal(signal.SIGTERM)
        code = process.wait()
        hung = not watch.is_alive()
        watch.cancel()
        process.stderr.close()
        return Outcome(None if hung else code, "", "".join(lines), fired=hung)


def problems_of(life: Life, outcome: Outcome, fault: Fault, right: str) -> list[str]:
    if outcome.code is None:
        return ["did not end"]
    if outcome.code < 0:
        return [f"died of signal {-outcome.code}: {outcome.stderr[-300:]}"]
    problems = ["said what it must not"] if NEVER.search(outcome.stderr) else []
    if outcome.code not in CODES:
        problems.append(f"exit {outcome.code} is not one of those that are documented for it")
    if not life.ready:
        told = re.search(r"^maxdot: error: \S+", outcome.stderr, re.MULTILINE)
        return problems + (
            [] if outcome.code != 0 and told else [f"exit {outcome.code} before it was ready, without a message"]
        )
    if outcome.code != 0:
        problems.append(f"exit {outcome.code} after SIGTERM")
    wrong = [answer for answer in life.answers if answer[0] == 200 and answer[1] != right]
    problems += [f"a wrong answer: {answer}" for answer in wrong]
    if not fault.lasts and life.answers[-1] != (200, right):
        problems.append(f"the second request: {life.answers[-1]}")
    return problems


def try_one(runner: Runner, program: list[str], template: pathlib.Path, fault: Fault, right: str) -> dict:
    with tempfile.TemporaryDirectory(dir=template.parent) as scratch:
        folder = pathlib.Path(scratch) / "here"
        shutil.copytree(template, folder)
        life = Life(0 if fault.lasts else 2)
        outcome = runner.run(program, folder, fault, True, life.carry_out)
    problems = problems_of(life, outcome, fault, right) if outcome.fired else []
    told = {
        "at": fault.at,
        "code": outcome.code,
        "state": "ready" if life.ready else "old",
        "left": [],
        "problems": problems,
    }
    told |= {
        "call": outcome.call,
        "about": outcome.about.replace(str(folder), "."),
        "stderr": outcome.stderr[-500:],
    }
    return told | {"fired": outcome.fired, "calls": outcome.calls}


def main() -> int:
    options = arguments(__doc__)

    def body(report: Report, runner: Runner, folder: pathlib.Path) -> None:
        template = folder / "files"
        template.mkdir()
        write_rows(template / "items.npy", ITEMS, 1)
        build = [options.binary, "build", "items.npy", "-o", "items.maxdot"]
        subprocess.run(build, cwd=template, check=True, capture_output=True)
        program = [options.server, "items.maxdot", "--grpc-port", "0", "--http-port", "0", "--threads", "2"]
        life = Life(1)
        outcome = runner.run(program, template, None, True, life.carry_out)
        if outcome.code != 0 or life.answers[0][0] != 200:
            raise AssertionError(f"without a fault: {outcome}, {life.answers}")
        right = life.answers[0][1]

        def one(fault: Fault) -> dict:
            return try_one(runner, program, template, fault, right)

        with concurrent.futures.ThreadPoolExecutor(2) as workers:
            for fault in FAULTS:
                if not is_chosen(fault, options):
                    continue
                calls = one(fault.numbered(0))["calls"]
                numbers = [options.at] if options.at else numbers_to_try(calls, 30, 20)
                tried = workers.map(one, [fault.numbered(at) for at in numbers])
                report.add("server", fault.name, calls, [each for each in tried if each["fired"]])
                report.write(options.out)
                report.tell(options.verbose)

    return carry_out("server", options, body)


if __name__ == "__main__":
    sys.exit(main())
