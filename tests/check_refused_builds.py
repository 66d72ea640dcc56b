#!/usr/bin/env python3
"""A build whose options change arithmetic, or whose target has not 64 bits or not the order of bytes of the files, is refused with a
message that says why: check_refused_builds.py COMPILER ROOT"""

import pathlib
import subprocess
import sys
import tempfile

HEADERS = ("base/score.hpp", "kernels/kernels.hpp")
#: Options, and what the message says. Another target is played by what the compiler says of it: not everybody has its headers.
REFUSED = {
    ("-ffast-math",): "maxdot must not be compiled with",
    ("-Ofast",): "maxdot must not be compiled with",
    ("-ffinite-math-only",): "maxdot must not be compiled with",
    ("-U__SIZEOF_POINTER__", "-D__SIZEOF_POINTER__=4"): "maxdot needs a 64-bit build",
    ("-U__BYTE_ORDER__", "-D__BYTE_ORDER__=__ORDER_BIG_ENDIAN__"): "maxdot needs a little-endian CPU",
}
ACCEPTED = (("-O2",), ("-O3",))


def compiles(compiler, root, header, options, folder):
    source = pathlib.Path(folder) / "one.cpp"
    source.write_text(f'#include "{header}"\n', encoding="utf-8")
    command = [compiler, "-std=c++20", *options, "-fsyntax-only", f"-I{root / 'engine'}", f"-I{root / 'include'}",
               str(source)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.returncode == 0, done.stderr


def main():
    compiler, root = sys.argv[1], pathlib.Path(sys.argv[2])
    problems = []
    with tempfile.TemporaryDirectory() as folder:
        for header in HEADERS:
            for options in ACCEPTED:
                passed, said = compiles(compiler, root, header, options, folder)
                if not passed:
                    problems.append(f"{header} does not compile with {options}: {said}")
            for options, message in REFUSED.items():
                passed, said = compiles(compiler, root, header, options, folder)
                if passed or message not in said:
                    problems.append(f"{header} is not refused with {options}: {said}")
    print("\n".join(problems) if problems else "arithmetic as written, 64 bits, little-endian; or no build")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
