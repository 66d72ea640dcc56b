"""maxdot_load against servers of known behaviour: what it counts is what they did, and from when requests were due."""

import asyncio
import collections
import json
import pathlib
import subprocess
import threading
import time

import numpy as np
import pytest
from running import BIN, PATIENCE, Running

LOAD = pathlib.Path(BIN).parent / "maxdot_load"
QUERIES = 4
PAUSE = 2.0  # [seconds]


class Tiny:
    """An HTTP server; `answer(number, body)` says the status and body of a request, None: it closes the connection.

    `number` counts from 0 after the first answer to each query. `counts` are those that it gave from then on.
    """

    def __init__(self, answer, head=""):
        self.answer, self.head = answer, head
        self.requests = 0
        self.counts = collections.Counter()

    def __enter__(self):
        self.loop = asyncio.new_event_loop()
        self.server = self.loop.run_until_complete(asyncio.start_server(self._serve, "127.0.0.1", 0))
        self.port = self.server.sockets[0].getsockname()[1]
        self.thread = threading.Thread(target=self.loop.run_forever)
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(PATIENCE)
        for task in asyncio.all_tasks(self.loop):
            task.cancel()
        self.server.close()
        self.loop.run_until_complete(asyncio.sleep(0))
        self.loop.close()

    async def _serve(self, reader, writer):
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
                body = await reader.readexactly(length)
                number = self.requests - QUERIES
                self.requests += 1
                told = (200, body) if number < 0 else self.answer(number, body)
                if asyncio.iscoroutine(told):
                    told = await told
                if number >= 0:
                    self.counts[told and told[0]] += 1
                if told is None:
                    break
                status, text = told
                writer.write(f"HTTP/1.1 {status} x\r\n{self.head}Content-Length: {len(text)}\r\n\r\n".encode() + text)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # the client has gone
        finally:
            writer.close()


@pytest.fixture(scope="module")
def few(tmp_path_factory):
    path = tmp_path_factory.mktemp("load") / "queries.npy"
    np.save(path, np.arange(2 * QUERIES, dtype=np.float32).reshape(QUERIES, 2))
    return path


def run(queries, port, *arguments):
    command = [LOAD, queries, "--server", f"127.0.0.1:{port}", "--json", *arguments]
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, timeout=4 * PATIENCE, check=False)
    return done.returncode, done.stdout, done.stderr


def load(queries, server, *arguments, code=0):
    """The runs of the report."""
    plain = ["--path", "/", "--text", '{"query": QUERY}']
    got, text, error = run(queries, server.port, *plain, *arguments)
    assert got == code, (got, error)
    return json.loads(text)["runs"]


@pytest.mark.parametrize("connections", [1, 64])
def test_a_pause_is_in_the_latencies_of_all_that_were_due_meanwhile(few, connections):
    """With one connection a single request is under way in the pause: counted from sending, p99 would not show it."""

    def answer(number, body):
        if number == 20:
            time.sleep(PAUSE)  # nobody is answered meanwhile
        return 200, body

    with Tiny(answer) as server:
        (told,) = load(few, server, "--rate", 200, "--seconds", 4, "--connections", connections)
    assert told["statuses"] == {"200": told["requests"]} and told["unanswered"] == told["failed"] == 0
    assert told["answered"]["p90"] > PAUSE / 2
    assert told["answered"]["p50"] <= told["answered"]["p90"] <= told["answered"]["p99"] <= told["answered"]["max"]
    if connections == 1:
        assert told["waited_for_a_connection"] > 100


def test_requests_are_due_by_a_poisson_process(few):
    with Tiny(lambda _, body: (200, body)) as server:
        runs = [load(few, server, "--rate", 100, 300, "--seconds", 2, "--seed", seed) for seed in (1, 1, 2)]
    counts = [[told["requests"] for told in both] for both in runs]
    assert counts[0] == counts[1] != counts[2]
    for both in counts:  # within five standard deviations
        assert abs(both[0] - 200) < 75 and abs(both[1] - 600) < 125


