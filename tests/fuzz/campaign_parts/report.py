"""report.json and report.md of a campaign."""

import json
import platform
import subprocess
from pathlib import Path

from campaign_parts.state import State
from campaign_parts.turns import DIFFERENTIAL


def _line_of(command: list[str], folder: Path) -> str:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else "unknown"


def commit_of(source: Path) -> str:
    """The commit, and whether files differ from it."""
    commit = _line_of(["git", "rev-parse", "--short=12", "HEAD"], source)
    changed = _line_of(["git", "status", "--porcelain"], source)
    return commit + (" with changes" if changed not in ("", "unknown") else "")


def cpu_of() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return f"{len(names)} x {names[0]}" if names else platform.processor() or platform.machine()


def _row(target: str, entry: dict) -> dict:
    seconds = entry["seconds"]
    return {
        "target": target,
        "executions": entry["executions"],
        "hours": round(seconds / 3600, 2),
        "executions_per_second": round(entry["executions"] / seconds) if seconds else 0,
        "coverage": entry["coverage"],
        "corpus_files": entry.get("corpus_files", 0),
        "corpus_bytes": entry.get("corpus_bytes", 0),
        "failures": entry["failures"],
    }


def _markdown(report: dict) -> str:
    summary = (
        f"Commit {report['commit']}, {report['cpu']}. {report['executions']:,} executions of libFuzzer targets under"
        f" sanitizers, {report['cases']:,} cases of the differential fuzzer, {report['failure_count']} different"
        " failures."
    )
    lines = [
        "# Fuzzing campaign",
        "",
        summary,
        "",
        "| target | executions | hours | per second | edges | features | corpus | failures |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for row in report["targets"]:
        coverage = row["coverage"]
        corpus = f"{row['corpus_files']} files, {row['corpus_bytes'] // 1000} kB" if row["corpus_files"] else "-"
        lines.append(
            f"| {row['target']} | {row['executions']:,} | {row['hours']} | {row['executions_per_second']:,} |"
            f" {coverage.get('cov', '-')} | {coverage.get('ft', '-')} | {corpus} | {len(row['failures'])} |"
        )
    for row in report["targets"]:
        for failure in row["failures"]:
            lines += [
                "",
                f"## {row['target']}: {failure['failure']}",
                "",
                f"{failure['times']} times. Repeat it:",
                "",
            ]
            lines += [f"    {command}" for command in failure["repeat"]]
    return "\n".join(lines) + "\n"


def write(state: State, source: Path, folder: Path) -> dict:
    rows = [_row(target, entry) for target, entry in sorted(state.targets.items())]
    report = {
        "commit": commit_of(source),
        "cpu": cpu_of(),
        "executions": sum(row["executions"] for row in rows if row["target"] != DIFFERENTIAL),
        "cases": sum(row["executions"] for row in rows if row["target"] == DIFFERENTIAL),
        "failure_count": state.failures(),
        "targets": rows,
    }
    (folder / "report.json").write_text(json.dumps(report, indent=1) + "\n")
    (folder / "report.md").write_text(_markdown(report))
    return report
