"""Charts as SVG, by matplotlib: lines and bars, told apart by colour, marker and dash.

A chart has no title of its own and takes the colour of its lines and words from the reader's light or dark
screen. Words stay words in it, so that they can be read out, copied and tested.
"""

from __future__ import annotations

import io
import math
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from html import escape
from itertools import pairwise
from typing import Any

import matplotlib.style
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator

# Okabe and Ito's colours without yellow, which is too pale on white. The first is for what is emphasised.
EMPHASIS = "#D55E00"
COLOURS = ("#0072B2", "#009E73", "#E69F00", "#CC79A7", "#56B4E9", "#8C8C8C")
MARKERS = ("s", "^", "D", "v", "P", "X", "<", ">", "p", "h", "*", "d")
DASHES = ("--", ":", "-.")
HATCHES = ("", "///", "...", "xxx", "\\\\\\", "+++")
INK = "#010203"  # stands for the reader's colour until the chart is written
LIGHT, DARK = "#1b1b1b", "#e6e6e6"
WIDTH, HEIGHT = 4.8, 3.1  # inches at 72 points; a page shows them as wide as a telephone
ROW = 0.21  # what a row of the legend adds

_SETTINGS: dict[str, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "maxdot",  # the same chart is the same file
    "font.family": ["DejaVu Sans"],  # comes with matplotlib: the layout is the same everywhere
    "font.size": 9.5,
    "text.color": INK,
    "axes.edgecolor": INK,
    "axes.facecolor": "none",
    "axes.labelcolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.color": INK,
    "ytick.color": INK,
    "grid.color": INK,
    "grid.alpha": 0.15,
    "hatch.linewidth": 0.6,
    "legend.frameon": False,
}


@dataclass(frozen=True)
class Chart:
    """A chart for a page: SVG of `width` times `height` CSS pixels, and what it shows in words."""

    title: str
    svg: str
    alt: str
    width: int
    height: int
    note: str = ""


@dataclass(frozen=True)
class Style:
    """How one thing looks in every chart of a page."""

    colour: str
    marker: str
    dash: str
    width: float


@dataclass(frozen=True)
class Point:
    """A value at `x`, and how far it reached down and up."""

    x: float
    low: float
    middle: float
    high: float


@dataclass(frozen=True)
class Span:
    """A value, and how far it reached down and up."""

    low: float
    middle: float
    high: float


@dataclass(frozen=True)
class Bar:
    """A bar: its parts from the axis outwards, and the words at its end."""

    name: str
    parts: Sequence[float]
    words: str


def drawing() -> AbstractContextManager[None]:
    """Within it figures are made and written, by the settings of this module and not by those of a matplotlibrc."""
    settings: AbstractContextManager[None] = matplotlib.style.context(_SETTINGS, after_reset=True)
    return settings


