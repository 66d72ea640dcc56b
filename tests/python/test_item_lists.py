"""Filters and relevant items by name, as columns, as dictionaries, and as tables of pairs that are joined with ids."""

import maxdot
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from maxdot import evaluate, item_names
from support import gaussian
from test_given_tables import TABLES, arrow, same

N, D, K, M = 200, 8, 5, 6
ITEMS = gaussian(N, D, 1)
VECTORS = gaussian(M, D, 2)
NAMES = [f"item-{number}" for number in np.random.default_rng(3).permutation(N)]
PEOPLE = ["ann", "bob", "cid", "dan", "eve", "fay"]
USERS = arrow({"user_id": PEOPLE, "vector": VECTORS})
NAMED = maxdot.Index.build(ITEMS, NAMES)
PLAIN = maxdot.Index.build(ITEMS)
BEST = PLAIN.search(VECTORS, 8)[0]
#: By row: what each user has seen. Nobody has seen what is called "gone".
SEEN = [BEST[0, :3].tolist(), [], BEST[2, 1:2].tolist(), BEST[3, :].tolist(), BEST[4, 2:5].tolist(), []]
WANTED = PLAIN.search(VECTORS, K, exclude=SEEN)


def names_of(lists):
    return [[NAMES[number] for number in row] for row in lists]


def pairs(user_of=lambda row: PEOPLE[row], item_of=lambda number: NAMES[number], others=()):
    rows = [(user_of(row), item_of(item)) for row, items in enumerate(SEEN) for item in items]
    rows = [rows[place] for place in np.random.default_rng(4).permutation(len(rows))] + list(others)
    return {"item_id": [item for _, item in rows], "user_id": [user for user, _ in rows]}


STRANGERS = [("zoe", NAMES[0]), ("ann", "gone")]
FORMS = {
    "lists": names_of(SEEN),
    "sets": [set(row) for row in names_of(SEEN)],
    "tuples": [tuple(row) for row in names_of(SEEN)],
    "arrays": [np.array(row, "U9") for row in names_of(SEEN)],
    "object arrays": [np.array(row, object) for row in names_of(SEEN)],
    "lists and unknown names": [["gone", *row] for row in names_of(SEEN)],
    "offsets and names": (np.cumsum([0, *map(len, SEEN)]), [name for row in names_of(SEEN) for name in row]),
    "offsets and array": (
        np.cumsum([0, *map(len, SEEN)]),
        np.array([name for row in names_of(SEEN) for name in row]),
    ),
    "row numbers": SEEN,
    "series of pandas": pd.Series(names_of(SEEN)),
    "series of polars": pl.Series(names_of(SEEN)),
    "series of categories": pl.Series(names_of(SEEN), dtype=pl.List(pl.Categorical)),
    "column": pa.chunked_array([names_of(SEEN)[:2], names_of(SEEN)[2:]], pa.list_(pa.string())),
    "slice of a column": pa.array([["x"], *names_of(SEEN)])[1:],
    "series of row numbers": pl.Series(SEEN, dtype=pl.List(pl.Int32)),
}
BY_ID = {
    "dictionary": dict(zip(PEOPLE, names_of(SEEN), strict=True)),
    "dictionary of some": {PEOPLE[row]: names_of(SEEN)[row] for row in (4, 0, 3, 2)} | {"zoe": ["gone"]},
    "dictionary of row numbers": dict(zip(PEOPLE, SEEN, strict=True)),
    "grouped by pandas": pd.DataFrame(pairs()).groupby("user_id")["item_id"].agg(list),
    "pairs as a series": pd.DataFrame(pairs()).set_index("user_id")["item_id"],
    "grouped by polars": pl.DataFrame(pairs()).group_by("user_id").agg("item_id"),
    "pairs with others": pl.DataFrame(pairs(others=STRANGERS)),
    "pairs of categories": pl.DataFrame(pairs()).with_columns(pl.all().cast(pl.Categorical)),
}


@pytest.mark.parametrize("form", FORMS)
def test_filters_by_name(form):
    same(NAMED.search(VECTORS, K, exclude=FORMS[form]), WANTED)
    same(NAMED.search(USERS, K, exclude=FORMS[form]), WANTED)
    same(NAMED.search(VECTORS, K, allow=FORMS[form]), PLAIN.search(VECTORS, K, allow=SEEN))
    same(NAMED.search_multi(VECTORS[:, np.newaxis], K, exclude=FORMS[form]), WANTED)
    assert sum(map(len, NAMED.search_range(VECTORS, 0.5, exclude=FORMS[form]))) > 0


