"""Tables and columns of pandas, Polars, DuckDB and Arrow go into builds and searches, and give the bits of arrays."""

import subprocess
import sys

import duckdb
import maxdot
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import tensors
from maxdot import given
from support import gaussian

try:
    import torch

    TENSORS = [tensors, torch]
except ImportError:  # in CI; the stand-in behaves alike
    TENSORS = [tensors]

N, D, K = 300, 8, 5
ITEMS = gaussian(N, D, 1)
USERS = gaussian(20, D, 2)
NUMBERS = np.random.default_rng(3).permutation(1000)[:N]
NAMES = [f"item-{number}" for number in NUMBERS]


def arrow(columns):
    """Vectors become fixed_size_list, or fixed_size_list of these; everything else is Arrow's choice."""
    made = {}
    for name, values in columns.items():
        if isinstance(values, np.ndarray) and values.ndim > 1:
            column = pa.array(values.ravel())
            for size in reversed(values.shape[1:]):
                column = pa.FixedSizeListArray.from_arrays(column, size)
            made[name] = column
        else:
            made[name] = pa.array(values)
    return pa.table(made)


def in_lists(columns, kind=list):
    return {name: [kind(v) for v in values] if np.ndim(values) > 1 else values for name, values in columns.items()}


class Stream:
    """Of a library that speaks Arrow and nothing else. Can be read once."""

    def __init__(self, table):
        self.reader = pa.RecordBatchReader.from_batches(table.schema, table.to_batches(max_chunksize=7))

    def __arrow_c_stream__(self, requested_schema=None):
        return self.reader.__arrow_c_stream__(requested_schema)


class OneArray:
    """The same, of __arrow_c_array__."""

    def __init__(self, table):
        self.batch = table.combine_chunks().to_batches()[0]

    def __arrow_c_array__(self, requested_schema=None):
        return self.batch.__arrow_c_array__(requested_schema)


class OldFrame(pd.DataFrame):
    """As of a pandas before 2.2, which does not speak Arrow."""

    @property
    def __arrow_c_stream__(self):
        raise AttributeError("__arrow_c_stream__")


OldFrame.__module__ = "pandas.core.frame"


def duck(columns):
    table = arrow(columns)
    return duckdb.connect().from_arrow(table).select("*")


TABLES = {
    "pyarrow": arrow,
    "pyarrow chunks": lambda columns: pa.concat_tables([arrow(columns).slice(0, 7), arrow(columns).slice(7)]),
    "record batch": lambda columns: arrow(columns).combine_chunks().to_batches()[0],
    "pandas": lambda columns: pd.DataFrame(in_lists(columns, np.asarray)),
    "pandas of lists": lambda columns: pd.DataFrame(in_lists(columns, lambda row: [float(v) for v in row])),
    "pandas of arrow": lambda columns: arrow(columns).to_pandas(types_mapper=pd.ArrowDtype),
    "pandas 2.1": lambda columns: OldFrame(in_lists(columns, np.asarray)),
    "polars arrays": lambda columns: pl.from_arrow(arrow(columns)),
    "polars lists": lambda columns: pl.DataFrame(in_lists(columns, lambda row: pl.Series(row))),
    "duckdb": duck,
    "duckdb .arrow()": lambda columns: duck(columns).arrow(),
    "stream": lambda columns: Stream(arrow(columns)),
    "array": lambda columns: OneArray(arrow(columns)),
}
COLUMNS = {
    "pyarrow": lambda values: arrow({"v": values}).column("v"),
    "pyarrow array": lambda values: arrow({"v": values}).column("v").chunk(0),
    "pandas": lambda values: pd.Series(list(values)),
    "pandas of arrow": lambda values: pd.Series(pd.arrays.ArrowExtensionArray(arrow({"v": values}).column("v"))),
    "polars arrays": lambda values: pl.from_arrow(arrow({"v": values}))["v"],
    "polars lists": lambda values: pl.Series([pl.Series(row) for row in values]),
}


def same(found, wanted):
    assert len(found) == len(wanted)
    for left, right in zip(found, wanted, strict=True):
        assert left.dtype == right.dtype and left.shape == right.shape and left.tobytes() == right.tobytes()


