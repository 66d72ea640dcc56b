"""Reads the users of units, searches for them and writes what was found: one thread for each of the three.

The three go over all units: while the results of a unit are written, the next one is read and searched.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from maxdot.batch.catalogue import Catalogue
from maxdot.batch.exclusions import Csr, Exclusions
from maxdot.batch.folder import Folder
from maxdot.batch.inputs import Unit
from maxdot.batch.job import Job
from maxdot.batch.results import Scored, TableMaker, users_at_once
from maxdot.batch.slices import Columns, Slice, bad_row_error, bad_rows_of, slices_of
from maxdot.batch.stages import Ahead, Behind
from maxdot.batch.unit_results import Counts, UnitResults


@dataclass(frozen=True)
class _Part:
    """Users of a unit with what they must not get. `slice` None: the unit has no more."""

    results: UnitResults
    begins: bool
    slice: Slice | None = None
    exclude: Csr | None = None


@dataclass(frozen=True)
class _Found:
    """What was found for some users of a unit. `scored` None: the unit has no more."""

    results: UnitResults
    scored: Scored | None


class Scorer:
    """Does units that no other process does."""

    def __init__(
        self,
        job: Job,
        folder: Folder,
        catalogue: Catalogue,
        columns: Columns,
        exclusions: Exclusions | None,
        mask: npt.NDArray[np.bool_] | None,
    ) -> None:
        self._job = job
        self._folder = folder
        self._catalogue = catalogue
        self._columns = columns
        self._exclusions = exclusions
        self._mask = mask
        self._users = job.batch or users_at_once(job.k)
        self._maker = TableMaker(
            job.layout, job.scores, columns.id or "user_id", columns.id_type, catalogue.names
        )

    def score(
        self,
        units: Iterable[Unit],
        searched: Callable[[int], None],
        done: Callable[[Unit, Counts], None],
        stop: Callable[[], bool],
    ) -> bool:
        """Does each unit, or passes over it if another process has it.

        Args:
            searched: is told how many users more were searched.
            done: is told of each unit that was done, as a rule from another thread.
            stop: asked before a unit is searched; True ends the work with the units before.

        Returns:
            False: `stop` said so.

        Raises:
            BatchError: a row is bad, or a file cannot be read. The units before are done.
        """
        in_hand: set[UnitResults] = set()

        def write(found: _Found) -> None:
            if found.scored is not None:
                return found.results.add(found.scored)
            counts = found.results.finish()
            in_hand.discard(found.results)
            done(found.results.unit, counts)

        try:
            with Ahead(self._read(units, in_hand)) as parts, Behind(write) as behind:
                for part in parts:
                    if part.begins and stop():
                        return False
                    if part.slice is None:
                        behind.put(_Found(part.results, None))
                        continue
                    self._note_bad_rows(part.results, part.slice)
                    behind.put(_Found(part.results, self._search(part.slice, part.exclude)))
                    searched(len(part.slice.users))
            return True
        finally:
            for results in list(in_hand):
                results.abandon()

    def _read(self, units: Iterable[Unit], in_hand: set[UnitResults]) -> Generator[_Part, None, None]:
        for unit in units:
            claim = self._folder.claim(unit)
            if claim is None:
                continue
            results = UnitResults(claim, self._maker, self._job)
            in_hand.add(results)
            begins = True
            for part in slices_of(unit, self._columns, self._catalogue.index.dim, self._users):
                exclude = None
                if self._exclusions is not None:
                    exclude = self._exclusions.of(unit.first_row + part.first, len(part.users))
                yield _Part(results, begins, part, exclude)
                begins = False
            yield _Part(results, begins)

    def _note_bad_rows(self, results: UnitResults, part: Slice) -> None:
        if not part.problems:
            return
        found = bad_rows_of(results.unit, part)
        if self._job.on_bad_row == "fail":
            raise bad_row_error(next(found))
        results.add_bad_rows(found)

    def _search(self, part: Slice, exclude: Csr | None) -> Scored:
        job = self._job
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
