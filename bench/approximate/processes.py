"""The processes of a size: each with its index, loaded if it was stored, else built and stored."""

import json
import pathlib
import shutil

from libraries import EXACT, LIBRARIES, short
from measure import Process

HERE = pathlib.Path(__file__).resolve().parent
BUILT = "built.json"


class Searcher(Process):
    """Process of bench/peers with searcher.py in it."""

    script = HERE / "searcher.py"

    def ask_for(self, do, **arguments):
        """The answer. Failed if there is none."""
        reply = self.ask(do, **arguments)
        if self.error:
            raise Failed(f"{do}: {self.error}")
        return reply


class Failed(Exception):
    """A library cannot go on; the message says why."""


def _stored(folder, wanted):
    """How the index in `folder` was built, if it is the wanted one."""
    try:
        built = json.loads((folder / BUILT).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return built if all(built.get(key) == value for key, value in wanted.items()) else None


def _build(process, folder, wanted, items):
    """Builds, and stores as a whole: written beside, then renamed."""
    part = folder.with_name(folder.name + ".part")
    for old in (part, folder):
        shutil.rmtree(old, ignore_errors=True)
    part.mkdir(parents=True)
    built = {**wanted, **process.ask_for("build", items=str(items), n=wanted["n"], folder=str(part))}
    if built["stored"]:
        (part / BUILT).write_text(json.dumps(built, indent=1), encoding="utf-8")
        part.rename(folder)
    else:
        shutil.rmtree(part)
    return built


def start(name, threads, log, folder, items, n, d, say):
    """A process with its index ready, and how that was built. Failed if the library cannot do it.

    A stored index is loaded by a fresh process, also right after it was built: a run that goes on later then
    measures the same.
    """
    process = Searcher(name, threads, log)
    try:
        if process.error:
            raise Failed(process.error)
        index = folder / "indexes" / f"{short(name)}-{n}"
        parameters = LIBRARIES[name].parameters(n)
        wanted = {"n": n, "d": d, "threads": threads, "parameters": parameters, "version": process.version}
        built = _stored(index, wanted)
        if built is None:
            say(f"n = {n:,}: {name} is built")
            built = _build(process, index, wanted, items)
            if built["stored"]:
                process.close()
                process = Searcher(name, threads, log)
        elif name != EXACT:
            say(f"n = {n:,}: {name} is loaded")
        if built["stored"]:
            process.ask_for("load", folder=str(index), n=n, d=d)
        return process, built
    except BaseException:
        process.close()
        raise


def needed(names, n, d):
    """Bytes, about: every index at once, and the rows twice while one is built."""
    return n * (sum(4 * d + LIBRARIES[name].beside for name in names) + 2 * 4 * d)


def available():
    for line in pathlib.Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * 1024
    raise ValueError("MemAvailable: not in /proc/meminfo")
