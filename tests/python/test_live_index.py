"""maxdot.LiveIndex and Snapshot: the answers of an Index of their items, whatever happened to them; and their ends."""

import asyncio
import concurrent.futures
import gc
import os
import pathlib
import pickle
import subprocess
import sys
import textwrap
import threading
import weakref

import maxdot
import numpy as np
import pytest
from support import METRICS, gaussian

D = 12
QUERIES = gaussian(30, D, 2)


def assert_same(got, expected):
    assert len(got) == len(expected)
    for mine, its in zip(got, expected):
        assert mine.dtype == its.dtype
        assert mine.shape == its.shape
        assert mine.tobytes() == its.tobytes()


def assert_is(searched, snapshot, model, metric, normalize, dtype):
    """`searched`, and `snapshot`, which is its version, hold the model's items and answer as an Index of them."""
    assert len(searched) == len(snapshot) == len(model)
    assert (snapshot.metric, snapshot.normalized, snapshot.dtype) == (metric, normalize, dtype)
    ids = snapshot.ids()
    assert ids.dtype == np.int64
    assert sorted(ids.tolist()) == sorted(model)
    rows = np.array([model[id] for id in ids.tolist()], dtype).reshape(-1, D)
    for id, row in zip(ids.tolist(), rows):
        assert id in snapshot
        assert snapshot.item(id).dtype == np.float32
        assert snapshot.item(id).tobytes() == row.astype(np.float32).tobytes()
    index = maxdot.Index.build(rows, ids, metric, normalize)
    some = [int(id) for id in ids[::3]]
    mask = np.arange(len(ids)) % 4 != 0
    users = QUERIES.reshape(10, 3, D)
    for how in (
        {},
        {"metric": METRICS[len(ids) % 3], "scores": "keys"},
        {"exclude": [some] * 30, "scores": "f64", "timeout": 3600},
        {"allow": [some[:5]] * 30, "item_mask": mask},
    ):
        # A mask is in a snapshot's order.
        for asked in (snapshot,) if "item_mask" in how else (searched, snapshot):
            for k in (0, 1, 7, 400):
                assert_same(asked.search(QUERIES, k, 2, **how), index.search(QUERIES, k, 1, **how))
            shared = {name: value[:10] if name in ("exclude", "allow") else value for name, value in how.items()}
            assert_same(asked.search_multi(users, 7, **shared), index.search_multi(users, 7, **shared))
            assert_same(asked.search_range(QUERIES, 0.5, **how), index.search_range(QUERIES, 0.5, **how))
    assert_same(searched.search(QUERIES[0], 3), index.search(QUERIES[0], 3))
    assert_same(searched.search(QUERIES[0], 3, exclude=some), index.search(QUERIES[0], 3, exclude=some))
    _, _, stats = searched.search(QUERIES, 3, stats=True)
    expected = index.search(QUERIES, 3, stats=True)[2]
    assert stats.keys() == expected.keys()
    assert stats["queries"] == expected["queries"] == 30
    assert stats["counts"].tobytes() == expected["counts"].tobytes()


@pytest.mark.parametrize("seed", range(6))
def test_histories(seed, tmp_path):
    random = np.random.default_rng(seed)
    metric, normalize, dtype = METRICS[seed % 3], seed % 2 == 1, (np.float32, np.float16)[seed % 4 == 3]
    shape = (metric, normalize, dtype)
    options = {"fresh_items": 64, "durability": ("none", "group", "each")[seed % 3], "compact_in_background": seed != 4}
    live = maxdot.LiveIndex.create(tmp_path / "items", D, metric, normalize, dtype, **options)
    reader = maxdot.LiveIndex.open(tmp_path / "items", read_only=True)
    model, before, last = {}, [], live.version
    for step in range(40):
        kind = random.integers(0, 10)
        ids = random.choice(400, int(random.integers(1, 120)), replace=False)
        if kind < 6:
            rows = gaussian(len(ids), D, step + 1000 * seed, dtype)
            change = live.upsert(ids if step % 2 else ids.tolist(), rows)
            assert change.items == len(ids)
            model.update(zip(ids.tolist(), rows))
        elif kind < 8:
            change = live.remove(ids)
            assert change.items == sum(model.pop(id, None) is not None for id in ids.tolist())
        elif kind == 8:
            live.compact()
            continue
        else:
            rows = gaussian(100, D, step, dtype)
            index = maxdot.Index.build(rows, np.arange(100) * 3, metric, normalize)
            if step % 2:
                index.save(tmp_path / "index.maxdot")
            change = live.replace(os.fsencode(tmp_path / "index.maxdot") if step % 2 else index)
            model = dict(zip(range(0, 300, 3), rows))
        assert change.version == live.version == last + 1
        last = change.version
        if step % 5 == 0:
            assert_is(live, live.snapshot(), model, *shape)
            assert reader.refresh() is True
            assert reader.refresh() is False
            assert_is(reader, reader.snapshot(), model, *shape)
            before.append((live.snapshot(), dict(model)))
    live.close()
    reader.close()
    for snapshot, its in before:
        assert_is(snapshot, snapshot, its, *shape)
    with maxdot.LiveIndex.open(tmp_path / "items", **options) as again:
        assert again.version == last
        assert_is(again, again.snapshot(), model, *shape)
        assert again.stats()["compaction_error"] == ""


