"""Damaged requests over sockets; many more go to the decoding itself (fuzz/)."""

import json
import random
import socket

import grpc
import numpy as np
from running import PATIENCE, infer
from tritonclient.grpc import service_pb2

ROUNDS = 1000
TOKENS = [b"[", b"]", b"{", b"\x00", b"\xff", b"9223372036854775808", b"-1", b"\r\n", b"1e999", b'"data":[', b"Content-Length: 7\r\n"]


def damaged(chance, text):
    text = bytearray(text)
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(text) + 1)
        end = min(len(text), at + chance.randint(1, 20))
        turn = chance.randrange(4)
        if turn == 0:
            text[at:end] = chance.randbytes(end - at)
        elif turn == 1:
            del text[at:end]
        elif turn == 2:
            text[at:at] = text[at:end]
        else:
            text[at:at] = chance.choice(TOKENS)
    return bytes(text)


def right(server, index, queries):
    for protocol in ("grpc", "http"):
        answer = infer(server, protocol, queries=queries)
        assert answer["ids"].tobytes() == index.search(queries, 10)[0].tobytes()


def http_request(queries):
    tensor = {"name": "queries", "datatype": "FP32", "shape": [2, 100], "parameters": {"binary_data_size": 800}}
    seen = {"name": "exclude_ids", "datatype": "INT64", "shape": [2], "data": [1, 2]}
    offsets = {"name": "exclude_offsets", "datatype": "INT64", "shape": [3], "data": [0, 1, 2]}
    head = json.dumps({"id": "7", "parameters": {"k": 3}, "inputs": [tensor, seen, offsets]}).encode()
    return head + queries[:2].tobytes(), len(head)


def exchange(server, sent):
    """What a server answers to bytes and the end of them."""
    received = b""
    with socket.create_connection(("127.0.0.1", server.http_port), PATIENCE) as connection:
        try:
            connection.sendall(sent)
            connection.shutdown(socket.SHUT_WR)
            while part := connection.recv(65536):
                received += part
        except (ConnectionResetError, BrokenPipeError):
            pass
    return received


def test_bodies_of_http(server, index, queries):
    chance = random.Random(1)
    body, head = http_request(queries)
    codes = set()
    for _ in range(ROUNDS):
        text = damaged(chance, body)
        lines = f"POST /v2/models/glove/infer HTTP/1.1\r\nHost: x\r\nInference-Header-Content-Length: {head}\r\n"
        received = exchange(server, f"{lines}Content-Length: {len(text)}\r\n\r\n".encode() + text)
        codes.add(int(received.split()[1]))
    assert {200, 400} <= codes <= {200, 400, 501}
    right(server, index, queries)


def test_all_of_http(server, index, queries):
    chance = random.Random(2)
    body, head = http_request(queries)
    lines = f"POST /v2/models/glove/infer HTTP/1.1\r\nHost: x\r\nInference-Header-Content-Length: {head}\r\n"
    request = f"{lines}Content-Length: {len(body)}\r\n\r\n".encode()
    for _ in range(ROUNDS):
        received = exchange(server, damaged(chance, request) + body)
        assert received == b"" or received.startswith(b"HTTP/1.1 ")
        assert b" 500 " not in received[:20]
    right(server, index, queries)


def test_messages_of_grpc(server, index, queries):
    chance = random.Random(3)
    request = service_pb2.ModelInferRequest(model_name="glove", id="7")
    for name, array, datatype in (
        ("queries", queries[:2], "FP32"),
        ("exclude_ids", np.arange(2, dtype=np.int64), "INT64"),
        ("exclude_offsets", np.arange(3, dtype=np.int64), "INT64"),
    ):
        request.inputs.add(name=name, datatype=datatype, shape=array.shape)
        request.raw_input_contents.append(array.tobytes())
    message = request.SerializeToString()
    codes = set()
    with grpc.insecure_channel(f"127.0.0.1:{server.grpc_port}") as channel:
        call = channel.unary_unary("/inference.GRPCInferenceService/ModelInfer")
        for _ in range(ROUNDS):
            try:
                call(damaged(chance, message), timeout=PATIENCE)
                codes.add(grpc.StatusCode.OK)
            except grpc.RpcError as error:
                codes.add(error.code())
    assert {grpc.StatusCode.OK, grpc.StatusCode.INVALID_ARGUMENT} <= codes
    # What is no message gRPC itself answers, by INTERNAL or UNKNOWN.
    assert grpc.StatusCode.UNAVAILABLE not in codes and grpc.StatusCode.DEADLINE_EXCEEDED not in codes
    right(server, index, queries)
