"""maxdot.objective beside torch's losses, values and gradients, and what it takes as a tensor."""

import maxdot
import numpy as np
import pytest
from maxdot import objective
from support import gaussian

torch = pytest.importorskip("torch")
DTYPES = [torch.float64, torch.float32]


def tensors(dtype, *shapes):
    torch.manual_seed(7)
    return [torch.randn(shape, dtype=dtype).requires_grad_() for shape in shapes]


def same(found, loss, *scores):
    """Value and gradients; in float32 what torch rounds on its way limits the comparison."""
    loss.backward()
    close = {"rtol": 1e-6, "atol": 1e-6 * float(loss.detach())}
    np.testing.assert_allclose(found[0], float(loss.detach()), **close)
    for ours, theirs in zip(found[1:], scores, strict=True):
        np.testing.assert_allclose(ours, theirs.grad.numpy(), **close)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("t", [1.0, 0.2])
def test_bce(dtype, t):
    (scores,) = tensors(dtype, (64,))
    labels = (torch.rand(64) < 0.3).to(dtype)
    found = objective.bce(scores, labels, t, grad=True)
    # In double: in float32 1 - sigmoid(z) has lost what the loss of a wrong score is made of, and at t = 0.2
    # BCELoss itself is off by 2e-5.
    same(found, torch.nn.BCELoss()(torch.sigmoid(scores.double() / t), labels.double()), scores)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(64,), (64, 5)])
def test_bpr_as_rechub_computes_it(dtype, shape):
    positive, negative = tensors(dtype, (64,), shape)
    found = objective.bpr(positive, negative, grad=True)
    pairs = positive.reshape(-1, *[1] * (len(shape) - 1)) - negative
    same(found, (-pairs.sigmoid().log()).mean(), positive, negative)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("t", [1.0, 0.2])
def test_cross_entropy(dtype, t):
    positive, negatives = tensors(dtype, (64,), (64, 20))
    found = objective.cross_entropy(positive, negatives, t, grad=True)
    logits = torch.cat([positive[:, None], negatives], 1) / t
    loss = torch.nn.CrossEntropyLoss()(logits, torch.zeros(64, dtype=torch.int64))
    same(found, loss, positive, negatives)


def test_full_softmax():
    items, users = gaussian(500, 16, 1), gaussian(40, 16, 2)
    positives = torch.arange(40) * 3
    scores = (torch.from_numpy(users).double() @ torch.from_numpy(items).double().T).requires_grad_()
    torch.nn.CrossEntropyLoss()(scores / 2, positives).backward()
    index = maxdot.Index.build(items, metric="dot")
    queries = torch.from_numpy(users).requires_grad_()
    loss, slope = objective.full_softmax(index, queries, positives, 2, grad=True)
    true = torch.nn.CrossEntropyLoss()(scores.detach() / 2, positives)
    np.testing.assert_allclose(loss, float(true), rtol=1e-6)
    np.testing.assert_allclose(slope, scores.grad[torch.arange(40), positives].numpy(), rtol=1e-5)


def test_tensors_are_left_alone():
    (scores,) = tensors(torch.float32, (6,))
    before = scores.detach().clone()
    loss = objective.bce(scores, torch.ones(6, dtype=torch.int64), reduction="none")
    assert isinstance(loss, np.ndarray)
    assert torch.equal(scores.detach(), before)
    assert scores.requires_grad
    with pytest.raises(ValueError, match="^scores: .*bfloat16"):
        objective.bce(scores.bfloat16(), torch.ones(6))