@pytest.mark.parametrize("form", BY_ID)
def test_filters_by_the_ids_of_queries(form):
    same(NAMED.search(USERS, K, exclude=BY_ID[form]), WANTED)
    same(NAMED.search(USERS, K, allow=BY_ID[form]), PLAIN.search(VECTORS, K, allow=SEEN))
    table = NAMED.search_table(USERS, K, exclude=BY_ID[form])
    assert table.column("item_id").to_pylist() == [NAMES[number] for number in WANTED[0].ravel()]


@pytest.mark.parametrize("library", TABLES)
def test_pairs_of_every_library(library):
    make = TABLES[library]
    users = make({"user_id": PEOPLE, "vector": VECTORS})
    same(NAMED.search(users, K, exclude=make(pairs(others=STRANGERS))), WANTED)
    numbers = pairs(lambda row: row * 7, lambda number: number)
    same(PLAIN.search(make({"user_id": np.arange(M) * 7, "v": VECTORS}), K, exclude=make(numbers)), WANTED)
    same(PLAIN.search(VECTORS, K, exclude=make(pairs(lambda row: row, lambda number: number))), WANTED)


def test_a_user_in_several_rows():
    users = arrow({"user_id": ["ann", "bob", "ann"], "vector": VECTORS[[0, 1, 0]]})
    found = NAMED.search(users, K, exclude=pl.DataFrame(pairs()))[0]
    assert found.tolist() == [WANTED[0][row].tolist() for row in (0, 1, 0)]
    unknown = arrow({"user_id": pa.array(["ann", None, "bob"]), "vector": VECTORS[[0, 0, 1]]})
    found = NAMED.search(unknown, K, exclude=pl.DataFrame(pairs()))[0]
    assert found.tolist() == [WANTED[0][0].tolist(), BEST[0, :K].tolist(), WANTED[0][1].tolist()]
    table = NAMED.search_table(unknown, 1)
    assert table.column("user_id").to_pylist() == ["ann", None, "bob"]


@pytest.mark.parametrize(
    "seen",
    [
        ["gone", NAMES[BEST[0, 0]]],
        {NAMES[BEST[0, 0]]},
        np.array([NAMES[BEST[0, 0]]]),
        pl.Series([NAMES[BEST[0, 0]]]),
        pd.Series([NAMES[BEST[0, 0]]]),
        pa.array([BEST[0, 0]]),
        pl.Series([BEST[0, 0]]),
        [[NAMES[BEST[0, 0]]]],
        {0: [NAMES[BEST[0, 0]]]},
    ],
    ids=lambda seen: type(seen).__name__,
)
def test_one_query(seen):
    same(NAMED.search(VECTORS[0], K, exclude=seen), PLAIN.search(VECTORS[0], K, exclude=[BEST[0, 0]]))
    same(NAMED.search_multi(VECTORS[:1], K, exclude=seen), PLAIN.search(VECTORS[0], K, exclude=[BEST[0, 0]]))


def test_nothing_excluded():
    for nothing in (
        [[]] * M,
        {},
        pl.Series([[]] * M),
        pa.array([[]] * M),
        pl.Series([[]] * M, dtype=pl.List(pl.String)),
        pl.DataFrame(pairs())[:0],
    ):
        same(NAMED.search(USERS, K, exclude=nothing), PLAIN.search(VECTORS, K))
        assert (NAMED.search(USERS, K, allow=nothing)[0] == -1).all()


