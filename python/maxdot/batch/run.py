"""run: does a job, or goes on with it."""

from __future__ import annotations

import os
import shutil
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from typing import Any

import pyarrow as pa

from maxdot.batch.catalogue import item_mask, open_catalogue
from maxdot.batch.exclusions import Exclusions, open_pairs, remove_left_over
from maxdot.batch.folder import Folder
from maxdot.batch.inputs import InputFile, Unit, find_files, named_paths, open_file, reader_of, share_of, units_of
from maxdot.batch.job import BatchError, Job
from maxdot.batch.progress import Reporter, Silent
from maxdot.batch.scoring import Scorer
from maxdot.batch.slices import Columns, bad_row_error, bad_rows_of, columns_of, slices_of
from maxdot.batch.unit_results import Counts
from maxdot.index import Index

#: [bytes] Of a result on the disk before compression: an id, a score and a rank.
_RESULT_BYTES = 16
#: [seconds] Between two looks at units that other processes do.
_LOOK_SECONDS = 1.0
_SCAN_ROWS = 1 << 14


@dataclass(frozen=True)
class Summary:
    """What a run has done.

    Attributes:
        complete: whether every unit of this share is done now; False: it was stopped.
        users, results, bad_rows, units: of this run; what was done before is not counted.
        skipped_units: that were done before.
        seconds: of searching, reading and writing; exclusions and scan not counted.
        users_per_second, gmac_per_second: 10^9 products of values a second.
        bytes: of the files that were written.
    """

    complete: bool
    users: int
    results: int
    bad_rows: int
    units: int
    skipped_units: int
    seconds: float
    users_per_second: float
    gmac_per_second: float
    bytes: int

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def run(job: Job, *, reporter: Reporter | None = None, stop: Callable[[], bool] = lambda: False) -> Summary:
    """Does what is not done yet of a job, a unit at a time: a row group of the users' files.

    Any number of processes may run the same job at once, on any number of machines that share the files: none
    does what another one does. Killed at any moment, a job goes on when it is run again; the results are the same
    bytes, whatever threads and batches. Memory depends neither on the number of users nor of excluded pairs.

    Args:
        job: what to do.
        reporter: is told how far it is.
        stop: asked before each unit; True ends the run after the unit in hand, with `complete` False.

    Raises:
        BatchError: the job cannot be done as it is. What was done remains.
        OSError: results cannot be written. What was done remains.
        MemoryError: the items, or the users that are searched at once, do not fit.
    """
    reporter = reporter or Silent()
    files = [open_file(path) for path in find_files(job.users, "users")]
    units = units_of(files)
    columns = columns_of(job, units)
    pairs = open_pairs(job)
    pair_files = [] if pairs is None else pairs.files
    catalogue = open_catalogue(job)
    _check_dimension(files, columns, catalogue.index.dim)
    mask = item_mask(job, catalogue.index)
    _check_apart(job, [*files, *pair_files])
    folder = Folder(job.out_path)
    folder.begin(job, catalogue.about, files, pair_files)
    share = share_of(job, units)
    pending = [unit for unit in share if folder.state(unit) is None]
    reporter.event(
        "start",
        out=folder.path,
        units=len(share),
        done_units=len(share) - len(pending),
        users=sum(unit.rows for unit in share),
        items=len(catalogue.index),
        dimension=catalogue.index.dim,
    )
    _check_space(folder, job, pending)
    if job.scan:
        _scan(job, pending, columns, catalogue.index.dim, reporter)
    with ExitStack() as stack:
        exclusions = None
        if pairs is not None and pending:
            exclusions = stack.enter_context(Exclusions(folder))
            begin = time.monotonic()
            count = exclusions.join(pending, columns.id, pairs, catalogue.names)
            reporter.event("exclude", pairs=count, seconds=time.monotonic() - begin)
        elif pairs is not None:
            remove_left_over(folder)
        progress = _Progress(reporter, sum(unit.rows for unit in pending))
        scorer = Scorer(job, folder, catalogue, columns, exclusions, mask)
        complete = _score_all(scorer, folder, pending, progress, stop)
    folder.finish_all(units)
    return progress.summary(complete, len(share) - len(pending), catalogue.index)


