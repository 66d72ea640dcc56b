"""hnswlib's Index and BFIndex, answered by maxdot: `from maxdot import hnswlib` in place of `import hnswlib`.

The conventions are hnswlib's: labels are uint64, distances float32 (squared Euclidean, 1 - inner product, or 1 -
cosine), and errors of state are RuntimeErrors. Both classes are exact; what tunes the graph is accepted, and has no
effect. Elements with equal keys are ordered by smaller label. docs/doors.md says what differs.
"""

from maxdot.hnswlib.bf_index import BFIndex
from maxdot.hnswlib.index import Index

__all__ = ["BFIndex", "Index"]