@pytest.mark.parametrize("dtype", [np.float32, np.float16])
@pytest.mark.parametrize("library", TABLES)
def test_numbers_and_vectors(library, dtype):
    if dtype == np.float16 and (library == "polars lists" or "duckdb" in library or library == "pandas of lists"):
        dtype = np.float32  # has no float16 in lists
    make = TABLES[library]
    items = ITEMS.astype(dtype)
    wanted = maxdot.Index.build(items, NUMBERS, "dot")
    index = maxdot.Index.build(make({"sku": NUMBERS, "vector": items}), metric="dot")
    assert index.dtype == np.float32 if library == "pandas of lists" else index.dtype == dtype
    assert index.item_names is None
    same(index.search(make({"vector": USERS}), K), wanted.search(USERS, K))
    same(
        index.search(make({"user": np.arange(20), "age": np.arange(20), "vector": USERS}), K), wanted.search(USERS, K)
    )
    two = {"sku": NUMBERS, "price": np.zeros(N, np.int64), "vector": items}
    same(maxdot.Index.build(make(two), "sku", "dot").search(USERS, K), wanted.search(USERS, K))
    same(maxdot.top_k(make({"v": USERS}), make({"v": items}), K), maxdot.top_k(USERS, items, K))
    same(maxdot.top_k(USERS, make({"sku": NUMBERS, "v": items}), K, "dot"), wanted.search(USERS, K))
    same(index.search_range(make({"vector": USERS}), 2.0), wanted.search_range(USERS, 2.0))


@pytest.mark.parametrize("library", TABLES)
def test_names(library):
    make = TABLES[library]
    index = maxdot.Index.build(make({"sku": NAMES, "vector": ITEMS}))
    wanted = maxdot.Index.build(ITEMS)
    assert index.item_names.type == pa.large_string() and index.item_names.to_pylist() == NAMES
    ids, scores = index.search(USERS, K)
    same((ids, scores), wanted.search(USERS, K))
    assert index.names(ids).tolist() == [[NAMES[number] for number in row] for row in ids]
    table = index.search_table(make({"user": [f"u{n}" for n in range(20)], "vector": USERS}), K)
    assert table.schema.names == ["user", "rank", "item_id", "score"]
    assert table.column("user").to_pylist() == [f"u{n}" for n in range(20) for _ in range(K)]
    assert table.column("rank").to_pylist() == [*range(1, K + 1)] * 20
    assert table.column("item_id").to_pylist() == [NAMES[number] for number in ids.ravel()]
    assert table.column("score").to_numpy().tobytes() == scores.tobytes()


@pytest.mark.parametrize("library", COLUMNS)
def test_columns(library):
    make = COLUMNS[library]
    wanted = maxdot.Index.build(ITEMS, NUMBERS)
    for ids in (NUMBERS, pl.Series(NUMBERS), pd.Series(NUMBERS), pa.array(NUMBERS), pa.chunked_array([NUMBERS])):
        same(maxdot.Index.build(make(ITEMS), ids).search(make(USERS), K), wanted.search(USERS, K))
    for ids in (NAMES, np.array(NAMES), np.array(NAMES, object), pl.Series(NAMES), pd.Series(NAMES), pa.array(NAMES)):
        assert maxdot.Index.build(make(ITEMS), ids).item_names.to_pylist() == NAMES
        assert maxdot.Index.build(ITEMS, ids).item_names.to_pylist() == NAMES


@pytest.mark.parametrize("library", TENSORS)
def test_tensors(library):
    tensor = library.from_numpy
    index = maxdot.Index.build(tensor(ITEMS.copy()), tensor(NUMBERS.copy()))
    same(index.search(tensor(USERS.copy()), K), maxdot.Index.build(ITEMS, NUMBERS).search(USERS, K))
    same(maxdot.top_k(tensor(USERS.copy()), tensor(ITEMS.copy()), K), maxdot.top_k(USERS, ITEMS, K))
    named = maxdot.Index.build(tensor(ITEMS.copy()), NAMES)
    found = named.search(USERS, K)[0]
    table = named.search_table(tensor(USERS.copy()), K, exclude={3: [NAMES[found[3, 0]]]})
    assert table.column("item_id")[3 * K].as_py() == NAMES[found[3, 1]]
    relevant = {3: [NAMES[found[3, 1]]]}
    assert maxdot.evaluate.retrieval(named, tensor(USERS.copy()), relevant, [2])[2].recall == 1.0


