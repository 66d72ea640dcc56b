"""The scikit-learn estimators: scikit-learn's own checks, and its own neighbours and NumPy as the standard."""

import numpy as np
import pytest
from maxdot import sklearn as ours
from sklearn import neighbors as theirs
from sklearn.utils.estimator_checks import parametrize_with_checks
from support import best, gaussian

X, QUERIES = gaussian(90, 6, 13).astype(np.float64), gaussian(11, 6, 14).astype(np.float64)
# Whole numbers: distances and their order are exact whatever computes them, and there are many ties.
WHOLE = np.random.default_rng(15).integers(-3, 4, (65, 3)).astype(np.float64)
ESTIMATORS = [
    ours.NearestNeighbors(),
    ours.NearestNeighbors(metric="cosine"),
    ours.NearestNeighbors(metric="sqeuclidean"),
    ours.NearestNeighbors(metric="dot", n_jobs=-1),
    ours.KNeighborsTransformer(),
    ours.KNeighborsTransformer(mode="connectivity"),
    ours.RadiusNeighborsTransformer(),
    ours.RadiusNeighborsTransformer(mode="connectivity", metric="cosine"),
]


@parametrize_with_checks(ESTIMATORS)
def test_estimator_checks(estimator, check):
    check(estimator)


@pytest.mark.parametrize("metric", ["minkowski", "euclidean", "l2", "sqeuclidean", "cosine"])
def test_neighbours_are_those_of_scikit_learn(metric):
    mine = ours.NearestNeighbors(4, metric=metric, n_jobs=-1).fit(X)
    other = theirs.NearestNeighbors(n_neighbors=4, metric=metric, algorithm="brute").fit(X)
    assert mine.effective_metric_ == other.effective_metric_
    assert mine.effective_metric_params_ == other.effective_metric_params_ == {}
    assert mine.n_samples_fit_ == other.n_samples_fit_ == 90
    assert mine.n_features_in_ == other.n_features_in_ == 6
    for queries in (QUERIES, None):
        np.testing.assert_array_equal(mine.kneighbors(queries)[1], other.kneighbors(queries)[1])
        np.testing.assert_allclose(
            mine.kneighbors(queries)[0], other.kneighbors(queries)[0], rtol=1e-4, atol=1e-6
        )
        for mode in ("connectivity", "distance"):
            left, right = (e.kneighbors_graph(queries, mode=mode) for e in (mine, other))
            assert (type(left), left.dtype, left.shape) == (type(right), right.dtype, right.shape)
            np.testing.assert_array_equal(left.indptr, right.indptr)
            np.testing.assert_array_equal(left.indices, right.indices)
            np.testing.assert_allclose(left.toarray(), right.toarray(), rtol=1e-4, atol=1e-6)
    assert mine.kneighbors(QUERIES, 7, return_distance=False).shape == (11, 7)


@pytest.mark.parametrize("dimension", [1, 3, 100])
@pytest.mark.parametrize("samples", [1, 2, 63, 65])
@pytest.mark.parametrize("metric", ["euclidean", "cosine", "dot"])
def test_neighbours_are_the_best_in_float64(metric, samples, dimension):
    rows, queries = gaussian(samples, dimension, 3), gaussian(5, dimension, 4)
    fitted = ours.NearestNeighbors(metric=metric).fit(rows)
    for k in {1, samples}:
        distances, ids = fitted.kneighbors(queries, k)
        assert (distances.dtype, ids.dtype) == (np.float64, np.int64)
        expected, scores = best(rows, queries, k, metric)
        if not (metric == "cosine" and dimension == 1):  # there all are 1 or -1, but for the last bit of some
            np.testing.assert_array_equal(ids, expected)
        wanted = {"euclidean": scores, "cosine": 1 - scores, "dot": -scores}[metric]
        np.testing.assert_allclose(distances, wanted, rtol=1e-9, atol=1e-9)


def test_ties_are_ordered_by_index():
    distances, ids = ours.NearestNeighbors().fit(WHOLE).kneighbors(WHOLE, 65)
    expected, scores = best(WHOLE, WHOLE, 65, "euclidean")
    np.testing.assert_array_equal(ids, expected)
    np.testing.assert_array_equal(distances, scores)


def test_dot_orders_by_the_largest_product():
    distances, ids = ours.NearestNeighbors(3, metric="dot").fit(X).kneighbors(QUERIES)
    products = QUERIES @ X.T
    np.testing.assert_array_equal(ids, np.argsort(-products, axis=1)[:, :3])
    np.testing.assert_allclose(distances, -np.take_along_axis(products, ids, 1), rtol=1e-4)


def test_squares_are_those_of_the_distances():
    squares, ids = ours.NearestNeighbors(metric="sqeuclidean").fit(WHOLE).kneighbors(WHOLE[:9])
    distances, same = ours.NearestNeighbors().fit(WHOLE).kneighbors(WHOLE[:9])
    np.testing.assert_array_equal(ids, same)
    expected = ((WHOLE[:9, None] - WHOLE) ** 2).sum(2)
    np.testing.assert_array_equal(squares, np.take_along_axis(expected, ids, 1))
    np.testing.assert_array_equal(np.sqrt(squares), distances)
    assert not np.signbit(squares).any()


def test_no_distance_is_negative():
    rows = np.repeat(gaussian(40, 7, 5), 2, axis=0)  # cosines of equal rows may be a hair above 1
    for metric in ("cosine", "euclidean", "sqeuclidean"):
        distances, _ = ours.NearestNeighbors(2, metric=metric).fit(rows).kneighbors(rows)
        assert not np.signbit(distances).any()
        np.testing.assert_allclose(distances, 0, atol=1e-6)


def test_duplicates_leave_every_sample_its_neighbours():
    distances, ids = ours.NearestNeighbors(2).fit(np.zeros((5, 3))).kneighbors()
    assert ids.shape == (5, 2)
    assert (ids != np.arange(5)[:, None]).all()
    assert (distances == 0).all()


@pytest.mark.filterwarnings("ignore:overflow encountered in cast")
def test_refusals():
    fitted = ours.NearestNeighbors().fit(X)
    for call, error, says in [
        (lambda: fitted.kneighbors(QUERIES, 91), ValueError, "n_neighbors <= n_samples_fit, but n_neighbors = 91"),
        (lambda: fitted.kneighbors(n_neighbors=90), ValueError, "n_neighbors < n_samples_fit"),
        (lambda: fitted.kneighbors(QUERIES, 0), ValueError, "^n_neighbors: 0"),
        (lambda: fitted.kneighbors(QUERIES, 2.0), TypeError, "^n_neighbors: 2.0"),
        (lambda: ours.NearestNeighbors(None).fit(X).kneighbors(QUERIES), TypeError, "^n_neighbors: None"),
        (lambda: fitted.kneighbors_graph(QUERIES, mode="both"), ValueError, "^mode: 'both'"),
        (lambda: fitted.kneighbors(QUERIES[:, :5]), ValueError, "5 features"),
        (lambda: fitted.kneighbors(np.full((1, 6), 1e300)), ValueError, "too large for dtype"),
    ]:
        with pytest.raises(error, match=says):
            call()


@pytest.mark.parametrize("text", [X.astype(str), X.astype(bytes), X.astype(str).tolist()])
def test_text_is_no_number(text):
    for estimator in (ours.NearestNeighbors(), theirs.NearestNeighbors()):
        with pytest.raises(ValueError):
            estimator.fit(text)
        with pytest.raises(ValueError):
            estimator.fit(X).kneighbors(text)
