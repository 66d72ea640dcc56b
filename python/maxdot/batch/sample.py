"""verify_sample: do the files hold the true results?

Some users are checked in float64, by arithmetic that is not the engine's.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from maxdot.arrays import engine_of
from maxdot.batch.catalogue import Catalogue, item_mask, open_catalogue
from maxdot.batch.exclusions import Exclusions, open_pairs
from maxdot.batch.folder import Folder
from maxdot.batch.inputs import Unit, find_files, open_file, share_of, units_of
from maxdot.batch.job import BatchError, Job, at_least, metric_of
from maxdot.batch.slices import Columns, columns_of, slices_of
from maxdot.metric import Metric
from maxdot.parquet_file import open_parquet
from maxdot.verification import verify

#: Users of a unit that are looked at, so that few units are read.
_USERS_OF_A_UNIT = 8
_USERS_AT_ONCE = 1 << 14
_ITEMS_AT_ONCE = 1 << 16
#: Two float64 keys of one pair, by sums in whatever order, differ by less than (d + 8) times this of its largest value
#: (see _keys_of). Nearer keys are judged exactly.
_MARGIN = 8 * 2.0**-53

Doubles = npt.NDArray[np.float64]


@dataclass(frozen=True)
class SampleCheck:
    """`users` were checked; the results of `wrong` are not the true ones.

    `first_wrong` says what is wrong with the first of them.
    """

    users: int
    wrong: int
    first_wrong: str | None

    def __str__(self) -> str:
        if self.users == 0:
            return "nothing to check: there are no users with results"
        verdict = "exact" if self.wrong == 0 else "NOT exact"
        return f"{verdict}: {self.wrong} of {self.users} users wrong" + (
            f"; first: {self.first_wrong}" if self.first_wrong else ""
        )


@dataclass(frozen=True)
class _Asked:
    """A user of the sample, with the results of the files."""

    unit: Unit
    row: int
    user: Any
    vector: npt.NDArray[Any]
    ids: npt.NDArray[np.int64]
    scores: Doubles


def verify_sample(job: Job, users: int, seed: int | None = None) -> SampleCheck:
    """Checks the results of so many users, taken at random from what is done of a job; none, if its share has no users.

    Raises:
        BatchError: nothing is done of a share that has users, or the job cannot be read.
    """
    at_least("users", users, 0)
    catalogue = open_catalogue(job)
    units = units_of([open_file(path) for path in find_files(job.users, "users")])
    columns = columns_of(job, units)
    pairs = open_pairs(job)
    folder = Folder(job.out_path)
    chosen = random.Random(seed)
    done = [unit for unit in units if unit.rows and folder.state(unit) is not None]
    if not done:
        if not any(unit.rows for unit in share_of(job, units)):
            return SampleCheck(0, 0, None)
        raise BatchError("usage", f"{folder.path}: nothing is done there; run the job first")
    users = min(users, sum(unit.rows for unit in done))
    wanted: dict[Unit, set[int]] = {}
    while sum(len(rows) for rows in wanted.values()) < users:
        unit = chosen.choices(done, [unit.rows for unit in done])[0]
        wanted.setdefault(unit, set()).update(chosen.sample(range(unit.rows), min(_USERS_OF_A_UNIT, unit.rows)))
    asked = [user for unit, rows in wanted.items() for user in _read(job, folder, unit, rows, columns, catalogue)][
        :users
    ]
    mask = item_mask(job, catalogue.index)
    wrong, first = 0, None
    with Exclusions(folder) as exclusions:
        if pairs is not None:
            exclusions.join(list(wanted), columns.id, pairs, catalogue.names)
        truth = _Truth(job, catalogue, mask, asked)
        for number, user in enumerate(asked):
            _, excluded = exclusions.of(user.unit.first_row + user.row, 1)
            reason = truth.fault(number, excluded)
            if reason is not None:
                wrong += 1
                first = first or f"user {user.user!r}: {reason}"
    return SampleCheck(len(asked), wrong, first)


def _read(
    job: Job, folder: Folder, unit: Unit, rows: set[int], columns: Columns, catalogue: Catalogue
) -> list[_Asked]:
    table = open_parquet(folder.output(unit)).read()
    id_name = table.column_names[0]
    read: list[_Asked] = []
    everybody = []
    for part in slices_of(unit, columns, catalogue.index.dim, _USERS_AT_ONCE):
        everybody.append(part.users)
        for row in sorted(row for row in rows if part.first <= row < part.first + len(part.users)):
            if row - part.first in part.problems:
                continue  # has no results
            user = part.users[row - part.first]
            found = table.filter(
                pc.is_null(table[id_name]) if not user.is_valid else pc.equal(table[id_name], user)
            )
            items, scores = (
                (found[2], found[3]) if job.layout == "long" else (_first_list(found[1]), _first_list(found[2]))
            )
            if catalogue.names is not None:
                items = pc.index_in(items, value_set=catalogue.names)
            ids = np.asarray(
                items.to_numpy(zero_copy_only=False) if isinstance(items, pa.Array) else items.to_numpy(), np.int64
            )
            vector = part.rows[row - part.first]
            read.append(_Asked(unit, row, user.as_py(), vector, ids, np.asarray(scores.to_numpy(), np.float64)))
    # Whose id stands in several rows of a unit has results that cannot be told apart by it.
    counts = pc.value_counts(pa.chunked_array(everybody))
    many = {count["values"] for count in counts.to_pylist() if count["counts"] > 1}
    return [user for user in read if user.user not in many]


def _first_list(column: pa.ChunkedArray) -> pa.ChunkedArray:
    lists = column.combine_chunks()
    return pa.chunked_array([lists[0].values if len(lists) else lists.flatten()])


class _Truth:
    """The best permitted items of the users of a sample, in memory that does not grow with the items."""

    def __init__(
        self, job: Job, catalogue: Catalogue, mask: npt.NDArray[np.bool_] | None, asked: list[_Asked]
    ) -> None:
        self._index = catalogue.index
        self._engine = engine_of(catalogue.index)
        self._k = job.k
        self._metric: Metric = metric_of(job.metric) or catalogue.index.metric
        self._score_type = job.scores
        self._mask = mask
        self._asked = asked
        self._queries = np.array([user.vector for user in asked], np.float64).reshape(
            len(asked), catalogue.index.dim
        )
        self._keys = [np.full(len(user.ids), np.nan) for user in asked]
        self._errors = [np.zeros(len(user.ids)) for user in asked]
        self._rows: list[list[Doubles]] = [[] for _ in asked]
        self._ids: list[list[npt.NDArray[np.int64]]] = [[] for _ in asked]
        self._permitted = 0
        self._look_up_results()
        self._find_near()

    def fault(self, number: int, excluded: npt.NDArray[np.int64]) -> str | None:
        """What is wrong with the results of a user; None: nothing."""
        user = self._asked[number]
        truth = self._keys[number]
        if np.isnan(truth).any():
            return f"item {user.ids[int(np.argmax(np.isnan(truth)))]} is not there, or not permitted by the mask"
        if np.isin(user.ids, excluded).any():
            return f"item {user.ids[int(np.argmax(np.isin(user.ids, excluded)))]} is excluded"
        if len(np.unique(user.ids)) != len(user.ids):
            return "an item stands there twice"
        least, most = self._scores_of(truth - self._errors[number]), self._scores_of(truth + self._errors[number])
        if self._metric == "euclidean":
            least, most = most, least
        off = ~((least <= user.scores) & (user.scores <= most))  # a NaN is wrong, too
        if off.any():
            place = int(np.argmax(off))
            return f"item {user.ids[place]} has not the score {user.scores[place]}"
        ids = np.concatenate(self._ids[number]) if self._ids[number] else np.empty(0, np.int64)
        rows = np.concatenate(self._rows[number]) if self._rows[number] else np.empty((0, self._index.dim))
        kept = ~np.isin(ids, excluded)
        expected = min(self._k, self._count_permitted(excluded))
        if len(user.ids) != expected:
            return f"there are {len(user.ids)} results, not {expected}"
        if expected == 0:
            return None
        checked = verify(
            rows[kept].astype(np.float32),
            user.vector,
            user.ids,
            self._metric,
            self._index.normalized,
            item_ids=ids[kept],
        )
        return None if checked.exact else str(checked)

    def _scores_of(self, keys: Doubles) -> Doubles:
        """What a file holds for such keys: rounding is monotone, so that a key between two has a score between theirs."""
        scores = np.sqrt(np.maximum(-keys, 0.0)) if self._metric == "euclidean" else keys
        if self._score_type == "f64":
            return scores
        with np.errstate(over="ignore"):  # a score may be infinite
            return scores.astype(np.float32).astype(np.float64)

    def _count_permitted(self, excluded: npt.NDArray[np.int64]) -> int:
        if len(excluded) == 0:
            return self._permitted
        gone = 0
        for begin, ids, permitted in self._blocks():
            gone += int(np.isin(ids[permitted], excluded).sum())
        return self._permitted - gone

    def _blocks(self) -> Any:
        for begin in range(0, len(self._index), _ITEMS_AT_ONCE):
            count = min(_ITEMS_AT_ONCE, len(self._index) - begin)
            permitted = np.ones(count, np.bool_) if self._mask is None else self._mask[begin : begin + count]
            yield begin, self._engine.ids(begin, count), permitted

    def _look_up_results(self) -> None:
        """Keys of the items of the files."""
        for begin, ids, permitted in self._blocks():
            self._permitted += int(permitted.sum())
            wanted = [np.flatnonzero(np.isin(user.ids, ids[permitted])) for user in self._asked]
            if not any(len(places) for places in wanted):
                continue
            _, keys, errors = self._keys_of(begin, len(ids))
            order = np.argsort(ids)
            for number, places in enumerate(wanted):
                at = order[np.searchsorted(ids[order], self._asked[number].ids[places])]
                self._keys[number][places] = keys[at, number]
                self._errors[number][places] = errors[at, number]

    def _find_near(self) -> None:
        """Keeps every item that may be among the best k: whose key may reach that of the last result."""
        limits = np.array(
            [(keys - errors).min(initial=np.inf) for keys, errors in zip(self._keys, self._errors, strict=True)]
        )
        for begin, ids, permitted in self._blocks():
            rows, keys, errors = self._keys_of(begin, len(ids))
            near = (keys + errors >= limits) & permitted[:, np.newaxis]
            for number in np.flatnonzero(near.any(axis=0)).tolist():
                self._rows[number].append(rows[near[:, number]])
                self._ids[number].append(ids[near[:, number]])

    def _keys_of(self, begin: int, count: int) -> tuple[Doubles, Doubles, Doubles]:
        """Rows, their keys for all users (larger is better) and what the keys may be wrong by, [count, users]."""
        rows = self._engine.rows(begin, count).astype(np.float64)
        own, asked = rows, self._queries
        if self._metric == "cosine" or self._index.normalized:
            own, asked = _unit(own), _unit(asked)
        keys = own @ asked.T
        squares, asked_squares = (own**2).sum(axis=1)[:, np.newaxis], (asked**2).sum(axis=1)
        norms, asked_norms = np.sqrt(squares), np.sqrt(asked_squares)
        largest = norms * asked_norms
        if self._metric == "euclidean":
            largest = (norms + asked_norms) ** 2
            if self._index.normalized:
                keys = np.minimum(2.0 * keys - 2.0, 0.0)  # of a row of zeros, too, whose cosine is 0
                largest = np.full_like(keys, 4.0)
            else:
                keys = -np.maximum(squares - 2.0 * keys + asked_squares, 0.0)
        # A sum of d products is wrong by at most d roundings of what it can be at most. There are two such sums, one
        # of the engine's, and of a cosine those of two norms.
        return rows, keys, _MARGIN * (self._index.dim + 8) * largest


def _unit(rows: Doubles) -> Doubles:
    norms = np.sqrt((rows**2).sum(axis=1))
    unit: Doubles = rows / np.where(norms == 0.0, 1.0, norms)[:, np.newaxis]
    return unit