def test_what_it_is(tmp_path):
    with maxdot.LiveIndex.create(tmp_path / "items", D, metric="dot") as live:
        assert (len(live), live.dimension, live.metric, live.normalized) == (0, D, "dot", False)
        assert live.dtype == np.float32
        assert live.folder == str(tmp_path / "items")
        assert live.search(QUERIES[0], 2)[0].tolist() == [-1, -1]
        assert live.upsert([3, 1], gaussian(2, D, 1)) == (live.version, 2)
        assert live.remove([1, 1000]).items == 1
        assert live.upsert([], np.empty((0, D), np.float32)) == (live.version, 0)
        snapshot = live.snapshot()
        assert snapshot.version == live.version
        assert repr(live) == f"<maxdot.LiveIndex: 1 x {D} f32, dot, {str(tmp_path / 'items')!r}>"
        assert repr(snapshot) == f"<maxdot.Snapshot: version {live.version}, 1 x {D} f32, dot>"
        assert 3 in snapshot
        assert 1 not in snapshot
        for beyond in (-1, 2**63, -(2**70)):
            assert beyond not in snapshot
            with pytest.raises(KeyError, match=f"item {beyond} is not in version"):
                snapshot.item(beyond)
        with pytest.raises(KeyError, match=f"item 1 is not in version {live.version}"):
            snapshot.item(1)
        stats = live.stats()
        assert stats["items"] == 1
        assert (stats["fresh_items"], stats["dead_items"], stats["segments"]) == (2, 1, 0)
        assert stats["log_bytes"] > 0
        live.compact()
        stats = live.stats()
        assert (stats["fresh_items"], stats["dead_items"], stats["segments"]) == (0, 0, 1)
        assert stats["segment_bytes"] > 0
        assert stats["compactions"] > 0
    assert repr(live) == f"<maxdot.LiveIndex, closed, {str(tmp_path / 'items')!r}>"
    for cannot in (live, snapshot):
        with pytest.raises(TypeError, match="cannot be pickled; open"):
            pickle.dumps(cannot)


def test_any_kind_of_path(tmp_path):
    """Also a name that is no UTF-8, in arguments and in messages."""
    folder = os.fsencode(tmp_path) + b"/caf\xe9"
    index = maxdot.Index.build(gaussian(5, D, 1))
    for number, kind in enumerate((lambda path: path, os.fsdecode, lambda path: pathlib.Path(os.fsdecode(path)))):
        path = folder + b"%d" % number
        saved = path + b".maxdot"
        index.save(saved)
        with maxdot.LiveIndex.create(kind(path), D) as live:
            assert live.replace(kind(saved)).items == 5
            assert live.folder == os.fsdecode(path)
            with pytest.raises(OSError, match=r"caf\udce9\d: is open for writing already"):
                maxdot.LiveIndex.open(kind(path))
            with maxdot.LiveIndex.open(kind(path), read_only=True) as reader:
                assert len(reader) == 5
        with maxdot.LiveIndex.open(kind(path)) as live:
            assert len(live) == 5
    with pytest.raises(ValueError, match="NUL"):
        maxdot.LiveIndex.create(f"{tmp_path}/a\0b", D)


