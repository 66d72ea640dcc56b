"""The same lists' worth of evaluation twice: RecHub's way, user by user through Annoy, and through maxdot."""

import statistics
import time
from dataclasses import dataclass

import maxdot
import numpy as np
from interactions import ITEM, USER
from maxdot.rechub import match_report
from torch_rechub.basic.metric import topk_metrics
from torch_rechub.utils.match import Annoy

REPETITIONS = 3


@dataclass(frozen=True)
class Evaluated:
    """What both found, and what it took: medians of `REPETITIONS` runs, on one thread (Annoy builds on all)."""

    exact: maxdot.evaluate.Report
    unseen: maxdot.evaluate.Report  # without the items that the user has seen
    annoy: dict  # k: recall
    overlap: dict  # k: share of the exact list that Annoy's has
    exact_seconds: float
    annoy_seconds: float


def evaluate(users, items, dataset, ks):
    """Measures one model. `users` and `items` are tensors, as RecHub exports them."""
    common = {"raw_id_maps": dataset.raw_id_maps, "topk": ks, "threads": 1}
    exact_seconds, exact = timed(
        lambda: match_report(users, items, dataset.test_user, dataset.all_item, **common)
    )
    annoy_seconds, (annoy, lists) = timed(lambda: by_annoy(users, items, dataset, ks))
    with_intervals = match_report(users, items, dataset.test_user, dataset.all_item, bootstrap=1000, **common)
    if [row.recall for row in with_intervals] != [row.recall for row in exact]:
        raise RuntimeError("the intervals changed the means")
    unseen = match_report(users, items, dataset.test_user, dataset.all_item, seen=dataset.seen, **common)
    true_rows = maxdot.top_k(users, items, max(ks), metric="cosine")[0]
    # One test row for each user, so rows and users are in one order here.
    true_lists = dataset.all_item[ITEM][true_rows]
    overlap = {k: shared(true_lists, lists, k) for k in ks}
    return Evaluated(with_intervals, unseen, annoy, overlap, exact_seconds, annoy_seconds)


def by_annoy(users, items, dataset, ks):
    """What the `match_evaluation` of RecHub's examples does, for many k; also the lists, encoded."""
    user_map, item_map = dataset.raw_id_maps
    engine = Annoy(n_trees=10)
    engine.fit(items)
    found, truth, lists = {}, {}, []
    for user, relevant, embedding in zip(
        dataset.test_user[USER].tolist(), dataset.test_user[ITEM].tolist(), users, strict=True
    ):
        rows, _ = engine.query(v=embedding, n=max(ks))
        lists.append(dataset.all_item[ITEM][rows])
        found[user_map[user]] = [item_map[item] for item in lists[-1].tolist()]
        truth.setdefault(user_map[user], []).append(item_map[relevant])
    texts = topk_metrics(truth, found, topKs=ks)["Recall"]
    return {k: float(text.split(": ")[1]) for k, text in zip(ks, texts, strict=True)}, lists


def shared(true_lists, lists, k):
    return float(np.mean([np.isin(a[:k], b[:k]).mean() for a, b in zip(true_lists, lists, strict=True)]))


def timed(call):
    seconds = []
    for _ in range(REPETITIONS):
        start = time.perf_counter()
        result = call()
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds), result
