"""maxdot.Index and top_k: right answers, shapes, files."""

import os
import pickle
import subprocess
import sys

import maxdot
import numpy as np
import pytest
from support import METRICS, best, gaussian

ITEMS, QUERIES = gaussian(300, 19, 1), gaussian(7, 19, 2)


@pytest.mark.parametrize("dtype", [np.float32, np.float16])
@pytest.mark.parametrize("normalize", [False, True])
@pytest.mark.parametrize("metric", METRICS)
def test_answers_are_those_of_brute_force(metric, normalize, dtype):
    items, queries = ITEMS.astype(dtype), QUERIES.astype(dtype)
    index = maxdot.Index.build(items, metric=metric, normalize=normalize)
    ids, scores = index.search(queries, 10)
    expected_ids, expected_scores = best(items, queries, 10, metric, normalize)
    np.testing.assert_array_equal(ids, expected_ids)
    np.testing.assert_allclose(scores, expected_scores, rtol=1e-6)
    assert (ids.dtype, scores.dtype, ids.shape, scores.shape) == (np.int64, np.float32, (7, 10), (7, 10))
    for other in METRICS:
        np.testing.assert_array_equal(
            index.search(queries, 10, metric=other)[0], best(items, queries, 10, other, normalize)[0]
        )


def test_one_dimension_in_one_dimension_out():
    index = maxdot.Index.build(ITEMS)
    ids, scores = index.search(QUERIES[0], 4)
    assert ids.shape == scores.shape == (4,)
    np.testing.assert_array_equal(ids, index.search(QUERIES, 4)[0][0])
    np.testing.assert_array_equal(index.search(QUERIES[:0], 4)[0], np.empty((0, 4)))
    assert index.search(QUERIES, 0)[0].shape == (7, 0)


def test_padding_and_order_of_ties():
    items = np.array([[1, 0], [2, 0], [1, 0]], np.float32)
    ids, scores = maxdot.Index.build(items, ids=[30, 20, 10], metric="dot").search(np.float32([1, 0]), 5)
    assert ids.tolist() == [20, 10, 30, -1, -1]
    assert scores.tolist() == [2, 1, 1, -np.inf, -np.inf]
    distances = maxdot.top_k(items[0], items, 4, metric="euclidean")[1]
    assert distances.tolist() == [0, 0, 1, np.inf]
    assert maxdot.Index.build(items[:0]).search(items, 2)[0].tolist() == [[-1, -1]] * 3


def test_top_k_is_build_and_search():
    for metric in METRICS:
        found = maxdot.top_k(QUERIES, ITEMS, 5, metric=metric)
        expected = maxdot.Index.build(ITEMS, metric=metric).search(QUERIES, 5)
        np.testing.assert_array_equal(found[0], expected[0])
        np.testing.assert_array_equal(found[1], expected[1])


def test_what_an_index_tells_of_itself(tmp_path):
    index = maxdot.Index.build(ITEMS.astype(np.float16), metric="dot", normalize=True)
    assert (len(index), index.dim, index.metric, index.normalized, index.dtype) == (
        300,
        19,
        "dot",
        True,
        np.float16,
    )
    assert index.path is None
    assert repr(index) == "<maxdot.Index: 300 x 19 f16, dot, normalized>"
    index.save(tmp_path / "a.maxdot")
    assert index.path == str(tmp_path / "a.maxdot")
    assert index.nbytes == os.path.getsize(index.path)
    assert repr(str(index.path)) in repr(index)


def test_kernels_are_listed_and_chosen():
    before = maxdot.kernel_name()
    index = maxdot.Index.build(ITEMS)
    expected = index.search(QUERIES, 10)
    names = maxdot.kernel_names()
    assert names[-1] == "reference"
    try:
        for name in names:
            maxdot.use_kernels(name)
            assert maxdot.kernel_name() == name
            for got, wanted in zip(index.search(QUERIES, 10), expected, strict=True):
                np.testing.assert_array_equal(got, wanted)
        with pytest.raises(ValueError, match='kernels "mmx": no kernels of this build have that name'):
            maxdot.use_kernels("mmx")
        assert maxdot.kernel_name() == names[-1]
    finally:
        maxdot.use_kernels(before)


