#!/usr/bin/env python3
"""A nightly batch: users in Parquet against all items, with pairs to exclude, beside the bare engine.

Prints users a second of the job and of Index.search alone on the same users in memory, in turns, and the peak memory of the job for
several numbers of users. The data are made in --out and stay there.

Example:
  python bench/batch/run.py --users 2000000 --items 500000 --pairs 20000000
"""

import argparse
import json
import os
import pathlib
import shutil
import subprocess
import sys
import threading
import time

import numpy as np
import pyarrow.parquet as pq
from data import Data, add_data_options, vectors

import maxdot

BARE_USERS = 65_536
BARE_BATCH = 8_192
SAMPLE_SECONDS = 0.05


class Memory(threading.Thread):
    """The largest anonymous memory of a process, and the largest altogether, with mapped files [bytes]."""

    def __init__(self, process):
        super().__init__(daemon=True)
        self._status = f"/proc/{process}/status"
        self.anonymous = self.all = 0

    def run(self):
        while True:
            try:
                fields = dict(line.split(":", 1) for line in pathlib.Path(self._status).read_text().splitlines())
                self.anonymous = max(self.anonymous, 1024 * int(fields["RssAnon"].split()[0]))
                self.all = max(self.all, 1024 * int(fields["VmHWM"].split()[0]))
            except (OSError, KeyError):
                return
            time.sleep(SAMPLE_SECONDS)


def job(out, index, users, k, *more):
    shutil.rmtree(out, ignore_errors=True)
    command = [
        sys.executable,
        "-m",
        "maxdot.batch",
        "--items",
        index,
        "--users",
        users,
        "--out",
        out,
        "-k",
        k,
    ]
    # Mapped, so that the memory of the process is that of the job, without the index.
    command += ["--load", "map", "--json", *more]
    running = subprocess.Popen([*map(str, command)], stdout=subprocess.PIPE, text=True)
    memory = Memory(running.pid)
    memory.start()
    begin = time.perf_counter()
    events = [json.loads(line) for line in running.stdout]
    if running.wait() != 0:
        sys.exit(f"the job failed: {events[-1:]}")
    done = next(event for event in events if event["event"] == "done")
    exclude = next((event["seconds"] for event in events if event["event"] == "exclude"), 0.0)
    return done | {
        "exclude_seconds": exclude,
        "whole_seconds": time.perf_counter() - begin,
        "anonymous_bytes": memory.anonymous,
        "peak_bytes": memory.all,
    }


def bare(index, k, pairs_of_a_user):
    """Users a second of searches alone: without and with as many pairs to exclude as the job's users have."""
    rows = vectors(BARE_USERS, 0)
    random = np.random.default_rng(13)
    index.search(rows[:4096], k)
    seconds = {False: 0.0, True: 0.0}
    for first in range(0, BARE_USERS, BARE_BATCH):
        part = rows[first : first + BARE_BATCH]
        counts = random.poisson(pairs_of_a_user, len(part))
        offsets = np.concatenate([[0], np.cumsum(counts)])
        items = np.concatenate([np.sort(random.integers(0, len(index), count)) for count in counts])
        for excluding in seconds:
            begin = time.perf_counter()
            index.search(part, k, exclude=(offsets, items) if excluding else None)
            seconds[excluding] += time.perf_counter() - begin
    return BARE_USERS / seconds[False], BARE_USERS / seconds[True]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_data_options(parser)
    parser.add_argument(
        "--sizes", type=float, nargs="+", default=[0.25, 0.5, 1.0], help="shares of --users, for the memory"
    )
    options = parser.parse_args()
    data = Data(options)
    data.make(options.sizes)
    index = maxdot.Index.open(data.index)
    result = {
        "kernel": maxdot.kernel_name(),
        "threads": maxdot.available_threads(),
        "users": options.users,
        "items": options.items,
    }
    result |= {"pairs": options.pairs, "k": options.k, "jobs": []}
    for share in options.sizes:
        pairs_of_a_user = options.pairs / options.users
        before = bare(index, options.k, pairs_of_a_user)
        done = job(
            options.out / f"recall-{share}", data.index, data.users(share), options.k, "--exclude", data.pairs
        )
        after = bare(index, options.k, pairs_of_a_user)
        done["bare_users_per_second"], done["bare_excluding_users_per_second"] = np.mean([before, after], axis=0)
        rates = {
            "": done["users_per_second"],
            "_with_sorting": done["users"] / (done["seconds"] + done["exclude_seconds"]),
        }
        for name, rate in rates.items():
            for base in ("bare", "bare_excluding"):
                done[f"ratio_to_{base}{name}"] = rate / done[f"{base}_users_per_second"]
        result["jobs"].append(done)
        print(
            f"{done['users']:>9,} users: {done['users_per_second']:,.0f} users/s ({rates['_with_sorting']:,.0f} with sorting "
            f"{options.pairs:,} pairs, {done['exclude_seconds']:.1f} s); "
            f"bare {done['bare_users_per_second']:,.0f} ({done['ratio_to_bare']:.0%}, {done['ratio_to_bare_with_sorting']:.0%}), "
            f"bare with as many pairs {done['bare_excluding_users_per_second']:,.0f} ({done['ratio_to_bare_excluding']:.0%}, "
            f"{done['ratio_to_bare_excluding_with_sorting']:.0%}); "
            f"{done['gmac_per_second']:,.0f} GMAC/s; memory {done['anonymous_bytes'] / 2**20:,.0f} MiB, "
            f"{done['peak_bytes'] / 2**20:,.0f} with mapped files; {done['bytes'] / 2**20:,.0f} MiB written",
            flush=True,
        )
    (options.out / "batch.json").write_text(json.dumps(result, indent=1))
    files = sorted((options.out / f"recall-{options.sizes[-1]}").glob("*.parquet"))
    print(
        f"{sum(pq.read_metadata(file).num_rows for file in files):,} rows in {len(files)} files, {os.cpu_count()} CPUs"
    )


if __name__ == "__main__":
    np.seterr(all="raise")
    main()
