"""maxdot.batch: the rows of the files are those of Index.search."""

import dataclasses
import json
import os

import maxdot
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from batch_files import (  # noqa: F401
    ITEMS,
    D,
    expected_long,
    index,
    lists,
    results,
    rows_of,
    vectors,
    write_users,
)
from maxdot.batch import BatchError, Job, run, verify_sample


def test_results_are_those_of_a_search(tmp_path, index):
    names, rows = write_users(tmp_path / "users")
    summary = run(Job(items=index.path, users=tmp_path / "users", out=tmp_path / "out", k=7))
    assert rows_of(results(tmp_path / "out")) == expected_long(index, names, rows, 7)
    assert summary.complete and summary.users == 511 and summary.results == 511 * 7 and summary.units == 6
    assert (tmp_path / "out" / "_SUCCESS").exists()
    again = run(Job(items=index.path, users=tmp_path / "users", out=tmp_path / "out", k=7))
    assert again.units == 0 and again.skipped_units == 6 and again.complete


def test_items_with_rows_on_the_disk(tmp_path, index):
    names, rows = write_users(tmp_path / "users", counts=(200,))
    run(Job(items=index.path, users=tmp_path / "users", out=tmp_path / "out", k=7, rows="disk"))
    assert rows_of(results(tmp_path / "out")) == expected_long(index, names, rows, 7)
    again = run(Job(items=index.path, users=tmp_path / "users", out=tmp_path / "out", k=7))
    assert again.units == 0
    np.save(tmp_path / "items.npy", rows)
    with pytest.raises(BatchError, match=r"maxdot\.IndexWriter"):
        run(Job(items=tmp_path / "items.npy", users=tmp_path / "users", out=tmp_path / "out2", rows="disk"))


def test_list_layout_and_f64_scores(tmp_path, index):
    names, rows = write_users(tmp_path / "users", counts=(90,))
    run(
        Job(
            items=index.path,
            users=tmp_path / "users",
            out=tmp_path / "out",
            k=4,
            layout="list",
            scores="f64",
            metric="cosine",
        )
    )
    table = results(tmp_path / "out")
    ids, scores = index.search(rows, 4, metric="cosine", scores="f64")
    assert table["user_id"].to_pylist() == names
    assert table["item_ids"].to_pylist() == ids.tolist()
    assert table["scores"].to_pylist() == scores.tolist()


ID_TYPES = {
    "int64": pa.array([7, 2**62, -5], pa.int64()),
    "uint64": pa.array([7, 2**64 - 1, 0], pa.uint64()),
    "int16": pa.array([7, -3, 0], pa.int16()),
    "string": pa.array(["a", None, "ü\n"]),
    "large_string": pa.array(["a", "", "c"], pa.large_string()),
    "dictionary": pa.array(["a", "b", "a"]).dictionary_encode(),
    "view": pa.array(["a", None, "c" * 30], pa.string_view()),
}


@pytest.mark.parametrize("kind", ID_TYPES)
@pytest.mark.parametrize("layout", ["long", "list"])
def test_ids_keep_their_type(tmp_path, index, kind, layout):
    rows = vectors(3)
    table = pa.table({"id": ID_TYPES[kind], "vector": lists(rows)})
    pq.write_table(table, tmp_path / "users.parquet")
    # A row group of the results that joins several searches joins dictionaries, too.
    run(Job(items=index.path, users=tmp_path / "users.parquet", out=tmp_path / "out", k=2, layout=layout, batch=1))
    found = results(tmp_path / "out")
    # Of views of text Arrow cannot take: they become text.
    assert found.schema.field("id").type == (pa.large_string() if kind == "view" else ID_TYPES[kind].type)
    each = 2 if layout == "long" else 1
    assert found["id"].to_pylist() == [value for value in ID_TYPES[kind].to_pylist() for _ in range(each)]


VECTOR_TYPES = {
    "fixed f32": lambda rows: lists(rows),
    "fixed f16": lambda rows: lists(rows.astype(np.float16)),
    "fixed f64": lambda rows: lists(rows.astype(np.float64)),
    "list": lambda rows: lists(rows).cast(pa.list_(pa.float32())),
    "large list": lambda rows: lists(rows).cast(pa.large_list(pa.float32())),
    "fixed bytes": lambda rows: pa.array([row.tobytes() for row in rows], pa.binary(4 * D)),
    "bytes of f16": lambda rows: pa.array([row.astype(np.float16).tobytes() for row in rows]),
}


