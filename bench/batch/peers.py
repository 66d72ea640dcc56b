#!/usr/bin/env python3
"""The same nightly batch by the usual ways: users in Parquet in, results in Parquet out, 10,000 users at a time, as a pandas UDF gets them.

FAISS (IndexFlatIP), ScaNN (brute force, and its tree with hashing, which is approximate), implicit (the topk of `recommend`)
and maxdot read and write the same files by the same code. Pairs to exclude are left out: no other library takes them for
each user but implicit. "wrong" are positions of a sample of users that are not those of a brute force in float64, ties not counted.

Example:
  python bench/batch/run.py --users 2000000 && python bench/batch/peers.py --users 50000
"""

import argparse
import json
import pathlib
import shutil
import tempfile
import time

import maxdot
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from data import items, vectors, write_users
from maxdot.batch.results import Scored, TableMaker
from maxdot.tables import vectors_of

AT_ONCE = 10_000  # spark.sql.execution.arrow.maxRecordsPerBatch
SAMPLE = 128


def of_maxdot(rows, k, threads):
    index = maxdot.Index.build(rows, metric="dot")
    return lambda users: index.search(users, k, threads)


def of_faiss(rows, k, threads):
    import faiss

    faiss.omp_set_num_threads(threads)
    index = faiss.IndexFlatIP(rows.shape[1])
    index.add(rows)

    def search(users):
        scores, ids = index.search(users, k)
        return ids, scores

    return search


def of_scann(rows, k, threads):
    import scann

    searcher = scann.scann_ops_pybind.builder(rows, k, "dot_product").score_brute_force().build()
    return lambda users: tuple(map(np.asarray, searcher.search_batched_parallel(users)))


def of_scann_tree(rows, k, threads):
    import scann

    leaves = int(len(rows) ** 0.5)
    builder = scann.scann_ops_pybind.builder(rows, k, "dot_product")
    builder = builder.tree(num_leaves=leaves, num_leaves_to_search=max(1, leaves // 10), training_sample_size=250_000)
    searcher = builder.score_ah(2, anisotropic_quantization_threshold=0.2).reorder(4 * k).build()
    return lambda users: tuple(map(np.asarray, searcher.search_batched_parallel(users)))


def of_implicit(rows, k, threads):
    from implicit.cpu.topk import topk

    def search(users):
        ids, scores = topk(rows, users, k, num_threads=threads)
        return ids.astype(np.int64), scores

    return search


LIBRARIES = {
    "maxdot": of_maxdot,
    "FAISS IndexFlatIP": of_faiss,
    "ScaNN brute force": of_scann,
    "ScaNN tree (approximate)": of_scann_tree,
    "implicit recommend": of_implicit,
}


def job(folder, out, search, k):
    """Reads, searches and writes. Returns users and seconds."""
    maker = TableMaker("long", "f32", "user_id", pa.string(), None)
    users = 0
    begin = time.perf_counter()
    for path in sorted(folder.glob("*.parquet")):
        with pq.ParquetWriter(
            out / path.name, maker.schema, compression="zstd", use_dictionary=maker.repeating
        ) as writer:
            for batch in pq.ParquetFile(path).iter_batches(AT_ONCE):
                rows = vectors_of(batch.column("vector"), batch.schema.field("vector").type.list_size).rows
                ids, scores = search(rows)
                found = Scored(batch.column("user_id"), np.asarray(ids, np.int64), scores, np.ones(len(rows), np.bool_))
                writer.write_table(maker.table(found))
                users += len(rows)
    return users, time.perf_counter() - begin


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--users", type=int, default=50_000)
    parser.add_argument("--items", type=int, default=500_000)
    parser.add_argument("-k", type=int, default=100)
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path("build/bench-batch"))
    parser.add_argument("--only", nargs="+", choices=LIBRARIES, default=list(LIBRARIES))
    options = parser.parse_args()
    threads = maxdot.available_threads()
    rows = items(options.items)
    result = []
    with tempfile.TemporaryDirectory(dir=options.out if options.out.exists() else None) as place:
        folder = pathlib.Path(place) / "users"
        write_users(folder, options.users)
        sample = vectors(SAMPLE, 99)
        for name in options.only:
            out = pathlib.Path(place) / "out"
            out.mkdir()
            begin = time.perf_counter()
            search = LIBRARIES[name](rows, options.k, threads)
            built = time.perf_counter() - begin
            checked = maxdot.verify(rows, sample, np.asarray(search(sample)[0], np.int64), metric="dot")
            users, seconds = job(folder, out, search, options.k)
            shutil.rmtree(out)
            result.append(
                {"library": name, "users_per_second": users / seconds, "build_seconds": built, "wrong": checked.wrong}
            )
            result[-1] |= {"positions": checked.positions, "recall": checked.recall}
            print(
                f"{name:26} {users / seconds:9,.0f} users/s  built in {built:6.1f} s  "
                f"wrong {checked.wrong} of {checked.positions}, recall {checked.recall:.4f}",
                flush=True,
            )
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "peers.json").write_text(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
