"""tests/of_faiss/run_faiss_tests.py complains of what is not as its list says: on a made-up checkout."""

import subprocess
import sys

import pytest
from support import ROOT

TESTS = """
import unittest
import faiss

class Made(unittest.TestCase):
    def test_flat(self):
        self.assertEqual(faiss.IndexFlatL2(4).ntotal, 0)

    def test_ivf(self):
        faiss.IndexIVFFlat(faiss.IndexFlatL2(4), 4, 10)

    def test_hides_what_is_not_here(self):
        self.assertRaises(Exception, faiss.IndexIVFFlat, 3)

    def test_wrong(self):
        self.assertEqual(faiss.IndexFlatL2(4).ntotal, 1)
"""
GOOD = {
    "test_made.py::Made::test_flat": "pass",
    "test_made.py::Made::test_ivf": "IVF",
    "test_made.py::Made::test_hides_what_is_not_here": "IVF",
    "test_made.py::Made::test_wrong": "a wrong test",
    "test_other.py": "no flat index",
}


def run(folder, expected):
    tests = folder / "tests"
    tests.mkdir()
    (folder / "contrib").mkdir()
    (tests / "common_faiss_tests.py").write_text("")
    (tests / "test_made.py").write_text(TESTS)
    (tests / "test_other.py").write_text("import does_not_exist\n")
    (folder / "list.txt").write_text("# a comment\n" + "".join(f"{name}  {what}\n" for name, what in expected.items()))
    return subprocess.run(
        [sys.executable, str(ROOT / "tests/of_faiss/run_faiss_tests.py"), str(folder), "--list", str(folder / "list.txt")],
        capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_all_as_listed(tmp_path):
    done = run(tmp_path, GOOD)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 passed, 3 not applicable, 0 not as the list says" in done.stdout
    assert sorted(path.name for path in (tmp_path / "tests").iterdir()) == [
        "common_faiss_tests.py", "test_made.py", "test_other.py",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "what", "complaint"),
    [
        ("test_made.py::Made::test_wrong", "pass", "should pass; it was found: failed: AssertionError: 0 != 1"),
        ("test_made.py::Made::test_hides_what_is_not_here", "pass", "should pass; it was found: needs IndexIVFFlat"),
        ("test_made.py::Made::test_flat", "IVF", "left out (IVF), but it passes"),
        ("test_made.py::Made::test_flat", None, "the list does not name it; it was found: pass"),
        ("test_other.py", None, "the list does not name this file"),
        ("test_made.py::Made::test_gone", "pass", "the list names it, but it is not in the checkout"),
        ("test_gone.py", "no flat index", "is not in the checkout"),
    ],
)
def test_complaints(name, what, complaint, tmp_path):
    expected = {key: value for key, value in {**GOOD, name: what}.items() if value is not None}
    done = run(tmp_path, expected)
    assert done.returncode == 1
    assert f"{name}: {complaint}" in done.stdout


def test_no_checkout(tmp_path):
    done = subprocess.run(
        [sys.executable, str(ROOT / "tests/of_faiss/run_faiss_tests.py"), str(tmp_path)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert "no checkout of FAISS" in done.stderr
