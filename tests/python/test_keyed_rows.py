"""KeyedRows: whatever has come and gone, and in which pieces, it answers as one index of the rows that are left."""

import pickle

import numpy as np
import pytest
from maxdot.keyed_rows import KeyedRows
from support import METRICS, best, gaussian


def expected(rows, queries, k, metric, wanted=lambda key: True):
    keys = np.array(sorted(key for key in rows if wanted(key)), np.int64)
    items = np.array([rows[key] for key in keys.tolist()], np.float32).reshape(-1, queries.shape[1])
    if len(keys) == 0:
        return np.full((len(queries), k), -1)
    ids = best(items, queries, k, metric, ids=keys)[0]
    return np.pad(ids, ((0, 0), (0, k - ids.shape[1])), constant_values=-1)


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("dtype", [np.float32, np.float16])
def test_as_one_index(metric, dtype):
    random = np.random.default_rng(3)
    queries = gaussian(3, 5, 1)
    store, rows = KeyedRows(5, metric, dtype), {}
    for step in range(120):
        count = int(random.choice([1, 1, 2, 7, 40]))
        keys = random.integers(0, 150, count)
        if random.random() < 0.6:
            new = random.integers(-2, 3, (count, 5)).astype(np.float32)  # equal rows, and ties
            store.put(keys, new)
            rows.update(zip(keys.tolist(), new, strict=True))
        else:
            gone = set(keys.tolist()) & set(rows)
            assert store.remove(keys) == len(gone)
            rows = {key: row for key, row in rows.items() if key not in gone}
        assert len(store) == len(rows)
        np.testing.assert_array_equal(store.keys(), sorted(rows))
        if step % 3 == 0:
            if metric != "cosine":  # whose ties depend on the last bit
                np.testing.assert_array_equal(store.search(queries, 20, 1)[0], expected(rows, queries, 20, metric))
                odd = store.search(queries, 9, 1, lambda found: found % 2 == 1)[0]
                np.testing.assert_array_equal(odd, expected(rows, queries, 9, metric, lambda key: key % 2 == 1))
            keys = store.keys()
            if len(keys):
                np.testing.assert_array_equal(store.find(keys[::-1])[1], [rows[key] for key in keys[::-1].tolist()])
                engine = store.index()  # the one that it stands for: the same bits
                alone = engine.search(queries, 20, 1, None, False, "keys")
                for one, other in zip(store.search(queries, 20, 1), alone, strict=True):
                    np.testing.assert_array_equal(one, other)
            again = pickle.loads(pickle.dumps(store))
            np.testing.assert_array_equal(again.search(queries, 20, 1)[1], store.search(queries, 20, 1)[1])


def test_parts_stay_few():
    store = KeyedRows(2, "dot")
    for key in range(500):
        store.put(np.array([key]), np.ones((1, 2), np.float32))
        store.search(np.ones((1, 2), np.float32), 1, 1)
    assert len(store._parts) <= 10
    store.remove(np.arange(0, 500, 3))
    store.remove(np.arange(1, 500, 3))
    assert sum(len(part.keys) for part in store._parts) <= 2 * len(store)


def test_nothing():
    store = KeyedRows(3, "euclidean")
    ids, keys = store.search(gaussian(2, 3, 1), 4, 1)
    assert (ids == -1).all()
    assert (keys == -np.inf).all()
    assert store.index().size == 0
    assert store.find(np.empty(0, np.int64))[1].shape == (0, 3)
    store.put(np.array([7, 7]), np.array([[1, 2, 3], [4, 5, 6]], np.float32))  # the last counts
    np.testing.assert_array_equal(store.find(np.array([7, 7]))[1], [[4, 5, 6], [4, 5, 6]])
    assert store.find(np.array([7, 8]))[0].tolist() == [True, False]
    assert store.remove(np.array([7, 8])) == 1
    assert 7 not in store
    assert (store.search(gaussian(2, 3, 1), 4, 1)[0] == -1).all()
