"""What a process and a folder hold now: memory, descriptors, threads; bytes and files."""

import os
import pathlib

MIB = 1 << 20


def of_process(pid):
    """Bytes of memory, and numbers; None if it has ended."""
    try:
        rollup = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]
        memory = {line.split(":")[0]: int(line.split()[1]) * 1024 for line in rollup}
        status = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        return {
            "rss": memory["Rss"],
            "pss": memory["Pss"],
            "private_dirty": memory["Private_Dirty"],
            "descriptors": len(os.listdir(f"/proc/{pid}/fd")),
            "threads": int(status[17]),
            "cpu_seconds": (int(status[11]) + int(status[12])) / os.sysconf("SC_CLK_TCK"),
        }
    except (FileNotFoundError, ProcessLookupError, IndexError, KeyError):
        return None


def of_folder(folder):
    """Files come and go meanwhile."""
    total, number = 0, 0
    for path in pathlib.Path(folder).rglob("*"):
        try:
            if path.is_file():
                total += path.stat().st_size
                number += 1
        except FileNotFoundError:
            continue
    return {"bytes": total, "files": number}
