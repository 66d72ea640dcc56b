"""One library asked by many Python threads, in a process of its own, by the protocol of worker.py."""

import concurrent.futures
import pathlib
import threading
import time

import numpy as np
import worker
from peers import PEERS, Maxdot
from peers_index import Hnswlib

LOOKS = 20  # at the threads of the process, in a turn
WAIT = 60  # seconds that callers wait for each other at most


def _threads():
    status = pathlib.Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.split("\nThreads:")[1].split()[0])


class MaxdotBatcher(Maxdot):
    SETTING = "maxdot.Batcher as it comes: callers share searches."

    def build(self, items):
        import maxdot

        super().build(items)
        self.batcher = maxdot.Batcher(self.index, threads=self.threads)

    def search(self, queries, k):
        return self.batcher.search(queries, k)[0]


class HnswlibGraph(Hnswlib):
    approximate = True
    SETTING = 'Index, space "ip", M = 32, ef_construction = 200, ef = 400: approximate, for scale.'

    def build(self, items):
        import hnswlib

        self.index = hnswlib.Index(space="ip", dim=items.shape[1])
        self.index.init_index(max_elements=len(items), M=32, ef_construction=200)
        self.index.add_items(items)
        self.index.set_ef(400)


# Only callers are interested in these.
PEERS.update({"maxdot Batcher": MaxdotBatcher, "hnswlib HNSW": HnswlibGraph})


class Caller(worker.Worker):
    def build(self, items, queries):
        built = super().build(items, queries)
        self.resting = worker.memory("VmRSS")
        return built

    def ask(self, callers, threads, k, seconds):
        """`callers` threads ask a query at a time for `seconds`; a search may take `threads` threads, 0 = its default.

        Times are in seconds. `threads` of the answer are the most that the process had, `grown` what it has taken since
        it was built, in bytes.
        """
        self.done = False
        together = threading.Barrier(callers + 1, timeout=WAIT)
        with concurrent.futures.ThreadPoolExecutor(callers) as pool:
            asked = [pool.submit(self._call_on, number, threads, k, together) for number in range(callers)]
            together.wait()
            begin, most = time.perf_counter(), 0
            for _ in range(LOOKS):
                time.sleep(seconds / LOOKS)
                most = max(most, _threads())
            self.done = True
            times = np.concatenate([one.result() for one in asked])
            took = time.perf_counter() - begin
        return {
            "queries_per_second": len(times) / took,
            "p50": float(np.quantile(times, 0.5)),
            "p99": float(np.quantile(times, 0.99)),
            "threads": most,
            "grown": worker.memory("VmRSS") - self.resting,
        }

    def _call_on(self, number, threads, k, together):
        """Times of the calls of one thread. OpenMP has a number of threads for each thread that asks."""
        self.peer.set_threads(threads)
        self.peer.search(self.queries[:1], k)  # takes what it keeps
        together.wait()
        times = []
        while not self.done:
            at = (number + len(times)) % len(self.queries)
            query = self.queries[at : at + 1]
            start = time.perf_counter()
            self.peer.search(query, k)
            times.append(time.perf_counter() - start)
        return times


if __name__ == "__main__":
    worker.Worker = Caller  # the protocol stays, the requests are those of Caller
    worker.main()
