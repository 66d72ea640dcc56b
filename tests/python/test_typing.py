"""The package's types are complete, and its stub names what the extension module has."""

import ast
import json
import os
import pathlib
import subprocess
import sys

import pytest
from maxdot import _core
from support import ROOT

PROGRAM = ROOT / "tests" / "python" / "typed_use.py"


def test_mypy_strict():
    pytest.importorskip("mypy")
    command = [sys.executable, "-m", "mypy", "--cache-dir", str(ROOT / "build" / "mypy")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_what_a_checker_sees_in_a_program():
    pytest.importorskip("mypy")
    program = str(PROGRAM)
    command = [sys.executable, "-m", "mypy", "--strict", "--cache-dir", str(ROOT / "build" / "mypy-use"), program]
    done = subprocess.run(command, cwd=ROOT / "python", capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def pyright(*arguments):
    """What pyright says of the package that this Python imports, as its JSON."""
    pytest.importorskip("basedpyright")
    # It looks at the packages of the `python` that it finds.
    path = os.pathsep.join([str(pathlib.Path(sys.executable).parent), os.environ["PATH"]])
    command = [sys.executable, "-m", "basedpyright", "--outputjson", *arguments]
    done = subprocess.run(
        command, cwd="/", env={**os.environ, "PATH": path}, capture_output=True, text=True, check=False
    )
    assert done.stdout, done.stderr
    return json.loads(done.stdout)


def test_what_pyright_sees_in_a_program():
    told = pyright("--level", "error", str(PROGRAM))
    assert told["summary"]["filesAnalyzed"] == 1
    assert told["generalDiagnostics"] == []


def test_pyright_knows_every_type():
    told = pyright("--verifytypes", "maxdot", "--ignoreexternal")["typeCompleteness"]
    problems = {
        symbol["name"]: messages
        for symbol in told["symbols"]
        if (messages := [each["message"] for each in symbol["diagnostics"] if each["severity"] == "error"])
    }
    # scikit-learn's own classes have no types.
    ours = {
        name: messages
        for name, messages in problems.items()
        if not (
            name.startswith("maxdot.sklearn.")
            and all("metaclass" in each or "base class" in each for each in messages)
        )
    }
    assert ours == {}
    assert len(told["symbols"]) > 500


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
