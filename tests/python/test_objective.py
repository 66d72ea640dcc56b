"""maxdot.objective against true values, NumPy in float64 and finite differences."""

import math
import threading

import maxdot
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from maxdot import objective
from support import gaussian, scores64
from test_arrays import OnlyDLPack

DTYPES = [np.float64, np.float32]
CLOSE = {np.float64: 1e-12, np.float32: 1e-6}
ITEMS, USERS = gaussian(300, 16, 1), gaussian(23, 16, 2)
POSITIVES = np.random.default_rng(3).integers(0, 300, 23)
LOG_Q = np.log(np.random.default_rng(4).dirichlet(np.ones(300)))


def perfect(dtype):
    """A cosine of 1 beside three of -1."""
    return np.ones(1, dtype), np.full((1, 3), -1, dtype)


@pytest.mark.parametrize("dtype", DTYPES)
def test_true_values(dtype):
    one = np.ones(1, dtype)
    positive, negatives = perfect(dtype)
    for value, true in [
        (objective.cross_entropy(positive, negatives), 0.3407529539131312),
        (objective.cross_entropy(5 * positive, 5 * negatives), 1.3619051493825364e-4),
        (objective.cross_entropy(positive, negatives, temperature=0.2), 1.3619051493825364e-4),
        (objective.bpr(2 * one, 0 * one), 0.1269280110429725),
        (objective.bpr(one, one), 0.6931471805599453),
        (objective.bce(one, one), 0.3132616875182228),
    ]:
        assert type(value) is float
        assert value == pytest.approx(true, rel=CLOSE[dtype], abs=0)
    each = objective.cross_entropy(5 * positive, 5 * negatives, reduction="none")
    assert each.dtype == dtype
    assert each[0] == pytest.approx(1.3619051493825364e-4, rel=CLOSE[dtype], abs=0)


@pytest.mark.parametrize("dtype", DTYPES)
def test_huge_logits_are_finite_and_right(dtype):
    far = np.array([1e4, -1e4], dtype)
    assert objective.probability(far).tolist() == [1.0, 0.0]
    assert objective.bce(far, np.array([0, 1], dtype), reduction="none").tolist() == [1e4, 1e4]
    assert objective.bce(far, np.array([1, 0], dtype), reduction="none").tolist() == [0.0, 0.0]
    assert objective.bpr(far[1:], far[:1]) == 2e4
    loss, positive_grad, negative_grad = objective.cross_entropy(far[1:], far[:1, np.newaxis], grad=True)
    assert (loss, positive_grad[0], negative_grad[0, 0]) == (2e4, -1.0, 1.0)
    assert objective.softmax(far, 1e4).tolist() == [1.0, 0.0]
    assert objective.softmax(far[np.newaxis] / 1e4, [1e4], 1e-4).tolist() == [[1.0, 0.0]]
    padded = np.array([[1, -np.inf]], dtype)
    assert objective.probability(padded)[0, 1] == 0
    assert objective.softmax(padded, [1.0]).tolist() == [[1.0, 0.0]]


def row_losses(kind, scores, others, t):
    """Losses of each row, the plain formulas."""
    if kind is objective.bce:
        z = scores / t
        return np.logaddexp(0, -z) * others + np.logaddexp(0, z) * (1 - others)
    if kind is objective.bpr:
        return np.logaddexp(0, -(scores.reshape(-1, *[1] * (others.ndim - 1)) - others) / t)
    logits = np.concatenate([scores[:, None], others], 1) / t
    return np.log(np.exp(logits - logits.max(1, keepdims=True)).sum(1)) + logits.max(1) - logits[:, 0]


def inputs(kind, seed, rows=7, width=4):
    random = np.random.default_rng(seed)
    scores = random.standard_normal(rows)
    return scores, random.random(rows) if kind is objective.bce else random.standard_normal((rows, width))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("kind", [objective.bce, objective.bpr, objective.cross_entropy])
