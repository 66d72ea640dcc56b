"""One size: every library ready, tuned, and measured in turns."""

import dataclasses
import random
import time

import numpy as np
import processes
from data import TUNING
from libraries import EXACT
from measure import PAUSE
from processes import Failed
from tuning import K, Tuner

OVER = 3  # a library that has spent this many times the seconds of a cell gets no more rounds of it


@dataclasses.dataclass(frozen=True)
class Shape:
    name: str
    batch: int
    every_thread: bool

    def threads(self, most):
        return most if self.every_thread else 1


SHAPES = (Shape("one query", 1, False), Shape("batch", 1024, True))


class Size:
    """Measures n items. `result` is what is known so far; its "missing" names who could not go on."""

    def __init__(self, options, folder, files, n, d, threads, log, say):
        self.options, self.folder, self.files, self.n, self.d = options, folder, files, n, d
        self.threads, self.log, self.say = threads, log, say
        self.alive, self.tuners = {}, {}
        self.result = {"n": n, "d": d, "threads": threads, "rounds": options.rounds}
        self.result.update(seconds=options.seconds, builds={}, missing={}, cells=[])

    def run(self, names):
        try:
            for name in names:
                self._try(name, self._start)
            self._truth()
            for name in list(self.alive):
                if name != EXACT:
                    self._try(name, self._tuner)
            for target in self.options.recalls:
                self._target(target)
        finally:
            for process in self.alive.values():
                process.close()
        return self.result

    def _try(self, name, what, *arguments):
        """A library that fails is left out from here on. Without maxdot there is nothing to compare."""
        try:
            return what(name, *arguments)
        except Failed as failed:
            if name == EXACT:
                raise Failed(f"{EXACT}: {failed}") from failed
            self.say(f"n = {self.n:,}: {name} is left out: {failed}")
            self.result["missing"][name] = str(failed)
            if name in self.alive:
                self.alive.pop(name).close()
            return None

    def _start(self, name):
        items = self.files[0]
        place = self.threads, self.log, self.folder, items, self.n, self.d, self.say
        self.alive[name], self.result["builds"][name] = processes.start(name, *place)
        paths = {which: str(self.folder / f"{which}.npy") for which in ("tuning", "measured")}
        self.alive[name].ask_for("begin", **paths)

    def _truth(self):
        out = self.folder / "answer.npy"
        self.items = np.load(self.files[0], mmap_mode="r")[: self.n]
        queries = np.load(self.files[1])
        self.queries = {"tuning": queries[:TUNING], "measured": queries[TUNING:]}
        self.truth = {}
        for which in self.queries:
            self.alive[EXACT].ask_for("truth", which=which, k=K, out=str(out))
            self.truth[which] = np.load(out)

    def _tuner(self, name):
        place = self.items, self.queries, self.truth, self.folder / "answer.npy"
        self.tuners[name] = Tuner(self.alive[name], self.n, self.threads, *place)

    def _chosen(self, name, target):
        """Settings by shape, each with its recall of the tuning and of the measured queries."""
        tuner = self.tuners[name]
        chosen = tuner.choose(target, SHAPES)
        found = {}
        for shape, setting in chosen.items():
            found[shape] = {"setting": setting, "tuned": tuner.recall(setting)}
            found[shape]["recall"] = tuner.recall(setting, "measured")
        return found

    def _target(self, target):
        chosen = {EXACT: {shape.name: {"setting": {}, "recall": 1.0} for shape in SHAPES}}
        not_reached = {}
        for name in list(self.alive):
            if name == EXACT:
                continue
            self.say(f"n = {self.n:,}, recall {target:g}: {name} is tuned")
            settings = self._try(name, self._chosen, target)
            if settings:
                chosen[name] = settings
            elif settings is not None:
                not_reached[name] = self.tuners[name].best()
        for shape in SHAPES:
            self.say(f"n = {self.n:,}, recall {target:g}: {shape.name}")
            ready = {name: settings[shape.name] for name, settings in chosen.items()}
            self.result["cells"].append(
                {
                    "target": target,
                    "shape": shape.name,
                    "libraries": self._rounds(shape, ready),
                    "not_reached": not_reached,
                }
            )

    def _rounds(self, shape, ready):
        """Seconds of a query, for each round. The order is shuffled anew each round."""
        seconds = self.options.seconds / self.options.rounds
        asked = {"which": "measured", "batch": shape.batch, "threads": shape.threads(self.threads), "k": K}
        times, spent = {name: [] for name in ready}, dict.fromkeys(ready, 0.0)
        order = random.Random(self.n + shape.batch)
        for _ in range(self.options.rounds):
            for name in order.sample(list(ready), len(ready)):
                if name not in self.alive or spent[name] > OVER * self.options.seconds:
                    continue
                time.sleep(PAUSE)
                setting = ready[name]["setting"]
                reply = self._try(name, self._turn, {**asked, "setting": setting, "seconds": seconds})
                if reply is None:
                    continue
                times[name].append(reply["seconds"])
                spent[name] += reply["spent"]
        return {name: {**ready[name], "seconds": times[name]} for name in ready if times[name]}

    def _turn(self, name, asked):
        return self.alive[name].ask_for("measure", **asked)