def test_what_is_refused():
    def refused(message, exclude, users=USERS, index=NAMED):
        with pytest.raises(ValueError, match=message):
            index.search(users, K, exclude=exclude)

    refused(
        "^exclude: column 'item_id': ids of type int64 are compared with names of items; make both text$",
        pl.DataFrame(pairs(item_of=lambda number: number)),
    )
    refused(
        "^exclude: column 'item_id': ids of type .*string.* are compared with the numbers of items",
        pl.DataFrame(pairs()),
        index=PLAIN,
    )
    refused(
        "^exclude: column 'user_id': ids of type int64 are compared with ids of type large_string",
        pl.DataFrame(pairs(lambda row: row)),
    )
    refused("^exclude: 3 is compared with ids of type large_string; make both numbers or both text$", {3: ["a"]})
    refused(
        "^exclude: column 'user_id': the queries have no ids, so these are their rows: a column of type .*string",
        pl.DataFrame(pairs()),
        VECTORS,
    )
    refused(
        "^exclude: 'ann' is no row number, and the queries have no ids; give them as a table with ids$",
        {"ann": []},
        VECTORS,
    )
    refused("^exclude: there is no row 6 among 6 queries$", {6: []}, VECTORS)
    refused("^exclude: pair 1: there is no user 6 among 6", pa.table({"user": [0, 6], "item": NAMES[:2]}), VECTORS)
    refused(
        "^queries: 'user_id', 'age' may hold ids; .* one of them is whose the lists are$",
        pl.DataFrame(pairs()),
        USERS.append_column("age", [[1] * M]),
    )
    refused(
        "^exclude: column 'item_id': row 1 is null; drop those rows$",
        pa.table({"user_id": ["ann", "bob"], "item_id": ["a", None]}),
    )
    refused(
        "^exclude: column 'user_id': row 0 is null; drop those rows$",
        pa.table({"user_id": [None, "bob"], "item_id": ["a", "b"]}),
    )
    refused("^exclude: row 1 is null; give an empty list$", pa.array([["a"], None] * 3))
    refused("^exclude: row 1 is null; drop those rows$", pa.array([["a", None]] * 6))
    refused("^exclude: a column of type .*string.* holds no lists$", pl.Series(["a"] * M))
    refused("^exclude: .*columns", pa.table({"a": [1], "b": [1], "c": [1]}))
    refused("^exclude: 1 is no name; give names alone", [["a"], [1]] * 3)
    refused("^exclude: 2 is no name; give names alone", [["a", 2]] * M)
    refused("^exclude\\[1\\]: 'b' is no list of names$", [["a"], "b", [], [], [], []])
    refused("^exclude: has 1 lists|^exclude: .* 1 .* 6", [["a"]])
    with pytest.raises(ValueError, match="^exclude.*: dtype <U1 is not an integer type"):
        PLAIN.search(VECTORS, K, exclude=[["a"]] * M)
    with pytest.raises(
        ValueError, match="^exclude: a table of owners and items has no place here; give a list for each query$"
    ):
        maxdot.Batcher(PLAIN).search(VECTORS, K, exclude=pl.DataFrame(pairs()))


def test_a_batcher_takes_columns():
    with maxdot.Batcher(PLAIN) as batcher:
        same(batcher.search(VECTORS, K, exclude=pl.Series(SEEN)), WANTED)


def test_result_tables():
    numbers = PLAIN.search_table(VECTORS, 3, scores="f64")
    assert numbers.schema == pa.schema(
        [("query", pa.int64()), ("rank", pa.int32()), ("item_id", pa.int64()), ("score", pa.float64())]
    )
    assert numbers.column("query").to_pylist() == [row for row in range(M) for _ in range(3)]
    assert numbers.column("item_id").to_pylist() == BEST[:, :3].ravel().tolist()
    one = NAMED.search_table(VECTORS[0], 2)
    assert one.to_pydict()["item_id"] == [NAMES[number] for number in BEST[0, :2]] and one.to_pydict()["query"] == [
        0,
        0,
    ]
    few = NAMED.search_table(USERS, K, allow={"bob": NAMES[:2], "eve": NAMES[:1]})
    assert few.column("user_id").to_pylist() == ["bob", "bob", "eve"] and few.column("rank").to_pylist() == [
        1,
        2,
        1,
    ]
    assert NAMED.search_table(USERS.slice(0, 0), K).num_rows == 0 and NAMED.search_table(USERS, 0).num_rows == 0
    taken = NAMED.search_table(USERS.rename_columns(["rank", "vector"]), 1)
    assert taken.schema.names == ["query_rank", "rank", "item_id", "score"]
    with pytest.raises(ValueError, match="^queries: 'user_id', 'age' may hold ids"):
        NAMED.search_table(USERS.append_column("age", [[1] * M]), K)
    assert pl.DataFrame(numbers).shape == (3 * M, 4) and pd.DataFrame.from_arrow(numbers).shape == (3 * M, 4)


