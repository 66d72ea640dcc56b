"""Models are loaded, swapped and dropped while they are asked."""

import json
import os
import signal
import threading
import time

import maxdot
import pytest
from running import PATIENCE, Running, infer
from tritonclient.utils import InferenceServerException

PROTOCOLS = ["grpc", "http"]


@pytest.fixture
def catalogues(items):
    """Two sets of items, the second of another dimension."""
    return maxdot.Index.build(items), maxdot.Index.build(items[:5000, :50].copy(), metric="dot")


@pytest.fixture
def folder(tmp_path, catalogues):
    catalogues[0].save(tmp_path / "first.maxdot")
    return tmp_path


def version(server, model):
    return json.loads(server.get(f"/v2/models/{model}")[1])["versions"][0]


def states(server):
    return {model["name"]: model["state"] for model in json.loads(server.get("/v2/repository/index", b"")[1])}


def until(true):
    """A look at files is taken every second."""
    end = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < end
        time.sleep(0.05)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_file_that_is_overwritten_ends_nothing(folder, catalogues, queries, protocol):
    with Running(folder) as server:
        expected = catalogues[0].search(queries, 10)[0]
        (folder / "first.maxdot").write_bytes(b"x" * 100)
        assert (infer(server, protocol, "first", queries=queries)["ids"] == expected).all()
        with pytest.raises(InferenceServerException, match=r"first\.maxdot"):
            getattr(server, protocol)().load_model("first")
        assert (infer(server, protocol, "first", queries=queries)["ids"] == expected).all()


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_load_and_unload(folder, catalogues, queries, protocol):
    with Running(folder) as server:
        client = getattr(server, protocol)()
        assert client.is_model_ready("first")
        with pytest.raises(InferenceServerException, match="no model 'second'"):
            client.load_model("second")
        catalogues[1].save(folder / "second.maxdot")
        client.load_model("second")
        answer = infer(server, protocol, "second", queries=queries[:, :50].copy())
        assert (answer["ids"] == catalogues[1].search(queries[:, :50], 10)[0]).all()
        client.unload_model("second")
        assert not client.is_model_ready("second")
        with pytest.raises(InferenceServerException, match="not ready: unloaded"):
            infer(server, protocol, "second", queries=queries[:, :50].copy())
        assert states(server) == {"first": "READY", "second": "UNAVAILABLE"}
        ready = json.loads(server.get("/v2/repository/index", b'{"ready": true}')[1])
        assert [model["name"] for model in ready] == ["first"]
        client.load_model("second")
        assert client.is_model_ready("second")
        with pytest.raises(InferenceServerException, match="config"):
            client.load_model("second", config="{}")
        client.close()


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_swap_under_load(folder, catalogues, queries, protocol):
    """Every answer is one of the two catalogues', and the one that its version names."""
    other = maxdot.Index.build(queries, ids=range(64))
    with Running(folder) as server:
        expected = {version(server, "first"): catalogues[0].search(queries, 10)}
        wrong, seen, over = [], set(), threading.Event()

        def ask():
            client = getattr(server, protocol)()
            try:
                while not over.is_set():
                    answer = infer(server, protocol, "first", client=client, queries=queries)
                    ids, scores = expected[answer["version"]]
                    assert answer["ids"].tobytes() == ids.tobytes()
                    assert answer["scores"].tobytes() == scores.tobytes()
                    seen.add(answer["version"])
            except BaseException as error:
                wrong.append(error)
            finally:
                client.close()

        other.save(folder / "probe.maxdot")
        server.get("/v2/repository/models/probe/load", b"")
        expected[version(server, "probe")] = other.search(queries, 10)
        threads = [threading.Thread(target=ask) for _ in range(4)]
        for thread in threads:
            thread.start()
        for turn in range(20):
            catalogues[0].save(folder / "first.maxdot") if turn % 2 else other.save(folder / "first.maxdot")
            assert server.get("/v2/repository/models/first/load", b"")[0] == 200
        over.set()
        for thread in threads:
            thread.join(PATIENCE)
        assert not wrong, wrong[0]
        assert seen == set(expected)


