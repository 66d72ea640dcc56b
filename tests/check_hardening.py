#!/usr/bin/env python3
"""Programs and libraries are built hardened (cmake/Warnings.cmake): what the ELF files say, and the compiler's commands. What
they keep for each thread is little, and there from its start: where memory is out later, the C library ends the process.

usage: check_hardening.py FOLDER_OF_BUILD FILE...
"""

import json
import os
import pathlib
import platform
import re
import subprocess
import sys

#: Layers that read what strangers wrote. Kernels, the inner loops, do without.
HARDENED = (
    *("engine/base/", "engine/store/", "engine/io/", "engine/live/", "engine/api/", "engine/c/"),
    *("tools/commands/", "tools/console/", "tools/server/"),
)
MOST_THREAD_BYTES = 256


def faults_of(path):
    """What is missing in a file, in words."""
    said = subprocess.run(["readelf", "-hldrW", "--dyn-syms", str(path)], capture_output=True, text=True, check=True,
                          env={**os.environ, "LC_ALL": "C"}).stdout
    stack = re.search(r"GNU_STACK.*", said)
    wanted = {
        "is not position-independent": re.search(r"Type:\s+DYN", said),
        "has no read-only relocations (RELRO)": "GNU_RELRO" in said,
        "binds functions late (no BIND_NOW)": re.search(r"BIND_NOW|FLAGS_1.*\bNOW\b", said),
        "has an executable stack": stack and "RWE" not in stack.group(),
        "has no stack protector": "__stack_chk_fail" in said or reads_guards(path, said),
    }
    if ".so" in path.name and platform.libc_ver()[0] == "glibc":  # a program may use such data of others' libraries
        # glibc has some 1,000 bytes for all libraries that are loaded later.
        wanted[f"has none, or more than {MOST_THREAD_BYTES} bytes, of thread-local data"] = (
            0 < thread_bytes(said) <= MOST_THREAD_BYTES
        )
        # Of its own: such a relocation names no symbol of another library.
        late = [line for line in said.splitlines() if re.search(r"_(TLSDESC|DTPMOD|DTPOFF)", line) and "@" not in line]
        wanted["asks late for thread-local data of its own (engine/base/thread_local.hpp)"] = not late
    return [f"{path}: {fault}" for fault, is_right in wanted.items() if not is_right]


def reads_guards(path, said):
    """Zig brings the function that a stack protector calls, so no import tells of it. On x86-64 the code does: it reads the guard."""
    if "X86-64" not in said.upper():
        return "AArch64" in said and platform.machine() != "aarch64"  # cross-compiled by the same flags; it reads the guard as any variable
    code = subprocess.run(["objdump", "-d", str(path)], capture_output=True, text=True, check=True).stdout
    return code.count("%fs:0x28") > 100


def thread_bytes(said):
    """Of thread-local data, in what readelf says of the segments."""
    found = re.search(r"^  TLS +(?:0x[0-9a-f]+ +){4}(0x[0-9a-f]+)", said, re.MULTILINE)
    return int(found.group(1), 16) if found else 0


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
    build, files = pathlib.Path(sys.argv[1]), [pathlib.Path(name) for name in sys.argv[2:]]
    faults = [fault for file in files for fault in faults_of(file)] + list(commands_without(build))
    for fault in faults:
        print(fault)
    print(f"{len(files)} files, {len(faults)} faults")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