def test_names_of_ids():
    assert NAMED.names(3) == NAMES[3] and NAMED.names([[3, -1]]).tolist() == [[NAMES[3], None]]
    assert NAMED.names(np.empty((2, 0), np.int64)).shape == (2, 0)
    for wrong in (N, -2, 2**62):
        with pytest.raises(ValueError, match=f"^ids: {wrong} is not the row of any of {N} items$"):
            NAMED.names([0, wrong])
    with pytest.raises(ValueError, match="^index: its items have no names"):
        PLAIN.names([0])
    with maxdot.Index.build(ITEMS, NAMES) as index:
        assert index.item_names is not None
    for use in (lambda: index.names([0]), lambda: index.item_names, lambda: index.search_table(VECTORS, 1)):
        with pytest.raises(ValueError, match="closed"):
            use()


@pytest.mark.parametrize("hashes", [hash, lambda name: 7, lambda name: -len(name), lambda name: (1 << 63) - 1])
def test_names_with_the_same_hash(hashes, monkeypatch):
    monkeypatch.setattr(item_names, "_hash", hashes)
    monkeypatch.setattr(item_names, "_NAMES_AT_ONCE", 17)
    names = item_names.ItemNames(pa.array(NAMES, pa.large_string()))
    asked = ["gone", *NAMES[::-1], "", NAMES[5], "zz"]
    wanted = [-1, *range(N - 1, -1, -1), -1, 5, -1]
    assert names.rows(asked).tolist() == wanted and names.rows([]).tolist() == []
    assert names.rows_of_column(pa.array(asked, pa.large_string())).tolist() == wanted
    assert names.rows_of_column(pa.array(asked[:4], pa.large_string())).tolist() == wanted[:4]
    assert item_names.ItemNames(pa.array([], pa.large_string())).rows(["a"]).tolist() == [-1]


# Evaluation

RELEVANT = [[*BEST[row, [1, 6]].tolist(), N + row] for row in range(M)]  # and one each that the index does not hold
RELEVANT[5] = []
RELEVANT_NAMES = [[NAMES[number] if number < N else f"gone-{number}" for number in row] for row in RELEVANT]
REPORT = evaluate.retrieval(PLAIN, VECTORS, RELEVANT, [2, 10], exclude=SEEN, bootstrap=10, per_user=True)
RANKS = evaluate.ranks(PLAIN, VECTORS, RELEVANT, SEEN)


def relevant_pairs(user_of=lambda row: PEOPLE[row], lists=RELEVANT_NAMES):
    rows = [(user_of(row), item) for row, items in enumerate(lists) for item in items]
    return {"user_id": [user for user, _ in rows], "rating": [1] * len(rows), "item_id": [item for _, item in rows]}


@pytest.mark.parametrize("library", TABLES)
def test_evaluation_of_tables(library):
    make = TABLES[library]
    users = make({"user_id": PEOPLE, "vector": VECTORS})
    seen = make(pairs(others=STRANGERS))
    report = evaluate.retrieval(
        NAMED, users, make(relevant_pairs()), [2, 10], exclude=seen, bootstrap=10, per_user=True
    )
    assert report == REPORT and report[10].per_user["ndcg"].tobytes() == REPORT[10].per_user["ndcg"].tobytes()
    seen = make(pairs(others=STRANGERS))
    users = make({"user_id": PEOPLE, "vector": VECTORS})
    assert evaluate.ranks(NAMED, users, make(relevant_pairs()), seen).tolist() == RANKS.tolist()


@pytest.mark.parametrize(
    "relevant",
    [
        RELEVANT_NAMES,
        dict(zip(PEOPLE, RELEVANT_NAMES, strict=True)),
        pl.Series(RELEVANT_NAMES),
        pd.Series(RELEVANT_NAMES),
        pd.Series(RELEVANT_NAMES, pd.Index(PEOPLE, name="user")),
        pl.DataFrame({"user": PEOPLE, "items": RELEVANT_NAMES}),
        RELEVANT,
    ],
    ids=lambda value: type(value).__name__,
)
def test_evaluation_of_lists(relevant):
    for exclude in (SEEN, names_of(SEEN), BY_ID["dictionary"]):
        assert evaluate.retrieval(NAMED, USERS, relevant, [2, 10], exclude=exclude, bootstrap=10) == REPORT
        assert evaluate.ranks(NAMED, USERS, relevant, exclude).tolist() == RANKS.tolist()


