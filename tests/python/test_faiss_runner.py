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


def test_what_is_wrong_fails(tmp_path):
    names = ("test_wrong", "test_hides_what_is_not_here", "test_gone")
    done = run(tmp_path, GOOD | {f"test_made.py::Made::{name}": "pass" for name in names})
    assert done.returncode == 1
    for name, complaint in zip(
        names,
        (
            "should pass; it was found: failed: AssertionError: 0 != 1",
            "should pass; it was found: needs IndexIVFFlat",
            "the list names it, but it is not in the checkout",
        ),
        strict=True,
    ):
        assert f"test_made.py::Made::{name}: {complaint}" in done.stdout


@pytest.mark.parametrize(
    ("listed", "found", "files", "complaint"),
    [
        ({"t.py::a": "pass"}, {"t.py::a": "pass"}, {"t.py"}, None),
        ({"t.py::a": "helper"}, {"t.py::a": "failed"}, {"t.py"}, "t.py::a: should pass; it was found: failed"),
        ({"t.py::a": "IVF"}, {"t.py::a": "pass"}, {"t.py"}, "t.py::a: left out (IVF), but it passes"),
        ({"t.py": "IVF"}, {"t.py::a": "pass"}, {"t.py"}, "t.py::a: left out (IVF), but it passes"),
        ({"t.py": "IVF"}, {"t.py::a": "failed"}, {"t.py"}, None),
        ({"t.py::a": "pass"}, {"t.py::a": "pass", "t.py::b": "pass"}, {"t.py"},
         "t.py::b: the list does not name it; it was found: pass"),
        ({"t.py": "IVF"}, {}, {"t.py", "u.py"}, "u.py: the list does not name this file"),
        ({"t.py": "IVF", "u.py": "IVF"}, {}, {"t.py"}, "u.py: is not in the checkout"),
        ({"t.py::a": "pass", "t.py::b": "IVF"}, {"t.py::a": "pass"}, {"t.py"},
         "t.py::b: the list names it, but it is not in the checkout"),
    ],
)  # fmt: skip
def test_complaints(listed, found, files, complaint, monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "tests/of_faiss"))
    from run_faiss_tests import complaints

    assert complaints(listed, found, files) == ([] if complaint is None else [complaint])


def test_no_checkout(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "tests/of_faiss"))
    from run_faiss_tests import main

    monkeypatch.setattr(sys, "argv", ["run_faiss_tests.py", str(tmp_path)])
    with pytest.raises(SystemExit, match="no checkout of FAISS"):
        main()
