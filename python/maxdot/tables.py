"""Columns of Arrow data as the arrays that the engine takes, without a copy where the layout allows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

Rows = npt.NDArray[Any]


@dataclass(frozen=True)
class Vectors:
    """Vectors of an Arrow column.

    Attributes:
        rows: float32 or float16 [n, d]; a row that is not usable is of zeros.
        problems: by row, why it is not usable.
    """

    rows: Rows
    problems: dict[int, str]


def is_vector_type(kind: pa.DataType) -> bool:
    """Whether a column of this type can hold vectors."""
    if pa.types.is_fixed_size_list(kind) or pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return bool(pa.types.is_floating(kind.value_type))
    return bool(pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_fixed_size_binary(kind))


def is_id_type(kind: pa.DataType) -> bool:
    """Whether a column of this type can hold ids: integers or text, also as a dictionary."""
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    return bool(pa.types.is_integer(kind) or pa.types.is_string(kind) or pa.types.is_large_string(kind))


def find_column(schema: pa.Schema, name: str | None, wanted: str, source: str) -> str:
    """The name of the column of "ids" or "vectors": `name`, or the only one that fits.

    Raises:
        ValueError: there is no such column, it is of another type, or none or several fit.
    """
    fits = is_vector_type if wanted == "vectors" else is_id_type
    if name is not None:
        numbers = schema.get_all_field_indices(name)
        if len(numbers) != 1:
            found = "no column" if not numbers else f"{len(numbers)} columns"
            raise ValueError(f"{source}: {found} {name!r}; there are {', '.join(map(repr, schema.names))}")
        kind = schema.field(numbers[0]).type
        if not fits(kind):
            raise ValueError(f"{source}: column {name!r} is of type {kind}, which holds no {wanted}")
        return name
    fitting = [field.name for field in schema if fits(field.type)]
    if len(fitting) == 1:
        return str(fitting[0])
    if not fitting:
        kinds = ", ".join(f"{field.name!r} ({field.type})" for field in schema)
        raise ValueError(f"{source}: no column holds {wanted}; there are {kinds}")
    raise ValueError(f"{source}: {', '.join(map(repr, fitting))} may hold {wanted}; say which column is meant")


def vectors_of(column: pa.Array | pa.ChunkedArray, dimension: int) -> Vectors:
    """The vectors of a column of lists of floats, or of bytes: f32 or f16 values, told by their number.

    float64 is rounded to float32. Rows are a view of the column where all are usable and lie one behind the
    other.

    Raises:
        ValueError: the column is damaged: it leads beyond its own memory.
    """
    if isinstance(column, pa.ChunkedArray):
        column = column.combine_chunks()
        if isinstance(column, pa.ChunkedArray):  # of no chunks, or of too much for one
            column = pa.concat_arrays(column.chunks) if column.num_chunks else pa.array([], column.type)
    column.validate(full=True)  # offsets of a file or of another library may lead anywhere
    kind = column.type
    problems: dict[int, str] = {}
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_fixed_size_binary(kind):
        values, starts, lengths, dtype = _bytes_of(column, dimension)
        unit = "bytes"
        wanted = dimension * dtype.itemsize
    else:
        values, starts, lengths, dtype = _values_of(column)
        unit = "values"
        wanted = dimension
    null = _nulls(column)
    for row in np.flatnonzero(null):
        problems[int(row)] = "the vector is null"
    for row in np.flatnonzero(~null & (lengths != wanted)):
        problems[int(row)] = f"has {lengths[row]} {unit}, not {wanted}"
    rows = _rows(values, starts, wanted, problems)
    if unit == "bytes":
        rows = rows.view(dtype)
    else:
        inner = column.values
        if inner.null_count:
            empty = _rows(_nulls(inner), starts, wanted, problems)
            for row in np.flatnonzero(empty.any(axis=1)):
                problems.setdefault(int(row), f"value {int(np.argmax(empty[row]))} is null")
    return _finite(rows, problems)


def _nulls(array: pa.Array) -> npt.NDArray[np.bool_]:
    if array.null_count == 0:
        return np.zeros(len(array), np.bool_)
    return np.asarray(array.is_null().to_numpy(zero_copy_only=False), dtype=np.bool_)


def _buffer(array: pa.Array, number: int, dtype: Any) -> Rows:
    """The values of a buffer, from the array's first on."""
    buffer = array.buffers()[number]
    if buffer is None:
        return np.zeros(0, dtype)
    return np.frombuffer(buffer, dtype)[array.offset :]


