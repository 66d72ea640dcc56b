#!/usr/bin/env python3
"""What a call from Python costs beside its search: one query on an index of one tile, one thread.

`make bench-overhead` runs it after the same from C++ and C (bench_overhead.cpp).
"""

import statistics
import timeit

import maxdot
import numpy as np

CALLS = 20_000
REPETITIONS = 11


def main():
    values = np.random.default_rng(1).standard_normal((65, 16), dtype=np.float32)
    index = maxdot.Index.build(values[:64], metric="dot")
    query = values[64]
    batch = values[64:]
    calls = {
        "Python search of a vector, one thread": lambda: index.search(query, 10, 1),
        "Python search of [1, d], one thread": lambda: index.search(batch, 10, 1),
        "Python search, timeout=1": lambda: index.search(query, 10, 1, timeout=1.0),
        "Python search, default threads": lambda: index.search(query, 10),
    }
    for what, call in calls.items():
        timeit.timeit(call, number=CALLS)
        microseconds = statistics.median(timeit.repeat(call, number=CALLS, repeat=REPETITIONS)) / CALLS * 1e6
        print(f"{what:<42} {microseconds:6.2f} us")


if __name__ == "__main__":
    main()
