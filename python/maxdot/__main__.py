"""``python -m maxdot`` runs the ``maxdot`` command that was installed with the package."""

import importlib.metadata
import os
import pathlib
import sys
import sysconfig


def command() -> pathlib.Path:
    """Where the installed ``maxdot`` command lies. FileNotFoundError names where it was looked for."""
    try:
        recorded = importlib.metadata.files("maxdot") or []
    except importlib.metadata.PackageNotFoundError:  # the folder was copied, not installed
        recorded = []
    looked = [pathlib.Path(str(file.locate())).resolve() for file in recorded if file.parts[-2:] == ("bin", "maxdot")]
    # `pip install --target` moves it, and records the place before.
    looked.append(pathlib.Path(__file__).resolve().parents[1] / "bin" / "maxdot")
    looked.append(pathlib.Path(sysconfig.get_path("scripts")) / "maxdot")
    for path in looked:
        if path.is_file():
            return path
    raise FileNotFoundError(
        f"the maxdot command is not installed: it was looked for at {', '.join(map(str, looked))}. Install the package again "
        "with pip, which brings it"
    )


def main() -> None:
    """Becomes the command, with the arguments of this process."""
    try:
        path = command()
    except FileNotFoundError as error:
        sys.exit(f"maxdot: error: {error}")
    sys.stdout.flush()
    os.execv(path, ["maxdot", *sys.argv[1:]])


if __name__ == "__main__":
    main()
