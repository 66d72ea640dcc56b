"""maxdot.spark.batch_search returns the rows of a job of maxdot.batch, whatever happens to its workers."""

import os
import signal
import threading

import maxdot
import maxdot.spark
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from batch_case import DIMENSION, Gate, assert_same, example, make_case, processes_that_map, until
from maxdot.batch import BatchError
from pyspark.errors import PythonException
from pyspark.sql import functions

COLUMNS = {"id_column": "user_id", "vector_column": "vector"}
BATCH = "spark.sql.execution.arrow.maxRecordsPerBatch"


@pytest.fixture(scope="module")
def numbers(tmp_path_factory):
    return make_case(tmp_path_factory.mktemp("numbers"), text=False)


@pytest.fixture(scope="module")
def text(tmp_path_factory):
    return make_case(tmp_path_factory.mktemp("text"), text=True)


@pytest.fixture(params=["numbers", "text"])
def case(request):
    return request.getfixturevalue(request.param)


@pytest.mark.parametrize("layout", ["long", "list"])
@pytest.mark.parametrize("rows", [10_000, 7])
def test_rows_are_those_of_a_job(spark, conf, case, layout, rows):
    """However Spark cuts batches."""
    conf(BATCH, rows)
    about = {"k": 7, "layout": layout, "metric": "cosine", "scores": "f64"}
    found = maxdot.spark.batch_search(spark.read.parquet(case.users), case.index, **case.asked(exclude=True, **about))
    assert_same(found.toArrow(), case.expected(exclude=True, **about))


def test_rows_are_those_of_the_command(spark, text, tmp_path):
    found = maxdot.spark.batch_search(spark.read.parquet(text.users), text.index, **text.asked(exclude=True))
    found.write.parquet(str(tmp_path / "out"))
    assert_same(pq.read_table(tmp_path / "out"), text.by_command())


def test_example(spark, tmp_path):
    """Of docs/batch-engines.md."""
    case = make_case(tmp_path, text=False, country=False)
    exec(example("Spark", tmp_path), {"spark": spark})
    assert_same(pq.read_table(tmp_path / "recall"), case.expected(exclude=True))


def test_shards_are_one_index(spark, case):
    found = maxdot.spark.batch_search(spark.read.parquet(case.users), case.shards, **case.asked(exclude=True, k=9))
    assert_same(found.toArrow(), case.expected(exclude=True, k=9))


def test_large_types(spark, conf, text):
    conf("spark.sql.execution.arrow.useLargeVarTypes", "true")
    found = maxdot.spark.batch_search(spark.read.parquet(text.users), text.index, **text.asked(exclude=True, k=3))
    rows = [row.asDict() for row in found.orderBy("user_id", "rank").collect()]
    assert rows == text.expected(exclude=True, k=3).sort_by([("user_id", "ascending"), ("rank", "ascending")]).to_pylist()


def test_a_worker_is_killed(spark, conf, numbers, tmp_path):
    """Its task runs again, and no row is lost or there twice. The gate is behind the search, whose results pile up."""
    conf(BATCH, 10)
    about = {"exclude": True, "k": 500}
    gate = Gate(tmp_path / "gate", closed_from=1020)  # amid the second file
    found = maxdot.spark.batch_search(spark.read.parquet(numbers.users), numbers.index, **numbers.asked(**about))
    gated = found.mapInArrow(lambda batches: map(gate.pass_through, batches), found.schema)
    tables = []
    job = threading.Thread(target=lambda: tables.append(gated.toArrow()))
    job.start()
    until(lambda: gate.waiting() or not job.is_alive())
    os.kill(processes_that_map(numbers.index).pop(), signal.SIGKILL)
    came = gate.waiting()
    gate.open()
    job.join()
    assert gate.waiting() - came  # the task ran again
    assert_same(tables[0], numbers.expected(**about))


