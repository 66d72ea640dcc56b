"""maxdot.batch: the rows of the files are those of Index.search, whatever stopped the job on the way."""

import json
import os
import signal
import subprocess
import sys

import numpy as np
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest

import kill_batch
import maxdot
from maxdot.batch import BatchError, Job, run, verify_sample

D = 24
ITEMS = 700


@pytest.fixture(scope="module")
def index(tmp_path_factory):
    items = np.random.default_rng(0).normal(size=(ITEMS, D)).astype(np.float32)
    path = tmp_path_factory.mktemp("items") / "items.maxdot"
    maxdot.Index.build(items, ids=np.arange(ITEMS) * 3 + 5, metric="dot").save(path)
    return maxdot.Index.open(path)


def vectors(count, seed=1, dtype=np.float32):
    return np.random.default_rng(seed).normal(size=(count, D)).astype(dtype)


def lists(rows):
    return pa.FixedSizeListArray.from_arrays(pa.array(rows.reshape(-1)), rows.shape[1])


def write_users(folder, counts=(300, 0, 211), group=128, ids=lambda file, row: f"u{file}-{row}"):
    """Files of users with text ids. Returns all ids and rows in order."""
    folder.mkdir(parents=True, exist_ok=True)
    names, rows = [], []
    for number, count in enumerate(counts):
        own = [ids(number, row) for row in range(count)]
        values = vectors(count, seed=number + 10)
        table = pa.table({"user_id": pa.array(own, pa.string()), "vector": lists(values)})
        pq.write_table(table, folder / f"{number}.parquet", row_group_size=group)
        names += own
        rows.append(values)
    return names, np.concatenate(rows)


def results(folder):
    return ds.dataset(folder, format="parquet").to_table()


def expected_long(index, names, rows, k, **search):
    """What the long layout must hold: (user, rank, item, score)."""
    ids, scores = index.search(rows, k, **search)
    return [
        (name, place + 1, int(ids[row, place]), scores[row, place])
        for row, name in enumerate(names)
        for place in range(k)
        if ids[row, place] >= 0
    ]


def rows_of(table):
    columns = [column.to_pylist() for column in table.columns]
    return list(zip(*columns, strict=True))


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def test_results_are_those_of_a_search(tmp_path, index):
    names, rows = write_users(tmp_path / "users")
    summary = run(Job(items=index.path, users=tmp_path / "users", out=tmp_path / "out", k=7))
    assert rows_of(results(tmp_path / "out")) == expected_long(index, names, rows, 7)
    assert summary.complete and summary.users == 511 and summary.results == 511 * 7 and summary.units == 6
    assert (tmp_path / "out" / "_SUCCESS").exists()
    again = run(Job(items=index.path, users=tmp_path / "users", out=tmp_path / "out", k=7))
    assert again.units == 0 and again.skipped_units == 6 and again.complete


@pytest.mark.parametrize("layout", ["long", "list"])
def test_bytes_do_not_depend_on_threads_batches_or_shares(tmp_path, index, layout):
    write_users(tmp_path / "users", counts=(300, 211))
    about = dict(items=index.path, users=tmp_path / "users", k=5, layout=layout, row_group_users=50)
    run(Job(out=tmp_path / "one", **about))
    run(Job(out=tmp_path / "two", threads=1, batch=37, **about))
    for share in range(3):
        done = run(Job(out=tmp_path / "three", batch=1 + share, share=(share, 3), **about))
        assert done.complete
        assert (tmp_path / "three" / "_SUCCESS").exists() == (share == 2)
    one = contents(tmp_path / "one")
    assert len(one) == 6  # five units and _SUCCESS
    assert contents(tmp_path / "two") == one
    assert contents(tmp_path / "three") == one


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
    assert found.schema.field("id").type == ID_TYPES[kind].type
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


def test_another_job_is_refused(tmp_path, index):
    write_users(tmp_path / "users", counts=(20,))
    about = dict(items=index.path, users=tmp_path / "users", out=tmp_path / "out")
    run(Job(k=3, **about))
    with pytest.raises(BatchError, match="options.k: 3, not 4"):
        run(Job(k=4, **about))
    write_users(tmp_path / "users", counts=(21,))
    with pytest.raises(BatchError, match=r"0\.parquet\.size"):
        run(Job(k=3, **about))
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("years of work")
    with pytest.raises(BatchError, match=r"thesis\.txt"):
        run(Job(items=index.path, users=tmp_path / "users", out=tmp_path / "mine"))
    assert (tmp_path / "mine" / "thesis.txt").read_text() == "years of work"
    # An output that is not whole, by whatever, is done again.
    part = tmp_path / "out" / "part-00000-00000.parquet"
    write_users(tmp_path / "others", counts=(20,))
    run(Job(items=index.path, users=tmp_path / "others", out=tmp_path / "out2", k=3))
    part = tmp_path / "out2" / "part-00000-00000.parquet"
    before = part.read_bytes()
    part.write_bytes(before[:-1])
    assert run(Job(items=index.path, users=tmp_path / "others", out=tmp_path / "out2", k=3)).units == 1
    assert part.read_bytes() == before


