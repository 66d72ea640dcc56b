"""The parts that decide: the oracle, the history of versions and the verdict; and a short run of all of it."""

import copy
import json
import os
import pathlib
import signal
import subprocess
import sys
import time

import maxdot
import numpy as np
import pytest
import verdict
from catalogue import IDS, METRICS, History, Pool

SOAK = pathlib.Path(__file__).resolve().parent / "soak.py"
PATIENCE = 300
MIB = 1 << 20


@pytest.fixture(scope="module")
def pool():
    return Pool(3)


@pytest.fixture(scope="module")
def state(pool):
    return pool.random_state(np.random.default_rng(4))


def test_the_oracle_answers_as_an_index(pool, state):
    """Bit for bit; rows repeat, so keys tie."""
    ids = np.flatnonzero(state >= 0)
    index = maxdot.Index.build(pool.rows[state[ids]], ids=ids)
    random = np.random.default_rng(5)
    for metric in METRICS:
        exclude = [random.choice(IDS, 200, replace=False) for _ in pool.queries]
        for k in (1, 10, len(ids) + 3):
            asked = {
                "queries": range(len(pool.queries)),
                "k": k,
                "metric": metric,
                "exclude": exclude,
                "allow": None,
            }
            found = index.search(pool.queries, k, metric=metric, scores="f64", exclude=exclude)
            assert pool.is_right(state, asked, *found)
            asked = {**asked, "exclude": None, "allow": exclude}
            assert not pool.is_right(state, asked, *found)


@pytest.mark.parametrize("damage", ["swapped", "score", "padding", "missing", "one more"])
def test_a_wrong_answer_is_seen(pool, state, damage):
    few = np.where(np.arange(IDS) < 20, state, -1)
    asked = {"queries": [7], "k": 30, "metric": "euclidean", "exclude": None, "allow": None}
    best, values = pool.best(few, 7, 30, "euclidean")
    ids, scores = np.full((1, 30), -1), np.full((1, 30), np.inf)
    ids[0, : len(best)], scores[0, : len(best)] = best, values
    assert pool.is_right(few, asked, ids, scores)
    last = len(best) - 1
    if damage == "swapped":
        ids[0, [3, 4]] = ids[0, [4, 3]]
    elif damage == "score":
        scores[0, 3] = np.nextafter(scores[0, 3], 0)
    elif damage == "padding":
        ids[0, 29] = 0
    elif damage == "missing":
        ids[0, last] = -1
    else:
        ids[0, last + 1] = 4999
    assert not pool.is_right(few, asked, ids, scores)


class TestHistory:
    def test_changes_whose_ends_come_in_another_order(self):
        history = History(5)
        first, second = history.begin(), history.begin()
        history.end(second, 7, 1, np.array([1]), -1)
        assert history.newest == 7
        history.end(first, 6, 2, np.array([1, 2]), np.array([10, 20]))
        assert history.state(6)[[1, 2]].tolist() == [10, 20]
        assert history.state(7)[[1, 2]].tolist() == [-1, 20]
        assert history.state(6)[[1, 2]].tolist() == [10, 20]

    def test_an_answer_may_have_what_is_under_way(self):
        history = History(0)
        change = history.begin()
        now = history.now()
        history.end(change, 1, 1, np.array([1]), np.array([10]))
        assert history.last_version(now) == 1

    def test_a_refused_change_has_no_version(self):
        history = History(0)
        change = history.begin()
        now = history.now()
        history.refused(change)
        assert history.last_version(now) == 0

    def test_a_version_that_no_writer_has_made(self):
        history = History(0)
        history.end(history.begin(), 2, 1, np.array([1]), np.array([10]))
        history.writers_have_ended()
        with pytest.raises(AssertionError, match="no change of a writer"):
            history.wait(2)

    def test_two_changes_of_one_version(self):
        history = History(0)
        history.end(history.begin(), 1, 1, np.array([1]), np.array([10]))
        with pytest.raises(AssertionError, match="version 1"):
            history.end(history.begin(), 1, 1, np.array([1]), np.array([10]))

    @pytest.mark.parametrize("told", [1, 2])
    def test_the_number_of_removed_items(self, told):
        """Each version puts in an item, and takes out one that is there and one that is not."""
        history = History(0)
        for version in range(1, 3 * History.KEPT, 2):
            history.end(history.begin(), version, 1, np.array([1]), np.array([10]))
            history.end(history.begin(), version + 1, told, np.array([1, 2]), -1)
            if told == 1:
                assert history.state(version)[1] == 10
            elif version > History.KEPT:
                with pytest.raises(AssertionError, match="says 2 items"):
                    history.state(version)
                return
        assert told == 1
        assert history.base_version > 0
        with pytest.raises(AssertionError, match="too late"):
            history.state(0)


