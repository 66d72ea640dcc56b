#!/usr/bin/env python3
"""The libraries as others use them: installed in a folder of their own, found by pkg-config and CMake, from C, Python's ctypes
and Go; what libmaxdot.so exports; and whether its C ABI is still the stored one.

    run.py BUILD_FOLDER [--write-abi]

BUILD_FOLDER is a build of the preset `dev`. --write-abi stores the ABI of this build (docs/embedding.md says when that is allowed).
"""

import argparse
import os
import pathlib
import platform
import re
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
EXAMPLES = ROOT / "examples"
STORED_ABI = HERE / "libmaxdot.abi"
STRICT = ["-std=c99", "-D_POSIX_C_SOURCE=200809L", "-Wall", "-Wextra", "-Wpedantic", "-Werror"]
VERSION = dict(re.findall(r"#define MAXDOT_VERSION_(\w+) (\d+)", (ROOT / "include/maxdot/version.h").read_text(encoding="utf-8")))
# The inline namespace of the C++ API: programs for another minor version do not link.
NAMESPACE = f"maxdot::v{VERSION['MAJOR']}_{VERSION['MINOR']}::"
ALLOWED = re.compile(rf"^(maxdot_[a-z0-9_]+|(typeinfo( name)? for |vtable for )?{NAMESPACE}.*)$")
APART = re.compile(rf"{NAMESPACE}(evaluate|objective)::")


class Failure(Exception):
    pass


