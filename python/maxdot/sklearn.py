"""scikit-learn estimators: exact neighbours by maxdot, in scikit-learn's conventions.

`NearestNeighbors` and `KNeighborsTransformer` take the place of scikit-learn's own with `algorithm="brute"`.
Their inputs are converted to float32, as `check_array(dtype=float32)` does; float16 stays float16. Distances
are float64.
"""

from __future__ import annotations

from numbers import Integral
from typing import Any

import numpy as np
from scipy.sparse import csr_matrix
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_is_fitted, validate_data

from maxdot import _core

_DTYPES = [np.float32, np.float16]


class _Neighbors(BaseEstimator):
    """fit and kneighbors, which both estimators share."""

    _parameter_constraints: dict[str, list[Any]] = {
        "n_neighbors": [Interval(Integral, 1, None, closed="left")],
        "metric": [StrOptions({"euclidean", "cosine", "dot"})],
        "n_jobs": [Integral, None],
    }

    def fit(self, X: Any, y: Any = None) -> Any:
        """Builds the index of X, shape [n_samples, n_features]. `y` is ignored."""
        self._validate_params()
        X = validate_data(self, X, dtype=_DTYPES, order="C")
        self._index = _core.Index.build(X, None, self.metric, False, self._threads(), None)
        self.n_samples_fit_ = X.shape[0]
        return self

    def kneighbors(self, X: Any = None, n_neighbors: int | None = None, return_distance: bool = True) -> Any:
        """The nearest samples of each row of X; without X, of each fitted sample other than itself.

        Returns:
            distances (float64) and indices (int64), shape [n_queries, n_neighbors]; only indices without
            `return_distance`. "euclidean": the distance; "cosine": 1 - cosine; "dot": the negated product.

        Raises:
            ValueError: wrong shape, NaN or Inf, or more neighbours than samples.
        """
        check_is_fitted(self)
        k = self.n_neighbors if n_neighbors is None else n_neighbors
        if not isinstance(k, Integral) or int(k) < 1:
            raise ValueError(f"n_neighbors: {k!r} is no number of neighbours; use an integer of 1 or more")
        k = int(k)
        available = self.n_samples_fit_ - (X is None)
        if k > available:
            raise ValueError(
                f"Expected n_neighbors <= n_samples_fit, but n_neighbors = {k}, n_samples_fit = "
                f"{self.n_samples_fit_}, n_samples = {self.n_samples_fit_ if X is None else len(X)}"
            )
        if X is None:
            queries = self._index.rows(0, self.n_samples_fit_)
            ids, scores = self._search(queries, k + 1)
            ids, scores = _without_self(ids, scores)
        else:
            ids, scores = self._search(validate_data(self, X, dtype=_DTYPES, order="C", reset=False), k)
        return (self._distances(scores), ids) if return_distance else ids

    def kneighbors_graph(
        self, X: Any = None, n_neighbors: int | None = None, mode: str = "connectivity"
    ) -> Any:
        """The neighbours of each row of X as a CSR matrix [n_queries, n_samples_fit].

        `mode` "connectivity" stores ones, "distance" the distances of `kneighbors`.
        """
        if mode not in ("connectivity", "distance"):
            raise ValueError(f"mode: {mode!r} is not 'connectivity' or 'distance'")
        distances, ids = self.kneighbors(X, n_neighbors)
        rows, k = ids.shape
        values = np.ones(ids.size) if mode == "connectivity" else distances.ravel()
        starts = np.arange(0, rows * k + 1, k)
        return csr_matrix((values, ids.ravel(), starts), shape=(rows, self.n_samples_fit_))

    def _search(self, queries: Any, k: int) -> Any:
        return self._index.search(queries, k, self._threads(), None, False, "f64")

    def _distances(self, scores: Any) -> Any:
        if self.metric == "euclidean":
            return scores
        return 1.0 - scores if self.metric == "cosine" else -scores

    def _threads(self) -> int:
        # scikit-learn's n_jobs: None means one, -1 all, -2 all but one.
        if self.n_jobs is None:
            return 1
        return int(self.n_jobs) if self.n_jobs > 0 else max(1, _core.available_threads() + 1 + self.n_jobs)

    def __getstate__(self) -> dict[str, Any]:
        state = dict(super().__getstate__())
        index = state.pop("_index", None)
        if index is not None:
            rows = index.rows(0, index.size)
            state["_rows"] = rows.astype(np.float16) if index.dtype == "f16" else rows
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        rows = state.pop("_rows", None)
        super().__setstate__(state)
        if rows is not None:
            self._index = _core.Index.build(rows, None, self.metric, False, self._threads(), None)

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "_index")


def _without_self(ids: Any, scores: Any) -> Any:
    """Drops each row's own sample from its k + 1 neighbours, or the last if duplicates have pushed it out."""
    rows, width = ids.shape
    keep = ids != np.arange(rows)[:, np.newaxis]
    keep[keep.all(axis=1), -1] = False
    return ids[keep].reshape(rows, width - 1), scores[keep].reshape(rows, width - 1)


class NearestNeighbors(_Neighbors):
    """Exact nearest neighbours, as sklearn.neighbors.NearestNeighbors(algorithm="brute").

    Parameters:
        n_neighbors: neighbours per query unless `kneighbors` asks for another number.
        metric: "euclidean", "cosine" or "dot".
        n_jobs: threads; None = 1, -1 = every core that this process may use.
    """

    def __init__(self, n_neighbors: int = 5, *, metric: str = "euclidean", n_jobs: int | None = None) -> None:
        self.n_neighbors = n_neighbors
        self.metric = metric
        self.n_jobs = n_jobs


class KNeighborsTransformer(ClassNamePrefixFeaturesOutMixin, TransformerMixin, _Neighbors):
    """X into the sparse graph of its nearest fitted samples, as sklearn.neighbors.KNeighborsTransformer.

    Parameters:
        mode: "distance" or "connectivity": what the graph holds. With "distance" each row has n_neighbors +
            1 entries, as in scikit-learn, because a sample counts as its own neighbour.
        n_neighbors, metric, n_jobs: as in NearestNeighbors.
    """

    _parameter_constraints = {
        **_Neighbors._parameter_constraints,
        "mode": [StrOptions({"distance", "connectivity"})],
    }

    def __init__(
        self,
        *,
        mode: str = "distance",
        n_neighbors: int = 5,
        metric: str = "euclidean",
        n_jobs: int | None = None,
    ) -> None:
        self.mode = mode
        self.n_neighbors = n_neighbors
        self.metric = metric
        self.n_jobs = n_jobs

    def fit(self, X: Any, y: Any = None) -> Any:
        """Builds the index of X, shape [n_samples, n_features]. `y` is ignored."""
        super().fit(X)
        self._n_features_out = self.n_samples_fit_
        return self

    def transform(self, X: Any) -> Any:
        """The graph of X's nearest fitted samples: CSR, shape [n_queries, n_samples_fit]."""
        check_is_fitted(self)
        k = self.n_neighbors + (self.mode == "distance")
        return self.kneighbors_graph(X, k, self.mode)

    def fit_transform(self, X: Any, y: Any = None) -> Any:
        """Fits and transforms the same X."""
        return self.fit(X).transform(X)
