"""The k best items of every user, from and to Parquet, as a job that can be stopped and goes on (docs/batch.md).

>>> job = Job(items="items.maxdot", users="users/", out="recall/", k=100)
>>> print(run(job).users_per_second)

`python -m maxdot.batch --help` is the same as a command.
"""

from maxdot.batch.job import BatchError, Job, Layout, OnBadRow, ScoreValues
from maxdot.batch.progress import JsonEvents, Lines, Reporter, Silent
from maxdot.batch.run import Summary, run
from maxdot.batch.sample import SampleCheck, verify_sample

__all__ = [
    "BatchError",
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
    "run",
    "verify_sample",
]
