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


def test_what_a_checker_sees_in_a_program():
    pytest.importorskip("mypy")
    program = str(ROOT / "tests" / "python" / "typed_use.py")
    command = [sys.executable, "-m", "mypy", "--strict", "--cache-dir", str(ROOT / "build" / "mypy-use"), program]
    done = subprocess.run(command, cwd=ROOT / "python", capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_stub_is_complete():
    tree = ast.parse((ROOT / "python" / "maxdot" / "_core.pyi").read_text())
    functions = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
    classes = {node.name: node for node in tree.body if isinstance(node, ast.ClassDef)}
    # What several have in common stands once in the stub, in a class that the module does not have.
    common = {name: classes.pop(name) for name in [name for name in classes if name.startswith("_")]}
    assert functions | set(classes) == {name for name in dir(_core) if not name.startswith("_")}
    for name, node in classes.items():
        nodes = [node, *(common[base.id] for base in node.bases if getattr(base, "id", None) in common)]
        methods = {n.name for each in nodes for n in each.body if isinstance(n, ast.FunctionDef)} - {"__init__"}
        bound = getattr(_core, name)
        inherited = set(dir(bound.__base__))
        assert methods == {n for n in dir(bound) if not n.startswith("_")} - inherited, name
