#!/usr/bin/env python3
"""maxdot beside FAISS IndexFlatIP in one process, alternating: medians of ratios by queries, k and threads.

FAISS is asked twice: as it comes, and with distance_compute_blas_threshold = 1, which sends every batch to its BLAS (by default
batches of fewer than 20 queries, or of few items, are scanned one query at a time). Some of the answers are checked
against 64-bit arithmetic. OMP_WAIT_POLICY=PASSIVE must be set before the start: FAISS and OpenBLAS are then at their best.

Example:
  OMP_WAIT_POLICY=PASSIVE python bench/peers/faiss_ratios.py gaussian --json ratios.json
"""

import argparse
import json
import statistics
import time

import faiss
import maxdot
import numpy as np

SHAPES = [(1, 10), (1, 100), (16, 10), (16, 100), (256, 10), (256, 100), (2048, 10), (2048, 100), (2048, 1000)]
CHECKED = 32


def unit(rows):
    return (rows / np.linalg.norm(rows.astype(np.float64), axis=1, keepdims=True)).astype(np.float32)


def make(name):
    """Items and 2,048 queries, unit rows."""
    rng = np.random.default_rng(1)
    if name == "gaussian":
        return (unit(rng.standard_normal((1_000_000, 128), dtype=np.float32)),
                unit(rng.standard_normal((2048, 128), dtype=np.float32)))
    if name == "clustered":
        centers = rng.standard_normal((2000, 64), dtype=np.float32)
        near = lambda count: centers[rng.integers(0, 2000, count)] + np.float32(0.5) * rng.standard_normal(
            (count, 64), dtype=np.float32)
        return unit(near(3_000_000)), unit(near(2048))
    rows = unit(np.load(name).astype(np.float32))
    return rows, np.ascontiguousarray(rows[rng.choice(len(rows), min(2048, len(rows)), replace=False)])


def seconds(call):
    begin = time.perf_counter()
    call()
    return time.perf_counter() - begin


def measure(items, queries, shapes, rounds, budget):
    index = maxdot.Index.build(items, metric="dot")
    flat = faiss.IndexFlatIP(items.shape[1])
    flat.add(items)
    default = faiss.cvar.distance_compute_blas_threshold
    for threads in (1, 2):
        faiss.omp_set_num_threads(threads)
        for count, k in shapes:
            times = {"maxdot": [], "faiss": [], "faiss_blas": []}

            def ask(who, asked):
                if who == "maxdot":
                    return seconds(lambda: index.search(asked, k, threads=threads))
                faiss.cvar.distance_compute_blas_threshold = default if who == "faiss" else 1
                return seconds(lambda: flat.search(asked, k))

            spent = 0.0
            for step in range(rounds + 1):  # the first is not counted
                start = step * count % (len(queries) - count + 1)
                for who in times:
                    took = ask(who, queries[start:start + count])
                    spent += took
                    if step:
                        times[who].append(took)
                if step and spent > budget:
                    break
            asked = queries[:min(count, CHECKED)]
            ids, _ = index.search(asked, k, threads=threads)
            wrong = maxdot.verify(items, asked, ids, metric="dot")
            row = {"threads": threads, "queries": count, "k": k, "rounds": len(times["maxdot"]),
                   "wrong": getattr(wrong, "wrong", wrong)}
            for who, measured in times.items():
                row[who + "_ms"] = 1e3 * statistics.median(measured)
            for who in ("faiss", "faiss_blas"):
                row["ratio_" + who] = statistics.median(f / m for f, m in zip(times[who], times["maxdot"]))
            yield row


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", help="gaussian (1,000,000 x 128), clustered (3,000,000 x 64), or a file.npy")
    parser.add_argument("--queries", type=int, nargs="+", help="only these numbers of queries at once: 1, 16, 256, 2048")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--budget", type=float, default=20.0, help="seconds per shape, about")
    parser.add_argument("--json", help="write the rows to this file")
    options = parser.parse_args()
    items, queries = make(options.data)
    print(f"{options.data}: {items.shape[0]:,} x {items.shape[1]}, FAISS {faiss.__version__} "
          f"({faiss.get_compile_options().strip()}), maxdot kernels {maxdot.kernel_name()}")
    print("threads queries    k    maxdot ms     FAISS ms   ratio   FAISS BLAS ms   ratio  wrong")
    rows = []
    shapes = [shape for shape in SHAPES if not options.queries or shape[0] in options.queries]
    for row in measure(items, queries, shapes, options.rounds, options.budget):
        rows.append(row)
        print(f"{row['threads']:7} {row['queries']:7} {row['k']:4} {row['maxdot_ms']:12.2f} {row['faiss_ms']:12.2f}"
              f" {row['ratio_faiss']:7.1f} {row['faiss_blas_ms']:15.2f} {row['ratio_faiss_blas']:7.1f}  {row['wrong']}",
              flush=True)
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump({"data": options.data, "shape": list(items.shape), "faiss": faiss.__version__, "rows": rows}, file, indent=1)


if __name__ == "__main__":
    main()
