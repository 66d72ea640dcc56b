"""Which ids a search may return, or remove_ids removes: FAISS's IDSelectors."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from operator import index as as_integer
from typing import Any, SupportsIndex

import numpy as np
import numpy.typing as npt

from maxdot.faiss.arguments import Bools, Int64, integers
from maxdot.faiss.errors import ArgumentError


class IDSelector(ABC):
    """A set of ids."""

    __slots__ = ()

    @abstractmethod
    def members(self, ids: Int64) -> Bools:
        """For each of `ids`, int64 [n], whether it belongs to the set: bool [n]."""

    def is_member(self, id: SupportsIndex) -> bool:
        """Whether `id` belongs to the set."""
        number = as_integer(id)
        limits = np.iinfo(np.int64)
        return limits.min <= number <= limits.max and bool(self.members(np.array([number], np.int64))[0])


class IDSelectorAll(IDSelector):
    """Every id."""

    __slots__ = ()

    def members(self, ids: Int64) -> Bools:
        return np.ones(len(ids), np.bool_)


class IDSelectorRange(IDSelector):
    """Ids from `imin` to `imax` - 1. `assume_sorted` is FAISS's; it changes nothing here."""

    __slots__ = ("assume_sorted", "imax", "imin")

    def __init__(self, imin: SupportsIndex, imax: SupportsIndex, assume_sorted: bool = False) -> None:
        self.imin: int = as_integer(imin)
        self.imax: int = as_integer(imax)
        self.assume_sorted: bool = bool(assume_sorted)

    def members(self, ids: Int64) -> Bools:
        inside: Bools = (ids >= self.imin) & (ids < self.imax)
        return inside


class IDSelectorBatch(IDSelector):
    """The ids of an array: IDSelectorBatch(ids), or, as in C++, IDSelectorBatch(n, swig_ptr(ids)).

    Raises:
        ArgumentError: they are no integers [n], or fewer than n.
    """

    __slots__ = ("_ids",)

    def __init__(self, *ids: Any) -> None:
        self._ids = integers(_array_of(ids), "ids").copy()

    def members(self, ids: Int64) -> Bools:
        return np.isin(ids, self._ids)


class IDSelectorArray(IDSelectorBatch):
    """The same set; FAISS looks it up in another way."""

    __slots__ = ()


class IDSelectorBitmap(IDSelector):
    """Ids whose bit is set: id i is bit i % 8, the lowest first, of byte i // 8, as of
    np.packbits(mask, bitorder="little"). Also, as in C++, IDSelectorBitmap(bytes, swig_ptr(bitmap)).

    Raises:
        TypeError: it is no uint8 array. ArgumentError: another shape.
    """

    __slots__ = ("_bits",)

    def __init__(self, *bitmap: Any) -> None:
        given = _array_of(bitmap)
        if not isinstance(given, np.ndarray) or isinstance(given, np.ma.MaskedArray) or given.dtype != np.uint8:
            raise TypeError('bitmap: pass a uint8 array, as np.packbits(mask, bitorder="little") makes it')
        if given.ndim != 1:
            raise ArgumentError(f"bitmap: shape {given.shape} is not [bytes]; reshape it")
        self._bits: npt.NDArray[np.uint8] = given.copy()

    def members(self, ids: Int64) -> Bools:
        inside = (ids >= 0) & (ids < 8 * len(self._bits))
        bits = np.append(self._bits, np.uint8(0))  # so that ids outside have a byte to look at
        at = np.where(inside, ids, 8 * len(self._bits))
        set_bits: Bools = ((bits[at >> 3] >> (at & 7)) & 1) > 0
        return set_bits


class IDSelectorNot(IDSelector):
    """Ids that do not belong to `sel`."""

    __slots__ = ("sel",)

    def __init__(self, sel: IDSelector) -> None:
        self.sel: IDSelector = selector(sel, "sel")

    def members(self, ids: Int64) -> Bools:
        return ~self.sel.members(ids)


