"""What a path may be."""

from __future__ import annotations

import os
from typing import TypeAlias

Path: TypeAlias = str | bytes | os.PathLike[str] | os.PathLike[bytes]
"""A name as the operating system takes it: bytes, or text that `os.fsencode` turns into them, also one that is no UTF-8."""
