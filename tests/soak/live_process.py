"""The other process of a soak: a maxdot.LiveIndex under writers, readers, compactions, replacements and reopenings.

Started by soak.py. Writes what it has done to a file every few seconds and, once more, when SIGTERM ends it.
"""

import argparse
import collections
import json
import os
import pathlib
import signal
import threading

import maxdot
import numpy as np
from catalogue import DIMENSION, History, Pool, random_change
from comparison import compare, described
from tally import Gate, Tally, Worker


class Live:
    HELD = 8  # Snapshots that are asked again much later.

    def __init__(self, folder, pool, tally):
        self.folder, self.pool, self.tally = folder, pool, tally
        self.options = {"fresh_items": 512}
        self.live = maxdot.LiveIndex.create(folder / "items", DIMENSION, metric="dot", **self.options)
        self.batcher = maxdot.Batcher(self.live)
        self.reader = maxdot.LiveIndex.open(folder / "items", read_only=True)
        self.history = History(self.live.version)
        self.held = collections.deque()
        self.gate = Gate()
        self.turn = 0

    def write(self, random):
        ids, rows = random_change(random, self.pool)
        change = self.history.begin()
        if np.ndim(rows):
            dtype = np.float16 if random.random() < 0.3 else np.float32
            done = self.live.upsert(ids, self.pool.rows[rows].astype(dtype))
        else:
            done = self.live.remove(ids)
        self.history.end(change, done.version, done.items, ids, rows)
        self.tally.add("upserts" if np.ndim(rows) else "removes")
        self.tally.add("items changed", done.items)

    def read(self, random):
        asked = self.pool.question(random)
        kind = str(random.choice(["snapshot", "live", "batcher", "reader", "range", "held"]))
        low = self.history.newest
        if kind in ("live", "batcher"):
            answer = self._search(self.live if kind == "live" else self.batcher, asked)
            self._check(asked, answer, low, self.history.last_version(self.history.now()))
        elif kind == "held":
            self._ask_held(asked)
        else:
            if kind == "reader":
                self.reader.refresh()
            snapshot = (self.reader if kind == "reader" else self.live).snapshot()
            self.history.wait(snapshot.version)
            if snapshot.version < low:
                self.tally.fail("wrong answer", f"{kind}: version {snapshot.version} is older than {low}")
            if kind == "range":
                self._check_range(snapshot, asked)
            else:
                self._check(asked, self._search(snapshot, asked), snapshot.version, snapshot.version)
        self.tally.add(f"searches: {kind}")

    def _search(self, searched, asked):
        lists = {name: asked[name] for name in ("exclude", "allow") if asked[name] is not None}
        rows = self.pool.queries[asked["queries"]]
        return searched.search(rows, asked["k"], metric=asked["metric"], scores="f64", **lists)

    def _check(self, asked, answer, first, last):
        self.tally.add("answers checked")
        for version in range(first, last + 1):
            if self.pool.is_right(self.history.state(version), asked, *answer):
                return
        self.tally.fail("wrong answer", f"version {first} to {last}: {described(asked)}")

    def _check_range(self, snapshot, asked):
        """All items at least as good as a score that is that of an item."""
        state, query = self.history.state(snapshot.version), asked["queries"][0]
        ids, scores = self.pool.best(state, query, asked["k"], "dot")
        if len(ids) == 0:
            return
        self.tally.add("answers checked")
        _, found, values = snapshot.search_range(
            self.pool.queries[[query]], float(scores[-1]), metric="dot", scores="f64"
        )
        everything = self.pool.best(state, query, len(state), "dot")
        ids, scores = (of[everything[1] >= scores[-1]] for of in everything)
        if not np.array_equal(found, ids) or not np.array_equal(values, scores):
            self.tally.fail(
                "wrong answer", f"search_range, version {snapshot.version}: another answer than the oracle"
            )

    def _ask_held(self, asked):
        """The oldest of the snapshots that were kept, and one more is kept."""
        snapshot = self.live.snapshot()
        self.history.wait(snapshot.version)
        self.held.append((snapshot, self.history.state(snapshot.version)))
        if len(self.held) <= self.HELD:
            return
        snapshot, state = self.held.popleft()
        self.tally.add("answers checked")
        if not self.pool.is_right(state, asked, *self._search(snapshot, asked)):
            self.tally.fail("wrong answer", f"an old snapshot, version {snapshot.version}: {described(asked)}")

    def maintain(self, random):
        self.turn += 1
        kinds = (self._compact, self._replace, self._compact, self._look, self._compact, self._reopen)
        kinds[self.turn % len(kinds)](random)

    def _compact(self, random):
        with self.gate.shared():
            self.live.compact()
            self.tally.add("compactions")

    def _replace(self, random):
        """By an index, and by the path of a file."""
        with self.gate.shared():
            state = self.pool.random_state(random)
            ids = np.flatnonzero(state >= 0)
            index = maxdot.Index.build(self.pool.rows[state[ids]].astype(np.float32), ids=ids, metric="dot")
            change = self.history.begin()
            if self.turn % 12 < 6:
                index.save(self.folder / "index.maxdot")
                done = self.live.replace(self.folder / "index.maxdot")
            else:
                done = self.live.replace(index)
            self.history.end(change, done.version, len(ids), None, state)
            self.tally.add("replacements of all items")

    def _look(self, random):
        """Another reader opens the folder, and goes."""
        with self.gate.shared(), maxdot.LiveIndex.open(self.folder / "items", read_only=True) as other:
            snapshot = other.snapshot()
            self.history.wait(snapshot.version)
            asked = self.pool.question(random)
            self._check(asked, self._search(snapshot, asked), snapshot.version, snapshot.version)
            self.tally.add("readers opened")

    def _reopen(self, random):
        """Alone: it is closed and opened, and is what it was."""
        with self.gate:
            self.close()
            self.live = maxdot.LiveIndex.open(self.folder / "items", **self.options)
            self.batcher = maxdot.Batcher(self.live)
            self.reader = maxdot.LiveIndex.open(self.folder / "items", read_only=True)
            compare(self.live, self.history, self.pool, self.tally)
            self.tally.add("reopened")

    def close(self):
        error = self.live.stats()["compaction_error"]
        if error:
            self.tally.fail("unexpected error", f"compaction: {error}")
        self.batcher.close()
        self.live.close()
        self.reader.close()


