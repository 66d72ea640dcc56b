"""Lists of items, one for each query or user, as callers give them: by number or by name, and joined with the owners' ids."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from operator import index as as_integer
from typing import TYPE_CHECKING, Any

import numpy as np

from maxdot.arrays import as_array, host
from maxdot.given import Given, arrow_module, holds_text, is_of_numbers, is_tabular
from maxdot.id_lists import IdLists, Int64, id_lists

if TYPE_CHECKING:
    from maxdot.item_names import ItemNames


@dataclass(frozen=True)
class Owners:
    """Queries or users, to which lists belong.

    Attributes:
        word: what messages call them.
        given: their vectors, with ids where a table had them.
        axes: that the vectors of one of them have.
    """

    word: str
    given: Given
    axes: int = 1

    @property
    def is_one(self) -> bool:
        """Whether the vectors are those of one of them, not of a batch."""
        return getattr(self.given.rows, "ndim", self.axes + 1) == self.axes

    @property
    def count(self) -> int:
        """How many they are."""
        return 1 if self.is_one else len(as_array(self.given.rows))

    @property
    def ids(self) -> Any:
        """Their ids, an Arrow array; None: they are their row numbers. ValueError: it is in doubt which column has them."""
        if self.given.doubt is not None:
            raise ValueError(f"{self.given.doubt}; one of them is whose the lists are")
        return self.given.ids


@dataclass(frozen=True)
class ListReader:
    """Reads lists of items.

    Attributes:
        name: what messages call the argument.
        owners: whose lists they are; None: that is told by the order alone.
        names: of the items; None: they are known by number.
        counted: whether a name that no item has gets a number that none has, instead of -1, and a list of somebody
            who is no owner is refused, instead of passed over: what a measure asks for, and a filter does not.
    """

    name: str
    owners: Owners | None
    names: ItemNames | None
    counted: bool = False

    def read(self, value: IdLists, one: bool = False, count: int | None = None) -> tuple[Int64, Int64]:
        """`value` in CSR form.

        Args:
            value: what `id_lists` takes, of numbers or of names; a dictionary {owner: list}; a column of lists, one for
                each owner in their order; or a table of owners and items, with a row for each pair, or one for each
                owner, where the items are lists. Owners are told by their ids, or by row where they have none.
            one: there is one owner, whose items may be given alone.
            count: the number of lists that there must be; None: any.

        Raises:
            ValueError: another form; ids of another kind than the owners' or items'; unknown owners, if counted.
            ImportError: a table, and pyarrow is not installed.
        """
        value = host(value)
        if is_tabular(value) and not (one and is_of_numbers(value)):
            arrow_module(self.name)
            from maxdot.item_tables import read_table

            return read_table(self, value, one, count)
        if one and _is_flat(value):
            value = [value]
        if isinstance(value, Mapping) and self.owners is not None:
            value = self._in_order(value, self.owners)
        if self.names is not None and (texts := _texts_of(value, self.name)) is not None:
            value = texts[0], self.rows(texts[1])
        return id_lists(value, self.name, count)

    def rows(self, texts: list[str]) -> Int64:
        """The numbers of items by their names. ValueError: not all of them are text."""
        if self.names is None:
            raise ValueError(
                f"{self.name}: {texts[0]!r} is a name, but the index knows its items by numbers; give those"
            )
        try:
            found = self.names.rows(texts)
        except (TypeError, ValueError) as error:
            strangers = [text for text in texts if not isinstance(text, str)]
            if strangers:
                raise ValueError(
                    f"{self.name}: {strangers[0]!r} is no name; give names alone, or row numbers alone"
                ) from None
            raise ValueError(f"{self.name}: {error}") from None
        return self.told_apart(found, texts)

    def told_apart(self, rows: Int64, texts: Any) -> Int64:
        """`rows`, where unknown names have numbers of their own, beyond those of all items, if they are counted."""
        if self.counted and self.names is not None:
            numbers: dict[str, int] = {}
            for place in np.flatnonzero(rows < 0):
                rows[place] = len(self.names) + numbers.setdefault(str(texts[place]), len(numbers))
        return rows

    def refuse(self, strangers: list[Any], owners: Owners) -> None:
        """ValueError: there are strangers, whose lists count."""
        if strangers and self.counted:
            raise ValueError(
                f"{self.name}: {len(strangers)} are none of the {owners.count} {owners.word}, the first is "
                f"{strangers[0]!r}; leave them out"
            )

    def _in_order(self, value: Mapping[Any, Any], owners: Owners) -> list[Any]:
        if owners.ids is None:
            lists: list[Any] = [[]] * owners.count
            for owner, items in value.items():
                lists[_row(owner, self.name, owners)] = items
            return lists
        told = owners.ids.to_pylist()
        for owner in value:
            if isinstance(owner, str) != isinstance(told[0] if told else owner, str):
                raise ValueError(
                    f"{self.name}: {owner!r} is compared with ids of type {owners.ids.type}; make both numbers or both text"
                )
        known = set(told)
        self.refuse([owner for owner in value if owner not in known], owners)
        return [value.get(owner, []) for owner in told]


def _row(owner: Any, name: str, owners: Owners) -> int:
    try:
        row = as_integer(owner)
    except TypeError:
        raise ValueError(
            f"{name}: {owner!r} is no row number, and the {owners.word} have no ids; give them as a table with ids"
        ) from None
    if not 0 <= row < owners.count:
        raise ValueError(f"{name}: there is no row {row} among {owners.count} {owners.word}")
    return row


def _is_flat(value: Any) -> bool:
    """Whether these are ids or names themselves, not lists of them."""
    if isinstance(value, (list, set, frozenset)):
        return all(isinstance(item, (int, np.integer, str)) for item in value)
    if is_tabular(value):
        return is_of_numbers(value)
    return getattr(value, "ndim", 0) == 1 and not hasattr(value, "indptr")


def _texts_of(value: Any, name: str) -> tuple[Any, list[str]] | None:
    """Lists of names as (offsets, names); None: they hold none."""
    if isinstance(value, tuple):
        return (value[0], list(value[1])) if len(value) == 2 and holds_text(value[1]) else None
    if isinstance(value, (str, bytes, Mapping)) or hasattr(value, "indptr") or not hasattr(value, "__iter__"):
        return None
    rows = list(value)
    if not any(_is_of_text(row) for row in rows):
        return None
    offsets = np.zeros(len(rows) + 1, np.int64)
    texts: list[str] = []
    for number, row in enumerate(rows):
        if isinstance(row, str) or not hasattr(row, "__iter__"):
            raise ValueError(f"{name}[{number}]: {row!r} is no list of names")
        texts.extend(row)
        offsets[number + 1] = len(texts)
    return offsets, texts


def _is_of_text(row: Any) -> bool:
    return isinstance(next(iter(row), None), str) if isinstance(row, (set, frozenset)) else holds_text(row)