def test_stats():
    ids, scores, stats = maxdot.Index.build(ITEMS).search(QUERIES, 400, threads=1, stats=True)
    assert ids.shape == scores.shape == (7, 400)
    assert stats["counts"].tolist() == [300] * 7
    assert stats["seconds"] > 0
    assert stats["threads"] == 1
    assert stats["kernel"] == maxdot.kernel_name()
    assert stats["queries_by_f32"] == 7
    assert stats["rescored"] > 0
    assert stats["bytes_read"] > 0
    assert stats["queries"] == 7
    assert stats["queries_by_list"] == 0
    documented = maxdot.Index.search.__doc__
    assert [name for name in stats if f'"{name}"' not in documented] == []


def test_save_open_pickle(tmp_path):
    built = maxdot.Index.build(ITEMS, ids=np.arange(300) * 7, metric="euclidean")
    with pytest.raises(ValueError, match="save"):
        pickle.dumps(built)
    path = tmp_path / "items.maxdot"
    built.save(path)
    opened = maxdot.Index.open(path, verify_payload=True)
    assert opened.metric == "euclidean"
    copied = pickle.loads(pickle.dumps(opened))
    for index in (opened, copied, pickle.loads(pickle.dumps(built))):
        np.testing.assert_array_equal(index.search(QUERIES, 9)[0], built.search(QUERIES, 9)[0])
        np.testing.assert_array_equal(index.search(QUERIES, 9)[1], built.search(QUERIES, 9)[1])

    data = pickle.dumps(opened)
    maxdot.Index.build(ITEMS[:50]).save(path)
    with pytest.raises(ValueError, match="holds another index now, 50 x 19"):
        pickle.loads(data)
    np.testing.assert_array_equal(opened.search(QUERIES, 9)[0], built.search(QUERIES, 9)[0])


def test_rows_on_the_disk(tmp_path):
    path = tmp_path / "items.maxdot"
    maxdot.Index.build(ITEMS, metric="dot").save(path)
    memory = maxdot.Index.open(path)
    for index in (
        maxdot.Index.open(path, rows="disk"),
        pickle.loads(pickle.dumps(maxdot.Index.open(path, rows="disk"))),
    ):
        for metric in METRICS:
            for k in (1, 10, 300):
                found, expected = index.search(QUERIES, k, metric=metric), memory.search(QUERIES, k, metric=metric)
                np.testing.assert_array_equal(found[0], expected[0])
                np.testing.assert_array_equal(found[1], expected[1])
        with pytest.raises(RuntimeError, match="rows in memory"):
            maxdot.objective.full_softmax(index, QUERIES, np.arange(7), temperature=1.0)
        copy = tmp_path / "copy.maxdot"
        index.save(copy)
        assert copy.read_bytes() == path.read_bytes()
    with pytest.raises(ValueError, match="rows: 'tape'"):
        maxdot.Index.open(path, rows="tape")
    index = maxdot.Index.open(path, rows="disk")
    os.truncate(path, 1024)
    with pytest.raises((ValueError, OSError), match="items.maxdot: ends at byte"):
        index.search(QUERIES, 300)


