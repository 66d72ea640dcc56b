"""maxdot.batch as a job: refused, shared, stopped and killed, it gives the same bytes."""

import json
import os
import resource
import shutil
import signal
import threading

import kill_batch
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from batch_files import command, contents, expected_long, index, results, rows_of, write_users  # noqa: F401
from maxdot.batch import BatchError, Job, folder, run, stages
from maxdot.batch import __main__ as batch_command
from maxdot.batch.stages import Ahead, Behind


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


def test_results_never_become_users(tmp_path, index):
    write_users(tmp_path / "users", counts=(5,))
    with pytest.raises(BatchError, match="whose files are read"):
        run(Job(items=index.path, users=tmp_path / "users", out=tmp_path / "users" / "out"))
    with pytest.raises(BatchError, match="the folder of the results"):
        run(Job(items=index.path, users=tmp_path / "users" / "0.parquet", out=tmp_path / "users"))
    assert os.listdir(tmp_path / "users") == ["0.parquet"]


def test_a_file_that_changes_meanwhile_is_told(tmp_path, index):
    write_users(tmp_path / "users", counts=(200,), group=5)
    path = tmp_path / "users" / "0.parquet"

    def touch_after_two():
        if len(list((tmp_path / "out").glob("*.parquet"))) >= 2:
            os.utime(path, ns=(1, 1))
        return False

    with pytest.raises(BatchError, match=r"0\.parquet: has changed while the job ran"):
        run(Job(items=index.path, users=path, out=tmp_path / "out", k=3, batch=5), stop=touch_after_two)
    names = sorted(name for name in os.listdir(tmp_path / "out") if name != "_maxdot")
    # Those before are done, and nothing is there of those in hand.
    assert names == [f"part-00000-{number:05d}.parquet" for number in range(len(names))] and 2 <= len(names) < 40


def test_an_index_file_that_is_overwritten_meanwhile_does_not_matter(tmp_path, index):
    write_users(tmp_path / "users", counts=(200,), group=10)
    run(Job(items=index.path, users=tmp_path / "users", out=tmp_path / "whole", k=3))
    items = tmp_path / "items.maxdot"
    shutil.copy(index.path, items)
    asked = []

    def overwrite_after_the_first():
        asked.append(None)
        if len(asked) == 2:
            items.write_bytes(b"x" * 100)
        return False

    done = run(
        Job(items=items, users=tmp_path / "users", out=tmp_path / "out", k=3), stop=overwrite_after_the_first
    )
    assert done.complete and len(asked) == 20
    assert contents(tmp_path / "out") == contents(tmp_path / "whole")


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


def test_a_disk_that_is_full_leaves_nothing_half_done(tmp_path, index):
    write_users(tmp_path / "users", counts=(2000,), group=300)
    about = ["--items", index.path, "--users", tmp_path / "users", "-k", 50, "--on-bad-row", "skip"]

    def limited(least):
        return lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (least, least))

    # While a row group is written, and at the end of a unit.
    for most in (5_000, 20_000):
        running = command(*about, "--out", tmp_path / "out", "--json", preexec_fn=limited(most))
        out, err = running.communicate()
        assert running.returncode == 3, err
        assert json.loads(out.splitlines()[-1])["event"] == "error" and "Traceback" not in err
        assert os.listdir(tmp_path / "out") == ["_maxdot"]
    run(Job(items=index.path, users=tmp_path / "users", out=tmp_path / "out", k=50, on_bad_row="skip"))
    run(Job(items=index.path, users=tmp_path / "users", out=tmp_path / "whole", k=50, on_bad_row="skip"))
    assert contents(tmp_path / "out") == contents(tmp_path / "whole")


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_a_small_file_that_cannot_be_written_leaves_nothing_beside_it(tmp_path, index, monkeypatch, call):
    write_users(tmp_path / "users", counts=(40,), group=40)
    about = dict(items=index.path, users=tmp_path / "users", out=tmp_path / "out", k=5, on_bad_row="skip")
    real = getattr(os, call)

    def refused(what, *more):
        name = os.readlink(f"/proc/self/fd/{what}") if call == "fsync" else what
        if name.endswith("_SUCCESS.tmp"):
            raise OSError(5, "Input/output error", *([] if call == "fsync" else [what]))
        return real(what, *more)

    monkeypatch.setattr(os, call, refused)
    with pytest.raises(OSError, match="Input/output error.*_SUCCESS"):
        run(Job(**about))
    assert sorted(os.listdir(tmp_path / "out")) == ["_maxdot", "part-00000-00000.parquet"]
    monkeypatch.undo()
    run(Job(**about))
    assert "_SUCCESS" in os.listdir(tmp_path / "out")


