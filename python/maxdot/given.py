"""Vectors and ids as callers give them: arrays, or tables and columns that speak Arrow. Imports pyarrow for those alone."""

from __future__ import annotations

from dataclasses import dataclass
from types import ModuleType
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from maxdot.arrays import host
from maxdot.id_lists import Int64, as_ids

if TYPE_CHECKING:
    from maxdot.item_names import ItemNames


class HasDimension(Protocol):
    """Index, snapshot or catalogue of the extension module."""

    @property
    def dimension(self) -> int:
        """Of items and queries."""


@dataclass(frozen=True)
class Given:
    """Vectors that a caller gave.

    Attributes:
        rows: what the extension module takes as an array.
        ids: the Arrow array of the ids that stand beside them in a table; None: they have none.
        id_name: the name of that column.
        doubt: why it is not clear which column has the ids; None: it is.
    """

    rows: Any
    ids: Any = None
    id_name: str | None = None
    doubt: str | None = None


def is_tabular(value: Any) -> bool:
    """Whether this is a table or column that speaks Arrow. One of pandas is, also of a version that does not speak it."""
    if isinstance(value, np.ndarray):
        return False
    if hasattr(value, "__arrow_c_stream__") or hasattr(value, "__arrow_c_array__"):
        return True
    return is_pandas(value)


def is_pandas(value: Any) -> bool:
    """Whether this is a DataFrame or Series of pandas, told without importing it."""
    module = type(value).__module__.partition(".")[0]
    return module == "pandas" and hasattr(value, "index") and hasattr(value, "reset_index")


def arrow_module(name: str) -> ModuleType:
    """`maxdot.columns`, for the argument called `name`. ImportError: pyarrow is not installed."""
    try:
        from maxdot import columns
    except ImportError as error:
        raise ImportError(f"{name}: tables and names need pyarrow; pip install 'maxdot[parquet]'") from error
    return columns


def given_rows(value: Any, name: str, engine: HasDimension) -> Given:
    """Vectors for `engine`, which checks arrays itself.

    Args:
        value: an array; a table with one column of vectors; or a column of vectors.
        name: what messages call the argument.

    Raises:
        ValueError: a table without such a column or with several, or a vector that cannot be used (names the row).
        ImportError: a table, and pyarrow is not installed.
    """
    value = host(value)
    return read_rows(value, name, engine.dimension) if is_tabular(value) else Given(value)


def given_interests(value: Any, name: str, engine: HasDimension) -> Given:
    """The same of users with several vectors each: a column of lists of vectors becomes [users, interests, d]."""
    value = host(value)
    if not is_tabular(value):
        return Given(value)
    return Given(*arrow_module(name).read_interests(value, name, engine.dimension))


def read_rows(value: Any, name: str, dimension: int | None, ids: str | None = None) -> Given:
    """`given_rows` of a table or column. `ids`: the name of the column of ids; None: the only one that there may be."""
    return Given(*arrow_module(name).read_vectors(value, name, dimension, ids))


def given_items(items: Any, ids: Any) -> tuple[Any, Int64 | None, Any]:
    """Items and their ids for `_core.Index.build`: rows, numbers or None, and the Arrow array of names or None.

    Args:
        items: an array, a table with one column of vectors, or a column of vectors.
        ids: numbers or texts, one for each row; of a table also the name of its column, None: the only one.

    Raises:
        ValueError: what is none of these, or in doubt.
        ImportError: a table, or texts, and pyarrow is not installed.
    """
    items = host(items)
    if not is_tabular(items):
        if isinstance(ids, str):
            raise ValueError(f"ids: {ids!r} names a column, but items is no table; pass a table, or the ids")
        return items, *_item_ids(ids)
    given = read_rows(items, "items", None, ids if isinstance(ids, str) else None)
    if ids is None or isinstance(ids, str):
        if given.doubt is not None:
            raise ValueError(f"{given.doubt}, or name it: ids='...'")
        ids = given.ids
    return given.rows, *_item_ids(ids)


def _item_ids(ids: Any) -> tuple[Int64 | None, Any]:
    """(numbers, None) or (None, Arrow array of names); (None, None) for None."""
    if ids is None:
        return None, None
    if (is_tabular(ids) and not is_of_numbers(ids)) or holds_text(ids):
        numbers, names = arrow_module("ids").read_item_ids(ids, "ids")
        return numbers, names
    numbers = as_ids(ids)
    if numbers.ndim != 1:
        raise ValueError(f"ids: shape {numbers.shape} is not [n]; give one id per row")
    return numbers, None


def names_of_items(names: Any, items: int) -> ItemNames:
    """The names of an index of so many items. ValueError: they are not as many."""
    from maxdot.item_names import ItemNames

    if len(names) != items:
        raise ValueError(f"ids: there are {len(names)} for {items} rows; give one id per row")
    return ItemNames(names)


def holds_text(values: Any) -> bool:
    """Whether these are texts, in a list, an array or a column."""
    values = host(values)
    if isinstance(values, (list, tuple)):
        return len(values) != 0 and isinstance(values[0], str)
    if isinstance(values, np.ndarray):
        return values.dtype.kind in "UT" or (
            values.dtype == object and values.size != 0 and isinstance(values.flat[0], str)
        )
    return is_tabular(values) and not is_of_numbers(values) and bool(arrow_module("ids").is_text_column(values))


def is_of_numbers(column: Any) -> bool:
    """Whether a column tells that NumPy can read it: a Series needs no pyarrow for that."""
    dtype = getattr(column, "dtype", None)
    if isinstance(dtype, np.dtype):
        return dtype.kind in "iufb"
    told = getattr(dtype, "is_numeric", None)
    return bool(told()) if callable(told) else False
