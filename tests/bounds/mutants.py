#!/usr/bin/env python3
"""Changes the bounds, one place at a time, and asks that a test fails for each change.

Every mutant (mutate.py) of the files below is in one program with the tests of tests/bounds. It is run once for each: first the tests of
margins, then the attacks if those do not notice. A mutant that no test kills must stand in equivalent.py with the reason why it
changes nothing that matters; one that stands there and is killed is an error, too.

usage: mutants.py BUILD [--jobs N] [--only TEXT] [--out FOLDER]
BUILD holds engine/libmaxdot.a. Example: mutants.py build/dev --only norm_limit
"""

import argparse
import collections
import concurrent.futures
import functools
import json
import os
import pathlib
import subprocess
import sys
import time

from equivalent import EQUIVALENT
from mutate import mutants_of, switched

ROOT = pathlib.Path(__file__).resolve().parents[2]
FILES = ("base/rounding.hpp", "bounds/code_bound.hpp", "bounds/f32_bound.cpp", "bounds/f32_bound.hpp", "bounds/norm_limit.hpp",
         "bounds/prepared_queries.cpp", "bounds/query_codes.cpp", "bounds/query_codes.hpp", "kernels/code_limits.hpp",
         "search/query_state.hpp", "store/quantize.cpp")
#: Sizes of memory, and how work is divided among threads.
LEFT_OUT = {"reserve", "bytes", "prepare"}
TESTS = ("test_code_margins.cpp", "test_query_margins.cpp", "test_f32_margins.cpp", "test_code_bound.cpp", "test_f32_screen.cpp")
COMPILER = os.environ.get("CXX", "g++")
#: A mutant that turns what is no number into an integer fails.
FLAGS = ["-std=c++20", "-O1", "-ffp-contract=off", "-w", "-fopenmp", "-fsanitize=float-cast-overflow", "-fno-sanitize-recover"]
#: The tests of margins are quick, so they come first.
PARTS = {"margins": "-tc=margins:*", "attacks": "-tce=margins:*"}
#: What takes so many times as long as without a mutant, and so many seconds, does not end.
PATIENCE, LEAST_PATIENCE = 30, 60
NUMBER = """#include <cstdlib>
#include <type_traits>
inline const int mutant = std::getenv("MAXDOT_MUTANT") == nullptr ? 0 : std::atoi(std::getenv("MAXDOT_MUTANT"));
"""


ENDLESS = "it does not end"


def run(command, **options):
    return subprocess.run([str(word) for word in command], capture_output=True, text=True, errors="replace", **options)


def build_program(mutants, library, place, jobs):
    """Compiles the tests with all mutants; the number of a mutant is its place in the list, from 1."""
    overlay = place / "engine"
    for file in FILES:
        here = [(number, mutant) for number, mutant in enumerate(mutants, 1) if mutant.file == file]
        (overlay / file).parent.mkdir(parents=True, exist_ok=True)
        (overlay / file).write_text(switched(ROOT / "engine" / file, here))
    (place / "mutant.hpp").write_text(NUMBER)
    includes = [f"-I{folder}" for folder in (overlay, ROOT / "engine", ROOT / "include", ROOT / "tests")]
    sources = [*(overlay / file for file in FILES if file.endswith(".cpp")), *(ROOT / "tests/bounds" / name for name in TESTS),
               ROOT / "tests/test_main.cpp", ROOT / "tests/support.cpp"]
    objects = [place / f"{source.stem}.o" for source in sources]

    def compiled(source, to):
        return run([COMPILER, *FLAGS, "-include", place / "mutant.hpp", *includes, "-c", source, "-o", to])

    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        for done in pool.map(compiled, sources, objects):
            if done.returncode != 0:
                raise SystemExit(done.stderr[:3000])
    done = run([COMPILER, *objects, library, *FLAGS, "-lxxhash", "-lpthread", "-o", place / "tests"])
    if done.returncode != 0:
        raise SystemExit(done.stderr[:3000])
    return place / "tests"


