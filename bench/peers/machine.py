"""What a reader needs to know of the machine."""

import os
import pathlib
import platform
import re


def _first(path, pattern):
    try:
        found = re.search(pattern, pathlib.Path(path).read_text(encoding="utf-8"))
    except OSError:
        return None
    return found.group(1).strip() if found else None


def _caches():
    sizes = {}
    for folder in sorted(pathlib.Path("/sys/devices/system/cpu/cpu0/cache").glob("index*")):
        level, kind, size = ((folder / name).read_text().strip() for name in ("level", "type", "size"))
        if kind != "Instruction":
            sizes[f"L{level}"] = size
    return ", ".join(f"{level} {size}" for level, size in sizes.items())


def describe():
    flags = set(
        (
            _first("/proc/cpuinfo", r"flags\s*: (.*)") or _first("/proc/cpuinfo", r"Features\s*: (.*)") or ""
        ).split()
    )
    known = [
        "avx2",
        "fma",
        "avx512f",
        "avx512_vnni",
        "avx512_bf16",
        "avx512_fp16",
        "amx_int8",
        "asimd",
        "asimddp",
        "sve",
    ]
    memory = int(_first("/proc/meminfo", r"MemTotal:\s*(\d+)") or 0)
    return {
        "processor": _first("/proc/cpuinfo", r"model name\s*: (.*)") or platform.machine(),
        "cores in use": len(os.sched_getaffinity(0)),
        "instruction sets": ", ".join(name for name in known if name in flags),
        "caches": _caches(),
        "memory": f"{memory / 2**20:.1f} GiB",
        "virtual machine": "yes" if "hypervisor" in flags else "no",
        "system": f"{platform.system()} {platform.release()}",
        "distribution": _first("/etc/os-release", r'PRETTY_NAME="(.*)"'),
        "Python": platform.python_version(),
        "load at the start": f"{os.getloadavg()[0]:.2f}",
    }
