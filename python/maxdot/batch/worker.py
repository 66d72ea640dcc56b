"""What the workers of an engine of tables do: ItemFiles that they open, and searches of tables that can be pickled."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pyarrow as pa

from maxdot.batch.block import BlockColumns, BlockOptions, block_schema, search_block, storage_type
from maxdot.batch.item_files import ItemFiles
from maxdot.batch.job import BatchError
from maxdot.batch.results import users_at_once
from maxdot.batch.shards import search_shard, shard_results
from maxdot.tables import is_text_type


@dataclass(frozen=True)
class TableSearch:
    """`search_block`, of all shards in one process: tables of users in, tables of results out.

    Attributes:
        first, last: whether this is the first and the last search of the users: of the shards of a catalogue each
            may be searched in a process of its own. What is not the last returns what `search_shard` returns.
    """

    items: ItemFiles
    options: BlockOptions
    first: bool = True
    last: bool = True

    def __call__(self, table: pa.Table) -> Iterator[pa.Table]:
        """Results of some users at a time, which bounds memory.

        Raises:
            BatchError: as `search_shard`; or the items cannot be read here.
            MemoryError: the results do not fit.
        """
        indexes, names = self.items.open()
        step = users_at_once(self.options.k)
        for begin in range(0, table.num_rows, step):
            part = table.slice(begin, step)
            if self.first and self.last and len(indexes) == 1:
                yield search_block(indexes[0], names, part, self.options)
                continue
            for index in indexes:
                part = search_shard(index, names, part, self.options)
            yield shard_results(indexes[0], names, part, self.options) if self.last else part


def chain(items: ItemFiles, options: BlockOptions) -> list[TableSearch]:
    """A search of each shard, one after the other: each gets what the one before has returned."""
    shards = items.shards()
    ends = (0, len(shards) - 1)
    return [TableSearch(one, options, at == ends[0], at == ends[1]) for at, one in enumerate(shards)]


@dataclass(frozen=True)
class Plan:
    """What a search takes of the users' columns, and what it returns."""

    columns: list[str]
    results: pa.Schema


def plan(users: pa.Schema, items: ItemFiles, options: BlockOptions) -> Plan:
    """Before anything is searched.

    Raises:
        BatchError: a column is missing, of another type, or does not fit the items.
    """
    columns = BlockColumns.of(users, options)
    vectors = storage_type(users.field(columns.vector).type)
    if pa.types.is_fixed_size_list(vectors) and vectors.list_size != items.dimension:
        raise BatchError(
            "bad_data",
            f"users: vectors of column {columns.vector!r} have {vectors.list_size} values, the items {items.dimension}; "
            "they are of two models, or one is the wrong one",
        )
    if options.exclude_column is not None:
        excluded = storage_type(users.field(options.exclude_column).type).value_type
        if not pa.types.is_null(excluded) and is_text_type(excluded) != (items.names is not None):
            raise BatchError(
                "bad_data",
                f"users: column {options.exclude_column!r} holds ids of type {excluded}, the items have ids of type "
                f"{items.name_type}; make both numbers or both text (item_names)",
            )
    return Plan(columns.names, block_schema(users, items.name_type, options))
