"""usearch's Index and search, answered by maxdot: `from maxdot.usearch import Index` in place of `from usearch.index`.

The conventions are usearch's: keys are uint64, distances float32 (squared Euclidean, 1 - inner product, or 1 -
cosine), and results are Matches or, of several queries, BatchMatches. Answers are exact; what tunes the graph is
accepted, and has no effect. Distances that are equal before they are rounded are ordered by
smaller key. docs/doors.md says what differs.
"""

from maxdot.usearch.index import Index, search
from maxdot.usearch.matches import BatchMatches, Match, Matches

__all__ = ["BatchMatches", "Index", "Match", "Matches", "search"]
