"""match_evaluation beside a plain retelling of what RecHub's examples do, and beside torch-rechub where it is."""

import math

import numpy as np
import pytest
import tensors
from maxdot import rechub
from scipy import sparse
from support import gaussian, scores64

N_ITEMS, N_ROWS = 60, 40
ITEMS, USERS = gaussian(N_ITEMS, 8, 41), gaussian(N_ROWS, 8, 42)
RANDOM = np.random.default_rng(43)
# Encoded ids start at 1 and are not in the order of the rows; some users have two rows.
ALL_ITEM = {"movie_id": RANDOM.permutation(N_ITEMS) + 1}
TEST_USER = {"user_id": RANDOM.integers(1, 31, N_ROWS), "movie_id": RANDOM.integers(1, N_ITEMS + 1, N_ROWS)}
MAPS = (
    {user: f"u{user * 7 % 31:02}" for user in range(1, 31)},
    {item: f"m{item * 5}" for item in range(1, N_ITEMS + 1)},
)
SEEN = [RANDOM.integers(0, N_ITEMS + 1, 15).tolist() for _ in range(N_ROWS)]  # 0 pads, as in RecHub


def retrieved(users=USERS, seen=None, depth=20, metric="cosine"):
    """{raw user: raw items, best first} and {raw user: relevant raw items}, row by row as in RecHub's example."""
    found, truth = {}, {}
    for row in range(N_ROWS):
        user = MAPS[0][TEST_USER["user_id"][row]]
        scores = scores64(ITEMS, np.atleast_2d(users[row]), metric).max(0)
        order = np.argsort(-scores, kind="stable")
        encoded = [e for e in ALL_ITEM["movie_id"][order] if seen is None or e not in seen[row]]
        found[user] = [MAPS[1][e] for e in encoded[:depth]]
        truth.setdefault(user, []).append(MAPS[1][TEST_USER["movie_id"][row]])
    return found, truth


def reference(found, truth, k):
    """The five means of docs/evaluation.md in RecHub's convention."""
    ndcg = mrr = recall = precision = hits = relevant = 0.0
    for user in sorted(truth):
        places = [j for j, item in enumerate(found[user][:k]) if item in truth[user]]
        best = sum(1 / math.log2(j + 2) for j in range(min(k, len(truth[user]))))
        ndcg += sum(1 / math.log2(j + 2) for j in places) / best
        mrr += 1 / (1 + places[0]) if places else 0
        recall += len(places) / len(truth[user])
        precision += len(places) / k
        hits += len(places)
        relevant += len(truth[user])
    n = len(truth)
    return {
        "ndcg": ndcg / n,
        "mrr": mrr / n,
        "recall": recall / n,
        "precision": precision / n,
        "hit": hits / relevant,
    }


def check(report, found, truth, ks):
    for k in ks:
        for name, value in reference(found, truth, k).items():
            assert getattr(report[k], name) == pytest.approx(value, abs=1e-12), (k, name)


@pytest.mark.parametrize("metric", ["cosine", "dot"])
def test_all_users_at_once(metric):
    report = rechub.match_report(
        USERS, ITEMS, TEST_USER, ALL_ITEM, raw_id_maps=MAPS, topk=[1, 5, 20], metric=metric
    )
    check(report, *retrieved(metric=metric), [1, 5, 20])
    assert report.users == len(set(TEST_USER["user_id"].tolist()))
    assert 0 < report[20].coverage <= 1


def test_strings_are_rechub_s():
    out = rechub.match_evaluation(
        tensors.Tensor(USERS, requires_grad=True),
        tensors.Tensor(ITEMS),
        TEST_USER,
        ALL_ITEM,
        raw_id_maps=MAPS,
        topk=5,
    )
    value = reference(*retrieved(), 5)
    assert set(out) == {"NDCG", "MRR", "Recall", "Hit", "Precision"}
    assert out["Recall"] == [f"Recall@5: {round(value['recall'], 4)}"]
    assert out["Hit"] == [f"Hit@5: {round(value['hit'], 4)}"]