def test_what_is_refused(tmp_path):
    create = maxdot.LiveIndex.create
    for wrong, message in (
        ({"dimension": 0}, "^.*dimension: 0"),
        ({"dimension": -1}, "^dimension: -1 is negative"),
        ({"dimension": 32769}, "dimension: 32769"),
        ({"metric": "cosin"}, "^metric: 'cosin'"),
        ({"dtype": np.float64}, "^dtype: float64"),
        ({"durability": "some"}, "^durability: 'some'"),
        ({"fresh_items": 63}, "fresh_items: 63"),
        ({"fresh_items": -1}, "^fresh_items: -1"),
        ({"compaction_threads": -1}, "threads: -1"),
        ({"most_merge_bytes": -1}, "^most_merge_bytes: -1"),
    ):
        with pytest.raises(ValueError, match=message):
            create(tmp_path / "items", **{"dimension": D, **wrong})
    with pytest.raises(TypeError):
        create(tmp_path / "items", 1.5)
    assert not (tmp_path / "items").exists()
    for make in (maxdot.LiveIndex, maxdot.Snapshot):
        with pytest.raises(TypeError, match="make a"):
            make()
    with pytest.raises(OSError, match="is no LiveIndex"):
        maxdot.LiveIndex.open(tmp_path)
    with pytest.raises(OSError, match="none"):
        maxdot.LiveIndex.open(tmp_path / "none", read_only=True)

    live = create(tmp_path / "items", D)
    with pytest.raises(ValueError, match="is not empty"):
        create(tmp_path / "items", D)
    live.upsert([1, 2], gaussian(2, D, 1))
    version, rows = live.version, gaussian(2, D, 3)
    bad = rows.copy()
    bad[1, 3] = np.nan
    for ids, given, error, message in (
        ([1, 1], rows, ValueError, "id"),
        ([1, -2], rows, ValueError, "-2"),
        ([1], rows, ValueError, "id"),
        ([[1, 2]], rows, ValueError, r"^ids: shape \(1, 2\)"),
        ([1.5, 2], rows, ValueError, "^ids: dtype float64"),
        ([1, 2], bad, ValueError, "row 1, column 3"),
        ([1, 2], rows.astype(np.float64), ValueError, "^rows: dtype float64"),
        ([1, 2], rows[:, :5], ValueError, "dimension"),
        ([1], rows[0], ValueError, "^rows: shape"),
        ([1, 2], "king", TypeError, "^rows: str"),
        ([1, 2], None, TypeError, "^rows: NoneType"),
    ):
        with pytest.raises(error, match=message):
            live.upsert(ids, given)
    with pytest.raises(ValueError, match="^ids: "):
        live.remove(["a"])
    with pytest.raises(TypeError, match=r"no maxdot\.Index"):
        live.replace(3)
    with pytest.raises(TypeError, match=r"LiveIndex is no maxdot\.Index"):
        live.replace(live)
    with pytest.raises(OSError, match="none"):
        live.replace(tmp_path / "none")
    (tmp_path / "bad.maxdot").write_bytes(b"x" * 5000)
    with pytest.raises(ValueError, match=r"bad\.maxdot"):
        live.replace(tmp_path / "bad.maxdot")
    with pytest.raises(ValueError, match="open for writing"):
        live.refresh()
    for search in (live.search, live.search_range, lambda queries, k, **how: live.search_multi(queries[None], k, **how)):
        with pytest.raises(ValueError, match="^item_mask: .* search a snapshot"):
            search(QUERIES, 3, item_mask=[True, True])
    with pytest.raises(ValueError, match="dimension"):
        live.search(QUERIES[:, :3], 3)
    with pytest.raises(TypeError, match=r"Snapshot is no maxdot\.Index"):
        maxdot.objective.log_partition(live.snapshot(), QUERIES, 1.0)
    assert live.version == version

    with maxdot.LiveIndex.open(tmp_path / "items", read_only=True) as reader:
        for change in (
            lambda: reader.upsert([1], rows[:1]),
            lambda: reader.remove([1]),
            lambda: reader.replace(maxdot.Index.build(rows)),
            reader.compact,
        ):
            with pytest.raises(ValueError, match="read-only"):
                change()
    for option, value in (("durability", "each"), ("fresh_items", 100), ("most_merge_bytes", 5)):
        with pytest.raises(ValueError, match=f"^read_only: {option} is for writers"):
            maxdot.LiveIndex.open(tmp_path / "items", read_only=True, **{option: value})

    live.close()
    live.close()
    for call in (
        lambda: live.search(QUERIES, 3),
        lambda: live.search_multi(QUERIES, 3),
        lambda: live.search_range(QUERIES, 3),
        lambda: live.upsert([1], rows[:1]),
        lambda: live.remove([1]),
        lambda: live.replace(tmp_path / "none"),
        live.refresh,
        live.snapshot,
        live.compact,
        live.stats,
        live.__enter__,
        lambda: len(live),
        lambda: live.version,
        lambda: maxdot.Batcher(live),
    ):
        with pytest.raises(ValueError, match="^live index: it is closed"):
            call()


