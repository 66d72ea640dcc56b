"""Shards and their merge; scores in other types."""

import numpy as np
import pytest

import maxdot

RNG = np.random.default_rng(5)
ITEMS = RNG.standard_normal((300, 12), dtype=np.float32)
ITEMS[100:120] = ITEMS[:20]
QUERIES = RNG.standard_normal((7, 12), dtype=np.float32)
PARTS = np.array_split(np.arange(300), 4)


def shards(metric: str, normalize: bool) -> list[maxdot.Index]:
    return [maxdot.Index.build(ITEMS[part], ids=part, metric=metric, normalize=normalize) for part in PARTS]


@pytest.mark.parametrize("metric", ["dot", "cosine", "euclidean"])
@pytest.mark.parametrize("normalize", [False, True])
def test_merged_shards_are_one_index(metric, normalize):
    whole = maxdot.Index.build(ITEMS, metric=metric, normalize=normalize)
    parts = shards(metric, normalize)
    for k in (0, 1, 10, 300, 400):
        found = [part.search(QUERIES, k, scores="keys") for part in parts]
        for scores in ("f32", "f64", "keys"):
            ids, values = maxdot.merge(found, k, metric, normalize, scores=scores)
            expected_ids, expected = whole.search(QUERIES, k, scores=scores)
            np.testing.assert_array_equal(ids, expected_ids)
            np.testing.assert_array_equal(values, expected)
            assert values.dtype == expected.dtype == (np.float32 if scores == "f32" else np.float64)
    threshold = whole.search(QUERIES, 30, scores="f64")[1][:, -1]
    ranges = [part.search_range(QUERIES, threshold, scores="keys") for part in parts]
    for got, expected in zip(
        maxdot.merge_ranges(ranges, metric, normalize), whole.search_range(QUERIES, threshold), strict=True
    ):
        np.testing.assert_array_equal(got, expected)


def test_f32_scores_are_the_f64_scores_rounded():
    index = maxdot.Index.build(ITEMS, metric="euclidean")
    exact = index.search(QUERIES, 10, scores="f64")[1]
    np.testing.assert_array_equal(index.search(QUERIES, 10)[1], exact.astype(np.float32))
    assert index.search(QUERIES[0], 3, scores="keys")[1].shape == (3,)


def test_what_cannot_be_merged():
    parts = shards("euclidean", False)
    keys = [part.search(QUERIES, 5, scores="keys") for part in parts]
    with pytest.raises(ValueError, match="float32 values where float64"):
        maxdot.merge([part.search(QUERIES, 5) for part in parts], 5, "euclidean")
    with pytest.raises(ValueError, match="holds no results with keys"):
        maxdot.merge([part.search(QUERIES, 5, scores="f64") for part in parts], 5, "euclidean")
    with pytest.raises(ValueError, match="ask every shard for 6 or more"):
        maxdot.merge(keys, 6, "euclidean")
    with pytest.raises(ValueError, match="item twice"):
        maxdot.merge([keys[0], keys[0]], 5, "euclidean")
    with pytest.raises(ValueError, match="there are none"):
        maxdot.merge([], 5, "euclidean")
    with pytest.raises(ValueError, match="scores: 'f16' is not"):
        parts[0].search(QUERIES, 5, scores="f16")
