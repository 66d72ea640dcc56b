"""What the server is asked: searches whose answers are checked, changes, swaps, and clients that behave badly."""

import json
import os
import queue
import threading
import time

import maxdot
import numpy as np
from bad_clients import BadRequests, Vanishing
from catalogue import DIMENSION, History, random_change
from comparison import compare, described
from protocols import CATALOGUES, HttpCatalogue, Refused, asker
from tally import Worker

LIVE, FILE, PROBE = "live", "items", "probe"


class Files:
    """The versions of the model of an index file, and which of them the server may have had when."""

    def __init__(self, folder, pool, random):
        self.folder, self.pool = folder, pool
        self.images, self.states, self.versions = [], [], {}
        for dtype, share in ((np.float32, 1.0), (np.float16, 1.0), (np.float32, 0.5), (np.float32, 0.1)):
            state = pool.random_state(random)
            state[random.random(len(state)) > share] = -1
            ids = np.flatnonzero(state >= 0)
            path = folder / "image"
            maxdot.Index.build(pool.rows[state[ids]].astype(dtype), ids=ids, metric="dot").save(path)
            self.images.append(path.read_bytes())
            self.states.append(state)
            path.unlink()
        self.windows = []
        self._lock = threading.Lock()
        self.write(0, FILE)
        self.write(0, PROBE)
        self.begin(0)

    def write(self, number, model, cut=None):
        """Beside the file of the model, then over it by a rename."""
        beside = self.folder / f"{model}.new"
        beside.write_bytes(self.images[number][:cut])
        os.rename(beside, self.folder / f"{model}.maxdot")

    def begin(self, number):
        """From now on the server may answer by this one."""
        with self._lock:
            self.windows.append([number, time.monotonic(), float("inf")])

    def end_of_those_before(self):
        """From now on it answers by the last one only."""
        with self._lock:
            now = time.monotonic()
            for window in self.windows[:-1]:
                window[2] = min(window[2], now)
            # A request that began before is long answered.
            self.windows = [window for window in self.windows if window[2] > now - 600]

    def may_be(self, number, began, ended):
        with self._lock:
            return any(n == number and first <= ended and began <= last for n, first, last in self.windows)


