"""maxdot.usearch: usearch's names and shapes, and exact results."""

import math
import pickle

import maxdot
import numpy as np
import pytest
from maxdot.usearch import Index, Match, search
from support import best, gaussian

X, QUERIES = gaussian(65, 6, 41), gaussian(9, 6, 42)
METRICS = {"cos": "cosine", "ip": "dot", "l2sq": "euclidean"}


def filled(metric="cos", keys=None, **others):
    index = Index(ndim=6, metric=metric, **others)
    index.add(keys, X)
    return index


def check(batch, metric, rows, keys, count):
    expected, scores = best(rows, QUERIES, count, METRICS[metric], ids=keys)
    wanted = scores**2 if metric == "l2sq" else 1 - scores
    there = min(count, len(rows))
    assert (batch.keys.dtype, batch.distances.dtype, batch.keys.shape) == (np.uint64, np.float32, (9, count))
    np.testing.assert_array_equal(batch.counts, there)
    np.testing.assert_array_equal(batch.keys[:, :there], expected)
    np.testing.assert_allclose(batch.distances[:, :there], wanted, rtol=1e-5, atol=1e-6)
    assert (batch.keys[:, there:] == 0).all()
    assert np.isnan(batch.distances[:, there:]).all()


@pytest.mark.parametrize("metric", METRICS)
def test_added_removed_and_found(metric):
    index = Index(ndim=6, metric=metric)
    check(index.search(QUERIES, 3), metric, X[:0], np.empty(0, int), 3)
    np.testing.assert_array_equal(index.add(None, X[:40]), np.arange(40))
    check(index.search(QUERIES, 7), metric, X[:40], np.arange(40), 7)
    assert index.add(None, X[40].astype(np.float64)).tolist() == [40]
    keys = np.arange(1000, 1024)[::-1]
    assert index.add(keys, X[41:].tolist()).dtype == np.uint64
    all_keys = np.concatenate([np.arange(41), keys])
    for count in (1, 10, 65, 70):
        check(index.search(QUERIES, count), metric, X, all_keys, count)
    assert (index.remove(3), index.remove(3), index.remove([1000, 5, 7777])) == (1, 0, 2)
    left = ~np.isin(all_keys, [3, 5, 1000])
    check(index.search(QUERIES, 62, exact=True, threads=1), metric, X[left], all_keys[left], 62)
    assert len(index) == index.size == 62
    np.testing.assert_array_equal(index.keys, np.sort(all_keys[left]))
    np.testing.assert_array_equal(index.vectors, X[left][np.argsort(all_keys[left])])
    again = pickle.loads(pickle.dumps(index))
    np.testing.assert_array_equal(again.search(QUERIES, 9).distances, index.search(QUERIES, 9).distances)
    index.clear()
    assert len(index) == 0


def test_get_and_contains():
    index = filled(keys=np.arange(65) * 3)
    np.testing.assert_array_equal(index.get(6), X[2])
    np.testing.assert_array_equal(index[6], X[2])
    several = index.get([6, 7, 0])
    assert isinstance(several, tuple)
    assert several[1] is None
    np.testing.assert_array_equal(several[2], X[0])
    assert index.get(7) is None
    assert (index.contains(6), index.contains(7), 6 in index, 7 in index) == (True, False, True, False)
    np.testing.assert_array_equal(index.contains([6, 7]), [True, False])
    del index[6]
    assert 6 not in index


def test_matches_of_one_query():
    matches = filled("l2sq").search(QUERIES[0], 100)
    keys, scores = best(X, QUERIES[:1], 65, "euclidean")
    assert len(matches) == 65
    np.testing.assert_array_equal(matches.keys, keys[0])
    assert matches[0] == Match(int(keys[0, 0]), float(np.float32(scores[0, 0] ** 2)))
    assert (
        matches.to_list()
        == [match.to_tuple() for match in matches]
        == list(zip(keys[0], matches.distances.tolist(), strict=True))
    )
    assert matches[-1].key == keys[0, -1]
    assert len(matches[:2]) == 2
    with pytest.raises(IndexError):
        matches[65]


def test_batches():
    index = filled()
    batch = index.search(X, 5)
    assert len(batch) == 65
    assert batch[3].keys.tolist() == index.search(X[3], 5).keys.tolist()
    assert len(batch.to_list()) == 65 * 5
    assert batch.mean_recall(np.arange(65)) == 1
    assert batch.mean_recall(np.arange(65), count=1) == 1
    assert batch.count_matches(np.full(65, 999)) == 0
    few = index.search(X, 5, radius=1e-6)  # places without a result hold key 0, which is no match
    assert (few.counts == 1).all()
    assert few.count_matches(np.zeros(65, int)) == 1
    with pytest.raises(ValueError, match="^expected: shape"):
        batch.mean_recall([1, 2])


@pytest.mark.parametrize("metric", METRICS)
def test_radius(metric):
    index = filled(metric)
    whole = index.search(QUERIES, 65)
    for radius in (
        float(whole.distances[0, 10]),
        float(np.nextafter(whole.distances[0, 10], np.float32(-np.inf))),
        -9.0,
        1e300,
    ):
        found = index.search(QUERIES, 65, radius)
        np.testing.assert_array_equal(found.counts, (whole.distances.astype(np.float64) <= radius).sum(axis=1))
        assert found[0].keys.tolist() == whole.keys[0, : found.counts[0]].tolist()


