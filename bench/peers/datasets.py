"""The data that every library gets: unit rows in float32, made from a seed or from a file of embeddings."""

import pathlib

import numpy as np

QUERIES = 4096


def _unit(rows):
    rows = rows.astype(np.float64)
    norms = np.sqrt((rows * rows).sum(1, keepdims=True))
    return (rows / np.where(norms > 0, norms, 1)).astype(np.float32)


def _gaussian(rows, dimension, seed):
    return np.random.default_rng(seed).standard_normal((rows, dimension), dtype=np.float32)


def make(folder, data, n, d):
    """Writes items and queries of a data set once. `data` is "gaussian" or the path of an .npy file.

    Gaussian rows have no structure that a screen could use: the hardest case. Queries to a file are its own
    rows, spread evenly, each moved a little so that no item equals a query.
    Returns the two paths.
    """
    name = f"{pathlib.Path(data).stem}-{n}x{d}"
    items, queries = folder / f"{name}.items.npy", folder / f"{name}.queries.npy"
    if not (items.exists() and queries.exists()):
        if data == "gaussian":
            rows, asked = _gaussian(n, d, 1), _gaussian(QUERIES, d, 2)
        else:
            rows = np.load(data, mmap_mode="r")[:n]
            picked = rows[np.arange(QUERIES) * len(rows) // QUERIES].astype(np.float32)
            asked = picked + 0.05 * np.linalg.norm(picked, axis=1, keepdims=True) * _unit(
                _gaussian(*picked.shape, 3)
            )
        np.save(items, _unit(rows))
        np.save(queries, _unit(asked))
    return items, queries
