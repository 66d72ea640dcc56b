"""Pairs (user, item) that must not be returned, by user.

They are joined on the disk: memory does not grow with the pairs.
"""

from __future__ import annotations

import fcntl
import os
import tempfile
from collections.abc import Generator, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from maxdot import _core
from maxdot.batch.folder import Folder
from maxdot.batch.inputs import ARROW, PARQUET, InputFile, Reader, Unit, find_files, open_file, reader_of, reading
from maxdot.batch.job import BatchError, Job
from maxdot.batch.stages import Ahead
from maxdot.tables import find_column, id_result_type, is_id_list_type, is_id_type, one_array
from maxdot.whole_file import remove_anyhow

#: Users whose ids are held at once while the pairs are read: some tens of MB of text. More users, another reading.
_USERS_AT_ONCE = 1 << 19
#: Users whose pairs are one file. At most 2^16: see _Pairs.sorted.
_USERS_OF_A_BLOCK = 1 << 14
#: Users whose lists of items are read at once: some hundred items each are as many pairs as above.
_LISTS_AT_ONCE = 1 << 13
#: Read at once. Arrow makes its table of the users' ids anew for each: larger parts make fewer (docs/measurements.md,
#: "A nightly batch").
_PAIRS_AT_ONCE = 1 << 19

Csr = tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]
_PAIR = np.dtype([("row", np.int64), ("item", np.int64)])


@dataclass(frozen=True)
class PairFiles:
    """Files of pairs. `columns`: of the user's id, and of an item's id or lists of them."""

    files: list[InputFile]
    columns: tuple[str, str]


def open_pairs(job: Job) -> PairFiles | None:
    """The pairs of a job; None: it has none.

    Raises:
        BatchError: they cannot be read, or a file has not the columns, or it is not clear which they are.
    """
    if job.exclude is None:
        return None
    paths = find_files(job.exclude, "exclude")
    for path in paths:
        if not path.endswith((*PARQUET, *ARROW)):
            raise BatchError(
                "usage",
                f"{path}: pairs of user and item are read from Parquet or Arrow files ({', '.join((*PARQUET, *ARROW))}); "
                "write them with columns user_id and item_id, such as by pandas' to_parquet or "
                "pyarrow.parquet.write_table",
            )
    files = [open_file(path) for path in paths]
    columns = _pair_columns(reader_of(paths[0]).schema, job.exclude_user_column, job.exclude_item_column, paths[0])
    for path in paths[1:]:
        try:
            _check_columns(reader_of(path).schema, *columns, path)
        except BatchError as error:
            raise BatchError(
                error.kind,
                f"{error}; those of {paths[0]} are {columns[0]!r} and {columns[1]!r}: make all files alike",
            ) from None
    return PairFiles(files, columns)


def _pair_columns(schema: pa.Schema, user: str | None, item: str | None, source: str) -> tuple[str, str]:
    """The columns of user and item. Raises BatchError: they are not there, or it is not clear which they are."""
    _check_columns(schema, user, item, source)
    ids = [field.name for field in schema if is_id_type(field.type)]
    lists = [field.name for field in schema if is_id_list_type(field.type)]
    if user is None and item is None:
        user, item = _usual_columns(ids, lists)
    elif item is None:
        item = _only([name for name in (*ids, *lists) if name != user])
    elif user is None:
        user = _only([name for name in ids if name != item])
    if user is None or item is None:
        columns = ", ".join(f"{field.name!r} ({field.type})" for field in schema)
        raise BatchError(
            "bad_data",
            f"{source}: which of {columns} are the user's and the item's id? Ids are whole numbers or text, and a user "
            "may have a list of items; name both columns (--exclude-user-column, --exclude-item-column)",
        )
    _check_columns(schema, user, item, source)
    return user, item


