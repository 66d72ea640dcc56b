"""What a search found: arrays that know the metric, and become a table."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import numpy as np
import numpy.typing as npt

from maxdot.given import Given, arrow_module
from maxdot.metric import Metric

if TYPE_CHECKING:
    import pandas
    import pyarrow

    from maxdot.item_names import ItemNames

Score = TypeVar("Score", np.float32, np.float64)


class _Result:
    """What results have in common. The attributes are set by `told_of`."""

    metric: Metric
    """What was asked: "dot" and "cosine" scores descend, "euclidean" distances ascend."""
    _names: ItemNames | None = None
    _given: Given | None = None

    def to_arrow(self) -> pyarrow.Table:
        """A row for each item that was found, by query and rank.

        Returns:
            A pyarrow.Table: the id of the query, in a column of the name that it had ("query": row numbers), rank
            (int32, from 1), item_id and score.

        Raises:
            ImportError: pyarrow is not installed.
            ValueError: it is in doubt which column of the queries' table has their ids.
        """
        arrow_module("to_arrow")
        from maxdot.result_table import table_of_results

        queries, ranks, ids, scores = self._rows()
        return table_of_results(queries, ranks, ids, scores, self._names, self._given)

    def to_frame(self) -> pandas.DataFrame:
        """`to_arrow` as a pandas.DataFrame.

        Raises:
            ImportError, ValueError: as `to_arrow`; ImportError without pandas.
        """
        return self.to_arrow().to_pandas()

    def _rows(self) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int32], npt.NDArray[np.int64], npt.NDArray[Any]]:
        """The row of the query, the rank, the id and the score of each item that was found."""
        raise NotImplementedError


class SearchResult(_Result, tuple[npt.NDArray[np.int64], npt.NDArray[Score]], Generic[Score]):
    """The best items of each query, as a pair: `ids, scores = index.search(queries, k)`."""

    @property
    def ids(self) -> npt.NDArray[np.int64]:
        """Of the items, [m, k], or [k] for one query; -1 where there is none."""
        return self[0]

    @property
    def scores(self) -> npt.NDArray[Score]:
        """Their scores, of the same shape."""
        return self[1]

    def _rows(self) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int32], npt.NDArray[np.int64], npt.NDArray[Any]]:
        ids, scores = np.atleast_2d(self[0]), np.atleast_2d(self[1])
        queries, places = np.nonzero(ids >= 0)
        return queries, (places + 1).astype(np.int32), ids[queries, places], scores[queries, places]


class RangeResult(_Result, tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[Score]], Generic[Score]):
    """Every item that reaches a threshold, as a triple: `offsets, ids, scores = index.search_range(queries, t)`."""

    @property
    def offsets(self) -> npt.NDArray[np.int64]:
        """Where the items of each query begin, [m + 1]: those of query i are offsets[i] to offsets[i + 1]."""
        return self[0]

    @property
    def ids(self) -> npt.NDArray[np.int64]:
        """Of the items of all queries."""
        return self[1]

    @property
    def scores(self) -> npt.NDArray[Score]:
        """Their scores."""
        return self[2]

    def _rows(self) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int32], npt.NDArray[np.int64], npt.NDArray[Any]]:
        offsets, ids, scores = self
        lengths = np.diff(offsets)
        ranks = np.arange(1, len(ids) + 1, dtype=np.int64) - np.repeat(offsets[:-1], lengths)
        return np.repeat(np.arange(len(lengths)), lengths), ranks.astype(np.int32), ids, scores


ResultT = TypeVar("ResultT", bound=_Result)


def told_of(result: ResultT, metric: Metric, names: ItemNames | None, given: Given | None) -> ResultT:
    """`result`, which then knows what it is of: the metric, the items' names, and the ids of the queries."""
    result.metric = metric
    if names is not None:
        result._names = names
    if given is not None and (given.ids is not None or given.doubt is not None):
        result._given = replace(given, rows=None)  # the queries' vectors need not live on
    return result
