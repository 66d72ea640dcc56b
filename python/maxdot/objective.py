"""Losses of recall models with derivatives and temperature, and the softmax over a whole index.

>>> loss = objective.bce(scores, labels, temperature=0.2)
>>> loss, positive_grad, negative_grad = objective.cross_entropy(positive, negatives, 0.2, grad=True)
>>> loss = objective.full_softmax(index, users, positive_ids, 0.05)      # against every item, one pass

Nothing is trained here: these are values and derivatives for scores that a model gave. Logits are score /
temperature. docs/objectives.md has the formulas and their accuracy.

Scores are float32 or float64 arrays: NumPy, tensors, anything with the buffer or DLPack protocol (a tensor
is detached, and copied to the host from a GPU). Both are computed in float64; results have the scores' type,
and a mean is a Python float.

Every loss takes two more arguments:
    reduction: "mean": the mean loss; "none": the loss of each row.
    grad: also return the derivatives of what `reduction` gives with respect to the scores: of the mean, or of
        each row's own loss. They hold the factor 1 / temperature.

Raises, in every function:
    ValueError: wrong dtype or shape, NaN or Inf, temperature not finite and above 0; names the argument.
    TypeError: what should be an array is none.
    TimeoutError: of those that take a `timeout`, see `full_softmax`: it was not done in time; there is no
        partial answer.
"""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from maxdot import _core
from maxdot.arrays import as_doubles, engine_of, host
from maxdot.id_lists import as_ids
from maxdot.index import Index
from maxdot.metric import MetricName

Reduction: TypeAlias = Literal["mean", "none"]

__all__ = [
    "bce",
    "bpr",
    "cross_entropy",
    "full_softmax",
    "log_partition",
    "probabilities",
    "probability",
    "softmax",
]


def bce(
    scores: Any, labels: Any, temperature: float = 1.0, *, reduction: Reduction = "mean", grad: bool = False
) -> Any:
    """Point-wise: binary cross-entropy of sigmoid(score / temperature) with a label.

    Args:
        scores: float32 or float64, any shape.
        labels: the same shape, numbers from 0 to 1: the dtype of `scores`, or integers, or booleans.
        temperature: what divides the scores.
        reduction, grad: see the module.

    Returns:
        the loss: a float, or an array like `scores`; with `grad` a tuple (loss, gradient like `scores`).
    """
    each = _each(reduction)
    found = _core.objective_bce(host(scores), host(labels), float(temperature), each, grad)
    return _reduced(found, each)


def bpr(
    positive: Any,
    negative: Any,
    temperature: float = 1.0,
    *,
    reduction: Reduction = "mean",
    grad: bool = False,
) -> Any:
    """Pair-wise (BPR): -ln sigmoid((positive - negative) / temperature), one loss for each pair.

    Args:
        positive: float32 or float64, [B].
        negative: the same dtype, [B] or [B, N].
        temperature: what divides the scores.
        reduction, grad: see the module.

    Returns:
        the loss: a float, or an array like `negative`; with `grad` a tuple (loss, gradient of `positive`,
        gradient of `negative`), each like its argument. With "none" the positive's is the sum over its losses.
    """
    each = _each(reduction)
    found = _core.objective_bpr(host(positive), host(negative), float(temperature), each, grad)
    return _reduced(found, each, per_loss=1)


def cross_entropy(
    positive: Any,
    negatives: Any,
    temperature: float = 1.0,
    *,
    reduction: Reduction = "mean",
    grad: bool = False,
) -> Any:
    """List-wise: softmax cross-entropy of one positive among itself and its N sampled negatives.

    Args:
        positive: float32 or float64, [B].
        negatives: the same dtype, [B, N], N >= 1.
        temperature: what divides the scores.
        reduction, grad: see the module.

    Returns:
        the loss: a float, or an array [B]; with `grad` a tuple (loss, gradient of `positive`, gradient of
        `negatives`), each like its argument.
    """
    each = _each(reduction)
    found = _core.objective_cross_entropy(host(positive), host(negatives), float(temperature), each, grad)
    return _reduced(found, each)


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
    each = _each(reduction)
    positives = as_ids(positive_ids, "positive_ids")
    if positives.ndim != 1:
        raise ValueError(f"positive_ids: shape {positives.shape} is not [n]; give one id for each query")
    found = _core.objective_full_softmax(
        engine_of(index),
        host(queries),
        positives,
        float(temperature),
        _correction(log_q),
        metric,
        threads,
        each,
        grad,
        timeout,
    )
    return _reduced(found, each)


def log_partition(
    index: Index,
    queries: Any,
    temperature: float = 1.0,
    *,
    log_q: npt.ArrayLike | None = None,
    metric: MetricName | None = None,
    threads: int = 0,
    timeout: float | None = None,
) -> Any:
    """ln of the sum over all items of e^logit, for each query: what makes scores probabilities.

    The same bits for any number of threads, any batch and any instruction set.

    Args:
        index, temperature, log_q, metric, threads, timeout: as in `full_softmax`.
        queries: float32 or float16, [n, d] or [d].

    Returns:
        float64 [n], or a float for one query [d]. -inf for an index without items.
    """
    found = _core.objective_log_partition(
        engine_of(index), host(queries), float(temperature), _correction(log_q), metric, threads, timeout
    )
    return found if found.ndim else float(found)


def probability(scores: Any, temperature: float = 1.0) -> Any:
    """sigmoid(score / temperature) of each score: the calibrated output of a point-wise model.

    Args:
        scores: float32 or float64, any shape: for example those of `Index.search`. -inf gives 0, inf gives 1.
        temperature: what divides the scores.

    Returns:
        an array like `scores`.
    """
    return _core.objective_probability(host(scores), float(temperature))


def softmax(
    scores: Any, log_partition: npt.ArrayLike, temperature: float = 1.0, *, log_q: npt.ArrayLike | None = None
) -> Any:
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
        host(scores), as_doubles(log_partition, "log_partition"), float(temperature), _correction(log_q)
    )


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
) -> Any:
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
        float(temperature),
        _correction(log_q),
        metric,
        threads,
        timeout,
    )


def _correction(log_q: npt.ArrayLike | None) -> npt.NDArray[np.float64] | None:
    return None if log_q is None else as_doubles(log_q, "log_q")


def _each(reduction: str) -> bool:
    if reduction not in ("mean", "none"):
        raise ValueError(f"reduction: {reduction!r} is not 'mean' or 'none'")
    return reduction == "none"


def _reduced(found: tuple[Any, ...], each: bool, per_loss: int = 0) -> Any:
    """What a loss returns. found: mean, losses, gradients; gradients[per_loss] has an element for each loss."""
    mean, losses, *gradients = found
    if gradients[0] is None:
        return losses if each else mean
    if each:
        return losses, *gradients
    count = gradients[per_loss].size
    for gradient in gradients:
        np.divide(gradient, count, out=gradient)
    return mean, *gradients
