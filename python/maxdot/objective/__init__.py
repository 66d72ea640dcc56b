"""Losses of recall models with derivatives and temperature, and the softmax over a whole index.

>>> loss = objective.bce(scores, labels, temperature=0.2)
>>> loss, positive_grad, negative_grad = objective.cross_entropy(positive, negatives, 0.2, grad=True)
>>> loss = objective.full_softmax(index, users, positive_ids, 0.05)      # against every item, one pass

Nothing is trained here: these are values and derivatives for scores that a model gave. Logits are score /
temperature. docs/objectives.md has the formulas and their accuracy.

Scores are float32 or float64 arrays: NumPy, tensors, anything with the buffer or DLPack protocol (a tensor
is detached, and copied to the host from a GPU). Both are computed in float64; results have the scores' type,
and a mean is a Python float.

Every loss takes two more arguments:
    reduction: "mean": the mean loss; "none": the loss of each row.
    grad: also return the derivatives of what `reduction` gives with respect to the scores: of the mean, or of
        each row's own loss. They hold the factor 1 / temperature.

Raises, in every function:
    ValueError: wrong dtype or shape, NaN or Inf, temperature not finite and above 0; names the argument.
    TypeError: what should be an array is none.
    TimeoutError: of those that take a `timeout`, see `full_softmax`: it was not done in time; there is no
        partial answer.
"""

from maxdot.objective.catalogue_softmax import full_softmax, log_partition, probabilities
from maxdot.objective.losses import bce, bpr, cross_entropy
from maxdot.objective.probability import probability, softmax

__all__ = [
    "bce",
    "bpr",
    "cross_entropy",
    "full_softmax",
    "log_partition",
    "probabilities",
    "probability",
    "softmax",
]
