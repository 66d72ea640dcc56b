#!/usr/bin/env python3
"""Runs what was cross-compiled for 64-bit Arm under qemu-user: the C++ suite on each CPU and each kernel table, and jobs of the `maxdot`
command, whose files must be, byte for byte, those of this machine.

usage: run.py BUILD_FOR_ARM MAXDOT_OF_THIS_MACHINE [--quick]
"""

import argparse
import hashlib
import os
import pathlib
import random
import struct
import subprocess
import sys
import tempfile
import time

#: The CPU, and the kernel tables that it can run, the best first. cortex-a57 has no dot product.
CPUS = {"cortex-a57": ("neon", "reference"), "max": ("neoni8mm", "neondot", "neon", "reference")}
FORKS = "qemu-user (7.2) ends the child of a process with threads"
LIMITS = "qemu-user applies RLIMIT_AS to itself, not to what it runs"
#: Tests that ask the system for what qemu-user does not have, each with the reason.
LEFT_OUT = {
    "a child after fork has a pool of its own": FORKS,
    "a child that a host forks when it is asked gets an Error, its parent an answer": FORKS,
    "results that the process may not take are refused by name, whatever is free": LIMITS,
    "where the system refuses threads, those that there are do the work": LIMITS,
}
ITEMS, QUERIES, DIMENSION = 6_000, 300, 72


def emulated(cpu, program, *arguments):
    return ["qemu-aarch64", "-L", "/usr/aarch64-linux-gnu", "-cpu", cpu, str(program), *map(str, arguments)]


def run_suite(build, cpu, table):
    """Returns whether all tests passed."""
    left_out = ",".join(name.replace(",", "*") for name in LEFT_OUT)  # a comma would end the name
    command = emulated(cpu, build / "bin" / "maxdot_tests", f"-tce={left_out}")
    begin = time.monotonic()
    done = subprocess.run(command, env={**os.environ, "MAXDOT_ISA": table}, capture_output=True, text=True)
    summary = [line for line in done.stdout.splitlines() if "test cases:" in line]
    print(f"{cpu:11} {table:10} {time.monotonic() - begin:6.0f} s  {summary[-1] if summary else done.stdout[-2000:]}", flush=True)
    if done.returncode != 0:
        print(done.stdout[-6000:], done.stderr[-2000:])
    return done.returncode == 0


def write_matrix(path, rows, seed):
    source = random.Random(seed)
    with open(path, "wb") as file:
        file.write(struct.pack("<ii", rows, DIMENSION))
        for _ in range(rows):
            length = 2.0 ** source.uniform(-3, 3)
            file.write(struct.pack(f"<{DIMENSION}f", *(length * source.gauss(0, 1) for _ in range(DIMENSION))))


def digests(folder, command, environment):
    """Of the index file, and of the results of each metric."""
    def maxdot(*arguments):
        subprocess.run([*command, *map(str, arguments)], cwd=folder, check=True, capture_output=True,
                       env={**os.environ, **environment})

    maxdot("build", "items.fbin", "-o", "items.mxd", "--metric", "dot")
    files = ["items.mxd"]
    for metric in ("dot", "cosine", "euclidean"):
        for k in (1, 100):
            names = [f"{metric}-{k}.{part}.npy" for part in ("ids", "scores")]
            maxdot("batch", "items.mxd", "queries.fbin", "-k", k, "--metric", metric, "--ids", names[0], "--scores", names[1])
            files += names
    return {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in files}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("maxdot", type=pathlib.Path)
    parser.add_argument("--quick", action="store_true", help="the best table of each CPU alone")
    options = parser.parse_args()
    failed = []
    with tempfile.TemporaryDirectory() as place:
        folder = pathlib.Path(place)
        write_matrix(folder / "items.fbin", ITEMS, 1)
        write_matrix(folder / "queries.fbin", QUERIES, 2)
        expected = digests(folder, [str(options.maxdot.resolve())], {"MAXDOT_ISA": ""})
        for cpu, tables in CPUS.items():
            for table in tables[: 1 if options.quick else None]:
                got = digests(folder, emulated(cpu, options.build.resolve() / "bin" / "maxdot"), {"MAXDOT_ISA": table})
                others = [name for name in expected if got[name] != expected[name]]
                print(f"{cpu:11} {table:10} {len(expected)} files, {len(others)} are not those of this machine {others or ''}", flush=True)
                failed += others
    for name, reason in LEFT_OUT.items():
        print(f"left out: {name}: {reason}", flush=True)
    for cpu, tables in CPUS.items():
        failed += [table for table in tables[: 1 if options.quick else None] if not run_suite(options.build, cpu, table)]
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
