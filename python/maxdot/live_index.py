"""LiveIndex: a catalogue that changes while it is searched, in a folder; Snapshot: a version of it."""

from __future__ import annotations

import os
from operator import index as as_integer
from types import TracebackType
from typing import Any, Literal, NamedTuple, NoReturn, SupportsIndex, TypeAlias

import numpy as np
import numpy.typing as npt

from maxdot import _core
from maxdot.arrays import engine_of, host
from maxdot.id_lists import Int64, as_ids
from maxdot.index import Index
from maxdot.metric import MetricName
from maxdot.paths import Path
from maxdot.searchable import Ids, Searchable

Durability: TypeAlias = Literal["none", "group", "each"]

# Of open: what a reader cannot be given, with the values that stand for nothing given.
_WRITER = {
    "durability": "group",
    "fresh_items": 2048,
    "compact_in_background": True,
    "compaction_threads": 1,
    "most_merge_bytes": 1 << 30,
}

# No item has a larger one.
_LARGEST_ID = 2**63 - 1

_NO_PICKLE = "it cannot be pickled; open the folder in the other process with LiveIndex.open(folder, read_only=True)"


class Change(NamedTuple):
    """What a change did."""

    version: int
    """The first version of the catalogue that has it."""
    items: int
    """Put in, or removed."""


class Snapshot(Searchable):
    """The items of one version of a catalogue, which never change. Made by `LiveIndex.snapshot`.

    Its searches are those of `maxdot.Index`: what they return is, bit for bit, what an index built of the items
    would. Any number of threads may use it, also after its LiveIndex was closed, and in a child after fork.
    """

    __slots__ = ("__weakref__", "_engine")

    _engine: _core.Snapshot

    def __init__(self) -> None:
        raise TypeError("make a snapshot with the method snapshot() of a maxdot.LiveIndex")

    @classmethod
    def _of(cls, engine: _core.Snapshot) -> Snapshot:
        made = cls.__new__(cls)
        made._engine = engine
        return made

    @property
    def version(self) -> int:
        """It rises by 1 with every change of the catalogue."""
        return self._engine.version

    def ids(self) -> Ids:
        """Of all items (int64 [n]), in an order that stays the same for this snapshot: that of `item_mask`.

        Raises:
            MemoryError: they do not fit.
        """
        return self._engine.ids()

    def item(self, id: SupportsIndex) -> npt.NDArray[np.float32]:
        """The values of the item `id` (float32 [d]).

        Raises:
            KeyError: there is no such item; `id in snapshot` tells.
        """
        number = as_integer(id)
        values = self._engine.item(number) if 0 <= number <= _LARGEST_ID else None
        if values is None:
            raise KeyError(f"item {number} is not in version {self.version} of the catalogue")
        return values

    def __contains__(self, id: SupportsIndex) -> bool:
        number = as_integer(id)
        return 0 <= number <= _LARGEST_ID and self._engine.has(number)

    def __repr__(self) -> str:
        return f"<maxdot.Snapshot: version {self.version}, {_described(self._engine)}>"

    def __reduce__(self) -> NoReturn:
        raise TypeError(f"snapshot: {_NO_PICKLE}")

    def _open_engine(self) -> _core.Snapshot:
        return self._engine


