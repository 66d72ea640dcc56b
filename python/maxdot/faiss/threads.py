"""How many threads calls use: the numbers of FAISS's OpenMP, which stand for the whole process."""

from __future__ import annotations

from operator import index as as_integer
from typing import SupportsIndex

from maxdot import _core

#: That the engine takes.
_MOST_THREADS = 4096

_threads = 0


def omp_set_num_threads(num_threads: SupportsIndex) -> None:
    """Every later call of this package uses `num_threads` threads, from 1 to 4,096. Results do not depend on it."""
    global _threads
    _threads = min(max(1, as_integer(num_threads)), _MOST_THREADS)


def omp_get_max_threads() -> int:
    """How many threads a call uses: as set, else every core that this process may use."""
    return _threads or _core.available_threads()


def call_threads() -> int:
    """What the engine is told: 0 = every core that this process may use."""
    return _threads
