"""maxdot.ray.batch_search returns the rows of a job of maxdot.batch, whatever happens to its actors."""

import os
import signal

import maxdot
import maxdot.ray
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import ray
from batch_case import DIMENSION, Gate, assert_same, example, make_case, processes_that_map, until
from maxdot.batch import BatchError

pytestmark = pytest.mark.usefixtures("local_ray")


@pytest.fixture(scope="module")
def numbers(tmp_path_factory):
    return make_case(tmp_path_factory.mktemp("numbers"), text=False)


@pytest.fixture(scope="module")
def text(tmp_path_factory):
    return make_case(tmp_path_factory.mktemp("text"), text=True)


def search(users, *arguments, **options):
    return maxdot.ray.batch_search(users, *arguments, **{"concurrency": 2, **options})


def rows_of(dataset):
    return pa.concat_tables(ray.get(dataset.to_arrow_refs()))


def users_of(case):
    return ray.data.read_parquet(case.users, override_num_blocks=4)


@pytest.mark.parametrize("layout", ["long", "list"])
@pytest.mark.parametrize("which", ["numbers", "text"])
def test_rows_are_those_of_a_job(which, layout, request):
    case = request.getfixturevalue(which)
    about = {"k": 7, "layout": layout, "metric": "cosine", "scores": "f64"}
    found = rows_of(search(users_of(case), case.index, **case.asked(exclude=True, **about)))
    assert_same(found, case.expected(exclude=True, **about))


def test_rows_are_those_of_the_command(text):
    found = rows_of(search(users_of(text), text.index, **text.asked(exclude=True)))
    assert_same(found, text.by_command())


def test_example(tmp_path):
    """Of docs/batch-engines.md."""
    case = make_case(tmp_path, text=False, country=False)
    exec(example("Ray Data", tmp_path), {})
    assert_same(pq.read_table(tmp_path / "recall"), case.expected(exclude=True))


@pytest.mark.parametrize("which", ["numbers", "text"])
def test_shards_are_one_index(which, request):
    case = request.getfixturevalue(which)
    options = [{"memory": 1 << 20}, {"memory": 2 << 20}, {}]
    found = search(users_of(case), case.shards, concurrency=1, actor_options=options, **case.asked(exclude=True, k=9))
    assert_same(rows_of(found), case.expected(exclude=True, k=9))


def test_a_worker_is_killed(numbers, tmp_path):
    """Its blocks are searched again by another, and no row is lost or there twice."""
    gate = Gate(tmp_path / "gate", closed_from=2000)  # of the third file on
    tables = [pq.read_table(f"{numbers.users}/{file}.parquet") for file in range(6)]
    users = ray.data.from_arrow(tables).map_batches(gate.pass_through, batch_format="pyarrow", batch_size=None)
    found = search(users, numbers.index, **numbers.asked(exclude=True, k=7))
    rows = iter(found.iter_batches(batch_format="pyarrow", batch_size=None, prefetch_batches=0))
    first = next(rows)  # an actor has searched, and Ray goes on
    process = until(lambda: {process for _, process in gate.waiting()} & processes_that_map(numbers.index)).pop()
    came = {process for _, process in gate.waiting()}
    os.kill(process, signal.SIGKILL)
    until(lambda: {process for _, process in gate.waiting()} - came)  # another has got a block
    gate.open()
    assert_same(pa.concat_tables([first, *rows]), numbers.expected(exclude=True, k=7))


def test_tensors_and_pandas(numbers):
    """Vectors as tensors, as Ray makes them of arrays; a Dataset whose columns are not known before it runs."""
    vectors = np.random.default_rng(5).standard_normal((40, DIMENSION), dtype=np.float32)
    users = ray.data.from_items([{"user": row, "vector": vectors[row]} for row in range(len(vectors))])
    ids, scores = maxdot.Index.open(numbers.index).search(vectors, 5)
    unknown = users.map_batches(lambda frame: frame.assign(user=frame["user"] + 0), batch_format="pandas")
    assert unknown.schema(fetch_if_missing=False) is None
    for given in (users, unknown):
        found = rows_of(search(given, numbers.index, k=5)).sort_by([("user", "ascending"), ("rank", "ascending")])
        assert found["item_id"].to_pylist() == ids.reshape(-1).tolist()
        assert found["score"].to_numpy().tobytes() == scores.tobytes()


