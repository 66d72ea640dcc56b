"""maxdot.implicit: implicit's names and shapes, exact, and without the faults that docs/rechub.md lists."""

import numpy as np
import pytest
import tensors
from maxdot.implicit import MatrixFactorization
from scipy import sparse
from support import best, gaussian

USERS, ITEMS = gaussian(20, 6, 51), gaussian(50, 6, 52)
MODEL = MatrixFactorization(USERS, ITEMS)
LIKED = sparse.random(20, 50, density=0.3, random_state=1, format="csr", dtype=np.float32)


def ranked(user, without=(), only=range(50)):
    """Item ids by inner product, best first."""
    order = best(ITEMS, USERS[user : user + 1], 50, "dot")[0][0]
    return [item for item in order if item not in set(without) and item in set(only)]


def check(ids, scores, expected, n):
    """One row: `expected`, then the padding."""
    assert (ids.dtype, scores.dtype, ids.shape, scores.shape) == (np.int64, np.float32, (n,), (n,))
    count = min(n, len(expected))
    np.testing.assert_array_equal(ids[:count], expected[:count])
    np.testing.assert_array_equal(ids[count:], -1)
    np.testing.assert_array_equal(scores[count:], -np.inf)
    assert np.isfinite(scores[:count]).all()


def test_one_user_and_many():
    batch = np.arange(20)
    ids, scores = MODEL.recommend(batch, LIKED[batch], N=8)
    for user in batch:
        check(ids[user], scores[user], ranked(user, LIKED[user].indices), 8)
        alone = MODEL.recommend(int(user), LIKED[user], N=8)
        np.testing.assert_array_equal(alone[0], ids[user])
        np.testing.assert_array_equal(alone[1], scores[user])  # the same bits
    assert MODEL.recommend([3], LIKED[[3]])[0].shape == (1, 10)
    for one in (np.int64(3), np.array(3)):
        np.testing.assert_array_equal(MODEL.recommend(one, LIKED[3], 8)[0], ids[3])


def test_what_user_items_may_be():
    expected = MODEL.recommend([0, 5], LIKED[[0, 5]], 8)[0]
    lists = [LIKED[0].indices.tolist(), LIKED[5].indices.tolist()]
    for liked in (sparse.csr_array(LIKED)[[0, 5]], lists):
        np.testing.assert_array_equal(MODEL.recommend([0, 5], liked, 8)[0], expected)
    zeros = LIKED[5].copy()
    zeros.data[:] = 0
    np.testing.assert_array_equal(MODEL.recommend(5, zeros, 8)[0], ranked(5)[:8])
    np.testing.assert_array_equal(
        MODEL.recommend(5, None, 8, filter_already_liked_items=False)[0], ranked(5)[:8]
    )


def test_filters_together():
    ids, scores = MODEL.recommend(2, LIKED[2], 10, True, [ranked(2)[0], -4, 900])
    check(ids, scores, ranked(2, [*LIKED[2].indices, ranked(2)[0]]), 10)
    chosen = [49, 3, 17, 3, 20, 8]
    ids, scores = MODEL.recommend(2, LIKED[2], 4, items=chosen, filter_items=np.array([17]))
    check(ids, scores, ranked(2, [*LIKED[2].indices, 17], chosen), 4)


def test_fewer_than_n_are_left():
    everything = sparse.csr_matrix(np.ones((1, 50)))
    check(*MODEL.recommend(0, everything, 5), [], 5)
    check(*MODEL.recommend(0, everything[:, :48], 5), ranked(0, range(48)), 5)
    check(*MODEL.recommend(0, None, 60, False), ranked(0), 60)
    check(*MODEL.recommend(0, None, 5, False, items=[7, 7, 9]), ranked(0, only=[7, 9]), 5)
    check(*MODEL.recommend(0, None, 5, False, items=[]), [], 5)
    ids, _ = MODEL.recommend([0, 1], [list(range(50)), []], 3)
    assert (ids[0] == -1).all()
    np.testing.assert_array_equal(ids[1], ranked(1)[:3])


