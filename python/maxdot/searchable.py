"""Searchable: what Index, LiveIndex and Snapshot have in common, the searches above all."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, Literal, SupportsIndex, TypeAlias, TypedDict, overload

import numpy as np
import numpy.typing as npt

from maxdot import _core
from maxdot.arrays import as_array
from maxdot.given import Given, given_interests, given_rows
from maxdot.id_lists import IdLists
from maxdot.item_lists import Owners
from maxdot.metric import Metric, MetricName, metric_named
from maxdot.results import RangeResult, ResultT, SearchResult, told_of
from maxdot.search_arguments import Filters, filter_arguments, interest_rows

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from maxdot.item_names import ItemNames

Ids: TypeAlias = npt.NDArray[np.int64]
Scores: TypeAlias = npt.NDArray[np.float32]
Keys: TypeAlias = npt.NDArray[np.float64]
ScoreType: TypeAlias = Literal["f32", "f64", "keys"]


class Asked(TypedDict, total=False):
    """What every search takes by name; `search` says what each is."""

    metric: MetricName | None
    exclude: IdLists | None
    allow: IdLists | None
    item_mask: npt.ArrayLike | None
    timeout: float | None


class Searchable(ABC):
    """Items that answer: which k have the best score for a query?"""

    __slots__ = ()

    @abstractmethod
    def _open_engine(self) -> _core.Index | _core.Snapshot | _core.LiveIndex:
        """What is asked. ValueError: it is closed."""

    @property
    def _names(self) -> ItemNames | None:
        """The names of the items; None: they have none."""
        return None

    def _filters(
        self, exclude: IdLists | None, allow: IdLists | None, item_mask: npt.ArrayLike | None, owners: Owners
    ) -> Filters:
        return filter_arguments(exclude, allow, item_mask, owners.is_one, owners, self._names)

    @overload
    def search(
        self,
        queries: Any,
        k: SupportsIndex,
        threads: int = 0,
        *,
        stats: Literal[False] = False,
        scores: Literal["f32"] = "f32",
        **asked: Unpack[Asked],
    ) -> SearchResult[np.float32]: ...

    @overload
    def search(
        self,
        queries: Any,
        k: SupportsIndex,
        threads: int = 0,
        *,
        stats: Literal[False] = False,
        scores: Literal["f64", "keys"],
        **asked: Unpack[Asked],
    ) -> SearchResult[np.float64]: ...

    @overload
    def search(
        self,
        queries: Any,
        k: SupportsIndex,
        threads: int = 0,
        *,
        stats: Literal[True],
        scores: Literal["f32"] = "f32",
        **asked: Unpack[Asked],
    ) -> tuple[Ids, npt.NDArray[np.float32], dict[str, Any]]: ...

    @overload
    def search(
        self,
        queries: Any,
        k: SupportsIndex,
        threads: int = 0,
        *,
        stats: Literal[True],
        scores: Literal["f64", "keys"],
        **asked: Unpack[Asked],
    ) -> tuple[Ids, npt.NDArray[np.float64], dict[str, Any]]: ...

    def search(
        self,
        queries: Any,
        k: SupportsIndex,
        threads: int = 0,
        *,
        metric: MetricName | None = None,
        stats: bool = False,
        scores: ScoreType = "f32",
        exclude: IdLists | None = None,
        allow: IdLists | None = None,
        item_mask: npt.ArrayLike | None = None,
        timeout: float | None = None,
    ) -> Any:
        """The exact k best items of each query, best first; equal keys are ordered by smaller id.

        Args:
            queries: float32 or float16, shape [m, d] or [d], as `items` of `build`.
            k: results per query, 0 or more. With more than n, rows are padded with id -1 and the worst score.
            threads: threads for this call; 0 = every core that this process may use. Results do not depend
                on it.
            metric: ask another metric than the items' own; every metric is exact on all items. "dot" (also "ip",
                "inner_product"), "cosine" ("cos") or "euclidean" ("l2").
            stats: also return what the call did.
            scores: "f32", "f64", or "keys" (float64): what orders results, larger is better, which is what
                `maxdot.merge` needs. A distance is the rounded root of its negated key, so two distances may
                be equal where their keys differ.
            exclude: items that a query must not return: m lists of item ids, as a list of lists, a SciPy CSR
                matrix [m, items] (its column indices are ids), or a tuple (offsets, ids). For one query of
                shape [d], also just its ids. Ids that no item has are ignored.
                Names too, of an `Index` whose items have them; a column of lists; a dictionary {query: list};
                or a table with a row for each pair of query and item. Those say by the ids of a table of
                queries, or by row, whose items they are, and others are passed over.
            allow: the only items that a query may return, in the same forms. An empty list permits none.
            item_mask: [n], bools or integers that are 0 or 1, by row, or in the order of `Snapshot.ids`: False for
                items that no query may return. Not of a `LiveIndex`, which may change at any time: ask its snapshot.
                Filters apply together, and a batch with filters stays a batch.
            timeout: seconds, above 0, after which the call ends with TimeoutError. None: it takes as long as it
                takes. Ctrl-C ends it, too.

        Returns:
            ids (int64) and scores (float32, rounded once from float64), shape [m, k], or [k] for one query
            of shape [d]. "dot" and "cosine" scores descend, "euclidean" distances ascend. The pair is a
            `SearchResult`, which knows its `metric` and becomes a table: `to_arrow()`, `to_frame()`. With `stats`,
            a plain triple, the third a dictionary of "seconds" (of the C++ call), "threads", "kernel", "counts"
            (results per query, int64 [m]), and what was read and scored: "queries", "queries_by_f32",
            "queries_by_list", "queries_repeated", "tiles_4bit", "tiles_8bit", "tiles_f32", "candidates",
            "refined", "rescored", "bytes_read".

        Raises:
            ValueError: wrong dtype, shape or dimension, NaN or Inf (names row and column), negative k,
                lists or mask that do not fit, a timeout that is not above 0; what is asked is closed.
            TypeError: `queries` is no array, `timeout` no number.
            MemoryError: the results do not fit.
            TimeoutError: it was not done in time; there is no partial answer.
        """
        engine = self._open_engine()
        if exclude is None and allow is None and item_mask is None and timeout is None:  # the short way: microseconds count
            given = None if isinstance(queries, np.ndarray) else given_rows(queries, "queries", engine)
            rows = queries if given is None else given.rows
            found = engine.search(rows, k, threads, metric, stats, scores)
        else:
            given = given_rows(queries, "queries", engine)
            filters = self._filters(exclude, allow, item_mask, Owners("queries", given))
            found = engine.search(given.rows, k, threads, metric, stats, scores, *filters, timeout)
        return found if stats else self._told(SearchResult(found), engine, metric, given)

    @overload
    def search_multi(
        self,
        users: Any,
        k: SupportsIndex,
        threads: int = 0,
        *,
        stats: Literal[False] = False,
        scores: Literal["f32"] = "f32",
        **asked: Unpack[Asked],
    ) -> SearchResult[np.float32]: ...

    @overload
    def search_multi(
        self,
        users: Any,
        k: SupportsIndex,
        threads: int = 0,
        *,
        stats: Literal[False] = False,
        scores: Literal["f64", "keys"],
        **asked: Unpack[Asked],
    ) -> SearchResult[np.float64]: ...

    @overload
    def search_multi(
        self,
        users: Any,
        k: SupportsIndex,
        threads: int = 0,
        *,
        stats: Literal[True],
        scores: Literal["f32"] = "f32",
        **asked: Unpack[Asked],
    ) -> tuple[Ids, npt.NDArray[np.float32], dict[str, Any]]: ...

    @overload
    def search_multi(
        self,
        users: Any,
        k: SupportsIndex,
        threads: int = 0,
        *,
        stats: Literal[True],
        scores: Literal["f64", "keys"],
        **asked: Unpack[Asked],
    ) -> tuple[Ids, npt.NDArray[np.float64], dict[str, Any]]: ...

    def search_multi(
        self,
        users: Any,
        k: SupportsIndex,
        threads: int = 0,
        *,
        metric: MetricName | None = None,
        stats: bool = False,
        scores: ScoreType = "f32",
        exclude: IdLists | None = None,
        allow: IdLists | None = None,
        item_mask: npt.ArrayLike | None = None,
        timeout: float | None = None,
    ) -> Any:
        """The exact k best items of users with several interests each, as of MIND or ComiRec.

        The score of an item is its best over the user's interests; no item appears twice. Interests of zeros
        are ignored, so users with fewer interests can be padded; a user with none gets no results.

        Args:
            users: float32 or float16, shape [m, interests, d], or [interests, d] for one user.
            exclude, allow: one list for each user, as in `search`.
            k, threads, metric, stats, scores, item_mask, timeout: as in `search`.

        Returns:
            ids (int64) and scores (float32), shape [m, k], or [k] for one user; with `stats` a dictionary as of
            `search`.

        Raises:
            ValueError, TypeError, MemoryError, TimeoutError: as `search`.
        """
        engine = self._open_engine()
        given = given_interests(users, "users", engine)
        rows, per_user, one_user = interest_rows(given.rows)
        filters = self._filters(exclude, allow, item_mask, Owners("users", given, 2))
        found = engine.search_multi(rows, per_user, one_user, k, threads, metric, stats, scores, *filters, timeout)
        return found if stats else self._told(SearchResult(found), engine, metric, given)

    @overload
    def search_range(
        self,
        queries: Any,
        threshold: npt.ArrayLike,
        threads: int = 0,
        *,
        stats: Literal[False] = False,
        scores: Literal["f32"] = "f32",
        **asked: Unpack[Asked],
    ) -> RangeResult[np.float32]: ...

    @overload
    def search_range(
        self,
        queries: Any,
        threshold: npt.ArrayLike,
        threads: int = 0,
        *,
        stats: Literal[False] = False,
        scores: Literal["f64", "keys"],
        **asked: Unpack[Asked],
    ) -> RangeResult[np.float64]: ...

    @overload
    def search_range(
        self,
        queries: Any,
        threshold: npt.ArrayLike,
        threads: int = 0,
        *,
        stats: Literal[True],
        scores: Literal["f32"] = "f32",
        **asked: Unpack[Asked],
    ) -> tuple[Ids, Ids, npt.NDArray[np.float32], dict[str, Any]]: ...

    @overload
    def search_range(
        self,
        queries: Any,
        threshold: npt.ArrayLike,
        threads: int = 0,
        *,
        stats: Literal[True],
        scores: Literal["f64", "keys"],
        **asked: Unpack[Asked],
    ) -> tuple[Ids, Ids, npt.NDArray[np.float64], dict[str, Any]]: ...

    def search_range(
        self,
        queries: Any,
        threshold: npt.ArrayLike,
        threads: int = 0,
        *,
        metric: MetricName | None = None,
        stats: bool = False,
        scores: ScoreType = "f32",
        exclude: IdLists | None = None,
        allow: IdLists | None = None,
        item_mask: npt.ArrayLike | None = None,
        timeout: float | None = None,
    ) -> Any:
        """Every item whose score reaches a threshold (>=; for "euclidean" distances <=), best first.

        Args:
            queries: float32 or float16, shape [m, d] or [d].
            threshold: one number, or one for each query. Compared with the float64 score, before it is rounded
                to float32.
            threads, metric, stats, scores, exclude, allow, item_mask, timeout: as in `search`.

        Returns:
            offsets (int64 [m + 1]), ids (int64) and scores (float32): query i has
            ids[offsets[i] : offsets[i + 1]]. The triple is a `RangeResult`, which becomes a table as a
            `SearchResult` does. With `stats`, it is a plain tuple, and a dictionary as of `search` comes last.

        Raises:
            ValueError, TypeError, MemoryError, TimeoutError: as `search`; ValueError for a threshold that is NaN
                or no number.
        """
        engine = self._open_engine()
        thresholds = _thresholds(threshold)
        given = given_rows(queries, "queries", engine)
        filters = self._filters(exclude, allow, item_mask, Owners("queries", given))
        found = engine.search_range(given.rows, thresholds, threads, metric, stats, scores, *filters, timeout)
        return found if stats else self._told(RangeResult(found), engine, metric, given)

    def _told(
        self,
        result: ResultT,
        engine: _core.Index | _core.Snapshot | _core.LiveIndex,
        metric: MetricName | None,
        given: Given | None,
    ) -> ResultT:
        asked = engine.metric if metric is None else metric_named(metric)
        return told_of(result, asked, self._names, given)

    def __len__(self) -> int:
        return self._open_engine().size

    @property
    def dimension(self) -> int:
        """Of items and queries."""
        return self._open_engine().dimension

    @property
    def metric(self) -> Metric:
        """What searches use unless they name another metric."""
        return self._open_engine().metric

    @property
    def normalized(self) -> bool:
        """Whether rows and queries count as their unit vectors."""
        return self._open_engine().normalized

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the stored rows: float32 or float16."""
        return np.dtype(np.float32 if self._open_engine().dtype == "f32" else np.float16)


def _thresholds(given: npt.ArrayLike) -> Keys:
    """One number or [queries], as [1] or [queries]. ValueError: no numbers, or of another shape."""
    try:
        array = as_array(given)
    except (TypeError, ValueError) as error:
        raise ValueError(f"threshold: {error}") from None
    if array.dtype.kind not in "fiu":
        raise ValueError(f"threshold: {array.dtype} is no number; give one number, or one for each query")
    if array.ndim > 1:
        raise ValueError(f"threshold: shape {array.shape} is neither a number nor [queries]")
    return np.ascontiguousarray(array, np.float64).reshape(-1)
