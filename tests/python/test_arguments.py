"""Arguments as users of other libraries give them: taken where they are clear, refused where they are not."""

import errno

import maxdot
import numpy as np
import pandas as pd
import polars as pl
import pytest
from support import gaussian

N, D, K, M = 90, 9, 6, 3
ITEMS = gaussian(N, D, 3)
QUERIES = gaussian(M, D, 4)
INDEX = maxdot.Index.build(ITEMS)
MASK = np.arange(N) % 3 != 1


def same(one, other):
    for left, right in zip(one, other, strict=True):
        np.testing.assert_array_equal(left, right)


@pytest.mark.parametrize(
    ("name", "metric"),
    [
        ("ip", "dot"),
        ("IP", "dot"),
        ("inner_product", "dot"),
        ("cos", "cosine"),
        ("Cosine", "cosine"),
        ("l2", "euclidean"),
    ],
)
def test_metrics_by_other_names(name, metric, tmp_path):
    assert maxdot.Index.build(ITEMS, metric=name).metric == metric
    same(INDEX.search(QUERIES, K, metric=name), INDEX.search(QUERIES, K, metric=metric))
    same(maxdot.top_k(QUERIES, ITEMS, K, name), maxdot.top_k(QUERIES, ITEMS, K, metric))
    with maxdot.LiveIndex.create(tmp_path / "live", D, metric=name) as live:
        assert live.metric == metric
    assert maxdot.verify(ITEMS, QUERIES, maxdot.top_k(QUERIES, ITEMS, K, name).ids, name).exact
    with maxdot.Batcher(INDEX) as batcher:
        same(batcher.search(QUERIES, K, metric=name), INDEX.search(QUERIES, K, metric=metric))


def test_a_metric_that_is_none():
    with pytest.raises(ValueError, match=r"^metric: 'cosin' is no metric; did you mean 'cosine'\?"):
        maxdot.Index.build(ITEMS, metric="cosin")
    with pytest.raises(
        ValueError, match=r"there are dot \(ip, inner_product\), cosine \(cos\) and euclidean \(l2\)$"
    ):
        INDEX.search(QUERIES, K, metric="hamming")


@pytest.mark.parametrize(
    "mask",
    [
        MASK,
        MASK.tolist(),
        *(MASK.astype(dtype) for dtype in ("u1", "i1", "i4", "i8", "u8", ">i4")),
        MASK.astype(int).tolist(),
        pd.Series(MASK),
        pl.Series(MASK),
        np.repeat(MASK, 2)[::2],
    ],
)
def test_masks_of_every_kind(mask):
    expected = INDEX.search(QUERIES, K, allow=[np.flatnonzero(MASK)] * M)
    same(INDEX.search(QUERIES, K, item_mask=mask), expected)


@pytest.mark.parametrize(
    ("mask", "says"),
    [
        (np.full(N, 2), "^item_mask: 2 of row 0 is neither 0 nor 1"),
        (np.where(np.arange(N) == 7, -1, 1), "^item_mask: -1 of row 7 is neither 0 nor 1"),
        (MASK.astype(np.float32), "^item_mask: float32 of shape"),
        (MASK[:, np.newaxis], r"^item_mask: bool of shape \(90, 1\)"),
        (["yes"] * N, "^item_mask: <U3 of shape"),
        (np.ma.masked_array(MASK, mask=~MASK), "^item_mask: a masked array"),
    ],
)
def test_masks_that_are_none(mask, says):
    with pytest.raises(ValueError, match=says):
        INDEX.search(QUERIES, K, item_mask=mask)


@pytest.mark.parametrize(
    "threshold", ["0.9", ["0.9"] * M, True, [None] * M, 1j, np.ma.masked_array([0.5] * M, [True] * M)]
)
def test_thresholds_that_are_no_numbers(threshold):
    with pytest.raises(ValueError, match="^threshold: "):
        INDEX.search_range(QUERIES, threshold)


