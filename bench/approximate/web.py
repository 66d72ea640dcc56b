"""The results as one page that needs nothing else."""

import picture
import summary
import tables
from libraries import EXACT
from summary import cell, ratio
from table import factor
from turns import SHAPES

from maxdot.pages.charts import Point, line_chart
from maxdot.pages.page import Cell, Page, Row, Table
from maxdot.pages.page import render as render_page

METHOD = (
    "Every library has a process of its own. All are alive at once and take turns: in each round every library "
    "answers for a while, in an order shuffled anew each round, so drift of the machine meets all alike. A tenth "
    "of each turn is not counted, since the others have had the caches; between turns 50 ms pass. A ratio is the "
    "median over the rounds of a library's queries a second over maxdot's in the same round. A library that has "
    "spent three times the seconds of a cell gets no more rounds of it. Times are of Python calls, results in "
    "NumPy arrays. One query is one call on one thread; a batch is 1,024 queries in one call on all threads.",
    "Queries are never items. Settings are chosen on 2,048 of them: the fastest that reaches the recall. The "
    "recall that stands here, and the time, are of 2,048 others, so the recall can be a little below the target. "
    "Recall@10 is the share of the exact ten best, by float64 scores, that was found; an item that ties with the "
    "tenth counts as found. Settings of a library form chains along which recall and time rise, by steps of about "
    "a tenth; the first of each chain that reaches the recall is a candidate, and if there are several, each is "
    "timed, in both shapes.",
    "Each library has one build setting: a good one, not the best for every case. Fewer links (M = 16) build "
    "sooner, other numbers of lists suit other n, and compressed rows (product or scalar quantisation, LVQ) take "
    "less memory; none of these was tried. The build is timed with all threads, given float32 rows in memory. "
    "Memory is what the process grew by from before the rows were read to after they were let go, so it holds the "
    "rows that the library keeps. Stored indexes are loaded by a fresh process before they are searched; maxdot's "
    "is built in place, in the time that stands here.",
    "Crossover: the n from which on a library is ahead of maxdot up to the largest size. Between two sizes the "
    "ratio is interpolated, with both axes logarithmic. > says that it is not ahead at the largest size, ≤ that "
    "it is already ahead at that size. Environment: OMP_WAIT_POLICY=PASSIVE, thread counts of all pools set "
    "alike.",
)
# How a crossover ends the sentence that begins "approximate search is faster ".
AHEAD = {
    "from": "from about {n} items on",
    "by": "from at most {n} items on",
    "always": "from at most {n} items on",
    "never": "at no size up to {n} items",
}


def _listed(words):
    return " and ".join(part for part in (", ".join(words[:-1]), words[-1]) if part)


def verdict(results):
    """One sentence: from which n on the fastest approximate library is ahead, by shape and recall."""
    parts = []
    for shape in SHAPES:
        by_words = {}
        for target in summary.targets(results):
            found = summary.crossover(results, shape.name, target)
            if found is None:
                words = "was not measured"
            else:
                kind, n = found
                words = AHEAD[kind].format(n=f"{float(f'{n:.2g}') if kind == 'from' else n:,.0f}")
            by_words.setdefault(words, []).append(f"{target:g}")
        said = ", ".join(f"{words} at recall {_listed(targets)}" for words, targets in by_words.items())
        parts.append(f"{'for one query' if shape.name == 'one query' else 'in batches'} {said}")
    return f"On this data approximate search is faster than exact search {'; '.join(parts)}."


def _view_heads(results):
    return [head.replace("≥ ", "≥\u00a0") for head in tables.view_heads(results)]


def _size_heads(results):
    return [f"n = {size['n']:,}" for size in summary.sizes(results)]


def _crossovers(results):
    rows = [
        Row(name or "any", [Cell(text) for text in tables.crossings(results, name)], marked=name is None)
        for name in [None, *tables.approximate_names(results)]
    ]
    head = ["library", *_view_heads(results)]
    return Table("From how many items on each library is ahead of maxdot", head, rows)


