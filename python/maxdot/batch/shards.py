"""A search of a catalogue that is cut into shards, one shard after the other, each on a machine of its own.

A table of users goes from shard to shard, and carries what was found for them so far.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from maxdot.batch.block import BlockColumns, BlockOptions, BlockUsers, array_of, check_names
from maxdot.batch.job import BatchError, ScoreValues, metric_of
from maxdot.batch.results import Scored
from maxdot.merging import merge
from maxdot.metric import Metric
from maxdot.searchable import Searchable

#: Columns of what was found. The name of the second one says what its keys mean: keys of two metrics must not meet.
_IDS = "maxdot_ids"
_KEYS = "maxdot_keys_"

Lists = tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]


def search_shard(index: Searchable, names: pa.Array | None, table: pa.Table, options: BlockOptions) -> pa.Table:
    """Users with the best items of this shard, and of those that were searched before.

    Args:
        index: a shard. No item may stand in two; all shards have one dimension, metric and
            `normalize`.
        names: of the items of all shards, by id; None: the ids are the index's own.
        table: users as of `search_block`, or what this function returned for another shard.
        options: the same for all shards.

    Returns:
        The columns of the users that the next shard needs, and what was found.
        `shard_results` makes results of it.

    Raises:
        BatchError: as `search_block`; or the shard ranks otherwise than those before, or an item
            stands in two.
        MemoryError: the results do not fit.
    """
    shard = _Shard(index, options)
    columns = BlockColumns.of(_users_of(table.schema), options)
    parts = []
    for users in columns.users(table, index, names):
        found: Lists = index.search(
            users.rows, options.k, options.threads, metric=options.metric, scores="keys", exclude=users.exclude
        )
        before = shard.carried(users.part)
        best = found if before is None else shard.merged([before, found], "keys")
        parts.append(shard.with_found(users.part.select(columns.names), best))
    if not parts:
        none = np.empty((0, options.k), np.int64), np.empty((0, options.k), np.float64)
        return shard.with_found(table.select(columns.names), none)
    return pa.concat_tables(parts)


def shard_results(index: Searchable, names: pa.Array | None, table: pa.Table, options: BlockOptions) -> pa.Table:
    """Of what `search_shard` returned for the last shard, what `search_block` would return.

    It would have searched one index of the items of all shards.

    Args:
        index: any of the shards.
        names, options: as of `search_shard`.
        table: what it returned.

    Raises:
        BatchError: as `search_shard`; or no shard was searched.
    """
    shard = _Shard(index, options)
    columns = BlockColumns.of(_users_of(table.schema), replace(options, exclude_column=None))
    maker = columns.maker(names)
    tables = [maker.table(shard.scored(users, names)) for users in columns.users(table, index, names)]
    return pa.concat_tables(tables) if tables else maker.schema.empty_table()


class _Shard:
    """How a shard ranks, and the columns in which what was found is carried."""

    def __init__(self, index: Searchable, options: BlockOptions) -> None:
        self._options = options
        self._metric: Metric = metric_of(options.metric) or index.metric
        self._normalized = index.normalized
        self._keys = f"{_KEYS}{self._metric}{'_normalized' if index.normalized else ''}"

    def carried(self, table: pa.Table) -> Lists | None:
        """What was found before; None: no shard was searched. Raises BatchError: it does not fit this shard."""
        names = list(_carried(table.schema))
        if not names:
            return None
        if names != [_IDS, self._keys]:
            raise BatchError(
                "bad_data",
                f"shards: one ranks by {self._keys.removeprefix(_KEYS)!r}, and those before gave the columns "
                f"{', '.join(map(repr, names))}; build all shards alike",
            )
        ids, keys = (np.asarray(pc.list_flatten(array_of(table, name))) for name in names)
        k = self._options.k
        if len(ids) != table.num_rows * k or len(keys) != len(ids) or ids.dtype != np.int64 or keys.dtype != np.float64:
            raise BatchError("bad_data", f"shards: those before were not asked for {k} results; ask all for the same k")
        return ids.reshape(-1, k), keys.reshape(-1, k)

    def merged(self, lists: list[Lists], scores: ScoreValues | Literal["keys"]) -> tuple[Any, Any]:
        try:
            return merge(
                lists, self._options.k, self._metric, self._normalized, scores=scores, threads=self._options.threads
            )
        except ValueError as error:  # the arguments are right by now; an item stands in two shards
            raise BatchError("bad_data", str(error)) from None

    def with_found(self, users: pa.Table, found: Lists) -> pa.Table:
        for name, values in zip((_IDS, self._keys), found, strict=True):
            column = pa.FixedSizeListArray.from_arrays(pa.array(values.reshape(-1)), self._options.k)
            users = users.append_column(name, column)
        return users

    def scored(self, users: BlockUsers, names: pa.Array | None) -> Scored:
        found = self.carried(users.part)
        if found is None:
            raise BatchError("usage", "shards: none was searched for this table; call search_shard for each before")
        ids, scores = self.merged([found], self._options.scores)
        check_names(ids, names)
        return Scored.of(users.ids, ids, scores, users.problems, self._options.on_bad_row)


def _carried(schema: pa.Schema) -> Iterator[str]:
    return (name for name in schema.names if name == _IDS or name.startswith(_KEYS))


def _users_of(schema: pa.Schema) -> pa.Schema:
    carried = set(_carried(schema))
    return pa.schema([field for field in schema if field.name not in carried])
