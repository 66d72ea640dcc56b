"""What Python passes as an array, before it crosses into the extension module."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from maxdot import _core


def host(value: Any) -> Any:
    """`value` itself, or for a tensor that requires grad or lies on a GPU its values in CPU memory.

    Told by its methods, so that torch need not be installed. A tensor that is on the CPU already shares its
    memory with what this returns.
    """
    if callable(getattr(value, "detach", None)) and callable(getattr(value, "cpu", None)):
        return value.detach().cpu()
    return value


def as_doubles(values: Any, name: str) -> npt.NDArray[np.float64]:
    """`values` as a C-contiguous float64 array. ValueError for anything but numbers."""
    try:
        return np.asarray(host(values), dtype=np.float64, order="C")
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name}: {error}") from None


def engine_of(index: Any) -> _core.Index:
    """The engine of a maxdot.Index. TypeError: it is none; ValueError: it is closed."""
    opened = getattr(index, "_open_engine", None)
    if opened is None:
        raise TypeError(f"index: {type(index).__name__} is no maxdot.Index; build one of the items")
    engine: _core.Index = opened()
    return engine
