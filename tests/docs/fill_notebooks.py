#!/usr/bin/env python3
"""Runs the notebooks as plain Python and writes what they print into them: after a change of a notebook, or of what is printed."""

import contextlib
import io
import json
import os
import pathlib

FOLDER = pathlib.Path(__file__).resolve().parents[2] / "examples" / "notebooks"


def main():
    os.chdir(FOLDER)
    for path in sorted(FOLDER.glob("*.ipynb")):
        notebook, names = json.loads(path.read_text(encoding="utf-8")), {"__name__": "__main__"}
        for count, cell in enumerate((cell for cell in notebook["cells"] if cell["cell_type"] == "code"), 1):
            printed = io.StringIO()
            with contextlib.redirect_stdout(printed):
                exec(compile("".join(cell["source"]), path.name, "exec"), names)
            cell["execution_count"] = count
            cell["outputs"] = [
                {"name": "stdout", "output_type": "stream", "text": printed.getvalue().splitlines(keepends=True)}
            ] * bool(printed.getvalue())
        path.write_text(json.dumps(notebook, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
