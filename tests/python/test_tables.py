"""Columns of vectors in every layout of Arrow, as rows for the engine, and what damaged ones are told."""

import math

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from maxdot.tables import find_column, one_array, vectors_of

D = 3
X = np.random.default_rng(1).standard_normal((6, D))


def fixed(x, **options):
    return pa.FixedSizeListArray.from_arrays(pa.array(x.ravel()), x.shape[1], **options)


def listed(x, make=pa.ListArray, offset=np.int32):
    return make.from_arrays(pa.array(np.arange(len(x) + 1, dtype=offset) * x.shape[1]), pa.array(x.ravel()))


def viewed(x, make=pa.ListViewArray, offset=np.int32):
    starts = np.arange(len(x), dtype=offset) * x.shape[1]
    return make.from_arrays(pa.array(starts), pa.array(np.full(len(x), x.shape[1], offset)), pa.array(x.ravel()))


def in_bytes(x, kind):
    return pa.array([row.tobytes() for row in x], kind)


LAYOUTS = {
    "fixed_size_list": fixed,
    "list": listed,
    "large_list": lambda x: listed(x, pa.LargeListArray, np.int64),
    "list_view": viewed,
    "large_list_view": lambda x: viewed(x, pa.LargeListViewArray, np.int64),
    "fixed_shape_tensor": lambda x: pa.FixedShapeTensorArray.from_numpy_ndarray(np.ascontiguousarray(x)),
}
BYTES = {
    "binary": lambda x: in_bytes(x, pa.binary()),
    "large_binary": lambda x: in_bytes(x, pa.large_binary()),
    "fixed_size_binary": lambda x: in_bytes(x, pa.binary(x[0].nbytes)),
    "binary_view": lambda x: in_bytes(x, pa.binary()).cast(pa.binary_view()),
}
TYPES = {
    "list": pa.list_,
    "large_list": pa.large_list,
    "list_view": pa.list_view,
    "large_list_view": pa.large_list_view,
}
NOT_COPIED = {*LAYOUTS, "fixed_size_binary"}  # bytes of any length begin where they do


def rows_of(column, dimension=D):
    vectors = vectors_of(column, dimension)
    assert vectors.problems == {}
    assert vectors.rows.flags.c_contiguous and vectors.rows.flags.aligned
    return vectors.rows


def memory_of(array):
    """The addresses of an array's buffers."""
    storage = array.storage if isinstance(array.type, pa.FixedShapeTensorType) else array
    return [(b.address, b.address + b.size) for b in storage.buffers() if b is not None]


@pytest.mark.parametrize(
    ("layout", "dtype"),
    [(layout, dtype) for layout in [*LAYOUTS, *BYTES] for dtype in (np.float16, np.float32)]
    + [(layout, np.float64) for layout in LAYOUTS],
)
def test_every_layout(layout, dtype):
    x = X.astype(dtype)
    column = (LAYOUTS | BYTES)[layout](x)
    wanted = x.astype(np.float32) if dtype == np.float64 else x
    rows = rows_of(column)
    assert rows.dtype == wanted.dtype and rows.tobytes() == wanted.tobytes()
    if dtype != np.float64 and layout in NOT_COPIED:
        address = rows.__array_interface__["data"][0]
        assert any(begin <= address < end for begin, end in memory_of(column))
    for begin, end in ((0, 0), (1, 4), (2, 6), (5, 6), (6, 6)):
        part = rows_of(column.slice(begin, end - begin))
        assert part.shape == (end - begin, D) and part.tobytes() == wanted[begin:end].tobytes()
    chunks = pa.chunked_array([column.slice(1, 2), column.slice(3, 0), column.slice(3, 3)])
    assert rows_of(chunks).tobytes() == wanted[1:6].tobytes()
    assert rows_of(pa.chunked_array([], column.type)).shape == (0, D)


@pytest.mark.parametrize("layout", [*TYPES, "fixed_size_list"])
def test_slices_of_slices_of_sliced_values(layout):
    x = X.astype(np.float32)
    inner = pa.array(np.concatenate([[9, 9], x.ravel()]).astype(np.float32)).slice(
        2
    )  # values with an offset of their own
    if layout == "fixed_size_list":
        column = pa.FixedSizeListArray.from_arrays(inner, D)
    else:
        like = LAYOUTS[layout](x)
        starts = pa.array(np.arange(len(x), dtype=np.int32 if layout in ("list", "list_view") else np.int64) * D)
        if "view" in layout:
            column = type(like).from_arrays(starts, pa.array(np.full(len(x), D), starts.type), inner)
        else:
            column = type(like).from_arrays(pa.array([*starts.to_pylist(), x.size], starts.type), inner)
    assert rows_of(column.slice(1).slice(1, 3)).tobytes() == x[2:5].tobytes()


