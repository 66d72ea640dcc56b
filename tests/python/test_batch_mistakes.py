"""maxdot.batch and what it cannot use: each mistake is told as one, with its file, column or number."""

import os

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from batch_files import D, command, contents, index, lists, results, vectors, write_users  # noqa: F401
from maxdot.batch import BatchError, BlockOptions, Job, inputs, run
from maxdot.batch import __main__ as batch_command
from maxdot.batch.job import MOST_THREADS


def test_damaged_files_are_told(tmp_path, index):
    write_users(tmp_path / "users", counts=(300,))
    path = tmp_path / "users" / "0.parquet"
    whole = path.read_bytes()
    for data in (b"", b"PAR1", whole[:-20], whole[:100] + b"\0" * 5000 + whole[5100:]):
        path.write_bytes(data)
        with pytest.raises(BatchError, match=r"0\.parquet") as failed:
            run(Job(items=index.path, users=path, out=tmp_path / "out", k=3))
        assert failed.value.kind in ("io", "bad_data")


def test_damaged_pairs_are_told(tmp_path, index):
    write_users(tmp_path / "users", counts=(300,))
    path = tmp_path / "seen.parquet"
    names = [f"u0-{row % 300}" for row in range(5000)]
    pq.write_table(pa.table({"user_id": names, "item_id": np.arange(5000)}), path)
    whole = path.read_bytes()
    for data in (b"", whole[:-20], whole[:100] + b"\0" * 5000 + whole[5100:]):
        path.write_bytes(data)
        with pytest.raises(BatchError, match=r"seen\.parquet") as failed:
            run(Job(items=index.path, users=tmp_path / "users", out=tmp_path / "out", k=3, exclude=path))
        assert failed.value.kind in ("io", "bad_data")


def test_an_arrow_file_whose_offsets_lead_out_of_it_is_refused(tmp_path, index):
    offsets = pa.py_buffer(np.array([0, 50_000_000, 4], np.int32))
    forged = pa.Array.from_buffers(pa.string(), 2, [None, offsets, pa.py_buffer(b"u0u1")])

    def write(path, **columns):
        batch = pa.record_batch(columns)
        with pa.ipc.new_file(path, batch.schema) as file:
            file.write_batch(batch)
        return path

    users = write(tmp_path / "users.arrow", user_id=forged, vector=lists(vectors(2)))
    with pytest.raises(BatchError, match=r"users\.arrow.*nvalid"):
        run(Job(items=index.path, users=users, out=tmp_path / "out", k=3))
    users = write(tmp_path / "good.arrow", user_id=pa.array(["u0", "u1"]), vector=lists(vectors(2)))
    pairs = write(tmp_path / "seen.arrow", user_id=forged, item_id=pa.array([5, 8]))
    with pytest.raises(BatchError, match=r"seen\.arrow.*nvalid"):
        run(Job(items=index.path, users=users, out=tmp_path / "out2", k=3, exclude=pairs))


ONES, LISTS, FLOATS = [0, 1], [[0, 1], [0]], [0.0, 1.0]