def _usual_columns(ids: list[str], lists: list[str]) -> tuple[str | None, str | None]:
    """The columns that are meant where none is named; None: it is not clear."""
    if "user_id" in ids and "item_id" in (*ids, *lists):
        return "user_id", "item_id"
    if len(ids) == len(lists) == 1:
        names = [ids[0], lists[0]]
        with suppress(ValueError):  # an item with a list of users, by their names
            user, item = _core.find_pair_columns(names)
            return names[user], names[item]
    return None, None


def _only(names: list[str]) -> str | None:
    return names[0] if len(names) == 1 else None


def _check_columns(schema: pa.Schema, user: str | None, item: str | None, source: str) -> None:
    """Raises BatchError: one that is named is not there, or of a type that holds no ids."""
    try:
        if user is not None:
            find_column(schema, user, "ids", source)
        if item is not None and not _is_list_column(schema, item):
            find_column(schema, item, "ids", source)
    except ValueError as error:
        raise BatchError("bad_data", str(error)) from None


def _is_list_column(schema: pa.Schema, name: str) -> bool:
    numbers = schema.get_all_field_indices(name)
    return len(numbers) == 1 and is_id_list_type(schema.field(numbers[0]).type)


@dataclass(frozen=True)
class _Pairs:
    """Pairs in ascending order of rows, those of a row in ascending order of items."""

    rows: npt.NDArray[np.int64]
    items: npt.NDArray[np.int64]

    @classmethod
    def sorted(cls, pairs: npt.NDArray[Any], first_row: int) -> _Pairs:
        """Of one block, whose rows begin with `first_row`."""
        order = np.argsort(pairs["item"], kind="stable")
        rows = (pairs["row"][order] - first_row).astype(np.uint16)  # which numpy sorts by digits
        order = order[np.argsort(rows, kind="stable")]
        return cls(pairs["row"][order], pairs["item"][order])

    @classmethod
    def joined(cls, parts: list[_Pairs]) -> _Pairs:
        """Of any number of parts, each of later rows than the one before."""
        none = np.empty(0, np.int64)
        return cls(
            np.concatenate([none, *(part.rows for part in parts)]),
            np.concatenate([none, *(part.items for part in parts)]),
        )

    def between(self, begin: int, end: int) -> _Pairs:
        first, last = np.searchsorted(self.rows, [begin, end])
        return _Pairs(self.rows[first:last], self.items[first:last])


