#!/usr/bin/env python3
"""The maxdot command from outside: MAXDOT_BIN=build/dev/bin/maxdot python3 tests/cli/test_cli.py

Needs nothing but Python. The cases lie beside this file, in cases_*.py.
"""

import pathlib
import sys
import unittest


def load_tests(loader, standard_tests, pattern):
    del standard_tests, pattern
    return loader.discover(str(pathlib.Path(__file__).parent), pattern="cases_*.py")


if __name__ == "__main__":
    sys.dont_write_bytecode = True  # the source tree stays clean
    unittest.main(module="__main__")
