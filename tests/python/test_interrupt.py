"""Calls that end early: Ctrl-C, a timeout. An exception comes soon, and the next call is right."""

import inspect
import os
import signal
import subprocess
import sys
import tempfile
import textwrap
import threading
import time

import maxdot
import numpy as np
import pytest
from maxdot import evaluate, objective, rechub
from maxdot.deadline import Deadline
from support import gaussian

ITEMS = gaussian(300_000, 96, 1)
INDEX = maxdot.Index.build(ITEMS)
# Enough to take seconds on any machine.
QUERIES = np.tile(gaussian(1000, 96, 2), (60, 1))
USERS = np.arange(len(QUERIES), dtype=np.int64)
RELEVANT = (np.arange(len(QUERIES) + 1, dtype=np.int64), USERS)

FOUND = np.tile(np.arange(100), (len(QUERIES), 1))

LIVE_FOLDER = tempfile.TemporaryDirectory()
LIVE = maxdot.LiveIndex.create(os.path.join(LIVE_FOLDER.name, "items"), 96, durability="none", compact_in_background=False)
LIVE.upsert(range(len(ITEMS)), ITEMS)
LIVE.upsert(range(100), ITEMS[:100])  # two parts

LONG = {
    "search of a LiveIndex": lambda **how: LIVE.search(QUERIES, 100, **how),
    "range of a Snapshot": lambda **how: LIVE.snapshot().search_range(QUERIES, 0.4, **how),
    "search": lambda **how: INDEX.search(QUERIES, 100, **how),
    "search_multi": lambda **how: INDEX.search_multi(QUERIES.reshape(-1, 4, 96), 100, **how),
    "search_range": lambda **how: INDEX.search_range(QUERIES, 0.4, **how),
    "retrieval": lambda **how: evaluate.retrieval(INDEX, QUERIES, RELEVANT, [10], **how),
    "ranks": lambda **how: evaluate.ranks(INDEX, QUERIES, RELEVANT, **how),
    "log_partition": lambda **how: objective.log_partition(INDEX, QUERIES, **how),
    "full_softmax": lambda **how: objective.full_softmax(INDEX, QUERIES, USERS, **how),
    "top_k": lambda **how: maxdot.top_k(QUERIES, ITEMS, 100, **how),
    "verify": lambda **how: maxdot.verify(ITEMS, QUERIES, FOUND, **how),
}

FOLDER = tempfile.TemporaryDirectory()
SAVED = os.path.join(FOLDER.name, "items.maxdot")
INDEX.save(SAVED)
KEYS = np.zeros(FOUND.shape)
RANGES = (np.arange(len(QUERIES) + 1) * 100, FOUND.reshape(-1), KEYS.reshape(-1))
RECHUB = (
    QUERIES[:1000],
    ITEMS,
    {"user_id": np.arange(1000), "movie_id": np.arange(1000)},
    {"movie_id": np.arange(len(ITEMS))},
)

# Everything that takes a timeout.
TIMED = {
    **LONG,
    "build": lambda **how: maxdot.Index.build(ITEMS, **how),
    "build with ids": lambda **how: maxdot.Index.build(ITEMS, np.arange(len(ITEMS))[::-1], **how),
    "open": lambda **how: maxdot.Index.open(SAVED, verify_codes=True, **how),
    "merge": lambda **how: maxdot.merge([(FOUND, KEYS), (FOUND + 100, KEYS)], 100, "dot", **how),
    "merge_ranges": lambda **how: maxdot.merge_ranges([RANGES], "dot", **how),
    "metrics": lambda **how: evaluate.metrics(RELEVANT, FOUND, [10, 100], bootstrap=10_000, **how),
    "probabilities": lambda **how: objective.probabilities(INDEX, QUERIES, FOUND, USERS, **how),
    "match_report": lambda **how: rechub.match_report(*RECHUB, **how),
    "match_evaluation": lambda **how: rechub.match_evaluation(*RECHUB, **how),
}


