"""A LiveIndex folder as a model: changes by both protocols, what searches then find, and what is left after a kill."""

import json
import shutil
import signal
import subprocess
import threading
import time

import grpc
import maxdot
import numpy as np
import pytest
from google.protobuf import descriptor_pool, message_factory
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase
from prometheus_client.parser import text_string_to_metric_families
from running import BIN, PATIENCE, Running, infer

PROTOCOLS = ["grpc", "http"]
DIMENSION = 100


def make(folder, dimension):
    """An empty catalogue, which nobody has open."""
    maxdot.LiveIndex.create(folder, dimension, metric="dot").close()


@pytest.fixture
def folder(tmp_path):
    """An empty catalogue; the model is named like the folder."""
    make(tmp_path / "live", DIMENSION)
    return tmp_path / "live"


class Refused(Exception):
    """The message, after the code: "INVALID_ARGUMENT: ..." or "400: ..."."""


class GrpcCatalogue:
    """A client that asks the server for its messages, as grpcurl does."""

    def __init__(self, server, token=None):
        self.channel = grpc.insecure_channel(f"127.0.0.1:{server.grpc_port}")
        self.pool = descriptor_pool.DescriptorPool(ProtoReflectionDescriptorDatabase(self.channel))
        self.metadata = [("authorization", f"Bearer {token}")] if token else []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.channel.close()

    def call(self, method, timeout=PATIENCE, **fields):
        described = self.pool.FindServiceByName("maxdot.v1.Catalogue").FindMethodByName(method)
        asks, answers = (message_factory.GetMessageClass(m) for m in (described.input_type, described.output_type))
        call = self.channel.unary_unary(
            f"/maxdot.v1.Catalogue/{method}", request_serializer=asks.SerializeToString, response_deserializer=answers.FromString
        )
        try:
            return call(asks(**fields), timeout=timeout, metadata=self.metadata)
        except grpc.RpcError as error:
            raise Refused(f"{error.code().name}: {error.details()}") from None

    def upsert(self, ids, rows, model="live"):
        form = {"float16": "rows_fp16", "float32": "rows_fp32"}[str(rows.dtype)]
        answer = self.call("Upsert", model=model, ids=ids, **{form: rows.tobytes()})
        return answer.version, answer.items

    def remove(self, ids, model="live"):
        answer = self.call("Remove", model=model, ids=ids)
        return answer.version, answer.items

    def version(self, model="live"):
        answer = self.call("Version", model=model)
        return answer.version, answer.items, answer.dimension

    def stats(self, model="live"):
        answer = self.call("Stats", model=model)
        return {field.name: getattr(answer, field.name) for field in answer.DESCRIPTOR.fields}


class HttpCatalogue:
    def __init__(self, server, token=None):
        self.server = server
        self.headers = {"authorization": f"Bearer {token}"} if token else {}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def call(self, path, body=None, **headers):
        status, text = self.server.get(f"/v1/models/{path}", body, {**self.headers, **headers})
        answer = json.loads(text)
        if status != 200:
            raise Refused(f"{status}: {answer['error']}")
        return answer

    def write(self, kind, model, raw, **arrays):
        names = {"int64": "INT64", "float16": "FP16", "float32": "FP32"}
        inputs, after = [], b""
        for name, array in arrays.items():
            tensor = {"name": name, "datatype": names[str(array.dtype)], "shape": array.shape}
            if raw:
                tensor["parameters"] = {"binary_data_size": array.nbytes}
                after += array.tobytes()
            else:
                tensor["data"] = array.tolist()
            inputs.append(tensor)
        head = json.dumps({"inputs": inputs}).encode()
        answer = self.call(f"{model}/{kind}", head + after, **{"Inference-Header-Content-Length": str(len(head))})
        return answer["version"], answer["items"]

    def upsert(self, ids, rows, model="live", raw=True):
        return self.write("upsert", model, raw, ids=np.asarray(ids, np.int64), rows=rows)

    def remove(self, ids, model="live", raw=False):
        return self.write("remove", model, raw, ids=np.asarray(ids, np.int64))

    def version(self, model="live"):
        answer = self.call(model)
        return answer["version"], answer["items"], answer["dimension"]

    def stats(self, model="live"):
        return self.call(f"{model}/stats")


def catalogue(server, protocol, **options):
    return {"grpc": GrpcCatalogue, "http": HttpCatalogue}[protocol](server, **options)


