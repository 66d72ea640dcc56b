"""The module that FAISS's tests import as `faiss`: maxdot.faiss, and what the tests need around it.

Three kinds of names are here:

* those of maxdot.faiss: what is tested;
* helpers of the tests: random data, a table of results, settings of FAISS's own loops, which mean nothing here;
* every other name: an `Absent`, so that a test file can be imported. What a test does with one is noted, and
  a call raises NotHereError: a test that touched one has not passed.
"""

from __future__ import annotations

import sys
import types
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from maxdot import faiss


class NotHereError(NotImplementedError):
    """A test needs something that is not here."""


touched: list[str] = []


def _refuse(self: Absent, *arguments: object, **named: object) -> NoReturn:
    touched.append(self.name)
    raise NotHereError(f"faiss.{self.name} is not here")


class Absent:
    """Something of FAISS that is not here."""

    def __init__(self, name: str) -> None:
        self.name = name

    __call__ = __index__ = __float__ = __len__ = __iter__ = __getitem__ = _refuse
    __mro_entries__ = __enter__ = _refuse

    def __instancecheck__(self, instance: object) -> bool:
        return False

    def __getattr__(self, name: str) -> Absent:
        if name.startswith("__"):
            raise AttributeError(name)
        touched.append(self.name)
        return Absent(f"{self.name}.{name}")


class _SimdConfig:
    """FAISS's tests run once for each instruction set that this has. maxdot chooses its own, so there is one."""

    @staticmethod
    def is_simd_level_available(level: object) -> bool:
        return level == "NONE"

    @staticmethod
    def get_dispatched_level() -> str:
        return "NONE"

    get_level = get_dispatched_level

    @staticmethod
    def set_level(level: object) -> None:
        assert level == "NONE"


class _ResultHeap:
    """The best of results that come in pieces."""

    def __init__(self, nq: int, k: int, keep_max: bool = False) -> None:
        self.k, self.sign = k, -1 if keep_max else 1
        self.D, self.I = np.empty((nq, 0), np.float32), np.empty((nq, 0), np.int64)

    def add_result(self, D: np.ndarray, I: np.ndarray) -> None:
        self.D, self.I = np.hstack([self.D, D]), np.hstack([self.I, I])
        order = np.argsort(self.sign * self.D, axis=1, kind="stable")[:, : self.k]
        self.D, self.I = np.take_along_axis(self.D, order, 1), np.take_along_axis(self.I, order, 1)

    def finalize(self) -> None:
        """Nothing is left to do."""


def _shape(n: Any) -> tuple[int, ...]:
    return tuple(n) if isinstance(n, tuple) else (int(n),)


_HELPERS: dict[str, Any] = {
    "rand": lambda n, seed=12345: np.random.RandomState(seed).rand(*_shape(n)).astype(np.float32),
    "randn": lambda n, seed=12345: np.random.RandomState(seed).randn(*_shape(n)).astype(np.float32),
    "eval_intersection": lambda a, b: sum(len(np.intersect1d(x, y)) for x, y in zip(a, b, strict=True)),
    "is_similarity_metric": lambda metric: metric == faiss.METRIC_INNER_PRODUCT,
    "get_num_gpus": lambda: 0,
    "get_mem_usage_kb": lambda: int(Path("/proc/self/statm").read_text().split()[1]) * 4,
    "swig_version": lambda: 0x50000,  # as no SWIG has
    "ResultHeap": _ResultHeap,
    "SIMDConfig": _SimdConfig,
    "cvar": types.SimpleNamespace(),
}


def install(checkout: Path) -> None:
    """From here on `import faiss` is the stand-in, with the `contrib` of the checkout."""
    module = types.ModuleType("faiss", __doc__)
    for name in faiss.__all__:
        setattr(module, name, getattr(faiss, name))
    for name, helper in _HELPERS.items():
        setattr(module, name, helper)
    module.__getattr__ = _absent  # type: ignore[method-assign]
    contrib = types.ModuleType("faiss.contrib")
    contrib.__path__ = [str(checkout / "contrib")]
    module.contrib = contrib  # type: ignore[attr-defined]
    sys.modules["faiss"], sys.modules["faiss.contrib"] = module, contrib


def _absent(name: str) -> Any:
    if name.startswith("SIMDLevel_"):
        return name.removeprefix("SIMDLevel_")
    if name.startswith("__"):
        raise AttributeError(name)
    return Absent(name)
