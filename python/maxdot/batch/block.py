"""A search of one Arrow table of users: what Ray Data, Spark and other engines of tables call."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, get_args

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from maxdot.batch.exclusions import Csr, item_numbers
from maxdot.batch.job import BatchError, Layout, OnBadRow, ScoreValues, at_least, check_threads, metric_of, one_of
from maxdot.batch.results import (
    Scored,
    TableMaker,
    joined,
    result_schema,
    users_at_once,
)
from maxdot.metric import MetricName
from maxdot.searchable import Searchable
from maxdot.tables import find_column, id_result_type, is_id_list_type, vectors_of


@dataclass(frozen=True, kw_only=True)
class BlockOptions:
    """How tables of users are searched. The words are those of `Job`.

    Attributes:
        k: results of a user.
        metric: "dot", "cosine" or "euclidean"; None: that of the index.
        id_column, vector_column: of the users; None: the only column that fits.
        exclude_column: lists of the items that a user must not get; None: there are none. A null
            list excludes nothing, and what no item is called is passed over.
        layout: "long": a row for each result (user id, rank from 1, item id, score); "list": a row
            for each user, with lists of item ids and scores. Users with fewer results than k have
            fewer.
        scores: "f32" or "f64".
        on_bad_row: what happens to a user whose vector is null, of another dimension, or not
            finite: "fail" raises BatchError, "skip" leaves the user out, "null" gives the user null
            results.
        threads: 0 = every core that this process may use.

    Raises:
        BatchError: a value is none of these.
    """

    k: int = 100
    metric: MetricName | None = None
    id_column: str | None = None
    vector_column: str | None = None
    exclude_column: str | None = None
    layout: Layout = "long"
    scores: ScoreValues = "f32"
    on_bad_row: OnBadRow = "fail"
    threads: int = 0

    def __post_init__(self) -> None:
        at_least("k", self.k, 1)
        check_threads(self.threads)
        object.__setattr__(self, "metric", metric_of(self.metric))
        one_of("layout", self.layout, get_args(Layout))
        one_of("scores", self.scores, get_args(ScoreValues))
        one_of("on_bad_row", self.on_bad_row, get_args(OnBadRow))


def search_block(index: Searchable, names: pa.Array | None, table: pa.Table, options: BlockOptions) -> pa.Table:
    """The k best items of every user of a table, in their order: the rows that `run` writes.

    Args:
        index: what is searched.
        names: of the items, by id (`read_item_names`); None: the ids are the index's own.
        table: users: a column of ids, one of vectors and, with `exclude_column`, one of lists of
            items.
        options: how.

    Returns:
        A table whose columns depend on `options` and the types of users' ids and names alone.

    Raises:
        BatchError: a column is missing or of another type, a row is bad and must not be, or an item
            has no name.
        MemoryError: the results do not fit.
    """
    columns = BlockColumns.of(table.schema, options)
    maker = columns.maker(names)
    tables = [maker.table(_search(index, names, users, options)) for users in columns.users(table, index, names)]
    return pa.concat_tables(tables) if tables else maker.schema.empty_table()


def block_schema(users: pa.Schema, item_type: pa.DataType, options: BlockOptions) -> pa.Schema:
    """The columns that `search_block` returns, for engines that must know them before.

    Args:
        users: of the table.
        item_type: that of the names; int64 without names.
        options: as of `search_block`.

    Raises:
        BatchError: a column is missing, or of another type.
    """
    columns = BlockColumns.of(users, options)
    return result_schema(options.layout, options.scores, columns.id, columns.id_type, item_type)


@dataclass(frozen=True)
class BlockUsers:
    """Users that are searched at once, rows `part` of a table. `problems`: by row, why a vector is not usable."""

    part: pa.Table
    ids: pa.Array
    rows: npt.NDArray[Any]
    problems: dict[int, str]
    exclude: Csr | None


@dataclass(frozen=True)
class BlockColumns:
    """The columns of users that a search takes."""

    id: str
    id_type: pa.DataType
    vector: str
    options: BlockOptions

    @classmethod
    def of(cls, schema: pa.Schema, options: BlockOptions) -> BlockColumns:
        """Raises: BatchError: a column is not there, or of another type."""
        plain = pa.schema([(field.name, storage_type(field.type)) for field in schema])
        try:
            vector = find_column(plain, options.vector_column, "vectors", "users")
            name = find_column(plain, options.id_column, "ids", "users")
        except ValueError as error:
            raise BatchError("bad_data", str(error)) from None
        exclude = options.exclude_column
        if exclude is not None:
            _check_lists(plain, exclude)
        return cls(name, id_result_type(plain.field(name).type), vector, options)

    @property
    def names(self) -> list[str]:
        exclude = self.options.exclude_column
        return [self.id, self.vector] if exclude is None else [self.id, self.vector, exclude]

    def maker(self, names: pa.Array | None) -> TableMaker:
        return TableMaker(self.options.layout, self.options.scores, self.id, self.id_type, names)

    def users(self, table: pa.Table, index: Searchable, names: pa.Array | None) -> Iterator[BlockUsers]:
        """The users of a table, some at a time.

        Raises:
            BatchError: a row is bad, and the search is to fail then.
        """
        step = users_at_once(self.options.k)
        for begin in range(0, table.num_rows, step):
            part = table.slice(begin, step)
            ids = array_of(part, self.id).cast(self.id_type)
            vectors = vectors_of(array_of(part, self.vector), index.dimension)
            if vectors.problems and self.options.on_bad_row == "fail":
                row = min(vectors.problems)
                raise BatchError(
                    "bad_data",
                    f"user {ids[row].as_py()!r} (row {begin + row} of a table of users): {vectors.problems[row]}; mend "
                    'the row, or choose on_bad_row "skip" or "null"',
                )
            exclude = self.options.exclude_column
            lists = None if exclude is None else _exclude_lists(array_of(part, exclude), names)
            yield BlockUsers(part, ids, vectors.rows, vectors.problems, lists)


def check_names(ids: npt.NDArray[np.int64], names: pa.Array | None) -> None:
    """Raises: BatchError: an item that was found has no name."""
    if names is not None and ids.size != 0 and ids.max() >= len(names):
        raise BatchError(
            "bad_data",
            f"item_names: item {ids.max()} has no name, there are {len(names)}; the name of item i is in row i",
        )


def _search(index: Searchable, names: pa.Array | None, users: BlockUsers, options: BlockOptions) -> Scored:
    ids, scores = index.search(
        users.rows,
        options.k,
        options.threads,
        metric=options.metric,
        scores=options.scores,
        exclude=users.exclude,
    )
    check_names(ids, names)
    return Scored.of(users.ids, ids, scores, users.problems, options.on_bad_row)


def storage_type(kind: pa.DataType) -> pa.DataType:
    """Of a column of tensors, as Ray makes them, that of its lists."""
    return kind.storage_type if isinstance(kind, pa.BaseExtensionType) else kind


def array_of(table: pa.Table, name: str) -> pa.Array:
    """A column of a table that has rows, in one piece."""
    array = joined(table.column(name).chunks)
    return array.storage if isinstance(array, pa.ExtensionArray) else array


def _check_lists(schema: pa.Schema, name: str) -> None:
    numbers = schema.get_all_field_indices(name)
    if len(numbers) != 1:
        found = "no column" if not numbers else f"{len(numbers)} columns"
        raise BatchError(
            "bad_data",
            f"users: {found} {name!r} of lists to exclude; there are {', '.join(map(repr, schema.names))}",
        )
    kind = schema.field(numbers[0]).type
    if not is_id_list_type(kind):
        raise BatchError("bad_data", f"users: column {name!r} is of type {kind}, which holds no lists of item ids")


def _exclude_lists(lists: pa.Array, names: pa.Array | None) -> Csr:
    lengths = np.asarray(pc.fill_null(pc.list_value_length(lists), 0), dtype=np.int64)
    items = pc.list_flatten(lists)
    if pa.types.is_null(items.type):
        return np.zeros(len(lengths) + 1, np.int64), np.empty(0, np.int64)
    numbers = item_numbers(items, names)
    there = np.asarray(numbers.is_valid())
    ends = np.concatenate([np.zeros(1, np.int64), np.cumsum(there)])  # of the items that are there, among all
    offsets = np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths)])
    return ends[offsets], np.ascontiguousarray(np.asarray(numbers.drop_null()), dtype=np.int64)
