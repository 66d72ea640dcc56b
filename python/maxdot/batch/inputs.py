"""The files of users or items, and the units of work that they are cut into."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from maxdot import _core
from maxdot.batch.job import BatchError, Job
from maxdot.parquet_file import open_parquet
from maxdot.paths import Path
from maxdot.tables import find_column

PARQUET = (".parquet", ".pq", ".parq")
ARROW = (".arrow", ".feather", ".ipc")
MATRICES = (".npy", ".fvecs", ".fbin")

#: Rows of a unit of a file that has no row groups.
_ROWS_OF_A_UNIT = 1 << 16
#: [bytes] Of a column chunk that are read at once.
_READ_BYTES = 1 << 20


@dataclass(frozen=True)
class InputFile:
    """A file as it was when the job began. `groups`: the rows of each of its units."""

    path: str
    size: int
    mtime_ns: int
    groups: tuple[int, ...]

    @property
    def rows(self) -> int:
        return sum(self.groups)

    def is_unchanged(self) -> bool:
        try:
            status = os.stat(self.path)
        except OSError:
            return False
        return (status.st_size, status.st_mtime_ns) == (self.size, self.mtime_ns)

    def described(self) -> dict[str, Any]:
        return {
            "path": self.path,
            "size": self.size,
            "mtime_ns": self.mtime_ns,
            "rows": self.rows,
            "units": len(self.groups),
        }


@dataclass(frozen=True)
class Unit:
    """Work that is done as a whole: a row group of a file."""

    file: InputFile
    file_number: int
    group: int
    rows: int
    first_row: int  # counted over all files

    @property
    def name(self) -> str:
        return f"part-{self.file_number:05d}-{self.group:05d}"

    @property
    def row_in_file(self) -> int:
        return sum(self.file.groups[: self.group])


def named_paths(paths: Path | Sequence[Path]) -> list[str]:
    """As they were given, but absolute."""
    each = [paths] if isinstance(paths, (str, bytes, os.PathLike)) else paths
    return [os.path.abspath(os.fsdecode(path)) for path in each]


def find_files(paths: Path | Sequence[Path], what: str) -> list[str]:
    """The files that `paths` stand for, in the order of their names.

    Raises:
        BatchError: nothing is there, or a file is named twice.
    """
    found: list[str] = []
    for name in named_paths(paths):
        if os.path.isdir(name):
            files = sorted(_parquet_below(name))
            missing = f"{name}: no Parquet file is in this folder"
        elif os.path.exists(name):
            files, missing = [name], ""
        else:
            files = sorted(match for match in glob.glob(name, recursive=True) if os.path.isfile(match))
            missing = f"{name}: there is no such file; check --{what}"
        if not files:
            raise BatchError("io", missing)
        found += files
    if not found:
        raise BatchError("usage", f"no {what} are named; give a file, a folder or a glob pattern")
    twice = {file for file in found if found.count(file) > 1} if len(set(found)) != len(found) else set()
    if twice:
        raise BatchError("usage", f"{min(twice)}: is named twice in --{what}")
    return found


def _parquet_below(folder: str) -> Iterator[str]:
    for where, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if name[0] not in "._")  # as Spark and pyarrow do
        for name in names:
            if name[0] not in "._" and name.endswith(PARQUET):
                yield os.path.join(where, name)


def open_file(path: str) -> InputFile:
    """Looks at a file's size, rows and units.

    Raises:
        BatchError: it cannot be read, or is none of the kinds that are.
    """
    reader = reader_of(path)
    status = os.stat(path)
    return InputFile(path, status.st_size, status.st_mtime_ns, reader.groups)


def units_of(files: Sequence[InputFile]) -> list[Unit]:
    units = []
    first = 0
    for number, file in enumerate(files):
        for group, rows in enumerate(file.groups):
            units.append(Unit(file, number, group, rows, first))
            first += rows
    return units


def share_of(job: Job, units: Sequence[Unit]) -> Sequence[Unit]:
    """What a job does of the units of its users."""
    number, shares = job.share
    return units[number::shares]


class ParquetReader:
    def __init__(self, path: str) -> None:
        # Streams a column chunk instead of reading it whole, however large the row group is.
        self._file = open_parquet(path, buffer_size=_READ_BYTES, pre_buffer=False)
        self.schema: pa.Schema = self._file.schema_arrow
        metadata = self._file.metadata
        self.groups: tuple[int, ...] = tuple(
            metadata.row_group(group).num_rows for group in range(metadata.num_row_groups)
        )

    def batches(self, group: int, columns: list[str], rows: int) -> Iterator[pa.RecordBatch]:
        return iter(self._file.iter_batches(rows, row_groups=[group], columns=columns, use_threads=False))


class ArrowReader:
    def __init__(self, path: str) -> None:
        # Mapped for a moment: the lengths of record batches stand in each of them.
        with pa.memory_map(path) as mapped:
            file = pa.ipc.open_file(mapped)
            self.schema: pa.Schema = file.schema
            self.groups: tuple[int, ...] = tuple(
                file.get_batch(number).num_rows for number in range(file.num_record_batches)
            )
        self._path = path

    def batches(self, group: int, columns: list[str], rows: int) -> Iterator[pa.RecordBatch]:
        # Read, not mapped: a file that is cut short meanwhile would end the process.
        options = pa.ipc.IpcReadOptions(included_fields=[self.schema.get_field_index(name) for name in columns])
        with pa.OSFile(self._path) as file:
            batch = pa.ipc.open_file(file, options=options).get_batch(group).select(columns)
        batch.validate(full=True)  # whoever wrote the file may have written offsets beyond its data
        for begin in range(0, batch.num_rows, rows):
            yield batch.slice(begin, rows)


class MatrixReader:
    """A file of vectors alone. Its column is called "vector"."""

    def __init__(self, path: str) -> None:
        self._file = _core.MatrixFile.open(os.fsencode(path))
        dtype = pa.float16() if self._file.dtype == "f16" else pa.float32()
        self.schema: pa.Schema = pa.schema([("vector", pa.list_(dtype, self._file.cols))])
        rows = self._file.rows
        self.groups: tuple[int, ...] = tuple(
            min(_ROWS_OF_A_UNIT, rows - begin) for begin in range(0, rows, _ROWS_OF_A_UNIT)
        )

    def batches(self, group: int, columns: list[str], rows: int) -> Iterator[pa.RecordBatch]:
        begin = group * _ROWS_OF_A_UNIT
        end = begin + self.groups[group]
        for first in range(begin, end, rows):
            values: npt.NDArray[Any] = self._file.read(first, min(rows, end - first))
            flat = pa.array(np.ascontiguousarray(values).reshape(-1))
            yield pa.record_batch([pa.FixedSizeListArray.from_arrays(flat, self._file.cols)], schema=self.schema)


@contextmanager
def reading(where: str) -> Iterator[None]:
    """Raises BatchError: what is read within the block cannot be."""
    try:
        yield
    except pa.ArrowNotImplementedError as error:
        raise BatchError("unsupported", f"{where}: {error}; write the file in a more usual way") from None
    except (OSError, ValueError) as error:  # Arrow's errors are of both kinds
        raise BatchError("io", f"{where}: {error}") from None


Reader = ParquetReader | ArrowReader | MatrixReader


def reader_of(path: str) -> Reader:
    """Raises: BatchError: the file cannot be read, or is none of the kinds that are."""
    try:
        if path.endswith(PARQUET):
            return ParquetReader(path)
        if path.endswith(ARROW):
            return ArrowReader(path)
        if path.endswith(MATRICES):
            return MatrixReader(path)
    except pa.ArrowInvalid as error:
        raise BatchError("bad_data", f"{path}: {error}; write the file again") from None
    except pa.ArrowNotImplementedError as error:
        raise BatchError("unsupported", f"{path}: {error}; write the file in a more usual way") from None
    except RuntimeError as error:  # an array of another type or order: it says how to convert it
        raise BatchError("unsupported", str(error)) from None
    except ValueError as error:
        raise BatchError("bad_data", str(error)) from None
    except OSError as error:
        raise BatchError("io", f"{path}: {error.strerror or error}") from None
    kinds = ", ".join((*PARQUET, *ARROW, *MATRICES))
    raise BatchError("usage", f"{path}: the name's ending tells the kind of a file; it is none of {kinds}")


def column_of(reader: Reader, name: str | None, wanted: str, source: str) -> str:
    """As tables.find_column. Raises BatchError."""
    try:
        return find_column(reader.schema, name, wanted, source)
    except ValueError as error:
        raise BatchError("bad_data", str(error)) from None
