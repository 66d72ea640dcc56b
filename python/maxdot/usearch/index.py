"""Index: vectors with keys, added, found and removed by usearch's names; search: the same of an array, in one call."""

from __future__ import annotations

import math
import os
from numbers import Real
from operator import index as as_integer
from typing import Any, SupportsIndex

import numpy as np
import numpy.typing as npt

from maxdot import _core
from maxdot.arrays import as_array
from maxdot.door_arguments import Floats, dimension_of, finite_rows, key_numbers, told_distances
from maxdot.id_lists import Int64
from maxdot.keyed_rows import KeyedRows
from maxdot.metric import Metric
from maxdot.paths import Path
from maxdot.searchable import Keys as Scores
from maxdot.usearch.matches import BatchMatches, Keys, Matches

_METRICS: dict[str, Metric] = {"cos": "cosine", "ip": "dot", "l2sq": "euclidean"}
_DTYPES: dict[str, npt.DTypeLike] = {"f32": np.float32, "f16": np.float16, "float32": np.float32, "float16": np.float16}


class Index:
    """Vectors with keys.

    Args:
        ndim: dimension.
        metric: "cos", "ip" or "l2sq"; also usearch's MetricKind.
        dtype: as which vectors are stored, "f32" or "f16"; None: "f32".
        connectivity, expansion_add, expansion_search: no effect.

    Raises:
        ValueError: another metric or dtype, or a dimension that maxdot does not have.
    """

    def __init__(
        self,
        *,
        ndim: SupportsIndex,
        metric: Any = "cos",
        dtype: Any = None,
        connectivity: int | None = None,
        expansion_add: int | None = None,
        expansion_search: int | None = None,
    ) -> None:
        self._rows = KeyedRows(dimension_of(ndim, "ndim"), _metric(metric), _dtype(dtype))

    def add(self, keys: npt.ArrayLike | None, vectors: npt.ArrayLike, *, copy: bool = True, threads: int = 0) -> Keys:
        """Adds vectors.

        Args:
            keys: integers of 0 to 2**63 - 1, [n], or one; None: the numbers from the number of vectors on.
            vectors: [n, ndim] or, of one, [ndim]. They are copied.
            copy, threads: no effect.

        Returns:
            The keys, uint64 [n].

        Raises:
            RuntimeError: a key is there already, or twice; nothing was added.
            ValueError: wrong shape, NaN or Inf (names row and column), a key for which there is no place.
        """
        rows = finite_rows(vectors, "vectors", self.ndim)
        if self._rows.dtype == np.float16 and (np.abs(rows) >= 65520.0).any():
            raise ValueError("vectors: a number is beyond float16; use dtype='f32'")
        start = len(self)
        numbers = np.arange(start, start + len(rows)) if keys is None else key_numbers(keys, "keys")
        if len(numbers) != len(rows):
            raise ValueError(f"keys: {len(numbers)} keys for {len(rows)} vectors; give one for each")
        twice = [key for key in numbers.tolist() if key in self._rows]
        if twice or len(np.unique(numbers)) < len(numbers):
            which = f"; {twice[0]} is there already" if twice else ""
            raise RuntimeError(f"Duplicate keys not allowed{which}")
        self._rows.put(numbers, rows)
        return numbers.astype(np.uint64)

    def search(
        self,
        vectors: npt.ArrayLike,
        count: SupportsIndex = 10,
        radius: float = math.inf,
        *,
        threads: SupportsIndex = 0,
        exact: bool = False,
    ) -> Matches | BatchMatches:
        """The nearest vectors of each query, the exact ones.

        Args:
            vectors: [m, ndim], or [ndim].
            count: results per query, 1 or more.
            radius: results have a distance of at most this, both as float32.
            threads: 0 = every core that this process may use.
            exact: no effect.

        Returns:
            Matches for one query, also of shape [1, ndim], with fewer than `count` results where there are no more;
            BatchMatches for another number of them.

        Raises:
            ValueError: wrong shape, NaN or Inf, a count below 1, a radius that is NaN.
        """
        queries = finite_rows(vectors, "vectors", self.ndim)
        if not isinstance(radius, Real) or math.isnan(radius):
            raise ValueError(f"radius: {radius!r} is no distance; use a number")
        keys, scores = self._rows.search(queries, _count(count), as_integer(threads))
        return _matches(keys, scores, self._rows.metric, len(queries) == 1, float(radius))

    def remove(self, keys: npt.ArrayLike) -> int:
        """Removes vectors by key, [n] or one; returns how many there were."""
        return self._rows.remove(key_numbers(keys, "keys"))

    def get(self, keys: npt.ArrayLike) -> Floats | None | tuple[Floats | None, ...]:
        """The vector with a key, float32 [ndim]; None: there is none. Of keys [n] a tuple of these."""
        there, rows = self._rows.find(key_numbers(keys, "keys"))
        found = tuple(row if is_there else None for is_there, row in zip(there, rows, strict=True))
        return found[0] if np.ndim(keys) == 0 else found

    def contains(self, keys: npt.ArrayLike) -> bool | npt.NDArray[np.bool_]:
        """Whether there is a vector with a key; of keys [n] bool [n]."""
        there = np.array([key in self._rows for key in key_numbers(keys, "keys").tolist()], np.bool_)
        return bool(there[0]) if np.ndim(keys) == 0 else there

    def clear(self) -> None:
        """Removes all vectors."""
        self._rows = KeyedRows(self.ndim, self._rows.metric, self._rows.dtype)

    def save(self, path: Path) -> None:
        """Writes an index file of maxdot, whose ids are the keys: `maxdot.Index.open` opens it, too.

        OSError: the file cannot be written.
        """
        self._rows.index().save(os.fsencode(os.path.abspath(os.fsdecode(path))))

    def load(self, path: Path) -> None:
        """Reads a file that `save` wrote, in place of the vectors that there are; its dimension, metric and dtype count.

        Raises:
            OSError: the file cannot be read.
            ValueError: it is no index file of maxdot (usearch's own are not), or one that is normalised.
        """
        engine = _core.Index.open(os.fsencode(os.path.abspath(os.fsdecode(path))), "memory", "memory", False, False, None)
        if engine.normalized:
            raise ValueError("path: holds a normalized index, which has no counterpart here; build it without")
        rows = KeyedRows(engine.dimension, engine.metric, np.float32 if engine.dtype == "f32" else np.float16)
        rows.put(engine.ids(0, engine.size), engine.rows(0, engine.size))
        self._rows = rows

    @staticmethod
    def restore(path: Path, view: bool = False) -> Index:
        """An index of a file that `save` wrote. `view` has no effect. OSError, ValueError: as `load`."""
        made = Index(ndim=1)
        made.load(path)
        return made

    @property
    def ndim(self) -> int:
        """Dimension."""
        return self._rows.dimension

    @property
    def metric(self) -> str:
        """"cos", "ip" or "l2sq"."""
        return next(name for name, metric in _METRICS.items() if metric == self._rows.metric)

    @property
    def dtype(self) -> np.dtype[Any]:
        """As which vectors are stored."""
        return self._rows.dtype

    @property
    def size(self) -> int:
        """The number of vectors."""
        return len(self._rows)

    @property
    def keys(self) -> Keys:
        """Of all vectors, ascending."""
        return self._rows.keys().astype(np.uint64)

    @property
    def vectors(self) -> Floats:
        """All vectors in the order of `keys`, [size, ndim]."""
        return self._rows.all()[1].astype(np.float32)

    def __len__(self) -> int:
        return len(self._rows)

    def __contains__(self, key: SupportsIndex) -> bool:
        return as_integer(key) in self._rows

    def __getitem__(self, keys: npt.ArrayLike) -> Floats | None | tuple[Floats | None, ...]:
        return self.get(keys)

    def __delitem__(self, keys: npt.ArrayLike) -> None:
        self.remove(keys)

    def __repr__(self) -> str:
        return f"<maxdot.usearch.Index: {len(self)} x {self.ndim} {self.dtype}, {self.metric}>"


