"""Index: a BFIndex whose elements can be marked as deleted, with the methods of hnswlib's graph."""

from __future__ import annotations

from collections.abc import Callable
from operator import index as as_integer
from typing import SupportsIndex

import numpy as np
import numpy.typing as npt

from maxdot.door_arguments import key_numbers
from maxdot.hnswlib.bf_index import BFIndex, Filter
from maxdot.id_lists import Int64
from maxdot.keyed_rows import Bools, Floats, KeyedRows
from maxdot.paths import Path


class Index(BFIndex):
    """As BFIndex; and elements can be marked as deleted, which hides them until they are unmarked.

    Attributes:
        M, ef_construction, ef: as set; without effect.
        max_elements, element_count: as get_max_elements() and get_current_count().
    """

    def __init__(self, space: str, dim: SupportsIndex) -> None:
        super().__init__(space, dim)
        self.M: int = 16
        self.ef_construction: int = 200
        self.ef: int = 10
        self._marked: set[int] = set()

    def init_index(
        self,
        max_elements: SupportsIndex,
        M: int = 16,
        ef_construction: int = 200,
        random_seed: int = 100,
        allow_replace_deleted: bool = False,
    ) -> None:
        """Makes room for so many elements; M, ef_construction and random_seed have no effect.

        Raises:
            RuntimeError: it was called before.
            NotImplementedError: allow_replace_deleted; `delete_vector` makes room.
        """
        _refuse_replacing(allow_replace_deleted, "allow_replace_deleted")
        super().init_index(max_elements)
        self.M, self.ef_construction = M, ef_construction

    @property
    def max_elements(self) -> int:
        """How many elements there is room for."""
        return self.get_max_elements()

    @property
    def element_count(self) -> int:
        """The number of elements, also those that are marked as deleted."""
        return self.get_current_count()

    def add_items(
        self,
        data: npt.ArrayLike,
        ids: npt.ArrayLike | None = None,
        num_threads: SupportsIndex = -1,
        replace_deleted: bool = False,
    ) -> None:
        """As BFIndex.add_items; `num_threads` has no effect. A label that is marked as deleted is so no longer.

        NotImplementedError: replace_deleted; `delete_vector` makes room.
        """
        _refuse_replacing(replace_deleted, "replace_deleted")
        super().add_items(data, ids)

    def mark_deleted(self, label: SupportsIndex) -> None:
        """Hides an element. RuntimeError: it is not there, or marked already."""
        if self._existing(label) in self._marked:
            raise RuntimeError("The requested to delete element is already deleted")
        self._marked = self._marked | {as_integer(label)}

    def unmark_deleted(self, label: SupportsIndex) -> None:
        """Shows a hidden element again. RuntimeError: it is not there, or not marked."""
        if self._existing(label) not in self._marked:
            raise RuntimeError("The requested to undelete element is not deleted")
        self._marked = self._marked - {as_integer(label)}

    def delete_vector(self, label: SupportsIndex) -> None:
        """Removes the element with this label for good, if there is one; hnswlib has it for BFIndex only."""
        super().delete_vector(label)
        self._marked = self._marked - {as_integer(label)}

    def get_ids_list(self) -> list[int]:
        """The labels of all elements, also of those that are marked as deleted, ascending."""
        labels: list[int] = self._rows.keys().tolist()
        return labels

    def get_items(self, ids: npt.ArrayLike | None = None, return_type: str = "numpy") -> Floats | list[list[float]]:
        """The vectors with these labels, as they were added, also in the space "cosine".

        Args:
            ids: labels [n], or one; None: none.
            return_type: "numpy" (float32 [n, dim]) or "list".

        Raises:
            RuntimeError: there is no element with one of these labels, or it is marked as deleted.
            ValueError: another return_type.
        """
        if return_type not in ("numpy", "list"):
            raise ValueError(f"return_type: {return_type!r} is not 'numpy' or 'list'")
        labels = key_numbers([] if ids is None else ids, "ids")
        for label in labels.tolist():
            if label in self._marked:
                raise RuntimeError(f"Label not found: {label} is marked as deleted")
        there, rows = self._rows.find(labels)
        if not there.all():
            raise RuntimeError(f"Label not found: {labels[~there][0]}")
        return rows if return_type == "numpy" else rows.tolist()

    def resize_index(self, new_size: SupportsIndex) -> None:
        """Makes room for more elements, or fewer. RuntimeError: there are more than `new_size`."""
        if as_integer(new_size) < len(self._rows):
            raise RuntimeError("Cannot resize, max element is less than the current number of elements")
        self._most = as_integer(new_size)

    def set_ef(self, ef: int) -> None:
        """Sets `ef`, which has no effect: every answer is exact."""
        self.ef = ef

    def load_index(
        self, path_to_index: Path, max_elements: SupportsIndex = 0, allow_replace_deleted: bool = False
    ) -> None:
        """As BFIndex.load_index. NotImplementedError: allow_replace_deleted."""
        _refuse_replacing(allow_replace_deleted, "allow_replace_deleted")
        super().load_index(path_to_index, max_elements)
        self._marked = set()

    def _put(self, labels: Int64, rows: Floats) -> None:
        super()._put(labels, rows)
        self._marked = self._marked.difference(labels.tolist())

    def _saved(self) -> KeyedRows:
        """All but those that are marked as deleted."""
        labels, rows = self._rows.all()
        left = ~np.isin(labels, np.array(sorted(self._marked), np.int64))
        saved = self._no_rows()
        saved.put(labels[left], rows[left])
        return saved

    def _wanted(self, filter: Filter | None) -> Callable[[Int64], Bools] | None:
        permitted = super()._wanted(filter)
        if not self._marked:
            return permitted
        hidden = np.array(sorted(self._marked), np.int64)
        if permitted is None:
            return lambda labels: ~np.isin(labels, hidden)
        return lambda labels: ~np.isin(labels, hidden) & permitted(labels)

    def _existing(self, label: SupportsIndex) -> int:
        number = as_integer(label)
        if number not in self._rows:
            raise RuntimeError(f"Label not found: {number}")
        return number


def _refuse_replacing(asked: bool, name: str) -> None:
    if asked:
        raise NotImplementedError(f"{name}: elements that are marked are not replaced; delete_vector makes room")
