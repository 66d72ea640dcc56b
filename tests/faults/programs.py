"""What users run from Python, as programs for the other files here: programs.py NAME, where its files are.

Calls are counted from `begin` on: what Python and its modules do before is not maxdot's. Exit codes are those of
the maxdot command.
"""

import ctypes
import hashlib
import os
import sys

import numpy as np

import maxdot

IO, BAD_DATA, OUT_OF_MEMORY = 3, 4, 6


def begin() -> None:
    ctypes.CDLL(None).faults_begin()


def save() -> None:
    """Index.save over an index."""
    index = maxdot.Index.build(np.load("items.npy"), metric="dot", threads=2)
    begin()
    index.save("items.maxdot")


def batch() -> int:
    """maxdot.batch from Parquet to Parquet."""
    # Now, not when calls are counted: they are not ours, and do not stand every fault.
    import locale  # noqa: F401 - argparse's
    import pandas  # noqa: F401 - pyarrow's
    import pyarrow.parquet  # noqa: F401

    from maxdot.batch import run  # noqa: F401
    from maxdot.batch.__main__ import main

    options = "--items items.maxdot --users users.parquet -k 5 --exclude seen.parquet --out out --threads 2"
    sys.argv = ["maxdot.batch", *options.split()]
    begin()
    return main()


def make_batch() -> None:
    """The files of `batch`."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    numbers = np.random.default_rng(3)
    maxdot.Index.build(np.load("items.npy"), metric="dot").save("items.maxdot")
    rows = numbers.normal(size=(60, 16)).astype(np.float32)
    users = [f"user {number}" for number in range(len(rows))]
    vectors = pa.FixedSizeListArray.from_arrays(pa.array(rows.reshape(-1)), 16)
    pq.write_table(pa.table({"user_id": users, "vector": vectors}), "users.parquet", row_group_size=30)
    seen = numbers.integers(0, 500, 2 * len(users))
    pq.write_table(pa.table({"user_id": users * 2, "item_id": seen}), "seen.parquet")


def rows_of(first: int, count: int) -> np.ndarray:
    """Not by numpy.random: it would be loaded when calls are counted."""
    return (
        np.sin(np.arange(first * 16, (first + count) * 16, dtype=np.float64)).astype(np.float32).reshape(count, 16)
    )


#: The changes of `live`: carried out a second time, they lead to the same catalogue.
CHANGES = (
    lambda live: live.upsert(range(1000, 1040), rows_of(1000, 40)),
    lambda live: live.remove(range(1000, 1010)),
    lambda live: live.upsert(range(2000, 2100), rows_of(2000, 100)),  # a segment at once
    lambda live: live.remove(range(0, 200)),
    lambda live: live.compact(),
    lambda live: live.upsert(range(3000, 3005), rows_of(3000, 5)),
    lambda live: live.replace("whole.maxdot"),
    lambda live: live.upsert(range(4000, 4005), rows_of(4000, 5)),
    lambda live: live.compact(),
)


def state_of(live: maxdot.LiveIndex) -> str:
    """Of what is in it, whatever the order."""
    snapshot = live.snapshot()
    digest = hashlib.sha256()
    for number in sorted(snapshot.ids().tolist()):
        digest.update(number.to_bytes(8, "little") + snapshot.item(number).tobytes())
    return digest.hexdigest()[:16]


def open_live() -> maxdot.LiveIndex:
    return maxdot.LiveIndex.open("live", durability="group", fresh_items=64, compact_in_background=False)


def tell(*words: object) -> None:
    """At once: what is told before a kill is acknowledged."""
    left = (" ".join(map(str, words)) + "\n").encode()
    while left:
        left = left[os.write(1, left) :]


def make_live() -> None:
    """The files of `live`."""
    maxdot.Index.build(np.load("items.npy"), metric="dot").save("whole.maxdot")
    with maxdot.LiveIndex.create("live", 16, metric="dot", fresh_items=64, compact_in_background=False) as live:
        live.upsert(range(300), rows_of(0, 300))
        live.upsert(range(300, 310), rows_of(1, 10))


def live() -> None:
    """Changes of a LiveIndex: tells of each that is done."""
    begin()
    with open_live() as catalogue:
        for number, change in enumerate(CHANGES):
            change(catalogue)
            tell("done", number)


def create() -> None:
    """A LiveIndex in a folder that is not there yet, with some items."""
    begin()
    with maxdot.LiveIndex.create("new/live", 16, metric="dot", compact_in_background=False) as catalogue:
        tell("done")
        catalogue.upsert(range(40), rows_of(0, 40))
        tell("done")


def look_at_created() -> None:
    """What is in it, or "none" where nothing was created."""
    try:
        with maxdot.LiveIndex.open("new/live", compact_in_background=False) as catalogue:
            tell("opened", state_of(catalogue))
    except FileNotFoundError:
        tell("opened", "none")
    except OSError as error:
        if "manifest" not in str(error):
            raise
        tell("opened", "none")


def look_at_live() -> None:
    """What is in the catalogue, as a reader sees it, a writer, and after the changes and one more compaction."""
    with maxdot.LiveIndex.open("live", read_only=True) as reader:
        tell("read", state_of(reader))
    with open_live() as catalogue:
        tell("opened", state_of(catalogue))
        for change in CHANGES:
            change(catalogue)
            tell("changed", state_of(catalogue))
        catalogue.compact()
    tell("left", *sorted(os.listdir("live")))


def main() -> int:
    all_programs = (save, batch, make_batch, live, make_live, look_at_live, create, look_at_created)
    programs = {program.__name__: program for program in all_programs}
    try:
        return programs[sys.argv[1]]() or 0
    except OSError as error:
        reason, code = error, IO
    except MemoryError as error:
        reason, code = error, OUT_OF_MEMORY
    except ValueError as error:
        reason, code = error, BAD_DATA
    sys.stderr.write(f"error: {type(reason).__name__}: {reason}\n")
    return code


if __name__ == "__main__":
    sys.exit(main())