def test_rows_of_f16(tmp_path):
    halves = gaussian(4, D, 1, np.float16)
    with maxdot.LiveIndex.create(tmp_path / "f32", D) as live:
        live.upsert(range(4), halves)
        assert live.snapshot().item(2).tobytes() == halves[2].astype(np.float32).tobytes()
    with maxdot.LiveIndex.create(tmp_path / "f16", D, dtype="float16") as live:
        live.upsert(range(4), halves[:, ::-1][:, ::-1])
        assert live.dtype == np.float16
        with pytest.raises(ValueError, match="f16"):
            live.upsert([1], gaussian(1, D, 1))


def test_closed_while_others_use_it(tmp_path):
    """Their calls end as if it were open, and then the folder is free."""
    live = maxdot.LiveIndex.create(tmp_path / "items", D, durability="none", fresh_items=64)
    live.upsert(range(5000), gaussian(5000, D, 1))
    expected = live.search(QUERIES, 5)
    snapshot, engine = live.snapshot(), live._engine
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        searches = [pool.submit(engine.search, QUERIES, 5, 1, None, False) for _ in range(50)]
        changes = [pool.submit(engine.upsert, np.array([9000 + i]), gaussian(1, D, 5)) for i in range(50)]
        del engine
        live.close()
        for search in searches:
            assert search.result()[0].shape == (30, 5)
        for change in changes:
            change.result()
        del searches, changes, search, change
    with maxdot.LiveIndex.open(tmp_path / "items") as again:
        assert len(again) == 5050
    assert_same(snapshot.search(QUERIES, 5), expected)


def test_threads(tmp_path):
    """Many write and many ask; each finds its own change, and no half of another's."""
    live = maxdot.LiveIndex.create(tmp_path / "items", D, "euclidean", durability="none", fresh_items=64)
    stop = threading.Event()

    def write(number):
        ids = np.arange(number, 200, 4)
        for turn in range(60):
            rows = np.full((len(ids), D), turn, np.float32)
            change = live.upsert(ids, rows)
            snapshot = live.snapshot()
            assert snapshot.version >= change.version
            assert snapshot.item(number)[0] == turn
            if turn % 7 == 3:
                assert live.remove(ids[:5]).items == 5
            if turn % 20 == 19:
                live.compact()

    def ask():
        while not stop.is_set():
            snapshot = live.snapshot()
            values = {int(id): float(snapshot.item(id)[0]) for id in snapshot.ids()}
            for number in range(4):  # what one upsert has put in is all there, or nothing of it
                assert len({value for id, value in values.items() if id % 4 == number}) <= 1
            found, distances = snapshot.search(np.zeros(D, np.float32), 3)
            best = sorted((np.float32(np.sqrt(D * value**2)), id) for id, value in values.items())[:3]
            assert [int(id) for id in found if id != -1] == [id for _, id in best]
            live.search(QUERIES, 3, 2)

    with concurrent.futures.ThreadPoolExecutor(7) as pool:
        asking = [pool.submit(ask) for _ in range(3)]
        for writer in [pool.submit(write, number) for number in range(4)]:
            writer.result(300)
        stop.set()
        for one in asking:
            one.result(300)
    assert live.stats()["compaction_error"] == ""
    live.close()


def test_the_gil_is_released(tmp_path):
    """Python code runs while a change, a compaction and a search do."""
    rows = gaussian(30000, 64, 1)
    with maxdot.LiveIndex.create(tmp_path / "items", 64, compact_in_background=False) as live:
        for call in (
            lambda: live.upsert(range(30000), rows),
            live.compact,
            lambda: live.search(rows[:5000], 10, 1),
        ):
            live.upsert([40000], rows[:1])
            running, ticks = threading.Event(), 0
            worker = threading.Thread(target=lambda call=call: (running.set(), call(), running.clear()))
            worker.start()
            running.wait()
            while running.is_set():
                ticks += 1
            worker.join()
            assert ticks > 100


