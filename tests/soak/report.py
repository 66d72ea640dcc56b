"""report.md and report.json: what was done, what went wrong, and how memory was at five points of time."""

import json

from verdict import MIB, points

MEMORY = ("rss", "pss", "private_dirty", "descriptors", "threads")


def write_report(folder, samples, done, findings, seconds, given):
    """Returns whether all is well."""
    wrong = {
        name: sum(n for kind, n in of["counts"].items() if kind.startswith("failed: ")) for name, of in done.items()
    }
    failures = [f"{name}: {message}" for name, of in done.items() for message in of["failures"]]
    failures.sort(key=lambda message: "dead process" not in message)  # It explains the others.
    grown = [finding for finding in findings if not finding["flat"]]
    good = not failures and not grown and bool(findings)
    cpu = cpu_share(samples)
    report = {
        "verdict": "passed" if good else "failed",
        "flat": bool(findings) and not grown,
        "minutes": round(seconds / 60, 2),
        "minutes_wanted": given.minutes,
        "seed": given.seed,
        "cores_used": cpu,
        "failures": wrong,
        "first_failures": failures,
        "done": {name: of["counts"] for name, of in done.items()},
        "points": points(samples),
        "findings": findings,
    }
    (folder / "report.json").write_text(json.dumps(report, indent=1) + "\n")
    (folder / "report.md").write_text("\n".join(_page(report)) + "\n")
    print((folder / "report.md").read_text())
    return good


def cpu_share(samples):
    """Cores that each process has used, from the first sample to the last."""
    if len(samples) < 2:
        return {}
    first, last = samples[0], samples[-1]
    of = {name: (first["processes"][name], last["processes"][name]) for name in first["processes"]}
    of["clients"] = (first["clients"], last["clients"])
    seconds = last["seconds"] - first["seconds"]
    return {name: round((b["cpu_seconds"] - a["cpu_seconds"]) / seconds, 3) for name, (a, b) in of.items()}


def _page(report):
    yield f"# Soak: {report['verdict']}"
    yield ""
    flat = (
        "flat" if report["flat"] else "not flat" if report["findings"] else "too short to tell whether it is flat"
    )
    yield (
        f"{report['minutes']} of {report['minutes_wanted']:g} minutes, seed {report['seed']}. "
        f"Memory, descriptors and folders: {flat}. Failures: {sum(report['failures'].values())}."
    )
    yield ""
    yield f"Cores used: {', '.join(f'{name} {cores}' for name, cores in report['cores_used'].items())}."
    if report["first_failures"]:
        yield "\n## What went wrong (the first)\n"
        yield from (f"* {message}" for message in report["first_failures"])
    for name, counts in report["done"].items():
        yield f"\n## What was done: {name}\n\n| | |\n|---|---|"
        yield from (f"| {what} | {number:,} |" for what, number in counts.items())
    yield "\n## Five points of time (MiB; numbers)\n"
    yield "| Process | Minute | RSS | PSS | Private dirty | Descriptors | Threads |\n|---|---|---|---|---|---|---|"
    for name in ("server", "live"):
        for point in report["points"]:
            held = point["processes"][name]
            cells = [f"{held[what] / MIB:.1f}" if what in MEMORY[:3] else str(held[what]) for what in MEMORY]
            yield f"| {name} | {point['seconds'] / 60:.1f} | {' | '.join(cells)} |"
    yield "\n## First and last fifth after the warm-up (medians)\n"
    yield "| Of | What | First | Last | Growth allowed | |\n|---|---|---|---|---|---|"
    for finding in report["findings"]:
        shown = [_number(finding["what"], finding[column]) for column in ("first", "last", "allowed")]
        word = "flat" if finding["flat"] else "**grows**"
        yield f"| {finding['of']} | {finding['what']} | {' | '.join(shown)} | {word} |"


def _number(what, value):
    return f"{value / MIB:.1f} MiB" if what in ("rss", "pss", "private_dirty", "bytes") else f"{value:g}"
