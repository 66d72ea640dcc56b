#!/usr/bin/env python3
"""The same nightly batch by the command, by Ray Data and by Spark on this machine: seconds, and whether the rows are the same.

The command joins the pairs to exclude itself; Ray and Spark get them as a list of each user, which is made before. Rows are the same if there
are as many, and a 64-bit hash of (user, rank, item, bits of the score), added over all rows, is the same. The data are those of run.py, and
stay in --out.

Example:
  python bench/batch/engines.py --users 2000000 --items 500000 --pairs 20000000
"""

import argparse
import json
import os
import pathlib
import shutil
import subprocess
import sys
import time

from data import Data, add_data_options

import maxdot

#: [seconds] Between two looks at the memory of a job.
SAMPLE_SECONDS = 0.2


def by_command(data, out, options):
    command = [
        sys.executable,
        "-m",
        "maxdot.batch",
        "--items",
        data.index,
        "--users",
        data.users(1.0),
        "--exclude",
        data.pairs,
    ]
    subprocess.run([*map(str, command), "--out", str(out), "-k", str(options.k)], check=True)


def by_ray(data, out, options):
    import ray

    import maxdot.ray

    # Ray counts the reading and writing tasks as cores, too: actors that hold all of them would leave none.
    ray.init(num_cpus=2 * maxdot.available_threads(), include_dashboard=False, log_to_driver=False)
    users = ray.data.read_parquet(str(data.users_with_lists()))
    best = maxdot.ray.batch_search(
        users,
        data.index,
        k=options.k,
        id_column="user_id",
        vector_column="vector",
        exclude_column="seen",
        concurrency=maxdot.available_threads(),
    )
    best.write_parquet(str(out), compression="zstd")


def by_spark(data, out, options):
    from pyspark.sql import SparkSession

    import maxdot.spark

    os.environ["PYSPARK_PYTHON"] = sys.executable  # of the workers, who would take the first on the path
    spark = (
        SparkSession.builder.master(f"local[{maxdot.available_threads()}]")
        .config("spark.ui.enabled", "false")
        .config("spark.driver.memory", "4g")
        .config("spark.sql.parquet.compression.codec", "zstd")
        .getOrCreate()
    )
    spark.sparkContext.setLogLevel("ERROR")
    users = spark.read.parquet(str(data.users_with_lists()))
    best = maxdot.spark.batch_search(
        users, data.index, k=options.k, id_column="user_id", vector_column="vector", exclude_column="seen"
    )
    best.write.parquet(str(out))


ENGINES = {"command": by_command, "ray": by_ray, "spark": by_spark}


def memory_of(process):
    """[bytes] Of a process and all that it has started: what is theirs alone, with shared pages in shares."""
    parents = {}
    for entry in pathlib.Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            parents[int(entry.name)] = int((entry / "stat").read_text().rsplit(")", 1)[1].split()[1])
        except (OSError, IndexError):
            continue
    family, before = {process}, 0
    while len(family) != before:
        before = len(family)
        family |= {child for child, parent in parents.items() if parent in family}
    total = 0
    for member in family:
        try:
            rollup = pathlib.Path(f"/proc/{member}/smaps_rollup").read_text()
        except OSError:
            continue
        total += sum(1024 * int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Pss:"))
    return total


def timed(name, out, options):
    """Runs an engine in a process of its own. Returns seconds and the largest memory [bytes]."""
    shutil.rmtree(out, ignore_errors=True)
    begin = time.perf_counter()
    running = subprocess.Popen([sys.executable, __file__, *sys.argv[1:], "--run", name])
    most = 0
    while running.poll() is None:
        most = max(most, memory_of(running.pid))
        time.sleep(SAMPLE_SECONDS)
    if running.returncode != 0:
        sys.exit(f"{name} failed")
    return time.perf_counter() - begin, most


def digest(out):
    """How many rows there are, and the sum of their hashes."""
    import duckdb

    return duckdb.sql(
        "select count(*), sum(hash(user_id, rank::integer, item_id, score::float)::hugeint) "
        f"from read_parquet('{out}/*.parquet')"
    ).fetchall()[0]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_data_options(parser)
    parser.add_argument("--only", nargs="+", choices=ENGINES, default=list(ENGINES))
    parser.add_argument("--run", choices=ENGINES, help=argparse.SUPPRESS)  # in a process of its own
    options = parser.parse_args()
    data = Data(options)
    if options.run:
        ENGINES[options.run](data, options.out / f"of-{options.run}", options)
        return
    data.make(lists=True)
    result = []
    for name in options.only:
        out = options.out / f"of-{name}"
        seconds, memory = timed(name, out, options)
        rows, hashes = digest(out)
        result.append(
            {"engine": name, "seconds": seconds, "memory_bytes": memory, "rows": rows, "hash": str(hashes)}
        )
        same = "" if (rows, str(hashes)) == (result[0]["rows"], result[0]["hash"]) else "  NOT THE SAME ROWS"
        print(
            f"{name:8} {seconds:8.1f} s  {options.users / seconds:9,.0f} users/s  memory {memory / 2**20:8,.0f} MiB  "
            f"{rows:,} rows, hash {hashes}{same}",
            flush=True,
        )
        shutil.rmtree(out)
    (options.out / "engines.json").write_text(
        json.dumps({"kernel": maxdot.kernel_name(), "cpus": os.cpu_count(), "engines": result}, indent=1)
    )
    if len({(one["rows"], one["hash"]) for one in result}) != 1:
        sys.exit("the engines do not give the same rows")


if __name__ == "__main__":
    main()