def test_masked_arrays_are_refused():
    queries = np.ma.masked_array(QUERIES, mask=QUERIES > 0)
    items = np.ma.masked_array(ITEMS, mask=ITEMS > 0)
    for name, call in {
        "queries": lambda: INDEX.search(queries, K),
        "users": lambda: INDEX.search_multi(queries[np.newaxis], K),
        "items": lambda: maxdot.Index.build(items),
        "ids": lambda: maxdot.Index.build(ITEMS, np.ma.masked_array(np.arange(N), mask=MASK)),
        "retrieved": lambda: maxdot.evaluate.metrics([[1]], np.ma.masked_array([[1]], mask=[[True]]), 1),
        "": lambda: maxdot.merge([(np.ma.masked_array([[1]], mask=[[True]]), np.array([[1.0]]))], 1, "dot"),
        "scores": lambda: maxdot.objective.bce(np.ma.masked_array([0.5], mask=[True]), np.array([1.0])),
    }.items():
        with pytest.raises(ValueError, match=f"^{name}.*a masked array has values that do not count"):
            call()


def test_what_is_missing_is_a_file_not_found(tmp_path):
    missing = tmp_path / "none" / "file"
    for call in (
        lambda: maxdot.Index.open(missing),
        lambda: maxdot.LiveIndex.open(missing),
        lambda: maxdot.LiveIndex.open(missing, read_only=True),
        lambda: maxdot.evaluate.read_pairs(missing),
        lambda: INDEX.save(missing),
        lambda: maxdot.build_file(missing, tmp_path / "out"),
    ):
        with pytest.raises(FileNotFoundError, match=f"^{missing}[:/]") as raised:
            call()
        assert raised.value.errno == errno.ENOENT
    with pytest.raises(IsADirectoryError) as raised:
        INDEX.save(tmp_path)
    assert raised.value.errno == errno.EISDIR
    with pytest.raises(OSError, match="is no LiveIndex") as other:
        maxdot.LiveIndex.open(tmp_path)
    assert other.value.errno is None


def test_no_results(tmp_path):
    for found in (
        INDEX.search(QUERIES, 0),
        INDEX.search_multi(QUERIES[np.newaxis], 0),
        maxdot.top_k(QUERIES, ITEMS, 0),
    ):
        assert found.ids.shape == found.scores.shape == (len(found.ids), 0)
    with maxdot.Batcher(INDEX) as batcher:
        assert batcher.search(QUERIES, 0)[0].shape == (M, 0)
    keys = INDEX.search(QUERIES, 2, scores="keys")
    assert maxdot.merge([keys], 0, "cosine").ids.shape == (M, 0)
    assert maxdot.merge([keys], 2, "cos").metric == "cosine"
    assert len(maxdot.merge([keys], 2, "cosine").to_arrow()) == 2 * M
    with maxdot.LiveIndex.create(tmp_path / "live", D) as live:
        live.upsert(np.arange(N), ITEMS)
        assert live.search(QUERIES, 0).ids.shape == (M, 0)
    with pytest.raises(ValueError, match="^k: -1 is negative; ask for 0 or more"):
        INDEX.search(QUERIES, -1)


