"""The k best items of every user, from and to Parquet, as a job that can be stopped and goes on (docs/batch.md).

>>> job = Job(items="items.maxdot", users="users/", out="recall/", k=100)
>>> print(run(job).users_per_second)

`python -m maxdot.batch --help` is the same as a command. For engines that read, spread and write the tables
themselves (docs/batch-engines.md): `search_block` of a table, `search_shard` and `shard_results` of shards of items.
"""

from maxdot.batch.block import BlockOptions, block_schema, search_block
from maxdot.batch.item_files import ItemFiles
from maxdot.batch.items import IndexFile, read_item_names
from maxdot.batch.job import BatchError, Job, Layout, OnBadRow, ScoreValues
from maxdot.batch.progress import JsonEvents, Lines, Reporter, Silent
from maxdot.batch.run import Summary, run
from maxdot.batch.sample import SampleCheck, verify_sample
from maxdot.batch.shards import search_shard, shard_results

__all__ = [
    "BatchError",
    "BlockOptions",
    "IndexFile",
    "ItemFiles",
    "Job",
    "JsonEvents",
    "Layout",
    "Lines",
    "OnBadRow",
    "Reporter",
    "SampleCheck",
    "ScoreValues",
    "Silent",
    "Summary",
    "block_schema",
    "read_item_names",
    "run",
    "search_block",
    "search_shard",
    "shard_results",
    "verify_sample",
]
