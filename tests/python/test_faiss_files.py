"""write_index, read_index and the same as bytes: maxdot's own files."""

import io
import os
import pathlib

import maxdot
import numpy as np
import pytest
from maxdot import faiss
from support import gaussian

ITEMS, QUERIES = gaussian(150, 10, 11), gaussian(8, 10, 12)
ITEMS[100:110] = ITEMS[:10]  # equal keys, so that their order can be seen


def ways(index, folder):
    path = folder / "index.maxdot"
    faiss.write_index(index, path)
    data = faiss.serialize_index(index)
    assert (data.dtype, data.tobytes()) == (np.uint8, path.read_bytes())
    return (
        faiss.read_index(path),
        faiss.read_index(str(path), faiss.IO_FLAG_MMAP),
        faiss.read_index(os.fsencode(path)),
        faiss.deserialize_index(data),
        faiss.deserialize_index(data.tobytes()),
    )


@pytest.mark.parametrize("rows", [0, 1, 150])
@pytest.mark.parametrize("kind", [faiss.IndexFlatIP, faiss.IndexFlatL2])
def test_flat(kind, rows, tmp_path):
    index = kind(10)
    index.add(ITEMS[:rows])
    for read in ways(index, tmp_path):
        assert type(read) is kind
        assert (read.d, read.ntotal) == (10, rows)
        read.add(ITEMS[:3])
        read.remove_ids(faiss.IDSelectorRange(rows, rows + 3))
        for a, b in zip(read.search(QUERIES, 160), index.search(QUERIES, 160), strict=True):
            np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("order", ["ascending", "mixed"])
@pytest.mark.parametrize("kind", [faiss.IndexIDMap, faiss.IndexIDMap2])
def test_id_map(kind, order, tmp_path):
    ids = np.arange(150) * 7 + (1 << 40)
    if order == "mixed":
        ids = np.random.default_rng(1).permutation(ids)
    index = kind(faiss.IndexFlatIP(10))
    index.add_with_ids(ITEMS, ids)
    for read in ways(index, tmp_path):
        assert type(read) is faiss.IndexIDMap2
        np.testing.assert_array_equal(read.id_map, ids)
        np.testing.assert_array_equal(read.reconstruct_batch(ids), ITEMS)
        expected = faiss.clone_index(index)
        for both in (expected, read):
            assert both.remove_ids(ids[3:50:4]) == 12
            both.add_with_ids(ITEMS[:20] + 1, np.arange(20))
        some = faiss.SearchParameters(sel=faiss.IDSelectorNot(faiss.IDSelectorBatch(ids[60:])))
        for params in (None, some):
            for a, b in zip(
                (*read.search(QUERIES, 200, params=params), *read.range_search(QUERIES, 0.5, params=params)),
                (*expected.search(QUERIES, 200, params=params), *expected.range_search(QUERIES, 0.5, params=params)),
                strict=True,
            ):
                np.testing.assert_array_equal(a, b)
        for again in ways(read, tmp_path):
            np.testing.assert_array_equal(again.search(QUERIES, 200)[1], expected.search(QUERIES, 200)[1])


def test_what_maxdot_and_faiss_share(tmp_path):
    path = tmp_path / "index.maxdot"
    index = faiss.IndexIDMap2(faiss.IndexFlatL2(10))
    index.add_with_ids(ITEMS, np.arange(150)[::-1] * 2)
    faiss.write_index(index, path)
    with maxdot.Index.open(path) as opened:
        assert (opened.metric, len(opened)) == ("euclidean", 150)
        assert opened.search(ITEMS[20], 1)[0][0] == index.search(ITEMS[20:21], 1)[1][0, 0]
    maxdot.Index.build(ITEMS.astype(np.float16), metric="dot").save(path)
    read = faiss.read_index(path)
    read.add(ITEMS[:1])
    np.testing.assert_array_equal(read.reconstruct_n()[:150], ITEMS.astype(np.float16))


@pytest.mark.parametrize("kind", [faiss.IndexFlatL2, lambda d: faiss.IndexIDMap(faiss.IndexFlatL2(d))])
def test_a_mapped_index_can_be_written_over_its_file(kind, tmp_path):
    path = tmp_path / "index.maxdot"
    index = kind(10)
    index.add(ITEMS) if isinstance(index, faiss.IndexFlat) else index.add_with_ids(ITEMS, np.arange(150))
    faiss.write_index(index, path)
    mapped = faiss.read_index(path, faiss.IO_FLAG_MMAP)
    mapped.remove_ids([5])
    faiss.write_index(mapped, path)
    assert faiss.read_index(path).ntotal == mapped.ntotal == 149


