"""The ann-benchmarks module, driven as ann-benchmarks drives it, on a small HDF5 file of its shape."""

import importlib.util
import sys
import types

import numpy as np
import pytest
from support import ROOT, best, gaussian

METRICS = {"angular": "cosine", "euclidean": "euclidean", "ip": "dot"}


class BaseANN:
    """What ann_benchmarks.algorithms.base.module offers its modules."""

    def get_additional(self):
        return {}


@pytest.fixture
def module(monkeypatch):
    for name in ("ann_benchmarks", "ann_benchmarks.algorithms", "ann_benchmarks.algorithms.base"):
        monkeypatch.setitem(sys.modules, name, types.ModuleType(name))
    base = types.ModuleType("ann_benchmarks.algorithms.base.module")
    base.BaseANN = BaseANN
    monkeypatch.setitem(sys.modules, base.__name__, base)
    path = ROOT / "bench" / "ann_benchmarks" / "maxdot" / "module.py"
    spec = importlib.util.spec_from_file_location("ann_benchmarks.algorithms.maxdot.module", path)
    loaded = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "ann_benchmarks.algorithms.maxdot", types.ModuleType("maxdot"))
    spec.loader.exec_module(loaded)
    return loaded


@pytest.mark.parametrize("dtype", ["float32", "float16"])
@pytest.mark.parametrize("distance", METRICS)
def test_fit_query_batch_query(module, distance, dtype, tmp_path):
    h5py = pytest.importorskip("h5py")
    with h5py.File(tmp_path / "small.hdf5", "w") as file:
        file.attrs["distance"] = distance
        file["train"], file["test"] = (
            gaussian(500, 25, 15).astype(dtype).astype(np.float32),
            gaussian(20, 25, 16),
        )
        file["neighbors"], file["distances"] = best(file["train"][:], file["test"][:], 100, METRICS[distance])
    with h5py.File(tmp_path / "small.hdf5") as file:
        algorithm = module.Maxdot(file.attrs["distance"], dtype)
        algorithm.fit(file["train"][:])
        algorithm.batch_query(file["test"][:], 10)
        found = [algorithm.query(query, 10) for query in file["test"][:]]
        np.testing.assert_array_equal(found, file["neighbors"][:, :10])
        np.testing.assert_array_equal(algorithm.get_batch_results(), found)
        algorithm.done()
    assert dtype in str(algorithm)


def test_unknown_metric(module):
    with pytest.raises(NotImplementedError, match="jaccard"):
        module.Maxdot("jaccard")