def test_float16_is_stored():
    index = filled("ip", dtype="f16")
    np.testing.assert_array_equal(index.vectors, X.astype(np.float16))
    check(index.search(QUERIES, 9), "ip", X.astype(np.float16), np.arange(65), 9)
    with pytest.raises(ValueError, match="^vectors: a number is beyond float16"):
        index.add(70, np.full(6, 1e5))


def test_files(tmp_path):
    path = tmp_path / "items.maxdot"
    for dtype in ("f32", np.float16):
        index = filled("l2sq", np.arange(65)[::-1] + 3, dtype=dtype)
        index.save(path)
        loaded = Index(ndim=2)
        loaded.load(str(path))
        for again in (loaded, Index.restore(path), Index.restore(path, view=True)):
            assert (again.ndim, again.metric, again.dtype, len(again)) == (6, "l2sq", index.dtype, 65)
            np.testing.assert_array_equal(again.search(QUERIES, 9).keys, index.search(QUERIES, 9).keys)
        with maxdot.Index.open(path) as opened:
            np.testing.assert_array_equal(opened.search(QUERIES, 5)[0], index.search(QUERIES, 5).keys)
    maxdot.Index.build(X, normalize=True).save(path)
    with pytest.raises(ValueError, match="normalized"):
        Index.restore(path)
    path.write_bytes(b"usearch" * 100)
    with pytest.raises(ValueError, match="index"):
        Index.restore(path)
    with pytest.raises(OSError, match="none"):
        Index.restore(tmp_path / "none")


@pytest.mark.parametrize("metric", METRICS)
def test_search_of_an_array(metric):
    check(search(X, QUERIES, 7, metric, exact=True), metric, X, np.arange(65), 7)
    one = search(X.tolist(), QUERIES[0], 65, metric=metric.upper(), threads=1)
    np.testing.assert_array_equal(one.keys, best(X, QUERIES[:1], 65, METRICS[metric])[0][0])


def test_refusals():
    index = filled()
    bad = X[:3].copy()
    bad[2, 4] = np.inf
    for call, error, says in [
        (lambda: Index(ndim=6, metric="jaccard"), ValueError, "^metric: 'jaccard' is not one of cos, ip, l2sq"),
        (lambda: Index(ndim=6, dtype="i8"), ValueError, "^dtype: 'i8'"),
        (lambda: Index(ndim=6, multi=True), TypeError, "multi"),
        (lambda: index.add([100, 3], X[:2]), RuntimeError, "^Duplicate keys not allowed; 3 is there"),
        (lambda: index.add([100, 100], X[:2]), RuntimeError, "^Duplicate keys not allowed"),
        (lambda: index.add([100], X[:2]), ValueError, "^keys: 1 keys for 2 vectors"),
        (lambda: index.add(-1, X[0]), ValueError, "^keys: -1 has no place"),
        (lambda: index.add(100, X[0, :5]), ValueError, "^vectors: shape"),
        (lambda: index.add([100, 101, 102], bad), ValueError, "^vectors: row 2, column 4"),
        (lambda: index.search(X[:, :5]), ValueError, "^vectors: shape"),
        (lambda: index.search(bad), ValueError, "^vectors: row 2, column 4"),
        (lambda: index.search(X, 0), ValueError, "^count: 0"),
        (lambda: index.search(X, 2.5), TypeError, "integer"),
        (lambda: index.search(X, 2, math.nan), ValueError, "^radius: nan"),
        (lambda: index.search(X, 2, "1"), ValueError, "^radius: '1'"),
        (lambda: index.get("a"), ValueError, "^keys: dtype"),
        (lambda: search(X, QUERIES, 66), ValueError, "^count: 66 results of 65"),
        (lambda: search(X[0], QUERIES, 1), ValueError, "^dataset: shape"),
        (lambda: search(X, QUERIES[:, :3], 1), ValueError, "^query: shape"),
        (lambda: search(bad, QUERIES, 1), ValueError, "^dataset: row 2"),
    ]:
        with pytest.raises(error, match=says):
            call()
    assert len(index) == 65


def test_beside_usearch():
    usearch = pytest.importorskip("usearch.index")
    for metric in METRICS:
        theirs = usearch.Index(ndim=6, metric=metric, dtype="f32")
        ours = Index(ndim=6, metric=getattr(usearch.MetricKind, {"cos": "Cos", "ip": "IP", "l2sq": "L2sq"}[metric]))
        for each in (theirs, ours):
            each.add(np.arange(65) * 2, X)
        for queries in (QUERIES, QUERIES[0]):
            left, right = ours.search(queries, 5), theirs.search(queries, 5, exact=True)
            np.testing.assert_array_equal(left.keys, right.keys)
            np.testing.assert_allclose(left.distances, right.distances, rtol=1e-4, atol=1e-6)
            assert (left.keys.dtype, left.distances.dtype) == (right.keys.dtype, right.distances.dtype)


def test_one_query_of_two_axes_is_one_query():
    index = filled()
    for asked in (lambda query: index.search(query, 3), lambda query: search(X, query, 3)):
        one, other = asked(QUERIES[0]), asked(QUERIES[:1])
        assert type(one) is type(other)
        assert [match.key for match in one] == [match.key for match in other]


@pytest.mark.parametrize("ndim", [-3, 0, 32769])
def test_a_dimension_that_is_none(ndim):
    with pytest.raises(ValueError, match=f"^ndim: {ndim} is no dimension; use 1 to 32768"):
        Index(ndim=ndim)
