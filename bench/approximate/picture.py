"""Curves of queries a second against n: one chart, and all of them as one picture for the documents."""

import summary
from matplotlib.figure import Figure
from summary import cell
from turns import SHAPES

from maxdot.pages.charts import Point, draw_lines, drawing, line_chart, styles, to_svg

ITEMS = "items n"
RATE = "queries a second"
COLUMNS = 2
WIDTH, HEIGHT, LEGEND = 5.0, 3.4, 0.7  # inches of a chart in the picture, and of the names below all


def series_of(results, shape, target):
    series = {}
    for size in summary.sizes(results):
        for name, entry in cell(size, shape, target)["libraries"].items():
            rates = sorted(1 / seconds for seconds in entry["seconds"])
            series.setdefault(name, []).append(Point(size["n"], rates[0], summary.rate(entry), rates[-1]))
    return series


def look(results):
    return styles(results["libraries"], emphasised=summary.EXACT)


def chart(results, shape, target):
    """None if nothing was measured."""
    series = series_of(results, shape, target)
    note = "Points: median; bars: least to most. Higher is better."
    return line_chart(title(shape, target), series, look(results), ITEMS, RATE, note=note) if series else None


def title(shape, target):
    return f"{shape.capitalize()}, recall@10 ≥ {target:g}"


def render(results):
    """All charts in two columns on white, so that it can be read on any background."""
    views = [(shape.name, target) for target in summary.targets(results) for shape in SHAPES]
    rows = -(-len(views) // COLUMNS)
    with drawing():
        figure = Figure(figsize=(COLUMNS * WIDTH, rows * HEIGHT + LEGEND), layout="constrained")
        named = {}
        for at, view in enumerate(views):
            axes = figure.add_subplot(rows, COLUMNS, at + 1, title=title(*view))
            series = series_of(results, *view)
            if series:
                draw_lines(axes, series, look(results), ITEMS, RATE)
            lines, names = axes.get_legend_handles_labels()
            named.update(zip(names, lines, strict=True))
        figure.legend(named.values(), named.keys(), loc="outside lower center", ncols=6, handlelength=2.6)
        return to_svg(figure, paper="#ffffff", title="Queries a second against the number of items") + "\n"
