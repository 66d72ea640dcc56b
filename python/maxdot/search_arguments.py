"""What searches take beside their vectors, as the extension module takes it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import numpy.typing as npt

from maxdot.arrays import as_array, host
from maxdot.id_lists import IdLists, Int64
from maxdot.item_lists import ListReader, Owners

if TYPE_CHECKING:
    from maxdot.item_names import ItemNames

Filters: TypeAlias = tuple[
    "tuple[Int64, Int64] | None", "tuple[Int64, Int64] | None", "npt.NDArray[np.uint8] | None"
]


def filter_arguments(
    exclude: IdLists | None,
    allow: IdLists | None,
    item_mask: npt.ArrayLike | None,
    one: bool,
    owners: Owners | None = None,
    names: ItemNames | None = None,
) -> Filters:
    """(exclude, allow, item_mask) for `_core.Index`; of `one` query or user the lists may be its ids alone.

    Args:
        owners: whose lists they are, for lists that say whose; None: their order alone tells it.
        names: of the items; None: they have none.

    Raises:
        ValueError: forms that are none of a filter's.
    """
    lists = [
        None if value is None else ListReader(name, owners, names).read(value, one)
        for name, value in (("exclude", exclude), ("allow", allow))
    ]
    return lists[0], lists[1], _mask(item_mask)


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


def _mask(value: npt.ArrayLike | None) -> npt.NDArray[np.uint8] | None:
    if value is None:
        return None
    try:
        mask = as_array(value)
    except (TypeError, ValueError) as error:
        raise ValueError(f"item_mask: {error}") from None
    if mask.dtype.kind not in "biu" or mask.ndim != 1:
        raise ValueError(f"item_mask: {mask.dtype} of shape {mask.shape} is not bool [items]")
    if mask.dtype != np.bool_ and (wrong := np.flatnonzero((mask != 0) & (mask != 1))).size:
        raise ValueError(f"item_mask: {mask[wrong[0]]} of row {wrong[0]} is neither 0 nor 1; give True or False")
    return np.ascontiguousarray(mask, np.bool_).view(np.uint8)
