"""maxdot.Batcher: the answers of Index.search whatever shares a batch, for threads and for tasks; and its ends."""

import asyncio
import concurrent.futures
import gc
import subprocess
import sys
import textwrap
import threading
import time
import weakref

import maxdot
import numpy as np
import pytest
from support import METRICS, gaussian

ITEMS, QUERIES = gaussian(5000, 16, 1), gaussian(400, 16, 2)
INDEX = maxdot.Index.build(ITEMS)
MASK = np.random.default_rng(3).random(len(ITEMS)) < 0.5


def request_of(i):
    """Queries, k and options of a request; all kinds in turn."""
    queries = QUERIES[i] if i % 4 else QUERIES[i : i + 1 + i % 3]
    how = {}
    if i % 2:
        how["metric"] = METRICS[i % 3]
    if i % 3 == 0:
        lists = [int(x) for x in np.random.default_rng(i).integers(0, len(ITEMS), 30)]
        how["allow" if i % 5 == 0 else "exclude"] = lists if queries.ndim == 1 else [lists] * len(queries)
    if i % 7 == 0:
        how["item_mask"] = MASK
    if i % 11 == 0:
        how["scores"] = "keys" if i % 2 else "f64"
    if i % 13 == 0:
        how["timeout"] = 3600
    return queries, (1, 3, 10, 10, 100, 0)[i % 6], how


def assert_same(got, expected):
    assert len(got) == len(expected) == 2
    for mine, its in zip(got, expected):
        assert mine.dtype == its.dtype
        assert mine.shape == its.shape
        assert mine.tobytes() == its.tobytes()


def assert_answers(answers, index=INDEX):
    for i, answer in enumerate(answers):
        queries, k, how = request_of(i)
        assert_same(answer, index.search(queries, k, 1, **how))


def busy(batcher):
    """Has a thread of its own ask for much; returns it when that is being searched."""
    thread = threading.Thread(target=batcher.search, args=(np.tile(QUERIES, (200, 1)), 10))
    before = batcher.stats()["requests"]
    thread.start()
    while batcher.stats()["requests"] == before:
        time.sleep(0.001)
    return thread


def until_it_waits(batcher, queries, thread):
    """Returns when so many wait, or that thread has ended."""
    while thread.is_alive() and batcher.stats()["waiting_queries"] != queries:
        time.sleep(0.001)


def test_threads():
    with maxdot.Batcher(INDEX, threads=2) as batcher, concurrent.futures.ThreadPoolExecutor(8) as pool:

        def ask(i):
            queries, k, how = request_of(i)
            return batcher.search(queries, k, **how)

        assert_answers(pool.map(ask, range(300)))
        stats = batcher.stats()
        assert stats["overloaded"] == stats["timeouts"] == stats["waiting_queries"] == 0
        assert 0 < stats["batches"] <= stats["requests"] <= 300


@pytest.mark.parametrize("most", [1, 7, 256])
def test_tasks(most):
    async def main():
        async def ask(i):
            queries, k, how = request_of(i)
            return await batcher.search_async(queries, k, **how)

        return await asyncio.gather(*(ask(i) for i in range(300)))

    with maxdot.Batcher(INDEX, most_batch_queries=most) as batcher:
        assert_answers(asyncio.run(main()))
        assert batcher.stats()["waiting_queries"] == 0


def test_thousands_of_tasks_and_the_loop_goes_on():
    ticks = 0

    async def tick():
        nonlocal ticks
        while True:
            ticks += 1
            await asyncio.sleep(0)

    async def main():
        ticking = asyncio.ensure_future(tick())
        answers = await asyncio.gather(*(batcher.search_async(QUERIES[i % 400], 10) for i in range(5000)))
        at_the_end = ticks
        ticking.cancel()
        return answers, at_the_end

    with maxdot.Batcher(INDEX, most_waiting_queries=5000) as batcher:
        answers, at_the_end = asyncio.run(main())
    expected = INDEX.search(QUERIES, 10)
    for i, answer in enumerate(answers):
        assert_same(answer, (expected[0][i % 400], expected[1][i % 400]))
    assert at_the_end > 0


def test_threads_and_loops_share_a_batcher():
    async def main():
        return await asyncio.gather(*(batcher.search_async(QUERIES[i], 10) for i in range(200)))

    def ask():
        return [batcher.search(QUERIES[i], 10) for i in range(200)]

    expected = INDEX.search(QUERIES, 10)
    with maxdot.Batcher(INDEX) as batcher, concurrent.futures.ThreadPoolExecutor(6) as pool:
        calls = [pool.submit(asyncio.run, main()) for _ in range(3)] + [pool.submit(ask) for _ in range(3)]
        for call in calls:
            for i, answer in enumerate(call.result(120)):
                assert_same(answer, (expected[0][i], expected[1][i]))


