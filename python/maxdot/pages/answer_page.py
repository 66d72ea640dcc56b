"""The page of what `maxdot.verify` found: is a library's answer the true one?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from maxdot.pages.charts import Bar, bar_chart
from maxdot.pages.page import Cell, Page, Row, Table


def page(report: Mapping[str, Any]) -> Page:
    """The page of `Verification.to_dict()`."""
    positions, right, tied = report["positions"], report["right"], report["tied"]
    wrong = positions - right - tied
    held = {"the true item": right, "an item that ties with it": tied, "another item": wrong}
    first = report["first_wrong"]
    tables = [
        Table(
            "What the positions hold", ["", "positions"], [Row(name, [Cell(f"{n:,}")]) for name, n in held.items()]
        ),
    ]
    if first is not None:
        tables.append(
            Table(
                "The first wrong position",
                ["", "item", "score"],
                [
                    Row("expected", [Cell(str(first["expected_id"])), Cell(_score(first["expected_score"]))]),
                    Row("given", [Cell(str(first["given_id"])), Cell(_score(first["given_score"]))]),
                ],
                f"Query {first['query']:,}, position {first['position']:,}, both counted from 0.",
            )
        )
    return Page(
        title="An answer beside the truth",
        verdict=(
            f"{'Exact' if wrong == 0 else 'NOT exact'}: {wrong:,} of {positions:,} positions are wrong, and the answer "
            f"holds {100 * report['recall']:.4f} % of the true items."
        ),
        passed=wrong == 0,
        summary="Every query against every item by brute force in 64-bit arithmetic, place by place.",
        charts=[
            bar_chart(
                "What the positions of the answer hold",
                [Bar(name, [n], f"{n:,}") for name, n in held.items()],
                ["positions"],
                "positions",
                counts=True,
            )
        ],
        tables=tables,
        settings=[("positions", f"{positions:,}"), ("ids that a row repeats", f"{report['repeated']:,}")],
    )


def _score(value: float | None) -> str:
    return "– (no such item)" if value is None else f"{value:.9g}"
