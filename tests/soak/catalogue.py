"""The right answers: a pool of rows and queries, whose keys are known, and what a catalogue was at each version."""

import threading

import numpy as np

DIMENSION = 32
IDS = 5000
ROWS = 8192
QUERIES = 64
METRICS = ("dot", "cosine", "euclidean")
# [seconds] Far beyond what a change takes on a machine with other work.
PATIENCE = 120


def dot64(left, right):
    """As docs/exactness.md defines it, without the engine: 8 lanes, each in ascending order, in f64."""
    products = left.astype(np.float64) * right.astype(np.float64)
    lanes = np.zeros((*products.shape[:-1], 8))
    for first in range(0, products.shape[-1], 8):
        lanes += products[..., first : first + 8]
    four = lanes[..., :4] + lanes[..., 4:]
    return (four[..., 0] + four[..., 2]) + (four[..., 1] + four[..., 3])


class Pool:
    """Every row that an item may have, every query that is asked, and the key of each pair by each metric."""

    def __init__(self, seed):
        random = np.random.default_rng(seed)
        # Rows that f16 holds exactly: files of f16 and of f32 have the same answers.
        self.rows = random.normal(size=(ROWS, DIMENSION)).astype(np.float16)
        self.queries = random.normal(size=(QUERIES, DIMENSION)).astype(np.float32)
        dots = np.stack([dot64(query, self.rows) for query in self.queries])
        queries = dot64(self.queries, self.queries)[:, None]
        rows = dot64(self.rows, self.rows)[None, :]
        self.keys = {
            "dot": dots,
            "cosine": dots / (np.sqrt(queries) * np.sqrt(rows)),
            "euclidean": -np.maximum(0, queries + rows - 2 * dots),
        }

    def random_state(self, random):
        """A catalogue: for each id the number of its row, or -1 where there is no item. Rows repeat: keys tie."""
        state = random.integers(0, ROWS, IDS).astype(np.int32)
        state[random.random(IDS) < 0.3] = -1
        return state

    def best(self, state, query, k, metric, exclude=None, allow=None):
        """The ids of the k best, best first, and their scores (f64): larger key first, then the smaller id."""
        there = state >= 0
        if exclude is not None:
            there = there.copy()
            there[exclude] = False
        if allow is not None:
            allowed = np.zeros(IDS, bool)
            allowed[allow] = True
            there = there & allowed
        ids = np.flatnonzero(there)
        keys = self.keys[metric][query, state[ids]]
        if k < len(ids):
            near = keys >= np.partition(keys, len(ids) - k)[len(ids) - k]
            ids, keys = ids[near], keys[near]
        order = np.lexsort((ids, -keys))[:k]
        ids, keys = ids[order], keys[order]
        return ids, np.sqrt(-keys) if metric == "euclidean" else keys

    def is_right(self, state, asked, ids, scores):
        """Whether `ids` and `scores` [n, k] are, bit for bit, the answer to `asked` of this catalogue."""
        for row, query in enumerate(asked["queries"]):
            lists = {name: asked[name] and asked[name][row] for name in ("exclude", "allow")}
            best, values = self.best(state, query, asked["k"], asked["metric"], **lists)
            n = len(best)
            same = (ids[row, :n] == best).all() and (scores[row, :n] == values).all()
            if not same or not (ids[row, n:] == -1).all():
                return False
        return True

    def question(self, random):
        """A search at random: few or many queries, small or large k, every metric, lists or none."""
        n = int(random.choice([1, 1, 1, 2, 4, 16]))
        lists = {"exclude": None, "allow": None}
        kind = random.choice(["none", "none", "exclude", "allow"])
        if kind != "none":
            lists[kind] = [random.choice(IDS, int(random.integers(0, 300)), replace=False) for _ in range(n)]
        return {
            "queries": random.choice(QUERIES, n, replace=False),
            "k": int(random.choice([1, 3, 10, 10, 50, 400])),
            "metric": str(random.choice(METRICS)),
            **lists,
        }