@pytest.mark.parametrize("rows", ["memory", "disk"])
def test_what_becomes_of_the_file_does_not_matter_to_memory(tmp_path, rows):
    path = tmp_path / "items.maxdot"
    names = [f"item {number}" for number in range(300)]
    built = maxdot.Index.build(ITEMS, names, metric="dot")
    built.save(path)
    os.utime(path, (1000, 1000))  # a change within a tick of the clock would not show
    index = maxdot.Index.open(path, rows=rows, load="memory")
    again = pickle.loads(pickle.dumps(index))
    for opened in (index, again):
        np.testing.assert_array_equal(opened.search(QUERIES, 9)[0], built.search(QUERIES, 9)[0])
    for file in (path, tmp_path / "items.maxdot.ids.arrow"):
        file.write_bytes(b"x" * 100)
    for opened in (index, again):
        if rows == "memory":
            np.testing.assert_array_equal(opened.search(QUERIES, 9)[0], built.search(QUERIES, 9)[0])
        else:
            with pytest.raises((OSError, ValueError), match="items.maxdot"):
                opened.search(QUERIES, 9)
        assert opened.item_names is not None and opened.item_names[7].as_py() == "item 7"
    with pytest.raises(ValueError, match="load: 'swap'"):
        maxdot.Index.open(path, load="swap")


def test_pickle_notices_another_index_of_the_same_shape(tmp_path):
    path = tmp_path / "items.maxdot"
    first = maxdot.Index.build(ITEMS)
    first.save(path)
    saved, opened = pickle.dumps(first), pickle.dumps(maxdot.Index.open(path))
    first.save(path)  # the same contents
    assert len(pickle.loads(saved)) == len(pickle.loads(opened)) == 300
    other = maxdot.Index.build(-ITEMS)
    other.save(path)
    for data in (saved, opened):
        with pytest.raises(ValueError, match="holds another index now"):
            pickle.loads(data)
    assert len(pickle.loads(pickle.dumps(other))) == 300


def test_paths_of_bytes_and_names_that_are_no_utf8(tmp_path):
    index = maxdot.Index.build(ITEMS)
    folder = os.fsencode(tmp_path)
    index.save(folder + b"/plain.maxdot")
    assert index.path == str(tmp_path / "plain.maxdot")
    name = b"/caf\xe9.maxdot"  # Latin-1
    index.save(folder + name)
    assert os.path.exists(folder + name)
    assert index.path == os.fsdecode(folder + name)
    assert len(maxdot.Index.open(folder + name)) == 300
    assert len(maxdot.Index.open(os.fsdecode(folder + name), verify_codes=True)) == 300
    assert len(pickle.loads(pickle.dumps(index))) == 300
    with pytest.raises(OSError) as missing:
        maxdot.Index.open(folder + b"/gone\xe9.maxdot")
    assert os.fsdecode(b"gone\xe9.maxdot") in str(missing.value)


def test_a_nul_in_a_path_is_refused(tmp_path):
    index = maxdot.Index.build(ITEMS)
    (tmp_path / "victim").write_bytes(b"old")
    for path in (f"{tmp_path}/victim\0.maxdot", os.fsencode(tmp_path) + b"/victim\0.maxdot"):
        with pytest.raises(ValueError, match=r"victim\\0.maxdot: .*NUL"):
            index.save(path)
        with pytest.raises(ValueError, match="NUL"):
            maxdot.Index.open(path)
    assert (tmp_path / "victim").read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["victim"]


def test_context_manager_and_close():
    with maxdot.Index.build(ITEMS) as index:
        assert len(index) == 300
    assert repr(index) == "<maxdot.Index, closed>"
    for use in (lambda: len(index), lambda: index.search(QUERIES, 1), lambda: index.dim, index.__enter__):
        with pytest.raises(ValueError, match="closed"):
            use()
    index.close()


def test_damaged_and_missing_files(tmp_path):
    with pytest.raises(OSError, match="none.maxdot"):
        maxdot.Index.open(tmp_path / "none.maxdot")
    (tmp_path / "bad.maxdot").write_bytes(b"x" * 5000)
    with pytest.raises(ValueError, match="bad.maxdot"):
        maxdot.Index.open(tmp_path / "bad.maxdot")
    with pytest.raises(OSError, match="nowhere"):
        maxdot.Index.build(ITEMS).save(tmp_path / "nowhere" / "a.maxdot")


def test_leaves_nothing_behind_at_exit():
    code = "import maxdot, numpy; x = numpy.eye(4, dtype='f4'); i = maxdot.Index.build(x); i.search(x, 2)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
