"""One library in a process of its own, by the protocol of bench/peers/worker.py."""

import ctypes
import gc
import importlib.metadata
import os
import pathlib
import signal
import time

import beside_peers  # noqa: F401
import numpy as np
import worker
from libraries import LIBRARIES

C = ctypes.CDLL(None)
PR_SET_PDEATHSIG = 1
WARM = 0.1  # share of a turn that is not counted: the others have had the caches


def _memory():
    """Resident bytes, without what the allocator only keeps for later."""
    gc.collect()
    C.malloc_trim(0)
    pages = int(pathlib.Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


class Searcher:
    def __init__(self, name, threads):
        C.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)  # a killed run leaves no process behind
        self.threads = threads
        self.library = LIBRARIES[name](threads)
        self.version = importlib.metadata.version(self.library.package)
        self.at = 0

    def build(self, items, n, folder):
        """Time is that of the library, given float32 rows in memory; memory includes rows that it keeps."""
        tiny = np.load(items, mmap_mode="r")[:1000].copy()
        self.library.build(tiny)  # imports and pools are not part of the index
        self.library = type(self.library)(self.threads)
        del tiny
        before = _memory()
        rows = np.array(np.load(items, mmap_mode="r")[:n])
        start, cpu = time.perf_counter(), time.process_time()
        self.library.build(rows)
        built = {"seconds": time.perf_counter() - start, "cpu_seconds": time.process_time() - cpu}
        del rows
        built.update(bytes=_memory() - before, version=self.version, stored=False)
        if self.library.storable:
            try:
                self.library.save(pathlib.Path(folder))
                built["stored"] = True
            except Exception as error:  # searched without being stored, then
                built["not_stored"] = f"{type(error).__name__}: {error}"
        return built

    def load(self, folder, n, d):
        self.library.load(pathlib.Path(folder), n, d)
        return {}

    def begin(self, tuning, measured):
        self.queries = {"tuning": np.load(tuning), "measured": np.load(measured)}
        return {}

    def chains(self, n, k):
        return {"chains": self.library.chains(n, k)}

    def truth(self, which, k, out):
        """The exact ids; maxdot only."""
        np.save(out, self.library.search(self.queries[which], k))
        return {}

    def answer(self, setting, which, k, out):
        self.library.use(setting)
        self.library.set_threads(self.threads)
        np.save(out, np.asarray(self.library.search(self.queries[which], k)))
        return {}

    def measure(self, setting, which, batch, threads, k, seconds):
        """Mean seconds of a query over calls that last `seconds` together, or one call that is longer."""
        self.library.use(setting)
        self.library.set_threads(threads)
        self._calls(which, batch, k, WARM * seconds)
        total, calls = self._calls(which, batch, k, seconds)
        return {"seconds": total / calls / batch, "spent": total}

    def _calls(self, which, batch, k, seconds):
        queries, total, calls = self.queries[which], 0.0, 0
        while total < seconds or calls == 0:
            if self.at + batch > len(queries):
                self.at = 0
            asked = queries[self.at : self.at + batch]
            self.at += batch
            start = time.perf_counter()
            self.library.search(asked, k)
            total += time.perf_counter() - start
            calls += 1
        return total, calls


if __name__ == "__main__":
    worker.Worker = Searcher  # the protocol stays, the requests are those of Searcher
    worker.main()
