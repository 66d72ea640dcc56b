#!/usr/bin/env python3
"""Looks at every link of the built site: the file and the place within it must be there. check_links.py FOLDER

Addresses elsewhere are listed, not fetched. A page may load nothing from elsewhere: no font, script or picture.
"""

import collections
import pathlib
import sys
from html.parser import HTMLParser
from urllib.parse import unquote, urlsplit

LOADED = {("img", "src"), ("script", "src"), ("link", "href"), ("iframe", "src"), ("source", "src")}
NOT_LOADED = {"canonical", "next", "prev", "alternate"}  # of <link>


class Page(HTMLParser):
    """The links of a page, what it loads, and the names of its places."""

    def __init__(self, text):
        super().__init__()
        self.links, self.loaded, self.places = set(), set(), set()
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        self.places |= {given[name] for name in ("id", "name") if given.get(name)}
        for name in ("href", "src"):
            if not given.get(name) or (tag == "link" and given.get("rel") in NOT_LOADED):
                continue
            self.links.add(given[name])
            if (tag, name) in LOADED:
                self.loaded.add(given[name])


def check(site):
    """Yields what is wrong; returns the addresses elsewhere with how many pages name them."""
    pages = {path: Page(path.read_text(encoding="utf-8")) for path in sorted(site.rglob("*.html"))}
    elsewhere = collections.Counter()
    for path, page in pages.items():
        name = path.relative_to(site)
        for link in sorted(page.links):
            parts = urlsplit(link)
            if parts.scheme in ("data", "mailto", "javascript"):
                continue
            if parts.scheme or parts.netloc:
                elsewhere[link] += 1
                if link in page.loaded:
                    yield f"{name}: loads {link}"
                continue
            inside = unquote(parts.path)
            file = path if not inside else (site / inside.lstrip("/") if inside.startswith("/") else path.parent / inside).resolve()
            if file.is_dir():
                file /= "index.html"
            if not file.is_file():
                yield f"{name}: {link} leads to no file"
            elif parts.fragment and file in pages and unquote(parts.fragment) not in pages[file].places:
                yield f"{name}: {link} names no place of {file.relative_to(site)}"
    if not pages:
        yield f"{site}: there is no page"
    return pages, elsewhere


def main():
    site = pathlib.Path(sys.argv[1]).resolve()
    problems, looking = [], check(site)
    while True:
        try:
            problems.append(next(looking))
        except StopIteration as done:
            pages, elsewhere = done.value
            break
    print("\n".join(problems) or f"{len(pages)} pages, {sum(len(page.links) for page in pages.values())} links: each leads somewhere")
    print(f"{len(elsewhere)} addresses elsewhere, not looked at:")
    print("\n".join(f"  {address}" for address in sorted(elsewhere)))
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
