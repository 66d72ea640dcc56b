"""What the cases share: running the command, making and reading its files, and a brute force of its own."""

import array
import contextlib
import json
import math
import os
import pathlib
import random
import shutil
import struct
import subprocess
import tempfile
import unittest

KERNELS = ("reference", "avx2", "avxvnni", "avx512", "avx512vnni", "amx", "neon", "neondot", "neoni8mm")
BINARY = os.environ.get("MAXDOT_BIN", "maxdot")
METRICS = ("dot", "cosine", "euclidean")

OK, USAGE, IO, BAD_DATA, UNSUPPORTED, OUT_OF_MEMORY = 0, 2, 3, 4, 5, 6


def run(*arguments, env=None, **options):
    """Runs the command with text pipes; MAXDOT_ISA only as the case asks for it."""
    environment = {key: value for key, value in os.environ.items() if key != "MAXDOT_ISA"}
    environment.update(env or {})
    options.setdefault("stdout", subprocess.PIPE)
    options.setdefault("stderr", subprocess.PIPE)
    command = [BINARY, *map(str, arguments)]
    return subprocess.run(command, env=environment, text=True, timeout=300, check=False, **options)


# Files.

def npy_bytes(descr, shape, payload, fortran=False):
    text = repr({"descr": descr, "fortran_order": fortran, "shape": shape})
    header = text + " " * (-(len(text) + 11) % 64) + "\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode() + payload


def write_matrix(path, rows, half=False):
    """Writes rows of floats in the format that the ending names. All rows have one length."""
    path = pathlib.Path(path)
    columns = len(rows[0])
    flat = [value for row in rows for value in row]
    payload = struct.pack(f"<{len(flat)}{'e' if half else 'f'}", *flat)
    if path.suffix == ".npy":
        path.write_bytes(npy_bytes("<f2" if half else "<f4", (len(rows), columns), payload))
    elif path.suffix == ".fbin":
        path.write_bytes(struct.pack("<II", len(rows), columns) + payload)
    else:
        width = 4 * columns
        packed = (struct.pack("<i", columns) + payload[at:at + width] for at in range(0, len(payload), width))
        path.write_bytes(b"".join(packed))
    return path


def read_npy(path):
    """The rows of a 2-D '<i8' or '<f4' array."""
    data = pathlib.Path(path).read_bytes()
    assert data[:8] == b"\x93NUMPY\x01\x00", "not a .npy of format 1.0"
    size = struct.unpack_from("<H", data, 8)[0]
    assert (10 + size) % 64 == 0, "the data of a .npy starts at a multiple of 64"
    header = data[10:10 + size].decode()
    fields = dict(
        descr=header.split("'descr': '")[1].split("'")[0],
        shape=tuple(int(part) for part in header.split("(")[1].split(")")[0].split(",") if part.strip()))
    values = array.array({"<i8": "q", "<f4": "f"}[fields["descr"]])
    values.frombytes(data[10 + size:])
    rows, columns = fields["shape"]
    assert len(values) == rows * columns, "the shape does not match the data"
    return [list(values[row * columns:(row + 1) * columns]) for row in range(rows)]


def read_vecs(path, code):
    """The rows of an .ivecs (code 'i') or .fvecs (code 'f') file."""
    data = pathlib.Path(path).read_bytes()
    rows, at = [], 0
    while at < len(data):
        columns = struct.unpack_from("<i", data, at)[0]
        rows.append(list(struct.unpack_from(f"<{columns}{code}", data, at + 4)))
        at += 4 + 4 * columns
    return rows


def as_f32(value):
    return struct.unpack("<f", struct.pack("<f", value))[0]


def random_rows(count, columns, seed, half=False):
    """Rows of values that f32 (or f16) holds exactly, of very different lengths."""
    source = random.Random(seed)
    code = "e" if half else "f"
    rows = []
    for _ in range(count):
        length = 10.0 ** source.uniform(-1, 1)
        row = [source.gauss(0, length) for _ in range(columns)]
        rows.append(list(struct.unpack(f"<{columns}{code}", struct.pack(f"<{columns}{code}", *row))))
    return rows


# The definition of a right answer, written a second time. Python's floats are f64 and it never fuses a
# multiplication and an addition, so scores must agree to the last bit.

