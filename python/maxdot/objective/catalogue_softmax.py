"""The softmax over all items of an index: the loss, its partition, and probabilities."""

from __future__ import annotations

from typing import Any, Literal, overload

import numpy.typing as npt

from maxdot import _core
from maxdot.arrays import as_doubles, engine_of, host
from maxdot.id_lists import as_ids
from maxdot.index import Index
from maxdot.metric import MetricName
from maxdot.objective.arguments import Doubles, Reduction, correction, each_loss, reduced


@overload
def full_softmax(
    index: Index,
    queries: Any,
    positive_ids: npt.ArrayLike,
    temperature: float = 1.0,
    *,
    log_q: npt.ArrayLike | None = None,
    metric: MetricName | None = None,
    reduction: Literal["mean"] = "mean",
    grad: Literal[False] = False,
    threads: int = 0,
    timeout: float | None = None,
) -> float: ...


@overload
def full_softmax(
    index: Index,
    queries: Any,
    positive_ids: npt.ArrayLike,
    temperature: float = 1.0,
    *,
    log_q: npt.ArrayLike | None = None,
    metric: MetricName | None = None,
    reduction: Literal["none"],
    grad: Literal[False] = False,
    threads: int = 0,
    timeout: float | None = None,
) -> Doubles: ...


@overload
def full_softmax(
    index: Index,
    queries: Any,
    positive_ids: npt.ArrayLike,
    temperature: float = 1.0,
    *,
    log_q: npt.ArrayLike | None = None,
    metric: MetricName | None = None,
    reduction: Literal["mean"] = "mean",
    grad: Literal[True],
    threads: int = 0,
    timeout: float | None = None,
) -> tuple[float, Doubles]: ...


@overload
def full_softmax(
    index: Index,
    queries: Any,
    positive_ids: npt.ArrayLike,
    temperature: float = 1.0,
    *,
    log_q: npt.ArrayLike | None = None,
    metric: MetricName | None = None,
    reduction: Literal["none"],
    grad: Literal[True],
    threads: int = 0,
    timeout: float | None = None,
) -> tuple[Doubles, Doubles]: ...


def full_softmax(
    index: Index,
    queries: Any,
    positive_ids: npt.ArrayLike,
    temperature: float = 1.0,
    *,
    log_q: npt.ArrayLike | None = None,
    metric: MetricName | None = None,
    reduction: Reduction = "mean",
    grad: bool = False,
    threads: int = 0,
    timeout: float | None = None,
) -> Any:
    """Softmax cross-entropy of each query's positive item among all items of the index, in one pass.

    No matrix of queries x items exists: memory does not grow with the number of queries. A loss near 0 keeps
    its relative accuracy.

    Args:
        index: the items; its metric, or `metric`, is "dot" or "cosine".
        queries: float32 or float16, [n, d].
        positive_ids: integers, [n]: ids that the index holds.
        temperature: what divides the scores.
        log_q: numbers, [len(index)] in row order: what each item's logit is lowered by. The logarithm of the
            probability of being sampled corrects a model that was trained with sampled negatives.
        metric: another metric than the index's own.
        reduction, grad: see the module.
        threads: 0 = every core that this process may use. Results do not depend on it.
        timeout: seconds, as in `Index.search`.

    Returns:
        the loss: a float, or a float64 array [n]; with `grad` a tuple (loss, gradient of the positives' scores,
        float64 [n]).

    Raises:
        ValueError: also for an id that the index does not hold, and for metric "euclidean".
    """
    each = each_loss(reduction)
    positives = as_ids(positive_ids, "positive_ids")
    if positives.ndim != 1:
        raise ValueError(f"positive_ids: shape {positives.shape} is not [n]; give one id for each query")
    found = _core.objective_full_softmax(
        engine_of(index),
        host(queries),
        positives,
        temperature,
        correction(log_q),
        metric,
        threads,
        each,
        grad,
        timeout,
    )
    return reduced(found, each)


def log_partition(
    index: Index,
    queries: Any,
    temperature: float = 1.0,
    *,
    log_q: npt.ArrayLike | None = None,
    metric: MetricName | None = None,
    threads: int = 0,
    timeout: float | None = None,
) -> Doubles | float:
    """ln of the sum over all items of e^logit, for each query: what makes scores probabilities.

    The same bits for any number of threads, any batch and any instruction set.

    Args:
        index, temperature, log_q, metric, threads, timeout: as in `full_softmax`.
        queries: float32 or float16, [n, d] or [d].

    Returns:
        float64 [n], or a float for one query [d]. -inf for an index without items.
    """
    found = _core.objective_log_partition(
        engine_of(index), host(queries), temperature, correction(log_q), metric, threads, timeout
    )
    return found if found.ndim else float(found)


def probabilities(
    index: Index,
    queries: Any,
    ids: npt.ArrayLike,
    log_partition: npt.ArrayLike,
    temperature: float = 1.0,
    *,
    log_q: npt.ArrayLike | None = None,
    metric: MetricName | None = None,
    threads: int = 0,
    timeout: float | None = None,
) -> Doubles:
    """The probability of any items over the whole catalogue; their logits are computed in float64.

    Args:
        index, temperature, log_q, metric, threads, timeout: as in `full_softmax`.
        queries: float32 or float16, [n, d] or [d].
        ids: integers, [n, m], or [m] for one query; the padding -1 gives 0.
        log_partition: [n], or a number for one query: of the same temperature, correction and metric.

    Returns:
        float64, like `ids`, at most 1.

    Raises:
        ValueError: also for another id that the index does not hold.
    """
    return _core.objective_probabilities(
        engine_of(index),
        host(queries),
        as_ids(ids),
        as_doubles(log_partition, "log_partition"),
        temperature,
        correction(log_q),
        metric,
        threads,
        timeout,
    )
