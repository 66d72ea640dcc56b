"""What search and build accept as an array, and how they refuse the rest."""

import array
import subprocess
import sys
import textwrap
import tracemalloc

import maxdot
import numpy as np
import pytest
from support import gaussian
from tensors import OnlyDLPack, Tensor

ITEMS, QUERIES = gaussian(200, 12, 3), gaussian(6, 12, 4)
INDEX = maxdot.Index.build(ITEMS)
EXPECTED = INDEX.search(QUERIES, 5)[0]


def test_tensors_with_grad_or_on_a_gpu_are_read():
    graded = Tensor(QUERIES, requires_grad=True, device="cuda:0")
    np.testing.assert_array_equal(INDEX.search(graded, 5)[0], EXPECTED)
    index = maxdot.Index.build(Tensor(ITEMS, requires_grad=True))
    np.testing.assert_array_equal(index.search(QUERIES, 5)[0], EXPECTED)
    ranged = INDEX.search_range(graded, 0.0)
    np.testing.assert_array_equal(ranged[1], INDEX.search_range(QUERIES, 0.0)[1])


def read_only(values):
    values = values.copy()
    values.flags.writeable = False
    return values


@pytest.mark.parametrize(
    "queries",
    [
        QUERIES,
        read_only(QUERIES),
        np.asfortranarray(QUERIES),
        np.repeat(QUERIES, 3, axis=0)[::3],
        np.pad(QUERIES, ((0, 0), (2, 5)))[:, 2:14],
        QUERIES[::-1].copy()[::-1],
        np.repeat(QUERIES, 2, axis=1)[:, ::2],
        memoryview(QUERIES),
        OnlyDLPack(QUERIES),
    ],
    ids=[
        "plain",
        "read-only",
        "fortran",
        "row stride",
        "wide rows",
        "reversed",
        "column stride",
        "buffer",
        "dlpack",
    ],
)
def test_layouts_and_protocols(queries):
    np.testing.assert_array_equal(INDEX.search(queries, 5)[0], EXPECTED)


def test_flat_buffer_is_one_query():
    np.testing.assert_array_equal(INDEX.search(array.array("f", QUERIES[0]), 5)[0], EXPECTED[0])


def test_torch_tensors():
    torch = pytest.importorskip("torch")
    np.testing.assert_array_equal(INDEX.search(torch.from_numpy(QUERIES.copy()), 5)[0], EXPECTED)
    half = torch.from_numpy(QUERIES.copy()).half()
    np.testing.assert_array_equal(INDEX.search(half, 5)[0], INDEX.search(QUERIES.astype(np.float16), 5)[0])
    graded = torch.from_numpy(QUERIES.copy()).requires_grad_()
    np.testing.assert_array_equal(INDEX.search(graded, 5)[0], EXPECTED)
    with pytest.raises(ValueError, match="bfloat16"):
        INDEX.search(torch.from_numpy(QUERIES.copy()).bfloat16(), 5)


def test_contiguous_queries_are_not_copied():
    queries = gaussian(20000, 12, 5)
    tracemalloc.start()
    INDEX.search(queries, 1)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < queries.nbytes // 4  # NumPy reports its allocations to tracemalloc: a copy would show


@pytest.mark.parametrize(
    ("queries", "says"),
    [
        (QUERIES.astype(np.float64), "dtype float64"),
        (QUERIES.astype(np.int32), "dtype int32"),
        (QUERIES.astype(">f4"), "dtype >f4"),
        (QUERIES.astype(np.complex64), "dtype complex64"),
        (np.array(["a"]), "dtype <U1"),
        (QUERIES[np.newaxis], r"shape \(1, 6, 12\)"),
        (np.float32(3).reshape(()), r"shape \(\)"),
        (QUERIES[:, :7], "dimension 7 differs from the index's dimension 12"),
        (QUERIES[0, :7], "dimension 7 differs"),
    ],
)
def test_wrong_dtype_and_shape_name_the_argument(queries, says):
    with pytest.raises(ValueError, match="^queries: .*" + says):
        INDEX.search(queries, 5)


@pytest.mark.parametrize("dtype", [np.float32, np.float16])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_nan_and_inf_name_argument_row_and_column(value, dtype):
    bad = ITEMS.astype(dtype)
    bad[7, 3] = value
    with pytest.raises(ValueError, match="^queries: row 7, column 3 "):
        INDEX.search(bad, 5)
    with pytest.raises(ValueError, match="^items: row 7, column 3 "):
        maxdot.Index.build(bad)
    with pytest.raises(ValueError, match="^items: row 7, column 3 "):
        maxdot.verify(bad, QUERIES, EXPECTED)
    with pytest.raises(ValueError, match="^queries: row 7, column 3 "):
        maxdot.verify(ITEMS, bad, np.zeros((200, 1), int))


@pytest.mark.parametrize("what", [[1.0, 2.0], "text", None, 3.0, object()])
def test_no_array_is_a_type_error(what):
    with pytest.raises(TypeError, match="^queries: .*asarray"):
        INDEX.search(what, 5)
    with pytest.raises(TypeError, match="^items: "):
        maxdot.Index.build(what)


@pytest.mark.parametrize(
    ("ids", "says"),
    [
        (np.arange(199), "199 ids for 200 items"),
        (np.arange(200.0), "dtype float64"),
        (np.zeros(200, int), "unique"),
        (np.arange(200) - 5, "-5"),
        (np.arange(200).reshape(2, 100), r"shape \(2, 100\)"),
        (np.arange(200, dtype=np.uint64) + np.uint64(2**63), "int64"),
    ],
)
def test_bad_ids(ids, says):
    with pytest.raises(ValueError, match="^ids: .*" + says):
        maxdot.Index.build(ITEMS, ids=ids)


def test_other_arguments():
    for call, says in [
        (lambda: INDEX.search(QUERIES, -1), "^k: -1 is negative"),
        (lambda: INDEX.search(QUERIES, 1, -2), "^threads: -2"),
        (
            lambda: INDEX.search(QUERIES, 1, metric="l1"),
            "^metric: 'l1' is no metric; did you mean 'l2'",
        ),
        (lambda: maxdot.Index.build(ITEMS, metric="pi"), "^metric: 'pi'"),
        (lambda: maxdot.Index.build(ITEMS[0]), r"^items: shape \(12\)"),
    ]:
        with pytest.raises(ValueError, match=says):
            call()
    with pytest.raises(MemoryError, match="smaller k"):
        INDEX.search(QUERIES, 2**60)
    with pytest.raises(TypeError):
        INDEX.search(QUERIES, 1.5)
    with pytest.raises(TypeError, match="Index.build"):
        maxdot.Index()
    assert INDEX.search(QUERIES, np.int32(5))[0].shape == (6, 5)


def test_results_that_the_process_may_not_take():
    """Memory that the system has, and this process may not."""
    script = textwrap.dedent("""
        import resource, numpy as np, maxdot
        items = np.ones((2000, 4), np.float32)
        index = maxdot.Index.build(items)
        index.search(items, 1)
        used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (used + 2**28, used + 2**28))
        try:
            index.search(items, 15_000)
        except MemoryError as error:
            print(error)
        print(index.search(items[:1], 2)[0])
    """)
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=300)
    assert "2000 queries with k = 15000 do not fit in memory" in done.stdout, done.stderr
    assert done.stdout.endswith("[[0 1]]\n"), done.stderr