def styles(names: Iterable[str], emphasised: str | None = None) -> dict[str, Style]:
    """A style for each name; no two share a marker. `emphasised` is solid and thick."""
    made: dict[str, Style] = {}
    for name in names:
        if name == emphasised:
            made[name] = Style(EMPHASIS, "o", "-", 2.6)
            continue
        at = len(made) - (emphasised in made)
        marker = MARKERS[at % len(MARKERS)]
        made[name] = Style(COLOURS[at % len(COLOURS)], marker, DASHES[(at + at // len(COLOURS)) % len(DASHES)], 1.4)
    return made


def exact(value: float) -> str:
    """A number with all its digits and no more: 0.015 is 0.015, 1000000 is 1,000,000."""
    return f"{value:,.12g}"


def line_chart(
    title: str,
    series: Mapping[str, Sequence[Point]],
    look: Mapping[str, Style],
    x_label: str,
    y_label: str,
    *,
    log_y: bool = True,
    note: str = "",
) -> Chart:
    """Lines over a logarithmic x. A mark at each point, a bar from its low to its high.

    Args:
        title: of the figure on the page.
        series: for each name its points, ascending in x. All x, and with `log_y` all y, are above 0.
        look: for each name its style.
        x_label, y_label: what the axes show, with units.
        log_y: whether y is logarithmic; else it starts at 0.
        note: a sentence below the title.
    """
    with drawing():
        figure = Figure(figsize=(WIDTH, HEIGHT), layout="constrained")
        draw_lines(figure.add_subplot(), series, look, x_label, y_label, log_y=log_y)
        if len(series) > 1:
            _add_legend(figure, len(series))
        told = "; ".join(
            f"{name}: " + ", ".join(f"{point.middle:.4g} at {exact(point.x)}" for point in _ends(points))
            for name, points in series.items()
        )
        return _chart(figure, title, f"Line chart. {title}: {y_label} by {x_label}. {told}.", note)


def draw_lines(
    axes: Axes,
    series: Mapping[str, Sequence[Point]],
    look: Mapping[str, Style],
    x_label: str,
    y_label: str,
    *,
    log_y: bool = True,
) -> None:
    """The lines of `line_chart` in given axes."""
    for name, points in series.items():
        style = look[name]
        marked = style.marker if len(points) <= 20 else ""
        axes.errorbar(
            [point.x for point in points],
            [point.middle for point in points],
            yerr=[[p.middle - p.low for p in points], [p.high - p.middle for p in points]],
            label=name,
            color=style.colour,
            marker=marked,
            linestyle=style.dash,
            linewidth=style.width,
            markersize=4 + style.width / 2,
            elinewidth=0.8,
            zorder=3 if style.width > 2 else 2,
        )
    axes.grid(axis="y")
    axes.set_xlabel(x_label)
    axes.set_ylabel(y_label)
    every = [point for points in series.values() for point in points]
    xs = sorted({point.x for point in every})
    axes.set_xscale("log")
    if len(xs) == 1:
        axes.set_xlim(xs[0] / 2, xs[0] * 2)
    _ticks(axes.xaxis, xs if _have_room(xs) else _log_ticks(*axes.get_xlim()))
    if log_y:
        axes.set_yscale("log")
        low, high = min(point.low for point in every), max(point.high for point in every)
        axes.set_ylim(low * 0.85, high * 1.18)
        _ticks(axes.yaxis, _log_ticks(*axes.get_ylim()))
    else:
        top = max(point.high for point in every)
        axes.set_ylim(0, top * 1.06 if top > 0 else 1)
        _ticks(axes.yaxis, _even_ticks(*axes.get_ylim()))


def bar_chart(
    title: str,
    bars: Sequence[Bar],
    parts: Sequence[str],
    x_label: str,
    *,
    counts: bool = False,
    most: float | None = None,
    note: str = "",
) -> Chart:
    """Bars that lie, one below the other, their parts end to end.

    Args:
        title: of the figure on the page.
        bars: at least one. Each has as many parts as there are names in `parts`.
        parts: what the parts are; a single one needs no legend, the first of several stands out.
        x_label: what the length means, with units.
        counts: whether lengths are whole numbers.
        most: where the axis ends, if not at the longest bar.
        note: a sentence below the title.
    """
    with drawing():
        figure = Figure(figsize=(WIDTH, 0.9 + 0.3 * len(bars)), layout="constrained")
        axes = figure.add_subplot()
        names = [bar.name for bar in bars]
        ends = [0.0] * len(bars)
        colours = (EMPHASIS, *COLOURS) if len(parts) > 1 else COLOURS
        for at, part in enumerate(parts):
            lengths = [bar.parts[at] for bar in bars]
            colour = colours[at % len(colours)]
            axes.barh(
                names, lengths, left=ends, label=part, height=0.62, color=colour, edgecolor=INK, linewidth=0.5,
                hatch=HATCHES[at % len(HATCHES)],
            )  # fmt: skip
            ends = [end + length for end, length in zip(ends, lengths, strict=True)]
        longest = most if most is not None else max(*ends, 0.0) or 1.0
        for at, bar in enumerate(bars):
            axes.annotate(bar.words, (ends[at], at), (4, 0), textcoords="offset points", va="center", fontsize=8.5)
        axes.set_xlim(0, longest)
        axes.invert_yaxis()
        axes.tick_params(axis="y", length=0)
        axes.set_xlabel(x_label)
        _ticks(axes.xaxis, _even_ticks(0, longest, whole=counts))
        if len(parts) > 1:
            _add_legend(figure, len(parts))
        told = "; ".join(f"{bar.name}: {bar.words}" for bar in bars)
        return _chart(figure, title, f"Bar chart. {title}: {x_label}. {told}.", note)


def dot_chart(
    title: str, names: Sequence[str], series: Mapping[str, Sequence[Span]], x_label: str, *, note: str = ""
) -> Chart:
    """A row for each name, a mark in it for each series, a bar from the mark's low to its high. The axis starts at 0.

    Args:
        title: of the figure on the page.
        names: of the rows, from above.
        series: for each name a value for every row.
        x_label: what the axis shows, with units.
        note: a sentence below the title.
    """
    with drawing():
        figure = Figure(figsize=(WIDTH, 0.9 + 0.15 * len(names) * (1 + len(series))), layout="constrained")
        axes = figure.add_subplot()
        look = styles(series)
        for at, (name, spans) in enumerate(series.items()):
            axes.errorbar(
                [span.middle for span in spans],
                [row + 0.7 * ((at + 0.5) / len(series) - 0.5) for row in range(len(names))],
                xerr=[[s.middle - s.low for s in spans], [s.high - s.middle for s in spans]],
                label=name,
                color=look[name].colour,
                marker=look[name].marker,
                linestyle="",
                markersize=5,
                elinewidth=1,
            )
        top = max(span.high for spans in series.values() for span in spans)
        axes.set_xlim(0, top * 1.06 if top > 0 else 1)
        _ticks(axes.xaxis, _even_ticks(*axes.get_xlim()))
        axes.set_yticks(range(len(names)), names)
        axes.tick_params(axis="y", length=0)
        axes.set_ylim(len(names) - 0.5, -0.5)
        axes.grid(axis="x")
        axes.set_xlabel(x_label)
        if len(series) > 1:
            _add_legend(figure, len(series))
        told = "; ".join(
            f"{row}: " + ", ".join(f"{name} {spans[at].middle:.4g}" for name, spans in series.items())
            for at, row in enumerate(names)
        )
        return _chart(figure, title, f"Dot chart. {title}: {x_label}. {told}.", note)


def to_svg(figure: Figure, *, paper: str | None = None, title: str | None = None) -> str:
    """The figure, made within `drawing()`.

    Args:
        figure: without colours of its own for words and lines.
        paper: a colour: readable on any background, a file of its own. None: fits light and dark pages.
        title: what it shows, for those who do not see it. A page says it beside the image.
    """
    text = io.StringIO()
    nothing = {"Date": None, "Creator": None, "Format": None, "Type": None}
    with drawing():
        figure.savefig(text, format="svg", metadata=nothing, facecolor=paper or "none")
    svg = text.getvalue()
    svg = svg[svg.index("<svg") :]
    if paper:
        named = f' role="img"><title>{escape(title)}</title>' if title else ">"
        return svg.replace(">", named, 1).replace(INK, LIGHT)
    style = f"<style>svg{{color:{LIGHT}}}@media(prefers-color-scheme:dark){{svg{{color:{DARK}}}}}</style>"
    start = svg.index(">") + 1
    return svg[:start] + style + svg[start:].replace(INK, "currentColor")


def _add_legend(figure: Figure, names: int) -> None:
    """The names below the figure, in as many columns as it has room for; it grows by them."""
    wide, high = figure.get_size_inches()
    for columns in (3, 2, 1):
        legend = figure.legend(loc="outside lower center", ncols=columns, fontsize=8.5, handlelength=2.6)
        figure.set_size_inches(wide, high + ROW * -(-names // columns))
        figure.draw_without_rendering()
        if columns == 1 or legend.get_window_extent().width <= 0.98 * wide * figure.dpi:
            return
        legend.remove()


def _chart(figure: Figure, title: str, alt: str, note: str) -> Chart:
    wide, high = (round(96 * inches) for inches in figure.get_size_inches())
    return Chart(title, to_svg(figure), " ".join(alt.split()), wide, high, note)


def _ends(points: Sequence[Point]) -> Sequence[Point]:
    return points if len(points) < 3 else (points[0], points[-1])


def _ticks(axis: Axis, places: Sequence[float]) -> None:
    """A tick at each place, which says all digits of it."""
    axis.set_major_locator(FixedLocator(list(places)))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(FuncFormatter(lambda value, _: exact(value)))


def _even_ticks(low: float, high: float, *, whole: bool = False) -> list[float]:
    found = MaxNLocator(nbins=5, steps=[1, 2, 2.5, 5, 10], integer=whole).tick_values(low, high)
    return [float(tick) for tick in found if low <= tick <= high]


def _log_ticks(low: float, high: float) -> list[float]:
    """Powers of ten; with 2 and 5 between where these are few; evenly spaced numbers where those are, too."""
    exponents = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    for between in ((1,), (1, 2, 5)):
        found = [float(f"{step}e{exponent}") for exponent in exponents for step in between]
        found = [tick for tick in found if low <= tick <= high]
        if len(found) >= 4:
            return found
    return found if len(found) == 3 else _even_ticks(low, high)


def _have_room(xs: Sequence[float]) -> bool:
    """Whether a label at each x, on a logarithmic axis, is clear of the next."""
    if len(xs) < 2:
        return True
    whole = math.log(xs[-1] / xs[0])
    wide = max(len(exact(x)) for x in xs) * 0.018 + 0.02  # shares of the axis
    return all(math.log(b / a) / whole > wide for a, b in pairwise(xs))
