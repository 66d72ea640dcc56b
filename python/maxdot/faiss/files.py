"""Indexes in maxdot's own files (engine/store/FORMAT.md), which `maxdot search` and `maxdot.Index.open` read, too.

The ids of an IndexIDMap are the ids of the file. FAISS's files are other ones: neither side reads the other's.
"""

from __future__ import annotations

import os
import tempfile
from operator import index as as_integer
from typing import Any, Final, SupportsIndex

import numpy as np
import numpy.typing as npt

from maxdot import _core
from maxdot.arrays import as_array
from maxdot.faiss.errors import ArgumentError, FaissError, FileError, FileMissingError
from maxdot.faiss.flat import IndexFlat, IndexFlatIP, IndexFlatL2
from maxdot.faiss.id_map import IndexIDMap, IndexIDMap2
from maxdot.faiss.index import Index
from maxdot.faiss.parts import Parts
from maxdot.faiss.streams import IOReader, IOWriter, read_file_bytes
from maxdot.faiss.threads import call_threads
from maxdot.paths import Path

#: For `read_index`: the file is mapped, not read.
IO_FLAG_MMAP: Final = 1


def write_index(index: Index, fname: Path | IOWriter) -> None:
    """Writes an index file; the old one, if there is one, is replaced in one step. A writer gets its bytes.

    Raises:
        TypeError: no index. FaissError: ids that are negative, or belong to two rows, or an id map without rows, which a
            file cannot hold.
        FileError (an OSError and a RuntimeError): it cannot be written.
    """
    if isinstance(fname, IOWriter):
        fname.write_all(memoryview(serialize_index(index).tobytes()))
        return
    engine = _engine_to_save(index)
    try:
        engine.save(os.fsencode(fname))
    except OSError as error:
        raise _told(error) from None


def read_index(fname: Path | IOReader, io_flags: SupportsIndex = 0) -> Index:
    """An index of a file of maxdot: IndexFlatIP or IndexFlatL2, and IndexIDMap2 around it if the file has ids.
    From a reader, the bytes of one file are taken, and none that follow.

    Args:
        io_flags: 0: all is read now. IO_FLAG_MMAP: the file is mapped, and must stay as it is.

    Raises:
        FileMissingError, FileError (an OSError and a RuntimeError): it is not there, or cannot be read.
        FaissError: it is damaged, no file of maxdot, or of cosine or normalized vectors.
    """
    if isinstance(fname, IOReader):
        return deserialize_index(read_file_bytes(fname), io_flags)
    flags = as_integer(io_flags)
    if flags not in (0, IO_FLAG_MMAP):
        raise ArgumentError(f"io_flags: {flags} is not here; use 0 or IO_FLAG_MMAP")
    path = os.fsencode(fname)
    try:
        engine = _core.Index.open(path, "memory", "map" if flags else "memory", False, False, None)
    except OSError as error:
        raise _told(error) from None
    except ValueError as error:
        raise FaissError(str(error)) from None
    return _index_of(engine, os.fsdecode(path))


def serialize_index(index: Index) -> npt.NDArray[np.uint8]:
    """The bytes that `write_index` writes. Raises as it does; the file is a temporary one."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "index.maxdot")
        write_index(index, path)
        return np.fromfile(path, np.uint8)


def deserialize_index(data: Any, io_flags: SupportsIndex = 0) -> Index:
    """The index of such bytes, uint8 [n] or bytes. Raises as `read_index`; ArgumentError: no bytes."""
    array = np.frombuffer(data, np.uint8) if isinstance(data, (bytes, bytearray, memoryview)) else as_array(data)
    if array.dtype != np.uint8 or array.ndim != 1:
        raise ArgumentError(f"data: {array.dtype} of shape {array.shape} are no bytes; pass what serialize_index returns")
    if as_integer(io_flags) != 0:
        raise ArgumentError(f"io_flags: {as_integer(io_flags)} is not here; use 0")
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "index.maxdot")
        array.tofile(path)
        try:
            return read_index(path)
        except FaissError as error:
            raise FaissError(str(error).replace(path, "data")) from None


def _told(error: OSError) -> FileError:
    """The same error, as code that was written for FAISS catches it."""
    made = (FileMissingError if isinstance(error, FileNotFoundError) else FileError)(*error.args)
    made.errno = error.errno
    return made


def _engine_to_save(index: Index) -> _core.Index:
    if isinstance(index, IndexFlat):
        parts, ids = index.parts(), None
        if len(parts.parts) == 1 and parts.parts[0].is_whole:
            return parts.parts[0].engine
    elif isinstance(index, IndexIDMap):
        parts, ids = index.parts(), np.array(index.id_map)
        if len(ids) == 0:  # the file of no rows has no ids, and would be read as one of a flat index
            raise FaissError("index: an id map without rows cannot be told in a file; write it when it has a row, or pickle it")
        _check_ids(ids)
    else:
        raise TypeError(f"index: {type(index).__name__} is no index of maxdot.faiss")
    return _built(parts, ids)


def _built(parts: Parts, ids: npt.NDArray[np.int64] | None) -> _core.Index:
    rows = parts.rows(0, parts.size)
    return _core.Index.build(rows, ids, parts.metric, False, call_threads(), None)


def _check_ids(ids: npt.NDArray[np.int64]) -> None:
    if len(ids) > 0 and ids.min() < 0:
        raise FaissError(f"index: id {ids.min()} is negative, which a file cannot hold; pickle the index")
    ordered = np.sort(ids)
    twice = ordered[1:][ordered[1:] == ordered[:-1]]
    if len(twice) > 0:
        raise FaissError(f"index: id {twice[0]} belongs to two rows, which a file cannot hold; pickle the index")


def _index_of(engine: _core.Index, path: str) -> Index:
    kinds = {"dot": IndexFlatIP, "euclidean": IndexFlatL2}
    if engine.metric not in kinds or engine.normalized:
        kind = "normalized" if engine.normalized else engine.metric
        raise FaissError(f"{path}: holds an index that is {kind}, which no flat index of FAISS is; use maxdot.Index.open")
    flat = kinds[engine.metric](engine.dimension)
    if not engine.has_ids:
        flat.store.adopt(engine)
        return flat
    ids = engine.ids(0, engine.size)
    if np.all(ids[1:] > ids[:-1]):
        flat.store.adopt(engine)
    else:  # equal keys stand in the order of rows here, but in that of ids there
        flat.store.add(engine.rows(0, engine.size))
    return IndexIDMap2.of(flat, ids)
