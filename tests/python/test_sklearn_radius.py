"""radius_neighbors and its graph: scikit-learn's shapes, and everything within the radius, the edge included."""

import numpy as np
import pytest
from maxdot import sklearn as ours
from sklearn import neighbors as theirs
from support import gaussian, scores64

X, QUERIES = gaussian(90, 6, 13).astype(np.float64), gaussian(11, 6, 14).astype(np.float64)
WHOLE = np.random.default_rng(15).integers(-3, 4, (65, 3)).astype(np.float64)


def same(mine, other, **limits):
    """Two object arrays of arrays, apart from the order within a row, which scikit-learn does not promise."""
    (distances, ids), (their_distances, their_ids) = mine, other
    assert (distances.dtype, ids.dtype, ids.shape) == (object, object, their_ids.shape)
    for row in range(len(ids)):
        assert (distances[row].dtype, ids[row].dtype) == (np.float64, np.int64)
        assert (np.diff(distances[row]) >= 0).all()
        order, their_order = np.argsort(ids[row]), np.argsort(their_ids[row])
        np.testing.assert_array_equal(ids[row][order], their_ids[row][their_order])
        np.testing.assert_allclose(distances[row][order], their_distances[row][their_order], **limits)


@pytest.mark.parametrize(("metric", "radius"), [("minkowski", 2.5), ("l2", 2.5), ("sqeuclidean", 6.25), ("cosine", 0.7)])
def test_results_are_those_of_scikit_learn(metric, radius):
    mine = ours.NearestNeighbors(radius=radius, metric=metric, n_jobs=-1).fit(X)
    other = theirs.NearestNeighbors(radius=radius, metric=metric, algorithm="brute").fit(X)
    for queries in (QUERIES, None):
        for limit in (None, radius / 2, np.float32(radius * 1.5), 0, 1000, np.inf):
            same(mine.radius_neighbors(queries, limit), other.radius_neighbors(queries, limit), rtol=1e-4, atol=1e-6)
            only = mine.radius_neighbors(queries, limit, return_distance=False)
            for left, right in zip(only, mine.radius_neighbors(queries, limit)[1], strict=True):
                np.testing.assert_array_equal(left, right)
            for mode in ("connectivity", "distance"):
                left = mine.radius_neighbors_graph(queries, limit, mode, sort_results=True)
                right = other.radius_neighbors_graph(queries, limit, mode, sort_results=True)
                assert (type(left), left.dtype, left.shape) == (type(right), right.dtype, right.shape)
                np.testing.assert_array_equal(left.indptr, right.indptr)
                np.testing.assert_allclose(left.toarray(), right.toarray(), rtol=1e-4, atol=1e-6)


def test_what_lies_on_the_edge_is_within():
    squares = ((WHOLE[:, None] - WHOLE) ** 2).sum(2)
    for square in (0, 1, 4, 9, 25):
        expected = [np.flatnonzero(row <= square) for row in squares]
        for metric, radius in (("euclidean", np.sqrt(square)), ("sqeuclidean", square)):
            fitted = ours.NearestNeighbors(metric=metric).fit(WHOLE)
            found = fitted.radius_neighbors(WHOLE, radius, return_distance=False)
            for left, right in zip(found, expected, strict=True):
                np.testing.assert_array_equal(np.sort(left), right)


@pytest.mark.parametrize("metric", ["euclidean", "sqeuclidean", "cosine", "dot"])
def test_the_radius_is_compared_with_the_reported_distance(metric):
    """With each reported distance as the radius: as many as are not farther, to the last bit."""
    rows = gaussian(63, 5, 21)
    fitted = ours.NearestNeighbors(metric=metric).fit(rows)
    distances, ids = fitted.kneighbors(rows[:4], 63)
    for query in range(4):
        for place in range(63):
            radius = distances[query, place]
            found, within = fitted.radius_neighbors(rows[query : query + 1], radius)
            count = np.searchsorted(distances[query], radius, side="right")
            np.testing.assert_array_equal(within[0], ids[query, :count])
            np.testing.assert_array_equal(found[0], distances[query, :count])
            closer = np.nextafter(radius, -np.inf)
            if closer >= 0 or metric == "dot":
                fewer = fitted.radius_neighbors(rows[query : query + 1], closer, return_distance=False)
                assert len(fewer[0]) == np.searchsorted(distances[query], radius, side="left")


