"""Where index files come from and go to beside paths: Python functions, as FAISS calls them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from operator import index as as_integer
from typing import Any, Final, SupportsIndex

from maxdot.faiss.errors import ArgumentError, FaissError

_PIECE: Final = 1 << 20
#: Of an index file (engine/store/FORMAT.md): its header, what it begins with, and where its length stands.
_HEADER: Final = 64
_MAGIC: Final = b"maxdot\r\n"
_LENGTH: Final = slice(16, 24)


class IOWriter(ABC):
    """What `write_index` writes to."""

    __slots__ = ()

    @abstractmethod
    def write_all(self, data: memoryview) -> None:
        """Writes all of it."""


class IOReader(ABC):
    """What `read_index` reads from."""

    __slots__ = ()

    @abstractmethod
    def read_up_to(self, size: int) -> bytes:
        """`size` bytes, or fewer where there are no more."""


class PyCallbackIOWriter(IOWriter):
    """Calls `callback(bytes)`, such as the `write` of a file, for each piece of up to `bsz` bytes. It may return how many
    it took; the rest is offered again."""

    __slots__ = ("_callback", "_size")

    def __init__(self, callback: Callable[[bytes], Any], bsz: SupportsIndex = _PIECE) -> None:
        self._callback = callback
        self._size = _piece(bsz)

    def write_all(self, data: memoryview) -> None:
        while len(data) > 0:
            piece = data[: self._size]
            taken = self._callback(bytes(piece))
            count = len(piece) if taken is None else as_integer(taken)
            if not 0 < count <= len(piece):
                raise FaissError(f"callback: took {count} of {len(piece)} bytes; write them, or raise an error")
            data = data[count:]


class PyCallbackIOReader(IOReader):
    """Calls `callback(size)`, such as the `read` of a file, for up to `bsz` bytes at a time; none means the end."""

    __slots__ = ("_callback", "_size")

    def __init__(self, callback: Callable[[int], Any], bsz: SupportsIndex = _PIECE) -> None:
        self._callback = callback
        self._size = _piece(bsz)

    def read_up_to(self, size: int) -> bytes:
        data = bytearray()
        while len(data) < size:
            most = min(self._size, size - len(data))
            piece = self._callback(most)
            if not isinstance(piece, (bytes, bytearray, memoryview)) or len(piece) > most:
                raise FaissError(f"callback: returned no bytes, or more than the {most} that were asked for")
            if len(piece) == 0:
                break
            data += piece
        return bytes(data)


class BufferedIOWriter(IOWriter):
    """The writer that it is given; `bsz` is FAISS's, and changes nothing here."""

    __slots__ = ("_writer",)

    def __init__(self, writer: IOWriter, bsz: SupportsIndex = _PIECE) -> None:
        if not isinstance(writer, IOWriter):
            raise TypeError(f"writer: {type(writer).__name__} is none; use PyCallbackIOWriter(function)")
        _piece(bsz)
        self._writer = writer

    def write_all(self, data: memoryview) -> None:
        self._writer.write_all(data)


class BufferedIOReader(IOReader):
    """The reader that it is given; `bsz` is FAISS's, and changes nothing here."""

    __slots__ = ("_reader",)

    def __init__(self, reader: IOReader, bsz: SupportsIndex = _PIECE) -> None:
        if not isinstance(reader, IOReader):
            raise TypeError(f"reader: {type(reader).__name__} is none; use PyCallbackIOReader(function)")
        _piece(bsz)
        self._reader = reader

    def read_up_to(self, size: int) -> bytes:
        return self._reader.read_up_to(size)


def read_file_bytes(reader: IOReader) -> bytes:
    """The bytes of one index file, and none that follow. FaissError: it is none, or ends too early."""
    header = reader.read_up_to(_HEADER)
    if len(header) < _HEADER or not header.startswith(_MAGIC):
        raise FaissError("reader: what it returns is no index file of maxdot")
    length = int.from_bytes(header[_LENGTH], "little")
    rest = reader.read_up_to(max(0, length - _HEADER))
    if len(header) + len(rest) != length:
        raise FaissError(f"reader: ended after {len(header) + len(rest)} of {length} bytes; the file is cut short")
    return header + rest


def _piece(bsz: SupportsIndex) -> int:
    size = as_integer(bsz)
    if size < 1:
        raise ArgumentError(f"bsz: {size} is no number of bytes; use 1 or more")
    return size