@pytest.mark.parametrize(
    "column",
    [
        pl.Series,
        pd.Series,
        pa.array,
        lambda values: pa.chunked_array([values]),
        lambda values: pl.Series([values])[0],
    ],
)
def test_one_vector(column):
    same(maxdot.Index.build(ITEMS).search(column(USERS[0]), K), maxdot.Index.build(ITEMS).search(USERS[0], K))


#: A stream can be read once, and DuckDB computes a relation each time.
@pytest.mark.parametrize("library", sorted(set(TABLES) - {"stream", "duckdb", "duckdb .arrow()"}))
def test_what_is_copied(library):
    """Rows that lie in a library's memory are at one place, however often they are read."""
    table = TABLES[library]({"vector": ITEMS})
    first, second = (given.read_rows(table, "items", None).rows for _ in range(2))
    copied = library in ("pyarrow chunks", "pandas", "pandas of lists", "pandas 2.1")
    assert (first.ctypes.data != second.ctypes.data) == copied
    column = COLUMNS.get(library)
    if column is not None and not copied:
        series = column(ITEMS)
        first, second = (given.read_rows(series, "items", None).rows for _ in range(2))
        assert first.ctypes.data == second.ctypes.data


def test_text_in_every_layout():
    names = ["a", "", "ü" * 9, "a longer name than a view holds itself", "e"]
    texts = pa.array(names)
    layouts = [texts.cast(kind) for kind in (pa.large_string(), pa.string_view())]
    layouts += [
        texts.dictionary_encode(),
        pl.Series(names, dtype=pl.Categorical),
        pl.Series(names, dtype=pl.Enum(names)),
    ]
    layouts += [
        pd.Series(names, dtype="category"),
        pd.Series(names, dtype="string[pyarrow]"),
        pd.Series(names, dtype=object),
    ]
    layouts += [
        pa.chunked_array([part.dictionary_encode() for part in (texts[:2], texts[2:])]),
        pa.array(["z", *names])[1:],
    ]
    layouts += [pl.from_arrow(texts).cast(pl.Categorical).to_arrow()]
    for layout in layouts:
        index = maxdot.Index.build(ITEMS[:5], layout)
        assert index.item_names.type == pa.large_string() and index.item_names.to_pylist() == names


def test_integers_in_every_layout():
    for ids in (
        pl.Series(NUMBERS).cast(pl.UInt16),
        pa.array(NUMBERS).dictionary_encode(),
        pd.Series(NUMBERS, dtype="Int32"),
        pa.array(NUMBERS, pa.uint64()),
    ):
        same(maxdot.Index.build(ITEMS, ids).search(USERS, K), maxdot.Index.build(ITEMS, NUMBERS).search(USERS, K))


@pytest.mark.parametrize("library", ["pyarrow", "pandas", "polars arrays", "polars lists", "duckdb"])
def test_several_interests(library):
    interests = gaussian(12, D, 5).reshape(4, 3, D)
    index = maxdot.Index.build(ITEMS)
    wanted = index.search_multi(interests, K)
    users = np.arange(1, 5)
    if library == "pandas":
        table = pd.DataFrame({"user": users, "v": [[list(map(float, row)) for row in user] for user in interests]})
    elif library == "polars lists":
        table = pl.DataFrame(
            {"user": users, "v": interests.tolist()}, schema_overrides={"v": pl.List(pl.List(pl.Float32))}
        )
    else:
        table = TABLES[library]({"user": users, "v": interests})
    same(index.search_multi(table, K), wanted)
    best = int(wanted[0][1, 0])
    filtered = index.search_multi(interests, K, exclude=[[], [best], [], []])
    assert best not in filtered[0][1]
    same(index.search_multi(table, K, exclude={2: [best]}), filtered)
    same(index.search_multi(interests, K, exclude={1: [best]}), filtered)


