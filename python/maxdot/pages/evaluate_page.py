"""The page of `maxdot evaluate`, and of a Report of `maxdot.evaluate`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate
from typing import Any

from maxdot.pages.charts import Bar, Chart, Point, Span, bar_chart, dot_chart, line_chart, styles
from maxdot.pages.page import Cell, Page, Row, Table

_NAMES = {"recall": "recall", "ndcg": "NDCG", "hit": "hit", "precision": "precision", "mrr": "MRR", "map": "MAP"}
_SHARES = (0.25, 0.5, 0.75)
_MOST_POINTS = 200  # of the curve of ranks


def page(report: Mapping[str, Any]) -> Page:
    """The page of the object that `maxdot evaluate --json` prints, or of `Report.to_dict()`."""
    rows = report["at"]
    return Page(
        title="maxdot evaluate",
        verdict=_verdict(report, _main(rows)),
        passed=None,
        summary=_summary(report),
        charts=list(_charts(report, rows)),
        tables=list(_tables(report, rows)),
        settings=list(_settings(report, rows)),
    )


def _main(rows: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    """The k that the verdict is about: 10 if it was measured, else the middle one."""
    return next((row for row in rows if row["k"] == 10), rows[len(rows) // 2])


def _verdict(report: Mapping[str, Any], row: Mapping[str, Any]) -> str:
    interval = ""
    if "low" in row:
        low, high = row["low"]["recall"], row["high"]["recall"]
        interval = f" ({_share(report)} interval {_four(low)} to {_four(high)})"
    return f"recall@{row['k']:,} is {_four(row['recall'])}{interval}, the mean over {report['evaluated']:,} users."


def _summary(report: Mapping[str, Any]) -> str:
    items = f" of all {report['items']:,} items" if "items" in report else ""
    left_out = report["users"] - report["evaluated"]
    others = f" {left_out:,} users without a relevant item are left out." if left_out else ""
    return f"Each user's list is the exact top{items}, so these numbers are the model's, not the index's.{others}"


def _charts(report: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]) -> Iterator[Chart]:
    note = f"Bars: the {_share(report)} interval over users." if "low" in rows[0] else ""
    if len({row["k"] for row in rows}) > 1:
        rising = sorted(rows, key=lambda row: float(row["k"]))
        groups = (("recall", "hit", "ndcg"), ("precision", "mrr", "map"))
        look = styles(_NAMES.values(), emphasised="recall")
        for keys in groups:
            names = [_NAMES[key] for key in keys]
            series = {_NAMES[key]: [_point(row, key) for row in rising] for key in keys}
            title = f"{names[0][0].upper()}{names[0][1:]}, {names[1]} and {names[2]} by k"
            yield line_chart(title, series, look, "k", "mean over users", log_y=False, note=note)
    else:
        points = [_point(rows[0], key) for key in _NAMES]
        spans = {"mean": [Span(point.low, point.middle, point.high) for point in points]}
        yield dot_chart(
            f"Every metric at k = {rows[0]['k']:,}", list(_NAMES.values()), spans, "mean over users", note=note
        )
    if any(entry["rank"] is not None for entry in report.get("ranks") or ()):
        yield _rank_curve(report["ranks"])
    recalls = _user_recalls(_main(rows))
    if recalls:
        yield _user_bars(recalls, _main(rows)["k"])


def _point(row: Mapping[str, Any], key: str) -> Point:
    middle = row[key]
    ends = (row["low"][key], row["high"][key]) if "low" in row else (middle, middle)
    # A mean can lie a rounding error outside the interval of resamples that are all the same.
    return Point(row["k"], min(ends[0], middle), middle, max(ends[1], middle))


def _rank_curve(ranks: Sequence[Mapping[str, Any]]) -> Chart:
    counts = Counter(entry["rank"] for entry in ranks if entry["rank"] is not None)
    places = sorted(counts)
    reached = dict(zip(places, accumulate(counts[place] for place in places), strict=True))
    # Evenly spaced on the axis, which is logarithmic; the last one is the worst rank.
    wanted = {
        places[min(len(places) - 1, int(len(places) ** (at / _MOST_POINTS)) - 1)] for at in range(_MOST_POINTS + 1)
    }
    points = [Point(place, *3 * (reached[place] / len(ranks),)) for place in sorted(wanted | {places[-1]})]
    series = {"relevant items": points}
    return line_chart(
        "How far down the relevant items stand",
        series,
        styles(series, emphasised="relevant items"),
        "rank in the full order of the catalogue",
        "share at this rank or better",
        log_y=False,
    )


def _user_recalls(row: Mapping[str, Any]) -> list[float]:
    """Every evaluated user's recall, whichever form the report has."""
    if "users" in row:
        found = [user["recall"] for user in row["users"]]
    else:
        found = row.get("per_user", {}).get("recall", [])
    return [value for value in found if value is not None]