def test_what_a_request_names_may_go_or_change():
    """Queries are copied; lists and a mask live as long as the engine reads them."""

    async def ask(i):
        queries = QUERIES[i].copy()
        asked = asyncio.ensure_future(
            batcher.search_async(queries, 10, item_mask=MASK.copy(), exclude=[*range(0, 5000, 7)])
        )
        await asyncio.sleep(0)
        queries[:] = np.nan
        gc.collect()
        return await asked

    async def main():
        return await asyncio.gather(*(ask(i) for i in range(50)))

    with maxdot.Batcher(INDEX) as batcher:
        for i, answer in enumerate(asyncio.run(main())):
            assert_same(answer, INDEX.search(QUERIES[i], 10, item_mask=MASK, exclude=[*range(0, 5000, 7)]))


def test_cancelled_tasks():
    async def main():
        tasks = [asyncio.ensure_future(batcher.search_async(QUERIES[i], 10)) for i in range(100)]
        await asyncio.sleep(0)  # they ask; the loop takes no answer before its next turn
        for task in tasks[::2]:
            task.cancel()
        answers = await asyncio.gather(*tasks, return_exceptions=True)
        return answers, await batcher.search_async(QUERIES[7], 3)

    with maxdot.Batcher(INDEX) as batcher:
        answers, after = asyncio.run(main())
    expected = INDEX.search(QUERIES, 10)
    for i, answer in enumerate(answers):
        if i % 2:
            assert_same(answer, (expected[0][i], expected[1][i]))
        else:
            assert isinstance(answer, asyncio.CancelledError)
    assert_same(after, INDEX.search(QUERIES[7], 3))


def test_overload_of_tasks():
    async def main():
        asked = [asyncio.ensure_future(batcher.search_async(QUERIES[i], 10)) for i in range(6)]
        return await asyncio.gather(*asked, return_exceptions=True)

    expected = INDEX.search(QUERIES, 10)
    with maxdot.Batcher(INDEX, most_waiting_queries=4) as batcher:
        for _ in range(50):  # as a rule once: much is searched while little is asked
            thread = busy(batcher)
            answers = asyncio.run(main())
            thread.join()
            for i, answer in enumerate(answers):
                if i < 4 or not isinstance(answer, Exception):
                    assert_same(answer, (expected[0][i], expected[1][i]))
                else:
                    assert type(answer) is maxdot.OverloadedError
                    assert isinstance(answer, RuntimeError)
                    assert "most_waiting_queries" in str(answer)
            if batcher.stats()["overloaded"] == 2:
                break
        assert batcher.stats()["overloaded"] > 0
        assert_same(batcher.search(QUERIES[0], 10), (expected[0][0], expected[1][0]))


def test_overload_of_threads():
    expected = INDEX.search(QUERIES[:4], 10)
    refusals = []
    with maxdot.Batcher(INDEX, most_waiting_queries=4) as batcher, concurrent.futures.ThreadPoolExecutor(1) as pool:
        for _ in range(50):  # as a rule once
            thread = busy(batcher)
            waits = pool.submit(batcher.search, QUERIES[:4], 10)
            until_it_waits(batcher, 4, thread)
            try:
                batcher.search(QUERIES[0], 10)
            except maxdot.OverloadedError as error:
                refusals.append(str(error))
            assert_same(waits.result(120), expected)
            thread.join()
            if refusals:
                break
        assert refusals == ["4 queries wait, and at most 4 may (most_waiting_queries); ask again later"]
        assert batcher.stats()["overloaded"] == 1


def test_timeout():
    with maxdot.Batcher(INDEX) as batcher:
        for ask in (batcher.search, lambda *request, **how: asyncio.run(batcher.search_async(*request, **how))):
            with pytest.raises(TimeoutError, match="had not begun within its timeout"):
                ask(QUERIES[0], 10, timeout=1e-9)
            for bad in (0, -1, float("nan")):
                with pytest.raises(ValueError, match="^timeout: .* is no number of seconds above 0"):
                    ask(QUERIES[0], 10, timeout=bad)
            with pytest.raises(TypeError, match="^timeout: "):
                ask(QUERIES[0], 10, timeout="1")
        assert batcher.stats()["timeouts"] == 2


