"""What users of FAISS expect of the FAISS-shaped indexes beside their answers: outputs, dtypes, refusals, copies."""

import copy
import pickle
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from maxdot import faiss
from support import gaussian

ITEMS, QUERIES = gaussian(150, 10, 11), gaussian(8, 10, 12)
NAN = np.where(np.arange(10) == 4, np.nan, ITEMS[:3])


def mapped(kind=faiss.IndexIDMap2, step=3):
    index = kind(faiss.IndexFlatL2(10))
    index.add_with_ids(ITEMS, np.arange(150) * step)
    return index


def flat():
    index = faiss.IndexFlatL2(10)
    index.add(ITEMS)
    return index


def test_kinds():
    assert faiss.IndexFlat(3).metric_type == faiss.METRIC_L2 == 1
    assert faiss.IndexFlat(np.int64(3), faiss.METRIC_INNER_PRODUCT).metric_type == faiss.METRIC_INNER_PRODUCT == 0
    assert issubclass(faiss.IndexFlatIP, faiss.IndexFlat)
    assert issubclass(faiss.IndexIDMap2, faiss.IndexIDMap)
    assert issubclass(faiss.IndexIDMap, faiss.Index)
    for name in ("Flat", " Flat , IDMap2 ", "IDMap,Flat", "IDMap2,Flat", "Flat,IDMap"):
        index = faiss.index_factory(7, name, faiss.METRIC_INNER_PRODUCT)
        kind = "IndexIDMap2" if "IDMap2" in name else "IndexIDMap" if "IDMap" in name else "IndexFlat"
        assert (type(index).__name__, index.d, index.metric_type) == (kind, 7, faiss.METRIC_INNER_PRODUCT)
        assert faiss.downcast_index(index) is index
    index = mapped()
    assert (index.ntotal, index.index.ntotal, index.is_trained, index.verbose) == (150, 150, True, False)
    index.verbose = True
    with pytest.raises(AttributeError):
        index.nprobe = 4
    assert repr(index) == "<maxdot.faiss.IndexIDMap2 of <maxdot.faiss.IndexFlatL2: 150 x 10, METRIC_L2>>"
    with pytest.raises(AttributeError, match="IndexIVFFlat.*only FAISS's flat"):
        faiss.IndexIVFFlat  # noqa: B018


def test_outputs_are_filled():
    index = flat()
    D, I, R = np.empty((8, 3), np.float32), np.empty((8, 6), np.int64)[:, ::2], np.empty((8, 3, 10), np.float32)
    found = index.search_and_reconstruct(QUERIES, 3, D=D, I=I, R=R)
    assert found[0] is D and found[1] is I and found[2] is R
    np.testing.assert_array_equal(I, index.search(QUERIES, 3)[1])
    np.testing.assert_array_equal(R, ITEMS[I])
    labels = np.empty((8, 2), np.int64)
    assert index.assign(QUERIES, 2, labels) is labels
    row, rows = np.empty(10, np.float32), np.empty((2, 10), np.float32)
    assert index.reconstruct(5, row) is row
    np.testing.assert_array_equal(row, ITEMS[5])
    assert index.reconstruct_n(5, 2, rows) is rows
    np.testing.assert_array_equal(index.reconstruct_batch([9, 9], rows), ITEMS[[9, 9]])
    np.testing.assert_array_equal(mapped().reconstruct_n(6, 1, rows[:1]), ITEMS[2:3])
    read_only = D.copy()
    read_only.flags.writeable = False
    for error, outputs in (
        (AssertionError, {"D": D[:2]}),
        (TypeError, {"D": D.astype(np.float64)}),
        (TypeError, {"I": I.astype(np.int32)}),
        (TypeError, {"D": D.tolist()}),
        (ValueError, {"D": read_only}),
    ):
        with pytest.raises(error, match=r"^[DI]: "):
            index.search(QUERIES, 3, **outputs)


