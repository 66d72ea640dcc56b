"""What the name of a metric means: which of the engine's metrics answers it, and which distance is reported."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from maxdot.metric import Metric

Distances: TypeAlias = npt.NDArray[np.float64]

# By the names that scikit-learn gives them, and "dot", which it does not have.
_ENGINE_METRICS: dict[str, Metric] = {
    "euclidean": "euclidean",
    "l2": "euclidean",
    "sqeuclidean": "euclidean",
    "cosine": "cosine",
    "dot": "dot",
}


@dataclass(frozen=True)
class Measure:
    """A metric by its effective name, which is one that `_ENGINE_METRICS` has."""

    name: str

    @property
    def engine(self) -> Metric:
        """The metric that the engine is asked for."""
        return _ENGINE_METRICS[self.name]

    @property
    def scores(self) -> Literal["f64", "keys"]:
        """The scores that the engine is asked for: the key of a distance is its negated square."""
        return "keys" if self.name == "sqeuclidean" else "f64"

    def distances(self, scores: Distances) -> Distances:
        """What is reported for the engine's `scores`: smaller is nearer."""
        if self.name == "cosine":
            return np.maximum(1.0 - scores, 0.0)  # rounding may carry a cosine a hair above 1
        return scores if self.engine == "euclidean" and self.scores == "f64" else 0.0 - scores

    def threshold(self, radius: float) -> float:
        """A threshold for `search_range` that all items with `distances` <= radius reach, and perhaps a few others.

        ValueError: no distance is that small.
        """
        if math.isnan(radius) or (radius < 0 and self.name != "dot"):
            raise ValueError(f"radius: {radius} is no {self.name} distance; use a number of 0 or more")
        if self.name == "cosine":
            # 1 - cosine is rounded, so the cosine of an item at the edge may be below 1 - radius by a rounding or two.
            return (1.0 - radius) - 4 * np.finfo(np.float64).eps * max(1.0, radius)
        if self.name == "sqeuclidean":
            return math.sqrt(radius)  # the engine compares rounded roots, and rounding keeps their order
        return radius if self.engine == "euclidean" else -radius


def measure_of(metric: Any, p: float | None, metric_params: Mapping[str, Any] | None) -> Measure:
    """The measure that the parameters of an estimator name.

    ValueError: maxdot does not have it.
    """
    others = dict(metric_params or {})
    name = metric
    if metric == "minkowski":
        power = others.pop("p", p)
        if power != 2:
            raise ValueError(
                f"p: maxdot has the Minkowski distance with p=2 only, not {power!r}; use sklearn.neighbors for others"
            )
        name = "euclidean"
    if not isinstance(name, str) or name not in _ENGINE_METRICS:
        raise ValueError(
            f"metric: {metric!r} is not one of 'minkowski' (with p=2), {', '.join(map(repr, _ENGINE_METRICS))}; use "
            "sklearn.neighbors for others"
        )
    if others:
        raise ValueError(f"metric_params: {next(iter(others))!r} is not supported for {metric!r}; leave it out")
    return Measure(name)
