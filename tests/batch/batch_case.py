"""Items and users on the disk, and the rows that maxdot.batch writes for them: what its engines must return, too."""

import itertools
import os
import pathlib
import re
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass

import maxdot
import numpy as np
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
from maxdot.batch import Job, run

ROOT = pathlib.Path(__file__).resolve().parents[2]
DIMENSION = 12
ITEMS = 500
FILES, USERS_OF_A_FILE = 6, 50
SHARDS = 3


@dataclass(frozen=True)
class Case:
    """Attributes:
    text: whether ids of users and items are text.
    bad: how many users have a bad vector.
    """

    folder: pathlib.Path
    text: bool
    bad: int

    @property
    def users(self):
        """A folder of Parquet files with columns user_id, vector and seen, which is lists of items."""
        return str(self.folder / "users")

    @property
    def index(self):
        return str(self.folder / "items.maxdot")

    @property
    def shards(self):
        return [str(self.folder / f"shard-{number}.maxdot") for number in range(SHARDS)]

    @property
    def names(self):
        return str(self.folder / "names.parquet") if self.text else None

    def expected(self, exclude=False, **options):
        """The table of what a job writes for the same users, and what it is asked for here."""
        out = self.folder / "expected"
        shutil.rmtree(out, ignore_errors=True)
        run(
            Job(
                items=self.folder / "items.parquet" if self.text else self.index,
                users=self.users,
                out=out,
                id_column="user_id",
                vector_column="vector",
                exclude=self.folder / "seen.parquet" if exclude else None,
                **{"metric": "dot", **options},
            )
        )
        return ds.dataset(out, format="parquet").to_table()

    def by_command(self, **options):
        """The same of the command, by its defaults but for the exclusions and these options."""
        out = self.folder / "by command"
        items = self.folder / "items.parquet" if self.text else self.index
        words = [f"--{name.replace('_', '-')}={value}" for name, value in options.items()]
        command = [sys.executable, "-m", "maxdot.batch", "--items", items, "--users", self.users, "--out", out, *words]
        command += ["--exclude", self.folder / "seen.parquet", "--id-column=user_id", "--vector-column=vector"]
        subprocess.run([*command, "--metric=dot"], check=True, capture_output=True)
        return ds.dataset(out, format="parquet").to_table()

    def asked(self, exclude=False, **options):
        """The same, as arguments of batch_search."""
        columns = {"id_column": "user_id", "vector_column": "vector", "item_names": self.names}
        return columns | ({"exclude_column": "seen"} if exclude else {}) | options


def make_case(folder, text, bad=False, country=True):
    """`country`: whether the users have a second column that could be their ids."""
    random = np.random.default_rng(21)
    items = random.standard_normal((ITEMS, DIMENSION), dtype=np.float32)
    items[300:350] = items[:50]  # ties, across shards
    ids = np.arange(ITEMS) if text else random.permutation(10 * ITEMS)[:ITEMS]
    _save(folder / "items.maxdot", items, ids)
    owner = random.integers(0, SHARDS, ITEMS)
    for number in range(SHARDS):
        _save(folder / f"shard-{number}.maxdot", items[owner == number], ids[owner == number])
    names = [f"item {number}" for number in range(ITEMS)]
    if text:
        vectors = pa.FixedSizeListArray.from_arrays(pa.array(items.reshape(-1)), DIMENSION)
        pq.write_table(pa.table({"sku": names, "vector": vectors}), folder / "items.parquet")
        pq.write_table(pa.table({"sku": names}), folder / "names.parquet")
    (folder / "users").mkdir()
    pairs = []
    for file in range(FILES):
        users = [f"user {file}-{row}" if text else 1000 * file + row for row in range(USERS_OF_A_FILE)]
        rows = random.standard_normal((USERS_OF_A_FILE, DIMENSION), dtype=np.float32).tolist()
        seen = [_seen(random, ids, names if text else None, row) for row in range(USERS_OF_A_FILE)]
        pairs += [(user, item) for user, own in zip(users, seen, strict=True) for item in own or ()]
        if bad:
            rows[3], rows[11], rows[12][4], rows[40][0] = None, rows[11][1:], None, float("nan")
        table = pa.table(
            {
                "user_id": users,
                "country": ["ch"] * len(users),
                "vector": pa.array(rows, pa.list_(pa.float32())),
                "seen": pa.array(seen, pa.list_(pa.string() if text else pa.int64())),
            }
        )
        if not country:
            table = table.drop_columns("country")
        pq.write_table(table, folder / "users" / f"{file}.parquet", row_group_size=20)
    users, own = zip(*pairs, strict=True)
    pq.write_table(pa.table({"user_id": users, "item_id": own}), folder / "seen.parquet")
    return Case(folder, text, 4 * FILES if bad else 0)


