#!/usr/bin/env python3
"""Installs the Debian packages on this machine, uses them as a stranger would, and removes them: nothing may be left.

usage: debs.py FOLDER_WITH_DEBS     as root, on Debian or Ubuntu, with no maxdot installed. `make test-deb` runs it.
"""

import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
ITEMS = ROOT / "examples" / "data" / "glove-100d-9600.f16.npy"
STRICT = ("-std=c99", "-D_POSIX_C_SOURCE=200809L", "-Wall", "-Wextra", "-Werror")
#: Where files of packages may lie. What is there before and after must be the same.
PLACES = ("/usr/bin", "/usr/include", "/usr/lib", "/usr/share/doc", "/lib/systemd/system", "/etc")


def run(*command, ok=(0,)):
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False)
    if done.returncode not in ok:
        raise SystemExit(f"{' '.join(map(str, command))}: status {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def fields(deb):
    return dict(line.split(": ", 1) for line in run("dpkg-deb", "-f", deb).splitlines() if re.match(r"[A-Z][\w-]*: ", line))


def check_fields(debs):
    """Each depends on what it needs, and on its sisters in its own version."""
    library = next(name for name in debs if re.fullmatch(r"libmaxdot\d+", name))
    described = {name: fields(deb) for name, deb in debs.items()}
    version = described["maxdot"]["Version"]
    assert {data["Version"] for data in described.values()} == {version}
    assert f"{library} (= {version})" in described["libmaxdot-dev"]["Depends"]
    for name in (library, "maxdot", "maxdot-server"):
        assert "libc6 (>= " in described[name]["Depends"], (name, described[name])
    assert "libgrpc++" in described["maxdot-server"]["Depends"]
    assert "libfaiss" not in described["maxdot"]["Depends"]
    for name, deb in debs.items():
        listed = run("dpkg-deb", "-c", deb)
        for document in ("copyright", "changelog.Debian.gz"):
            assert f"./usr/share/doc/{name}/{document}" in listed, (name, document)
        unwanted = [line for line in listed.splitlines() if re.search(r" \./(usr/local|root|home|tmp)", line)]
        assert not unwanted, unwanted
    return version


def check_lintian(debs):
    """Errors of lintian fail; warnings are printed."""
    if shutil.which("lintian") is None:
        raise SystemExit("debs.py: lintian is not installed (apt-get install lintian)")
    done = subprocess.run(["lintian", "--allow-root", "--tag-display-limit", "0", *map(str, debs.values())], capture_output=True, text=True,
                          check=False)
    lines = done.stdout.splitlines()
    print("\n".join(f"  {line}" for line in lines if line.startswith("W:")))
    errors = [line for line in lines if line.startswith("E:")]
    assert not errors and done.returncode in (0, 2), "\n".join([*errors, done.stderr])


def files_of_places():
    listed = subprocess.run(["find", *PLACES], capture_output=True, text=True, check=False).stdout
    return {path for path in listed.splitlines() if "maxdot" in path}


def use(version, folder):
    """The command, the library by its C example, and the server's help."""
    upstream = version.rsplit("-", 1)[0]
    said = run("maxdot", "--version").strip()
    assert upstream in said, said
    index = folder / "words.maxdot"
    run("maxdot", "build", ITEMS, "-o", index, "--metric", "cosine")
    run("maxdot", "verify", ITEMS, "-k", "10", "--queries", "20")
    flags = run("pkg-config", "--cflags", "--libs", "maxdot").split()
    assert run("pkg-config", "--modversion", "maxdot").strip() == upstream
    example = folder / "search"
    run("cc", *STRICT, ROOT / "examples/c/search.c", *flags, "-pthread", "-o", example)
    assert re.search(r"libmaxdot\.so\.\d+ => /(usr/)?lib/", run("ldd", example))
    print(" ", run(example, index).strip())
    (folder / "CMakeLists.txt").write_text(
        "cmake_minimum_required(VERSION 3.22)\nproject(consumer CXX)\nfind_package(maxdot REQUIRED)\n"
        "add_executable(consumer main.cpp)\ntarget_link_libraries(consumer PRIVATE maxdot::shared)\n", encoding="utf-8")
    (folder / "main.cpp").write_text(
        "#include <maxdot/maxdot.hpp>\nint main() {\n  const float rows[] = {1, 0, 0, 1, 3, 3};\n"
        "  const auto index = maxdot::Index::build(maxdot::MatrixView::f32(rows, 3, 2), {.metric = maxdot::Metric::dot});\n"
        "  return index.search(maxdot::MatrixView::f32(rows, 1, 2), 1).ids[0] == 2 ? 0 : 1;\n}\n", encoding="utf-8")
    run("cmake", "-S", folder, "-B", folder / "build")
    run("cmake", "--build", folder / "build")
    run(folder / "build" / "consumer")
    assert "--config" in run("maxdot-server", "--help")
    assert upstream in run("maxdot-server", "--version")
    run("maxdot-server", index, "--check-config")


def main():
    debs = {fields(deb)["Package"]: deb for deb in sorted(pathlib.Path(sys.argv[1]).resolve().glob("*.deb"))}
    assert len(debs) == 4, f"{sys.argv[1]} has {sorted(debs)}; make them by `make deb`"
    before = files_of_places()
    if present := [name for name in debs if run("dpkg-query", "-W", "-f", "${Status}", name, ok=(0, 1)).startswith("install")]:
        raise SystemExit(f"debs.py: {present} is installed already: remove it first")
    version = check_fields(debs)
    check_lintian(debs)
    try:
        run("dpkg", "-i", *debs.values())
        with tempfile.TemporaryDirectory() as folder:
            use(version, pathlib.Path(folder))
        installed = files_of_places() - before
    finally:
        run("dpkg", "--purge", *debs)
    left = files_of_places() - before
    assert not left, f"left behind: {sorted(left)}"
    assert "libmaxdot" not in run("ldconfig", "-p")
    print(f"{version}: {len(debs)} packages installed ({len(installed)} files), used and removed; nothing is left")


if __name__ == "__main__":
    main()