def killer(program, patience, number):
    """(the test case that fails first with this mutant, the part it belongs to); (None, "") if all pass. `patience`: [seconds] of a part."""
    for part, which in PARTS.items():
        try:
            done = run([program, "-aa=1", "-nc=true", which], timeout=patience[part],
                       env={**os.environ, "MAXDOT_MUTANT": str(number)})
        except subprocess.TimeoutExpired:
            return ENDLESS, part
        if done.returncode != 0:
            cases = [line.removeprefix("TEST CASE:").strip() for line in done.stdout.splitlines() if line.startswith("TEST CASE:")]
            return (cases[0] if cases else f"exit code {done.returncode}"), part
    return None, ""


def parser_arguments():
    builtin = run(["clang-14", "-print-resource-dir"]).stdout.strip()
    return ["-x", "c++", "-std=c++20", f"-I{ROOT / 'engine'}", f"-I{ROOT / 'include'}", "-resource-dir", builtin]


def write_report(place, rows, equivalent, seconds):
    """Returns the number of mutants that live without a reason, or are killed in spite of one."""
    counts = collections.Counter(row["state"] for row in rows)
    lines = ["# Mutants of the bounds", "", f"{len(rows)} mutants in {seconds:.0f} s: {counts['killed']} killed, "
             f"{counts['equivalent']} equivalent (below, with the reason), "
             f"{sum(row['killed_by'] == ENDLESS for row in rows)} of the killed do not end, **{counts['LIVES']} that live**, {counts['not equivalent']} wrongly called equivalent.", "",
             "| file | mutants | by tests of margins | by attacks | equivalent |", "|---|---|---|---|---|"]
    for file in FILES:
        here = [row for row in rows if row["file"] == file]
        if here:
            by = collections.Counter(row["part"] for row in here)
            same = sum(row["state"] == "equivalent" for row in here)
            lines.append(f"| {file} | {len(here)} | {by['margins']} | {by['attacks']} | {same} |")
    lines += ["", "| mutant | state | killed by, or why it is equivalent |", "|---|---|---|"]
    for row in rows:
        cell = row["mutant"].replace("|", "\\|").replace("\n", " ")
        lines.append(f"| `{cell}` | {row['state']} | {(row['killed_by'] or row['reason']).replace('|', '/')} |")
    (place / "report.md").write_text("\n".join(lines) + "\n")
    (place / "report.json").write_text(json.dumps(rows, indent=1) + "\n")
    print("\n".join(lines[:3]))
    unused = [key for key in equivalent if key not in {row["key"] for row in rows}]
    return counts["LIVES"] + counts["not equivalent"], unused


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--only", default="", help="mutants whose file or text has this")
    parser.add_argument("--out", type=pathlib.Path, default=ROOT / "build" / "mutants")
    options = parser.parse_args()
    begin = time.monotonic()
    mutants = [mutant for file in FILES for mutant in mutants_of(ROOT / "engine" / file, file, parser_arguments())
               if mutant.function not in LEFT_OUT and options.only in str(mutant)]
    place = options.out.resolve()
    program = build_program(mutants, options.build.resolve() / "engine" / "libmaxdot.a", place, options.jobs)
    patience = {}
    for part, which in PARTS.items():
        started = time.monotonic()
        if run([program, "-nc=true", which]).returncode != 0:
            raise SystemExit(f"{part} fail without any mutant")
        patience[part] = max(LEAST_PATIENCE, PATIENCE * (time.monotonic() - started))
    rows = []
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        trials = pool.map(functools.partial(killer, program, patience), range(1, len(mutants) + 1))
        for mutant, (by, part) in zip(mutants, trials):
            key = f"{mutant.file} {mutant.function}: {mutant.before} -> {mutant.after}"
            reason = EQUIVALENT.get(key, "")
            state = ("not equivalent" if reason else "killed") if by else "equivalent" if reason else "LIVES"
            rows.append({"mutant": str(mutant), "key": key, "file": mutant.file, "state": state, "part": part,
                         "killed_by": by, "reason": reason})
            if state in ("LIVES", "not equivalent") or sys.stderr.isatty():
                print(f"{len(rows)} of {len(mutants)} {state}: {key}", file=sys.stderr, flush=True)
    bad, unused = write_report(place, rows, EQUIVALENT, time.monotonic() - begin)
    if not options.only:
        for key in unused:
            print(f"equivalent.py names what is no mutant: {key}")
        bad += len(unused)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