def test_values_and_reductions(kind, dtype):
    scores, others = (part.astype(dtype) for part in inputs(kind, 5))
    true = row_losses(kind, scores.astype(float), others.astype(float), 0.3)
    each, *slopes = kind(scores, others, 0.3, reduction="none", grad=True)
    assert each.dtype == dtype
    np.testing.assert_allclose(each, true, rtol=CLOSE[dtype])
    np.testing.assert_array_equal(kind(scores, others, 0.3, reduction="none"), each)
    mean, *mean_slopes = kind(scores, others, 0.3, grad=True)
    assert mean == kind(scores, others, 0.3) == pytest.approx(true.mean(), rel=1e-12)
    for slope, of_mean in zip(slopes, mean_slopes, strict=True):
        assert slope.dtype == dtype
        np.testing.assert_allclose(of_mean, slope / true.size, rtol=CLOSE[dtype])


@pytest.mark.parametrize("kind", [objective.bce, objective.bpr, objective.cross_entropy])
@pytest.mark.parametrize("seed", range(5))
def test_gradients_are_the_slopes_of_the_mean(kind, seed):
    given_scores = inputs(kind, seed)
    _, *slopes = kind(*given_scores, 0.7, grad=True)
    assert len(slopes) == (1 if kind is objective.bce else 2)
    for which, slope in enumerate(slopes):
        assert slope.shape == given_scores[which].shape
        for place in np.ndindex(slope.shape):
            values = []
            for step in (1e-5, -1e-5):
                moved = [part.copy() for part in given_scores]
                moved[which][place] += step
                values.append(kind(*moved, 0.7))
            assert (values[0] - values[1]) / 2e-5 == pytest.approx(slope[place], rel=1e-6, abs=1e-9)


SCORES = st.floats(-1e4, 1e4)


@given(hnp.arrays(np.float64, hnp.array_shapes(max_dims=3, max_side=4), elements=SCORES), st.floats(0.01, 100))
@settings(max_examples=100, deadline=None)
def test_any_shape_and_temperature(scores, t):
    labels = scores > 0
    each, slope = objective.bce(scores, labels, t, reduction="none", grad=True)
    assert each.shape == slope.shape == scores.shape
    assert (each >= 0).all()
    assert (np.abs(slope) <= 0.5 / t).all()
    np.testing.assert_allclose(each, np.logaddexp(0, -np.abs(scores) / t), rtol=1e-12)
    p = objective.probability(scores, t)
    np.testing.assert_allclose(p, np.exp(-np.logaddexp(0, -scores / t)), rtol=1e-10)


@given(st.data(), st.integers(1, 5), st.integers(1, 5), st.floats(0.01, 100))
@settings(max_examples=100, deadline=None)
def test_contrasts_of_any_size(data, rows, width, t):
    positive = data.draw(hnp.arrays(np.float64, rows, elements=SCORES))
    negative = data.draw(hnp.arrays(np.float64, (rows, width), elements=SCORES))
    each, down, up = objective.cross_entropy(positive, negative, t, reduction="none", grad=True)
    np.testing.assert_allclose(each, row_losses(objective.cross_entropy, positive, negative, t), atol=1e-12)
    np.testing.assert_allclose(down, -up.sum(1), rtol=1e-12, atol=1e-300)
    pairs = objective.bpr(positive, negative, t, reduction="none")
    np.testing.assert_allclose(pairs, row_losses(objective.bpr, positive, negative, t), rtol=1e-12, atol=1e-300)
    one = objective.cross_entropy(positive, negative[:, :1], t, reduction="none")
    np.testing.assert_allclose(one, pairs[:, 0], rtol=1e-12, atol=1e-300)
    np.testing.assert_array_equal(objective.bpr(positive, negative[:, 0], t, reduction="none"), pairs[:, 0])


def logits64(metric, t, log_q=None):
    z = scores64(ITEMS, USERS, metric) / t
    return z if log_q is None else z - log_q


