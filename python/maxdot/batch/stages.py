"""Stages of a pipeline: a source that is read ahead, and an action that is done behind, each by a thread of its own.

Where the system refuses a thread, the caller's own does its work: slower, with the same results.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Generator, Iterator
from typing import Generic, TypeVar

T = TypeVar("T")


class _Taken(Generic[T]):
    """What was put into a queue. `value` None: it was the last."""

    def __init__(self, value: T | None = None, error: BaseException | None = None) -> None:
        self.value = value
        self.error = error


def _started(thread: threading.Thread) -> bool:
    try:
        thread.start()
    except RuntimeError:  # can't start new thread
        return False
    return True


class Ahead(Generic[T]):
    """Gives what `source` yields, one read ahead. The end of the block ends the thread, and closes `source`."""

    def __init__(self, source: Generator[T, None, None]) -> None:
        self._source = source
        self._read: queue.Queue[_Taken[T]] = queue.Queue(1)
        self._ends = threading.Event()
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
                    return
                self._read.put(_Taken(value))
            self._read.put(_Taken())
        except BaseException as error:
            self._read.put(_Taken(error=error))
        finally:
            self._source.close()

    def _taken(self) -> Iterator[T]:
        while True:
            taken = self._read.get()
            if taken.error is not None:
                raise taken.error
            if taken.value is None:
                return
            yield taken.value


class Behind(Generic[T]):
    """Calls `action` with what was put, in order.

    The end of the block waits until all of it is done, and raises what `action` raised.
    """

    def __init__(self, action: Callable[[T], None]) -> None:
        self._action = action
        self._put: queue.Queue[T | None] = queue.Queue(1)
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="maxdot-write", daemon=True)

    def __enter__(self) -> Behind[T]:
        self._threaded = _started(self._thread)
        return self

    def put(self, value: T) -> None:
        """Raises what `action` has raised before."""
        if not self._threaded:
            return self._action(value)
        self._put.put(value)
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
        if kind is None and self._error is not None:
            raise self._error

    def _end(self) -> None:
        self._put.put(None)
        self._thread.join()

    def _run(self) -> None:
        while (value := self._put.get()) is not None:
            if self._error is not None:
                continue  # what is put is taken, so that nobody waits
            try:
                self._action(value)
            except BaseException as error:
                self._error = error
