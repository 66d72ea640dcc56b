"""The results of a unit that is in hand, up to the file that has them all."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import Any

import pyarrow.parquet as pq

from maxdot.batch.folder import Claim
from maxdot.batch.inputs import Unit
from maxdot.batch.job import Job
from maxdot.batch.results import Regroup, Scored, TableMaker


@dataclass
class Counts:
    """What was done of a unit, or of several."""

    users: int = 0
    results: int = 0
    bad_rows: int = 0
    bytes: int = 0

    def add(self, other: Counts) -> None:
        self.users += other.users
        self.results += other.results
        self.bad_rows += other.bad_rows
        self.bytes += other.bytes


class UnitResults:
    """Takes what was found for the users of a claimed unit, in their order. Ends with `finish` or `abandon`."""

    def __init__(self, claim: Claim, maker: TableMaker, job: Job) -> None:
        self.unit: Unit = claim.unit
        self._claim = claim
        self._maker = maker
        self._groups = Regroup(job.users_of_a_group)
        self._counts = Counts()
        self._compression = "NONE" if job.compression == "none" else job.compression
        self._writer: pq.ParquetWriter | None = None

    def add_bad_rows(self, rows: Iterable[dict[str, Any]]) -> None:
        self._claim.bad_rows.add(rows)

    def add(self, scored: Scored) -> None:
        self._counts.users += len(scored.users)
        for group in self._groups.add(scored):
            self._write(group)

    def finish(self) -> Counts:
        """The unit is done. Raises OSError: its results cannot be written."""
        for group in self._groups.rest():
            self._write(group)
        self._open().close()
        counts = self._counts
        counts.bad_rows = self._claim.bad_rows.count
        counts.bytes = self._claim.finish({name: value for name, value in asdict(counts).items() if name != "bytes"})
        return counts

    def abandon(self) -> None:
        """The unit is not done, and its file goes."""
        with suppress(OSError, ValueError):  # a full disk, perhaps; what was written goes in any case
            if self._writer is not None:
                self._writer.close()
        self._claim.abandon()

    def _write(self, group: Scored) -> None:
        table = self._maker.table(group)
        self._counts.results += int((group.ids >= 0)[group.usable].sum())
        self._open().write_table(table, row_group_size=max(1, table.num_rows))

    def _open(self) -> pq.ParquetWriter:
        if self._writer is None:
            self._writer = pq.ParquetWriter(
                self._claim.file,
                self._maker.schema,
                compression=self._compression,
                use_dictionary=self._maker.repeating,
                column_encoding=self._maker.encodings,
            )
        return self._writer