class _Progress:
    """How far a run is. Its reporter is told one thing at a time, whatever thread tells it."""

    def __init__(self, reporter: Reporter, users: int) -> None:
        self._reporter = reporter
        self._lock = threading.Lock()
        self._begin = time.monotonic()
        self._of = users
        self._searched = 0
        self._total = Counts()
        self._units = 0

    def searched(self, users: int) -> None:
        with self._lock:
            self._searched += users
            self._reporter.progress(self._searched, self._of, self._begin)

    def done(self, unit: Unit, counts: Counts) -> None:
        with self._lock:
            self._total.add(counts)
            self._units += 1
            self._reporter.event("unit", unit=unit.name, **asdict(counts))

    def summary(self, complete: bool, skipped: int, index: Index) -> Summary:
        seconds = max(time.monotonic() - self._begin, 1e-9)
        users = self._searched
        return Summary(
            complete=complete,
            users=self._total.users,
            results=self._total.results,
            bad_rows=self._total.bad_rows,
            units=self._units,
            skipped_units=skipped,
            seconds=seconds,
            users_per_second=users / seconds,
            gmac_per_second=users * len(index) * index.dim / seconds / 1e9,
            bytes=self._total.bytes,
        )


def _score_all(
    scorer: Scorer, folder: Folder, pending: list[Unit], progress: _Progress, stop: Callable[[], bool]
) -> bool:
    """Returns whether all are done, by this process or by others."""
    while pending:
        if not scorer.score(pending, progress.searched, progress.done, stop):
            return False
        # Another process does what is left, or has been killed meanwhile.
        pending = [unit for unit in pending if folder.state(unit) is None]
        if pending:
            if stop():
                return False
            time.sleep(_LOOK_SECONDS)
    return True


def _check_dimension(files: Sequence[InputFile], columns: Columns, dimension: int) -> None:
    """Raises: BatchError: no row of a file can be searched."""
    for file in files:
        if not file.groups:  # nor need it have the columns
            continue
        kind = reader_of(file.path).schema.field(columns.vector).type
        if pa.types.is_fixed_size_list(kind) and kind.list_size != dimension:
            raise BatchError(
                "bad_data",
                f"{file.path}: vectors have {kind.list_size} values, the items {dimension}; "
                "they are of two models, or one file is the wrong one",
            )


def _check_apart(job: Job, files: Sequence[InputFile]) -> None:
    """Raises: BatchError: results would become inputs when the job is run again."""
    for file in files:
        if _is_within(file.path, job.out_path):
            raise BatchError(
                "usage", f"{file.path}: lies in {job.out_path}, the folder of the results; give another one"
            )
    for path in named_paths(job.users) + named_paths(job.exclude or []):
        if os.path.isdir(path) and _is_within(job.out_path, path):
            raise BatchError("usage", f"{job.out_path}: lies in {path}, whose files are read; give another folder")


def _is_within(path: str, folder: str) -> bool:
    path, folder = os.path.realpath(path), os.path.realpath(folder)
    return os.path.commonpath([path, folder]) == folder


def _scan(job: Job, units: Sequence[Unit], columns: Columns, dimension: int, reporter: Reporter) -> None:
    """Raises: BatchError: a row is bad, and the job is to fail then."""
    bad = 0
    for unit in units:
        for part in slices_of(unit, columns, dimension, _SCAN_ROWS):
            for row in bad_rows_of(unit, part):
                bad += 1
                if job.on_bad_row == "fail":
                    raise bad_row_error(row)
                reporter.event("bad_row", **row)
    reporter.event("scanned", users=sum(unit.rows for unit in units), bad_rows=bad)


def _check_space(folder: Folder, job: Job, units: Sequence[Unit]) -> None:
    """Raises: BatchError: the results that are still to be written may not fit."""
    largest = sum(unit.rows for unit in units) * job.k * _RESULT_BYTES
    free = shutil.disk_usage(folder.path).free
    if largest > free:
        raise BatchError(
            "io",
            f"{folder.path}: {free:,} bytes are free, and the results may take {largest:,} before compression; "
            "free some, or give --share to score a part",
        )
