"""The examples of docs/doors.md run, and print what it says."""

import re
import subprocess
import sys

import pytest
from support import ROOT

EXAMPLE = re.compile(r"```python\n(.*?)```\n```\n(.*?)```", re.DOTALL)
TEXT = (ROOT / "docs" / "doors.md").read_text(encoding="utf-8")


def test_every_example_is_found():
    assert len(EXAMPLE.findall(TEXT)) == TEXT.count("```python") > 0


@pytest.mark.parametrize(("code", "printed"), EXAMPLE.findall(TEXT))
def test_example(code, printed):
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stderr == ""
    assert done.stdout == printed
