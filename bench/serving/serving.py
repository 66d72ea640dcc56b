#!/usr/bin/env python3
"""maxdot-server under a rising load, beside the usual home-made server of FastAPI and FAISS.

The rates are found, not given: a closed loop (--closed-connections that ask again as soon as they have their answer)
measures what a server can do, then maxdot_load offers shares of that, up to three times as much, at the times of a
Poisson process, whatever the answers do. Latencies count from when a request was due. After the overload a low rate
shows that the server is well again. Each answer is compared with the first to the same query.

FastAPI + FAISS has three settings; the one with the highest closed-loop throughput is measured. Server and
maxdot_load run on the same cores.

Example:
  python bench/serving/serving.py --binaries build/release/bin
  python bench/serving/serving.py --binaries build/release/bin --items 20000 --seconds 1     # whether it runs
"""

import argparse
import json
import pathlib
import resource
import subprocess
import sys

import beside_peers  # noqa: F401  makes datasets and machine importable
import datasets
import machine
import numpy as np
import servers

# Percent of the closed loop's throughput. The last one is asked after the overload.
PERCENTS = [10, 25, 50, 75, 90, 110, 150, 300]
AFTER = 10
# [samples] With fewer, a percentile is the largest of them, and no percentile.
FEWEST = {"p50": 2, "p99": 100, "p999": 1000}
# [files] A connection takes one, in the server and in maxdot_load; the rest is for all others.
OTHER_FILES = 200


def load(server, queries, options, *arguments):
    """The report of maxdot_load."""
    command = [options.binaries / "maxdot_load", queries, "--server", f"127.0.0.1:{server.port}", *server.ask,
               "-k", options.k, "--connections", options.connections, "--closed-connections", options.closed_connections,
               "--queries", options.queries, "--patience", options.patience, "--json", *arguments]
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False)
    if not done.stdout:
        raise servers.Failed(f"{server.name}: {done.stderr.strip()}")
    if not server.alive():
        raise servers.Failed(f"{server.name}: the server ended under load with status {server.process.returncode}")
    return json.loads(done.stdout)


def best_of(choices, queries, options):
    """The server with the highest throughput, and what each reached."""
    reached = {}
    for server in choices:
        with server:
            closed = load(server, queries, options, "--seconds", options.seconds)["runs"][0]
        reached[server] = closed["answered_per_second"]
        print(f"{server.name}: {reached[server]:,.0f} answers/s in a closed loop", file=sys.stderr, flush=True)
    return max(reached, key=reached.get), {server.name: rate for server, rate in reached.items()}


def measure_server(server, queries, options):
    print(f"{server.name}: {len(PERCENTS) + 1} runs of {options.seconds} s", file=sys.stderr, flush=True)
    with server:
        report = load(server, queries, options, "--seconds", options.seconds, "--percent", *PERCENTS, AFTER)
    return {**report, "server": server.name, "command": server.command}


def milliseconds(told, name):
    return f"{1e3 * told[name]:,.1f}" if told["count"] >= FEWEST[name] else "–"