def test_names_beside_the_index(numbers, tmp_path):
    items = np.random.default_rng(6).standard_normal((30, DIMENSION), dtype=np.float32)
    index = maxdot.Index.build(items, ids=[f"item {row}" for row in range(30)])
    index.save(tmp_path / "named.maxdot")
    found = rows_of(search(users_of(numbers), tmp_path / "named.maxdot", k=3, **COLUMNS))
    users = pq.read_table(numbers.users)
    right = index.search(np.array(users["vector"].to_pylist(), np.float32), 3)[0]
    mine = dict(zip(found["user_id"].to_pylist()[::3], np.array(found["item_id"].to_pylist()).reshape(-1, 3), strict=True))
    assert [mine[user].tolist() for user in users["user_id"].to_pylist()] == index.names(right).tolist()
    with pytest.raises(BatchError, match=r"named\.maxdot: its items have names of their own"):
        search(users_of(numbers), tmp_path / "named.maxdot", item_names="names.parquet", **COLUMNS)
    with pytest.raises(BatchError, match="a shard whose items have names of its own"):
        search(users_of(numbers), [numbers.index, tmp_path / "named.maxdot"], **COLUMNS)


COLUMNS = {"id_column": "user_id", "vector_column": "vector"}


def test_bad_rows(tmp_path):
    case = make_case(tmp_path, text=False, bad=True)
    for about in ({"on_bad_row": "skip"}, {"on_bad_row": "null"}):
        assert_same(rows_of(search(users_of(case), case.index, **case.asked(k=4, **about))), case.expected(k=4, **about))
    found = search(users_of(case), case.shards, concurrency=1, **case.asked(k=4, **about))
    assert_same(rows_of(found), case.expected(k=4, **about))
    with pytest.raises(BatchError, match="user [0-9]+ .*the vector is null; mend the row") as raised:
        search(users_of(case), case.index, **case.asked()).materialize()
    assert raised.value.kind == "bad_data"
    assert isinstance(raised.value.cause, BatchError)


def test_another_index_takes_the_path(numbers, tmp_path):
    path = tmp_path / "items.maxdot"
    maxdot.Index.open(numbers.index).save(path)
    found = search(users_of(numbers), path, **COLUMNS)
    maxdot.Index.build(np.eye(DIMENSION, dtype=np.float32)).save(path)
    with pytest.raises(BatchError, match=r"items\.maxdot: on .* it holds another index \(12 x 12\) than"):
        found.materialize()


def test_what_cannot_be_done_is_told_at_the_call(numbers, text, tmp_path):
    users = users_of(numbers)
    other = tmp_path / "other.maxdot"
    maxdot.Index.build(np.eye(3, dtype=np.float32)).save(other)
    fixed = ray.data.from_arrow(pa.table({"id": [1], "v": pa.array([[1.0, 2.0]], pa.list_(pa.float32(), 2))}))
    for message, given, path, options in (
        ("absent.maxdot.*every process that searches", users, "absent.maxdot", {}),
        (r"test_batch_search\.py", users, __file__, {}),
        ("index_path: an empty list", users, [], {}),
        ("stands there 2 times", users, [numbers.index, numbers.index], {}),
        ("dimension 3, and that of", users, [numbers.index, other], {}),
        ("no column 'name'", users, numbers.index, {"id_column": "name"}),
        ("have 2 values, the items 12", fixed, numbers.index, {"id_column": None, "vector_column": None}),
        ("holds ids of type string, the items have ids of type int64", users_of(text), text.index, {"exclude_column": "seen"}),
        ("holds ids of type int64, the items have", users, text.index, {"exclude_column": "seen", "item_names": text.names}),
        (r"absent\.parquet", users, text.index, {"item_names": "absent.parquet"}),
        ("k: 0", users, numbers.index, {"k": 0}),
        ("threads: 0, every core, needs num_cpus", users, numbers.index, {"threads": 0}),
        ("concurrency: 0", users, numbers.index, {"concurrency": 0}),
        ("concurrency: 1 is no whole number from 2 on", users, numbers.index, {"concurrency": (2, 1)}),
        ("concurrency: 'all' is neither", users, numbers.index, {"concurrency": "all"}),
        ("actor_options: 2 for 1 shards", users, numbers.index, {"actor_options": [{}, {}]}),
    ):
        with pytest.raises(BatchError, match=message):
            search(given, path, **{**COLUMNS, **options})
