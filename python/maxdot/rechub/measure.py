"""The measures that RecHub's back-ends name, in terms of an index, and the tensors that go in and out."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from maxdot.arrays import float_rows
from maxdot.index import Index
from maxdot.metric import MetricName
from maxdot.searchable import Ids, Scores


@dataclass(frozen=True)
class Measure:
    """How an index answers in a measure: its metric, over unit vectors or not, distances squared or not."""

    metric: MetricName
    normalize: bool = False
    squared: bool = False

    @staticmethod
    def named(name: str) -> Measure:
        """The measure of that name, in upper or lower case. ValueError: there is none."""
        found = _MEASURES.get(str(name).lower())
        if found is None:
            raise ValueError(f"metric: {name!r} is not one of {', '.join(_MEASURES)}")
        return found

    def build(self, items: Any, ids: npt.ArrayLike | None, threads: int, name: str) -> Index:
        """An index of `items`. ValueError: what `Index.build` says of them."""
        rows = float_rows(items, name)
        return Index.build(rows, ids, self.metric, self.normalize, threads=threads)

    def open(self, path: Any) -> Index:
        """Opens an index that was built for this measure. ValueError: it was built for another."""
        index = Index.open(path)
        if (index.metric, index.normalized) != (self.metric, self.normalize):
            names = [
                name
                for name, m in _MEASURES.items()
                if (m.metric, m.normalize) == (index.metric, index.normalized)
            ]
            index.close()
            raise ValueError(
                f"{path}: was built for another measure; open it with metric={' or '.join(names)}"
            )
        return index

    def search(self, index: Index, queries: npt.NDArray[Any], k: int, threads: int) -> tuple[Ids, Scores]:
        """The k best for `queries` [m, d], or [m, interests, d]: ids and distances [m, k]."""
        search = index.search if queries.ndim == 2 else index.search_multi
        ids, distances = search(queries, k, threads)
        if self.squared:
            with np.errstate(over="ignore"):  # infinity is the right float32 for it
                np.square(distances, out=distances)
        return ids, distances


# Angular distance is the Euclidean one between unit vectors. Computed as such, because from a cosine in float32
# nothing is left of a small one.
_MEASURES = {
    "cosine": Measure("cosine"),
    "angular": Measure("euclidean", normalize=True),
    "dot": Measure("dot"),
    "ip": Measure("dot"),
    "euclidean": Measure("euclidean"),
    "l2": Measure("euclidean", squared=True),
}


def alike(values: npt.NDArray[Any], model: Any) -> Any:
    """`values` as a tensor of the library that `model` is a tensor of, sharing memory; else as they are.

    The library is told by its `from_numpy`, as torch has it; who passes a tensor has it loaded.
    """
    for kind in type(model).__mro__:
        from_numpy = getattr(sys.modules.get(kind.__module__.partition(".")[0]), "from_numpy", None)
        if from_numpy is not None:
            return from_numpy(values)
    return values