@pytest.mark.parametrize(
    ("changes", "kind", "message"),
    [
        ({"k": 0}, "usage", "k: 0"),
        ({"k": True}, "usage", "k: True"),
        ({"layout": "wide"}, "usage", "layout"),
        ({"share": (3, 3)}, "usage", "share: 3/3"),
        ({"users": "missing.parquet"}, "io", "missing.parquet"),
        ({"users": []}, "usage", "no users"),
        ({"layout": "list", "k": 2**20, "row_group_users": 2048}, "usage", "2048 users of 1048576 results"),
        ({"items": "missing.maxdot"}, "io", "missing.maxdot"),
        ({"id_column": "name"}, "bad_data", "no column 'name'; there are 'user_id', 'vector'"),
        ({"id_column": "vector"}, "bad_data", "holds no ids"),
        ({"vector_column": "user_id"}, "bad_data", "holds no vectors"),
        ({"compression": "zip"}, "usage", "compression"),
        ({"item_mask": "missing.npy"}, "io", "missing.npy"),
    ],
)
def test_what_cannot_be_done_is_told(tmp_path, index, changes, kind, message):
    write_users(tmp_path / "users", counts=(5,))
    about = dict(items=index.path, users=tmp_path / "users", out=tmp_path / "out") | changes
    for name in ("users", "items", "item_mask"):
        if isinstance(about.get(name), str) and "missing" in about[name]:
            about[name] = tmp_path / about[name]
    with pytest.raises(BatchError, match=message) as failed:
        run(Job(**about))
    assert failed.value.kind == kind


def test_users_of_another_model_are_refused(tmp_path, index):
    np.save(tmp_path / "users.npy", vectors(10)[:, :-1])
    with pytest.raises(BatchError, match=f"vectors have {D - 1} values, the items {D}"):
        run(Job(items=index.path, users=tmp_path / "users.npy", out=tmp_path / "out", on_bad_row="skip"))


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


def test_results_never_become_users(tmp_path, index):
    write_users(tmp_path / "users", counts=(5,))
    with pytest.raises(BatchError, match="whose files are read"):
        run(Job(items=index.path, users=tmp_path / "users", out=tmp_path / "users" / "out"))
    with pytest.raises(BatchError, match="the folder of the results"):
        run(Job(items=index.path, users=tmp_path / "users" / "0.parquet", out=tmp_path / "users"))
    assert os.listdir(tmp_path / "users") == ["0.parquet"]


def test_a_file_that_changes_meanwhile_is_told(tmp_path, index):
    write_users(tmp_path / "users", counts=(200,), group=50)
    path = tmp_path / "users" / "0.parquet"

    def touch_after_two():
        if len(list((tmp_path / "out").glob("*.parquet"))) == 2:
            os.utime(path, ns=(1, 1))
        return False

    with pytest.raises(BatchError, match=r"0\.parquet: has changed while the job ran"):
        run(Job(items=index.path, users=path, out=tmp_path / "out", k=3), stop=touch_after_two)
    assert sorted(name for name in os.listdir(tmp_path / "out") if name != "_maxdot") == [
        "part-00000-00000.parquet",
        "part-00000-00001.parquet",
    ]


def test_damaged_files_are_told(tmp_path, index):
    write_users(tmp_path / "users", counts=(300,))
    path = tmp_path / "users" / "0.parquet"
    whole = path.read_bytes()
    for data in (b"", b"PAR1", whole[:-20], whole[:100] + b"\0" * 5000 + whole[5100:]):
        path.write_bytes(data)
        with pytest.raises(BatchError, match=r"0\.parquet") as failed:
            run(Job(items=index.path, users=path, out=tmp_path / "out", k=3))
        assert failed.value.kind in ("io", "bad_data")


@pytest.mark.parametrize("metric", ["dot", "cosine", "euclidean"])
@pytest.mark.parametrize("normalize", [False, True])
def test_a_sample_of_right_results_has_no_fault(tmp_path, metric, normalize):
    """Ties, items that are users, and rows of zeros and of very different norms."""
    items = vectors(400, seed=4) * np.logspace(-6, 6, 400, dtype=np.float32)[:, np.newaxis]
    items[100:140] = items[100]
    items[200] = 0
    maxdot.Index.build(items, metric=metric, normalize=normalize).save(tmp_path / "items.maxdot")
    np.save(tmp_path / "users.npy", np.concatenate([items[90:110], items[195:205], vectors(20)]))
    job = Job(items=tmp_path / "items.maxdot", users=tmp_path / "users.npy", out=tmp_path / "out", k=15)
    run(job)
    assert str(verify_sample(job, 50)) == "exact: 0 of 50 users wrong"