class Load:
    """Starts its threads; `stop` ends them when their requests are answered."""

    def __init__(self, server, files, pool, tally, seed):
        self.server, self.files, self.pool, self.tally = server, files, pool, tally
        self.over, self.unchecked = threading.Event(), queue.Queue()
        self.control = HttpCatalogue(server)
        self._learn_versions()
        self.history = History(self.control.version(LIVE))
        self.turn = 0
        bad, vanishing = BadRequests(server, pool, tally, LIVE, FILE), Vanishing(server, pool, tally, FILE)
        steps = []
        for protocol in CATALOGUES:
            steps += [(f"reader {i} by {protocol}", self._reader(protocol), 0.09) for i in range(3)]
            steps += [(f"writer {i} by {protocol}", self._writer(protocol), 0.5) for i in range(2)]
            steps.append((f"bad requests by {protocol}", bad.step_of(protocol), 0.5))
        steps.append(("reader by plain HTTP", self._reader("plain HTTP"), 0.2))
        steps += [
            ("swapper", self._swap, 2.5),
            ("monitor", self._monitor(), 5),
            ("vanishing clients", vanishing.step, 0.6),
        ]
        self.clients = len(steps)
        self.workers = [
            Worker(name, step, pause, self.over, tally, np.random.default_rng([seed, number]))
            for number, (name, step, pause) in enumerate(steps)
        ]
        self.checker = threading.Thread(target=self._check_all, daemon=True)
        self.checker.start()
        for worker in self.workers:
            worker.start()

    def _learn_versions(self):
        """Loads each file once as another model, whose version is the checksum that answers will name."""
        for number in range(len(self.files.images)):
            self.files.write(number, PROBE)
            self._load(PROBE)
            described = json.loads(self.control.call("GET", f"/v2/models/{PROBE}")[1])
            self.files.versions[described["versions"][0]] = number

    def _load(self, model, kind="load"):
        status, text = self.control.call("POST", f"/v2/repository/models/{model}/{kind}", b"")
        if status != 200:
            raise Refused(status, text.decode())

    def _reader(self, protocol):
        client = []  # Made by the thread that uses it: gevent's belong to their thread.

        def step(random):
            if not client or random.random() < 0.01:
                for _, close in client:
                    close()
                client[:] = [asker(self.server, protocol)]
            ask = client[0][0]
            asked = self.pool.question(random)
            if random.random() < 0.5:
                low = self.history.newest
                answer = ask(LIVE, self.pool, asked)
                self.unchecked.put((asked, answer, low, self.history.now()))
            else:
                began = time.monotonic()
                answer = ask(FILE, self.pool, asked)
                self._check_file(asked, answer, began, time.monotonic())
            self.tally.add(f"searches by {protocol}")
            self.tally.add("queries of searches", len(asked["queries"]))

        return step

    def _check_file(self, asked, answer, began, ended):
        ids, scores, version = answer
        self.tally.add("answers checked")
        number = self.files.versions.get(version)
        if number is None or not self.files.may_be(number, began, ended):
            self.tally.fail(
                "wrong answer", f"{FILE}: version {version} ({number}) was not current during the request"
            )
        elif not self.pool.is_right(self.files.states[number], asked, ids, scores):
            self.tally.fail("wrong answer", f"{FILE}, version {version} ({number}): {described(asked)}")

    def _check_all(self):
        while (item := self.unchecked.get()) is not None:
            try:
                self._check_live(*item)
            except Exception as error:
                self.tally.fail("unexpected error", f"checker: {type(error).__name__}: {error}")

    def _check_live(self, asked, answer, low, now):
        """It has every change that was answered before, and is the catalogue of one version from there on."""
        ids, scores, named = answer
        self.tally.add("answers checked")
        last = self.history.last_version(now)
        if not low <= int(named) <= last:
            self.tally.fail("wrong answer", f"{LIVE}: version {named} is not one of {low} to {last}")
            return
        for version in range(int(named), last + 1):
            if self.pool.is_right(self.history.state(version), asked, ids, scores):
                return
        self.tally.fail("wrong answer", f"{LIVE}, version {named} to {last}: {described(asked)}")

    def _writer(self, protocol):
        client = []

        def step(random):
            if not client:
                client.append(CATALOGUES[protocol](self.server))
            ids, rows = random_change(random, self.pool)
            change = self.history.begin()
            try:
                if np.ndim(rows):
                    dtype = np.float16 if random.random() < 0.3 else np.float32
                    version, items = client[0].upsert(LIVE, ids, self.pool.rows[rows].astype(dtype))
                else:
                    version, items = client[0].remove(LIVE, ids)
            except Refused:
                self.history.refused(change)
                raise
            self.history.end(change, version, items, ids, rows)
            self.tally.add(f"{'upserts' if np.ndim(rows) else 'removes'} by {protocol}")
            self.tally.add("items changed", items)

        return step

    def _swap(self, random):
        """Most turns: another version of the file. Some: first a damaged one, which is refused; or the probe."""
        self.turn += 1
        if self.turn % 10 == 0:
            self.files.write(self.turn // 10 % 4, FILE, cut=int(random.integers(1, len(self.files.images[3]))))
            try:
                self._load(FILE)
                self.tally.fail("wrong answer", "a file that was cut has been loaded")
            except Refused as refused:
                if refused.status != "500":
                    raise
            self.tally.add("damaged files refused")
        elif self.turn % 5 == 0:
            self._load(PROBE, "unload")
            self.files.write(self.turn // 5 % 4, PROBE)
            self._load(PROBE)
            self.tally.add("models unloaded and loaded")
            return
        number = self.turn % 4
        self.files.begin(number)
        self.files.write(number, FILE)
        if random.random() < 0.2:
            # It is found without a request, too: the server looks every second.
            time.sleep(2.5)
            wanted = next(version for version, n in self.files.versions.items() if n == number)
            end = time.monotonic() + 60
            while json.loads(self.control.call("GET", f"/v2/models/{FILE}")[1])["versions"][0] != wanted:
                if time.monotonic() > end:
                    raise AssertionError("a file that was written was not found in a minute")
                time.sleep(0.2)
        else:
            self._load(FILE)
        self.files.end_of_those_before()
        self.tally.add("swaps")

    def _monitor(self):
        """What a machine that watches the server asks."""
        client = HttpCatalogue(self.server)

        def step(random):
            for method, path in (
                ("GET", "/v2/health/ready"),
                ("GET", "/metrics"),
                ("GET", f"/v2/models/{FILE}/ready"),
                ("GET", f"/v2/models/{LIVE}"),
                ("GET", f"/v1/models/{LIVE}/stats"),
                ("POST", "/v2/repository/index"),
            ):
                status, text = client.call(method, path, b"" if method == "POST" else None)
                if status != 200:
                    self.tally.fail("unexpected error", f"{path}: {status}")
                elif path.endswith("stats") and json.loads(text)["compaction_error"]:
                    self.tally.fail("unexpected error", f"compaction: {text.decode()}")
            self.tally.add("looks of the monitor")

        return step

    def stop(self):
        self.over.set()
        for worker in self.workers:
            worker.join(120)
            if worker.is_alive():
                self.tally.fail("unexpected error", f"{worker.name} does not end: a request is not answered")
        self.history.writers_have_ended()
        self.unchecked.put(None)
        self.checker.join(120)

    def metrics(self):
        return self.control.call("GET", "/metrics")[1].decode()

    def check_folder(self, folder):
        """After the server has ended: the folder has every change that it has answered."""
        with maxdot.LiveIndex.open(folder, read_only=True) as live:
            compare(live, self.history, self.pool, self.tally)


def live_folder(folder):
    """An empty catalogue, which the server will write."""
    maxdot.LiveIndex.create(folder / LIVE, DIMENSION, metric="dot").close()
    return folder / LIVE
