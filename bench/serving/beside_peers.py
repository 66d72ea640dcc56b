"""Makes the modules of bench/peers importable, after those of this folder. Imported first by each program."""

import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1] / "peers"))
