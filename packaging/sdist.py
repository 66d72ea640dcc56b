#!/usr/bin/env python3
"""Makes the source distribution, dist/maxdot-*.tar.gz: the tracked files and, in third_party/, the headers of others that maxdot is
compiled with. So it builds where there are no system libraries. `make sdist` runs it.

usage: sdist.py DIST

The headers are this machine's: the packages libxsimd-dev, libxxhash-dev, libcli11-dev and nlohmann-json3-dev on Debian and Ubuntu
(`make deps`). It needs the package `build` of PyPI (packaging/requirements.txt).
"""

import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[1]
#: Folders and files of headers, relative to an include folder.
HEADERS = ("xsimd", "CLI", "nlohmann", "xxhash.h")
INCLUDE = ("/usr/local/include", "/usr/include")


def tracked():
    """Files of the work tree that git knows or would take: what is committed next."""
    command = ["git", "-C", str(ROOT), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, capture_output=True, check=True).stdout
    names = (os.fsdecode(name) for name in listed.split(b"\0") if name)
    return [name for name in names if (ROOT / name).is_file()]


def lay_headers(folder):
    """Copies HEADERS into the folder."""
    folder.mkdir()
    for name in HEADERS:
        found = next((path for path in (pathlib.Path(place) / name for place in INCLUDE) if path.exists()), None)
        if found is None:
            raise SystemExit(f"sdist.py: {name} is in none of {', '.join(INCLUDE)}: install the packages that `make deps` names")
        if found.is_dir():
            shutil.copytree(found, folder / name)
        else:
            shutil.copy2(found, folder / name)


def main():
    dist = pathlib.Path(sys.argv[1]).resolve()
    with tempfile.TemporaryDirectory(prefix="maxdot-sdist-") as scratch:
        tree = pathlib.Path(scratch) / "maxdot"
        for name in tracked():
            (tree / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, tree / name)
        lay_headers(tree / "third_party")
        # What compiles is not needed for it.
        command = [sys.executable, "-m", "build", "--no-isolation", "--skip-dependency-check", "--sdist", "--outdir", str(dist), str(tree)]
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
        if done.returncode != 0:
            raise SystemExit(done.stdout)


if __name__ == "__main__":
    main()