def test_similar_items():
    ids, scores = MODEL.similar_items([4, 9], N=6)
    expected = best(ITEMS, ITEMS[[4, 9]], 6, "cosine")
    np.testing.assert_array_equal(ids, expected[0])
    np.testing.assert_allclose(scores, expected[1], rtol=1e-6)
    assert (ids[0, 0], scores[0, 0]) == (4, 1)
    alone = MODEL.similar_items(4, 6, filter_items=[4])
    np.testing.assert_array_equal(alone[0][:5], ids[0, 1:])
    np.testing.assert_array_equal(alone[1][:5], scores[0, 1:])
    few, worst = MODEL.similar_items(4, 5, items=[1, 2])
    assert set(few[:2].tolist()) == {1, 2}
    assert (few[2:] == -1).all()
    assert (worst[2:] == -np.inf).all()
    left = [item for item in best(ITEMS, ITEMS[4:5], 50, "cosine")[0][0] if item < 2]
    check(*MODEL.similar_items(4, 5, filter_items=range(2, 50)), left, 5)
    zero = MatrixFactorization(USERS, np.vstack([np.zeros((1, 6), np.float32), ITEMS]))
    np.testing.assert_array_equal(zero.similar_items(0, 3)[1], 0)


def test_equal_scores_are_ordered_by_id():
    equal = MatrixFactorization(USERS, np.repeat(ITEMS[:1], 30, axis=0))
    np.testing.assert_array_equal(equal.recommend([0, 1], [[2], []], 3)[0], [[0, 1, 3], [0, 1, 2]])


def test_factors_may_be_tensors_or_float64():
    expected = MODEL.recommend(1, LIKED[1])[0]
    for users, items in (
        (USERS.astype(np.float64), ITEMS),
        (tensors.Tensor(USERS, True, "cuda"), tensors.Tensor(ITEMS)),
    ):
        np.testing.assert_array_equal(MatrixFactorization(users, items).recommend(1, LIKED[1])[0], expected)


def test_refusals():
    for call, error, says in [
        (lambda: MODEL.recommend(20, LIKED[0]), IndexError, "^userid: 20 is not in the model"),
        (lambda: MODEL.recommend(-1, LIKED[0]), IndexError, "^userid: -1"),
        (lambda: MODEL.recommend([[1]], LIKED[0]), ValueError, "^userid: shape"),
        (lambda: MODEL.recommend(1.5, LIKED[0]), ValueError, "^userid: dtype float64"),
        (lambda: MODEL.recommend([1, 2], LIKED), ValueError, "^user_items: has 20 lists, but 2"),
        (lambda: MODEL.recommend(1), ValueError, "^user_items: needed"),
        (lambda: MODEL.recommend(1, LIKED[1], items=[50]), IndexError, "^items: 50"),
        (lambda: MODEL.similar_items(50), IndexError, "^itemid: 50"),
        (lambda: MatrixFactorization(USERS, ITEMS[:, :3]), ValueError, "6 factors, but items have 3"),
        (lambda: MatrixFactorization(USERS[0], ITEMS), ValueError, "^user_factors: "),
    ]:
        with pytest.raises(error, match=says):
            call()


@pytest.mark.filterwarnings("ignore")
def test_beside_implicit():
    theirs = pytest.importorskip("implicit.als").AlternatingLeastSquares(factors=6)
    theirs.user_factors, theirs.item_factors = USERS, ITEMS
    users = np.arange(20)
    for arguments in ({}, {"filter_items": [1, 2, 3]}, {"items": np.arange(10, 45)}):
        ids, scores = theirs.recommend(users, LIKED, N=5, **arguments)
        ours_ids, ours_scores = MODEL.recommend(users, LIKED, N=5, **arguments)
        np.testing.assert_array_equal(ours_ids, ids)
        np.testing.assert_allclose(ours_scores, scores, rtol=1e-4, atol=1e-6)
    ids, scores = theirs.similar_items(users, N=5)
    np.testing.assert_array_equal(MODEL.similar_items(users, N=5)[0], ids)
    np.testing.assert_allclose(MODEL.similar_items(users, N=5)[1], scores, rtol=1e-4)
