"""Which scenarios there are, and what the programs of this folder are asked on the command line."""

from __future__ import annotations

import argparse
import os
import pathlib
import tempfile
from collections.abc import Callable

from python_scenarios import PythonBatch, PythonCreate, PythonLive, PythonSave
from report import Report
from running import HERE, Fault, Runner, Unsupported
from scenarios import BadRowsBatch, Batch, BatchApart, ResumedBatch, Scenario, Search

BUILD = HERE.parents[1] / "build"
#: What ctest takes for "skipped". `make faults` fails with it, because it was asked for.
SKIPPED = 77


def all_scenarios(python: str | None) -> list[Scenario]:
    """Those of Python only where there is one that has maxdot."""
    batch = "batch items.maxdot users.npy -k 5 --ids ids.npy --scores scores.npy --threads 2"
    pair, apart = ("ids.npy", "scores.npy"), ("i/ids.npy", "s/scores.npy")
    chosen: list[Scenario] = [
        Scenario("build-new", "build items.npy -o new.maxdot --threads 2", ("new.maxdot",)),
        Scenario("build-over", "build items.npy -o new.maxdot --threads 2", ("new.maxdot",), ("new.maxdot",)),
        Scenario(
            "build-fbin", "build items.fbin -o new.maxdot --metric dot --json", ("new.maxdot",), ("new.maxdot",)
        ),
        Search("search", "search items.maxdot users.npy -k 5 --threads 2", ()),
        Scenario("search-out", "search items.maxdot users.npy -k 5 --out r", ("r.ids.npy", "r.scores.npy")),
        Batch("batch-new", batch, pair),
        Batch("batch-over", batch, pair, pair),
        ResumedBatch("batch-resumed", batch, pair, pair),
        Batch("batch-exclude", f"{batch} --exclude seen.csv --chunk 16", pair, pair),
        Batch("batch-ids", "batch items.maxdot users.npy -k 5 --ids ids.npy --threads 2", pair[:1]),
        BatchApart(
            "batch-apart", batch.replace(" ids.npy", " i/ids.npy").replace(" scores", " s/scores"), apart, apart
        ),
        BadRowsBatch(
            "batch-bad-rows",
            f"{batch} --on-bad-row null --bad-rows bad.jsonl --chunk 16 --verify-sample 5",
            pair,
            pair,
        ),
    ]
    of_python = (PythonSave, PythonLive, PythonCreate, PythonBatch)
    return chosen + ([scenario(python) for scenario in of_python] if python else [])


def arguments(document: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=document, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", default=str(BUILD / "dev/bin/maxdot"))
    parser.add_argument("--python", help="one that has maxdot; without it, the command alone is tried")
    parser.add_argument("--server", metavar="BIN/maxdot-server", default=str(BUILD / "dev/bin/maxdot-server"))
    parser.add_argument("--out", type=pathlib.Path, default=BUILD / "faults")
    parser.add_argument("--quick", action="store_true", help="a few calls of each kind")
    parser.add_argument("--only", action="append", metavar="SCENARIO")
    parser.add_argument("--kind", action="append", help="of calls")
    parser.add_argument("--error", help="such as EIO")
    parser.add_argument("--at", type=int, help="this call alone")
    parser.add_argument("--verbose", action="store_true")
    options = parser.parse_args()
    # Programs run in folders of their own. No links are followed: a virtual environment's Python is one.
    for name in ("binary", "python", "server"):
        if getattr(options, name) is not None:
            setattr(options, name, os.path.abspath(getattr(options, name)))
    return options


def chosen_scenarios(options: argparse.Namespace, quick: tuple[str, ...]) -> list[Scenario]:
    scenarios = all_scenarios(options.python)
    if options.only:
        unknown = set(options.only) - {scenario.name for scenario in scenarios}
        if unknown:
            raise SystemExit(
                f"no scenario {', '.join(sorted(unknown))}: see all_scenarios; those of Python need --python"
            )
        return [scenario for scenario in scenarios if scenario.name in options.only]
    return [scenario for scenario in scenarios if not options.quick or scenario.name in quick]


def scratch_folder() -> tempfile.TemporaryDirectory:
    """In memory where that is a folder: thousands of syncs would ask the disk."""
    place = pathlib.Path("/dev/shm")
    return tempfile.TemporaryDirectory(prefix="maxdot-faults-", dir=place if os.access(place, os.W_OK) else None)


def is_chosen(fault: Fault, options: argparse.Namespace) -> bool:
    return (not options.kind or fault.kind in options.kind) and options.error in (None, fault.error)


def carry_out(part: str, options: argparse.Namespace, body: Callable[[Report, Runner, pathlib.Path], None]) -> int:
    """Runs a part of the report in a folder of its own. Returns the exit code."""
    report = Report(part)
    with scratch_folder() as scratch:
        folder = pathlib.Path(scratch)
        try:
            runner = Runner(folder / "tools")
        except Unsupported as reason:
            print(f"skipped: {reason}")
            return SKIPPED
        body(report, runner, folder)
    print(report.told())
    if not report.rows:
        print("nothing was tried: no scenario and fault is what was asked for")
    return 1 if report.failures or not report.rows else 0
