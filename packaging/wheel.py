#!/usr/bin/env python3
"""Makes wheels of a source distribution for Linux with glibc 2.28 or newer, by Zig's compiler. `make wheel` runs it.

usage: wheel.py SDIST DIST [--python PYTHON]... [--arch ARCH]...

For each PYTHON (those of 3.11 to 3.14 that this machine has) an x86-64 wheel; of 3.12 and later ones only the first is
taken, and its wheel serves all later versions. For 64-bit Arm the wheel of 3.12 and later, cross-compiled: the stable ABI's headers
are the same there (docs/packages.md).
"""

import argparse
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tarfile

ROOT = pathlib.Path(__file__).resolve().parents[1]
VERSIONS = ("3.12", "3.13", "3.14", "3.11")  # 3.10 needs more build tools than are pinned: the workflow builds for it
ARCHITECTURES = ("x86_64", "aarch64")
#: Of python/build-requirements.txt: the rest is for the headers of xsimd, which a source distribution brings.
NEEDED = ("scikit-build-core", "nanobind", "packaging", "pathspec")


class Python:
    def __init__(self, program):
        told = subprocess.run([program, "-c", "import sys; print(sys.executable); print(*sys.version_info[:2], sep='.')"],
                              capture_output=True, text=True, check=False)
        self.works = told.returncode == 0
        if self.works:
            self.program, self.version = told.stdout.split()

    @property
    def stable(self):
        return tuple(map(int, self.version.split("."))) >= (3, 12)


def here():
    """Interpreters of this machine. Those of pyenv count, too, which hides all but one."""
    if shutil.which("pyenv"):
        listed = subprocess.run(["pyenv", "versions", "--bare"], capture_output=True, text=True, check=True).stdout.split()
        os.environ["PYENV_VERSION"] = ":".join(listed)
    found = [Python(f"python{version}") for version in VERSIONS if shutil.which(f"python{version}")]
    found = [python for python in found if python.works]
    stable = [python for python in found if python.stable]
    if not stable:
        raise SystemExit("wheel.py: no Python of 3.12 or later, whose C headers the stable ABI needs. Install one, or name other "
                         "interpreters by --python (make wheel ARGS='--python python3.11 --arch x86_64')")
    return stable[:1] + [python for python in found if not python.stable]


def build_environment(python, folder):
    """A virtual environment with the pinned build tools; returns its interpreter."""
    subprocess.run([python.program, "-m", "venv", folder], check=True)
    pinned = re.split(r"\n(?=\S)", (ROOT / "python/build-requirements.txt").read_text(encoding="utf-8"))
    needed = folder / "requirements.txt"
    needed.write_text("\n".join(pin for pin in pinned if pin.split("==")[0] in NEEDED) + "\n", encoding="utf-8")
    program = folder / "bin" / "python"
    subprocess.run([program, "-m", "pip", "install", "-q", "--disable-pip-version-check", "--require-hashes", "-r", needed], check=True)
    return program


def build(program, source, architecture, folder, out):
    """A wheel named manylinux_2_28. It needs glibc alone, by symbols of 2.28 at the newest: tests/packages/wheels.py looks."""
    environment = os.environ | {
        "PATH": f"{pathlib.Path(sys.executable).parent}:{os.environ['PATH']}",  # Zig, CMake and Ninja are this script's own
        "CMAKE_TOOLCHAIN_FILE": str(source / "packaging/zig/toolchain.cmake"),
        "_PYTHON_HOST_PLATFORM": f"manylinux_2_28_{architecture}",
    }
    subprocess.run([program, "-m", "pip", "wheel", "-q", "--disable-pip-version-check", "--no-build-isolation", "--no-deps", "-w", out,
                    "-C", f"build-dir={folder}", "-C", f"cmake.define.MAXDOT_ARCH={architecture}", source],
                   check=True, env=environment)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sdist", type=pathlib.Path)
    parser.add_argument("dist", type=pathlib.Path)
    parser.add_argument("--python", action="append", help="an interpreter to build for")
    parser.add_argument("--arch", action="append", choices=ARCHITECTURES, help="a processor to build for")
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build/wheel", help="where to build (build/wheel)")
    arguments = parser.parse_args()
    pythons = [Python(program) for program in arguments.python] if arguments.python else here()
    if broken := [program for program, python in zip(arguments.python or [], pythons, strict=False) if not python.works]:
        parser.error(f"does not run: {', '.join(broken)}")
    work = arguments.build.resolve()
    work.mkdir(parents=True, exist_ok=True)
    with tarfile.open(arguments.sdist) as archive:
        archive.extractall(work, filter="data")
    source = work / arguments.sdist.name.removesuffix(".tar.gz")
    for python in pythons:
        program = build_environment(python, work / f"venv-{python.version}")
        for architecture in arguments.arch or ARCHITECTURES:
            if architecture != "x86_64" and not python.stable:
                continue
            build(program, source, architecture, work / f"{python.version}-{architecture}", arguments.dist)


if __name__ == "__main__":
    main()
