"""A search of one table of users, and of one shard after the other."""

import pickle
import subprocess
import sys

import maxdot
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from batch_case import DIMENSION, assert_same, make_case
from maxdot.batch import (
    BatchError,
    BlockOptions,
    IndexFile,
    block_schema,
    read_item_names,
    results,
    search_block,
    search_shard,
    shard_results,
)

COLUMNS = {"id_column": "user_id", "vector_column": "vector"}


@pytest.fixture(scope="module")
def numbers(tmp_path_factory):
    return make_case(tmp_path_factory.mktemp("numbers"), text=False)


@pytest.fixture(scope="module")
def text(tmp_path_factory):
    return make_case(tmp_path_factory.mktemp("text"), text=True)


@pytest.fixture(params=["numbers", "text"])
def case(request):
    return request.getfixturevalue(request.param)


def by_shards(case, names, table, options):
    for path in case.shards:
        table = search_shard(maxdot.Index.open(path), names, table, options)
    return shard_results(maxdot.Index.open(case.shards[0]), names, table, options)


@pytest.mark.parametrize("layout", ["long", "list"])
@pytest.mark.parametrize("users_at_once", [1 << 14, 37])
def test_rows_are_those_of_a_job(case, layout, users_at_once, monkeypatch):
    """However the table is cut; `users_at_once` is what a search takes."""
    monkeypatch.setattr(results, "_MOST_USERS_AT_ONCE", users_at_once)
    about = {"k": 9, "layout": layout, "metric": "cosine", "scores": "f64"}
    names = read_item_names(case.names) if case.text else None
    expected = case.expected(exclude=True, **about)
    options = BlockOptions(exclude_column="seen", **COLUMNS, **about)
    table = pq.read_table(case.users)
    found = search_block(maxdot.Index.open(case.index), names, table, options)
    assert_same(found, expected)
    assert found.schema == block_schema(table.schema, pa.string() if case.text else pa.int64(), options)
    assert by_shards(case, names, table, options).equals(found)
    none = search_block(maxdot.Index.open(case.index), names, table.slice(0, 0), options)
    assert none.num_rows == 0 and none.schema == found.schema
    assert by_shards(case, names, table.slice(0, 0), options).equals(none)


@pytest.mark.parametrize("on_bad_row", ["skip", "null"])
def test_bad_rows(tmp_path, on_bad_row):
    case = make_case(tmp_path, text=False, bad=True)
    about = {"k": 4, "on_bad_row": on_bad_row}
    options = BlockOptions(**COLUMNS, **about)
    table = pq.read_table(case.users)
    found = search_block(maxdot.Index.open(case.index), None, table, options)
    assert_same(found, case.expected(metric="dot", **about))
    assert by_shards(case, None, table, options).equals(found)
    for search in (search_block, search_shard):
        with pytest.raises(BatchError, match=r"user 3 \(row 3 of a table of users\): the vector is null") as raised:
            search(maxdot.Index.open(case.index), None, table, BlockOptions(**COLUMNS))
        again = pickle.loads(pickle.dumps(raised.value))
        assert (str(again), again.kind) == (str(raised.value), "bad_data")


TYPES = {
    "list": pa.list_(pa.int64()),
    "large list": pa.large_list(pa.uint64()),
    "list of int32": pa.list_(pa.int32()),
    "fixed": pa.list_(pa.int64(), 2),
}


@pytest.mark.parametrize("kind", TYPES)
def test_types_of_lists_to_exclude(numbers, kind):
    index = maxdot.Index.open(numbers.index)
    rows = np.eye(5, DIMENSION, dtype=np.float32)
    best = index.search(rows, 2)[0].tolist()
    seen = pa.array([best[0], best[1], None, best[3], [best[4][0], None]], TYPES[kind])
    table = pa.table({"id": range(6), "v": [*rows.tolist(), rows[0].tolist()]}).slice(0, 5).append_column("seen", seen)
    found = search_block(index, None, table.slice(1), BlockOptions(k=3, exclude_column="seen"))
    right = index.search(rows[1:], 3, exclude=[best[1], [], best[3], best[4][:1]])[0]
    assert found["item_id"].to_pylist() == right.reshape(-1).tolist()


