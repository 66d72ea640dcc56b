"""What those who run the server see: options, logs, metrics, health, reflection, draining."""

import pathlib
import shutil
import signal
import socket
import subprocess
import threading
import time

import grpc
import maxdot
import numpy as np
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase
from prometheus_client.parser import text_string_to_metric_families
from running import BIN, PATIENCE, Running, infer
from tritonclient.utils import InferenceServerException


def samples(server):
    text = server.get("/metrics")[1].decode()
    return {
        (sample.name, *sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_metrics(path, queries):
    with Running(path) as server:
        for protocol in ("grpc", "http"):
            for n in (1, 5):
                infer(server, protocol, queries=queries[:n])
            for wrong in ({"model": "nobody"}, {"parameters": {"k": -1}}):
                with pytest.raises(InferenceServerException):
                    infer(server, protocol, queries=queries, **wrong)
        found = samples(server)
        model = ("model", "glove")
        for protocol in ("grpc", "http"):
            by = ("protocol", protocol)
            assert found["maxdot_requests_total", ("code", "ok"), model, by] == 2
            assert found["maxdot_requests_total", ("code", "invalid_argument"), model, by] == 1
            assert found["maxdot_requests_total", ("code", "not_found"), ("model", ""), by] == 1
            assert found["maxdot_request_seconds_count", model, by] == 2
            assert found["maxdot_request_queries_sum", model, by] == 6
        assert found["maxdot_queue_seconds_count", model] == 4
        assert found["maxdot_batch_queries_sum", model] == 12
        assert found["maxdot_batch_queries_count", model] == 4  # each after the answer of the one before
        assert found["maxdot_search_seconds_count", model] == 4
        assert 0 < found["maxdot_search_seconds_sum", model]
        assert 0 < found["maxdot_candidates_total", model] < 12 * 9600
        assert 0 < found["maxdot_rescored_total", model] < 12 * 9600
        assert found["maxdot_model_items", model] == 9600
        assert found["maxdot_model_bytes", model] > 9600 * 100 * 2
        assert found["maxdot_model_loads_total", model, ("result", "ok")] == 1
        assert found["maxdot_waiting_queries", model] == 0
        assert found["maxdot_ready",] == 1


def test_names_of_clients_do_not_become_metrics(server, queries):
    for name in ("a", "b", "c\n"):
        server.get(f"/v2/models/{name.strip()}/infer", b"{}")
    models = {dict(labels).get("model") for _, *labels in samples(server)}
    assert models <= {None, "", "glove"}


def test_overload(tmp_path):
    """One search at a time, and a queue that is full: others are told so, and none is lost."""
    random = np.random.default_rng(5)
    items = random.normal(size=(50_000, 64)).astype(np.float32)
    maxdot.Index.build(items).save(tmp_path / "large.maxdot")
    rows = random.normal(size=(64, 64)).astype(np.float32)
    expected = maxdot.Index.open(tmp_path / "large.maxdot").search(rows, 10)[0].tobytes()
    refused = {"grpc": threading.Event(), "http": threading.Event()}
    wrong = []
    with Running(tmp_path / "large.maxdot", "--max-waiting", 1, "--threads", 1) as server:

        def ask(protocol, others):
            client = getattr(server, protocol)()
            end = time.monotonic() + PATIENCE
            try:
                while not all(event.is_set() for event in refused.values()) and time.monotonic() < end:
                    try:
                        answer = infer(server, protocol, "large", client=client, queries=rows)
                        assert answer["ids"].tobytes() == expected
                    except InferenceServerException as error:
                        assert error.status() in ("StatusCode.RESOURCE_EXHAUSTED", "429"), error
                        assert "ask again later" in error.message()
                        refused[protocol].set()
            except BaseException as error:
                wrong.append(error)
            finally:
                client.close()

        threads = [threading.Thread(target=ask, args=(p, refused)) for p in refused for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(PATIENCE)
        assert not wrong, wrong[0]
        assert all(event.is_set() for event in refused.values())
        assert samples(server)["maxdot_overloaded_total", ("model", "large")] >= 2


def health(server, service):
    with grpc.insecure_channel(f"127.0.0.1:{server.grpc_port}") as channel:
        request = health_pb2.HealthCheckRequest(service=service)
        return health_pb2_grpc.HealthStub(channel).Check(request, timeout=PATIENCE).status


def test_health_and_reflection(server):
    for service in ("", "inference.GRPCInferenceService"):
        assert health(server, service) == health_pb2.HealthCheckResponse.SERVING
    with grpc.insecure_channel(f"127.0.0.1:{server.grpc_port}") as channel:
        services = ProtoReflectionDescriptorDatabase(channel).get_services()
        assert {"inference.GRPCInferenceService", "grpc.health.v1.Health"} <= set(services)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_drains(path, queries, number):
    with Running(path) as server:
        idle = socket.create_connection(("127.0.0.1", server.http_port), PATIENCE)
        clients = {protocol: getattr(server, protocol)() for protocol in ("grpc", "http")}
        for protocol, client in clients.items():
            infer(server, protocol, client=client, queries=queries)
        server.send(number)
        assert server.process.wait(PATIENCE) == 0
        server.event("stopped")
        assert idle.recv(1) == b""
        for client in clients.values():
            client.close()
        with pytest.raises(OSError):
            socket.create_connection(("127.0.0.1", server.http_port), PATIENCE)


def test_a_signal_while_models_load_drains(path, tmp_path):
    for i in range(50):
        (tmp_path / f"m{i}.maxdot").symlink_to(path)
    with Running(*tmp_path.iterdir(), "--drain-delay", 1, wait=False) as server:
        assert server.stop() == 0


def test_a_drain_under_load_answers_what_it_took(path, index, queries):
    """A request is answered, or was not taken: it never ends halfway with a wrong answer."""
    expected = index.search(queries, 10)[0].tobytes()
    with Running(path, "--drain-delay", 1) as server:
        answered, wrong = [], []

        def ask(protocol):
            client = getattr(server, protocol)()
            try:
                while server.process.poll() is None:
                    answer = infer(server, protocol, client=client, queries=queries)
                    assert answer["ids"].tobytes() == expected
                    answered.append(protocol)
            except AssertionError as error:
                wrong.append(error)
            except Exception:
                pass  # it listens no more
            finally:
                client.close()

        threads = [threading.Thread(target=ask, args=(p,)) for p in ("grpc", "http") for _ in range(2)]
        for thread in threads:
            thread.start()
        server.send(signal.SIGTERM)
        server.event("draining")
        assert server.get("/v2/health/ready")[0] == 503
        assert server.get("/v2/health/live")[0] == 200
        assert health(server, "") == health_pb2.HealthCheckResponse.NOT_SERVING
        assert infer(server, "http", queries=queries)["ids"].tobytes() == expected  # still taken
        assert server.process.wait(PATIENCE) == 0
        for thread in threads:
            thread.join(PATIENCE)
        assert not wrong, wrong[0]
        assert set(answered) == {"grpc", "http"}


def test_half_a_request_does_not_hold_up_the_end(path):
    with Running(path, "--drain-timeout", 1) as server:
        half = socket.create_connection(("127.0.0.1", server.http_port), PATIENCE)
        half.sendall(b"POST /v2/models/glove/infer HTTP/1.1\r\nContent-Length: 10\r\n\r\n")
        assert server.get("/v2")[0] == 200
        assert server.stop() == 0
        half.close()


def test_requests_in_the_log(path, queries):
    with Running(path, "--log-level", "debug") as server:
        infer(server, "grpc", queries=queries)
        assert server.event("request")["queries"] == 64
        body = b'{"id": "mine", "inputs": []}'
        server.get("/v2/models/glove/infer", body)
        line = server.event("request_failed")
        assert (line["id"], line["code"], line["level"]) == ("mine", "invalid_argument", "debug")


def run(*arguments):
    done = subprocess.run([BIN, *map(str, arguments)], capture_output=True, text=True, timeout=PATIENCE, check=False)
    return done.returncode, done.stdout, done.stderr


def test_help():
    code, text, _ = run("--help")
    assert code == 0 and "Example:" in text and "Exit codes:" in text and "--tls-client-ca" in text
    assert run("--version")[:2] == (0, f"maxdot-server {maxdot.__version__}\n")


def test_maxdot_serve(tmp_path):
    """The command runs the server beside it, or in PATH, with the same arguments."""
    command = pathlib.Path(BIN).parent / "maxdot"
    for arguments in (["--help"], ["--version"], [tmp_path / "missing.maxdot", "--max-k", "0"], ["--max-k", "5", "--", "x"]):
        done = subprocess.run([command, "serve", *arguments], capture_output=True, text=True, timeout=PATIENCE, check=False)
        assert (done.returncode, done.stdout, done.stderr) == run(*arguments)
    alone = shutil.copy(command, tmp_path)
    for path, code in ((pathlib.Path(BIN).parent, 0), (tmp_path, 5)):
        done = subprocess.run([alone, "serve", "--version"], env={"PATH": path}, capture_output=True, text=True, check=False)
        assert done.returncode == code
    assert "maxdot-server: cannot be run" in done.stderr


def test_exit_codes(path, tmp_path, items):
    (tmp_path / "bad.maxdot").write_bytes(b"x" * 100)
    (tmp_path / "empty").write_text("")
    maxdot.Index.build(items).save(tmp_path / "glove.maxdot")
    for code, words, *arguments in (
        (2, "models"),
        (2, "--max-k", path, "--max-k", 0),
        (2, "--nothing", path, "--nothing"),
        (2, "--tls-key", path, "--tls-cert", path),
        (2, "--listen", path, "--listen", "here"),
        (2, "glove", path, tmp_path / "glove.maxdot"),
        (2, "debug", path, "--log-level", "loud"),
        (3, "no such file", tmp_path / "missing.maxdot"),
        (3, "missing", path, "--read-token-file", tmp_path / "missing"),
        (4, "bad.maxdot", tmp_path / "bad.maxdot"),
        (4, "no token", path, "--write-token-file", tmp_path / "empty"),
        (4, "certificate", path, "--tls-cert", path, "--tls-key", path),
    ):
        for check in ((), ("--check-config",)):
            got, _, text = run(*arguments, "--grpc-port", 0, "--http-port", 0, *check)
            assert got == code and words in text.splitlines()[-1], (arguments, got, text)


def test_a_port_that_is_taken(path, server):
    for option, port in (("--grpc-port", server.grpc_port), ("--http-port", server.http_port)):
        other = "--http-port" if option == "--grpc-port" else "--grpc-port"
        code, _, text = run(path, option, port, other, 0)
        assert code == 3 and str(port) in text.splitlines()[-1]


def test_a_configuration_file(path, tmp_path, queries):
    config = tmp_path / "server.toml"
    config.write_text(f'models = ["{path}"]\nmax-k = 5\nlog-level = "debug"\n')
    assert run("--config", config, "--check-config")[:2] == (0, "ok\n")
    with Running("--config", config) as server, pytest.raises(InferenceServerException, match="0 to 5"):
        infer(server, "grpc", queries=queries, parameters={"k": 6})
    for text in ("max-q = 5\n", "max-k = 0\n"):
        config.write_text(f'models = ["{path}"]\n{text}')
        assert run("--config", config, "--check-config")[0] == 2
