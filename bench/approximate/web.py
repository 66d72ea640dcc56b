"""The results as one self-contained HTML page."""

import html

import charts
import picture
import summary
import tables
from libraries import EXACT
from page import STYLE
from summary import cell, ratio
from table import factor
from turns import SHAPES

METHOD = """<p>Every library has a process of its own. All are alive at once and take turns: in each round
every library answers for a while, in an order shuffled anew each round, so drift of the machine meets all
alike. A tenth of each turn is not counted, since the others have had the caches; between turns 50 ms pass.
A ratio is the median over the rounds of a library's queries a second over maxdot's in the same round. A
library that has spent three times the seconds of a cell gets no more rounds of it. Times are of Python
calls, results in NumPy arrays. One query is one call on one thread; a batch is 1,024 queries in one call on
all threads.</p>
<p>Queries are never items. Settings are chosen on 2,048 of them: the fastest that reaches the recall. The
recall that stands here, and the time, are of 2,048 others, so the recall can be a little below the target.
Recall@10 is the share of the exact ten best, by float64 scores, that was found; an item that ties with the
tenth counts as found. Settings of a library form chains along which recall and time rise, by steps of about
a tenth; the first of each chain that reaches the recall is a candidate, and if there are several, each is
timed, in both shapes.</p>
<p>Each library has one build setting: a good one, not the best for every case. Fewer links (M = 16) build
sooner, other numbers of lists suit other n, and compressed rows (product or scalar quantisation, LVQ) take
less memory; none of these was tried. The build is timed with all threads, given float32 rows in memory.
Memory is what the process grew by from before the rows were read to after they were let go, so it holds the
rows that the library keeps. Stored indexes are loaded by a fresh process before they are searched; maxdot's
is built in place, in the time that stands here.</p>
<p>Crossover: the n from which on a library is ahead of maxdot up to the largest size. Between two sizes the
ratio is interpolated, with both axes logarithmic. &gt; says that it is not ahead at the largest size, ≤
that it is already ahead at that size. Environment: <code>OMP_WAIT_POLICY=PASSIVE</code>, thread counts of
all pools set alike.</p>"""


def _table(head, rows):
    """`rows`: (name, cells in HTML)."""
    made = "<thead><tr>" + "".join(f"<th>{text}</th>" for text in head) + "</tr></thead><tbody>"
    for name, cells in rows:
        marked = ' class="maxdot"' if name == EXACT else ""
        made += f"<tr{marked}><th>{html.escape(name)}</th>"
        made += "".join(f"<td class='num'>{text}</td>" for text in cells) + "</tr>"
    return f"<div class='wide'><table>{made}</tbody></table></div>"


def _view_heads(results):
    return [f"{shape.name}<br>{head}" for shape in SHAPES for head in tables.recall_heads(results)]


def _size_heads(results):
    return [f"n = {size['n']:,}" for size in summary.sizes(results)]


def _crossovers(results):
    names = [None, *tables.approximate_names(results)]
    rows = [(name or "any", tables.crossings(results, name)) for name in names]
    return _table(["ahead of maxdot from n =", *_view_heads(results)], rows)


def _speed_cell(size, shape, target, name):
    measured = cell(size, shape, target)
    entry = measured["libraries"].get(name)
    if entry is None:
        best = measured["not_reached"].get(name)
        return "–" if best is None else f"<small>not reached (best {best:.4f})</small>"
    rate, time = tables.count(summary.rate(entry)), f"{1000 * summary.seconds(entry):.3g} ms"
    if name == EXACT:
        return f"{rate}<br><small>{time}</small>"
    how = f"{time}, recall {entry['recall']:.4f}<br>{html.escape(summary.setting(entry))}"
    return f"{rate} <small>×{factor(ratio(measured, name))}</small><br><small>{how}</small>"