def test_bytes(spark, numbers):
    vectors = np.random.default_rng(5).standard_normal((40, DIMENSION), dtype=np.float32)
    users = spark.createDataFrame([(row, bytearray(vectors[row].tobytes())) for row in range(40)], "user long, v binary")
    found = maxdot.spark.batch_search(users, numbers.index, k=5).orderBy("user", "rank").toArrow()
    ids, scores = maxdot.Index.open(numbers.index).search(vectors, 5)
    assert found["item_id"].to_pylist() == ids.reshape(-1).tolist()
    assert found["score"].to_numpy().tobytes() == scores.tobytes()


def test_names_beside_the_index(spark, numbers, tmp_path):
    items = np.random.default_rng(6).standard_normal((30, DIMENSION), dtype=np.float32)
    index = maxdot.Index.build(items, ids=[f"item {row}" for row in range(30)])
    index.save(tmp_path / "named.maxdot")
    users = spark.read.parquet(numbers.users)
    found = maxdot.spark.batch_search(users, tmp_path / "named.maxdot", k=3, **COLUMNS)
    table = users.toArrow()
    right = index.search(np.array(table["vector"].to_pylist(), np.float32), 3)[0]
    assert found.toArrow()["item_id"].to_pylist() == index.names(right).reshape(-1).tolist()
    with pytest.raises(BatchError, match=r"named\.maxdot: its items have names of their own"):
        maxdot.spark.batch_search(users, tmp_path / "named.maxdot", item_names="names.parquet", **COLUMNS)


def test_bad_rows(spark, tmp_path):
    case = make_case(tmp_path, text=False, bad=True)
    users = spark.read.parquet(case.users)
    for about in ({"on_bad_row": "skip"}, {"on_bad_row": "null"}):
        for path in (case.index, case.shards):
            found = maxdot.spark.batch_search(users, path, **case.asked(k=4, **about))
            assert_same(found.toArrow(), case.expected(k=4, **about))
    with pytest.raises(PythonException, match="BatchError: user [0-9]+ .*the vector is null; mend the row"):
        maxdot.spark.batch_search(users, case.index, **case.asked()).toArrow()


def test_another_file_takes_the_path(spark, numbers, text, tmp_path):
    path, names = tmp_path / "items.maxdot", tmp_path / "names.parquet"
    users = spark.read.parquet(numbers.users)
    maxdot.Index.open(text.index).save(path)
    pq.write_table(pq.read_table(text.names), names)
    found = maxdot.spark.batch_search(users, path, item_names=names, **COLUMNS)
    pq.write_table(pa.table({"sku": [f"other {row}" for row in range(500)]}), names)
    with pytest.raises(PythonException, match=r"names\.parquet: on .* the names of items are others"):
        found.toArrow()
    maxdot.Index.build(np.eye(DIMENSION, dtype=np.float32)).save(path)
    with pytest.raises(PythonException, match=r"items\.maxdot: on .* it holds another index \(12 x 12\) than"):
        found.toArrow()


def test_what_cannot_be_done_is_told_at_the_call(spark, numbers, text, tmp_path):
    users, named = spark.read.parquet(numbers.users), spark.read.parquet(text.users)
    other = tmp_path / "other.maxdot"
    maxdot.Index.build(np.eye(3, dtype=np.float32)).save(other)
    moving = users.withColumn("since", functions.expr("make_interval(1)"))  # of a type that Arrow's data has not
    for message, given, path, options in (
        (r"absent\.maxdot.*every process that searches", users, "absent.maxdot", {}),
        (r"test_batch_search\.py", users, __file__, {}),
        ("index_path: an empty list", users, [], {}),
        ("stands there 2 times", users, [numbers.index, numbers.index], {}),
        ("dimension 3, and that of", users, [numbers.index, other], {}),
        ("no column 'since'; there are 'user_id'", moving, numbers.index, {"id_column": "since"}),
        ("holds ids of type string, the items have ids of type int64", named, text.index, {"exclude_column": "seen"}),
        (r"absent\.parquet", users, text.index, {"item_names": "absent.parquet"}),
        ("k: 0", users, numbers.index, {"k": 0}),
        ("threads: -1", users, numbers.index, {"threads": -1}),
    ):
        with pytest.raises(BatchError, match=message):
            maxdot.spark.batch_search(given, path, **{**COLUMNS, **options})