def _user_bars(recalls: Sequence[float], k: int) -> Chart:
    edges = (0.0, *_SHARES)
    counted = [("0", sum(value == 0 for value in recalls))]
    for low, high in zip(edges, _SHARES, strict=False):
        counted.append((f"above {low:g}, up to {high:g}", sum(low < value <= high for value in recalls)))
    counted.append(("above 0.75, below 1", sum(_SHARES[-1] < value < 1 for value in recalls)))
    counted.append(("1", sum(value >= 1 for value in recalls)))
    bars = [Bar(name, [count], f"{count:,} ({100 * count / len(recalls):.1f} %)") for name, count in counted]
    return bar_chart(f"Users by their recall@{k:,}", bars, ["users"], "users", counts=True)


def _tables(report: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]) -> Iterator[Table]:
    covered = any(row.get("coverage") is not None for row in rows)
    made = []
    for row in rows:
        cells = [Cell(_four(row[key])) for key in _NAMES]
        if covered:
            cells.append(Cell(_four(row.get("coverage"))))
        made.append(Row(f"k = {row['k']:,}", cells, marked=True))
        for end in ("low", "high") if "low" in row else ():
            cells = [Cell(_four(row[end][key])) for key in _NAMES]
            made.append(Row(f"{_share(report)} {end}", cells + [Cell("–")] * covered))
    header = ["", *_NAMES.values(), *(["coverage"] if covered else [])]
    yield Table("Means over the evaluated users", header, made)
    if "ranks" in report:
        known = sorted(entry["rank"] for entry in report["ranks"] if entry["rank"] is not None)
        ranked = [("relevant items", f"{len(report['ranks']):,}"), ("of which have a rank", f"{len(known):,}")]
        if known:
            names = ("best rank", "first quartile", "median", "third quartile", "worst rank")
            ranked += [
                (name, f"{known[(len(known) - 1) * share // 100]:,}")
                for name, share in zip(names, (0, 25, 50, 75, 100), strict=True)
            ]
        yield Table("Ranks of the relevant items", ["", "value"], [Row(name, [Cell(text)]) for name, text in ranked])


def _settings(report: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, str]]:
    for key, term in (("index", "index"), ("users_file", "users' embeddings"), ("metric", "metric")):
        if key in report:
            yield term, str(report[key])
    if "items" in report:
        yield "items", f"{report['items']:,}"
    yield "users", f"{report['users']:,}, {report['evaluated']:,} evaluated"
    yield "k", ", ".join(f"{row['k']:,}" for row in rows)
    yield "convention", report["convention"]
    if "low" in rows[0]:
        yield "intervals", f"{_share(report)}, bootstrap over users"
    if "seconds" in report:
        yield "time", f"{report['seconds']:.2f} s"


def _share(report: Mapping[str, Any]) -> str:
    return f"{100 * report['confidence']:g} %"


def _four(value: float | None) -> str:
    return "–" if value is None else f"{value:.4f}"
