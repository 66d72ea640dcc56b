#!/usr/bin/env python3
"""How time and memory grow with the catalogue: 1, 3 and 10 million Gaussian float16 rows of 128 dimensions.

Prints for each size the time of one query and of a batch, for each item, and as a ratio to the first size; and what the
index takes beside the rows: bytes for each item, of which one for each dimension are codes.

Example:
  python bench/growth.py --sizes 1000000 10000000 --json growth.json
"""

import argparse
import json
import statistics
import time

import maxdot
import numpy as np

DIMENSION = 128
QUERIES = 256
BLOCK = 250_000  # rows that are made at a time


def rows_of(count):
    """Unit rows in float16; smaller sizes are prefixes of larger ones."""
    rng = np.random.default_rng(1)
    rows = np.empty((count, DIMENSION), np.float16)
    for first in range(0, count, BLOCK):
        block = rng.standard_normal((BLOCK, DIMENSION), dtype=np.float32)
        block /= np.linalg.norm(block, axis=1, keepdims=True)
        rows[first : first + BLOCK] = block[: count - first]
    return rows


def seconds(call):
    begin = time.perf_counter()
    call()
    return time.perf_counter() - begin


def measure(count, queries, k, rounds):
    index = maxdot.Index.build(rows_of(count), metric="dot")
    row = {"items": count, "bytes_beside_rows": (index.nbytes - 2 * DIMENSION * count) / count}
    for batch in (1, QUERIES):
        times = []
        for step in range(rounds + 1):  # the first is not counted
            asked = queries[(step * batch) % QUERIES :][:batch]
            times.append(seconds(lambda asked=asked: index.search(asked, k, threads=1)))
        row[f"ns_{batch}"] = 1e9 * statistics.median(times[1:]) / count / batch
    return row


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=[1_000_000, 3_000_000, 10_000_000], metavar="N")
    parser.add_argument("-k", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--json", help="write the rows to this file")
    options = parser.parse_args()
    if min(options.sizes) < 1 or options.k < 1 or options.rounds < 1:
        parser.error("sizes, k and rounds must be at least 1")
    queries = np.random.default_rng(2).standard_normal((QUERIES, DIMENSION), dtype=np.float32)
    print(f"{DIMENSION} dimensions, float16 rows, k = {options.k}, one thread, kernels {maxdot.kernel_name()}")
    print(f"     items  1 query: ns an item  ratio  {QUERIES} queries: ns an item and query  ratio  bytes an item beside rows")
    rows = []
    for count in options.sizes:
        rows.append(measure(count, queries, options.k, options.rounds))
        first, now = rows[0], rows[-1]
        many = f"ns_{QUERIES}"
        print(f"{count:10,} {now['ns_1']:20.3f} {now['ns_1'] / first['ns_1']:6.2f} {now[many]:36.4f} "
              f"{now[many] / first[many]:6.2f} {now['bytes_beside_rows']:26.1f}", flush=True)
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump({"dimension": DIMENSION, "kernels": maxdot.kernel_name(), "rows": rows}, file, indent=1)


if __name__ == "__main__":
    main()
