"""Synthetic users, items and pairs for a nightly batch, as Parquet: made block by block, the same each time."""

import argparse
import pathlib

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

import maxdot

DIMENSION = 128
FILES = 20
GROUP = 50_000  # users of a row group
CENTRES = 2_000  # users and items lie around the same centres, as those of a two-tower model


def vectors(count, seed):
    """float32 rows around shared centres."""
    centres = np.random.default_rng(7).standard_normal((CENTRES, DIMENSION), dtype=np.float32)
    random = np.random.default_rng(seed)
    rows = random.standard_normal((count, DIMENSION), dtype=np.float32)
    rows *= 0.7
    rows += centres[random.integers(0, CENTRES, count)]
    return rows


def user_ids(first, count):
    return pa.array([f"user-{number:09d}" for number in range(first, first + count)])


def items(count):
    return np.concatenate(
        [vectors(min(GROUP, count - first), 1_000_000 + first) for first in range(0, count, GROUP)]
    )


def write_users(folder: pathlib.Path, count):
    """FILES files of row groups of GROUP users, with text ids."""
    folder.mkdir(parents=True, exist_ok=True)
    first = 0
    for number in range(FILES):
        last = count * (number + 1) // FILES
        path = folder / f"users-{number:02d}.parquet"
        schema = pa.schema([("user_id", pa.string()), ("vector", pa.list_(pa.float32(), DIMENSION))])
        with pq.ParquetWriter(path, schema, compression="none", use_dictionary=False) as writer:
            while first < last:
                rows = min(GROUP, last - first)
                flat = pa.array(vectors(rows, first).reshape(-1))
                column = pa.FixedSizeListArray.from_arrays(flat, DIMENSION)
                writer.write_table(pa.table([user_ids(first, rows), column], schema=schema))
                first += rows


def write_pairs(path: pathlib.Path, pairs, users, item_count):
    """Pairs in no order of users."""
    random = np.random.default_rng(11)
    schema = pa.schema([("user_id", pa.string()), ("item_id", pa.int64())])
    with pq.ParquetWriter(path, schema) as writer:
        for first in range(0, pairs, 1_000_000):
            count = min(1_000_000, pairs - first)
            names = pa.array([f"user-{number:09d}" for number in random.integers(0, users, count)])
            writer.write_table(pa.table([names, pa.array(random.integers(0, item_count, count))], schema=schema))


def write_lists(folder: pathlib.Path, users: pathlib.Path, pairs: pathlib.Path):
    """The same users with a column `seen`, the items of their pairs."""
    folder.mkdir(parents=True, exist_ok=True)
    table = pq.read_table(pairs)
    numbers = pc.cast(pc.utf8_slice_codeunits(table["user_id"], len("user-")), pa.int64()).to_numpy()
    order = np.argsort(numbers, kind="stable")
    numbers, seen = numbers[order], table["item_id"].to_numpy()[order]
    first = 0
    for path in sorted(users.glob("*.parquet")):
        file = pq.ParquetFile(path)
        schema = file.schema_arrow.append(pa.field("seen", pa.list_(pa.int64())))
        with pq.ParquetWriter(folder / path.name, schema, compression="none", use_dictionary=False) as writer:
            for group in range(file.num_row_groups):
                rows = file.read_row_group(group)
                ends = np.searchsorted(numbers, np.arange(first, first + len(rows) + 1))
                lists = pa.ListArray.from_arrays(
                    pa.array(ends - ends[0], pa.int32()), pa.array(seen[ends[0] : ends[-1]])
                )
                writer.write_table(rows.append_column(schema.field("seen"), lists))
                first += len(rows)


def add_data_options(parser: argparse.ArgumentParser):
    parser.add_argument("--users", type=int, default=2_000_000)
    parser.add_argument("--items", type=int, default=500_000)
    parser.add_argument("--pairs", type=int, default=20_000_000)
    parser.add_argument("-k", type=int, default=100)
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path("build/bench-batch"))


class Data:
    """The files of a benchmark, of these options."""

    def __init__(self, options: argparse.Namespace):
        self._options = options
        self._folder = options.out / f"{options.users}-{options.items}-{options.pairs}"
        self.index = self._folder / "items.maxdot"
        self.pairs = self._folder / "seen.parquet"

    def users(self, share) -> pathlib.Path:
        """A folder of this share of the users."""
        return self._folder / f"users-{share}"

    def users_with_lists(self) -> pathlib.Path:
        return self._folder / "users-with-lists"

    def make(self, shares=(1.0,), lists=False):
        """Makes what is not there yet."""
        options = self._options
        self._folder.mkdir(parents=True, exist_ok=True)
        self._once("items", lambda: maxdot.Index.build(items(options.items), metric="dot").save(self.index))
        self._once("pairs", lambda: write_pairs(self.pairs, options.pairs, options.users, options.items))
        for share in shares:
            self._once(
                f"users-{share}", lambda share=share: write_users(self.users(share), int(options.users * share))
            )
        if lists:
            self._once("lists", lambda: write_lists(self.users_with_lists(), self.users(1.0), self.pairs))

    def _once(self, name, make):
        mark = self._folder / f"{name}.ready"
        if not mark.exists():
            make()
            mark.touch()
