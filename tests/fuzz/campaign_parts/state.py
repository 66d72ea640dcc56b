"""What a campaign has done so far. It is on the disk after every turn, so that a later start goes on."""

import json
import os
from pathlib import Path

from campaign_parts.turns import Turn

KEPT_OF_A_FAILURE = 3  # inputs; all are counted


class State:
    def __init__(self, path: Path):
        self.path = path
        self.targets: dict[str, dict] = {}
        if path.exists():
            self.targets = json.loads(path.read_text())["targets"]

    def of(self, target: str) -> dict:
        empty = {"executions": 0, "seconds": 0.0, "turns": 0, "coverage": {}, "failures": []}
        return self.targets.setdefault(target, empty)

    def add(self, turn: Turn, corpus: Path, crashes: Path) -> None:
        entry = self.of(turn.target)
        entry["executions"] += turn.executions
        entry["seconds"] += turn.seconds
        entry["turns"] += 1
        for name, value in turn.coverage.items():
            entry["coverage"][name] = max(value, entry["coverage"].get(name, 0))
        own = corpus / turn.target
        if own.is_dir():
            sizes = [file.stat().st_size for file in own.iterdir()]
            entry["corpus_files"], entry["corpus_bytes"] = len(sizes), sum(sizes)
        if turn.failure is not None:
            self._add_failure(entry["failures"], turn, crashes)
        self._write()

    def _add_failure(self, failures: list, turn: Turn, crashes: Path) -> None:
        for known in failures:
            if known["failure"] == turn.failure:
                break
        else:
            known = {"failure": turn.failure, "times": 0, "inputs": [], "repeat": []}
            failures.append(known)
        known["times"] += 1
        if known["times"] > KEPT_OF_A_FAILURE:
            for artifact in turn.artifacts:
                Path(artifact).unlink()
            return
        log = crashes / f"{turn.target}-{turn.seed}.log"
        log.write_text(turn.command + "\n\n" + turn.output)
        program = turn.command.split()[0]
        known["inputs"] += turn.artifacts
        known["repeat"] += [f"{program} {artifact}" for artifact in turn.artifacts] or [turn.command]
        known.setdefault("logs", []).append(str(log))

    def _write(self) -> None:
        beside = self.path.with_suffix(".tmp")
        beside.write_text(json.dumps({"targets": self.targets}, indent=1) + "\n")
        os.replace(beside, self.path)

    def failures(self) -> int:
        return sum(len(entry["failures"]) for entry in self.targets.values())
