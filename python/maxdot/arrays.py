"""What Python passes as an array, before it crosses into the extension module."""

from __future__ import annotations

import os
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


def as_array(value: Any) -> npt.NDArray[Any]:
    """A tensor, array or list as a NumPy array in CPU memory, without a copy where that is possible.

    Raises:
        ValueError: a masked array, whose values do not all count.
    """
    value = host(value)
    if str(getattr(value, "dtype", "")).endswith("bfloat16"):
        value = value.float()  # NumPy has no bfloat16; float32 holds all of its values
    if hasattr(value, "__dlpack__") and not hasattr(value, "__array__"):
        return np.from_dlpack(value)
    if isinstance(value, np.ma.MaskedArray):
        raise ValueError("a masked array has values that do not count; drop them, or give filled(...)")
    return np.asarray(value)


def float_rows(value: Any, name: str) -> npt.NDArray[Any]:
    """`value` as a float32 or float16 array, other numbers converted to float32: for the interfaces of libraries
    that convert. ValueError: it holds no numbers."""
    array = as_array(value)
    if array.dtype in (np.float32, np.float16):
        return array
    if array.dtype.kind not in "fiu":
        raise ValueError(f"{name}: dtype {array.dtype} holds no numbers; pass a tensor or array of floats")
    return array.astype(np.float32)


def as_doubles(values: Any, name: str) -> npt.NDArray[np.float64]:
    """`values` as a C-contiguous float64 array. ValueError for anything but numbers."""
    try:
        return np.asarray(host(values), dtype=np.float64, order="C")
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name}: {error}") from None


def engine_of(index: Any) -> _core.Index:
    """The engine of a maxdot.Index. TypeError: it is none; ValueError: it is closed."""
    opened = getattr(index, "_open_engine", None)
    engine = None if opened is None else opened()
    if not isinstance(engine, _core.Index):
        raise TypeError(f"index: {type(index).__name__} is no maxdot.Index; build one of the items")
    return engine


def check_room(queries: int, k: int, bytes_of_a_result: int = 32) -> None:
    """MemoryError: results of so many queries, of 1 where there are none, are more than this machine has memory free.

    Linux grants memory that it does not have, and ends the process that uses it.
    """
    needed = max(queries, 1) * k * bytes_of_a_result
    if needed > _ROOM_NOT_ASKED and needed > _free_bytes():
        raise MemoryError(f"k: {k} results of {queries} queries do not fit in memory; use a smaller k, or ask for less at once")


#: [bytes] Up to here it costs more to ask what is free than it helps.
_ROOM_NOT_ASKED = 1 << 26


def _free_bytes() -> int:
    """What the kernel says can be taken without others having to give theirs back; all that there is, where it does not."""
    try:
        with open("/proc/meminfo", encoding="ascii") as told:
            return next(int(line.split()[1]) * 1024 for line in told if line.startswith("MemAvailable:"))
    except (OSError, StopIteration):
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
