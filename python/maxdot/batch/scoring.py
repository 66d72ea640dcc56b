"""Reads units, searches their users and writes what was found: one thread for each of the three."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from maxdot.batch.catalogue import Catalogue
from maxdot.batch.exclusions import Exclusions
from maxdot.batch.folder import BadRows
from maxdot.batch.inputs import Unit, column_of, reader_of
from maxdot.batch.job import BatchError, Job
from maxdot.batch.results import Regroup, Scored, TableMaker, users_at_once
from maxdot.tables import id_result_type, is_vector_type, vectors_of


@dataclass(frozen=True)
class Slice:
    """Users of a unit that are searched at once. `first`: the row of the first in the unit."""

    first: int
    users: pa.Array
    rows: npt.NDArray[Any]
    problems: dict[int, str]


@dataclass
class Counts:
    """What was done of a unit, or of several."""

    users: int = 0
    results: int = 0
    bad_rows: int = 0

    def add(self, other: Counts) -> None:
        self.users += other.users
        self.results += other.results
        self.bad_rows += other.bad_rows


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
    try:
        for batch in reader_of(unit.file.path).batches(unit.group, names, rows):
            vectors = vectors_of(batch.column(columns.vector), dimension)
            if columns.id is None:
                begin = unit.first_row + first
                users = pa.array(np.arange(begin, begin + batch.num_rows, dtype=np.int64))
            else:
                users = batch.column(columns.id).cast(columns.id_type)
            yield Slice(first, users, vectors.rows, vectors.problems)
            first += batch.num_rows
    except (OSError, ValueError) as error:  # Arrow's errors are of both kinds
        raise BatchError("io", f"{unit.file.path}: row group {unit.group}: {error}") from None
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


class Scorer:
    """Searches for the users of one unit after the other."""

    def __init__(
        self,
        job: Job,
        catalogue: Catalogue,
        columns: Columns,
        exclusions: Exclusions | None,
        mask: npt.NDArray[np.bool_] | None,
    ) -> None:
        self._job = job
        self._catalogue = catalogue
        self._columns = columns
        self._exclusions = exclusions
        self._mask = mask
        self._rows = job.batch or users_at_once(job.k)

    def score(self, unit: Unit, file: BinaryIO, bad_rows: BadRows, progress: Callable[[int], None]) -> Counts:
        """Writes the results of the unit into `file`. `progress` is told how many users were searched.

        Raises:
            BatchError: a row is bad, or the file cannot be read.
        """
        done = Counts()
        job, columns = self._job, self._columns
        maker = TableMaker(job.layout, job.scores, columns.id or "user_id", columns.id_type, self._catalogue.names)
        compression = "NONE" if job.compression == "none" else job.compression
        with pq.ParquetWriter(
            file, maker.schema, compression=compression, use_dictionary=maker.repeating
        ) as writer:
            groups = Regroup(job.users_of_a_group)

            def write(scored: Scored) -> None:
                done.users += len(scored.users)
                for group in groups.add(scored):
                    self._write(writer, maker, group, done)

            with (
                _Ahead(slices_of(unit, columns, self._catalogue.index.dim, self._rows)) as parts,
                _Behind(write) as behind,
            ):
                for part in parts:
                    if part.problems:
                        found = bad_rows_of(unit, part)
                        if job.on_bad_row == "fail":
                            raise bad_row_error(next(found))
                        bad_rows.add(found)
                    behind.put(self._search(unit, part))
                    progress(len(part.users))
            for group in groups.rest():
                self._write(writer, maker, group, done)
        done.bad_rows = bad_rows.count
        return done

    def _write(self, writer: pq.ParquetWriter, maker: TableMaker, group: Scored, done: Counts) -> None:
        table = maker.table(group)
        done.results += int((group.ids >= 0)[group.usable].sum())
        writer.write_table(table, row_group_size=max(1, table.num_rows))

    def _search(self, unit: Unit, part: Slice) -> Scored:
        job = self._job
        exclude = None
        if self._exclusions is not None:
            exclude = self._exclusions.of(unit.first_row + part.first, len(part.users))
        ids, scores = self._catalogue.index.search(
            part.rows,
            job.k,
            job.threads,
            metric=job.metric,
            scores=job.scores,
            exclude=exclude,
            item_mask=self._mask,
        )
        return Scored.of(part.users, ids, scores, part.problems, job.on_bad_row)


class _Ahead:
    """Gives what `source` yields, one read ahead by another thread."""

    def __init__(self, source: Iterator[Slice]) -> None:
        self._source = source
        self._read: queue.Queue[Slice | BaseException | None] = queue.Queue(1)
        self._ends = threading.Event()
        self._thread = threading.Thread(target=self._run, name="maxdot-read", daemon=True)

    def __enter__(self) -> Iterator[Slice]:
        self._thread.start()
        return self._taken()

    def __exit__(self, *_: object) -> None:
        self._ends.set()
        while self._thread.is_alive():
            try:
                self._read.get(timeout=0.01)
            except queue.Empty:
                continue
        self._thread.join()

    def _run(self) -> None:
        try:
            for part in self._source:
                if self._ends.is_set():
                    return
                self._read.put(part)
            self._read.put(None)
        except BaseException as error:
            self._read.put(error)

    def _taken(self) -> Iterator[Slice]:
        while (part := self._read.get()) is not None:
            if isinstance(part, BaseException):
                raise part
            yield part


class _Behind:
    """Calls `action` with what was put, in order, in another thread.

    The end of the block waits for it, and raises what it raised.
    """

    def __init__(self, action: Callable[[Scored], None]) -> None:
        self._action = action
        self._put: queue.Queue[Scored | None] = queue.Queue(1)
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="maxdot-write", daemon=True)

    def __enter__(self) -> _Behind:
        self._thread.start()
        return self

    def put(self, scored: Scored) -> None:
        self._put.put(scored)
        if self._error is not None:
            raise self._error

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._put.put(None)
        self._thread.join()
        if kind is None and self._error is not None:
            raise self._error

    def _run(self) -> None:
        while (scored := self._put.get()) is not None:
            if self._error is not None:
                continue  # what is put is taken, so that nobody waits
            try:
                self._action(scored)
            except BaseException as error:
                self._error = error
