"""The rows of an index, cut into parts that are searched one by one: what a search asks.

Rows have numbers, 0 to n - 1, in the order of the parts. Nothing here ever changes: a change makes other parts, so a
search that runs meanwhile goes on with those it began with.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from maxdot import _core
from maxdot.faiss.arguments import Bools, Floats, Int64
from maxdot.faiss.threads import call_threads

Keys: TypeAlias = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Part:
    """An index over some rows, some of which may have been removed since."""

    engine: _core.Index
    #: What the engine calls the rows that are left, ascending. None: it has no ids, and all rows are left.
    labels: Int64 | None = None
    #: Where the rows that are left are in the engine, ascending. None: all are left.
    kept: Int64 | None = None

    @property
    def size(self) -> int:
        return self.engine.size if self.kept is None else len(self.kept)

    def rows(self) -> Floats:
        """All rows that are left, [size, d]."""
        rows = self.engine.rows(0, self.engine.size)
        return rows if self.kept is None else rows[self.kept]

    def row(self, number: int) -> Floats:
        at = number if self.kept is None else int(self.kept[number])
        row: Floats = self.engine.rows(at, 1)[0]
        return row

    def keep(self, left: Bools) -> Part:
        """Without the rows where `left`, [size], is False. O(rows of the engine), and no row is copied."""
        kept = np.flatnonzero(left) if self.kept is None else self.kept[left]
        return Part(self.engine, kept if self.labels is None else self.labels[left], kept)

    @property
    def is_whole(self) -> bool:
        """Whether the engine holds these rows and nothing else."""
        return self.kept is None and self.labels is None

    @property
    def mostly_removed(self) -> bool:
        return 2 * self.size < self.engine.size

    def search(self, queries: Floats, k: int, wanted: Bools | None) -> tuple[Int64, Keys]:
        """Numbers within the part, -1 where there are fewer than k, and keys, both [m, k]."""
        ids, keys = self.engine.search(
            queries, k, call_threads(), None, False, "keys", None, None, self._mask(wanted)
        )
        if self.labels is not None:
            found = ids >= 0
            ids[found] = np.searchsorted(self.labels, ids[found])
        return ids, keys

    def search_range(self, queries: Floats, threshold: float, wanted: Bools | None) -> tuple[Int64, Int64, Keys]:
        """(offsets, numbers within the part, keys), as `Index.search_range`."""
        offsets, ids, keys = self.engine.search_range(
            queries, np.array([threshold]), call_threads(), None, False, "keys", None, None, self._mask(wanted)
        )
        return offsets, ids if self.labels is None else np.searchsorted(self.labels, ids), keys

    def _mask(self, wanted: Bools | None) -> npt.NDArray[np.uint8] | None:
        if self.kept is None:
            return None if wanted is None else np.ascontiguousarray(wanted).view(np.uint8)
        mask = np.zeros(self.engine.size, np.uint8)
        mask[self.kept] = 1 if wanted is None else wanted
        return mask


class Parts:
    """All rows: the same bits as one index over them would return."""

    __slots__ = ("_starts", "dimension", "metric", "parts", "size")

    def __init__(self, parts: tuple[Part, ...], dimension: int, metric: str) -> None:
        self.parts: tuple[Part, ...] = parts
        self.dimension: int = dimension
        self.metric: str = metric
        self._starts = np.cumsum([0, *(part.size for part in parts)])
        self.size: int = int(self._starts[-1])

    def rows(self, begin: int, count: int) -> Floats:
        """[count, d]. Requires: they lie within the rows."""
        out = np.empty((count, self.dimension), np.float32)
        for part, start in zip(self.parts, self._starts.tolist(), strict=False):
            first, last = max(begin - start, 0), min(begin + count - start, part.size)
            if first >= last:
                continue
            at = out[start + first - begin : start + last - begin]
            at[:] = part.engine.rows(first, last - first) if part.kept is None else _gather(part, first, last)
        return out

    def at(self, numbers: Int64) -> Floats:
        """The rows of these numbers, [len(numbers), d]. Requires: they lie within the rows."""
        different, places = np.unique(numbers, return_inverse=True)
        found = np.empty((len(different), self.dimension), np.float32)
        owners = np.searchsorted(self._starts, different, side="right") - 1
        for i, (number, owner) in enumerate(zip(different.tolist(), owners.tolist(), strict=True)):
            found[i] = self.parts[owner].row(number - int(self._starts[owner]))
        return found[places]

    def search(self, queries: Floats, k: int, wanted: Bools | None) -> tuple[Int64, Keys]:
        """The k best rows of each query: numbers (-1: there are fewer) and keys, [m, k], by key, then smaller number.

        `wanted`: bool [n], the rows that may be returned. None: all.
        """
        if not self.parts:
            return np.full((len(queries), k), -1, np.int64), np.full((len(queries), k), -np.inf)
        results = []
        for part, start in zip(self.parts, self._starts.tolist(), strict=False):
            ids, keys = part.search(queries, k, None if wanted is None else wanted[start : start + part.size])
            np.add(ids, start, out=ids, where=ids >= 0)
            results.append((ids, keys))
        if len(results) == 1:
            return results[0]
        merged: tuple[Int64, Keys] = _core.merge(results, k, self.metric, False, "keys", call_threads(), None)
        return merged

    def search_range(self, queries: Floats, threshold: float, wanted: Bools | None) -> tuple[Int64, Int64, Keys]:
        """Rows that reach the threshold, as `Index.search_range` means it: for each result, ordered by query, then
        number, its query, number and key."""
        found: list[tuple[Int64, Int64, Keys]] = [
            (np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.float64))
        ]
        for part, start in zip(self.parts, self._starts.tolist(), strict=False):
            mask = None if wanted is None else wanted[start : start + part.size]
            offsets, ids, keys = part.search_range(queries, threshold, mask)
            found.append((np.repeat(np.arange(len(queries)), np.diff(offsets)), ids + start, keys))
        query, number, key = (np.concatenate(columns) for columns in zip(*found, strict=True))
        order = np.argsort(query * self.size + number)
        return query[order], number[order], key[order]


def _gather(part: Part, first: int, last: int) -> Floats:
    assert part.kept is not None
    begin, end = int(part.kept[first]), int(part.kept[last - 1]) + 1
    rows: Floats = part.engine.rows(begin, end - begin)[part.kept[first:last] - begin]
    return rows
