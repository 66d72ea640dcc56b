"""What callers pass, checked and converted as FAISS's wrapper converts it."""

from __future__ import annotations

from operator import index as as_integer
from typing import Any, SupportsIndex, TypeAlias, TypeVar

import numpy as np
import numpy.typing as npt

from maxdot.arrays import as_array
from maxdot.faiss.errors import ArgumentError

Floats: TypeAlias = npt.NDArray[np.float32]
Int64: TypeAlias = npt.NDArray[np.int64]
Bools: TypeAlias = npt.NDArray[np.bool_]

_Scalar = TypeVar("_Scalar", bound=np.generic)


def vectors(x: Any, name: str, dimension: int | None = None, *, copy: bool = False) -> Floats:
    """`x` as float32 [n, d], C-contiguous; with `copy` memory of its own.

    Raises:
        ArgumentError: it holds no numbers, its shape is another, or a number is NaN, Inf or beyond float32.
        TypeError: it is a masked array.
    """
    if isinstance(x, np.ma.MaskedArray):
        raise TypeError(f"{name}: a masked array; fill in or leave out what is masked")
    array = _array(x, name)
    if array.dtype.kind not in "fiub":
        raise ArgumentError(f"{name}: dtype {array.dtype} holds no real numbers; pass float32, float64 or float16")
    if array.ndim != 2 or (dimension is not None and array.shape[1] != dimension):
        width = "d" if dimension is None else dimension
        raise ArgumentError(f"{name}: shape {array.shape} is not [n, {width}]; reshape it")
    with np.errstate(over="ignore"):  # what does not fit becomes Inf, and is refused below
        rows: Floats = np.array(array, dtype=np.float32, order="C", copy=True if copy else None)
    finite = np.isfinite(rows)
    if not finite.all():
        row, column = (int(i) for i in np.argwhere(~finite)[0])
        raise ArgumentError(
            f"{name}: row {row}, column {column} is {array[row, column]}, and neither NaN nor Inf as float32 has a "
            "place in an order; leave the row out or replace the number"
        )
    return rows


def _array(given: Any, name: str) -> npt.NDArray[Any]:
    try:
        return as_array(given)
    except ValueError as error:  # lists of several lengths
        raise ArgumentError(f"{name}: {error}") from None


def integers(ids: Any, name: str) -> Int64:
    """`ids` as int64 [n]. ArgumentError: no integers, or another shape."""
    if isinstance(ids, np.ma.MaskedArray):
        raise TypeError(f"{name}: a masked array; fill in or leave out what is masked")
    array = _array(ids, name)
    if array.size == 0 and array.ndim == 1:
        return np.empty(0, np.int64)
    if array.dtype.kind not in "iu":
        raise ArgumentError(f"{name}: {array.dtype} values are no ids; pass integers")
    if array.ndim != 1:
        raise ArgumentError(f"{name}: shape {array.shape} is not [n]; reshape it")
    if array.dtype == np.uint64 and array.max() > np.iinfo(np.int64).max:
        raise ArgumentError(f"{name}: {array.max()} does not fit into int64; use smaller ids")
    return np.ascontiguousarray(array, dtype=np.int64)


def result_count(k: SupportsIndex) -> int:
    """`k` as a number of results. ArgumentError: less than 1. TypeError: no integer."""
    count = as_integer(k)
    if count < 1:
        raise ArgumentError(f"k: {count} is no number of results; use 1 or more")
    return count


def real_number(value: Any, name: str) -> float:
    """`value` as a float. ArgumentError: NaN. TypeError: no number."""
    if isinstance(value, (str, bytes)):
        raise TypeError(f"{name}: {value!r} is no number")
    number = float(value)
    if np.isnan(number):
        raise ArgumentError(f"{name}: NaN is no number to compare with; pass another")
    return number


def output(given: Any, name: str, shape: tuple[int, ...], dtype: type[_Scalar]) -> npt.NDArray[_Scalar]:
    """Where results go: `given`, checked, or a new array.

    Raises:
        ArgumentError: another shape. TypeError: no array of `dtype`. ValueError: it is read-only.
    """
    if given is None:
        return np.empty(shape, dtype)
    if not isinstance(given, np.ndarray) or given.dtype != dtype:
        kind = given.dtype if isinstance(given, np.ndarray) else type(given).__name__
        raise TypeError(f"{name}: {kind} cannot take the results; pass a NumPy array of {np.dtype(dtype)}")
    if given.shape != shape:
        raise ArgumentError(f"{name}: shape {given.shape} is not {shape}; the results have that one")
    if not given.flags.writeable:
        raise ValueError(f"{name}: the array is read-only; pass one that can be written")
    return given
