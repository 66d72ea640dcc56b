"""Everything that is written from the results, beside results.json and into the page of the documentation."""

import pathlib

import picture
import tables
import web

PAGE = pathlib.Path(__file__).resolve().parents[2] / "docs" / "exact-or-approximate.md"
BEGIN, END = "<!-- bench-approximate: begin -->", "<!-- bench-approximate: end -->"


def write(results, folder):
    (folder / "index.html").write_text(web.render(results), encoding="utf-8")
    (folder / "table.md").write_text(tables.render(results), encoding="utf-8")
    (folder / "queries-per-second.svg").write_text(picture.render(results), encoding="utf-8")


def update_page(results):
    """Replaces what stands between the markers. False if the page has none."""
    text = PAGE.read_text(encoding="utf-8")
    if BEGIN not in text or END not in text:
        return False
    head, rest = text.split(BEGIN, 1)
    made = tables.render(results)
    PAGE.write_text(f"{head}{BEGIN}\n{made}{END}{rest.split(END, 1)[1]}", encoding="utf-8")
    return True