def test_a_request_that_is_refused_harms_no_other():
    bad = QUERIES[0].copy()
    bad[3] = np.nan

    async def main():
        good = [asyncio.ensure_future(batcher.search_async(QUERIES[i], 3)) for i in range(50)]
        refusals = [
            (ValueError, "^queries: .*NaN", batcher.search_async(bad, 3)),
            (ValueError, "dimension", batcher.search_async(QUERIES[0][:5], 3)),
            (ValueError, "^k: -1", batcher.search_async(QUERIES[0], -1)),
            (ValueError, "^metric", batcher.search_async(QUERIES[0], 1, metric="cosin")),
            (ValueError, "^scores", batcher.search_async(QUERIES[0], 1, scores="f16")),
            (ValueError, "^item_mask", batcher.search_async(QUERIES[0], 1, item_mask=MASK[:9])),
            (ValueError, "^exclude", batcher.search_async(QUERIES[:3], 1, exclude=[[1]])),
            (TypeError, "^queries: ", batcher.search_async("king", 1)),
            (MemoryError, "results", batcher.search_async(QUERIES[0], 2**50)),
        ]
        for error, message, asked in refusals:
            with pytest.raises(error, match=message):
                await asked
        assert not batcher._loops[asyncio.get_running_loop()]._waiting.keys() - set(range(1, 51))
        return await asyncio.gather(*good)

    expected = INDEX.search(QUERIES, 3)
    with maxdot.Batcher(INDEX) as batcher:
        for i, answer in enumerate(asyncio.run(main())):
            assert_same(answer, (expected[0][i], expected[1][i]))
        with pytest.raises(ValueError, match="NaN"):
            batcher.search(bad, 3)


def test_bad_arguments():
    for name in ("most_batch_queries", "most_waiting_queries"):
        for value in (0, -5):
            with pytest.raises(ValueError, match=name):
                maxdot.Batcher(INDEX, **{name: value})
        with pytest.raises(TypeError):
            maxdot.Batcher(INDEX, **{name: 1.5})
    with pytest.raises(ValueError, match="most_batch_queries: 65537"):
        maxdot.Batcher(INDEX, most_batch_queries=65537)
    with pytest.raises(ValueError, match="threads"):
        maxdot.Batcher(INDEX, threads=-1)
    with pytest.raises(TypeError, match=r"no maxdot\.Index"):
        maxdot.Batcher(ITEMS)
    closed = maxdot.Index.build(ITEMS)
    closed.close()
    with pytest.raises(ValueError, match="closed"):
        maxdot.Batcher(closed)
    with maxdot.Batcher(INDEX) as batcher:
        with pytest.raises(ValueError, match="closed"):
            batcher.replace(closed)
        with pytest.raises(TypeError, match=r"no maxdot\.Index"):
            batcher.replace(None)
        with pytest.raises(RuntimeError, match="no running event loop"):
            batcher.search_async(QUERIES[0], 1).send(None)


def test_replace_under_load():
    other = maxdot.Index.build(ITEMS[1000:3000])
    wide = maxdot.Index.build(gaussian(50, 31, 5))
    expected = [INDEX.search(QUERIES, 4), other.search(QUERIES, 4)]
    stop = threading.Event()

    def ask(i):
        while not stop.is_set():
            ids, scores = batcher.search(QUERIES[i], 4)
            assert any(
                ids.tobytes() == its[0][i].tobytes() and scores.tobytes() == its[1][i].tobytes() for its in expected
            )

    async def main():
        for number in range(100):
            index = (INDEX, other)[number % 2]
            before = batcher.search_async(QUERIES[9], 4)
            batcher.replace(index)
            await before
            assert_same(await batcher.search_async(QUERIES[9], 4), index.search(QUERIES[9], 4))

    opened = maxdot.Index.build(ITEMS)
    with maxdot.Batcher(opened) as batcher, concurrent.futures.ThreadPoolExecutor(4) as pool:
        opened.close()
        asking = [pool.submit(ask, i) for i in range(4)]
        asyncio.run(main())
        stop.set()
        for call in asking:
            call.result(120)
        batcher.replace(wide)
        assert_same(batcher.search(gaussian(2, 31, 6), 3), wide.search(gaussian(2, 31, 6), 3))
        with pytest.raises(ValueError, match="dimension"):
            batcher.search(QUERIES[0], 3)


