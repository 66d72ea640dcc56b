"""IndexIDMap and IndexIDMap2: the rows of a flat index, with ids of the caller."""

from __future__ import annotations

from collections.abc import Callable
from operator import index as as_integer
from typing import Any, SupportsIndex

import numpy as np

from maxdot.faiss.arguments import Bools, Floats, Int64, integers, output, vectors
from maxdot.faiss.errors import ArgumentError, FaissError
from maxdot.faiss.flat import IndexFlat
from maxdot.faiss.index import Index, chosen, same_kind
from maxdot.faiss.int64_vector import Int64Vector
from maxdot.faiss.parts import Parts
from maxdot.faiss.selectors import IDSelector, IDSelectorTranslated


class IndexIDMap(Index):
    """Returns, in place of row numbers, the ids that rows were added with. They may be any int64, also twice.

    Args:
        index: an empty IndexFlat, which takes the rows. Add and remove only through the IndexIDMap.

    Raises:
        TypeError: it is no flat index. FaissError: it is not empty.
    """

    __slots__ = ("_ids", "_index")

    def __init__(self, index: IndexFlat) -> None:
        if not isinstance(index, IndexFlat):
            raise TypeError(f"index: {type(index).__name__} is no IndexFlat; only flat indexes are here")
        if index.ntotal > 0:
            raise FaissError(f"index: it must be empty on input, and has {index.ntotal} rows")
        super().__init__(index.d, index.metric_type)
        self._index = index
        self._ids = Int64Vector()

    @property
    def index(self) -> IndexFlat:
        """The flat index of the rows."""
        return self._index

    @property
    def id_map(self) -> Int64Vector:
        """The id of each row."""
        return self._ids

    @property
    def ntotal(self) -> int:
        """Number of rows."""
        return len(self._ids)

    def add(self, x: Any) -> None:
        """Not here, as in FAISS: FaissError."""
        raise FaissError("add does not make sense with IndexIDMap, use add_with_ids")

    def add_with_ids(self, x: Any, ids: Any) -> None:
        """Appends rows [n, d] with these ids, int64 [n]. -1 means "nothing found" in results, so do not use it.

        Raises:
            ArgumentError: wrong shape, no numbers, NaN or Inf (names row and column); not one id for each row.
        """
        self._check()
        rows, numbers = vectors(x, "x", self.d, copy=True), integers(ids, "ids")
        if len(numbers) != len(rows):
            raise ArgumentError(f"ids: {len(numbers)} ids for {len(rows)} rows; give one for each")
        self._index.store.add(rows)
        self._ids.extend(numbers)

    def remove_ids(self, x: Any) -> int:
        """Removes rows; the others keep their ids.

        Args:
            x: ids, int64 [n], or an IDSelector. All rows with one of them go; ids that no row has are ignored.

        Returns:
            How many rows were removed.

        Raises:
            ArgumentError: no integers, or another shape.
        """
        self._check()
        gone = self._members(chosen(x), self.ntotal)
        self._index.store.keep(~gone)
        self._ids.keep(~gone)
        return int(np.count_nonzero(gone))

    def reset(self) -> None:
        """Removes all rows."""
        self._index.reset()
        self._ids.clear()

    def reconstruct(self, key: SupportsIndex, x: Any = None) -> Floats:
        """Not here, as in FAISS: FaissError."""
        raise FaissError("reconstruct not implemented for this type of index: use IndexIDMap2, which finds rows by id")

    def reconstruct_n(self, n0: SupportsIndex = 0, ni: SupportsIndex = -1, x: Any = None) -> Floats:
        """Not here, as in FAISS: FaissError."""
        return self.reconstruct(n0)

    def reconstruct_batch(self, key: Any, x: Any = None) -> Floats:
        """Not here, as in FAISS: FaissError."""
        return self.reconstruct(0)

    def merge_from(self, other: Index, add_id: SupportsIndex = 0) -> None:
        """Moves all rows of `other`, an index of the same kind, behind those of this one. It is empty then.

        Args:
            add_id: what is added to their ids.

        Raises:
            TypeError: another kind. ArgumentError: another dimension or metric, or ids that int64 does not hold.
        """
        same_kind(self, other)
        assert isinstance(other, IndexIDMap)
        self._check()
        other._check()
        ids, more = other._ids.view(), as_integer(add_id)
        limits = np.iinfo(np.int64)
        if len(ids) > 0 and not (limits.min <= int(ids.min()) + more and int(ids.max()) + more <= limits.max):
            raise ArgumentError(f"add_id: {more} makes ids that do not fit into int64; use a smaller one")
        self._index.merge_from(other._index)
        self._ids.extend(ids + more)
        other.reset()

    def clone(self) -> IndexIDMap:
        """Another index of the same rows and ids; a change of one is not seen by the other."""
        self._check()
        other = type(self).of(self._index.clone(), self._ids.view())
        other.verbose = self.verbose
        return other

    @classmethod
    def of(cls, index: IndexFlat, ids: Int64) -> IndexIDMap:
        """Around an index that has rows already, with their ids: for the other modules of this package."""
        made = cls.__new__(cls)
        IndexIDMap.__init__(made, IndexFlat(index.d, index.metric_type))
        made._index, made._ids = index, Int64Vector(ids)
        return made

    def __reduce__(self) -> tuple[Callable[..., IndexIDMap], tuple[Any, ...]]:
        """Pickles rows and ids themselves."""
        self._check()
        return type(self).of, (self._index, np.array(self._ids))

    def __repr__(self) -> str:
        return f"<maxdot.faiss.{type(self).__name__} of {self._index!r}>"

    def parts(self) -> Parts:
        self._check()
        return self._index.parts()

    def _ids_of(self, numbers: Int64) -> Int64:
        found = numbers >= 0
        ids = np.full(numbers.shape, -1, np.int64)
        ids[found] = self._ids.view()[numbers[found]]
        return ids

    def _members(self, sel: IDSelector, size: int) -> Bools:
        return sel.members(np.arange(size) if isinstance(sel, IDSelectorTranslated) else self._ids.view())

    def _check(self) -> None:
        if self._index.ntotal != len(self._ids):
            raise FaissError(
                f"index: {len(self._ids)} ids for the {self._index.ntotal} rows of the flat index inside; "
                "add and remove rows through the IndexIDMap only"
            )


