#!/usr/bin/env python3
"""Many Python threads that ask a query at a time each, as in a server: maxdot beside FAISS IndexFlatIP.

Each line is measured in a process of its own, so none finds the threads and memory of another. The sides of a number of
callers are alive at once and asked in turn; medians over the rounds. `1`: maxdot with threads=1 in every call, FAISS after
omp_set_num_threads(1); `default`: both as they come. "threads" are those of the whole process, callers and Python's own
included; "RSS MB" is what the searches have added to the memory of the process since its index was built; "wrong" counts
positions of some answers that differ from 64-bit arithmetic.

Example:
  python bench/peers/callers.py --json callers.json
  python bench/peers/callers.py --items 20000 --seconds 1 --rounds 1      # whether it runs
"""

import argparse
import json
import pathlib
import random
import statistics
import sys
import time

import datasets
import maxdot
import measure
import numpy as np

HERE = pathlib.Path(__file__).resolve().parent
SIDES = [
    ("maxdot", "1"),
    ("maxdot", "default"),
    ("maxdot Batcher", "default"),
    ("FAISS IndexFlatIP", "1"),
    ("FAISS IndexFlatIP", "default"),
    ("hnswlib BFIndex", "1"),
]
GRAPH = ("hnswlib HNSW", "1")
CHECKED = 32


class Failed(Exception):
    """A side cannot go on; the message says why."""


class Side(measure.Process):
    """Process of bench/peers with caller.py in it."""

    script = HERE / "caller.py"

    def __init__(self, name, setting, log):
        self.setting = setting
        cores = maxdot.available_threads()
        super().__init__(name, 1 if setting == "1" else cores, log)
        # 0 is maxdot's default; OpenMP's is every core.
        self.threads = 1 if setting == "1" else 0 if name == "maxdot" else cores
        self._check()

    def ask(self, do, **arguments):
        reply = super().ask(do, **arguments)
        self._check()
        return reply

    def _check(self):
        if self.error:
            raise Failed(f"{self.name}, {self.setting}: {self.error}")


def wrong_positions(side, items, queries, k, folder):
    """Of the answers of some queries, asked at once."""
    path = folder / "callers-answer.npy"
    side.ask("answer", count=CHECKED, k=k, out=str(path))
    return maxdot.verify(np.load(items, mmap_mode="r"), np.load(queries)[:CHECKED], np.load(path), metric="dot").wrong


def measure_callers(callers, files, options, log):
    """A row for each side."""
    sides = []
    try:
        for name, setting in [*SIDES, *([GRAPH] if options.graph else [])]:
            sides.append(Side(name, setting, log))
            sides[-1].ask("build", items=str(files[0]), queries=str(files[1]))
        turns = {side: [] for side in sides}
        order = random.Random(callers)
        for _ in range(options.rounds):
            for side in order.sample(sides, len(sides)):
                time.sleep(measure.PAUSE)
                turns[side].append(
                    side.ask("ask", callers=callers, threads=side.threads, k=options.k, seconds=options.seconds)
                )
        for side, told in turns.items():
            middle = {key: statistics.median(turn[key] for turn in told) for key in ("queries_per_second", "p50", "p99")}
            yield {
                "callers": callers,
                "library": side.name,
                "version": side.version,
                "threads_of_a_call": side.setting,
                **middle,
                "threads": max(turn["threads"] for turn in told),
                "grown": max(turn["grown"] for turn in told),
                "wrong": wrong_positions(side, *files, options.k, options.out),
            }
    finally:
        for side in sides:
            side.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default="gaussian", help="an .npy file of embeddings instead of Gaussian unit rows")
    parser.add_argument("--items", type=int, default=500_000)
    parser.add_argument("--dimension", type=int, default=128, help="of Gaussian rows")
    parser.add_argument("-k", type=int, default=10)
    parser.add_argument("--callers", type=int, nargs="+", default=[1, 2, 16, 64], metavar="N")
    parser.add_argument("--seconds", type=float, default=3.0, help="of a turn")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path("build/bench-callers"), help="folder for the data")
    parser.add_argument("--graph", action="store_true", help="hnswlib's graph, too, which is approximate and takes minutes to build")
    parser.add_argument("--json", help="write the rows to this file")
    options = parser.parse_args()
    if min(options.items, options.dimension, options.k, options.rounds, *options.callers) < 1 or not options.seconds > 0:
        parser.error("items, dimension, k, callers, seconds and rounds must be above 0")
    options.out.mkdir(parents=True, exist_ok=True)
    shape = [options.items, options.dimension]
    if options.data != "gaussian":
        rows, dimension = np.load(options.data, mmap_mode="r").shape
        shape = [min(options.items, rows), dimension]
    files = datasets.make(options.out, options.data, *shape)
    print(f"{shape[0]:,} x {shape[1]}, k = {options.k}, maxdot kernels {maxdot.kernel_name()}, {maxdot.available_threads()} cores")
    print("callers  library            threads of a call  queries/s    p50 ms    p99 ms  threads   RSS MB  wrong")
    rows = []
    with (options.out / "callers.log").open("w") as log:
        for callers in options.callers:
            try:
                for row in measure_callers(callers, files, options, log):
                    rows.append(row)
                    print(f"{callers:7}  {row['library']:18} {row['threads_of_a_call']:>17} {row['queries_per_second']:10.0f} "
                          f"{1e3 * row['p50']:9.2f} {1e3 * row['p99']:9.2f} {row['threads']:8} {row['grown'] / 1e6:8.1f} "
                          f"{row['wrong']:6}", flush=True)
            except Failed as failed:
                print(f"{callers:7}  {failed}", file=sys.stderr)
                return 1
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump({"data": pathlib.Path(options.data).stem, "shape": shape, "k": options.k,
                       "kernels": maxdot.kernel_name(), "cores": maxdot.available_threads(), "rows": rows}, file, indent=1)
    return 0


if __name__ == "__main__":
    sys.exit(main())
