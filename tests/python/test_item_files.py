"""What workers of an engine open: once in each process, and the files that the work began with."""

import pickle

import maxdot
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from batch_case import DIMENSION, make_case
from maxdot.batch import BatchError, ItemFiles
from maxdot.batch.item_files import index_paths


@pytest.fixture(scope="module")
def case(tmp_path_factory):
    return make_case(tmp_path_factory.mktemp("text"), text=True)


def test_a_process_opens_them_once(case):
    files = ItemFiles.look(case.index, case.names)
    (index,), names = files.open()
    (again,), same_names = pickle.loads(pickle.dumps(files)).open()
    assert again is index and same_names is names
    assert len(index) == len(names) == 500
    assert files.name_type == pa.string()


def test_others_are_refused(case, tmp_path):
    path, names = tmp_path / "items.maxdot", tmp_path / "names.parquet"
    index = maxdot.Index.build(np.eye(DIMENSION, dtype=np.float32), ids=[f"item {row}" for row in range(DIMENSION)])
    index.save(path)
    own = ItemFiles.look(path)
    assert own.name_type == pa.large_string()
    with pytest.raises(BatchError, match="have names of their own"):
        ItemFiles.look(path, case.names)
    maxdot.Index.build(np.eye(DIMENSION, dtype=np.float32), ids=[f"other {row}" for row in range(DIMENSION)]).save(path)
    with pytest.raises(BatchError, match=r"items\.maxdot: on .* the names of items are others"):
        own.open()
    pq.write_table(pa.table({"sku": ["a", "b"]}), names)
    named = ItemFiles.look(case.index, names)
    pq.write_table(pa.table({"sku": ["a", "c"]}), names)
    with pytest.raises(BatchError, match=r"names\.parquet: on .* the names of items are others"):
        named.open()
    with pytest.raises(BatchError, match="the machines of two shards have other names"):
        ItemFiles.joined([named, ItemFiles.look(case.shards[0], names)])


def test_shards_that_do_not_belong_together(case, tmp_path):
    rows = np.eye(DIMENSION, dtype=np.float32)
    for name, message, how in (
        ("metric", "metric 'cosine', and that of", {}),
        ("normalized", "normalized True, and that of", {"metric": "dot", "normalize": True}),
        ("named", "whose items have names of its own", {"metric": "dot", "ids": [str(row) for row in range(DIMENSION)]}),
    ):
        maxdot.Index.build(rows, **how).save(tmp_path / name)
        with pytest.raises(BatchError, match=message):
            ItemFiles.joined([ItemFiles.look(case.index), ItemFiles.look(tmp_path / name)])
    with pytest.raises(BatchError, match="an empty list"):
        index_paths([])
    with pytest.raises(BatchError, match="stands there 2 times"):
        index_paths(["a", "./a"])