class _IDSelectorOfTwo(IDSelector):
    __slots__ = ("lhs", "rhs")

    def __init__(self, lhs: IDSelector, rhs: IDSelector) -> None:
        self.lhs: IDSelector = selector(lhs, "lhs")
        self.rhs: IDSelector = selector(rhs, "rhs")


class IDSelectorAnd(_IDSelectorOfTwo):
    """Ids that belong to both."""

    __slots__ = ()

    def members(self, ids: Int64) -> Bools:
        return self.lhs.members(ids) & self.rhs.members(ids)


class IDSelectorOr(_IDSelectorOfTwo):
    """Ids that belong to one or both."""

    __slots__ = ()

    def members(self, ids: Int64) -> Bools:
        return self.lhs.members(ids) | self.rhs.members(ids)


class IDSelectorXOr(_IDSelectorOfTwo):
    """Ids that belong to one and not to the other."""

    __slots__ = ()

    def members(self, ids: Int64) -> Bools:
        return self.lhs.members(ids) ^ self.rhs.members(ids)


class IDSelectorTranslated(IDSelector):
    """Of an IndexIDMap, the row numbers whose ids belong to `sel`. A search of the IndexIDMap takes it as it takes `sel`.

    Args:
        id_map: the IndexIDMap, or its id_map. Ids that are added later belong to no row yet.
    """

    __slots__ = ("_ids", "sel")

    def __init__(self, id_map: Any, sel: IDSelector) -> None:
        ids = getattr(id_map, "id_map", id_map)
        self._ids = integers(np.asarray(ids), "id_map")
        self.sel: IDSelector = selector(sel, "sel")

    def members(self, ids: Int64) -> Bools:
        inside: Bools = (ids >= 0) & (ids < len(self._ids))
        inside[inside] = self.sel.members(self._ids[ids[inside]])
        return inside


class PyCallbackIDSelector(IDSelector):
    """Ids for which a function returns True. It is called once for each row, so it is slow."""

    __slots__ = ("_callback",)

    def __init__(self, callback: Callable[[int], Any]) -> None:
        if not callable(callback):
            raise TypeError(f"callback: {type(callback).__name__} cannot be called; pass a function of an id")
        self._callback = callback

    def members(self, ids: Int64) -> Bools:
        return np.fromiter((bool(self._callback(id)) for id in ids.tolist()), np.bool_, len(ids))


class SearchParameters:
    """What a search takes beside queries and k: `sel`, the ids that it may return (None: all)."""

    __slots__ = ("_sel",)

    def __init__(self, *, sel: IDSelector | None = None) -> None:
        self.sel = sel

    @property
    def sel(self) -> IDSelector | None:
        return self._sel

    @sel.setter
    def sel(self, sel: IDSelector | None) -> None:
        self._sel = None if sel is None else selector(sel, "sel")


def selector(value: Any, name: str) -> IDSelector:
    """`value`. TypeError: it is no IDSelector."""
    if not isinstance(value, IDSelector):
        raise TypeError(f"{name}: {type(value).__name__} is no IDSelector; use IDSelectorBatch(ids) or another of them")
    return value


def selector_of(params: SearchParameters | None) -> IDSelector | None:
    """What a search may return; None: everything. TypeError: `params` is something else."""
    if params is None:
        return None
    if not isinstance(params, SearchParameters):
        raise TypeError(f"params: {type(params).__name__} is no SearchParameters; pass SearchParameters(sel=...)")
    return params.sel


def _array_of(arguments: tuple[Any, ...]) -> Any:
    """(array) or (n, array), as the constructors of FAISS are called from Python and in C++."""
    if len(arguments) == 1:
        return arguments[0]
    if len(arguments) != 2:
        raise TypeError(f"{len(arguments)} arguments; pass an array, or its length and the array")
    n, array = as_integer(arguments[0]), np.asarray(arguments[1])
    if array.ndim != 1 or not 0 <= n <= len(array):
        raise ArgumentError(f"n: {n} values of an array of shape {array.shape}; pass the array alone")
    return array[:n]
