"""Parameters, pickles, clones, data frames, and the estimators among scikit-learn's own."""

import inspect
import pickle

import joblib
import numpy as np
import pandas
import pytest
import sklearn
from maxdot import sklearn as ours
from scipy import sparse
from sklearn import neighbors as theirs
from sklearn.base import clone
from sklearn.cluster import DBSCAN
from sklearn.exceptions import NotFittedError
from sklearn.manifold import Isomap
from sklearn.pipeline import make_pipeline
from support import gaussian

X, QUERIES = gaussian(90, 6, 13).astype(np.float64), gaussian(11, 6, 14).astype(np.float64)
NAMES = ["NearestNeighbors", "KNeighborsTransformer", "RadiusNeighborsTransformer"]
METHODS = ["fit", "kneighbors", "kneighbors_graph", "radius_neighbors", "radius_neighbors_graph", "transform", "fit_transform"]


@pytest.mark.parametrize("name", NAMES)
def test_parameters_are_those_of_scikit_learn(name):
    mine, other = getattr(ours, name), getattr(theirs, name)
    assert mine().get_params() == other().get_params()
    assert list(inspect.signature(mine).parameters) == list(inspect.signature(other).parameters)
    for method in METHODS:
        assert hasattr(mine, method) == hasattr(other, method)
        if hasattr(mine, method):
            left, right = (inspect.signature(getattr(each, method)).parameters for each in (mine, other))
            assert [(p.name, p.default) for p in left.values()] == [(p.name, p.default) for p in right.values()]


@pytest.mark.parametrize("algorithm", ["auto", "brute", "kd_tree", "ball_tree"])
def test_every_algorithm_is_exact(algorithm):
    mine = ours.NearestNeighbors(algorithm=algorithm, leaf_size=7).fit(X)
    other = theirs.NearestNeighbors(algorithm=algorithm, leaf_size=7).fit(X)
    np.testing.assert_array_equal(mine.kneighbors(QUERIES)[1], other.kneighbors(QUERIES)[1])


def test_what_is_not_there_is_refused_with_what_to_use():
    for parameters, says in [
        ({"metric": "manhattan"}, "^metric: 'manhattan' is not one of .*'cosine'.*use sklearn.neighbors"),
        ({"metric": "precomputed"}, "^metric: 'precomputed'.*sklearn.neighbors"),
        ({"metric": lambda a, b: 0.0}, "^metric: <function"),
        ({"metric": ["euclidean"]}, r"^metric: \['euclidean'\]"),
        ({"p": 1}, "^p: .*p=2 only, not 1; use sklearn.neighbors"),
        ({"p": None}, "^p: .*not None"),
        ({"metric_params": {"p": 3}}, "^p: .*not 3"),
        ({"metric_params": {"w": [1, 2]}}, "^metric_params: 'w' is not supported for 'minkowski'"),
        ({"metric": "cosine", "metric_params": {"p": 2}}, "^metric_params: 'p' is not supported for 'cosine'"),
        ({"algorithm": "hnsw"}, "'algorithm' parameter"),
        ({"leaf_size": 0}, "'leaf_size' parameter"),
        ({"n_neighbors": 0}, "'n_neighbors' parameter"),
        ({"n_jobs": 1.5}, "'n_jobs' parameter"),
        ({"n_jobs": 0}, "n_jobs"),
    ]:
        with pytest.raises(ValueError, match=says):
            ours.NearestNeighbors(**parameters).fit(X)
    for made in (ours.KNeighborsTransformer(mode="both"), ours.RadiusNeighborsTransformer(radius=None)):
        with pytest.raises(ValueError, match="parameter of"):
            made.fit(X)
    with pytest.raises(TypeError, match="[Ss]parse data"):
        ours.NearestNeighbors().fit(sparse.csr_matrix(X))


def test_what_is_there_under_several_names():
    expected = ours.NearestNeighbors().fit(X).kneighbors(QUERIES)
    for parameters in ({"metric": "l2", "p": 1}, {"metric": "euclidean"}, {"metric_params": {"p": 2}}, {"metric_params": {}, "p": 2.0}):
        found = ours.NearestNeighbors(**parameters).fit(X).kneighbors(QUERIES)
        np.testing.assert_array_equal(found[0], expected[0])
        np.testing.assert_array_equal(found[1], expected[1])


@pytest.mark.parametrize("jobs", [None, 1, 2, -1, -2, np.int64(3), 1000])
def test_threads_change_nothing(jobs):
    alone = ours.NearestNeighbors().fit(X)
    with joblib.parallel_config(n_jobs=2):
        found = ours.NearestNeighbors(n_jobs=jobs).fit(X).kneighbors(QUERIES)
    np.testing.assert_array_equal(found[0], alone.kneighbors(QUERIES)[0])