def test_fewer_interests_than_others():
    lists = [[[1.0] * D, [2.0] * D], [], [[3.0] * D]]
    index = maxdot.Index.build(ITEMS)
    padded = np.zeros((3, 2, D), np.float32)
    for row, interests in enumerate(lists):
        for number, interest in enumerate(interests):
            padded[row, number] = interest
    for kind in (
        pa.list_(pa.list_(pa.float32())),
        pa.list_view(pa.list_(pa.float32(), D)),
        pa.large_list(pa.list_(pa.float64())),
    ):
        column = pa.array([[], *lists], kind)[1:]
        same(index.search_multi(column, K), index.search_multi(padded, K))
        same(index.search_multi(column[1:2], K), index.search_multi(padded[1:2], K))
    bad = pa.array([*lists, [[1.0] * D, [1.0] * (D - 1)]], pa.list_(pa.list_(pa.float32())))
    with pytest.raises(ValueError, match="^users: row 3, interest 1: has 7 values, not 8; mend it, or leave it out$"):
        index.search_multi(bad, K)
    same(index.search_multi(bad[:3], K), index.search_multi(padded, K))  # what is not of the slice does not matter
    with pytest.raises(ValueError, match="^users: row 1: the user is null"):
        index.search_multi(pa.array([lists[0], None], kind), K)
    with pytest.raises(ValueError, match="^users: 0 columns hold lists of vectors, not 1; there are 'v'"):
        index.search_multi(arrow({"v": USERS}), K)


def test_pandas_labels():
    frame = pd.DataFrame({"sku": NAMES, "vector": list(ITEMS)})
    ids = maxdot.Index.build(frame).search(USERS, K)[0]
    part = frame[frame.index >= 100]  # its labels are no ids
    assert maxdot.Index.build(part).item_names.to_pylist() == NAMES[100:]
    same(maxdot.Index.build(part[["vector"]]).search(USERS, K), maxdot.Index.build(ITEMS[100:]).search(USERS, K))
    assert maxdot.Index.build(frame.set_index("sku")).item_names.to_pylist() == NAMES  # these are
    assert maxdot.Index.build(frame.set_index("sku")).search(USERS, K)[0].tolist() == ids.tolist()


def test_what_is_refused():
    build = maxdot.Index.build
    table = arrow({"sku": NAMES, "other": NUMBERS, "vector": ITEMS})
    with pytest.raises(
        ValueError, match="^items: 'sku', 'other' may hold ids; select the columns .* or name it: ids='...'$"
    ):
        build(table)
    with pytest.raises(ValueError, match="^items: no column 'skus'; there are 'sku', 'other', 'vector'$"):
        build(table, "skus")
    with pytest.raises(ValueError, match="^items: column 'vector' is of type .*, which holds no ids$"):
        build(table, "vector")
    with pytest.raises(
        ValueError, match="^items: no column holds vectors; there are 'sku' .*string.*, 'other' .int64"
    ):
        build(table.select(["sku", "other"]))
    with pytest.raises(ValueError, match="^items: 'v', 'w' may hold vectors; select the columns that are meant"):
        build(arrow({"v": ITEMS, "w": ITEMS}))
    with pytest.raises(ValueError, match="^ids: 'sku' names a column, but items is no table"):
        build(ITEMS, "sku")
    with pytest.raises(ValueError, match="^ids: 'sku' names a column, but items is a column itself"):
        build(table.column("vector"), "sku")
    with pytest.raises(ValueError, match="^ids: rows 1 and 2 are both 'b'; give each item its own$"):
        build(ITEMS[:4], ["a", "b", "b", "a"])
    with pytest.raises(ValueError, match="^ids: row 1: the id is null"):
        build(ITEMS[:2], pa.array(["a", None]))
    with pytest.raises(ValueError, match="^ids: row 1 is null; 1 are"):
        build(ITEMS[:2], pa.array([1, None]))
    with pytest.raises(ValueError, match="^ids: there are 2 for 3 rows"):
        build(ITEMS[:3], ["a", "b"])
    with pytest.raises(ValueError, match="^ids: is a table; pass its column of ids$"):
        build(ITEMS, table)
    with pytest.raises(ValueError, match="^ids: "):
        build(ITEMS[:2], ["a", 1])
    with pytest.raises(ValueError, match="^ids: "):
        build(ITEMS[:2], ["a", "\ud800"])
    with pytest.raises(ValueError, match="^ids: .* 2\\^63"):
        build(ITEMS[:1], pa.array([2**63], pa.uint64()))
    with pytest.raises(ValueError, match="^items: bytes do not tell the dimension"):
        build(pa.array([b"1234"]))
    with pytest.raises(ValueError, match="^items: none of 2 vectors is there"):
        build(pa.nulls(2, pa.list_(pa.float32())))
    with pytest.raises(
        ValueError,
        match="^items: column 'v': row 1: value 0 is nan .and 1 more rows.; mend the row, or leave it out$",
    ):
        build(pa.table({"v": pa.array([[1.0], [float("nan")], None])}))
    with pytest.raises(ValueError, match="^items: DataFrame cannot be read as Arrow data: "):
        build(pd.DataFrame({"v": [[1.0], "a"]}))
    with pytest.raises(ValueError, match="^queries: row 0: has 2 values, not 8"):
        build(ITEMS).search(pa.array([[1.0, 2.0]]), K)
    with pytest.raises(ValueError, match="^queries: value 1 is null$"):
        build(ITEMS).search(pl.Series([1.0, None]), K)
    with pytest.raises(ValueError, match="^queries: a column of type .*string.* holds no vectors$"):
        build(ITEMS).search(pl.Series(["a"]), K)