def dot64(q, x):
    lanes = [0.0] * 8
    for j, (a, b) in enumerate(zip(q, x)):
        lanes[j % 8] += a * b
    return ((lanes[0] + lanes[4]) + (lanes[2] + lanes[6])) + ((lanes[1] + lanes[5]) + (lanes[3] + lanes[7]))


def pair_score(q, x, metric, normalize):
    """(key that orders, score that is reported)."""
    dot, q_square, x_square = dot64(q, x), dot64(q, q), dot64(x, x)
    if normalize or metric == "cosine":
        norms = math.sqrt(q_square) * math.sqrt(x_square)
        key = dot / norms if norms > 0 else 0.0
        return key, math.sqrt(max(2.0 - 2.0 * key, 0.0)) if metric == "euclidean" else key
    if metric == "dot":
        return dot, dot
    square = max((q_square + x_square) - 2.0 * dot, 0.0)
    return -square, math.sqrt(square)


def brute_force(items, queries, k, metric, normalize=False, ids=None):
    """For each query the best min(k, items) as [(id, score)]."""
    ids = ids or range(len(items))
    answers = []
    for q in queries:
        scored = [(*pair_score(q, x, metric, normalize), item) for x, item in zip(items, ids)]
        scored.sort(key=lambda entry: (-entry[0], entry[2]))
        answers.append([(item, score) for _, score, item in scored[:k]])
    return answers


def is_writing(process, folder):
    """Whether the process has a temporary file in the folder open: one without a name, a hidden or a partial one."""
    descriptors = pathlib.Path(f"/proc/{process.pid}/fd")
    try:
        targets = [os.readlink(entry) for entry in descriptors.iterdir()]
    except OSError:  # it has ended, or closed one meanwhile
        return False
    return any(target.startswith(f"{os.path.realpath(folder)}/") and target.endswith((" (deleted)", ".tmp", ".partial"))
               for target in targets)


class CliTest(unittest.TestCase):
    """A case with an empty folder of its own, which is also where the command runs."""

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="maxdot-cli-"))
        self.addCleanup(shutil.rmtree, self.folder)

    def run_here(self, *arguments, **options):
        return run(*arguments, cwd=self.folder, **options)

    def succeeds(self, *arguments, **options):
        """Runs the command, which must succeed and say nothing on stderr. Returns its stdout."""
        done = self.run_here(*arguments, **options)
        self.assertEqual((done.returncode, done.stderr), (OK, ""), arguments)
        return done.stdout

    def json_of(self, *arguments, **options):
        """The one JSON document that the command prints; NaN and Infinity are no JSON."""
        def refuse(constant):
            raise AssertionError(f"{constant} is not JSON")
        return json.loads(self.succeeds(*arguments, "--json", **options), parse_constant=refuse)

    @contextlib.contextmanager
    def folder_unchanged(self):
        """What is in the folder before is in it after, byte for byte, and nothing else."""
        def snapshot():
            found = sorted(self.folder.rglob("*"))
            return {path: path.read_bytes() if path.is_file() else None for path in found}
        before = snapshot()
        yield
        after = snapshot()
        self.assertEqual(sorted(before), sorted(after), "files appeared or vanished")
        self.assertEqual([p for p in before if before[p] != after[p]], [], "files were changed")

    def fails(self, code, *arguments, says=(), **options):
        """Runs the command, which must fail with `code`, one line on stderr that holds all of `says`, nothing on
        stdout but with --json the error, and no trace in the folder. Returns the line."""
        with self.folder_unchanged():
            done = self.run_here(*arguments, **options)
        self.assertEqual(done.returncode, code, (arguments, done.stderr))
        if "--json" in arguments and "error: standard output" not in done.stderr:
            name = {1: "check_failed", 2: "usage", 3: "io", 4: "bad_data", 5: "unsupported", 6: "out_of_memory"}[code]
            error = json.loads(done.stdout)["error"]
            self.assertEqual(error["code"], name)
            self.assertEqual(done.stderr, f"maxdot: error: {error['message']}\n")
        else:
            self.assertEqual(done.stdout or "", "", arguments)
        self.assertTrue(done.stderr.startswith("maxdot: error: "), done.stderr)
        self.assertTrue(done.stderr.endswith("\n") and done.stderr.count("\n") == 1, done.stderr)
        for text in [says] if isinstance(says, str) else says:
            self.assertIn(text, done.stderr)
        return done.stderr
