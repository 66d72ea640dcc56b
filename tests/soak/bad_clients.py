"""Requests that must be refused, with the right code, and clients that go away before they are answered."""

import json
import socket
import struct

import grpc
import numpy as np
import tritonclient.grpc
import tritonclient.http
from protocols import CATALOGUES, Refused, arrays_of, tensors, triton
from tritonclient.utils import InferenceServerException

# [seconds]
PATIENCE = 60
# Of gRPC and of HTTP.
CODES = {
    "invalid": ("INVALID_ARGUMENT", "400"),
    "missing": ("NOT_FOUND", "404"),
    "unsupported": ("UNIMPLEMENTED", "501"),
}


class BadRequests:
    def __init__(self, server, pool, tally, live, file):
        self.server, self.pool, self.tally, self.live, self.file = server, pool, tally, live, file

    def step_of(self, protocol):
        clients = []
        module = {"grpc": tritonclient.grpc, "http": tritonclient.http}[protocol]

        def step(random):
            if not clients:
                clients.extend([triton(self.server, protocol), CATALOGUES[protocol](self.server)])
            asks, changes = clients
            rows = self.pool.queries[:3]
            nan = rows.copy()
            nan[1, 5] = np.nan

            def infer(model=self.live, parameters=None, **arrays):
                asks.infer(model, tensors(module, arrays), parameters=parameters or {})

            lists = {"exclude_ids": np.arange(2), "exclude_offsets": np.array([0, 1, 9, 9])}
            bad = BAD[int(random.integers(len(BAD)))]
            calls = {
                "k": lambda: infer(queries=rows, parameters={"k": -1}),
                "parameter": lambda: infer(queries=rows, parameters={"top": 3}),
                "dimension": lambda: infer(model=self.file, queries=rows[:, :-1].copy()),
                "not finite": lambda: infer(model=self.file, queries=nan),
                "datatype": lambda: infer(queries=rows.astype(np.float64)),
                "offsets": lambda: infer(queries=rows, **lists),
                "model": lambda: infer(model="nobody", queries=rows),
                "id": lambda: changes.upsert(self.live, [-1, 2, 3], rows),
                "twice": lambda: changes.upsert(self.live, [2, 2, 3], rows),
                "row": lambda: changes.upsert(self.live, [1, 2, 3], nan),
                "no live model": lambda: changes.upsert(self.file, [1, 2, 3], rows),
                "no model": lambda: changes.remove("nobody", [1]),
            }
            try:
                calls[bad[0]]()
                self.tally.fail("wrong answer", f"by {protocol}: a bad request ({bad[0]}) was not refused")
            except InferenceServerException as error:
                self._compare(protocol, bad, error.status().removeprefix("StatusCode."), error.message())
            except Refused as refused:
                self._compare(protocol, bad, refused.status, str(refused))
            self.tally.add(f"bad requests refused by {protocol}")

        return step

    def _compare(self, protocol, bad, status, message):
        kind, words, code = bad
        if status not in CODES[code] or words not in message:
            self.tally.fail("wrong answer", f"by {protocol}: a bad request ({kind}) got {status}: {message}")


# The kind, a word of the message, the code.
BAD = [
    ("k", "'k'", "invalid"),
    ("parameter", "unknown parameter", "invalid"),
    ("dimension", "dimension", "invalid"),
    ("not finite", "row 1", "invalid"),
    ("datatype", "FP32", "invalid"),
    ("offsets", "offset", "invalid"),
    ("model", "nobody", "missing"),
    ("id", "", "invalid"),
    ("twice", "", "invalid"),
    ("row", "row 1", "invalid"),
    ("no live model", "", "unsupported"),
    ("no model", "nobody", "missing"),
]


class Vanishing:
    """Clients that end half way. What they would have got is not asked; the server must lose nothing by them."""

    def __init__(self, server, pool, tally, model):
        self.server, self.pool, self.model, self.tally = server, pool, model, tally
        body = {"inputs": [{"name": "queries", "datatype": "FP32", "shape": [1, 32], "data": [0.5] * 32}]}
        body = json.dumps(body).encode()
        head = f"POST /v2/models/{model}/infer HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n".encode()
        self.request, self.head = head + body, head
        self.silent = []

    def step(self, random):
        kinds = [self._half, self._unread, self._reset, self._nonsense, self._silent]
        kinds += [self._cancelled, self._late, self._grpc_half]
        kind = kinds[int(random.integers(len(kinds)))]
        kind(random)
        self.tally.add(f"vanishing clients: {kind.__name__[1:].replace('_', ' ')}")

    def _connect(self, port=None):
        return socket.create_connection(("127.0.0.1", port or self.server.http_port), PATIENCE)

    def _half(self, random):
        with self._connect() as connection:
            connection.sendall(self.request[: int(random.integers(0, len(self.request)))])

    def _unread(self, random):
        with self._connect() as connection:
            connection.sendall(self.request * int(random.integers(1, 20)))

    def _reset(self, random):
        with self._connect() as connection:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            connection.sendall(self.request)

    def _nonsense(self, random):
        with self._connect(int(random.choice([self.server.http_port, self.server.grpc_port]))) as connection:
            connection.sendall(random.bytes(200))

    def _silent(self, random):
        """Left open until the server closes it (--client-timeout); at most 8 at a time."""
        connection = self._connect()
        connection.sendall(self.head)
        self.silent.append(connection)
        if len(self.silent) > 8:
            with self.silent.pop(0) as connection:
                connection.settimeout(PATIENCE)
                try:
                    while connection.recv(4096):
                        pass
                except ConnectionResetError:
                    pass  # It is closed that way, too.

    def _grpc_half(self, random):
        """The greeting of HTTP/2, and a frame that does not end."""
        with self._connect(self.server.grpc_port) as connection:
            settings, headers = b"\0\0\0\4\0\0\0\0\0", b"\0\x40\0\1\4\0\0\0\1"
            connection.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + settings + headers + b"abc")

    def _inputs(self, random):
        return tensors(tritonclient.grpc, arrays_of(self.pool, self.pool.question(random)))

    def _cancelled(self, random):
        client = triton(self.server, "grpc")
        calls = [client.async_infer(self.model, self._inputs(random), lambda result, error: None) for _ in range(5)]
        for call in calls:
            call.cancel()
        client.close()

    def _late(self, random):
        client = triton(self.server, "grpc")
        try:
            client.infer(self.model, self._inputs(random), client_timeout=float(random.choice([1e-4, 1e-3, 3e-3])))
        except InferenceServerException as error:
            if error.status() != f"StatusCode.{grpc.StatusCode.DEADLINE_EXCEEDED.name}":
                raise
        finally:
            client.close()