def test_what_is_counted(few):
    """Every status, and connections that end without an answer."""
    given = [200, 429, 200, 503, 504, 200, 500, None]

    def answer(number, body):
        status = given[number % len(given)]
        return status and (status, body if status == 200 else b"no")

    with Tiny(answer) as server:
        (told,) = load(few, server, "--rate", 400, "--seconds", 2, "--connections", 8)
        counts = server.counts
    assert told["requests"] == sum(counts.values()) > 400
    assert told["statuses"] == {str(status): count for status, count in counts.items() if status}
    assert told["failed"] == counts[None]
    assert told["answered"]["count"] == counts[200]
    assert told["refused"]["count"] == counts[429] + counts[503] + counts[504]
    assert told["wrong"] == told["unanswered"] == 0


def test_another_answer_is_detected(few):
    wrong = []

    def answer(number, body):
        if number % 10 != 3:
            return 200, body
        wrong.append(number)
        return 200, body[:-1] + b"!"

    with Tiny(answer) as server:
        (told,) = load(few, server, "--rate", 200, "--seconds", 1, code=1)
    assert told["wrong"] == len(wrong) > 5


def test_an_answer_that_does_not_come(few):
    async def never():
        await asyncio.sleep(10 * PATIENCE)

    with Tiny(lambda number, body: never() if number == 10 else (200, body)) as server:
        (told,) = load(few, server, "--rate", 100, "--seconds", 1, "--connections", 1, "--patience", 1)
    assert told["statuses"] == {"200": 10}
    assert told["unanswered"] == told["requests"] - 10 > 0


def test_connections_that_end_after_each_answer(few):
    with Tiny(lambda _, body: (200, body), head="Connection: close\r\n") as server:
        (told,) = load(few, server, "--rate", 100, "--seconds", 1, "--connections", 4)
    assert told["statuses"] == {"200": told["requests"]} and told["failed"] == 0


def test_shares_of_a_closed_loop(few):
    with Tiny(lambda _, body: (200, body)) as server:
        closed, half = load(few, server, "--percent", 50, "--seconds", 1, "--closed-connections", 2)
    assert closed["offered_per_second"] == 0 and closed["statuses"] == {"200": closed["requests"]}
    assert half["offered_per_second"] == pytest.approx(closed["answered_per_second"] / 2)
    assert half["statuses"] == {"200": half["requests"]}


def test_the_table(few):
    """A line for the closed loop and one for each rate, with a number below each name."""
    with Tiny(lambda _, body: (200, body)) as server:
        done = subprocess.run(
            [LOAD, few, "--server", f"127.0.0.1:{server.port}", "--path", "/", "--text", "QUERY", "--percent", "10", "20",
             "--seconds", "1"],
            capture_output=True, text=True, timeout=PATIENCE, check=True,
        )  # fmt: skip
    head, *rows = done.stdout.splitlines()
    assert [row.split()[0] == "closed" for row in rows] == [True, False, False]
    assert all(len(row) == len(head) and float(row.split()[1]) > 0 for row in rows)


@pytest.mark.parametrize("body", ["binary", "json"])
def test_maxdot_server(path, queries, tmp_path, body):
    np.save(tmp_path / "queries.npy", queries)
    with Running(path) as server:
        code, text, error = run(
            tmp_path / "queries.npy", server.http_port, "--model", "glove", "--body", body, "--rate", 50, "--seconds", 2
        )
    assert code == 0, error
    (told,) = json.loads(text)["runs"]
    assert told["statuses"] == {"200": told["requests"]} and told["requests"] > 50 and told["wrong"] == 0


def test_failures(few, server, tmp_path):
    np.save(tmp_path / "half.npy", np.ones((2, 2), np.float16))
    np.save(tmp_path / "nan.npy", np.full((2, 2), np.nan, np.float32))
    port = server.http_port
    for code, words, queries, *arguments in (
        (1, "404", few, "--model", "nobody"),
        (1, "400", few, "--model", "glove"),  # of another dimension
        (2, "number above 0", few, "--rate", "0"),
        (2, "100,000,000", few, "--rate", "1e9"),
        (2, "QUERY", few, "--path", "/", "--text", "{}"),
        (2, "--path", few, "--text", "QUERY"),
        (3, "missing", tmp_path / "missing.npy"),
        (4, "f32", tmp_path / "half.npy"),
        (4, "NaN", tmp_path / "nan.npy"),
    ):
        got, _, text = run(queries, port, *arguments)
        assert got == code and words in text.splitlines()[-1], (arguments, got, text)
    assert run(few, "")[0] == 2  # 127.0.0.1: and no port
    with Tiny(lambda _, body: (200, body)) as gone:
        pass
    assert run(few, gone.port)[0] == 3
