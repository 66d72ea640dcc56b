"""What a wheel brings beside the code: the command, licences of what is compiled in, and a module that is hardened."""

import importlib.metadata
import json
import pathlib
import re
import shutil
import subprocess
import sys

import maxdot
import pytest
from maxdot.__main__ import command
from support import ROOT

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from check_hardening import faults_of


def test_licences_of_what_is_compiled_in():
    files = importlib.metadata.files("maxdot") or []
    texts = {file.name: file.read_text() for file in files if "licenses" in file.parts}
    assert "Apache License" in texts["LICENSE"]
    for part in ("xsimd", "xxHash", "nanobind", "robin-map", "CLI11", "nlohmann-json", "libc++"):
        assert f"\n{part}" in texts["THIRD-PARTY-LICENSES"]


@pytest.mark.skipif(shutil.which("readelf") is None, reason="binutils are not installed")
def test_the_module_is_hardened():
    assert faults_of(pathlib.Path(maxdot._core.__file__)) == []


def test_the_command_is_hardened_and_says_its_version():
    assert command().name == "maxdot"
    if shutil.which("readelf") is not None:
        assert faults_of(command()) == []
    said = subprocess.run([command(), "--version"], capture_output=True, text=True, check=True).stdout
    assert said == f"maxdot {importlib.metadata.version('maxdot')}\n"


def test_python_m_maxdot_is_the_command(tmp_path):
    def run(*arguments):
        return subprocess.run([*arguments], cwd=tmp_path, capture_output=True, text=True, check=False)

    for arguments in (["--version"], ["info", "nothing there.maxdot"], ["--no-such-option"]):
        itself, by_python = run(command(), *arguments), run(sys.executable, "-m", "maxdot", *arguments)
        assert (itself.returncode, itself.stdout, itself.stderr) == (by_python.returncode, by_python.stdout, by_python.stderr)
    assert itself.returncode == 2


def test_without_the_command_it_says_what_to_do(tmp_path, monkeypatch):
    missing = tmp_path / "bin" / "maxdot"
    monkeypatch.setattr("maxdot.__main__.importlib.metadata.files", lambda name: [])
    monkeypatch.setattr("maxdot.__main__.sysconfig.get_path", lambda name: str(missing.parent))
    with pytest.raises(FileNotFoundError, match=re.escape(str(missing)) + r".*Install the package again"):
        command()


def test_recipes_name_the_version():
    version = importlib.metadata.version("maxdot")
    port = json.loads((ROOT / "packaging/vcpkg/ports/maxdot/vcpkg.json").read_text(encoding="utf-8"))
    assert port["version-semver"] == version
    recipe = (ROOT / "packaging/conda/recipe/recipe.yaml").read_text(encoding="utf-8")
    assert f'version: "{version}"' in recipe