def test_a_swap_may_change_the_dimension(folder, catalogues, queries):
    with Running(folder) as server:
        catalogues[1].save(folder / "first.maxdot")
        assert server.get("/v2/repository/models/first/load", b"")[0] == 200
        answer = infer(server, "grpc", "first", queries=queries[:, :50].copy())
        assert (answer["ids"] == catalogues[1].search(queries[:, :50], 10)[0]).all()
        with pytest.raises(InferenceServerException, match="dimension"):
            infer(server, "grpc", "first", queries=queries)


@pytest.mark.parametrize("damage", ["cut", "payload", "nonsense"])
def test_a_bad_file_leaves_the_one_before(folder, catalogues, queries, damage):
    with Running(folder) as server:
        before = version(server, "first")
        good = (folder / "first.maxdot").read_bytes()
        middle = len(good) // 2
        bad = {"cut": good[:middle], "payload": good[:middle] + b"\xaa\x55" * 8 + good[middle + 16 :], "nonsense": b"x" * 999}
        (folder / "new").write_bytes(bad[damage])
        os.rename(folder / "new", folder / "first.maxdot")
        status, text = server.get("/v2/repository/models/first/load", b"")
        assert status == 500 and "first.maxdot" in json.loads(text)["error"]
        answer = infer(server, "grpc", "first", queries=queries)
        assert answer["version"] == before
        assert (answer["ids"] == catalogues[0].search(queries, 10)[0]).all()
        assert server.event("load_failed")["model"] == "first"
        metrics = server.get("/metrics")[1].decode()
        assert 'maxdot_model_loads_total{model="first",result="failed"} ' in metrics


def test_a_file_that_was_written_is_loaded(folder, catalogues):
    with Running(folder) as server:
        before = version(server, "first")
        catalogues[1].save(folder / "first.maxdot")
        until(lambda: version(server, "first") != before)
        catalogues[1].save(folder / "third.maxdot")
        until(lambda: states(server).get("third") == "READY")


def test_sighup_loads_all_but_what_was_unloaded(folder, catalogues):
    catalogues[1].save(folder / "second.maxdot")
    with Running(folder) as server:
        server.get("/v2/repository/models/second/unload", b"")
        seen = len(server.log)
        server.send(signal.SIGHUP)
        assert server.event("loaded", seen)["model"] == "first"
        assert states(server) == {"first": "READY", "second": "UNAVAILABLE"}


def test_a_working_folder_that_is_gone_does_not_end_the_server(folder, catalogues, monkeypatch):
    (folder / "run").mkdir()
    monkeypatch.chdir(folder / "run")
    with Running("..") as server:
        monkeypatch.undo()
        (folder / "run").rmdir()
        catalogues[1].save(folder / "second.maxdot")
        until(lambda: states(server).get("second") == "READY")
        assert server.stop() == 0


def test_a_bad_file_of_a_folder_does_not_stop_the_start(folder):
    (folder / "bad.maxdot").write_bytes(b"x" * 100)
    (folder / "other.txt").write_text("no index")
    with Running(folder) as server:
        assert states(server) == {"first": "READY", "bad": "UNAVAILABLE"}
        assert server.get("/v2/health/ready")[0] == 200
        assert server.get("/v2/models/bad/ready")[0] == 503
        assert server.get("/v2/models/first/ready")[0] == 200


def test_a_file_that_is_gone_is_served_on(folder, queries):
    with Running(folder) as server:
        (folder / "first.maxdot").unlink()
        assert infer(server, "http", "first", queries=queries)["counts"].tolist() == [10] * 64
        assert server.get("/v2/repository/models/first/load", b"")[0] == 500
        assert infer(server, "http", "first", queries=queries)["counts"].tolist() == [10] * 64