def test_set_params_waits_for_the_next_fit():
    fitted = ours.NearestNeighbors(3, radius=2.0).fit(X)
    distances, ids = fitted.kneighbors(QUERIES)
    within = fitted.radius_neighbors(QUERIES)[1]
    fitted.set_params(metric="cosine")
    for each in (fitted, pickle.loads(pickle.dumps(fitted))):
        np.testing.assert_array_equal(each.kneighbors(QUERIES)[0], distances)
        np.testing.assert_array_equal(each.kneighbors(QUERIES)[1], ids)
        for left, right in zip(each.radius_neighbors(QUERIES)[1], within, strict=True):
            np.testing.assert_array_equal(left, right)
    again = fitted.fit(X)
    assert again is fitted
    assert again.effective_metric_ == "cosine"
    np.testing.assert_array_equal(
        again.kneighbors(QUERIES)[0], ours.NearestNeighbors(3, metric="cosine").fit(X).kneighbors(QUERIES)[0]
    )
    fitted.set_params(n_neighbors=5)  # what only questions need counts at once, as in scikit-learn
    assert fitted.kneighbors(QUERIES)[1].shape == (11, 5)


@pytest.mark.parametrize("name", NAMES)
def test_pickle_clone_and_float16(name):
    fitted = getattr(ours, name)(metric="sqeuclidean").fit(X.astype(np.float16))
    again = pickle.loads(pickle.dumps(fitted))
    assert again._index.dtype == "f16"
    assert again.get_params() == fitted.get_params()
    question = "kneighbors_graph" if hasattr(fitted, "kneighbors_graph") else "radius_neighbors_graph"
    left, right = (getattr(each, question)(QUERIES, mode="distance") for each in (again, fitted))
    np.testing.assert_array_equal(left.toarray(), right.toarray())
    fresh = clone(fitted)
    assert fresh.get_params() == fitted.get_params()
    with pytest.raises(NotFittedError):
        getattr(fresh, question)(QUERIES)


def test_data_frames():
    frame = pandas.DataFrame(X, columns=list("abcdef"))
    fitted = ours.NearestNeighbors().fit(frame)
    assert fitted.feature_names_in_.tolist() == list("abcdef")
    np.testing.assert_array_equal(fitted.kneighbors(frame)[1], ours.NearestNeighbors().fit(X).kneighbors(X)[1])
    with pytest.raises(ValueError, match="feature names"):
        fitted.radius_neighbors(frame.rename(columns={"a": "z"}))
    with pytest.warns(UserWarning, match="feature names"):
        fitted.kneighbors(X)


@pytest.mark.parametrize("name", NAMES[1:])
def test_names_and_kind_of_the_output(name):
    mine, other = (getattr(module, name)().fit(X) for module in (ours, theirs))
    np.testing.assert_array_equal(mine.get_feature_names_out(), other.get_feature_names_out())
    assert sparse.isspmatrix_csr(mine.set_output(transform="default").transform(X))
    messages = []
    for each in (mine, other):  # a sparse graph is no data frame: both say so
        with pytest.raises(ValueError, match="sparse") as failure:
            each.set_output(transform="pandas").transform(X)
        messages.append(str(failure.value))
    assert messages[0] == messages[1]


@pytest.mark.skipif("sparse_interface" not in sklearn.get_config(), reason="of scikit-learn 1.9 and later")
def test_graphs_are_of_the_kind_that_is_configured():
    fitted = ours.NearestNeighbors().fit(X)
    with sklearn.config_context(sparse_interface="sparray"):
        assert isinstance(fitted.kneighbors_graph(), sparse.csr_array)
        assert isinstance(fitted.radius_neighbors_graph(), sparse.csr_array)
    assert isinstance(fitted.kneighbors_graph(), sparse.csr_matrix)


@pytest.mark.parametrize("mode", ["distance", "connectivity"])
def test_transformer_is_that_of_scikit_learn(mode):
    left = ours.KNeighborsTransformer(mode=mode, n_neighbors=5).fit_transform(X)
    right = theirs.KNeighborsTransformer(mode=mode, n_neighbors=5, algorithm="brute").fit_transform(X)
    assert left.nnz == right.nnz
    np.testing.assert_allclose(left.toarray(), right.toarray(), rtol=1e-4, atol=1e-6)


@pytest.mark.filterwarnings("error")  # also of graphs whose rows are not sorted
def test_transformers_feed_what_takes_a_precomputed_graph():
    made = make_pipeline(ours.KNeighborsTransformer(n_neighbors=20), Isomap(n_neighbors=20, metric="precomputed"))
    assert made.fit_transform(X).shape == (90, 2)
    clusters = make_pipeline(
        ours.RadiusNeighborsTransformer(radius=2.0), DBSCAN(eps=1.5, min_samples=3, metric="precomputed")
    ).fit_predict(X)
    np.testing.assert_array_equal(clusters, DBSCAN(eps=1.5, min_samples=3).fit_predict(X))
    classes = (X[:, 0] > 0).astype(int) + (X[:, 1] > 0)
    ranked = make_pipeline(
        ours.KNeighborsTransformer(n_neighbors=7, metric="cosine"),
        theirs.KNeighborsClassifier(n_neighbors=7, weights="distance", metric="precomputed"),
    ).fit(X, classes)
    expected = theirs.KNeighborsClassifier(n_neighbors=7, weights="distance", metric="cosine").fit(X, classes)
    np.testing.assert_array_equal(ranked.predict(QUERIES), expected.predict(QUERIES))
    np.testing.assert_allclose(ranked.predict_proba(QUERIES), expected.predict_proba(QUERIES), rtol=1e-4)