def test_bytes_are_queries():
    index = maxdot.Index.build(ITEMS)
    column = pa.array([row.tobytes() for row in USERS], pa.binary())
    same(index.search(column, K), index.search(USERS, K))
    half = pa.table({"v": pa.array([row.tobytes() for row in USERS.astype(np.float16)], pa.binary(2 * D))})
    same(index.search(half, K), index.search(USERS.astype(np.float16), K))


def test_float64_is_rounded_once():
    wide = ITEMS.astype(np.float64) * (1 + 1e-12)
    same(
        maxdot.Index.build(arrow({"v": wide})).search(USERS, K),
        maxdot.Index.build(wide.astype(np.float32)).search(USERS, K),
    )
    with pytest.raises(ValueError, match="row 0: value 1 is 1e\\+39, which float32 cannot hold"):
        maxdot.Index.build(pl.DataFrame({"v": [[1.0, 1e39]]}))


def test_pyarrow_is_imported_for_tables_alone():
    code = """
import sys
import numpy as np
import maxdot
index = maxdot.Index.build(np.eye(3, dtype=np.float32), [5, 6, 7])
index.search(np.eye(3, dtype=np.float32), 2, exclude=[[5], [], []])
maxdot.evaluate.retrieval(index, np.eye(3, dtype=np.float32), {0: [5], 2: [6]}, [1], exclude={1: [7]})
assert not {"pyarrow", "pandas", "polars", "duckdb"} & set(sys.modules), sys.modules.keys()
sys.modules["pyarrow"] = None  # as if it were not installed
import pandas as pd
assert index.search(np.eye(3, dtype=np.float32)[0], 2, exclude=pd.Series([5]))[0].tolist() == [6, 7]
for name, call in {
    "items": lambda: maxdot.Index.build(pd.DataFrame({"v": [[1.0]]})),
    "ids": lambda: maxdot.Index.build(np.eye(3, dtype=np.float32), ["a", "b", "c"]),
    "queries": lambda: index.search(pd.DataFrame({"v": [[1.0]]}), 1),
    "exclude": lambda: index.search(np.eye(3, dtype=np.float32), 1, exclude=pd.DataFrame({"u": [0], "i": [5]})),
    "search_table": lambda: index.search_table(np.eye(3, dtype=np.float32), 1),
}.items():
    try:
        call()
    except ImportError as error:
        assert str(error) == f"{name}: tables and names need pyarrow; pip install 'maxdot[parquet]'", error
    else:
        raise AssertionError(name)
print("done")
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout == "done\n", done.stderr
