"""Replicas that are killed, and shards that are down."""

import maxdot
import numpy as np
import pytest
from cluster import Callers, assert_same, assert_same_json, until
from maxdot.ray.serve import Answer, ShardUnavailableError
from ray.exceptions import RayActorError

RANDOM = np.random.default_rng(5)
ITEMS = RANDOM.standard_normal((4000, 16), dtype=np.float32)
QUERIES = RANDOM.standard_normal((4, 16), dtype=np.float32)
PARTS = np.array_split(np.arange(4000), 2)
WHOLE = maxdot.Index.build(ITEMS)
RIGHT = WHOLE.search(QUERIES, 10)
REST = maxdot.Index.build(ITEMS[PARTS[0]], ids=PARTS[0]).search(QUERIES, 10)


def test_killed_replicas(run, saved):
    served = run(saved(ITEMS, PARTS), replicas=2)
    until(lambda: len(served.processes("shard-0")) == len(served.processes("shard-1")) == 2)
    with Callers(lambda: served.search(QUERIES, 10), [RIGHT]) as callers:
        for shard in ("shard-0", "shard-1", "shard-0"):
            killed = served.kill_one(shard)
            callers.some()
            until(lambda: len(served.processes(shard) - {killed}) == 2)  # Serve has started another
            callers.some()
    assert callers.failures == []


def test_only_replica_killed(run, saved):
    """Searches wait for the next one, as long as their timeout lets them."""
    served = run(saved(ITEMS, PARTS))
    with Callers(lambda: served.search(QUERIES, 10), [RIGHT]) as callers:
        served.kill_one("shard-1")
        callers.some()
    assert callers.failures == []


def test_killed_front(run, saved):
    """A caller whose front is killed gets Ray's error, and may ask again; others notice nothing."""
    served = run(saved(ITEMS, PARTS), replicas=2)
    until(lambda: len(served.processes("front")) == 2)
    with Callers(lambda: served.search(QUERIES, 10), [RIGHT], 3) as callers:
        killed = served.kill_one("front")
        until(lambda: len(served.processes("front") - {killed}) == 2)
        callers.some()
    assert len(callers.failures) <= 3
    assert all(isinstance(error, RayActorError) for error in callers.failures)


def test_killed_front_by_http(run, saved):
    def search():
        status, answer = served.post({"queries": QUERIES.tolist(), "k": 10})
        if status != 200:
            raise ConnectionError(status)
        return Answer(np.array(answer["ids"]), np.array(answer["scores"], np.float32), tuple(answer["missing"]))

    served = run(saved(ITEMS, PARTS), replicas=2)
    until(lambda: len(served.processes("front")) == 2)
    with Callers(search, [RIGHT], 3) as callers:
        killed = served.kill_one("front")
        until(lambda: len(served.processes("front") - {killed}) == 2)
        callers.some()
    assert len(callers.failures) <= 3
    assert all(isinstance(error, OSError) for error in callers.failures)  # 500, or a connection that is closed


@pytest.mark.parametrize("partial", [False, True])
def test_shard_down(run, saved, partial):
    paths = saved(ITEMS, PARTS)
    served = run(paths, timeout=2, partial=partial)
    assert_same(served.search(QUERIES, 10), RIGHT)
    hidden = paths[1].rename(paths[1].with_suffix(".hidden"))
    served.kill_one("shard-1")  # the next one finds no file
    until(lambda: is_missing(served, "shard-1"))
    if partial:
        assert_same(served.search(QUERIES, 10), REST, ("shard-1",))
        assert served.search(QUERIES[0], 10).ids.tolist() == REST[0][0].tolist()
        status, answer = served.post({"queries": QUERIES.tolist(), "k": 10})
        assert status == 200
        assert_same_json(answer, REST, ("shard-1",))
        paths[0].rename(paths[0].with_suffix(".hidden"))
        served.kill_one("shard-0")
        with pytest.raises(ShardUnavailableError, match=r"(?s)'shard-0'.*'shard-1'") as raised:
            until(lambda: len(served.search(QUERIES, 10).missing_shards) == 2)
        assert raised.value.shards == ("shard-0", "shard-1")
        return
    with pytest.raises(ShardUnavailableError, match="shard 'shard-1': ") as raised:
        served.search(QUERIES, 10)
    assert raised.value.shards == ("shard-1",)
    status, answer = served.post({"queries": QUERIES.tolist(), "k": 10})
    assert status == 503
    assert answer["error"].startswith("shard 'shard-1': ")
    hidden.rename(paths[1])  # Serve tries again and again
    until(lambda: not is_missing(served, "shard-1"))
    assert_same(served.search(QUERIES, 10), RIGHT)


def test_shard_hangs(run, saved):
    """It is not dead, but there is no answer in time; afterwards it is as good as before."""
    served = run(saved(ITEMS, PARTS), timeout=2, partial=True)
    assert_same(served.search(QUERIES, 10), RIGHT)
    with served.stopped("shard-1"):
        assert_same(served.search(QUERIES, 10), REST, ("shard-1",))
    until(lambda: not is_missing(served, "shard-1"))
    assert_same(served.search(QUERIES, 10), RIGHT)


def is_missing(served, shard):
    try:
        return shard in served.search(QUERIES, 10).missing_shards
    except ShardUnavailableError as error:
        return shard in error.shards
