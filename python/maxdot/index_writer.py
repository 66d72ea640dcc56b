"""IndexWriter and build_file: an index file of more items than memory holds."""

from __future__ import annotations

import os
import threading
from operator import index as as_integer
from types import TracebackType
from typing import Any, Literal, SupportsIndex

import numpy.typing as npt

from maxdot import _core
from maxdot.given import given_items
from maxdot.metric import MetricName
from maxdot.names_file import remove_names
from maxdot.paths import Path


class IndexWriter:
    """Writes an index file, some items at a time, in some 100 MB of memory whatever their number (and 8 bytes for each item
    with ids; of dimensions above 4,000 twice what 4,096 rows take).

    >>> with maxdot.IndexWriter("items.maxdot", parquet.metadata.num_rows, 128, with_ids=True) as writer:
    ...     for batch in parquet.iter_batches(100_000, columns=["item_id", "vector"]):
    ...         writer.append(batch)

    The file is, byte for byte, the one that `Index.build` of all rows and `save` write. At the end of the block, or by
    `commit`, it is synced and renamed to its path. If the block ends by an exception nothing is left of it, and the path
    keeps what it had. Calls from several threads take turns.
    """

    __slots__ = ("_engine", "_path", "_turn", "_with_ids")

    def __init__(
        self,
        path: Path,
        rows: SupportsIndex,
        dimension: SupportsIndex,
        dtype: Literal["f32", "f16"] = "f32",
        *,
        with_ids: bool = False,
        metric: MetricName = "cosine",
        normalize: bool = False,
    ) -> None:
        """Begins a file.

        Args:
            path: where the file is to be.
            rows: how many items will come in all.
            dimension: of each, 1 to 32,768.
            dtype: "f32" or "f16": what `append` is given, and what the file holds.
            with_ids: whether items have ids of their own, which `append` is then given. Else row numbers are the ids.
            metric, normalize: as in `Index.build`.

        Raises:
            OSError: the file cannot be written.
            ValueError: an argument is out of range; the path holds a NUL.
        """
        self._path = os.path.abspath(os.fsdecode(path))
        self._with_ids = with_ids
        self._turn = threading.Lock()
        count, width = as_integer(rows), as_integer(dimension)
        if count < 0 or width < 0:
            raise ValueError(f"{'rows' if count < 0 else 'dimension'}: {min(count, width)} is negative")
        self._engine: _core.IndexWriter | None = _core.IndexWriter.create(
            os.fsencode(self._path), count, width, dtype, with_ids, metric, normalize
        )

    def append(self, items: Any, ids: npt.ArrayLike | str | None = None, *, timeout: float | None = None) -> None:
        """Appends items, on every core that this process may use.

        Args:
            items: the dtype and dimension of the file, shape [m, d]: whatever `Index.build` takes, tables too.
            ids: with `with_ids`, m integers >= 0, or of a table the name of their column; None: its only one.
            timeout: seconds, as in `Index.search`.

        Raises:
            ValueError: another shape or dtype, more rows than were announced, NaN or Inf, a negative id (rows are counted
                from the first `append`); ids that are text. Nothing of these items was then taken.
            OSError: the file cannot be written, or a call before this failed to; it is given up.
            TimeoutError: it was not done in time; the file is given up.
        """
        rows, numbers, names = given_items(items, ids)
        if names is not None and (self._with_ids or ids is not None):
            raise ValueError("ids: are text; an index that is written in parts has numbers as ids")
        with self._turn:
            self._open_engine().append(rows, numbers if self._with_ids or ids is not None else None, timeout)

    def commit(self) -> None:
        """Makes the file whole, and takes it to its path.

        Raises:
            ValueError: rows are missing; an id stands on two rows.
            OSError: the file cannot be written; the path has what it had.
        """
        with self._turn:
            self._open_engine().commit()
            self._engine = None
            remove_names(self._path)

    def __enter__(self) -> IndexWriter:
        self._open_engine()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None and self._engine is not None:
                self.commit()
        finally:
            self._engine = None

    def _open_engine(self) -> _core.IndexWriter:
        if self._engine is None:
            raise ValueError(f"{self._path}: is no longer being written: it was committed, or given up")
        return self._engine


def build_file(
    items: Path,
    path: Path,
    ids: npt.ArrayLike | None = None,
    metric: MetricName = "cosine",
    normalize: bool = False,
    *,
    threads: int = 0,
    timeout: float | None = None,
) -> None:
    """Builds an index file of a file of embeddings, in some 100 MB of memory whatever its size: what `maxdot build` does.

    Args:
        items: a .npy (float32, float16), .fvecs or .fbin file.
        path: where the index file is to be: byte for byte what `Index.build` and `save` write.
        ids: n unique integers >= 0, one per row; None: row numbers.
        metric, normalize, threads: as in `Index.build`.
        timeout: seconds, as in `Index.search`.

    Raises:
        OSError: a file cannot be read or written.
        ValueError: `items` is no such file; NaN or Inf (names row and column), bad ids, unknown metric.
        TimeoutError: it was not done in time. Whatever is raised, `path` has what it had.
    """
    numbers = given_items(None, ids)[1] if ids is not None else None
    if ids is not None and numbers is None:
        raise ValueError("ids: are text; an index that is written in parts has numbers as ids")
    to = os.path.abspath(os.fsdecode(path))
    _core.build_file(os.fsencode(items), os.fsencode(to), numbers, metric, normalize, threads, timeout)
    remove_names(to)
