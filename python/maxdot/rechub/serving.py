"""Builder and indexer with the interface of `torch_rechub.serving.base`."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy.typing as npt

from maxdot.arrays import float_rows
from maxdot.index import Index
from maxdot.rechub.measure import Measure, alike

# For each of RecHub's models the default measure, and the arguments that have nothing to say to an exact index:
# how it approximates, and what the embeddings tell by themselves.
_MODELS: dict[str, tuple[str, frozenset[str]]] = {
    "annoy": ("angular", frozenset({"d", "n_trees", "threads", "searchk"})),
    "faiss": ("L2", frozenset({"index_type", "m", "nlists", "efSearch", "nprobe"})),
    "milvus": (
        "COSINE",
        frozenset({"d", "index_type", "m", "nlist", "ef", "nprobe", "name", "host", "port"}),
    ),
}


class Indexer:
    """An index that answers batches: a `torch_rechub.serving.base.BaseIndexer`. A `Builder` makes it."""

    def __init__(self, index: Index, measure: Measure, threads: int) -> None:
        self._index = index
        self._measure = measure
        self._threads = threads

    def query(self, embeddings: Any, top_k: int) -> tuple[Any, Any]:
        """The top_k best items for each embedding, best first.

        Args:
            embeddings: [n, d], or [n, interests, d] for users with several interests (MIND, ComiRec): an item
                counts with its best, and interests of zeros are ignored.
            top_k: number of results.

        Returns:
            ids (int64) and distances (float32), both [n, top_k]: CPU tensors for a tensor, NumPy arrays for an
            array. Where there are fewer items, id -1 and the worst distance.

        Raises:
            ValueError: wrong shape or dimension, NaN or Inf (names row and column), negative top_k, or the
                builder's context has ended.
        """
        queries = float_rows(embeddings, "embeddings")
        if queries.ndim not in (2, 3):
            raise ValueError(f"embeddings: shape {queries.shape} is neither [n, d] nor [n, interests, d]")
        ids, distances = self._measure.search(self._index, queries, top_k, self._threads)
        return alike(ids, embeddings), alike(distances, embeddings)

    def save(self, file_path: str | os.PathLike[str]) -> None:
        """Writes the index, whole or not at all. OSError: it cannot be written."""
        self._index.save(file_path)


class Builder:
    """Builds or opens an index for the length of a `with` block: a `torch_rechub.serving.base.BaseBuilder`.

    Args:
        metric: a measure, see `maxdot.rechub`.
        ids: what `query` returns for each row, such as raw item ids: unique integers >= 0. None: the row. A
            saved index keeps them.
        threads: threads of a call; 0 = every core that this process may use.

    `isinstance` and `issubclass` know it as RecHub's as soon as a `Builder` is made with `torch_rechub.serving`
    loaded. It is not loaded from here: that would load annoy, faiss and pymilvus.
    """

    def __init__(self, metric: str = "cosine", *, ids: npt.ArrayLike | None = None, threads: int = 0) -> None:
        self._measure = Measure.named(metric)
        self._ids = ids
        self._threads = threads
        register()

    @contextmanager
    def from_embeddings(self, embeddings: Any) -> Iterator[Indexer]:
        """Yields an indexer of `embeddings` [n, d]; the block's end frees it.

        Raises:
            ValueError: wrong shape, NaN or Inf (names row and column), bad ids.
        """
        with self._measure.build(embeddings, self._ids, self._threads, "embeddings") as index:
            yield Indexer(index, self._measure, self._threads)

    @contextmanager
    def from_index_file(self, index_file: str | os.PathLike[str]) -> Iterator[Indexer]:
        """Yields an indexer of a file that `Indexer.save` or the `maxdot` command wrote; mapped, not read.

        Raises:
            OSError: the file cannot be read.
            ValueError: it is no index, or one of another measure.
        """
        with self._measure.open(index_file) as index:
            yield Indexer(index, self._measure, self._threads)


def builder_factory(model: str, **builder_config: Any) -> Builder:
    """In place of `torch_rechub.serving.builder_factory`: a `Builder`, whatever the model.

    Args:
        model: "maxdot", whose arguments are those of `Builder`; or "annoy", "faiss" or "milvus", with their
            arguments. `metric` means the same as there and has the same default; what tunes an approximation
            has no effect.

    Raises:
        NotImplementedError: another model.
        TypeError: an argument that the model does not have.
        ValueError: unknown metric.
    """
    if model == "maxdot":
        return Builder(**builder_config)
    if model not in _MODELS:
        raise NotImplementedError(f"model: {model!r} is not maxdot, {', '.join(_MODELS)}")
    metric, without_effect = _MODELS[model]
    unknown = builder_config.keys() - without_effect - {"metric"}
    if unknown:
        raise TypeError(f"{model} has no argument {', '.join(sorted(unknown))}")
    return Builder(builder_config.get("metric", metric))


def register() -> None:
    """Makes the classes virtual subclasses of RecHub's, if those are loaded."""
    base = sys.modules.get("torch_rechub.serving.base")
    if base is not None:
        base.BaseBuilder.register(Builder)
        base.BaseIndexer.register(Indexer)


register()
