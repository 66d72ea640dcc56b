"""What the doors for hnswlib and usearch have in common: vectors and keys as they come, and distances as they are told."""

from __future__ import annotations

from operator import index as as_integer
from typing import Any, SupportsIndex

import numpy as np
import numpy.typing as npt

from maxdot.arrays import float_rows
from maxdot.id_lists import Int64, as_ids
from maxdot.metric import Metric
from maxdot.searchable import Keys

Floats = npt.NDArray[np.float32]


#: That vectors may have.
MOST_DIMENSIONS = 32768


def dimension_of(value: SupportsIndex, name: str) -> int:
    """`value` as a dimension. ValueError: it is not within 1 to 32,768. TypeError: no integer."""
    dimension = as_integer(value)
    if not 1 <= dimension <= MOST_DIMENSIONS:
        raise ValueError(f"{name}: {dimension} is no dimension; use 1 to {MOST_DIMENSIONS}")
    return dimension


def finite_rows(data: Any, name: str, dimension: int) -> Floats:
    """`data`, [n, dimension], or [dimension] of one, as float32 [n, dimension] of its own.

    ValueError: it holds no numbers, has another shape, or a number is NaN, Inf or beyond float32.
    """
    with np.errstate(over="ignore"):  # what does not fit becomes Inf, and is refused below
        rows: Floats = np.atleast_2d(np.array(float_rows(data, name), np.float32, order="C"))
    if rows.ndim != 2 or rows.shape[1] != dimension:
        raise ValueError(f"{name}: shape {rows.shape} is not [n, {dimension}]; reshape it")
    if not np.isfinite(rows).all():
        row, column = np.argwhere(~np.isfinite(rows))[0].tolist()
        raise ValueError(f"{name}: row {row}, column {column} is NaN or Inf as float32; leave it out")
    return rows


def key_numbers(keys: Any, name: str) -> Int64:
    """`keys`, [n] or one, as int64 [n] of its own. ValueError: there is no place for one of them."""
    numbers = as_ids(keys, name).flatten()
    if (numbers < 0).any():
        raise ValueError(f"{name}: {numbers.min()} has no place; use 0 to 2**63 - 1")
    return numbers


def told_distances(metric: Metric, keys: Keys) -> Floats:
    """Squared Euclidean distances, 1 - inner product, or 1 - cosine, of what orders results."""
    distances = (0.0 if metric == "euclidean" else 1.0) - keys
    if metric == "cosine":
        np.maximum(distances, 0.0, out=distances)  # rounding may carry a cosine a hair above 1
    with np.errstate(over="ignore"):  # beyond float32 is Inf
        return distances.astype(np.float32)
