"""Calls that end early: Ctrl-C, a timeout. An exception comes soon, and the next call is right."""

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time

import maxdot
import numpy as np
import pytest
from maxdot import evaluate, objective
from support import gaussian

ITEMS = gaussian(300_000, 96, 1)
INDEX = maxdot.Index.build(ITEMS)
# Enough to take seconds on any machine.
QUERIES = np.tile(gaussian(1000, 96, 2), (60, 1))
USERS = np.arange(len(QUERIES), dtype=np.int64)
RELEVANT = (np.arange(len(QUERIES) + 1, dtype=np.int64), USERS)

LONG = {
    "search": lambda threads: INDEX.search(QUERIES, 100, threads),
    "search_multi": lambda threads: INDEX.search_multi(QUERIES.reshape(-1, 4, 96), 100, threads),
    "search_range": lambda threads: INDEX.search_range(QUERIES, 0.4, threads),
    "retrieval": lambda threads: evaluate.retrieval(INDEX, QUERIES, RELEVANT, [10], threads=threads),
    "ranks": lambda threads: evaluate.ranks(INDEX, QUERIES, RELEVANT, threads=threads),
    "log_partition": lambda threads: objective.log_partition(INDEX, QUERIES, threads=threads),
}


@pytest.fixture(autouse=True)
def handler_of_python():
    """Where the tests run in the background, Ctrl-C may be ignored; Python then has no handler of its own."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def interrupted(call):
    """Seconds from a Ctrl-C, 0.1 s after the call begins, to KeyboardInterrupt."""
    at = []

    def press():
        time.sleep(0.1)
        at.append(time.perf_counter())
        os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=press)
    with pytest.raises(KeyboardInterrupt):
        thread.start()
        call()
        time.sleep(10)  # the call was done before
    end = time.perf_counter()
    thread.join()
    return end - at[0]


@pytest.mark.parametrize("threads", [1, 0, 4])
@pytest.mark.parametrize("name", LONG)
def test_ctrl_c(name, threads):
    # No promise in a test about the time of a loaded machine; a call that goes on takes longer than this.
    took = interrupted(lambda: LONG[name](threads))
    assert took < 2.0
    ids, scores = INDEX.search(QUERIES[:5], 3)
    expected = maxdot.top_k(QUERIES[:5], ITEMS, 3)
    np.testing.assert_array_equal(ids, expected[0])
    np.testing.assert_array_equal(scores, expected[1])


def test_a_handler_that_raises_something_else():
    def handler(number, frame):
        raise LookupError("mine")

    before = signal.signal(signal.SIGALRM, handler)
    signal.setitimer(signal.ITIMER_REAL, 0.1)
    try:
        with pytest.raises(LookupError, match="mine"):
            INDEX.search(QUERIES, 100, 1)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def test_a_handler_that_does_not_raise_lets_the_search_go_on():
    seen = []
    before = signal.signal(signal.SIGALRM, lambda number, frame: seen.append(number))
    signal.setitimer(signal.ITIMER_REAL, 0.05, 0.05)
    try:
        got = INDEX.search(QUERIES[:3000], 10, 1)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    np.testing.assert_array_equal(got[0], INDEX.search(QUERIES[:3000], 10)[0])


@pytest.mark.parametrize("threads", [1, 0])
def test_timeout(threads):
    for call in (
        lambda timeout: INDEX.search(QUERIES, 100, threads, timeout=timeout),
        lambda timeout: INDEX.search_multi(QUERIES.reshape(-1, 4, 96), 100, threads, timeout=timeout),
        lambda timeout: INDEX.search_range(QUERIES, 0.4, threads, timeout=timeout),
    ):
        with pytest.raises(TimeoutError, match="timeout of 0.05"):
            call(0.05)
    np.testing.assert_array_equal(
        INDEX.search(QUERIES[:5], 3, threads, timeout=3600)[0], INDEX.search(QUERIES[:5], 3)[0]
    )


@pytest.mark.parametrize("timeout", [0, -1, float("nan")])
def test_no_timeout(timeout):
    with pytest.raises(ValueError, match="timeout"):
        INDEX.search(QUERIES[:1], 3, timeout=timeout)


def test_a_search_on_another_thread_is_not_interrupted():
    """Ctrl-C is the main thread's; a worker's search is right."""
    script = textwrap.dedent("""
        import os, signal, threading, numpy as np, maxdot
        signal.signal(signal.SIGINT, signal.default_int_handler)
        items = np.random.default_rng(1).standard_normal((100_000, 64), dtype=np.float32)
        index = maxdot.Index.build(items)
        found = []
        worker = threading.Thread(target=lambda: found.append(index.search(items[:20_000], 10, 1)[0]))
        worker.start()
        try:
            os.kill(os.getpid(), signal.SIGINT)
            while worker.is_alive():
                worker.join(0.01)
        except KeyboardInterrupt:
            pass
        worker.join()
        assert (found[0][:, 0] == np.arange(20_000)).mean() > 0.5, found
        print("right")
    """)
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=300)
    assert done.stdout == "right\n", done.stderr
