"""maxdot.hnswlib: hnswlib's names and shapes, and exact results."""

import pickle
import threading

import maxdot
import numpy as np
import pytest
from maxdot.hnswlib import BFIndex, Index
from support import best, gaussian

X, QUERIES = gaussian(65, 6, 31), gaussian(9, 6, 32)
METRICS = {"l2": "euclidean", "ip": "dot", "cosine": "cosine"}


def made(kind, space="l2", most=200):
    index = kind(space, X.shape[1])
    index.init_index(max_elements=most)
    return index


def check(index, space, rows, ids, k):
    labels, distances = index.knn_query(QUERIES, k)
    expected, scores = best(rows, QUERIES, k, METRICS[space], ids=ids)
    wanted = {"l2": scores**2, "ip": 1 - scores, "cosine": 1 - scores}[space]
    assert (labels.dtype, distances.dtype, labels.shape) == (np.uint64, np.float32, (len(QUERIES), k))
    np.testing.assert_array_equal(labels, expected)
    np.testing.assert_allclose(distances, wanted, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("space", METRICS)
@pytest.mark.parametrize("kind", [Index, BFIndex])
def test_added_in_pieces_with_and_without_labels(kind, space):
    index = made(kind, space)
    index.add_items(X[:40])
    check(index, space, X[:40], np.arange(40), 7)
    index.add_items(X[40].astype(np.float64))  # one, whose label is 40
    index.add_items(X[41:].tolist(), np.arange(1000, 1024)[::-1])
    labels = np.concatenate([np.arange(41), np.arange(1000, 1024)[::-1]])
    for k in (0, 1, 10, 65):
        check(index, space, X, labels, k)
    assert index.get_current_count() == 65
    one = index.knn_query(QUERIES[0], 3, num_threads=1)
    np.testing.assert_array_equal(one[0], index.knn_query(QUERIES, 3)[0][:1])
    index.add_items(X[:2], [1000, 3])  # in place of those that have the labels
    now = {**dict(zip(labels.tolist(), X, strict=True)), 1000: X[0], 3: X[1]}
    check(index, space, np.array(list(now.values())), list(now), 10)
    again = pickle.loads(pickle.dumps(index))
    np.testing.assert_array_equal(again.knn_query(QUERIES, 9)[1], index.knn_query(QUERIES, 9)[1])


def test_what_was_passed_may_change_afterwards():
    index, rows, labels = made(Index), X.copy(), np.arange(65)
    index.add_items(rows, labels)
    rows[:], labels[:] = 0, 7
    check(index, "l2", X, np.arange(65), 65)


def test_equal_distances_are_ordered_by_label():
    index = made(Index)
    index.add_items(np.repeat(X[:1], 20, axis=0), np.arange(20)[::-1])
    np.testing.assert_array_equal(index.knn_query(X[:1], 20)[0][0], np.arange(20))


@pytest.mark.parametrize("space", METRICS)
def test_marked_deleted_and_filtered(space):
    index = made(Index, space)
    index.add_items(X)
    for label in range(0, 65, 2):
        index.mark_deleted(label)
    odd = np.arange(1, 65, 2)
    check(index, space, X[odd], odd, 32)
    assert index.get_current_count() == index.element_count == 65
    assert index.get_ids_list() == list(range(65))
    labels, _ = index.knn_query(QUERIES, 10, filter=lambda label: label < 30)
    np.testing.assert_array_equal(labels, best(X[odd[:15]], QUERIES, 10, METRICS[space], ids=odd[:15])[0])
    with pytest.raises(RuntimeError, match="^k: only 15 elements may be returned, not 16"):
        index.knn_query(QUERIES, 16, filter=lambda label: label < 30)
    index.unmark_deleted(4)
    index.add_items(X[6], 6)  # added again, it is there again
    check(index, space, X[[4, 6, *odd]], [4, 6, *odd], 12)
    index.delete_vector(5)
    asked = []
    index.knn_query(QUERIES, 3, filter=lambda label: asked.append(label) or True)
    assert sorted(asked) == sorted(set(range(65)) - {5})  # each that is there, once
    with pytest.raises(ZeroDivisionError):
        index.knn_query(QUERIES, 1, filter=lambda label: 1 / 0)


@pytest.mark.parametrize("kind", [Index, BFIndex])
def test_removed(kind):
    index = made(kind, most=65)
    index.add_items(X)
    for label in (3, 64, 1000, 3):
        index.delete_vector(label)
    left = np.delete(np.arange(65), [3, 64])
    check(index, "l2", X[left], left, 63)
    index.add_items(X[:2], [3, 64])  # there is room again
    assert index.get_current_count() == 65


def test_get_items_are_what_was_added():
    index = made(Index, "cosine")
    index.add_items(X, np.arange(65) + 100)
    np.testing.assert_array_equal(index.get_items([164, 100, 100]), X[[64, 0, 0]])
    assert index.get_items([101], return_type="list") == X[1:2].tolist()
    assert index.get_items().shape == (0, 6)


@pytest.mark.parametrize("kind", [Index, BFIndex])
def test_files(tmp_path, kind):
    index, path = made(kind, "ip"), tmp_path / "items.maxdot"
    index.add_items(X, np.arange(65)[::-1] + 7)
    if kind is Index:
        index.mark_deleted(9)
    else:
        index.delete_vector(9)
    index.save_index(str(path))
    again = kind("ip", 6)
    again.load_index(path, max_elements=70)
    assert (again.get_current_count(), again.get_max_elements()) == (64, 70)
    for one, other in zip(again.knn_query(QUERIES, 64), index.knn_query(QUERIES, 64), strict=True):
        np.testing.assert_array_equal(one, other)
    with maxdot.Index.open(path) as opened:
        np.testing.assert_array_equal(opened.search(QUERIES, 5)[0], again.knn_query(QUERIES, 5)[0])
    for wrong in (kind("l2", 6), kind("ip", 5)):
        with pytest.raises(ValueError, match="^path_to_index: holds dot and 6 dimensions"):
            wrong.load_index(path)
    with pytest.raises(OSError, match="none"):
        again.load_index(tmp_path / "none")
    maxdot.Index.build(X, metric="dot").save(path)
    again.load_index(path)  # the labels are the row numbers
    check(again, "ip", X, np.arange(65), 7)
    maxdot.Index.build(X, metric="dot", normalize=True).save(path)
    with pytest.raises(ValueError, match="normalized"):
        again.load_index(path)
    path.write_bytes(b"hnswlib's own file")
    with pytest.raises(ValueError, match="maxdot index"):
        again.load_index(path)
    assert again.get_current_count() == 65


def test_room_and_settings():
    index = made(Index, most=10)
    index.set_ef(50)
    index.set_num_threads(2)
    assert (index.space, index.dim, index.ef, index.num_threads, index.max_elements) == ("l2", 6, 50, 2, 10)
    index.add_items(X[:10])
    with pytest.raises(RuntimeError, match="exceeds the specified limit: 11"):
        index.add_items(X[10])
    index.add_items(X[20:22], [0, 0])  # labels that are there need no room
    assert index.get_current_count() == 10
    index.resize_index(12)
    index.add_items(X[10:12])
    with pytest.raises(RuntimeError, match="Cannot resize"):
        index.resize_index(11)


def test_asked_while_it_grows():
    index, wrong = made(Index), []

    def ask():
        try:
            for _ in range(50):
                labels, distances = index.knn_query(X[:1], 5)
                if labels[0, 0] != 0 or (np.diff(distances) < 0).any():
                    wrong.append(labels)
                try:
                    index.get_items([4])
                except RuntimeError as error:
                    assert "Label not found" in str(error)
        except BaseException as error:
            wrong.append(error)

    index.add_items(X[:5])
    asking = threading.Thread(target=ask)
    asking.start()
    for row in range(5, 65):
        index.add_items(X[row], row)
        index.delete_vector(4)
        index.add_items(X[4], 4)
    asking.join()
    assert not wrong
    check(index, "l2", X, np.arange(65), 65)


def test_refusals():
    index = made(Index)
    index.add_items(X)
    index.mark_deleted(1)
    bad = X[:3].copy()
    bad[2, 4] = np.nan
    for call, error, says in [
        (lambda: Index("l3", 4), ValueError, "^space: 'l3'"),
        (lambda: Index("l2", 6).add_items(X), RuntimeError, "init_index"),
        (lambda: BFIndex("l2", 6).knn_query(X), RuntimeError, "init_index"),
        (lambda: index.init_index(5), RuntimeError, "already initiated"),
        (lambda: Index("l2", 6).init_index(-1), ValueError, "^max_elements: -1"),
        (lambda: index.init_index(5, allow_replace_deleted=True), NotImplementedError, "^allow_replace_deleted"),
        (lambda: index.add_items(X[0], replace_deleted=True), NotImplementedError, "^replace_deleted"),
        (lambda: index.add_items(X[:, :5]), ValueError, r"^data: shape \(65, 5\) is not \[n, 6\]"),
        (lambda: index.add_items(bad), ValueError, "^data: row 2, column 4 is NaN"),
        (lambda: index.add_items([[1e300] * 6]), ValueError, "^data: row 0, column 0"),
        (lambda: index.add_items([["a"] * 6]), ValueError, "^data: dtype"),
        (lambda: index.add_items(X[:2], [1]), ValueError, "^ids: 1 labels for 2 vectors"),
        (lambda: index.add_items(X[:2], [1, -1]), ValueError, "^ids: -1"),
        (lambda: index.add_items(X[:1], np.array([2**63], np.uint64)), ValueError, "^ids: 9223372036854775808"),
        (lambda: index.add_items(X[:1], [0.5]), ValueError, "^ids: dtype"),
        (lambda: index.knn_query(QUERIES[:, :5]), ValueError, "^data: shape"),
        (lambda: index.knn_query(bad), ValueError, "^data: row 2"),
        (lambda: index.knn_query(QUERIES, -1), ValueError, "^k: -1"),
        (lambda: index.knn_query(QUERIES, 65), RuntimeError, "^k: only 64"),
        (lambda: index.get_items([99]), RuntimeError, "^Label not found: 99"),
        (lambda: index.get_items([1]), RuntimeError, "^Label not found: 1 is marked"),
        (lambda: index.get_items([2], "torch"), ValueError, "^return_type: 'torch'"),
        (lambda: index.mark_deleted(1), RuntimeError, "already deleted"),
        (lambda: index.mark_deleted(99), RuntimeError, "^Label not found: 99"),
        (lambda: index.unmark_deleted(2), RuntimeError, "not deleted"),
    ]:
        with pytest.raises(error, match=says):
            call()
    assert index.get_current_count() == 65


def test_beside_hnswlib():
    hnswlib = pytest.importorskip("hnswlib")
    for space in METRICS:
        theirs = hnswlib.BFIndex(space, 6)  # its Index misses some, even of 65
        theirs.init_index(max_elements=65)
        theirs.add_items(X, np.arange(65) * 2)
        lengths = np.linalg.norm(QUERIES, axis=1, keepdims=True)  # it divides only its vectors by theirs
        right, far = theirs.knn_query(QUERIES / lengths if space == "cosine" else QUERIES, k=5)
        for kind in (Index, BFIndex):
            ours = made(kind, space)
            ours.add_items(X, np.arange(65) * 2)
            left, near = ours.knn_query(QUERIES, k=5)
            assert (left.dtype, near.dtype) == (right.dtype, far.dtype)
            np.testing.assert_array_equal(left, right)
            np.testing.assert_allclose(near, far, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("kind", [BFIndex, Index])
def test_labels_of_their_own_do_not_come_back(kind):
    index = kind("l2", X.shape[1])
    index.init_index(9)
    index.add_items(X[:3])
    index.delete_vector(0)
    index.add_items(X[5])
    check(index, "l2", X[[1, 2, 5]], np.array([1, 2, 3]), 3)
    index.add_items(X[6], 100)
    index.add_items(X[7])
    check(index, "l2", X[[1, 2, 5, 7, 6]], np.array([1, 2, 3, 5, 100]), 5)


def test_more_results_than_there_are():
    index = made(Index)
    index.add_items(X[:3])
    for k in (4, 10**10, 2**62, 2**70):
        with pytest.raises(RuntimeError, match="^k: only 3 elements"):
            index.knn_query(X[:1], k)


def test_distances_beyond_float32():
    index = Index("ip", X.shape[1])
    index.init_index(1)
    index.add_items(np.full(X.shape[1], -1e30))
    assert index.knn_query(np.full(X.shape[1], 1e30), 1)[1][0, 0] == np.inf


@pytest.mark.parametrize("dim", [-3, 0, 32769])
def test_a_dimension_that_is_none(dim):
    for kind in (Index, BFIndex):
        with pytest.raises(ValueError, match=f"^dim: {dim} is no dimension; use 1 to 32768"):
            kind("l2", dim)
