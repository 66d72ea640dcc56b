"""Pairs (user, item) that must not be returned, by user.

They are joined on the disk: memory does not grow with the pairs.
"""

from __future__ import annotations

import fcntl
import os
import tempfile
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from maxdot.batch.folder import Folder
from maxdot.batch.inputs import InputFile, Reader, Unit, find_files, open_file, reader_of
from maxdot.batch.job import BatchError, Job
from maxdot.batch.stages import Ahead
from maxdot.tables import find_column, id_result_type, is_id_type, one_array
from maxdot.whole_file import remove_anyhow

#: Users whose ids are held at once while the pairs are read: some tens of MB of text. More users, another reading.
_USERS_AT_ONCE = 1 << 19
#: Users whose pairs are one file. At most 2^16: see _Pairs.sorted.
_USERS_OF_A_BLOCK = 1 << 14
#: Read at once. Arrow makes its table of the users' ids anew for each: larger parts make fewer (docs/measurements.md,
#: "A nightly batch").
_PAIRS_AT_ONCE = 1 << 19

Csr = tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]
_PAIR = np.dtype([("row", np.int64), ("item", np.int64)])


def pair_columns(schema: pa.Schema, user: str | None, item: str | None, source: str) -> tuple[str, str]:
    """The columns of user and item. Raises BatchError: they are not there, or it is not clear which they are."""
    fitting = [field.name for field in schema if is_id_type(field.type)]
    if user is None and item is None and {"user_id", "item_id"} <= set(fitting):
        user, item = "user_id", "item_id"
    if user is None or item is None:
        others = [name for name in fitting if name not in (user, item)]
        if len(others) == 1:
            user, item = user or others[0], item or others[0]
    if user is None or item is None:
        names = ", ".join(map(repr, schema.names))
        raise BatchError(
            "bad_data", f"{source}: which of {names} are the user's and the item's id? Name both columns"
        )
    try:
        return find_column(schema, user, "ids", source), find_column(schema, item, "ids", source)
    except ValueError as error:
        raise BatchError("bad_data", str(error)) from None


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
        pairs: Sequence[InputFile],
        columns: tuple[str, str],
        item_names: pa.Array | None,
    ) -> None:
        """Sorts the pairs of the users of `units` into files by user.

        Pairs of other users are passed over, and so are those of items that are not there.
        """
        held: list[tuple[npt.NDArray[np.int64], pa.Array]] = []
        users = 0
        for rows, ids in self._users(units, id_column):
            held.append((rows, ids))
            users += len(ids)
            if users >= _USERS_AT_ONCE:
                self._join_some(held, pairs, columns, item_names)
                held, users = [], 0
        if users:
            self._join_some(held, pairs, columns, item_names)

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
            for batch in _read(unit.file.path, reader_of(unit.file.path), unit.group, [id_column]):
                ids = _plain(batch.column(0))
                yield np.arange(first, first + len(ids), dtype=np.int64), ids
                first += len(ids)

    def _join_some(
        self,
        users: list[tuple[npt.NDArray[np.int64], pa.Array]],
        pairs: Sequence[InputFile],
        columns: tuple[str, str],
        item_names: pa.Array | None,
    ) -> None:
        rows = np.concatenate([part for part, _ in users])
        encoded = one_array(pa.chunked_array([ids for _, ids in users])).dictionary_encode()
        # An id may stand in several rows: those of code c are by_code[starts[c] : starts[c + 1]].
        valid = np.asarray(encoded.indices.is_valid())
        codes = np.asarray(encoded.indices.fill_null(0))[valid]
        by_code = rows[valid][np.argsort(codes, kind="stable")]
        starts = np.zeros(len(encoded.dictionary) + 1, np.int64)
        np.cumsum(np.bincount(codes, minlength=len(encoded.dictionary)), out=starts[1:])
        with Ahead(_batches(pairs, columns)) as batches:
            for batch in batches:
                self._sort_in(batch, columns, encoded.dictionary, by_code, starts, item_names)

    def _sort_in(
        self,
        batch: pa.RecordBatch,
        columns: tuple[str, str],
        ids: pa.Array,
        by_code: npt.NDArray[np.int64],
        starts: npt.NDArray[np.int64],
        item_names: pa.Array | None,
    ) -> None:
        found = pc.index_in(_cast(batch.column(columns[0]), ids.type), value_set=ids, skip_nulls=True)
        items = item_numbers(batch.column(columns[1]), item_names)
        usable = np.asarray(pc.and_(found.is_valid(), items.is_valid()))
        codes = np.asarray(found.fill_null(0))[usable]
        wanted = np.asarray(items.fill_null(0))[usable]
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


def _batches(pairs: Sequence[InputFile], columns: tuple[str, str]) -> Generator[pa.RecordBatch, None, None]:
    for file in pairs:
        reader = reader_of(file.path)
        for group in range(len(file.groups)):
            yield from _read(file.path, reader, group, list(columns))


def _read(path: str, reader: Reader, group: int, columns: list[str]) -> Iterator[pa.RecordBatch]:
    """Raises BatchError: the file cannot be read."""
    try:
        yield from reader.batches(group, columns, _PAIRS_AT_ONCE)
    except (OSError, ValueError) as error:  # Arrow's errors are of both kinds
        raise BatchError("io", f"{path}: row group {group}: {error}") from None


def join_pairs(
    exclusions: Exclusions, job: Job, units: Sequence[Unit], id_column: str | None, item_names: pa.Array | None
) -> int:
    """Sorts in the pairs of a job for the users of `units`. Returns how many pairs there are of all users.

    Raises:
        BatchError: they cannot be read, or are ids of another type than the users' or items'.
    """
    files = [open_file(path) for path in find_files(job.exclude or [], "exclude")]
    schema = reader_of(files[0].path).schema
    columns = pair_columns(schema, job.exclude_user_column, job.exclude_item_column, files[0].path)
    exclusions.join(units, id_column, files, columns, item_names)
    return sum(file.rows for file in files)


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
