#!/usr/bin/env python3
"""make bench-approximate: from how many items on is approximate search faster than maxdot, at which recall?

Each library is tuned to each recall@10, then measured in turns with maxdot, by other queries: one on one
thread, and batches of 1,024 on all. The same command goes on with a run that was broken off: finished sizes
and stored indexes are kept.

Example:
  python bench/approximate/run.py --data clustered --sizes 10000 30000 --libraries faiss-hnsw hnswlib
"""

import argparse
import contextlib
import datetime
import fcntl
import json
import math
import os
import pathlib
import sys
import time

import beside_peers  # noqa: F401
import data as datasets
import machine
import maxdot
import numpy as np
import processes
import report
from libraries import EXACT, LIBRARIES, short
from processes import Failed
from turns import Size

APPROXIMATE = {short(name): name for name in LIBRARIES if name != EXACT}
RECALLS = (0.95, 0.99, 0.999)
LEAST = 1000  # items: fewer are too few for lists and trees


def _number(kind, least):
    """Reads a finite number that is at least `least`."""

    def read(text):
        try:
            value = kind(text)
        except ValueError:
            value = math.nan
        if not least <= value < math.inf:
            raise argparse.ArgumentTypeError(f"{text}: a number of at least {least} is needed")
        return value

    return read


def options_of(arguments):
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--data",
        default="clustered",
        help="clustered (64 dimensions, 2,000 centres; the default), gaussian (128), or a file.npy of "
        "embeddings, some rows of which become the queries",
    )
    parser.add_argument(
        "--sizes",
        type=_number(int, LEAST),
        nargs="+",
        metavar="N",
        help="numbers of items (10000 to 3000000; of a file: 10000, 30000, 100000, all)",
    )
    parser.add_argument(
        "--libraries",
        nargs="+",
        choices=list(APPROXIMATE),
        default=list(APPROXIMATE),
        help="these beside maxdot (all)",
    )
    parser.add_argument(
        "--seconds",
        type=_number(float, 0.01),
        default=3.0,
        help="that each library is measured in a cell: n, recall, and one query or batch (3)",
    )
    parser.add_argument(
        "--rounds", type=_number(int, 1), default=5, help="that these are spread over (5)"
    )
    parser.add_argument(
        "--out",
        type=pathlib.Path,
        default=pathlib.Path("build/bench-approximate"),
        help="folder; each data set has one of its own in it (build/bench-approximate)",
    )
    parser.add_argument("--again", action="store_true", help="measure sizes again that are complete")
    parser.add_argument(
        "--render", action="store_true", help="write page and tables from the stored results, measure nothing"
    )
    parser.add_argument("--update-page", action="store_true", help="put the tables into the page of docs/")
    options = parser.parse_args(arguments)
    options.recalls = RECALLS
    return options


def _complete(results, n, names):
    """Whether every library of `names` has been measured with n items, or could not be."""
    size = results["sizes"].get(str(n), {})
    return set(names) <= set(size.get("builds", {})) | set(size.get("missing", {}))


def _load(path):
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except ValueError as error:
        raise Failed(f"{path}: {error}") from error


@contextlib.contextmanager
def _alone(folder):
    """Two runs at once would disturb each other, and each other's files."""
    with (folder / "lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Failed(f"{folder}: another run is under way there") from None
        yield


def _measure(options, data, folder, say):
    """Adds every size to the stored results as soon as it is measured."""
    path = folder / "results.json"
    datasets.claim(folder, data)
    sizes = sorted(set(options.sizes or data.sizes()))
    if data.most is not None and sizes[-1] > data.most:
        raise Failed(f"--sizes {sizes[-1]}: the file has {data.most:,} items beside the queries")
    names = [EXACT] + [APPROXIMATE[one] for one in options.libraries]
    threads = maxdot.available_threads()
    results = _load(path) or {"data": data.name, "sizes": {}}
    results["libraries"] = {
        name: {"package": library.package, "setting": library.SETTING} for name, library in LIBRARIES.items()
    }
    wanted = []
    for n in sizes:
        needed, free = (b / 2**30 for b in (processes.needed(names, n, data.d), processes.available()))
        if not options.again and _complete(results, n, names):
            say(f"n = {n:,}: complete, skipped (--again measures it again)")
        elif needed > free:
            say(f"n = {n:,}: skipped, needs about {needed:.1f} GiB of memory; {free:.1f} are available")
        else:
            wanted.append(n)
    if not wanted:
        return results
    described = {**machine.describe(), "maxdot kernels": maxdot.kernel_name()}
    say(f"{data.name}: items and queries are written")
    files = datasets.write(folder, data, wanted[-1])
    queries = np.load(files[1])
    np.save(folder / "tuning.npy", queries[: datasets.TUNING])
    np.save(folder / "measured.npy", queries[datasets.TUNING :])
    with (folder / "libraries.log").open("a") as log:
        for n in wanted:
            measured = Size(options, folder, files, n, data.d, threads, log, say).run(names)
            now = datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds")
            results["sizes"][str(n)] = {**measured, "date": now}
            results["machine"] = described
            _replace(path, json.dumps(results, indent=1))
            report.write(results, folder)
            say(f"n = {n:,}: done")
    return results


def _replace(path, text):
    part = path.with_suffix(".part")
    part.write_text(text, encoding="utf-8")
    os.replace(part, path)


def run(options):
    started = time.perf_counter()

    def say(text):
        print(f"[{time.perf_counter() - started:6.1f} s] {text}", file=sys.stderr, flush=True)

    folder = options.out / datasets.name_of(options.data)
    if options.render:
        results = _load(folder / "results.json")
    else:
        data = datasets.describe(options.data)
        folder.mkdir(parents=True, exist_ok=True)
        with _alone(folder):
            results = _measure(options, data, folder, say)
    if not results or not results["sizes"]:
        raise Failed(f"{folder}: no results are stored there")
    report.write(results, folder)
    if options.update_page and not report.update_page(results):
        raise Failed(f"{report.PAGE}: add the lines {report.BEGIN} and {report.END} where the table belongs")
    say(f"done: {folder / 'index.html'}")


def main():
    options = options_of(sys.argv[1:])
    try:
        run(options)
    except (Failed, datasets.Unusable, OSError, MemoryError) as error:
        sys.exit(f"{pathlib.Path(sys.argv[0]).name}: {error}")
    except KeyboardInterrupt:
        print("stopped; the same command goes on from here", file=sys.stderr)
        sys.exit(130)


if __name__ == "__main__":
    main()
