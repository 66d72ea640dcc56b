"""Installs the pinned libraries one by one; what cannot be had is written down with its reason."""

import json
import pathlib
import re
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent


def main():
    requirements = HERE / "requirements.txt"
    failures = {}
    for line in requirements.read_text().split():
        command = [sys.executable, "-m", "pip", "install", "-q", "-c", str(requirements), line]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            errors = [text for text in done.stderr.splitlines() if re.search("error", text, re.IGNORECASE)]
            failures[line.split("==")[0]] = (
                f"pip install {line}: {errors[-1].strip() if errors else 'failed'}"
            )
            print(f"cannot install {line}; it will be listed as missing", file=sys.stderr)
    pathlib.Path(sys.prefix, "failed.json").write_text(json.dumps(failures))


if __name__ == "__main__":
    main()
