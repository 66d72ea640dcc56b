"""The users of a unit, some at a time, and what is wrong with their rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from maxdot.batch.inputs import Unit, column_of, reader_of, reading
from maxdot.batch.job import BatchError, Job
from maxdot.tables import id_result_type, is_vector_type, vectors_of


@dataclass(frozen=True)
class Slice:
    """Users of a unit that are searched at once. `first`: the row of the first in the unit."""

    first: int
    users: pa.Array
    rows: npt.NDArray[Any]
    problems: dict[int, str]


@dataclass(frozen=True)
class Columns:
    """Of the users. `id` None: row numbers, counted over all files."""

    id: str | None
    id_type: pa.DataType
    vector: str


def columns_of(job: Job, units: Sequence[Unit]) -> Columns:
    """Raises: BatchError: a file has not the columns, or other types than the first."""
    found: Columns | None = None
    for path in dict.fromkeys(unit.file.path for unit in units):
        reader = reader_of(path)
        vector = column_of(reader, job.vector_column, "vectors", path)
        others = [column for column in reader.schema if not is_vector_type(column.type)]
        if job.id_column is None and not others:
            columns = Columns(None, pa.int64(), vector)
        else:
            name = column_of(reader, job.id_column, "ids", path)
            columns = Columns(name, id_result_type(reader.schema.field(name).type), vector)
        if found is not None and columns != found:
            raise BatchError(
                "bad_data", f"{path}: its columns are {columns}, those of the files before {found}; make all alike"
            )
        found = columns
    return found or Columns(None, pa.int64(), "vector")


def slices_of(unit: Unit, columns: Columns, dimension: int, rows: int) -> Iterator[Slice]:
    """The users of a unit. Raises: BatchError: the file has changed, or cannot be read."""
    names = [columns.vector] if columns.id is None else [columns.id, columns.vector]
    first = 0
    with reading(f"{unit.file.path}: row group {unit.group}"):
        for batch in reader_of(unit.file.path).batches(unit.group, names, rows):
            vectors = vectors_of(batch.column(columns.vector), dimension)
            if columns.id is None:
                begin = unit.first_row + first
                users = pa.array(np.arange(begin, begin + batch.num_rows, dtype=np.int64))
            else:
                users = batch.column(columns.id).cast(columns.id_type)
            yield Slice(first, users, vectors.rows, vectors.problems)
            first += batch.num_rows
    if first != unit.rows or not unit.file.is_unchanged():
        raise BatchError(
            "io", f"{unit.file.path}: has changed while the job ran; begin a new job with what it is now"
        )


def bad_rows_of(unit: Unit, part: Slice) -> Iterator[dict[str, Any]]:
    first = unit.row_in_file + part.first
    for row in sorted(part.problems):
        yield {
            "file": unit.file.path,
            "row": first + row,
            "user": part.users[row].as_py(),
            "reason": part.problems[row],
        }


def bad_row_error(bad: dict[str, Any]) -> BatchError:
    return BatchError(
        "bad_data",
        f"{bad['file']}: row {bad['row']}: {bad['reason']}; mend the row, or choose --on-bad-row skip or null",
    )
