"""Clients that are slow, vanish, or send what is no HTTP hold nobody up."""

import json
import socket
import struct
import time

import numpy as np
import pytest
from running import PATIENCE, Running, infer

BODY = json.dumps(
    {"inputs": [{"name": "queries", "datatype": "FP32", "shape": [1, 100], "data": [0.5] * 100}]}
).encode()
HEAD = b"POST /v2/models/glove/infer HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n" % len(BODY)


def connect(server, port=None):
    return socket.create_connection(("127.0.0.1", port or server.http_port), PATIENCE)


def response(stream):
    """The status and body of the next response on a connection's file."""
    status = int(stream.readline().split()[1])
    length = 0
    while (line := stream.readline().strip()) != b"":
        name, _, value = line.partition(b":")
        length = int(value) if name.lower() == b"content-length" else length
    return status, stream.read(length)


def closed(connection):
    """The server has closed it, or does so within our patience."""
    try:
        while connection.recv(4096):
            pass
    except ConnectionResetError:
        pass
    return True


def test_an_answer_to_head_has_no_body(server):
    """What follows it on the connection is the next answer."""
    with connect(server) as connection, connection.makefile("rb") as stream:
        connection.sendall(b"HEAD /v2 HTTP/1.1\r\nHost: x\r\n\r\nGET /v2/health/live HTTP/1.1\r\nHost: x\r\n\r\n")
        assert stream.readline().split()[1] == b"405"
        while stream.readline().strip():
            pass
        assert response(stream) == (200, b"")


@pytest.fixture(scope="module")
def impatient(path):
    with Running(path, "--client-timeout", 1, "--max-connections", 8) as server:
        yield server


@pytest.mark.parametrize(
    "sent", [b"", b"POST /v2/mod", HEAD, HEAD + b"\r\n" + BODY[:50], HEAD + b"Expect: 100-continue\r\n\r\n"]
)
def test_half_a_request(impatient, queries, sent):
    """The connection ends, and others are answered meanwhile."""
    slow = [connect(impatient) for _ in range(4)]
    for connection in slow:
        connection.sendall(sent)
    for protocol in ("grpc", "http"):
        assert infer(impatient, protocol, queries=queries)["counts"].tolist() == [10] * 64
    assert all(closed(connection) for connection in slow)


def test_a_connection_to_grpc_that_says_nothing(impatient):
    with connect(impatient, impatient.grpc_port) as connection:
        assert closed(connection)


def test_a_byte_at_a_time(impatient):
    """Each byte comes in time, but the request does not."""
    with connect(impatient) as connection:
        with pytest.raises(OSError):
            for _ in range(PATIENCE * 5):
                connection.sendall(b"G")
                time.sleep(0.2)
                connection.setblocking(False)
                try:
                    if connection.recv(1) == b"":
                        raise ConnectionResetError
                except BlockingIOError:
                    pass
                connection.settimeout(PATIENCE)