def test_a_batcher(tmp_path):
    live = maxdot.LiveIndex.create(tmp_path / "items", D, durability="none", fresh_items=64)
    live.upsert(range(500), gaussian(500, D, 1))
    batcher = maxdot.Batcher(live)
    expected = live.search(QUERIES, 5)

    async def main():
        return await asyncio.gather(*(batcher.search_async(query, 5) for query in QUERIES))

    for i, answer in enumerate(asyncio.run(main())):
        assert_same(answer, (expected[0][i], expected[1][i]))
    with pytest.raises(ValueError, match="item_mask: .* of one version"):
        batcher.search(QUERIES[0], 5, item_mask=np.ones(500, bool))

    stop = threading.Event()

    def ask(i):
        while not stop.is_set():
            ids, scores = batcher.search(QUERIES[i], 5, exclude=[1, 2])
            assert not {1, 2} & set(ids.tolist())
            assert (np.diff(scores) <= 0).all()

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        asking = [pool.submit(ask, i) for i in range(4)]
        for turn in range(50):
            live.upsert(np.arange(60) + turn, gaussian(60, D, turn))
            # Who asks after a change sees it.
            assert_same(batcher.search(QUERIES, 7), live.search(QUERIES, 7))
        stop.set()
        for one in asking:
            one.result(120)

    live.close()  # the Batcher goes on
    expected = batcher.search(QUERIES, 7)
    with pytest.raises(OSError, match="open for writing already"):
        maxdot.LiveIndex.open(tmp_path / "items")
    batcher.replace(maxdot.Index.build(QUERIES))
    assert batcher.search(QUERIES[3], 1)[0].tolist() == [3]
    batcher.close()
    with maxdot.LiveIndex.open(tmp_path / "items") as again:
        assert_same(again.search(QUERIES, 7), expected)


