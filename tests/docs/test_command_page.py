"""The page of the command is what the command says of itself."""

import os
import subprocess
import sys

import pytest
from snippets import ROOT


def test_command_page():
    command = os.environ.get("MAXDOT_BIN")
    if command is None:
        pytest.skip("MAXDOT_BIN is not set: the command was not built")
    script = ROOT / "docs" / "site" / "command_page.py"
    done = subprocess.run([sys.executable, script, "--check", command], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
