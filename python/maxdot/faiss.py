"""FAISS's flat indexes, answered by maxdot: `from maxdot import faiss` in place of `import faiss`.

The conventions are FAISS's: rows are added in steps and numbered from 0, `search` returns (D, I), L2
distances are squared, missing results have id -1, and inputs are converted to float32 as FAISS's own wrapper
does. Two things differ: results are exact, and equal keys are ordered by smaller id
(a distance is the rounded root of its key); NaN and Inf are refused.
"""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from maxdot import _core

METRIC_INNER_PRODUCT = 0
METRIC_L2 = 1

_Floats = npt.NDArray[np.float32]


class _IndexFlat:
    """What both flat indexes share. Added rows wait until a search builds the index of all of them."""

    is_trained = True
    metric_type: ClassVar[int]
    _metric: ClassVar[str]
    _missing: ClassVar[float]

    def __init__(self, d: int) -> None:
        if d < 1:
            raise ValueError(f"d: {d} is no dimension; use 1 or more")
        self.d = int(d)
        self._built: _core.Index | None = None
        self._waiting: list[_Floats] = []

    @property
    def ntotal(self) -> int:
        """Number of rows."""
        return (0 if self._built is None else self._built.size) + sum(len(rows) for rows in self._waiting)

    def train(self, x: Any) -> None:
        """Does nothing: a flat index has nothing to learn."""

    def add(self, x: Any) -> None:
        """Appends rows of shape [n, d]; their ids continue the numbering. ValueError: wrong shape."""
        self._waiting.append(self._rows(x, "x").copy())

    def reset(self) -> None:
        """Removes all rows."""
        self._built = None
        self._waiting = []

    def reconstruct(self, key: int) -> _Floats:
        """The row with id `key`. ValueError: there is none."""
        row: _Floats = self.reconstruct_n(key, 1)[0]
        return row

    def reconstruct_n(self, n0: int = 0, ni: int = -1) -> _Floats:
        """`ni` rows from id `n0` on; -1 = all that follow. ValueError: there are not as many."""
        count = self.ntotal - n0 if ni == -1 else ni
        if n0 < 0 or count < 0:
            raise ValueError(f"n0: rows {n0} to {n0 + count} do not lie within the {self.ntotal} rows")
        return self._index().rows(n0, count)

    def search(self, x: Any, k: int) -> tuple[_Floats, npt.NDArray[np.int64]]:
        """The k best rows for each of x [m, d]: D (float32) and I (int64), both [m, k], best first.

        Raises:
            ValueError: wrong shape, NaN or Inf, k < 1.
        """
        if k < 1:
            raise ValueError(f"k: {k} is no number of results; use 1 or more")
        ids, scores, *_ = self._index().search(self._rows(x, "x"), k, 0, None, False, "f64")
        if self.metric_type == METRIC_L2:
            np.square(scores, out=scores)
        distances = scores.astype(np.float32)
        distances[ids < 0] = self._missing
        return distances, ids

    def _rows(self, x: Any, name: str) -> _Floats:
        rows = np.ascontiguousarray(x, dtype=np.float32)
        if rows.ndim != 2 or rows.shape[1] != self.d:
            raise ValueError(f"{name}: shape {rows.shape} is not [n, {self.d}]; reshape it")
        return rows

    def _index(self) -> _core.Index:
        if self._waiting or self._built is None:
            before = [] if self._built is None else [self._built.rows(0, self._built.size)]
            rows = np.concatenate([*before, *self._waiting, np.empty((0, self.d), np.float32)])
            self._built = _core.Index.build(rows, None, self._metric, False, 0, None)
            self._waiting = []
        return self._built


class IndexFlatIP(_IndexFlat):
    """Largest inner product first, as faiss.IndexFlatIP."""

    metric_type = METRIC_INNER_PRODUCT
    _metric = "dot"
    _missing = -float(np.finfo(np.float32).max)


class IndexFlatL2(_IndexFlat):
    """Smallest squared Euclidean distance first, as faiss.IndexFlatL2."""

    metric_type = METRIC_L2
    _metric = "euclidean"
    _missing = float(np.finfo(np.float32).max)
