"""One timeout for several calls."""

from __future__ import annotations

import time
from types import TracebackType

from maxdot import _core


class Deadline:
    """The argument `timeout` of a function that is made of several calls, each of which takes what is left.

    >>> with Deadline(timeout) as deadline:
    ...     index = Index.build(items, timeout=deadline.left())
    ...     ids, scores = index.search(queries, 10, timeout=deadline.left())

    A TimeoutError that leaves the block names the whole timeout. ValueError, TypeError: as every `timeout`.
    """

    __slots__ = ("_begin", "_seconds")

    _LEAST = 1e-9  # seconds; the call that gets them ends with TimeoutError

    def __init__(self, timeout: float | None) -> None:
        self._seconds = _core.timeout_argument(timeout)
        self._begin = time.monotonic()

    def left(self) -> float | None:
        """Seconds that are left, always above 0; None: no limit."""
        if self._seconds is None:
            return None
        return max(self._seconds - (time.monotonic() - self._begin), self._LEAST)

    def __enter__(self) -> Deadline:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if isinstance(error, TimeoutError):
            raise TimeoutError(
                f"the call was not done within its timeout of {self._seconds:f} seconds; "
                "allow more, or ask for less at once"
            ) from None
