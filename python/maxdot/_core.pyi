"""Types of the extension module. Its documented face is maxdot.Index, maxdot.top_k and maxdot.verify."""

import builtins
from typing import Any, SupportsIndex, TypeAlias

import numpy as np
import numpy.typing as npt

from maxdot.metric import Metric

Lists: TypeAlias = tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]

__version__: str

def available_threads() -> int: ...
def kernel_name() -> str: ...
def kernel_names() -> list[str]: ...
def use_kernels(name: str) -> None: ...
def read_mask(path: builtins.bytes) -> npt.NDArray[np.uint8]: ...
def metric_named(name: str) -> Metric: ...
def timeout_argument(timeout: float | None) -> float | None: ...
def verify(
    items: Any,
    queries: Any,
    ids: npt.NDArray[np.int64],
    metric: str,
    normalize: bool,
    item_ids: npt.NDArray[np.int64] | None,
    threads: int,
    timeout: float | None,
) -> dict[str, Any]: ...
def objective_bce(
    scores: Any, labels: Any, temperature: float, losses: bool, gradient: bool
) -> tuple[Any, ...]: ...
def objective_bpr(
    positive: Any, negative: Any, temperature: float, losses: bool, gradient: bool
) -> tuple[Any, ...]: ...
def objective_cross_entropy(
    positive: Any, negatives: Any, temperature: float, losses: bool, gradient: bool
) -> tuple[Any, ...]: ...
def objective_probability(scores: Any, temperature: float) -> npt.NDArray[np.floating[Any]]: ...
def objective_softmax(
    scores: Any,
    log_partition: npt.NDArray[np.float64],
    temperature: float,
    log_q: npt.NDArray[np.float64] | None,
) -> npt.NDArray[np.floating[Any]]: ...
def objective_log_partition(
    index: Index,
    queries: Any,
    temperature: float,
    log_q: npt.NDArray[np.float64] | None,
    metric: str | None,
    threads: int,
    timeout: float | None,
) -> npt.NDArray[np.float64]: ...
def objective_full_softmax(
    index: Index,
    queries: Any,
    positive_ids: npt.NDArray[np.int64],
    temperature: float,
    log_q: npt.NDArray[np.float64] | None,
    metric: str | None,
    threads: int,
    losses: bool,
    gradient: bool,
    timeout: float | None,
) -> tuple[Any, ...]: ...
def objective_probabilities(
    index: Index,
    queries: Any,
    ids: npt.NDArray[np.int64],
    log_partition: npt.NDArray[np.float64],
    temperature: float,
    log_q: npt.NDArray[np.float64] | None,
    metric: str | None,
    threads: int,
    timeout: float | None,
) -> npt.NDArray[np.float64]: ...
def evaluate_metrics(
    offsets: npt.NDArray[np.int64],
    ids: npt.NDArray[np.int64],
    retrieved: npt.NDArray[np.int64],
    ks: list[int],
    convention: str,
    catalogue: int,
    bootstrap: int,
    confidence: float,
    seed: int,
    per_user: bool,
    threads: int,
    timeout: float | None,
) -> dict[str, Any]: ...
def evaluate_retrieval(
    index: Index,
    users: Any,
    offsets: npt.NDArray[np.int64],
    ids: npt.NDArray[np.int64],
    ks: list[int],
    exclude_offsets: npt.NDArray[np.int64] | None,
    exclude_ids: npt.NDArray[np.int64] | None,
    metric: str | None,
    convention: str,
    bootstrap: int,
    confidence: float,
    seed: int,
    per_user: bool,
    threads: int,
    timeout: float | None,
) -> dict[str, Any]: ...
def evaluate_ranks(
    index: Index,
    users: Any,
    offsets: npt.NDArray[np.int64],
    ids: npt.NDArray[np.int64],
    exclude_offsets: npt.NDArray[np.int64] | None,
    exclude_ids: npt.NDArray[np.int64] | None,
    metric: str | None,
    threads: int,
    timeout: float | None,
) -> npt.NDArray[np.int64]: ...
def read_id_pairs(
    path: bytes, user_column: str, item_column: str
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]: ...
def find_pair_columns(names: list[str]) -> tuple[int, int]: ...
def lists_from_pairs(
    users: npt.NDArray[np.int64], items: npt.NDArray[np.int64], count: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]: ...
def merge(
    shards: list[tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]],
    k: SupportsIndex,
    metric: str,
    normalized: bool,
    scores: str,
    threads: int,
    timeout: float | None,
) -> Any: ...
def merge_ranges(
    shards: list[tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.float64]]],
    metric: str,
    normalized: bool,
    scores: str,
    threads: int,
    timeout: float | None,
) -> Any: ...
def rechub_text(metric: str, k: int, value: float) -> str: ...

class OverloadedError(RuntimeError): ...

class Answers:
    @property
    def descriptor(self) -> int: ...
    def take(self) -> list[tuple[int, Any]]: ...

