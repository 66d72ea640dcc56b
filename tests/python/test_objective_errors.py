"""How maxdot.objective refuses what it cannot compute."""

import maxdot
import numpy as np
import pytest
from maxdot import objective
from support import gaussian

ITEMS, USERS = gaussian(300, 16, 1), gaussian(23, 16, 2)
POSITIVES = np.random.default_rng(3).integers(0, 300, 23)


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda x: objective.bce(x, x[:2] > 0), r"^labels: shape \(2\) differs from that of scores, \(3\)"),
        (lambda x: objective.bce(x, x + 7), "^labels: element 0 is 8"),
        (lambda x: objective.bce(x, x.astype(np.float64)), "^labels: dtype float64 differs .* scores, float32"),
        (lambda x: objective.bce(x.astype(np.float16), x), "^scores: dtype float16"),
        (lambda x: objective.bce(x.astype(int), x), "^scores: dtype int64"),
        (lambda x: objective.bce(x.astype(">f4"), x), "^scores: .*native byte order"),
        (lambda x: objective.bce(x * np.nan, x), "^scores: element 0 is NaN"),
        (lambda x: objective.bce(x[:0], x[:0]), "^scores: is empty"),
        (lambda x: objective.bce(x, x, 0.0), "^temperature: 0"),
        (lambda x: objective.bce(x, x, np.inf), "^temperature: inf"),
        (lambda x: objective.bce(x, x, reduction="sum"), "^reduction: 'sum' is not 'mean' or 'none'"),
        (lambda x: objective.bpr(x, x[:2]), r"^negative: shape \(2\) is not \[B\] or \[B, N\] with B = 3"),
        (lambda x: objective.bpr(x[:, None], x), r"^positive: shape \(3, 1\) is not \[B\]"),
        (lambda x: objective.bpr(x, x / 0), "^negative: element 0 is infinite"),
        (lambda x: objective.bpr(x, x.astype(float)), "^negative: dtype float64 differs from .* positive"),
        (lambda x: objective.cross_entropy(x, x), r"^negatives: shape \(3\) is not \[B, N\] with B = 3"),
        (lambda x: objective.cross_entropy(x, np.zeros((3, 0), x.dtype)), "^negatives: has 0 elements"),
        (lambda x: objective.probability(x * np.nan), "^scores: element 0 is NaN"),
        (lambda x: objective.softmax(x, [1.0, 2.0]), r"^scores: shape \(3\) does not fit log_partition"),
        (lambda x: objective.softmax(x[None], [1.0, 2.0]), r"^scores: shape \(1, 3\) does not fit"),
        (lambda x: objective.softmax(x, np.nan), "^log_partition: element 0 is NaN"),
        (lambda x: objective.softmax(x, "a"), "^log_partition: could not convert"),
        (lambda x: objective.softmax(x, 1.0, log_q=[1.0]), r"^log_q: shape \(1\) differs"),
    ],
)
def test_what_is_refused(call, says):
    with np.errstate(all="ignore"), pytest.raises(ValueError, match=says):
        call(np.ones(3, np.float32))


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"positive_ids": POSITIVES[:5]}, "^positive_ids: has 5 elements, but 23"),
        ({"positive_ids": POSITIVES[:, None]}, r"^positive_ids: shape \(23, 1\) is not \[n\]"),
        ({"positive_ids": POSITIVES + 0.5}, "^positive_ids: dtype float64"),
        ({"positive_ids": POSITIVES + 10**6}, "^positive_ids: "),
        ({"queries": USERS[0]}, r"^queries: shape \(16\)"),
        ({"queries": USERS.astype(np.float64)}, "^queries: dtype float64"),
        ({"queries": USERS * np.float32(np.nan)}, "^queries: row 0, column 0"),
        ({"temperature": -1}, "^temperature: -1"),
        ({"log_q": np.zeros(9)}, "^log_q: has 9 values"),
        ({"log_q": np.full(300, -np.inf)}, "^log_q: row 0 is not finite"),
        ({"metric": "l1"}, "^metric: 'l1'"),
        ({"threads": -1}, "^threads: -1"),
    ],
)
def test_what_the_full_softmax_refuses(change, says):
    arguments = {"index": maxdot.Index.build(ITEMS), "queries": USERS, "positive_ids": POSITIVES}
    with pytest.raises(ValueError, match=says):
        objective.full_softmax(**{**arguments, **change})


def test_other_arguments():
    index = maxdot.Index.build(ITEMS)
    with pytest.raises(TypeError, match=r"^scores: list is no array; .*asarray"):
        objective.bce([1.0], [1.0])
    with pytest.raises(TypeError, match=r"^index: ndarray is no maxdot\.Index"):
        objective.log_partition(ITEMS, USERS)
    with pytest.raises(ValueError, match=r"^ids: shape \(2\) does not fit 23 queries"):
        objective.probabilities(index, USERS, [1, 2], np.zeros(23))
    with pytest.raises(ValueError, match="^log_partition: has 2 elements, but 23"):
        objective.probabilities(index, USERS, POSITIVES[:, None], [1.0, 2.0])
    index.close()
    with pytest.raises(ValueError, match="^index: it is closed"):
        objective.log_partition(index, USERS)
