"""Runs torch-rechub's own tests/test_serving.py, from its source distribution, with maxdot's builder."""

import argparse
import importlib.metadata
import os
import subprocess
import sys
import tarfile
from pathlib import Path

HERE = Path(__file__).resolve().parent


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("build/test-rechub"), help="folder for the download")
    folder = parser.parse_args().out
    requirement = f"torch-rechub=={importlib.metadata.version('torch-rechub')}"
    test = folder / "test_serving.py"
    if not test.exists():
        pip = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--no-binary", "torch-rechub"]
        subprocess.run([*pip, "-d", str(folder), requirement], check=True)
        (archive,) = folder.glob("torch_rechub-*.tar.gz")
        with tarfile.open(archive) as source:
            (name,) = [each for each in source.getnames() if each.endswith("/tests/test_serving.py")]
            test.write_bytes(source.extractfile(name).read())
    print(f"tests/test_serving.py of {requirement}, as it was published, with maxdot's builder:", flush=True)
    environment = {name: value for name, value in os.environ.items() if name != "SKIP_MILVUS_TESTS"}
    environment["PYTHONPATH"] = str(HERE)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "maxdot_backend", "-p", "no:cacheprovider"]
    raise SystemExit(
        subprocess.run(
            [*command, "--rootdir", str(folder), str(test)], env=environment, check=False
        ).returncode
    )


if __name__ == "__main__":
    main()
