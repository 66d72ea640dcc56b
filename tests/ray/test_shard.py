"""A replica of a shard by itself: its health, and files that it cannot open. No Ray runs here."""

import asyncio

import maxdot
import numpy as np
import pytest
from maxdot.ray.shard import Shard

ITEMS = np.random.default_rng(13).standard_normal((50_000, 64), dtype=np.float32)


def path_of(tmp_path, items):
    path = tmp_path / f"{len(items)}.maxdot"
    maxdot.Index.build(items).save(path)
    return {"path": str(path)}


def test_a_file_that_is_none_leaves_the_index_before(tmp_path):
    async def case():
        shard = Shard(1, 100)
        await shard.reconfigure(path_of(tmp_path, ITEMS[:50]))
        right = await shard.search(ITEMS[:2], 3, None, None, None, 60)
        with pytest.raises(OSError, match="absent"):
            await shard.reconfigure({"path": str(tmp_path / "absent")})
        with pytest.raises(ValueError, match="test_shard"):
            await shard.reconfigure({"path": __file__})
        with pytest.raises(ValueError, match="user_config: .* has no path"):
            await shard.reconfigure({"file": "absent"})
        again = await shard.search(ITEMS[:2], 3, None, None, None, 60)
        assert again.ids.tolist() == right.ids.tolist()
        assert again.keys.tobytes() == right.keys.tobytes()
        assert (await shard.describe(60)).path.endswith("50.maxdot")
        await shard.check_health()

    asyncio.run(case())


def test_health_fails_if_it_cannot_search(tmp_path):
    async def case():
        shard = Shard(1, 100)
        with pytest.raises(RuntimeError, match="no index is open"):
            await shard.check_health()
        await shard.reconfigure(path_of(tmp_path, ITEMS[:50]))
        await shard.check_health()
        shard._batcher.close()
        with pytest.raises(ValueError, match="closed"):
            await shard.check_health()

    asyncio.run(case())


def test_a_full_queue_is_no_fault(tmp_path):
    """The check is refused by a queue that is full, which is no failure."""
    many = np.tile(ITEMS[:4000], (2, 1))

    async def refused(shard):
        """Whether a check of health found the queue full: one request is searched then, and another waits."""
        waiting = [asyncio.create_task(shard.search(many, 10, None, None, None, 600))]
        await asyncio.sleep(0.02)
        waiting.append(asyncio.create_task(shard.search(many, 10, None, None, None, 600)))
        await asyncio.sleep(0)
        before = shard._batcher.stats()["overloaded"]
        await shard.check_health()
        after = shard._batcher.stats()["overloaded"]
        await asyncio.gather(*waiting, return_exceptions=True)  # where they meet before one begins, one is refused
        return after > before

    async def case():
        shard = Shard(1, len(many))
        await shard.reconfigure(path_of(tmp_path, ITEMS))
        for _ in range(20):
            if await refused(shard):
                return
        pytest.fail("the queue was never full")

    asyncio.run(case())
