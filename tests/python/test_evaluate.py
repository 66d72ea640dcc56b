"""maxdot.evaluate: RecHub's golden case, definitions written again, retrieval and ranks by brute force."""

import json
import math
from collections import defaultdict

import maxdot
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from maxdot import evaluate
from support import METRICS, gaussian, scores64
from test_id_lists import Compressed, Tensor

GOLDEN = [[1, 2], [0, 1, 2], [2, 3]], [[0, 1], [0, 1], [2, 3]]
NAMES = ("recall", "hit", "precision", "ndcg", "mrr", "map")


def as_rechub(relevant, retrieved, ks):
    """RecHub's metrics and strings as its documentation and outputs define them, rounded as its types round."""
    out = defaultdict(list)
    for k in ks:
        sums, found, wanted = defaultdict(float), 0, 0
        for truth, listed in zip(relevant, retrieved, strict=True):
            if not len(truth):
                continue
            hits = [place for place, item in enumerate(listed[:k]) if item in truth]
            found, wanted = found + len(hits), wanted + len(truth)
            sums["MRR"] += 1 / (hits[0] + 1) if hits else 0
            sums["Recall"] += len(hits) / len(truth)
            sums["Precision"] += len(hits) / k
            gain = sum((1 / np.log2(place + 2) for place in hits), 0.0)
            sums["NDCG"] += gain / sum(1 / np.log2(place + 2) for place in range(min(k, len(truth))))
        for name in ("NDCG", "MRR", "Recall", "Hit", "Precision"):
            value = found / wanted if name == "Hit" else sums[name] / len(relevant)
            out[name].append(f"{name}@{k}: {round(value, 4)}")
    return dict(out)


def as_textbook(relevant, listed, k):
    """The standard values of one user, from sets; NaN without relevant items."""
    truth, found = set(relevant), set()
    if not truth:
        return dict.fromkeys(NAMES, math.nan)
    gain = ideal = averaged = first = 0.0
    for place, item in enumerate(listed[:k], 1):
        ideal += 1 / math.log2(place + 1) if place <= len(truth) else 0
        if item in truth and item not in found:
            found.add(item)
            first = first or 1 / place
            gain += 1 / math.log2(place + 1)
            averaged += len(found) / place
    return {
        "recall": len(found) / len(truth),
        "hit": float(bool(found)),
        "precision": len(found) / k,
        "ndcg": gain / ideal,
        "mrr": first,
        "map": averaged / min(k, len(truth)),
    }


def test_golden_case_to_the_last_digit():
    report = evaluate.metrics(*GOLDEN, [1, 2], convention="rechub", catalogue=6)
    at = report[2]
    assert at.ndcg == 0.7956176024115139
    assert at.mrr == at.precision == 0.8333333333333334
    assert at.recall == 0.7222222222222222
    assert at.hit == 0.7142857142857143
    assert at.coverage == 4 / 6
    assert report.rechub_text() == as_rechub(*GOLDEN, [1, 2])
    assert report.rechub_text()["NDCG"] == ["NDCG@1: 0.6667", "NDCG@2: 0.7956"]
    assert list(report.rechub_text()) == ["NDCG", "MRR", "Recall", "Hit", "Precision"]
    with pytest.raises(ValueError, match="^convention: these are 'standard' values"):
        evaluate.metrics(*GOLDEN, 2).rechub_text()


@st.composite
def cases(draw):
    users, items, width = draw(st.integers(1, 12)), draw(st.integers(8, 40)), draw(st.integers(1, 8))
    ids = st.lists(st.integers(0, items - 1), unique=True, max_size=7)
    relevant = draw(st.lists(ids, min_size=users, max_size=users))
    random = np.random.default_rng(draw(st.integers(0, 2**32)))
    return relevant, np.stack([random.permutation(items)[:width] for _ in range(users)])


