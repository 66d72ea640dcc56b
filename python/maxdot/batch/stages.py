"""Stages of a pipeline: a source that is read ahead, and an action that is done behind, each by a thread of its own.

Where the system refuses a thread, the caller's own does its work: slower, with the same results.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Generator, Iterator
from contextlib import suppress
from typing import Generic, TypeVar

T = TypeVar("T")


#: [seconds] After which who waits for a thread looks whether it lives.
_LOOK_SECONDS = 1.0


class _End:
    """The last thing in a queue."""


def _started(thread: threading.Thread) -> bool:
    try:
        thread.start()
    except RuntimeError:  # can't start new thread
        return False
    return True


def _get(source: queue.Queue[T], thread: threading.Thread) -> T | _End:
    """The next thing that `thread` puts, or the end: where memory is out, a thread may end without a word."""
    while True:
        try:
            return source.get(timeout=_LOOK_SECONDS)
        except queue.Empty:
            if not thread.is_alive() and source.empty():
                return _End()


def _put(into: queue.Queue[T], value: T, thread: threading.Thread) -> None:
    """Raises MemoryError if `thread`, which takes what is put, has ended."""
    while True:
        try:
            return into.put(value, timeout=_LOOK_SECONDS)
        except queue.Full:
            if not thread.is_alive():
                raise _ended_early() from None


def _ended_early() -> MemoryError:
    return MemoryError("a thread ended early: out of memory")


class Ahead(Generic[T]):
    """Gives what `source` yields, one read ahead. The end of the block ends the thread, and closes `source`."""

    def __init__(self, source: Generator[T, None, None]) -> None:
        self._source = source
        self._read: queue.Queue[T | _End] = queue.Queue(1)
        self._ends = threading.Event()
        self._whole = False
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="maxdot-read", daemon=True)

    def __enter__(self) -> Iterator[T]:
        self._threaded = _started(self._thread)
        return self._taken() if self._threaded else self._source

    def __exit__(self, *_: object) -> None:
        if not self._threaded:
            return self._source.close()
        self._ends.set()
        while self._thread.is_alive():
            try:
                self._read.get(timeout=0.01)
            except queue.Empty:
                continue
        self._thread.join()

    def _run(self) -> None:
        try:
            for value in self._source:
                if self._ends.is_set():
                    break
                self._read.put(value)
            self._source.close()
            self._whole = True
        except BaseException as error:
            self._error = error
        with suppress(BaseException):
            self._read.put(_End())

    def _taken(self) -> Iterator[T]:
        while not isinstance(taken := _get(self._read, self._thread), _End):
            yield taken
        if self._error is not None:
            raise self._error
        if not self._whole:
            raise _ended_early()


class Behind(Generic[T]):
    """Calls `action` with what was put, in order.

    The end of the block waits until all of it is done, and raises what `action` raised.
    """

    def __init__(self, action: Callable[[T], None]) -> None:
        self._action = action
        self._put: queue.Queue[T | _End] = queue.Queue(1)
        self._whole = False
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="maxdot-write", daemon=True)

    def __enter__(self) -> Behind[T]:
        self._threaded = _started(self._thread)
        return self

    def put(self, value: T) -> None:
        """Raises what `action` has raised before."""
        if not self._threaded:
            return self._action(value)
        _put(self._put, value, self._thread)
        if self._error is not None:
            raise self._error

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if not self._threaded:
            return
        try:
            self._end()
        except BaseException:  # a signal: what the thread works on may be given up when it has ended, not before
            self._end()
            raise
        if kind is not None:
            return
        if self._error is not None:
            raise self._error
        if not self._whole:
            raise _ended_early()

    def _end(self) -> None:
        with suppress(MemoryError):  # it has ended
            _put(self._put, _End(), self._thread)
        self._thread.join()

    def _run(self) -> None:
        try:
            while not isinstance(value := self._put.get(), _End):
                if self._error is None:  # else what is put is taken, so that nobody waits
                    self._do(value)
            self._whole = True
        except BaseException as error:
            self._error = error

    def _do(self, value: T) -> None:
        try:
            self._action(value)
        except BaseException as error:
            self._error = error
