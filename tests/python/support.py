"""What the cases share: data, and a brute force of its own in NumPy's float64."""

import pathlib

import numpy as np

ROOT = pathlib.Path(__file__).resolve().parents[2]
GLOVE = ROOT / "examples" / "data" / "glove-100d-9600.f16.npy"
METRICS = ("dot", "cosine", "euclidean")


def gaussian(rows, dimension, seed, dtype=np.float32):
    return np.random.default_rng(seed).standard_normal((rows, dimension)).astype(dtype)


def scores64(items, queries, metric, normalize=False):
    """[queries, items], larger is better except for euclidean."""
    x, q = items.astype(np.float64), queries.astype(np.float64)
    dot = q @ x.T
    norms = np.sqrt((q * q).sum(1))[:, None] * np.sqrt((x * x).sum(1))
    cosine = np.divide(dot, norms, out=np.zeros_like(dot), where=norms > 0)
    if metric == "euclidean":
        if normalize:
            return np.sqrt(np.maximum(2 - 2 * cosine, 0))
        return np.sqrt(np.maximum(((q[:, None] - x) ** 2).sum(2), 0))
    return cosine if normalize or metric == "cosine" else dot


def best(items, queries, k, metric, normalize=False, ids=None):
    """ids and scores by sorting everything: by score, then by smaller id."""
    ids = np.arange(len(items)) if ids is None else np.asarray(ids)
    scores = scores64(items, queries, metric, normalize)
    keys = scores if metric == "euclidean" else -scores
    order = (
        np.stack([np.lexsort((ids, row)) for row in keys])[:, :k] if len(queries) else np.empty((0, k), int)
    )
    return ids[order], np.take_along_axis(scores, order, 1)