@given(cases(), st.data())
@settings(max_examples=300, deadline=None)
def test_random_cases_in_both_conventions(case, data):
    relevant, retrieved = case
    ks = data.draw(st.lists(st.integers(1, retrieved.shape[1]), min_size=1))
    if any(relevant):
        report = evaluate.metrics(relevant, retrieved, ks, "rechub")
        assert report.rechub_text() == as_rechub(relevant, retrieved.tolist(), ks)

    report = evaluate.metrics(relevant, retrieved, ks, per_user=True)
    assert [row.k for row in report] == ks
    assert (report.users, report.evaluated) == (len(relevant), sum(map(bool, relevant)))
    for row in report:
        each = [as_textbook(truth, listed, row.k) for truth, listed in zip(relevant, retrieved, strict=True)]
        for name in NAMES:
            values = np.array([user[name] for user in each])
            np.testing.assert_allclose(row.per_user[name], values, rtol=1e-14)
            mean = np.nanmean(values) if report.evaluated else 0
            assert getattr(row, name) == pytest.approx(mean, rel=1e-14)


def test_rechub_itself():
    metric = pytest.importorskip("torch_rechub.basic.metric")
    random = np.random.default_rng(1)
    for _ in range(1000):
        users, width = random.integers(1, 9), random.integers(1, 9)
        relevant = [random.permutation(30)[: random.integers(0, 6)].tolist() for _ in range(users)]
        relevant[0] = [1, 2]
        retrieved = [random.permutation(30)[:width].tolist() for _ in range(users)]
        ks = [int(k) for k in random.integers(1, width + 1, 3)]
        theirs = metric.topk_metrics(dict(enumerate(relevant)), dict(enumerate(retrieved)), ks)
        assert evaluate.metrics(relevant, retrieved, ks, "rechub").rechub_text() == dict(theirs)


def test_forms_of_the_lists():
    relevant, retrieved = GOLDEN
    offsets, ids = [0, 2, 5, 7], [1, 2, 0, 1, 2, 2, 3]
    true = evaluate.metrics(relevant, retrieved, 2)
    for form in ((offsets, ids), Compressed(offsets, ids), [set(row) for row in relevant], Tensor(relevant)):
        assert evaluate.metrics(form, np.array(retrieved, np.int32), [2]) == true
    assert evaluate.metrics(relevant, Tensor(np.array(retrieved)), np.array([2])) == true
    padded = np.pad(np.array(retrieved), ((0, 0), (0, 1)), constant_values=-1)
    assert evaluate.metrics(relevant, padded, [2, 3])[2] == true[2]


def test_intervals():
    random = np.random.default_rng(5)
    relevant = [random.permutation(50)[:5] for _ in range(200)]
    retrieved = np.stack([random.permutation(50)[:10] for _ in range(200)])
    report = evaluate.metrics(relevant, retrieved, [5, 10], bootstrap=500, confidence=0.9, per_user=True)
    assert report.confidence == 0.9
    for row in report:
        for name in NAMES:
            mean, low, high = (getattr(values, name) for values in (row, row.low, row.high))
            assert low < mean < high
            deviation = row.per_user[name].std() / math.sqrt(200)
            assert (high - low) / 2 == pytest.approx(1.645 * deviation, rel=0.25)
    options = {"bootstrap": 500, "confidence": 0.9}
    assert evaluate.metrics(relevant, retrieved, [5, 10], threads=1, **options) == report
    assert evaluate.metrics(relevant, retrieved, [5, 10], seed=2, **options)[5].low != report[5].low


