"""The tables in Markdown: table.md, and what goes into docs/exact-or-approximate.md."""

import statistics

import summary
from libraries import EXACT
from summary import cell, rate, ratio
from table import factor
from turns import SHAPES


def count(value):
    """A number of queries or items, to three figures."""
    return f"{float(f'{value:.3g}'):,.0f}" if value >= 100 else f"{value:.3g}"


def crossing(found):
    """In words, from which n on a library is ahead."""
    if found is None:
        return "–"
    kind, n = found
    about = f"{float(f'{n:.2g}'):,.0f}"
    return {"from": about, "by": f"≤ {n:,}", "always": f"≤ {n:,}", "never": f"> {n:,}"}[kind]


def recall_heads(results):
    return [f"recall ≥ {target:g}" for target in summary.targets(results)]


def _fastest(size, shape, target):
    measured = cell(size, shape, target)
    name = summary.fastest(measured)
    if name is None:
        best = summary.closest(measured)
        return "–" if best is None else f"not reached (best {best:.4f})"
    entry = measured["libraries"][name]
    short = f", recall {entry['recall']:.4f}" if entry["recall"] < target else ""
    return f"{count(rate(entry))} {name} ({factor(ratio(measured, name))}{short})"


def _rows(head, rows):
    yield f"| {' | '.join(head)} |"
    yield "|" + "---|" * len(head)
    yield from (f"| {' | '.join(row)} |" for row in rows)


def _exact(size, shape):
    """maxdot's rate is measured in each cell of a shape; this is the median."""
    return statistics.median(rate(c["libraries"][EXACT]) for c in size["cells"] if c["shape"] == shape)


def _speed(results, shape):
    yield from _rows(
        [f"{shape}: n", EXACT, *recall_heads(results)],
        [
            [
                f"{size['n']:,}",
                count(_exact(size, shape)),
                *(_fastest(size, shape, target) for target in summary.targets(results)),
            ]
            for size in summary.sizes(results)
        ],
    )


def measured_names(results):
    return [name for name in results["libraries"] if any(name in s["builds"] for s in summary.sizes(results))]


def approximate_names(results):
    return [name for name in measured_names(results) if name != EXACT]


def crossings(results, name):
    """Of each shape and recall."""
    return [crossing(summary.crossover(results, *view, name)) for view in summary.views(results)]


def view_heads(results):
    return [f"{shape.name}, {head}" for shape in SHAPES for head in recall_heads(results)]


def _crossovers(results):
    yield from _rows(
        ["ahead of maxdot from n =", *view_heads(results)],
        [[name or "**any**", *crossings(results, name)] for name in [None, *approximate_names(results)]],
    )


def build(built):
    """Wall seconds, CPU seconds, and memory in MiB."""
    if built is None:
        return "–", "–", "–"
    numbers = built["seconds"], built["cpu_seconds"], max(built["bytes"], 0) / 2**20
    return tuple(f"{value:,.0f}" if value >= 100 else f"{value:.1f}" for value in numbers)


def _builds(results):
    names = measured_names(results)
    rows = []
    for size in summary.sizes(results):
        cells = (build(size["builds"].get(name)) for name in names)
        texts = (f"{cpu} s, {mib} MiB" if cpu != "–" else cpu for _, cpu, mib in cells)
        rows.append([f"{size['n']:,}", *texts])
    yield from _rows(["build: n", *names], rows)


def paid(size, shape, target):
    """After how many queries the fastest library is ahead, its build included."""
    measured = cell(size, shape, target)
    name = summary.fastest(measured)
    queries = None if name is None else summary.paid_back(size, measured, name)
    return "–" if queries is None else f"{count(queries)} {name}"


def _paid(results):
    yield from _rows(
        ["paid back: n", *view_heads(results)],
        [
            [f"{size['n']:,}", *(paid(size, *view) for view in summary.views(results))]
            for size in summary.sizes(results)
        ],
    )


def missing(results):
    """(n, library, reason) of each library that could not be measured to the end."""
    return [(s["n"], name, why) for s in summary.sizes(results) for name, why in s["missing"].items()]


def rows_of(results):
    first = summary.sizes(results)[0]
    return f"{results['data'].capitalize()} unit rows of {first['d']} dimensions"


def rounds_of(results):
    found = sorted({size["rounds"] for size in summary.sizes(results)})
    return " or ".join(str(rounds) for rounds in found)


def render(results):
    """Markdown."""
    threads = summary.sizes(results)[0]["threads"]
    lines = [
        "Queries a second of maxdot, exact, and of the fastest approximate library that reaches recall@10; "
        "in brackets how many times maxdot's rate (less than 1: maxdot is faster), and the measured recall "
        f"where it is below the one that the tuning reached. {rows_of(results)}, k = 10, from Python, "
        f"{results['machine']['processor']}, medians of {rounds_of(results)} alternating rounds. "
        f"One query: a call each, one thread; batch: 1,024 queries a call, {threads} threads.",
        "",
    ]
    for shape in SHAPES:
        lines += [*_speed(results, shape.name), ""]
    lines += ["From how many items on (interpolated between measured sizes), up to the largest measured:", ""]
    lines += [*_crossovers(results), ""]
    lines += ["Build, in seconds of processor time of all threads, and memory with the rows:", ""]
    lines += _builds(results)
    lines += ["", "Queries after which the fastest library has made up for its longer build "]
    lines[-1] += f"(its processor time, shared by {threads} threads):"
    lines += [""]
    lines += _paid(results)
    lines += [f"\nMissing with n = {n:,}: {name}, {why}" for n, name, why in missing(results)]
    return "\n".join(lines) + "\n"