def test_lists_that_are_all_empty(case):
    index, names = maxdot.Index.open(case.index), read_item_names(case.names) if case.text else None
    table = pa.table({"id": [1, 2], "v": np.eye(2, DIMENSION, dtype=np.float32).tolist(), "seen": [[], None]})
    assert table.schema.field("seen").type == pa.list_(pa.null())
    found = search_block(index, names, table, BlockOptions(k=3, exclude_column="seen"))
    assert found.equals(search_block(index, names, table, BlockOptions(k=3)))


def test_what_cannot_be_done_is_told(text):
    index, names = maxdot.Index.open(text.index), read_item_names(text.names)
    table = pq.read_table(text.users)

    def refused(message, search=search_block, table=table, names=names, index=index, **options):
        with pytest.raises(BatchError, match=message):
            search(index, names, table, BlockOptions(**{**COLUMNS, **options}))

    refused("no column 'name'", id_column="name")
    refused("column 'country' is of type string, which holds no vectors", vector_column="country")
    refused("'user_id', 'country' may hold ids", id_column=None)
    refused("no column 'bought' of lists", exclude_column="bought")
    refused("column 'vector' is of type .*, which holds no lists of item ids", exclude_column="vector")
    refused("column 'country' is of type string, which holds no lists", exclude_column="country")
    refused("ids of type string are compared with ids of type int64", names=None, exclude_column="seen")
    refused(r"item \d+ has no name, there are 2", names=names[:2])
    refused("none was searched", search=shard_results)
    for options, message in (
        ({"k": 0}, "k: 0"),
        ({"k": 1.5}, "k: 1.5"),
        ({"threads": -1}, "threads: -1"),
        ({"metric": "manhattan"}, "metric: 'manhattan'"),
        ({"layout": "wide"}, "layout"),
        ({"scores": "keys"}, "scores: 'keys'"),
        ({"on_bad_row": "guess"}, "on_bad_row"),
    ):
        with pytest.raises(BatchError, match=message):
            BlockOptions(**options)
    options = BlockOptions(**COLUMNS, k=3)
    first = search_shard(maxdot.Index.open(text.shards[0]), names, table, options)
    refused("an item twice", search=search_shard, table=first, index=maxdot.Index.open(text.shards[0]), k=3)
    refused("were not asked for 4 results", search=search_shard, table=first, k=4)
    refused("'cosine', and those before gave .*'maxdot_keys_dot'", search=search_shard, table=first, metric="cosine")


def test_engines_are_not_imported():
    """Where a module is None in sys.modules, importing it fails."""
    code = "import sys; sys.modules.update(ray=None, pyspark=None); import maxdot, maxdot.batch, maxdot.ray"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_item_names(tmp_path):
    path = tmp_path / "names.parquet"
    pq.write_table(pa.table({"price": [1.5, 2.5], "name": ["b", "a"]}), path, row_group_size=1)
    assert read_item_names(path).to_pylist() == ["b", "a"]
    for names, message in (
        (["a", "a"], "twice"),
        (["a", None], "1 items have no id"),
        ([1, 2], "column 'name' holds no text"),
    ):
        pq.write_table(pa.table({"name": names}), path)
        with pytest.raises(BatchError, match=message):
            read_item_names(path)
    with pytest.raises(BatchError, match="absent.parquet"):
        read_item_names(tmp_path / "absent.parquet")


def test_index_files(numbers, tmp_path):
    path = tmp_path / "items.maxdot"
    with pytest.raises(BatchError, match=r"items\.maxdot: .*every process that searches needs the file") as raised:
        IndexFile.look(path)
    assert raised.value.kind == "io"
    maxdot.Index.open(numbers.index).save(path)
    file = pickle.loads(pickle.dumps(IndexFile.look(path)))
    assert (file.items, file.dimension, file.metric) == (500, DIMENSION, "dot")
    assert len(file.open()) == 500
    maxdot.Index.build(np.eye(DIMENSION, dtype=np.float32), metric="dot").save(path)
    with pytest.raises(BatchError, match=r"holds another index \(12 x 12\) than where the work began \(500 x 12\)"):
        file.open()
