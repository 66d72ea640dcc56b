"""maxdot for ann-benchmarks (github.com/erikbern/ann-benchmarks): one exact point on its recall plots."""

import numpy as np
from maxdot import Index

from ..base.module import BaseANN

METRICS = {"angular": "cosine", "euclidean": "euclidean", "ip": "dot"}


class Maxdot(BaseANN):
    """Exact search. `dtype` float16 halves the memory, and is exact for the rounded items."""

    def __init__(self, metric, dtype="float32"):
        if metric not in METRICS:
            raise NotImplementedError(f"metric: {metric!r} is not one of {', '.join(METRICS)}")
        self._metric = METRICS[metric]
        self._dtype = np.dtype(dtype)
        self._index = None
        self._found = None
        self.name = str(self)

    def fit(self, X):
        self._index = Index.build(np.ascontiguousarray(X, dtype=self._dtype), metric=self._metric)

    def query(self, v, n):
        # ann-benchmarks pins its containers to one core for single queries: threads=0 then means that core.
        return self._index.search(np.asarray(v, dtype=np.float32), n)[0]

    def batch_query(self, X, n):
        self._found = self._index.search(np.ascontiguousarray(X, dtype=np.float32), n)[0]

    def get_batch_results(self):
        return self._found

    def done(self):
        self._index.close()

    def __str__(self):
        return f"maxdot({self._metric}, {self._dtype})"