def check_search(server, rows, queries, version=None, model="live"):
    """`rows` are the items by id. Answers are bit for bit those of an index of them."""
    ids = np.array(sorted(rows), np.int64)
    expected = maxdot.Index.build(np.stack([rows[i] for i in ids]), ids=ids, metric="dot").search(queries, 10)
    for protocol in PROTOCOLS:
        answer = infer(server, protocol, model, queries=queries)
        assert answer["ids"].tobytes() == expected[0].tobytes()
        assert answer["scores"].tobytes() == expected[1].tobytes()
        if version is not None:
            assert int(answer["version"]) >= version


@pytest.fixture
def vectors(items):
    return items.astype(np.float32)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_what_was_changed_is_found(folder, vectors, queries, protocol):
    with Running(folder) as server, catalogue(server, protocol) as client:
        assert infer(server, protocol, "live", queries=queries)["counts"].tolist() == [0] * 64
        before = client.version()
        assert before[1:] == (0, DIMENSION)
        rows = dict(enumerate(vectors[:5000]))
        # More than become a segment at once, a few, and some again with other values.
        assert client.upsert(range(4500), vectors[:4500]) == (before[0] + 1, 4500)
        assert client.upsert(range(4500, 5000), vectors[4500:5000]) == (before[0] + 2, 500)
        check_search(server, rows, queries, before[0] + 2)
        rows.update(zip(range(100, 200), vectors[6000:6100], strict=True))
        client.upsert(range(100, 200), vectors[6000:6100])
        version, removed = client.remove([*range(50), 77_777])
        assert removed == 50
        for gone in range(50):
            del rows[gone]
        check_search(server, rows, queries, version)
        assert client.version() == (version, 4950, DIMENSION)
        stats = client.stats()
        assert stats["version"] == version and stats["items"] == 4950 and stats["compaction_error"] == ""
        assert stats["segments"] >= 1 and stats["log_bytes"] > 0
        assert json.loads(server.get("/v2/models/live")[1])["versions"] == [str(version)]


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_rows_of_f16_and_in_plain_numbers(folder, items, queries, protocol):
    with Running(folder) as server, catalogue(server, protocol) as client:
        client.upsert(range(100), items[:100])
        rows = items.astype(np.float32)
        if protocol == "grpc":
            client.call("Upsert", model="live", ids=range(100, 120), rows=rows[100:120].ravel())
        else:
            client.upsert(range(100, 120), rows[100:120], raw=False)
        check_search(server, dict(enumerate(rows[:120])), queries)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_acknowledged_changes_are_there_after_a_kill(folder, vectors, queries, protocol):
    acknowledged, wrong = [], []

    def write(server, thread):
        first = thread * 2000
        try:
            with catalogue(server, protocol) as client:
                for begin in range(first, first + 2000, 10):
                    ids = range(begin, begin + 10)
                    client.upsert(ids, vectors[begin : begin + 10])
                    acknowledged.append(ids)
        except Exception as error:  # the kill; each client library has its own
            wrong.append(error)

    with Running(folder) as server:
        threads = [threading.Thread(target=write, args=(server, thread)) for thread in range(4)]
        for thread in threads:
            thread.start()
        end = time.monotonic() + PATIENCE
        while len(acknowledged) < 50 and time.monotonic() < end:
            time.sleep(0.001)
        server.send(signal.SIGKILL)
        for thread in threads:
            thread.join(PATIENCE)
    assert len(acknowledged) >= 50
    with Running(folder) as server, catalogue(server, protocol) as client:
        present = {i for ids in acknowledged for i in ids}
        version, count, _ = client.version()
        # A change that was under way may be there, whole: one of each thread.
        assert len(present) <= count <= len(present) + 40
        answer = infer(server, protocol, "live", queries=queries, parameters={"k": 10_000})
        found = set(answer["ids"][0][: count].tolist())
        assert present <= found and len(found) == count
        assert all(i - i % 10 + j in found for i in found for j in range(10))
        check_search(server, {i: vectors[i] for i in found}, queries, version)


