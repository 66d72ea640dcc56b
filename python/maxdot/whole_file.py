"""Files that appear as a whole: whoever looks finds the old one or the new one, also after a crash or a power cut."""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import IO, Any

from maxdot.paths import Path


@contextmanager
def whole_file(path: Path) -> Iterator[IO[bytes]]:
    """A file that takes the place of `path`, synced, when the block ends. If the block fails, `path` stays as it was.

    Raises:
        OSError: it cannot be written; `path` is there, and no regular file.
    """
    target = os.path.realpath(os.fsdecode(path))
    if os.path.lexists(target) and not os.path.isfile(target):
        raise FileExistsError(errno.EEXIST, "is not a regular file; name another file to write", target)
    folder = os.path.dirname(target)
    try:
        beside = tempfile.mkdtemp(prefix=".maxdot-", dir=folder)
    except OSError as error:  # it names a file that nobody has asked for
        raise OSError(error.errno, error.strerror, target) from None
    try:
        made = os.path.join(beside, "file")
        with open(made, "xb") as file:
            yield file
            sync_file(file)
        take_over_mode(target, made)
        os.replace(made, target)
        sync_folder(folder)
    finally:
        remove_anyhow(beside)


def take_over_mode(old: str, *made: str) -> None:
    """A private file must not become readable by being replaced. Without its owner and group, they are the owner's alone."""
    try:
        status = os.stat(old)
    except FileNotFoundError:
        return
    for path in made:
        mode = status.st_mode & 0o777
        try:
            os.chown(path, status.st_uid, status.st_gid)
        except PermissionError:
            mode &= 0o700
        os.chmod(path, mode)


def remove_anyhow(folder: str) -> None:
    """Removes a folder and what is in it, as far as that can be done. Raises nothing."""
    with suppress(OSError):  # `ignore_errors` does not cover a folder that cannot be closed
        shutil.rmtree(folder, ignore_errors=True)


def sync_file(file: IO[Any]) -> None:
    """What was written is on the disk. Unlike `os.fsync`, its error names the file."""
    file.flush()
    try:
        os.fsync(file.fileno())
    except OSError as error:
        raise OSError(error.errno, error.strerror, file.name) from None


def sync_folder(path: str) -> None:
    """What was made, renamed or removed in the folder is so on the disk.

    A folder that may not be read cannot be opened, and some filesystems have no sync for folders: neither is an error,
    since each file is whole either way.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    except PermissionError:
        return
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):
            raise OSError(error.errno, error.strerror, path) from None
    finally:
        os.close(descriptor)
