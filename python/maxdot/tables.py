"""Columns of Arrow data as the arrays that the engine takes, without a copy where the layout allows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

Rows = npt.NDArray[Any]
_NULL = "the vector is null"

#: [values] Looked at together for NaN and Inf: what is noted of them stays within the cache.
_VALUES_AT_ONCE = 1 << 18


@dataclass(frozen=True)
class Vectors:
    """Vectors of an Arrow column.

    Attributes:
        rows: float32 or float16 [n, d]; a row that is not usable is of zeros.
        problems: by row, why it is not usable.
    """

    rows: Rows
    problems: dict[int, str]


def is_list_type(kind: pa.DataType) -> bool:
    """Whether the values of a column of this type are lists, in any layout."""
    return bool(
        pa.types.is_fixed_size_list(kind)
        or pa.types.is_list(kind)
        or pa.types.is_large_list(kind)
        or pa.types.is_list_view(kind)
        or pa.types.is_large_list_view(kind)
    )


def is_bytes_type(kind: pa.DataType) -> bool:
    """Whether the values of a column of this type are bytes, in any layout."""
    return bool(
        pa.types.is_binary(kind)
        or pa.types.is_large_binary(kind)
        or pa.types.is_fixed_size_binary(kind)
        or pa.types.is_binary_view(kind)
    )


def is_text_type(kind: pa.DataType) -> bool:
    """Whether the values of a column of this type are text, in any layout, also as a dictionary."""
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


def is_vector_type(kind: pa.DataType) -> bool:
    """Whether a column of this type can hold vectors."""
    if isinstance(kind, pa.FixedShapeTensorType):
        return len(kind.shape) == 1 and bool(pa.types.is_floating(kind.value_type))
    return bool(pa.types.is_floating(kind.value_type)) if is_list_type(kind) else is_bytes_type(kind)


def is_id_type(kind: pa.DataType) -> bool:
    """Whether a column of this type can hold ids: integers or text, also as a dictionary."""
    if is_text_type(kind):
        return True
    return bool(pa.types.is_integer(kind.value_type if pa.types.is_dictionary(kind) else kind))


def is_id_list_type(kind: pa.DataType) -> bool:
    """Whether a column of this type can hold lists of ids, also lists that are all empty. Lists by views cannot."""
    lists = pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind)
    return bool(lists and (is_id_type(kind.value_type) or pa.types.is_null(kind.value_type)))


def id_result_type(kind: pa.DataType) -> pa.DataType:
    """The type in which results hold ids of this type: the same, but for views of text, from which Arrow cannot take."""
    return pa.large_string() if pa.types.is_string_view(kind) else kind


def find_column(
    schema: pa.Schema, name: str | None, wanted: str, source: str, advice: str = "say which column is meant"
) -> str:
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
    raise ValueError(f"{source}: {', '.join(map(repr, fitting))} may hold {wanted}; {advice}")


def vectors_of(column: pa.Array | pa.ChunkedArray, dimension: int) -> Vectors:
    """The vectors of a column of lists of floats, or of bytes: f32 or f16 values, told by each row's length.

    float64 is rounded to float32. Rows are a view of the column where all are usable and lie one behind the
    other.

    Raises:
        ValueError: the column is damaged: what it says of its layout is not so.
    """
    column = one_array(column)
    if isinstance(column.type, pa.FixedShapeTensorType):
        column = column.storage
    if pa.types.is_binary_view(column.type):
        column = column.cast(pa.large_binary())
    if is_bytes_type(column.type):
        return _vectors_of_bytes(column, dimension)
    values, starts, lengths = _values_of(column)
    null = nulls_of(column)
    problems = {int(row): _NULL for row in np.flatnonzero(null)}
    for row in np.flatnonzero(~null & (lengths != dimension)):
        problems[int(row)] = f"has {lengths[row]} values, not {dimension}"
    rows = _rows(values, starts, dimension, problems)
    if column.values.null_count and len(column):
        first, end = int(starts.min()), int((starts + lengths).max())  # of a slice, not of the whole column
        empty = _rows(nulls_of(column.values.slice(first, end - first)), starts - first, dimension, problems)
        for row in np.flatnonzero(empty.any(axis=1)):
            problems.setdefault(int(row), f"value {int(np.argmax(empty[row]))} is null")
    return _finite(rows, problems)


def _vectors_of_bytes(column: pa.Array, dimension: int) -> Vectors:
    """Each row tells by its own length what it holds: which rows are usable must not depend on those beside it."""
    values, starts, lengths = _bytes_of(column)
    null = nulls_of(column)
    halves, singles = ~null & (lengths == 2 * dimension), ~null & (lengths == 4 * dimension)
    problems = {int(row): _NULL for row in np.flatnonzero(null)}
    for row in np.flatnonzero(~(null | halves | singles)):
        problems[int(row)] = f"has {lengths[row]} bytes, not {4 * dimension} (float32) or {2 * dimension} (float16)"
    if not halves.any():
        return _finite(_rows(values, starts, 4 * dimension, problems).view(np.float32), problems)
    if not singles.any():
        return _finite(_rows(values, starts, 2 * dimension, problems).view(np.float16), problems)
    rows = np.zeros((len(column), dimension), np.float32)
    for of_type, dtype in ((halves, np.float16), (singles, np.float32)):
        width = dimension * np.dtype(dtype).itemsize
        rows[of_type] = _rows(values, starts[of_type], width, {}).view(dtype)
    return _finite(rows, problems)


def one_array(column: pa.Array | pa.ChunkedArray) -> pa.Array:
    """A column as one array, checked: what its producer says of its layout may be wrong. Copies only several chunks.

    Raises:
        ValueError: the column is damaged.
    """
    if isinstance(column, pa.ChunkedArray):
        column = column.chunk(0) if column.num_chunks == 1 else _joined(column)
    try:
        column.validate(full=True)
    except (pa.ArrowInvalid, IndexError) as error:
        raise ValueError(f"the column is damaged: {error}") from None
    return column


def _joined(column: pa.ChunkedArray) -> pa.Array:
    try:
        column.validate(full=True)  # joining trusts the offsets
    except (pa.ArrowInvalid, IndexError) as error:
        raise ValueError(f"the column is damaged: {error}") from None
    if column.num_chunks == 0:
        return pa.nulls(0, column.type)
    if pa.types.is_dictionary(column.type):
        column = column.unify_dictionaries()
    try:
        return pa.concat_arrays(column.chunks)
    except pa.ArrowInvalid:  # more than the 2^31 values that 32-bit offsets can count
        return pa.concat_arrays([chunk.cast(_with_large_offsets(column.type)) for chunk in column.chunks])


def _with_large_offsets(kind: pa.DataType) -> pa.DataType:
    if pa.types.is_list(kind):
        return pa.large_list(kind.value_type)
    return pa.large_binary() if pa.types.is_binary(kind) else pa.large_string()


def nulls_of(array: pa.Array) -> npt.NDArray[np.bool_]:
    """bool [n]: where an array is null."""
    if array.null_count == 0:
        return np.zeros(len(array), np.bool_)
    return np.asarray(array.is_null().to_numpy(zero_copy_only=False), dtype=np.bool_)


def _buffer(array: pa.Array, number: int, dtype: Any, count: int) -> Rows:
    """`count` values of a buffer, from the array's first on."""
    buffer = array.buffers()[number]
    if buffer is None or count == 0:
        return np.zeros(0, dtype)
    return np.frombuffer(buffer, dtype, count, array.offset * np.dtype(dtype).itemsize)