def test_printed_and_as_dictionary():
    report = evaluate.metrics([[], *GOLDEN[0]], [[9, 8], *GOLDEN[1]], [1, 2], bootstrap=50, per_user=True)
    assert repr(report).splitlines()[:4] == [
        "4 users, 3 evaluated, convention standard",
        "           k     recall        hit  precision       ndcg        mrr        map",
        "           1     0.2778     0.6667     0.6667     0.6667     0.6667     0.6667",
        "    95 % low     0.1111     0.3333     0.3333     0.3333     0.3333     0.3333",
    ]
    assert repr(report).endswith("low, high: 95 % of the means of resampled users lie between them")
    known = evaluate.metrics(*GOLDEN, 2, catalogue=6)
    assert repr(known).splitlines()[1].endswith("map   coverage")
    assert repr(known).splitlines()[2].endswith("0.6667")
    assert "confidence" not in known.to_dict()

    told = json.loads(json.dumps(report.to_dict(), allow_nan=False))
    assert (told["users"], told["evaluated"], told["confidence"]) == (4, 3, 0.95)
    assert told["convention"] == "standard"
    assert [row["k"] for row in told["at"]] == [1, 2]
    assert told["at"][1]["ndcg"] == report[2].ndcg
    assert told["at"][1]["low"]["map"] == report[2].low.map
    assert told["at"][1]["per_user"]["recall"][:2] == [None, 0.5]
    with pytest.raises(KeyError, match="k = 7 was not measured, only 1, 2"):
        report[7]


def ranking(items, users, ids, metric, exclude):
    """All ids of the index for each user, best first, without the excluded."""
    scores = scores64(items, users, metric)
    keys = scores if metric == "euclidean" else -scores
    order = [ids[np.lexsort((ids, row))].tolist() for row in keys]
    return [[item for item in row if item not in left] for row, left in zip(order, exclude, strict=True)]


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("excluded", [0, 10, 150])
def test_retrieval_and_ranks_by_brute_force(metric, excluded):
    random = np.random.default_rng(excluded)
    items, users = gaussian(300, 12, 1), gaussian(40, 12, 2)
    ids = random.permutation(1000)[:300]
    relevant = [random.choice(ids, size, replace=False) for size in random.integers(0, 9, 40)]
    exclude = [[*random.choice(ids, excluded, replace=False).tolist(), 5000] for _ in users]
    index = maxdot.Index.build(items, ids=ids, metric="dot")
    order = ranking(items, users, ids, metric, exclude)

    options = {"metric": metric, "bootstrap": 20, "per_user": True}
    report = evaluate.retrieval(index, users, relevant, [1, 5, 20], exclude, **options)
    del options["metric"]
    true = evaluate.metrics(relevant, [row[:20] for row in order], [1, 5, 20], catalogue=300, **options)
    assert report == true
    assert report.to_dict() == true.to_dict()

    truth = [
        [row.index(item) + 1 if item in row else 0 for item in wanted]
        for row, wanted in zip(order, relevant, strict=True)
    ]
    found = evaluate.ranks(index, users, relevant, exclude, metric=metric)
    assert found.dtype == np.int64
    assert found.tolist() == sum(truth, [])
    if excluded == 0:
        assert evaluate.ranks(index, users, relevant, metric=metric, threads=1).tolist() == found.tolist()
        assert evaluate.retrieval(index, users, relevant, [1, 5, 20], metric=metric, **options) == true