def _offsets(column: pa.Array, large: bool) -> tuple[Rows, Rows]:
    offsets = _buffer(column, 1, np.int64 if large else np.int32)[: len(column) + 1].astype(np.int64)
    if len(offsets) == 0:
        offsets = np.zeros(1, np.int64)
    return offsets[:-1], np.diff(offsets)


def _values_of(column: pa.Array) -> tuple[Rows, Rows, Rows, np.dtype[Any]]:
    kind = column.type
    dtype = np.dtype(kind.value_type.to_pandas_dtype())
    inner = column.values  # of the whole column, before it was sliced
    values = _buffer(inner, 1, dtype)[: len(inner)]
    if pa.types.is_fixed_size_list(kind):
        size = kind.list_size
        starts = (np.arange(len(column), dtype=np.int64) + column.offset) * size
        return values, starts, np.full(len(column), size, np.int64), dtype
    starts, lengths = _offsets(column, pa.types.is_large_list(kind))
    return values, starts, lengths, dtype


def _bytes_of(column: pa.Array, dimension: int) -> tuple[Rows, Rows, Rows, np.dtype[Any]]:
    kind = column.type
    if pa.types.is_fixed_size_binary(kind):
        size = kind.byte_width
        starts = (np.arange(len(column), dtype=np.int64) + column.offset) * size
        lengths = np.full(len(column), size, np.int64)
        values = np.frombuffer(column.buffers()[1] or b"", np.uint8)
    else:
        starts, lengths = _offsets(column, pa.types.is_large_binary(kind))
        values = np.frombuffer(column.buffers()[2] or b"", np.uint8)
    halves = len(lengths) != 0 and np.count_nonzero(lengths == 2 * dimension) > np.count_nonzero(
        lengths == 4 * dimension
    )
    return values, starts, lengths, np.dtype(np.float16 if halves else np.float32)


def _rows(values: Rows, starts: Rows, width: int, problems: dict[int, str]) -> Rows:
    """The rows of `width` values that begin at `starts`; zeros for those with problems."""
    count = len(starts)
    if count == 0:
        return np.zeros((0, width), values.dtype)
    first = int(starts[0])
    behind = np.array_equal(starts, first + np.arange(count, dtype=np.int64) * width)
    if not problems and behind:
        return values[first : first + count * width].reshape(count, width)
    rows = np.zeros((count, width), values.dtype)
    usable = np.setdiff1d(np.arange(count), np.fromiter(problems, np.int64, len(problems)))
    rows[usable] = values[starts[usable, np.newaxis] + np.arange(width)]
    return rows


def _finite(rows: Rows, problems: dict[int, str]) -> Vectors:
    given = rows
    if rows.dtype == np.float64:
        with np.errstate(over="ignore"):
            rows = rows.astype(np.float32)
    usable = np.isfinite(rows).all(axis=1)
    for row in np.flatnonzero(~usable):
        if int(row) in problems:
            continue
        place = int(np.argmin(np.isfinite(rows[row])))
        value = given[row, place]
        beyond = ", which float32 cannot hold" if np.isfinite(value) else ""
        problems[int(row)] = f"value {place} is {value}{beyond}"
    if problems:
        rows = np.array(rows)
        rows[np.fromiter(problems, np.int64, len(problems))] = 0
    return Vectors(np.ascontiguousarray(rows), problems)
