"""build/faults/report.json and report.md: a part for each program that writes one."""

from __future__ import annotations

import collections
import json
import pathlib

COLUMNS = (
    "scenario",
    "fault",
    "calls",
    "tried",
    "done",
    "refused, old",
    "refused, new",
    "refused, other",
    "left over",
    "failures",
)


def numbers_to_try(calls: int, first: int, rest: int) -> list[int]:
    """All from 1 to `calls`, or the first ones and some of the rest, the same each time."""
    if calls <= first + rest:
        return list(range(1, calls + 1))
    step = (calls - first) / rest
    return list(range(1, first + 1)) + sorted({first + 1 + int(i * step) for i in range(rest)})


class Report:
    """Rows, one for each scenario and fault; failures, with how to see them again."""

    def __init__(self, part: str) -> None:
        self.part = part
        self.rows: list[dict] = []
        self.failures: list[dict] = []
        self.skipped: list[str] = []

    def add(self, scenario: str, fault: str, calls: int, tried: list[dict]) -> None:
        """`tried`: of each run its number, code, state, left, problems and what was hit."""
        counts = collections.Counter(self._column(one) for one in tried)
        failures = [one for one in tried if one["problems"]]
        row = {"scenario": scenario, "fault": fault, "calls": calls, "tried": len(tried)}
        row |= {name: counts[name] for name in COLUMNS[4:8]}
        row |= {"left over": sum(bool(one["left"]) for one in tried), "failures": len(failures)}
        self.rows.append(row)
        self.failures += [{"scenario": scenario, "fault": fault} | one for one in failures]

    @staticmethod
    def _column(one: dict) -> str:
        if one["code"] == 0:
            return "done"
        return {"old": "refused, old", "new": "refused, new"}.get(one["state"], "refused, other")

    def write(self, folder: pathlib.Path) -> None:
        """Puts this part beside the other ones in the folder."""
        folder.mkdir(parents=True, exist_ok=True)
        stored = folder / "report.json"
        parts = json.loads(stored.read_text(encoding="utf-8")) if stored.exists() else {}
        before = parts.get(self.part, {"rows": [], "failures": [], "skipped": []})
        now = {(row["scenario"], row["fault"]) for row in self.rows}
        for name, mine in (("rows", self.rows), ("failures", self.failures)):
            before[name] = [row for row in before[name] if (row["scenario"], row["fault"]) not in now] + mine
            before[name].sort(key=lambda row: row["scenario"])
        before["skipped"] = self.skipped
        parts[self.part] = before
        stored.write_text(json.dumps(parts, indent=1) + "\n", encoding="utf-8")
        (folder / "report.md").write_text("\n".join(_markdown(parts)) + "\n", encoding="utf-8")

    def tell(self, also_good: bool) -> None:
        """The newest row, and its failures."""
        row = self.rows[-1]
        if also_good or row["failures"]:
            print(", ".join(f"{name} {value}" for name, value in row.items()), flush=True)
        for failure in self.failures[-row["failures"] :] if row["failures"] else []:
            print(f"  {failure}", flush=True)

    def told(self) -> str:
        tried = sum(row["tried"] for row in self.rows)
        return f"{self.part}: {tried} faults in {len(self.rows)} rows, {len(self.failures)} failures"


def _markdown(parts: dict) -> list[str]:
    lines = ["# Faults", ""]
    for part, content in sorted(parts.items()):
        lines += [f"## {part}", ""]
        lines += [f"Skipped: {reason}" for reason in content["skipped"]]
        lines += ["| " + " | ".join(COLUMNS) + " |", "|---|---|" + "---:|" * (len(COLUMNS) - 2)]
        for row in content["rows"]:
            lines.append("| " + " | ".join(str(row[name]) for name in COLUMNS) + " |")
        lines += ["", f"### Failures: {len(content['failures'])}", ""]
        for one in content["failures"]:
            where = f"{one['call']} {one['about']}".strip()
            lines.append(
                f"- {one['scenario']}, {one['fault']}, call {one['at']} ({where}): {'; '.join(one['problems'])}"
            )
        lines.append("")
    return lines
