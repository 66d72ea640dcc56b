"""Runs a plan: a process per library, all alive at once, taking turns call by call."""

import contextlib
import json
import os
import pathlib
import random
import statistics
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
# BLAS and OpenMP threads spin for a moment after a call; the pause keeps them out of the next library's turn.
PAUSE = 0.05
CORRECT_QUERIES, CORRECT_K = 256, 100


def environment(threads):
    """What every process gets: thread pools of one size, waiting threads asleep, BLAS untouched."""
    made = {k: v for k, v in os.environ.items() if k not in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")}
    pools = ("OMP", "OPENBLAS", "MKL", "BLIS", "NUMEXPR", "TF_NUM_INTRAOP", "LOKY_MAX")
    suffix = {"TF_NUM_INTRAOP": "_THREADS", "LOKY_MAX": "_CPU_COUNT"}
    made.update({pool + suffix.get(pool, "_NUM_THREADS"): str(threads) for pool in pools})
    made.update(OMP_WAIT_POLICY="PASSIVE", TF_CPP_MIN_LOG_LEVEL="3", CUDA_VISIBLE_DEVICES="")
    return made


class Process:
    """A library's process, running `script`. `error` is set once it cannot go on."""

    script = HERE / "worker.py"

    def __init__(self, name, threads, log):
        command = [sys.executable, str(self.script), name, str(threads)]
        self.name, self.error = name, None
        self.child = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            env=environment(threads),
            text=True,
        )
        self.version = self._read().get("version")

    def ask(self, do, **arguments):
        # A process that has ended (out of memory, say) shows in the answer that does not come.
        with contextlib.suppress(BrokenPipeError):
            print(json.dumps({"do": do, **arguments}), file=self.child.stdin, flush=True)
        return self._read()

    def _read(self):
        line = self.child.stdout.readline()
        reply = json.loads(line) if line else {"error": f"the process ended with status {self.child.wait()}"}
        self.error = reply.get("error")
        return reply

    def close(self):
        with contextlib.suppress(BrokenPipeError):
            self.child.stdin.close()
        try:
            self.child.wait(20)
        except subprocess.TimeoutExpired:
            self.child.kill()


def _turns(processes, rounds, shape, seconds):
    """Times of each library: the rounds alternate, in an order shuffled anew each round."""
    chosen, times = {}, {}
    for process in processes:
        time.sleep(PAUSE)
        reply = process.ask("prepare", batch=shape.batch, k=shape.k, seconds=seconds)
        if process.error is None:
            chosen[process.name] = reply["variant"]
            # A call beyond the cap is its own measurement; slow libraries get fewer rounds.
            times[process.name] = [reply["seconds"]] if reply["seconds"] > seconds else []
    order = random.Random(shape.batch * 1000 + shape.k)
    for _ in range(rounds):
        for process in order.sample(processes, len(processes)):
            name = process.name
            if name not in chosen or process.error or sum(times[name]) > seconds:
                continue
            time.sleep(PAUSE)
            reply = process.ask("measure", batch=shape.batch, k=shape.k)
            if process.error is None:
                times[name].append(reply["seconds"])
    return {name: {"seconds": times[name], "variant": chosen[name]} for name in chosen if times[name]}


def run(plan, threads, data_files, names, log, say):
    """Measures everything in `plan` with `threads` threads. `data_files` maps a data set to its two files."""
    processes = [Process(name, threads, log) for name in names]
    result = {
        "threads": threads,
        "versions": {p.name: p.version for p in processes},
        "missing": {p.name: p.error for p in processes if p.error},
        "shapes": [],
        "builds": {},
        "answers": {},
    }
    alive = [p for p in processes if p.error is None]
    for number, data in enumerate(plan.data):
        items, queries = data_files[data]
        say(f"{threads} threads, {data.n} x {data.d}: building")
        for process in alive:
            built = process.ask("build", items=str(items), queries=str(queries))
            if number == 0 and process.error is None:
                result["builds"][process.name] = built
        alive = [p for p in alive if _note(p, result)]
        if number == 0:
            _answers(alive, result, items.parent, say)
        for shape in data.shapes:
            say(f"{threads} threads, {data.n} x {data.d}: batch {shape.batch}, k {shape.k}")
            measured = _turns(alive, plan.rounds, shape, plan.seconds)
            result["shapes"].append(
                {
                    "data": pathlib.Path(data.data).stem,
                    "n": data.n,
                    "d": data.d,
                    "batch": shape.batch,
                    "k": shape.k,
                    "axes": list(shape.axes),
                    "times": measured,
                }
            )
            alive = [p for p in alive if _note(p, result)]
        if number == 0:
            for process in alive:
                largest = max(shape.batch for shape in data.shapes)
                result["builds"][process.name]["peak"] = process.ask("peak", batch=largest, k=10).get("bytes")
    for process in processes:
        process.close()
    return result


def _note(process, result):
    if process.error:
        result["missing"][process.name] = f"stopped during the run: {process.error}"
    return process.error is None


def _answers(processes, result, folder, say):
    for process in processes:
        say(f"answers of {process.name}")
        path = folder / f"answer-{process.name.replace(' ', '-')}.npy"
        reply = process.ask("answer", count=CORRECT_QUERIES, k=CORRECT_K, out=str(path))
        if process.error is None:
            result["answers"][process.name] = {"path": str(path), **reply}


def median(times):
    return statistics.median(times)


def ratio(times, base):
    """Median over the rounds of one library's time over maxdot's in the same round."""
    if len(times) == len(base):
        return statistics.median(a / b for a, b in zip(times, base))
    return median(times) / median(base)
