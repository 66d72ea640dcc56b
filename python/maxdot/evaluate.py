"""Evaluation of recall models over the full catalogue: metrics at many k, confidence intervals, exact ranks.

>>> train, test = evaluate.read_pairs("train.csv", len(users)), evaluate.read_pairs("test.csv", len(users))
>>> report = evaluate.retrieval(index, users, test, [5, 10, 100], exclude=train, bootstrap=1000)
>>> report                                  # a table
>>> report[10].recall, report[10].low.recall, report.to_dict()

Retrieval is exact, so a number is the model's, not the index's. docs/evaluation.md defines every number, and
what differs between the conventions "standard" and "rechub" (torch-rechub's `topk_metrics`).

Lists of item ids, one for each user (`relevant`, `exclude`), are a list of lists, arrays or sets, a SciPy CSR
matrix (users x items: the column numbers are the ids), or a tuple (offsets, ids), where user u has
ids[offsets[u] : offsets[u + 1]]. A user's list may be empty. Or tables of pandas, Polars, DuckDB or Arrow with a row for
each pair of user and item, joined with the ids of the table of `users`; dictionaries; and names, of an index whose
items have them (docs/python.md).
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from operator import index as as_integer
from typing import Any, Literal, SupportsIndex, TypeAlias

import numpy.typing as npt

from maxdot import _core
from maxdot.arrays import engine_of
from maxdot.given import Given, given_rows
from maxdot.id_lists import IdLists, Int64, as_ids
from maxdot.index import Index
from maxdot.item_lists import ListReader, Owners
from maxdot.metric import MetricName
from maxdot.paths import Path
from maxdot.report import AtK, Report, Values, report_of

Convention: TypeAlias = Literal["standard", "rechub"]

__all__ = ["AtK", "Report", "Values", "lists_from_pairs", "metrics", "ranks", "read_pairs", "retrieval"]


def metrics(
    relevant: IdLists,
    retrieved: npt.ArrayLike,
    ks: SupportsIndex | Iterable[SupportsIndex],
    convention: Convention = "standard",
    *,
    catalogue: SupportsIndex | None = None,
    bootstrap: SupportsIndex = 0,
    confidence: float = 0.95,
    seed: SupportsIndex = 1,
    per_user: bool = False,
    threads: int = 0,
    timeout: float | None = None,
) -> Report:
    """Recall, hit rate, precision, NDCG, MRR and MAP of retrieved lists at every k, from one pass.

    Args:
        relevant: the relevant ids (>= 0) of each of n users, see the module.
        retrieved: integers, [n, K]: what any system retrieved, best first; -1 where there is no item.
        ks: lengths of the lists to measure, each from 1 to K.
        convention: "standard" or "rechub".
        catalogue: number of items that could have been retrieved; with it, coverage is computed too.
        bootstrap: resamples of the users for confidence intervals, such as 1000; 0: none.
        confidence: share of the resampled means that lies within an interval.
        seed: determines the resamples.
        per_user: keep every user's own values.
        threads: 0 = every core that this process may use. Results do not depend on it.
        timeout: seconds, as in `Index.search`.

    Raises:
        ValueError: lists that do not fit, k out of range, negative relevant ids, wrong dtype or option; the
            message names the argument.
        TypeError: `timeout` is no number.
        MemoryError: not enough memory.
        TimeoutError: it was not done in time; there is no partial answer.
    """
    table = as_ids(retrieved, "retrieved")
    if table.ndim != 2:
        raise ValueError(f"retrieved: shape {table.shape} is not [users, K]; give each user a row")
    owners = Owners("users", Given(table))
    offsets, ids = ListReader("relevant", owners, None, counted=True).read(relevant, count=len(table))
    items = 0 if catalogue is None else _whole(catalogue, "catalogue", 1)
    found = _core.evaluate_metrics(
        offsets,
        ids,
        table,
        _lengths(ks),
        convention,
        items,
        _whole(bootstrap, "bootstrap"),
        confidence,
        _whole(seed, "seed"),
        per_user,
        threads,
        timeout,
    )
    return report_of(found, convention, confidence)


def retrieval(
    index: Index,
    users: Any,
    relevant: IdLists,
    ks: SupportsIndex | Iterable[SupportsIndex],
    exclude: IdLists | None = None,
    *,
    metric: MetricName | None = None,
    convention: Convention = "standard",
    bootstrap: SupportsIndex = 0,
    confidence: float = 0.95,
    seed: SupportsIndex = 1,
    per_user: bool = False,
    threads: int = 0,
    timeout: float | None = None,
) -> Report:
    """Retrieves the exact best max(ks) items of each user from the whole index, and measures them.

    Args:
        index: the items.
        users: embeddings, float32 or float16, [n, d]; a tensor is detached, and copied to the host. Or a table
            with a column of vectors, and one of ids.
        relevant: the relevant ids of each user, see the module. A user who is not among `users` is refused.
        ks: lengths of the lists to measure, each 1 or more.
        exclude: ids that must not be retrieved for each user, such as those already seen. An excluded item
            takes no place in the list; if it is relevant too, it counts as missed. Other users are passed over.
        metric: another metric than the index's own.
        convention, bootstrap, confidence, seed, per_user, threads, timeout: as in `metrics`.

    Raises:
        ValueError: as `metrics` and `Index.search`.
        TypeError: `users` is no array, `index` no Index, `timeout` no number.
        ImportError: a table or names, and pyarrow is not installed.
        MemoryError: the retrieved lists do not fit.
        TimeoutError: as `metrics`.
    """
    engine = engine_of(index)
    rows, lists, excluded = _users_and_lists(index, users, relevant, exclude)
    found = _core.evaluate_retrieval(
        engine,
        rows,
        *lists,
        _lengths(ks),
        *excluded,
        metric,
        convention,
        _whole(bootstrap, "bootstrap"),
        confidence,
        _whole(seed, "seed"),
        per_user,
        threads,
        timeout,
    )
    return report_of(found, convention, confidence)


def ranks(
    index: Index,
    users: Any,
    relevant: IdLists,
    exclude: IdLists | None = None,
    *,
    metric: MetricName | None = None,
    threads: int = 0,
    timeout: float | None = None,
) -> Int64:
    """The exact rank, from 1, of each relevant item among all items of the index for its user.

    The order is that of search results: by key, then by smaller id.

    Args:
        index, users, relevant, exclude, metric, threads, timeout: as in `retrieval`. Excluded items push no other
            down.

    Returns:
        int64, one for each relevant id, the users' one after another: with `relevant` = (offsets, ids) user u's
        are ranks[offsets[u] : offsets[u + 1]]. 0 for an id that the index does not hold, or that is excluded.

    Raises:
        ValueError, TypeError, MemoryError, TimeoutError: as `retrieval`.
    """
    engine = engine_of(index)
    rows, lists, excluded = _users_and_lists(index, users, relevant, exclude)
    return _core.evaluate_ranks(engine, rows, *lists, *excluded, metric, threads, timeout)


def lists_from_pairs(
    users: npt.ArrayLike, items: npt.ArrayLike, count: SupportsIndex | None = None
) -> tuple[Int64, Int64]:
    """Pairs (users[i], items[i]) as lists (offsets, ids), each list in the order of its pairs.

    Args:
        users: integers, [m]: rows of the users, from 0.
        items: integers, [m]: ids of items.
        count: number of users; None: the largest of `users` is the last.

    Returns:
        offsets (int64, [count + 1]) and ids (int64, [m]).

    Raises:
        ValueError: lengths differ, or a user is outside [0, count); names the pair.
        MemoryError: there are too many users. Map raw user ids to rows first.
    """
    rows, ids = as_ids(users, "users"), as_ids(items, "items")
    for name, array in (("users", rows), ("items", ids)):
        if array.ndim != 1:
            raise ValueError(f"{name}: shape {array.shape} is not [m]; give one for each pair")
    if count is None:
        number = int(rows.max()) + 1 if len(rows) else 0
        return _core.lists_from_pairs(rows, ids, max(0, number))
    return _core.lists_from_pairs(rows, ids, _whole(count, "count"))


def read_pairs(
    path: Path,
    count: SupportsIndex | None = None,
    *,
    columns: tuple[str, str] | None = None,
) -> tuple[Int64, Int64]:
    """Reads pairs (user, item) into lists (offsets, ids) as `relevant` and `exclude` take them.

    Args:
        path: by its ending: .npy: int32 or int64, [m, 2]; .parquet or .pq: integer columns (needs pyarrow: `pip
            install 'maxdot[parquet]'`); anything else: text, a pair in each line, with comma, semicolon, tab or
            spaces between. Without a header the first two columns of a text are read.
        count: number of users, when they are more than the largest user of the file tells.
        columns: names of the columns of users and items; None: they are found by the names that are usual, such as
            user_id and movieId (`docs/evaluation.md` lists them).

    Returns:
        offsets (int64, [count + 1]) and ids (int64, [m]); each list in the order of the file.

    Raises:
        OSError: the file cannot be read.
        ValueError: it holds no such pairs (names file and line), its header leaves in doubt which column is which,
            or a user is outside [0, count).
        ImportError: a Parquet file, and pyarrow is not installed.
        MemoryError: there are too many users. Map raw user ids to rows first.
    """
    path = os.fsdecode(path)
    number = None if count is None else _whole(count, "count")
    if columns is not None and (isinstance(columns, str) or len(columns) != 2 or columns[0] == columns[1]):
        raise ValueError(f"columns: {columns!r} are not two names; give those of the users and the items")
    if path.endswith((".parquet", ".pq")):
        users, items = _parquet_pairs(path, columns)
    else:
        users, items = _core.read_id_pairs(os.fsencode(path), *(columns or ("", "")))
    try:
        return lists_from_pairs(users, items, number)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None


def _parquet_pairs(path: str, columns: tuple[str, str] | None) -> tuple[Int64, Int64]:
    try:
        import pyarrow

        from maxdot.parquet_file import open_parquet
    except ImportError as error:
        raise ImportError(f"{path}: reading Parquet needs pyarrow; pip install 'maxdot[parquet]'") from error
    try:
        with open_parquet(path) as file:
            names = file.schema_arrow.names
            if columns is None:
                wanted = [names[place] for place in _core.find_pair_columns(names)]
            else:
                wanted = list(columns)
            if any(names.count(name) != 1 for name in wanted):
                raise ValueError(f"columns: {wanted} are not two of the file's columns, {names}")
            table = file.read(columns=wanted)
        return _column(table, wanted[0]), _column(table, wanted[1])
    except (ValueError, pyarrow.ArrowException) as error:
        raise ValueError(f"{path}: {error}") from None


def _column(table: Any, name: str) -> Int64:
    column = table.column(name)
    if column.null_count:
        raise ValueError(f"column {name!r} has {column.null_count} empty cells; drop those rows")
    return as_ids(column.to_numpy(), f"column {name!r}")


def _users_and_lists(
    index: Index, users: Any, relevant: IdLists, exclude: IdLists | None
) -> tuple[Any, tuple[Int64, Int64], tuple[Int64 | None, Int64 | None]]:
    """The users' vectors, what is relevant to each, and what is excluded for each."""
    given = given_rows(users, "users", engine_of(index))
    owners, names = Owners("users", given), index._names
    lists = ListReader("relevant", owners, names, counted=True).read(relevant)
    excluded = (None, None) if exclude is None else ListReader("exclude", owners, names).read(exclude)
    return given.rows, lists, excluded


def _lengths(ks: SupportsIndex | Iterable[SupportsIndex]) -> list[int]:
    return [_whole(k, "ks", 1) for k in (ks if isinstance(ks, Iterable) else [ks])]


def _whole(value: SupportsIndex, name: str, least: int = 0) -> int:
    try:
        number = as_integer(value)
    except TypeError:
        raise ValueError(f"{name}: {value!r} is no whole number") from None
    if not least <= number < 2**63:
        raise ValueError(f"{name}: {number} is not {least} or more, below 2^63")
    return number
