"""Index: build it from embeddings, save and open it, search it."""

from __future__ import annotations

import os
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, SupportsIndex

import numpy as np
import numpy.typing as npt

from maxdot import _core
from maxdot.arrays import as_array
from maxdot.deadline import Deadline
from maxdot.given import arrow_module, given_items, given_rows, holds_text, names_of_items
from maxdot.id_lists import IdLists, as_ids
from maxdot.item_lists import Owners
from maxdot.metric import MetricName
from maxdot.names_file import open_names, remove_names, save_with_names
from maxdot.paths import Path
from maxdot.results import SearchResult
from maxdot.searchable import ScoreType, Searchable

RowPlace = Literal["memory", "disk"]
Load = Literal["map", "memory", "locked"]

if TYPE_CHECKING:
    import pyarrow

    from maxdot.item_names import ItemNames


class Index(Searchable):
    """An immutable set of items that answers: which k have the best score for a query?

    Make one with `Index.build` or `Index.open`. Searches release the GIL and may run in any number of
    threads at once. As a context manager it is closed at the end of the block, which lets go of its memory
    or mapped file.
    """

    __slots__ = ("__weakref__", "_checksum", "_engine", "_item_names", "_load", "_path", "_rows")

    _engine: _core.Index | None
    _item_names: ItemNames | None
    _path: str | None
    _checksum: int  # of the file at _path
    _rows: RowPlace
    _load: Load

    def __init__(self) -> None:
        raise TypeError("make an index with maxdot.Index.build(items) or maxdot.Index.open(path)")

    @classmethod
    def _of(
        cls,
        engine: _core.Index,
        path: str | None,
        names: ItemNames | None,
        rows: RowPlace = "memory",
        load: Load = "map",
    ) -> Index:
        made = cls.__new__(cls)
        made._item_names = names
        made._engine = engine
        made._path = path
        made._rows = rows
        made._load = load
        made._checksum = engine.checksum
        return made

    @classmethod
    def build(
        cls,
        items: Any,
        ids: npt.ArrayLike | None = None,
        metric: MetricName = "cosine",
        normalize: bool = False,
        *,
        threads: int = 0,
        timeout: float | None = None,
    ) -> Index:
        """Builds an index of `items`, copying the rows once into its own memory.

        Args:
            items: float32 or float16, shape [n, d]: a NumPy array, a torch tensor, or anything with the
                buffer or DLPack protocol. Contiguous rows are read in place; other dtypes are refused, not
                cast. A tensor that requires grad is detached, one on a GPU is copied to the host. Or a table of
                pandas, Polars, DuckDB or Arrow with one column of vectors, or that column (docs/python.md).
            ids: n unique integers >= 0, one per row; or n unique texts, which are kept beside the index as
                `item_names`: the ids of the index are then row numbers. Of a table, also the name of the
                column. None: the only column of the table that can hold ids; without one, row numbers.
            metric: what searches use unless they name another: "cosine" unless you say "dot" (also "ip",
                "inner_product") or "euclidean" ("l2"). The index tells it as `metric`, results too.
            normalize: treat rows and queries as their unit vectors, whatever the metric. The three metrics then
                rank alike; of rows that were normalised and rounded before, they do so almost.
            threads: threads to build with; 0 = every core that this process may use.
            timeout: seconds, as in `search`.

        Raises:
            ValueError: wrong dtype or shape, NaN or Inf (names row and column), bad ids, unknown metric; a table
                where it is in doubt which column is meant.
            TypeError: `items` is no array.
            ImportError: a table, or texts, and pyarrow is not installed.
            MemoryError: the copy does not fit.
            TimeoutError: it was not done in time; there is no index.
        """
        rows, numbers, names = given_items(items, ids)
        engine = _core.Index.build(rows, numbers, metric, normalize, threads, timeout)
        return cls._of(engine, None, None if names is None else names_of_items(names, engine.size))

    @classmethod
    def open(
        cls,
        path: Path,
        *,
        rows: RowPlace = "memory",
        load: Load = "map",
        verify_payload: bool = False,
        verify_codes: bool = False,
        timeout: float | None = None,
    ) -> Index:
        """Opens an index file.

        Args:
            path: a file written by `save` or by the `maxdot build` command.
            rows: "memory": mapped, read when they are first touched. "disk": for rows that memory cannot hold. All but
                the rows is read into memory now, `dimension` bytes and 19 more for each item (27 with ids), and a
                search reads from the file what it scores. Results are the same. `objective`, `evaluate.ranks` and
                `LiveIndex.replace`, which need many rows, raise RuntimeError.
            load: "map": opens at once, and processes share the pages. The file may be replaced (by rename, as
                `save` does) or removed, but never overwritten or cut short: a search then ends the process
                (SIGBUS), or returns anything. "memory": read into memory, every checksum checked; what happens to
                the file later does not matter. "locked": the same, and never paged out (mlock). With
                rows="disk", "map" is as "memory" but for the checksums, and a search that finds the file changed
                raises OSError, one that finds it cut short ValueError. docs/opening-index-files.md compares them.
            verify_payload: also check the checksum of every section, ids, rows, squares and order, which reads
                the whole file. For a file whose writer you do not know.
            verify_codes: also compute the codes again from the rows and compare; implies verify_payload.
            timeout: seconds, as in `search`. Only verifying takes long.

        Names that `save` has written beside it are opened with it.

        Raises:
            OSError: the file cannot be read (FileNotFoundError and the like, by errno; the message names the file).
            MemoryError: it does not fit, or may not be locked (ulimit -l).
            ValueError: unknown `rows` or `load`; it is no index file, is cut short, or (with verify_payload) damaged or
                forged; its names are damaged, or those of another index; the path holds a NUL.
            ImportError: it has names, and pyarrow is not installed.
            RuntimeError: it was written by a newer version.
            TimeoutError: it was not done in time; nothing is open.
        """
        path = os.path.abspath(os.fsdecode(path))
        engine = _core.Index.open(os.fsencode(path), rows, load, verify_payload, verify_codes, timeout)
        names = open_names(path, engine.checksum, engine.size, mapped=load == "map")
        return cls._of(engine, path, names, rows, load)

    def save(self, path: Path) -> None:
        """Writes the index beside `path`, syncs and renames: `path` holds the old file or the new one, whole.

        Names of items become a file of their own, `path` + ".ids.arrow", which `open` finds. It is bound to the
        index file by its checksum: names of another index are refused.

        Raises:
            OSError: a file cannot be written; another file is where the names would be.
            ValueError: the path holds a NUL.
        """
        path = os.path.abspath(os.fsdecode(path))
        save = self._open_engine().save
        if self._item_names is None:
            self._checksum = save(os.fsencode(path))
            remove_names(path)
        else:
            self._checksum = save_with_names(path, self._item_names, save)
        self._path = path

    @property
    def item_names(self) -> pyarrow.LargeStringArray | None:
        """The ids of the items where these are text, by row; None: they are numbers."""
        self._open_engine()
        return None if self._item_names is None else self._item_names.array

    def names(self, ids: npt.ArrayLike) -> npt.NDArray[Any]:
        """The names of items that a search has found.

        Args:
            ids: of any shape; -1 where there is no item.

        Returns:
            str of the same shape; None for -1.

        Raises:
            ValueError: the items have no names, or an id is that of no item.
        """
        self._open_engine()
        if self._item_names is None:
            raise ValueError("index: its items have no names; build it with ids that are text")
        return self._item_names.texts(as_ids(ids))

    def rows(self, ids: Any) -> npt.NDArray[np.float32]:
        """The values of items.

        Args:
            ids: of items, of any shape, in any order and more than once; names, where items have them.

        Returns:
            float32, of the shape of `ids` with one axis more, [d]: the stored rows, without normalising.

        Raises:
            ValueError: an id that no item has; no integers.
            OSError: with rows="disk", the file cannot be read.
            MemoryError: they do not fit.
        """
        engine = self._open_engine()
        wanted = self._numbers_of(ids)
        return engine.rows_at(wanted.reshape(-1)).reshape(*wanted.shape, engine.dimension)

    def _numbers_of(self, ids: Any) -> npt.NDArray[np.int64]:
        """Ids as numbers, where items have names as the numbers of those. ValueError: a name that no item has."""
        if self._item_names is None or (asked := _texts_in(ids)) is None:
            return as_ids(ids).reshape(np.shape(as_array(ids)))  # NumPy makes [1] of one number
        texts: list[str] = asked.reshape(-1).tolist()
        strangers = [each for each in texts if not isinstance(each, str)]
        if strangers:
            raise ValueError(f"ids: {strangers[0]!r} is no name; give names alone, or row numbers alone")
        found = self._item_names.rows(texts)
        if (found < 0).any():
            raise ValueError(f"ids: {texts[int(np.argmax(found < 0))]!r} is the name of no item")
        return found.reshape(asked.shape)

    def search_table(
        self,
        queries: Any,
        k: SupportsIndex,
        threads: int = 0,
        *,
        metric: MetricName | None = None,
        scores: ScoreType = "f32",
        exclude: IdLists | None = None,
        allow: IdLists | None = None,
        item_mask: npt.ArrayLike | None = None,
        timeout: float | None = None,
    ) -> pyarrow.Table:
        """`search(...).to_arrow()`: results as a table, with the ids of the queries and, where these are text, of the items.

        Args:
            queries: as in `search`. The ids are those of the table's only column that can hold them.
            k, threads, metric, scores, exclude, allow, item_mask, timeout: as in `search`.

        Returns:
            A pyarrow.Table, which pandas, Polars and DuckDB take as it is, with a row for each result: the id of
            the query, in a column of the name that it had ("query": row numbers), rank (int32, from 1), item_id
            and score.

        Raises:
            ValueError, TypeError, MemoryError, TimeoutError: as `search`; ValueError where it is in doubt which
                column has the ids.
            ImportError: pyarrow is not installed.
        """
        engine = self._open_engine()
        arrow_module("search_table")
        given = given_rows(queries, "queries", engine)
        owners = Owners("queries", given)
        _ = owners.ids  # refuses what is in doubt before the search
        filters = self._filters(exclude, allow, item_mask, owners)
        found = engine.search(given.rows, k, threads, metric, False, scores, *filters, timeout)
        return self._told(SearchResult(found), engine, metric, given).to_arrow()

    @property
    def _names(self) -> ItemNames | None:
        return self._item_names

    def close(self) -> None:
        """Lets go of the memory or the mapped file. Searches that run in other threads end unharmed."""
        self._engine = None
        self._item_names = None

    def __enter__(self) -> Index:
        self._open_engine()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def dim(self) -> int:
        """The same as `dimension`."""
        return self._open_engine().dimension

    @property
    def nbytes(self) -> int:
        """Bytes of the index: in memory if it was built, on disk if it was opened."""
        return self._open_engine().bytes

    @property
    def path(self) -> str | None:
        """The file that the index was opened from or last saved to; None if there is none."""
        return self._path

    def __repr__(self) -> str:
        engine = self._engine
        if engine is None:
            return "<maxdot.Index, closed>"
        kind = f"{engine.metric}, normalized" if engine.normalized else engine.metric
        place = "" if self._path is None else f", {self._path!r}"
        return f"<maxdot.Index: {engine.size} x {engine.dimension} {engine.dtype}, {kind}{place}>"

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickles the path and what is expected there, not the items: the receiver maps a file with the same contents."""
        engine = self._open_engine()
        if self._path is None:
            raise ValueError("index: only an index with a file can be pickled; call save(path) first")
        return _open_same, (self._path, engine.size, engine.dimension, self._checksum, self._rows, self._load)

    def _open_engine(self) -> _core.Index:
        engine = self._engine
        if engine is None:
            raise ValueError("index: it is closed; open or build it again")
        return engine


def _texts_in(ids: Any) -> npt.NDArray[np.object_] | None:
    """`ids` as an array of objects, of the shape they have, if one of them is a text."""
    if not isinstance(ids, (str, list, tuple)) and not holds_text(ids):
        return None
    given = np.asarray(as_array(ids) if isinstance(ids, np.ndarray) else ids, object)
    return given if any(isinstance(each, str) for each in given.flat) else None


def _open_same(path: str, items: int, dimension: int, checksum: int, rows: RowPlace, load: Load) -> Index:
    """Unpickles an index, and notices if another one has taken its path."""
    opened = Index.open(path, rows=rows, load=load)
    if opened._checksum != checksum:
        raise ValueError(
            f"{path}: holds another index now, {len(opened)} x {opened.dim}; the pickled one was {items} x "
            f"{dimension}; keep the file as it was, or save under a new name"
        )
    return opened


def top_k(
    queries: Any,
    items: Any,
    k: SupportsIndex,
    metric: MetricName = "cosine",
    normalize: bool = False,
    *,
    threads: int = 0,
    timeout: float | None = None,
) -> SearchResult[np.float32]:
    """The exact k best `items` for each of `queries`, in one call: `Index.build` and `search`.

    Args:
        queries, items: float32 or float16, shape [m, d] or [d], and [n, d]; or tables, as in `Index.build`.
        k: results per query.
        metric: "cosine" unless you say "dot" (also "ip", "inner_product") or "euclidean" ("l2").
        normalize: treat rows and queries as their unit vectors, whatever the metric. The three metrics then
            rank alike; of rows that were normalised and rounded before, they do so almost.
        threads: 0 = every core that this process may use.
        timeout: seconds for both together, as in `Index.search`.

    Returns:
        ids (int64, row numbers of `items`, or the numbers in its column of ids) and scores (float32), shape [m, k] or [k]: a `SearchResult`, which knows its `metric`.

    Raises:
        ValueError, TypeError, MemoryError, TimeoutError: as `Index.build` and `Index.search`.
    """
    with Deadline(timeout) as deadline:
        index = Index.build(
            items, metric=metric, normalize=normalize, threads=threads, timeout=deadline.left()
        )
        return index.search(queries, k, threads, timeout=deadline.left())
