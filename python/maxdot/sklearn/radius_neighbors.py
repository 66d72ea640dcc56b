"""RadiusNeighbors: all fitted samples within a distance."""

from __future__ import annotations

from numbers import Real
from typing import Any, Literal, TypeAlias, overload

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix

from maxdot.sklearn.distances import Distances
from maxdot.sklearn.neighbors import Indices, Neighbors, check_mode

#: [n_queries] of arrays, whose lengths differ.
Arrays: TypeAlias = npt.NDArray[np.object_]


class RadiusNeighbors(Neighbors):
    """radius_neighbors and radius_neighbors_graph, of estimators with a parameter radius."""

    radius: float | None

    @overload
    def radius_neighbors(
        self,
        X: Any = None,
        radius: float | None = None,
        return_distance: Literal[True] = True,
        sort_results: bool = False,
    ) -> tuple[Arrays, Arrays]: ...

    @overload
    def radius_neighbors(
        self, X: Any, radius: float | None, return_distance: Literal[False], sort_results: Literal[False] = False
    ) -> Arrays: ...

    @overload
    def radius_neighbors(
        self,
        X: Any = None,
        radius: float | None = None,
        *,
        return_distance: Literal[False],
        sort_results: Literal[False] = False,
    ) -> Arrays: ...

    def radius_neighbors(
        self, X: Any = None, radius: float | None = None, return_distance: bool = True, sort_results: bool = False
    ) -> Any:
        """All samples within a distance of each row of X; without X, of each fitted sample other than itself.

        Args:
            X: [n_queries, n_features], or None.
            radius: the largest distance, which is still within; None: as the estimator was told. It is compared
                with the float64 distance that is returned, so no result is farther, and none that `kneighbors`
                reports as nearer or as near is missing. For "dot" the negated product: -0.5 asks for all whose
                product is 0.5 or more.
            return_distance: whether distances are returned, too.
            sort_results: has no effect: results are always nearest first, equal ones (before they are rounded) by smaller index.

        Returns:
            distances and indices, object arrays [n_queries] that hold an array (float64, int64) for each query;
            only indices without `return_distance`.

        Raises:
            ValueError: wrong shape, NaN or Inf; a radius that is no distance; `sort_results` without
                `return_distance`, which scikit-learn refuses as well.
            TypeError: `radius` is no number.
            MemoryError: the results do not fit.
        """
        if sort_results and not return_distance:
            raise ValueError("return_distance must be True if sort_results is True.")
        offsets, ids, distances = self._within(X, radius)
        indices = _cut(ids, offsets)
        return (_cut(distances, offsets), indices) if return_distance else indices

    def radius_neighbors_graph(
        self,
        X: Any = None,
        radius: float | None = None,
        mode: Literal["connectivity", "distance"] = "connectivity",
        sort_results: bool = False,
    ) -> csr_matrix:
        """The samples within a distance of each row of X as a CSR matrix [n_queries, n_samples_fit], float64.

        Args:
            X, radius, sort_results: as in `radius_neighbors`.
            mode: "connectivity" stores ones, "distance" the distances of `radius_neighbors`, also those of 0.

        Raises:
            ValueError, TypeError, MemoryError: as `radius_neighbors`; another `mode`.
        """
        check_mode(mode)
        offsets, ids, distances = self._within(X, radius)
        return self._graph(np.ones(len(ids)) if mode == "connectivity" else distances, ids, offsets)

    def _within(self, X: Any, radius: float | None) -> tuple[Indices, Indices, Distances]:
        """offsets, ids and distances: query i has ids[offsets[i] : offsets[i + 1]]."""
        queries = self._queries(X)
        limit = self.radius if radius is None else radius
        if not isinstance(limit, Real):
            raise TypeError(f"radius: {limit!r} is no number; use the largest distance that is wanted")
        limit = float(limit)
        measure = self._measure
        threshold = np.array([measure.threshold(limit)])
        offsets, ids, scores = self._index.search_range(
            queries, threshold, self._threads(), measure.engine, False, measure.scores
        )
        distances = measure.distances(scores)
        rows = np.repeat(np.arange(len(queries)), np.diff(offsets))
        keep = distances <= limit
        if X is None:
            keep &= ids != rows
        counts = np.bincount(rows[keep], minlength=len(queries))
        return np.concatenate([[0], np.cumsum(counts)]), ids[keep], distances[keep]


def _cut(values: npt.NDArray[Any], offsets: Indices) -> Arrays:
    """values[offsets[i] : offsets[i + 1]] for each i. They are copies: a caller may keep one, and let go of the others."""
    parts = np.empty(len(offsets) - 1, object)
    for row in range(len(parts)):
        parts[row] = values[offsets[row] : offsets[row + 1]].copy()
    return parts
