"""Lists of items from tables and columns, joined with the ids of those whose lists they are."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from maxdot import _core
from maxdot.columns import arrow_of, checked, integers_of, plain_ids, text_of
from maxdot.given import is_pandas
from maxdot.item_lists import ListReader, Owners
from maxdot.tables import is_list_type, is_text_type, layout_of, nulls_of

Int64 = npt.NDArray[np.int64]


def read_table(reader: ListReader, value: Any, one: bool, count: int | None) -> tuple[Int64, Int64]:
    """What `ListReader.read` returns, of a table or column."""
    given = arrow_of(value, reader.name)
    if isinstance(given, pa.Table):
        return _of_table(reader, given)
    alone = one and not is_list_type(given.type)
    if is_pandas(value) and not alone and _has_owners(value.index, reader):
        owners_and_items = arrow_of(value.reset_index(), reader.name)
        return _of_table(reader, owners_and_items.rename_columns(["user", "item"]))
    if alone:
        items = _items(reader, given)
        return np.array([0, len(items)], np.int64), items
    starts, lengths, values = _lists(given, reader.name)
    if count is not None and len(starts) != count:
        raise ValueError(f"{reader.name}: has {len(starts)} lists, but {count} are needed; give one for each")
    offsets = np.zeros(len(starts) + 1, np.int64)
    np.cumsum(lengths, out=offsets[1:])
    return offsets, _items(reader, values.take(pa.array(_places(starts, lengths))))


def _has_owners(labels: Any, reader: ListReader) -> bool:
    """Whether the labels of a Series say whose the lists are. False: its order does.

    Raises:
        ValueError: they have no name, and both would mean something: the Series may have been made of a dictionary
            of owners, or be a column of a frame that was sorted or cut.
    """
    if getattr(labels, "nlevels", 1) != 1:
        raise ValueError(f"{reader.name}: a Series with labels of {labels.nlevels} levels; give one of one level")
    if labels.name is not None:
        return True
    if reader.owners is None or (_are_rows(labels.to_numpy()) and not _are_reordered_rows(reader.owners.given.ids)):
        return False
    raise ValueError(
        f"{reader.name}: it is in doubt whose the lists of this Series are, because its labels have no name; give "
        f"series.rename_axis('user') if they are ids of {reader.owners.word}, series.tolist() if its order is theirs"
    )


def _are_rows(labels: npt.NDArray[Any]) -> bool:
    """Whether these are 0, 1, 2, ..., as pandas labels what was given no labels."""
    return labels.dtype.kind in "iu" and np.array_equal(labels, np.arange(len(labels)))


def _are_reordered_rows(ids: pa.Array | None) -> bool:
    """Whether ids are 0, 1, 2, ... in another order: then such labels may be ids as well as places."""
    if ids is None or not pa.types.is_integer(ids.type) or ids.null_count:
        return False
    numbers = ids.to_numpy(zero_copy_only=False)
    return not _are_rows(numbers) and _are_rows(np.sort(numbers))


def _of_table(reader: ListReader, table: pa.Table) -> tuple[Int64, Int64]:
    owners = reader.owners
    if owners is None:
        raise ValueError(f"{reader.name}: a table of owners and items has no place here; give a list for each query")
    try:
        owner_name, item_name = (table.column_names[place] for place in _core.find_pair_columns(table.column_names))
    except ValueError as error:
        problem = str(error).partition("; call")[0]
        raise ValueError(f"{reader.name}: {problem}; select the two, or call them user and item") from None
    items = table.column(item_name)
    owner_column = plain_ids(table.column(owner_name), f"{reader.name}: column {owner_name!r}")
    if is_list_type(items.type):
        starts, lengths, values = _lists(items, f"{reader.name}: column {item_name!r}")
        items = values.take(pa.array(_places(starts, lengths)))
        owner_column = owner_column.take(pa.array(np.repeat(np.arange(len(lengths)), lengths)))
    numbers = _items(reader, items, f"column {item_name!r}", pairs=True)
    where = f"{reader.name}: column {owner_name!r}"
    if owners.ids is None:
        rows = integers_of(owner_column, f"{where}: the {owners.word} have no ids, so these are their rows")
        places = np.arange(len(rows))
    else:
        places, rows = _join(reader, owner_column, owners, where)
    try:
        return _core.lists_from_pairs(np.ascontiguousarray(rows), numbers[places], owners.count)
    except ValueError as error:
        raise ValueError(f"{reader.name}: {error}") from None


def _join(reader: ListReader, column: pa.Array, owners: Owners, where: str) -> tuple[Int64, Int64]:
    """The pairs of owners, and their rows: a pair is there once for each row of its owner."""
    if column.null_count:
        raise ValueError(f"{where}: row {int(np.argmax(nulls_of(column)))} is null; drop those rows")
    ids, asked = _comparable(owners.ids, column, where)
    encoded = pc.dictionary_encode(ids)
    valid = ~nulls_of(encoded.indices)
    codes = encoded.indices.fill_null(0).to_numpy(zero_copy_only=False)[valid]
    by_code = np.flatnonzero(valid)[np.argsort(codes, kind="stable")]
    starts = np.zeros(len(encoded.dictionary) + 1, np.int64)
    np.cumsum(np.bincount(codes, minlength=len(encoded.dictionary)), out=starts[1:])
    found = pc.index_in(asked, value_set=encoded.dictionary)
    missing = nulls_of(found)
    if missing.any():
        reader.refuse(pc.unique(asked.filter(pa.array(missing))).to_pylist(), owners)
    pairs = np.flatnonzero(~missing)
    codes = found.fill_null(0).to_numpy(zero_copy_only=False)[pairs]
    lengths = starts[codes + 1] - starts[codes]
    return np.repeat(pairs, lengths), by_code[_places(starts[codes], lengths)]


def _comparable(ids: pa.Array, column: pa.Array, where: str) -> tuple[pa.Array, pa.Array]:
    """Both as text, or both as int64: text and numbers are never the same."""
    if is_text_type(ids.type) != is_text_type(column.type):
        raise ValueError(
            f"{where}: ids of type {column.type} are compared with ids of type {ids.type}; make both numbers or both text"
        )
    if is_text_type(ids.type):
        return text_of(ids, where), text_of(column, where)
    there = pa.array(nulls_of(ids))
    numbers = pa.array(integers_of(ids.fill_null(0) if ids.null_count else ids, where))
    return pc.if_else(there, pa.scalar(None, pa.int64()), numbers), pa.array(integers_of(column, where))


def _items(reader: ListReader, column: pa.Array | pa.ChunkedArray, where: str = "", pairs: bool = False) -> Int64:
    """The numbers of items. In pairs, they are names where the index has names: a number would be an id of another kind."""
    name = f"{reader.name}: {where}" if where else reader.name
    array = plain_ids(column, name)
    if pa.types.is_null(array.type) and len(array) == 0:  # of lists that are all empty
        return np.empty(0, np.int64)
    if not is_text_type(array.type):
        if pairs and reader.names is not None:
            raise ValueError(f"{name}: ids of type {array.type} are compared with names of items; make both text")
        return integers_of(array, name)
    if reader.names is None:
        raise ValueError(
            f"{name}: ids of type {array.type} are compared with the numbers of items; make both numbers"
        )
    texts = text_of(array, name)
    if texts.null_count:
        raise ValueError(f"{name}: row {int(np.argmax(nulls_of(texts)))} is null; drop those rows")
    return reader.told_apart(reader.names.rows_of_column(texts), texts)


def _lists(column: pa.ChunkedArray, name: str) -> tuple[Int64, Int64, pa.Array]:
    """Where each list begins in the values, how long it is, and the values."""
    if not is_list_type(column.type):
        raise ValueError(f"{name}: a column of type {column.type} holds no lists")
    array = checked(column, name)
    if array.null_count:
        raise ValueError(f"{name}: row {int(np.argmax(nulls_of(array)))} is null; give an empty list")
    return *layout_of(array), plain_ids(array.values, name)


def _places(starts: Int64, lengths: Int64) -> Int64:
    """starts[0], starts[0] + 1, ..., as many as lengths[0] says; then those of starts[1]; ..."""
    before = np.cumsum(lengths) - lengths
    places: Int64 = np.arange(int(lengths.sum()), dtype=np.int64) + np.repeat(starts - before, lengths)
    return places
