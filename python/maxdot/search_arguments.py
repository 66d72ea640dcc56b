"""What searches take beside their vectors, as the extension module takes it."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from maxdot.arrays import host
from maxdot.id_lists import IdLists, Int64, id_lists

Filters: TypeAlias = tuple[
    "tuple[Int64, Int64] | None", "tuple[Int64, Int64] | None", "npt.NDArray[np.uint8] | None"
]


def filter_arguments(
    exclude: IdLists | None, allow: IdLists | None, item_mask: npt.ArrayLike | None, one: bool
) -> Filters:
    """(exclude, allow, item_mask) for `_core.Index`; of `one` query or user the lists may be its ids alone.

    ValueError for forms that are none of a filter's.
    """
    return _lists(exclude, "exclude", one), _lists(allow, "allow", one), _mask(item_mask)


def interest_rows(users: Any) -> tuple[Any, int, bool]:
    """`users` [m, interests, d] or [interests, d] as (rows [m * interests, d], interests, whether it is one user)."""
    users = host(users)
    if not (hasattr(users, "reshape") and hasattr(users, "shape")):
        users = np.from_dlpack(users) if hasattr(users, "__dlpack__") else np.asarray(users)
    shape = tuple(users.shape)
    if len(shape) == 2:
        return users, shape[0], True
    if len(shape) != 3:
        raise ValueError(f"users: shape {shape} is neither [users, interests, d] nor [interests, d]")
    return users.reshape(shape[0] * shape[1], shape[2]), shape[1], False


def _lists(value: IdLists | None, name: str, one: bool) -> tuple[Int64, Int64] | None:
    if value is None:
        return None
    alone = one and _is_flat(value)
    return id_lists([value] if alone else value, name)


def _is_flat(value: Any) -> bool:
    """Whether these are ids themselves, not lists of them."""
    value = host(value)
    if isinstance(value, (list, set, frozenset)):
        return all(isinstance(item, (int, np.integer)) for item in value)
    return getattr(value, "ndim", 0) == 1 and not hasattr(value, "indptr")


def _mask(value: npt.ArrayLike | None) -> npt.NDArray[np.uint8] | None:
    if value is None:
        return None
    mask = np.asarray(value)
    if mask.dtype != np.bool_ or mask.ndim != 1:
        raise ValueError(f"item_mask: {mask.dtype} of shape {mask.shape} is not bool [items]")
    return np.ascontiguousarray(mask).view(np.uint8)
