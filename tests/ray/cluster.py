"""What the tests do with applications: run, ask, kill."""

import contextlib
import json
import os
import pathlib
import signal
import socket
import threading
import time
import urllib.error
import urllib.request

import numpy as np
from maxdot.ray import serve as maxdot_serve
from ray import serve

SMALL = {"ray_actor_options": {"num_cpus": 0.1}}
PATIENCE = 60  # [seconds] far beyond what anything here takes


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def application(paths, **how):
    """With small replicas, one of each, that Serve looks after every second."""
    options = {
        "replicas": 1,
        "timeout": PATIENCE,
        **how,
        "shard_options": {**SMALL, "health_check_period_s": 1, **how.get("shard_options", {})},
        "front_options": {**SMALL, **how.get("front_options", {})},
    }
    return maxdot_serve.application(paths, **options)


def run_application(port, name, paths, **how):
    return Running(port, name, serve.run(application(paths, **how), name=name, route_prefix=f"/{name}"))


class Running:
    """An application that runs."""

    def __init__(self, port, name, handle):
        self.url = f"http://127.0.0.1:{port}/{name}"
        self.name = name
        self.handle = handle

    def search(self, *arguments, **how):
        return self.handle.search.remote(*arguments, **how).result(timeout_s=PATIENCE)

    def post(self, body, method="POST"):
        """The status and the object that came, for `body`, an object or bytes; of an error of Serve's its text."""
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        request = urllib.request.Request(self.url, data, method=method)
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE) as response:
                return response.status, json.load(response)
        except urllib.error.HTTPError as error:
            text = error.read()
            return error.code, json.loads(text) if text.startswith(b"{") else text

    def processes(self, deployment):
        """Of its replicas, which are named like it; the name of the application has the number of this process."""
        found = set()
        for folder in pathlib.Path("/proc").glob("[0-9]*"):
            try:
                title = (folder / "cmdline").read_bytes().decode(errors="replace")
            except OSError:  # it has ended
                continue
            if title.startswith(f"ray::ServeReplica:{self.name}:{deployment}"):
                found.add(int(folder.name))
        return found

    @contextlib.contextmanager
    def stopped(self, deployment):
        """Its replicas hang until the end of the block."""
        processes = self.processes(deployment)
        assert processes
        for process in processes:
            os.kill(process, signal.SIGSTOP)
        try:
            yield
        finally:
            for process in processes:
                os.kill(process, signal.SIGCONT)

    def kill_one(self, deployment):
        process = min(self.processes(deployment))
        os.kill(process, signal.SIGKILL)
        return process


class Callers:
    """`with Callers(search, right) as callers:` has threads that search until the end of the block.

    Each answer must be one of `right`; an error, or another answer, is in `failures`.
    """

    def __init__(self, search, right, count=6):
        self._search, self._right = search, right
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._call) for _ in range(count)]
        self.failures = []
        self.answered = 0

    def _call(self):
        while not self._stop.is_set():
            try:
                answer = self._search()
                assert any(is_same(answer, right) for right in self._right), "another answer"
                self.answered += 1
            except Exception as error:  # whatever it is, a caller has seen it
                self.failures.append(error)

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        self.some()
        return self

    def __exit__(self, *_):
        self._stop.set()
        for thread in self._threads:
            thread.join(2 * PATIENCE)

    def some(self):
        """Waits until more answers have come."""
        enough = self.answered + len(self.failures) + 20
        until(lambda: self.answered + len(self.failures) >= enough)


def is_same(answer, expected, missing=()):
    return answer.missing_shards == missing and all(
        mine.dtype == its.dtype and mine.shape == its.shape and mine.tobytes() == its.tobytes()
        for mine, its in zip(answer[:2], expected, strict=True)
    )


def assert_same(answer, expected, missing=()):
    assert is_same(answer, expected, missing), (answer, expected)


def assert_same_json(answer, expected, missing=()):
    """As written and read again: float32 as numbers, none where there is no item."""
    ids, scores = expected
    assert answer["ids"] == ids.tolist()
    assert answer["scores"] == [[x if np.isfinite(x) else None for x in row] for row in scores.tolist()]
    assert answer["missing"] == list(missing)


def until(true):
    """Waits until `true()` is."""
    end = time.monotonic() + PATIENCE
    while not (value := true()):
        assert time.monotonic() < end
        time.sleep(0.1)
    return value


def split(rows, shards, seed=0):
    """Rows dealt to shards at random, each to one."""
    owner = np.random.default_rng(seed).integers(0, shards, rows)
    return [np.flatnonzero(owner == shard) for shard in range(shards)]
