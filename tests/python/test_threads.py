"""Searches from several Python threads at once, and from forked and spawned processes."""

import concurrent.futures
import multiprocessing
import subprocess
import sys
import textwrap
import threading

import maxdot
import numpy as np
import pytest
from support import gaussian

ITEMS, QUERIES = gaussian(20000, 32, 8), gaussian(64, 32, 9)


def test_four_threads_get_the_same_answers():
    index = maxdot.Index.build(ITEMS)
    expected = index.search(QUERIES, 20)
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        for ids, scores in pool.map(lambda n: index.search(QUERIES, 20, threads=n % 3), range(24)):
            np.testing.assert_array_equal(ids, expected[0])
            np.testing.assert_array_equal(scores, expected[1])


def test_the_gil_is_released():
    """Python code runs while a long search does."""
    index = maxdot.Index.build(ITEMS)
    queries = gaussian(20000, 32, 10)
    running, ticks = threading.Event(), 0
    worker = threading.Thread(target=lambda: (running.set(), index.search(queries, 10, 1), running.clear()))
    worker.start()
    running.wait()
    while running.is_set():
        ticks += 1
    worker.join()
    assert ticks > 1000


def test_close_while_searching():
    index = maxdot.Index.build(ITEMS)
    expected = index.search(QUERIES, 5)[0]
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        searches = [pool.submit(index._engine.search, QUERIES, 5, 1, None, False) for _ in range(6)]
        index.close()
        for search in searches:
            np.testing.assert_array_equal(search.result()[0], expected)


def test_the_process_ends_while_daemon_threads_search():
    script = textwrap.dedent("""
        import threading, time, maxdot, numpy as np
        items = np.random.default_rng(1).standard_normal((20_000, 32), dtype=np.float32)
        index = maxdot.Index.build(items)
        def ask():
            while True:
                index.search(items[:200], 10)
        for _ in range(4):
            threading.Thread(target=ask, daemon=True).start()
        time.sleep(0.1)
        print("end")
    """)
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=300, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "end\n", "")


def test_the_process_ends_while_a_daemon_thread_prepares_a_search():
    """What the daemon thread runs when the interpreter has ended must not be Python code below a search.

    CPython up to 3.13 ends such a thread by unwinding it, which a search does not allow. Here the only Python code
    that a search ever asked, threading.main_thread, lasts until the interpreter ends.
    """
    script = textwrap.dedent("""
        import os, sys, threading, time, maxdot, numpy as np
        class EndsLast:  # lets other threads run after the interpreter has ended
            def __del__(self, sleep=time.sleep):
                sleep(0.5)
        index = maxdot.Index.build(np.eye(64, dtype=np.float32))
        asked = threading.main_thread
        def lasting():
            time.sleep(0.4)
            return asked()
        def ask():
            threading.main_thread = lasting
            while True:
                index.search(np.eye(64, dtype=np.float32), 3)
        threading.Thread(target=ask, daemon=True).start()
        time.sleep(0.2)
        threading.main_thread = asked
        sys.last_value = EndsLast()  # one of the names that the end of the interpreter clears
        print("end")
    """)
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=300, check=False)
    assert (done.returncode, done.stdout) == (0, "end\n"), done.stderr


def _search(index):
    return index.search(QUERIES, 5, threads=2)[0]


def test_a_pickled_index_searches_in_another_process(tmp_path):
    index = maxdot.Index.build(ITEMS)
    index.save(tmp_path / "items.maxdot")
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        np.testing.assert_array_equal(pool.apply_async(_search, (index,)).get(120), _search(index))


_inherited = None


def _inherit(index):
    global _inherited  # noqa: PLW0603
    _inherited = index


def _answers_of_child(threads):
    built = maxdot.Index.build(ITEMS, threads=threads)
    return _inherited.search(QUERIES, 5, threads=threads)[0], built.search(QUERIES, 5, threads=threads)[0]


@pytest.mark.parametrize("threads", [0, 1, 2, 8])
def test_a_forked_child_searches_and_builds(threads):
    """Whatever its parent did with threads before, and what other threads of the parent do meanwhile."""
    index = maxdot.Index.build(ITEMS, threads=8)
    expected = index.search(QUERIES, 5, threads=8)[0]
    running, stop = threading.Event(), threading.Event()

    def search():
        while not stop.is_set():
            index.search(QUERIES, 5, threads=3)
            running.set()

    busy = threading.Thread(target=search)
    busy.start()
    running.wait()
    try:
        for _ in range(5):
            with multiprocessing.get_context("fork").Pool(2, _inherit, (index,)) as pool:
                for answers in pool.map_async(_answers_of_child, [threads] * 4).get(120):
                    for ids in answers:
                        np.testing.assert_array_equal(ids, expected)
    finally:
        stop.set()
        busy.join()