@pytest.mark.parametrize(
    ("error", "says", "call"),
    [
        (ValueError, "k: the number is beyond 64 bits", lambda: INDEX.search(QUERIES, 2**63)),
        (ValueError, "threads: the number is beyond 32 bits", lambda: INDEX.search(QUERIES, 1, 2**40)),
        (TypeError, "k: str is not an integer", lambda: INDEX.search(QUERIES, "5")),
        (TypeError, "k: float is not an integer", lambda: maxdot.Batcher(INDEX).search(QUERIES, 5.0)),
        (TypeError, "k: float64 is not an integer", lambda: INDEX.search_multi(QUERIES[np.newaxis], np.float64(5))),
        (TypeError, "threads: NoneType is not an integer", lambda: INDEX.search(QUERIES, 1, threads=None)),
        (TypeError, "scores: NoneType is not a string", lambda: INDEX.search(QUERIES, 1, scores=None)),
        (TypeError, "stats: int is not True or False", lambda: INDEX.search_range(QUERIES, 1, stats=1)),
        (
            TypeError,
            "metric: int is not a string, or None",
            lambda: INDEX.search_multi(QUERIES[np.newaxis], 1, metric=3),
        ),
        (TypeError, "metric: NoneType is not a string", lambda: maxdot.Index.build(ITEMS, metric=None)),
        (TypeError, "normalize: str is not True or False", lambda: maxdot.Index.build(ITEMS, normalize="no")),
        (TypeError, "name: int is not a string", lambda: maxdot.use_kernels(3)),
        (TypeError, "rows: int is not a string", lambda: maxdot.Index.open("x", rows=3)),
        (TypeError, "load: NoneType is not a string", lambda: maxdot.Index.open("x", load=None)),
        (
            TypeError,
            "confidence: str is not a number",
            lambda: maxdot.evaluate.metrics([[0]], [[0]], 1, confidence="x"),
        ),
        (
            TypeError,
            "k: float is not an integer",
            lambda: maxdot.merge([INDEX.search(QUERIES, 1, scores="keys")], 1.5, "dot"),
        ),
        (TypeError, "threads: str is not an integer", lambda: maxdot.Batcher(INDEX, threads="2")),
        (TypeError, "dimension: str is not an integer", lambda: maxdot.LiveIndex.create("x", "9")),
        (
            TypeError,
            "temperature: str is not a number",
            lambda: maxdot.objective.log_partition(INDEX, QUERIES, temperature="1"),
        ),
    ],
)
def test_what_is_of_another_kind_is_named(error, says, call):
    with pytest.raises(error, match=f"^{says}"):
        call()


def test_rows_that_share_memory():
    """Broadcast, reversed and overlapping rows are copied."""
    long = np.ascontiguousarray(ITEMS.reshape(-1))
    for rows in (
        np.broadcast_to(QUERIES[0], (4, D)),
        QUERIES[::-1],
        np.lib.stride_tricks.sliding_window_view(long, D)[:20],
        np.broadcast_to(QUERIES[:, :1], (M, D)),
    ):
        same(INDEX.search(rows, K), INDEX.search(rows.copy(), K))
        same(maxdot.Index.build(rows).search(QUERIES, 2), maxdot.Index.build(rows.copy()).search(QUERIES, 2))


@pytest.mark.parametrize(
    "relevant",
    [
        {0: [1, 2], 2: [3]},
        pd.DataFrame({"user": [0, 0, 2], "item": [1, 2, 3]}),
        pl.DataFrame({"user_id": [2, 0, 0], "item_id": [3, 1, 2]}),
        pd.DataFrame({"user": [0, 1, 2], "item": [[1, 2], [], [3]]}),
        pd.Series([[1, 2], [], [3]]),
        pl.Series([[1, 2], [], [3]]),
        pd.DataFrame({"user": [0, 0, 2], "item": [1, 2, 3]}).groupby("user")["item"].agg(list),
        {0: np.array([1, 2]), 2: {3}},
    ],
)
def test_relevant_items_in_every_form(relevant):
    evaluate = maxdot.evaluate
    lists = [[1, 2], [], [3]]
    assert evaluate.retrieval(INDEX, QUERIES, relevant, [1, 40]) == evaluate.retrieval(
        INDEX, QUERIES, lists, [1, 40]
    )
    retrieved = INDEX.search(QUERIES, 40).ids
    assert evaluate.metrics(relevant, retrieved, 40) == evaluate.metrics(lists, retrieved, 40)
    same([evaluate.ranks(INDEX, QUERIES, relevant)], [evaluate.ranks(INDEX, QUERIES, lists)])