def run(*command, env=None, cwd=None, ok=(0,)):
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, env=env, cwd=cwd)
    if done.returncode not in ok:
        raise Failure(f"{' '.join(map(str, command))}: status {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


class Prefix:
    """An installation, and what finds it."""

    def __init__(self, build, folder):
        run("cmake", "--install", build, "--prefix", folder)
        self.folder = folder
        self.library = next(folder.glob("**/libmaxdot.so"))
        self.env = os.environ | {
            "PKG_CONFIG_PATH": str(self.library.parent / "pkgconfig"),
            "LD_LIBRARY_PATH": str(self.library.parent),
            "CMAKE_PREFIX_PATH": str(folder),
        }

    def flags(self, *options):
        return run("pkg-config", *options, "maxdot", env=self.env).split()


def check_exports(prefix):
    lines = run("nm", "-DC", "--defined-only", prefix.library).splitlines()
    names = [line.split(maxsplit=2)[2] for line in lines]
    names = [re.sub(r"@@MAXDOT_(CXX_)?[0-9.]+$", "", name) for name in names if not re.match(r"^MAXDOT_(CXX_)?[0-9.]+", name)]
    strangers = [name for name in names if not ALLOWED.match(name) or APART.search(name)]
    if strangers:
        raise Failure("libmaxdot.so exports what is not of its API:\n" + "\n".join(strangers))
    header = (ROOT / "include/maxdot/maxdot.h").read_text(encoding="utf-8")
    declared = set(re.findall(r"\b(maxdot_[a-z_]+)\(", header))
    exported = {name for name in names if name.startswith("maxdot_")}
    if declared != exported:
        raise Failure(f"declared and not exported, or the other way round: {sorted(declared ^ exported)}")
    return f"{len(names)} symbols, of the API alone"


def check_hardened(prefix):
    dynamic = run("readelf", "-dW", prefix.library)
    undefined = run("nm", "-D", "--undefined-only", prefix.library)
    wanted = {"BIND_NOW": dynamic, "NODELETE": dynamic, "__stack_chk_fail": undefined, "__memcpy_chk": undefined}
    missing = [name for name, text in wanted.items() if name not in text]
    if missing:
        raise Failure(f"libmaxdot.so lacks {missing}")
    return ", ".join(wanted)


def check_c(prefix, index, folder):
    said = []
    for compiler in ("gcc", "clang-14"):
        for kind in ("shared", "static"):
            binary = folder / f"search-{compiler}-{kind}"
            libs = prefix.flags("--cflags", "--libs", *(["--static"] if kind == "static" else []))
            if kind == "static":  # the archive, where there is a shared library beside it
                libs = ["-l:libmaxdot.a" if flag == "-lmaxdot" else flag for flag in libs]
            run(compiler, *STRICT, EXAMPLES / "c/search.c", *libs, "-pthread", "-o", binary)
            said.append(run(binary, index, env=prefix.env if kind == "shared" else None).strip())
            needs = "libmaxdot" in run("ldd", binary, env=prefix.env)
            if needs != (kind == "shared"):
                raise Failure(f"{binary.name}: linked against the other library")
    return said[0]


def check_ctypes(prefix, index):
    return run(sys.executable, EXAMPLES / "ctypes/search.py", index, env=prefix.env).strip()


def check_go(prefix, index, folder):
    if shutil.which("go") is None:
        return "skipped: no go (apt: golang-go)"
    env = prefix.env | {
        "CGO_CFLAGS": " ".join(prefix.flags("--cflags")),
        "CGO_LDFLAGS": " ".join(prefix.flags("--libs")),
        "GOCACHE": str(folder / "go"),
        "GOFLAGS": "-mod=mod",
        "GO111MODULE": "off",
    }
    binary = folder / "search-go"
    run("go", "build", "-o", binary, EXAMPLES / "go/search.go", env=env)
    return run(binary, index, env=env).strip()


def check_cmake(prefix, folder):
    """A C++ project that finds the package, against both libraries."""
    source = folder / "consumer"
    source.mkdir()
    (source / "CMakeLists.txt").write_text(
        "cmake_minimum_required(VERSION 3.22)\nproject(consumer CXX)\nfind_package(maxdot REQUIRED)\n"
        "foreach(library maxdot shared)\n  add_executable(with_${library} main.cpp)\n"
        "  target_link_libraries(with_${library} PRIVATE maxdot::${library})\nendforeach()\n"
        "add_executable(with_evaluate evaluate.cpp)\ntarget_link_libraries(with_evaluate PRIVATE maxdot::evaluate)\n"
    )
    (source / "main.cpp").write_text(
        "#include <maxdot/maxdot.hpp>\n"
        "int main() {\n"
        "  const float rows[] = {1, 0, 0, 1, 3, 3};\n"
        "  const auto index = maxdot::Index::build(maxdot::MatrixView::f32(rows, 3, 2), {.metric = maxdot::Metric::dot});\n"
        "  try {\n"
        "    index.search(maxdot::MatrixView::f32(rows, 2, 3), 1);\n"
        "  } catch (const maxdot::Error& error) {\n"
        "    return index.search(maxdot::MatrixView::f32(rows, 1, 2), 1).ids[0] == 2 ? 0 : 1;\n"
        "  }\n"
        "  return 2;\n"
        "}\n"
    )
    (source / "evaluate.cpp").write_text(
        "#include <maxdot/evaluate.hpp>\n#include <maxdot/objective.hpp>\n"
        "int main() {\n"
        "  const float rows[] = {1, 0, 0, 1, 3, 3};\n"
        "  const auto items = maxdot::MatrixView::f32(rows, 3, 2);\n"
        "  const auto index = maxdot::Index::build(items, {.metric = maxdot::Metric::dot});\n"
        "  const auto relevant = maxdot::evaluate::lists_from_pairs({}, {}, 3);\n"
        "  double partition[3];\n"
        "  maxdot::objective::log_partition(index, items, partition);\n"
        "  return maxdot::evaluate::ranks(index, items, relevant).empty() && partition[0] > 3.0 ? 0 : 1;\n"
        "}\n"
    )
    run("cmake", "-S", source, "-B", source / "build", env=prefix.env)
    run("cmake", "--build", source / "build", env=prefix.env)
    for name in ("with_maxdot", "with_shared", "with_evaluate"):
        run(source / "build" / name, env=prefix.env)
    return "find_package, maxdot::maxdot, maxdot::shared and maxdot::evaluate"


def check_embedded(folder):
    """add_subdirectory: no install rules, tests, tools of ours."""
    source = folder / "parent"
    source.mkdir()
    (source / "CMakeLists.txt").write_text(
        "cmake_minimum_required(VERSION 3.22)\nproject(parent CXX)\n"
        f'add_subdirectory("{ROOT}" maxdot)\n'
        f'get_property(names DIRECTORY "{ROOT}/engine" PROPERTY BUILDSYSTEM_TARGETS)\nmessage(STATUS "targets: ${{names}}")\n'
    )
    said = run("cmake", "-S", source, "-B", source / "build")
    if "targets: maxdot_objects;maxdot;maxdot_evaluate\n" not in said:
        raise Failure(f"add_subdirectory defines other targets than the static libraries:\n{said}")
    installs = (source / "build/maxdot/cmake_install.cmake").read_text(encoding="utf-8")
    if "file(INSTALL" in installs:
        raise Failure("add_subdirectory installs maxdot with its parent")
    return "add_subdirectory defines the static libraries alone"


def abi_of(build, folder, path):
    """Stores the ABI of the C API. The promise is about it alone, so it is linked by itself."""
    script, library = folder / "only_c.map", folder / "libmaxdot.so.0"
    script.write_text("{ global: maxdot_*; local: *; };\n")
    archive = ["-Wl,--whole-archive", build / "engine/libmaxdot.a", "-Wl,--no-whole-archive"]
    run("g++", "-shared", *archive, "-lxxhash", f"-Wl,--version-script={script}", "-Wl,-soname,libmaxdot.so.0", "-o", library)
    run("abidw", "--exported-interfaces-only", "--no-corpus-path", "--no-comp-dir-path", "--no-show-locs", "--drop-private-types", "--headers-dir",
        ROOT / "include", "--out-file", path, library)
    path.write_text(path.read_text(encoding="utf-8").replace(f"{ROOT}/", ""), encoding="utf-8")


def abi_changes(old, new):
    """What abidiff says of an incompatible change; "" if there is none. Additions are compatible."""
    said = subprocess.run(
        ["abidiff", "--no-added-syms", str(old), str(new)], capture_output=True, text=True, check=False
    )
    if said.returncode & 3:
        raise Failure(f"abidiff failed: {said.stderr}")
    return said.stdout if said.returncode & 12 else ""


def check_abi(build, folder):
    if platform.machine() != "x86_64":
        return "not compared: the stored one is that of x86-64"
    now = folder / "now.abi"
    abi_of(build, folder, now)
    changes = abi_changes(STORED_ABI, now)
    if changes:
        raise Failure("the C ABI is not the stored one; docs/embedding.md says what may change:\n" + changes)
    # A gate that cannot close is none.
    text = STORED_ABI.read_text(encoding="utf-8")
    breaks = {
        "a function less": re.sub(r"<elf-symbol name='maxdot_search' .*?/>\s*", "", text),
        "a member moved": re.sub(r"(layout-offset-in-bits=')\d+('>\s*<var-decl name='item_mask')", r"\g<1>4096\2", text),
        "another constant": text.replace("name='MAXDOT_TIMEOUT' value='9'", "name='MAXDOT_TIMEOUT' value='19'"),
    }
    for what, broken in breaks.items():
        path = folder / "broken.abi"
        path.write_text(broken, encoding="utf-8")
        if broken == text or not (abi_changes(path, now) or abi_changes(now, path)):
            raise Failure(f"the ABI gate does not notice {what}")
    return f"as stored; it notices {', '.join(breaks)}"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("--write-abi", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        prefix = Prefix(options.build, folder / "prefix")
        if options.write_abi:
            abi_of(options.build, folder, STORED_ABI)
            print(f"wrote {STORED_ABI}")
            return 0
        index = folder / "words.maxdot"
        run(options.build / "bin/maxdot", "build", EXAMPLES / "data/glove-100d-9600.f16.npy", "-o", index)
        try:
            print("exports: ", check_exports(prefix))
            print("hardened:", check_hardened(prefix))
            print("C:       ", check_c(prefix, index, folder))
            print("ctypes:  ", check_ctypes(prefix, index))
            print("Go:      ", check_go(prefix, index, folder))
            print("CMake:   ", check_cmake(prefix, folder))
            print("embedded:", check_embedded(folder))
            print("ABI:     ", check_abi(options.build, folder))
        except Failure as failure:
            print(failure)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
