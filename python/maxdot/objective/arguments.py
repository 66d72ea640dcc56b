"""What the losses have in common: the arguments that each of them takes, and what it returns."""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from maxdot.arrays import as_doubles

Reduction: TypeAlias = Literal["mean", "none"]
#: float32 or float64, as the scores.
Floats: TypeAlias = npt.NDArray[np.floating[Any]]
Doubles: TypeAlias = npt.NDArray[np.float64]


def correction(log_q: npt.ArrayLike | None) -> Doubles | None:
    """`log_q` as the extension module takes it. ValueError: no numbers."""
    return None if log_q is None else as_doubles(log_q, "log_q")


def each_loss(reduction: str) -> bool:
    """Whether each row's own loss is asked for. ValueError: `reduction` is none."""
    if reduction not in ("mean", "none"):
        raise ValueError(f"reduction: {reduction!r} is not 'mean' or 'none'")
    return reduction == "none"


def reduced(found: tuple[Any, ...], each: bool, per_loss: int = 0) -> Any:
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
