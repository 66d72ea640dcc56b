"""IndexFlat, IndexFlatIP, IndexFlatL2: rows numbered from 0, found by inner product or Euclidean distance."""

from __future__ import annotations

from collections.abc import Callable
from operator import index as as_integer
from typing import Any, SupportsIndex

import numpy as np
import numpy.typing as npt

from maxdot.faiss.arguments import Bools, Floats, Int64, integers, output, vectors
from maxdot.faiss.errors import ArgumentError, FaissError
from maxdot.faiss.index import (
    ENGINE_METRICS,
    METRIC_INNER_PRODUCT,
    METRIC_L2,
    Index,
    chosen,
    same_kind,
)
from maxdot.faiss.parts import Parts
from maxdot.faiss.row_store import RowStore
from maxdot.faiss.selectors import IDSelector


class IndexFlat(Index):
    """All rows are compared with each query. Their ids are their numbers, 0 to ntotal - 1.

    Args:
        d: dimension, 1 to 32,768.
        metric: METRIC_INNER_PRODUCT or METRIC_L2.
    """

    __slots__ = ("_store",)

    def __init__(self, d: SupportsIndex, metric: SupportsIndex = METRIC_L2) -> None:
        super().__init__(d, metric)
        self._store = RowStore(self.d, ENGINE_METRICS[self.metric_type])

    @property
    def ntotal(self) -> int:
        """Number of rows."""
        return self._store.size

    @property
    def store(self) -> RowStore:
        """Where the rows are: for the other modules of this package."""
        return self._store

    @property
    def codes(self) -> npt.NDArray[np.uint8]:
        """All rows as bytes, as vector_to_array(index.codes) wants them in FAISS. A copy."""
        return self.reconstruct_n().reshape(-1).view(np.uint8)

    def get_xb(self) -> Floats:
        """All rows, [ntotal * d], as rev_swig_ptr(index.get_xb(), ntotal * d) wants them in FAISS. A copy."""
        return self.reconstruct_n().reshape(-1)

    def add(self, x: Any) -> None:
        """Appends rows [n, d]; their ids continue the numbering.

        Raises:
            ArgumentError: wrong shape, no numbers, NaN or Inf (names row and column).
        """
        self._store.add(vectors(x, "x", self.d, copy=True))

    def add_with_ids(self, x: Any, ids: Any) -> None:
        """Not here, as in FAISS: FaissError."""
        raise FaissError("add_with_ids not implemented for this type of index: wrap it, IndexIDMap(index)")

    def remove_ids(self, x: Any) -> int:
        """Removes rows; the ids of those behind them become smaller, as in FAISS.

        Args:
            x: ids, int64 [n], or an IDSelector. Ids that no row has are ignored.

        Returns:
            How many rows were removed.

        Raises:
            ArgumentError: no integers, or another shape.
        """
        gone = self._members(chosen(x), self.ntotal)
        self._store.keep(~gone)
        return int(np.count_nonzero(gone))

    def reset(self) -> None:
        """Removes all rows."""
        self._store.clear()

    def reconstruct(self, key: SupportsIndex, x: Any = None) -> Floats:
        """The row with id `key`, float32 [d]. FaissError: there is none.

        `x`: a float32 array [d] that takes it.
        """
        number = as_integer(key)
        if not 0 <= number < self.ntotal:
            raise FaissError(f"key: {number} is the id of no row; there are {self.ntotal}")
        row = output(x, "x", (self.d,), np.float32)
        row[:] = self.parts().rows(number, 1)[0]
        return row

    def reconstruct_n(self, n0: SupportsIndex = 0, ni: SupportsIndex = -1, x: Any = None) -> Floats:
        """`ni` rows from id `n0` on, float32 [ni, d]; -1: all that follow. FaissError: there are not as many.

        `x`: a float32 array [ni, d] that takes them.
        """
        begin = as_integer(n0)
        count = self.ntotal - begin if as_integer(ni) == -1 else as_integer(ni)
        if begin < 0 or count < 0 or (count > 0 and begin + count > self.ntotal):
            raise FaissError(f"n0: rows {begin} to {begin + count} do not lie within the {self.ntotal} rows")
        if x is None:
            return self.parts().rows(begin, count)
        rows = output(x, "x", (count, self.d), np.float32)
        rows[:] = self.parts().rows(begin, count)
        return rows

    def reconstruct_batch(self, key: Any, x: Any = None) -> Floats:
        """The rows of these ids, int64 [n], as float32 [n, d]. FaissError: there is none with one of them.

        `x`: a float32 array [n, d] that takes them.
        """
        numbers = integers(key, "key")
        outside = (numbers < 0) | (numbers >= self.ntotal)
        if outside.any():
            raise FaissError(f"key: {numbers[outside][0]} is the id of no row; there are {self.ntotal}")
        rows = output(x, "x", (len(numbers), self.d), np.float32)
        rows[:] = self.parts().at(numbers)
        return rows

    def merge_from(self, other: Index, add_id: SupportsIndex = 0) -> None:
        """Moves all rows of `other`, an index of the same kind, behind those of this one. It is empty then.

        Raises:
            TypeError: another kind. ArgumentError: another dimension or metric, or `add_id` is not 0.
        """
        same_kind(self, other)
        assert isinstance(other, IndexFlat)
        if as_integer(add_id) != 0:
            raise ArgumentError(f"add_id: {as_integer(add_id)} cannot change ids that are row numbers; use 0")
        self._store.take(other.store)

    def clone(self) -> IndexFlat:
        """Another index of the same rows; a change of one is not seen by the other."""
        other = type(self).__new__(type(self))
        IndexFlat.__init__(other, self.d, self.metric_type)
        other.verbose = self.verbose
        other._store = self._store.copy()
        return other

    def __reduce__(self) -> tuple[Callable[..., IndexFlat], tuple[Any, ...]]:
        """Pickles the rows themselves."""
        return _restored, (type(self), self.d, self.metric_type, self.reconstruct_n())

    def __repr__(self) -> str:
        metric = "METRIC_L2" if self.metric_type == METRIC_L2 else "METRIC_INNER_PRODUCT"
        return f"<maxdot.faiss.{type(self).__name__}: {self.ntotal} x {self.d}, {metric}>"

    def parts(self) -> Parts:
        return self._store.parts()

    def _ids_of(self, numbers: Int64) -> Int64:
        return numbers

    def _members(self, sel: IDSelector, size: int) -> Bools:
        return sel.members(np.arange(size))


class IndexFlatIP(IndexFlat):
    """Largest inner product first. d: dimension, 1 to 32,768."""

    __slots__ = ()

    def __init__(self, d: SupportsIndex) -> None:
        super().__init__(d, METRIC_INNER_PRODUCT)


class IndexFlatL2(IndexFlat):
    """Smallest squared Euclidean distance first. d: dimension, 1 to 32,768."""

    __slots__ = ()

    def __init__(self, d: SupportsIndex) -> None:
        super().__init__(d, METRIC_L2)


def _restored(kind: type[IndexFlat], d: int, metric_type: int, rows: Floats) -> IndexFlat:
    index = kind.__new__(kind)
    IndexFlat.__init__(index, d, metric_type)
    index.add(rows)
    return index