def test_evaluation_by_row():
    by_row = pl.DataFrame(relevant_pairs(lambda row: row, RELEVANT))
    for relevant in (by_row, dict(enumerate(RELEVANT)), pl.Series(RELEVANT)):
        assert (
            evaluate.retrieval(PLAIN, VECTORS, relevant, [2, 10], exclude=pl.Series(SEEN), bootstrap=10) == REPORT
        )
        assert evaluate.metrics(relevant, BEST, [1, 4]) == evaluate.metrics(RELEVANT, BEST, [1, 4])


def test_a_name_that_no_item_has_counts_once():
    twice = [[*row, row[-1], row[-1]] if row else [] for row in RELEVANT_NAMES]
    for relevant in (twice, pl.Series(twice), pl.DataFrame(relevant_pairs(lists=twice))):
        assert evaluate.retrieval(NAMED, USERS, relevant, [2, 10], exclude=SEEN, bootstrap=10) == REPORT


def test_relevant_items_of_nobody():
    for relevant in (
        pl.DataFrame(relevant_pairs(lambda row: "zoe" if row == 2 else PEOPLE[row])),
        {"ann": [], "zoe": ["a"]},
    ):
        with pytest.raises(
            ValueError, match="^relevant: 1 are none of the 6 users, the first is 'zoe'; leave them out$"
        ):
            evaluate.retrieval(NAMED, USERS, relevant, [2])
    with pytest.raises(ValueError, match="^relevant: "):
        evaluate.metrics({6: [1]}, BEST, [1])


def test_a_series_whose_labels_may_be_ids():
    lists = [[1], [2], [0]]
    index = maxdot.Index.build(np.eye(3, dtype=np.float32))
    users = pd.DataFrame({"user_id": [30, 7, 3], "vector": list(np.eye(3, dtype=np.float32))})
    wanted = index.search(users, 2, exclude=lists).ids
    by_id = dict(zip(users["user_id"], lists, strict=True))

    def found(exclude, users=users):
        return index.search(users, 2, exclude=exclude).ids

    for given in (
        pd.Series(lists),
        pd.Series(by_id).rename_axis("user"),
        pd.Series(by_id).iloc[::-1].rename_axis("user"),
    ):
        np.testing.assert_array_equal(found(given), wanted)
    doubtful = [
        pd.Series(by_id),
        pd.Series(lists, index=[2, 1, 0]),
        pd.Series(lists, index=[10, 11, 12]),
        pd.Series(lists, index=list("abc")),
    ]
    for given in doubtful:
        for asked in (users, np.eye(3, dtype=np.float32)):
            with pytest.raises(
                ValueError,
                match=r"^exclude: it is in doubt whose .* series.rename_axis\('user'\) .* series.tolist\(\)",
            ):
                found(given, asked)
        np.testing.assert_array_equal(found(given.tolist()), wanted)
    # 0, 1, 2 may be places as well as ids, where the ids are these in another order.
    reordered = users.assign(user_id=[2, 0, 1])
    with pytest.raises(ValueError, match="^exclude: it is in doubt"):
        found(pd.Series(lists), reordered)
    np.testing.assert_array_equal(found(pd.Series(lists), users.assign(user_id=[0, 1, 2])), wanted)
    with pytest.raises(ValueError, match="^exclude: a Series with labels of 2 levels"):
        found(pd.Series(lists, index=pd.MultiIndex.from_tuples([(1, 1), (2, 2), (3, 3)])))


def test_rows_by_name_of_any_shape():
    wanted = NAMED.rows([NAMES[3], NAMES[5]])
    np.testing.assert_array_equal(wanted, ITEMS[[3, 5]])
    np.testing.assert_array_equal(NAMED.rows([[NAMES[3]], [NAMES[5]]]), wanted[:, np.newaxis])
    np.testing.assert_array_equal(NAMED.rows([[3], [5]]), wanted[:, np.newaxis])
    with pytest.raises(ValueError, match="a masked array has values that do not count"):
        NAMED.rows(np.ma.masked_array([NAMES[3], NAMES[5]], mask=[False, True]))
    for mixed in ([NAMES[3], 5], [5, NAMES[3]]):
        with pytest.raises(ValueError, match="^ids: .* is no name; give names alone"):
            NAMED.rows(mixed)
