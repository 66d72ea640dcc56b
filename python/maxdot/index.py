"""Index: build it from embeddings, save and open it, search it."""

from __future__ import annotations

import os
from types import TracebackType
from typing import Any, SupportsIndex

import numpy as np
import numpy.typing as npt

from maxdot import _core
from maxdot.arrays import host
from maxdot.deadline import Deadline
from maxdot.id_lists import as_ids
from maxdot.paths import Path
from maxdot.searchable import Ids, Metric, Scores, Searchable


class Index(Searchable):
    """An immutable set of items that answers: which k have the best score for a query?

    Make one with `Index.build` or `Index.open`. Searches release the GIL and may run in any number of
    threads at once. As a context manager it is closed at the end of the block, which lets go of its memory
    or mapped file.
    """

    __slots__ = ("__weakref__", "_checksum", "_engine", "_path")

    _engine: _core.Index | None
    _path: str | None
    _checksum: int  # of the file at _path

    def __init__(self) -> None:
        raise TypeError("make an index with maxdot.Index.build(items) or maxdot.Index.open(path)")

    @classmethod
    def _of(cls, engine: _core.Index, path: str | None) -> Index:
        made = cls.__new__(cls)
        made._engine = engine
        made._path = path
        made._checksum = engine.checksum
        return made

    @classmethod
    def build(
        cls,
        items: Any,
        ids: npt.ArrayLike | None = None,
        metric: Metric = "cosine",
        normalize: bool = False,
        *,
        threads: int = 0,
        timeout: float | None = None,
    ) -> Index:
        """Builds an index of `items`, copying the rows once into its own memory.

        Args:
            items: float32 or float16, shape [n, d]: a NumPy array, a torch tensor, or anything with the
                buffer or DLPack protocol. Contiguous rows are read in place; other dtypes are refused, not
                cast. A tensor that requires grad is detached, one on a GPU is copied to the host.
            ids: n unique integers >= 0, one per row. None: the row number is the id.
            metric: what searches use unless they name another: "dot", "cosine" or "euclidean".
            normalize: treat rows and queries as their unit vectors, whatever the metric. The three metrics then
                rank alike; of rows that were normalised and rounded before, they do so almost.
            threads: threads to build with; 0 = every core that this process may use.
            timeout: seconds, as in `search`.

        Raises:
            ValueError: wrong dtype or shape, NaN or Inf (names row and column), bad ids, unknown metric.
            TypeError: `items` is no array.
            MemoryError: the copy does not fit.
            TimeoutError: it was not done in time; there is no index.
        """
        own_ids = None if ids is None else as_ids(ids)
        if own_ids is not None and own_ids.ndim != 1:
            raise ValueError(f"ids: shape {own_ids.shape} is not [n]; give one id per row")
        return cls._of(_core.Index.build(host(items), own_ids, metric, normalize, threads, timeout), None)

    @classmethod
    def open(
        cls,
        path: Path,
        *,
        verify_payload: bool = False,
        verify_codes: bool = False,
        timeout: float | None = None,
    ) -> Index:
        """Maps an index file; rows are read when a search needs them.

        Args:
            path: a file written by `save` or by the `maxdot build` command.
            verify_payload: also check the checksum of every section, ids, rows, squares and order, which reads
                the whole file. For a file whose writer you do not know.
            verify_codes: also compute the codes again from the rows and compare; implies verify_payload.
            timeout: seconds, as in `search`. Only verifying takes long.

        Raises:
            OSError: the file cannot be read.
            ValueError: it is no index file, is cut short, or (with verify_payload) damaged or
                forged; the path holds a NUL.
            RuntimeError: it was written by a newer version.
            TimeoutError: it was not done in time; nothing is open.
        """
        path = os.path.abspath(os.fsdecode(path))
        return cls._of(_core.Index.open(os.fsencode(path), verify_payload, verify_codes, timeout), path)

    def save(self, path: Path) -> None:
        """Writes the index beside `path`, syncs and renames: `path` holds the old file or the new one, whole.

        Raises:
            OSError: the file cannot be written.
            ValueError: the path holds a NUL.
        """
        path = os.path.abspath(os.fsdecode(path))
        self._checksum = self._open_engine().save(os.fsencode(path))
        self._path = path

    def close(self) -> None:
        """Lets go of the memory or the mapped file. Searches that run in other threads end unharmed."""
        self._engine = None

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
        return _open_same, (self._path, engine.size, engine.dimension, self._checksum)

    def _open_engine(self) -> _core.Index:
        engine = self._engine
        if engine is None:
            raise ValueError("index: it is closed; open or build it again")
        return engine


def _open_same(path: str, items: int, dimension: int, checksum: int) -> Index:
    """Unpickles an index, and notices if another one has taken its path."""
    opened = Index.open(path)
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
    metric: Metric = "cosine",
    normalize: bool = False,
    *,
    threads: int = 0,
    timeout: float | None = None,
) -> tuple[Ids, Scores]:
    """The exact k best `items` for each of `queries`, in one call: `Index.build` and `search`.

    Args:
        queries: float32 or float16, shape [m, d] or [d].
        items: float32 or float16, shape [n, d].
        k: results per query.
        metric: "dot", "cosine" or "euclidean".
        normalize: treat rows and queries as their unit vectors, whatever the metric. The three metrics then
            rank alike; of rows that were normalised and rounded before, they do so almost.
        threads: 0 = every core that this process may use.
        timeout: seconds for both together, as in `Index.search`.

    Returns:
        ids (int64, row numbers of `items`) and scores (float32), shape [m, k] or [k].

    Raises:
        ValueError, TypeError, MemoryError, TimeoutError: as `Index.build` and `Index.search`.
    """
    with Deadline(timeout) as deadline:
        index = Index.build(
            items, metric=metric, normalize=normalize, threads=threads, timeout=deadline.left()
        )
        return index.search(queries, k, threads, timeout=deadline.left())
