"""maxdot.verify: it must pass what is true, and notice each kind of wrong."""

import maxdot
import numpy as np
import pytest
from support import METRICS, best, gaussian

ITEMS, QUERIES = gaussian(120, 9, 6), gaussian(5, 9, 7)


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("dtype", [np.float32, np.float16])
def test_truth_passes_and_one_swap_is_noticed(metric, dtype):
    items, queries = ITEMS.astype(dtype), QUERIES.astype(dtype)
    truth = best(items, queries, 8, metric)[0]
    assert maxdot.verify(items, queries, truth, metric)
    swapped = truth.copy()
    swapped[3, [4, 5]] = swapped[3, [5, 4]]
    found = maxdot.verify(items, queries, swapped, metric)
    assert (found.exact, found.wrong, found.right, found.positions, found.recall) == (False, 2, 38, 40, 1.0)
    place = found.first_wrong
    assert (place.query, place.position, place.expected_id) == (3, 4, truth[3, 4])
    assert (place.expected_score > place.given_score) == (metric != "euclidean")
    assert "NOT exact: 2 of 40" in str(found)


def test_missing_repeated_unknown():
    truth = best(ITEMS, QUERIES, 8, "cosine")[0]
    for value, recall in [(-1, 39 / 40), (10**9, 39 / 40), (truth[2, 0], 39 / 40)]:
        answer = truth.copy()
        answer[2, 7] = value
        found = maxdot.verify(ITEMS, QUERIES, answer.astype(np.int32))
        assert (found.wrong, found.recall) == (1, recall)
        assert found.repeated == (value == truth[2, 0])


def test_ties_in_another_order_are_not_wrong_but_repetition_is():
    items = np.float32([[1, 0], [1, 0], [0, 1]])
    query = np.float32([1, 0])
    assert maxdot.verify(items, query, [1, 0, 2]).tied == 2
    assert maxdot.verify(items, query, [1, 0, 2]).exact
    assert maxdot.verify(items, query, [0, 0, 2]).wrong == 1
    assert maxdot.verify(items, query, [0, 1, 2, -1]).positions == 3
    assert maxdot.verify(items, query, [0, 1, 2, 2]).wrong == 1


def test_own_ids_and_bad_arguments():
    ids = np.arange(120) * 3 + 1
    answer = maxdot.Index.build(ITEMS, ids=ids, metric="dot").search(QUERIES, 6)[0]
    assert maxdot.verify(ITEMS, QUERIES, answer, "dot", item_ids=ids)
    assert not maxdot.verify(ITEMS, QUERIES, answer, "dot")
    for call, says in [
        (lambda: maxdot.verify(ITEMS, QUERIES, answer[:3]), "^ids: 3 rows for 5 queries"),
        (lambda: maxdot.verify(ITEMS, QUERIES[:, :4], answer), "^queries: dimension 4"),
        (lambda: maxdot.verify(ITEMS, QUERIES, answer, item_ids=ids[:9]), "^item_ids: 9 ids for 120 items"),
        (lambda: maxdot.verify(ITEMS, QUERIES, answer * 0.5), "^ids: dtype float64"),
        (lambda: maxdot.verify(ITEMS, QUERIES, answer[None]), "^ids: shape"),
    ]:
        with pytest.raises(ValueError, match=says):
            call()
