"""The rows of an index that grows and shrinks, at a cost that does not depend on how many there are already.

New rows wait until somebody asks. Then they become a part of their own, together with every part before it that has
fewer than twice as many rows: so each part has at least twice as many rows as the next, there are at most
log2(n) + 1 parts, and a row is copied and encoded again only when its part grows by half or more: O(log n) times.
Removed rows stay in their part, which passes them over, until it holds more of them than of others.
"""

from __future__ import annotations

from threading import Lock
from typing import TypeAlias

import numpy as np

from maxdot import _core
from maxdot.faiss.arguments import Bools, Floats
from maxdot.faiss.parts import Part, Parts
from maxdot.faiss.threads import call_threads

_Piece: TypeAlias = "Part | Floats"


class RowStore:
    """Any number of threads may ask at once. One may change it meanwhile: who asks gets the rows before or after."""

    __slots__ = ("_lock", "_pieces", "dimension", "metric", "size")

    def __init__(self, dimension: int, metric: str) -> None:
        self.dimension: int = dimension
        self.metric: str = metric
        self.size: int = 0
        self._pieces: list[_Piece] = []  # in the order of their rows; arrays wait to become a part
        self._lock = Lock()

    def add(self, rows: Floats) -> None:
        """Requires: [n, d], finite, and nobody else changes them."""
        if len(rows) > 0:
            with self._lock:
                self._pieces.append(rows)
                self.size += len(rows)

    def adopt(self, engine: _core.Index) -> None:
        """All rows of an index; its ids, where it has any, must ascend. Requires: this is empty."""
        if engine.size > 0:
            labels = engine.ids(0, engine.size) if engine.has_ids else None
            with self._lock:
                self._pieces = [Part(engine, labels)]
                self.size = engine.size

    def take(self, other: RowStore) -> None:
        """Moves all rows of `other`, of the same dimension and metric, behind those of this one."""
        with other._lock:
            pieces, size = other._pieces, other.size
            other._pieces, other.size = [], 0
        with self._lock:
            self._pieces += pieces
            self.size += size

    def clear(self) -> None:
        with self._lock:
            self._pieces = []
            self.size = 0

    def keep(self, left: Bools) -> None:
        """Removes the rows where `left`, [size], is False; those behind them move up."""
        with self._lock:
            begin, pieces = 0, []
            for piece in self._pieces:
                size = _size(piece)
                stay = left[begin : begin + size]
                begin += size
                if stay.all():
                    pieces.append(piece)
                elif stay.any():
                    pieces.append(_kept(piece, stay))
            self._pieces = pieces
            self.size = int(np.count_nonzero(left))

    def parts(self) -> Parts:
        """All rows as they are now. MemoryError: there is no room for a part of the new ones; nothing is lost."""
        with self._lock:
            self._pieces = [self._part(group) for group in _groups(self._pieces)]
            parts = tuple(piece for piece in self._pieces if isinstance(piece, Part))
            return Parts(parts, self.dimension, self.metric)

    def copy(self) -> RowStore:
        """The same rows, in the same memory; what changes here or there is not seen by the other."""
        other = RowStore(self.dimension, self.metric)
        with self._lock:
            other._pieces = list(self._pieces)
            other.size = self.size
        return other

    def _part(self, group: list[_Piece]) -> Part:
        if len(group) == 1 and isinstance(group[0], Part):
            return group[0]
        rows = [piece.rows() if isinstance(piece, Part) else piece for piece in group]
        joined = rows[0] if len(rows) == 1 else np.concatenate(rows)
        return Part(_core.Index.build(joined, None, self.metric, False, call_threads(), None))


def _size(piece: _Piece) -> int:
    return piece.size if isinstance(piece, Part) else len(piece)


def _kept(piece: _Piece, stay: Bools) -> _Piece:
    if not isinstance(piece, Part):
        return piece[stay]
    rest = piece.keep(stay)
    return rest.rows() if rest.mostly_removed else rest


def _groups(pieces: list[_Piece]) -> list[list[_Piece]]:
    """Which pieces become one part: rows that wait, side by side; and each with the one before, if that has fewer than
    twice as many rows."""
    groups: list[list[_Piece]] = []
    sizes: list[int] = []
    for piece in pieces:
        groups.append([piece])
        sizes.append(_size(piece))
        while len(groups) > 1 and ((_waits(groups[-1]) and _waits(groups[-2])) or sizes[-2] < 2 * sizes[-1]):
            last, size = groups.pop(), sizes.pop()
            groups[-1] += last
            sizes[-1] += size
    return groups


def _waits(group: list[_Piece]) -> bool:
    return len(group) > 1 or isinstance(group[0], np.ndarray)
