"""What "best" means, by name."""

from __future__ import annotations

from typing import Literal, TypeAlias

from maxdot import _core

Metric: TypeAlias = Literal["dot", "cosine", "euclidean"]
#: What arguments take, in small letters or capitals: other libraries' names, too.
MetricName: TypeAlias = Literal["dot", "ip", "inner_product", "cosine", "cos", "euclidean", "l2"]


def metric_named(name: str) -> Metric:
    """The metric of that name. ValueError: there is none; the message says which may be meant. TypeError: no string."""
    return _core.metric_named(name)
