"""Lists of item ids, one for each query or user, as the CSR arrays that the engine takes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias, Union

import numpy as np
import numpy.typing as npt

Int64: TypeAlias = npt.NDArray[np.int64]
#: A list of lists; a SciPy CSR matrix whose column indices are item ids; or a tuple (offsets, ids).
IdLists: TypeAlias = Union[Sequence[Any], tuple[Any, Any], Any]


def id_lists(value: Any, name: str, count: int | None = None) -> tuple[Int64, Int64]:
    """`value` as (offsets int64 [n + 1], ids int64).

    Args:
        value: a list of n lists or integer arrays; a SciPy CSR matrix or array (anything with `indptr` and
            `indices`) whose column indices are the item ids; or a tuple (offsets, ids).
        name: what error messages call it.
        count: the n that is required, if any.

    Raises:
        ValueError: no such lists, or not `count` of them; names the argument and the row.
    """
    if hasattr(value, "indptr") and hasattr(value, "indices"):
        # An entry that is stored as zero is still an entry to SciPy, but nothing that a user has seen.
        data = getattr(value, "data", None)
        if data is not None and np.size(data) != 0 and not np.all(data):
            value = value.copy()
            value.eliminate_zeros()
        offsets, ids = as_int64(value.indptr, f"{name}.indptr"), as_int64(value.indices, f"{name}.indices")
    elif isinstance(value, tuple) and len(value) == 2:
        offsets, ids = as_int64(value[0], f"{name}[0]"), as_int64(value[1], f"{name}[1]")
    else:
        offsets, ids = _from_rows(value, name)
    if count is not None and offsets.size - 1 != count:
        raise ValueError(f"{name}: has {offsets.size - 1} lists, but {count} are needed; give one for each")
    return offsets, ids


def as_int64(value: Any, name: str) -> Int64:
    """A 1-D integer array as C-contiguous int64. ValueError for anything else, or beyond int64."""
    array = np.asarray(value)
    if array.ndim != 1:
        raise ValueError(f"{name}: shape {array.shape} is not one-dimensional")
    if array.dtype.kind not in "iu" and array.size != 0:
        raise ValueError(f"{name}: dtype {array.dtype} is not an integer type; pass item ids")
    if array.dtype == np.uint64 and array.size != 0 and array.max() > np.iinfo(np.int64).max:
        raise ValueError(f"{name}: {array.max()} does not fit into int64; use smaller ids")
    return np.ascontiguousarray(array, dtype=np.int64)


def _from_rows(value: Any, name: str) -> tuple[Int64, Int64]:
    if isinstance(value, (str, bytes)) or not hasattr(value, "__len__") or not hasattr(value, "__getitem__"):
        raise ValueError(
            f"{name}: {type(value).__name__} is no list of lists, SciPy CSR matrix or tuple (offsets, ids)"
        )
    rows = [as_int64(row, f"{name}[{i}]") for i, row in enumerate(value)]
    offsets = np.zeros(len(rows) + 1, dtype=np.int64)
    np.cumsum([row.size for row in rows], out=offsets[1:])
    return offsets, np.concatenate(rows) if rows else np.zeros(0, dtype=np.int64)
