"""Tables and columns that callers give: what speaks Arrow becomes rows, ids and names for the engine."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from maxdot.given import is_pandas, is_tabular
from maxdot.tables import (
    find_column,
    is_id_type,
    is_list_type,
    is_text_type,
    is_vector_type,
    layout_of,
    nulls_of,
    one_array,
    vectors_of,
)

_SELECT = "select the columns that are meant, or pass the column itself"


def arrow_of(value: Any, name: str) -> pa.Table | pa.ChunkedArray:
    """A table or column of any library as Arrow's. Copies nothing that its library does not have to copy.

    Of pandas' labels of rows only those with a name are a column.

    Raises:
        ValueError: its library cannot say it in Arrow, as of objects of several types.
    """
    try:
        if is_pandas(value):
            return _of_pandas(value)
        if isinstance(value, (pa.Table, pa.ChunkedArray)):
            return value
        if isinstance(value, pa.Array):
            return pa.chunked_array([value])
        if isinstance(value, pa.RecordBatch):
            return pa.Table.from_batches([value])
        if hasattr(value, "__arrow_c_stream__"):
            return _of_stream(value)
        array = pa.array(value)  # __arrow_c_array__
        if pa.types.is_struct(array.type):
            return pa.Table.from_batches([pa.RecordBatch.from_struct_array(array)])
        return pa.chunked_array([array])
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, TypeError) as error:
        raise ValueError(f"{name}: {type(value).__name__} cannot be read as Arrow data: {error}") from None


def _of_pandas(value: Any) -> pa.Table | pa.ChunkedArray:
    if not hasattr(value, "columns"):
        column = pa.Array.from_pandas(value)
        return column if isinstance(column, pa.ChunkedArray) else pa.chunked_array([column])
    named = any(label is not None for label in value.index.names)
    return pa.Table.from_pandas(value.reset_index() if named else value, preserve_index=False)


def _of_stream(value: Any) -> pa.Table | pa.ChunkedArray:
    """A stream may be of a table or of a column, and may be read once."""
    column = pa.chunked_array(value)
    if not pa.types.is_struct(column.type):
        return column
    fields = list(column.type)
    chunks = [pa.RecordBatch.from_struct_array(chunk) for chunk in column.chunks]
    return pa.Table.from_batches(chunks, pa.schema(fields))


def read_vectors(
    value: Any, name: str, dimension: int | None, ids: str | None
) -> tuple[npt.NDArray[Any], pa.Array | None, str | None, str | None]:
    """Of a table with one column of vectors, or of such a column: rows, and of the table the ids.

    A column of plain floats is one vector.

    Args:
        dimension: of the vectors; None: that of the first.
        ids: the column of ids; None: the only one that can hold them.

    Returns:
        rows (float32 or float16, [n, d] or [d]), ids, the name of their column, and why it is in doubt which that is.

    Raises:
        ValueError: there is no such column, it is in doubt, or a vector cannot be used (names the row).
    """
    given = arrow_of(value, name)
    if isinstance(given, pa.ChunkedArray):
        if ids is not None:
            raise ValueError(f"ids: {ids!r} names a column, but {name} is a column itself; pass a table, or the ids")
        if pa.types.is_floating(given.type):
            return _one_vector(given, name), None, None, None
        if not is_vector_type(given.type):
            raise ValueError(f"{name}: a column of type {given.type} holds no vectors")
        return _usable(given, name, dimension), None, None, None
    vector = find_column(given.schema, None, "vectors", name, _SELECT)
    return _usable(given.column(vector), f"{name}: column {vector!r}", dimension), *_ids(given, ids, name)


def _ids(table: pa.Table, wanted: str | None, name: str) -> tuple[pa.Array | None, str | None, str | None]:
    """The ids, the name of their column, and why it is in doubt which that is."""
    if wanted is None and not any(is_id_type(field.type) for field in table.schema):
        return None, None, None
    try:
        column = find_column(table.schema, wanted, "ids", name, _SELECT)
    except ValueError as error:
        if wanted is not None:
            raise
        return None, None, str(error)
    return plain_ids(table.column(column), f"{name}: column {column!r}"), column, None


def _one_vector(column: pa.ChunkedArray, name: str) -> npt.NDArray[Any]:
    array = checked(column, name)
    if array.null_count:
        raise ValueError(f"{name}: value {int(np.argmax(nulls_of(array)))} is null")
    values = array.to_numpy(zero_copy_only=False)
    return np.asarray(values, np.float32 if values.dtype == np.float64 else values.dtype)


def _usable(column: pa.ChunkedArray, name: str, dimension: int | None) -> npt.NDArray[Any]:
    """Rows of which none has a problem. ValueError names the first that has, and how many have."""
    try:
        array = one_array(column)
        vectors = vectors_of(array, _dimension(array) if dimension is None else dimension)
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None
    if vectors.problems:
        row = min(vectors.problems)
        others = f" (and {len(vectors.problems) - 1} more rows)" if len(vectors.problems) > 1 else ""
        raise ValueError(f"{name}: row {row}: {vectors.problems[row]}{others}; mend the row, or leave it out")
    return vectors.rows


def _dimension(column: pa.Array) -> int:
    """Of the first vector that is there."""
    kind = column.type
    if isinstance(kind, pa.FixedShapeTensorType):
        return int(kind.shape[0])
    if pa.types.is_fixed_size_list(kind):
        return int(kind.list_size)
    if not is_list_type(kind):
        raise ValueError("bytes do not tell the dimension of vectors; pass lists of floats")
    there = np.flatnonzero(~nulls_of(column))
    if len(there) == 0:
        raise ValueError(f"none of {len(column)} vectors is there, so their dimension is not known")
    return int(layout_of(column)[1][there[0]])


def read_interests(
    value: Any, name: str, dimension: int
) -> tuple[npt.NDArray[Any], pa.Array | None, str | None, str | None]:
    """Of a table with one column of lists of vectors, or of such a column: [users, interests, d].

    Users with fewer interests than others get interests of zeros. Of a table, also the ids, as `read_vectors` returns them.

    Raises:
        ValueError: there is no such column or several, or a user's vectors cannot be used (names the row).
    """
    given = arrow_of(value, name)
    ids: tuple[pa.Array | None, str | None, str | None] = None, None, None
    if isinstance(given, pa.Table):
        ids = _ids(given, None, name)
        fitting = [field.name for field in given.schema if _holds_interests(field.type)]
        if len(fitting) != 1:
            found = ", ".join(f"{field.name!r} ({field.type})" for field in given.schema)
            raise ValueError(
                f"{name}: {len(fitting)} columns hold lists of vectors, not 1; there are {found}; {_SELECT}"
            )
        given, name = given.column(fitting[0]), f"{name}: column {fitting[0]!r}"
    if not _holds_interests(given.type):
        raise ValueError(f"{name}: type {given.type} holds no lists of vectors")
    column = checked(given, name)
    if column.null_count:
        row = int(np.argmax(nulls_of(column)))
        raise ValueError(f"{name}: row {row}: the user is null; give an empty list, or leave the row out")
    starts, lengths = layout_of(column)
    try:
        vectors = vectors_of(column.values, dimension)
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None
    most = int(lengths.max(initial=1))  # a user with no interest has one of zeros
    even = bool((lengths == most).all())
    if even and len(starts) and np.array_equal(starts, starts[0] + np.arange(len(starts)) * most):
        first = int(starts[0])
        places = np.arange(first, first + len(starts) * most).reshape(len(starts), most)
        rows = vectors.rows[first : first + len(starts) * most].reshape(len(starts), most, dimension)
    else:
        places = starts[:, np.newaxis] + np.arange(most)
        rows = np.zeros((len(starts), most, dimension), vectors.rows.dtype)
        held = np.arange(most) < lengths[:, np.newaxis]
        rows[held] = vectors.rows[places[held]]
        places = np.where(held, places, -1)
    if vectors.problems:
        bad = np.argwhere(np.isin(places, np.fromiter(vectors.problems, np.int64, len(vectors.problems))))
        if len(bad):
            row, interest = (int(number) for number in bad[0])
            problem = vectors.problems[int(places[row, interest])]
            raise ValueError(f"{name}: row {row}, interest {interest}: {problem}; mend it, or leave it out")
    return rows, *ids


def _holds_interests(kind: pa.DataType) -> bool:
    return is_list_type(kind) and is_list_type(kind.value_type) and is_vector_type(kind.value_type)


def checked(column: pa.Array | pa.ChunkedArray, name: str) -> pa.Array:
    """`one_array`, for the argument or column called `name`."""
    try:
        return one_array(column)
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None


def is_text_column(value: Any) -> bool:
    """Whether this column of any library holds text."""
    given = arrow_of(value, "ids")
    return isinstance(given, pa.ChunkedArray) and is_text_type(given.type)


def text_of(column: pa.Array | pa.ChunkedArray, name: str) -> pa.Array:
    """A column of text, in any layout, as one large_string array.

    Raises:
        ValueError: it is damaged, or holds no text.
    """
    if not is_text_type(column.type):
        raise ValueError(f"{name}: a column of type {column.type} holds no text")
    array = checked(column, name)
    if pa.types.is_dictionary(array.type):
        return array.dictionary.cast(pa.large_string()).take(array.indices)
    return array.cast(pa.large_string())


def plain_ids(column: pa.Array | pa.ChunkedArray, name: str) -> pa.Array:
    """A column as one array that can be taken from: text as large_string, no dictionary. ValueError: it is damaged."""
    if is_text_type(column.type):
        return text_of(column, name)
    array = checked(column, name)
    return array.dictionary.take(array.indices) if pa.types.is_dictionary(array.type) else array


def integers_of(column: pa.Array | pa.ChunkedArray, name: str) -> npt.NDArray[np.int64]:
    """A column of integers as int64. ValueError: it is damaged, of other values, has nulls, or exceeds int64."""
    array = plain_ids(column, name)
    if not pa.types.is_integer(array.type):
        raise ValueError(f"{name}: a column of type {array.type} holds no integers")
    if array.null_count:
        raise ValueError(f"{name}: row {int(np.argmax(nulls_of(array)))} is null; {array.null_count} are; drop them")
    try:
        return np.asarray(array.cast(pa.int64()).to_numpy(zero_copy_only=False), np.int64)
    except pa.ArrowInvalid as error:
        raise ValueError(f"{name}: {error}; use ids below 2^63") from None


def read_item_ids(value: Any, name: str) -> tuple[npt.NDArray[np.int64] | None, pa.Array | None]:
    """Ids of items in a list, an array or a column of any library: numbers, or names as one large_string array.

    Raises:
        ValueError: they are neither integers nor text, one is null, or a name stands there twice.
    """
    column = _column_of(value, name)
    if not is_text_type(column.type):
        return integers_of(column, name), None
    names = text_of(column, name)
    if names.null_count:
        row = int(np.argmax(nulls_of(names)))
        raise ValueError(f"{name}: row {row}: the id is null; give each item one")
    codes = pc.dictionary_encode(names).indices.to_numpy(zero_copy_only=False)
    if len(codes) and int(codes.max()) + 1 != len(codes):
        again = int(np.flatnonzero(codes != np.arange(len(codes)))[0])  # before it, each row has a code of its own
        first = int(np.flatnonzero(codes == codes[again])[0])
        raise ValueError(
            f"{name}: rows {first} and {again} are both {names[again].as_py()!r}; give each item its own"
        )
    return None, names


def _column_of(value: Any, name: str) -> pa.ChunkedArray | pa.Array:
    if is_tabular(value):
        column = arrow_of(value, name)
        if isinstance(column, pa.Table):
            raise ValueError(f"{name}: is a table; pass its column of ids")
        return column
    try:
        texts = value.tolist() if isinstance(value, np.ndarray) else list(value)
        return pa.array(texts, pa.large_string())
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name}: {error}; give a text for each item") from None