def test_a_unit_that_cannot_be_finished_is_given_up(tmp_path, index, monkeypatch):
    write_users(tmp_path / "users", counts=(400,), group=40)
    about = dict(items=index.path, users=tmp_path / "users", k=5, on_bad_row="skip")
    run(Job(out=tmp_path / "whole", **about))
    real = folder.write_whole

    def refused(path, data):
        if path.endswith("part-00000-00003.json"):
            raise OSError(28, "No space left on device", path)
        real(path, data)

    monkeypatch.setattr(folder, "write_whole", refused)
    with pytest.raises(OSError, match="No space left"):
        run(Job(out=tmp_path / "out", **about))
    left = sorted(name for name in os.listdir(tmp_path / "out") if name != "_maxdot")
    assert left == [f"part-00000-{number:05d}.parquet" for number in range(3)]
    monkeypatch.undo()
    run(Job(out=tmp_path / "out", **about))
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


def test_where_the_system_refuses_threads_the_bytes_are_the_same(tmp_path, index, monkeypatch):
    names, _ = write_users(tmp_path / "users", counts=(20, 7))
    pq.write_table(pa.table({"user_id": names, "item_id": range(27)}), tmp_path / "seen.parquet")
    about = dict(items=index.path, users=tmp_path / "users", exclude=tmp_path / "seen.parquet", k=3)
    run(Job(out=tmp_path / "threads", **about))

    def refuse(_):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    run(Job(out=tmp_path / "alone", **about))
    assert contents(tmp_path / "alone") == contents(tmp_path / "threads")


def test_a_file_in_the_place_of_the_folder(tmp_path, index):
    write_users(tmp_path / "users", counts=(5,))
    (tmp_path / "out").write_text("mine")
    for out in (tmp_path / "out", tmp_path / "out" / "deeper"):
        with pytest.raises(
            BatchError, match="out: is a file, and no folder; name a folder for the results"
        ) as failed:
            run(Job(items=index.path, users=tmp_path / "users", out=out))
        assert failed.value.kind == "usage"
    assert (tmp_path / "out").read_text() == "mine"


def test_pairs_that_could_not_be_removed_are_removed_later(tmp_path, index):
    write_users(tmp_path / "users", counts=(5,))
    pq.write_table(pa.table({"user_id": ["u0-0"], "item_id": [0]}), tmp_path / "seen.parquet")
    job = Job(
        items=index.path, users=tmp_path / "users", exclude=tmp_path / "seen.parquet", out=tmp_path / "out", k=3
    )
    run(job)
    left = tmp_path / "out" / "_maxdot" / "exclude-left"
    left.mkdir()
    (left / "0.pairs").write_bytes(b"pairs")
    assert run(job).units == 0
    assert not left.exists()


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        RuntimeError("can't allocate lock"),
        SystemError("<built-in method reduce of numpy.ufunc object> returned NULL without setting an exception"),
        BatchError("io", "f: std::bad_alloc"),
        OSError("ZSTD compression failed: Allocation error : not enough memory"),
    ],
)
def test_memory_that_runs_out_is_said_to_be_that(tmp_path, capsys, monkeypatch, error):
    def fail(*_, **__):
        raise error

    monkeypatch.setattr(batch_command, "run", fail)
    assert batch_command.main(["--items", "i", "--users", "u", "--out", str(tmp_path / "out")]) == 6
    said = capsys.readouterr().err
    assert said.startswith("maxdot: error: ")
    assert "memory" in said or "bad_alloc" in said


def test_a_defect_has_an_exit_code_of_its_own(tmp_path, capsys, monkeypatch):
    def broken(job, **_):
        raise ZeroDivisionError("division by zero")

    monkeypatch.setattr(batch_command, "run", broken)
    code = batch_command.main(["--items", "i", "--users", "u", "--out", str(tmp_path / "out"), "-k", "3", "--json"])
    out, err = capsys.readouterr()
    assert code == 70
    told = json.loads(out)
    assert told["kind"] == "internal" and told["message"].startswith("ZeroDivisionError: division by zero; ")
    assert "Traceback" in err  # says where


def test_a_thread_that_ends_for_want_of_memory_is_no_wait_for_ever(monkeypatch):
    def fail(*_, **__):
        raise MemoryError

    monkeypatch.setattr(stages, "_LOOK_SECONDS", 0.01)
    behind = Behind(lambda value: None)
    behind._put.get = fail
    with pytest.raises(MemoryError), behind:
        for value in range(3):
            behind.put(value)
    behind = Behind(lambda value: None)
    behind._put.get = fail
    with pytest.raises(MemoryError), behind:
        pass  # what was never put is not missed, but that the thread ended early is told
    ahead = Ahead(value for value in range(3))
    ahead._read.put = fail
    with pytest.raises(MemoryError), ahead as values:
        list(values)
    with pytest.raises(LookupError), Ahead(fail_after(2)) as values:
        list(values)
    with Ahead(value for value in range(3)) as values:
        assert list(values) == [0, 1, 2]


def fail_after(count):
    yield from range(count)
    raise LookupError


def test_the_command_leaves_no_handlers_of_signals(tmp_path):
    """Else a child that is forked later does not end when it is told to."""
    numbers = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
    before = [signal.getsignal(number) for number in numbers]
    code = batch_command.main(["--items", "none", "--users", "none", "--out", str(tmp_path / "out")])
    assert code != 0 and [signal.getsignal(number) for number in numbers] == before
