"""What searches return: Matches of one query, BatchMatches of several."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from operator import index as as_integer
from typing import SupportsIndex, TypeAlias, overload

import numpy as np
import numpy.typing as npt

from maxdot.door_arguments import Floats

Keys: TypeAlias = npt.NDArray[np.uint64]


@dataclass(frozen=True)
class Match:
    """One result."""

    key: int
    distance: float

    def to_tuple(self) -> tuple[int, float]:
        """(key, distance)"""
        return self.key, self.distance


@dataclass(frozen=True, eq=False)
class Matches(Sequence[Match]):
    """The results of one query, nearest first: keys (uint64 [n]) and distances (float32 [n])."""

    keys: Keys
    distances: Floats

    def __len__(self) -> int:
        return len(self.keys)

    @overload
    def __getitem__(self, index: int) -> Match: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Match]: ...
    def __getitem__(self, index: int | slice) -> Match | Sequence[Match]:
        if isinstance(index, slice):
            return Matches(self.keys[index], self.distances[index])
        return Match(int(self.keys[index]), float(self.distances[index]))

    def to_list(self) -> list[tuple[int, float]]:
        """(key, distance) of each."""
        return [match.to_tuple() for match in self]


@dataclass(frozen=True, eq=False)
class BatchMatches(Sequence[Matches]):
    """The results of several queries.

    Attributes:
        keys, distances: uint64 and float32, [queries, count]; places of missing results hold key 0 and NaN.
        counts: how many results each query has.
    """

    keys: Keys
    distances: Floats
    counts: npt.NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.counts)

    @overload
    def __getitem__(self, index: int) -> Matches: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Matches]: ...
    def __getitem__(self, index: int | slice) -> Matches | Sequence[Matches]:
        if isinstance(index, slice):
            return BatchMatches(self.keys[index], self.distances[index], self.counts[index])
        count = int(self.counts[index])
        return Matches(self.keys[index, :count], self.distances[index, :count])

    def to_list(self) -> list[tuple[int, float]]:
        """(key, distance) of all results, query by query."""
        return [match.to_tuple() for matches in self for match in matches]

    def count_matches(self, expected: npt.ArrayLike, count: SupportsIndex | None = None) -> int:
        """Of how many queries the expected key, one for each, is among the first `count` results; None: among all."""
        wanted = np.asarray(expected)
        if wanted.shape != self.counts.shape:
            raise ValueError(f"expected: shape {wanted.shape} is not [{len(self)}]; give one key for each query")
        width = self.keys.shape[1] if count is None else as_integer(count)
        there = np.arange(self.keys.shape[1]) < np.minimum(self.counts, width)[:, np.newaxis]
        return int(((self.keys == wanted[:, np.newaxis]) & there).any(axis=1).sum())

    def mean_recall(self, expected: npt.ArrayLike, count: SupportsIndex | None = None) -> float:
        """`count_matches` as a share of the queries; NaN where there are none."""
        return self.count_matches(expected, count) / len(self) if len(self) else math.nan