def test_seen_items_in_every_form():
    found, truth = retrieved(seen=SEEN)
    pairs = [(row, item) for row, items in enumerate(SEEN) for item in set(items)]
    rows, columns = np.array(pairs).T
    matrix = sparse.csr_matrix((np.ones(len(pairs)), (rows, columns)), shape=(N_ROWS, N_ITEMS + 1))
    last = {int(user): SEEN[row] for row, user in enumerate(TEST_USER["user_id"])}
    for seen in (SEEN, np.array(SEEN), tensors.Tensor(np.array(SEEN)), matrix, last):
        report = rechub.match_report(
            USERS, ITEMS, TEST_USER, ALL_ITEM, raw_id_maps=MAPS, topk=[5, 20], seen=seen
        )
        check(report, found, truth, [5, 20])


def test_several_interests():
    users = gaussian(N_ROWS * 3, 8, 44).reshape(N_ROWS, 3, 8)
    report = rechub.match_report(
        users, ITEMS, TEST_USER, ALL_ITEM, raw_id_maps=MAPS, topk=[10], seen=SEEN, metric="dot"
    )
    check(report, *retrieved(users, SEEN, metric="dot"), [10])


def test_maps_from_a_file_or_none(tmp_path):
    np.save(tmp_path / "raw_id_maps.npy", np.array(MAPS, dtype=object))
    from_file = rechub.match_evaluation(
        USERS, ITEMS, TEST_USER, ALL_ITEM, "user_id", "movie_id", str(tmp_path / "raw_id_maps.npy"), 10
    )
    assert from_file == rechub.match_evaluation(USERS, ITEMS, TEST_USER, ALL_ITEM, raw_id_maps=MAPS, topk=10)
    plain = rechub.match_evaluation(USERS, ITEMS, TEST_USER, ALL_ITEM)
    assert plain["Recall"] == from_file["Recall"]  # sums in another order, but these maps are one to one


def test_raw_ids_that_several_items_share():
    together = ({u: u for u in range(1, 31)}, {item: (item + 1) // 2 for item in range(1, N_ITEMS + 1)})
    report = rechub.match_report(USERS, ITEMS, TEST_USER, ALL_ITEM, raw_id_maps=together, topk=[10])
    hits = 0
    last = {user: row for row, user in enumerate(TEST_USER["user_id"].tolist())}
    for user, row in last.items():
        order = np.argsort(-scores64(ITEMS, USERS[row : row + 1], "cosine")[0])[:10]
        truth = {(i + 1) // 2 for i in TEST_USER["movie_id"][TEST_USER["user_id"] == user].tolist()}
        hits += sum((i + 1) // 2 in truth for i in ALL_ITEM["movie_id"][order].tolist())
    assert report[10].hit == pytest.approx(hits / N_ROWS, abs=1e-12)


def test_more_places_than_items_are_misses():
    report = rechub.match_report(USERS, ITEMS, TEST_USER, ALL_ITEM, topk=[N_ITEMS + 5])
    assert report[N_ITEMS + 5].recall == 1


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"test_user": {**TEST_USER, "user_id": [1]}}, "test_user.'user_id'.: 1 rows for 40"),
        ({"test_user": {**TEST_USER, "movie_id": [1]}}, "test_user.'movie_id'.: 1 ids for 40"),
        ({"all_item": {"movie_id": np.arange(3)}}, "all_item.'movie_id'.: 3 ids for 60 embeddings"),
        ({"all_item": {"movie_id": np.ones(N_ITEMS, int)}}, "appear twice"),
        ({"raw_id_maps": ({}, MAPS[1])}, "raw_id_maps: has no user"),
        ({"raw_id_maps": (MAPS[0], {1: 1})}, "raw_id_maps: has no item"),
        ({"seen": [[1]]}, "seen: has 1 lists, but there are 40"),
        ({"topk": 0}, "k"),
    ],
)
def test_refusals(change, says):
    arguments = {"test_user": TEST_USER, "all_item": ALL_ITEM, "raw_id_maps": MAPS, **change}
    with pytest.raises(ValueError, match=says):
        rechub.match_evaluation(USERS, ITEMS, **arguments)


def test_equal_to_torch_rechub():
    topk_metrics = pytest.importorskip("torch_rechub.basic.metric").topk_metrics
    found, truth = retrieved(seen=SEEN)
    truth = {user: truth[user] for user in sorted(truth)}
    ours = rechub.match_evaluation(
        USERS, ITEMS, TEST_USER, ALL_ITEM, raw_id_maps=MAPS, topk=[1, 3, 10, 20], seen=SEEN
    )
    assert ours == topk_metrics(truth, found, topKs=[1, 3, 10, 20])
