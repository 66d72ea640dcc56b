"""Lists of ids in every form that maxdot.id_lists accepts, and how it refuses the rest."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from maxdot.id_lists import id_lists

LISTS = [[5, 3], [], [7, 2**62, 0], [1]]
OFFSETS, IDS = [0, 2, 2, 5, 6], [5, 3, 7, 2**62, 0, 1]


class Compressed:
    """The part of a SciPy matrix that is looked at."""

    def __init__(self, indptr, indices, kind="csr"):
        self.indptr, self.indices, self.format = np.array(indptr), np.array(indices), kind


class Tensor:
    """A tensor on a GPU, as far as its interface goes."""

    def __init__(self, values):
        self.values = values

    def detach(self):
        return self

    def cpu(self):
        return self.values


def check(value, offsets=OFFSETS, ids=IDS):
    for array, expected in zip(id_lists(value, "seen", len(offsets) - 1), (offsets, ids), strict=True):
        assert array.dtype == np.int64
        assert array.flags.c_contiguous
        assert array.tolist() == expected


@pytest.mark.parametrize(
    "value",
    [
        LISTS,
        [tuple(row) for row in LISTS],
        [np.array(row, np.int64) for row in LISTS],
        [np.array(row, np.uint64) for row in LISTS],
        [LISTS[0], np.array([]), np.array(LISTS[2]), np.array([1], np.int8)],
        np.array([*map(np.array, LISTS)], dtype=object),
        (np.array(OFFSETS), np.array(IDS)),
        (OFFSETS, IDS),
        (np.array(OFFSETS, np.int32), np.repeat(IDS, 2)[::2]),
        Compressed(OFFSETS, IDS),
        Compressed(OFFSETS, [*IDS, 99, 98]),
        Tensor(LISTS),
        (Tensor(OFFSETS), Tensor(IDS)),
    ],
)
def test_forms(value):
    check(value)


def test_sets_tables_and_nothing():
    check([{64, 1}, set(), frozenset([2])], [0, 2, 2, 3], [1, 64, 2])
    check(np.array([[1, 2], [3, 4], [5, 6]], np.int32), [0, 2, 4, 6], [1, 2, 3, 4, 5, 6])
    check(np.array([[1, 2], [3, 4]]).T, [0, 2, 4], [1, 3, 2, 4])
    check(np.empty((2, 0), np.int64), [0, 0, 0], [])
    check([], [0], [])
    check([[], []], [0, 0, 0], [])


def test_scipy():
    sparse = pytest.importorskip("scipy.sparse")
    dense = np.array([[0, 1, 1], [0, 0, 0], [1, 0, 0]])
    for kind in (sparse.csr_matrix, sparse.csr_array):
        check(kind(dense), [0, 2, 2, 3], [1, 2, 0])
    with pytest.raises(ValueError, match=r"^seen: the sparse format is 'csc', not 'csr'; call its tocsr\(\)"):
        id_lists(sparse.csc_matrix(dense), "seen")
    with pytest.raises(ValueError, match="^seen: .*SciPy CSR"):
        id_lists(sparse.coo_matrix(dense), "seen")


def test_torch():
    torch = pytest.importorskip("torch")
    check([torch.tensor(row, dtype=torch.int64) for row in LISTS])
    check(torch.tensor([[1, 2], [3, 4]]), [0, 2, 4], [1, 2, 3, 4])
    check((torch.tensor(OFFSETS), torch.tensor(IDS)))


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ([1, 2], "list without rows is no list of lists"),
        (np.array([1, 2]), "ndarray without rows"),
        (np.array(3), "ndarray without rows"),
        ({1: [2]}, "dict is no list"),
        ({1, 2}, "set is no list"),
        ("ab", "str is no list"),
        (None, "NoneType is no list"),
        (3, "int is no list"),
        ([[1], [2, 2.5]], r"\[1\]: dtype float64"),
        ([[1], [True]], r"\[1\]: dtype bool"),
        ([[1], ["a"]], r"\[1\]: dtype <U1"),
        ([["x"], "ab"], r"\[0\]: dtype <U1"),
        ([[1], "ab"], r"\[1\]: str is no list of ids"),
        ([[1], {2: 3}], r"\[1\]: dict is no list of ids"),
        ([[1], [], [[2]]], r"\[2\]: shape \(1, 1\)"),
        ([[1], [[2], [3, 4]]], r"\[1\]: "),
        ([[1], [2**63]], r"\[1\]: 9223372036854775808 does not fit"),
        ([[1], [2**70]], r"\[1\]: dtype object"),
        ([[1], [None]], r"\[1\]: dtype object"),
        (np.array([[1.0]]), "dtype float64"),
        (np.zeros((2, 2, 2), int), r"\[0\]: shape \(2, 2\)"),
        (([0], [1], [2]), "a tuple stands for .* 3 elements"),
        (([0, 2], [1]), "the last offset is 2 but there are 1 ids"),
        (([1, 2], [1, 1]), "the first offset is 1"),
        (([0, 2, 1, 2], [1, 1]), "offsets fall from 2 to 1 at row 1"),
        (([], []), r"offsets of shape \(0,\)"),
        (([[0, 1]], [1]), r"offsets of shape \(1, 2\)"),
        (([0, 1], [[1]]), r"\[1\]: shape \(1, 1\)"),
        (([0.0, 1.0], [1]), r"\[0\]: dtype float64"),
        (([0, 1], [1.0]), r"\[1\]: dtype float64"),
        (([0, 1], [[1], [2, 3]]), r"\[1\]: .*inhomogeneous"),
        (Compressed([0, 3], [1]), "the last offset is 3 but there are 1 ids"),
        (Compressed([0, 1, 0], [1]), "offsets fall from 1 to 0 at row 1"),
    ],
)
def test_what_is_refused(value, says):
    with pytest.raises(ValueError, match="^seen(: )?" + says):
        id_lists(value, "seen")


def test_count():
    with pytest.raises(ValueError, match="^seen: has 4 lists, but 5 are needed"):
        id_lists(LISTS, "seen", 5)
    assert len(id_lists(LISTS, "seen")[0]) == 5


@given(st.lists(st.lists(st.integers(-(2**63), 2**63 - 1))), st.booleans())
def test_every_list_comes_back(lists, as_arrays):
    value = [np.array(row, np.int64) for row in lists] if as_arrays else lists
    offsets, ids = id_lists(value, "seen", len(lists))
    assert [ids[a:b].tolist() for a, b in zip(offsets[:-1], offsets[1:], strict=True)] == lists
    again = id_lists((offsets, ids), "seen")
    assert [part.tolist() for part in again] == [offsets.tolist(), ids.tolist()]
