"""Neighbors: what all estimators have in common. Parameters, fit, threads, pickling."""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias

import numpy as np
import numpy.typing as npt
from joblib import effective_n_jobs
from scipy.sparse import csr_array, csr_matrix
from sklearn import get_config
from sklearn.base import BaseEstimator
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_is_fitted, validate_data

from maxdot import _core
from maxdot.sklearn.distances import Measure, measure_of

if TYPE_CHECKING:
    from typing_extensions import Self

Indices: TypeAlias = npt.NDArray[np.int64]

_DTYPES = [np.float32, np.float16]


class Neighbors(BaseEstimator):
    """An index of the fitted samples.

    Attributes:
        effective_metric_: the metric that was fitted: "minkowski" becomes "euclidean".
        effective_metric_params_: empty.
        n_samples_fit_: the number of fitted samples.
        n_features_in_, feature_names_in_: as every estimator of scikit-learn has them.
    """

    # `metric` is checked by measure_of, which says what to use for those that maxdot does not have.
    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "algorithm": [StrOptions({"auto", "ball_tree", "kd_tree", "brute"})],
        "leaf_size": [Interval(Integral, 1, None, closed="left")],
        "p": [Interval(Real, 0, None, closed="right"), None],
        "metric_params": [dict, None],
        "n_jobs": [Integral, None],
    }

    metric: str
    p: float | None
    metric_params: Mapping[str, Any] | None
    n_jobs: int | None
    n_samples_fit_: int
    effective_metric_: str
    effective_metric_params_: dict[str, Any]
    _index: _core.Index

    def fit(self, X: Any, y: Any = None) -> Self:
        """Builds the index of X, shape [n_samples, n_features]. `y` is ignored.

        Raises:
            ValueError: a parameter that maxdot does not have; X is not two-dimensional, or holds NaN or Inf.
        """
        self._validate_params()
        measure = measure_of(self.metric, self.p, self.metric_params)
        X = validate_data(self, numbers_of(X), dtype=_DTYPES, order="C")
        self._build(X, measure)
        self.effective_metric_ = measure.name
        self.effective_metric_params_ = {}
        self.n_samples_fit_ = X.shape[0]
        return self

    def _build(self, rows: Any, measure: Measure) -> None:
        self._index = _core.Index.build(rows, None, measure.engine, False, self._threads(), None)

    @property
    def _measure(self) -> Measure:
        # By what was fitted: set_params may have changed `metric` since.
        return Measure(self.effective_metric_)

    def _queries(self, X: Any) -> npt.NDArray[Any]:
        """X as it is asked, or the fitted samples if it is None."""
        check_is_fitted(self)
        if X is None:
            return self._index.rows(0, self.n_samples_fit_)
        queries: npt.NDArray[Any] = validate_data(self, numbers_of(X), dtype=_DTYPES, order="C", reset=False)
        return queries

    def _graph(self, values: npt.NDArray[Any], ids: Indices, offsets: Indices) -> csr_matrix:
        # scikit-learn 1.9 and later return what its configuration asks for.
        kind = csr_array if get_config().get("sparse_interface") == "sparray" else csr_matrix
        return kind((values, ids, offsets), shape=(len(offsets) - 1, self.n_samples_fit_))

    def _threads(self) -> int:
        return int(effective_n_jobs(self.n_jobs))

    def __getstate__(self) -> dict[str, Any]:
        state = dict(super().__getstate__())
        index = state.pop("_index", None)
        if index is not None:
            rows = index.rows(0, index.size)
            state["_rows"] = rows.astype(np.float16) if index.dtype == "f16" else rows
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        rows = state.pop("_rows", None)
        super().__setstate__(state)
        if rows is not None:
            self._build(rows, self._measure)

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "_index")


def numbers_of(X: Any) -> Any:
    """X itself. ValueError: it holds text, of which NumPy would make numbers where it can, and scikit-learn does not."""
    given = X if hasattr(X, "dtype") or hasattr(X, "dtypes") else np.asarray(X)
    if getattr(getattr(given, "dtype", None), "kind", "") in ("U", "S"):
        raise ValueError("X: text is no number; convert it, for example with X.astype(numpy.float32)")
    return X


def check_mode(mode: str) -> None:
    """ValueError: `mode` is none that a graph has."""
    if mode not in ("connectivity", "distance"):
        raise ValueError(f"mode: {mode!r} is not 'connectivity' or 'distance'")