@pytest.mark.parametrize("dimension", [1, 3, 100])
@pytest.mark.parametrize("samples", [1, 63, 65])
def test_products_of_at_least_a_threshold(samples, dimension):
    rows, queries = gaussian(samples, dimension, 6), gaussian(5, dimension, 7)
    products = scores64(rows, queries, "dot")
    fitted = ours.NearestNeighbors(metric="dot", radius=-0.25).fit(rows)
    for radius in (None, -2.0, 3):
        least = 0.25 if radius is None else -radius
        distances, ids = fitted.radius_neighbors(queries, radius)
        for row, product in enumerate(products):
            order = np.argsort(-product, kind="stable")
            expected = order[product[order] >= least]
            np.testing.assert_array_equal(ids[row], expected)
            np.testing.assert_allclose(distances[row], -product[expected], rtol=1e-9)


def test_rows_of_equal_length_stay_arrays_of_arrays():
    distances, ids = ours.NearestNeighbors(radius=0).fit(np.eye(4)).radius_neighbors(np.eye(4))
    assert ids.shape == distances.shape == (4,)
    assert [row.tolist() for row in ids] == [[0], [1], [2], [3]]
    nobody = ours.NearestNeighbors(radius=0).fit(np.eye(4)).radius_neighbors()[1]
    assert [row.tolist() for row in nobody] == [[]] * 4
    graph = ours.NearestNeighbors(radius=0).fit(np.eye(4)).radius_neighbors_graph()
    assert (graph.shape, graph.nnz) == ((4, 4), 0)


def test_distances_of_zero_are_stored():
    graph = ours.NearestNeighbors(radius=1).fit(np.zeros((5, 3))).radius_neighbors_graph(mode="distance")
    assert graph.nnz == 20
    assert (graph.data == 0).all()


def test_the_caller_owns_the_results():
    fitted = ours.NearestNeighbors(radius=9).fit(X)
    distances, ids = fitted.radius_neighbors(QUERIES)
    assert ids[0].base is None
    distances[0][:] = -1
    assert (fitted.radius_neighbors(QUERIES)[0][0] >= 0).all()


@pytest.mark.parametrize("mode", ["distance", "connectivity"])
def test_transformer_is_that_of_scikit_learn(mode):
    left = ours.RadiusNeighborsTransformer(mode=mode, radius=2.5).fit(X)
    right = theirs.RadiusNeighborsTransformer(mode=mode, radius=2.5, algorithm="brute").fit(X)
    for queries in (X, QUERIES):
        mine, other = left.transform(queries), right.transform(queries)
        np.testing.assert_array_equal(mine.indptr, other.indptr)
        np.testing.assert_allclose(mine.toarray(), other.toarray(), rtol=1e-4, atol=1e-6)
    assert (left.fit_transform(X) != left.transform(X)).nnz == 0


def test_refusals():
    fitted = ours.NearestNeighbors().fit(X)
    for call, error, says in [
        (lambda: fitted.radius_neighbors(QUERIES, -1), ValueError, "^radius: -1.0 is no euclidean distance"),
        (lambda: fitted.radius_neighbors(QUERIES, np.nan), ValueError, "^radius: nan"),
        (lambda: fitted.radius_neighbors(QUERIES, "0.5"), TypeError, "^radius: '0.5'"),
        (lambda: fitted.radius_neighbors(QUERIES, [0.5] * 11), TypeError, "^radius: "),
        (lambda: ours.NearestNeighbors(radius=None).fit(X).radius_neighbors(), TypeError, "^radius: None"),
        (lambda: fitted.radius_neighbors(return_distance=False, sort_results=True), ValueError, "return_distance"),
        (lambda: fitted.radius_neighbors_graph(QUERIES, mode="both"), ValueError, "^mode: 'both'"),
        (lambda: fitted.radius_neighbors(QUERIES[:, :5]), ValueError, "5 features"),
        (lambda: ours.NearestNeighbors(radius="1").fit(X), ValueError, "radius"),
        (lambda: ours.NearestNeighbors(metric="dot").fit(X).radius_neighbors(X, np.nan), ValueError, "^radius: nan"),
    ]:
        with pytest.raises(error, match=says):
            call()
