"""verify: is a library's answer the true one? Checked against brute force in float64."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from maxdot import _core
from maxdot.id_lists import as_ids
from maxdot.metric import MetricName
from maxdot.paths import Path


@dataclass(frozen=True)
class WrongPosition:
    """One place where an answer holds another item than the truth. A score is None if the id names no item."""

    query: int
    position: int
    expected_id: int
    given_id: int
    expected_score: float | None
    given_score: float | None


@dataclass(frozen=True)
class Verification:
    """How an answer compares with the truth.

    Attributes:
        positions: places compared: k per query, fewer where there are fewer items.
        right: places that hold the id of the truth.
        tied: places that hold another item of exactly the same float64 score, once. Ties have an order in
            maxdot (smaller id first) but not in other libraries, so these are not wrong.
        repeated: ids that a row holds more than once.
        recall: share of the true items found, in whatever order.
        first_wrong: the first wrong place, or None.
    """

    positions: int
    right: int
    tied: int
    repeated: int
    recall: float
    first_wrong: WrongPosition | None

    @property
    def wrong(self) -> int:
        """Places that are neither right nor tied."""
        return self.positions - self.right - self.tied

    @property
    def share_right(self) -> float:
        """Share of places that are right or tied."""
        return 1.0 if self.positions == 0 else 1.0 - self.wrong / self.positions

    @property
    def exact(self) -> bool:
        """Whether no place is wrong."""
        return self.wrong == 0

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers and dictionaries, as `json.dumps` takes them."""
        names = ("positions", "right", "tied", "wrong", "repeated", "recall", "exact")
        first = None if self.first_wrong is None else asdict(self.first_wrong)
        return {**{name: getattr(self, name) for name in names}, "first_wrong": first}

    def to_html(self, path: Path) -> None:
        """Writes it as a page, for which `pip install 'maxdot[pages]'` is needed. Raises as `evaluate.Report.to_html`."""
        from maxdot.pages import write_page

        write_page(self.to_dict(), path)

    def __bool__(self) -> bool:
        return self.exact

    def __str__(self) -> str:
        verdict = "exact" if self.exact else "NOT exact"
        text = f"{verdict}: {self.wrong} of {self.positions} positions wrong ({self.tied} tied)"
        text += f", recall {self.recall:.6f}"
        if self.first_wrong is not None:
            place = self.first_wrong
            text += (
                f"; first: query {place.query}, position {place.position}: id {place.given_id} "
                f"(score {place.given_score}) instead of {place.expected_id} ({place.expected_score})"
            )
        return text


def verify(
    items: Any,
    queries: Any,
    ids: npt.ArrayLike,
    metric: MetricName = "cosine",
    normalize: bool = False,
    *,
    item_ids: npt.ArrayLike | None = None,
    threads: int = 0,
    timeout: float | None = None,
) -> Verification:
    """Checks the answer `ids` of any library against brute force in float64.

    The brute force is a second implementation of the definition (docs/exactness.md), the one of `maxdot verify`: it
    shares no arithmetic with the engine, and screens and skips nothing.

    Args:
        items: float32 or float16, shape [n, d].
        queries: float32 or float16, shape [m, d] or [d].
        ids: integers, shape [m, k] or [k]: the answer, best first; negative where the library found nothing.
        metric: the question that was asked: "dot", "cosine" or "euclidean".
        normalize: whether rows and queries count as their unit vectors.
        item_ids: the id of each row, if it is not the row number.
        threads: 0 = every core that this process may use. The time is n * m * d at a few 10^9 products a
            second a core.
        timeout: seconds; then TimeoutError. None: no limit. (Ctrl-C ends it, too.)

    Raises:
        ValueError: wrong dtype or shape, or NaN or Inf (names row and column).
        TypeError: `items` or `queries` is no array.
        RuntimeError: float64 sums of this process are not what more precise ones allow.

    >>> distances, found = faiss_index.search(queries, 100)
    >>> print(maxdot.verify(items, queries, found, metric="dot"))
    """
    answer = as_ids(ids, "ids")
    if answer.ndim == 1:
        answer = answer[np.newaxis]
    if answer.ndim != 2:
        raise ValueError(f"ids: shape {answer.shape} is not [queries, k] or [k]; reshape it")
    own_ids = None if item_ids is None else as_ids(item_ids, "item_ids")
    found = _core.verify(items, queries, answer, metric, normalize, own_ids, threads, timeout)
    first = found.pop("first_wrong")
    return Verification(**found, first_wrong=None if first is None else WrongPosition(*first))
