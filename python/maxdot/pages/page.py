"""A report as one HTML page that needs nothing else: the verdict, charts, tables, settings."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass

import jinja2
from markupsafe import Markup

from maxdot.pages.charts import Chart

_TEMPLATES = jinja2.Environment(
    loader=jinja2.PackageLoader("maxdot.pages", "templates"),
    autoescape=True,
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


@dataclass(frozen=True)
class Cell:
    """One cell of a table. `note` stands small below the text; `best` makes the text bold."""

    text: str
    note: str = ""
    best: bool = False


@dataclass(frozen=True)
class Row:
    """A row: its name, and a cell for each further column. `marked` sets the whole row off."""

    name: str
    cells: Sequence[Cell]
    marked: bool = False


@dataclass(frozen=True)
class Table:
    """`header` names every column, the first of which holds the rows' names. `words`: cells are text, not numbers."""

    title: str
    header: Sequence[str]
    rows: Sequence[Row]
    note: str = ""
    words: bool = False


@dataclass(frozen=True)
class Page:
    """What a page shows, in this order.

    Attributes:
        title: of the document.
        verdict: one sentence that answers what the reader came for.
        passed: whether the verdict is good news; None if it is neither.
        summary: a line that says what was measured.
        charts, tables: as they follow each other.
        settings: terms and what they were.
        method: paragraphs on how it was measured.
    """

    title: str
    verdict: str
    passed: bool | None
    summary: str
    charts: Sequence[Chart]
    tables: Sequence[Table]
    settings: Sequence[tuple[str, str]]
    method: Sequence[str] = ()


def render(page: Page) -> str:
    """The page as HTML. It refers to no other file and no address."""
    style = _TEMPLATES.get_template("page.css").render()
    made: str = _TEMPLATES.get_template("page.html").render(page=page, style=Markup(style), image=_image)
    return made + "\n"


def _image(chart: Chart) -> str:
    """The chart as the source of an image. As such it can share no name with another chart of the page."""
    return "data:image/svg+xml;base64," + base64.b64encode(chart.svg.encode()).decode()
