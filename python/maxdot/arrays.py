"""Arrays of other libraries on their way into maxdot."""

from __future__ import annotations

from typing import Any


def host(value: Any) -> Any:
    """`value` itself, or for a tensor that requires grad or lies on a GPU its values in CPU memory.

    Told by its methods, so that torch need not be installed. A tensor that is on the CPU already shares its
    memory with what this returns.
    """
    if callable(getattr(value, "detach", None)) and callable(getattr(value, "cpu", None)):
        return value.detach().cpu()
    return value
