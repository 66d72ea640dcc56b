"""BFIndex: vectors with labels, all of which are compared with each query."""

from __future__ import annotations

import os
from collections.abc import Callable
from operator import index as as_integer
from typing import SupportsIndex, TypeAlias

import numpy as np
import numpy.typing as npt

from maxdot import _core
from maxdot.door_arguments import dimension_of, finite_rows, key_numbers, told_distances
from maxdot.id_lists import Int64
from maxdot.keyed_rows import Bools, Floats, KeyedRows
from maxdot.metric import Metric
from maxdot.paths import Path

Labels: TypeAlias = npt.NDArray[np.uint64]
Filter: TypeAlias = Callable[[int], bool]

_METRICS: dict[str, Metric] = {"l2": "euclidean", "ip": "dot", "cosine": "cosine"}


class BFIndex:
    """Vectors with labels, all of which are compared with each query.

    Args:
        space: "l2", "ip" or "cosine".
        dim: dimension.

    Attributes:
        space, dim: as given.
        num_threads: of a call that says no number; 0 or less = every core that this process may use.
    """

    def __init__(self, space: str, dim: SupportsIndex) -> None:
        if space not in _METRICS:
            raise ValueError(f"space: {space!r} is not one of l2, ip, or cosine")
        self.space = space
        self.dim: int = dimension_of(dim, "dim")
        self.num_threads: int = 0
        self._most: int | None = None  # elements; None: init_index was not called
        self._next = 0  # the label of the next vector that comes without one
        self._rows = self._no_rows()

    def init_index(self, max_elements: SupportsIndex) -> None:
        """Makes room for so many elements. RuntimeError: it was called before."""
        if self._most is not None:
            raise RuntimeError("The index is already initiated.")
        most = as_integer(max_elements)
        if most < 0:
            raise ValueError(f"max_elements: {most} is no number of elements; use 0 or more")
        self._most = most

    def add_items(self, data: npt.ArrayLike, ids: npt.ArrayLike | None = None) -> None:
        """Adds vectors; those of labels that are there are replaced.

        Args:
            data: [n, dim] or, of one, [dim]; converted to float32, float64 too.
            ids: labels, integers of 0 to 2**63 - 1, [n], or one; None: the numbers from the number of vectors that were ever
                added on, so that no label comes back after `delete_vector`.

        Raises:
            RuntimeError: `init_index` was not called, or there is no room for as many.
            ValueError: wrong shape, NaN or Inf (names row and column), a label for which there is no place.
        """
        rows = self._vectors(data)
        labels = np.arange(self._next, self._next + len(rows)) if ids is None else key_numbers(ids, "ids")
        if len(labels) != len(rows):
            raise ValueError(f"ids: {len(labels)} labels for {len(rows)} vectors; give one for each")
        self._make_room(labels)
        self._put(labels, rows)
        self._next += len(rows)

    def knn_query(
        self,
        data: npt.ArrayLike,
        k: SupportsIndex = 1,
        num_threads: SupportsIndex = -1,
        filter: Filter | None = None,
    ) -> tuple[Labels, Floats]:
        """The k nearest elements of each query, the exact ones.

        Args:
            data: [m, dim], or [dim], which counts as [1, dim].
            k: results per query, 0 or more.
            num_threads: of this call; 0 or less: `self.num_threads`.
            filter: of a label, whether it may be returned. It is called once for each element.

        Returns:
            labels (uint64) and distances (float32), [m, k], nearest first: squared Euclidean distances, 1 - inner
            product, or 1 - cosine, which is at least 0.

        Raises:
            RuntimeError: `init_index` was not called, or fewer than k elements may be returned.
            ValueError: wrong shape, NaN or Inf, or a negative k.
        """
        queries, count = self._vectors(data), as_integer(k)
        if count < 0:
            raise ValueError(f"k: {count} is no number of results; use 0 or more")
        if count > len(self._rows):
            raise RuntimeError(f"k: only {len(self._rows)} elements may be returned, not {count}; ask for fewer")
        threads = max(as_integer(num_threads), 0) or max(self.num_threads, 0)
        labels, keys = self._rows.search(queries, count, threads, self._wanted(filter))
        if (labels < 0).any():
            least = int((labels >= 0).sum(axis=1).min())
            raise RuntimeError(f"k: only {least} elements may be returned, not {count}; ask for fewer")
        return labels.view(np.uint64), told_distances(self._rows.metric, keys)

    def delete_vector(self, label: SupportsIndex) -> None:
        """Removes the element with this label, if there is one."""
        self._rows.remove(key_numbers(as_integer(label), "label"))

    def get_current_count(self) -> int:
        """The number of elements."""
        return len(self._rows)

    def get_max_elements(self) -> int:
        """How many elements there is room for; 0 before `init_index`."""
        return self._most or 0

    def set_num_threads(self, num_threads: SupportsIndex) -> None:
        """Sets `num_threads`."""
        self.num_threads = as_integer(num_threads)

    def save_index(self, path_to_index: Path) -> None:
        """Writes the elements as an index file of maxdot, with their labels as ids: `maxdot.Index.open` opens it, too.

        Raises:
            OSError: the file cannot be written.
        """
        self._saved().index().save(os.fsencode(os.path.abspath(os.fsdecode(path_to_index))))

    def load_index(self, path_to_index: Path, max_elements: SupportsIndex = 0) -> None:
        """Reads a file that `save_index` wrote, in place of the elements that there are.

        Args:
            max_elements: how many elements there is room for; at least as many as are read.

        Raises:
            OSError: the file cannot be read.
            ValueError: it is no index file of maxdot (hnswlib's own are not), or has another dimension or metric.
        """
        path = os.fsencode(os.path.abspath(os.fsdecode(path_to_index)))
        engine = _core.Index.open(path, "memory", "memory", False, False, None)
        if (engine.dimension, engine.metric, engine.normalized) != (self.dim, _METRICS[self.space], False):
            kind = f"{engine.metric}, normalized," if engine.normalized else engine.metric
            raise ValueError(
                f"path_to_index: holds {kind} and {engine.dimension} dimensions, but the index is "
                f"{_METRICS[self.space]} and {self.dim}; make one that fits"
            )
        rows = self._no_rows()
        rows.put(engine.ids(0, engine.size), engine.rows(0, engine.size))
        self._rows, self._most, self._next = rows, max(engine.size, as_integer(max_elements)), engine.size

    def __repr__(self) -> str:
        return f"<maxdot.hnswlib.{type(self).__name__}(space={self.space!r}, dim={self.dim})>"

    def _no_rows(self) -> KeyedRows:
        return KeyedRows(self.dim, _METRICS[self.space])

    def _put(self, labels: Int64, rows: Floats) -> None:
        self._rows.put(labels, rows)

    def _saved(self) -> KeyedRows:
        return self._rows

    def _vectors(self, data: npt.ArrayLike) -> Floats:
        if self._most is None:
            raise RuntimeError("The index is not initiated; call init_index first")
        return finite_rows(data, "data", self.dim)

    def _make_room(self, labels: Int64) -> None:
        more = sum(label not in self._rows for label in set(labels.tolist()))
        if len(self._rows) + more > self.get_max_elements():
            raise RuntimeError(
                f"The number of elements exceeds the specified limit: {len(self._rows) + more} are more than "
                f"{self.get_max_elements()}"
            )

    def _wanted(self, filter: Filter | None) -> Callable[[Int64], Bools] | None:
        if filter is None:
            return None
        return lambda labels: np.fromiter((bool(filter(label)) for label in labels.tolist()), np.bool_, len(labels))
