"""The best items of every user of a Dataset of Ray Data, by actors that map one index.

>>> users = ray.data.read_parquet("users/")
>>> best = maxdot.ray.batch_search(users, "items.maxdot", k=100, id_column="user_id")
>>> best.write_parquet("recall/")

docs/batch-engines.md has the whole of it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa
import ray
from ray.data import ActorPoolStrategy, Dataset

from maxdot.batch.block import BlockOptions
from maxdot.batch.item_files import ItemFiles, index_paths
from maxdot.batch.job import BatchError, Layout, OnBadRow, ScoreValues, at_least
from maxdot.batch.worker import TableSearch, chain, plan
from maxdot.metric import MetricName
from maxdot.paths import Path

#: [CPUs] Of the task that looks at an index: it runs where an actor could, and waits for next to nothing.
_CPUS_TO_LOOK = 0.001


def batch_search(
    dataset: Dataset,
    index_path: Path | Sequence[Path],
    *,
    item_names: Path | None = None,
    k: int = 100,
    metric: MetricName | None = None,
    id_column: str | None = None,
    vector_column: str | None = None,
    exclude_column: str | None = None,
    layout: Layout = "long",
    scores: ScoreValues = "f32",
    on_bad_row: OnBadRow = "fail",
    threads: int = 1,
    concurrency: int | tuple[int, int] | None = None,
    num_cpus: float | None = None,
    actor_options: Mapping[str, Any] | Sequence[Mapping[str, Any]] | None = None,
) -> Dataset:
    """The k best items of every user: the rows that `maxdot.batch.search_block` returns for the blocks of a Dataset.

    Actors search a block at a time; each maps the index once, and those of one machine share its
    pages. An actor or a machine that dies is replaced, and its blocks are searched again: no row is
    lost, none is there twice. Nothing is searched before the results are asked for.

    Args:
        dataset: users: a column of ids, one of vectors (lists or tensors of floats) and, with
            `exclude_column`, one of lists of items.
        index_path: of an index file; or of the shards of a catalogue, which users go through one
            after the other. No item may stand in two. A file must be there, under the same path, on
            every node where an actor may start.
        item_names: a file of the names of items, for `maxdot.batch.read_item_names`. None: names that
            are kept beside the index, if there are; otherwise items are numbers.
        k, metric, id_column, vector_column, exclude_column, layout, scores, on_bad_row: as of
            `maxdot.batch.BlockOptions`.
        threads: of an actor; 0, which needs `num_cpus`, is every core that it may use.
        concurrency: actors of each shard, or (fewest, most); None: from 1 to what the cluster has
            room for.
        num_cpus: that Ray reserves for an actor; None: `threads`.
        actor_options: further arguments of `Dataset.map_batches`, such as `resources` or
            `label_selector`, which choose nodes; a list of them: of each shard.

    Returns:
        A Dataset in long or list layout. Its order is that of `dataset` if Ray preserves order.

    Raises:
        BatchError: an option is none; a file is missing or damaged where an actor would run; shards
            do not belong together; or a column is missing or of another type, if Ray knows the
            columns. What only the rows show is raised by what consumes the results, as a
            RayTaskError that is a BatchError, too.
    """
    options = BlockOptions(
        k=k,
        metric=metric,
        id_column=id_column,
        vector_column=vector_column,
        exclude_column=exclude_column,
        layout=layout,
        scores=scores,
        on_bad_row=on_bad_row,
        threads=threads,
    )
    if num_cpus is None:
        if threads == 0:
            raise BatchError("usage", "threads: 0, every core, needs num_cpus: Ray must know how many to reserve")
        num_cpus = threads
    compute = _actors(concurrency)
    paths = index_paths(index_path)
    of_shards = _options_of_shards(actor_options, len(paths))
    names = None if item_names is None else os.path.abspath(os.fsdecode(item_names))
    items = ItemFiles.joined(_look(paths, names, of_shards))
    schema = dataset.schema(fetch_if_missing=False)
    if schema is not None and isinstance(schema.base_schema, pa.Schema):
        dataset = dataset.select_columns(plan(schema.base_schema, items, options).columns)
    for search, own in zip(chain(items, options), of_shards, strict=True):
        dataset = dataset.map_batches(
            SearchUsers,
            fn_constructor_args=[search],
            batch_format="pyarrow",
            batch_size=None,
            compute=compute,
            num_cpus=num_cpus,
            **own,
        )
    return dataset


class SearchUsers:
    """An actor. It opens the index in its first call: of a failed constructor Ray would not tell the exception."""

    def __init__(self, search: TableSearch) -> None:
        self._search = search

    def __call__(self, users: pa.Table) -> Iterator[pa.Table]:
        yield from self._search(users)


def _actors(concurrency: int | tuple[int, int] | None) -> ActorPoolStrategy:
    if concurrency is None:
        return ActorPoolStrategy()
    if isinstance(concurrency, int):
        at_least("concurrency", concurrency, 1)
        return ActorPoolStrategy(size=concurrency)
    try:
        fewest, most = concurrency
    except (TypeError, ValueError):
        raise BatchError("usage", f"concurrency: {concurrency!r} is neither a number nor (fewest, most)") from None
    at_least("concurrency", fewest, 1)
    at_least("concurrency", most, fewest)
    return ActorPoolStrategy(min_size=fewest, max_size=most)


def _options_of_shards(
    given: Mapping[str, Any] | Sequence[Mapping[str, Any]] | None, shards: int
) -> list[dict[str, Any]]:
    options = [given or {}] * shards if given is None or isinstance(given, Mapping) else list(given)
    if len(options) != shards:
        raise BatchError(
            "usage", f"actor_options: {len(options)} for {shards} shards; give one for each, or one for all"
        )
    return [dict(one) for one in options]


def _look_at_one(path: str, names: str | None) -> ItemFiles:
    return ItemFiles.look(path, names)


def _look(paths: list[str], names: str | None, options: list[dict[str, Any]]) -> list[ItemFiles]:
    """At each index, on a node where its actors may start."""
    look = ray.remote(_look_at_one)
    tasks = [
        look.options(num_cpus=_CPUS_TO_LOOK, max_retries=3, **own).remote(path, names)
        for path, own in zip(paths, options, strict=True)
    ]
    try:
        return list(ray.get(tasks))
    except ray.exceptions.RayTaskError as error:
        if isinstance(error.cause, BatchError):
            raise error.cause from None
        raise
