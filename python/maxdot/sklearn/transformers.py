"""Transformers: X into the sparse graph of its neighbours, for estimators that take a precomputed one."""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from scipy.sparse import csr_matrix
from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_is_fitted

from maxdot.sklearn.k_neighbors import KNeighbors
from maxdot.sklearn.neighbors import Neighbors
from maxdot.sklearn.radius_neighbors import RadiusNeighbors

if TYPE_CHECKING:
    from typing_extensions import Self

_MODE = {"mode": [StrOptions({"distance", "connectivity"})]}


class _GraphTransformer(ClassNamePrefixFeaturesOutMixin, TransformerMixin, Neighbors):
    """What both transformers share. Its output has a column for each fitted sample."""

    mode: Literal["distance", "connectivity"]

    def fit(self, X: Any, y: Any = None) -> Self:
        """Builds the index of X, shape [n_samples, n_features]. `y` is ignored.

        Raises:
            ValueError: as NearestNeighbors.fit.
        """
        super().fit(X)
        self._n_features_out = self.n_samples_fit_
        return self

    def fit_transform(self, X: Any, y: Any = None) -> csr_matrix:
        """Fits and transforms the same X, whose samples are among their own neighbours."""
        return self.fit(X).transform(X)


class KNeighborsTransformer(_GraphTransformer, KNeighbors):
    """X into the sparse graph of its nearest fitted samples, as sklearn.neighbors.KNeighborsTransformer.

    Parameters:
        mode: "distance" or "connectivity": what the graph holds. With "distance" each row has n_neighbors +
            1 entries, as in scikit-learn, because a sample counts as its own neighbour.
        n_neighbors, algorithm, leaf_size, metric, p, metric_params, n_jobs: as in NearestNeighbors.
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **KNeighbors._parameter_constraints,
        **_MODE,
        "n_neighbors": [Interval(Integral, 1, None, closed="left")],
    }

    mode: Literal["distance", "connectivity"]
    n_neighbors: int

    def __init__(
        self,
        *,
        mode: Literal["distance", "connectivity"] = "distance",
        n_neighbors: int = 5,
        algorithm: str = "auto",
        leaf_size: int = 30,
        metric: str = "minkowski",
        p: float | None = 2,
        metric_params: Mapping[str, Any] | None = None,
        n_jobs: int | None = None,
    ) -> None:
        self.mode = mode
        self.n_neighbors = n_neighbors
        self.algorithm = algorithm
        self.leaf_size = leaf_size
        self.metric = metric
        self.p = p
        self.metric_params = metric_params
        self.n_jobs = n_jobs

    def transform(self, X: Any) -> csr_matrix:
        """The graph of X's nearest fitted samples: CSR, shape [n_queries, n_samples_fit], float64."""
        check_is_fitted(self)
        return self.kneighbors_graph(X, self.n_neighbors + (self.mode == "distance"), self.mode)


class RadiusNeighborsTransformer(_GraphTransformer, RadiusNeighbors):
    """X into the sparse graph of the fitted samples within a radius, as sklearn.neighbors.RadiusNeighborsTransformer.

    Parameters:
        mode: "distance" or "connectivity": what the graph holds.
        radius: the largest distance, which is still within; for "dot" it may be negative.
        algorithm, leaf_size, metric, p, metric_params, n_jobs: as in NearestNeighbors.
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **RadiusNeighbors._parameter_constraints,
        **_MODE,
        "radius": [Interval(Real, None, None, closed="both")],
    }

    mode: Literal["distance", "connectivity"]
    radius: float

    def __init__(
        self,
        *,
        mode: Literal["distance", "connectivity"] = "distance",
        radius: float = 1.0,
        algorithm: str = "auto",
        leaf_size: int = 30,
        metric: str = "minkowski",
        p: float | None = 2,
        metric_params: Mapping[str, Any] | None = None,
        n_jobs: int | None = None,
    ) -> None:
        self.mode = mode
        self.radius = radius
        self.algorithm = algorithm
        self.leaf_size = leaf_size
        self.metric = metric
        self.p = p
        self.metric_params = metric_params
        self.n_jobs = n_jobs

    def transform(self, X: Any) -> csr_matrix:
        """The graph of the fitted samples within the radius of X: CSR, shape [n_queries, n_samples_fit], float64."""
        check_is_fitted(self)
        return self.radius_neighbors_graph(X, mode=self.mode)