def _speed(results, shape, target):
    drawn = picture.chart(results, shape, target)
    if drawn is None:
        return ""
    rows = [
        (name, [_speed_cell(size, shape, target, name) for size in summary.sizes(results)])
        for name in tables.measured_names(results)
    ]
    made = f"<h2>{picture.title(shape, target)}</h2><figure>{drawn}"
    made += "<figcaption>Points: median; bars: least to most. Higher is better.</figcaption></figure>"
    return made + _table(["queries a second", *_size_heads(results)], rows)


def _build_chart(results, label, value):
    series = {}
    for size in summary.sizes(results):
        for name, built in size["builds"].items():
            if value(built) > 0:
                series.setdefault(name, []).append((size["n"] / 1000, *3 * (value(built),)))
    if not series:
        return ""
    drawn = charts.line_chart(series, picture.ITEMS, label, charts.styles(results["libraries"]))
    return f"<figure>{drawn}<figcaption>{label.capitalize()}. Lower is better.</figcaption></figure>"


def _builds(results):
    made = _build_chart(results, "seconds to build", lambda built: built["seconds"])
    made += _build_chart(results, "memory, MiB", lambda built: built["bytes"] / 2**20)
    rows = []
    for name in tables.measured_names(results):
        cells = (tables.build(size["builds"].get(name)) for size in summary.sizes(results))
        rows.append((name, [f"{wall} s <small>{cpu} s CPU</small><br>{mib} MiB" for wall, cpu, mib in cells]))
    return made + _table(["", *_size_heads(results)], rows)


def _paid(results):
    rows = [
        (f"n = {size['n']:,}", [tables.paid(size, *view) for view in summary.views(results)])
        for size in summary.sizes(results)
    ]
    return _table(["queries", *_view_heads(results)], rows)


def _parameters(results, name):
    """The build parameters of each size, if they depend on it: others stand in the setting."""
    builds = [(size["n"], size["builds"][name]) for size in summary.sizes(results) if name in size["builds"]]
    texts = {n: ", ".join(f"{key} {value:,}" for key, value in b["parameters"].items()) for n, b in builds}
    differ = len(set(texts.values())) > 1
    return "; ".join(f"n = {n:,}: {text}" for n, text in texts.items()) if differ else ""


def _libraries(results):
    made = ""
    for name, library in results["libraries"].items():
        versions = {s["builds"][name]["version"] for s in summary.sizes(results) if name in s["builds"]}
        package = f"{library['package']} {', '.join(sorted(versions))}"
        made += f"<dt>{html.escape(name)} <small>{package}</small></dt>"
        made += f"<dd>{html.escape(library['setting'])} <small>{_parameters(results, name)}</small></dd>"
    for n, name, why in tables.missing(results):
        made += f"<dt>{html.escape(name)}</dt>"
        made += f"<dd><strong>Missing with n = {n:,}:</strong> {html.escape(why)}</dd>"
    return f"<dl>{made}</dl>"


def render(results):
    last = max(size["date"] for size in summary.sizes(results))
    machine = "".join(
        f"<dt>{html.escape(key)}</dt><dd>{html.escape(str(value))}</dd>"
        for key, value in results["machine"].items()
    )
    speeds = "".join(_speed(results, *view) for view in summary.views(results))
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Where exact beats approximate</title><style>{STYLE.read_text(encoding="utf-8")}</style></head><body>
<header><h1>Where exact beats approximate</h1>
<p>maxdot, exact, beside approximate libraries tuned to a recall. {html.escape(tables.rows_of(results))},
k = 10; {tables.rounds_of(results)} rounds; {last}.
Reproduce: <code>make bench-approximate</code>.</p></header>
<h2>From how many items on approximate search is faster</h2>{_crossovers(results)}
{speeds}
<h2>Build time and memory</h2>{_builds(results)}
<h2>Queries after which the fastest library has made up for its longer build</h2>{_paid(results)}
<h2>Libraries and settings</h2>{_libraries(results)}
<h2>Method</h2>{METHOD}
<h2>Machine</h2><dl>{machine}</dl>
</body></html>
"""