def test_closed():
    async def main():
        tasks = [asyncio.ensure_future(batcher.search_async(QUERIES[i], 3)) for i in range(50)]
        await asyncio.sleep(0)
        batcher.close()
        with pytest.raises(ValueError, match="closed"):
            await batcher.search_async(QUERIES[0], 3)
        return await asyncio.gather(*tasks)

    batcher = maxdot.Batcher(INDEX)
    expected = INDEX.search(QUERIES, 3)
    for i, answer in enumerate(asyncio.run(main())):
        assert_same(answer, (expected[0][i], expected[1][i]))
    batcher.close()
    for call in (lambda: batcher.search(QUERIES[0], 3), batcher.stats, lambda: batcher.replace(INDEX)):
        with pytest.raises(ValueError, match="^batcher: it is closed"):
            call()


def test_a_thread_that_waits_when_it_is_closed():
    batcher = maxdot.Batcher(INDEX)
    thread = busy(batcher)
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        waits = pool.submit(batcher.search, QUERIES[:4], 10)
        until_it_waits(batcher, 4, thread)
        batcher.close()
        assert_same(waits.result(120), INDEX.search(QUERIES[:4], 10))
    thread.join()


def test_loops_that_end_before_the_answers_come():
    async def leave():
        for i in range(50):
            asyncio.ensure_future(batcher.search_async(QUERIES[i], 3, item_mask=MASK))  # noqa: RUF006
        await asyncio.sleep(0)

    async def main():
        return await asyncio.gather(*(batcher.search_async(QUERIES[i], 3) for i in range(50)))

    expected = INDEX.search(QUERIES, 3)
    with maxdot.Batcher(INDEX) as batcher:
        for _ in range(5):
            thread = busy(batcher)
            asyncio.run(leave())
            thread.join()
            for i, answer in enumerate(asyncio.run(main())):
                assert_same(answer, (expected[0][i], expected[1][i]))
            assert len(batcher._loops) == 1


def run_script(text):
    preamble = """
        import asyncio, gc, os, sys, threading
        import maxdot, numpy as np
        items = np.random.default_rng(1).standard_normal((20_000, 32), dtype=np.float32)
        index = maxdot.Index.build(items)
        batcher = maxdot.Batcher(index)
    """
    script = textwrap.dedent(preamble) + textwrap.dedent(text)
    return subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=300, check=False)


def test_the_process_ends_with_requests_under_way():
    done = run_script("""
        async def leave():
            for i in range(2000):
                asyncio.ensure_future(batcher.search_async(items[i], 10))
            await asyncio.sleep(0)
        asyncio.run(leave())
        kept = [batcher]
        kept.append(kept)
        print("end")
    """)
    assert (done.returncode, done.stdout, done.stderr) == (0, "end\n", "")


def test_the_process_ends_while_daemon_threads_search():
    done = run_script("""
        import time
        def ask():
            while True:
                batcher.search(items[:200], 10)
        for _ in range(4):
            threading.Thread(target=ask, daemon=True).start()
        time.sleep(0.1)
        print("end")
    """)
    assert (done.returncode, done.stdout, done.stderr) == (0, "end\n", "")


def test_a_forked_child():
    """It is told to make its own, and it ends, whatever its parent has asked."""
    done = run_script("""
        import warnings
        warnings.simplefilter("ignore", DeprecationWarning)  # of fork, since the process has threads
        async def ask(mine):
            return await mine.search_async(items[0], 3)
        asyncio.run(ask(batcher))
        child = os.fork()
        if child == 0:
            for call in (lambda: batcher.search(items[0], 3), batcher.stats, lambda: asyncio.run(ask(batcher))):
                try:
                    call()
                    os._exit(1)
                except RuntimeError as error:
                    assert str(error).startswith("batcher: this process was forked"), error
            own = maxdot.Batcher(index)
            assert (asyncio.run(ask(own))[0] == index.search(items[0], 3)[0]).all()
            del batcher
            gc.collect()
            sys.exit(0)
        status = os.waitpid(child, 0)[1]
        print(status, (asyncio.run(ask(batcher))[0] == batcher.search(items[0], 3)[0]).all())
    """)
    assert (done.stdout, done.stderr) == ("0 True\n", "")


def test_it_goes_with_the_last_reference():
    """Within a cycle, too, and with answers that nobody took."""
    batcher = maxdot.Batcher(INDEX)

    async def leave(asked):
        asyncio.ensure_future(asked.search_async(QUERIES[0], 3))  # noqa: RUF006
        await asyncio.sleep(0)

    asyncio.run(leave(batcher))
    gone = weakref.ref(batcher)
    cycle = [batcher]
    cycle.append(cycle)
    del batcher, cycle
    gc.collect()
    assert gone() is None
