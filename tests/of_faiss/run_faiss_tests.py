#!/usr/bin/env python3
"""Runs FAISS's own Python tests of flat indexes against maxdot.faiss, from a checkout of FAISS that lies elsewhere.

The list (faiss_tests.txt) says what is expected of each test of CHECKOUT/tests: a line "file::class::test  pass"; or, for
a test that passes and asks maxdot nothing, "helper"; or why it does not apply. A file without a test that applies has one
line. Tests that do not apply run, too, where they stand beside others that do: if one passes, the list is wrong.

Exit code 1: a test that should pass does not, one that was left out passes, the list names a test that is not there, or
a test is there that the list does not name.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import pytest
import stand_in

LIST = Path(__file__).with_name("faiss_tests.txt")
PASS, HELPER = "pass", "helper"


class Observer:
    """What became of each test: PASS, or why not, in a few words."""

    def __init__(self) -> None:
        self.found: dict[str, str] = {}
        self.details: dict[str, str] = {}

    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        stand_in.touched.clear()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        name = plain_name(report.nodeid)
        if not report.passed:
            self.found[name] = f"{report.outcome}: {reason(report)}"
            self.details[name] = str(report.longrepr)
        elif report.when == "call":
            self.found.setdefault(name, PASS)
        if stand_in.touched:
            self.found[name] = "needs " + stand_in.touched[0]

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            name = plain_name(report.nodeid)
            self.found[name] = "cannot be imported"
            self.details[name] = str(report.longrepr)


def reason(report: pytest.TestReport) -> str:
    """The first line of what a test that did not pass ended with."""
    crash = getattr(report.longrepr, "reprcrash", None)
    message = str(report.longrepr) if crash is None else crash.message
    return message.partition("\n")[0]


def plain_name(node: str) -> str:
    """FAISS's tests add to the name of a class the instruction set; the stand-in has one."""
    file, *rest = node.split("::")
    return "::".join([file.rsplit("/", 1)[-1], *(part.removesuffix("_NONE") for part in rest)])


def read_list(path: Path) -> dict[str, str]:
    expected: dict[str, str] = {}
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        name, _, what = line.partition("  ")
        if not what.strip() or name in expected:
            sys.exit(f"{path}:{number}: {line!r}: write a name, two blanks and what is expected, and each name once")
        expected[name] = what.strip()
    return expected


def complaints(expected: dict[str, str], found: dict[str, str], files: set[str]) -> list[str]:
    """What is not as the list says."""
    listed = {name.split("::")[0] for name in expected}
    wrong = [f"{file}: the list does not name this file" for file in sorted(files - listed)]
    wrong += [f"{file}: is not in the checkout" for file in sorted(listed - files)]
    for name, what in found.items():
        listed_as = expected.get(name, expected.get(name.split("::")[0]))
        if listed_as is None:
            wrong.append(f"{name}: the list does not name it; it was found: {what}")
        elif listed_as in (PASS, HELPER) and what != PASS:
            wrong.append(f"{name}: should pass; it was found: {what}")
        elif listed_as not in (PASS, HELPER) and what == PASS:
            wrong.append(f"{name}: left out ({listed_as}), but it passes")
    wrong += [
        f"{name}: the list names it, but it is not in the checkout"
        for name in expected
        if "::" in name and name not in found and name.split("::")[0] in files
    ]
    return wrong


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkout", type=Path, help="folder of a checkout of FAISS")
    parser.add_argument("--list", type=Path, default=LIST)
    parser.add_argument("--all", action="store_true", help="run the files, too, that have one line in the list")
    parser.add_argument("--found", type=Path, metavar="FILE", help="write what became of each test")
    options = parser.parse_args()
    tests = options.checkout.resolve() / "tests"
    if not (tests / "common_faiss_tests.py").is_file():
        sys.exit(f"{options.checkout}: no checkout of FAISS: tests/common_faiss_tests.py is missing")
    files = {path.name for path in tests.glob("*.py") if "test" in path.name and path.name != "common_faiss_tests.py"}
    expected = read_list(options.list)
    whole = {name for name in expected if "::" not in name}
    chosen = sorted(files if options.all else files - whole)

    sys.dont_write_bytecode = True
    stand_in.install(tests.parent)
    observer = Observer()
    print(f"running {len(chosen)} files of {tests}", flush=True)
    # Without pytest's own report, which would call those failed that do not apply.
    plain = ["-p", "no:terminal", "-p", "no:cacheprovider", "--continue-on-collection-errors", "-c", "/dev/null"]
    pytest.main([*plain, "--rootdir", str(tests), *(str(tests / file) for file in chosen)], plugins=[observer])
    if options.found:
        options.found.write_text("".join(f"{n}  {w}\n" for n, w in observer.found.items()), encoding="utf-8")

    wrong = complaints(expected, observer.found, files)
    for name, details in observer.details.items():
        if expected.get(name) in (PASS, HELPER):
            print(f"\n{name}\n{details}")
    print("", *wrong, sep="\n")
    passed = sum(what == PASS and observer.found.get(name) == PASS for name, what in expected.items())
    helpers = sum(what == HELPER and observer.found.get(name) == PASS for name, what in expected.items())
    left_out = len(expected) - len(whole) - sum(what in (PASS, HELPER) for what in expected.values())
    print(
        f"FAISS's tests of flat indexes: {passed} passed, {left_out} not applicable, {len(wrong)} not as the list says; "
        f"{helpers} more ask maxdot nothing; {len(whole)} files have no test that applies"
    )
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
