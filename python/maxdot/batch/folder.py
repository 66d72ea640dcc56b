"""The folder of a job: what it is about, which units are done, and files that appear as a whole."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import IO, Any, BinaryIO, TextIO

import pyarrow as pa

import maxdot
from maxdot.batch.inputs import InputFile, Unit
from maxdot.batch.job import BatchError, Job
from maxdot.whole_file import sync_file, sync_folder

#: Of the folder's own files. Readers of Parquet pass over names that begin with an underscore.
_OWN = "_maxdot"
#: Of this folder and of the files: another one would go on with other bytes.
_FORMAT = 2


def _make_folder(path: str) -> None:
    """Makes it, and what is missing above it, such that they stay when the power fails.

    Raises:
        BatchError: a file is in its place.
    """
    above = os.path.dirname(path) or os.curdir
    if not os.path.isdir(path):
        if above != path:
            _make_folder(above)
        try:
            os.mkdir(path)
        except FileExistsError:
            if not os.path.isdir(path):
                raise BatchError(
                    "usage", f"{path}: is a file, and no folder; name a folder for the results"
                ) from None
    sync_folder(above)  # also if it was there: another process may just have made it


def write_whole(path: str, data: bytes) -> None:
    """Writes a file beside `path`, syncs and renames: `path` holds the old file or the new one, whole.

    Requires that nobody else writes it at the same time.
    """
    beside = f"{path}.tmp"
    try:
        with open(beside, "wb") as file:
            file.write(data)
            sync_file(file)
        os.replace(beside, path)
    except BaseException:
        with suppress(OSError):
            os.unlink(beside)
        raise
    sync_folder(os.path.dirname(path))


def _read_object(path: str) -> dict[str, Any]:
    """What write_whole has written. Raises ValueError: something else stands there."""
    with open(path, encoding="utf-8") as file:
        try:
            value = json.load(file)
        except RecursionError:
            raise ValueError("lists within lists") from None
    if not isinstance(value, dict):
        raise ValueError("no JSON object")
    return value


def _open_or_make(path: str, _: int) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)


def _close_anyhow(file: IO[Any]) -> None:
    """Closes a file whose contents are worth nothing: a full disk does not matter to it."""
    with suppress(OSError):
        file.close()


class BadRows:
    """A file with a JSON object for each bad row: file, row, user, reason. There is none without bad rows."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._file: TextIO | None = None
        self.count: int = 0

    def add(self, rows: Iterable[dict[str, Any]]) -> None:
        for row in rows:
            if self._file is None:
                self._file = open(f"{self._path}.tmp", "w", encoding="utf-8")
            self._file.write(json.dumps(row, default=str) + "\n")
            self.count += 1

    def finish(self) -> None:
        if self._file is None:
            return
        with self._file as file:
            sync_file(file)
        os.replace(f"{self._path}.tmp", self._path)
        sync_folder(os.path.dirname(self._path))

    def abandon(self) -> None:
        """Removes what was not finished."""
        if self._file is not None:
            _close_anyhow(self._file)
            with suppress(OSError):
                os.unlink(f"{self._path}.tmp")


