"""`match_evaluation`, as in torch-rechub's examples, on exact results and with a filter of seen items."""

from __future__ import annotations

import os
from collections.abc import Hashable, Iterable, Mapping
from typing import Any, SupportsIndex, TypeAlias

import numpy as np
import numpy.typing as npt

from maxdot import evaluate
from maxdot.arrays import as_array, float_rows
from maxdot.deadline import Deadline
from maxdot.evaluate import Convention, Report
from maxdot.id_lists import Int64, as_ids, id_lists
from maxdot.index import Index
from maxdot.metric import MetricName

IdMap: TypeAlias = Mapping[Any, Hashable]
#: The file that RecHub's scripts save, or the two dictionaries in it.
RawIdMaps: TypeAlias = str | os.PathLike[str] | tuple[IdMap, IdMap] | None


def match_evaluation(
    user_embedding: Any,
    item_embedding: Any,
    test_user: Mapping[str, Any],
    all_item: Mapping[str, Any],
    user_col: str = "user_id",
    item_col: str = "movie_id",
    raw_id_maps: RawIdMaps = None,
    topk: npt.ArrayLike = 10,
    *,
    seen: Any = None,
    metric: MetricName = "cosine",
    threads: int = 0,
    timeout: float | None = None,
) -> dict[str, list[str]]:
    """RecHub's metrics of a recall model, as its `topk_metrics` returns them: {"NDCG": ["NDCG@10: 0.1102"], ...}.

    Arguments as of `match_report`, which gives numbers instead of strings.
    """
    return match_report(
        user_embedding,
        item_embedding,
        test_user,
        all_item,
        user_col,
        item_col,
        raw_id_maps,
        topk,
        seen=seen,
        metric=metric,
        threads=threads,
        timeout=timeout,
    ).rechub_text()


def match_report(
    user_embedding: Any,
    item_embedding: Any,
    test_user: Mapping[str, Any],
    all_item: Mapping[str, Any],
    user_col: str = "user_id",
    item_col: str = "movie_id",
    raw_id_maps: RawIdMaps = None,
    topk: npt.ArrayLike = 10,
    *,
    seen: Any = None,
    metric: MetricName = "cosine",
    convention: Convention = "rechub",
    bootstrap: SupportsIndex = 0,
    threads: int = 0,
    timeout: float | None = None,
) -> Report:
    """Retrieves the exact best items of all test users in one call, and measures them.

    Args:
        user_embedding: [n, d], or [n, interests, d] for users with several interests, one for each test row.
        item_embedding: [items, d], one for each row of `all_item`.
        test_user: columns of the n test rows: `test_user[user_col]` and `test_user[item_col]` hold encoded ids.
            A user may have several rows: each names a relevant item, and the last one's embedding counts, as
            in RecHub.
        all_item: `all_item[item_col]` holds the encoded id of each item: unique integers.
        user_col, item_col: names of these columns.
        raw_id_maps: two dictionaries from encoded to raw ids, of users and of items; or the path of the .npy file
            in which RecHub's scripts save them. It holds pickled objects, which can run code when they are
            loaded: open only a file that you trust. None: encoded ids are the raw ones.
        topk: one length of the list, or many.
        seen: items that a user must not be shown again, as encoded ids. Either one list for each test row, such
            as `test_user["hist_movie_id"]` (which RecHub cuts to the last `seq_max_len`, and pads with 0), or
            a dictionary from encoded user ids, or a SciPy CSR matrix [n, ids]. Ids that are no item's are
            ignored.
        metric: "cosine", which orders as RecHub's Annoy does, "dot" or "euclidean".
        convention: "rechub" or "standard", see docs/evaluation.md.
        bootstrap: resamples of the users for confidence intervals; 0: none.
        threads: 0 = every core that this process may use. Results do not depend on it.
        timeout: seconds for the index, the search and the measures together, as in `Index.search`.

    Raises:
        ValueError: lengths that differ, an id that a map does not have, and what `Index.build`, `Index.search`
            and `evaluate.metrics` refuse.
        TypeError: `timeout` is no number.
        OSError: the file of the maps cannot be read.
        TimeoutError: it was not done in time; there is no partial answer.
    """
    user_map, item_map = _maps(raw_id_maps)
    users = float_rows(user_embedding, "user_embedding")
    encoded_users = _column(test_user, user_col, "test_user", len(users))
    relevant_items = as_ids(test_user[item_col], f"test_user[{item_col!r}]")
    items = float_rows(item_embedding, "item_embedding")
    item_ids = as_ids(all_item[item_col], f"all_item[{item_col!r}]")
    if len(relevant_items) != len(users):
        raise ValueError(f"test_user[{item_col!r}]: {len(relevant_items)} ids for {len(users)} users")
    if len(item_ids) != len(items):
        raise ValueError(f"all_item[{item_col!r}]: {len(item_ids)} ids for {len(items)} embeddings")
    if len(np.unique(item_ids)) != len(item_ids):
        raise ValueError(f"all_item[{item_col!r}]: some ids appear twice; give each item one row")

    raw_users = _raw(encoded_users, user_map, "user")
    last_rows = {user: row for row, user in enumerate(raw_users)}
    order = _sorted(last_rows)
    rows = np.array([last_rows[user] for user in order], dtype=np.int64)

    # Raw ids may be of any type, and are only ever compared: numbers stand for them.
    codes: dict[Hashable, int] = {}
    item_codes = _codes(_raw(item_ids, item_map, "item"), codes)
    relevant: dict[Hashable, list[int]] = {user: [] for user in order}
    for user, code in zip(
        raw_users, _codes(_raw(relevant_items, item_map, "item"), codes).tolist(), strict=True
    ):
        relevant[user].append(code)

    ks = np.atleast_1d(as_ids(topk, "topk")).tolist()
    exclude = None if seen is None else _rows_of(_lists(seen, rows, encoded_users), item_ids)
    with Deadline(timeout) as deadline:
        index = Index.build(items, metric=metric, threads=threads, timeout=deadline.left())
        search = index.search if users.ndim == 2 else index.search_multi
        found, _ = search(
            users[rows], max(ks, default=0), threads, exclude=exclude, timeout=deadline.left()
        )
        return evaluate.metrics(
            list(relevant.values()),
            np.where(found < 0, -1, item_codes[found]),  # -1, where there is no item, stays
            ks,
            convention,
            catalogue=len(items),
            bootstrap=bootstrap,
            threads=threads,
            timeout=deadline.left(),
        )