def test_refusals(tmp_path):
    path, index = tmp_path / "index.maxdot", faiss.IndexFlatIP(10)
    index.add(ITEMS)
    for kind in (FileNotFoundError, RuntimeError):
        with pytest.raises(kind, match=r"index\.maxdot"):
            faiss.read_index(path)
    with pytest.raises(FileNotFoundError) as missing:
        faiss.read_index(path)
    assert missing.value.errno == 2 and str(path) in str(missing.value)
    for kind in (OSError, RuntimeError):
        with pytest.raises(kind, match="nowhere"):
            faiss.write_index(index, tmp_path / "nowhere" / "x")
    with pytest.raises(OSError, match=str(tmp_path)):
        faiss.read_index(tmp_path)
    faiss.write_index(index, path)
    for damage in (path.read_bytes()[:3000], b"", b"IxFI" + bytes(100)):
        path.write_bytes(damage)
        for kind in (ValueError, RuntimeError):
            with pytest.raises(kind, match=r"index\.maxdot"):
                faiss.read_index(path)
        with pytest.raises(RuntimeError):
            faiss.deserialize_index(damage)
    for metric, normalize in (("cosine", False), ("dot", True)):
        maxdot.Index.build(ITEMS, metric=metric, normalize=normalize).save(path)
        with pytest.raises(RuntimeError, match=r"use maxdot\.Index\.open"):
            faiss.read_index(path)
    for ids, message in (([3, 4, 3], "id 3 belongs to two rows"), ([3, -4, 5], "id -4 is negative")):
        index = faiss.IndexIDMap(faiss.IndexFlatIP(10))
        index.add_with_ids(ITEMS[:3], ids)
        with pytest.raises(RuntimeError, match=message):
            faiss.write_index(index, path)
    for call, error in (
        (lambda: faiss.read_index(path, 64), ValueError),
        (lambda: faiss.read_index(3.5), TypeError),
        (lambda: faiss.write_index("index", path), TypeError),
        (lambda: faiss.deserialize_index(np.zeros(8)), ValueError),
        (lambda: faiss.deserialize_index(np.zeros((8, 8), np.uint8)), ValueError),
        (lambda: faiss.deserialize_index(bytes(8), 1), ValueError),
    ):
        with pytest.raises(error):
            call()


def test_nothing_is_left_behind(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    faiss.deserialize_index(faiss.serialize_index(faiss.IndexFlatIP(4)))
    assert list(pathlib.Path(tmp_path).iterdir()) == []


@pytest.mark.parametrize("size", [1, 777, 1 << 20])
def test_streams(size):
    index = faiss.IndexIDMap2(faiss.IndexFlatIP(10))
    index.add_with_ids(ITEMS, np.arange(150) * 3)
    stream, most = io.BytesIO(), []

    def write(piece):
        most.append(len(piece))
        return stream.write(piece[: max(1, len(piece) // 2)])  # as a pipe may

    for writer in (
        faiss.PyCallbackIOWriter(write, size),
        faiss.BufferedIOWriter(faiss.PyCallbackIOWriter(stream.write), 99),
        faiss.PyCallbackIOWriter(lambda piece: stream.write(piece) and None, size),
    ):
        faiss.write_index(index, writer)
    assert max(most) <= size
    stream.seek(0)
    for reader in (
        faiss.PyCallbackIOReader(stream.read, size),
        faiss.BufferedIOReader(faiss.PyCallbackIOReader(stream.read), 99),
        faiss.PyCallbackIOReader(stream.read),
    ):
        read = faiss.read_index(reader)
        np.testing.assert_array_equal(read.search(QUERIES, 9)[1], index.search(QUERIES, 9)[1])
    with pytest.raises(RuntimeError, match="no index file"):
        faiss.read_index(faiss.PyCallbackIOReader(stream.read))


def test_streams_refuse():
    index, data = faiss.IndexFlatIP(10), faiss.serialize_index(faiss.IndexFlatIP(10)).tobytes()
    for call, error, message in (
        (lambda: faiss.read_index(faiss.PyCallbackIOReader(io.BytesIO(data[:-1]).read)), RuntimeError, "cut short"),
        (lambda: faiss.read_index(faiss.PyCallbackIOReader(lambda size: "x")), RuntimeError, "no bytes"),
        (lambda: faiss.read_index(faiss.PyCallbackIOReader(lambda size: bytes(size + 1))), RuntimeError, "more than"),
        (lambda: faiss.read_index(faiss.PyCallbackIOReader("x")), TypeError, "not callable"),
        (lambda: faiss.read_index(faiss.PyCallbackIOReader(io.BytesIO(data).read), 1), ValueError, "io_flags"),
        (lambda: faiss.write_index(index, faiss.PyCallbackIOWriter(lambda piece: 0)), RuntimeError, "took 0"),
        (lambda: faiss.write_index(index, faiss.PyCallbackIOWriter(lambda piece: 1 / 0)), ZeroDivisionError, "zero"),
        (lambda: faiss.PyCallbackIOWriter(print, 0), ValueError, "bsz: 0"),
        (lambda: faiss.BufferedIOWriter(print), TypeError, "writer: builtin"),
        (lambda: faiss.BufferedIOReader(print), TypeError, "reader: builtin"),
    ):
        with pytest.raises(error, match=message):
            call()


def test_an_id_map_without_rows_is_no_file(tmp_path):
    with pytest.raises(faiss.FaissError, match="^index: an id map without rows"):
        faiss.write_index(faiss.IndexIDMap2(faiss.IndexFlatIP(10)), tmp_path / "index.maxdot")
    assert not (tmp_path / "index.maxdot").exists()


def test_what_the_system_said(tmp_path):
    with pytest.raises(faiss.FileMissingError) as nowhere:
        faiss.write_index(faiss.IndexFlatIP(10), tmp_path / "none" / "index.maxdot")
    assert nowhere.value.errno == 2 and isinstance(nowhere.value, RuntimeError)
    (tmp_path / "file").write_text("")
    with pytest.raises(faiss.FileError) as below:
        faiss.read_index(tmp_path / "file" / "index.maxdot")
    assert below.value.errno == 20 and not isinstance(below.value, FileNotFoundError)
