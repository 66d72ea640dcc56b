#!/usr/bin/env python3
"""No wide instruction outside its own kernels: looks at symbols and machine code of the library.

An inline function that a kernel file instantiates could become the program's only copy, and would then run AVX-512 on
a CPU that has none. So (1) the kernel objects may export nothing but their table, and (2) no other object may use
registers that the baseline lacks.
"""

import re
import subprocess
import sys
import tempfile
import pathlib

# Object -> what it may use. Everything else is baseline x86-64.
KERNELS = {
    "avx2": {"avx2_table"},
    "avxvnni": {"avxvnni_table"},
    "avx512": {"avx512_table"},
    "avx512vnni": {"avx512vnni_table"},
    "amx": {"amx_table"},
}
# The compiler's own, the same bytes in every object: a pointer, no code.
HARMLESS = re.compile(r"^DW\.ref\.__gxx_personality_v0$")
WIDE = re.compile(r"%[yz]mm\d|%k[0-7]\b|\bv[a-z0-9]+\s")


def run(*command, cwd=None):
    return subprocess.run(command, check=True, capture_output=True, text=True, cwd=cwd).stdout


def check_exports(path, allowed):
    for line in run("nm", "--defined-only", str(path)).splitlines():
        kind, name = line.split()[-2:]
        if kind.islower() or HARMLESS.match(name):
            continue
        if not any(f"{len(word)}{word}" in name for word in allowed):
            yield f"{path.name}: exports '{name}' ({kind}): another object could come to run it"


def check_code(path):
    function = "?"
    for line in run("objdump", "-d", "--no-show-raw-insn", str(path)).splitlines():
        if line.endswith(">:"):
            function = line.split("<", 1)[1][:-2]
        elif ":\t" in line and WIDE.search(line.split(":\t", 1)[1]):
            yield f"{path.name}: {function} uses AVX: {line.split(':', 1)[1].strip()}"


def main():
    problems = []
    seen = 0
    with tempfile.TemporaryDirectory() as folder:
        archive = pathlib.Path(sys.argv[1]).resolve()
        run("ar", "x", str(archive), cwd=folder)
        for path in sorted(pathlib.Path(folder).iterdir()):
            stem = path.name.split(".")[0]
            if stem in KERNELS:
                seen += 1
                problems += check_exports(path, KERNELS[stem])
                # A check that cannot fail is none: the kernels themselves must trip the search for wide code.
                if not any(True for _ in check_code(path)):
                    problems.append(f"{path.name}: holds no AVX code, so this test looks in the wrong place")
            else:
                problems += list(check_code(path))[:5]
    if seen < 2:
        problems.append("the vector kernels were not found in the library")
    print("\n".join(problems) if problems else "wide instructions stay in their own files")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