def _maps(raw_id_maps: RawIdMaps) -> tuple[IdMap | None, IdMap | None]:
    if raw_id_maps is None:
        return None, None
    if isinstance(raw_id_maps, (str, os.PathLike)):
        user_map, item_map = np.load(raw_id_maps, allow_pickle=True)
        return user_map, item_map
    return raw_id_maps


def _column(table: Mapping[str, Any], name: str, argument: str, count: int) -> list[Hashable]:
    values: list[Hashable] = as_array(table[name]).tolist()
    if len(values) != count:
        raise ValueError(f"{argument}[{name!r}]: {len(values)} rows for {count} embeddings")
    return values


def _raw(encoded: Any, mapping: IdMap | None, kind: str) -> list[Hashable]:
    listed: list[Hashable] = encoded if isinstance(encoded, list) else encoded.tolist()
    if mapping is None:
        return listed
    try:
        return [mapping[one] for one in listed]
    except KeyError as missing:
        raise ValueError(f"raw_id_maps: has no {kind} {missing.args[0]!r}") from None


def _sorted(users: Iterable[Any]) -> list[Any]:
    """In RecHub's order, that of pandas' groupby: sums over the users are then equal to the last digit."""
    try:
        return sorted(users)
    except TypeError:  # of several types, which have no order
        return list(users)


def _codes(raw: list[Hashable], codes: dict[Hashable, int]) -> Int64:
    return np.array([codes.setdefault(one, len(codes)) for one in raw], dtype=np.int64)


def _lists(seen: Any, rows: Int64, encoded_users: list[Hashable]) -> Any:
    """The lists of the users that are searched for: those of their rows."""
    if isinstance(seen, Mapping):
        return [list(seen.get(encoded_users[row], ())) for row in rows]
    if hasattr(seen, "__dlpack__"):
        seen = as_array(seen)
    count = seen.shape[0] if hasattr(seen, "shape") else len(seen)  # a sparse matrix has no len()
    if count != len(encoded_users):
        raise ValueError(f"seen: has {count} lists, but there are {len(encoded_users)} test rows")
    return [seen[row] for row in rows.tolist()] if isinstance(seen, list) else seen[rows]


def _rows_of(lists: Any, item_ids: Int64) -> tuple[Int64, Int64]:
    """Lists of encoded ids as lists of rows, in CSR form; -1, which no item has, for an id that is no item's."""
    offsets, ids = id_lists(lists, "seen")
    order = np.argsort(item_ids)
    places = np.minimum(np.searchsorted(item_ids, ids, sorter=order), len(order) - 1)
    return offsets, np.where(item_ids[order[places]] == ids, order[places], -1)
