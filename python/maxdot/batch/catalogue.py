"""The items of a job: an index file, or an index that is built of a file of embeddings."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from maxdot import _core
from maxdot.batch.inputs import InputFile, column_of, find_files, open_file, reader_of, reading
from maxdot.batch.job import BatchError, Job
from maxdot.index import Index
from maxdot.tables import id_result_type, is_vector_type, one_array, vectors_of

_ROWS_AT_ONCE = 1 << 14


@dataclass(frozen=True)
class Catalogue:
    """Items to search. `names`: their ids as text, which the index knows by number; None: the index knows their ids."""

    index: Index
    names: pa.Array | None
    about: dict[str, Any]


def open_catalogue(job: Job) -> Catalogue:
    """Raises: BatchError: what is there cannot be searched."""
    check_kernels()
    files = find_files(job.items, "items")
    if len(files) == 1 and _is_index(files[0]):
        return _opened(job, files[0])
    return _built(job, [open_file(path) for path in files])


def check_kernels() -> None:
    """Raises: BatchError: MAXDOT_ISA or MAXDOT_CPU_MASK is wrong. Else the files would be blamed for it."""
    try:
        _core.kernel_name()
    except (ValueError, RuntimeError) as error:
        raise BatchError("usage", str(error)) from None


def item_mask(job: Job, index: Index) -> npt.NDArray[np.bool_] | None:
    """Raises: BatchError: it is no mask of the items."""
    if job.item_mask is None:
        return None
    path = os.path.abspath(os.fsdecode(job.item_mask))
    try:
        mask = _core.read_mask(os.fsencode(path)).view(np.bool_)
    except OSError as error:
        raise BatchError("io", str(error)) from None
    except (ValueError, RuntimeError) as error:
        raise BatchError("bad_data", str(error)) from None
    if len(mask) != len(index):
        raise BatchError(
            "bad_data", f"{path}: holds {len(mask)} values but there are {len(index)} items; give one for each row"
        )
    return mask


def _mask_about(job: Job) -> dict[str, Any]:
    if job.item_mask is None:
        return {}
    path = os.path.abspath(os.fsdecode(job.item_mask))
    try:
        status = os.stat(path)
    except OSError as error:
        raise BatchError("io", f"{path}: {error.strerror}") from None
    return {"mask": {"path": path, "size": status.st_size, "mtime_ns": status.st_mtime_ns}}


def _is_index(path: str) -> bool:
    try:
        with open(path, "rb") as file:
            return file.read(6) == b"maxdot"
    except OSError as error:
        raise BatchError("io", f"{path}: {error.strerror}") from None


def _opened(job: Job, path: str) -> Catalogue:
    if job.item_id_column is not None or job.item_vector_column is not None:
        raise BatchError("usage", f"{path}: is an index file, which has no columns")
    try:
        index = Index.open(path, rows=job.rows, load=job.load)
    except OSError as error:
        raise BatchError("io", str(error)) from None
    except MemoryError as error:
        raise BatchError("out_of_memory", f"{error}; or map the file: --load map") from None
    except (ImportError, RuntimeError) as error:
        raise BatchError("unsupported", str(error)) from None
    except ValueError as error:
        raise BatchError("bad_data", str(error)) from None
    about = {"path": path, "checksum": f"{index._checksum:016x}", "items": len(index), "dimension": index.dim}
    return Catalogue(index, index.item_names, about | _mask_about(job))


def _built(job: Job, files: list[InputFile]) -> Catalogue:
    if job.rows == "disk":
        raise BatchError(
            "usage",
            f"{files[0].path}: rows stay on the disk in an index file only; build one with maxdot.IndexWriter",
        )
    parts: list[npt.NDArray[Any]] = []
    ids: list[pa.Array] = []
    for file in files:
        with reading(file.path):
            _read_items(job, file, parts, ids)
    if not parts:
        raise BatchError("bad_data", f"{files[0].path}: holds no items")
    about = {
        "files": [file.described() for file in files],
        "columns": [job.item_id_column, job.item_vector_column],
        **_mask_about(job),
    }
    own_ids, names = ids_and_names(ids, files[0].path)
    try:
        index = Index.build(np.concatenate(parts), own_ids, metric=job.metric or "cosine", threads=job.threads)
    except ValueError as error:
        raise BatchError("bad_data", f"{files[0].path}: {error}") from None
    return Catalogue(index, names, about)


def _read_items(job: Job, file: InputFile, parts: list[npt.NDArray[Any]], ids: list[pa.Array]) -> None:
    """Adds the rows and ids of a file."""
    reader = reader_of(file.path)
    vector = column_of(reader, job.item_vector_column, "vectors", file.path)
    columns = [vector]
    if job.item_id_column is not None or any(not is_vector_type(field.type) for field in reader.schema):
        columns.append(column_of(reader, job.item_id_column, "ids", file.path))
    row = 0
    for group in range(len(file.groups)):
        for batch in reader.batches(group, columns, _ROWS_AT_ONCE):
            column = batch.column(vector)
            vectors = vectors_of(column, parts[0].shape[1] if parts else _dimension(column, file.path))
            if vectors.problems:
                first = min(vectors.problems)
                raise BatchError(
                    "bad_data",
                    f"{file.path}: row {row + first}: {vectors.problems[first]}; mend the row, or leave it out",
                )
            parts.append(vectors.rows)
            ids += [batch.column(name) for name in columns[1:]]
            row += batch.num_rows


def _dimension(column: pa.Array, path: str) -> int:
    kind = column.type
    if pa.types.is_fixed_size_list(kind):
        return int(kind.list_size)
    if pa.types.is_fixed_size_binary(kind) or pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        raise BatchError(
            "bad_data",
            f"{path}: items of bytes do not tell their dimension; write lists of floats, or build an index file",
        )
    for row in range(len(column)):
        if column[row].is_valid:
            return len(column[row])
    raise BatchError("bad_data", f"{path}: the first {len(column)} vectors are null")


def ids_and_names(ids: list[pa.Array], path: str) -> tuple[npt.NDArray[np.int64] | None, pa.Array | None]:
    """Of ids that are numbers, these; of text, the names. Raises BatchError: an id is missing, or stands there twice."""
    if not ids:
        return None, None
    joined = pa.chunked_array(ids)
    if pa.types.is_dictionary(joined.type):
        joined = joined.cast(joined.type.value_type)
    joined = joined.cast(id_result_type(joined.type))
    if joined.null_count:
        raise BatchError("bad_data", f"{path}: {joined.null_count} items have no id; mend them, or leave them out")
    array = one_array(joined)
    if pa.types.is_integer(array.type):
        numbers = array.to_numpy(zero_copy_only=False)
        if len(numbers) and (numbers.min() < 0 or numbers.max() > np.iinfo(np.int64).max):
            raise BatchError(
                "bad_data", f"{path}: item ids are from 0 to 2^63 - 1; they are {numbers.min()} to {numbers.max()}"
            )
        return numbers.astype(np.int64), None
    if len(array.unique()) != len(array):
        raise BatchError("bad_data", f"{path}: {len(array) - len(array.unique())} item ids stand there twice")
    return None, array
