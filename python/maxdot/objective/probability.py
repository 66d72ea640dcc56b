"""Scores as probabilities."""

from __future__ import annotations

from typing import Any

import numpy.typing as npt

from maxdot import _core
from maxdot.arrays import as_doubles, host
from maxdot.objective.arguments import Floats, correction


def probability(scores: Any, temperature: float = 1.0) -> Floats:
    """sigmoid(score / temperature) of each score: the calibrated output of a point-wise model.

    Args:
        scores: float32 or float64, any shape: for example those of `Index.search`. -inf gives 0, inf gives 1.
        temperature: what divides the scores.

    Returns:
        an array like `scores`.
    """
    return _core.objective_probability(host(scores), temperature)


def softmax(
    scores: Any, log_partition: npt.ArrayLike, temperature: float = 1.0, *, log_q: npt.ArrayLike | None = None
) -> Floats:
    """The probability of scored items over the whole catalogue: e^(score / temperature - log_q - ln Z).

    >>> ids, scores = index.search(users, 10)
    >>> p = objective.softmax(scores, objective.log_partition(index, users, 0.05), 0.05)

    Args:
        scores: float32 or float64, [n, m], or [m] for one query. -inf, a search's padding, gives 0.
        log_partition: ln Z, [n], or a number for one query: of the same temperature and correction.
        temperature: what divides the scores.
        log_q: like `scores`: the correction of each scored item that `log_partition` had.

    Returns:
        an array like `scores`, at most 1.
    """
    return _core.objective_softmax(
        host(scores), as_doubles(log_partition, "log_partition"), temperature, correction(log_q)
    )