class Running:
    """A change under way; `version` is set once it is done."""

    def __init__(self):
        self.version = None


class History:
    """What a catalogue was at each version, as its writers have told. Old versions are forgotten."""

    KEPT = 1000  # Changes: a check comes seconds after the answer, so the oldest are minutes too old.

    def __init__(self, version):
        self.base, self.base_version = np.full(IDS, -1, np.int32), version
        self.newest = version  # of the changes whose calls have returned
        self.changes = {}
        self.under_way = set()
        self.over = False
        self.changed = threading.Condition()
        self.cached = (version, self.base.copy())

    def begin(self):
        change = Running()
        with self.changed:
            self.under_way.add(change)
        return change

    def end(self, change, version, items, ids, rows):
        """The change gave `ids` the `rows` (-1: removed); without ids, `rows` is the whole catalogue."""
        with self.changed:
            if version in self.changes or version <= self.base_version:
                raise AssertionError(f"two changes have the version {version}")
            self.changes[version] = (ids, rows, items)
            change.version = version
            self.under_way.discard(change)
            self.newest = max(self.newest, version)
            self.changed.notify_all()

    def refused(self, change):
        """It was not made: it has no version."""
        with self.changed:
            change.version = 0
            self.under_way.discard(change)
            self.changed.notify_all()

    def now(self):
        """To be asked right after an answer came: what later tells the newest version that it may have."""
        with self.changed:
            return self.newest, list(self.under_way)

    def last_version(self, now):
        """The newest version that an answer of the time `now` may have. Waits until all up to it are known."""
        newest, under_way = now
        with self.changed:
            self._wait_for(lambda: all(c.version is not None for c in under_way), "a change has not ended")
            last = max([newest, *(change.version for change in under_way)])
        self.wait(last)
        return last

    def wait(self, version):
        """Until all changes up to this version are known."""
        with self.changed:
            self._wait_for(
                lambda: all(v in self.changes for v in range(self.base_version + 1, version + 1)),
                f"a version up to {version} is no change of a writer",
            )

    def state(self, version):
        """The catalogue at a version whose changes are all known."""
        with self.changed:
            if version < self.base_version:
                raise AssertionError(f"version {version} came too late to be checked: {self.base_version} is kept")
            known, state = self.cached if self.cached[0] <= version else (self.base_version, self.base)
            state = state.copy()
            for v in range(known + 1, version + 1):
                apply(state, self.changes[v])
            self.cached = (version, state)
            if len(self.changes) > self.KEPT:
                self._forget()
            return state

    def writers_have_ended(self):
        """Nothing that is not known by now will be."""
        with self.changed:
            self.over = True
            self.changed.notify_all()

    def _wait_for(self, known, otherwise):
        self.changed.wait_for(lambda: self.over or known(), PATIENCE)
        if not known():
            raise AssertionError(otherwise)

    def _forget(self):
        for _ in range(self.KEPT // 2):
            if self.base_version + 1 not in self.changes:
                return
            change = self.changes.pop(self.base_version + 1)
            self.base_version += 1
            items = apply(self.base, change)
            if items != change[2]:
                raise AssertionError(f"version {self.base_version} says {change[2]} items and has changed {items}")
        if self.cached[0] < self.base_version:
            self.cached = (self.base_version, self.base.copy())


def apply(state, change):
    """Makes the change; returns how many items it put in or removed."""
    ids, rows, _ = change
    if ids is None:
        state[:] = rows
        return int((rows >= 0).sum())
    before = state[ids]
    state[ids] = rows
    return len(ids) if np.ndim(rows) else int((before >= 0).sum())


def random_change(random, pool):
    """Ids and their new rows; -1 instead of rows: they are removed."""
    ids = random.choice(IDS, int(random.choice([1, 5, 20, 100, 400])), replace=False)
    return ids, random.integers(0, ROWS, len(ids)).astype(np.int32) if random.random() < 0.7 else -1
