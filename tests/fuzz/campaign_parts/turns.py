"""A turn: one process of one target for some time, and what it says of itself."""

import os
import re
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

DIFFERENTIAL = "maxdot_fuzz_differential"
MOST_BYTES = 65536  # of an input
MOST_SECONDS = 25  # that one input may take, sanitizers included
GRACE_SECONDS = 120  # that a process may take beyond its turn, to end


@dataclass
class Turn:
    """What a process did. `failure` is None if nothing was found."""

    target: str
    seed: int
    executions: int = 0
    seconds: float = 0.0
    coverage: dict = field(default_factory=dict)
    failure: str | None = None
    command: str = ""
    artifacts: list[str] = field(default_factory=list)
    output: str = ""


@dataclass
class Folders:
    """Where everything is."""

    programs: Path
    differential: Path
    corpus: Path
    kept: Path
    crashes: Path
    temporary: Path


def program_of(folders: Folders, target: str) -> Path:
    return folders.differential if target == DIFFERENTIAL else folders.programs / target


def _command(folders: Folders, target: str, seed: int, seconds: int) -> list[str]:
    program = str(program_of(folders, target))
    if target == DIFFERENTIAL:
        return [program, "--seed", str(seed), "--seconds", str(seconds), "--jobs", "1"]
    own = folders.corpus / target
    own.mkdir(parents=True, exist_ok=True)
    options = [
        f"-seed={seed}",
        f"-max_total_time={seconds}",
        f"-max_len={MOST_BYTES}",
        f"-timeout={MOST_SECONDS}",
        f"-artifact_prefix={folders.crashes}/{target}-{seed}-",
        "-print_final_stats=1",
        "-reload=0",
        "-entropic=0",  # its bookkeeping took a quarter of the time
        "-print_funcs=0",  # their names take a symbolizer, which is slow
    ]
    kept = [str(folders.kept / target)] if (folders.kept / target).is_dir() else []
    return [program, *options, str(own), *kept]


def _last_number(pattern: str, text: str) -> int | None:
    found = re.findall(pattern, text)
    return int(found[-1]) if found else None


def _read_libfuzzer(turn: Turn) -> None:
    turn.executions = _last_number(r"stat::number_of_executed_units:\s*(\d+)", turn.output) or 0
    if not turn.executions:  # it crashed: the number of the last line that tells one
        turn.executions = _last_number(r"(?m)^#(\d+)\s", turn.output) or 0
    for name in ("cov", "ft", "corp"):
        value = _last_number(rf"\b{name}: (\d+)", turn.output)
        if value is not None:
            turn.coverage[name] = value


def _read_differential(turn: Turn) -> None:
    turn.executions = _last_number(r"(\d+) cases, \d+ failures", turn.output) or 0


def failure_of(output: str, code: int) -> str:
    """One line that is the same for the same failure."""
    for pattern in (r"(?m)^does not hold: .*$", r"(?m)^SUMMARY: .*$", r"(?m)^.*--case \d+.*$"):
        found = re.search(pattern, output)
        if found:
            return found.group(0).strip()
    return f"ended with code {code}"


def run(folders: Folders, target: str, seed: int, seconds: int, started: list) -> Turn:
    """Runs a turn. `started` holds the process meanwhile, so that it can be ended."""
    inputs = f"{target}-{seed}-*"  # of this process alone; others may write there at the same time
    before = set(folders.crashes.glob(inputs))
    command = _command(folders, target, seed, seconds)
    turn = Turn(target, seed, command=" ".join(command))
    environment = dict(os.environ, TMPDIR=str(folders.temporary), OMP_WAIT_POLICY="PASSIVE")
    begin = os.times().elapsed
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=environment, start_new_session=True
    )
    started.append(process)
    try:
        output, _ = process.communicate(timeout=seconds + GRACE_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        output, _ = process.communicate()
        output += b"\nSUMMARY: the process did not end\n"
    finally:
        started.remove(process)
    turn.seconds = os.times().elapsed - begin
    turn.output = output.decode(errors="replace")
    (_read_differential if target == DIFFERENTIAL else _read_libfuzzer)(turn)
    if process.returncode != 0:
        turn.failure = failure_of(turn.output, process.returncode)
        turn.artifacts = sorted(str(path) for path in set(folders.crashes.glob(inputs)) - before)
    return turn
