"""Opening a Parquet file."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq


def open_parquet(path: str, **options: Any) -> pq.ParquetFile:
    """Opens by the path alone, with the options of ParquetFile.

    Given the path itself, ParquetFile makes a file system by parsing an address. It takes a path that is not there for an
    address, too, and tells of memory that is out as of an address that is wrong.

    Raises:
        OSError: it cannot be opened or read.
        pyarrow.ArrowInvalid: it is no Parquet file.
    """
    return pq.ParquetFile(pa.OSFile(path), **options)