def test_an_answer_that_nobody_takes(impatient, queries):
    request = {
        "parameters": {"k": 9600},
        "inputs": [{"name": "queries", "datatype": "FP32", "shape": [64, 100], "data": queries.ravel().tolist()}],
    }
    body = json.dumps(request).encode()
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    connection.connect(("127.0.0.1", impatient.http_port))
    connection.settimeout(PATIENCE)
    connection.sendall(b"POST /v2/models/glove/infer HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
    assert connection.recv(1) == b"H"
    end = time.monotonic() + PATIENCE
    # It is gone when the server has one connection: that which asks.
    while b"maxdot_http_connections 1\n" not in impatient.get("/metrics")[1]:
        assert time.monotonic() < end
        time.sleep(0.1)
    connection.close()


def test_clients_that_vanish(impatient, queries):
    for sent in (b"", HEAD, HEAD + b"\r\n" + BODY[:50], HEAD + b"\r\n" + BODY):
        for port in (impatient.http_port, impatient.grpc_port):
            connection = connect(impatient, port)
            connection.sendall(sent)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            connection.close()  # by a reset
    for protocol in ("grpc", "http"):
        assert infer(impatient, protocol, queries=queries)["counts"].tolist() == [10] * 64


def test_too_many_connections(impatient):
    """Those beyond are closed at once, and counted; there is room again when some have ended."""
    end = time.monotonic() + PATIENCE
    while impatient.get("/metrics")[1].count(b"maxdot_http_connections 1\n") != 1:  # tests before
        assert time.monotonic() < end
        time.sleep(0.1)
    held = [connect(impatient) for _ in range(20)]
    held[19].sendall(b"GET /v2 HTTP/1.1\r\nHost: x\r\n\r\n")
    assert closed(held[19])
    for connection in held:
        connection.close()
    while True:
        try:
            metrics = impatient.get("/metrics")[1].decode()
            break
        except OSError:
            assert time.monotonic() < end
            time.sleep(0.1)
    assert "maxdot_http_connections_refused_total " in metrics
    assert "maxdot_http_connections_refused_total 0\n" not in metrics


def test_a_connection_is_kept(server):
    with connect(server) as connection, connection.makefile("rb") as stream:
        for _ in range(3):
            connection.sendall(HEAD + b"\r\n" + BODY)
            assert response(stream)[0] == 200
        connection.sendall(b"GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n")
        assert response(stream)[0] == 404
        connection.sendall(b"GET /v2/health/live HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert response(stream)[0] == 200
        assert stream.read() == b""


def test_several_requests_in_one_packet(server):
    with connect(server) as connection, connection.makefile("rb") as stream:
        connection.sendall((HEAD + b"\r\n" + BODY) * 5)
        assert [response(stream)[0] for _ in range(5)] == [200] * 5


def test_a_body_in_chunks(server):
    with connect(server) as connection, connection.makefile("rb") as stream:
        connection.sendall(b"POST /v2/models/glove/infer HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
        for begin in range(0, len(BODY), 100):
            chunk = BODY[begin : begin + 100]
            connection.sendall(b"%x\r\n" % len(chunk) + chunk + b"\r\n")
        connection.sendall(b"0\r\n\r\n")
        assert response(stream)[0] == 200


def test_expect_continue(server):
    with connect(server) as connection, connection.makefile("rb") as stream:
        connection.sendall(HEAD + b"Expect: 100-continue\r\n\r\n")
        assert response(stream)[0] == 100
        connection.sendall(BODY)
        assert response(stream)[0] == 200


@pytest.mark.parametrize(
    "sent, status",
    [
        (b"nonsense\r\n\r\n", 400),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(200), 400),
        (b"GET /v2 HTTP/1.1\r\nX: " + b"x" * 20_000, 431),
        (b"POST /v2/models/glove/infer HTTP/1.1\r\nContent-Length: 99999999999\r\n\r\n", 413),
        (b"POST /v2/models/glove/infer HTTP/1.1\r\nContent-Length: -5\r\n\r\n", 400),
        (b"POST /v2/models/glove/infer HTTP/1.1\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n", 400),
        (b"POST /nothing HTTP/1.1\r\nContent-Length: 50\r\n\r\n", 404),
    ],
)
def test_what_is_no_request(server, sent, status):
    with connect(server) as connection, connection.makefile("rb") as stream:
        connection.sendall(sent)
        assert response(stream)[0] == status
        assert closed(connection)


def test_random_bytes(server, queries):
    random = np.random.default_rng(3)
    for port in (server.http_port, server.grpc_port):
        for _ in range(100):
            with connect(server, port) as connection:
                try:
                    connection.sendall(random.bytes(int(random.integers(1, 500))))
                except OSError:
                    pass
    for protocol in ("grpc", "http"):
        assert infer(server, protocol, queries=queries)["counts"].tolist() == [10] * 64
