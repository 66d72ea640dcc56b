"""Random histories of the FAISS-shaped indexes, beside rows in a list and brute force in NumPy's float64.

Rows are small whole numbers: every product is exact in float64, and many are equal, so results can be compared bit for
bit, with their order.
"""

import math
import types

import numpy as np
import pytest
from maxdot import faiss
from maxdot.faiss import row_store

METRICS = {"ip": faiss.METRIC_INNER_PRODUCT, "l2": faiss.METRIC_L2}
KINDS = {"flat": None, "idmap": faiss.IndexIDMap, "idmap2": faiss.IndexIDMap2}
LARGEST = np.finfo(np.float32).max


class Model:
    """Rows and their ids; what an index of them should answer."""

    def __init__(self, d, metric, mapped):
        self.rows, self.ids = np.empty((0, d)), np.empty(0, np.int64)
        self.metric, self.mapped = metric, mapped

    def add(self, rows, ids):
        self.rows, self.ids = np.vstack([self.rows, rows]), np.append(self.ids, ids)

    def names(self):
        return self.ids if self.mapped else np.arange(len(self.rows))

    def remove(self, gone):
        self.rows, self.ids = self.rows[~gone], self.ids[~gone]

    def distances(self, queries):
        if self.metric == "ip":
            return queries @ self.rows.T
        return ((queries[:, None] - self.rows) ** 2).sum(2)

    def search(self, queries, k, wanted):
        worst = LARGEST if self.metric == "l2" else -LARGEST
        D, I = np.full((len(queries), k), worst, np.float32), np.full((len(queries), k), -1)
        numbers = np.flatnonzero(wanted)
        for i, row in enumerate(self.distances(queries)):
            best = numbers[np.argsort(row[numbers] if self.metric == "l2" else -row[numbers], kind="stable")][:k]
            D[i, : len(best)], I[i, : len(best)] = row[best], self.names()[best]
        return D, I

    def range_search(self, queries, threshold, wanted):
        lims, D, I = [0], [], []
        for row in self.distances(queries):
            better = (row < threshold if self.metric == "l2" else row > threshold) & wanted
            lims.append(lims[-1] + better.sum())
            D.append(row[better])
            I.append(self.names()[better])
        return lims, np.concatenate(D), np.concatenate(I)


def whole(random, rows, d):
    return random.integers(-2, 3, (rows, d)).astype(np.float64)


def change(random, index, model, kind):
    step = random.choice(["add", "add", "add", "remove", "remove range", "reset"], p=[0.3, 0.2, 0.2, 0.15, 0.12, 0.03])
    d, names = index.d, model.names()
    if step == "add":
        n = int(random.choice([0, 1, 2, 63, 64, 65, 200, 700]))
        rows = whole(random, n, d).astype(random.choice([np.float16, np.float32, np.float64]))
        ids = random.integers(-5, 2000, n)
        if kind == "flat":
            index.add(rows)
        else:
            index.add_with_ids(rows, ids)
        model.add(rows, ids)
    elif step == "reset":
        index.reset()
        model.remove(np.ones(len(names), bool))
    elif step == "remove":
        some = random.choice(names, int(random.choice([1, 5, 300]))) if len(names) else np.array([3])
        gone = np.isin(names, some)
        assert index.remove_ids(np.append(some, [-7, 1 << 40])) == gone.sum()
        model.remove(gone)
    else:
        low, high = np.sort(random.integers(-10, 2000, 2))
        gone = (names >= low) & (names < high)
        assert index.remove_ids(faiss.IDSelectorRange(low, high)) == gone.sum()
        model.remove(gone)