def _save(path, items, ids):
    maxdot.Index.build(items, ids=ids, metric="dot").save(path)


def _seen(random, ids, names, row):
    """Some items, some of which are not there; none; or no list."""
    if row % 9 == 0:
        return None
    chosen = [int(item) for item in random.choice(ids, row % 40)]
    return [*(chosen if names is None else (names[item] for item in chosen)), *([-7] if names is None else ["none"])]


def assert_same(table, expected):
    """The same rows, to the last bit of each score, those of a user one behind the other and in order."""
    assert table.schema.names == expected.schema.names
    assert [_type_name(field.type) for field in table.schema] == [_type_name(field.type) for field in expected.schema]
    found, right = _by_user(table), _by_user(expected)
    assert sorted(found, key=str) == sorted(right, key=str)
    for user, rows in right.items():
        assert found[user] == rows, user


def _type_name(kind):
    """Writers of Parquet give the values of a list one name or another, and some write large lists."""
    lists = pa.types.is_list(kind) or pa.types.is_large_list(kind)
    return f"list of {kind.value_type}" if lists else str(kind)


def _by_user(table):
    """Of each user the rows as text: that of a float tells its bits."""
    found = {}
    for user, rows in itertools.groupby(table.to_pylist(), key=lambda row: row["user_id"]):
        assert user not in found, f"the rows of {user} are not together"
        found[user] = [repr(row) for row in rows]
    return found


class Gate:
    """Users go through until `closed_from`; the others wait until the gate is opened. It notes who came, in whose process.

    A worker of an engine has a copy: what they share is a folder.
    """

    def __init__(self, folder, closed_from):
        self._folder = pathlib.Path(folder)
        self._closed_from = closed_from
        self._folder.mkdir()

    def pass_through(self, users):
        """`users`: a table or a record batch, whose first id decides."""
        first = users.column("user_id")[0].as_py()
        if first >= self._closed_from:
            (self._folder / f"{first}@{os.getpid()}").touch()
            until((self._folder / "open").exists)
        return users

    def waiting(self):
        """(first user, process) of all that came to the closed gate."""
        return {tuple(map(int, path.name.split("@"))) for path in self._folder.glob("*@*")}

    def open(self):
        (self._folder / "open").touch()


def example(section, folder):
    """The first code of a section of docs/batch-engines.md, whose files are in `folder`."""
    text = (ROOT / "docs/batch-engines.md").read_text(encoding="utf-8").split(f"\n## {section}\n")[1]
    code = re.search(r"```python\n(.*?)```", text, re.DOTALL).group(1)
    for name in ("users/", "items.maxdot", "recall/"):
        assert f'"{name}"' in code
        code = code.replace(f'"{name}"', repr(f"{folder}/{name}"))
    return code


def processes_that_map(path):
    """Those that have an index open, without this one."""
    found = set()
    for maps in pathlib.Path("/proc").glob("[0-9]*/maps"):
        try:
            if str(path) in maps.read_text() and int(maps.parent.name) != os.getpid():
                found.add(int(maps.parent.name))
        except OSError:  # it has ended
            continue
    return found


def until(true):
    """Waits until `true()` is, and returns it."""
    end = time.monotonic() + 120  # [seconds] far beyond what anything here takes
    while not (value := true()):
        assert time.monotonic() < end
        time.sleep(0.05)
    return value
