"""The notebooks run, and print what they hold; once as plain Python, and once by Jupyter where it is installed."""

import contextlib
import io
import json

import pytest
from snippets import NUMBER, ROOT

DEPENDS = {"evaluate"}  # on LAPACK, in the last digits that are printed
NOTEBOOKS = sorted((ROOT / "examples" / "notebooks").glob("*.ipynb"))


def cells(path):
    return [cell for cell in json.loads(path.read_text(encoding="utf-8"))["cells"] if cell["cell_type"] == "code"]


def told(path, printed):
    """What was printed, as it is compared: without its numbers where these differ from one machine to another."""
    return [NUMBER.sub("#", text) if path.stem in DEPENDS else text for text in printed]


def said(path):
    return told(path, ["".join("".join(output.get("text", [])) for output in cell["outputs"]) for cell in cells(path)])


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_as_plain_python(path, monkeypatch):
    monkeypatch.chdir(path.parent)
    names, printed = {"__name__": "__main__"}, []
    for cell in cells(path):
        output = io.StringIO()
        with contextlib.redirect_stdout(output):
            exec(compile("".join(cell["source"]), path.name, "exec"), names)
        printed.append(output.getvalue())
    assert told(path, printed) == said(path)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_by_jupyter(path):
    nbformat = pytest.importorskip("nbformat")
    nbclient = pytest.importorskip("nbclient")
    pytest.importorskip("ipykernel")
    notebook = nbformat.read(path, as_version=4)
    nbclient.NotebookClient(notebook, timeout=120, resources={"metadata": {"path": path.parent}}).execute()
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    ran = ["".join(output.text for output in cell.outputs if output.get("name") == "stdout") for cell in code]
    assert told(path, ran) == said(path)


def test_there_are_two():
    assert len(NOTEBOOKS) == 2
