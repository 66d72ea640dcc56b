"""What a search returns: a pair or triple that knows the metric and becomes a table; and the rows of items."""

import copy
import pickle

import maxdot
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from support import gaussian

N, D, K, M = 130, 12, 5, 4
ITEMS = gaussian(N, D, 1)
QUERIES = gaussian(M, D, 2)
NAMES = [f"item-{number}" for number in range(N)]
PLAIN = maxdot.Index.build(ITEMS)
NAMED = maxdot.Index.build(ITEMS, NAMES, metric="dot")
USERS = pa.table({"user_id": ["ann", "bob", "cid", "dan"], "vector": pa.array(QUERIES.tolist(), pa.list_(pa.float32()))})


def columns(table):
    return {name: table.column(name).to_pylist() for name in table.schema.names}


def test_a_pair_that_knows_its_metric():
    found = PLAIN.search(QUERIES, K)
    ids, scores = found
    assert isinstance(found, maxdot.SearchResult) and isinstance(found, tuple) and len(found) == 2
    assert found.ids is ids and found.scores is scores and found.metric == "cosine"
    assert PLAIN.search(QUERIES, K, metric="L2").metric == "euclidean"
    assert maxdot.top_k(QUERIES, ITEMS, K).metric == "cosine"
    assert maxdot.top_k(QUERIES, ITEMS, K, "ip").metric == "dot"
    assert PLAIN.search_multi(QUERIES.reshape(2, 2, D), K, metric="dot").metric == "dot"
    assert PLAIN.search_range(QUERIES, 0.5).metric == "cosine"
    assert type(PLAIN.search(QUERIES, K, stats=True)) is tuple


@pytest.mark.parametrize("scores", ["f32", "f64"])
def test_rows_of_a_table(scores):
    found = PLAIN.search(QUERIES, K, scores=scores)
    table = found.to_arrow()
    assert columns(table) == {
        "query": [query for query in range(M) for _ in range(K)],
        "rank": [rank + 1 for _ in range(M) for rank in range(K)],
        "item_id": found.ids.ravel().tolist(),
        "score": found.scores.ravel().tolist(),
    }
    assert table.schema.field("score").type == (pa.float32() if scores == "f32" else pa.float64())
    frame = found.to_frame()
    assert isinstance(frame, pd.DataFrame) and frame["item_id"].tolist() == found.ids.ravel().tolist()
    assert table == PLAIN.search_table(QUERIES, K, scores=scores)


def test_places_without_an_item_are_no_rows():
    found = PLAIN.search(QUERIES, N + 3, allow=[[1, 2], [], [5], [7, 8, 9]])
    table = columns(found.to_arrow())
    assert table["query"] == [0, 0, 2, 3, 3, 3] and table["rank"] == [1, 2, 1, 1, 2, 3]
    assert sorted(table["item_id"][:2]) == [1, 2]
    assert PLAIN.search(QUERIES, 0).to_arrow().num_rows == 0
    assert maxdot.Index.build(ITEMS[:0]).search(QUERIES, 3).to_frame().empty


def test_one_query_and_several_interests():
    one = PLAIN.search(QUERIES[1], K)
    assert columns(one.to_arrow())["query"] == [0] * K
    multi = PLAIN.search_multi(QUERIES.reshape(2, 2, D), K)
    assert columns(multi.to_arrow())["item_id"] == multi.ids.ravel().tolist()


def test_a_range():
    found = PLAIN.search_range(QUERIES, [0.3, 2.0, 0.0, 0.5])
    assert isinstance(found, maxdot.RangeResult)
    offsets, ids, scores = found
    assert found.offsets is offsets and found.ids is ids and found.scores is scores
    table = columns(found.to_arrow())
    expected = [(query, rank + 1) for query in range(M) for rank in range(offsets[query + 1] - offsets[query])]
    assert list(zip(table["query"], table["rank"], strict=True)) == expected
    assert table["item_id"] == ids.tolist() and table["score"] == scores.tolist()
    assert PLAIN.search_range(QUERIES, 2.0).to_arrow().num_rows == 0


def test_names_of_items_and_queries():
    found = NAMED.search(USERS, K)
    table = columns(found.to_arrow())
    assert table["user_id"] == [user for user in ["ann", "bob", "cid", "dan"] for _ in range(K)]
    assert table["item_id"] == [NAMES[number] for number in found.ids.ravel()]
    ranged = NAMED.search_range(USERS, 1.0)
    assert columns(ranged.to_arrow())["item_id"] == [NAMES[number] for number in ranged.ids]
    doubtful = NAMED.search(USERS.append_column("age", [[1] * M]), K)
    with pytest.raises(ValueError, match="^queries: 'user_id', 'age' may hold ids"):
        doubtful.to_arrow()
    closed = maxdot.Index.build(ITEMS, NAMES)
    late = closed.search(QUERIES, K)
    closed.close()
    assert columns(late.to_arrow())["item_id"][0].startswith("item-")


