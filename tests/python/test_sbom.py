"""The list of what is compiled in (CycloneDX) that a wheel brings, and that it names what the licences name."""

import importlib.metadata
import json

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator


def sbom():
    files = importlib.metadata.files("maxdot") or []
    found = [file for file in files if "sboms" in file.parts]
    assert [file.name for file in found] == ["maxdot.cdx.json"]
    return found[0].read_text()


def test_it_is_valid():
    assert JsonStrictValidator(SchemaVersion.V1_5).validate_str(sbom()) is None


def test_it_names_what_is_compiled_in_with_versions():
    described = json.loads(sbom())
    assert described["metadata"]["component"]["version"] == importlib.metadata.version("maxdot")
    components = {part["name"]: part for part in described["components"]}
    assert sorted(components.keys() - {"libc++"}) == ["CLI11", "nanobind", "nlohmann-json", "robin-map", "xsimd", "xxHash"]
    licences = next(file for file in importlib.metadata.files("maxdot") if file.name == "THIRD-PARTY-LICENSES").read_text()
    for name, part in components.items():
        assert f"\n{name}" in licences
        assert part["purl"].endswith("@" + part["version"])
        assert [number.isdigit() for number in part["version"].split(".")] == [True, True, True]