def write_summary(path, tally):
    beside = path.with_suffix(".new")
    beside.write_text(json.dumps(tally.summary()))
    os.replace(beside, path)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=pathlib.Path, required=True, help="an empty folder for the catalogue")
    parser.add_argument("--summary", type=pathlib.Path, required=True, help="the file that tells what was done")
    parser.add_argument("--seed", type=int, required=True)
    options = parser.parse_args()

    over = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: over.set())
    tally, pool = Tally(), Pool(options.seed)
    live = Live(options.folder, pool, tally)
    steps = [(f"writer {i}", live.write, 0.4, live.gate) for i in range(2)]
    steps += [(f"reader {i}", live.read, 0.1, live.gate) for i in range(3)]
    steps.append(("maintenance", live.maintain, 4, None))
    workers = [
        Worker(name, step, pause, over, tally, np.random.default_rng([options.seed, number]), gate)
        for number, (name, step, pause, gate) in enumerate(steps)
    ]
    for worker in workers:
        worker.start()
    while not over.wait(5):
        write_summary(options.summary, tally)
    for worker in workers:
        worker.join(120)
        if worker.is_alive():
            tally.fail("unexpected error", f"{worker.name} does not end")
    live.history.writers_have_ended()
    live._reopen(None)
    live.close()
    write_summary(options.summary, tally)


if __name__ == "__main__":
    main()