@pytest.mark.parametrize("kind", VECTOR_TYPES)
@pytest.mark.parametrize("ending", ["parquet", "arrow"])
def test_types_of_vectors(tmp_path, index, kind, ending):
    rows = vectors(70)
    table = pa.table({"user": list(range(70)), "vector": VECTOR_TYPES[kind](rows)})
    path = tmp_path / f"users.{ending}"
    if ending == "parquet":
        pq.write_table(table, path, row_group_size=30)
    else:
        with pa.ipc.new_file(path, table.schema) as writer:
            writer.write_table(table, max_chunksize=30)
    run(
        Job(
            items=index.path,
            users=path,
            out=tmp_path / "out",
            k=3,
            batch=11,
            id_column="user",
            vector_column="vector",
        )
    )
    asked = rows.astype(np.float16) if "f16" in kind else rows
    assert rows_of(results(tmp_path / "out")) == expected_long(index, range(70), asked, 3)


@pytest.mark.parametrize("dtype", [np.float32, np.float16])
def test_files_without_ids_have_row_numbers(tmp_path, index, dtype):
    for name, begin in (("a", 0), ("b", 40)):
        np.save(tmp_path / f"{name}.npy", vectors(40, seed=begin, dtype=dtype))
    run(Job(items=index.path, users=str(tmp_path / "*.npy"), out=tmp_path / "out", k=3))
    rows = np.concatenate([vectors(40, seed=0, dtype=dtype), vectors(40, seed=40, dtype=dtype)])
    assert rows_of(results(tmp_path / "out")) == expected_long(index, range(80), rows, 3)


def test_items_as_parquet_with_text_ids(tmp_path, index):
    items = vectors(200, seed=3)
    names = [f"item {number}" for number in range(200)]
    pq.write_table(pa.table({"sku": names, "vector": lists(items)}), tmp_path / "items.parquet", row_group_size=64)
    users, rows = write_users(tmp_path / "users", counts=(50,))
    pairs = pa.table({"user_id": [users[0], users[0], users[1]], "item_id": [names[3], "unknown", names[4]]})
    pq.write_table(pairs, tmp_path / "exclude.parquet")
    run(
        Job(
            items=tmp_path / "items.parquet",
            users=tmp_path / "users",
            out=tmp_path / "out",
            k=200,
            metric="dot",
            exclude=tmp_path / "exclude.parquet",
        )
    )
    exclude = [[3], [4], *([[]] * 48)]
    built = maxdot.Index.build(items, metric="dot")
    expected = [
        (user, rank, names[item], score)
        for user, rank, item, score in expected_long(built, users, rows, 200, exclude=exclude)
    ]
    assert rows_of(results(tmp_path / "out")) == expected


def test_ids_too_long_for_one_array_of_text(monkeypatch):
    """Arrow's text counts bytes with 32 bits; ids beyond that are joined with 64, and none is lost."""
    from maxdot import tables
    from maxdot.batch.catalogue import ids_and_names

    parts = [pa.array(["a", "b"]), pa.array(["c"])]
    real, refused = pa.concat_arrays, []

    def overflowing(arrays):
        if pa.types.is_string(arrays[0].type):
            refused.append(arrays)
            raise pa.ArrowInvalid("offset overflow while concatenating arrays")
        return real(arrays)

    monkeypatch.setattr(tables.pa, "concat_arrays", overflowing)
    assert ids_and_names(parts, "items")[1].to_pylist() == ["a", "b", "c"] and len(refused) == 1


@pytest.mark.parametrize("at_once", [1 << 19, 100])
def test_exclusions_in_any_order(tmp_path, index, monkeypatch, at_once):
    from maxdot.batch import exclusions

    monkeypatch.setattr(exclusions, "_USERS_AT_ONCE", at_once)
    monkeypatch.setattr(exclusions, "_USERS_OF_A_BLOCK", 64)
    monkeypatch.setattr(exclusions, "_PAIRS_AT_ONCE", 333)
    # Ids of users stand in several rows; each row has the pairs of its id.
    names, rows = write_users(tmp_path / "users", ids=lambda file, row: f"u{row % 250}")
    chosen = np.random.default_rng(5)
    pairs = [(f"u{chosen.integers(0, 300)}", int(chosen.integers(0, ITEMS)) * 3 + 5) for _ in range(5000)]
    table = pa.table({"item_id": [item for _, item in pairs], "user_id": [user for user, _ in pairs]})
    pq.write_table(table.slice(0, 2000), tmp_path / "a.parquet", row_group_size=700)
    pq.write_table(table.slice(2000), tmp_path / "b.parquet")
    files = [tmp_path / "a.parquet", tmp_path / "b.parquet"]
    run(Job(items=index.path, users=tmp_path / "users", out=tmp_path / "out", k=9, exclude=files, batch=50))
    own = {}
    for user, item in pairs:
        own.setdefault(user, set()).add(item)
    exclude = [sorted(own.get(name, ())) for name in names]
    assert rows_of(results(tmp_path / "out")) == expected_long(index, names, rows, 9, exclude=exclude)
    left = [name for name in os.listdir(tmp_path / "out" / "_maxdot") if name.startswith("exclude-")]
    assert left == []
    assert (
        verify_sample(
            Job(items=index.path, users=tmp_path / "users", out=tmp_path / "out", k=9, exclude=files), 30, seed=1
        ).wrong
        == 0
    )


