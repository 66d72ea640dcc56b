"""What a disk may hold when the power fails: the model of what recorder.c recorded.

What was synced is there. Of everything since, any part may be: of a file each write and each change of its size, whole
or torn; of a folder each name that was made, moved or removed. The system may bring them to the disk in any order. A
file and the folder that names it are synced apart.
"""

from __future__ import annotations

import dataclasses
import pathlib
import random
import struct

HEAD = struct.Struct("<4I4Q")
#: The same numbers as in recorder.c.
CREATE, NAMELESS, SIZE, WRITE, SYNC, LINK, RENAME, UNLINK, FOLDER, TOLD = range(1, 11)
NAMES = ("", "create", "nameless", "size", "write", "sync", "link", "rename", "unlink", "folder", "told")
SECTOR = 512  # bytes, of which a disk writes all or none

GROWN = [(0, 0)]  # of a write: the file is longer, its new bytes are zeros

Tree = dict[str, "bytes | None"]  # paths, of files with their bytes, of folders with None


@dataclasses.dataclass(frozen=True)
class Record:
    kind: int
    numbers: tuple[int, int, int]
    name: str
    second: str
    data: bytes
    leads_to: int = 0  # of a name

    def __str__(self) -> str:
        return f"{NAMES[self.kind]} {self.name} {self.second}".strip() + (f" {len(self.data)}" if self.data else "")


def identity(path: pathlib.Path) -> int:
    """As recorder.c makes it."""
    status = path.stat()
    return status.st_ino ^ (status.st_dev << 40) & (1 << 64) - 1


def read_records(path: pathlib.Path) -> list[Record]:
    data = path.read_bytes()
    records, at = [], 0
    while at < len(data):
        kind, name, second, _, *numbers, count = HEAD.unpack_from(data, at)
        at += HEAD.size
        parts = []
        for length in (name, second, count):
            parts.append(data[at : at + length])
            at += length
        records.append(Record(kind, tuple(numbers), parts[0].decode(), parts[1].decode(), parts[2]))
    return records


@dataclasses.dataclass
class File:
    """Bytes that are synced, and what was done since."""

    synced: bytes = b""
    since: list[Record] = dataclasses.field(default_factory=list)


@dataclasses.dataclass
class Folder:
    """Names that are synced, with what they lead to, and what was done since."""

    synced: dict[str, int] = dataclasses.field(default_factory=dict)
    since: list[Record] = dataclasses.field(default_factory=list)


def put(data: bytearray, record: Record, pieces: list[tuple[int, int]]) -> None:
    """Carries out a write, or the given pieces of it, or a change of size."""
    if record.kind == SIZE:
        size = record.numbers[1]
        del data[size:]
        data.extend(bytes(size - len(data)))
        return
    if pieces == GROWN:
        pieces = []
        data.extend(bytes(max(0, record.numbers[1] + len(record.data) - len(data))))
    for begin, end in pieces:
        at = record.numbers[1] + begin
        data.extend(bytes(max(0, at - len(data))))
        data[at : at + end - begin] = record.data[begin:end]


def whole(record: Record) -> list[tuple[int, int]]:
    return [(0, len(record.data))]


def torn(record: Record, draw: random.Random) -> list[tuple[int, int]]:
    """Some of the sectors that it writes."""
    first = -record.numbers[1] % SECTOR
    ends = [0, *range(first, len(record.data), SECTOR), len(record.data)]
    return [(begin, end) for begin, end in zip(ends, ends[1:], strict=False) if end > begin and draw.random() < 0.5]


