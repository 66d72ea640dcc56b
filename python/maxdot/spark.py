"""The best items of every user of a DataFrame of Spark, by tasks that map one index.

>>> users = spark.read.parquet("users/")
>>> best = maxdot.spark.batch_search(users, "items.maxdot", k=100, id_column="user_id")
>>> best.write.parquet("recall/")

It needs Spark: pip install 'maxdot[spark]'. docs/batch-engines.md has the whole of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa
from pyspark.sql.pandas.types import from_arrow_schema, to_arrow_schema, to_arrow_type

from maxdot.batch.block import BlockOptions
from maxdot.batch.item_files import ItemFiles, index_paths
from maxdot.batch.job import Layout, OnBadRow, ScoreValues
from maxdot.batch.worker import TableSearch, plan
from maxdot.metric import MetricName
from maxdot.paths import Path

if TYPE_CHECKING:
    from pyspark.sql import DataFrame
    from pyspark.sql.types import StructType

__all__ = ["batch_search"]


def batch_search(
    df: DataFrame,
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
) -> DataFrame:
    """The k best items of every user: the rows that `maxdot.batch.search_block` returns for the rows of a DataFrame.

    Python workers search a batch of Arrow at a time (`spark.sql.execution.arrow.maxRecordsPerBatch`);
    each maps the index once, and those of one machine share its pages. A task that dies is run
    again, as any other of Spark. Nothing is searched before the results are asked for.

    Args:
        df: users: a column of ids, one of vectors (arrays of floats, or bytes) and, with
            `exclude_column`, one of arrays of items.
        index_path: of an index file; or of the shards of a catalogue, which each task searches all.
            No item may stand in two. A file must be there, under the same path, on every executor
            and where this is called.
        item_names: a file of the names of items, for `maxdot.batch.read_item_names`. None: names that
            are kept beside the index, if there are; otherwise items are numbers.
        k, metric, id_column, vector_column, exclude_column, layout, scores, on_bad_row: as of
            `maxdot.batch.BlockOptions`.
        threads: of a task. With more than 1, set `spark.task.cpus` to as many: Spark runs a task on
            each core.

    Returns:
        A DataFrame in long or list layout.

    Raises:
        BatchError: an option is none; a file is missing or damaged here; shards do not belong
            together; or a column is missing or of another type. What only the rows show is raised
            by what consumes the results, as a PythonException whose text ends with the message.
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
    items = ItemFiles.joined(ItemFiles.look(path, item_names) for path in index_paths(index_path))
    planned = plan(_arrow_schema(df.schema), items, options)
    results = from_arrow_schema(planned.results)
    search = SearchUsers(TableSearch(items, options), to_arrow_schema(results))
    return df.select(*planned.columns).mapInArrow(search, results)


@dataclass(frozen=True)
class SearchUsers:
    """What a Python worker does. `results`: the columns as Spark has them: of text there is one type."""

    search: TableSearch
    results: pa.Schema

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            for table in self.search(pa.Table.from_batches([batch])):
                yield from table.cast(self.results).to_batches()


def _arrow_schema(users: StructType) -> pa.Schema:
    """Of the columns that Arrow can have; others cannot be meant."""
    fields = []
    for field in users:
        try:
            fields.append(pa.field(field.name, to_arrow_type(field.dataType)))
        except TypeError:
            continue
    return pa.schema(fields)