class Exclusions:
    """What each of some users must not get. A context manager, whose end removes its files."""

    def __init__(self, folder: Folder) -> None:
        with folder.locked():  # others must not take what is not locked yet for left over
            _remove_left(folder.own)
            self._folder = tempfile.mkdtemp(prefix="exclude-", dir=folder.own)
            self._lock = os.open(self._folder, os.O_RDONLY)
            fcntl.flock(self._lock, fcntl.LOCK_EX)
        self._last: tuple[int, _Pairs] | None = None

    def __enter__(self) -> Exclusions:
        return self

    def __exit__(self, *_: object) -> None:
        remove_anyhow(self._folder)
        os.close(self._lock)

    def join(
        self,
        units: Sequence[Unit],
        id_column: str | None,
        pairs: PairFiles,
        item_names: pa.Array | None,
    ) -> int:
        """Sorts the pairs of the users of `units` into files by user.

        Pairs of other users are passed over, and so are those of items that are not there. Returns how many pairs
        there are of all users; 0 if there are no users.
        """
        count = 0
        held: list[tuple[npt.NDArray[np.int64], pa.Array]] = []
        users = 0
        for rows, ids in self._users(units, id_column):
            held.append((rows, ids))
            users += len(ids)
            if users >= _USERS_AT_ONCE:
                count = self._join_some(held, pairs, item_names)
                held, users = [], 0
        if users:
            count = self._join_some(held, pairs, item_names)
        return count

    def of(self, first_row: int, rows: int) -> Csr:
        """The lists of users [first_row, first_row + rows), counted over all files: offsets, and ids in
        ascending order."""
        end = first_row + rows
        blocks = range(first_row // _USERS_OF_A_BLOCK, -(-end // _USERS_OF_A_BLOCK))
        pairs = _Pairs.joined([self._block(block).between(first_row, end) for block in blocks])
        offsets = np.zeros(rows + 1, np.int64)
        np.cumsum(np.bincount(pairs.rows - first_row, minlength=rows), out=offsets[1:])
        return offsets, pairs.items

    def _block(self, number: int) -> _Pairs:
        """The pairs of a block. Those of the last one are held: users are asked for in their order."""
        if self._last is None or self._last[0] != number:
            try:
                pairs = _Pairs.sorted(np.fromfile(self._file(number), _PAIR), number * _USERS_OF_A_BLOCK)
            except FileNotFoundError:
                pairs = _Pairs.sorted(np.empty(0, _PAIR), 0)
            self._last = (number, pairs)
        return self._last[1]

    def _users(
        self, units: Sequence[Unit], id_column: str | None
    ) -> Iterator[tuple[npt.NDArray[np.int64], pa.Array]]:
        for unit in units:
            if id_column is None:
                rows = np.arange(unit.first_row, unit.first_row + unit.rows, dtype=np.int64)
                yield rows, pa.array(rows)
                continue
            first = unit.first_row
            for batch in _read(unit.file.path, reader_of(unit.file.path), unit.group, [id_column], _PAIRS_AT_ONCE):
                ids = _plain(batch.column(0))
                yield np.arange(first, first + len(ids), dtype=np.int64), ids
                first += len(ids)

    def _join_some(
        self,
        users: list[tuple[npt.NDArray[np.int64], pa.Array]],
        pairs: PairFiles,
        item_names: pa.Array | None,
    ) -> int:
        """Returns how many pairs were read."""
        count = 0
        rows = np.concatenate([part for part, _ in users])
        encoded = one_array(pa.chunked_array([ids for _, ids in users])).dictionary_encode()
        # An id may stand in several rows: those of code c are by_code[starts[c] : starts[c + 1]].
        valid = np.asarray(encoded.indices.is_valid())
        codes = np.asarray(encoded.indices.fill_null(0))[valid]
        by_code = rows[valid][np.argsort(codes, kind="stable")]
        starts = np.zeros(len(encoded.dictionary) + 1, np.int64)
        np.cumsum(np.bincount(codes, minlength=len(encoded.dictionary)), out=starts[1:])
        with Ahead(_batches(pairs)) as batches:
            for path, owners, items in batches:
                count += len(items)
                try:
                    self._sort_in(owners, items, encoded.dictionary, by_code, starts, item_names)
                except BatchError as error:
                    raise BatchError(error.kind, f"{path}: {error}") from None
        return count

    def _sort_in(
        self,
        owners: pa.Array,
        items: pa.Array,
        ids: pa.Array,
        by_code: npt.NDArray[np.int64],
        starts: npt.NDArray[np.int64],
        item_names: pa.Array | None,
    ) -> None:
        found = pc.index_in(_cast(owners, ids.type), value_set=ids, skip_nulls=True)
        numbers = item_numbers(items, item_names)
        usable = np.asarray(pc.and_(found.is_valid(), numbers.is_valid()))
        codes = np.asarray(found.fill_null(0))[usable]
        wanted = np.asarray(numbers.fill_null(0))[usable]
        counts = starts[codes + 1] - starts[codes]
        if (counts != 1).any():  # once for each row of the user
            first = np.repeat(starts[codes], counts)
            within = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
            rows, wanted = by_code[first + within], np.repeat(wanted, counts)
        else:
            rows = by_code[starts[codes]]
        blocks = rows // _USERS_OF_A_BLOCK
        order = np.argsort(blocks, kind="stable")
        pairs = np.empty(len(rows), _PAIR)
        pairs["row"], pairs["item"] = rows[order], wanted[order]
        blocks = blocks[order]
        edges = np.flatnonzero(np.diff(blocks, prepend=-1, append=-2))
        for begin, end in zip(edges[:-1], edges[1:], strict=True):
            with open(self._file(int(blocks[begin])), "ab") as file:
                file.write(pairs[begin:end].tobytes())

    def _file(self, block: int) -> str:
        return os.path.join(self._folder, f"{block}.pairs")


def _batches(pairs: PairFiles) -> Generator[tuple[str, pa.Array, pa.Array], None, None]:
    """The path, and users and items, one of each for each pair."""
    user, item = pairs.columns
    for file in pairs.files:
        reader = reader_of(file.path)
        kind = reader.schema.field(item).type
        of_lists = is_id_list_type(kind)
        if of_lists and pa.types.is_null(kind.value_type):
            continue  # all lists are empty
        for group in range(len(file.groups)):
            rows = _LISTS_AT_ONCE if of_lists else _PAIRS_AT_ONCE
            for batch in _read(file.path, reader, group, [user, item], rows):
                owners, items = batch.column(user), batch.column(item)
                if of_lists:
                    owners, items = _unfolded(owners, items)
                yield file.path, owners, items


def _unfolded(owners: pa.Array, lists: pa.Array) -> tuple[pa.Array, pa.Array]:
    """Of users with lists of items the pairs. A null list has none."""
    lengths = np.asarray(pc.fill_null(pc.list_value_length(lists), 0))
    return _plain(owners).take(pa.array(np.repeat(np.arange(len(lengths)), lengths))), pc.list_flatten(lists)


def _read(path: str, reader: Reader, group: int, columns: list[str], rows: int) -> Iterator[pa.RecordBatch]:
    """So many rows at a time. Raises BatchError: the file cannot be read."""
    with reading(f"{path}: row group {group}"):
        yield from reader.batches(group, columns, rows)


def item_numbers(items: pa.Array, item_names: pa.Array | None) -> pa.Array:
    """What the index knows excluded items by: int64, null for names that no item has.

    Raises:
        BatchError: they are numbers where the items have names, or names where they have none.
    """
    if item_names is None:
        return _cast(items, pa.int64())
    return pc.cast(pc.index_in(_cast(items, item_names.type), value_set=item_names, skip_nulls=True), pa.int64())


def _plain(array: pa.Array) -> pa.Array:
    array = array.dictionary_decode() if pa.types.is_dictionary(array.type) else array
    return array.cast(id_result_type(array.type))


def _cast(array: pa.Array, kind: pa.DataType) -> pa.Array:
    """Ids of pairs as the ids that they are compared with. Text and numbers are never the same."""
    array = _plain(array)
    if array.type == kind:
        return array
    if pa.types.is_integer(array.type) != pa.types.is_integer(kind):
        raise BatchError(
            "bad_data",
            f"exclude: ids of type {array.type} are compared with ids of type {kind}; make both numbers or both text",
        )
    if not pa.types.is_integer(kind):
        return array.cast(kind)
    # A number that does not fit is nobody's id.
    limits = np.iinfo(kind.to_pandas_dtype())
    fits = pc.and_(
        pc.greater_equal(array, pa.scalar(max(limits.min, np.iinfo(array.type.to_pandas_dtype()).min), array.type)),
        pc.less_equal(array, pa.scalar(min(limits.max, np.iinfo(array.type.to_pandas_dtype()).max), array.type)),
    )
    return pc.if_else(fits, array, pa.scalar(None, array.type)).cast(kind)


def remove_left_over(folder: Folder) -> None:
    """Removes what processes have left that were killed, or could not remove it. Those that live hold a lock."""
    with folder.locked():
        _remove_left(folder.own)


def _remove_left(folder: str) -> None:
    for name in os.listdir(folder):
        path = os.path.join(folder, name)
        if not name.startswith("exclude-"):
            continue
        try:
            descriptor = os.open(path, os.O_RDONLY)
        except FileNotFoundError:  # its process has ended, and removed it
            continue
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            remove_anyhow(path)
        except BlockingIOError:
            pass
        finally:
            os.close(descriptor)
