"""Index: what all indexes here have in common, the searches above all."""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from operator import index as as_integer
from typing import Any, Final, SupportsIndex, TypeAlias

import numpy as np
import numpy.typing as npt

from maxdot.arrays import check_room
from maxdot.faiss.arguments import Bools, Floats, Int64, output, real_number, result_count, vectors
from maxdot.faiss.errors import ArgumentError
from maxdot.faiss.parts import Parts
from maxdot.faiss.selectors import IDSelector, IDSelectorBatch, SearchParameters, selector_of

METRIC_INNER_PRODUCT: Final = 0
METRIC_L2: Final = 1

#: What the engine calls them.
ENGINE_METRICS: Final = {METRIC_INNER_PRODUCT: "dot", METRIC_L2: "euclidean"}
_FARTHEST: Final = float(np.finfo(np.float32).max)
_MOST_DIMENSIONS: Final = 1 << 15

Offsets: TypeAlias = npt.NDArray[np.uint64]


class Index(ABC):
    """Rows that answer: which k are the best for a query? Any number of threads may search at once; a change needs the
    index for itself, as in FAISS."""

    __slots__ = ("_d", "_metric_type", "verbose")

    #: There is nothing to learn.
    is_trained: Final = True

    def __init__(self, d: SupportsIndex, metric_type: SupportsIndex) -> None:
        self._d = as_integer(d)
        if not 1 <= self._d <= _MOST_DIMENSIONS:
            raise ArgumentError(f"d: {self._d} is no dimension; use 1 to {_MOST_DIMENSIONS}")
        self._metric_type = metric_number(metric_type)
        self.verbose: bool = False

    @property
    def d(self) -> int:
        """Dimension of rows and queries."""
        return self._d

    @property
    def metric_type(self) -> int:
        """METRIC_INNER_PRODUCT or METRIC_L2."""
        return self._metric_type

    @property
    @abstractmethod
    def ntotal(self) -> int:
        """Number of rows."""

    @abstractmethod
    def add(self, x: Any) -> None:
        """Appends rows."""

    @abstractmethod
    def add_with_ids(self, x: Any, ids: Any) -> None:
        """Appends rows with ids of the caller."""

    @abstractmethod
    def remove_ids(self, x: Any) -> int:
        """Removes rows; returns how many."""

    @abstractmethod
    def reset(self) -> None:
        """Removes all rows."""

    @abstractmethod
    def reconstruct(self, key: SupportsIndex, x: Any = None) -> Floats:
        """The row of an id."""

    @abstractmethod
    def reconstruct_batch(self, key: Any, x: Any = None) -> Floats:
        """The rows of some ids."""

    @abstractmethod
    def merge_from(self, other: Index, add_id: SupportsIndex = 0) -> None:
        """Moves all rows of another index behind those of this one."""

    @abstractmethod
    def clone(self) -> Index:
        """Another index of the same rows; a change of one is not seen by the other."""

    @abstractmethod
    def parts(self) -> Parts:
        """The rows as they are now: for the other modules of this package."""

    @abstractmethod
    def _ids_of(self, numbers: Int64) -> Int64:
        """The ids of rows; -1 for -1."""

    @abstractmethod
    def _members(self, sel: IDSelector, size: int) -> Bools:
        """Which of the rows, [size], have an id that belongs to `sel`."""

    def train(self, x: Any) -> None:
        """Does nothing: there is nothing to learn. ArgumentError: rows of another dimension."""
        vectors(x, "x", self.d)

    def search(
        self, x: Any, k: SupportsIndex, *, params: SearchParameters | None = None, D: Any = None, I: Any = None
    ) -> tuple[Floats, Int64]:
        """The k best rows of each query: largest inner product, or smallest squared distance, first.

        Args:
            x: queries [m, d]; float32, or anything that NumPy converts to it.
            k: results per query, 1 or more.
            params: SearchParameters(sel=IDSelector): the only ids that may be returned.
            D, I: arrays [m, k] of float32 and int64 that take the results. None: new ones.

        Returns:
            D (float32, rounded once from float64) and I (int64), [m, k]. Those that are equal
                before they are rounded stand in the order of their rows.
            Where there are fewer than k, I is -1 and D the largest float32, negative for METRIC_INNER_PRODUCT.

        Raises:
            ArgumentError (a ValueError and an AssertionError): wrong shape, NaN or Inf, k < 1.
            TypeError: `k` is no integer, `params` no SearchParameters, D or I have another dtype.
            MemoryError: the results do not fit.
        """
        D, I, _ = self._found(x, k, params, D, I)
        return D, I

    def assign(self, x: Any, k: SupportsIndex, labels: Any = None) -> Int64:
        """I of a search. `labels`: an int64 array [m, k] that takes it. Raises as `search`."""
        return self._found(x, k, None, None, labels)[1]

    def search_and_reconstruct(
        self,
        x: Any,
        k: SupportsIndex,
        *,
        params: SearchParameters | None = None,
        D: Any = None,
        I: Any = None,
        R: Any = None,
    ) -> tuple[Floats, Int64, Floats]:
        """D and I of a search, and R (float32 [m, k, d]): the rows that were found, NaN where I is -1.

        Args and errors as `search`; `R` may be an array that takes the rows.
        """
        D, I, numbers = self._found(x, k, params, D, I, bytes_beside=4 * self.d)
        R = output(R, "R", (*I.shape, self.d), np.float32)
        missing = numbers < 0
        R[missing] = np.nan
        R[~missing] = self.parts().at(numbers[~missing])
        return D, I, R

    def range_search(
        self, x: Any, thresh: Any, *, params: SearchParameters | None = None
    ) -> tuple[Offsets, Floats, Int64]:
        """All rows that are better than a threshold: an inner product above, or a squared distance below it.

        Args:
            x: queries [m, d]. thresh: a number; the float64 value is compared with it, before it is rounded.
            params: as in `search`.

        Returns:
            lims (uint64 [m + 1]), D (float32) and I (int64): query i has I[lims[i] : lims[i + 1]], in the order of the
            rows, as FAISS returns them, so not by distance.

        Raises:
            ArgumentError: wrong shape, NaN or Inf in `x`, NaN as threshold. TypeError, MemoryError: as `search`.
        """
        queries = vectors(x, "x", self.d)
        threshold = real_number(thresh, "thresh")
        parts = self.parts()
        wanted = self._wanted(params, parts.size)
        if self.metric_type == METRIC_L2:
            # A root keeps the order, so what is nearer than the threshold is among what its root reaches.
            query, numbers, keys = parts.search_range(queries, np.sqrt(max(threshold, 0.0)), wanted)
            better = -keys < threshold
        else:
            query, numbers, keys = parts.search_range(queries, threshold, wanted)
            better = keys > threshold
        counts = np.bincount(query[better], minlength=len(queries))
        lims = np.concatenate([[0], np.cumsum(counts)]).astype(np.uint64)
        return lims, self._distances(keys[better]), self._ids_of(numbers[better])

    def __copy__(self) -> Index:
        return self.clone()

    def __deepcopy__(self, memo: dict[int, Any]) -> Index:
        return self.clone()

    def _found(
        self, x: Any, k: SupportsIndex, params: SearchParameters | None, D: Any, I: Any, bytes_beside: int = 0
    ) -> tuple[Floats, Int64, Int64]:
        """D, I, and the numbers of the rows. `bytes_beside`: that the caller needs for each."""
        queries = vectors(x, "x", self.d)
        shape = (len(queries), result_count(k))
        check_room(*shape, 32 + bytes_beside)
        distances, ids = output(D, "D", shape, np.float32), output(I, "I", shape, np.int64)
        parts = self.parts()
        some = min(shape[1], parts.size)
        numbers = np.full(shape, -1, np.int64)
        numbers[:, :some], keys = parts.search(queries, some, self._wanted(params, parts.size))
        distances[:, :some] = self._distances(keys)
        distances[numbers < 0] = _FARTHEST if self.metric_type == METRIC_L2 else -_FARTHEST
        ids[:] = self._ids_of(numbers)
        return distances, ids, numbers

    def _wanted(self, params: SearchParameters | None, size: int) -> Bools | None:
        sel = selector_of(params)
        return None if sel is None else self._members(sel, size)

    def _distances(self, keys: npt.NDArray[np.float64]) -> Floats:
        with np.errstate(over="ignore"):  # beyond float32 is Inf
            return np.asarray(np.abs(keys) if self.metric_type == METRIC_L2 else keys, dtype=np.float32)


def metric_number(metric: SupportsIndex) -> int:
    """ArgumentError: it is neither METRIC_INNER_PRODUCT nor METRIC_L2."""
    number = as_integer(metric)
    if number not in ENGINE_METRICS:
        raise ArgumentError(f"metric: {number} is not here; use METRIC_INNER_PRODUCT (0) or METRIC_L2 (1)")
    return number


def chosen(x: Any) -> IDSelector:
    """What remove_ids is given: an IDSelector, or ids."""
    return x if isinstance(x, IDSelector) else IDSelectorBatch(x)


def same_kind(index: Index, other: object) -> None:
    """Whether rows of `other` can move to `index`. ArgumentError, TypeError: they cannot."""
    if type(other) is not type(index):
        raise TypeError(f"other: {type(other).__name__} cannot be merged into {type(index).__name__}; use the same kind")
    assert isinstance(other, Index)
    if other is index or other.d != index.d or other.metric_type != index.metric_type:
        raise ArgumentError("other: it is this index, or has another dimension or metric; give one that is like it")


def clone_index(index: Index) -> Index:
    """Another index of the same kind and rows; a change of one is not seen by the other."""
    return copy.copy(index)