@pytest.mark.parametrize("kind", [pa.list_(pa.int64()), pa.large_list(pa.int32()), pa.list_(pa.int64(), 2)])
@pytest.mark.parametrize("ending", ["parquet", "arrow"])
def test_exclusions_as_a_list_of_each_user(tmp_path, index, monkeypatch, kind, ending):
    from maxdot.batch import exclusions

    monkeypatch.setattr(exclusions, "_LISTS_AT_ONCE", 3)
    names, rows = write_users(tmp_path / "users", counts=(20,))
    best = index.search(rows, 4)[0]
    seen = [best[row, :2].tolist() for row in range(20)]
    seen[3] = None  # excludes nothing
    if not pa.types.is_fixed_size_list(kind):
        seen[4], seen[5] = [], [-7, None, *best[5, :3].tolist()]
    path = tmp_path / f"seen.{ending}"
    table = pa.table({"user_id": names, "items": pa.array(seen, kind)})
    table = pa.concat_tables([table, pa.table({"user_id": ["nobody"], "items": pa.array([[5, 8]], kind)})])
    if ending == "parquet":
        pq.write_table(table, path)
    else:
        with pa.ipc.new_file(path, table.schema) as writer:
            writer.write_table(table)
    expected = expected_long(
        index, names, rows, 6, exclude=[[item for item in own or () if (item or 0) > 0] for own in seen]
    )
    for number, columns in enumerate(({}, {"exclude_user_column": "user_id", "exclude_item_column": "items"})):
        out = tmp_path / f"out {number}"
        job = Job(items=index.path, users=tmp_path / "users", out=out, k=6, exclude=path, **columns)
        run(job)
        assert rows_of(results(out)) == expected
        assert verify_sample(job, 20).wrong == 0


def test_lists_that_are_all_empty_exclude_nothing(tmp_path, index):
    names, rows = write_users(tmp_path / "users", counts=(2,))
    pq.write_table(pa.table({"user_id": names, "items": [[], []]}), tmp_path / "seen.parquet")
    run(
        Job(
            items=index.path, users=tmp_path / "users", out=tmp_path / "out", k=3, exclude=tmp_path / "seen.parquet"
        )
    )
    assert rows_of(results(tmp_path / "out")) == expected_long(index, names, rows, 3)


@pytest.mark.parametrize("pair", [pa.uint64(), pa.int8(), pa.int64()])
def test_ids_of_pairs_may_have_another_width(tmp_path, index, pair):
    rows = vectors(5)
    pq.write_table(
        pa.table({"user_id": pa.array(range(5), pa.int16()), "vector": lists(rows)}), tmp_path / "users.parquet"
    )
    big = {pa.uint64(): 2**63, pa.int8(): 127, pa.int64(): 2**40}[pair]
    pairs = pa.table({"user_id": pa.array([1, big], pair), "item_id": pa.array([5, 8], pa.int32())})
    pq.write_table(pairs, tmp_path / "exclude.parquet")
    run(
        Job(
            items=index.path,
            users=tmp_path / "users.parquet",
            out=tmp_path / "out",
            k=ITEMS,
            exclude=tmp_path / "exclude.parquet",
        )
    )
    expected = expected_long(index, range(5), rows, ITEMS, exclude=[[], [5], [], [], []])
    assert rows_of(results(tmp_path / "out")) == expected


