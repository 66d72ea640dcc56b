"""Job: what a batch scores, and where the results go."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, get_args

from maxdot.index import Load, RowPlace
from maxdot.metric import Metric, MetricName, metric_named
from maxdot.paths import Path

Layout: TypeAlias = Literal["long", "list"]
OnBadRow: TypeAlias = Literal["fail", "skip", "null"]
ScoreValues: TypeAlias = Literal["f32", "f64"]

#: Results of a row group of the outputs that nobody sized: about 16 MB of ids and scores.
_RESULTS_OF_A_GROUP = 1 << 20
#: The engine's limit (checked_threads).
MOST_THREADS = 4096
#: What the engine counts with.
_MOST = (1 << 63) - 1
#: Arrow's lists count with 32 bits.
_MOST_RESULTS_OF_LISTS = (1 << 31) - 1


class BatchError(Exception):
    """A job cannot be done as it is. `kind` says whose fault that is: "usage", "io", "bad_data", "unsupported" or
    "out_of_memory"."""

    def __init__(self, kind: str, message: str) -> None:
        if "std::bad_alloc" in message:  # Arrow tells so of a file for which there was no memory
            kind = "out_of_memory"
        super().__init__(kind, message)  # both, so that it can be pickled
        self.kind = kind

    def __str__(self) -> str:
        return str(self.args[1])


@dataclass(frozen=True, kw_only=True)
class Job:
    """The k best items of every user, as files of a folder.

    Attributes:
        items: an index file (.maxdot), or embeddings: Parquet, Arrow, .npy, .fvecs or .fbin, of which an index is
            built in memory.
        users: embeddings of the same kinds: a file, a folder (all its Parquet files, hive partitions too), a glob
            pattern, or several of these. Files are taken in the order of their paths.
        out: a folder for the results; it is made. A job that was stopped goes on there.
        k: results of a user.
        metric: "dot", "cosine" or "euclidean"; None: that of the index, or "cosine" where one is built.
        id_column, vector_column: of the users; None: the only column that fits. Files without columns give
            row numbers, counted over all files.
        item_id_column, item_vector_column: the same of the items.
        exclude: Parquet or Arrow files of pairs (user, item) that must not be returned, in any order: a row for each
            pair, or for each user with a list of items. Files are named as those of `users`.
        exclude_user_column, exclude_item_column: None: "user_id" and "item_id"; or the only column of ids and the only
            one of lists of ids; or, beside one that is named, the only one that is left. A doubt is an error.
        item_mask: a .npy file of bools or integers [items], or a text of one a line, by row: 0 for those that no user
            may get, 1 for others.
        layout: "long": a row for each result (user id, rank from 1, item id, score); "list": a row for each user,
            with lists of item ids and scores. Padding is never written: users with fewer results have fewer.
        scores: "f32" or "f64".
        compression: of Parquet: "zstd", "snappy", "lz4", "gzip", "brotli" or "none".
        row_group_users: users of a row group of the results; None: about a million results.
        on_bad_row: what happens to a user whose vector is null, of another dimension, or not finite: "fail" ends
            the job, "skip" leaves the user out, "null" writes the user with null results. `_maxdot/bad_rows` lists
            them all.
        scan: look at every vector before the first search, so that "fail" fails at once.
        share: (i, n): do only the i-th of n shares of the units, from 0, as one of n machines.
        threads: 0 = every core that this process may use.
        batch: users that are searched at once; None: what fits into some tens of MB. Results do not depend on it.
        rows: "disk" leaves the rows of an index file there, for items that memory cannot hold. Results do not
            depend on it.
        load: of an index file: "memory" reads it, so that nothing that happens to it later matters; "locked" also
            keeps it in RAM; "map" shares its pages with other processes, and ends the process if it is overwritten.
    """

    items: Path
    users: Path | Sequence[Path]
    out: Path
    k: int = 100
    metric: MetricName | None = None
    id_column: str | None = None
    vector_column: str | None = None
    item_id_column: str | None = None
    item_vector_column: str | None = None
    exclude: Path | Sequence[Path] | None = None
    exclude_user_column: str | None = None
    exclude_item_column: str | None = None
    item_mask: Path | None = None
    layout: Layout = "long"
    scores: ScoreValues = "f32"
    compression: str = "zstd"
    row_group_users: int | None = None
    on_bad_row: OnBadRow = "fail"
    scan: bool = False
    share: tuple[int, int] = (0, 1)
    threads: int = 0
    batch: int | None = None
    rows: RowPlace = "memory"
    load: Load = "memory"

    def __post_init__(self) -> None:
        at_least("k", self.k, 1)
        check_threads(self.threads)
        for name in ("row_group_users", "batch"):
            if getattr(self, name) is not None:
                at_least(name, getattr(self, name), 1)
        object.__setattr__(self, "metric", metric_of(self.metric))
        one_of("layout", self.layout, get_args(Layout))
        one_of("scores", self.scores, get_args(ScoreValues))
        one_of("rows", self.rows, get_args(RowPlace))
        one_of("load", self.load, get_args(Load))
        one_of("on_bad_row", self.on_bad_row, get_args(OnBadRow))
        one_of("compression", self.compression, ("zstd", "snappy", "lz4", "gzip", "brotli", "none"))
        if self.layout == "list" and self.users_of_a_group * self.k > _MOST_RESULTS_OF_LISTS:
            raise BatchError(
                "usage",
                f"row_group_users, k: {self.users_of_a_group} users of {self.k} results are more than the "
                f"{_MOST_RESULTS_OF_LISTS} that lists of a row group hold; choose fewer",
            )
        if self.exclude_user_column is not None and self.exclude_user_column == self.exclude_item_column:
            raise BatchError(
                "usage",
                f"exclude_user_column, exclude_item_column: both are {self.exclude_user_column!r}; name a column for each",
            )
        _check_share(self.share)

    @property
    def out_path(self) -> str:
        return os.path.abspath(os.fsdecode(self.out))

    @property
    def users_of_a_group(self) -> int:
        return self.row_group_users or max(1, _RESULTS_OF_A_GROUP // self.k)

    def options(self) -> dict[str, Any]:
        """What decides the bytes of the results, beside the files. Not the machine's: threads, batch, share."""
        return {
            "k": self.k,
            "metric": self.metric,
            "id_column": self.id_column,
            "vector_column": self.vector_column,
            "layout": self.layout,
            "scores": self.scores,
            "compression": self.compression,
            "row_group_users": self.users_of_a_group,
            "on_bad_row": self.on_bad_row,
        }


