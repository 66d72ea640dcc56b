"""What is measured: data sets, and the calls on each."""

import dataclasses
import pathlib

import numpy as np

GLOVE = pathlib.Path(__file__).resolve().parents[2] / "examples" / "data" / "glove-100d-9600.f16.npy"


@dataclasses.dataclass(frozen=True)
class Shape:
    """One call: `batch` queries at once, the best `k` of each. `axes` are the plots that show it."""

    batch: int
    k: int
    axes: tuple


@dataclasses.dataclass(frozen=True)
class Data:
    """One data set and the calls on it; `data` is "gaussian" or a file."""

    data: str
    n: int
    d: int
    shapes: tuple


@dataclasses.dataclass(frozen=True)
class Plan:
    """A library that has spent `seconds` on a shape gets no more rounds of it.

    Memory, build time and correctness are those of the first data set.
    """

    name: str
    rounds: int
    seconds: float
    data: tuple
    thread_counts: tuple


def _axis(axis, batches=(1,), k=10):
    return tuple(Shape(batch, k, (axis,)) for batch in batches)


def _sets(data, sizes, dimensions, n_for_d, batches, ks):
    n, d = sizes[-1], 128
    if data != "gaussian":
        rows = np.load(data, mmap_mode="r")
        n, d = rows.shape
        sizes, dimensions = [n // 4, n // 2, n], []
    base = {(batch, 10): ["batch"] for batch in batches}
    for k in ks:
        base.setdefault((256, k), []).append("k")
    for batch in (1, 256):
        base.setdefault((batch, 10), []).append("n")
    made = [Data(data, n, d, tuple(Shape(*key, tuple(axes)) for key, axes in sorted(base.items())))]
    for size in sizes[:-1]:
        axes = ("n", "d") if size == n_for_d and dimensions else ("n",)
        made.append(Data(data, size, d, (Shape(1, 10, axes), Shape(256, 10, axes))))
    for dimension in dimensions:
        made.append(Data(data, n_for_d, dimension, (Shape(1, 10, ("d",)), Shape(256, 10, ("d",)))))
    if data == "gaussian":
        made.append(Data(str(GLOVE), 9600, 100, (Shape(1, 10, ("real",)), Shape(256, 10, ("real",)))))
    return tuple(made)


def quick(data, cores):
    sets = _sets(data, [25_000, 50_000, 100_000], [32, 512], 50_000, [1, 16, 256, 1024], [10, 100, 1000])
    return Plan("quick", 3, 1.0, sets, (cores,))


def full(data, cores):
    sizes, dimensions = [100_000, 200_000, 500_000, 1_000_000], [32, 64, 256, 512, 1024]
    sets = _sets(data, sizes, dimensions, 200_000, [1, 4, 16, 64, 256, 1024, 4096], [1, 10, 100, 1000])
    return Plan("full", 7, 30.0, sets, tuple(sorted({1, cores})))
