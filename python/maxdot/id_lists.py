"""Lists of item ids, one for each user or query, from the forms that people keep them in."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import chain
from typing import Any, NoReturn

import numpy as np

from maxdot.arrays import Ids, as_ids, host


def id_lists(value: Any, name: str, count: int | None = None) -> tuple[Ids, Ids]:
    """`value` in CSR form: row r holds ids[offsets[r] : offsets[r + 1]], in the order given.

    Args:
        value: one of
            a list of lists (or arrays, or sets, taken in ascending order) of integers, one for each row;
            an integer array [rows, m];
            a SciPy CSR matrix or array, told by `indptr` and `indices`: the column numbers are the ids, and
            every stored entry counts, a stored 0 too;
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
        raise ValueError(f"{name}: {len(offsets) - 1} lists where {count} are needed; give one for each row")
    return offsets, ids


def _of_matrix(matrix: Any, name: str) -> tuple[Ids, Ids]:
    if getattr(matrix, "format", "csr") != "csr":  # CSC has the same attributes and means the transpose
        raise ValueError(f"{name}: the sparse format is {matrix.format!r}, not 'csr'; call its tocsr()")
    offsets = as_ids(matrix.indptr, name)
    _check_offsets(offsets, f"{name}: indptr")
    ids = as_ids(matrix.indices, name)
    if offsets[-1] > len(ids):
        raise ValueError(f"{name}: indptr ends at {offsets[-1]}, but there are {len(ids)} indices")
    return offsets, ids[: offsets[-1]]  # SciPy lets `indices` be longer than what is in use


def _of_pair(pair: tuple[Any, ...], name: str) -> tuple[Ids, Ids]:
    if len(pair) != 2:
        raise ValueError(
            f"{name}: a tuple stands for (offsets, ids), but this one has {len(pair)} elements; "
            "give a list of lists"
        )
    offsets, ids = as_ids(host(pair[0]), f"{name}: offsets"), as_ids(host(pair[1]), f"{name}: ids")
    if ids.ndim != 1:
        raise ValueError(f"{name}: ids of shape {ids.shape} are not one array [offsets[-1]]; flatten them")
    _check_offsets(offsets, f"{name}: offsets")
    if offsets[-1] != len(ids):
        raise ValueError(
            f"{name}: offsets end at {offsets[-1]}, but there are {len(ids)} ids; they must be equal"
        )
    return offsets, ids


def _check_offsets(offsets: Ids, what: str) -> None:
    if offsets.ndim != 1 or len(offsets) == 0:
        raise ValueError(f"{what} of shape {offsets.shape} are not [rows + 1]; give at least the first, 0")
    if offsets[0] != 0:
        raise ValueError(f"{what} start at {offsets[0]}, not at 0")
    falls = np.flatnonzero(offsets[1:] < offsets[:-1])
    if len(falls):
        row = int(falls[0])
        raise ValueError(f"{what} fall from {offsets[row]} to {offsets[row + 1]} at row {row}")


def _of_rows(rows: Any, name: str) -> tuple[Ids, Ids]:
    if isinstance(rows, (Mapping, str, bytes, set, frozenset)) or not hasattr(rows, "__iter__"):
        _refuse(rows, name)
    try:
        listed = list(rows)
        lengths = [len(row) for row in listed]
    except TypeError:  # a flat list of numbers, or an array without dimensions
        _refuse(rows, name)
    offsets = np.zeros(len(listed) + 1, np.int64)
    np.cumsum(lengths, out=offsets[1:])
    if all(type(row) is list for row in listed):
        flat = list(chain.from_iterable(listed))
        if set(map(type, flat)) == {int} and (together := np.array(flat)).dtype == np.int64:
            return offsets, together  # many times faster than row by row, which is there to name the wrong one
    parts = [_row(row, f"{name}: row {number}") for number, row in enumerate(listed)]
    return offsets, np.concatenate([np.empty(0, np.int64), *parts])


def _row(row: Any, what: str) -> Ids:
    if isinstance(row, (set, frozenset)):
        return np.sort(as_ids(list(row), what))
    if isinstance(row, (Mapping, str, bytes)):
        raise ValueError(f"{what} is {type(row).__name__}; give a list of integers")
    ids = as_ids(host(row), what)
    if ids.ndim != 1:
        raise ValueError(f"{what} has shape {ids.shape}; give a flat list of integers")
    return ids


def _refuse(value: Any, name: str) -> NoReturn:
    given = type(value).__name__
    if isinstance(value, (list, np.ndarray)):
        given += " without rows"
    raise ValueError(
        f"{name}: {given} is no list of lists of ids; give one list for each row, a SciPy CSR matrix, or a "
        "tuple (offsets, ids)"
    ) from None