@pytest.fixture(autouse=True)
def handler_of_python():
    """Where the tests run in the background, Ctrl-C may be ignored; Python then has no handler of its own."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def interrupted(call):
    """Seconds of work, of all threads, from a Ctrl-C, 0.1 s after the call begins, to KeyboardInterrupt."""
    at = []

    def press():
        time.sleep(0.1)
        at.append(time.process_time())
        os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=press)
    with pytest.raises(KeyboardInterrupt):
        thread.start()
        call()
        time.sleep(10)  # the call was done before
    end = time.process_time()
    thread.join()
    return end - at[0]


def check_the_next_calls():
    """A build and a search with threads of their own are right."""
    ids, scores = INDEX.search(QUERIES[:5], 3)
    expected = maxdot.top_k(QUERIES[:5], ITEMS, 3)
    np.testing.assert_array_equal(ids, expected[0])
    np.testing.assert_array_equal(scores, expected[1])


@pytest.mark.parametrize("threads", [1, 0, 4])
@pytest.mark.parametrize("name", LONG)
def test_ctrl_c(name, threads):
    # The work of a call that goes on, which another load of the machine does not change, is more than this.
    took = interrupted(lambda: LONG[name](threads=threads))
    assert took < 2.0 * (threads or len(os.sched_getaffinity(0)))
    check_the_next_calls()


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
@pytest.mark.parametrize("name", LONG)
def test_timeout_of_what_takes_seconds(name, threads):
    with pytest.raises(TimeoutError, match="timeout of 0.05"):
        LONG[name](threads=threads, timeout=0.05)
    check_the_next_calls()


@pytest.mark.parametrize("name", TIMED)
def test_timeout(name):
    with pytest.raises(TimeoutError, match="timeout of 0.0001"):
        TIMED[name](timeout=1e-4)
    check_the_next_calls()


def test_a_timeout_that_is_kept_changes_nothing():
    opened = maxdot.Index.open(SAVED, verify_codes=True, timeout=3600)
    built = maxdot.Index.build(ITEMS, timeout=np.float32(3600))
    queries, relevant = QUERIES[:5], (RELEVANT[0][:6], RELEVANT[1][:5])
    expected = INDEX.search(queries, 3)
    for index in (opened, built):
        np.testing.assert_array_equal(index.search(queries, 3, timeout=float("inf"))[0], expected[0])
    np.testing.assert_array_equal(maxdot.top_k(queries, ITEMS, 3, timeout=3600)[0], expected[0])
    for call in (
        lambda **how: objective.log_partition(INDEX, queries, **how),
        lambda **how: objective.full_softmax(INDEX, queries, USERS[:5], reduction="none", **how),
        lambda **how: objective.probabilities(INDEX, queries, FOUND[:5], np.full(5, 20.0), **how),
        lambda **how: evaluate.ranks(INDEX, queries, relevant, **how),
        lambda **how: evaluate.retrieval(INDEX, queries, relevant, [3], **how).to_dict(),
        lambda **how: evaluate.metrics(relevant, FOUND[:5], [3], **how).to_dict(),
    ):
        np.testing.assert_equal(call(timeout=3600), call())


@pytest.mark.parametrize("name", TIMED)
def test_no_timeout(name):
    for timeout in (0, -1, float("nan"), -float("inf"), 10**400):
        with pytest.raises(ValueError, match="^timeout: .* is no number of seconds above 0; None is no limit"):
            TIMED[name](timeout=timeout)
    for timeout in ("1", b"1", True, False, [1.0]):
        with pytest.raises(TypeError, match="^timeout: .* is no number of seconds above 0; None is no limit"):
            TIMED[name](timeout=timeout)


def test_whatever_takes_threads_takes_a_timeout():
    timed = 0
    for place in (maxdot, evaluate, objective, maxdot.searchable.Searchable, maxdot.Index, rechub):
        for function in vars(place).values():
            function = getattr(function, "__func__", function)
            if not inspect.isfunction(function):
                continue
            parameters = inspect.signature(function).parameters
            if "threads" in parameters:
                timeout = parameters["timeout"]
                assert timeout.kind is inspect.Parameter.KEYWORD_ONLY, function
                assert timeout.default is None, function
                timed += 1
    assert timed >= 15


def test_one_timeout_for_several_calls():
    with Deadline(3600) as deadline:
        first, second = deadline.left(), deadline.left()
        assert 0 < second <= first <= 3600
    with Deadline(1e-9) as deadline:
        assert deadline.left() > 0  # 0 would be no timeout
    with pytest.raises(TimeoutError, match="timeout of 0.0001"), Deadline(1e-4) as deadline:
        time.sleep(0.001)
        INDEX.search(QUERIES[:1], 3, timeout=deadline.left())
    with pytest.raises(LookupError, match="mine"), Deadline(1e-4):
        raise LookupError("mine")
    with Deadline(None) as deadline:
        assert deadline.left() is None


def test_a_thread_that_forks_is_the_main_thread_of_its_child():
    """Ctrl-C ends the child's search, and no longer one of the thread's in the parent."""
    script = textwrap.dedent("""
        import os, signal, sys, threading, numpy as np, maxdot
        items = np.random.default_rng(1).standard_normal((100_000, 64), dtype=np.float32)
        index = maxdot.Index.build(items)
        def in_child():
            signal.signal(signal.SIGALRM, signal.default_int_handler)
            signal.setitimer(signal.ITIMER_REAL, 0.05)
            try:
                while True:
                    index.search(items[:20_000], 10, 1)
            except KeyboardInterrupt:
                os._exit(3)
        def fork():
            child = os.fork()
            if child == 0:
                in_child()
            codes.append(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
        codes = []
        forking = threading.Thread(target=fork)
        forking.start()
        forking.join()
        print(codes)
    """)
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=120)
    assert done.stdout == "[3]\n", done.stderr


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
