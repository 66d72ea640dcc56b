"""A catalogue in shards behind Ray Serve: an exact answer from all of them.

>>> from maxdot.ray import serve as maxdot_serve
>>> handle = ray.serve.run(maxdot_serve.application(["part-0.maxdot", "part-1.maxdot"]))
>>> ids, scores, missing_shards = await handle.search.remote(queries, 10)

Serve starts, watches, replaces and scales the replicas, and chooses one for each question; maxdot
searches and merges. docs/serving.md has the whole of it.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from operator import index as as_integer
from typing import Any

from ray import serve
from ray.serve import Application

from maxdot import _core
from maxdot.paths import Path
from maxdot.ray.answer import Answer, ShardsDisagreeError, ShardUnavailableError
from maxdot.ray.front import Front, FrontSettings
from maxdot.ray.shard import Shard

__all__ = ["Answer", "ShardUnavailableError", "ShardsDisagreeError", "application", "build"]

_FRONT = "front"


def application(
    paths: Sequence[Path] | Mapping[str, Path],
    *,
    replicas: int = 2,
    threads: int = 1,
    partial: bool = False,
    timeout: float = 1.0,
    most_k: int = 10_000,
    most_queries: int = 1_024,
    most_body_bytes: int = 16 << 20,
    most_waiting_queries: int = 4_096,
    shard_options: Mapping[str, Any] | None = None,
    front_options: Mapping[str, Any] | None = None,
) -> Application:
    """An application for `ray.serve.run`: a deployment for each shard, and a front that asks all.

    Its handle has `search` (`maxdot.ray.front.Front.search`); by HTTP it answers POST with JSON.

    Args:
        paths: the index file of each shard, by the shard's name; of a sequence the names are
            "shard-0", "shard-1", ... A file must be there, under the same path, on every node that
            Serve may start a replica of its shard on. No item may stand in two shards. All shards
            have one dimension, metric and `normalize`.
        replicas: of each shard, and of the front.
        threads: of a search in a replica; Serve reserves as many CPUs for it.
        partial: answer a search without the shards that are missing, and name them; otherwise that
            is an error.
        timeout: seconds of a search. A shard that has not answered by then is missing.
        most_k, most_queries: results of a query, and queries of a request, at most.
        most_body_bytes: of an HTTP request, at most.
        most_waiting_queries: queries that wait in a replica of a shard, at most.
        shard_options, front_options: further arguments of `ray.serve.deployment`, such as
            `ray_actor_options` or `autoscaling_config`. They replace what this function would choose.

    Raises:
        ValueError: a number out of its range, no shards, one file or name twice.
        TypeError: `paths` is one path, or a number is none.
    """
    settings = FrontSettings(
        partial=bool(partial),
        timeout=_seconds(timeout),
        most_k=_at_least_one(most_k, "most_k"),
        most_queries=_at_least_one(most_queries, "most_queries"),
        most_body_bytes=_at_least_one(most_body_bytes, "most_body_bytes"),
    )
    replicas, threads = _at_least_one(replicas, "replicas"), _at_least_one(threads, "threads")
    waiting = _at_least_one(most_waiting_queries, "most_waiting_queries")
    of_shards = {
        "num_replicas": replicas,
        "ray_actor_options": {"num_cpus": threads},
        "max_ongoing_requests": 256,  # what a batch takes; others wait at the front
        "max_queued_requests": 1_024,
        **(shard_options or {}),
    }
    of_front = {
        "num_replicas": replicas,
        "max_ongoing_requests": 1_024,  # they wait for shards
        "max_queued_requests": 4_096,
        **(front_options or {}),
    }
    shards = {
        name: serve.deployment(**{**of_shards, "name": name, "user_config": {"path": path}})(Shard).bind(
            threads, waiting
        )
        for name, path in _named(paths).items()
    }
    front = serve.deployment(**{**of_front, "name": _FRONT, "user_config": asdict(settings)})(Front)
    return front.bind(shards)


def build(arguments: dict[str, Any]) -> Application:
    """`application` for the configuration file of `serve deploy`, whose `args` are its arguments.

    >>> import_path: maxdot.ray.serve:build
    """
    return application(**arguments)


def _named(paths: Sequence[Path] | Mapping[str, Path]) -> dict[str, str]:
    """The absolute path of each shard's file, by name: a replica has another working directory."""
    if isinstance(paths, (str, bytes, os.PathLike)):
        raise TypeError(f"paths: {paths!r} is one path; give a list of them, one for each shard")
    given = paths if isinstance(paths, Mapping) else {f"shard-{number}": path for number, path in enumerate(paths)}
    named: dict[str, str] = {}
    owners: dict[str, str] = {}
    for name, path in given.items():
        if not isinstance(name, str) or not name or "#" in name or name == _FRONT:
            raise ValueError(f"paths: {name!r} cannot name a shard; use a text without '#', other than {_FRONT!r}")
        named[name] = os.path.abspath(os.fsdecode(path))
        if owners.setdefault(named[name], name) != name:
            raise ValueError(f"paths: shards {owners[named[name]]!r} and {name!r} are both {named[name]}")
    if not named:
        raise ValueError("paths: there are none; give one for each shard")
    return named


def _seconds(timeout: float) -> float:
    seconds: float | None = _core.timeout_argument(timeout)
    if seconds is None:
        raise ValueError("timeout: None is no number; a search of shards must end, give seconds")
    return seconds


def _at_least_one(value: Any, name: str) -> int:
    number = as_integer(value)
    if number < 1:
        raise ValueError(f"{name}: {number} is not at least 1")
    return number