def test_a_folder_of_folders(folder, tmp_path, vectors, items, queries):
    make(tmp_path / "other", 3)
    maxdot.Index.build(items).save(tmp_path / "fixed.maxdot")
    with Running(tmp_path) as server, catalogue(server, "http") as client:
        states = {model["name"]: model["state"] for model in json.loads(server.get("/v2/repository/index", b"")[1])}
        assert states == {"live": "READY", "other": "READY", "fixed": "READY"}
        client.upsert([1], np.ones((1, 3), np.float32), model="other")
        assert client.version("other")[1:] == (1, 3)
        with pytest.raises(Refused, match="501: model 'fixed': is an index file"):
            client.upsert([1], vectors[:1], model="fixed")
        with pytest.raises(Refused, match="501"):
            client.stats("fixed")
        # A new one is served within a second or so; one that is unloaded and loaded has all that it had.
        make(tmp_path / "third", 4)
        end = time.monotonic() + PATIENCE
        while server.get("/v2/models/third/ready")[0] != 200:
            assert time.monotonic() < end
            time.sleep(0.05)
        client.upsert(range(20), vectors[:20])
        assert server.get("/v2/repository/models/live/unload", b"")[0] == 200
        with pytest.raises(Refused, match="503: model 'live' is not ready: unloaded"):
            client.upsert([1], vectors[:1])
        assert server.get("/v2/repository/models/live/load", b"")[0] == 200
        check_search(server, dict(enumerate(vectors[:20])), queries)
        server.send(signal.SIGHUP)
        server.event("reload")
        assert client.version()[1] == 20
        assert server.stop() == 0


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_reader_beside_the_writer(folder, vectors, queries, protocol):
    with Running(folder) as writer, catalogue(writer, protocol) as writes:
        writes.upsert(range(10), vectors[:10])
        with Running(folder, "--live-read-only") as reader, catalogue(reader, protocol) as reads:
            check_search(reader, dict(enumerate(vectors[:10])), queries)
            code = "UNIMPLEMENTED" if protocol == "grpc" else "501"
            for change in (lambda: reads.upsert([1], vectors[:1]), lambda: reads.remove([1])):
                with pytest.raises(Refused, match=f"{code}: .*--live-read-only"):
                    change()
            version, _ = writes.upsert(range(10, 6000), vectors[10:6000])
            end = time.monotonic() + PATIENCE
            while reads.version()[0] < version:
                assert time.monotonic() < end
                time.sleep(0.05)
            check_search(reader, dict(enumerate(vectors[:6000])), queries, version)


def test_two_writers_are_one_too_many(folder, tmp_path):
    with Running(folder):
        command = [BIN, folder, "--grpc-port", "0", "--http-port", "0"]
        failed = subprocess.run(command, timeout=PATIENCE, capture_output=True, text=True)
        assert failed.returncode == 3 and "for writing" in failed.stderr
        # In a folder of folders it is tried again, and said once.
        with Running(tmp_path) as server:
            assert server.get("/v2/models/live/ready")[0] == 503
            time.sleep(2.5)
            assert [line["event"] for line in server.log].count("load_failed") == 1
    with Running(tmp_path) as server:
        assert server.get("/v2/models/live/ready")[0] == 200


def test_a_folder_that_is_let_go_is_taken_up(folder, tmp_path):
    with Running(folder) as first:
        with Running(tmp_path) as second:
            assert second.get("/v2/models/live/ready")[0] == 503
            assert first.stop() == 0
            end = time.monotonic() + PATIENCE
            while second.get("/v2/models/live/ready")[0] != 200:
                assert time.monotonic() < end
                time.sleep(0.05)


