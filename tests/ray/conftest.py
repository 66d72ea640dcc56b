"""A small Ray on this machine, and applications in it that are gone at the end of their test."""

import itertools
import os
import pathlib

import batch_case
import maxdot
import numpy as np
import pytest
import ray
from cluster import free_port, run_application
from ray import serve

ROOT = pathlib.Path(__file__).resolve().parents[2]
_NUMBERS = itertools.count()


@pytest.fixture(scope="session")
def local_ray():
    os.environ["PYTHONPATH"] = str(pathlib.Path(batch_case.__file__).parent)  # of workers
    os.environ["RAY_worker_niceness"] = "0"  # others of a busy machine must not starve them
    # CPUs of Ray are a number to place replicas by: a small machine can hold all of a test's.
    ray.init(num_cpus=16, include_dashboard=False, object_store_memory=100 << 20, log_to_driver=False)
    yield
    ray.shutdown()


@pytest.fixture(scope="session")
def cluster(local_ray):
    port = free_port()
    serve.start(http_options={"host": "127.0.0.1", "port": port})
    yield port
    serve.shutdown()


@pytest.fixture
def application_name(cluster):
    """A name that no other application has, on this machine; what has it is gone after the test."""
    name = f"maxdot-{os.getpid()}-{next(_NUMBERS)}"
    yield name
    serve.delete(name)


@pytest.fixture
def run(cluster, application_name):
    """`run(paths, ...)` runs an application of shards of these files."""
    return lambda paths, **how: run_application(cluster, application_name, paths, **how)


@pytest.fixture(scope="session")
def glove():
    """Real items, and queries near them."""
    items = np.load(ROOT / "examples/data/glove-100d-9600.f16.npy")
    random = np.random.default_rng(1)
    queries = (items[random.choice(len(items), 64)] + random.normal(0, 0.1, (64, 100))).astype(np.float32)
    return items, queries


@pytest.fixture
def saved(tmp_path):
    """`saved(items, parts)` writes an index of each part, rows of `items`, and returns the paths."""

    def save(items, parts, **how):
        paths = []
        for part in parts:
            paths.append(tmp_path / f"part-{len(list(tmp_path.iterdir()))}.maxdot")
            maxdot.Index.build(items[part], ids=part, **how).save(paths[-1])
        return paths

    return save
