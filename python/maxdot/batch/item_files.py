"""The files of items that workers of an engine open: an index or the shards of one, and the names of the items."""

from __future__ import annotations

import hashlib
import os
import socket
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import pyarrow as pa

from maxdot.batch.items import IndexFile, read_item_names
from maxdot.batch.job import BatchError
from maxdot.index import Index
from maxdot.names_file import names_path
from maxdot.paths import Path

_BYTES_AT_ONCE = 1 << 20


class NamesFile(NamedTuple):
    """A file of names as one process saw it. Others that get it open the same names or none.

    Attributes:
        owner: whose names these are, as `save` has written them; None: the file is what the caller made.
    """

    path: str
    owner: IndexFile | None
    type: pa.DataType
    digest: bytes

    @classmethod
    def look(cls, path: str) -> NamesFile:
        """At a file as of `read_item_names`. Raises BatchError: it is none."""
        return cls(path, None, read_item_names(path).type, _digest(path))

    @classmethod
    def of_index(cls, index: IndexFile) -> NamesFile | None:
        """None: the items of the index have no names of their own."""
        names = index.open().item_names
        return None if names is None else cls(index.path, index, names.type, _digest(names_path(index.path)))

    def open(self) -> pa.Array:
        """Raises BatchError: the names cannot be read here, or are others."""
        names = read_item_names(self.path) if self.owner is None else self.owner.open().item_names
        if names is None or _digest(self.path if self.owner is None else names_path(self.path)) != self.digest:
            raise BatchError(
                "bad_data",
                f"{self.path}: on {socket.gethostname()} the names of items are others than where the work began; put the "
                "same files there, and save other names under a new name",
            )
        return names


@dataclass(frozen=True)
class ItemFiles:
    """Attributes:
    indexes: one index, or the shards of one.
    names: of the items of all; None: the ids are the indexes' own.
    """

    indexes: tuple[IndexFile, ...]
    names: NamesFile | None

    @classmethod
    def look(cls, path: Path, item_names: Path | None = None) -> ItemFiles:
        """At one index. `item_names`: a file of names; None: those that are kept beside the index, if there are.

        Raises:
            BatchError: a file cannot be read; or the index has names, and here are others.
        """
        index = IndexFile.look(path)
        names = NamesFile.of_index(index)
        if item_names is not None:
            if names is not None:
                raise BatchError("usage", f"{index.path}: its items have names of their own; leave item_names out")
            names = NamesFile.look(os.path.abspath(os.fsdecode(item_names)))
        return cls((index,), names)

    @classmethod
    def joined(cls, shards: Iterable[ItemFiles]) -> ItemFiles:
        """Shards of a catalogue, or one index.

        Raises:
            BatchError: they do not belong together.
        """
        first, *others = shards
        for one in (first, *others) if others else ():
            [index], [like] = one.indexes, first.indexes
            if one.names is not None and one.names.owner is not None:
                raise BatchError(
                    "bad_data",
                    f"{index.path}: a shard whose items have names of its own: the ids of two shards would be the same; build "
                    "shards with ids that are numbers, and give their names as item_names",
                )
            for what in ("dimension", "metric", "normalized"):
                mine, its = getattr(index, what), getattr(like, what)
                if mine != its:
                    raise BatchError(
                        "bad_data",
                        f"{index.path}: {what} {mine!r}, and that of {like.path} is {its!r}; build all shards alike",
                    )
            if one.names != first.names:
                raise BatchError(
                    "bad_data", "item_names: the machines of two shards have other names; put the same file there"
                )
        return cls(tuple(index for one in (first, *others) for index in one.indexes), first.names)

    @property
    def dimension(self) -> int:
        return self.indexes[0].dimension

    @property
    def name_type(self) -> pa.DataType:
        """Of the ids of items in results."""
        return pa.int64() if self.names is None else self.names.type

    def shards(self) -> list[ItemFiles]:
        return [ItemFiles((index,), self.names) for index in self.indexes]

    def open(self) -> tuple[list[Index], pa.Array | None]:
        """The indexes and names, opened once in each process.

        Raises:
            BatchError: a file cannot be read here, or is another one.
        """
        return _open(self)


def index_paths(paths: Path | Sequence[Path]) -> list[str]:
    """One path, or several, as absolute: a worker has another working directory.

    Raises:
        BatchError: there are none, or one stands there twice.
    """
    given = [paths] if isinstance(paths, (str, bytes, os.PathLike)) else list(paths)
    absolute = [os.path.abspath(os.fsdecode(path)) for path in given]
    if not absolute:
        raise BatchError("usage", "index_path: an empty list; give the path of an index, or of each shard")
    for path in absolute:
        if absolute.count(path) > 1:
            raise BatchError(
                "usage",
                f"index_path: {path} stands there {absolute.count(path)} times; each shard is searched once",
            )
    return absolute


@lru_cache(maxsize=2)  # workers of Spark may take turns between two searches of a job
def _open(files: ItemFiles) -> tuple[list[Index], pa.Array | None]:
    return [index.open() for index in files.indexes], None if files.names is None else files.names.open()


def _digest(path: str) -> bytes:
    """Of the bytes of a file that was read just before: one that has taken its place since is another one."""
    digest = hashlib.blake2b(digest_size=16)
    try:
        with open(path, "rb") as file:
            while part := file.read(_BYTES_AT_ONCE):
                digest.update(part)
    except OSError as error:
        raise BatchError("io", f"{path}: {error.strerror}") from None
    return digest.digest()
