"""Runs a program with one fault in it, by preload.c and tracer.c, and tells how it ended."""

from __future__ import annotations

import dataclasses
import errno
import json
import os
import pathlib
import platform
import struct
import subprocess
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
FLAGS = "-std=c11 -O1 -g -Wall -Wextra -Wconversion -Wsign-conversion".split()
SECONDS = 120  # after which a program hangs

#: Kinds of system calls. memory and thread are preload.c's.
CALLS = {
    "map": "mmap",
    "open": "open,openat,creat",
    "create": "open,openat,creat",
    "read": "read,pread64,readv,preadv2",
    "write": "write,pwrite64,writev",
    "sync": "fsync,fdatasync",
    "close": "close",
    "rename": "rename,renameat,renameat2",
    "link": "link,linkat",
    "unlink": "unlink,unlinkat",
    "size": "ftruncate,fallocate",
    "stat": "stat,lstat,fstat,newfstatat,statx",
    "list": "getdents64",
    "lock": "flock",
    "folder": "mkdir,mkdirat",
    "owner": "fchmod,fchown",
    "socket": "socket,bind,listen",
    "accept": "accept,accept4",
}
#: All that touches files: what kills.py kills at.
CALLS["file"] = ",".join(
    calls for kind, calls in CALLS.items() if kind not in ("map", "create", "socket", "accept")
)


@dataclasses.dataclass(frozen=True)
class Fault:
    """The n-th call of a kind (`at`, from 1; 0: none) fails with `error`, is cut `short`, or ends the program."""

    kind: str
    error: str  # the name of an errno, "short", "kill", or "tear": a call that is cut short, then a kill
    at: int = 0
    lasts: bool = False  # so do all later calls
    files: bool = False  # only calls on files, not on pipes, sockets and the like

    @property
    def name(self) -> str:
        return f"{self.kind} {self.error}{' from then on' if self.lasts else ''}"

    def numbered(self, at: int) -> Fault:
        return dataclasses.replace(self, at=at)


@dataclasses.dataclass
class Outcome:
    code: int | None  # negative: died of that signal; None: did not end
    stdout: str
    stderr: str
    calls: int = 0
    fired: bool = False
    call: str = ""  # that was hit
    about: str = ""  # its file
    descriptor: int = -1


class Unsupported(Exception):
    """This machine cannot have the faults."""


class Runner:
    """Builds preload.c and tracer.c in `folder`, and runs programs."""

    def __init__(self, folder: pathlib.Path) -> None:
        if platform.system() != "Linux" or platform.machine() != "x86_64" or platform.libc_ver()[0] != "glibc":
            raise Unsupported("faults need Linux, glibc and x86-64")
        folder.mkdir(parents=True, exist_ok=True)
        self._tracer = folder / "tracer"
        self._preload = folder / "preload.so"
        self._scratch = folder
        self._compile(["tracer.c", "asked.c"], self._tracer)
        self._compile(["-shared", "-fPIC", "preload.c", "-ldl"], self._preload)
        try:
            self.run(["true"], folder, Fault("read", "EIO"), from_main=True)
        except AssertionError as reason:
            raise Unsupported(f"ptrace or seccomp is not permitted here: {reason}") from None

    @staticmethod
    def _compile(arguments: list[str], to: pathlib.Path) -> None:
        compiler = os.environ.get("CC", "cc")
        try:
            subprocess.run([compiler, *FLAGS, *arguments, "-o", to], cwd=HERE, check=True)
        except FileNotFoundError:
            raise Unsupported(f"there is no C compiler {compiler}; name one by CC") from None

    def environment(self, from_main: bool) -> dict[str, str]:
        drop = ("MAXDOT_ISA", "LD_PRELOAD")
        kept = {name: value for name, value in os.environ.items() if name not in drop}
        # No threads but the program's own, and no file of Python's beside it.
        single = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1"}
        return kept | single | {"MAXDOT_FAULTS_FROM": "main" if from_main else "call"}

    def run(
        self, program: list[str], folder: pathlib.Path, fault: Fault | None, from_main: bool, carry_out=None
    ) -> Outcome:
        """Runs `program` in `folder`. `from_main`: calls count from main on, else from when it says so.

        `carry_out(command, folder, environment)` runs a program that must be talked to, and returns its Outcome.
        """
        carry_out = carry_out or to_its_end
        environment = self.environment(from_main)
        if fault is None:
            return carry_out(program, folder, environment | {"LD_PRELOAD": str(self._preload)})
        with tempfile.NamedTemporaryFile(dir=self._scratch, prefix="counts-") as counts:
            if fault.kind in ("memory", "thread"):
                counts.write(bytes(16))
                counts.flush()
                outcome = carry_out(program, folder, environment | self._preloaded(fault, counts.name))
                outcome.calls, failed = struct.unpack("<QQ", pathlib.Path(counts.name).read_bytes())
                outcome.fired = failed > 0
                return outcome
            told = {"MAXDOT_FAULTS_PRELOAD": str(self._preload)}
            outcome = carry_out(self._traced(program, fault, counts.name), folder, environment | told)
            return as_reported(outcome, program, pathlib.Path(counts.name))

    def record(self, program: list[str], folder: pathlib.Path, from_main: bool, record: pathlib.Path) -> Outcome:
        """Runs `program` in `folder`; what it does to files goes to `record` (recorder.c)."""
        recorder = self._scratch / "recorder.so"
        if not recorder.exists():
            self._compile(["-shared", "-fPIC", "recorder.c"], recorder)
        told = {"LD_PRELOAD": str(recorder), "MAXDOT_RECORD": str(record)}
        return to_its_end(program, folder, self.environment(from_main) | told)

    def _preloaded(self, fault: Fault, counts: str) -> dict[str, str]:
        return {
            "LD_PRELOAD": str(self._preload),
            "MAXDOT_FAULTS_KIND": fault.kind,
            "MAXDOT_FAULTS_AT": str(fault.at),
            "MAXDOT_FAULTS_LASTS": str(int(fault.lasts)),
            "MAXDOT_FAULTS_COUNT": counts,
        }

    def _traced(self, program: list[str], fault: Fault, report: str) -> list[str]:
        actions = {"short": ["--short"], "kill": ["--kill"], "tear": ["--tear"]}
        action = actions.get(fault.error) or ["--error", str(getattr(errno, fault.error))]
        command = [
            str(self._tracer),
            "--calls",
            CALLS[fault.kind],
            "--at",
            str(fault.at),
            "--report",
            report,
            *action,
        ]
        command += ["--creating"] if fault.kind == "create" else []
        command += ["--lasts"] if fault.lasts else []
        command += ["--files"] if fault.files else []
        return [*command, "--", *program]


def to_its_end(command: list[str], folder: pathlib.Path, environment: dict[str, str]) -> Outcome:
    try:
        done = subprocess.run(
            command, cwd=folder, env=environment, capture_output=True, timeout=SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        return Outcome(None, "", "", fired=True)
    return Outcome(done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace"))


def as_reported(outcome: Outcome, program: list[str], report: pathlib.Path) -> Outcome:
    """What the tracer tells of the program, in place of what is known of the tracer."""
    if outcome.code is None:
        return outcome
    if outcome.code != 0:
        raise AssertionError(f"tracer: exit {outcome.code}: {outcome.stderr}")
    told = json.loads(report.read_text(encoding="utf-8"))
    if not told["begun"] and told["code"] == 0:
        raise AssertionError(f"{program}: its calls were not counted")
    for name in ("calls", "fired", "call", "about", "descriptor", "code"):
        setattr(outcome, name, told[name])
    return outcome
