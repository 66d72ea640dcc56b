"""Curves of queries a second against n: one chart, and all of them as one picture for the documents."""

import charts
import summary
from summary import cell
from turns import SHAPES

GAP, TITLE = 16, 30
ITEMS = "thousand items"  # in thousands, the numbers along both axes have the room that charts.py gives them
# charts.py leaves colours and sizes to the page's style; a picture carries them itself.
STYLE = """
text { font-family: "Helvetica Neue", Helvetica, Arial, sans-serif; fill: #111; }
.title { font-size: 17px; font-weight: 700; }
.grid { stroke: #e4e4e4; stroke-width: 1; }
.axis { stroke: #333; stroke-width: 1; fill: none; }
.tick { font-size: 13px; fill: #333; }
.label { font-size: 14px; }
.name { font-size: 13px; }
.end { text-anchor: end; }
.middle { text-anchor: middle; }
"""


def chart(results, shape, target):
    """SVG; None if nothing was measured."""
    series = {}
    for size in summary.sizes(results):
        for name, entry in cell(size, shape, target)["libraries"].items():
            rates = sorted(0.001 / seconds for seconds in entry["seconds"])
            point = size["n"] / 1000, rates[0], summary.rate(entry) / 1000, rates[-1]
            series.setdefault(name, []).append(point)
    style = charts.styles(results["libraries"])
    return charts.line_chart(series, ITEMS, "thousand queries a second", style) if series else None


def title(shape, target):
    return f"{shape.capitalize()}, recall@10 ≥ {target:g}"


def render(results):
    """All charts in two columns on white, so that it can be read on any background."""
    views = [(shape.name, target) for target in summary.targets(results) for shape in SHAPES]
    width, height = charts.WIDTH + GAP, charts.HEIGHT + TITLE + GAP
    rows = -(-len(views) // 2)
    size = f"0 0 {2 * width + GAP} {rows * height + GAP}"
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{size}" role="img">']
    out.append(f"<title>Queries a second against the number of items</title><style>{STYLE}</style>")
    out.append('<rect width="100%" height="100%" fill="#fff"/>')
    for at, view in enumerate(views):
        x, y = GAP + at % 2 * width, GAP + at // 2 * height
        out.append(f'<text x="{x + charts.LEFT}" y="{y + 18}" class="title">{title(*view)}</text>')
        inner = chart(results, *view) or "<svg></svg>"
        place = f'<svg x="{x}" y="{y + TITLE}" width="{charts.WIDTH}" height="{charts.HEIGHT}"'
        out.append(inner.replace("<svg", place, 1))
    return "".join(out) + "</svg>\n"
