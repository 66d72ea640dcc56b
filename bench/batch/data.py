"""Synthetic users, items and pairs for a nightly batch, as Parquet: made block by block, the same each time."""

import pathlib

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

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
    return np.concatenate([vectors(min(GROUP, count - first), 1_000_000 + first) for first in range(0, count, GROUP)])


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
