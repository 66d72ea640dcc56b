"""Filters, several interests and ranges from Python, against brute force with the same rules."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import scipy.sparse
from hypothesis import given, settings
from hypothesis import strategies as st

import maxdot

RNG = np.random.default_rng(5)
ITEMS = RNG.normal(size=(3000, 12)).astype(np.float32)
QUERIES = RNG.normal(size=(9, 12)).astype(np.float32)
INDEX = maxdot.Index.build(ITEMS, metric="dot")


def brute(queries: np.ndarray, k: int, permitted: np.ndarray) -> np.ndarray:
    """The ids of the best k of the permitted items (bool [queries, items]), padded with -1."""
    scores = np.where(permitted, queries.astype(np.float64) @ ITEMS.T.astype(np.float64), -np.inf)
    order = np.argsort(-scores, axis=1, kind="stable")[:, :k]
    return np.where(np.take_along_axis(scores, order, 1) == -np.inf, -1, order)


def as_mask(lists: list[list[int]]) -> np.ndarray:
    mask = np.zeros((len(lists), len(ITEMS)), dtype=bool)
    for row, ids in zip(mask, lists):
        row[[i for i in ids if 0 <= i < len(ITEMS)]] = True
    return mask


LISTS = [RNG.integers(0, 3000, size=int(n)).tolist() for n in RNG.integers(0, 400, size=9)]
FORMS: dict[str, Any] = {
    "list of lists": LISTS,
    "list of arrays": [np.array(row, dtype=np.int32) for row in LISTS],
    "SciPy CSR": scipy.sparse.csr_matrix(as_mask(LISTS)),
    "tuple": (np.cumsum([0] + [len(row) for row in LISTS]), np.concatenate(LISTS).astype(np.int64)),
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_lists(form: str) -> None:
    inside = as_mask(LISTS)
    np.testing.assert_array_equal(INDEX.search(QUERIES, 30, exclude=FORMS[form])[0], brute(QUERIES, 30, ~inside))
    np.testing.assert_array_equal(INDEX.search(QUERIES, 30, allow=FORMS[form])[0], brute(QUERIES, 30, inside))


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_filters_apply_together(data: st.DataObject) -> None:
    lists = st.lists(st.lists(st.integers(-2, 3001), max_size=40), min_size=9, max_size=9)
    permitted = np.ones((9, 3000), dtype=bool)
    filters: dict[str, Any] = {}
    if data.draw(st.booleans()):
        filters["exclude"] = data.draw(lists)
        permitted &= ~as_mask(filters["exclude"])
    if data.draw(st.booleans()):
        filters["allow"] = data.draw(lists)
        permitted &= as_mask(filters["allow"])
    if data.draw(st.booleans()):
        share = data.draw(st.sampled_from([0.0, 0.01, 0.5, 1.0]))
        filters["item_mask"] = np.random.default_rng(data.draw(st.integers(0, 9))).random(3000) < share
        permitted &= filters["item_mask"]
    k = data.draw(st.sampled_from([1, 10, 300]))
    ids, scores, stats = INDEX.search(QUERIES, k, stats=True, **filters)
    np.testing.assert_array_equal(ids, brute(QUERIES, k, permitted))
    np.testing.assert_array_equal(stats["counts"], np.minimum(k, permitted.sum(1)))
    assert np.all(np.isneginf(scores) == (ids == -1))


def test_a_stored_zero_is_no_entry() -> None:
    seen = scipy.sparse.csr_matrix(as_mask([[5], [6]]).astype(np.float32))
    seen.data[0] = 0.0
    found = INDEX.search(QUERIES[:2], 3000, exclude=seen)[0]
    assert 5 in found[0]
    assert 6 not in found[1]
    assert seen.nnz == 2  # the caller's matrix is as it was


def test_one_query_takes_its_ids_alone() -> None:
    best = INDEX.search(QUERIES[0], 4)[0]
    for form in (best.tolist(), best, [best], [best.tolist()]):
        ids = INDEX.search(QUERIES[0], 3, exclude=form)[0]
        assert ids.shape == (3,)
        assert not set(ids) & set(best)
    np.testing.assert_array_equal(INDEX.search(QUERIES[0], 2, allow=best)[0], best[:2])
    for nothing in ([], set(), np.array([], dtype=np.int64), [[]]):
        np.testing.assert_array_equal(INDEX.search(QUERIES[0], 4, exclude=nothing)[0], best)
        np.testing.assert_array_equal(INDEX.search(QUERIES[0], 2, allow=nothing)[0], [-1, -1])
    assert INDEX.search(QUERIES[:0], 2, exclude=[])[0].shape == (0, 2)


def test_lists_hold_ids_and_the_mask_holds_rows() -> None:
    ids = np.arange(3000)[::-1] * 10 + 7
    index = maxdot.Index.build(ITEMS, ids=ids, metric="dot")
    plain = index.search(QUERIES, 5)[0]
    without = index.search(QUERIES, 5, exclude=plain[:, :1].tolist())[0]
    np.testing.assert_array_equal(without[:, :4], plain[:, 1:])
    mask = np.ones(3000, dtype=bool)
    mask[np.searchsorted(-ids, -plain[0, 0])] = False
    assert plain[0, 0] not in index.search(QUERIES, 5, item_mask=mask)[0]


@pytest.mark.parametrize(
    ("filters", "message"),
    [
        ({"exclude": [[1]]}, "exclude: has 1 lists, but there are 9 queries"),
        ({"exclude": [[1.5]] * 9}, r"exclude\[0\]: dtype float64 is not an integer"),
        ({"exclude": "ab"}, "exclude: str is no list of lists"),
        ({"exclude": 5}, "exclude: int is no list of lists"),
        ({"allow": ([0, 2, 1], [1, 2])}, "allow: .*offset"),
        ({"allow": ([0], [1, 2])}, "allow: the last offset is 0 but there are 2 ids"),
        ({"item_mask": np.ones(2999, dtype=bool)}, "item_mask: has 2999 values"),
        ({"item_mask": np.ones(3000)}, "item_mask: float64 of shape"),
        ({"exclude": [np.array([2**63], dtype=np.uint64)] * 9}, "does not fit into int64"),
    ],
)
def test_refusals_name_the_argument(filters: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        INDEX.search(QUERIES, 3, **filters)


@pytest.mark.parametrize("interests", [1, 2, 4, 8])
def test_several_interests(interests: int) -> None:
    users = RNG.normal(size=(6, interests, 12)).astype(np.float32)
    if interests > 1:
        users[2, 1:] = 0
    users[4] = 0
    scores = users.astype(np.float64) @ ITEMS.T.astype(np.float64)
    scores[~users.any(2)] = -np.inf
    best = scores.max(1)
    order = np.argsort(-best, axis=1, kind="stable")[:, :20]
    right = np.where(np.take_along_axis(best, order, 1) == -np.inf, -1, order)
    ids, found = INDEX.search_multi(users, 20)
    np.testing.assert_array_equal(ids, right)
    np.testing.assert_array_equal(INDEX.search_multi(users[0], 20)[0], right[0])
    without = INDEX.search_multi(users, 19, exclude=right[:, :1].tolist())[0]
    np.testing.assert_array_equal(without, right[:, 1:])
    assert np.all(np.diff(found[right[:, 0] >= 0]) <= 0)


def test_interests_of_a_wrong_shape() -> None:
    with pytest.raises(ValueError, match="users: shape"):
        INDEX.search_multi(np.zeros(12, dtype=np.float32), 3)
    with pytest.raises(ValueError, match="dimension 11"):
        INDEX.search_multi(np.zeros((2, 2, 11), dtype=np.float32), 3)
    with pytest.raises(ValueError, match="per_user = 0"):
        INDEX.search_multi(np.zeros((2, 0, 12), dtype=np.float32), 3)


def test_range() -> None:
    scores = QUERIES.astype(np.float64) @ ITEMS.T.astype(np.float64)
    thresholds = np.sort(scores, axis=1)[:, -np.arange(1, 10) ** 2]  # a score of each query, in every place
    limits = np.diagonal(thresholds)
    offsets, ids, found = INDEX.search_range(QUERIES, limits)
    for q in range(9):
        right = np.argsort(-scores[q], kind="stable")[: np.sum(scores[q] >= limits[q])]
        mine = slice(offsets[q], offsets[q + 1])
        # The 12 products of a score are summed in one order here and in another there: the last may fall either way.
        assert abs(len(ids[mine]) - len(right)) <= 1
        common = min(len(ids[mine]), len(right))
        np.testing.assert_array_equal(ids[mine][:common], right[:common])
        np.testing.assert_allclose(found[mine], scores[q][ids[mine]], rtol=1e-6)
    one = INDEX.search_range(QUERIES[0], float(limits[0]), exclude=ids[:1])
    assert len(one[1]) == offsets[1] - 1
    distances = INDEX.search_range(QUERIES, 3.0, metric="euclidean", stats=True)
    right_counts = (np.linalg.norm(QUERIES[:, None].astype(np.float64) - ITEMS[None], axis=2) <= 3.0).sum(1)
    np.testing.assert_array_equal(distances[3]["counts"], right_counts)
    with pytest.raises(ValueError, match="NaN"):
        INDEX.search_range(QUERIES, float("nan"))
    with pytest.raises(ValueError, match="thresholds: has 2 values"):
        INDEX.search_range(QUERIES, [1.0, 2.0])
    with pytest.raises(ValueError, match="threshold: shape"):
        INDEX.search_range(QUERIES, [[1.0]])