@pytest.mark.parametrize("metric", ["dot", "cosine"])
@pytest.mark.parametrize("log_q", [None, LOG_Q])
@pytest.mark.parametrize("t", [1.0, 0.2])
def test_softmax_over_the_index(metric, log_q, t):
    ids = np.arange(300) * 7 + 5
    index = maxdot.Index.build(ITEMS, ids=ids, metric=metric)
    z = logits64(metric, t, log_q)
    true = np.log(np.exp(z - z.max(1, keepdims=True)).sum(1)) + z.max(1)
    rows = np.arange(len(USERS))
    losses = true - z[rows, POSITIVES]
    partition = objective.log_partition(index, USERS, t, log_q=log_q)
    np.testing.assert_allclose(partition, true, rtol=0, atol=3e-5)

    each, slope = objective.full_softmax(
        index, USERS, ids[POSITIVES], t, log_q=log_q, reduction="none", grad=True
    )
    np.testing.assert_allclose(each, losses, rtol=1e-5, atol=3e-5)
    np.testing.assert_allclose(slope, np.expm1(-losses) / t, rtol=1e-4)
    mean, of_mean = objective.full_softmax(index, USERS, ids[POSITIVES], t, log_q=log_q, grad=True)
    assert mean == pytest.approx(each.mean())
    np.testing.assert_allclose(of_mean, slope / len(USERS))
    alone = objective.full_softmax(index, USERS, list(ids[POSITIVES]), t, log_q=log_q, threads=1)
    assert alone == mean

    p = np.exp(z - true[:, None])
    asked = np.concatenate([np.tile(ids[:4], (23, 1)), np.full((23, 1), -1)], 1)
    found = objective.probabilities(index, USERS, asked, partition, t, log_q=log_q)
    np.testing.assert_allclose(found, np.pad(p[:, :4], ((0, 0), (0, 1))), rtol=1e-4)
    best, scores = index.search(USERS, 6)
    of_best = None if log_q is None else log_q[(best - 5) // 7]
    calibrated = objective.softmax(scores, partition, t, log_q=of_best)
    assert calibrated.dtype == np.float32
    np.testing.assert_allclose(calibrated, np.take_along_axis(p, (best - 5) // 7, 1), rtol=1e-4)


def test_one_query_and_another_metric():
    index = maxdot.Index.build(ITEMS, metric="euclidean")
    both = objective.log_partition(index, USERS, 0.5, metric="dot")
    alone = objective.log_partition(index, USERS[3], 0.5, metric="dot")
    assert type(alone) is float
    assert alone == both[3]
    np.testing.assert_array_equal(
        objective.probabilities(index, USERS[3], [5, 6], alone, 0.5, metric="dot"),
        objective.probabilities(index, USERS, np.tile([5, 6], (23, 1)), both, 0.5, metric="dot")[3],
    )
    with pytest.raises(ValueError, match="^metric: a distance is no logit"):
        objective.log_partition(index, USERS)


def test_a_loss_far_below_the_sum_keeps_its_accuracy():
    index = maxdot.Index.build(np.eye(4, dtype=np.float32))
    loss = objective.full_softmax(index, np.eye(4, dtype=np.float32)[:1], [0], 0.02)
    assert loss == pytest.approx(math.log1p(3 * math.exp(-50)), rel=1e-5)


@pytest.mark.parametrize("dtype", DTYPES)
def test_layouts_and_protocols(dtype):
    positive, negatives = gaussian(6, 1, 1, dtype)[:, 0], gaussian(6, 3, 2, dtype)
    true = objective.cross_entropy(positive, negatives)
    for kind in [
        np.asfortranarray,
        lambda x: np.repeat(x, 2, axis=0)[::2],
        lambda x: x[::-1].copy()[::-1],
        memoryview,
        OnlyDLPack,
        lambda x: OnlyDLPack(np.repeat(x, 2, axis=0)[::2]),
    ]:
        assert objective.cross_entropy(kind(positive), kind(negatives)) == true


def test_labels_of_every_type():
    scores = gaussian(6, 1, 1)[:, 0]
    true = objective.bce(scores, np.array([0, 1, 1, 0, 0, 1], np.float32))
    for dtype in (bool, np.int64, np.uint8):
        labels = np.array([0, 1, 1, 0, 0, 1], dtype)
        assert objective.bce(scores, labels) == objective.bce(scores, OnlyDLPack(labels)) == true
    one = np.float32(scores[0]).reshape(())
    assert objective.bce(one, np.array(0)) == objective.bce(scores[:1], labels[:1])


def test_the_gil_is_released():
    """Python code runs while a long call does."""
    scores = gaussian(3000, 1000, 1)
    running, ticks = threading.Event(), 0
    worker = threading.Thread(target=lambda: (running.set(), objective.probability(scores), running.clear()))
    worker.start()
    running.wait()
    while running.is_set():
        ticks += 1
    worker.join()
    assert ticks > 1000
