"""Another index under load, and what cannot be one."""

import maxdot
import numpy as np
import pytest
from cluster import SMALL, Callers, Running, application, assert_same, until
from maxdot.ray.serve import ShardsDisagreeError
from ray import serve
from ray.serve.context import _get_global_client
from ray.serve.schema import ServeDeploySchema

RANDOM = np.random.default_rng(7)
ITEMS = RANDOM.standard_normal((3000, 16), dtype=np.float32)
CHANGED = ITEMS.copy()
PARTS = np.array_split(np.arange(3000), 2)
CHANGED[PARTS[1]] += np.float32(0.5)
QUERIES = RANDOM.standard_normal((4, 16), dtype=np.float32)
OLD = maxdot.Index.build(ITEMS).search(QUERIES, 10)
NEW = maxdot.Index.build(CHANGED).search(QUERIES, 10)


def deploy(name, paths, changed=None):
    """What `serve deploy` does with a configuration file; `changed` is the file of shard-1."""
    arguments = {
        "paths": [str(path) for path in paths],
        "timeout": 60,
        "replicas": 2,
        "shard_options": SMALL,
        "front_options": SMALL,
    }
    deployments = [] if changed is None else [{"name": "shard-1", "user_config": {"path": str(changed)}}]
    one = {
        "name": name,
        "route_prefix": f"/{name}",
        "import_path": "maxdot.ray.serve:build",
        "args": arguments,
        "deployments": deployments,
    }
    _get_global_client().deploy_apps(ServeDeploySchema(applications=[one]))


def status(name):
    return serve.status().applications[name].status


def test_shard_swapped_by_its_configuration(cluster, saved, application_name):
    """Replicas stay, and change their index. A file that is none ends the roll-out, and replicas with an index answer."""
    paths = saved(ITEMS, PARTS)
    [changed] = saved(CHANGED, PARTS[1:])
    deploy(application_name, paths)
    until(lambda: application_name in serve.status().applications and status(application_name) == "RUNNING")
    served = Running(cluster, application_name, serve.get_app_handle(application_name))
    before = served.processes("shard-1")
    assert len(before) == 2
    with Callers(lambda: served.search(QUERIES, 10), [OLD, NEW]) as callers:
        deploy(application_name, paths, changed)
        until(lambda: np.array_equal(served.search(QUERIES, 10).scores, NEW[1]))
        until(lambda: status(application_name) == "RUNNING")
        callers.some()
        for _ in range(20):  # by either replica
            assert_same(served.search(QUERIES, 10), NEW)
        assert served.processes("shard-1") == before
        deploy(application_name, paths, __file__)
        until(lambda: status(application_name) == "DEPLOY_FAILED")
        callers.some()
        assert_same(served.search(QUERIES, 10), NEW)
    assert callers.failures == []


def test_run_again_with_other_files(run, saved):
    """Serve starts replicas of the new files, and ends those of the old."""
    paths = saved(ITEMS, PARTS)
    served = run(paths, replicas=2)
    [changed] = saved(CHANGED, PARTS[1:])
    with Callers(lambda: served.search(QUERIES, 10), [OLD, NEW]) as callers:
        serve.run(
            application([paths[0], changed], replicas=2), name=served.name, route_prefix=f"/{served.name}"
        )
        callers.some()
        for _ in range(20):
            assert_same(served.search(QUERIES, 10), NEW)
    assert callers.failures == []


def test_shards_that_are_no_catalogue(run, saved):
    paths = [*saved(ITEMS, PARTS[:1]), *saved(ITEMS[:, :8], PARTS[1:])]
    with pytest.raises(RuntimeError):
        run(paths)
    assert "is of dimension 8, cosine, but shard 'shard-0'" in message()


def test_item_in_two_shards(run, saved):
    served = run(saved(ITEMS, [np.arange(1000), np.arange(999, 3000)]))
    with pytest.raises(ShardsDisagreeError, match="'shard-0', 'shard-1': .*item twice"):
        served.search(ITEMS[999], 2)
    assert served.post({"queries": ITEMS[999].tolist(), "k": 2})[0] == 500


def message():
    return "\n".join(
        one.message for app in serve.status().applications.values() for one in app.deployments.values()
    )
