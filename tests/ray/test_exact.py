"""Shards equal one index, bit for bit."""

import maxdot
import numpy as np
import pytest
from cluster import PATIENCE, assert_same, assert_same_json, split

RANDOM = np.random.default_rng(3)
ITEMS = RANDOM.standard_normal((600, 12), dtype=np.float32)
ITEMS[200:400] = ITEMS[:200]  # ties across shards, also three at a time
ITEMS[400:450] = ITEMS[:50]
QUERIES = RANDOM.standard_normal((9, 12), dtype=np.float32)
QUERIES[0] = 0  # ties of everything
EXCLUDE = [[int(x) for x in row] for row in RANDOM.integers(0, 700, (9, 40))]
ALLOW = [[int(x) for x in row] for row in RANDOM.integers(0, 700, (9, 25))]
ALLOW[4] = []


def assert_equals(served, whole, queries, k, **how):
    assert_same(served.search(queries, k, **how), whole.search(queries, k, **how))


@pytest.mark.parametrize("metric", ["dot", "cosine", "euclidean"])
@pytest.mark.parametrize("normalize", [False, True])
def test_shards_are_one_index(run, saved, metric, normalize):
    served = run(saved(ITEMS, split(600, 2), metric=metric, normalize=normalize))
    whole = maxdot.Index.build(ITEMS, metric=metric, normalize=normalize)
    for k in (0, 1, 10, 300, 700):
        for scores in ("f32", "f64", "keys"):
            assert_equals(served, whole, QUERIES, k, scores=scores)
    assert_equals(served, whole, QUERIES.astype(np.float16), 10)
    assert_equals(served, whole, QUERIES[3], 10)
    assert_equals(served, whole, QUERIES[:0], 10)
    for other in ("dot", "cosine", "euclidean"):
        assert_equals(served, whole, QUERIES, 20, metric=other)
    assert_equals(served, whole, QUERIES, 30, exclude=EXCLUDE)
    assert_equals(served, whole, QUERIES, 30, allow=ALLOW)
    assert_equals(served, whole, QUERIES, 30, exclude=EXCLUDE, allow=ALLOW)
    assert_equals(served, whole, QUERIES[5], 30, exclude=EXCLUDE[5])
    assert_equals(served, whole, QUERIES[5], 30, allow=EXCLUDE[5])


def test_shards_of_very_different_size(run, saved):
    parts = [np.array([17]), np.setdiff1d(np.arange(600), [17, 44, 217]), np.array([44, 217])]
    served = run(saved(ITEMS, parts, metric="dot"))
    whole = maxdot.Index.build(ITEMS, metric="dot")
    for k in (1, 5, 600, 601):
        assert_equals(served, whole, QUERIES, k)
    status, answer = served.post({"queries": QUERIES.tolist(), "k": 601, "metric": "euclidean"})
    assert status == 200
    assert_same_json(answer, whole.search(QUERIES, 601, metric="euclidean"))
    status, answer = served.post({"queries": QUERIES[2].tolist(), "k": 3, "allow": [5, 17, 44]})
    assert (status, answer["ids"]) == (200, whole.search(QUERIES[2], 3, allow=[5, 17, 44])[0].tolist())


def test_real_items(run, saved, glove):
    items, queries = glove
    served = run(saved(items, split(len(items), 2)))
    whole = maxdot.Index.build(items)
    assert_equals(served, whole, queries, 100)
    assert_equals(served, whole, items[:1000], 200)  # too large for a message: Ray's object store holds them
    answers = [served.handle.search.remote(query, 10) for query in queries]  # at once: they share batches
    for query, answer in zip(queries, answers, strict=True):
        assert_same(answer.result(timeout_s=PATIENCE), whole.search(query, 10))
    status, answer = served.post({"queries": queries.tolist(), "k": 10, "exclude": [[1, 2]] * len(queries)})
    assert status == 200
    assert_same_json(answer, whole.search(queries, 10, exclude=[[1, 2]] * len(queries)))
