#!/usr/bin/env python3
"""What an installed maxdot must do: README's Python example prints what README says, the command and `python -m maxdot` work, and
the licences are there. The interpreter that runs this is the one that has maxdot.

usage: installed_wheel.py [RUN...]   RUN: a command that runs programs, such as qemu-aarch64 -L /usr/aarch64-linux-gnu
"""

import importlib.metadata
import json
import pathlib
import re
import subprocess
import sys
import tempfile

#: CPython up to 3.13 ends such threads by unwinding them, through frames of the module.
ENDING = """
import threading, time, maxdot, numpy as np
items = np.random.default_rng(1).standard_normal((20_000, 32), dtype=np.float32)
index = maxdot.Index.build(items)
def ask():
    while True:
        index.search(items[:200], 10)
for _ in range(4):
    threading.Thread(target=ask, daemon=True).start()
time.sleep(0.1)
print("end")
"""

ROOT = pathlib.Path(__file__).resolve().parents[2]
DATA = ROOT / "examples" / "data"


def example():
    """README's Python example and what it prints."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    return re.search(r"```python\n(.*?)```\n+prints\n+```\n(.*?)```", text, re.DOTALL).groups()


def run(*command):
    """What the command prints. It is to end well."""
    done = subprocess.run([str(part) for part in command], cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(map(str, command))}: status {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def check_command(*maxdot):
    """Builds, searches and verifies the words of examples/data. Returns the version, and the bytes of the index and of the results."""
    version = run(*maxdot, "--version").strip()
    items = DATA / "glove-100d-9600.f16.npy"
    with tempfile.TemporaryDirectory() as scratch:
        index, found = pathlib.Path(scratch) / "words.maxdot", pathlib.Path(scratch) / "found"
        run(*maxdot, "build", items, "-o", index, "--metric", "cosine")
        run(*maxdot, "search", index, items, "-k", "5", "--out", found)
        said = json.loads(run(*maxdot, "verify", items, "-k", "10", "--queries", "50", "--json"))
        assert "error" not in said, said
        return version, [path.read_bytes() for path in sorted(pathlib.Path(scratch).iterdir())]


def main():
    emulator = sys.argv[1:]
    files = importlib.metadata.files("maxdot")
    command = next(path for path in (pathlib.Path(str(file.locate())).resolve() for file in files if file.name == "maxdot") if path.is_file())
    code, printed = example()
    assert run(*emulator, sys.executable, "-c", code) == printed
    assert run(*emulator, sys.executable, "-c", ENDING) == "end\n"
    version, results = check_command(*emulator, command)
    assert importlib.metadata.version("maxdot") in version, version
    assert len(results) == 3
    if not emulator:  # which would have to run the command that Python becomes
        assert run(sys.executable, "-m", "maxdot", "--version").strip() == version
        failed = subprocess.run([sys.executable, "-m", "maxdot", "search", "nothing-there.maxdot"], capture_output=True, text=True, check=False)
        assert failed.returncode in (2, 3), failed
    names = {file.name for file in files}
    assert {"LICENSE", "THIRD-PARTY-LICENSES", "maxdot.cdx.json", "py.typed"} <= names, names
    print(f"{version}: README's example, the command and python -m maxdot work")


if __name__ == "__main__":
    main()