class Batcher:
    def __init__(
        self, index: Index | LiveIndex, most_batch_queries: int, most_waiting_queries: int, threads: int
    ) -> None: ...
    def answers(self) -> Answers: ...
    def replace(self, index: Index) -> None: ...
    def stats(self) -> dict[str, int]: ...
    def search(
        self,
        queries: Any,
        k: SupportsIndex,
        metric: str | None,
        scores: str,
        exclude: Lists | None,
        allow: Lists | None,
        item_mask: npt.NDArray[np.uint8] | None,
        timeout: float | None,
    ) -> Any: ...
    def submit(
        self,
        answers: Answers,
        ticket: int,
        queries: Any,
        k: SupportsIndex,
        metric: str | None,
        scores: str,
        exclude: Lists | None,
        allow: Lists | None,
        item_mask: npt.NDArray[np.uint8] | None,
        timeout: float | None,
    ) -> None: ...

class _Searchable:
    def search(
        self,
        queries: Any,
        k: SupportsIndex,
        threads: int,
        metric: str | None,
        stats: bool,
        scores: str = "f32",
        exclude: Lists | None = None,
        allow: Lists | None = None,
        item_mask: npt.NDArray[np.uint8] | None = None,
        timeout: float | None = None,
    ) -> Any: ...
    def search_multi(
        self,
        interests: Any,
        per_user: int,
        one_user: bool,
        k: SupportsIndex,
        threads: int,
        metric: str | None,
        stats: bool,
        scores: str = "f32",
        exclude: Lists | None = None,
        allow: Lists | None = None,
        item_mask: npt.NDArray[np.uint8] | None = None,
        timeout: float | None = None,
    ) -> Any: ...
    def search_range(
        self,
        queries: Any,
        thresholds: npt.NDArray[np.float64],
        threads: int,
        metric: str | None,
        stats: bool,
        scores: str = "f32",
        exclude: Lists | None = None,
        allow: Lists | None = None,
        item_mask: npt.NDArray[np.uint8] | None = None,
        timeout: float | None = None,
    ) -> Any: ...
    @property
    def size(self) -> int: ...
    @property
    def dimension(self) -> int: ...
    @property
    def metric(self) -> Metric: ...
    @property
    def dtype(self) -> str: ...
    @property
    def normalized(self) -> bool: ...

class Index(_Searchable):
    @staticmethod
    def build(
        items: Any,
        ids: npt.NDArray[np.int64] | None,
        metric: str,
        normalize: bool,
        threads: int,
        timeout: float | None,
    ) -> Index: ...
    @staticmethod
    def open(
        path: builtins.bytes,
        rows: str,
        load: str,
        verify_payload: bool,
        verify_codes: bool,
        timeout: float | None,
    ) -> Index: ...
    def save(self, path: builtins.bytes) -> int: ...
    def rows(self, begin: int, count: int) -> npt.NDArray[np.float32]: ...
    def rows_at(self, ids: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]: ...
    def ids(self, begin: int, count: int) -> npt.NDArray[np.int64]: ...
    @property
    def has_ids(self) -> bool: ...
    @property
    def checksum(self) -> int: ...
    @property
    def bytes(self) -> int: ...

class IndexWriter:
    @staticmethod
    def create(
        path: builtins.bytes, rows: int, dimension: int, dtype: str, with_ids: bool, metric: str, normalize: bool
    ) -> IndexWriter: ...
    def append(self, items: Any, ids: npt.NDArray[np.int64] | None, timeout: float | None) -> None: ...
    def commit(self) -> int: ...

def build_file(
    items: bytes,
    path: bytes,
    ids: npt.NDArray[np.int64] | None,
    metric: str,
    normalize: bool,
    threads: int,
    timeout: float | None,
) -> int: ...

class MatrixFile:
    @staticmethod
    def open(path: builtins.bytes) -> MatrixFile: ...
    def read(self, begin: int, count: int) -> npt.NDArray[Any]: ...
    @property
    def rows(self) -> int: ...
    @property
    def cols(self) -> int: ...
    @property
    def dtype(self) -> str: ...

class LiveIndex(_Searchable):
    @staticmethod
    def create(
        folder: bytes,
        dimension: SupportsIndex,
        metric: str,
        normalize: bool,
        dtype: str,
        durability: str,
        fresh_items: SupportsIndex,
        compact_in_background: bool,
        compaction_threads: int,
        most_merge_bytes: SupportsIndex,
    ) -> LiveIndex: ...
    @staticmethod
    def open(
        folder: bytes,
        durability: str,
        fresh_items: SupportsIndex,
        compact_in_background: bool,
        compaction_threads: int,
        most_merge_bytes: SupportsIndex,
    ) -> LiveIndex: ...
    @staticmethod
    def open_read_only(folder: bytes) -> LiveIndex: ...
    def upsert(self, ids: npt.NDArray[np.int64], rows: Any) -> tuple[int, int]: ...
    def remove(self, ids: npt.NDArray[np.int64]) -> tuple[int, int]: ...
    def replace(self, index: Index) -> tuple[int, int]: ...
    def replace_path(self, path: bytes) -> tuple[int, int]: ...
    def refresh(self) -> bool: ...
    def compact(self) -> None: ...
    def stats(self) -> dict[str, Any]: ...
    def snapshot(self) -> Snapshot: ...

class Snapshot(_Searchable):
    def ids(self) -> npt.NDArray[np.int64]: ...
    def item(self, id: SupportsIndex) -> npt.NDArray[np.float32] | None: ...
    def has(self, id: SupportsIndex) -> bool: ...
    @property
    def version(self) -> int: ...
