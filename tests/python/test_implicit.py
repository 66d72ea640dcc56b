"""maxdot.implicit: implicit's names and shapes, exact, and without the faults that docs/rechub.md lists."""

import copy
import inspect
import io
import os
import pickle

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
    liked = LIKED[2].copy()
    ids, scores = MODEL.recommend(2, liked, 4, items=chosen, filter_items=np.array([17]))
    assert (liked != LIKED[2]).nnz == 0
    check(ids, scores, ranked(2, [*LIKED[2].indices, 17], chosen), 4)


def test_fewer_than_n_are_left():
    everything = sparse.csr_matrix(np.ones((1, 50)))
    check(*MODEL.recommend(0, everything, 5), [], 5)
    check(*MODEL.recommend(0, everything[:, :48], 5), ranked(0, range(48)), 5)
    check(*MODEL.recommend(0, None, 60, False), ranked(0), 60)
    check(*MODEL.recommend(0, None, 5, False, items=[7, 7, 9]), ranked(0, only=[7, 9]), 5)
    check(*MODEL.recommend(0, None, 5, False, items=[]), [], 5)
    check(*MODEL.recommend(0, None, 0, False), [], 0)
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


def test_similar_users():
    ids, scores = MODEL.similar_users([4, 9], N=6)
    expected = best(USERS, USERS[[4, 9]], 6, "cosine")
    np.testing.assert_array_equal(ids, expected[0])
    np.testing.assert_allclose(scores, expected[1], rtol=1e-6)
    alone = MODEL.similar_users(4, 6, filter_users=[4, -1, 99])
    check(*alone, ids[0, 1:].tolist() + [alone[0][5]], 6)
    np.testing.assert_array_equal(alone[1][:5], scores[0, 1:])
    order = best(USERS, USERS[4:5], 20, "cosine")[0][0]
    check(*MODEL.similar_users(4, 5, users=[7, 1, 7]), [user for user in order if user in (1, 7)], 5)
    check(*MODEL.similar_users(4, 5, [7], [7, 1]), [1], 5)
    check(*MODEL.similar_users(4, 25), order, 25)


def test_rank_items():
    chosen = [49, 3, 17, 3, 20, 8, *range(30, 45)]
    ids, scores = MODEL.rank_items(2, LIKED[2], chosen)
    check(ids, scores, ranked(2, only=chosen), 20)  # all of them, each once, liked or not
    many = MODEL.rank_items([2, 5], None, chosen)
    np.testing.assert_array_equal(many[0][0], ids)
    np.testing.assert_array_equal(many[1][0], scores)
    np.testing.assert_array_equal(many[0][1], ranked(5, only=chosen))
    assert MODEL.rank_items(2, None, [])[0].shape == (0,)


def test_arguments_stand_where_those_of_implicit_do():
    for call, expected in [
        (lambda: MODEL.recommend(2, LIKED[2], 3, False, None, False, [1, 2, 3]), ranked(2, only=[1, 2, 3])),
        (lambda: MODEL.similar_items(2, 3, False, None, [2], None), best(ITEMS, ITEMS[2:3], 4, "cosine")[0][0][1:]),
        (lambda: MODEL.similar_users(2, 3, [2], None), best(USERS, USERS[2:3], 4, "cosine")[0][0][1:]),
    ]:
        check(*call(), expected, 3)


def same(left, right):
    np.testing.assert_array_equal(left.user_factors, right.user_factors)
    np.testing.assert_array_equal(left.item_factors, right.item_factors)
    assert (left.user_factors.dtype, left.num_threads) == (right.user_factors.dtype, right.num_threads)
    np.testing.assert_array_equal(left.recommend(3, LIKED[3])[1], right.recommend(3, LIKED[3])[1])


@pytest.mark.parametrize("dtype", [np.float32, np.float16])
def test_saved_and_loaded(tmp_path, dtype):
    model = MatrixFactorization(USERS.astype(dtype), ITEMS.astype(dtype), num_threads=2)
    assert model.user_factors.dtype == dtype
    for name in ("plain", "with.npz", "two.dots"):
        path = tmp_path / name
        for form in (path, str(path), os.fsencode(path)):
            model.save(form)
            same(MatrixFactorization.load(form), model)
    assert sorted(os.listdir(tmp_path)) == ["plain.npz", "two.dots.npz", "with.npz"]
    file = io.BytesIO()
    model.save(file)
    file.seek(0)
    same(MatrixFactorization.load(file), model)


