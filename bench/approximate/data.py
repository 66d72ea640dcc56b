"""Items, of which smaller sizes are prefixes, and queries that are none of them: unit rows in float32."""

import dataclasses
import json
import pathlib

import numpy as np

TUNING, MEASURED = 2048, 2048  # queries that settings are chosen by, and those that are reported
HELD_OUT = TUNING + MEASURED
BLOCK = 100_000  # rows that are made at once, by a generator of their own: any prefix is always the same
CENTRES = 2000
DIMENSIONS = {"clustered": 64, "gaussian": 128}
SIZES = (10_000, 30_000, 100_000, 300_000, 1_000_000, 3_000_000)
SIZES_OF_FILE = (10_000, 30_000, 100_000)


class Unusable(Exception):
    """The data cannot be used; the message says why."""


@dataclasses.dataclass(frozen=True)
class Data:
    """`most` items can be had; None: any number. `source` tells whether files were made of this data."""

    name: str
    d: int
    most: int | None
    source: dict
    path: pathlib.Path | None = None

    def sizes(self):
        if self.most is None:
            return list(SIZES)
        return [n for n in SIZES_OF_FILE if n < self.most] + [self.most]


def name_of(data):
    """The name of a data set, and of its folder."""
    return data if data in DIMENSIONS else pathlib.Path(data).name.split(".")[0]


def describe(name):
    """What "clustered", "gaussian" or the path of an .npy file stands for."""
    if name in DIMENSIONS:
        return Data(name, DIMENSIONS[name], None, {"made": name})
    path = pathlib.Path(name)
    try:
        rows = np.load(path, mmap_mode="r")
        changed = path.stat()
    except (OSError, ValueError, EOFError) as error:
        raise Unusable(f"--data {name}: {error}") from error
    if rows.ndim != 2 or rows.dtype not in (np.float32, np.float16):
        raise Unusable(f"--data {name}: needs float32 or float16 [n, d], not {rows.dtype} {list(rows.shape)}")
    if len(rows) < HELD_OUT + 1000:
        raise Unusable(f"--data {name}: {len(rows):,} rows; {HELD_OUT:,} queries and 1,000 items are needed")
    source = {"file": path.name, "bytes": changed.st_size, "modified": changed.st_mtime_ns}
    return Data(name_of(name), rows.shape[1], len(rows) - HELD_OUT, source, path)


def unit(rows):
    rows = rows.astype(np.float64)
    norms = np.linalg.norm(rows, axis=1, keepdims=True)
    if not np.isfinite(norms).all():
        raise Unusable("--data: a row holds NaN or Inf")
    return (rows / np.where(norms > 0, norms, 1)).astype(np.float32)


def _made(name, rows, stream):
    """`rows` of block number `stream`; the first block are the queries."""
    d = DIMENSIONS[name]
    made = np.random.default_rng((1, stream))
    noise = made.standard_normal((rows, d), dtype=np.float32)
    if name == "gaussian":
        return noise
    centres = np.random.default_rng(1).standard_normal((CENTRES, d), dtype=np.float32)
    return centres[made.integers(0, CENTRES, rows)] + np.float32(0.5) * noise


def _blocks(data, n):
    """The queries, then the items in blocks."""
    if data.path is None:
        yield _made(data.name, HELD_OUT, 0)
        for number, start in enumerate(range(0, n, BLOCK), 1):
            yield _made(data.name, BLOCK, number)[: n - start]
        return
    rows = np.load(data.path, mmap_mode="r")
    order = np.random.default_rng(1).permutation(len(rows))
    taken = np.arange(HELD_OUT) * len(rows) // HELD_OUT
    yield rows[order[taken]]
    kept = np.delete(order, taken)[:n]
    for start in range(0, n, BLOCK):
        yield rows[kept[start : start + BLOCK]]


def claim(folder, data):
    """Notes what the folder's results are of. Unusable if that is other data."""
    source = folder / "source.json"
    if source.exists() and json.loads(source.read_text(encoding="utf-8")) != data.source:
        raise Unusable(f"{folder} holds results of other data: remove it, or choose another --out")
    source.write_text(json.dumps(data.source), encoding="utf-8")


def write(folder, data, n):
    """Writes at least n items and the queries once. Returns the two paths."""
    items, queries = folder / "items.npy", folder / "queries.npy"
    if items.exists() and queries.exists() and len(np.load(items, mmap_mode="r")) >= n:
        return items, queries
    blocks = _blocks(data, n)
    np.save(queries, unit(next(blocks)))
    part = folder / "items.part.npy"
    with part.open("wb") as file:  # block by block: all rows in memory would leave less room for the indexes
        header = {"descr": "<f4", "fortran_order": False, "shape": (n, data.d)}
        np.lib.format.write_array_header_1_0(file, header)
        for block in blocks:
            file.write(unit(block).tobytes())
    part.replace(items)
    return items, queries