class Disk:
    """Files and folders below one folder, as they are before the first record.

    Each has a number of its own: the system gives the inode of a file that is gone to the next one.
    """

    def __init__(self, root: pathlib.Path) -> None:
        self.files: dict[int, File] = {}
        self.folders: dict[int, Folder] = {}
        self._numbers: dict[int, int] = {}  # by identity, of who has it now
        self.root = self._new_folder(identity(root))
        for path in sorted(root.rglob("*")):
            if path.is_dir():
                number = self._new_folder(identity(path))
            else:
                number = self._new_file(identity(path), path.read_bytes())
            self.folders[self._numbers[identity(path.parent)]].synced[path.name] = number

    def _new(self, known_by: int) -> int:
        self._numbers[known_by] = len(self.files) + len(self.folders) + 1
        return self._numbers[known_by]

    def _new_file(self, known_by: int, data: bytes = b"") -> int:
        number = self._new(known_by)
        self.files[number] = File(data)
        return number

    def _new_folder(self, known_by: int) -> int:
        number = self._new(known_by)
        self.folders[number] = Folder()
        return number

    def carry_out(self, record: Record) -> None:
        """What the program did. Files elsewhere are not ours."""
        if record.kind == NAMELESS:
            self._new_file(record.numbers[0])
            return
        number = self._numbers.get(record.numbers[0], 0)
        if record.kind in (SIZE, WRITE) and number in self.files:
            self.files[number].since.append(record)
        elif record.kind == SYNC:
            self._sync(number)
        elif record.kind in (CREATE, LINK, UNLINK, RENAME, FOLDER) and number in self.folders:
            self.folders[number].since.append(dataclasses.replace(record, leads_to=self._leads_to(record)))

    def _leads_to(self, record: Record) -> int:
        """What a name leads to is known now, whatever comes to the disk."""
        folder, other = record.numbers[:2]
        if record.kind == CREATE:
            return self._new_file(other)
        if record.kind == FOLDER:
            return self._new_folder(other)
        if record.kind == LINK:
            return self._numbers[other]
        if record.kind == UNLINK:
            return 0
        if folder != other:
            raise AssertionError(f"{record.name} moves to another folder: that is not modelled")
        return self._names(self.folders[self._numbers[folder]])[record.name]

    def _sync(self, number: int) -> None:
        if number in self.files:
            file = self.files[number]
            file.synced, file.since = self._bytes(file), []
        elif number in self.folders:
            folder = self.folders[number]
            folder.synced, folder.since = self._names(folder), []

    @staticmethod
    def _bytes(file: File, parts=whole) -> bytes:
        if not file.since:
            return file.synced
        data = bytearray(file.synced)
        for record in file.since:
            pieces = parts(record)
            if pieces is not None:
                put(data, record, pieces)
        return bytes(data)

    @staticmethod
    def _names(folder: Folder, happens=lambda _: True) -> dict[str, int]:
        names = dict(folder.synced)
        for record in folder.since:
            if not happens(record):
                continue
            if record.kind == UNLINK:
                names.pop(record.name, None)
            elif record.kind == RENAME:
                if names.get(record.second) == names.get(record.name, -1):
                    continue  # two names of one file: nothing happens
                names.pop(record.name, None)
                names[record.second] = record.leads_to
            else:
                names[record.name] = record.leads_to
        return names

    def since(self) -> dict[int, Record]:
        """The records that may be lost, by their identity."""
        parts = [*self.files.values(), *self.folders.values()]
        return {id(record): record for part in parts for record in part.since}

    def tree(self, kept=None, draw: random.Random | None = None) -> Tree:
        """What is on the disk, of what was done since the syncs, with those records alone that are `kept`, by their
        identity (None: all). With `draw`, some of the other writes are torn."""

        def parts(record: Record):
            if kept is None or id(record) in kept:
                return whole(record)
            if draw is None or record.kind != WRITE:
                return None
            return draw.choice((None, GROWN, torn(record, draw)))

        found: Tree = {}

        def walk(inode: int, path: str) -> None:
            names = self._names(self.folders[inode], lambda record: kept is None or id(record) in kept)
            for name, leads_to in sorted(names.items()):
                if leads_to in self.folders:
                    found[path + name] = None
                    walk(leads_to, f"{path}{name}/")
                else:
                    found[path + name] = self._bytes(self.files[leads_to], parts)

        walk(self.root, "")
        return found

    def trees(self, draw: random.Random, several: int) -> list[tuple[Tree, str]]:
        """Trees that the disk may hold now, each with what is lost of it: nothing, all, one, all but one, and some at
        random, of which writes may be torn."""
        since = self.since()
        every = set(since)
        chosen: list[set[int]] = [every, set()]
        ones = list(since) if len(since) <= several else draw.sample(list(since), several)
        chosen += [every - {one} for one in ones] + [{one} for one in ones]
        found = [(self.tree(kept), kept) for kept in chosen]
        for _ in range(several if since else 0):
            kept = {one for one in since if draw.random() < 0.5}
            found.append((self.tree(kept, draw), kept))
        return [(tree, ", ".join(str(since[one]) for one in since if one not in kept)) for tree, kept in found]