@pytest.mark.parametrize(
    ("columns", "named", "message"),
    [
        ({"user_id": ONES}, {}, "seen.parquet: .* 'user_id' .int64. .*--exclude-user-column"),
        ({"user_id": ONES, "items": [[0.5], []]}, {}, "'items' .list.*double.* --exclude-item-column"),
        ({"user_id": ONES, "item_id": FLOATS}, {}, "'item_id' .double..*whole numbers or text"),
        ({"user_id": FLOATS, "item_id": FLOATS}, {}, "'user_id' .double., 'item_id' .double."),
        ({"user_id": ONES, "item_id": FLOATS}, {"exclude_user_column": "user_id"}, "'item_id' .double."),
        ({"user_id": ONES, "item_id": FLOATS}, {"exclude_item_column": "item_id"}, "'item_id' is of type double"),
        ({"user_id": FLOATS, "item_id": ONES}, {}, "'user_id' .double."),
        ({"user_id": LISTS, "item_id": ONES}, {}, "'user_id' is of type list"),
        ({"item": ONES, "users": LISTS}, {}, "'users' .list"),
        ({"users": LISTS, "item": ONES}, {"exclude_user_column": "users"}, "'users' .* which holds no ids"),
        ({"user_id": ONES, "a": LISTS, "b": LISTS}, {}, "'a' .list.*'b' .list"),
        ({"a": ONES, "b": ONES}, {}, "'a' .int64., 'b' .int64."),
        ({"a": ONES, "b": ONES}, {"exclude_user_column": "c"}, "no column 'c'; there are 'a', 'b'"),
        ({"a": ONES}, {"exclude_user_column": "a"}, "'a' .int64."),
        ({"user_id": ONES, "item_id": ONES}, {"exclude_item_column": "sku"}, "no column 'sku'"),
    ],
)
def test_pairs_in_doubt_are_refused(tmp_path, index, columns, named, message):
    """And before anything is done: no folder is made."""
    pq.write_table(pa.table({"user_id": [0, 1], "vector": lists(vectors(2))}), tmp_path / "users.parquet")
    path = tmp_path / "seen.parquet"
    pq.write_table(pa.table(columns), path)
    about = dict(items=index.path, users=tmp_path / "users.parquet", out=tmp_path / "out", k=3)
    with pytest.raises(BatchError, match=message) as failed:
        run(Job(exclude=path, **named, **about))
    assert failed.value.kind == "bad_data"
    assert not (tmp_path / "out").exists()


def test_one_column_for_users_and_items_of_pairs_is_refused():
    with pytest.raises(BatchError, match="^exclude_user_column, exclude_item_column: both are 'id'") as failed:
        Job(items="i", users="u", out="o", exclude="e", exclude_user_column="id", exclude_item_column="id")
    assert failed.value.kind == "usage"


def test_every_file_of_pairs_has_the_columns(tmp_path, index):
    names, rows = write_users(tmp_path / "users", counts=(5,))
    paths = [tmp_path / "a.parquet", tmp_path / "b.parquet"]
    for path, columns in zip(paths, (("user_id", "item_id"), ("user", "item")), strict=True):
        pq.write_table(pa.table([names, [5, 8, 11, 14, 17]], names=columns), path)
    about = dict(items=index.path, users=tmp_path / "users", out=tmp_path / "out", k=3)
    message = r"b\.parquet: no column 'user_id'; there are 'user', 'item'; .*a\.parquet.* 'user_id' and 'item_id'"
    with pytest.raises(BatchError, match=message) as failed:
        run(Job(exclude=paths, **about))
    assert failed.value.kind == "bad_data"


@pytest.mark.parametrize("columns", [{"user_id": [0], "item_id": [5]}, {"user_id": ["u0-0"], "items": [["five"]]}])
def test_pairs_of_another_type_are_told_with_their_file(tmp_path, index, columns):
    write_users(tmp_path / "users", counts=(5,))
    pq.write_table(pa.table({"user_id": ["u0-0"], next(reversed(columns)): [[5]]}), tmp_path / "a.parquet")
    pq.write_table(pa.table(columns), tmp_path / "b.parquet")
    about = dict(items=index.path, users=tmp_path / "users", out=tmp_path / "out", k=3)
    with pytest.raises(
        BatchError, match=r"b\.parquet: exclude: ids of type .* make both numbers or both text"
    ) as failed:
        run(Job(exclude=[tmp_path / "a.parquet", tmp_path / "b.parquet"], **about))
    assert failed.value.kind == "bad_data"


@pytest.mark.parametrize("which", ["users", "items", "exclude"])
def test_what_arrow_cannot_read_is_told(tmp_path, monkeypatch, which):
    """Such as a codec that it was built without, which it says when values are read."""
    pq.write_table(pa.table({"users": [0, 1], "vector": lists(vectors(2))}), tmp_path / "users.parquet")
    pq.write_table(pa.table({"items": [0, 1], "vector": lists(vectors(2))}), tmp_path / "items.parquet")
    pq.write_table(pa.table({"exclude": [0], "lists": [[1]]}), tmp_path / "exclude.parquet")
    real = inputs.ParquetReader.batches

    def refuse(reader, group, columns, rows):
        if which in reader.schema.names:
            raise pa.ArrowNotImplementedError("Support for codec 'lzo' not built")
        return real(reader, group, columns, rows)

    monkeypatch.setattr(inputs.ParquetReader, "batches", refuse)
    paths = {name: tmp_path / f"{name}.parquet" for name in ("users", "items", "exclude")}
    with pytest.raises(BatchError, match=rf"{which}\.parquet: .*codec 'lzo' not built") as failed:
        run(Job(out=tmp_path / "out", k=1, **paths))
    assert failed.value.kind == "unsupported"


