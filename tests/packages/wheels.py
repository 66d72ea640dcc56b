#!/usr/bin/env python3
"""Looks at the wheels of a folder and uses those that this machine can: each is audited; each for this processor is installed in a
fresh virtual environment, with no compiler in reach; each for the other runs its command under qemu-user, whose files must be, byte for
byte, those of this processor.

usage: wheels.py DIST      with auditwheel and abi3audit (packaging/requirements.txt). `make test-wheel` runs it.
"""

import os
import pathlib
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from check_hardening import faults_of
from installed_wheel import check_command

HERE = pathlib.Path(__file__).resolve().parent
MOST_BYTES = 5 * 2**20
NAME = re.compile(r"maxdot-(?P<version>[\d.]+)-(?P<python>cp3\d+)-(?P<abi>abi3|cp3\d+)-manylinux_2_28_(?P<machine>\w+)\.whl")
QEMU = ("qemu-aarch64", "-L", "/usr/aarch64-linux-gnu")


def run(*command, **others):
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False, **others)
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(map(str, command))}: status {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout + done.stderr


def interpreters(name):
    """Interpreters of this machine that the wheel is for."""
    first = int(name["python"].removeprefix("cp3"))
    versions = [first] if name["abi"] != "abi3" else range(first, first + 3)
    found = []
    for version in versions:
        program = f"python3.{version}"
        told = subprocess.run([program, "-c", "import sys; print(sys.executable)"], capture_output=True, text=True,
                              check=False) if shutil.which(program) else None
        if told is not None and told.returncode == 0:
            found.append(told.stdout.strip())
    return found


def audit(wheel, name):
    """Nothing newer than glibc 2.28, nothing beyond the stable ABI, all hardened, and small."""
    said = " ".join(run(sys.executable, "-m", "auditwheel", "show", wheel).split())
    tag = f"manylinux_2_28_{name['machine']}"
    consistent = re.search(r'consistent with the following platform tag: "manylinux_2_(\d+)_(\w+)"', said)
    assert consistent and int(consistent[1]) <= 28 and consistent[2] == name["machine"], f"{wheel.name} is not {tag}: {said}"
    if name["abi"] == "abi3":
        run(sys.executable, "-m", "abi3audit", "--strict", wheel)
    size = wheel.stat().st_size
    assert size <= MOST_BYTES, f"{wheel.name} has {size:,} bytes"
    return f"{tag}, {size / 2**20:.1f} MiB"


def command_of(wheel, folder):
    """The command and the module in the wheel, unpacked."""
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    command = next(folder.glob("maxdot-*.data/scripts/maxdot"))
    command.chmod(0o755)
    module = next((folder / "maxdot").glob("_core*.so"))
    faults = [fault for path in (command, module) for fault in faults_of(path)]
    assert not faults, "\n".join(faults)
    return command


def install(wheel, python, folder):
    """Installs it as a stranger would who has no compiler. Returns the seconds that pip took for the wheel itself."""
    run(python, "-m", "venv", folder)
    # No compiler, no CMake, nothing of this machine but the environment's own programs.
    environment = {"PATH": str(folder / "bin"), "HOME": os.environ.get("HOME", "/"), "LANG": "C.UTF-8"}
    environment |= {name: value for name, value in os.environ.items() if name.startswith("PIP_") or name.lower().endswith("_proxy")}
    program = folder / "bin" / "python"
    assert not [name for name in ("cc", "c++", "gcc", "clang", "cmake") if shutil.which(name, path=environment["PATH"])]
    run(program, "-m", "pip", "install", "-q", "--disable-pip-version-check", "--only-binary", ":all:", "numpy", env=environment)
    begin = time.monotonic()
    run(program, "-m", "pip", "install", "-q", "--disable-pip-version-check", "--no-index", wheel, env=environment)
    seconds = time.monotonic() - begin
    print(f"  installed by {pathlib.Path(python).name} in {seconds:.1f} s;", run(program, HERE / "installed_wheel.py", env=environment).strip())


def main():
    wheels = sorted(pathlib.Path(sys.argv[1]).resolve().glob("*.whl"))
    if not wheels:
        raise SystemExit(f"wheels.py: no wheels in {sys.argv[1]}; make them by `make wheel`")
    if shutil.which("pyenv"):  # which hides all interpreters but one
        os.environ["PYENV_VERSION"] = ":".join(run("pyenv", "versions", "--bare").split())
    results = {}
    for wheel in wheels:
        name = NAME.fullmatch(wheel.name)
        assert name, f"{wheel.name}: not the name of a wheel of maxdot for manylinux_2_28"
        print(f"{wheel.name}: {audit(wheel, name)}", flush=True)
        with tempfile.TemporaryDirectory() as scratch:
            folder = pathlib.Path(scratch)
            command = command_of(wheel, folder / "unpacked")
            own = name["machine"] == platform.machine()
            if not own and shutil.which(QEMU[0]) is None:
                raise SystemExit(f"wheels.py: {wheel.name} needs qemu-user and the Arm C library: make deps-arm")
            results[wheel.name] = check_command(*(() if own else QEMU), command)
            pythons = interpreters(name) if own else []
            if own and not pythons:
                raise SystemExit(f"wheels.py: no interpreter of this machine can use {wheel.name}")
            for number, python in enumerate(pythons):
                install(wheel, python, folder / str(number))
            print(f"  the command's files: {sum(map(len, results[wheel.name][1])):,} bytes{'' if own else ', by qemu-aarch64'}", flush=True)
    assert len({(version, *files) for version, files in results.values()}) == 1, "the commands of these wheels wrote different files"
    print(f"{len(wheels)} wheels: audited and used; their commands wrote the same files")


if __name__ == "__main__":
    main()