def table(report):
    closed, *runs = report["runs"]
    lines = [
        f"**{report['server']}**: {closed['answered_per_second']:,.0f} answers/s to {report['closed_connections']} connections "
        "in a closed loop.",
        "",
        "| offered | offered/s | answered/s | refused | failed | unanswered | no connection free | p50 ms | p99 ms | p99.9 ms "
        "| refused p99 ms | generator late p99 ms |",
        "|---|" + "---:|" * 11,
    ]
    labels = [*(f"{percent} %" for percent in PERCENTS), f"{AFTER} % again"]
    for label, run in zip(labels, runs, strict=True):
        statuses, answered = run["statuses"], run["answered"]
        refused = sum(statuses.get(status, 0) for status in ("429", "503", "504"))
        failed = run["failed"] + sum(statuses.values()) - statuses.get("200", 0) - refused
        cells = [
            label,
            f"{run['offered_per_second']:,.0f}",
            f"{run['answered_per_second']:,.0f}",
            *(share(count, run) for count in (refused, failed, run["unanswered"], run["waited_for_a_connection"])),
            *(milliseconds(answered, name) for name in ("p50", "p99", "p999")),
            milliseconds(run["refused"], "p99"),
            f"{1e3 * run['late']['p99']:.2f}",
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def share(count, run):
    return "0" if count == 0 else f"{100 * count / run['requests']:.2g} %"


def problems_of(report):
    """What no server may do: give another answer, or stay ill after the overload."""
    wrong = sum(run["wrong"] for run in report["runs"])
    if wrong:
        yield f"{report['server']}: {wrong} answers differ from the first to the same query"
    after = report["runs"][-1]
    answered = after["statuses"].get("200", 0)
    if answered != after["requests"]:
        yield f"{report['server']}: after the overload {answered} of {after['requests']} requests were answered"


def head(shape, options, machine_told):
    return (
        f"{shape[0]:,} × {shape[1]}, k = {options.k}, one query a request, {options.seconds} s a run, "
        f"{options.connections} connections, {machine_told['processor']}, {machine_told['cores in use']} cores, "
        "which server and load generator share. Percent are of the closed loop's throughput. Latencies are of answers, from "
        "when their request was due (Poisson arrivals), the wait for a free connection included; answered/s are those within "
        "the run. A percentile is left out where there were too few answers for it. maxdot-server has --max-waiting "
        f"{options.waiting} and refuses what is more; FastAPI lets everything wait.\n"
    )


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binaries", type=pathlib.Path, required=True,
                        help="folder of maxdot, maxdot-server and maxdot_load")
    parser.add_argument("--data", default="gaussian", help="an .npy file of embeddings instead of Gaussian unit rows")
    parser.add_argument("--items", type=int, default=1_000_000)
    parser.add_argument("--dimension", type=int, default=128, help="of Gaussian rows")
    parser.add_argument("-k", type=int, default=10)
    parser.add_argument("--seconds", type=int, default=10, help="of a run")
    parser.add_argument("--connections", type=int, default=1_000, help="of maxdot_load; the server takes 1,024")
    parser.add_argument("--closed-connections", type=int, default=256, help="of the closed loop")
    parser.add_argument("--queries", type=int, default=512, help="different ones")
    parser.add_argument("--waiting", type=int, default=256,
                        help="--max-waiting of maxdot-server: a full batch waits while one is searched. Its default, 4,096, "
                             "is more than its HTTP connections can ask at a time with one query each")
    parser.add_argument("--patience", type=int, default=60, help="seconds for the last answers of a run")
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path("build/bench-serving"),
                        help="folder for data and results")
    options = parser.parse_args()
    if min(options.items, options.dimension, options.k, options.seconds) < 1:
        parser.error("items, dimension, k and seconds must be above 0")
    options.binaries = options.binaries.resolve()
    options.out = options.out.resolve()
    return options


def allow_files(count):
    """Raises this process's limit of open files, which its children inherit, as far as the machine lets it."""
    now, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    if now != resource.RLIM_INFINITY and now < count:
        resource.setrlimit(resource.RLIMIT_NOFILE, (count if most == resource.RLIM_INFINITY else min(count, most), most))


def prepare(options):
    """Shape of the items; paths of items, queries and index."""
    options.out.mkdir(parents=True, exist_ok=True)
    shape = [options.items, options.dimension]
    if options.data != "gaussian":
        rows, dimension = np.load(options.data, mmap_mode="r").shape
        shape = [min(options.items, rows), dimension]
    items, queries = datasets.make(options.out, options.data, *shape)
    index = options.out / "items.maxdot"
    build = [options.binaries / "maxdot", "build", items, "-o", index, "--metric", "dot"]
    subprocess.run(build, check=True, stdout=subprocess.DEVNULL)
    return shape, items, queries, index


def main():
    options = parse()
    allow_files(options.connections + OTHER_FILES)
    told = machine.describe()
    shape, items, queries, index = prepare(options)
    reports, problems = [], []
    usual, tried = best_of(servers.fastapi_settings(items, options.k, options.out), queries, options)
    for server in (
        servers.maxdot_server(options.binaries, index, options.waiting, "binary", options.out),
        servers.maxdot_server(options.binaries, index, options.waiting, "json", options.out),
        usual,
    ):
        try:
            reports.append(measure_server(server, queries, options))
            problems.extend(problems_of(reports[-1]))
        except servers.Failed as failed:
            problems.append(str(failed))
    settings = "; ".join(f"{name}: {rate:,.0f}/s" for name, rate in tried.items())
    text = "\n".join([head(shape, options, told), *(table(report) for report in reports), f"In a closed loop: {settings}.\n"])
    print(text)
    (options.out / "table.md").write_text(text, encoding="utf-8")
    document = {"machine": told, "shape": shape, "data": pathlib.Path(options.data).stem, "fastapi_settings": tried}
    document["servers"] = reports
    (options.out / "results.json").write_text(json.dumps(document, indent=1), encoding="utf-8")
    print("".join(f"{problem}\n" for problem in problems), end="", file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except servers.Failed as failed:
        sys.exit(f"serving.py: {failed}")
