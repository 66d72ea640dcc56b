#!/usr/bin/env python3
"""Writes docs/command.md from what the command says of itself: command_page.py MAXDOT. With --check: is it still so?"""

import argparse
import pathlib
import re
import subprocess
import sys

PAGE = pathlib.Path(__file__).resolve().parents[1] / "command.md"
HEAD = """# The command

`maxdot` builds, searches and checks index files, scores files of users and measures models, without Python code. `pip install` brings it,
and `make build` in the checkout builds it, too (`build/release/bin/maxdot`). Every sub-command has `--help`, with an example, and `--json`, which prints one JSON document on stdout.
[Exit codes](errors.md#exit-codes-of-the-commands) are those of all of them. The [server](serving.md#the-server) and
[`python -m maxdot.batch`](batch.md) are programs of their own.

This page is what `maxdot SUB-COMMAND --help` says, written by `docs/site/command_page.py`.
"""
COMMAND = re.compile(r"^  ([a-z-]+) +(\S.*)$", re.MULTILINE)
EXIT_CODES = re.compile(r"\nExit codes:\n.*", re.DOTALL)  # the same in all


def told(*command):
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def commands(help_text):
    listed = help_text.split("Subcommands:\n", 1)[1].split("\n\n", 1)[0]
    return [name for name, _ in COMMAND.findall(listed)]


def page(maxdot):
    whole = told(maxdot, "--help")
    parts = [HEAD, f"```text\n{whole.rstrip()}\n```\n"]
    for name in commands(whole):
        if name == "serve":
            parts.append("## serve\n\nStarts `maxdot-server` with its arguments: [the server](serving.md#the-server).\n")
            continue
        text = EXIT_CODES.sub("", told(maxdot, name, "--help")).rstrip()
        first, rest = text.split("\n", 1)
        parts.append(f"## {name}\n\n{first}.\n\n```text\n{rest.strip()}\n```\n")
    return "\n".join(parts)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("maxdot", help="the command")
    parser.add_argument("--check", action="store_true", help="write nothing; exit status 1 if the page is another")
    asked = parser.parse_args()
    made = page(asked.maxdot)
    if not asked.check:
        PAGE.write_text(made, encoding="utf-8")
    elif made != PAGE.read_text(encoding="utf-8"):
        sys.exit(f"docs/command.md is not what the command says; run: python3 docs/site/command_page.py {asked.maxdot}")


if __name__ == "__main__":
    main()
