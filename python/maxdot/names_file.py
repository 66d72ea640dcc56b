"""The file of names beside an index file, bound to it by its checksum: the two cannot be mixed up.

The file is one of Arrow (IPC), `<index file>.ids.arrow`: one column, `item_id`, the name of each row; the checksum is in the metadata
of its schema.
"""

from __future__ import annotations

import errno
import fcntl
import os
import tempfile
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

from maxdot.given import arrow_module
from maxdot.whole_file import remove_anyhow, sync_file, sync_folder, take_over_mode

if TYPE_CHECKING:
    from maxdot.item_names import ItemNames

_ENDING = ".ids.arrow"
_COLUMN = "item_id"
_KEY = b"maxdot.index_checksum"
#: [bytes] Of the beginning of a file, which hold the metadata of its schema.
_BEGINNING = 1 << 12


def names_path(path: str) -> str:
    """Where the names of the index file at `path` are."""
    return os.path.realpath(path) + _ENDING  # of a link, beside the file that it leads to


def open_names(path: str, checksum: int, items: int, *, mapped: bool = True) -> ItemNames | None:
    """The names that belong to the index file at `path`, mapped or read; None: it has none.

    Raises:
        OSError: the file cannot be read.
        ValueError: it is damaged, or belongs to another index.
        ImportError: there are names, and pyarrow is not installed.
    """
    file = names_path(path)
    if not os.path.exists(file):
        return None
    arrow_module(file)
    import pyarrow as pa

    from maxdot.item_names import ItemNames

    if not _is_of_names(file):
        raise ValueError(f"{file}: is no file of names that save has written; move it away")
    try:
        with pa.memory_map(os.fsencode(file)) if mapped else pa.OSFile(os.fsencode(file)) as opened:
            table = pa.ipc.open_file(opened).read_all()
        table.validate(full=True)  # a take of names trusts their offsets
        bound = (table.schema.metadata or {}).get(_KEY)
        if (
            table.column_names != [_COLUMN]
            or table.schema.field(0).type != pa.large_string()
            or table.num_columns != 1
        ):
            raise ValueError(f"its columns are {table.schema}; write it again with save")
    except MemoryError:
        raise
    except (pa.ArrowException, ValueError) as error:
        raise ValueError(f"{file}: is damaged: {error}") from None
    if bound != _told(checksum) or len(table) != items:
        raise ValueError(
            f"{file}: holds the names of another index than {path}; save that index again, or remove the names"
        )
    names = table.column(0)
    if names.null_count or names.num_chunks > 1:
        raise ValueError(f"{file}: is damaged: {names.null_count} names are null, in {names.num_chunks} parts")
    return ItemNames(names.chunk(0) if names.num_chunks else pa.array([], pa.large_string()))


def save_with_names(path: str, names: ItemNames, save: Callable[[bytes], int]) -> int:
    """Writes index and names beside `path`, syncs and renames both. Returns the checksum of the index file.

    Before the first rename nothing has changed, also where this fails. Between the two, names and index do not
    belong together, and `open_names` says so.

    Args:
        save: writes the index to a path, synced, and returns its checksum.

    Raises:
        OSError: a file cannot be written, or one at the path of the names is none of names, and would be lost.
    """
    target = os.path.realpath(path)
    file = names_path(path)
    if os.path.lexists(file) and not _is_of_names(file):
        raise FileExistsError(errno.EEXIST, "is no file of names, and would be lost; move it away", file)
    if os.path.lexists(target) and not os.path.isfile(target):
        raise FileExistsError(errno.EEXIST, "is not a regular file; name another file to write", target)
    folder = os.path.dirname(target)
    beside = tempfile.mkdtemp(prefix=".maxdot-", dir=folder)
    try:
        index, texts = os.path.join(beside, "index"), os.path.join(beside, "names")
        checksum = save(os.fsencode(index))
        _write(texts, names, checksum)
        take_over_mode(target, index, texts)
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            with suppress(OSError):  # a filesystem may have no locks
                fcntl.flock(descriptor, fcntl.LOCK_EX)  # of two that save here, one after the other
            os.replace(texts, file)  # first: a new index without its names would be one that has none
            os.replace(index, target)
            sync_folder(folder)
        finally:
            os.close(descriptor)
        return checksum
    finally:
        remove_anyhow(beside)


def remove_names(path: str) -> None:
    """Removes names of the index that was at `path` before. Another file of that name stays."""
    file = names_path(path)
    if os.path.lexists(file) and _is_of_names(file):
        os.unlink(file)


def _write(path: str, names: ItemNames, checksum: int) -> None:
    import pyarrow as pa

    schema = pa.schema([pa.field(_COLUMN, pa.large_string(), nullable=False)], {_KEY: _told(checksum)})
    with open(path, "wb") as file:
        with pa.ipc.new_file(file, schema) as writer:
            writer.write_batch(pa.record_batch([names.array], schema=schema))
        sync_file(file)


def _is_of_names(path: str) -> bool:
    with open(path, "rb") as file:
        beginning = file.read(_BEGINNING)
    return beginning.startswith(b"ARROW1") and _KEY in beginning


def _told(checksum: int) -> bytes:
    return b"%016x" % checksum
