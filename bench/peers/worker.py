"""One library in a process of its own: JSON requests on stdin, one JSON answer a line on what was stdout."""

import gc
import importlib.metadata
import itertools
import json
import os
import pathlib
import sys
import time

import numpy as np
from peers import PEERS

SHORTEST = 0.02  # seconds that one timing lasts at least: short calls are repeated, and the mean counts


def memory(field):
    for line in pathlib.Path("/proc/self/status").read_text().splitlines():
        if line.startswith(field + ":"):
            return int(line.split()[1]) * 1024
    raise ValueError(f"{field}: not in /proc/self/status")


class Worker:
    def __init__(self, name, threads):
        self.threads = threads
        self.peer = PEERS[name](threads)
        self.version = importlib.metadata.version(self.peer.package)
        self.at = 0

    def build(self, items, queries):
        """Time is that of the library, given float32 rows; memory includes the rows if it keeps them."""
        self.peer.__init__(self.threads)  # lets go of the data set before
        for attribute in ("index", "items", "searcher"):
            self.peer.__dict__.pop(attribute, None)
        gc.collect()
        tiny = np.load(items, mmap_mode="r")[:64].copy()
        self.peer.build(tiny)  # imports and pools are not part of the index
        self.peer.search(tiny[:1], 1)
        before = memory("VmRSS")
        rows = np.load(items)
        start = time.perf_counter()
        self.peer.build(rows)
        seconds = time.perf_counter() - start
        del rows
        gc.collect()
        self.queries = np.load(queries)
        self.baseline = before
        return {
            "seconds": seconds,
            "bytes": memory("VmRSS") - before - self.queries.nbytes,
            "version": self.version,
        }

    def _next(self, batch):
        if self.at + batch > len(self.queries):
            self.at = 0
        self.at += batch
        return self.queries[self.at - batch : self.at]

    def _call(self, batch, k):
        queries = self._next(batch)
        start = time.perf_counter()
        self.peer.search(queries, k)
        return time.perf_counter() - start

    def prepare(self, batch, k, seconds):
        """Tries the variants, keeps the fastest. One that is slow at once is not tried again."""
        times = {}
        counts = sorted({1, self.threads}) if batch <= 16 else [self.threads]
        for variant, threads in itertools.product(self.peer.variants, counts):
            self._use(variant, threads)
            took = [self._call(batch, k)]
            hopeful = took[0] < min(seconds, 2 * min(times.values(), default=seconds))
            while hopeful and (len(took) < 3 or sum(took) < 2 * SHORTEST):
                took.append(self._call(batch, k))
            times[variant, threads] = min(took)
        best = min(times, key=times.get)
        self._use(*best)
        label = ", ".join(filter(None, [best[0], "one thread" if best[1] < self.threads else ""]))
        return {"variant": label, "seconds": times[best]}

    def _use(self, variant, threads):
        self.peer.use(variant)
        self.peer.set_threads(threads)

    def measure(self, batch, k):
        self._call(1, 1)  # the pause between turns has put caches and threads to sleep
        calls, total = 0, 0.0
        while total < SHORTEST:
            total += self._call(batch, k)
            calls += 1
        return {"seconds": total / calls}

    def answer(self, count, k, out):
        """Ids of the first `count` queries, asked at once, and whether those asked one by one are the same."""
        self._use(self.peer.variants[0], self.threads)
        together = np.asarray(self.peer.search(self.queries[:count], k))
        np.save(out, together.astype(np.int64))
        alone = [np.asarray(self.peer.search(self.queries[i : i + 1], k))[0] for i in range(min(count, 64))]
        same = np.mean([np.array_equal(a, b) for a, b in zip(alone, together)])
        return {"batch_invariant": float(same)}

    def peak(self, batch, k):
        """Most memory during one call, beyond what the process had before the data."""
        self._use(self.peer.variants[0], self.threads)
        pathlib.Path("/proc/self/clear_refs").write_text("5")
        self._call(batch, k)
        return {"bytes": memory("VmHWM") - self.baseline - self.queries.nbytes}


def main():
    name, threads = sys.argv[1], int(sys.argv[2])
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # libraries that print must not break the protocol
    try:
        worker = Worker(name, threads)
        reply = {"version": worker.version}
    except Exception as error:
        reply = {"error": f"{type(error).__name__}: {error}"}
    print(json.dumps(reply), file=answers, flush=True)
    for line in sys.stdin:
        request = json.loads(line)
        try:
            reply = getattr(worker, request.pop("do"))(**request)
        except Exception as error:
            reply = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(reply), file=answers, flush=True)


if __name__ == "__main__":
    main()
