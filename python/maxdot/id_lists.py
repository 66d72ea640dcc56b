"""Lists of item ids, one for each query or user, as the CSR arrays that the engine takes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any, NoReturn, TypeAlias, Union

import numpy as np
import numpy.typing as npt

from maxdot.arrays import as_array, host

Int64: TypeAlias = npt.NDArray[np.int64]
#: A list of lists; a SciPy CSR matrix whose column indices are item ids; or a tuple (offsets, ids).
IdLists: TypeAlias = Union[Sequence[Any], tuple[Any, Any], Any]


def as_ids(ids: Any, name: str = "ids") -> Int64:
    """`ids` as a C-contiguous int64 array. ValueError for anything but integers, or beyond int64."""
    try:
        array = as_array(ids)
    except (TypeError, ValueError) as error:  # ragged, or not to be converted
        raise ValueError(f"{name}: {error}") from None
    if array.dtype.kind not in "iu" and array.size != 0:
        raise ValueError(f"{name}: dtype {array.dtype} is not an integer type; pass item ids")
    if array.dtype == np.uint64 and array.size != 0 and array.max() > np.iinfo(np.int64).max:
        raise ValueError(f"{name}: {array.max()} does not fit into int64; use smaller ids")
    return np.ascontiguousarray(array, dtype=np.int64)


def id_lists(value: Any, name: str, count: int | None = None) -> tuple[Int64, Int64]:
    """`value` in CSR form: row r holds ids[offsets[r] : offsets[r + 1]], in the order given.

    Args:
        value: one of
            a list of lists (or arrays, or sets, taken in ascending order) of integers, one for each row;
            an integer array [rows, m];
            a SciPy CSR matrix or array, told by `indptr` and `indices`, whose column indices are the ids;
            a tuple (offsets, ids): offsets[rows + 1] starts at 0, never falls, and ends at len(ids).
        name: what messages call the argument.
        count: the number of rows that there must be; None: any.

    Returns:
        offsets (int64, [rows + 1]) and ids (int64), C-contiguous. They may be the caller's own arrays.

    Raises:
        ValueError: another form, ids that are no integers or exceed int64, bad offsets, or another number of
            rows than `count`. The message names the argument and, where there is one, the row.
    """
    value = host(value)
    if hasattr(value, "indptr") and hasattr(value, "indices"):
        offsets, ids = _of_matrix(value, name)
    elif isinstance(value, tuple):
        offsets, ids = _of_pair(value, name)
    elif hasattr(value, "__dlpack__") and value.ndim == 2:
        table = as_ids(value, name)
        offsets, ids = np.arange(len(table) + 1, dtype=np.int64) * table.shape[1], table.ravel()
    else:
        offsets, ids = _of_rows(value, name)
    if count is not None and len(offsets) - 1 != count:
        raise ValueError(f"{name}: has {len(offsets) - 1} lists, but {count} are needed; give one for each")
    return offsets, ids


def _of_matrix(matrix: Any, name: str) -> tuple[Int64, Int64]:
    if getattr(matrix, "format", "csr") != "csr":  # CSC has the same attributes and means the transpose
        raise ValueError(f"{name}: the sparse format is {matrix.format!r}, not 'csr'; call its tocsr()")
    # An entry that is stored as zero is still an entry to SciPy, but nothing that a user has seen.
    data = getattr(matrix, "data", None)
    if data is not None and np.size(data) != 0 and not np.all(data):
        matrix = matrix.copy()
        matrix.eliminate_zeros()
    offsets = as_ids(matrix.indptr, f"{name}.indptr")
    _check_offsets(offsets, name)
    ids = as_ids(matrix.indices, f"{name}.indices")
    if offsets[-1] > len(ids):
        raise ValueError(f"{name}: the last offset is {offsets[-1]} but there are {len(ids)} ids")
    return offsets, ids[: offsets[-1]]  # SciPy lets `indices` be longer than what is in use


def _of_pair(pair: tuple[Any, ...], name: str) -> tuple[Int64, Int64]:
    if len(pair) != 2:
        raise ValueError(
            f"{name}: a tuple stands for (offsets, ids), but this one has {len(pair)} elements; "
            "give a list of lists"
        )
    if all(isinstance(part, (int, np.integer)) for part in pair):
        raise ValueError(f"{name}: a tuple stands for (offsets, ids); give a list of ids")
    offsets, ids = as_ids(pair[0], f"{name}[0]"), as_ids(pair[1], f"{name}[1]")
    if ids.ndim != 1:
        raise ValueError(f"{name}[1]: shape {ids.shape} is not one-dimensional")
    _check_offsets(offsets, name)
    if offsets[-1] != len(ids):
        raise ValueError(f"{name}: the last offset is {offsets[-1]} but there are {len(ids)} ids")
    return offsets, ids


def _check_offsets(offsets: Int64, name: str) -> None:
    if offsets.ndim != 1 or len(offsets) == 0:
        raise ValueError(f"{name}: offsets of shape {offsets.shape} are not [rows + 1]; the first is 0")
    if offsets[0] != 0:
        raise ValueError(f"{name}: the first offset is {offsets[0]}, not 0")
    falls = np.flatnonzero(offsets[1:] < offsets[:-1])
    if len(falls):
        row = int(falls[0])
        raise ValueError(f"{name}: offsets fall from {offsets[row]} to {offsets[row + 1]} at row {row}")


def _of_rows(rows: Any, name: str) -> tuple[Int64, Int64]:
    if isinstance(rows, (Mapping, str, bytes, set, frozenset)) or not hasattr(rows, "__iter__"):
        _refuse(rows, name)
    try:
        listed = list(rows)
        lengths = [len(row) for row in listed]
    except TypeError:  # a flat list of numbers, or an array without dimensions
        if isinstance(rows, list) and (wrong := [row for row, ids in enumerate(rows) if ids is None]):
            raise ValueError(f"{name}[{wrong[0]}]: None is no list of ids; give an empty list") from None
        _refuse(rows, name)
    offsets = np.zeros(len(listed) + 1, np.int64)
    np.cumsum(lengths, out=offsets[1:])
    if all(type(row) is list for row in listed):
        flat = list(chain.from_iterable(listed))
        if set(map(type, flat)) == {int} and (together := np.array(flat)).dtype == np.int64:
            return offsets, together  # many times faster than row by row, which is there to name the wrong one
    parts = [_row(row, f"{name}[{number}]") for number, row in enumerate(listed)]
    return offsets, np.concatenate([np.empty(0, np.int64), *parts])


def _row(row: Any, name: str) -> Int64:
    if isinstance(row, (set, frozenset)):
        return np.sort(as_ids(list(row), name))
    if isinstance(row, (Mapping, str, bytes)):
        raise ValueError(f"{name}: {type(row).__name__} is no list of ids")
    ids = as_ids(row, name)
    if ids.ndim != 1:
        raise ValueError(f"{name}: shape {ids.shape} is not one-dimensional")
    return ids


def _refuse(value: Any, name: str) -> NoReturn:
    given = type(value).__name__
    if isinstance(value, (list, np.ndarray)):
        given += " without rows"
    raise ValueError(f"{name}: {given} is no list of lists, SciPy CSR matrix or tuple (offsets, ids)") from None