@pytest.mark.parametrize("name", ["pairs.npy", "pairs.fvecs", "pairs.csv"])
def test_pairs_of_other_kinds_are_told_what_to_give(tmp_path, index, name):
    write_users(tmp_path / "users", counts=(5,))
    with open(tmp_path / name, "wb") as file:
        np.save(file, np.array([[0, 5], [1, 8]]))
    about = dict(items=index.path, users=tmp_path / "users", out=tmp_path / "out", k=3)
    with pytest.raises(BatchError, match=rf"{name}: pairs .* Parquet or Arrow .*pyarrow") as failed:
        run(Job(exclude=tmp_path / name, **about))
    assert failed.value.kind == "usage"


@pytest.mark.parametrize(
    ("changes", "kind", "message"),
    [
        ({"k": 0}, "usage", "k: 0"),
        ({"k": True}, "usage", "k: True"),
        ({"layout": "wide"}, "usage", "layout"),
        ({"share": (3, 3)}, "usage", "share: 3/3 is none of 0/3 to 2/3"),
        ({"share": (0, 0)}, "usage", "^share: 0/0 .*; give .* such as 0/20"),
        ({"share": (0, -1)}, "usage", "^share: 0/-1 .*; give .* such as 0/20"),
        ({"share": (1,)}, "usage", r"^share: \(1,\) .* such as \(0, 20\)"),
        ({"share": 3}, "usage", r"^share: 3 .* such as \(0, 20\)"),
        ({"share": ("0", "2")}, "usage", r"^share: \('0', '2'\) .* such as \(0, 20\)"),
        ({"threads": 4097}, "usage", "^threads: 4097 is .* 4096"),
        ({"threads": -1}, "usage", "^threads: -1 is no"),
        ({"k": 2**63}, "usage", "^k: "),
        ({"batch": 2**63}, "usage", "^batch: "),
        ({"row_group_users": 2**63}, "usage", "^row_group_users: "),
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


ARRAYS = {
    "float64": (lambda rows: rows.astype(np.float64), "astype"),
    "pairs": (lambda _: np.array([[0, 5], [1, 8]]), "astype"),
    "columns first": (np.asfortranarray, "ascontiguousarray"),
    "3-D": (lambda rows: rows[:, :, np.newaxis], "3-D"),
}


@pytest.mark.parametrize("which", ["users", "items"])
@pytest.mark.parametrize("kind", ARRAYS)
def test_arrays_of_another_kind_are_told(tmp_path, index, capsys, which, kind):
    """With the code and the words of `maxdot build`."""
    change, says = ARRAYS[kind]
    np.save(tmp_path / "array.npy", change(vectors(5)))
    np.save(tmp_path / "users.npy", vectors(5))
    paths = {"items": index.path, "users": tmp_path / "users.npy"} | {which: tmp_path / "array.npy"}
    arguments = ["--items", paths["items"], "--users", paths["users"], "--out", tmp_path / "out"]
    assert batch_command.main([str(word) for word in arguments]) == 5
    said = capsys.readouterr().err
    assert "array.npy: " in said and says in said and "Traceback" not in said


@pytest.mark.parametrize("variable", ["MAXDOT_ISA", "MAXDOT_CPU_MASK"])
@pytest.mark.parametrize("items", ["index", "items.npy"])
def test_a_wrong_choice_of_kernels_is_told(tmp_path, index, variable, items):
    np.save(tmp_path / "items.npy", vectors(5))
    path = index.path if items == "index" else tmp_path / items
    environment = {**os.environ, variable: "foo"}
    arguments = ["--items", path, "--users", tmp_path / "items.npy", "--out", tmp_path / "out"]
    running = command(*arguments, env=environment)
    err = running.communicate()[1]
    assert running.returncode == 2 and err.startswith(f"maxdot: error: {variable}=foo") and "Traceback" not in err


def test_most_threads_are_those_of_the_engine(tmp_path, index, capsys):
    with pytest.raises(ValueError, match=f"outside 0 to {MOST_THREADS} "):
        index.search(vectors(1), 1, MOST_THREADS + 1)
    for options in (Job, BlockOptions):
        paths = {"items": "i", "users": "u", "out": "o"} if options is Job else {}
        options(threads=MOST_THREADS, **paths)
        with pytest.raises(BatchError, match=f"^threads: 100000 is .* {MOST_THREADS}"):
            options(threads=100_000, **paths)
    arguments = ["--items", index.path, "--users", "u.npy", "--out", str(tmp_path / "out"), "--threads", "100000"]
    assert batch_command.main([str(word) for word in arguments]) == 2
    assert "threads: 100000" in capsys.readouterr().err


def test_other_columns_of_items_are_another_job(tmp_path):
    write_users(tmp_path / "users", counts=(5,))
    table = pa.table({"sku": ["a", "b"], "name": ["x", "y"], "vector": lists(vectors(2))})
    pq.write_table(table, tmp_path / "items.parquet")
    about = dict(items=tmp_path / "items.parquet", users=tmp_path / "users", out=tmp_path / "out", k=2)
    run(Job(item_id_column="name", **about))
    with pytest.raises(
        BatchError, match=r"another job, items\.columns: \['name', None\], not \['sku', None\]; "
    ) as failed:
        run(Job(item_id_column="sku", **about))
    assert failed.value.kind == "usage"


@pytest.mark.parametrize("damage", [b"", b"{", b"[]", b"{}", b'"job"', b"\xff\xfe", b"[" * 100_000])
def test_a_damaged_description_of_a_job_is_told(tmp_path, index, damage):
    write_users(tmp_path / "users", counts=(5,))
    job = Job(items=index.path, users=tmp_path / "users", out=tmp_path / "out", k=2)
    run(job)
    before = contents(tmp_path / "out")
    path = tmp_path / "out" / "_maxdot" / "job.json"
    path.write_bytes(damage)
    with pytest.raises(BatchError, match=r"job\.json: is damaged.*remove this file") as failed:
        run(job)
    assert failed.value.kind == "bad_data"
    path.unlink()  # as it says
    assert run(job).skipped_units == 1 and contents(tmp_path / "out") == before


@pytest.mark.parametrize("damage", [b"", b"{", b"[]", b"{}", b'{"bytes": null}', b"3", b"\xff\xfe", b"[" * 100_000])
def test_a_unit_whose_state_is_damaged_is_done_again(tmp_path, index, damage):
    write_users(tmp_path / "users", counts=(5,))
    job = Job(items=index.path, users=tmp_path / "users", out=tmp_path / "out", k=2)
    run(job)
    before = contents(tmp_path / "out")
    (tmp_path / "out" / "_maxdot" / "units" / "part-00000-00000.json").write_bytes(damage)
    assert run(job).units == 1
    assert contents(tmp_path / "out") == before and run(job).units == 0


def test_files_without_a_row_group(tmp_path, index):
    """As some writers make of no rows, whatever their columns are called."""
    schema = pa.schema({"who": pa.string(), "embedding": pa.list_(pa.float32(), D)})
    pa.ipc.new_file(tmp_path / "users.arrow", schema).close()
    assert run(Job(items=index.path, users=tmp_path / "users.arrow", out=tmp_path / "out")).complete
    assert "_SUCCESS" in os.listdir(tmp_path / "out")


def test_users_of_another_model_are_refused(tmp_path, index):
    np.save(tmp_path / "users.npy", vectors(10)[:, :-1])
    with pytest.raises(BatchError, match=f"vectors have {D - 1} values, the items {D}"):
        run(Job(items=index.path, users=tmp_path / "users.npy", out=tmp_path / "out", on_bad_row="skip"))
