#!/usr/bin/env python3
"""maxdot by ctypes, without its Python package: opens an index, searches it from 8 threads, checks the answers.

    LD_LIBRARY_PATH=/prefix/lib python3 search.py items.maxdot
"""

import concurrent.futures
import ctypes
import sys

QUERIES, K, THREADS = 200, 10, 8


class Matrix(ctypes.Structure):
    _fields_ = [
        ("data", ctypes.c_void_p),
        ("dtype", ctypes.c_int32),
        ("rows", ctypes.c_int64),
        ("cols", ctypes.c_int64),
        ("stride_bytes", ctypes.c_int64),
    ]


class IndexInfo(ctypes.Structure):
    _fields_ = [
        ("struct_size", ctypes.c_uint32),
        ("dtype", ctypes.c_int32),
        ("metric", ctypes.c_int32),
        ("normalized", ctypes.c_int32),
        ("has_ids", ctypes.c_int32),
        ("items", ctypes.c_int64),
        ("dimension", ctypes.c_int64),
        ("bytes", ctypes.c_int64),
        ("checksum", ctypes.c_uint64),
    ]


library = ctypes.CDLL("libmaxdot.so.0")
library.maxdot_error_text.restype = ctypes.c_char_p
library.maxdot_version.restype = ctypes.c_char_p
F32 = 1


def checked(status):
    if status != 0:
        raise RuntimeError(library.maxdot_error_text().decode())


def search(index, queries, first, count, dimension):
    """(ids, scores) of queries [first, first + count), as lists."""
    row = ctypes.sizeof(ctypes.c_float) * dimension
    matrix = Matrix(ctypes.addressof(queries) + first * row, F32, count, dimension, 0)
    ids, scores = (ctypes.c_int64 * (count * K))(), (ctypes.c_double * (count * K))()
    checked(library.maxdot_search(index, ctypes.byref(matrix), ctypes.c_int64(K), None, ids, scores, None))
    return list(ids), list(scores)


def main():
    index = ctypes.c_void_p()
    checked(library.maxdot_open(sys.argv[1].encode(), None, ctypes.byref(index)))
    info = IndexInfo(ctypes.sizeof(IndexInfo))
    checked(library.maxdot_info(index, ctypes.byref(info)))
    queries = (ctypes.c_float * (QUERIES * info.dimension))()
    for row in range(QUERIES):
        at = ctypes.byref(queries, row * info.dimension * ctypes.sizeof(ctypes.c_float))
        checked(library.maxdot_item_row(index, ctypes.c_int64(row), at))
    whole = search(index, queries, 0, QUERIES, info.dimension)

    def one_by_one(_):
        found = [search(index, queries, q, 1, info.dimension) for q in range(QUERIES)]
        return [i for ids, _ in found for i in ids], [s for _, scores in found for s in scores]

    with concurrent.futures.ThreadPoolExecutor(THREADS) as pool:
        for found in pool.map(one_by_one, range(THREADS)):
            assert found == whole, "a thread found something else"
    library.maxdot_close(index)
    print(f"maxdot {library.maxdot_version().decode()}: {THREADS} threads found the same {K} neighbours of {QUERIES} items")


if __name__ == "__main__":
    main()