def test_a_folder_that_is_made_anew_is_taken_up(folder, vectors, queries):
    with Running(folder) as server, catalogue(server, "http") as client:
        client.upsert(range(10), vectors[:10])
        folder.rename(folder.with_name("elsewhere"))
        with pytest.raises(Refused, match="500: .*is not the folder that was opened"):
            client.upsert([10], vectors[:1])
        check_search(server, dict(enumerate(vectors[:10])), queries)
        make(folder, DIMENSION)
        assert server.get("/v2/repository/models/live/load", b"")[0] == 200
        assert client.version()[1] == 0
        client.upsert(range(20), vectors[:20])
        shutil.rmtree(folder)
        make(folder, DIMENSION)
        end = time.monotonic() + PATIENCE
        while client.version()[1] != 0:  # without a request, within a second or so
            assert time.monotonic() < end
            time.sleep(0.05)
        client.upsert(range(30), vectors[:30])
        check_search(server, dict(enumerate(vectors[:30])), queries)
        assert server.stop() == 0
    assert len(maxdot.LiveIndex.open(folder, read_only=True)) == 30


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_tokens(folder, tmp_path, vectors, protocol):
    (tmp_path / "read").write_text("reader")
    (tmp_path / "write").write_text("writer")
    arguments = ("--read-token-file", tmp_path / "read", "--write-token-file", tmp_path / "write")
    code = "UNAUTHENTICATED" if protocol == "grpc" else "401"

    def client(token=None):
        made = catalogue(server, protocol, token=token)
        if protocol == "grpc":
            made.pool = described.pool  # reflection needs no token
        return made

    with Running(folder, *arguments) as server, GrpcCatalogue(server) as described:
        for token in (None, "reader", "wrong"):
            with client(token) as stranger:
                with pytest.raises(Refused, match=code):
                    stranger.upsert([1], vectors[:1])
                with pytest.raises(Refused, match=code):
                    stranger.remove([1])
        with client() as stranger:
            with pytest.raises(Refused, match=code):
                stranger.stats()
            with pytest.raises(Refused, match=code):
                stranger.version()
        with client("reader") as reader:
            assert reader.version()[1] == reader.stats()["items"] == 0
        with client("writer") as writer:
            assert writer.upsert([1], vectors[:1])[1] == 1
            assert writer.stats()["items"] == 1


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_what_does_not_fit_changes_nothing(folder, vectors, protocol):
    with Running(folder, "--max-items", "50", "--max-message-bytes", "100000") as server, catalogue(server, protocol) as client:
        before = client.version()
        bad = {
            r"at most 50 may be in a request": (range(51), vectors[:51]),
            r"holds no id": ([], vectors[:0].copy() if protocol == "http" else vectors[:1]),
            r"NaN": ([1], np.full((1, DIMENSION), np.nan, np.float32)),
            r"dimension": ([1], vectors[:1, :50].copy()),
            r"more than once|twice|[Dd]uplicate|unique": ([1, 1], vectors[:2]),
            r"-1": ([-1], vectors[:1]),
        }
        for message, (ids, rows) in bad.items():
            with pytest.raises(Refused, match=rf"(INVALID_ARGUMENT|400): .*({message})"):
                client.upsert(ids, rows)
        with pytest.raises(Refused, match="(NOT_FOUND|404): there is no model 'none'"):
            client.upsert([1], vectors[:1], model="none")
        with pytest.raises(Refused, match="(INVALID_ARGUMENT|400): .*holds no id"):
            client.remove([])
        with pytest.raises(Refused, match="(RESOURCE_EXHAUSTED|413)"):
            client.upsert(range(40), np.zeros((40, 1000), np.float32))
        assert client.version() == before


def test_messages_of_grpc_that_do_not_fit(folder, vectors):
    with Running(folder) as server, GrpcCatalogue(server) as client:
        raw = vectors[:1].tobytes()
        for message, fields in {
            "one of 'rows', 'rows_fp32' and 'rows_fp16'; 0": {"ids": [1]},
            "one of 'rows', 'rows_fp32' and 'rows_fp16'; 2": {"ids": [1], "rows": [1.0], "rows_fp16": raw},
            "do not fill": {"ids": [1], "rows_fp32": raw[:-1]},
            "401 bytes": {"ids": [1], "rows_fp16": raw + b"x"},
            "which do not": {"ids": [1, 2, 3], "rows_fp32": raw},
        }.items():
            with pytest.raises(Refused, match=f"INVALID_ARGUMENT: .*{message}"):
                client.call("Upsert", model="live", **fields)


def test_bodies_of_http_that_do_not_fit(folder):
    ids = {"name": "ids", "datatype": "INT64", "shape": [1], "data": [1]}
    rows = {"name": "rows", "datatype": "FP32", "shape": [1, 2], "data": [1, 2]}
    with Running(folder) as server, HttpCatalogue(server) as client:
        for message, body in {
            "no JSON": b"{",
            "no JSON object": b"[]",
            "unknown member 'parameters'": {"inputs": [ids, rows], "parameters": {}},
            "no input 'ids'": {"inputs": [rows]},
            "no input 'rows'": {"inputs": [ids]},
            "unknown input 'queries'": {"inputs": [ids, {**rows, "name": "queries"}]},
            "given twice": {"inputs": [ids, ids, rows]},
            "datatype FP32, send INT64": {"inputs": [{**ids, "datatype": "FP32"}, rows]},
            "datatype INT64, send FP32 or FP16": {"inputs": [ids, {**rows, "datatype": "INT64"}]},
            "dimension": {"inputs": [ids, rows]},
        }.items():
            text = body if isinstance(body, bytes) else json.dumps(body).encode()
            with pytest.raises(Refused, match=f"400: .*{message}"):
                client.call("live/upsert", text)
        with pytest.raises(Refused, match="400: unknown input 'rows'; there is 'ids' alone"):
            client.call("live/remove", json.dumps({"inputs": [ids, rows]}).encode())
        with pytest.raises(Refused, match="405"):
            client.call("live/upsert")
        with pytest.raises(Refused, match="404"):
            client.call("live/drop", b"")


