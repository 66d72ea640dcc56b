"""Engines with `fit` and `query`, as in `torch_rechub.utils.match`."""

from __future__ import annotations

import os
from typing import Any

import numpy.typing as npt

from maxdot.arrays import float_rows
from maxdot.index import Index
from maxdot.rechub.measure import Measure


class Engine:
    """Exact nearest items: `fit(X)`, then `query(v, n)`.

    Args:
        metric: a measure, see `maxdot.rechub`.
        ids: what `query` returns for each row of X, such as raw item ids: unique integers >= 0. None: the row.
        threads: threads of a call; 0 = every core that this process may use.
    """

    def __init__(self, metric: str = "cosine", *, ids: npt.ArrayLike | None = None, threads: int = 0) -> None:
        self.metric = metric
        self._measure = Measure.named(metric)
        self._ids = ids
        self._threads = threads
        self._index: Index | None = None

    def fit(self, X: Any) -> None:
        """Builds the index of X, shape [n, d]; what was fitted before is replaced.

        Raises:
            ValueError: wrong shape, NaN or Inf (names row and column), bad ids.
        """
        self._index = self._measure.build(X, self._ids, self._threads, "X")

    def query(self, v: Any, n: int) -> tuple[list[Any], list[Any]]:
        """The n best items for v, best first: (ids, distances).

        Args:
            v: shape [d], [m, d], or [m, interests, d] for users with several interests, where an item counts
                with its best.
            n: number of results.

        Returns:
            Lists of Python numbers for [d], at most as many as there are items, as from RecHub's `Annoy`; for
            more dimensions lists of m such lists, as from its `Faiss`, padded with id -1 and the worst distance.

        Raises:
            ValueError: nothing fitted, wrong shape or dimension, NaN or Inf, negative n.
        """
        index = self._fitted()
        vectors = float_rows(v, "v")
        if vectors.ndim == 1:
            count = min(n, len(index))
            ids, distances = self._measure.search(index, vectors[None], count, self._threads)
            return ids[0].tolist(), distances[0].tolist()
        ids, distances = self._measure.search(index, vectors, n, self._threads)
        return ids.tolist(), distances.tolist()

    def _fitted(self) -> Index:
        if self._index is None:
            raise ValueError("engine: it has no items; call fit(X) first")
        return self._index

    def __str__(self) -> str:
        items = 0 if self._index is None else len(self._index)
        return f"{type(self).__name__}(metric={self.metric}, items={items})"


class Annoy(Engine):
    """In place of `torch_rechub.utils.match.Annoy`.

    `n_trees` and `search_k` trade results for time in Annoy. They are accepted so that a script need not change,
    and have no effect: results are exact.
    """

    def __init__(self, metric: str = "angular", n_trees: int = 10, search_k: int = -1) -> None:
        super().__init__(metric)

    def set_query_arguments(self, search_k: int) -> None:
        """Has no effect, see the class."""


class Faiss(Engine):
    """In place of `torch_rechub.utils.match.Faiss`; every query returns lists of lists.

    `index_type`, `nlist` and `m` choose an approximation in FAISS. They are accepted so that a script need not
    change, and have no effect: results are exact. Unlike RecHub's, `fit` does not append to what is there.
    """

    def __init__(
        self, dim: int, index_type: str = "flat", nlist: int = 100, m: int = 32, metric: str = "l2"
    ) -> None:
        super().__init__(metric)
        self.dim = dim

    def fit(self, X: Any) -> None:
        """As `Engine.fit`. ValueError: also for rows that are not [n, dim]."""
        rows = float_rows(X, "X")
        if rows.ndim != 2 or rows.shape[1] != self.dim:
            raise ValueError(f"X: shape {rows.shape} is not [n, {self.dim}]")
        super().fit(rows)

    def query(self, v: Any, n: int) -> tuple[list[Any], list[Any]]:
        """As `Engine.query`; one vector [d] is a batch of one."""
        vectors = float_rows(v, "v")
        return super().query(vectors[None] if vectors.ndim == 1 else vectors, n)

    def set_query_arguments(self, nprobe: int | None = None, efSearch: int | None = None) -> None:
        """Has no effect, see the class."""

    def save_index(self, filepath: str | os.PathLike[str]) -> None:
        """Writes a maxdot index file. OSError: it cannot be written."""
        self._fitted().save(filepath)

    def load_index(self, filepath: str | os.PathLike[str]) -> None:
        """Opens a maxdot index file. OSError: it cannot be read; ValueError: it is none of this metric."""
        self._index = self._measure.open(filepath)
