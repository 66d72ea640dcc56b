#!/usr/bin/env python3
"""What the documents name is there: files of the project, and the test cases that a claim is `Attacked by`."""

import pathlib
import re
import sys

FOLDERS = ("bench", "docs", "engine", "examples", "include", "python", "tests", "tools")
PATH = re.compile(r"`((?:%s)/[\w./-]*)`" % "|".join(FOLDERS))
LINK = re.compile(r"\]\(([\w./-]+)(?:#[\w-]+)?\)")
# `tests/store/test_x.cpp`, "name of a case", "and of another"
CASES = re.compile(r'`(tests/[\w./-]+\.cpp)`((?:(?:,| and|, and)\s+"[^"]+")+)')
CASE = re.compile(r'"([^"]+)"')
CHANGES = "CHANGELOG.md"  # names what was there


def documents(root):
    skipped = {"build", ".git"}
    for path in sorted(root.rglob("*.md")):
        if not skipped & set(path.relative_to(root).parts) and path.name != CHANGES:
            yield path


def check(root):
    for path in documents(root):
        text = path.read_text(encoding="utf-8")
        name = path.relative_to(root)
        for match in PATH.finditer(text):
            if not (root / match.group(1)).exists():
                yield f"{name}: there is no {match.group(1)}"
        for match in LINK.finditer(text):
            if not (path.parent / match.group(1)).exists():
                yield f"{name}: the link to {match.group(1)} leads nowhere"
        for match in CASES.finditer(text):
            file = root / match.group(1)
            # A name may be broken over lines, in the document and, as adjacent literals, in the test.
            code = " ".join(re.sub(r'"\s*\n\s*"', "", file.read_text(encoding="utf-8")).split()) if file.exists() else ""
            for case in CASE.findall(match.group(2)):
                if " ".join(case.split()) not in code:
                    yield f'{name}: {match.group(1)} has no case "{" ".join(case.split())}"'


def main():
    root = pathlib.Path(sys.argv[1]).resolve()
    problems = list(check(root))
    print("\n".join(problems) or f"{len(list(documents(root)))} documents name nothing that is not there")
    return 1 if problems or not list(documents(root)) else 0


if __name__ == "__main__":
    sys.exit(main())
