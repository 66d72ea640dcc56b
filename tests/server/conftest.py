"""Real data: the GloVe vectors of examples/data, as an index and a running server."""

import pathlib

import maxdot
import numpy as np
import pytest
from running import Running

ROOT = pathlib.Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def items():
    return np.load(ROOT / "examples/data/glove-100d-9600.f16.npy")


@pytest.fixture(scope="session")
def queries(items):
    random = np.random.default_rng(1)
    return (items[random.choice(len(items), 64)] + random.normal(0, 0.1, (64, 100))).astype(np.float32)


@pytest.fixture(scope="session")
def path(items, tmp_path_factory):
    path = tmp_path_factory.mktemp("index") / "glove.maxdot"
    maxdot.Index.build(items).save(path)
    return path


@pytest.fixture(scope="session")
def index(path):
    return maxdot.Index.open(path)


@pytest.fixture(scope="session")
def server(path):
    with Running(path) as running:
        yield running