class IndexIDMap2(IndexIDMap):
    """An IndexIDMap that finds rows by id, too. Of an id that several rows have, it is the last."""

    __slots__ = ()

    def reconstruct(self, key: SupportsIndex, x: Any = None) -> Floats:
        """The row with id `key`, float32 [d]. FaissError: there is none.

        `x`: a float32 array [d] that takes it.
        """
        row = output(x, "x", (self.d,), np.float32)
        row[:] = self._rows_of([as_integer(key)])[0]
        return row

    def reconstruct_n(self, n0: SupportsIndex = 0, ni: SupportsIndex = -1, x: Any = None) -> Floats:
        """The rows with ids `n0` to `n0` + `ni` - 1, float32 [ni, d]; -1: up to id ntotal - 1, as in FAISS.

        `x`: a float32 array [ni, d] that takes them. FaissError: there is no row with one of these ids.
        """
        begin = as_integer(n0)
        count = self.ntotal - begin if as_integer(ni) == -1 else as_integer(ni)
        if count < 0:
            raise FaissError(f"ni: {count} is no number of rows; use 0 or more")
        return self._reconstructed(list(range(begin, begin + count)), x)

    def reconstruct_batch(self, key: Any, x: Any = None) -> Floats:
        """The rows of these ids, int64 [n], as float32 [n, d]. FaissError: there is none with one of them.

        `x`: a float32 array [n, d] that takes them.
        """
        return self._reconstructed(integers(key, "key").tolist(), x)

    def check_consistency(self) -> None:
        """FaissError: an id belongs to several rows, or the flat index inside was changed."""
        self._check()
        ids, counts = np.unique(self._ids.view(), return_counts=True)
        if np.any(counts > 1):
            raise FaissError(f"id_map: id {ids[counts > 1][0]} belongs to several rows")

    def _reconstructed(self, keys: list[int], x: Any) -> Floats:
        rows = output(x, "x", (len(keys), self.d), np.float32)
        rows[:] = self._rows_of(keys)
        return rows

    def _rows_of(self, keys: list[int]) -> Floats:
        parts = self.parts()
        numbers = np.array([self._ids.last_place(key) for key in keys], np.int64)
        missing = np.flatnonzero(numbers < 0)
        if len(missing) > 0:
            raise FaissError(f"key {keys[missing[0]]} not found: it is the id of no row")
        return parts.at(numbers)
