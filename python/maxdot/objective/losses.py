"""Losses of scores: point-wise, pair-wise and list-wise, with their derivatives."""

from __future__ import annotations

from typing import Any, Literal, overload

from maxdot import _core
from maxdot.arrays import host
from maxdot.objective.arguments import Floats, Reduction, each_loss, reduced


@overload
def bce(
    scores: Any,
    labels: Any,
    temperature: float = 1.0,
    *,
    reduction: Literal["mean"] = "mean",
    grad: Literal[False] = False,
) -> float: ...


@overload
def bce(
    scores: Any, labels: Any, temperature: float = 1.0, *, reduction: Literal["none"], grad: Literal[False] = False
) -> Floats: ...


@overload
def bce(
    scores: Any, labels: Any, temperature: float = 1.0, *, reduction: Literal["mean"] = "mean", grad: Literal[True]
) -> tuple[float, Floats]: ...


@overload
def bce(
    scores: Any, labels: Any, temperature: float = 1.0, *, reduction: Literal["none"], grad: Literal[True]
) -> tuple[Floats, Floats]: ...


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
    each = each_loss(reduction)
    found = _core.objective_bce(host(scores), host(labels), temperature, each, grad)
    return reduced(found, each)


@overload
def bpr(
    positive: Any,
    negative: Any,
    temperature: float = 1.0,
    *,
    reduction: Literal["mean"] = "mean",
    grad: Literal[False] = False,
) -> float: ...


@overload
def bpr(
    positive: Any,
    negative: Any,
    temperature: float = 1.0,
    *,
    reduction: Literal["none"],
    grad: Literal[False] = False,
) -> Floats: ...


@overload
def bpr(
    positive: Any,
    negative: Any,
    temperature: float = 1.0,
    *,
    reduction: Literal["mean"] = "mean",
    grad: Literal[True],
) -> tuple[float, Floats, Floats]: ...


@overload
def bpr(
    positive: Any, negative: Any, temperature: float = 1.0, *, reduction: Literal["none"], grad: Literal[True]
) -> tuple[Floats, Floats, Floats]: ...


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
    each = each_loss(reduction)
    found = _core.objective_bpr(host(positive), host(negative), temperature, each, grad)
    return reduced(found, each, per_loss=1)


@overload
def cross_entropy(
    positive: Any,
    negatives: Any,
    temperature: float = 1.0,
    *,
    reduction: Literal["mean"] = "mean",
    grad: Literal[False] = False,
) -> float: ...


@overload
def cross_entropy(
    positive: Any,
    negatives: Any,
    temperature: float = 1.0,
    *,
    reduction: Literal["none"],
    grad: Literal[False] = False,
) -> Floats: ...


@overload
def cross_entropy(
    positive: Any,
    negatives: Any,
    temperature: float = 1.0,
    *,
    reduction: Literal["mean"] = "mean",
    grad: Literal[True],
) -> tuple[float, Floats, Floats]: ...


@overload
def cross_entropy(
    positive: Any, negatives: Any, temperature: float = 1.0, *, reduction: Literal["none"], grad: Literal[True]
) -> tuple[Floats, Floats, Floats]: ...


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
    each = each_loss(reduction)
    found = _core.objective_cross_entropy(host(positive), host(negatives), temperature, each, grad)
    return reduced(found, each)