def test_copies():
    found = NAMED.search(USERS, K)
    for made in (pickle.loads(pickle.dumps(found)), copy.deepcopy(found)):
        assert type(made) is maxdot.SearchResult and made.metric == "dot"
        assert (made.ids == found.ids).all() and columns(made.to_arrow()) == columns(found.to_arrow())


def test_live_items(tmp_path):
    with maxdot.LiveIndex.create(tmp_path / "live", D, metric="dot") as live:
        live.upsert(np.arange(N), ITEMS)
        assert live.search(QUERIES, K).metric == "dot"
        assert live.snapshot().search(QUERIES, K).to_arrow().num_rows == M * K


def test_rows_of_items():
    ids = np.arange(N)[::-1] * 3
    index = maxdot.Index.build(ITEMS, ids)
    found = index.search(QUERIES, K).ids
    np.testing.assert_array_equal(index.rows(found), ITEMS[::-1][found // 3])
    np.testing.assert_array_equal(PLAIN.rows([5, 5, 0]), ITEMS[[5, 5, 0]])
    np.testing.assert_array_equal(PLAIN.rows(7), ITEMS[7])
    np.testing.assert_array_equal(NAMED.rows(["item-9", "item-0"]), ITEMS[[9, 0]])
    np.testing.assert_array_equal(NAMED.rows("item-9"), ITEMS[9])
    np.testing.assert_array_equal(NAMED.rows(np.array([["item-9"], ["item-3"]])), ITEMS[[[9], [3]]])
    np.testing.assert_array_equal(NAMED.rows([2]), ITEMS[[2]])
    assert PLAIN.rows([]).shape == (0, D)
    half = maxdot.Index.build(ITEMS.astype(np.float16))
    np.testing.assert_array_equal(half.rows([3]), ITEMS[[3]].astype(np.float16).astype(np.float32))
    for wrong in (-1, N, 2**62):
        with pytest.raises(ValueError, match=f"^ids: element 1 is {wrong}, which is no item of the index"):
            PLAIN.rows([0, wrong])
    with pytest.raises(ValueError, match="^ids: 'gone' is the name of no item$"):
        NAMED.rows(["item-1", "gone"])
    with pytest.raises(ValueError, match="^ids: dtype float64"):
        PLAIN.rows([0.5])
    with pytest.raises(ValueError, match="^ids: dtype"):
        PLAIN.rows(["item-1"])
    index.close()
    with pytest.raises(ValueError, match="closed"):
        index.rows([0])


def test_rows_on_the_disk(tmp_path):
    PLAIN.save(tmp_path / "items.maxdot")
    with maxdot.Index.open(tmp_path / "items.maxdot", rows="disk") as index:
        np.testing.assert_array_equal(index.rows([4, 129]), ITEMS[[4, 129]])


def test_tables_of_an_evaluation():
    report = maxdot.evaluate.retrieval(PLAIN, QUERIES, [[1], [2], [3], [4]], [1, 10], bootstrap=50)
    frame = report.to_frame()
    assert frame.index.tolist() == [1, 10] and frame.loc[10, "recall"] == report[10].recall
    assert frame.loc[1, "ndcg_low"] == report[1].low.ndcg and frame.loc[1, "ndcg_high"] == report[1].high.ndcg
    assert report.to_arrow().column("k").to_pylist() == [1, 10]
    plain = maxdot.evaluate.retrieval(PLAIN, QUERIES, [[1], [2], [3], [4]], 3)
    assert "recall_low" not in plain.to_frame().columns
    assert " 95 % low " in repr(report) and " 95 % high " in repr(report)


def test_a_verification_as_a_dictionary():
    checked = maxdot.verify(ITEMS, QUERIES, PLAIN.search(QUERIES, K).ids)
    assert checked.to_dict() == {
        "positions": M * K, "right": M * K, "tied": 0, "wrong": 0, "repeated": 0, "recall": 1.0, "exact": True,
        "first_wrong": None,
    }  # fmt: skip
    wrong = maxdot.verify(ITEMS, QUERIES, np.full((M, K), 3)).to_dict()
    assert wrong["first_wrong"]["given_id"] == 3 and not wrong["exact"]


def test_pages(tmp_path):
    pytest.importorskip("matplotlib")
    maxdot.evaluate.retrieval(PLAIN, QUERIES, [[1], [2], [3], [4]], [1, 10], bootstrap=50).to_html(tmp_path / "evaluate.html")
    maxdot.verify(ITEMS, QUERIES, PLAIN.search(QUERIES, K).ids).to_html(tmp_path / "verify.html")
    assert "data:image/svg" in (tmp_path / "evaluate.html").read_text()
    assert "exact" in (tmp_path / "verify.html").read_text().lower()
    with pytest.raises(FileNotFoundError):
        maxdot.verify(ITEMS, QUERIES, PLAIN.search(QUERIES, K).ids).to_html(tmp_path / "none" / "page.html")
