#!/usr/bin/env python3
"""Kills a job of maxdot.batch at random moments, and goes on with other settings: the files must be the same bytes in the end.

No unit may be done twice but those that were in hand (one read, one searched, one written), and none be done without its results. `make batch-kills CASES=100`.
"""

import argparse
import json
import pathlib
import random
import subprocess
import sys
import tempfile
import time

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

import maxdot
from maxdot.batch import Job, run

ITEMS = 700
D = 24
UNIT = 25  # users
MOST_UNITS = 6  # that a life lasts


def write_job(folder: pathlib.Path, units: int) -> dict:
    random_rows = np.random.default_rng(1)
    maxdot.Index.build(random_rows.normal(size=(ITEMS, D)).astype(np.float32), metric="dot").save(
        folder / "items.maxdot"
    )
    users = [f"user {number}" for number in range(units * UNIT)]
    rows = random_rows.normal(size=(len(users), D)).astype(np.float32)
    vectors = pa.FixedSizeListArray.from_arrays(pa.array(rows.reshape(-1)), D)
    pq.write_table(pa.table({"user_id": users, "vector": vectors}), folder / "users.parquet", row_group_size=UNIT)
    seen = random_rows.integers(0, ITEMS, 3 * len(users))
    pq.write_table(pa.table({"user_id": users * 3, "item_id": seen}), folder / "seen.parquet")
    return {
        name: folder / file
        for name, file in (("items", "items.maxdot"), ("users", "users.parquet"), ("exclude", "seen.parquet"))
    }


def live(about: dict, out: pathlib.Path, chosen: random.Random) -> int:
    """One life: returns how many units it has told of."""
    command = [sys.executable, "-m", "maxdot.batch", "-k", 60, "--out", out, "--json"]
    command += ["--threads", chosen.randint(1, 3), "--batch", chosen.randint(1, 2 * UNIT)]
    for name, path in about.items():
        command += [f"--{name}", path]
    running = subprocess.Popen([*map(str, command)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    wanted, wait, units = chosen.randint(0, MOST_UNITS), chosen.random() * 0.05, 0
    for line in running.stdout:
        units += json.loads(line)["event"] == "unit"
        if units >= wanted:
            time.sleep(wait)
            break
    running.kill()
    # The last line may be cut.
    rest = [line for line in running.stdout.read().splitlines() if line.endswith("}")]
    running.wait()
    return units + sum(json.loads(line)["event"] == "unit" for line in rest)


def contents(folder: pathlib.Path) -> dict:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def run_lives(folder: pathlib.Path, lives: int, seed: int) -> int:
    about = write_job(folder, units=lives * MOST_UNITS // 2)
    run(Job(out=folder / "whole", k=60, **about))
    whole = contents(folder / "whole")
    out = folder / "out"
    chosen = random.Random(seed)
    done = 0
    for number in range(lives):
        told = live(about, out, chosen)
        now = contents(out) if out.exists() else {}
        left = {name for name in now if name.startswith(".") or name.endswith(".tmp")}
        finished = {name: data for name, data in now.items() if name not in left}
        assert all(whole[name] == data for name, data in finished.items()), f"life {number}: another result"
        count = sum(name.endswith(".parquet") for name in finished)
        # A unit may be finished and its process be killed before it tells of it.
        assert done + told <= count <= done + told + 1, f"life {number}: {done} units and {told} are {count}"
        assert len(left) <= 3, f"life {number}: {left}"
        done = count
    run(Job(out=out, k=60, **about))
    assert contents(out) == whole
    return done


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lives", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        done = run_lives(pathlib.Path(folder), options.lives, options.seed)
    print(f"{options.lives} lives, each killed; {done} units done by them, none twice; all bytes as of one run")


if __name__ == "__main__":
    main()
