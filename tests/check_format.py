#!/usr/bin/env python3
"""Every C++ file that git knows is as clang-format 14 writes it by .clang-format, and no line is longer than it allows.

`make format` formats; lines of comments are broken by hand.
"""

import concurrent.futures
import os
import pathlib
import re
import shutil
import subprocess
import sys

VERSION = "14"  # other versions break lines elsewhere
LIMIT = re.compile(r"^ColumnLimit: (\d+)", re.MULTILINE)


def formatter():
    """The program of the right version, or None."""
    for name in (f"clang-format-{VERSION}", "clang-format"):
        path = shutil.which(name)
        if path is None:
            continue
        told = subprocess.run([path, "--version"], capture_output=True, text=True, check=False).stdout
        found = re.search(r"version (\d+)\.", told)
        if found and found.group(1) == VERSION:
            return path
    return None


def cpp_files(root):
    """What git tracks; in a tree without git, such as a source archive, every file of the folders with code."""
    listed = subprocess.run(["git", "-C", root, "ls-files", "-z", "*.cpp", "*.hpp"], capture_output=True, check=False)
    if listed.returncode == 0 and listed.stdout:
        names = [os.fsdecode(name) for name in listed.stdout.split(b"\0") if name]
        return sorted(name for name in names if (root / name).is_file())
    folders = ("bench", "engine", "examples", "include", "python", "tests", "tools")
    return sorted(str(path.relative_to(root)) for folder in folders for path in (root / folder).rglob("*.[ch]pp"))


def those_that_differ(program, root, names):
    """Some at a time, since a start takes longer than a file."""
    def differ(some):
        told = subprocess.run([program, "--dry-run", "-Werror", "--style=file", *some], cwd=root, capture_output=True, text=True, check=False)
        named = {line.split(":")[0] for line in told.stderr.splitlines() if "[-Wclang-format-violations]" in line}
        assert bool(named) == (told.returncode != 0), told.stderr
        return named

    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as workers:
        wrong = set().union(*workers.map(differ, [names[at::16] for at in range(min(16, len(names)))]))
    return [name for name in names if name in wrong]


def long_lines(root, name, limit):
    """A line without a space to break it at, such as a message or an address, may be longer."""
    for number, line in enumerate((root / name).read_text(encoding="utf-8").splitlines(), 1):
        if len(line) > limit and " " in line.strip().removeprefix("///").removeprefix("//").strip():
            yield f"{name}:{number}: {len(line)} characters; break the line at {limit}"


def main():
    root = pathlib.Path(sys.argv[1]).resolve()
    program = formatter()
    if program is None:
        print(f"clang-format {VERSION} is not installed: install the package clang-format-{VERSION} (`make deps`)")
        return 1
    files = cpp_files(root)
    wrong = those_that_differ(program, root, files)
    for name in wrong:
        print(f"{name}: differs from what clang-format {VERSION} writes")
    limit = int(LIMIT.search((root / ".clang-format").read_text(encoding="utf-8")).group(1))
    too_long = [line for name in files for line in long_lines(root, name, limit)]
    print("".join(f"{line}\n" for line in too_long), end="")
    print(f"{len(files)} files, {len(wrong)} differ" + ("; `make format` formats them" if wrong else ""))
    return 1 if wrong or too_long or len(files) < 20 else 0


if __name__ == "__main__":
    sys.exit(main())
