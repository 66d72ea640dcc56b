"""The page of `maxdot verify`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from maxdot.pages.charts import Bar, Chart, Point, bar_chart, line_chart, styles
from maxdot.pages.page import Cell, Page, Row, Table

_METRICS = {"dot": "dot product", "cosine": "cosine", "euclidean": "Euclidean distance"}
_IVF = {"dot": "inner product", "euclidean": "Euclidean distance"}
_FORMS = {"unit_rows": "unit rows", "raw_rows": "rows as they are"}
_FAISS = {
    "unit_flat_ip": "FAISS flat IP, unit rows",
    "unit_flat_l2": "FAISS flat L2, unit rows",
    "raw_flat_ip": "FAISS flat IP, rows as they are",
    "raw_flat_l2": "FAISS flat L2, rows as they are",
}


def page(report: Mapping[str, Any]) -> Page:
    """The page of the object that `maxdot verify --json` prints."""
    faiss = report["faiss"]
    return Page(
        title="maxdot verify",
        verdict=report["verdict"],
        passed=report["passed"],
        summary=(
            f"Each of {report['queries']:,} queries against each of {report['items']:,} items of "
            f"{report['dimension']:,} numbers, by brute force in 64-bit arithmetic; the best "
            f"{report['k']:,} compared, place by place."
        ),
        charts=list(_charts(report, faiss)),
        tables=list(_tables(report, faiss)),
        settings=list(_settings(report, faiss)),
    )


def _charts(report: Mapping[str, Any], faiss: Mapping[str, Any] | None) -> Iterator[Chart]:
    yield _differences(report, faiss)
    if faiss and faiss["unit_ivf"]:
        series = {
            _IVF[sweep["metric"]]: [Point(s["nprobe"], *3 * (s["recall"],)) for s in sweep["recall_by_nprobe"]]
            for sweep in faiss["unit_ivf"]
        }
        yield line_chart(
            f"What approximate search finds: FAISS IndexIVFFlat, {faiss['unit_ivf'][0]['nlist']:,} lists",
            series,
            styles(series),
            "lists that are looked at (nprobe)",
            f"recall@{report['k']:,}",
            log_y=False,
            note="The share of the true items that it returns, by how much of the catalogue it looks at.",
        )
    pairs = report["raw_rows"]["metrics_compared"]
    yield bar_chart(
        "How much the metrics agree on the rows as they are",
        [
            Bar(
                f"{_METRICS[pair['left']]}\nand {_METRICS[pair['right']]}",
                [100 * pair["overlap"]],
                _percent(pair["overlap"]),
            )
            for pair in pairs
        ],
        ["same items"],
        f"items that both have in their top {report['k']:,}, %",
        note="Each metric asks another question, unless the rows are unit vectors.",
        most=100,
    )


def _differences(report: Mapping[str, Any], faiss: Mapping[str, Any] | None) -> Chart:
    bars = []
    for form, where in _FORMS.items():
        answers = report[form]["against_truth"].values()
        wrong = sum(_wrong(one) for one in answers)
        positions = sum(one["positions"] for one in answers)
        bars.append(Bar(f"maxdot, {where}", [wrong, 0], f"{wrong:,} of {positions:,}"))
    for key, name in _FAISS.items() if faiss else ():
        assert faiss is not None
        one = faiss[key]
        parts = [one["unexplained"], one["explained"]]
        bars.append(Bar(name.replace(", ", ",\n"), parts, f"{sum(parts):,} of {one['positions']:,}"))
    return bar_chart(
        "Positions that differ from the truth",
        bars,
        ["wrong or unexplained", "explained by f32 rounding"],
        "positions",
        counts=True,
        note=(
            "Of maxdot, any other item and any other bit of a score counts; of FAISS, which rounds to f32, any other "
            "item."
        ),
    )


def _tables(report: Mapping[str, Any], faiss: Mapping[str, Any] | None) -> Iterator[Table]:
    yield Table(
        "maxdot against the truth",
        ["answer", "positions", "wrong items", "wrong scores", "queries that differ"],
        [
            _compared(f"{metric}, {where}", report[form]["against_truth"][key])
            for form, where in _FORMS.items()
            for key, metric in _METRICS.items()
        ],
        "A score is wrong if it differs in a single bit.",
    )
    threads, alone = report["one_thread_against_many"], report["one_by_one_against_batch"]
    unit = report["unit_rows"]
    yield Table(
        "maxdot against itself",
        ["two answers", "positions", "other items", "other scores", "queries that differ"],
        [
            _compared(f"1 thread and {threads['threads']:,} threads", threads["result"]),
            _compared(f"{alone['queries']:,} queries one at a time and in a batch", alone["result"]),
            _compared("dot product and cosine, unit rows", unit["dot_against_cosine"]),
            _compared("dot product and Euclidean distance, unit rows", unit["dot_against_euclidean"]),
        ],
        "On unit rows the three metrics are one ranking; only items are compared there.",
    )
    if faiss:
        yield Table(
            f"FAISS {faiss['version']} against the truth",
            ["index", "positions", "same item", "explained", "unexplained", "widest gap", "allowed"],
            [
                Row(
                    name,
                    [
                        *(
                            Cell(f"{faiss[key][part]:,}")
                            for part in ("positions", "equal", "explained", "unexplained")
                        ),
                        *(Cell(_small(faiss[key].get(part))) for part in ("widest_gap", "widest_gap_allowed")),
                    ],
                )
                for key, name in _FAISS.items()
            ],
            "Explained: the true scores of the two items lie within what f32 rounding is proven to allow.",
        )
        if faiss["unit_ivf"]:
            by_nprobe: dict[int, list[Cell]] = {}
            for sweep in faiss["unit_ivf"]:
                for step in sweep["recall_by_nprobe"]:
                    by_nprobe.setdefault(step["nprobe"], []).append(Cell(f"{step['recall']:.6f}"))
            yield Table(
                f"IndexIVFFlat, {faiss['unit_ivf'][0]['nlist']:,} lists: recall@{report['k']:,}",
                ["nprobe", *(_IVF[sweep["metric"]] for sweep in faiss["unit_ivf"])],
                [Row(f"{nprobe:,}", cells) for nprobe, cells in by_nprobe.items()],
            )
    yield Table(
        "How much the metrics agree, rows as they are",
        ["metrics", f"same items in the top {report['k']:,}", "same position"],
        [
            Row(
                f"{_METRICS[pair['left']]} and {_METRICS[pair['right']]}",
                [Cell(_percent(pair["overlap"])), Cell(_percent(pair["same_positions"]))],
            )
            for pair in report["raw_rows"]["metrics_compared"]
        ],
    )


def _settings(report: Mapping[str, Any], faiss: Mapping[str, Any] | None) -> Iterator[tuple[str, str]]:
    yield "items", f"{report['items']:,} rows of {report['dimension']:,} numbers from {report['items_file']}"
    source = report["queries_file"] or "the items themselves"
    drawn = report["queries"] < report["query_rows"]
    how = f", drawn at random from {report['query_rows']:,} with seed {report['seed']}" if drawn else ", all of them"
    yield "queries", f"{report['queries']:,} from {source}{how}"
    yield "depth", f"the best {report['k']:,} ({report['k_asked']:,} were asked for)"
    if report["zero_items"] or report["zero_queries"]:
        yield "all zero", f"{report['zero_items']:,} items and {report['zero_queries']:,} queries: cosine 0"
    check, sums = report["specification_check"], report["precise_sums"]
    yield (
        "the truth",
        f"compared with the specification on {check['pairs']:,} pairs: {check['differing']:,} differ; sums of higher "
        f"precision confirm {sums['confirmed']:,} of its scores and deny {sums['denied']:,}",
    )
    long_way = report["unit_rows"]["distances_the_long_way"]
    yield (
        "distances",
        f"taken coordinate by coordinate, {long_way['pairs']:,} differ by at most {_small(long_way['largest'])} "
        f"(64-bit rounding allows {_small(long_way['allowed'])}); {long_way['outside']:,} by more",
    )
    yield "FAISS", faiss["version"] if faiss else "was not consulted"
    yield "threads", f"{report['threads']:,}"
    yield "time", f"{report['seconds']:.1f} s"


def _wrong(comparison: Mapping[str, Any]) -> int:
    return int(comparison["wrong_ids"] + comparison["wrong_scores"])


def _compared(name: str, one: Mapping[str, Any]) -> Row:
    cells = [Cell(f"{one[key]:,}") for key in ("positions", "wrong_ids", "wrong_scores", "queries_differing")]
    if "first" in one:
        first = one["first"]
        note = (
            f"first: query {first['query']:,}, position {first['position'] + 1:,}: item {first['id']} with "
            f"{_score(first['score'])}, expected item {first['expected_id']} with {_score(first['expected_score'])}"
        )
        cells[-1] = Cell(cells[-1].text, note)
    return Row(name, cells, marked=_wrong(one) > 0)


def _score(value: float | None) -> str:
    return "no number" if value is None else f"{value:.9g}"


def _small(value: float | None) -> str:
    return "–" if value is None else f"{value:.2g}"


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"
