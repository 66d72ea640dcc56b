#!/usr/bin/env python3
"""Includes point downward only: each folder may include itself and what stands before it."""

import pathlib
import re
import sys

# A file in the folder on the left may include files of the folders on the right.
ENGINE = {
    "base": ["base"],
    "kernels": ["base", "kernels"],
    "store": ["base", "kernels", "store"],
    "io": ["base", "io"],
    "bounds": ["base", "kernels", "store", "bounds"],
    "search": ["base", "kernels", "store", "bounds", "search"],
    "softmax": ["base", "kernels", "store", "bounds", "softmax"],
    "measure": ["base", "kernels", "store", "bounds", "measure"],
    "api": ["base", "kernels", "store", "io", "bounds", "search", "softmax", "measure", "api"],
    "live": ["base", "kernels", "store", "search", "api", "live"],
    "serve": ["base", "store", "api", "live", "serve"],
    # As any other user: the public API and its own files.
    "c": ["c"],
}
# What a layer may include beyond that: where the C API keeps a thread's last error.
EXCEPTIONS = {"c": ["base/thread_local.hpp", "base/thread_slot.hpp"]}
# The same within engine/search. DRIVER stands for the files that lie directly in it. Nothing else in search
# includes the variants, and of the other layers only the API includes search.
DRIVER = "the driver"
SEARCH = {
    "collect": ["collect"],
    "filter": ["filter"],
    "plan": ["collect", "filter", "plan"],
    "scan": ["collect", "filter", "plan", "scan"],
    DRIVER: ["collect", "filter", "plan", "scan", DRIVER],
    "variants": ["collect", "filter", "plan", "scan", DRIVER, "variants"],
}
INCLUDE = re.compile(r'^\s*#\s*include\s*"([^"]+)"')
ANGLED = re.compile(r"^\s*#\s*include\s*<([^>]+)>")
# These are users of the library as any other: the public API and their own files, nothing else.
USERS = ("judge", "tools", "python/src")
# The judge serves the others.
JUDGE = "judge"
# The folders of the command, as above.
TOOLS = {
    "console": ["console"],
    "verify": ["console", "verify"],
    "commands": ["console", "verify", "commands"],
    "server": ["console", "server"],
}
# The same within tools/server, but for the files that lie directly in it: they put the parts together.
SERVER = {
    "base": ["base"],
    "models": ["base", "models"],
    "infer": ["base", "models", "infer"],
    "write": ["base", "models", "infer", "write"],
    "service": ["base", "models", "infer", "write", "service"],
    "grpc": ["base", "models", "infer", "write", "service", "grpc"],
    "http": ["base", "models", "infer", "write", "service", "http"],
}
# The fuzzer's oracle is a second opinion: it shares nothing with the library.
ALONE = ["tests/fuzz/oracle.hpp", "tests/fuzz/oracle.cpp"]
# These know things that the rest of the project must not.
ONLY_IN = {
    "omp.h": ["bench/bench_search.cpp"],  # for FAISS; the engine has threads of its own
    "pthread.h": [
        "engine/api/filters.cpp",
        "engine/base/calls.cpp",
        "engine/base/thread_pool.cpp",
        "engine/base/thread_slot.hpp",
        "engine/c/c_status.hpp",
    ],
    "xsimd/xsimd.hpp": ["engine/kernels/avx2_vector.hpp", "engine/kernels/avx512_vector.hpp", "engine/kernels/neon_vector.hpp"],
}


def includes(path, pattern=INCLUDE):
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        match = pattern.match(line)
        if match:
            yield number, match.group(1)


def part_of_search(parts):
    """The part of engine/search that a file is in, from its path within that folder."""
    return parts[0] if len(parts) > 1 else DRIVER


def check_search(path, parts):
    part = part_of_search(parts)
    if part not in SEARCH:
        yield f"{path}: folder '{part}' is no known part of search"
        return
    for number, target in includes(path):
        layer, *rest = target.split("/")
        if layer == "search" and part_of_search(rest) not in SEARCH[part]:
            yield f"{path}:{number}: part '{part}' of search must not include \"{target}\""


