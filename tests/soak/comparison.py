"""A catalogue at rest beside what its writers were told, and the words for a wrong answer."""

import numpy as np


def compare(live, history, pool, tally):
    """The catalogue, item by item, with what its writers were told."""
    snapshot = live.snapshot()
    if snapshot.version != history.newest:
        tally.fail("wrong answer", f"the folder has version {snapshot.version}, the last change {history.newest}")
        return
    history.wait(snapshot.version)
    state = history.state(snapshot.version)
    ids = np.sort(snapshot.ids())
    if not np.array_equal(ids, np.flatnonzero(state >= 0)):
        tally.fail("wrong answer", "the folder has other ids than its writers have put in")
        return
    tally.add("items compared at the end", len(ids))
    if any((snapshot.item(id) != pool.rows[state[id]]).any() for id in ids.tolist()):
        tally.fail("wrong answer", "the folder has other values than its writers have put in")


def described(asked):
    lists = [name for name in ("exclude", "allow") if asked[name] is not None]
    what = f"{len(asked['queries'])} queries, k {asked['k']}, {asked['metric']}, {lists}"
    return f"{what}: another answer than the oracle"
