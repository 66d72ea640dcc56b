"""The package's types are complete, and its stub names what the extension module has."""

import ast
import subprocess
import sys

import pytest
from maxdot import _core
from support import ROOT


def test_mypy_strict():
    pytest.importorskip("mypy")
    command = [sys.executable, "-m", "mypy", "--cache-dir", str(ROOT / "build" / "mypy")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_stub_is_complete():
    tree = ast.parse((ROOT / "python" / "maxdot" / "_core.pyi").read_text())
    functions = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
    methods = {
        n.name
        for c in tree.body
        if isinstance(c, ast.ClassDef)
        for n in c.body
        if isinstance(n, ast.FunctionDef)
    }
    assert functions == {name for name in dir(_core) if not name.startswith("_")} - {"Index"}
    assert methods == {name for name in dir(_core.Index) if not name.startswith("_")}
