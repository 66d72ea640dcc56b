"""A Spark in this process, with two cores, which runs a task that failed again, as a cluster does."""

import os
import pathlib
import sys

import batch_case
import pytest
from pyspark.sql import SparkSession


@pytest.fixture(scope="session")
def spark():
    os.environ["PYSPARK_PYTHON"] = sys.executable  # that which has maxdot
    os.environ["PYTHONPATH"] = str(pathlib.Path(batch_case.__file__).parent)
    os.environ["SPARK_LOCAL_IP"] = "127.0.0.1"
    session = (
        SparkSession.builder.master("local[2,4]")
        .config("spark.ui.enabled", "false")
        .config("spark.driver.memory", "1g")
        .config("spark.sql.shuffle.partitions", "2")
        .getOrCreate()
    )
    session.sparkContext.setLogLevel("OFF")
    yield session
    session.stop()


@pytest.fixture
def conf(spark):
    """`conf(name, value)` sets what is as before after the test."""
    before = {}

    def setting(name, value):
        before.setdefault(name, spark.conf.get(name, None))
        spark.conf.set(name, value)

    yield setting
    for name, value in before.items():
        spark.conf.unset(name) if value is None else spark.conf.set(name, value)
