"""make bench-peers: measures maxdot beside its peers, writes results.json, index.html and table.md.

python run.py --out DIR [--full] [--data items.npy] [--only NAME ...] [--update-page]
python run.py --out DIR --render
"""

import argparse
import datetime
import json
import pathlib
import sys
import time

import datasets
import machine
import maxdot
import measure
import numpy as np
import page
import plan as plans
import table
from peers import PEERS


def correctness(answers, data_files, first):
    """Every library's answer against brute force in f64, by the metric that it was asked."""
    items, queries = (np.load(path) for path in data_files[first])
    found = {}
    for name, answer in answers.items():
        ids = np.load(answer["path"])
        check = maxdot.verify(items, queries[: len(ids)], ids, PEERS[name].metric)
        found[name] = {
            "positions": check.positions,
            "wrong": check.wrong,
            "tied": check.tied,
            "recall": check.recall,
            "batch_invariant": answer["batch_invariant"],
        }
    return found


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=pathlib.Path, required=True, help="folder for data and results")
    parser.add_argument("--full", action="store_true", help="hours instead of minutes: up to 1,000,000 items")
    parser.add_argument(
        "--data", default="gaussian", help="an .npy file of embeddings instead of Gaussian rows"
    )
    parser.add_argument("--only", nargs="*", choices=list(PEERS), help="these libraries beside maxdot")
    parser.add_argument("--update-page", action="store_true", help="put the tables into the page of docs/")
    parser.add_argument(
        "--render", action="store_true", help="write page and table from the stored results, measure nothing"
    )
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    stored = options.out / "results.json"
    if options.render:
        results = json.loads(stored.read_text(encoding="utf-8"))
    else:
        results = run(options)
        stored.write_text(json.dumps(results, indent=1), encoding="utf-8")
    (options.out / "index.html").write_text(page.render(results), encoding="utf-8")
    (options.out / "table.md").write_text(table.render(results), encoding="utf-8")
    if options.update_page:
        table.update_page(results)
    print(f"done: {options.out / 'index.html'}", file=sys.stderr)


def run(options):
    """Measures everything."""
    started = time.perf_counter()

    def say(text):
        print(f"[{time.perf_counter() - started:6.1f} s] {text}", file=sys.stderr, flush=True)

    plan = (plans.full if options.full else plans.quick)(options.data, maxdot.available_threads())
    names = [name for name in PEERS if not options.only or name == "maxdot" or name in options.only]
    results = {
        "date": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
        "plan": plan.name,
        "rounds": plan.rounds,
        "machine": {**machine.describe(), "maxdot kernels": maxdot.kernel_name()},
        "settings": {name: PEERS[name].SETTING for name in names},
        "packages": {name: PEERS[name].package for name in names},
        "approximate": [name for name in names if PEERS[name].approximate],
        "runs": [],
    }
    failed = pathlib.Path(sys.prefix, "failed.json")
    reasons = json.loads(failed.read_text()) if failed.exists() else {}
    data_files = {data: datasets.make(options.out, data.data, data.n, data.d) for data in plan.data}
    with (options.out / "peers.log").open("w") as log:
        for threads in plan.thread_counts:
            measured = measure.run(plan, threads, data_files, names, log, say)
            say("checking answers against f64")
            measured["correctness"] = correctness(measured.pop("answers"), data_files, plan.data[0])
            measured["missing"] = {n: reasons.get(PEERS[n].package, why) for n, why in measured["missing"].items()}
            results["runs"].append(measured)
    results["seconds"] = time.perf_counter() - started
    return results


if __name__ == "__main__":
    main()
