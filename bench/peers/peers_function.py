"""Libraries whose exact search is a function of the rows."""

import concurrent.futures
import contextlib

import numpy as np
from peer import Peer


class Usearch(Peer):
    package = "usearch"
    SETTING = "search(..., MetricKind.IP, exact=True, threads=all): its exact path, which needs no index."

    def build(self, items):
        self.items = items

    def search(self, queries, k):
        from usearch.index import MetricKind, search

        found = search(self.items, queries, k, MetricKind.IP, exact=True, threads=self.threads)
        return found.keys.reshape(len(queries), -1).astype(np.int64)


# Scores that NumPy holds at once, 256 MB: those of 4,096 queries and 1,000,000 items would take 16 GB, and as
# much again twice for their positions.
SCORES = 1 << 26


class Numpy(Peer):
    package = "numpy"
    variants = ("threads in BLAS", "threads over queries", "threads over items")
    SETTING = (
        "matmul, argpartition, sort of the k. argpartition has one thread, so three ways to use all are tried: "
        "BLAS threads, Python threads over queries, Python threads over items (each with one BLAS thread). "
        "Queries go in blocks whose scores take 256 MB."
    )

    def build(self, items):
        import threadpoolctl

        self.items = items
        self.blas = threadpoolctl.ThreadpoolController().select(user_api="blas")
        self.pool = concurrent.futures.ThreadPoolExecutor(self.threads)
        self.use(self.variants[0])

    def set_threads(self, threads):
        self.threads = threads
        self.blas.limit(limits=threads)

    def use(self, variant):
        self.variant = variant

    @classmethod
    def _best(cls, queries, items, k, first=0):
        rows = max(1, SCORES // len(items))
        parts = [queries[begin : begin + rows] for begin in range(0, max(1, len(queries)), rows)]
        blocks = [cls._best_of_block(part, items, k, first) for part in parts]
        return blocks[0] if len(blocks) == 1 else tuple(np.concatenate(part) for part in zip(*blocks))

    @staticmethod
    def _best_of_block(queries, items, k, first):
        scores = queries @ items.T
        k = min(k, len(items))
        ids = np.argpartition(scores, len(items) - k, axis=1)[:, len(items) - k :]
        kept = np.take_along_axis(scores, ids, 1)
        order = np.argsort(-kept, axis=1)
        return np.take_along_axis(ids, order, 1) + first, np.take_along_axis(kept, order, 1)

    def search(self, queries, k):
        inside = self.variant == "threads in BLAS"
        with contextlib.nullcontext() if inside else self.blas.limit(limits=1):
            if inside:
                return self._best(queries, self.items, k)[0]
            if self.variant == "threads over queries":
                parts = np.array_split(queries, self.threads)
                return np.concatenate(
                    [f[0] for f in self.pool.map(lambda q: self._best(q, self.items, k), parts)]
                )
            cuts = np.linspace(0, len(self.items), self.threads + 1).astype(int)
            spans = list(zip(cuts[:-1], cuts[1:]))
            found = list(
                self.pool.map(lambda s: self._best(queries, self.items[s[0] : s[1]], k, s[0]), spans)
            )
            ids, scores = (np.concatenate(part, axis=1) for part in zip(*found))
            order = np.argsort(-scores, axis=1, kind="stable")[:, :k]
            return np.take_along_axis(ids, order, 1)


class Implicit(Peer):
    package = "implicit"
    SETTING = "implicit.cpu.topk.topk, num_threads=all: what its recommenders call."

    def build(self, items):
        self.items = items

    def search(self, queries, k):
        from implicit.cpu.topk import topk

        return topk(self.items, queries, k, num_threads=self.threads)[0].astype(np.int64)
