"""What a batch tells while it works: a bar on a terminal, a line now and then elsewhere, or JSON events."""

from __future__ import annotations

import json
import sys
import time
from typing import Any, Protocol, TextIO

#: [seconds] Between two lines where there is no terminal, and between two pictures of the bar.
_LINE_SECONDS = 30.0
_BAR_SECONDS = 0.2
_BAR_WIDTH = 30


class Reporter(Protocol):
    def event(self, name: str, **values: Any) -> None:
        """Something has happened that is told once."""

    def progress(self, users: int, of: int, since: float) -> None:
        """So many users are done of those that were to be done `since` [seconds of time.monotonic]."""


class Silent:
    def event(self, name: str, **values: Any) -> None:
        pass

    def progress(self, users: int, of: int, since: float) -> None:
        pass


class Now:
    """Says yes at most once in some seconds."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._last = time.monotonic()

    def __call__(self) -> bool:
        now = time.monotonic()
        if now - self._last < self._seconds:
            return False
        self._last = now
        return True


class JsonEvents:
    """One JSON object a line, on stdout."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stdout
        self._now = Now(_LINE_SECONDS)

    def event(self, name: str, **values: Any) -> None:
        print(json.dumps({"event": name, **values}), file=self._stream, flush=True)

    def progress(self, users: int, of: int, since: float) -> None:
        if self._now():
            self.event("progress", users=users, of=of, **_rate(users, of, since))


class Lines:
    """Lines on stderr: events that people care about, and how far it is."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stderr
        self._terminal = self._stream.isatty()
        self._now = Now(_BAR_SECONDS if self._terminal else _LINE_SECONDS)
        self._shown = False

    def event(self, name: str, **values: Any) -> None:
        if self._shown:
            print(file=self._stream)
            self._shown = False
        text = {
            "start": "{units} units of {users:,} users, {done_units} are done; {items:,} items of dimension "
            "{dimension}",
            "exclude": "{pairs:,} pairs to exclude were sorted in {seconds:.1f} s",
        }.get(name)
        if text is not None:
            print(f"maxdot: {text.format(**values)}", file=self._stream, flush=True)

    def progress(self, users: int, of: int, since: float) -> None:
        if not self._now() and users < of:
            return
        rate = _rate(users, of, since)
        text = f"{users:,} of {of:,} users, {rate['users_per_second']:,.0f}/s, {_time(rate['seconds_left'])} left"
        if not self._terminal:
            print(f"maxdot: {text}", file=self._stream, flush=True)
            return
        full = _BAR_WIDTH * users // max(of, 1)
        print(f"\r[{'#' * full}{'.' * (_BAR_WIDTH - full)}] {text}\x1b[K", end="", file=self._stream, flush=True)
        self._shown = True


def _rate(users: int, of: int, since: float) -> dict[str, float]:
    seconds = max(time.monotonic() - since, 1e-9)
    rate = users / seconds
    return {"users_per_second": round(rate, 1), "seconds_left": round((of - users) / rate, 1) if rate else 0.0}


def _time(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"