class Folder:
    """Any number of processes may work in one folder: each unit is locked while it is done.

    Raises:
        BatchError: it is a file, or holds files that are none of a job.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self.own: str = os.path.join(path, _OWN)
        self._states = os.path.join(self.own, "units")
        self._bad_rows = os.path.join(self.own, "bad_rows")
        others = sorted(name for name in os.listdir(path) if name != _OWN) if os.path.isdir(path) else []
        if others and not os.path.isdir(self.own):
            raise BatchError("usage", f"{path}: holds {others[0]!r}, which is of no job; give an empty folder")
        for folder in (path, self.own, self._states, self._bad_rows):
            _make_folder(folder)

    def begin(
        self, job: Job, items: dict[str, Any], users: Sequence[InputFile], exclude: Sequence[InputFile]
    ) -> None:
        """Writes down what the job is about, or checks that it is what stands there.

        Raises:
            BatchError: the folder holds another job, or what stands there is damaged.
        """
        about = {
            "format": _FORMAT,
            "maxdot": maxdot.__version__,
            "pyarrow": pa.__version__,
            "items": items,
            "options": job.options(),
            "users": [file.described() for file in users],
            "exclude": [file.described() for file in exclude],
        }
        path = os.path.join(self.own, "job.json")
        with self.locked():
            if not os.path.exists(path):
                return write_whole(path, json.dumps(about, indent=1).encode())
        try:
            before = _read_object(path)
            if "format" not in before:
                raise ValueError("it does not say of what format it is")
        except ValueError as error:
            raise BatchError(
                "bad_data",
                f"{path}: is damaged ({error}), so that nothing tells what the results here are of; if the job is the "
                f"same, remove this file and run it again; else remove {self.path}, or give another folder",
            ) from None
        if before != about:
            raise BatchError(
                "usage",
                f"{self.path}: holds another job, {_difference(before, about)}; give another folder, "
                "or remove this one",
            )

    @contextmanager
    def locked(self) -> Iterator[None]:
        """For what only one process may do at a time."""
        with open(os.path.join(self.own, "lock"), "wb") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def output(self, unit: Unit) -> str:
        return os.path.join(self.path, f"{unit.name}.parquet")

    def state(self, unit: Unit) -> dict[str, Any] | None:
        """What was written down of a unit that is done; None: it is not, or what was written down is damaged."""
        try:
            state = _read_object(self._state(unit))
            if os.stat(self.output(unit)).st_size != state.get("bytes"):
                return None
        except (FileNotFoundError, ValueError):
            return None
        return state

    def claim(self, unit: Unit) -> Claim | None:
        """A unit that no other process has meanwhile. None: another one has it, or it is done.

        A process that is killed has it no more.
        """
        beside = self._beside(unit)
        file = open(beside, "r+b", opener=_open_or_make)
        try:
            if not self._is_free(unit, file):
                file.close()
                return None
        except BaseException:
            file.close()
            raise
        claim = Claim(self, unit, file)
        try:
            os.ftruncate(file.fileno(), 0)  # file.truncate is no good: a signal ends it with an error
        except BaseException:
            claim.abandon()
            raise
        return claim

    def _is_free(self, unit: Unit, file: BinaryIO) -> bool:
        """Locks `file`, the unit's file beside its output, if the unit is still to be done."""
        beside = self._beside(unit)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError as error:  # the file stays: another process may have it. The next run takes it.
            raise OSError(error.errno, error.strerror, beside) from None
        # Whoever had it may have finished, and renamed the file that was opened here.
        try:
            is_same = os.path.samestat(os.fstat(file.fileno()), os.stat(beside))
        except FileNotFoundError:
            is_same = False
        if not is_same:
            return False
        if self.state(unit) is not None:
            os.unlink(beside)
            return False
        return True

    def finish(self, unit: Unit, state: dict[str, Any]) -> None:
        """The claimed file becomes the output. First the state: a unit without an output is not done."""
        write_whole(self._state(unit), json.dumps(state).encode())
        os.replace(self._beside(unit), self.output(unit))
        sync_folder(self.path)

    def remove(self, unit: Unit) -> None:
        """The claimed file goes."""
        os.unlink(self._beside(unit))

    def finish_all(self, units: Sequence[Unit]) -> bool:
        """Marks the folder, as Spark does, if every unit of all shares is done. Returns whether it is."""
        with self.locked():
            if any(self.state(unit) is None for unit in units):
                return False
            write_whole(os.path.join(self.path, "_SUCCESS"), b"")
            return True

    def bad_rows(self, unit: Unit) -> str:
        """The path of what is wrong with rows of a unit."""
        return os.path.join(self._bad_rows, f"{unit.name}.jsonl")

    def _beside(self, unit: Unit) -> str:
        return os.path.join(self.path, f".{unit.name}.parquet.tmp")  # hidden, so that readers pass over it

    def _state(self, unit: Unit) -> str:
        return os.path.join(self._states, f"{unit.name}.json")


class Claim:
    """A unit that this process does, and the file for its results. Ends with `finish` or `abandon`."""

    def __init__(self, folder: Folder, unit: Unit, file: BinaryIO) -> None:
        self._folder = folder
        self.unit = unit
        self.file = file
        self.bad_rows: BadRows = BadRows(folder.bad_rows(unit))

    def finish(self, state: dict[str, Any]) -> int:
        """The unit is done, with `state` written down of it. Returns the bytes of its file."""
        self.bad_rows.finish()
        sync_file(self.file)
        size = os.fstat(self.file.fileno()).st_size
        self._folder.finish(self.unit, {**state, "bytes": size})
        self.file.close()
        return size

    def abandon(self) -> None:
        """The unit is not done, and others may have it. After a `finish` that failed, too. Raises nothing."""
        self.bad_rows.abandon()
        if not self.file.closed:  # closed, the unit is no longer ours
            with suppress(OSError):
                self._folder.remove(self.unit)
        _close_anyhow(self.file)


def _difference(before: Any, about: Any, where: str = "") -> str:
    """The first thing in which two descriptions differ, in words."""
    if isinstance(before, dict) and isinstance(about, dict):
        for key in {**before, **about}:
            if before.get(key) != about.get(key):
                return _difference(before.get(key), about.get(key), f"{where}.{key}" if where else str(key))
    if isinstance(before, list) and isinstance(about, list):
        if len(before) != len(about):
            return f"{where}: {len(before)} files, not {len(about)}"
        for old, new in zip(before, about, strict=True):
            if old != new and isinstance(new, dict):  # a file; names of columns are told together
                return _difference(old, new, f"{where} {new['path']}")
    return f"{where}: {before!r}, not {about!r}"