def test_mask_and_fewer_items_than_k(tmp_path, index):
    names, rows = write_users(tmp_path / "users", counts=(20,))
    mask = np.zeros(ITEMS, np.bool_)
    mask[:6] = True
    np.save(tmp_path / "mask.npy", mask)
    job = Job(
        items=index.path, users=tmp_path / "users", out=tmp_path / "out", k=9, item_mask=tmp_path / "mask.npy"
    )
    run(job)
    found = rows_of(results(tmp_path / "out"))
    assert found == expected_long(index, names, rows, 9, item_mask=mask) and len(found) == 20 * 6
    assert verify_sample(job, 20).wrong == 0
    np.save(tmp_path / "counts.npy", mask.astype(np.int32))
    (tmp_path / "mask.txt").write_text("in_stock\n" + "".join(f"{int(value)}\n" for value in mask))
    for name in ("counts.npy", "mask.txt"):
        run(dataclasses.replace(job, out=tmp_path / name[:5], item_mask=tmp_path / name))
        assert rows_of(results(tmp_path / name[:5])) == found
    np.save(tmp_path / "counts.npy", np.full(ITEMS, 2))
    (tmp_path / "mask.txt").write_text("1\n")
    for name, says in (("counts.npy", "row 0 is 2"), ("mask.txt", "holds 1 values but there are")):
        with pytest.raises(BatchError, match=f"{name}: {says}"):
            run(dataclasses.replace(job, out=tmp_path / "none", item_mask=tmp_path / name))


def bad_users(path):
    rows = [row.tolist() for row in vectors(9)]
    rows[1] = None
    rows[2] = rows[2][:-1]
    rows[4][3] = None
    rows[5][7] = float("nan")
    rows[7][0] = 1e300
    pq.write_table(
        pa.table({"user_id": list("abcdefghi"), "vector": pa.array(rows, pa.list_(pa.float64()))}),
        path,
        row_group_size=5,
    )


def test_bad_rows(tmp_path, index):
    path = tmp_path / "users.parquet"
    bad_users(path)
    good = [0, 3, 6, 8]
    about = dict(items=index.path, users=path, k=2)
    expected = expected_long(index, [list("abcdefghi")[row] for row in good], vectors(9)[good], 2)

    with pytest.raises(BatchError, match=r"users.parquet: row 1: the vector is null; mend the row") as failed:
        run(Job(out=tmp_path / "fail", **about))
    assert failed.value.kind == "bad_data"
    with pytest.raises(BatchError, match="row 1"):
        run(Job(out=tmp_path / "scan", scan=True, **about))

    summary = run(Job(out=tmp_path / "skip", on_bad_row="skip", **about))
    assert summary.bad_rows == 5 and summary.users == 4
    assert rows_of(results(tmp_path / "skip")) == expected

    run(Job(out=tmp_path / "null", on_bad_row="null", batch=2, **about))
    nulls = rows_of(results(tmp_path / "null"))
    assert [row for row in nulls if row[1] is not None] == expected
    assert [row[0] for row in nulls if row[1] is None] == list("bcefh")
    assert all(row[1:] == (None, None, None) for row in nulls if row[1] is None)
    run(Job(out=tmp_path / "null list", on_bad_row="null", layout="list", **about))
    listed = rows_of(results(tmp_path / "null list"))
    assert [row[0] for row in listed] == list("abcdefghi")
    assert [row[0] for row in listed if row[1] is None and row[2] is None] == list("bcefh")

    for kind in ("skip", "null"):
        told = []
        for name in sorted(os.listdir(tmp_path / kind / "_maxdot" / "bad_rows")):
            told += [
                json.loads(line)
                for line in (tmp_path / kind / "_maxdot" / "bad_rows" / name).read_text().splitlines()
            ]
        assert [(row["row"], row["user"]) for row in told] == [(1, "b"), (2, "c"), (4, "e"), (5, "f"), (7, "h")]
        assert [row["reason"] for row in told] == [
            "the vector is null",
            f"has {D - 1} values, not {D}",
            "value 3 is null",
            "value 7 is nan",
            "value 0 is 1e+300, which float32 cannot hold",
        ]


def test_text_ids_that_an_index_keeps(tmp_path):
    items = pa.table({"sku": [f"item {number}" for number in range(100)], "vector": lists(vectors(100, seed=3))})
    built = maxdot.Index.build(items, ids="sku", metric="dot")
    built.save(tmp_path / "items.maxdot")
    users, rows = write_users(tmp_path / "users", counts=(30,))
    run(Job(items=tmp_path / "items.maxdot", users=tmp_path / "users", out=tmp_path / "out", k=4))
    expected = [
        (user, rank, f"item {item}", score) for user, rank, item, score in expected_long(built, users, rows, 4)
    ]
    assert rows_of(results(tmp_path / "out")) == expected
