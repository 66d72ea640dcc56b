"""FAISS's functions: knn, normalize_L2, threads."""

import numpy as np
import pytest
from maxdot import faiss
from support import best, gaussian

ITEMS, QUERIES = gaussian(150, 10, 11), gaussian(8, 10, 12)


@pytest.fixture
def threads():
    from maxdot.faiss import threads as module

    yield module
    module._threads = 0


@pytest.mark.parametrize("k", [0, 1, 150, 160])
@pytest.mark.parametrize(("metric", "name"), [(faiss.METRIC_INNER_PRODUCT, "dot"), (faiss.METRIC_L2, "euclidean")])
def test_knn(metric, name, k):
    D, I = faiss.knn(QUERIES.tolist(), ITEMS, k, metric)
    ids, scores = best(ITEMS, QUERIES, k, name)
    np.testing.assert_array_equal(I[:, :150], ids)
    np.testing.assert_allclose(D[:, :150], scores if name == "dot" else scores**2, rtol=1e-6)
    assert (D.shape, I.shape, D.dtype, I.dtype) == ((8, k), (8, k), np.float32, np.int64)
    assert (I[:, 150:] == -1).all()


def test_knn_refuses():
    for call, error in (
        (lambda: faiss.knn(QUERIES, ITEMS[:, :3], 2), AssertionError),
        (lambda: faiss.knn(QUERIES, ITEMS, -1), AssertionError),
        (lambda: faiss.knn(QUERIES, ITEMS, 2, 23), ValueError),
        (lambda: faiss.knn(np.empty((1, 0)), np.empty((1, 0)), 1), ValueError),
    ):
        with pytest.raises(error, match=":"):
            call()
    assert faiss.knn(QUERIES, ITEMS[:0], 2)[1].tolist() == [[-1, -1]] * 8


@pytest.mark.parametrize("scale", [1, 1e-30, 1e30])
def test_normalize(scale):
    rows = (ITEMS * np.float64(scale)).astype(np.float32)
    rows[7] = 0
    expected = rows.astype(np.float64)
    expected /= np.maximum(np.sqrt((expected**2).sum(1)), 1e-300)[:, None]
    view = np.empty((150, 20), np.float32)[:, ::2]
    view[:] = rows
    assert faiss.normalize_L2(rows) is None
    faiss.normalize_L2(view)
    np.testing.assert_allclose(rows, expected, rtol=1e-7)
    np.testing.assert_array_equal(view, rows)
    assert (rows[7] == 0).all()


def test_normalize_refuses():
    read_only = ITEMS.copy()
    read_only.flags.writeable = False
    bad = ITEMS.copy()
    bad[3, 1] = np.inf
    before = bad.copy()
    for value, error in (
        (ITEMS.astype(np.float64), TypeError),
        (ITEMS.tolist(), TypeError),
        (ITEMS[0].copy(), ValueError),
        (read_only, ValueError),
        (bad, ValueError),
    ):
        with pytest.raises(error, match="^x: "):
            faiss.normalize_L2(value)
    np.testing.assert_array_equal(bad, before)


def test_threads(threads):
    most = faiss.omp_get_max_threads()
    assert most >= 1
    index = faiss.IndexFlatIP(10)
    index.add(ITEMS)
    expected = index.search(QUERIES, 5)
    for asked, told in ((1, 1), (3, 3), (0, 1), (-2, 1), (np.int32(2), 2)):
        faiss.omp_set_num_threads(asked)
        assert faiss.omp_get_max_threads() == told
        for a, b in zip(index.search(QUERIES, 5), expected, strict=True):
            np.testing.assert_array_equal(a, b)
    with pytest.raises((TypeError, AttributeError)):
        faiss.omp_set_num_threads(1.5)


def test_pointers_are_the_arrays():
    assert faiss.swig_ptr(ITEMS) is ITEMS
    with pytest.raises(ValueError, match="not a numpy array"):
        faiss.swig_ptr([1])
    with pytest.raises(TypeError, match="v: list"):
        faiss.vector_to_array([1])


def test_masked_arrays_stay_as_they_are():
    given = np.ma.masked_array(ITEMS[:2].copy(), mask=ITEMS[:2] > 0)
    with pytest.raises(TypeError, match="^x: a masked array"):
        faiss.normalize_L2(given)
    np.testing.assert_array_equal(given.data, ITEMS[:2])
    with pytest.raises(TypeError, match="^bitmap: pass a uint8 array"):
        faiss.IDSelectorBitmap(np.ma.masked_array([1, 2], mask=[True, False], dtype=np.uint8))


def test_results_that_do_not_fit_in_memory():
    index = faiss.IndexFlatIP(10)
    index.add(ITEMS)
    for queries in (QUERIES, QUERIES[:0]):
        for call in (index.search, index.search_and_reconstruct):
            with pytest.raises(MemoryError, match="^k: .* do not fit in memory"):
                call(queries, 2**62)


def test_bytes_that_are_no_index():
    with pytest.raises(faiss.FaissError, match="^data: "):
        faiss.deserialize_index(b"abc")