def layout_of(column: pa.Array) -> tuple[Rows, Rows]:
    """Where each list of a column begins in `column.values`, and how many values it has."""
    kind = column.type
    count = len(column)
    if pa.types.is_fixed_size_list(kind):
        size = kind.list_size
        return (np.arange(count, dtype=np.int64) + column.offset) * size, np.full(count, size, np.int64)
    offset = np.int64 if pa.types.is_large_list(kind) or pa.types.is_large_list_view(kind) else np.int32
    if pa.types.is_list_view(kind) or pa.types.is_large_list_view(kind):
        return _buffer(column, 1, offset, count).astype(np.int64), _buffer(column, 2, offset, count).astype(
            np.int64
        )
    return _between(column, offset)


def _between(column: pa.Array, offset: Any) -> tuple[Rows, Rows]:
    count = len(column)
    offsets = _buffer(column, 1, offset, count + 1 if count else 0).astype(np.int64)
    return offsets[:-1], np.diff(offsets)


def _values_of(column: pa.Array) -> tuple[Rows, Rows, Rows]:
    inner = column.values  # of the whole column, before it was sliced
    values = _buffer(inner, 1, np.dtype(column.type.value_type.to_pandas_dtype()), len(inner))
    return values, *layout_of(column)


def _bytes_of(column: pa.Array) -> tuple[Rows, Rows, Rows]:
    kind = column.type
    if pa.types.is_fixed_size_binary(kind):
        size = kind.byte_width
        starts = (np.arange(len(column), dtype=np.int64) + column.offset) * size
        return np.frombuffer(column.buffers()[1] or b"", np.uint8), starts, np.full(len(column), size, np.int64)
    starts, lengths = _between(column, np.int64 if pa.types.is_large_binary(kind) else np.int32)
    return np.frombuffer(column.buffers()[2] or b"", np.uint8), starts, lengths


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
    at_once = max(1, _VALUES_AT_ONCE // max(1, width))
    for begin in range(0, len(usable), at_once):
        some = usable[begin : begin + at_once]
        rows[some] = values[starts[some, np.newaxis] + np.arange(width)]
    return rows


def _finite(given: Rows, problems: dict[int, str]) -> Vectors:
    rows = given
    if rows.dtype == np.float64:
        with np.errstate(over="ignore"):
            rows = rows.astype(np.float32)
    at_once = max(1, _VALUES_AT_ONCE // max(1, rows.shape[1]))
    for begin in range(0, len(rows), at_once):
        usable = np.isfinite(rows[begin : begin + at_once]).all(axis=1)
        for row in begin + np.flatnonzero(~usable):
            if int(row) in problems:
                continue
            place = int(np.argmin(np.isfinite(rows[row])))
            value = given[row, place]
            beyond = ", which float32 cannot hold" if np.isfinite(value) else ""
            problems[int(row)] = f"value {place} is {value}{beyond}"
    if problems:
        rows = np.array(rows)
        rows[np.fromiter(problems, np.int64, len(problems))] = 0
    return Vectors(np.require(rows, requirements=["C", "A"]), problems)
