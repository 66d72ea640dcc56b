"""What Python passes as an array, before it crosses into the extension module."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from maxdot import _core

Ids: TypeAlias = npt.NDArray[np.int64]


def host(value: Any) -> Any:
    """`value` itself, or for a tensor that requires grad or lies on a GPU its values in CPU memory.

    Told by its methods, so that torch need not be installed. A tensor that is on the CPU already shares its
    memory with what this returns.
    """
    if callable(getattr(value, "detach", None)) and callable(getattr(value, "cpu", None)):
        return value.detach().cpu()
    return value


def as_ids(ids: Any, name: str = "ids") -> Ids:
    """`ids` as a C-contiguous int64 array. ValueError for anything but integers, or beyond int64."""
    try:
        array = np.asarray(ids)
    except (TypeError, ValueError) as error:  # ragged, or not to be converted
        raise ValueError(f"{name}: {error}") from None
    if array.dtype.kind not in "iu" and array.size != 0:
        raise ValueError(f"{name}: dtype {array.dtype} is not an integer type; pass integers")
    if array.dtype == np.uint64 and array.size != 0 and array.max() > np.iinfo(np.int64).max:
        raise ValueError(f"{name}: {array.max()} does not fit into int64; use smaller ids")
    return np.ascontiguousarray(array, dtype=np.int64)


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
