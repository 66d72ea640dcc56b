"""What is wrong with how a program ended that had a fault in it."""

from __future__ import annotations

import errno
import os
import pathlib
import re

from running import Fault, Outcome
from scenarios import CODES, Scenario, files_in

#: What must not be said, however it ended.
NEVER = re.compile(
    r"terminate called|Sanitizer|runtime error:|Traceback|Fatal Python error|internal error|Assertion"
)
#: A call that does a part of its work, or is to be made again, is no failure. Nor are fewer threads.
HARMLESS = ("short", "EINTR")


def allowed_codes(fault: Fault) -> set[int]:
    if fault.error in HARMLESS or fault.kind == "thread":
        return {0}
    if fault.kind == "memory":
        return {0, 6}
    return {0, 3, 6} if fault.kind == "map" else {0, 3}


def lacks_memory(outcome: Outcome) -> bool:
    """A call of the C library, such as opendir, that has no memory fails with a reason of its own."""
    return outcome.code == 3 and os.strerror(errno.ENOMEM) in outcome.stderr


def wrong_end(scenario: Scenario, fault: Fault, outcome: Outcome) -> list[str]:
    if outcome.code is None:
        return ["did not end"]
    if outcome.code < 0:
        return [f"died of signal {-outcome.code}: {outcome.stderr[-300:]}"]
    problems = []
    if outcome.code not in CODES:
        problems.append(f"exit {outcome.code} is not one of those that are documented for it")
    elif outcome.code not in allowed_codes(fault) and not lacks_memory(outcome):
        problems.append(f"exit {outcome.code} ({CODES[outcome.code]}) for {fault.name}")
    if NEVER.search(outcome.stderr):
        problems.append("said what it must not")
    return problems


def wrong_words(scenario: Scenario, fault: Fault, outcome: Outcome) -> list[str]:
    """A failure is told, with its file or its reason; a success has its answer."""
    if outcome.code == 0:
        if scenario.answers_on_stdout and outcome.stdout != scenario.right.stdout:
            return ["exit 0, but stdout is not the answer"]
        if outcome.stdout.count("\n") != scenario.right.stdout.count("\n"):
            return ["exit 0, but lines of stdout are missing"]
        return []
    if outcome.descriptor == 2 and outcome.call in ("write", "writev"):
        return []  # it is the message that could not be written
    lines = outcome.stderr.splitlines()
    told = [line for line in lines if line.startswith(scenario.leads)]
    names = [pathlib.Path(name).name for name in scenario.before.keys() | set(scenario.targets)]
    reasons = [os.strerror(getattr(errno, fault.error, 0)), "memory", "MemoryError", "standard output"]
    if not any(word in line for line in told for word in names + reasons):
        return [f"no message that names the file or the reason: {outcome.stderr[-300:]!r}"]
    return []


def judge(
    scenario: Scenario, fault: Fault, outcome: Outcome, folder: pathlib.Path
) -> tuple[list[str], list[str], str]:
    """Problems, what is left over, and in which state the targets are. Runs the program again in `folder`."""
    found = files_in(folder)
    left = scenario.leftovers(found)
    ended = scenario.may_abort(outcome) and fault.kind == "memory"
    kills = fault.error in ("kill", "tear") or ended
    problems = [] if kills else wrong_end(scenario, fault, outcome) + wrong_words(scenario, fault, outcome)
    problems += scenario.wrong_files(outcome, found)
    if fault.kind == "memory":
        left = [name for name in left if not name.endswith(scenario.kept_without_memory)]
    # Who is killed cleans up nothing, nor who may not remove a file, or without a lock cannot know whose it is. The next
    # run does.
    if left and not kills and fault.kind not in ("unlink", "lock"):
        problems.append(f"left {left}")
    states = {scenario.state_of(name, found) for name in scenario.targets}
    problems += scenario.wrong_later(folder, outcome)
    return problems, left, "/".join(sorted(states))
