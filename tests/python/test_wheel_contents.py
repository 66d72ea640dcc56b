"""What a wheel brings beside the code: licences of what is compiled in, and a module that is hardened."""

import importlib.metadata
import pathlib
import shutil
import sys

import maxdot
import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from check_hardening import faults_of


def test_licences_of_what_is_compiled_in():
    files = importlib.metadata.files("maxdot") or []
    texts = {file.name: file.read_text() for file in files if "licenses" in file.parts}
    assert "Apache License" in texts["LICENSE"]
    for part in ("xsimd", "xxHash", "nanobind", "robin-map"):
        assert f"\n{part}" in texts["THIRD-PARTY-LICENSES"]


@pytest.mark.skipif(shutil.which("readelf") is None, reason="binutils are not installed")
def test_the_module_is_hardened():
    assert faults_of(pathlib.Path(maxdot._core.__file__)) == []
