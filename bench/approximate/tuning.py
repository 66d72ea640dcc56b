"""Recall, and the fastest search setting that reaches it."""

import numpy as np

K = 10
TRIAL, TRIALS = 0.1, 3  # seconds that a candidate is timed, and how often, if there is more than one
STRIDE = 8  # settings: about twice the time each. More would try settings far beyond the one that is sought


def _scores(items, ids, queries):
    return (items[ids].astype(np.float64) * queries.astype(np.float64)).sum(1)


def recall(ids, truth, items, queries):
    """Share of the true best that was found. An item that ties with the last of them is as good as it."""
    ids = np.sort(np.where(ids < len(items), ids, -1), axis=1)
    valid = (ids >= 0) & (np.diff(ids, axis=1, prepend=-1) > 0)  # nothing counts twice
    hit = valid & (ids[:, :, np.newaxis] == truth[:, np.newaxis, :]).any(2)
    rows, places = np.nonzero(valid & ~hit)
    last = _scores(items, truth[:, -1], queries)
    hit[rows, places] = _scores(items, ids[rows, places], queries[rows]) >= last[rows]
    return hit.sum() / truth.size


class Tuner:
    """The settings of one library for one size."""

    def __init__(self, process, n, threads, items, queries, truth, scratch):
        self.process, self.threads = process, threads
        self.items, self.queries, self.truth, self.scratch = items, queries, truth, scratch
        self.chains = process.ask_for("chains", n=n, k=K)["chains"]
        self.known = {}

    def recall(self, setting, which="tuning"):
        """Each setting is asked once for each set of queries."""
        key = which, *setting.items()
        if key not in self.known:
            self.process.ask_for("answer", setting=setting, which=which, k=K, out=str(self.scratch))
            ids = np.load(self.scratch)
            self.known[key] = recall(ids, self.truth[which], self.items, self.queries[which])
        return self.known[key]

    def _first(self, chain, target):
        """The first setting that reaches the target, or None: by strides, then by halves."""
        below, at = -1, 0
        while self.recall(chain[at]) < target:
            if at == len(chain) - 1:
                return None
            below, at = at, min(at + STRIDE, len(chain) - 1)
        while at - below > 1:
            middle = (at + below) // 2
            if self.recall(chain[middle]) < target:
                below = middle
            else:
                at = middle
        return chain[at]

    def best(self):
        """The highest recall of any setting that was tried."""
        return max(value for (which, *_), value in self.known.items() if which == "tuning")

    def choose(self, target, shapes):
        """The fastest setting for each shape; nothing if the target is not reached."""
        found = [self._first(chain, target) for chain in self.chains]
        candidates = [setting for setting in found if setting is not None]
        if len(candidates) < 2:
            return {shape.name: setting for shape in shapes for setting in candidates}
        return {shape.name: self._fastest(candidates, shape) for shape in shapes}

    def _fastest(self, candidates, shape):
        """By the best of several timings, which alternate."""
        asked = {"which": "tuning", "batch": shape.batch, "threads": shape.threads(self.threads), "k": K}
        best = [float("inf")] * len(candidates)
        for _ in range(TRIALS):
            for at, setting in enumerate(candidates):
                reply = self.process.ask_for("measure", setting=setting, seconds=TRIAL, **asked)
                best[at] = min(best[at], reply["seconds"])
        return candidates[best.index(min(best))]
