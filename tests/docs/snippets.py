#!/usr/bin/env python3
"""Runs the code of a page, block after block, as a reader would, and compares what it prints with what the page says.

    python tests/docs/snippets.py docs/start.md            # what differs
    python tests/docs/snippets.py --write docs/start.md    # write what was printed into the page

What a block is, its first line says:

    ```python                  runs, after the blocks of Python before it
    ```sh                      runs in bash, in the same folder
    ```python title="a.py"     is written to that file, as is one of any other language
    ```text                    is what the block before it prints (on stdout), to the letter
    ```text title="..."        is about that: numbers may differ, everything else may not

A comment before a block keeps it from being run: `<!-- not run: why -->`, or names the variable of the environment without
which it is not: `<!-- needs MAXDOT_BIN -->`. `<!-- run first` begins a block of Python that readers do not see. The number
8400 is a port: a free one takes its place.
"""

import argparse
import ast
import asyncio
import contextlib
import difflib
import gc
import inspect
import io
import os
import pathlib
import re
import signal
import socket
import subprocess
import sys
import tempfile
import traceback
from dataclasses import dataclass, replace

ROOT = pathlib.Path(__file__).resolve().parents[2]
# Blocks at the left edge alone: one within a list, or of four ticks, is no code of this kind.
BLOCK = re.compile(
    r"^<!-- run first\n(?P<hidden>.*?)^-->$"
    r"|^(?:<!-- (?P<note>not run: .*?|needs \w+) -->\n+)?^```(?P<language>\w+)(?: title=\"(?P<title>[^\"]*)\")?\n(?P<code>.*?)^```$",
    re.DOTALL | re.MULTILINE,
)
NUMBER = re.compile(r"-?\d[\d,]*(?:\.\d+)?(?:e-?\d+)?")
RUN = ("python", "sh")


@dataclass(frozen=True)
class Block:
    language: str  # "hidden": Python that readers do not see
    title: str | None
    code: str
    note: str | None  # why it is not run, or what it needs
    line: int
    start: int  # of the code within the page
    end: int

    @property
    def is_run(self):
        if self.note is None:
            return True
        return self.note.startswith("needs ") and self.note.split()[1] in os.environ


def blocks(text):
    found = []
    for match in BLOCK.finditer(text):
        hidden = match["hidden"] is not None
        group = "hidden" if hidden else "code"
        language = "hidden" if hidden else match["language"]
        line = text.count("\n", 0, match.start(group)) + 1
        found.append(Block(language, match["title"], match[group], match["note"], line, match.start(group), match.end(group)))
    return found


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return str(probe.getsockname()[1])


async def _end_of(awaitable):
    return await awaitable


class Reader:
    """A folder, a shell and a Python of somebody who follows a page."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.names = {"__name__": "__main__"}
        self.port = free_port()
        self.started = []
        # The package and its command as the reader has them: those of the Python that runs this.
        path = os.pathsep.join([str(pathlib.Path(sys.executable).parent), os.environ.get("PATH", "")])
        if "MAXDOT_BIN" in os.environ:
            path = os.pathsep.join([str(pathlib.Path(os.environ["MAXDOT_BIN"]).parent), path])
        self.environment = {**os.environ, "PATH": path, "PYTHONUNBUFFERED": "1", "COLUMNS": "100"}
        if "MAXDOT_PREFIX" in os.environ:
            self._installed(pathlib.Path(os.environ["MAXDOT_PREFIX"]))
        (self.folder / "examples").symlink_to(ROOT / "examples")

    def _installed(self, prefix):
        """The libraries of an installation are found as those of /usr/local would be."""
        libraries = next(prefix.glob("**/libmaxdot.so")).parent
        self.environment["PATH"] = f"{prefix / 'bin'}{os.pathsep}{self.environment['PATH']}"
        self.environment["PKG_CONFIG_PATH"] = str(libraries / "pkgconfig")
        self.environment["LD_LIBRARY_PATH"] = str(libraries)
        self.environment["CMAKE_PREFIX_PATH"] = str(prefix)

    def do(self, block):
        """Follows a block. Returns what it printed. Raises AssertionError: it failed."""
        code = block.code.replace("8400", self.port).replace("/path/to/checkout", str(ROOT))
        if block.title is not None:
            (self.folder / block.title).write_text(code, encoding="utf-8")
            return ""
        if block.language == "sh":
            return self._shell(code, block.line).replace(self.port, "8400")
        return self._python(code, block.line).replace(self.port, "8400")

    def _python(self, code, line):
        printed = io.StringIO()
        before = os.getcwd()
        try:
            os.chdir(self.folder)
            with contextlib.redirect_stdout(printed):
                flags = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
                done = eval(compile("\n" * (line - 1) + code, "page", "exec", flags), self.names)
                if inspect.isawaitable(done):
                    asyncio.run(_end_of(done))
        except Exception as error:
            raise AssertionError(f"line {line}: {''.join(traceback.format_exception(error)[-3:])}") from error
        finally:
            os.chdir(before)
        return printed.getvalue()

    def _shell(self, code, line):
        # To a file: what a block has started in the background would keep a pipe open.
        with tempfile.TemporaryFile("w+", encoding="utf-8") as printed, tempfile.TemporaryFile("w+", encoding="utf-8") as told:
            shell = subprocess.Popen(
                ["bash", "-euo", "pipefail", "-c", code],
                cwd=self.folder,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=printed,
                stderr=told,
                start_new_session=True,
            )
            self.started.append(shell.pid)
            status = shell.wait()
            printed.seek(0)
            told.seek(0)
            text, problem = printed.read(), told.read()
        assert status == 0, f"line {line}: exit status {status}\n{text}{problem}"
        return text

    def leave(self):
        """Ends what the page has started in the background, and gives back what it made, as the end of a Python would.
        A LiveIndex that is open has a thread that writes into its folder: it must be closed before that is removed.
        """
        self.names.clear()
        gc.collect()
        for group in self.started:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(group, signal.SIGKILL)


def agrees(block, printed):
    """Whether the page says what was printed."""
    if block.title is None:
        return block.code.rstrip() == printed.rstrip()
    said, came = (NUMBER.sub("#", text).split() for text in (block.code, printed))
    return said == came


def follow(page, write=False):
    """The first thing that is not as the page says, or None. With `write` the page is made to say it."""
    text = page.read_text(encoding="utf-8")
    printed, changes = None, []
    with tempfile.TemporaryDirectory() as folder:
        reader = Reader(folder)
        try:
            for block in blocks(text):
                is_file = block.title is not None and block.language != "text"
                if is_file or block.language in ("hidden", *RUN):
                    printed = reader.do(block) if block.is_run else None
                elif block.language == "text" and printed is not None:
                    if not agrees(block, printed):
                        if not write:
                            shown = "\n".join(difflib.ndiff(block.code.splitlines(), printed.splitlines()))
                            return f"{page.name}, line {block.line}: the page says (-) what is not printed (+)\n{shown}"
                        changes.append(replace(block, code=printed.rstrip() + "\n"))
                    printed = None
        except AssertionError as problem:
            return f"{page.name}, {problem}"
        finally:
            reader.leave()
    for block in reversed(changes):
        text = text[: block.start] + block.code + text[block.end :]
    if changes:
        page.write_text(text, encoding="utf-8")
    return None


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("pages", nargs="+", type=pathlib.Path)
    parser.add_argument("--write", action="store_true", help="write what is printed into the pages")
    asked = parser.parse_args()
    problems = [problem for page in asked.pages if (problem := follow(page, asked.write))]
    print("\n".join(problems) or f"{len(asked.pages)} pages: every block runs and prints what the page says")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