def run_script(text, *arguments):
    preamble = """
        import gc, os, signal, sys, threading, time
        import maxdot, numpy as np
        folder = sys.argv[1]
        def rows(count, seed):
            return np.random.default_rng(seed).standard_normal((count, 12), dtype=np.float32)
    """
    script = textwrap.dedent(preamble) + textwrap.dedent(text)
    command = [sys.executable, "-W", "ignore::DeprecationWarning", "-c", script, *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def end_of(process):
    output, errors = process.communicate(timeout=300)
    return process.returncode, output, errors


def test_another_process_reads_while_this_one_writes(tmp_path):
    """It sees whole changes, later and later ones, and what an Index of the items would answer."""
    live = maxdot.LiveIndex.create(tmp_path / "items", D, "dot", durability="none", fresh_items=64)
    live.upsert(range(50), np.zeros((50, D), np.float32))
    reader = run_script(
        """
        reader = maxdot.LiveIndex.open(folder, read_only=True)
        queries, last, seen = rows(20, 2), 0, 0
        print("reads", flush=True)
        while 1_000_000 not in reader.snapshot():
            if not reader.refresh():
                continue
            snapshot = reader.snapshot()
            assert snapshot.version > last
            last, seen = snapshot.version, seen + 1
            ids = snapshot.ids()
            items = np.array([snapshot.item(id) for id in ids])
            assert len({row.tobytes() for row in items[ids < 50]}) == 1
            index = maxdot.Index.build(items, ids, "dot")
            for mine, its in zip(snapshot.search(queries, 5), index.search(queries, 5)):
                assert mine.tobytes() == its.tobytes()
        print(seen > 0, reader.version)
        """,
        tmp_path / "items",
    )
    assert reader.stdout.readline() == "reads\n"
    for turn in range(300):
        live.upsert(range(50), np.tile(gaussian(1, D, turn), (50, 1)))
        live.upsert(np.arange(100) + 50 + turn % 200, gaussian(100, D, turn))
        live.remove([50 + turn % 100, 51 + turn % 100])
        if turn % 100 == 0:
            live.compact()
    live.upsert([1_000_000], gaussian(1, D, 1))  # the end
    last = live.version
    assert end_of(reader) == (0, f"True {last}\n", "")
    assert live.stats()["compaction_error"] == ""
    live.close()


def test_another_process_may_not_write(tmp_path):
    with maxdot.LiveIndex.create(tmp_path / "items", D) as live:
        live.upsert([1], gaussian(1, D, 1))
        script = """
            try:
                maxdot.LiveIndex.open(folder)
            except OSError as error:
                print("already" in str(error))
        """
        assert end_of(run_script(script, tmp_path / "items")) == (0, "True\n", "")
    script = "print(len(maxdot.LiveIndex.open(folder)))"
    assert end_of(run_script(script, tmp_path / "items")) == (0, "1\n", "")


def test_a_forked_child(tmp_path):
    """It is told to open its own; a snapshot goes on; and it ends, and lets the folder go."""
    script = """
        live = maxdot.LiveIndex.create(folder, 12, fresh_items=64, durability="none")
        live.upsert(range(1000), rows(1000, 1))
        live.upsert(range(5), rows(5, 2))
        batcher = maxdot.Batcher(live)
        snapshot = live.snapshot()
        expected = snapshot.search(rows(20, 3), 5, exclude=[[1, 2]] * 20)[0]
        parents, childs = os.pipe(), os.pipe()
        child = os.fork()
        if child == 0:
            signal.alarm(100)
            for call in (
                lambda: live.search(rows(1, 3), 5),
                lambda: live.upsert([1], rows(1, 1)),
                lambda: len(live),
                live.snapshot,
                live.stats,
                lambda: maxdot.Batcher(live),
            ):
                try:
                    call()
                    os._exit(1)
                except RuntimeError as error:
                    assert str(error).startswith("live index: this process was forked"), error
            assert (snapshot.search(rows(20, 3), 5, exclude=[[1, 2]] * 20)[0] == expected).all()
            assert snapshot.item(3).tobytes() == rows(5, 2)[3].tobytes()
            reader = maxdot.LiveIndex.open(folder, read_only=True)
            assert len(reader) == 1000
            live.close()
            del live, batcher
            gc.collect()
            os.write(childs[1], b"1")
            os.read(parents[0], 1)
            sys.exit(0)
        os.read(childs[0], 1)
        live.upsert([5000], rows(1, 4))
        batcher.close()
        live.close()
        live = maxdot.LiveIndex.open(folder)      # while the child lives
        os.write(parents[1], b"1")
        print(os.waitpid(child, 0)[1], len(live), (snapshot.search(rows(20, 3), 5, exclude=[[1, 2]] * 20)[0] == expected).all())
    """
    assert end_of(run_script(script, tmp_path / "items")) == (0, "0 1001 True\n", "")


@pytest.mark.parametrize("kept", ["live", "gone = []; gone.append((gone, live))", "import builtins; builtins.kept = live"])
def test_the_process_ends_while_it_works(kept, tmp_path):
    """With segments to be made, and daemon threads that search and write."""
    script = f"""
        live = maxdot.LiveIndex.create(folder, 12, fresh_items=64, durability="none")
        {kept}
        def write(number):
            for turn in range(1_000_000):
                live.upsert(np.arange(60) + 60 * (4 * turn + number), rows(60, turn))
        def ask():
            while True:
                live.search(rows(100, 1), 10)
        for number in range(2):
            threading.Thread(target=write, args=(number,), daemon=True).start()
            threading.Thread(target=ask, daemon=True).start()
        while live.stats()["compactions"] < 3:
            time.sleep(0.01)
        print("end")
    """
    assert end_of(run_script(script, tmp_path / "items")) == (0, "end\n", "")
    with maxdot.LiveIndex.open(tmp_path / "items") as again:
        assert len(again) % 60 == 0
        assert len(again) > 0


def test_it_goes_with_the_last_reference(tmp_path):
    """Within a cycle, too; then the folder is free."""
    live = maxdot.LiveIndex.create(tmp_path / "items", D)
    live.upsert([1], gaussian(1, D, 1))
    snapshot = live.snapshot()
    gone = weakref.ref(live)
    cycle = [live]
    cycle.append(cycle)
    del live, cycle
    gc.collect()
    assert gone() is None
    assert 1 in snapshot
    maxdot.LiveIndex.open(tmp_path / "items").close()