def at_least(name: str, value: Any, least: int, most: int = _MOST) -> None:
    """Raises BatchError: `value` is no whole number from `least` to `most`."""
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise BatchError("usage", f"{name}: {value!r} is no whole number from {least} on")
    if value > most:
        raise BatchError("usage", f"{name}: {value} is more than {most}")


def check_threads(threads: Any) -> None:
    """Raises BatchError: the engine takes no such number."""
    at_least("threads", threads, 0, MOST_THREADS)


def _check_share(share: Any) -> None:
    """Raises BatchError: it is not (i, n) with i below n."""
    whole = isinstance(share, (tuple, list)) and len(share) == 2 and all(type(part) is int for part in share)
    if not whole:
        raise BatchError("usage", f"share: {share!r} is no pair of whole numbers; give (i, n), such as (0, 20)")
    i, n = share
    if n < 1:
        raise BatchError("usage", f"share: {i}/{n} is of no share at all; give one of 1 or more, such as 0/20")
    if not 0 <= i < n:
        raise BatchError("usage", f"share: {i}/{n} is none of 0/{n} to {n - 1}/{n}")


def metric_of(name: str | None) -> Metric | None:
    """The metric of that name; None for None. BatchError: there is none."""
    try:
        return None if name is None else metric_named(name)
    except (TypeError, ValueError) as error:
        raise BatchError("usage", str(error)) from None


def one_of(name: str, value: Any, values: tuple[Any, ...]) -> None:
    """Raises BatchError: `value` is none of `values`."""
    if value not in values:
        raise BatchError("usage", f"{name}: {value!r} is none of {', '.join(map(repr, values))}")
