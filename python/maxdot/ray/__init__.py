"""maxdot on Ray: `maxdot.ray.serve` answers from shards of a catalogue behind Ray Serve, `batch_search` scores a
Dataset of Ray Data.

It needs Ray: pip install 'maxdot[ray]'. Nothing else in maxdot imports it.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from maxdot.ray.batch import batch_search

__all__ = ["batch_search"]


def __getattr__(name: str) -> Any:
    """Ray Data and pyarrow are imported by who asks for `batch_search`: serving needs neither."""
    if name != "batch_search":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from maxdot.ray.batch import batch_search

    return batch_search
