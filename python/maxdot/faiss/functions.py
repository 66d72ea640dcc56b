"""FAISS's functions without an index, and those that make one."""

from __future__ import annotations

import re
from operator import index as as_integer
from typing import Any, SupportsIndex, TypeAlias

import numpy as np
import numpy.typing as npt

from maxdot.faiss.arguments import Floats, Int64, vectors
from maxdot.faiss.errors import ArgumentError, FaissError
from maxdot.faiss.flat import IndexFlat
from maxdot.faiss.id_map import IndexIDMap, IndexIDMap2
from maxdot.faiss.index import METRIC_L2, Index
from maxdot.faiss.int64_vector import Int64Vector

_Array: TypeAlias = npt.NDArray[Any]

_KINDS: dict[str, type[IndexIDMap] | None] = {
    "Flat": None,
    "IDMap,Flat": IndexIDMap,
    "Flat,IDMap": IndexIDMap,
    "IDMap2,Flat": IndexIDMap2,
    "Flat,IDMap2": IndexIDMap2,
}


def index_factory(d: SupportsIndex, description: str, metric: SupportsIndex = METRIC_L2) -> Index:
    """An index of dimension `d`: "Flat", "IDMap,Flat" or "IDMap2,Flat".

    Raises:
        FaissError: another description. ArgumentError: another metric, or no dimension.
    """
    if not isinstance(description, str):
        raise TypeError(f"description: {type(description).__name__} is no text; use one like 'IDMap2,Flat'")
    plain = re.sub(r"\s", "", description)
    if plain not in _KINDS:
        raise FaissError(
            f"description: could not parse index string {description!r}: only flat indexes are here; use one of "
            + ", ".join(repr(name) for name in _KINDS)
        )
    kind, flat = _KINDS[plain], IndexFlat(d, metric)
    return flat if kind is None else kind(flat)


def knn(
    xq: Any, xb: Any, k: SupportsIndex, metric: SupportsIndex = METRIC_L2, metric_arg: float = 0.0
) -> tuple[Floats, Int64]:
    """The k best rows of `xb` [n, d] for each of `xq` [m, d], without an index that stays.

    Returns:
        D (float32) and I (int64), [m, k], as `IndexFlat.search`; k may be 0. `metric_arg` is of metrics that are not here.

    Raises:
        ArgumentError, TypeError, MemoryError: as `IndexFlat.search`.
    """
    rows = vectors(xb, "xb")
    if rows.shape[1] == 0:
        raise ArgumentError("xb: rows of no dimension; pass [n, d]")
    queries = vectors(xq, "xq", rows.shape[1])
    if as_integer(k) == 0:  # a search refuses it, this does not, as in FAISS
        return np.empty((len(queries), 0), np.float32), np.empty((len(queries), 0), np.int64)
    index = IndexFlat(rows.shape[1], metric)
    index.store.add(rows)  # for this call only, so without a copy of its own
    return index.search(queries, k)


def normalize_L2(x: Any) -> None:
    """Scales each row of `x`, a float32 array [n, d], to length 1, in place. Rows of zeros stay.

    Raises:
        TypeError: no float32 array. ArgumentError: another shape, NaN or Inf; nothing is changed then.
        ValueError: the array is read-only.
    """
    if isinstance(x, np.ma.MaskedArray):
        raise TypeError("x: a masked array; fill in or leave out what is masked")
    if not isinstance(x, np.ndarray) or x.dtype != np.float32:
        kind = x.dtype if isinstance(x, np.ndarray) else type(x).__name__
        raise TypeError(f"x: {kind} cannot be changed in place; pass a NumPy array of float32")
    if x.ndim != 2:
        raise ArgumentError(f"x: shape {x.shape} is not [n, d]; reshape it")
    if not x.flags.writeable:
        raise ValueError("x: the array is read-only; pass one that can be written")
    lengths = np.sqrt(np.einsum("ij,ij->i", x, x, dtype=np.float64))
    bad = np.flatnonzero(~np.isfinite(lengths))
    if len(bad) > 0:
        raise ArgumentError(f"x: row {bad[0]} holds NaN or Inf, which has no direction; leave it out")
    lengths[lengths == 0] = 1
    np.divide(x, lengths[:, None], out=x, casting="same_kind")


def vector_to_array(v: Int64Vector | _Array) -> _Array:
    """A copy of an id_map, or of `codes`, as an array."""
    if not isinstance(v, (Int64Vector, np.ndarray)):
        raise TypeError(f"v: {type(v).__name__} is neither an id_map nor an array")
    return np.array(v)


#: Its older name in FAISS.
vector_float_to_array = vector_to_array


def swig_ptr(a: _Array) -> _Array:
    """The array itself: there are no pointers here, and what takes one in FAISS takes the array."""
    if not isinstance(a, np.ndarray):
        raise ValueError(f"a: input not a numpy array, but {type(a).__name__}")
    return a


def rev_swig_ptr(ptr: _Array, n: SupportsIndex) -> _Array:
    """The first n values of what `swig_ptr` or `get_xb` returned."""
    values = swig_ptr(ptr).reshape(-1)
    count = as_integer(n)
    if not 0 <= count <= len(values):
        raise ArgumentError(f"n: {count} of {len(values)} values; ask for as many as there are, or fewer")
    return values[:count]


def downcast_index(index: Index) -> Index:
    """The index itself: it has its own class already."""
    if not isinstance(index, Index):
        raise TypeError(f"index: {type(index).__name__} is no index of maxdot.faiss")
    return index
