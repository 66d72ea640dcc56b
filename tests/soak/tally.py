"""What was done, and what went wrong: numbers that many threads add to."""

import collections
import threading
import traceback


class Tally:
    KEPT = 20  # Messages of each kind of failure: the first ones tell what is wrong; all are counted.

    def __init__(self):
        self.counts = collections.Counter()
        self.failures = collections.defaultdict(list)
        self._lock = threading.Lock()

    def add(self, name, number=1):
        with self._lock:
            self.counts[name] += number

    def fail(self, kind, message):
        with self._lock:
            self.counts[f"failed: {kind}"] += 1
            if len(self.failures[kind]) < self.KEPT:
                self.failures[kind].append(f"{kind}: {message}")

    def summary(self):
        with self._lock:
            return {
                "counts": dict(sorted(self.counts.items())),
                "failures": [message for kind in self.failures.values() for message in kind],
            }


class Worker(threading.Thread):
    """Calls `step(random)` again and again, with pauses, until `over` is set. An error is a failure; it goes on."""

    def __init__(self, name, step, pause, over, tally, random, paused=None):
        super().__init__(name=name, daemon=True)
        self.step, self.pause, self.over, self.tally, self.random = step, pause, over, tally, random
        self.paused = paused

    def run(self):
        # Pauses differ, so that workers meet in every order.
        while not self.over.wait(self.pause * self.random.uniform(0.5, 1.5)):
            try:
                if self.paused is None:
                    self.step(self.random)
                else:
                    with self.paused.shared():
                        self.step(self.random)
            except Exception as error:
                last = traceback.extract_tb(error.__traceback__)[-1]
                self.tally.fail(
                    "unexpected error",
                    f"{self.name}: {type(error).__name__}: {error} ({last.name}, line {last.lineno})",
                )


class Gate:
    """Many workers may be within `shared`; `alone` waits until none is, and holds them back."""

    def __init__(self):
        self._inside = 0
        self._closed = False
        self._changed = threading.Condition()

    def shared(self):
        return _Pass(self)

    def __enter__(self):
        with self._changed:
            self._closed = True
            self._changed.wait_for(lambda: self._inside == 0)

    def __exit__(self, *_):
        with self._changed:
            self._closed = False
            self._changed.notify_all()


class _Pass:
    def __init__(self, gate):
        self.gate = gate

    def __enter__(self):
        gate = self.gate
        with gate._changed:
            gate._changed.wait_for(lambda: not gate._closed)
            gate._inside += 1

    def __exit__(self, *_):
        gate = self.gate
        with gate._changed:
            gate._inside -= 1
            gate._changed.notify_all()
