"""Users and items for the tests of maxdot.batch, and what must come out."""

import subprocess
import sys

import maxdot
import numpy as np
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest

D = 24
ITEMS = 700


@pytest.fixture(scope="module")
def index(tmp_path_factory):
    items = np.random.default_rng(0).normal(size=(ITEMS, D)).astype(np.float32)
    path = tmp_path_factory.mktemp("items") / "items.maxdot"
    maxdot.Index.build(items, ids=np.arange(ITEMS) * 3 + 5, metric="dot").save(path)
    return maxdot.Index.open(path)


def vectors(count, seed=1, dtype=np.float32):
    return np.random.default_rng(seed).normal(size=(count, D)).astype(dtype)


def lists(rows):
    return pa.FixedSizeListArray.from_arrays(pa.array(rows.reshape(-1)), rows.shape[1])


def write_users(folder, counts=(300, 0, 211), group=128, ids=lambda file, row: f"u{file}-{row}"):
    """Files of users with text ids. Returns all ids and rows in order."""
    folder.mkdir(parents=True, exist_ok=True)
    names, rows = [], []
    for number, count in enumerate(counts):
        own = [ids(number, row) for row in range(count)]
        values = vectors(count, seed=number + 10)
        table = pa.table({"user_id": pa.array(own, pa.string()), "vector": lists(values)})
        pq.write_table(table, folder / f"{number}.parquet", row_group_size=group)
        names += own
        rows.append(values)
    return names, np.concatenate(rows)


def results(folder):
    return ds.dataset(folder, format="parquet").to_table()


def expected_long(index, names, rows, k, **search):
    """What the long layout must hold: (user, rank, item, score)."""
    ids, scores = index.search(rows, k, **search)
    return [
        (name, place + 1, int(ids[row, place]), scores[row, place])
        for row, name in enumerate(names)
        for place in range(k)
        if ids[row, place] >= 0
    ]


def rows_of(table):
    columns = [column.to_pylist() for column in table.columns]
    return list(zip(*columns, strict=True))


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def command(*arguments, **options):
    return subprocess.Popen(
        [sys.executable, "-m", "maxdot.batch", *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **options,
    )
