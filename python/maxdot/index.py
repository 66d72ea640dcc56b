"""Index: build it from embeddings, save and open it, search it."""

from __future__ import annotations

import os
from operator import index as as_integer
from types import TracebackType
from typing import Any, Literal, SupportsIndex, TypeAlias, overload

import numpy as np
import numpy.typing as npt

from maxdot import _core
from maxdot.arrays import host
from maxdot.deadline import Deadline
from maxdot.id_lists import IdLists, as_ids
from maxdot.paths import Path
from maxdot.search_arguments import filter_arguments, interest_rows

Metric: TypeAlias = Literal["dot", "cosine", "euclidean"]
Ids: TypeAlias = npt.NDArray[np.int64]
Scores: TypeAlias = npt.NDArray[np.float32]
Keys: TypeAlias = npt.NDArray[np.float64]
ScoreType: TypeAlias = Literal["f32", "f64", "keys"]


class Index:
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

    @overload
    def search(
        self,
        queries: Any,
        k: SupportsIndex,
        threads: int = 0,
        *,
        metric: Metric | None = None,
        stats: Literal[False] = False,
        scores: Literal["f32"] = "f32",
        exclude: IdLists | None = None,
        allow: IdLists | None = None,
        item_mask: npt.ArrayLike | None = None,
        timeout: float | None = None,
    ) -> tuple[Ids, Scores]: ...

    @overload
    def search(
        self,
        queries: Any,
        k: SupportsIndex,
        threads: int = 0,
        *,
        metric: Metric | None = None,
        stats: Literal[True],
        scores: Literal["f32"] = "f32",
        exclude: IdLists | None = None,
        allow: IdLists | None = None,
        item_mask: npt.ArrayLike | None = None,
        timeout: float | None = None,
    ) -> tuple[Ids, Scores, dict[str, Any]]: ...

    @overload
    def search(
        self,
        queries: Any,
        k: SupportsIndex,
        threads: int = 0,
        *,
        metric: Metric | None = None,
        stats: Literal[False] = False,
        scores: Literal["f64", "keys"],
        exclude: IdLists | None = None,
        allow: IdLists | None = None,
        item_mask: npt.ArrayLike | None = None,
        timeout: float | None = None,
    ) -> tuple[Ids, Keys]: ...

    @overload
    def search(
        self,
        queries: Any,
        k: SupportsIndex,
        threads: int = 0,
        *,
        metric: Metric | None = None,
        stats: Literal[True],
        scores: Literal["f64", "keys"],
        exclude: IdLists | None = None,
        allow: IdLists | None = None,
        item_mask: npt.ArrayLike | None = None,
        timeout: float | None = None,
    ) -> tuple[Ids, Keys, dict[str, Any]]: ...

    def search(
        self,
        queries: Any,
        k: SupportsIndex,
        threads: int = 0,
        *,
        metric: Metric | None = None,
        stats: bool = False,
        scores: ScoreType = "f32",
        exclude: IdLists | None = None,
        allow: IdLists | None = None,
        item_mask: npt.ArrayLike | None = None,
        timeout: float | None = None,
    ) -> Any:
        """The exact k best items of each query, best first; equal keys are ordered by smaller id.

        Args:
            queries: float32 or float16, shape [m, d] or [d], as `items` of `build`.
            k: results per query, 0 or more. With more than n, rows are padded with id -1 and the worst score.
            threads: threads for this call; 0 = every core that this process may use. Results do not depend
                on it.
            metric: ask another metric than the index's own; every metric is exact on every index.
            stats: also return what the call did.
            scores: "f32", "f64", or "keys" (float64): what orders results, larger is better, which is what
                `maxdot.merge` needs. A distance is the rounded root of its negated key, so two distances may
                be equal where their keys differ.
            exclude: items that a query must not return: m lists of item ids, as a list of lists, a SciPy CSR
                matrix [m, items] (its column indices are ids), or a tuple (offsets, ids). For one query of
                shape [d], also just its ids. Ids that the index does not hold are ignored.
            allow: the only items that a query may return, in the same forms. An empty list permits none.
            item_mask: bool [n], by row: False for items that no query may return.
                Filters apply together, and a batch with filters stays a batch.
            timeout: seconds, above 0, after which the call ends with TimeoutError. None: it takes as long as it
                takes. Ctrl-C ends it, too.

        Returns:
            ids (int64) and scores (float32, rounded once from float64), shape [m, k], or [k] for one query
            of shape [d]. "dot" and "cosine" scores descend, "euclidean" distances ascend. With `stats`, a
            third value: a dictionary of "seconds" (of the C++ call), "threads", "kernel", "counts"
            (results per query, int64 [m]), and what was read and scored: "queries", "queries_by_f32",
            "queries_by_list", "queries_repeated", "tiles_4bit", "tiles_8bit", "tiles_f32", "candidates",
            "refined", "rescored", "bytes_read".

        Raises:
            ValueError: wrong dtype, shape or dimension, NaN or Inf (names row and column), negative k,
                lists or mask that do not fit, a timeout that is not above 0, closed index.
            TypeError: `queries` is no array, `timeout` no number.
            MemoryError: the results do not fit.
            TimeoutError: it was not done in time; there is no partial answer.
        """
        engine = self._open_engine()
        if exclude is None and allow is None and item_mask is None and timeout is None:  # the short way: microseconds count
            return engine.search(host(queries), as_integer(k), threads, metric, stats, scores)
        queries = host(queries)
        filters = filter_arguments(exclude, allow, item_mask, getattr(queries, "ndim", 2) == 1)
        return engine.search(queries, as_integer(k), threads, metric, stats, scores, *filters, timeout)

    def search_multi(
        self,
        users: Any,
        k: SupportsIndex,
        threads: int = 0,
        *,
        metric: Metric | None = None,
        stats: bool = False,
        scores: ScoreType = "f32",
        exclude: IdLists | None = None,
        allow: IdLists | None = None,
        item_mask: npt.ArrayLike | None = None,
        timeout: float | None = None,
    ) -> Any:
        """The exact k best items of users with several interests each, as of MIND or ComiRec.

        The score of an item is its best over the user's interests; no item appears twice. Interests of zeros
        are ignored, so users with fewer interests can be padded; a user with none gets no results.

        Args:
            users: float32 or float16, shape [m, interests, d], or [interests, d] for one user.
            exclude, allow: one list for each user, as in `search`.
            k, threads, metric, stats, scores, item_mask, timeout: as in `search`.

        Returns:
            ids (int64) and scores (float32), shape [m, k], or [k] for one user; with `stats` a dictionary as of
            `search`.

        Raises:
            ValueError, TypeError, MemoryError, TimeoutError: as `search`.
        """
        engine = self._open_engine()
        rows, per_user, one_user = interest_rows(users)
        filters = filter_arguments(exclude, allow, item_mask, one_user)
        return engine.search_multi(rows, per_user, one_user, as_integer(k), threads, metric, stats, scores, *filters, timeout)

    def search_range(
        self,
        queries: Any,
        threshold: npt.ArrayLike,
        threads: int = 0,
        *,
        metric: Metric | None = None,
        stats: bool = False,
        scores: ScoreType = "f32",
        exclude: IdLists | None = None,
        allow: IdLists | None = None,
        item_mask: npt.ArrayLike | None = None,
        timeout: float | None = None,
    ) -> Any:
        """Every item whose score reaches a threshold (>=; for "euclidean" distances <=), best first.

        Args:
            queries: float32 or float16, shape [m, d] or [d].
            threshold: one number, or one for each query. Compared with the float64 score, before it is rounded
                to float32.
            threads, metric, stats, scores, exclude, allow, item_mask, timeout: as in `search`.

        Returns:
            offsets (int64 [m + 1]), ids (int64) and scores (float32): query i has
            ids[offsets[i] : offsets[i + 1]]. With `stats`, a dictionary as of `search` comes last.

        Raises:
            ValueError, TypeError, MemoryError, TimeoutError: as `search`; ValueError for a threshold that is NaN.
        """
        engine = self._open_engine()
        thresholds = np.ascontiguousarray(threshold, dtype=np.float64)
        if thresholds.ndim > 1:
            raise ValueError(f"threshold: shape {thresholds.shape} is neither a number nor [queries]")
        queries = host(queries)
        filters = filter_arguments(exclude, allow, item_mask, getattr(queries, "ndim", 2) == 1)
        return engine.search_range(queries, thresholds.reshape(-1), threads, metric, stats, scores, *filters, timeout)

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

    def __len__(self) -> int:
        return self._open_engine().size

    @property
    def dim(self) -> int:
        """Dimension of items and queries."""
        return self._open_engine().dimension

    @property
    def metric(self) -> Metric:
        """What searches use unless they name another metric."""
        return self._open_engine().metric

    @property
    def normalized(self) -> bool:
        """Whether rows and queries count as their unit vectors."""
        return self._open_engine().normalized

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the stored rows: float32 or float16."""
        return np.dtype(np.float32 if self._open_engine().dtype == "f32" else np.float16)

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
