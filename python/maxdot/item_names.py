"""Names of items: texts that stand for the row numbers of an index."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

Int64 = npt.NDArray[np.int64]

#: [names] That are Python's objects at the same time.
_NAMES_AT_ONCE = 1 << 16
#: [names] Of the catalogue that Arrow hashes in the time in which Python looks one name up.
_CATALOGUE_OF_A_NAME = 16


class ItemNames:
    """The names of an index's items, by row, and the way back. Any number of threads may use it."""

    __slots__ = ("_by_hash", "array")

    def __init__(self, array: pa.Array) -> None:
        """`array`: large_string, without nulls, no name twice."""
        self.array: pa.Array = array
        self._by_hash: tuple[Int64, Int64] | None = None

    def __len__(self) -> int:
        return len(self.array)

    def texts(self, ids: Int64) -> npt.NDArray[Any]:
        """The names of ids of any shape, as an array of str; None for -1, which stands where there is no item.

        Raises:
            ValueError: an id is that of no item.
        """
        flat = ids.ravel()
        beyond = (flat < -1) | (flat >= len(self.array))
        if beyond.any():
            raise ValueError(f"ids: {flat[beyond][0]} is not the row of any of {len(self.array)} items")
        made: npt.NDArray[Any] = np.empty(len(flat), object)
        made[:] = self.taken(flat).to_pylist()
        return made.reshape(ids.shape)

    def taken(self, ids: Int64) -> pa.Array:
        """The names of ids from -1, which has none, to the last row."""
        return self.array.take(pa.array(ids, mask=ids < 0))

    def rows(self, names: Sequence[str]) -> Int64:
        """The row of each name; -1 for a name that no item has. A table of 16 bytes for each item is made once."""
        hashes, by_hash = self._table()
        wanted = np.fromiter(map(_hash, names), np.int64, len(names))
        place = np.searchsorted(hashes, wanted)
        found = np.full(len(names), -1, np.int64)
        asked = pa.array(names, pa.large_string())
        left = np.arange(len(names))
        while len(left):  # once, but for names of the same hash
            left = left[place[left] < len(hashes)]
            left = left[hashes[place[left]] == wanted[left]]
            rows = by_hash[place[left]]
            same = np.asarray(pc.equal(self.array.take(pa.array(rows)), asked.take(pa.array(left))), np.bool_)
            found[left[same]] = rows[same]
            left = left[~same]
            place[left] += 1
        return found

    def rows_of_column(self, names: pa.Array) -> Int64:
        """`rows` of large_string without nulls, which may be as long as the catalogue."""
        if len(names) < len(self.array) // _CATALOGUE_OF_A_NAME:
            return self.rows(names.to_pylist())
        found = pc.index_in(names, value_set=self.array)
        return np.asarray(found.fill_null(-1).to_numpy(zero_copy_only=False), np.int64)

    def _table(self) -> tuple[Int64, Int64]:
        """Hashes in ascending order, and their rows. Two threads may both make it, which changes nothing."""
        if self._by_hash is None:
            hashes = np.empty(len(self.array), np.int64)
            for begin in range(0, len(self.array), _NAMES_AT_ONCE):
                names = self.array.slice(begin, _NAMES_AT_ONCE).to_pylist()
                hashes[begin : begin + len(names)] = np.fromiter(map(_hash, names), np.int64, len(names))
            rows = np.argsort(hashes, kind="stable")
            self._by_hash = hashes[rows], rows
        return self._by_hash


def _hash(name: str) -> int:
    """Python's, with the secret of the process: nobody can choose names that collide."""
    return hash(name)
