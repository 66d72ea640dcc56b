#!/usr/bin/env python3
"""Programs and libraries are built hardened (cmake/Warnings.cmake): what the ELF files say, and the compiler's commands.

usage: check_hardening.py FOLDER_OF_BUILD FILE...
"""

import json
import os
import pathlib
import re
import subprocess
import sys

#: Layers that read what strangers wrote. Kernels, the inner loops, do without.
HARDENED = (
    *("engine/base/", "engine/store/", "engine/io/", "engine/live/", "engine/api/", "engine/c/"),
    *("tools/commands/", "tools/console/", "tools/server/"),
)


def faults_of(path):
    """What is missing in a file, in words."""
    said = subprocess.run(["readelf", "-hldW", "--dyn-syms", str(path)], capture_output=True, text=True, check=True,
                          env={**os.environ, "LC_ALL": "C"}).stdout
    stack = re.search(r"GNU_STACK.*", said)
    wanted = {
        "is not position-independent": re.search(r"Type:\s+DYN", said),
        "has no read-only relocations (RELRO)": "GNU_RELRO" in said,
        "binds functions late (no BIND_NOW)": re.search(r"BIND_NOW|FLAGS_1.*\bNOW\b", said),
        "has an executable stack": stack and "RWE" not in stack.group(),
        "has no stack protector": "__stack_chk_fail" in said,
    }
    return [f"{path}: {fault}" for fault, is_right in wanted.items() if not is_right]


def commands_without(build):
    """Sources that are compiled without FORTIFY or the stack protector."""
    root = pathlib.Path(__file__).resolve().parent.parent
    seen = 0
    for entry in json.loads((build / "compile_commands.json").read_text()):
        source = pathlib.Path(entry["file"]).resolve()
        if not source.is_relative_to(root) or not str(source.relative_to(root)).startswith(HARDENED):
            continue
        seen += 1
        for flag in ("-D_FORTIFY_SOURCE=2", "-fstack-protector-strong"):
            if flag not in entry["command"]:
                yield f"{source.relative_to(root)}: is compiled without {flag}"
    if seen == 0:
        yield f"{build}: no command compiles what is to be hardened"


def main():
    build, files = pathlib.Path(sys.argv[1]), sys.argv[2:]
    faults = [fault for file in files for fault in faults_of(file)] + list(commands_without(build))
    for fault in faults:
        print(fault)
    print(f"{len(files)} files, {len(faults)} faults")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