def test_views_may_lie_anywhere():
    values = pa.array(np.arange(9, dtype=np.float32))
    column = pa.ListViewArray.from_arrays(pa.array([6, 0, 1], pa.int32()), pa.array([3, 3, 3], pa.int32()), values)
    assert rows_of(column).tolist() == [[6, 7, 8], [0, 1, 2], [1, 2, 3]]


def test_each_row_of_bytes_tells_its_own_type():
    x = np.array([[1.5, -2.0, 3.25], [4.0, 5.0, 6.0], [7.0, 8.0, 9.0]], np.float32)
    rows = [x[0].astype(np.float16).tobytes(), x[1].tobytes(), None, x[2].astype(np.float16).tobytes(), b"12345"]
    whole = vectors_of(pa.array(rows, pa.binary()), D)
    assert whole.problems == {2: "the vector is null", 4: "has 5 bytes, not 12 (float32) or 6 (float16)"}
    assert whole.rows.dtype == np.float32 and (whole.rows[[0, 1, 3]] == x).all()
    for row in (0, 1, 3):  # whatever stands beside it
        alone = vectors_of(pa.array([rows[row]], pa.binary()), D)
        assert alone.problems == {} and (alone.rows[0].astype(np.float32) == whole.rows[row]).all()


def test_bytes_that_are_not_aligned():
    x = X.astype(np.float32)
    column = pa.array([b"z", *(row.tobytes() for row in x)], pa.binary()).slice(1)
    assert rows_of(column).tobytes() == x.tobytes()


@pytest.mark.parametrize("layout", [*TYPES, "fixed_size_list"])
@pytest.mark.parametrize("kind", [pa.float16(), pa.float32(), pa.float64()])
def test_what_cannot_be_used(layout, kind):
    half = kind == pa.float16()
    number = np.float16 if half else float
    lists = [[1, 2, 3], None, [1, float("nan"), 3], [4, 5, None], [7, 8, 9], [1, 2, float("-inf")]]
    lists = [row and [None if v is None else number(v) for v in row] for row in lists]
    whole = pa.array(lists, pa.list_(kind, D) if layout == "fixed_size_list" else TYPES[layout](kind))
    vectors = vectors_of(whole, D)
    assert vectors.problems == {
        1: "the vector is null",
        2: "value 1 is nan",
        3: "value 2 is null",
        5: "value 2 is -inf",
    }
    assert vectors.rows.tolist() == [[1, 2, 3], [0] * 3, [0] * 3, [0] * 3, [7, 8, 9], [0] * 3]
    part = vectors_of(whole.slice(3, 2), D)
    assert part.problems == {0: "value 2 is null"} and part.rows.tolist() == [[0] * 3, [7, 8, 9]]


def test_wrong_lengths():
    column = pa.array([[1.0, 2.0], [1.0, 2.0, 3.0], [], [1.0] * 4], pa.list_(pa.float32()))
    vectors = vectors_of(column, D)
    assert vectors.problems == {n: f"has {m} values, not 3" for n, m in ((0, 2), (2, 0), (3, 4))}
    assert vectors.rows.tolist() == [[0] * 3, [1, 2, 3], [0] * 3, [0] * 3]
    assert vectors_of(fixed(X), 4).problems[5] == "has 3 values, not 4"
    assert vectors_of(pa.array([b"123", b"1" * 12], pa.binary()), D).problems == {
        0: "has 3 bytes, not 12 (float32) or 6 (float16)"
    }


def test_float64_beyond_float32():
    vectors = vectors_of(pa.array([[1.0, 1e39, 2.0], [1.0, 3.4e38, 1e-50]], pa.list_(pa.float64())), D)
    assert vectors.problems == {0: "value 1 is 1e+39, which float32 cannot hold"}
    assert vectors.rows[1].tolist() == [1.0, float(np.float32(3.4e38)), 0.0]


def test_bad_rows_beyond_those_looked_at_together():
    x = np.ones((200_000, D), np.float32)
    x[[3, 199_999], 1] = np.nan
    assert vectors_of(fixed(x), D).problems == {3: "value 1 is nan", 199_999: "value 1 is nan"}


def test_nothing():
    for kind in (
        pa.list_(pa.float32()),
        pa.list_(pa.float32(), D),
        pa.list_view(pa.float16()),
        pa.binary(),
        pa.binary(12),
    ):
        assert rows_of(pa.array([], kind)).shape == (0, D)
        nulls = vectors_of(pa.nulls(2, kind), D)
        assert set(nulls.problems) == {0, 1} and nulls.rows.tolist() == [[0] * D] * 2


