"""What runs in the workers of udf.py. A module, so that each worker process imports it and builds one index."""

import functools

import numpy as np
import pandas as pd
from peers import LIBRARIES


@functools.cache
def search_of(name, rows, k):
    """One index for each worker process."""
    return LIBRARIES[name](np.load(rows), k, 1)


def answer(frame, search, k):
    """A row for each result."""
    ids, scores = search(np.stack(frame["vector"].to_numpy()).astype(np.float32))
    return pd.DataFrame(
        {
            "user_id": np.repeat(frame["user_id"].to_numpy(), k),
            "rank": np.tile(np.arange(1, k + 1, dtype=np.int32), len(frame)),
            "item_id": np.asarray(ids, np.int64).reshape(-1),
            "score": np.asarray(scores, np.float32).reshape(-1),
        }
    )


class Actor:
    def __init__(self, name, rows, k):
        self._search = search_of(name, rows, k)
        self._k = k

    def __call__(self, frame):
        return answer(frame, self._search, self._k)
