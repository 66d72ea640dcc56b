#!/usr/bin/env python3
"""The same nightly batch where people run such a library: in a pandas UDF of Spark, and in actors of Ray Data.

FAISS (IndexFlatIP), ScaNN (brute force, and its tree with hashing, which is approximate), implicit (the topk of `recommend`)
and maxdot search the same batches in the same function, a worker for each core with one thread each; beside them
`maxdot.spark.batch_search` and `maxdot.ray.batch_search`. Users and results are Parquet, pairs to exclude are left out. Seconds are those
of the whole job, with the start of the workers, who build their index. "wrong" are positions of the first users that are not those of a
brute force in float64, ties not counted.

Example:
  python bench/batch/udf.py --users 50000 --items 500000
"""

import argparse
import json
import os
import pathlib
import shutil
import subprocess
import sys
import time

import maxdot
import maxdot.ray
import maxdot.spark
import numpy as np
import pyarrow.parquet as pq
from data import DIMENSION, FILES, GROUP, items, vectors, write_users
from peers import LIBRARIES, SAMPLE
from udf_workers import Actor, answer, search_of

DOOR = "maxdot's own door"
SCHEMA = "user_id string, rank int, item_id long, score float"


def in_spark(options, name, files, out):
    from pyspark.sql import SparkSession

    spark = (
        SparkSession.builder.master(f"local[{maxdot.available_threads()}]")
        .config("spark.ui.enabled", "false")
        .config("spark.driver.memory", "4g")
        .config("spark.sql.parquet.compression.codec", "zstd")
        .getOrCreate()
    )
    spark.sparkContext.setLogLevel("ERROR")
    begin = time.perf_counter()
    users = spark.read.parquet(str(files["users"]))
    k = options.k
    if name == DOOR:
        best = maxdot.spark.batch_search(
            users, files["index"], k=k, id_column="user_id", vector_column="vector", threads=1
        )
    else:
        rows = str(files["rows"])

        def score(frames):
            for frame in frames:
                yield answer(frame, search_of(name, rows, k), k)

        best = users.mapInPandas(score, SCHEMA)
    best.write.parquet(str(out))
    return time.perf_counter() - begin


def in_ray(options, name, files, out):
    import ray

    cores = maxdot.available_threads()
    # Ray counts the reading and writing tasks as cores, too: actors that hold all of them would leave none.
    ray.init(num_cpus=2 * cores, include_dashboard=False, log_to_driver=False)
    begin = time.perf_counter()
    users = ray.data.read_parquet(str(files["users"]))
    k = options.k
    if name == DOOR:
        best = maxdot.ray.batch_search(
            users, files["index"], k=k, id_column="user_id", vector_column="vector", concurrency=cores, threads=1
        )
    else:
        best = users.map_batches(
            Actor,
            fn_constructor_args=(name, str(files["rows"]), k),
            concurrency=cores,
            batch_size=10_000,  # as many as Spark gives
            batch_format="pandas",
        )
    best.write_parquet(str(out), compression="zstd")
    return time.perf_counter() - begin


ENGINES = {"spark": in_spark, "ray": in_ray}


def check(rows, out, users, k):
    """What a brute force in float64 says of the first users' rows in the files."""
    wanted = [f"user-{number:09d}" for number in range(SAMPLE)]
    table = pq.read_table(out, filters=[("user_id", "in", wanted)])
    found = table.sort_by([("user_id", "ascending"), ("rank", "ascending")])
    first_file = vectors(min(GROUP, users // FILES), 0)
    return maxdot.verify(rows, first_file[:SAMPLE], found["item_id"].to_numpy().reshape(SAMPLE, k), metric="dot")


def one(options, engine, name):
    """In a process of its own: engines and libraries leave threads behind."""
    files = paths(options)
    out = options.out / "udf-results"
    shutil.rmtree(out, ignore_errors=True)
    seconds = ENGINES[engine](options, name, files, out)
    checked = check(np.load(files["rows"]), out, options.users, options.k)
    shutil.rmtree(out)
    print(
        json.dumps(
            {
                "engine": engine,
                "library": name,
                "seconds": seconds,
                "users_per_second": options.users / seconds,
                "wrong": checked.wrong,
                "positions": checked.positions,
                "recall": checked.recall,
            }
        ),
        flush=True,
    )


def paths(options):
    folder = options.out / f"udf-{options.users}-{options.items}"
    return {"users": folder / "users", "rows": folder / "items.npy", "index": folder / "items.maxdot"}


def make(options):
    files = paths(options)
    if files["index"].exists():
        return
    files["users"].mkdir(parents=True, exist_ok=True)
    rows = items(options.items)
    np.save(files["rows"], rows)
    write_users(files["users"], options.users)
    maxdot.Index.build(rows, metric="dot").save(files["index"])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--users", type=int, default=50_000)
    parser.add_argument("--items", type=int, default=500_000)
    parser.add_argument("-k", type=int, default=100)
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path("build/bench-batch"))
    parser.add_argument("--engines", nargs="+", choices=ENGINES, default=list(ENGINES))
    parser.add_argument("--only", nargs="+", choices=[DOOR, *LIBRARIES], default=[DOOR, *LIBRARIES])
    parser.add_argument("--one", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    options.out = options.out.resolve()
    if options.one:
        return one(options, *options.one)
    if options.users // FILES < SAMPLE:
        parser.error(f"--users: the first of {FILES} files has less than {SAMPLE} users")
    # The workers import this folder's modules, and run under this Python.
    os.environ["PYTHONPATH"] = str(pathlib.Path(__file__).resolve().parent)
    os.environ["PYSPARK_PYTHON"] = sys.executable
    make(options)
    print(
        f"{options.users:,} users, {options.items:,} items of {DIMENSION} values, k = {options.k}, {maxdot.kernel_name()}"
    )
    results = []
    for engine in options.engines:
        for name in options.only:
            command = [sys.executable, __file__, *sys.argv[1:], "--one", engine, name]
            done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
            if done.returncode != 0:
                sys.exit(f"{engine}, {name}: failed")
            result = json.loads(done.stdout.splitlines()[-1])
            results.append(result)
            print(
                f"{engine:6} {name:26} {result['seconds']:8.1f} s {result['users_per_second']:9,.0f} users/s  "
                f"wrong {result['wrong']} of {result['positions']}, recall {result['recall']:.4f}",
                flush=True,
            )
    (options.out / "udf.json").write_text(json.dumps(results, indent=1))


if __name__ == "__main__":
    main()
