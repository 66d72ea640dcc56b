"""The scikit-learn estimators: scikit-learn's own checks, and its own neighbours as the standard."""

import pickle

import numpy as np
import pytest
from maxdot import sklearn as ours
from sklearn import neighbors as theirs
from sklearn.base import clone
from sklearn.manifold import Isomap
from sklearn.pipeline import make_pipeline
from sklearn.utils.estimator_checks import parametrize_with_checks
from support import gaussian

X, QUERIES = gaussian(90, 6, 13).astype(np.float64), gaussian(11, 6, 14).astype(np.float64)


@parametrize_with_checks([ours.NearestNeighbors(), ours.KNeighborsTransformer()])
def test_estimator_checks(estimator, check):
    check(estimator)


@pytest.mark.parametrize("metric", ["euclidean", "cosine"])
def test_neighbours_are_those_of_scikit_learn(metric):
    mine = ours.NearestNeighbors(4, metric=metric, n_jobs=-1).fit(X)
    other = theirs.NearestNeighbors(n_neighbors=4, metric=metric, algorithm="brute").fit(X)
    for queries in (QUERIES, None):
        np.testing.assert_array_equal(mine.kneighbors(queries)[1], other.kneighbors(queries)[1])
        np.testing.assert_allclose(
            mine.kneighbors(queries)[0], other.kneighbors(queries)[0], rtol=1e-4, atol=1e-6
        )
        for mode in ("connectivity", "distance"):
            left, right = (e.kneighbors_graph(queries, mode=mode).toarray() for e in (mine, other))
            np.testing.assert_allclose(left, right, rtol=1e-4, atol=1e-6)
    assert mine.kneighbors(QUERIES, 7, return_distance=False).shape == (11, 7)


def test_dot_orders_by_the_largest_product():
    distances, ids = ours.NearestNeighbors(3, metric="dot").fit(X).kneighbors(QUERIES)
    products = QUERIES @ X.T
    np.testing.assert_array_equal(ids, np.argsort(-products, axis=1)[:, :3])
    np.testing.assert_allclose(distances, -np.take_along_axis(products, ids, 1), rtol=1e-4)


def test_duplicates_leave_every_sample_its_neighbours():
    distances, ids = ours.NearestNeighbors(2).fit(np.zeros((5, 3))).kneighbors()
    assert ids.shape == (5, 2)
    assert (ids != np.arange(5)[:, None]).all()
    assert (distances == 0).all()


@pytest.mark.parametrize("mode", ["distance", "connectivity"])
def test_transformer_is_that_of_scikit_learn(mode):
    left = ours.KNeighborsTransformer(mode=mode, n_neighbors=5).fit_transform(X)
    right = theirs.KNeighborsTransformer(mode=mode, n_neighbors=5, algorithm="brute").fit_transform(X)
    assert left.nnz == right.nnz
    np.testing.assert_allclose(left.toarray(), right.toarray(), rtol=1e-4, atol=1e-6)


def test_transformer_feeds_what_takes_a_precomputed_graph():
    made = make_pipeline(
        ours.KNeighborsTransformer(n_neighbors=20), Isomap(n_neighbors=20, metric="precomputed")
    )
    assert made.fit_transform(X).shape == (90, 2)


def test_pickle_clone_and_float16():
    fitted = ours.NearestNeighbors(3).fit(X.astype(np.float16))
    again = pickle.loads(pickle.dumps(fitted))
    np.testing.assert_array_equal(again.kneighbors(QUERIES)[0], fitted.kneighbors(QUERIES)[0])
    assert again._index.dtype == "f16"
    assert not hasattr(clone(fitted), "_index")


def test_refusals():
    fitted = ours.NearestNeighbors().fit(X)
    for call, says in [
        (lambda: fitted.kneighbors(QUERIES, 91), "n_neighbors <= n_samples_fit"),
        (lambda: fitted.kneighbors(n_neighbors=90), "n_neighbors <= n_samples_fit"),
        (lambda: fitted.kneighbors(QUERIES, 0), "^n_neighbors: 0"),
        (lambda: fitted.kneighbors_graph(QUERIES, mode="both"), "^mode: 'both'"),
        (lambda: ours.NearestNeighbors(metric="manhattan").fit(X), "manhattan"),
    ]:
        with pytest.raises(ValueError, match=says):
            call()