def sample(second):
    held = {"rss": 40 * MIB, "pss": 35 * MIB, "private_dirty": 20 * MIB, "descriptors": 30, "threads": 20}
    held["cpu_seconds"] = second / 10
    return {
        "seconds": second,
        "processes": {"server": dict(held), "live": dict(held)},
        "folders": {"live": {"bytes": 2 * MIB, "files": 6}},
    }


CLIENTS = {"server": 14, "live": 6}


class TestVerdict:
    def grown(self, change):
        samples = [sample(10 * i) for i in range(720)]
        for i, one in enumerate(samples):
            change(one, i / len(samples))
        findings = verdict.judge(samples, CLIENTS, 120)
        return {(finding["of"], finding["what"]) for finding in findings if not finding["flat"]}

    def test_flat(self):
        assert self.grown(lambda one, time: None) == set()

    @pytest.mark.parametrize("what, growth", [("rss", 13), ("private_dirty", 13)])
    def test_memory_that_grows(self, what, growth):
        def change(one, time):
            one["processes"]["live"][what] += int(growth * MIB * time)

        assert self.grown(change) == {("live", what)}

    def test_memory_that_is_shared_with_fewer(self):
        def change(one, time):
            one["processes"]["live"]["pss"] += int(30 * MIB * time)

        assert self.grown(change) == set()

    def test_memory_that_grows_in_the_warm_up_only(self):
        def change(one, time):
            one["processes"]["server"]["rss"] += int(100 * MIB * min(time, 0.1))

        assert self.grown(change) == set()

    def test_memory_that_a_moment_needs(self):
        def change(one, time):
            one["processes"]["server"]["rss"] += 100 * MIB if time > 0.8 and one["seconds"] % 30 == 0 else 0

        assert self.grown(change) == set()

    @pytest.mark.parametrize("what", ["descriptors", "threads"])
    def test_numbers_that_grow(self, what):
        def change(one, time):
            one["processes"]["live"][what] += int(20 * time)

        assert self.grown(change) == {("live", what)}

    @pytest.mark.parametrize("what, growth", [("bytes", 10 * MIB), ("files", 30)])
    def test_folders_that_grow(self, what, growth):
        def change(one, time):
            one["folders"]["live"][what] += int(growth * time)

        assert self.grown(change) == {("live", what)}

    def test_too_few_samples_are_no_verdict(self):
        assert verdict.judge([sample(i) for i in range(10)], CLIENTS, 120) == []

    def test_points(self):
        samples = [sample(i) for i in range(101)]
        assert [point["seconds"] for point in verdict.points(copy.deepcopy(samples))] == [0, 25, 50, 75, 100]


def report(folder):
    return json.loads((folder / "report.json").read_text())


def test_a_short_run(tmp_path):
    run = subprocess.run(
        [sys.executable, SOAK, "--minutes", "0.4", "--out", tmp_path / "samples.jsonl"],
        timeout=PATIENCE,
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    done = report(tmp_path)
    assert done["verdict"] == "passed" and done["flat"] and done["first_failures"] == []
    assert len((tmp_path / "samples.jsonl").read_text().splitlines()) == 25
    server, live = done["done"]["server"], done["done"]["live"]
    for what in ("searches by grpc", "searches by http", "searches by plain HTTP", "swaps", "upserts by grpc"):
        assert server[what] > 0
    assert server["answers checked"] == sum(n for what, n in server.items() if what.startswith("searches by"))
    assert live["answers checked"] > 0 and live["items compared at the end"] > 0
    assert len(done["points"]) == 5


@pytest.mark.parametrize("victim", ["none", "server", "live"])
def test_a_run_that_is_ended(tmp_path, victim):
    """By SIGTERM: it reports what it has. By the end of a process under test: that is a failure."""
    command = [sys.executable, SOAK, "--out", tmp_path / "samples.jsonl"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as run:
        end = time.monotonic() + PATIENCE
        while not (tmp_path / "samples.jsonl").exists() or not (tmp_path / "live.json").exists():
            assert run.poll() is None and time.monotonic() < end
            time.sleep(0.1)
        if victim == "none":
            run.send_signal(signal.SIGTERM)
        else:
            children = pathlib.Path(f"/proc/{run.pid}/task/{run.pid}/children").read_text().split()
            os.kill(int(children[("server", "live").index(victim)]), signal.SIGKILL)
        assert run.wait(PATIENCE) == 1
    done = report(tmp_path)
    assert done["verdict"] == "failed" and done["minutes_wanted"] == 120
    dead = [failure for failure in done["first_failures"] if "dead process" in failure]
    assert bool(dead) == (victim != "none"), done["first_failures"]
    if victim == "none":
        assert done["first_failures"] == []  # Only too short to tell whether it is flat.