def test_a_sample_finds_wrong_results(tmp_path, index):
    write_users(tmp_path / "users", counts=(40,))
    job = Job(items=index.path, users=tmp_path / "users", out=tmp_path / "out", k=5)
    run(job)
    assert verify_sample(job, 40).wrong == 0
    part = tmp_path / "out" / "part-00000-00000.parquet"
    right = pq.read_table(part)

    def wrong_of(column, change):
        values = right[column].to_pylist()
        change(values)
        table = right.set_column(
            right.column_names.index(column),
            right.schema.field(column),
            pa.array(values, right.schema.field(column).type),
        )
        pq.write_table(table, part)
        state = tmp_path / "out" / "_maxdot" / "units" / "part-00000-00000.json"
        state.write_text(json.dumps(json.loads(state.read_text()) | {"bytes": part.stat().st_size}))
        return verify_sample(job, 40).wrong

    def swap(values):
        values[0], values[1] = values[1], values[0]

    def replace(values):
        values[7] = 5 if values[7] != 5 else 8

    def raise_score(values):
        values[12] *= 1.001

    assert wrong_of("item_id", swap) == 1
    assert wrong_of("item_id", replace) == 1
    assert wrong_of("score", raise_score) == 1


def command(*arguments, **options):
    return subprocess.Popen(
        [sys.executable, "-m", "maxdot.batch", *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **options,
    )


def test_command(tmp_path, index):
    names, rows = write_users(tmp_path / "users")
    done = command(
        "--items",
        index.path,
        "--users",
        tmp_path / "users",
        "--out",
        tmp_path / "out",
        "-k",
        3,
        "--json",
        "--verify-sample",
        9,
    )
    out, err = done.communicate()
    assert done.returncode == 0, err
    events = [json.loads(line) for line in out.splitlines()]
    assert [event["event"] for event in events if event["event"] not in ("unit", "progress")] == [
        "start",
        "done",
        "verified",
    ]
    assert events[-1]["wrong"] == 0 and events[-1]["users"] == 9
    assert rows_of(results(tmp_path / "out")) == expected_long(index, names, rows, 3)
    wrong = command("--items", index.path, "--users", tmp_path / "none", "--out", tmp_path / "x", "--json")
    out, err = wrong.communicate()
    assert wrong.returncode == 3 and json.loads(out)["event"] == "error" and "none" in err
    usage = command("--items", index.path, "--json")
    out, err = usage.communicate()
    assert usage.returncode == 2 and json.loads(out)["kind"] == "usage"


def test_a_signal_ends_after_the_unit_in_hand(tmp_path, index):
    write_users(tmp_path / "users", counts=(4000,), group=16)
    about = ["--items", index.path, "--users", tmp_path / "users", "-k", 50]
    running = command(*about, "--out", tmp_path / "out", "--json")
    for line in running.stdout:
        if json.loads(line)["event"] == "unit":
            running.send_signal(signal.SIGTERM)
            break
    rest = running.stdout.read()
    assert running.wait() == 75, running.stderr.read()
    assert json.loads(rest.splitlines()[-1])["complete"] is False
    whole = run(Job(items=index.path, users=tmp_path / "users", out=tmp_path / "whole", k=50))
    finished = run(Job(items=index.path, users=tmp_path / "users", out=tmp_path / "out", k=50))
    assert 0 < finished.units < whole.units and finished.units + finished.skipped_units == whole.units
    assert contents(tmp_path / "out") == contents(tmp_path / "whole")


def test_killed_anywhere_it_goes_on(tmp_path):
    assert kill_batch.run_lives(tmp_path, lives=10, seed=3) > 0


def test_two_processes_share_a_folder(tmp_path, index):
    write_users(tmp_path / "users", counts=(2000,), group=20)
    arguments = [
        "--items",
        index.path,
        "--users",
        tmp_path / "users",
        "-k",
        40,
        "--out",
        tmp_path / "out",
        "--json",
    ]
    both = [command(*arguments), command(*arguments)]
    units = 0
    for running in both:
        out, err = running.communicate()
        assert running.returncode == 0, err
        units += sum(json.loads(line)["event"] == "unit" for line in out.splitlines())
    assert units == 100
    run(Job(items=index.path, users=tmp_path / "users", out=tmp_path / "whole", k=40))
    assert contents(tmp_path / "out") == contents(tmp_path / "whole")
