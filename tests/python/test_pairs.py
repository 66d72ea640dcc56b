"""Pairs of users and items from memory and from files, as lists."""

import os
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from maxdot import evaluate

PAIRS = [(0, 7), (2, 3), (0, 5), (2, 2**53 + 1)]
OFFSETS, IDS = [0, 2, 2, 4], [7, 5, 3, 2**53 + 1]


def check(lists, offsets=OFFSETS):
    assert [array.dtype for array in lists] == [np.int64, np.int64]
    assert [array.tolist() for array in lists] == [offsets, IDS]


def test_from_memory():
    users, items = np.array(PAIRS).T
    check(evaluate.lists_from_pairs(users, items))
    check(evaluate.lists_from_pairs(users.tolist(), items.tolist(), 3))
    check(evaluate.lists_from_pairs(users, items, 5), [*OFFSETS, 4, 4])
    assert [part.tolist() for part in evaluate.lists_from_pairs([], [])] == [[0], []]
    assert [part.tolist() for part in evaluate.lists_from_pairs([], [], 2)] == [[0, 0, 0], []]


@given(st.lists(st.tuples(st.integers(0, 20), st.integers(0, 2**63 - 1))))
def test_every_pair_is_in_its_list(pairs):
    offsets, ids = evaluate.lists_from_pairs([user for user, _ in pairs], [item for _, item in pairs], 21)
    for user in range(21):
        assert ids[offsets[user] : offsets[user + 1]].tolist() == [item for u, item in pairs if u == user]


@pytest.mark.parametrize("ending", ["npy", "i4.npy", "csv", "tsv"])
def test_arrays_and_text(tmp_path, ending):
    path = tmp_path / f"pairs.{ending}"
    if ending == "npy":
        np.save(path, np.array(PAIRS))
    elif ending == "i4.npy":
        np.save(path, np.array([pair for pair in PAIRS if pair[1] < 2**31] + [(2, 9)], np.int32))
        assert evaluate.read_pairs(path)[1].tolist() == [7, 5, 3, 9]
        return
    else:
        mark = "," if ending == "csv" else "\t"
        rows = [("user", "item", "rating"), *((*pair, 4.5) for pair in PAIRS)]
        path.write_text("".join(mark.join(map(str, row)) + "\n" for row in rows))
    check(evaluate.read_pairs(path))
    check(evaluate.read_pairs(str(path), 4), [*OFFSETS, 4])
    check(evaluate.read_pairs(os.fsencode(path)))
    with pytest.raises(ValueError, match=rf"^{path}: pair 1: there is no user 2 among 2"):
        evaluate.read_pairs(path, 2)
    if ending == "npy":
        with pytest.raises(ValueError, match=f"^{path}: an array has no names of columns"):
            evaluate.read_pairs(path, columns=("user", "item"))
    else:
        check(evaluate.read_pairs(path, columns=("user", "item")))


def test_headers(tmp_path):
    path = tmp_path / "pairs.csv"

    def write(header, row):
        path.write_text("\n".join([header, *(row.format(user=u, item=i) for u, i in PAIRS)]) + "\n")

    for header, row, columns in [
        ("item_id,user_id", "{item},{user}", None),
        (",user,item", "9,{user},{item}", None),
        ("what,who", "{item},{user}", ("who", "what")),
    ]:
        write(header, row)
        check(evaluate.read_pairs(path, columns=columns))
    for header, row, says in [
        ("item,other", "{item},{user}", "seem to hold the item first"),
        ("a,b,c", "9,{user},{item}", r"do not tell which .* columns="),
    ]:
        write(header, row)
        with pytest.raises(ValueError, match=f"^{path}: line 1: the columns .* {says}"):
            evaluate.read_pairs(path)
    for columns in ("ab", ("a",), ("user", "user")):
        with pytest.raises(ValueError, match="^columns: .* are not two names"):
            evaluate.read_pairs(path, columns=columns)


def test_parquet(tmp_path):
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    users, items = zip(*PAIRS, strict=True)
    path = tmp_path / "pairs.parquet"
    narrow = pyarrow.array(users, pyarrow.int16())
    parquet.write_table(pyarrow.table({"user": narrow, "item": items, "rating": [0.5] * 4}), path)
    check(evaluate.read_pairs(path))
    check(evaluate.read_pairs(path, 3, columns=("user", "item")))
    table = pyarrow.table({"movie_id": items, "rating": [0.5] * 4, "user_id": narrow})
    swapped = tmp_path / "swapped.parquet"
    parquet.write_table(table, swapped)
    check(evaluate.read_pairs(swapped))
    parquet.write_table(pyarrow.table({"item": items, "other": narrow}), swapped)
    with pytest.raises(ValueError, match=f"^{swapped}: the columns 'item', 'other' seem"):
        evaluate.read_pairs(swapped)
    for columns, says in [
        (("user", "movie"), r"columns: \['user', 'movie'\] are not two of .*'rating'"),
        (("user", "rating"), "column 'rating': dtype "),
    ]:
        with pytest.raises(ValueError, match=f"^{path}: {says}"):
            evaluate.read_pairs(path, columns=columns)
    parquet.write_table(pyarrow.table({"user": [0, None], "item": [1, 2]}), path)
    with pytest.raises(ValueError, match=f"^{path}: column 'user' has 1 empty cells"):
        evaluate.read_pairs(path)
    parquet.write_table(pyarrow.table({"user": [0]}), path)
    with pytest.raises(ValueError, match=f"^{path}: the columns 'user' do not tell"):
        evaluate.read_pairs(path)
    with pytest.raises(FileNotFoundError):  # a path is a path, and no address
        evaluate.read_pairs(f"file://{path}")
    path.write_bytes(b"no parquet")
    with pytest.raises(ValueError, match=f"^{path}: "):
        evaluate.read_pairs(path)
    with pytest.raises(FileNotFoundError):
        evaluate.read_pairs(tmp_path / "none.parquet")


def test_parquet_without_pyarrow(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(ImportError, match=r"pairs\.pq: .* needs pyarrow; pip install 'maxdot\[parquet\]'"):
        evaluate.read_pairs(tmp_path / "pairs.pq")


def test_what_is_refused(tmp_path):
    for users, items, says in [
        ([0, 1], [1], "2 users but 1 items"),
        ([0, -1], [1, 2], "^pair 1: there is no user -1"),
        ([0.5], [1], "^users: dtype float64"),
        ([0], [0.5], "^items: dtype float64"),
        ([[0]], [[1]], r"^users: shape \(1, 1\) is not \[m\]"),
    ]:
        with pytest.raises(ValueError, match=says):
            evaluate.lists_from_pairs(users, items)
    with pytest.raises(ValueError, match="^count: -1 is not 0 or more"):
        evaluate.lists_from_pairs([], [], -1)
    with pytest.raises(MemoryError, match="number users from 0, without gaps"):
        evaluate.lists_from_pairs([2**61], [1])
    with pytest.raises(MemoryError, match="number users from 0"):
        evaluate.lists_from_pairs([2**63 - 1], [1])
    path = tmp_path / "pairs.csv"
    path.write_text("0,1\n2\n")
    with pytest.raises(ValueError, match=f"^{path}: line 2: '2' is no pair"):
        evaluate.read_pairs(path)
    with pytest.raises(OSError, match="none.csv"):
        evaluate.read_pairs(tmp_path / "none.csv")
