"""What a search of shards returns, and the errors that only shards have."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy.typing as npt

from maxdot.searchable import Ids


class Answer(NamedTuple):
    """The best items of all shards that answered.

    Attributes:
        ids: int64 [m, k], or [k] for one query of shape [d].
        scores: of the same shape; float32, or float64 where "f64" or "keys" was asked for.
        missing_shards: names of the shards that did not answer, in the order of the application.
            Empty: the answer is, bit for bit, that of one index of all items. Otherwise it is that
            of the items of the other shards.
    """

    ids: Ids
    scores: npt.NDArray[Any]
    missing_shards: tuple[str, ...]


class ShardUnavailableError(RuntimeError):
    """Shards did not answer in time, or have no replica that can. `shards` has their names."""

    def __init__(self, message: str, shards: tuple[str, ...]) -> None:
        super().__init__(message, shards)  # both, so that it can be pickled
        self.shards = shards

    def __str__(self) -> str:
        return str(self.args[0])


class ShardsDisagreeError(RuntimeError):
    """Shards are no parts of one catalogue: another dimension or metric, or the same item twice."""
