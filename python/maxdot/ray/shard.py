"""A shard of the catalogue: an index file that each replica of a deployment maps and searches."""

from __future__ import annotations

import asyncio
from typing import Any, NamedTuple

import numpy as np

from maxdot._core import OverloadedError
from maxdot.batcher import Batcher
from maxdot.id_lists import Int64
from maxdot.index import Index
from maxdot.metric import Metric
from maxdot.searchable import Ids, Keys

#: Lists of ids as arrays: (offsets, ids).
Lists = tuple[Int64, Int64]


class Found(NamedTuple):
    """A shard's answer: keys, which can be merged, and what they mean."""

    ids: Ids
    keys: Keys
    metric: Metric
    normalized: bool


class Description(NamedTuple):
    """What the shards of a catalogue have in common, and the file that says so."""

    path: str
    dimension: int
    metric: Metric
    normalized: bool


class Shard:
    """A replica. Requests that are under way together share a batch.

    Args:
        threads: threads of a batch.
        most_waiting_queries: as of `maxdot.Batcher`.
    """

    def __init__(self, threads: int, most_waiting_queries: int) -> None:
        self._threads = threads
        self._most_waiting_queries = most_waiting_queries
        self._batcher: Batcher | None = None
        self._described: Description | None = None

    async def reconfigure(self, config: dict[str, Any]) -> None:
        """Opens config["path"], of Serve's `user_config`.

        Serve calls it before the first search, and again when the path changes. Searches go on
        meanwhile; until it is open, the index before answers them.

        Raises:
            OSError, ValueError, RuntimeError: as `Index.open`. The index before is still served.
        """
        path = config.get("path")
        if not isinstance(path, str):
            raise ValueError(f"user_config: {config} has no path; name the index file of the shard")
        index = await asyncio.to_thread(Index.open, path)
        if self._batcher is None:
            self._batcher = Batcher(
                index, threads=self._threads, most_waiting_queries=self._most_waiting_queries
            )
        else:
            self._batcher.replace(index)
        self._described = Description(path, index.dimension, index.metric, index.normalized)

    async def search(
        self, queries: Any, k: int, metric: Metric | None, exclude: Lists | None, allow: Lists | None, timeout: float
    ) -> Found:
        """`Batcher.search_async`, with keys."""
        batcher, described = self._opened()
        ids, keys = await batcher.search_async(
            queries, k, metric=metric, scores="keys", exclude=exclude, allow=allow, timeout=timeout
        )
        return Found(ids, keys, metric or described.metric, described.normalized)

    async def describe(self, timeout: float) -> Description:
        """What it serves. It takes a timeout as `search` does, and has the answer at once."""
        return self._opened()[1]

    async def check_health(self) -> None:
        """Searches for one item. Serve replaces a replica in which this fails three times.

        A queue that is full is no fault of the replica: more of them are needed, not fewer.
        """
        batcher, described = self._opened()
        try:
            await batcher.search_async(np.zeros(described.dimension, np.float32), 1)
        except OverloadedError:
            return

    def _opened(self) -> tuple[Batcher, Description]:
        if self._batcher is None or self._described is None:
            raise RuntimeError("shard: no index is open; Serve's user_config must have its path")
        return self._batcher, self._described
