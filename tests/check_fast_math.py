#!/usr/bin/env python3
"""A build whose options change arithmetic is refused, with a message that says why: check_fast_math.py COMPILER ROOT"""

import pathlib
import subprocess
import sys
import tempfile

HEADERS = ("base/score.hpp", "kernels/kernels.hpp")
REFUSED = ("-ffast-math", "-Ofast", "-ffinite-math-only")
ACCEPTED = ("-O2", "-O3")


def compiles(compiler, root, header, option, folder):
    source = pathlib.Path(folder) / "one.cpp"
    source.write_text(f'#include "{header}"\n', encoding="utf-8")
    command = [compiler, "-std=c++20", option, "-fsyntax-only", f"-I{root / 'engine'}", f"-I{root / 'include'}",
               str(source)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.returncode == 0, done.stderr


def main():
    compiler, root = sys.argv[1], pathlib.Path(sys.argv[2])
    problems = []
    with tempfile.TemporaryDirectory() as folder:
        for header in HEADERS:
            for option in ACCEPTED:
                passed, said = compiles(compiler, root, header, option, folder)
                if not passed:
                    problems.append(f"{header} does not compile with {option}: {said}")
            for option in REFUSED:
                passed, said = compiles(compiler, root, header, option, folder)
                if passed or "maxdot must not be compiled with" not in said:
                    problems.append(f"{header} is not refused with {option}: {said}")
    print("\n".join(problems) if problems else "arithmetic as written, or no build")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
