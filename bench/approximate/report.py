"""Everything that is written from the results, beside results.json and into the README."""

import picture
import tables
import web
from table import README

BEGIN, END = "<!-- bench-approximate: begin -->", "<!-- bench-approximate: end -->"


def write(results, folder):
    (folder / "index.html").write_text(web.render(results), encoding="utf-8")
    (folder / "table.md").write_text(tables.render(results), encoding="utf-8")
    (folder / "queries-per-second.svg").write_text(picture.render(results), encoding="utf-8")


def update_readme(results):
    """Replaces what stands between the markers. False if the README has none."""
    text = README.read_text(encoding="utf-8")
    if BEGIN not in text or END not in text:
        return False
    head, rest = text.split(BEGIN, 1)
    made = tables.render(results, whole=False)
    README.write_text(f"{head}{BEGIN}\n{made}{END}{rest.split(END, 1)[1]}", encoding="utf-8")
    return True
