"""The FAISS-shaped indexes keep FAISS's conventions; beside FAISS itself where it is installed."""

import numpy as np
import pytest
from maxdot import faiss as adapter
from support import best, gaussian

ITEMS, QUERIES = gaussian(150, 10, 11), gaussian(8, 10, 12)
KINDS = [("IndexFlatIP", "dot"), ("IndexFlatL2", "euclidean")]


@pytest.mark.parametrize(("name", "metric"), KINDS)
def test_answers_and_conventions(name, metric):
    index = getattr(adapter, name)(10)
    assert (index.ntotal, index.d, index.is_trained) == (0, 10, True)
    index.train(ITEMS)
    index.add(ITEMS[:100])
    assert index.search(QUERIES, 3)[1].max() < 100
    index.add(ITEMS[100:].astype(np.float64))  # FAISS's wrapper casts too
    assert index.ntotal == 150
    distances, ids = index.search(QUERIES, 6)
    assert (distances.dtype, ids.dtype, distances.shape) == (np.float32, np.int64, (8, 6))
    expected_ids, expected = best(ITEMS, QUERIES, 6, metric)
    np.testing.assert_array_equal(ids, expected_ids)
    np.testing.assert_allclose(distances, expected**2 if metric == "euclidean" else expected, rtol=1e-5)
    np.testing.assert_array_equal(index.reconstruct(120), ITEMS[120])
    np.testing.assert_array_equal(index.reconstruct_n(140), ITEMS[140:])
    index.reset()
    distances, ids = index.search(QUERIES, 2)
    assert (ids == -1).all()
    assert (distances == np.finfo(np.float32).max * (-1 if metric == "dot" else 1)).all()


def test_added_rows_are_the_caller_s_to_change():
    index = adapter.IndexFlatIP(10)
    rows = ITEMS.copy()
    index.add(rows)
    rows[:] = 0
    np.testing.assert_array_equal(index.search(QUERIES, 4)[1], best(ITEMS, QUERIES, 4, "dot")[0])


def test_refusals():
    index = adapter.IndexFlatL2(10)
    index.add(ITEMS)
    for call in (
        lambda: adapter.IndexFlatIP(0),
        lambda: index.add(ITEMS[:, :4]),
        lambda: index.search(QUERIES[0], 3),
        lambda: index.search(QUERIES, 0),
        lambda: index.search(np.full((1, 10), np.nan), 1),
        lambda: index.reconstruct(150),
        lambda: index.reconstruct_n(-1, 2),
    ):
        with pytest.raises(ValueError, match=":"):
            call()


@pytest.mark.parametrize(("name", "metric"), KINDS)
def test_beside_faiss(name, metric):
    real = getattr(pytest.importorskip("faiss"), name)(10)
    ours = getattr(adapter, name)(10)
    for index in (real, ours):
        index.add(ITEMS)
    np.testing.assert_array_equal(real.search(QUERIES, 5)[1], ours.search(QUERIES, 5)[1])
    np.testing.assert_allclose(real.search(QUERIES, 5)[0], ours.search(QUERIES, 5)[0], rtol=1e-4, atol=1e-4)
    assert (real.metric_type, real.d, real.ntotal) == (ours.metric_type, ours.d, ours.ntotal)


@pytest.mark.parametrize("metric", [0, 1])
@pytest.mark.parametrize("factory", ["Flat", "IDMap,Flat", "IDMap2,Flat"])
def test_the_same_calls_of_faiss(factory, metric):
    real = pytest.importorskip("faiss")
    rows = np.random.default_rng(3).integers(-9, 10, (200, 5)).astype(np.float32)  # exact in float32, too
    ids = np.random.default_rng(4).permutation(1000)[:200]

    def history(library):
        index = library.index_factory(5, factory, metric)
        names = np.arange(200) if factory == "Flat" else ids
        if factory == "Flat":
            index.add(rows.astype(np.float64))
        else:
            index.add_with_ids(rows, ids.astype(np.int32))
        bits = np.packbits(np.arange(1000) % 3 > 0, bitorder="little")
        selectors = [
            library.IDSelectorBatch(names[20:90]),
            library.IDSelectorArray(names[20:90]),
            library.IDSelectorRange(30, 500),
            library.IDSelectorBitmap(bits),
            library.IDSelectorNot(library.IDSelectorRange(30, 500)),
            library.IDSelectorXOr(library.IDSelectorRange(30, 90), library.IDSelectorBatch(names[:50])),
        ]
        for step in range(3):
            yield index.ntotal, index.remove_ids(names[step::17]), index.ntotal
            if factory != "Flat":
                yield library.vector_to_array(index.id_map)
            if factory != "IDMap,Flat":
                key = int(names[150]) if factory != "Flat" else 150
                yield index.reconstruct(key)
                yield index.reconstruct_batch(np.array([key, key]))
            for params in (None, *(library.SearchParameters(sel=sel) for sel in selectors)):
                D, I = index.search(rows[:20], 300, params=params)
                yield D
                for distances, found in zip(D, I, strict=True):  # FAISS leaves the order of equal ones open
                    yield np.array(sorted(zip(distances, found, strict=True)))
                yield from index.range_search(rows[:20], 40, params=params)
        yield index.remove_ids(selectors[-1]), index.ntotal

    for ours, theirs in zip(history(adapter), history(real), strict=True):
        np.testing.assert_array_equal(ours, theirs)
        assert not isinstance(ours, np.ndarray) or ours.dtype == theirs.dtype
