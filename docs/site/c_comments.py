#!/usr/bin/env python3
"""A filter for doxygen, which takes notice of `/**` only: the comments of maxdot.h as it wants them, other files as they are."""

import re
import sys

HEADING = re.compile(r"^/\* -+ (.*?) -+ \*/$", re.MULTILINE)
BEHIND = re.compile(r"(\S[ \t]+)/\*(?=[ \n])")  # what is documented stands before the comment
BEFORE = re.compile(r"^([ \t]*)/\*(?=[ \n])", re.MULTILINE)


def documented(text):
    text = HEADING.sub(r"// \1", text)
    head, rest = text.split("*/", 1)  # what the file is about
    rest = BEFORE.sub(r"\1/**", BEHIND.sub(r"\1/**<", rest))
    return head.replace("/*", "/** @file\n *", 1) + "*/" + rest


if __name__ == "__main__":
    path = sys.argv[1]
    with open(path, encoding="utf-8") as file:
        code = file.read()
    sys.stdout.write(documented(code) if path.endswith("maxdot.h") else code)
