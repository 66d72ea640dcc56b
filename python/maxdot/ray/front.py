"""The front: asks every shard, and merges what they found to the answer of one index."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from operator import index as as_integer
from typing import Any, SupportsIndex

import numpy as np
import numpy.typing as npt
from ray.serve.handle import DeploymentHandle
from starlette.requests import Request
from starlette.responses import Response

from maxdot.arrays import as_array
from maxdot.id_lists import IdLists
from maxdot.merging import merge
from maxdot.metric import MetricName, metric_named
from maxdot.ray import http
from maxdot.ray.agreement import check_descriptions, found_by
from maxdot.ray.answer import Answer, ShardsDisagreeError
from maxdot.ray.shard_handles import ShardHandles
from maxdot.search_arguments import filter_arguments
from maxdot.searchable import ScoreType

# [seconds] A front that starts waits for shards that start, to check that they fit. What has not answered by
# then is checked when it answers a search.
_START = 30.0


@dataclass(frozen=True)
class FrontSettings:
    """What `application` was given for its front.

    Attributes:
        partial: whether a search in which shards are missing is answered without them.
        timeout: seconds of a search.
        most_k, most_queries: of a search, at most.
        most_body_bytes: of an HTTP request, at most.
    """

    partial: bool
    timeout: float
    most_k: int
    most_queries: int
    most_body_bytes: int


class Front:
    """A replica of the front. `search` is for handles, `__call__` for HTTP."""

    def __init__(self, shards: Mapping[str, DeploymentHandle[Any]]) -> None:
        self._shards = ShardHandles(shards)

    async def reconfigure(self, config: dict[str, Any]) -> None:
        """Takes the fields of `FrontSettings`.

        Serve calls it before the first search, and again when they change.

        Raises:
            ShardsDisagreeError: the shards are no parts of one catalogue.
        """
        self._settings = FrontSettings(**config)
        check_descriptions(await self._shards.ask_all("describe", _START))

    async def search(
        self,
        queries: Any,
        k: SupportsIndex,
        *,
        metric: MetricName | None = None,
        scores: ScoreType = "f32",
        exclude: IdLists | None = None,
        allow: IdLists | None = None,
    ) -> Answer:
        """The exact k best items of all shards: the bits of `Index.search` on one index of them all.

        Args:
            queries, k, metric, scores, exclude, allow: as of `Index.search`. There is no
                `item_mask`, which is by row: use `exclude` or `allow`.

        Returns:
            ids and scores, [m, k] or [k], padded as by `Index.search`; and the shards that are
            missing, none unless the application has `partial`.

        Raises:
            ValueError, TypeError, MemoryError: as `Index.search`; ValueError beyond most_k or
                most_queries.
            ShardUnavailableError: a shard did not answer in time; with `partial`, none did.
            OverloadedError: too many requests wait for a shard.
            ShardsDisagreeError: shards are no parts of one catalogue.
        """
        rows = self._rows(queries)
        count = self._count(k)
        one = rows.ndim == 1
        exclude_lists, allow_lists, _ = filter_arguments(exclude, allow, None, one)
        if scores not in ("f32", "f64", "keys"):
            raise ValueError(f"scores: {scores!r} is not 'f32', 'f64' or 'keys'")
        if metric is not None:
            metric = metric_named(metric)
        rows = rows[np.newaxis] if one else rows
        outcomes = await self._shards.ask_all(
            "search", self._settings.timeout, rows, count, metric, exclude_lists, allow_lists
        )
        found, missing = found_by(outcomes, self._settings.partial)
        parts = list(found.values())
        lists = [(part.ids, part.keys) for part in parts]
        try:
            ids, values = await asyncio.to_thread(
                merge, lists, count, parts[0].metric, parts[0].normalized, scores=scores, threads=1
            )
        except ValueError as error:  # the arguments are right by now; an item stands in two shards
            raise ShardsDisagreeError(f"shards {', '.join(map(repr, found))}: {error}") from None
        return Answer(ids[0], values[0], missing) if one else Answer(ids, values, missing)

    async def __call__(self, request: Request) -> Response:
        """`search` by HTTP: JSON in, JSON out (docs/serving.md)."""
        return await http.answer(request, self.search, self._settings.most_body_bytes)

    def _rows(self, queries: Any) -> npt.NDArray[Any]:
        rows = as_array(queries)
        if rows.dtype not in (np.float32, np.float16):
            raise ValueError(f"queries: dtype {rows.dtype} is not float32 or float16; convert them")
        if rows.ndim not in (1, 2):
            raise ValueError(f"queries: shape {rows.shape} is neither [m, d] nor [d]")
        most = self._settings.most_queries
        if rows.ndim == 2 and len(rows) > most:
            raise ValueError(f"queries: {len(rows)} in a request, but most_queries is {most}; send several requests")
        return rows

    def _count(self, k: SupportsIndex) -> int:
        count = as_integer(k)
        if not 0 <= count <= self._settings.most_k:
            raise ValueError(f"k: {count} is not 0 to {self._settings.most_k} (most_k)")
        return count