def test_what_load_refuses(tmp_path):
    path = tmp_path / "model.npz"
    with pytest.raises(FileNotFoundError):
        MatrixFactorization.load(path)
    MODEL.save(path)
    whole = path.read_bytes()
    factors = {"user_factors": USERS, "item_factors": ITEMS}
    for arrays, says in [
        ({"user_factors": USERS}, "it holds no item_factors"),
        ({"similarity.data": ITEMS}, "it holds no item_factors"),
        ({**factors, "user_factors": USERS[:, :2]}, "user_factors: 2 factors, but items have 6"),
        ({**factors, "item_factors": ITEMS[0]}, "item_factors: shape"),
        ({**factors, "user_factors": np.array(["a"])}, "user_factors: dtype <U1"),
        ({**factors, "item_factors": np.full((2, 6), np.nan)}, "NaN"),
        ({**factors, "item_factors": np.array([[None]])}, "allow_pickle"),
        ({**factors, "num_threads": np.zeros(2)}, "model.npz: no model"),
    ]:
        np.savez(path, **arrays)
        with pytest.raises(ValueError, match=says):
            MatrixFactorization.load(path)
    np.save(tmp_path / "one.npy", ITEMS)
    (tmp_path / "one.npy").rename(path)
    with pytest.raises(ValueError, match="one array"):
        MatrixFactorization.load(path)
    for cut in (0, 3, 100, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:cut])
        with pytest.raises(ValueError, match="model.npz: no model with factors"):
            MatrixFactorization.load(path)
    random = np.random.default_rng(5)
    for _ in range(200):  # a damaged file is refused, or it is the same model: an archive has bytes that mean nothing
        bytes_ = bytearray(whole)
        bytes_[random.integers(len(bytes_))] ^= 1 << random.integers(8)
        path.write_bytes(bytes_)
        try:
            same(MatrixFactorization.load(path), MODEL)
        except ValueError as error:
            assert "model.npz: no model with factors" in str(error)


def test_pickle_copy_and_threads():
    for again in (pickle.loads(pickle.dumps(MODEL)), copy.deepcopy(MODEL)):
        same(again, MODEL)
    model = MatrixFactorization(USERS, ITEMS)
    model.num_threads = 1
    same(model, MatrixFactorization(USERS, ITEMS, 1))
    for name in ("user_factors", "item_factors"):
        with pytest.raises(AttributeError, match=name):
            setattr(model, name, ITEMS)


def test_refusals_of_what_came_later():
    for call, error, says in [
        (lambda: MODEL.recommend(1, LIKED[1], recalculate_user=True), NotImplementedError, "^recalculate_user: .*trains nothing"),
        (lambda: MODEL.rank_items(1, LIKED[1], [2], True), NotImplementedError, "^recalculate_user: "),
        (lambda: MODEL.similar_items(1, recalculate_item=True), NotImplementedError, "^recalculate_item: "),
        (lambda: MODEL.rank_items(1, None, [50, 2]), IndexError, "^selected_items: 50"),
        (lambda: MODEL.rank_items(1, None, [0.5]), ValueError, "^selected_items: dtype"),
        (lambda: MODEL.similar_users(20), IndexError, "^userid: 20"),
        (lambda: MODEL.similar_users(-1), IndexError, "^userid: -1"),
        (lambda: MODEL.similar_users(1, users=[20]), IndexError, "^users: 20"),
        (lambda: MODEL.similar_users(1, filter_users=["a"]), ValueError, "^filter_users: dtype"),
    ]:
        with pytest.raises(error, match=says):
            call()


