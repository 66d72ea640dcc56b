"""FAISS's flat indexes, answered by maxdot: `from maxdot import faiss` in place of `import faiss`.

The conventions are FAISS's: rows are added in steps and numbered from 0, `search` returns (D, I), L2 distances are
squared, missing results have id -1, and inputs are converted to float32 as FAISS's own wrapper does. Three things
differ: results are exact, and those equal before rounding stand in the order of their rows; NaN and Inf are refused; files are
maxdot's own. docs/faiss.md says what is here, and what each call costs.
"""

from __future__ import annotations

from typing import NoReturn

from maxdot._core import __version__
from maxdot.faiss.errors import ArgumentError, FaissError, FileError, FileMissingError
from maxdot.faiss.files import IO_FLAG_MMAP, deserialize_index, read_index, serialize_index, write_index
from maxdot.faiss.flat import IndexFlat, IndexFlatIP, IndexFlatL2
from maxdot.faiss.functions import (
    downcast_index,
    index_factory,
    knn,
    normalize_L2,
    rev_swig_ptr,
    swig_ptr,
    vector_float_to_array,
    vector_to_array,
)
from maxdot.faiss.id_map import IndexIDMap, IndexIDMap2
from maxdot.faiss.index import METRIC_INNER_PRODUCT, METRIC_L2, Index, clone_index
from maxdot.faiss.int64_vector import Int64Vector
from maxdot.faiss.selectors import (
    IDSelector,
    IDSelectorAll,
    IDSelectorAnd,
    IDSelectorArray,
    IDSelectorBatch,
    IDSelectorBitmap,
    IDSelectorNot,
    IDSelectorOr,
    IDSelectorRange,
    IDSelectorTranslated,
    IDSelectorXOr,
    PyCallbackIDSelector,
    SearchParameters,
)
from maxdot.faiss.streams import (
    BufferedIOReader,
    BufferedIOWriter,
    IOReader,
    IOWriter,
    PyCallbackIOReader,
    PyCallbackIOWriter,
)
from maxdot.faiss.threads import omp_get_max_threads, omp_set_num_threads

__all__ = [
    "IO_FLAG_MMAP",
    "METRIC_INNER_PRODUCT",
    "METRIC_L2",
    "ArgumentError",
    "BufferedIOReader",
    "BufferedIOWriter",
    "FaissError",
    "FileError",
    "FileMissingError",
    "IDSelector",
    "IDSelectorAll",
    "IDSelectorAnd",
    "IDSelectorArray",
    "IDSelectorBatch",
    "IDSelectorBitmap",
    "IDSelectorNot",
    "IDSelectorOr",
    "IDSelectorRange",
    "IDSelectorTranslated",
    "IDSelectorXOr",
    "IOReader",
    "IOWriter",
    "Index",
    "IndexFlat",
    "IndexFlatIP",
    "IndexFlatL2",
    "IndexIDMap",
    "IndexIDMap2",
    "Int64Vector",
    "PyCallbackIDSelector",
    "PyCallbackIOReader",
    "PyCallbackIOWriter",
    "SearchParameters",
    "__version__",
    "clone_index",
    "deserialize_index",
    "downcast_index",
    "index_factory",
    "knn",
    "normalize_L2",
    "omp_get_max_threads",
    "omp_set_num_threads",
    "read_index",
    "rev_swig_ptr",
    "serialize_index",
    "swig_ptr",
    "vector_float_to_array",
    "vector_to_array",
    "write_index",
]


def __getattr__(name: str) -> NoReturn:
    raise AttributeError(
        f"module 'maxdot.faiss' has no attribute {name!r}: only FAISS's flat indexes and what belongs to them are here "
        "(docs/faiss.md)"
    )
