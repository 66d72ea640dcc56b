"""The servers that are measured: each with how it is started, and how maxdot_load asks it."""

import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import time

import beside_peers  # noqa: F401  makes measure importable
import measure

HERE = pathlib.Path(__file__).resolve().parent
# [seconds] To load the items and be ready, and to end.
START, END = 600, 30
# Stands in a command for the port to listen on.
PORT = "PORT"


class Failed(Exception):
    """A server cannot go on; the message says why."""


def free_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


class Server:
    """`with server:` it runs and is ready. `ask` holds the options of maxdot_load that say how it is asked."""

    def __init__(self, name, command, ready, ready_times, ask, environment, log):
        self.name, self.command, self.ask = name, command, ask
        self._ready, self._ready_times, self._environment, self._log = ready, ready_times, environment, log

    def __enter__(self):
        self.port = free_port()
        command = [str(self.port) if part == PORT else part for part in self.command]
        with self._log.open("w") as log:
            self.process = subprocess.Popen(command, cwd=HERE, env=self._environment, stdout=log, stderr=log)
        try:
            self._wait()
        except BaseException:
            self.__exit__()
            raise
        return self

    def _wait(self):
        end = time.monotonic() + START
        while not (self._says_ready() and self._listens()):
            if self.process.poll() is not None:
                raise Failed(f"{self.name}: ended with status {self.process.returncode}; see {self._log}")
            if time.monotonic() > end:
                raise Failed(f"{self.name}: not ready after {START} s; see {self._log}")
            time.sleep(0.05)

    def _says_ready(self):
        return self._log.read_text(encoding="utf-8").count(self._ready) >= self._ready_times

    def _listens(self):
        """A single worker of uvicorn says that it is ready before it listens."""
        with socket.socket() as asking:
            return asking.connect_ex(("127.0.0.1", self.port)) == 0

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(END)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def alive(self):
        return self.process.poll() is None


def maxdot_server(binaries, index, waiting, body, folder):
    """Both ways to write a query in HTTP, by `body`: binary or json."""
    return Server(
        name=f"maxdot-server, {body} bodies",
        command=[str(binaries / "maxdot-server"), str(index), "--listen", "127.0.0.1", "--http-port", PORT,
                 "--grpc-port", "0", "--max-waiting", str(waiting)],
        ready='"event":"ready"',
        ready_times=1,
        ask=["--model", index.stem, "--body", body],
        environment=None,
        log=folder / f"maxdot-server-{body}.log",
    )


def fastapi_faiss(items, workers, threads, k, folder):
    """`threads`: of FAISS, for each search."""
    title = f"FastAPI + FAISS, {workers} worker{'s' * (workers > 1)}, FAISS threads {threads}"
    return Server(
        name=title,
        command=[sys.executable, "-m", "uvicorn", "fastapi_faiss:app", "--host", "127.0.0.1", "--port", PORT,
                 "--workers", str(workers), "--loop", "uvloop", "--http", "httptools", "--no-access-log"],
        ready="Application startup complete",
        ready_times=workers,
        ask=["--path", "/search", "--text", json.dumps({"query": "QUERY", "k": k}).replace('"QUERY"', "QUERY")],
        environment={**measure.environment(threads), "ITEMS": str(items)},
        log=folder / f"fastapi-{workers}-{threads}.log",
    )


def fastapi_settings(items, k, folder):
    """What people set: a worker whose searches take every core or one, and a worker for each core."""
    cores = len(os.sched_getaffinity(0))
    shapes = dict.fromkeys([(1, cores), (1, 1), (cores, 1)])
    return [fastapi_faiss(items, workers, threads, k, folder) for workers, threads in shapes]
