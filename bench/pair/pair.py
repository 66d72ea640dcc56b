#!/usr/bin/env python3
"""The searches of two commits beside each other: both sides alive, asked in turn, medians of ratios.

    python3 bench/pair/pair.py OLD [NEW]        NEW: the working tree unless a commit is named
    python3 bench/pair/pair.py HEAD~1 --data gaussian --rounds 9

A ratio above 1 means that NEW is faster. Builds both libraries below build/pair (a minute or two).
"""

import argparse
import json
import math
import os
import pathlib
import statistics
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
SEARCHES = [("search", q, k, t) for q in (1, 16, 256, 2048) for k in (10, 100, 1000) for t in (1, 2)]
VARIANTS = [
    (kind, q, k, t)
    for kind, q, k in (
        ("exclude", 1024, 10),
        ("exclude", 1024, 100),
        ("mask", 1024, 10),
        ("mask", 1024, 100),
        ("allow", 1024, 10),
        ("multi", 1024, 10),
        ("range", 256, 10),
        ("range", 16, 100),
    )
    for t in (1, 2)
]
WORST = [("search", q, k, 1) for q in (1, 16, 256) for k in (10, 1000)]
ROWS = {
    "gaussian": SEARCHES,
    "clustered": SEARCHES,
    "one-cluster": WORST,
    "tight-cluster": WORST,
    "duplicates": WORST,
    "constant": WORST,
}


def run(*command, cwd=ROOT):
    subprocess.run(command, cwd=cwd, check=True, stdout=subprocess.DEVNULL)


def build(commit):
    """Returns the worker that uses the library of `commit`; None: of the working tree."""
    folder = ROOT / "build" / "pair" / (commit or "tree")
    source = ROOT
    if commit is not None:
        source = folder / "source"
        if not source.exists():
            folder.mkdir(parents=True, exist_ok=True)
            run("git", "worktree", "prune")
            run("git", "worktree", "add", "--force", "--detach", source, commit)
    off = [f"-DMAXDOT_BUILD_{part}=OFF" for part in ("TESTS", "BENCH", "TOOLS")]
    run("cmake", "-G", "Ninja", "-S", source, "-B", folder / "library", "-DCMAKE_BUILD_TYPE=Release", *off)
    run("cmake", "--build", folder / "library")
    worker = folder / "worker"
    library = folder / "library" / "engine" / "libmaxdot.a"
    compiler = os.environ.get("CXX", "c++")
    flags = ["-O2", "-std=c++20", "-fopenmp", f"-I{source / 'include'}"]
    run(compiler, *flags, ROOT / "bench" / "pair" / "worker.cpp", library, "-lxxhash", "-o", worker)
    return worker


class Side:
    def __init__(self, worker, data):
        environment = os.environ | {"OMP_WAIT_POLICY": "PASSIVE"}
        pipe = subprocess.PIPE
        self.process = subprocess.Popen([worker, data], stdin=pipe, stdout=pipe, text=True, env=environment)
        if self.process.stdout.readline().strip() != "ready":
            sys.exit(f"{worker}: ended before it was ready")

    def seconds(self, row):
        print(*row, file=self.process.stdin, flush=True)
        return float(self.process.stdout.readline())

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def measure(old, new, row, rounds):
    old.seconds(row), new.seconds(row)  # warm
    times = []
    for number in range(rounds):
        first, second = (old, new) if number % 2 == 0 else (new, old)
        one, other = first.seconds(row), second.seconds(row)
        times.append((one, other) if first is old else (other, one))
    ratio = statistics.median(before / after for before, after in times)
    return ratio, statistics.median(t[0] for t in times), statistics.median(t[1] for t in times)


def processor():
    for line in pathlib.Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return "unknown processor"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("old")
    parser.add_argument("new", nargs="?")
    parser.add_argument("--data", action="append", help=f"{', '.join(ROWS)}, or a .npy file; default: all of them")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", type=pathlib.Path, help="write the figures here, too")
    options = parser.parse_args()
    workers = build(options.old), build(options.new)
    print(f"{processor()}, {os.cpu_count()} cores; ratios above 1: new is faster")
    logs, figures = [], []
    for data in options.data or list(ROWS):
        sides = Side(workers[0], data), Side(workers[1], data)
        for row in ROWS.get(data, SEARCHES + VARIANTS):
            ratio, before, after = measure(*sides, row, options.rounds)
            logs.append(math.log(ratio))
            figures.append({"data": data, "row": row, "old_ms": before * 1e3, "new_ms": after * 1e3, "ratio": ratio})
            name = "{} {} queries, k = {}, {} threads".format(*row)
            print(f"{pathlib.Path(data).stem:16} {name:38} {before * 1e3:10.3f} {after * 1e3:10.3f} ms {ratio:7.3f}", flush=True)
        for side in sides:
            side.close()
    print(f"geometric mean {math.exp(sum(logs) / len(logs)):.3f}, lowest {math.exp(min(logs)):.3f}, {len(logs)} rows")
    if options.json:
        options.json.write_text(json.dumps({"processor": processor(), "rows": figures}, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
