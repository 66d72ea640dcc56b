"""KNeighbors: the nearest fitted samples, a given number of them."""

from __future__ import annotations

from numbers import Integral
from typing import Any, Literal, overload

import numpy as np
from scipy.sparse import csr_matrix

from maxdot.sklearn.distances import Distances
from maxdot.sklearn.neighbors import Indices, Neighbors, check_mode


class KNeighbors(Neighbors):
    """kneighbors and kneighbors_graph, of estimators with a parameter n_neighbors."""

    n_neighbors: int | None

    @overload
    def kneighbors(
        self, X: Any = None, n_neighbors: int | None = None, return_distance: Literal[True] = True
    ) -> tuple[Distances, Indices]: ...

    @overload
    def kneighbors(self, X: Any, n_neighbors: int | None, return_distance: Literal[False]) -> Indices: ...

    @overload
    def kneighbors(
        self, X: Any = None, n_neighbors: int | None = None, *, return_distance: Literal[False]
    ) -> Indices: ...

    def kneighbors(self, X: Any = None, n_neighbors: int | None = None, return_distance: bool = True) -> Any:
        """The nearest samples of each row of X; without X, of each fitted sample other than itself.

        Args:
            X: [n_queries, n_features], or None.
            n_neighbors: how many; None: as the estimator was told.
            return_distance: whether distances are returned, too.

        Returns:
            distances (float64) and indices (int64), shape [n_queries, n_neighbors], nearest first, equal ones (before
            they are rounded) by smaller index; only indices without `return_distance`. "cosine": 1 - cosine, at least 0; "dot": the
            negated product.

        Raises:
            ValueError: wrong shape, NaN or Inf, or more neighbours than samples.
            TypeError: n_neighbors is no integer.
        """
        queries = self._queries(X)
        k = self._count(n_neighbors, X is None)
        measure = self._measure
        ids, scores = self._index.search(
            queries, k + (X is None), self._threads(), measure.engine, False, measure.scores
        )
        if X is None:
            ids, scores = _without_self(ids, scores)
        return (measure.distances(scores), ids) if return_distance else ids

    def kneighbors_graph(
        self,
        X: Any = None,
        n_neighbors: int | None = None,
        mode: Literal["connectivity", "distance"] = "connectivity",
    ) -> csr_matrix:
        """The neighbours of each row of X as a CSR matrix [n_queries, n_samples_fit], float64.

        Args:
            X, n_neighbors: as in `kneighbors`.
            mode: "connectivity" stores ones, "distance" the distances of `kneighbors`.

        Raises:
            ValueError, TypeError: as `kneighbors`; another `mode`.
        """
        check_mode(mode)
        distances, ids = self.kneighbors(X, n_neighbors)
        rows, k = ids.shape
        values = np.ones(ids.size) if mode == "connectivity" else distances.ravel()
        return self._graph(values, ids.ravel(), np.arange(0, rows * k + 1, k))

    def _count(self, n_neighbors: int | None, without_self: bool) -> int:
        k = self.n_neighbors if n_neighbors is None else n_neighbors
        if not isinstance(k, Integral):
            raise TypeError(f"n_neighbors: {k!r} is no number of neighbours; use an integer of 1 or more")
        k = int(k)
        if k < 1:
            raise ValueError(f"n_neighbors: {k} is no number of neighbours; use an integer of 1 or more")
        if k > self.n_samples_fit_ - without_self:
            sign, why = ("<", " (no sample is its own neighbour here)") if without_self else ("<=", "")
            raise ValueError(
                f"Expected n_neighbors {sign} n_samples_fit, but n_neighbors = {k}, n_samples_fit = "
                f"{self.n_samples_fit_}{why}; ask for fewer"
            )
        return k


def _without_self(ids: Indices, scores: Distances) -> tuple[Indices, Distances]:
    """Drops each row's own sample from its k + 1 neighbours, or the last if duplicates have pushed it out."""
    rows, width = ids.shape
    keep = ids != np.arange(rows)[:, np.newaxis]
    keep[keep.all(axis=1), -1] = False
    return ids[keep].reshape(rows, width - 1), scores[keep].reshape(rows, width - 1)
