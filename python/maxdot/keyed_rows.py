"""KeyedRows: rows in memory, each with a key, that come, are replaced and go in pieces, searched as one index of them.

New rows wait until somebody asks. Then they become a part, an index of its own, together with every part before it
that has fewer than twice as many rows: so there are at most log2(n) + 1 parts, and a row is copied again only where its
part has grown by half or more. Rows that are replaced or removed stay in their part, which passes them over, until it
holds more of them than of others.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from maxdot import _core
from maxdot.arrays import check_room
from maxdot.id_lists import Int64
from maxdot.metric import Metric
from maxdot.searchable import Keys

Bools: TypeAlias = npt.NDArray[np.bool_]
Floats: TypeAlias = npt.NDArray[np.float32]
#: Rows as they are stored: float32 or float16.
Rows: TypeAlias = npt.NDArray[Any]
#: Of keys [n], which may be returned: bool [n].
Wanted: TypeAlias = Callable[[Int64], Bools]


@dataclass(frozen=True, eq=False)
class _Part:
    engine: _core.Index  # its ids are the keys
    keys: Int64  # ascending: the key of each row
    there: Bools  # False: the row was replaced or removed

    @property
    def size(self) -> int:
        return int(np.count_nonzero(self.there))

    def find(self, keys: Int64) -> tuple[Bools, Int64]:
        """Which of `keys` are here, and the rows of those."""
        places = np.minimum(np.searchsorted(self.keys, keys), len(self.keys) - 1)
        here = (self.keys[places] == keys) & self.there[places]
        return here, places[here]

    def rows(self, places: Int64) -> Floats:
        if 8 * len(places) > len(self.keys):
            return self.engine.rows(0, len(self.keys))[places]
        none = np.empty((0, self.engine.dimension), np.float32)
        return np.concatenate([none, *(self.engine.rows(place, 1) for place in places.tolist())])


class KeyedRows:
    """Any number of threads may ask while one changes it: who asks gets the rows before a change, or after it.

    Args:
        dimension: of the rows.
        metric: "dot", "cosine" or "euclidean".
        dtype: float32 or float16, as which they are stored.
    """

    def __init__(self, dimension: int, metric: Metric, dtype: npt.DTypeLike = np.float32) -> None:
        self.dimension = dimension
        self.metric = metric
        self.dtype: np.dtype[Any] = np.dtype(dtype)
        self._known: set[int] = set()
        self._parts: list[_Part] = []  # the largest first
        self._waiting: list[tuple[Int64, Rows]] = []
        self._lock = Lock()

    def __len__(self) -> int:
        return len(self._known)

    def __contains__(self, key: int) -> bool:
        return key in self._known

    def keys(self) -> Int64:
        """Of all rows, ascending."""
        with self._lock:
            return np.array(sorted(self._known), np.int64)

    def put(self, keys: Int64, rows: Rows) -> None:
        """Rows [n, d] with the keys [n], in place of those that have them; of a key that is there twice, the last counts.

        Requires: keys of 0 or more, rows that are finite as `dtype`, and that nobody else changes either.
        """
        if len(keys) > 0:
            piece = (keys, rows.astype(self.dtype, copy=False))
            with self._lock:
                self._waiting.append(piece)
                self._known.update(keys.tolist())

    def remove(self, keys: Int64) -> int:
        """How many rows it has removed; keys that no row has are ignored."""
        with self._lock:
            self._settle()
            gone = self._known.intersection(keys.tolist())
            self._parts = self._without(np.array(sorted(gone), np.int64))
            self._known -= gone
            return len(gone)

    def find(self, keys: Int64) -> tuple[Bools, Floats]:
        """Which of `keys` have a row, and the rows, [len(keys), d], of which those without a key are zeros."""
        there, found = np.zeros(len(keys), np.bool_), np.zeros((len(keys), self.dimension), np.float32)
        for part in self._settled():
            here, places = part.find(keys)
            found[here] = part.rows(places)
            there |= here
        return there, found

    def all(self) -> tuple[Int64, Rows]:
        """The keys, ascending, and their rows, as they are stored."""
        keys, rows = np.empty(0, np.int64), np.empty((0, self.dimension), self.dtype)
        for part in self._settled():
            keys, rows = _joined(part, keys, rows)
        return keys, rows

    def search(self, queries: Floats, k: int, threads: int, wanted: Wanted | None = None) -> tuple[Int64, Keys]:
        """The k best rows of each query [m, d], of those that are `wanted`: as `Index.search` with scores="keys"."""
        parts = self._settled()
        if not parts:
            check_room(len(queries), k)
            return np.full((len(queries), k), -1, np.int64), np.full((len(queries), k), -np.inf)
        results: list[tuple[Int64, Keys]] = []
        for part in parts:
            mask = part.there
            if wanted is not None:
                mask = mask.copy()
                mask[part.there] = wanted(part.keys[part.there])
            filters = (None, None, None if mask.all() else np.ascontiguousarray(mask).view(np.uint8))
            results.append(part.engine.search(queries, k, threads, None, False, "keys", *filters))
        if len(results) == 1:
            return results[0]
        merged: tuple[Int64, Keys] = _core.merge(results, k, self.metric, False, "keys", threads, None)
        return merged

    def index(self) -> _core.Index:
        """One index of all rows, whose ids are the keys."""
        return self._engine(*self.all())

    def _settled(self) -> list[_Part]:
        with self._lock:
            self._settle()
            return self._parts

    def _settle(self) -> None:
        """Makes what waits a part. MemoryError: nothing is lost."""
        if not self._waiting:
            return
        keys, last = np.unique(np.concatenate([keys for keys, _ in self._waiting])[::-1], return_index=True)
        rows = np.concatenate([rows for _, rows in self._waiting])[::-1][last]
        parts = self._without(keys)
        while parts and parts[-1].size < 2 * len(keys):
            keys, rows = _joined(parts.pop(), keys, rows)
        parts.append(self._part(keys, rows))
        self._parts, self._waiting = parts, []

    def _without(self, keys: Int64) -> list[_Part]:
        """The parts, where rows with these keys are passed over."""
        if len(keys) == 0:
            return self._parts
        parts = []
        for part in self._parts:
            there = part.there.copy()
            there[part.find(keys)[1]] = False
            left = int(np.count_nonzero(there))
            if 2 * left >= len(there):
                parts.append(_Part(part.engine, part.keys, there))
            elif left > 0:
                places = np.flatnonzero(there)
                parts.append(self._part(part.keys[places], part.rows(places).astype(self.dtype)))
        return sorted(parts, key=lambda part: -part.size)

    def _part(self, keys: Int64, rows: Rows) -> _Part:
        return _Part(self._engine(keys, rows), keys, np.ones(len(keys), np.bool_))

    def _engine(self, keys: Int64, rows: Rows) -> _core.Index:
        return _core.Index.build(np.ascontiguousarray(rows), np.ascontiguousarray(keys), self.metric, False, 0, None)

    def __getstate__(self) -> dict[str, Any]:
        keys, rows = self.all()
        return {"dimension": self.dimension, "metric": self.metric, "dtype": self.dtype, "keys": keys, "rows": rows}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(state["dimension"], state["metric"], state["dtype"])  # type: ignore[misc]
        self.put(state["keys"], state["rows"])


def _joined(part: _Part, keys: Int64, rows: Rows) -> tuple[Int64, Rows]:
    """The rows that are left of a part, and others, by key."""
    places = np.flatnonzero(part.there)
    keys = np.concatenate([part.keys[places], keys])
    order = np.argsort(keys)
    return keys[order], np.concatenate([part.rows(places).astype(rows.dtype), rows])[order]
