"""NearestNeighbors: the nearest samples, by number or by distance."""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Integral, Real
from typing import Any, ClassVar

from sklearn.utils._param_validation import Interval

from maxdot.sklearn.k_neighbors import KNeighbors
from maxdot.sklearn.radius_neighbors import RadiusNeighbors


class NearestNeighbors(KNeighbors, RadiusNeighbors):
    """Exact nearest neighbours, as sklearn.neighbors.NearestNeighbors.

    Parameters:
        n_neighbors: neighbours per query unless `kneighbors` asks for another number.
        radius: the largest distance unless `radius_neighbors` asks for another; for "dot" it may be negative.
        algorithm: "auto", "brute", "kd_tree" or "ball_tree". Without effect: each of them is exact, and so is
            maxdot.
        leaf_size: without effect; it tunes trees.
        metric: "minkowski" (with p=2), "euclidean", "l2", "sqeuclidean", "cosine" or "dot" (the negated product).
        p: 2. Metrics other than "minkowski" ignore it.
        metric_params: None or {}; of "minkowski" also {"p": 2}.
        n_jobs: threads; None = 1 (or as joblib.parallel_config says), -1 = every core that this process may use.
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **KNeighbors._parameter_constraints,
        "n_neighbors": [Interval(Integral, 1, None, closed="left"), None],
        "radius": [Interval(Real, None, None, closed="both"), None],
    }

    def __init__(
        self,
        n_neighbors: int | None = 5,
        *,
        radius: float | None = 1.0,
        algorithm: str = "auto",
        leaf_size: int = 30,
        metric: str = "minkowski",
        p: float | None = 2,
        metric_params: Mapping[str, Any] | None = None,
        n_jobs: int | None = None,
    ) -> None:
        self.n_neighbors = n_neighbors
        self.radius = radius
        self.algorithm = algorithm
        self.leaf_size = leaf_size
        self.metric = metric
        self.p = p
        self.metric_params = metric_params
        self.n_jobs = n_jobs