@pytest.mark.parametrize("dtype", [np.float16, np.float64, np.int32, np.uint8, bool, ">f4"])
def test_input_becomes_float32(dtype):
    rows = (np.abs(ITEMS) * 3).astype(dtype)
    index, other = faiss.IndexFlatIP(10), faiss.IndexFlatIP(10)
    index.add(np.asfortranarray(rows))
    other.add(rows.astype(np.float32))
    for a, b in zip(index.search(rows[::2], 5), other.search(rows[::2].astype(np.float32), 5), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("make", [flat, mapped])
@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda i: i.search(NAN, 3), ValueError, "x: row 0, column 4 is nan"),
        (lambda i: i.search(np.full((1, 10), 1e300), 3), ValueError, r"x: row 0, column 0 is 1e\+300"),
        (lambda i: i.search(QUERIES, 0), AssertionError, "k: 0"),
        (lambda i: i.search(QUERIES, -1), AssertionError, "k: -1"),
        (lambda i: i.search(QUERIES, 2.0), TypeError, "float"),
        (lambda i: i.search(QUERIES[0], 2), AssertionError, r"x: shape \(10,\) is not \[n, 10\]"),
        (lambda i: i.search(QUERIES.astype(complex), 2), ValueError, "x: dtype complex128"),
        (lambda i: i.search(np.array([["a"] * 10]), 2), ValueError, "x: dtype <U1"),
        (lambda i: i.search(np.ma.masked_array(QUERIES, QUERIES > 0), 2), TypeError, "x: a masked array"),
        (lambda i: i.search(QUERIES, 2, params=3), TypeError, "params: int"),
        (lambda i: i.search(QUERIES, 1 << 50), MemoryError, "."),
        (lambda i: i.range_search(QUERIES, np.nan), ValueError, "thresh: NaN"),
        (lambda i: i.range_search(QUERIES, "1"), TypeError, "thresh: '1'"),
        (lambda i: i.range_search(QUERIES[:, :3], 1), AssertionError, "x: shape"),
        (lambda i: i.train(QUERIES[:, :3]), AssertionError, "x: shape"),
        (lambda i: i.reconstruct(-1), RuntimeError, "key"),
        (lambda i: i.reconstruct(1 << 70), RuntimeError, "key"),
        (lambda i: i.reconstruct(1.5), TypeError, "float"),
        (lambda i: i.reconstruct_batch([0, 1 << 40]), RuntimeError, "key"),
        (lambda i: i.reconstruct_batch([0.5]), ValueError, "key: float64"),
        (lambda i: i.reconstruct_batch(np.array([2**63], np.uint64)), ValueError, "does not fit into int64"),
        (lambda i: i.reconstruct_n(149, 2), RuntimeError, "."),
        (lambda i: i.reconstruct_n(0, -2), RuntimeError, "."),
        (lambda i: i.remove_ids(np.array([1.5])), ValueError, "ids: float64"),
        (lambda i: i.remove_ids(np.array([[1]])), ValueError, "ids: shape"),
        (lambda i: i.merge_from(i), ValueError, "other"),
        (lambda i: i.merge_from(faiss.IndexFlatIP(10)), TypeError, "other: IndexFlatIP"),
    ],
)
def test_refusals(make, call, error, message):
    index = make()
    with pytest.raises(error, match=message):
        call(index)
    assert index.ntotal == 150
    assert index.search(ITEMS[:1], 1)[1][0, 0] == 0


def test_refusals_of_one_kind():
    index = mapped()
    for call, error in (
        (lambda: flat().add(NAN), ValueError),
        (lambda: flat().add_with_ids(ITEMS, np.arange(150)), RuntimeError),
        (lambda: flat().merge_from(flat(), 3), ValueError),
        (lambda: index.add(ITEMS), RuntimeError),
        (lambda: index.add_with_ids(NAN, np.arange(3)), ValueError),
        (lambda: index.add_with_ids(ITEMS, np.arange(3)), AssertionError),
        (lambda: index.add_with_ids(ITEMS, np.arange(150.0)), ValueError),
        (lambda: index.merge_from(mapped(), 1 << 63), ValueError),
        (lambda: mapped(faiss.IndexIDMap).reconstruct(3), RuntimeError),
        (lambda: mapped(faiss.IndexIDMap).reconstruct_n(), RuntimeError),
        (lambda: mapped(faiss.IndexIDMap).reconstruct_batch([3]), RuntimeError),
        (lambda: index.reconstruct(4), RuntimeError),
        (lambda: faiss.IndexIDMap(flat()), RuntimeError),
        (lambda: faiss.IndexIDMap(mapped()), TypeError),
        (lambda: faiss.IndexFlat(0), ValueError),
        (lambda: faiss.IndexFlat(32769), ValueError),
        (lambda: faiss.IndexFlat(4.0), TypeError),
        (lambda: faiss.IndexFlat(4, 2), ValueError),
        (lambda: faiss.index_factory(4, "IVF16,Flat"), RuntimeError),
        (lambda: faiss.index_factory(4, "Flat", 23), ValueError),
        (lambda: faiss.downcast_index(3), TypeError),
    ):
        with pytest.raises(error):
            call()
    assert index.ntotal == len(index.id_map) == 150