def _speed_cell(size, shape, target, name):
    measured = cell(size, shape, target)
    entry = measured["libraries"].get(name)
    if entry is None:
        best = measured["not_reached"].get(name)
        return Cell("–", "" if best is None else f"not reached (best {best:.4f})")
    notes = [f"{1000 * summary.seconds(entry):.3g} ms"]
    if name != EXACT:
        notes = [
            f"×{factor(ratio(measured, name))}",
            *notes,
            f"recall {entry['recall']:.4f}",
            summary.setting(entry),
        ]
    fastest = max(measured["libraries"], key=lambda one: summary.rate(measured["libraries"][one]))
    return Cell(tables.count(summary.rate(entry)), "; ".join(note for note in notes if note), best=name == fastest)


def _speeds(results, shape, target):
    rows = [
        Row(name, [_speed_cell(size, shape, target, name) for size in summary.sizes(results)], marked=name == EXACT)
        for name in tables.measured_names(results)
    ]
    note = "× says how many times maxdot's rate. Bold: the fastest."
    return Table(f"{picture.title(shape, target)}: queries a second", ["library", *_size_heads(results)], rows, note)


def _build_chart(results, title, label, value):
    series = {}
    for size in summary.sizes(results):
        for name, built in size["builds"].items():
            if value(built) > 0:
                series.setdefault(name, []).append(Point(size["n"], *3 * (value(built),)))
    if not series:
        return None
    return line_chart(title, series, picture.look(results), picture.ITEMS, label, note="Lower is better.")


def _charts(results):
    found = [picture.chart(results, *view) for view in summary.views(results)]
    found.append(_build_chart(results, "Time to build", "seconds", lambda built: built["seconds"]))
    found.append(_build_chart(results, "Memory, with the rows", "MiB", lambda built: built["bytes"] / 2**20))
    return [chart for chart in found if chart is not None]


def _builds(results):
    rows = []
    for name in tables.measured_names(results):
        cells = []
        for size in summary.sizes(results):
            wall, cpu, mib = tables.build(size["builds"].get(name))
            cells.append(Cell("–") if wall == "–" else Cell(f"{wall} s", f"{cpu} s of processor time; {mib} MiB"))
        rows.append(Row(name, cells, marked=name == EXACT))
    return Table("Build time and memory", ["library", *_size_heads(results)], rows)


def _paid(results):
    rows = [
        Row(f"n = {size['n']:,}", [Cell(tables.paid(size, *view)) for view in summary.views(results)])
        for size in summary.sizes(results)
    ]
    title = "Queries after which the fastest library has made up for its longer build"
    return Table(title, ["", *_view_heads(results)], rows)


def _parameters(results, name):
    """The build parameters of each size, if they depend on it: others stand in the setting."""
    builds = [(size["n"], size["builds"][name]) for size in summary.sizes(results) if name in size["builds"]]
    texts = {n: ", ".join(f"{key} {value:,}" for key, value in b["parameters"].items()) for n, b in builds}
    differ = len(set(texts.values())) > 1
    return "; ".join(f"n = {n:,}: {text}" for n, text in texts.items()) if differ else ""


def _libraries(results):
    rows = []
    for name, library in results["libraries"].items():
        versions = {s["builds"][name]["version"] for s in summary.sizes(results) if name in s["builds"]}
        notes = [f"Missing with n = {n:,}: {why}." for n, one, why in tables.missing(results) if one == name]
        parameters = _parameters(results, name)
        setting = Cell(library["setting"], " ".join([*notes, *([parameters] if parameters else [])]))
        rows.append(
            Row(name, [Cell(" ".join([library["package"], *sorted(versions)])), setting], marked=name == EXACT)
        )
    return Table("Libraries and settings", ["library", "package", "setting, and the reason for it"], rows, words=True)


def render(results):
    last = max(size["date"] for size in summary.sizes(results))
    views = summary.views(results)
    return render_page(
        Page(
            title="Where exact beats approximate",
            verdict=verdict(results),
            passed=None,
            summary=(
                f"maxdot, exact, beside approximate libraries tuned to a recall. {tables.rows_of(results)}, k = 10. "
                "Reproduce: make bench-approximate."
            ),
            charts=_charts(results),
            tables=[
                _crossovers(results),
                *(_speeds(results, *view) for view in views),
                _builds(results),
                _paid(results),
                _libraries(results),
            ],
            settings=[
                ("rounds", tables.rounds_of(results)),
                ("date", last),
                *((key, str(value)) for key, value in results["machine"].items()),
            ],
            method=METHOD,
        )
    )
