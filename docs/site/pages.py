#!/usr/bin/env python3
"""Puts the pages of the site together: build/docs/pages, from which mkdocs makes HTML.

Pages stand in docs/ and link to files elsewhere in the project, as one reads them in the repository. On the site each of
these files is a page too: source/PATH. Markdown is taken as it is, notebooks and programs become Markdown, and links are
turned to where the pages are now. A link that leads to no file is an error.
"""

import json
import pathlib
import re
import shutil
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
TOOLS = DOCS / "site"  # what makes the site; no pages
PAGES = ROOT / "build" / "docs" / "pages"

FENCE = re.compile(r"(^ *```.*?^ *```)", re.DOTALL | re.MULTILINE)
LINK = re.compile(r"(\]\()([^)\s#]+)((?:#[^)\s]*)?\))")
ELSEWHERE = re.compile(r"[a-z]+:|/")  # an address, or a path of the site
IN_NAVIGATION = re.compile(r"\bsource/(\S+)\.md$", re.MULTILINE)
LANGUAGES = {".c": "c", ".cpp": "cpp", ".hpp": "cpp", ".h": "c", ".go": "go", ".py": "python", ".toml": "toml", ".proto": "protobuf"}


class BrokenLink(Exception):
    pass


def place(path):
    """Where on the site the page of a file of the project is, relative to the site's root."""
    if path.is_relative_to(DOCS):
        return path.relative_to(DOCS)
    inside = pathlib.Path("source") / path.relative_to(ROOT)
    return inside if path.suffix == ".md" else inside.with_name(inside.name + ".md")


def way(start, end):
    """The link from one page of the site to another."""
    common = 0
    while start.parts[common : common + 1] == end.parts[common : common + 1] and common < len(start.parts) - 1:
        common += 1
    return "/".join([".."] * (len(start.parts) - 1 - common) + list(end.parts[common:]))


def fenced(text, language=""):
    """Text as a block of code, whatever fences it holds."""
    ticks = "`" * max([3, *(len(run) + 1 for run in re.findall(r"`+", text))])
    return f"{ticks}{language}\n{text.rstrip()}\n{ticks}\n"


def notebook(path):
    """A notebook with the outputs that it holds."""
    parts = [f"*A notebook: `{path.relative_to(ROOT)}`.*\n"]
    for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
        text = "".join(cell["source"])
        if cell["cell_type"] == "markdown":
            parts.append(text + "\n")
            continue
        parts.append(fenced(text, "python"))
        for output in cell["outputs"]:
            shown = output.get("text") or output.get("data", {}).get("text/plain", [])
            parts.append(fenced("".join(shown), "text"))
    return "\n".join(parts)


def as_markdown(path):
    if path.suffix == ".ipynb":
        return notebook(path)
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".md":
        return text
    return f"# {path.relative_to(ROOT)}\n\n{fenced(text, LANGUAGES.get(path.suffix, ''))}"


def target(page, link):
    """The file that a link of a page leads to. A folder: its README."""
    found = (page.parent / link).resolve()
    if found.is_dir():
        found /= "README.md"
    if not found.is_relative_to(ROOT) or not found.is_file():
        raise BrokenLink(f"{page.relative_to(ROOT)}: the link to {link} leads to no file of the project")
    return found


def turned(page, text, found):
    """The text with its links turned to the pages of the site; what they lead to is added to `found`."""

    def turn(match):
        if ELSEWHERE.match(match[2]):
            return match[0]
        file = target(page, match[2])
        found.append(file)
        return match[1] + way(place(page), place(file)) + match[3]

    parts = FENCE.split(text)
    parts[::2] = [LINK.sub(turn, part) for part in parts[::2]]
    return "".join(parts)


def write():
    if PAGES.exists():
        shutil.rmtree(PAGES)
    navigation = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    named = (ROOT / name for name in IN_NAVIGATION.findall(navigation))
    waiting = [path for path in DOCS.rglob("*") if path.is_file() and not path.is_relative_to(TOOLS)]
    waiting += [path if path.is_file() else path.with_name(path.name + ".md") for path in named]
    done = set()
    while waiting:
        path = waiting.pop()
        if path in done:
            continue
        done.add(path)
        out = PAGES / place(path)
        out.parent.mkdir(parents=True, exist_ok=True)
        if path.is_relative_to(DOCS) and path.suffix != ".md":
            shutil.copyfile(path, out)
        else:
            out.write_text(turned(path, as_markdown(path), waiting), encoding="utf-8")
    shutil.copytree(TOOLS / "assets", PAGES / "assets")
    return len(done)


if __name__ == "__main__":
    try:
        print(f"{write()} pages and pictures in {PAGES.relative_to(ROOT)}")
    except BrokenLink as problem:
        sys.exit(str(problem))
