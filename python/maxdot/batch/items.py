"""Items that many processes open: an index file that must be the same for all, and one of names."""

from __future__ import annotations

import os
import socket
from typing import NamedTuple

import pyarrow as pa

from maxdot.batch.catalogue import ids_and_names
from maxdot.batch.inputs import column_of, reader_of
from maxdot.batch.job import BatchError
from maxdot.index import Index
from maxdot.metric import Metric
from maxdot.paths import Path


class IndexFile(NamedTuple):
    """An index file as one process saw it. Others that get it open the same index or none."""

    path: str
    items: int
    dimension: int
    metric: Metric
    normalized: bool
    checksum: int

    @classmethod
    def look(cls, path: Path) -> IndexFile:
        """Raises: BatchError: there is no index file that can be read."""
        index = open_index(path)
        return cls(index.path or "", len(index), index.dimension, index.metric, index.normalized, index._checksum)

    def open(self) -> Index:
        """Maps it. Processes of one machine share its pages.

        Raises:
            BatchError: it cannot be read here, or another index has taken its path.
        """
        index = open_index(self.path)
        if index._checksum != self.checksum:
            raise BatchError(
                "bad_data",
                f"{self.path}: on {socket.gethostname()} it holds another index ({len(index)} x {index.dimension}) than "
                f"where the work began ({self.items} x {self.dimension}); put the same file there, and save a new "
                "index under a new name",
            )
        return index


def open_index(path: Path) -> Index:
    """As Index.open. Raises BatchError, which names the machine."""
    advice = f"(on {socket.gethostname()}); every process that searches needs the file under this path"
    try:
        return Index.open(path)
    except OSError as error:
        raise BatchError("io", f"{error} {advice}") from None
    except RuntimeError as error:
        raise BatchError("unsupported", f"{error} {advice}") from None
    except ValueError as error:
        raise BatchError("bad_data", f"{error} {advice}") from None


def read_item_names(path: Path) -> pa.Array:
    """The names of items by id: row i of a Parquet or Arrow file holds that of item i.

    It has one column of text, and none of integers.

    An Arrow file of one record batch is mapped, so that processes of one machine share its pages.

    Raises:
        BatchError: the file cannot be read, or holds no text; a name is missing, or stands there
            twice.
    """
    name = os.path.abspath(os.fsdecode(path))
    reader = reader_of(name)
    column = column_of(reader, None, "ids", name)
    parts = [
        batch.column(column)
        for group, rows in enumerate(reader.groups)
        for batch in reader.batches(group, [column], max(rows, 1))
    ]
    _, names = ids_and_names(parts, name)
    if names is None:
        raise BatchError("bad_data", f"{name}: column {column!r} holds no text; items whose ids are numbers need no names")
    return names
