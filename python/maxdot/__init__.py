"""The exact top-k for embeddings, on CPUs, fast.

>>> index = maxdot.Index.build(items, metric="cosine")     # items: float32 or float16, [n, d]
>>> ids, scores = index.search(queries, k=10)              # int64 and float32, [queries, 10], best first

Exact means: the true top-k in 64-bit arithmetic, ordered by key and then by smaller id (a distance is the root of its key), with the same bits
for any number of threads, any batch and any instruction set. `verify` checks any library's answer against the
same definition.

Servers: `maxdot.Batcher` answers what many threads or asyncio tasks ask, in batches. `maxdot.LiveIndex` is a catalogue
that changes while it is searched.

Also here: `maxdot.objective` (losses of recall models, softmax over an index), `maxdot.evaluate` (recall, NDCG,
... over the full catalogue), `maxdot.pages` (reports as pages) and `maxdot.ray.serve` (shards behind Ray Serve). With the
interfaces of other libraries: `maxdot.sklearn`, `maxdot.faiss` (flat indexes and id maps), `maxdot.hnswlib`, `maxdot.usearch`,
`maxdot.rechub` (torch-rechub's back-ends and evaluation) and `maxdot.implicit` (`recommend`).
"""

from maxdot import evaluate, objective
from maxdot._core import OverloadedError, __version__, available_threads, kernel_name, kernel_names, use_kernels
from maxdot.batcher import Batcher
from maxdot.index import Index, top_k
from maxdot.index_writer import IndexWriter, build_file
from maxdot.live_index import Change, LiveIndex, Snapshot
from maxdot.merging import merge, merge_ranges
from maxdot.metric import Metric, MetricName
from maxdot.results import RangeResult, SearchResult
from maxdot.verification import Verification, WrongPosition, verify

__all__ = [
    "Batcher",
    "Change",
    "Index",
    "IndexWriter",
    "LiveIndex",
    "Metric",
    "MetricName",
    "OverloadedError",
    "RangeResult",
    "SearchResult",
    "Snapshot",
    "Verification",
    "WrongPosition",
    "__version__",
    "available_threads",
    "build_file",
    "evaluate",
    "kernel_name",
    "kernel_names",
    "merge",
    "merge_ranges",
    "objective",
    "top_k",
    "use_kernels",
    "verify",
]