def compare(random, index, model, kind):
    d, n, names = index.d, len(model.rows), model.names()
    assert index.ntotal == n
    queries = whole(random, int(random.choice([0, 1, 3, 17])), d)
    k = int(random.choice([1, 2, 10, 65, n + 3]))
    some = random.integers(-5, 2000, 40)
    for sel, wanted in (
        (None, np.ones(n, bool)),
        (faiss.IDSelectorBatch(some), np.isin(names, some)),
        (faiss.IDSelectorNot(faiss.IDSelectorArray(some)), ~np.isin(names, some)),
    ):
        params = faiss.SearchParameters(sel=sel)
        D, I = index.search(queries, k, params=params)
        expected = model.search(queries, k, wanted)
        np.testing.assert_array_equal(I, expected[1])
        np.testing.assert_array_equal(D, expected[0])
        threshold = float(random.integers(-3, 2 * d))
        found = index.range_search(queries, threshold, params=params)
        for value, other in zip(found, model.range_search(queries, threshold, wanted) if len(queries) else
                                ([0], [], []), strict=True):
            np.testing.assert_array_equal(value, other)
        assert [array.dtype for array in found] == [np.uint64, np.float32, np.int64]
    D, I, R = index.search_and_reconstruct(queries, k)
    expected = model.search(queries, k, np.ones(n, bool))
    np.testing.assert_array_equal(I, expected[1])
    np.testing.assert_array_equal(I, index.assign(queries, k))
    if kind == "flat":
        np.testing.assert_array_equal(R[I >= 0], model.rows[I[I >= 0]])
        np.testing.assert_array_equal(index.reconstruct_n(), model.rows)
        keys = random.integers(0, n, 30) if n else np.empty(0, int)
        np.testing.assert_array_equal(index.reconstruct_batch(keys), model.rows[keys])
    else:
        np.testing.assert_array_equal(np.array(index.id_map), model.ids)
    if kind == "idmap2" and n:
        keys = random.choice(model.ids, 20)
        last = {name: number for number, name in enumerate(model.ids)}
        np.testing.assert_array_equal(index.reconstruct_batch(keys), model.rows[[last[key] for key in keys]])
        np.testing.assert_array_equal(index.reconstruct(keys[0]), model.rows[last[keys[0]]])
    assert np.isnan(R[I == -1]).all() or -1 in model.ids


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("d", [1, 3, 100])
def test_histories(kind, metric, d):
    random = np.random.default_rng([d, len(kind), len(metric), METRICS[metric]])
    flat = faiss.IndexFlat(d, METRICS[metric])
    index, model = flat if kind == "flat" else KINDS[kind](flat), Model(d, metric, kind != "flat")
    copies = []
    compare(random, index, model, kind)
    for step in range(25):
        change(random, index, model, kind)
        if random.random() < 0.6:
            compare(random, index, model, kind)
        if step in (8, 16):
            copies.append((faiss.clone_index(index), index.ntotal))
        sizes = [part.size for part in index.parts().parts]
        assert all(a >= 2 * b for a, b in zip(sizes, sizes[1:], strict=False)), sizes
    assert all(copy.ntotal == n for copy, n in copies)


@pytest.mark.parametrize("metric", METRICS)
def test_pieces_are_the_bits_of_one_index(metric):
    rows = np.random.default_rng(5).standard_normal((3000, 17)).astype(np.float32)
    rows[1000:1100] = rows[:100]
    pieces, one = (faiss.IndexFlat(17, METRICS[metric]) for _ in range(2))
    one.add(rows)
    for begin, end in ((0, 1900), (1900, 2700), (2700, 2991), (2991, 3000)):
        pieces.add(rows[begin:end])
        pieces.search(rows[:1], 1)
    assert len(pieces.parts().parts) == 4
    for k in (1, 10, 3000, 3005):
        for a, b in zip(pieces.search(rows[:50], k), one.search(rows[:50], k), strict=True):
            np.testing.assert_array_equal(a, b)
    for a, b in zip(pieces.range_search(rows[:50], 3.0), one.range_search(rows[:50], 3.0), strict=True):
        np.testing.assert_array_equal(a, b)


def test_adding_in_pieces_copies_each_row_a_few_times(monkeypatch):
    built = []

    def build(rows, *arguments):
        built.append(len(rows))
        return row_store_core.Index.build(rows, *arguments)

    row_store_core = row_store._core
    monkeypatch.setattr(row_store, "_core", types.SimpleNamespace(Index=types.SimpleNamespace(build=build)))
    index = faiss.IndexFlatIP(4)
    n, rows = 800, np.ones((1, 4), np.float32)
    for _ in range(n):
        index.add(rows)
        index.search(rows, 1)
    assert sum(built) <= n * (1 + math.log(n, 1.5))
    assert len(index.parts().parts) <= 1 + math.log2(n)


def test_removed_rows_are_copied_once_they_are_the_most(monkeypatch):
    index = faiss.IndexFlatL2(2)
    index.add(np.arange(2000).reshape(1000, 2))
    index.search(np.zeros((1, 2)), 1)
    (part,) = index.parts().parts
    for left in range(999, 499, -1):
        index.remove_ids(np.array([0]))
        assert index.parts().parts[0].engine is part.engine
        assert index.search(np.zeros((1, 2)), 1)[0][0, 0] == 2 * (1000.0 - left) * 2 * (1000.0 - left) + (
            2 * (1000.0 - left) + 1
        ) ** 2
    index.remove_ids(np.array([0]))
    assert index.parts().parts[0].engine.size == 499