def test_scipy_matrices():
    sparse = pytest.importorskip("scipy.sparse")
    items, users = gaussian(60, 8, 1), gaussian(20, 8, 2)
    test, seen = (sparse.random(20, 60, 0.1, "csr", random_state=seed) for seed in (1, 2))
    lists = [[matrix[row].indices for row in range(20)] for matrix in (test, seen)]
    index = maxdot.Index.build(items)
    assert evaluate.retrieval(index, users, test, 5, seen) == evaluate.retrieval(
        index, users, lists[0], 5, lists[1]
    )
    np.testing.assert_array_equal(
        evaluate.ranks(index, users, test, seen), evaluate.ranks(index, users, *lists)
    )


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"relevant": GOLDEN[0][:2]}, "^relevant: has 2 lists, but 3 are needed"),
        ({"relevant": [[1], [-2], []]}, "^relevant: user 1 has the id -2"),
        ({"relevant": [[1], [1.5], []]}, r"^relevant\[1\]: dtype float64"),
        ({"relevant": {3: [1]}}, "^relevant: there is no row 3 among 3 users"),
        ({"relevant": {"a": [1]}}, "^relevant: 'a' is no row number"),
        ({"retrieved": [1, 2, 3]}, r"^retrieved: shape \(3,\) is not \[users, K\]"),
        ({"retrieved": [[1, 2], [1], [2]]}, "^retrieved: "),
        ({"retrieved": np.zeros((3, 2))}, "^retrieved: dtype float64"),
        ({"ks": []}, "^ks: is empty"),
        ({"ks": [3]}, "^ks: 3 is outside 1 to .* 2"),
        ({"ks": 0}, "^ks: 0 is not 1 or more"),
        ({"ks": [2.5]}, "^ks: 2.5 is no whole number"),
        ({"ks": [2**70]}, "^ks: "),
        ({"convention": "RecHub"}, "^convention: 'RecHub' is not 'standard' or 'rechub'"),
        ({"catalogue": 0}, "^catalogue: 0 is not 1 or more"),
        ({"bootstrap": -1}, "^bootstrap: -1 is not 0 or more"),
        ({"confidence": 1.0}, "^confidence: 1"),
        ({"seed": -1}, "^seed: -1"),
        ({"threads": -1}, "^threads: -1"),
    ],
)
def test_what_metrics_refuses(change, says):
    arguments = {"relevant": GOLDEN[0], "retrieved": GOLDEN[1], "ks": [1, 2]}
    with pytest.raises(ValueError, match=says):
        evaluate.metrics(**{**arguments, **change})


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"users": gaussian(3, 7, 1)}, "^users: dimension 7"),
        ({"users": gaussian(3, 8, 1, np.float64)}, "^users: dtype float64"),
        ({"users": gaussian(3, 8, 1)[0]}, r"^users: shape \(8\)"),
        ({"users": gaussian(3, 8, 1) * np.float32(np.inf)}, "^users: row 0, column 0"),
        ({"relevant": [[1], [2]]}, "^relevant: has 2 lists, but there are 3 users"),
        ({"exclude": [[1], [2]]}, "^exclude: has 2 lists, but there are 3 users"),
        ({"exclude": [[1], ["a"], []]}, r"^exclude\[1\]: dtype <U1"),
        ({"metric": "l1"}, "^metric: 'l1'"),
        ({"threads": -1}, "^threads: -1"),
    ],
)
def test_what_retrieval_and_ranks_refuse(change, says):
    arguments = {"index": maxdot.Index.build(gaussian(9, 8, 2)), "users": gaussian(3, 8, 1)}
    arguments |= {"relevant": [[1], [2], [3]], **change}
    with pytest.raises(ValueError, match=says):
        evaluate.retrieval(ks=[2], **arguments)
    with pytest.raises(ValueError, match=says):
        evaluate.ranks(**arguments)


def test_other_arguments():
    index = maxdot.Index.build(gaussian(9, 8, 2))
    with pytest.raises(TypeError, match=r"^index: list is no maxdot\.Index"):
        evaluate.ranks([], gaussian(3, 8, 1), [[], [], []])
    with pytest.raises(TypeError, match=r"^users: list is no array"):
        evaluate.retrieval(index, [[1.0]], [[]], 1)
    with pytest.raises(MemoryError):
        evaluate.retrieval(index, gaussian(3, 8, 1), [[], [], []], 2**60)
    index.close()
    with pytest.raises(ValueError, match="^index: it is closed"):
        evaluate.ranks(index, gaussian(3, 8, 1), [[], [], []])


def test_tensors():
    torch = pytest.importorskip("torch")
    items, users = gaussian(50, 8, 1), gaussian(6, 8, 2)
    index = maxdot.Index.build(items)
    relevant = np.arange(12).reshape(6, 2)
    report = evaluate.retrieval(index, torch.tensor(users, requires_grad=True), torch.tensor(relevant), 5)
    assert report == evaluate.retrieval(index, users, relevant, 5)
