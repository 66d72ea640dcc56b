"""What a type checker sees in a program that uses maxdot: test_typing.py runs mypy on it. It is not run."""

from typing import Any

import maxdot
import numpy as np
import numpy.typing as npt
from maxdot import evaluate, objective
from typing_extensions import assert_type

Ids = npt.NDArray[np.int64]
F32 = npt.NDArray[np.float32]
F64 = npt.NDArray[np.float64]


def use(index: maxdot.Index, live: maxdot.LiveIndex, batcher: maxdot.Batcher, queries: F32) -> None:
    ids, scores = index.search(queries, 10)
    assert_type(ids, Ids)
    assert_type(scores, F32)
    assert_type(index.search(queries, 10, metric="ip", exclude=[[1]]).scores, F32)
    assert_type(live.search(queries, 10, scores="f64").scores, F64)
    assert_type(index.search(queries, 10, stats=True), tuple[Ids, F32, dict[str, Any]])
    assert_type(index.search_multi(queries, 10, scores="keys").scores, F64)
    assert_type(index.search_range(queries, 0.5).offsets, Ids)
    offsets, found, values = live.snapshot().search_range(queries, 0.5, scores="f64")
    assert_type(values, F64)
    assert_type(index.search(queries, 1).metric, maxdot.Metric)
    assert_type(maxdot.top_k(queries, queries, 3).ids, Ids)
    assert_type(index.rows(ids), F32)
    shards = [index.search(queries, 3, scores="keys")]
    assert_type(maxdot.merge(shards, 3, "dot").scores, F32)
    assert_type(maxdot.merge(shards, 3, "dot", scores="f64").metric, maxdot.Metric)
    assert_type(batcher.search(queries, 10)[1], F32)
    assert_type(maxdot.merge([(ids, values)], 10, "dot")[1], F32)
    assert_type(maxdot.verify(queries, queries, ids).recall, float)
    assert_type(evaluate.retrieval(index, queries, [[1]], [10])[10].ndcg, float)
    assert_type(evaluate.ranks(index, queries, [[1]]), Ids)
    assert_type(objective.bce(scores, scores), float)
    assert_type(objective.full_softmax(index, queries, ids, reduction="none", grad=True), tuple[F64, F64])
    assert_type(objective.probabilities(index, queries, ids, values), F64)
