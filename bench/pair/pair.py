#!/usr/bin/env python3
"""The searches of two commits beside each other: both sides alive, asked in turn, medians of ratios.

    python3 bench/pair/pair.py OLD [NEW]        NEW: the working tree unless a commit is named
    python3 bench/pair/pair.py HEAD~1 --data gaussian --rounds 9

A ratio above 1 means that NEW is faster. Builds both libraries below build/pair (a minute or two).
Where a process's memory lies can change a row by several percent, so each side has several
processes, asked in random order. "apart": how much the processes of one side differ among
themselves, the larger of both sides; a ratio nearer to 1 than that says nothing.
"""

import argparse
import json
import math
import os
import pathlib
import random
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
    if commit is not None:  # by its hash: a name stands for another commit tomorrow
        commit = subprocess.check_output(["git", "rev-parse", "--short", commit], cwd=ROOT, text=True).strip()
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


def apart(times):
    """How far the fastest and the slowest process of a side are apart, as a part of the time."""
    each = [statistics.median(of_process) for of_process in zip(*times)]
    return max(each) / min(each) - 1


def measure(old, new, row, rounds):
    """`old`, `new`: the processes of each side."""
    processes = old + new
    for process in processes:
        process.seconds(row)  # warm
    times = []
    for _ in range(rounds):
        order = list(range(len(processes)))
        random.shuffle(order)
        found = {number: processes[number].seconds(row) for number in order}
        times.append([found[number] for number in range(len(processes))])
    before = [t[: len(old)] for t in times]
    after = [t[len(old) :] for t in times]
    ratio = statistics.median(statistics.mean(b) / statistics.mean(a) for b, a in zip(before, after))
    middle = [statistics.median(statistics.mean(t) for t in side) for side in (before, after)]
    return {"ratio": ratio, "old_ms": middle[0] * 1e3, "new_ms": middle[1] * 1e3, "apart": max(apart(before), apart(after))}


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
    parser.add_argument("--processes", type=int, default=2, help="of each side; default 2")
    parser.add_argument("--json", type=pathlib.Path, help="write the figures here, too")
    options = parser.parse_args()
    workers = build(options.old), build(options.new)
    print(f"{processor()}, {os.cpu_count()} cores; ratios above 1: new is faster")
    logs, figures = [], []
    for data in options.data or list(ROWS):
        sides = [[Side(worker, data) for _ in range(options.processes)] for worker in workers]
        for row in ROWS.get(data, SEARCHES + VARIANTS):
            figure = {"data": data, "row": row, **measure(*sides, row, options.rounds)}
            logs.append(math.log(figure["ratio"]))
            figures.append(figure)
            name = "{} {} queries, k = {}, {} threads".format(*row)
            print(
                f"{pathlib.Path(data).stem:16} {name:38} {figure['old_ms']:10.3f} {figure['new_ms']:10.3f} ms "
                f"{figure['ratio']:7.3f}  apart {figure['apart']:.3f}",
                flush=True,
            )
        for process in sides[0] + sides[1]:
            process.close()
    print(f"geometric mean {math.exp(sum(logs) / len(logs)):.3f}, lowest {math.exp(min(logs)):.3f}, {len(logs)} rows")
    if options.json:
        options.json.write_text(json.dumps({"processor": processor(), "rows": figures}, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
