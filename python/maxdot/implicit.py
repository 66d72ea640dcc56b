"""Recommendations from the factors of `implicit`'s models, with its names and shapes: exact, without its faults.

>>> model = maxdot.implicit.MatrixFactorization(als.user_factors, als.item_factors)
>>> ids, scores = model.recommend(userids, user_items[userids], N=10)

docs/rechub.md lists what implicit 0.7.3 does otherwise. In short: where filters leave fewer than N items the
row ends with id -1 and score -inf, while implicit returns items that were filtered out, or item 0; rows always
have N places; a user gets the same bits alone and in a batch; equal keys are ordered by smaller id.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from maxdot.arrays import float_rows
from maxdot.id_lists import IdLists, Int64, as_ids, id_lists
from maxdot.index import Index
from maxdot.searchable import Ids, Scores


class MatrixFactorization:
    """Answers `recommend` and `similar_items` from user and item factors, by inner product and cosine.

    Args:
        user_factors: [users, f], converted to float32 as implicit's are; float16 stays.
        item_factors: [items, f], copied once. The row is the id.
        num_threads: threads of a call; 0 = every core that this process may use.

    Raises:
        ValueError: shapes that do not fit, NaN or Inf (names row and column).
    """

    def __init__(self, user_factors: Any, item_factors: Any, num_threads: int = 0) -> None:
        self.user_factors = _factors(user_factors, "user_factors")
        self.item_factors = _factors(item_factors, "item_factors")
        if self.user_factors.shape[1] != self.item_factors.shape[1]:
            raise ValueError(
                f"user_factors: {self.user_factors.shape[1]} factors, but items have {self.item_factors.shape[1]}"
            )
        self.num_threads = num_threads
        self._index = Index.build(self.item_factors, metric="dot", threads=num_threads)

    def recommend(
        self,
        userid: Any,
        user_items: IdLists | None = None,
        N: int = 10,
        filter_already_liked_items: bool = True,
        filter_items: npt.ArrayLike | None = None,
        *,
        items: npt.ArrayLike | None = None,
    ) -> tuple[Ids, Scores]:
        """The N items with the largest inner product, for one user or many.

        Args:
            userid: a user, or [m] of them.
            user_items: what each of these users has liked, a row for each in the order of `userid`: a SciPy CSR
                matrix or array (stored zeros are no likes), or lists of item ids. Only needed for
                `filter_already_liked_items`.
            N: places in a row.
            filter_already_liked_items: leave out what `user_items` holds.
            filter_items: further items to leave out, for all users; ids that there are not are ignored.
            items: the only items to rank, each once. Filters apply to them as well.

        Returns:
            ids (int64) and scores (float32), shape [N] for one user and [m, N] for many. Where fewer than N
            items are left, id -1 and score -inf.

        Raises:
            ValueError: `user_items` is missing or has another number of rows than there are users.
            IndexError: a user or one of `items` is not in the model.
        """
        users, single = _known(userid, len(self.user_factors), "userid")
        liked = None
        if filter_already_liked_items:
            if user_items is None:
                raise ValueError(
                    "user_items: needed to filter what is liked; or filter_already_liked_items=False"
                )
            liked = id_lists(user_items, "user_items", len(users))
        return self._best(self.user_factors[users], N, single, filter_items, items, liked)

    def similar_items(
        self,
        itemid: Any,
        N: int = 10,
        *,
        filter_items: npt.ArrayLike | None = None,
        items: npt.ArrayLike | None = None,
    ) -> tuple[Ids, Scores]:
        """The N items with the largest cosine to an item, for one item or many; the item itself is among them.

        Args:
            itemid: an item, or [m] of them. An item of zeros has cosine 0 to all.
            N, filter_items, items: as in `recommend`.

        Returns:
            As `recommend`.

        Raises:
            IndexError: an item is not in the model.
        """
        rows, single = _known(itemid, len(self.item_factors), "itemid")
        return self._best(self.item_factors[rows], N, single, filter_items, items, None, cosine=True)

    def _best(
        self,
        queries: npt.NDArray[Any],
        count: int,
        single: bool,
        filter_items: npt.ArrayLike | None,
        items: npt.ArrayLike | None,
        exclude: tuple[Int64, Int64] | None,
        cosine: bool = False,
    ) -> tuple[Ids, Scores]:
        ids, scores = self._index.search(
            queries,
            count,
            self.num_threads,
            metric="cosine" if cosine else "dot",
            exclude=exclude,
            item_mask=self._mask(filter_items, items),
        )
        return (ids[0], scores[0]) if single else (ids, scores)

    def _mask(
        self, filter_items: npt.ArrayLike | None, items: npt.ArrayLike | None
    ) -> npt.NDArray[np.bool_] | None:
        if filter_items is None and items is None:
            return None
        count = len(self.item_factors)
        mask = np.full(count, items is None)
        if items is not None:
            mask[_known(items, count, "items")[0]] = True
        if filter_items is not None:
            out = as_ids(filter_items, "filter_items")
            mask[out[(out >= 0) & (out < count)]] = False
        return mask


def _factors(value: Any, name: str) -> npt.NDArray[Any]:
    factors = float_rows(value, name)
    if factors.ndim != 2:
        raise ValueError(f"{name}: shape {factors.shape} is not [n, factors]")
    return factors


def _known(ids: Any, count: int, name: str) -> tuple[Int64, bool]:
    """`ids` as [m], and whether it was one. IndexError: one of them is not in [0, count)."""
    array = as_ids(ids, name)  # of one id an array with one element
    if array.ndim > 1:
        raise ValueError(f"{name}: shape {array.shape} is neither one id nor [m]")
    wrong = array[(array < 0) | (array >= count)]
    if wrong.size:
        raise IndexError(f"{name}: {wrong.flat[0]} is not in the model, which has 0 to {count - 1}")
    return array, np.ndim(ids) == 0
