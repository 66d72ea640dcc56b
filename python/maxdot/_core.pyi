"""Types of the extension module. Its documented face is maxdot.Index, maxdot.top_k and maxdot.verify."""

from typing import Any, SupportsIndex, TypeAlias

import numpy as np
import numpy.typing as npt

from maxdot.index import Metric

Lists: TypeAlias = tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]

__version__: str

def available_threads() -> int: ...
def kernel_name() -> str: ...
def verify(
    items: Any,
    queries: Any,
    ids: npt.NDArray[np.int64],
    metric: str,
    normalize: bool,
    item_ids: npt.NDArray[np.int64] | None,
    threads: int,
) -> dict[str, Any]: ...

class Index:
    @staticmethod
    def build(
        items: Any, ids: npt.NDArray[np.int64] | None, metric: str, normalize: bool, threads: int
    ) -> Index: ...
    @staticmethod
    def open(path: str, verify_payload: bool) -> Index: ...
    def save(self, path: str) -> None: ...
    def search(
        self,
        queries: Any,
        k: SupportsIndex,
        threads: int,
        metric: str | None,
        stats: bool,
        exclude: Lists | None = None,
        allow: Lists | None = None,
        item_mask: npt.NDArray[np.uint8] | None = None,
    ) -> Any: ...
    def search_f64(
        self,
        queries: Any,
        k: SupportsIndex,
        threads: int,
        metric: str | None,
        stats: bool,
        exclude: Lists | None = None,
        allow: Lists | None = None,
        item_mask: npt.NDArray[np.uint8] | None = None,
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
        exclude: Lists | None = None,
        allow: Lists | None = None,
        item_mask: npt.NDArray[np.uint8] | None = None,
    ) -> Any: ...
    def search_range(
        self,
        queries: Any,
        thresholds: npt.NDArray[np.float64],
        threads: int,
        metric: str | None,
        stats: bool,
        exclude: Lists | None = None,
        allow: Lists | None = None,
        item_mask: npt.NDArray[np.uint8] | None = None,
    ) -> Any: ...
    def rows(self, begin: int, count: int) -> npt.NDArray[np.float32]: ...
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
    @property
    def has_ids(self) -> bool: ...
    @property
    def bytes(self) -> int: ...
