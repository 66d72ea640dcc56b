"""Int64Vector: the ids of an IndexIDMap, by row."""

from __future__ import annotations

from collections.abc import Iterator
from operator import index as as_integer
from typing import Any, SupportsIndex

import numpy as np
import numpy.typing as npt

from maxdot.faiss.arguments import Bools, Int64


class Int64Vector:
    """int64 numbers, which only their index changes. `vector_to_array(v)` or `numpy.array(v)` is a copy of them."""

    __slots__ = ("_memory", "_placed", "_places", "_size")

    def __init__(self, values: Int64 | None = None) -> None:
        self._memory = np.empty(0, np.int64) if values is None else values.copy()
        self._size = len(self._memory)
        self._places: dict[int, int] = {}
        self._placed = 0  # so many are in `_places`

    def size(self) -> int:
        """How many there are."""
        return self._size

    def at(self, i: SupportsIndex) -> int:
        """Number i. IndexError: there is none."""
        at = as_integer(i)
        if not 0 <= at < self._size:
            raise IndexError(f"i: {at} is not within the {self._size} numbers")
        return int(self._memory[at])

    def view(self) -> Int64:
        """All of them, as an array that cannot be written."""
        values = self._memory[: self._size]
        values.flags.writeable = False
        return values

    def last_place(self, value: int) -> int:
        """The place of the last number that is `value`; -1: there is none. O(1), and O(1) for each new number, once."""
        if self._placed < self._size:
            new = self._memory[self._placed : self._size].tolist()
            self._places.update(zip(new, range(self._placed, self._size), strict=True))
            self._placed = self._size
        return self._places.get(value, -1)

    def extend(self, values: Int64) -> None:
        """Amortised O(1) for each."""
        size = self._size + len(values)
        if size > len(self._memory):
            grown = np.empty(max(size, 2 * len(self._memory)), np.int64)
            grown[: self._size] = self._memory[: self._size]
            self._memory = grown
        self._memory[self._size : size] = values
        self._size = size

    def keep(self, left: Bools) -> None:
        """Only those where `left`, bool [size], is True."""
        self._memory = self._memory[: self._size][left]
        self._size = len(self._memory)
        self._forget_places()

    def clear(self) -> None:
        self._memory = np.empty(0, np.int64)
        self._size = 0
        self._forget_places()

    def __len__(self) -> int:
        return self._size

    def __getitem__(self, i: SupportsIndex) -> int:
        at = as_integer(i)
        return self.at(at + self._size if at < 0 else at)

    def __iter__(self) -> Iterator[int]:
        return iter(self.view().tolist())

    def __array__(self, dtype: npt.DTypeLike | None = None, copy: bool | None = None) -> npt.NDArray[Any]:
        return np.array(self.view(), dtype=dtype)

    def _forget_places(self) -> None:
        self._places = {}
        self._placed = 0