class LiveIndex(Searchable):
    """A catalogue in a folder: items come, change and go while it is searched.

    >>> items = maxdot.LiveIndex.create("items", 128, metric="dot")      # or LiveIndex.open("items")
    >>> items.upsert(ids, rows)                     # durable when it returns, and seen by every search from then on
    >>> items.remove(gone)
    >>> ids, scores = items.search(user, 10)        # as Index.search, of the newest version
    >>> now = items.snapshot()                      # one version, to ask several times

    What is on the disk survives a kill at any point: every change whose call had returned, and no half of one.
    One LiveIndex at a time, in all processes, may have a folder open for writing; any number may have it open for
    reading, on the same machine. Any number of threads may use one; searches never wait for changes. A child
    after fork must not use it. As a context manager it is closed at the end of the block.
    """

    __slots__ = ("__weakref__", "_engine", "_folder")

    _engine: _core.LiveIndex | None
    _folder: str

    def __init__(self) -> None:
        raise TypeError("make a catalogue with maxdot.LiveIndex.create(folder, dimension), or open one with open(folder)")

    @classmethod
    def _of(cls, engine: _core.LiveIndex, folder: str) -> LiveIndex:
        made = cls.__new__(cls)
        made._engine = engine
        made._folder = folder
        return made

    @classmethod
    def create(
        cls,
        folder: Path,
        dimension: SupportsIndex,
        metric: MetricName = "cosine",
        normalize: bool = False,
        dtype: npt.DTypeLike = np.float32,
        *,
        durability: Durability = "group",
        fresh_items: SupportsIndex = 2048,
        compact_in_background: bool = True,
        compaction_threads: int = 1,
        most_merge_bytes: SupportsIndex = 1 << 30,
    ) -> LiveIndex:
        """Makes an empty catalogue in `folder`, and opens it for writing.

        Args:
            folder: made if it does not exist; it must be empty.
            dimension: of items and queries, 1 to 32,768.
            metric, normalize: as of `Index.build`.
            dtype: float32 or float16, of the stored rows. float16 rows can be put into a catalogue of float32, but
                not the reverse.
            durability, fresh_items, compact_in_background, compaction_threads, most_merge_bytes: as of `open`.

        Raises:
            ValueError: an argument outside its range, a folder that is not empty.
            OSError: the folder cannot be made or written.
        """
        name = os.path.abspath(os.fsdecode(folder))
        kind = np.dtype(dtype)
        if kind not in (np.float32, np.float16):
            raise ValueError(f"dtype: {kind} is neither float32 nor float16")
        shape = (dimension, metric, normalize, "f32" if kind == np.float32 else "f16")
        engine = _core.LiveIndex.create(
            os.fsencode(name),
            *shape,
            durability,
            fresh_items,
            compact_in_background,
            compaction_threads,
            most_merge_bytes,
        )
        return cls._of(engine, name)

    @classmethod
    def open(
        cls,
        folder: Path,
        *,
        read_only: bool = False,
        durability: Durability = "group",
        fresh_items: SupportsIndex = 2048,
        compact_in_background: bool = True,
        compaction_threads: int = 1,
        most_merge_bytes: SupportsIndex = 1 << 30,
    ) -> LiveIndex:
        """Opens a catalogue: reads the log of its changes, and maps the rest.

        Args:
            folder: one that `create` has made.
            read_only: it sees the newest version, and later ones after `refresh`. Takes no lock and writes nothing.
                What follows is for writers.
            durability: when a change is safe on the disk. "group": when the call returns; calls at the same time
                share a sync. "each": when the call returns, each by a sync of its own. "none": when the system
                writes it, so that it survives the end of the process, but not of the machine.
            fresh_items: so many new items, 64 to 1,048,576, are searched without codes before they become a
                segment. An upsert of as many makes a segment at once.
            compact_in_background: whether a thread makes and merges segments. If not, only `compact` does.
            compaction_threads: threads that make and merge segments; 0 = every core that this process may use.
            most_merge_bytes: the thread merges no segments that are larger together: it holds what it writes in
                memory.

        Raises:
            OSError: the folder cannot be read, is no catalogue, or is open for writing already.
            ValueError: its files are damaged; an argument outside its range, or for writers only.
            RuntimeError: it was written by a newer version.
            MemoryError: there is not enough.
        """
        name = os.path.abspath(os.fsdecode(folder))
        given = (durability, fresh_items, compact_in_background, compaction_threads, most_merge_bytes)
        if not read_only:
            return cls._of(_core.LiveIndex.open(os.fsencode(name), *given), name)
        wrong = [option for option, value in zip(_WRITER, given, strict=True) if value != _WRITER[option]]
        if wrong:
            raise ValueError(f"read_only: {', '.join(wrong)} is for writers; leave it out")
        return cls._of(_core.LiveIndex.open_read_only(os.fsencode(name)), name)

    def upsert(self, ids: npt.ArrayLike, rows: Any) -> Change:
        """Puts items in: those whose ids are there are replaced. All or nothing.

        Every search that begins after the return sees it. Waits for the thread that makes segments if that is far
        behind. (Ctrl-C is noticed when it returns.)

        Args:
            ids: n unique integers >= 0.
            rows: float32 or float16, shape [n, d], as `items` of `Index.build`.

        Returns:
            The version that has the items, and how many they are.

        Raises:
            ValueError: wrong dtype, shape or dimension, NaN or Inf (names row and column), bad ids, open for
                reading, closed.
            TypeError: `rows` is no array.
            OSError: the log cannot be written: nothing was changed, unless the message says that nobody knows.
            MemoryError: there is not enough; nothing was changed.
        """
        return Change(*self._open_engine().upsert(_ids(ids), host(rows)))

    def remove(self, ids: npt.ArrayLike) -> Change:
        """Removes items. Ids that are not there are ignored. Otherwise as `upsert`.

        Returns:
            The version without the items, and how many there were.
        """
        return Change(*self._open_engine().remove(_ids(ids)))

    def replace(self, index: Index | Path) -> Change:
        """The catalogue becomes that of `index`: its items, ids, dimension, metric and dtype, in a copy.

        Searches under way, and snapshots, go on with the items of before.

        Args:
            index: a `maxdot.Index`, or an index file, which is verified first.

        Raises:
            ValueError: closed; a file that is no index, or damaged; open for reading.
            TypeError: `index` is neither.
            OSError: a file cannot be read or written.
            RuntimeError: it has 2^32 - 1 items or more.
        """
        if isinstance(index, (str, bytes, os.PathLike)):
            return Change(*self._open_engine().replace_path(os.fsencode(os.path.abspath(os.fsdecode(index)))))
        return Change(*self._open_engine().replace(engine_of(index)))

    def refresh(self) -> bool:
        """Of one that is open for reading: goes on to the newest version. Returns whether that is another one.

        Raises:
            OSError, ValueError, RuntimeError, MemoryError: as `open`; then it stays at the version that it has.
        """
        return self._open_engine().refresh()

    def snapshot(self) -> Snapshot:
        """The newest version."""
        return Snapshot._of(self._open_engine().snapshot())

    def compact(self) -> None:
        """Makes one segment of all items. Returns when it is on the disk.

        Raises:
            OSError: it cannot be written.
            MemoryError: there is not enough.
            ValueError: open for reading, closed.
        """
        self._open_engine().compact()

    def stats(self) -> dict[str, Any]:
        """What it is made of, and what it has done since it was opened.

        Returns:
            "version", "items"; rows without codes, "fresh_items", and rows of items that were removed or replaced,
            "dead_items"; "segments", "segment_bytes", "log_bytes" (of the files); "compactions", "replaces";
            "compaction_error": what the thread that makes segments has failed with last, or "". It tries again.

        Raises:
            OSError: the folder cannot be read.
        """
        return self._open_engine().stats()

    @property
    def version(self) -> int:
        """Of the newest version: it rises by 1 with every change."""
        return self._open_engine().snapshot().version

    @property
    def folder(self) -> str:
        """The absolute path of the folder."""
        return self._folder

    def close(self) -> None:
        """Closes it, once the calls of other threads have returned; another may then open the folder for writing.

        Snapshots stay good. A Batcher of it keeps the folder open until that is closed. May be called twice.
        """
        self._engine = None

    def __enter__(self) -> LiveIndex:
        self._open_engine()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        engine = self._engine
        if engine is None:
            return f"<maxdot.LiveIndex, closed, {self._folder!r}>"
        return f"<maxdot.LiveIndex: {_described(engine.snapshot())}, {self._folder!r}>"

    def __reduce__(self) -> NoReturn:
        raise TypeError(f"live index: {_NO_PICKLE}")

    def _open_engine(self) -> _core.LiveIndex:
        engine = self._engine
        if engine is None:
            raise ValueError("live index: it is closed; open it again")
        return engine


def _ids(ids: npt.ArrayLike) -> Int64:
    own = as_ids(ids)
    if own.ndim != 1:
        raise ValueError(f"ids: shape {own.shape} is not [n]; give one id per item")
    return own


def _described(engine: _core.Snapshot) -> str:
    kind = f"{engine.metric}, normalized" if engine.normalized else engine.metric
    return f"{engine.size} x {engine.dimension} {engine.dtype}, {kind}"