def test_rows_that_pass_by_the_id_map_are_noticed():
    index = mapped()
    index.index.add(ITEMS)
    for call in (lambda: index.search(QUERIES, 1), lambda: index.remove_ids([3]), lambda: copy.copy(index)):
        with pytest.raises(RuntimeError, match="150 ids for the 300 rows"):
            call()


def test_id_map_is_a_vector():
    ids = mapped(step=-2).id_map
    assert (ids.size(), len(ids), ids.at(3), ids[-1], list(ids)[:3]) == (150, 150, -6, -298, [0, -2, -4])
    array = faiss.vector_to_array(ids)
    np.testing.assert_array_equal(array, np.arange(150) * -2)
    array[:] = 0
    assert ids.at(3) == -6
    for call in (lambda: ids.at(150), lambda: ids.at(-1), lambda: ids[-151]):
        with pytest.raises(IndexError):
            call()


def test_all_rows_as_faiss_users_take_them():
    index = flat()
    np.testing.assert_array_equal(faiss.vector_to_array(index.codes).view(np.float32).reshape(150, 10), ITEMS)
    np.testing.assert_array_equal(faiss.rev_swig_ptr(index.get_xb(), 1500).reshape(150, 10), ITEMS)
    with pytest.raises(ValueError, match="n: 1501 of 1500"):
        faiss.rev_swig_ptr(index.get_xb(), 1501)


@pytest.mark.parametrize("make", [flat, mapped, lambda: mapped(faiss.IndexIDMap, 0)])
@pytest.mark.parametrize("way", [faiss.clone_index, copy.copy, copy.deepcopy, lambda i: pickle.loads(pickle.dumps(i))])
def test_copies(make, way):
    index = make()
    index.remove_ids(faiss.IDSelectorRange(1, 20))
    other = way(index)
    assert type(other) is type(index)
    expected = index.search(QUERIES, 200)
    for a, b in zip(other.search(QUERIES, 200), expected, strict=True):
        np.testing.assert_array_equal(a, b)
    index.reset()
    for a, b in zip(other.search(QUERIES, 200), expected, strict=True):
        np.testing.assert_array_equal(a, b)


def test_merge_from_moves_rows():
    one, two = faiss.IndexFlatL2(10), faiss.IndexFlatL2(10)
    one.add(ITEMS[:100])
    two.add(ITEMS[100:])
    one.merge_from(two)
    assert (one.ntotal, two.ntotal) == (150, 0)
    np.testing.assert_array_equal(one.reconstruct_n(), ITEMS)
    one, two = mapped(), mapped()
    one.merge_from(two, 1000)
    assert (one.ntotal, two.ntotal, len(two.id_map)) == (300, 0, 0)
    np.testing.assert_array_equal(one.reconstruct(1003), ITEMS[1])
    one.check_consistency()
    one.add_with_ids(ITEMS[:1], [1003])
    with pytest.raises(RuntimeError, match="id 1003 belongs to several rows"):
        one.check_consistency()


def test_distances_that_float32_does_not_hold():
    index = faiss.IndexFlatL2(2)
    index.add([[3e38, 0], [-3e38, 0], [0, 0]])
    D, I = index.search([[3e38, 0]], 3)
    np.testing.assert_array_equal(D, [[0, np.inf, np.inf]])
    np.testing.assert_array_equal(I, [[0, 2, 1]])
    assert not np.signbit(D[0, 0])
    lims, D, I = index.range_search([[3e38, 0]], np.inf)
    np.testing.assert_array_equal(I, [0, 1, 2])


def test_searches_at_once_while_rows_wait():
    index = flat()
    index.add(ITEMS)
    expected = faiss.knn(QUERIES, np.vstack([ITEMS, ITEMS]), 9)
    with ThreadPoolExecutor(8) as pool:
        for found in pool.map(lambda _: index.search(QUERIES, 9), range(32)):
            np.testing.assert_array_equal(found[1], expected[1])