def check_server(root, path):
    part, *rest = path.relative_to(root / "tools" / "server").parts
    if not rest:
        return
    if part not in SERVER:
        yield f"{path}: folder '{part}' is no known part of the server"
        return
    for number, target in includes(path):
        folder, first, *_ = target.split("/") + [""]
        if folder == "server" and first not in SERVER[part]:
            yield f"{path}:{number}: part '{part}' of the server must not include \"{target}\""


def is_own(root, folder, path, target):
    """The judge's files are named by their path, those of tools/ by their path from there, others stand beside each other."""
    if target.split("/")[0] == JUDGE:
        return ".." not in target and (root / target).is_file()
    if folder == JUDGE:
        return False
    if folder != "tools":
        return "/" not in target and (path.parent / target).is_file()
    allowed = TOOLS.get(path.relative_to(root / folder).parts[0], [])
    return target.split("/")[0] in allowed and ".." not in target and (root / folder / target).is_file()


def check_user(root, folder, path):
    """A public header is one that stands in include/; angle brackets must not be a way around."""
    for number, target in includes(path):
        public = target.startswith("maxdot/") and (root / "include" / target).is_file()
        if not public and not is_own(root, folder, path, target):
            yield f'{path}:{number}: only public headers and its own files may be included here, not "{target}"'
    for number, target in includes(path, ANGLED):
        if (root / "engine" / target).is_file():
            yield f"{path}:{number}: only public headers may be included here, not <{target}> of the engine"


def check_alone(root, path):
    for number, target in includes(path):
        if str((path.parent / target).relative_to(root)) not in ALONE:
            yield f'{path}:{number}: the oracle may include the standard library only, not "{target}"'
    for number, target in includes(path, ANGLED):
        if "/" in target or target.endswith((".h", ".hpp")):
            yield f"{path}:{number}: the oracle may include the standard library only, not <{target}>"


def check(root):
    problems = []
    files = 0
    for path in sorted((root / "engine").rglob("*.[hc]pp")):
        files += 1
        layer, *parts = path.relative_to(root / "engine").parts
        if layer not in ENGINE:
            problems.append(f"{path}: folder '{layer}' is no known layer")
            continue
        for number, target in includes(path):
            first = target.split("/")[0]
            if target in EXCEPTIONS.get(layer, []):
                continue
            if first != "maxdot" and (first not in ENGINE[layer] or ".." in target):
                problems.append(f"{path}:{number}: layer '{layer}' must not include \"{target}\"")
        if layer == "search":
            problems += check_search(path, parts)
    for path in sorted((root / "include").rglob("*.[hc]pp")):
        files += 1
        for number, target in includes(path):
            if not target.startswith("maxdot/"):
                problems.append(f"{path}:{number}: a public header must not include \"{target}\"")
    for folder in USERS:
        for path in sorted((root / folder).rglob("*.[hc]pp")):
            files += 1
            if folder == "tools" and path.relative_to(root / folder).parts[0] not in TOOLS:
                problems.append(f"{path}: it must stand in one of the folders {', '.join(TOOLS)}")
            problems += check_user(root, folder, path)
            if path.is_relative_to(root / "tools" / "server"):
                problems += check_server(root, path)
    for name in ALONE:
        if (root / name).is_file():
            files += 1
            problems += check_alone(root, root / name)
    for folder in ("engine", "include", *USERS):
        for path in sorted((root / folder).rglob("*.[hc]pp")):
            text = path.read_text(encoding="utf-8")
            for header, allowed in ONLY_IN.items():
                if f"<{header}>" in text and str(path.relative_to(root)) not in allowed:
                    problems.append(f"{path}: only {', '.join(allowed)} may include <{header}>")
    return files, problems


def main():
    files, problems = check(pathlib.Path(sys.argv[1]).resolve())
    print("\n".join(problems) if problems else f"{files} files, every include points downward")
    return 1 if problems or files < 20 else 0


if __name__ == "__main__":
    sys.exit(main())