def search(
    dataset: npt.ArrayLike,
    query: npt.ArrayLike,
    count: SupportsIndex = 10,
    metric: Any = "cos",
    *,
    exact: bool = False,
    threads: SupportsIndex = 0,
) -> Matches | BatchMatches:
    """The nearest rows of `dataset`, [n, d], for each query, [m, d] or [d]: keys are row numbers. Always exact.

    Args:
        count: results per query, 1 to n.
        metric: "cos", "ip" or "l2sq"; also usearch's MetricKind.
        exact: no effect.
        threads: 0 = every core that this process may use.

    Raises:
        ValueError: wrong shapes, NaN or Inf, another metric, or more results than rows.
    """
    given = as_array(dataset)
    if given.ndim != 2:
        raise ValueError(f"dataset: shape {given.shape} is not [n, d]; reshape it")
    rows, queries = (finite_rows(x, name, given.shape[1]) for x, name in ((given, "dataset"), (query, "query")))
    if _count(count) > len(rows):
        raise ValueError(f"count: {as_integer(count)} results of {len(rows)} rows; ask for fewer")
    kind = _metric(metric)
    engine = _core.Index.build(rows, None, kind, False, as_integer(threads), None)
    keys, scores = engine.search(queries, as_integer(count), as_integer(threads), None, False, "keys")
    return _matches(keys, scores, kind, len(queries) == 1, math.inf)


def _matches(keys: Int64, scores: Scores, metric: Metric, single: bool, radius: float) -> Matches | BatchMatches:
    distances = told_distances(metric, scores)
    with np.errstate(over="ignore"):  # beyond float32 it is Inf, which limits nothing
        limit = np.float32(radius)
    missing = (keys < 0) | ~(distances <= limit)
    keys[missing], distances[missing] = 0, np.nan
    batch = BatchMatches(keys.astype(np.uint64), distances, (~missing).sum(axis=1))
    return batch[0] if single else batch


def _count(count: SupportsIndex) -> int:
    number = as_integer(count)
    if number < 1:
        raise ValueError(f"count: {number} is no number of results; use 1 or more")
    return number


def _metric(metric: Any) -> Metric:
    name = str(getattr(metric, "name", metric)).lower()
    if name not in _METRICS:
        raise ValueError(f"metric: {metric!r} is not one of {', '.join(_METRICS)}")
    return _METRICS[name]


def _dtype(dtype: Any) -> npt.DTypeLike:
    if dtype is None:
        return np.float32
    name = str(getattr(dtype, "name", getattr(dtype, "__name__", dtype))).lower()
    if name not in _DTYPES:
        raise ValueError(f"dtype: {dtype!r} is not 'f32' or 'f16', as which vectors are stored here")
    return _DTYPES[name]
