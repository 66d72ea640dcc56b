"""The sample of a job's results that is checked in float64."""

import json

import maxdot
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from batch_files import index, vectors, write_users  # noqa: F401
from maxdot.batch import BatchError, Job, run, verify_sample
from maxdot.batch import __main__ as batch_command


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


EXTREMES = {
    "beyond float32": (1e25, 1e25),
    "near the largest float32": (1e19, 1e19),
    "denormal": (1e-20, 1e-22),
    "nothing": (1e-30, 1e-30),
    "plain": (1, 1),
    "items far larger": (1e12, 1e-6),
    "users far larger": (1e-6, 1e12),
}


@pytest.mark.parametrize("scores", ["f32", "f64"])
@pytest.mark.parametrize("metric", ["dot", "cosine", "euclidean"])
@pytest.mark.parametrize("scales", EXTREMES)
def test_scores_of_every_size_are_judged(tmp_path, scales, metric, scores):
    """As the float32 of the float64 score: infinite, denormal or zero. One wrong in its fifth digit is found."""
    of_items, of_users = EXTREMES[scales]
    items = vectors(300, seed=4) * np.float32(of_items)
    items[7] = 0
    maxdot.Index.build(items, metric=metric).save(tmp_path / "items.maxdot")
    np.save(tmp_path / "users.npy", vectors(20) * np.float32(of_users))
    job = Job(
        items=tmp_path / "items.maxdot", users=tmp_path / "users.npy", out=tmp_path / "out", k=15, scores=scores
    )
    run(job)
    assert str(verify_sample(job, 20)) == "exact: 0 of 20 users wrong"
    part = tmp_path / "out" / "part-00000-00000.parquet"
    right = pq.read_table(part)
    given = right["score"].to_numpy()
    changed = {"infinite": np.inf, "negative": -np.inf, "nan": np.nan}
    if np.isfinite(given[31]) and abs(given[31]) > 1e-35:  # else its fifth digit is no matter
        changed |= {"more": given[31] * (1 + 1e-5), "less": given[31] * (1 - 1e-5)}
    else:
        changed |= {"large": 1e38, "small": -1e-30}
    for what, value in changed.items():
        if given[31] == value:
            continue
        wrong = np.array(given)
        wrong[31] = value
        place = right.column_names.index("score")
        pq.write_table(right.set_column(place, right.schema.field(place), pa.array(wrong)), part)
        _note_size(tmp_path / "out", part)
        found = verify_sample(job, 20)
        assert found.wrong == 1 and "has not the score" in found.first_wrong, what


def _note_size(out, part):
    """That of a file that was written anew."""
    state = out / "_maxdot" / "units" / f"{part.stem}.json"
    state.write_text(json.dumps(json.loads(state.read_text()) | {"bytes": part.stat().st_size}))


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
        _note_size(tmp_path / "out", part)
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


@pytest.mark.parametrize("rows", [5, 0])
def test_a_share_without_users_is_done_and_has_nothing_to_check(tmp_path, index, capsys, rows):
    write_users(tmp_path / "users", counts=(rows,))
    arguments = ["--items", index.path, "--users", tmp_path / "users", "--out", tmp_path / "out", "--share", "1/2"]
    arguments += ["-k", "3", "--verify-sample", "10"]
    assert batch_command.main([str(word) for word in arguments]) == 0
    assert "nothing to check" in capsys.readouterr().out
    assert batch_command.main([*(str(word) for word in arguments), "--json"]) == 0
    last = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert last == {"event": "verified", "users": 0, "wrong": 0}


def test_no_users_at_all_are_done_and_have_nothing_to_check(tmp_path, index):
    write_users(tmp_path / "users", counts=(0, 0))
    job = Job(items=index.path, users=tmp_path / "users", out=tmp_path / "out", k=3)
    assert run(job).complete and (tmp_path / "out" / "_SUCCESS").exists()
    assert str(verify_sample(job, 10)) == "nothing to check: there are no users with results"


def test_users_that_all_were_left_out_have_nothing_to_check(tmp_path, index):
    rows = vectors(3)
    rows[:] = np.nan
    np.save(tmp_path / "users.npy", rows)
    job = Job(items=index.path, users=tmp_path / "users.npy", out=tmp_path / "out", k=3, on_bad_row="skip")
    run(job)
    assert str(verify_sample(job, 10)).startswith("nothing to check")


def test_what_is_not_done_is_not_checked(tmp_path, index):
    write_users(tmp_path / "users", counts=(5,))
    job = Job(items=index.path, users=tmp_path / "users", out=tmp_path / "out", k=3)
    with pytest.raises(BatchError, match="nothing is done there; run the job first"):
        verify_sample(job, 10)


def test_fewer_users_than_none_cannot_be_checked(tmp_path, index, capsys):
    """Which is told before the job is done."""
    write_users(tmp_path / "users", counts=(5,))
    arguments = ["--items", index.path, "--users", tmp_path / "users", "--out", tmp_path / "out"]
    assert batch_command.main([*(str(word) for word in arguments), "--verify-sample", "-1"]) == 2
    assert "verify_sample: -1 is no whole number from 0 on" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
    with pytest.raises(BatchError, match="^users: -1 is no whole number from 0 on"):
        verify_sample(Job(items=index.path, users=tmp_path / "users", out=tmp_path / "out"), -1)