@pytest.mark.filterwarnings("ignore")
def test_beside_implicit():
    theirs = pytest.importorskip("implicit.als").AlternatingLeastSquares(factors=6)
    theirs.user_factors, theirs.item_factors = USERS, ITEMS
    users = np.arange(20)
    for arguments in ({}, {"filter_items": [1, 2, 3]}, {"items": np.arange(10, 45)}):
        ids, scores = theirs.recommend(users, LIKED.copy(), N=5, **arguments)  # which writes into what it is given
        ours_ids, ours_scores = MODEL.recommend(users, LIKED, N=5, **arguments)
        np.testing.assert_array_equal(ours_ids, ids)
        np.testing.assert_allclose(ours_scores, scores, rtol=1e-4, atol=1e-6)
    ids, scores = theirs.similar_items(users, N=5)
    np.testing.assert_array_equal(MODEL.similar_items(users, N=5)[0], ids)
    np.testing.assert_allclose(MODEL.similar_items(users, N=5)[1], scores, rtol=1e-4)
    for arguments in ({}, {"filter_users": [1, 2, 3]}, {"users": np.arange(4, 17)}):
        ids, scores = theirs.similar_users(users, N=5, **arguments)
        np.testing.assert_array_equal(MODEL.similar_users(users, N=5, **arguments)[0], ids)
        np.testing.assert_allclose(MODEL.similar_users(users, N=5, **arguments)[1], scores, rtol=1e-4, atol=1e-6)
    for one in (4, users):
        ids, scores = theirs.rank_items(one, LIKED[one], [5, 1, 9, 30])
        np.testing.assert_array_equal(MODEL.rank_items(one, LIKED[one], [5, 1, 9, 30])[0], ids)
        np.testing.assert_allclose(MODEL.rank_items(one, LIKED[one], [5, 1, 9, 30])[1], scores, rtol=1e-4, atol=1e-6)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    "name", ["als.AlternatingLeastSquares", "bpr.BayesianPersonalizedRanking", "lmf.LogisticMatrixFactorization"]
)
def test_files_are_those_of_implicit(tmp_path, name):
    module, kind = name.split(".")
    theirs = getattr(pytest.importorskip(f"implicit.cpu.{module}"), kind)
    trained = theirs(factors=6, num_threads=1, random_state=1)
    trained.fit(LIKED, show_progress=False)
    trained.save(tmp_path / "theirs.npz")
    model = MatrixFactorization.load(tmp_path / "theirs")
    expected = trained.recommend([1, 2], LIKED[[1, 2]], 5)[0]
    np.testing.assert_array_equal(model.recommend([1, 2], LIKED[[1, 2]], 5)[0], expected)
    assert model.num_threads == 1
    model.save(str(tmp_path / "ours"))
    again = theirs.load(str(tmp_path / "ours"))
    np.testing.assert_array_equal(again.item_factors, trained.item_factors)
    np.testing.assert_array_equal(again.recommend([1, 2], LIKED[[1, 2]], 5)[0], expected)
    for method in ("recommend", "rank_items", "similar_items", "similar_users", "save", "load"):
        left, right = (inspect.signature(getattr(each, method)).parameters for each in (MatrixFactorization, theirs))
        assert list(left) == list(right)


def test_a_save_that_fails_leaves_the_file(tmp_path, monkeypatch):
    model = MatrixFactorization(np.eye(3, dtype=np.float32), np.eye(3, dtype=np.float32))
    model.save(tmp_path / "model")
    (tmp_path / "model.npz").chmod(0o600)
    before = (tmp_path / "model.npz").read_bytes()

    def fails(file, **arrays):
        file.write(b"half")
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch, pytest.raises(OSError, match="No space left"):
        patch.setattr(np, "savez", fails)
        model.save(tmp_path / "model")
    assert (tmp_path / "model.npz").read_bytes() == before and len(list(tmp_path.iterdir())) == 1
    model.save(tmp_path / "model.npz")
    assert (tmp_path / "model.npz").stat().st_mode & 0o777 == 0o600
    with pytest.raises(FileExistsError, match="no regular file|not a regular file"):
        (tmp_path / "folder.npz").mkdir()
        model.save(tmp_path / "folder")


def test_a_dense_matrix_is_no_list_of_ids():
    for dense in (LIKED[:3].toarray(), LIKED[:3].toarray().astype(np.int64), LIKED[:1].toarray()):
        with pytest.raises(ValueError, match="^user_items: a dense matrix; give scipy.sparse.csr_matrix"):
            MODEL.recommend(np.arange(len(dense)), dense)
