"""One evaluation twice: RecHub's way, user by user through Annoy, and through maxdot, all users at once."""

import statistics
import time
from dataclasses import dataclass

import maxdot
import numpy as np
from interactions import ITEM, USER
from maxdot.rechub import match_report
from torch_rechub.basic.metric import topk_metrics
from torch_rechub.utils.match import Annoy

REPETITIONS = 5


@dataclass(frozen=True)
class Comparison:
    """recall@k as both measure it, how much of the true lists Annoy has, and median seconds of a whole evaluation."""

    exact: float
    annoy: float
    shared: float
    exact_seconds: float
    annoy_seconds: float


@dataclass(frozen=True)
class Evaluated:
    """What is true of a model, with and without the items that a user has seen, and how Annoy compares at some k."""

    exact: maxdot.evaluate.Report
    unseen: maxdot.evaluate.Report
    beside: dict  # k: Comparison


def evaluate(users, items, dataset, ks, compared):
    """Measures one model. `users` and `items` are tensors, as RecHub exports them; `compared` are some of `ks`."""
    exact = by_maxdot(users, items, dataset, ks, bootstrap=1000)
    unseen = by_maxdot(users, items, dataset, ks, seen=dataset.seen)
    return Evaluated(exact, unseen, {k: compare(users, items, dataset, k) for k in compared})


def by_maxdot(users, items, dataset, topk, **options):
    """On one thread, as Annoy's queries are; Annoy builds its trees on all."""
    return match_report(
        users,
        items,
        dataset.test_user,
        dataset.all_item,
        raw_id_maps=dataset.raw_id_maps,
        topk=topk,
        threads=1,
        **options,
    )


def by_annoy(users, items, dataset, topk):
    """What `match_evaluation` of RecHub's examples does; returns its recall and the lists, in encoded ids."""
    user_map, item_map = dataset.raw_id_maps
    engine = Annoy(n_trees=10)
    engine.fit(items)
    found, truth, lists = {}, {}, []
    for user, relevant, embedding in zip(
        dataset.test_user[USER].tolist(), dataset.test_user[ITEM].tolist(), users, strict=True
    ):
        rows, _ = engine.query(v=embedding, n=topk)
        lists.append(dataset.all_item[ITEM][rows])
        found[user_map[user]] = [item_map[item] for item in lists[-1].tolist()]
        truth.setdefault(user_map[user], []).append(item_map[relevant])
    (text,) = topk_metrics(truth, found, topKs=[topk])["Recall"]
    return float(text.split(": ")[1]), lists


def compare(users, items, dataset, k):
    """Both are asked for k items, as RecHub's function is called: Annoy looks the farther the more are asked for."""
    exact_seconds, report = timed(lambda: by_maxdot(users, items, dataset, k))
    annoy_seconds, (annoy, lists) = timed(lambda: by_annoy(users, items, dataset, k))
    true_lists = dataset.all_item[ITEM][maxdot.top_k(users, items, k, metric="cosine")[0]]
    shared = np.mean([np.isin(true, found).mean() for true, found in zip(true_lists, lists, strict=True)])
    return Comparison(report[k].recall, annoy, float(shared), exact_seconds, annoy_seconds)


def timed(call):
    seconds = []
    for _ in range(REPETITIONS):
        start = time.perf_counter()
        result = call()
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds), result
