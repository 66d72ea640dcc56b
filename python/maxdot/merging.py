"""Results of a catalogue that is cut into shards, joined to what one index would have returned."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal, SupportsIndex, overload

import numpy as np
import numpy.typing as npt

from maxdot import _core
from maxdot.arrays import as_array
from maxdot.metric import MetricName, metric_named
from maxdot.results import RangeResult, SearchResult, told_of
from maxdot.searchable import ScoreType


@overload
def merge(
    shards: Iterable[tuple[npt.ArrayLike, npt.ArrayLike]],
    k: SupportsIndex,
    metric: MetricName,
    normalized: bool = False,
    *,
    scores: Literal["f32"] = "f32",
    threads: int = 0,
    timeout: float | None = None,
) -> SearchResult[np.float32]: ...


@overload
def merge(
    shards: Iterable[tuple[npt.ArrayLike, npt.ArrayLike]],
    k: SupportsIndex,
    metric: MetricName,
    normalized: bool = False,
    *,
    scores: Literal["f64", "keys"],
    threads: int = 0,
    timeout: float | None = None,
) -> SearchResult[np.float64]: ...


@overload
def merge(
    shards: Iterable[tuple[npt.ArrayLike, npt.ArrayLike]],
    k: SupportsIndex,
    metric: MetricName,
    normalized: bool = False,
    *,
    scores: ScoreType,
    threads: int = 0,
    timeout: float | None = None,
) -> SearchResult[Any]: ...


def merge(
    shards: Iterable[tuple[npt.ArrayLike, npt.ArrayLike]],
    k: SupportsIndex,
    metric: MetricName,
    normalized: bool = False,
    *,
    scores: ScoreType = "f32",
    threads: int = 0,
    timeout: float | None = None,
) -> SearchResult[Any]:
    """The k best of all shards for each query: the bits that one index over all items would return.

    Args:
        shards: what `Index.search(..., scores="keys")` or `search_multi` returned for the same queries, one pair
            (ids, keys) of shape [m, k or more] for each shard. No item may stand in two shards.
        k: results per query; ask every shard for as many or more.
        metric: the one that was asked for.
        normalized: whether the indexes were built with `normalize`.
        scores: "f32", "f64", or "keys" to merge again.
        threads: 0 = every core that this process may use.
        timeout: seconds, as in `Index.search`.

    Returns:
        ids (int64) and scores, shape [m, k], as a `SearchResult`.

    Raises:
        ValueError: shapes do not fit, an item stands in two shards, a shard was asked for fewer than k, or its
            values are scores and not keys.
        TypeError: `timeout` is no number.
        MemoryError: the results do not fit.
        TimeoutError: it was not done in time; there is no partial answer.
    """
    lists = [(_array(ids, np.int64), _array(keys, np.float64)) for ids, keys in shards]
    merged: SearchResult[Any] = SearchResult(_core.merge(lists, k, metric, normalized, scores, threads, timeout))
    return told_of(merged, metric_named(metric), None, None)


@overload
def merge_ranges(
    shards: Iterable[tuple[npt.ArrayLike, npt.ArrayLike, npt.ArrayLike]],
    metric: MetricName,
    normalized: bool = False,
    *,
    scores: Literal["f32"] = "f32",
    threads: int = 0,
    timeout: float | None = None,
) -> RangeResult[np.float32]: ...


@overload
def merge_ranges(
    shards: Iterable[tuple[npt.ArrayLike, npt.ArrayLike, npt.ArrayLike]],
    metric: MetricName,
    normalized: bool = False,
    *,
    scores: Literal["f64", "keys"],
    threads: int = 0,
    timeout: float | None = None,
) -> RangeResult[np.float64]: ...


@overload
def merge_ranges(
    shards: Iterable[tuple[npt.ArrayLike, npt.ArrayLike, npt.ArrayLike]],
    metric: MetricName,
    normalized: bool = False,
    *,
    scores: ScoreType,
    threads: int = 0,
    timeout: float | None = None,
) -> RangeResult[Any]: ...


def merge_ranges(
    shards: Iterable[tuple[npt.ArrayLike, npt.ArrayLike, npt.ArrayLike]],
    metric: MetricName,
    normalized: bool = False,
    *,
    scores: ScoreType = "f32",
    threads: int = 0,
    timeout: float | None = None,
) -> RangeResult[Any]:
    """The same for what `Index.search_range(..., scores="keys")` returned: (offsets, ids, keys) of each shard.

    Returns:
        offsets (int64 [m + 1]), ids (int64) and scores, as a `RangeResult`.

    Raises:
        ValueError, TypeError, MemoryError, TimeoutError: as `merge`.
    """
    lists = [
        (_array(offsets, np.int64), _array(ids, np.int64), _array(keys, np.float64))
        for offsets, ids, keys in shards
    ]
    merged: RangeResult[Any] = RangeResult(_core.merge_ranges(lists, metric, normalized, scores, threads, timeout))
    return told_of(merged, metric_named(metric), None, None)


def _array(values: npt.ArrayLike, dtype: type[np.generic]) -> npt.NDArray[Any]:
    array = as_array(values)
    if array.dtype != dtype:
        raise ValueError(
            f'shards: {array.dtype} values where {np.dtype(dtype)} are needed; ask every shard with scores="keys"'
        )
    return np.ascontiguousarray(array)
