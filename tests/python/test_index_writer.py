"""maxdot.IndexWriter and build_file: the files of build and save, written in parts."""

import os

import maxdot
import numpy as np
import pytest
from support import METRICS, gaussian

ITEMS = gaussian(9001, 11, 1)
IDS = np.arange(9001)[::-1] * 3


@pytest.mark.parametrize("dtype", [np.float32, np.float16])
@pytest.mark.parametrize("metric", METRICS)
def test_the_file_of_build_and_save(tmp_path, metric, dtype):
    items = ITEMS.astype(dtype)
    for ids in (None, IDS):
        maxdot.Index.build(items, ids, metric, normalize=ids is None).save(tmp_path / "whole")
        options = {"metric": metric, "normalize": ids is None}
        name = {np.float32: "f32", np.float16: "f16"}[dtype]
        with maxdot.IndexWriter(tmp_path / "parts", 9001, 11, name, with_ids=ids is not None, **options) as writer:
            for begin in range(0, 9001, 777):
                writer.append(items[begin : begin + 777], None if ids is None else ids[begin : begin + 777])
            assert not (tmp_path / "parts").exists()
        assert (tmp_path / "parts").read_bytes() == (tmp_path / "whole").read_bytes()
        np.save(tmp_path / "items.npy", items)
        maxdot.build_file(tmp_path / "items.npy", tmp_path / "parts", ids, **options)
        assert (tmp_path / "parts").read_bytes() == (tmp_path / "whole").read_bytes()
        (tmp_path / "parts").unlink()


def test_tables(tmp_path):
    pa = pytest.importorskip("pyarrow")
    vectors = pa.FixedSizeListArray.from_arrays(pa.array(ITEMS.ravel()), 11)
    table = pa.table({"item": IDS, "vector": vectors})
    maxdot.Index.build(table).save(tmp_path / "whole")
    with maxdot.IndexWriter(tmp_path / "parts", table.num_rows, 11, with_ids=True) as writer:
        for batch in table.to_batches(max_chunksize=2000):
            writer.append(batch)
    assert (tmp_path / "parts").read_bytes() == (tmp_path / "whole").read_bytes()
    text = pa.table({"item": [str(i) for i in IDS], "vector": vectors})
    for with_ids, ids in ((True, None), (False, [str(i) for i in IDS])):
        writer = maxdot.IndexWriter(tmp_path / "parts", table.num_rows, 11, with_ids=with_ids)
        with pytest.raises(ValueError, match="ids: are text"):
            writer.append(text, ids)


def test_what_is_wrong_leaves_the_old_file(tmp_path):
    path = tmp_path / "items.maxdot"
    path.write_bytes(b"old")
    bad = ITEMS.copy()
    bad[100, 3] = np.nan
    with (
        pytest.raises(ValueError, match="row 9101, column 3 is NaN"),
        maxdot.IndexWriter(path, 99999, 11) as writer,
    ):
        writer.append(ITEMS)
        writer.append(bad)
    with pytest.raises(ValueError, match="given up"):
        writer.append(ITEMS)
    with pytest.raises(ValueError, match="9001 of 9002 rows"), maxdot.IndexWriter(path, 9002, 11) as writer:
        writer.append(ITEMS)
    twice = maxdot.IndexWriter(path, 2, 11, with_ids=True)
    with pytest.raises(ValueError, match="more than one row"), twice as writer:
        writer.append(ITEMS[:2], [5, 5])
    for given, match in (
        ((-1, 11), "rows"),
        ((1, -1), "dimension"),
        ((1, 40000), "dimension"),
        ((1, 1, "f64"), "dtype"),
    ):
        with pytest.raises(ValueError, match=match):
            maxdot.IndexWriter(path, *given)
    np.save(tmp_path / "bad.npy", bad)
    with pytest.raises(ValueError, match=r"bad\.npy.*row 100, column 3 is NaN"):
        maxdot.build_file(tmp_path / "bad.npy", path)
    with pytest.raises(OSError, match=r"none\.npy: cannot open"):
        maxdot.build_file(tmp_path / "none.npy", path)
    np.save(tmp_path / "good.npy", ITEMS)
    with pytest.raises(TimeoutError):
        maxdot.build_file(tmp_path / "good.npy", path, timeout=1e-9)
    with pytest.raises(ValueError, match="text"):
        maxdot.build_file(tmp_path / "good.npy", path, ids=["a"])
    del writer, twice
    assert path.read_bytes() == b"old"
    assert sorted(os.listdir(tmp_path)) == ["bad.npy", "good.npy", "items.maxdot"]


def test_names_of_the_index_before_go(tmp_path):
    pytest.importorskip("pyarrow")
    path = tmp_path / "items.maxdot"
    np.save(tmp_path / "items.npy", ITEMS[:3])
    maxdot.Index.build(ITEMS[:3], ids=["a", "b", "c"]).save(path)
    maxdot.build_file(tmp_path / "items.npy", path)
    assert maxdot.Index.open(path).item_names is None
    maxdot.Index.build(ITEMS[:3], ids=["a", "b", "c"]).save(path)
    with maxdot.IndexWriter(path, 3, 11) as writer:
        writer.append(ITEMS[:3])
    assert maxdot.Index.open(path).item_names is None