def samples(server):
    text = server.get("/metrics")[1].decode()
    return [sample for family in text_string_to_metric_families(text) for sample in family.samples]


def test_metrics(folder, path, vectors):
    with Running(folder, path) as server:

        def value(name, **labels):
            found = [s.value for s in samples(server) if s.name == name and labels.items() <= s.labels.items()]
            assert len(found) == 1, (name, found)
            return found[0]

        with GrpcCatalogue(server) as client:
            version, _ = client.upsert(range(20), vectors[:20])
            for _ in range(2):
                version, _ = client.remove([3])
            with pytest.raises(Refused):
                client.upsert([1], vectors[:1, :3].copy())
            with pytest.raises(Refused):
                client.remove([1], model="made up")
        assert value("maxdot_writes_total", model="live", kind="upsert", protocol="grpc", code="ok") == 1
        assert value("maxdot_writes_total", model="live", kind="upsert", code="invalid_argument") == 1
        assert value("maxdot_writes_total", model="live", kind="remove", code="ok") == 2
        assert value("maxdot_writes_total", model="", code="not_found") == 1
        assert value("maxdot_write_seconds_count", model="live", kind="upsert") == 1
        assert value("maxdot_model_items", model="live") == 19
        assert value("maxdot_live_version", model="live") == version
        assert value("maxdot_live_fresh_items", model="live") == 20
        assert value("maxdot_live_dead_items", model="live") == 1
        assert value("maxdot_live_segments", model="live") == 0
        assert value("maxdot_live_log_bytes", model="live") > 20 * 4 * DIMENSION
        assert value("maxdot_live_compactions_total", model="live") == 0
        assert value("maxdot_live_compaction_failed", model="live") == 0
        # A version with every change would be a time series with every change.
        assert [s.labels["model"] for s in samples(server) if s.name == "maxdot_model_version"] == ["glove"]
        assert [s.labels["model"] for s in samples(server) if s.name == "maxdot_live_version"] == ["live"]


def test_check_config(folder, tmp_path):
    assert subprocess.run([BIN, folder, tmp_path, "--check-config"], timeout=PATIENCE).returncode == 0
    (folder / "manifest").write_bytes(b"x" * 64)
    failed = subprocess.run([BIN, folder, "--check-config"], timeout=PATIENCE, capture_output=True, text=True)
    assert failed.returncode == 4 and "live" in failed.stderr


def test_changes_while_it_is_asked(folder, vectors, queries):
    """Each answer is of a version: at least the one that it names, and with all or nothing of a change."""
    with Running(folder) as server:
        wrong, over = [], threading.Event()
        alike = np.repeat(queries[:1], 20, axis=0)

        def ask():
            client = server.grpc()
            try:
                while not over.is_set():
                    answer = infer(server, "grpc", "live", client=client, queries=queries[:1], parameters={"k": 40})
                    # Each change puts 20 items in, or takes them out, or replaces them.
                    assert answer["counts"][0] in (0, 20)
                    assert len(set(answer["scores"][0][: answer["counts"][0]].tolist())) <= 1
            except BaseException as error:
                wrong.append(error)
            finally:
                client.close()

        threads = [threading.Thread(target=ask) for _ in range(3)]
        for thread in threads:
            thread.start()
        with GrpcCatalogue(server) as client:
            for turn in range(60):
                version, _ = client.upsert(range(20), alike * np.float32(turn + 1))
                answer = infer(server, "http", "live", queries=queries[:1])
                assert int(answer["version"]) >= version and answer["counts"][0] == 10
                if turn % 3 == 0:
                    client.remove(range(20))
        over.set()
        for thread in threads:
            thread.join(PATIENCE)
        assert not wrong, wrong[0]
