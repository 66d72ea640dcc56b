"""python -m maxdot.pages REPORT.json -o PAGE.html: the page of what verify or evaluate printed with --json."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence

from maxdot.pages import write_page

IO, BAD_DATA = 3, 4  # as the command's exit codes


def main(arguments: Sequence[str] | None = None) -> int:
    """Makes the page. Returns the exit code: 0, 3 if a file cannot be read or written, 4 if it holds no report."""
    parser = argparse.ArgumentParser(
        prog="python -m maxdot.pages", description="A report of maxdot as a page to look at."
    )
    parser.add_argument("report", help="file with the JSON of maxdot verify or maxdot evaluate; - for standard input")
    parser.add_argument("-o", "--out", required=True, metavar="FILE", help="the page; it needs no other file")
    options = parser.parse_args(arguments)
    try:
        if options.report == "-":
            document = json.load(sys.stdin.buffer)  # UTF-8, whatever the locale
        else:
            with open(options.report, encoding="utf-8") as file:
                document = json.load(file)
        write_page(document, options.out)
    except OSError as error:
        return _fail(IO, f"{error.filename or options.out}: {error.strerror}")
    except RecursionError:
        return _fail(BAD_DATA, f"{options.report}: is nested too deeply; no report of maxdot is")
    except ValueError as error:  # also of json
        return _fail(BAD_DATA, f"{options.report}: {error}")
    return 0


def _fail(code: int, message: str) -> int:
    print(f"maxdot.pages: error: {message}", file=sys.stderr)
    return code


if __name__ == "__main__":
    sys.exit(main())
