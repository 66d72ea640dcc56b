"""scikit-learn estimators: exact neighbours by maxdot, in scikit-learn's conventions.

`NearestNeighbors`, `KNeighborsTransformer` and `RadiusNeighborsTransformer` take the place of scikit-learn's own
with dense input: parameters, methods, attributes and shapes are theirs. Inputs are converted to float32, as
`check_array(dtype=float32)` does; float16 stays float16. Distances are float64. docs/doors.md says what they
leave out.
"""

from maxdot.sklearn.nearest_neighbors import NearestNeighbors
from maxdot.sklearn.transformers import KNeighborsTransformer, RadiusNeighborsTransformer

__all__ = ["KNeighborsTransformer", "NearestNeighbors", "RadiusNeighborsTransformer"]
