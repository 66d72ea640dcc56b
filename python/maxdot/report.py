"""What an evaluation found: means at every k, intervals, and every user's own values."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from maxdot import _core
from maxdot.given import arrow_module
from maxdot.paths import Path

if TYPE_CHECKING:
    import pandas
    import pyarrow

METRICS = ("recall", "hit", "precision", "ndcg", "mrr", "map")
_RECHUB_NAMES = {"ndcg": "NDCG", "mrr": "MRR", "recall": "Recall", "hit": "Hit", "precision": "Precision"}


@dataclass(frozen=True, kw_only=True)
class Values:
    """One number for each metric; docs/evaluation.md defines them. `hit` is the hit rate."""

    recall: float
    hit: float
    precision: float
    ndcg: float
    mrr: float
    map: float

    def to_dict(self) -> dict[str, float]:
        """The numbers by name."""
        return {name: getattr(self, name) for name in METRICS}


@dataclass(frozen=True, kw_only=True)
class AtK(Values):
    """The means over all evaluated users at one k.

    Attributes:
        k: places of the lists that count.
        coverage: share of the catalogue within at least one user's first k places; None if its size is unknown.
        low, high: ends of the bootstrap interval of each mean; None without bootstrap.
        per_user: for each metric every user's own value, float64 [users], NaN for a user that the means leave
            out; None if not asked for.
    """

    k: int
    coverage: float | None
    low: Values | None
    high: Values | None
    per_user: dict[str, npt.NDArray[np.float64]] | None = field(compare=False, repr=False)


@dataclass(frozen=True, repr=False)
class Report:
    """The result of `metrics` and `retrieval`: `report[10].recall`; printed, it is a table.

    Attributes:
        convention: "standard" or "rechub".
        users: number of users.
        evaluated: number of users that the means are over.
        confidence: what share of the resampled means lies within the intervals; None without bootstrap.
        at: the values at every k, in the order of `ks`.
    """

    convention: str
    users: int
    evaluated: int
    confidence: float | None
    at: tuple[AtK, ...]

    def __getitem__(self, k: int) -> AtK:
        for row in self.at:
            if row.k == k:
                return row
        raise KeyError(f"k = {k} was not measured, only {', '.join(str(row.k) for row in self.at)}")

    def __iter__(self) -> Iterator[AtK]:
        return iter(self.at)

    def __repr__(self) -> str:
        covered = any(row.coverage is not None for row in self.at)
        lines = [
            f"{self.users:,} users, {self.evaluated:,} evaluated, convention {self.convention}",
            _line("k", [*METRICS, *(["coverage"] if covered else [])]),
        ]
        for row in self.at:
            lines.append(_line(str(row.k), [*_digits(row), *([f"{row.coverage:.4f}"] if covered else [])]))
            if row.low is not None and row.high is not None:
                share = f"{100 * (self.confidence or 0.0):g} %"
                lines += [_line(f"{share} low", _digits(row.low)), _line(f"{share} high", _digits(row.high))]
        if self.confidence is not None:
            lines.append(f"low, high: {100 * self.confidence:g} % of the means of resampled users lie between them")
        return "\n".join(lines)

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers, lists and dictionaries, as `json.dumps` takes them; NaN becomes None."""
        out: dict[str, Any] = {
            "users": self.users,
            "evaluated": self.evaluated,
            "convention": self.convention,
            "at": [_row(row) for row in self.at],
        }
        if self.confidence is not None:
            out["confidence"] = self.confidence
        return out

    def to_arrow(self) -> pyarrow.Table:
        """A row for each k, as a pyarrow.Table: k, the metrics, coverage and, with bootstrap, the ends of the
        intervals as recall_low, recall_high, ...

        Raises:
            ImportError: pyarrow is not installed.
        """
        arrow_module("to_arrow")
        import pyarrow as pa

        return pa.Table.from_pylist([_flat(row) for row in self.at])

    def to_frame(self) -> pandas.DataFrame:
        """The same as a pandas.DataFrame whose index is k.

        Raises:
            ImportError: pandas is not installed.
        """
        import pandas as pd

        return pd.DataFrame([_flat(row) for row in self.at]).set_index("k")

    def to_html(self, path: Path) -> None:
        """Writes the report as a page with charts, for which `pip install 'maxdot[pages]'` is needed.

        Raises:
            ImportError: matplotlib or Jinja2 is not installed.
            OSError: the file cannot be written; one that was there stays.
        """
        from maxdot.pages import write_page

        write_page(self.to_dict(), path)

    def rechub_text(self) -> dict[str, list[str]]:
        """What torch-rechub's `topk_metrics` returns: {"NDCG": ["NDCG@5: 0.1234", ...], "MRR": ..., ...}.

        Rounded as RecHub rounds.

        Raises:
            ValueError: the values follow another convention than "rechub".
        """
        if self.convention != "rechub":
            raise ValueError(
                f"convention: these are {self.convention!r} values, which RecHub defines otherwise; measure "
                "with convention='rechub'"
            )
        return {
            theirs: [_core.rechub_text(ours, row.k, getattr(row, ours)) for row in self.at]
            for ours, theirs in _RECHUB_NAMES.items()
        }


def report_of(found: dict[str, Any], convention: str, confidence: float) -> Report:
    """The report in what the extension module returns."""
    rows = tuple(
        AtK(
            **row["mean"],
            k=row["k"],
            coverage=row["coverage"],
            low=None if row["low"] is None else Values(**row["low"]),
            high=None if row["high"] is None else Values(**row["high"]),
            per_user=row["per_user"],
        )
        for row in found["at"]
    )
    resampled = any(row.low is not None for row in rows)
    return Report(convention, found["users"], found["evaluated"], confidence if resampled else None, rows)


def _line(title: str, cells: list[str]) -> str:
    return f"{title:>12}" + "".join(f"{cell:>11}" for cell in cells)


def _digits(values: Values) -> list[str]:
    return [f"{getattr(values, name):.4f}" for name in METRICS]


def _flat(row: AtK) -> dict[str, Any]:
    out: dict[str, Any] = {"k": row.k, **row.to_dict(), "coverage": row.coverage}
    if row.low is not None and row.high is not None:
        for name in METRICS:
            out |= {f"{name}_low": getattr(row.low, name), f"{name}_high": getattr(row.high, name)}
    return out


def _row(row: AtK) -> dict[str, Any]:
    out: dict[str, Any] = {"k": row.k, **row.to_dict(), "coverage": row.coverage}
    if row.low is not None and row.high is not None:
        out |= {"low": row.low.to_dict(), "high": row.high.to_dict()}
    if row.per_user is not None:
        out["per_user"] = {
            name: [None if math.isnan(value) else value for value in values.tolist()]
            for name, values in row.per_user.items()
        }
    return out
