"""Results of users as Arrow tables, in row groups whose size does not depend on how users were searched."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from maxdot.batch.job import Layout, OnBadRow, ScoreValues

#: [results] Of users that are searched at once, if nobody says: 12 MB of ids and scores.
_RESULTS_AT_ONCE = 1 << 20
_MOST_USERS_AT_ONCE = 1 << 14
_FEWEST_USERS_AT_ONCE = 16


def users_at_once(k: int) -> int:
    """How many users to search at once for `k` results each, if nobody says."""
    return min(_MOST_USERS_AT_ONCE, max(_FEWEST_USERS_AT_ONCE, _RESULTS_AT_ONCE // k))


@dataclass(frozen=True)
class Scored:
    """Users, with what was found for them.

    Attributes:
        users: their ids.
        ids: int64 [users, k], -1 where there are fewer items.
        scores: float32 or float64 [users, k].
        usable: bool [users]: False for users that get null results.
    """

    users: pa.Array
    ids: npt.NDArray[np.int64]
    scores: npt.NDArray[Any]
    usable: npt.NDArray[np.bool_]

    @classmethod
    def of(
        cls,
        users: pa.Array,
        ids: npt.NDArray[np.int64],
        scores: npt.NDArray[Any],
        problems: dict[int, str],
        on_bad_row: OnBadRow,
    ) -> Scored:
        """`problems` has the rows of bad vectors: "skip" leaves them out, otherwise their results are null."""
        usable = np.ones(len(users), np.bool_)
        if not problems:
            return cls(users, ids, scores, usable)
        usable[list(problems)] = False
        if on_bad_row != "skip":
            return cls(users, ids, scores, usable)
        kept = np.flatnonzero(usable)
        return cls(users.take(pa.array(kept)), ids[kept], scores[kept], usable[kept])

    def slice(self, begin: int, end: int) -> Scored:
        return Scored(
            self.users.slice(begin, end - begin),
            self.ids[begin:end],
            self.scores[begin:end],
            self.usable[begin:end],
        )


def result_schema(
    layout: Layout, scores: ScoreValues, id_name: str, id_type: pa.DataType, item_type: pa.DataType
) -> pa.Schema:
    """The columns of results, for users whose ids are a column of this name and type."""
    score = pa.float32() if scores == "f32" else pa.float64()
    if layout == "long":
        others = [("rank", pa.int32()), ("item_id", item_type), ("score", score)]
    else:
        others = [("item_ids", pa.list_(item_type)), ("scores", pa.list_(score))]
    taken = [name for name, _ in others]
    return pa.schema([(id_name if id_name not in taken else f"user_{id_name}", id_type), *others])


class TableMaker:
    """Makes tables of `users_of_a_group` users each."""

    def __init__(
        self, layout: Layout, scores: ScoreValues, id_name: str, id_type: pa.DataType, item_names: pa.Array | None
    ) -> None:
        self._layout = layout
        self._item_names = item_names
        item_type = pa.int64() if item_names is None else item_names.type
        self.schema: pa.Schema = result_schema(layout, scores, id_name, id_type, item_type)

    @property
    def repeating(self) -> list[str]:
        """Columns whose values repeat: those to be written as dictionaries. Scores and numbers of items hardly do."""
        is_long = self._layout == "long"
        repeating = [self.schema.names[0], "rank"] if is_long else []
        return repeating if self._item_names is None else [*repeating, self._items_path]

    @property
    def encodings(self) -> dict[str, str]:
        """Of columns that are not written as they are. Numbers of items have few bits, which deltas keep and zstd
        finds slowly: a quarter smaller, in half the time (docs/measurements.md, "A nightly batch")."""
        return {self._items_path: "DELTA_BINARY_PACKED"} if self._item_names is None else {}

    @property
    def _items_path(self) -> str:
        return "item_id" if self._layout == "long" else "item_ids.list.element"

    def table(self, scored: Scored) -> pa.Table:
        arrays = self._long(scored) if self._layout == "long" else self._lists(scored)
        return pa.Table.from_arrays(arrays, schema=self.schema)

    def _long(self, scored: Scored) -> list[pa.Array]:
        found = scored.ids >= 0
        unusable = ~scored.usable
        # A user without usable vector has one row, of nulls.
        found[unusable] = False
        written = found.copy()
        if unusable.any():
            written[unusable, 0] = True
        users, k = written.shape
        rows = np.repeat(np.arange(users), k)
        ranks = np.tile(np.arange(1, k + 1, dtype=np.int32), users)
        ids, scores, null = scored.ids.reshape(-1), scored.scores.reshape(-1), None
        if not written.all():
            chosen = np.flatnonzero(written)
            rows, ranks, ids, scores = rows[chosen], ranks[chosen], ids[chosen], scores[chosen]
            null = ~found.reshape(-1)[chosen]
        return [
            scored.users.take(pa.array(rows)),
            pa.array(ranks, mask=null),
            self._items(ids, null),
            pa.array(scores, mask=null),
        ]

    def _lists(self, scored: Scored) -> list[pa.Array]:
        found = (scored.ids >= 0) & scored.usable[:, np.newaxis]
        offsets = np.zeros(len(found) + 1, np.int32)
        np.cumsum(found.sum(axis=1), out=offsets[1:])
        null = None if scored.usable.all() else pa.array(~scored.usable)
        items = self._items(scored.ids[found], None)
        scores = pa.array(scored.scores[found])
        return [
            scored.users,
            *(pa.ListArray.from_arrays(pa.array(offsets), values, mask=null) for values in (items, scores)),
        ]

    def _items(self, ids: npt.NDArray[np.int64], null: npt.NDArray[np.bool_] | None) -> pa.Array:
        numbers = pa.array(ids, mask=null)
        return numbers if self._item_names is None else self._item_names.take(numbers)


class Regroup:
    """Turns what was searched at once into groups of a fixed number of users."""

    def __init__(self, users: int) -> None:
        self._users = users
        self._parts: list[Scored] = []
        self._held = 0

    def add(self, scored: Scored) -> Iterator[Scored]:
        begin = 0
        while self._held + len(scored.users) - begin >= self._users:
            end = begin + self._users - self._held
            self._parts.append(scored.slice(begin, end))
            yield self._take()
            begin = end
        if begin < len(scored.users):
            self._parts.append(scored.slice(begin, len(scored.users)))
            self._held += len(scored.users) - begin

    def rest(self) -> Iterator[Scored]:
        if self._parts:
            yield self._take()

    def _take(self) -> Scored:
        parts, self._parts, self._held = self._parts, [], 0
        if len(parts) == 1:
            return parts[0]
        return Scored(
            joined([part.users for part in parts]),
            np.concatenate([part.ids for part in parts]),
            np.concatenate([part.scores for part in parts]),
            np.concatenate([part.usable for part in parts]),
        )


def joined(parts: list[pa.Array]) -> pa.Array:
    """One array of one or more of a type."""
    if len(parts) == 1:
        return parts[0]
    together = pa.chunked_array(parts)
    if pa.types.is_dictionary(together.type):
        together = together.unify_dictionaries()
    return pa.concat_arrays(together.chunks)