def stream_of(column):
    batch = pa.record_batch([column], ["v"])
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, batch.schema) as writer:
        writer.write_batch(batch)
    return bytearray(sink.getvalue().to_pybytes())


@pytest.mark.parametrize("kind", [pa.list_(pa.float32()), pa.list_view(pa.float32())])
def test_lists_that_reach_beyond_their_values(kind):
    """pa.Array.from_buffers checks; a file and the C interface do not."""
    good = pa.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], kind)
    stream = stream_of(good)
    offsets = np.array([0, 3, 6] if kind == pa.list_(pa.float32()) else [0, 3], np.int32).tobytes()
    place = stream.find(offsets)
    assert place > 0
    for value in (7, 1 << 30, -3):
        stream[place + len(offsets) - 4 : place + len(offsets)] = np.array([value], np.int32).tobytes()
        column = pa.ipc.open_stream(bytes(stream)).read_all().column("v")
        for damaged in (column, pa.chunked_array([*column.chunks, good])):
            with pytest.raises(ValueError, match="the column is damaged"):
                vectors_of(damaged, D)


@pytest.mark.parametrize("kind", [pa.string_view(), pa.binary_view()])
def test_views_that_reach_beyond_their_bytes(kind):
    stream = stream_of(pa.array(["longer than a view"] * 3, kind))
    place = stream.find(b"long") + 4  # behind the beginning stand the number of the buffer and the place in it
    for number, value in ((0, 77), (1, 1 << 20)):
        damaged = bytearray(stream)
        damaged[place + 4 * number : place + 4 * number + 4] = np.array([value], np.int32).tobytes()
        column = pa.ipc.open_stream(bytes(damaged)).read_all().column("v")
        for chunks in ([column.chunk(0)], [column.chunk(0)] * 2):
            with pytest.raises(ValueError, match="the column is damaged"):
                one_array(pa.chunked_array(chunks))


def test_one_array_of_dictionaries():
    chunks = [pa.array(["a", "b"]).dictionary_encode(), pa.array(["c", "a"]).dictionary_encode()]
    assert one_array(pa.chunked_array(chunks)).to_pylist() == ["a", "b", "c", "a"]


def test_find_column():
    schema = pa.schema(
        [("a", pa.int64()), ("b", pa.string_view()), ("v", pa.list_(pa.float32())), ("w", pa.list_view(pa.float16()))]
    )
    assert find_column(schema, "b", "ids", "t") == "b" and find_column(schema, "w", "vectors", "t") == "w"
    with pytest.raises(ValueError, match="^t: 'v', 'w' may hold vectors; say which column is meant$"):
        find_column(schema, None, "vectors", "t")
    with pytest.raises(ValueError, match="^t: no column 'c'; there are 'a', 'b', 'v', 'w'$"):
        find_column(schema, "c", "ids", "t")
    with pytest.raises(ValueError, match="^t: column 'a' is of type int64, which holds no vectors$"):
        find_column(schema, "a", "vectors", "t")


VALUE = st.one_of(st.none(), st.floats(width=32), st.floats(-9, 9, width=32), st.floats(-9, 9, width=32))
ROWS = st.lists(
    st.one_of(st.none(), st.lists(VALUE, max_size=4), st.lists(VALUE, min_size=D, max_size=D)), max_size=8
)


def problem_of(row):
    """What is wrong with a vector, said again from Python's own lists."""
    if row is None:
        return "the vector is null"
    if len(row) != D:
        return f"has {len(row)} values, not {D}"
    if None in row:
        return f"value {row.index(None)} is null"
    return next((f"value {n} is {v}" for n, v in enumerate(row) if not math.isfinite(v)), None)


@given(ROWS, st.sampled_from([*TYPES]), st.data())
def test_any_column(rows, layout, data):
    column = pa.array(rows, TYPES[layout](pa.float32()))
    begin = data.draw(st.integers(0, len(rows)))
    end = data.draw(st.integers(begin, len(rows)))
    cut = data.draw(st.integers(begin, end))
    part = column.slice(begin, end - begin)
    if data.draw(st.booleans()):
        part = pa.chunked_array([column.slice(begin, cut - begin), column.slice(cut, end - cut)])
    vectors = vectors_of(part, D)
    told = [problem_of(row) for row in rows[begin:end]]
    assert vectors.problems == {row: problem for row, problem in enumerate(told) if problem is not None}
    wanted = [row if problem is None else [0.0] * D for row, problem in zip(rows[begin:end], told, strict=True)]
    assert vectors.rows.shape == (end - begin, D) and vectors.rows.tolist() == wanted
