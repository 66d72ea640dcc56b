"""Recommendations from the factors of `implicit`'s models, with its names and shapes: exact, without its faults.

>>> model = maxdot.implicit.MatrixFactorization(als.user_factors, als.item_factors)
>>> model = maxdot.implicit.MatrixFactorization.load("als.npz")               # what als.save("als.npz") wrote
>>> ids, scores = model.recommend(userids, user_items[userids], N=10)

docs/rechub.md lists what implicit 0.7.3 does otherwise. In short: where filters leave fewer than N items the
row ends with id -1 and score -inf, while implicit returns items that were filtered out, or item 0; rows always
have N places; a user gets the same bits alone and in a batch; equal keys are ordered by smaller id.
"""

from __future__ import annotations

import os
from typing import IO, TYPE_CHECKING, Any, NoReturn

import numpy as np
import numpy.typing as npt

from maxdot.arrays import float_rows
from maxdot.id_lists import IdLists, Int64, as_ids, id_lists
from maxdot.index import Index
from maxdot.metric import Metric
from maxdot.paths import Path
from maxdot.searchable import Ids, Scores
from maxdot.whole_file import whole_file

if TYPE_CHECKING:
    from typing_extensions import Self

Factors = npt.NDArray[Any]  # float32 or float16


class MatrixFactorization:
    """Answers implicit's questions from user and item factors: by inner product, those for what is similar by cosine.

    Args:
        user_factors: [users, f], converted to float32 as implicit's are; float16 stays.
        item_factors: [items, f], copied once. The row is the id. Do not change either afterwards.
        num_threads: threads of a call; 0 = every core that this process may use.

    Attributes:
        user_factors, item_factors: as given; they cannot be replaced, make another model instead.
        num_threads: may be changed at any time.

    Raises:
        ValueError: shapes that do not fit, NaN or Inf (names row and column).
    """

    def __init__(self, user_factors: Any, item_factors: Any, num_threads: int = 0) -> None:
        self._user_factors = _factors(user_factors, "user_factors")
        self._item_factors = _factors(item_factors, "item_factors")
        if self._user_factors.shape[1] != self._item_factors.shape[1]:
            raise ValueError(
                f"user_factors: {self._user_factors.shape[1]} factors, but items have {self._item_factors.shape[1]}"
            )
        self.num_threads = num_threads
        self._items = Index.build(self._item_factors, metric="dot", threads=num_threads)
        self._users: Index | None = None  # made when similar users are first asked for

    @property
    def user_factors(self) -> Factors:
        """[users, f]"""
        return self._user_factors

    @property
    def item_factors(self) -> Factors:
        """[items, f]"""
        return self._item_factors

    def recommend(
        self,
        userid: Any,
        user_items: IdLists | None = None,
        N: int = 10,
        filter_already_liked_items: bool = True,
        filter_items: npt.ArrayLike | None = None,
        recalculate_user: bool = False,
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
            recalculate_user: only False.
            items: the only items to rank, each once. Filters apply to them as well.

        Returns:
            ids (int64) and scores (float32), shape [N] for one user and [m, N] for many. Where fewer than N
            items are left, id -1 and score -inf.

        Raises:
            ValueError: `user_items` is missing, dense, or has another number of rows than there are users.
            IndexError: a user or one of `items` is not in the model.
            NotImplementedError: `recalculate_user`, because maxdot trains nothing.
        """
        if recalculate_user:
            _refuse_to_train("recalculate_user", "recalculate_user(userid, user_items)", "users")
        users, single = _known(userid, len(self._user_factors), "userid")
        liked = None
        if filter_already_liked_items:
            if user_items is None:
                raise ValueError(
                    "user_items: needed to filter what is liked; or filter_already_liked_items=False"
                )
            if getattr(user_items, "ndim", 1) == 2 and not hasattr(user_items, "indptr"):
                raise ValueError(
                    "user_items: a dense matrix; give scipy.sparse.csr_matrix(user_items), or lists of item ids"
                )
            liked = id_lists(user_items, "user_items", len(users))
        mask = _mask(len(self._items), filter_items, items, "items")
        return self._best(self._items, self._user_factors[users], N, single, "dot", mask, liked)

    def rank_items(
        self, userid: Any, user_items: IdLists | None, selected_items: npt.ArrayLike, recalculate_user: bool = False
    ) -> tuple[Ids, Scores]:
        """All of `selected_items`, for one user or many, by their inner product.

        Args:
            userid: a user, or [m] of them.
            user_items: has no effect; items that a user has liked are ranked, too.
            selected_items: items, each of which is ranked once.
            recalculate_user: only False.

        Returns:
            As `recommend`, with a place for each of the items.

        Raises:
            IndexError: a user or an item is not in the model.
            NotImplementedError: `recalculate_user`.
        """
        selected = np.unique(as_ids(selected_items, "selected_items"))
        _known(selected, len(self._items), "selected_items")
        return self.recommend(userid, None, len(selected), False, None, recalculate_user, selected)

    def similar_items(
        self,
        itemid: Any,
        N: int = 10,
        recalculate_item: bool = False,
        item_users: Any = None,
        filter_items: npt.ArrayLike | None = None,
        items: npt.ArrayLike | None = None,
    ) -> tuple[Ids, Scores]:
        """The N items with the largest cosine to an item, for one item or many; the item itself is among them.

        Args:
            itemid: an item, or [m] of them. An item of zeros has cosine 0 to all.
            recalculate_item: only False.
            item_users: has no effect without it.
            N, filter_items, items: as in `recommend`.

        Returns:
            As `recommend`.

        Raises:
            IndexError: an item is not in the model.
            NotImplementedError: `recalculate_item`, because maxdot trains nothing.
        """
        if recalculate_item:
            _refuse_to_train("recalculate_item", "recalculate_item(itemid, item_users)", "items")
        rows, single = _known(itemid, len(self._items), "itemid")
        mask = _mask(len(self._items), filter_items, items, "items")
        return self._best(self._items, self._item_factors[rows], N, single, "cosine", mask)

    def similar_users(
        self,
        userid: Any,
        N: int = 10,
        filter_users: npt.ArrayLike | None = None,
        users: npt.ArrayLike | None = None,
    ) -> tuple[Ids, Scores]:
        """The N users with the largest cosine to a user, for one user or many; the user is among them.

        The first call copies the factors of the users once, as those of the items were.

        Args:
            userid: a user, or [m] of them. A user of zeros has cosine 0 to all.
            N: places in a row.
            filter_users: users to leave out; ids that there are not are ignored.
            users: the only users to return, each once. `filter_users` applies to them as well.

        Returns:
            As `recommend`, with ids of users.

        Raises:
            IndexError: a user is not in the model.
        """
        rows, single = _known(userid, len(self._user_factors), "userid")
        mask = _mask(len(self._user_factors), filter_users, users, "users", "filter_users")
        if self._users is None:
            self._users = Index.build(self._user_factors, metric="cosine", threads=self.num_threads)
        return self._best(self._users, self._user_factors[rows], N, single, "cosine", mask)

    def save(self, fileobj_or_path: Path | IO[bytes]) -> None:
        """Writes the model as NumPy's .npz, under the names that implicit's models use, which can load it.

        Args:
            fileobj_or_path: a path, to which ".npz" is added if it does not end so; or a file that is open for
                writing bytes.

        Raises:
            OSError: the file cannot be written. One that was at the path stays as it was then.
        """
        path = _npz_path(fileobj_or_path)
        if not isinstance(path, str):
            return self._write(path)
        with whole_file(path) as file:
            self._write(file)

    def _write(self, file: IO[bytes]) -> None:
        np.savez(
            file,
            user_factors=self._user_factors,
            item_factors=self._item_factors,
            num_threads=np.int64(self.num_threads),
        )

    @classmethod
    def load(cls, fileobj_or_path: Path | IO[bytes]) -> Self:
        """A model that `save` has written, or one of implicit's: AlternatingLeastSquares and all others with factors.

        Args:
            fileobj_or_path: a path, with or without the ending ".npz"; or a file that is open for reading bytes.

        Raises:
            OSError: the file cannot be read.
            MemoryError: it does not fit.
            ValueError: it is no .npz file, is damaged, or holds no factors, or such as do not fit.
        """
        source = _npz_path(fileobj_or_path)
        try:
            arrays = np.load(source, allow_pickle=False)
            if not isinstance(arrays, np.lib.npyio.NpzFile):
                raise ValueError("it holds one array, not several by name")
            with arrays:
                missing = {"user_factors", "item_factors"} - set(arrays.files)
                if missing:
                    raise ValueError(f"it holds no {min(missing)}")
                threads = int(arrays["num_threads"]) if "num_threads" in arrays.files else 0
                return cls(arrays["user_factors"], arrays["item_factors"], threads)
        except (OSError, MemoryError):
            raise
        except Exception as error:  # a damaged archive has many ways to fail: zipfile's, zlib's, NumPy's
            name = source if isinstance(source, str) else getattr(source, "name", "file")
            raise ValueError(f"{name}: no model with factors: {error}") from None

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self._user_factors, self._item_factors, self.num_threads)

    def _best(
        self,
        index: Index,
        queries: Factors,
        count: int,
        single: bool,
        metric: Metric,
        mask: npt.NDArray[np.bool_] | None,
        exclude: tuple[Int64, Int64] | None = None,
    ) -> tuple[Ids, Scores]:
        ids, scores = index.search(
            queries, count, self.num_threads, metric=metric, exclude=exclude, item_mask=mask
        )
        return (ids[0], scores[0]) if single else (ids, scores)


def _mask(
    count: int, out: npt.ArrayLike | None, only: npt.ArrayLike | None, only_name: str, out_name: str = "filter_items"
) -> npt.NDArray[np.bool_] | None:
    """Which of `count` items or users are permitted; None: all."""
    if out is None and only is None:
        return None
    mask = np.full(count, only is None)
    if only is not None:
        mask[_known(only, count, only_name)[0]] = True
    if out is not None:
        ids = as_ids(out, out_name)
        mask[ids[(ids >= 0) & (ids < count)]] = False
    return mask


def _npz_path(file: Path | IO[bytes]) -> str | IO[bytes]:
    if not isinstance(file, (str, bytes, os.PathLike)):
        return file
    path = os.fsdecode(file)
    return path if path.endswith(".npz") else f"{path}.npz"


def _refuse_to_train(argument: str, method: str, what: str) -> NoReturn:
    raise NotImplementedError(
        f"{argument}: maxdot trains nothing; ask implicit's model for its {method}, and make a model of the {what}' "
        "factors that it returns"
    )


def _factors(value: Any, name: str) -> npt.NDArray[Any]:
    factors = float_rows(value, name)
    if factors.ndim != 2:
        raise ValueError(f"{name}: shape {factors.shape} is not [n, factors]")
    wrong = np.argwhere(~np.isfinite(factors))
    if len(wrong):
        row, column = wrong[0].tolist()
        raise ValueError(f"{name}: row {row}, column {column} is NaN or infinite; remove or repair the row")
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
