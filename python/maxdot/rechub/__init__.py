"""What torch-rechub asks of a retrieval back-end, answered exactly.

>>> from maxdot.rechub import builder_factory       # instead of: from torch_rechub.serving import builder_factory
>>> with builder_factory("maxdot", metric="cosine").from_embeddings(item_embeddings) as indexer:
...     ids, distances = indexer.query(user_embeddings, top_k=10)

`Annoy` and `Faiss` stand in for `torch_rechub.utils.match`'s wrappers (`fit`, `query`), `Builder`, `Indexer` and
`builder_factory` for `torch_rechub.serving`, and `match_evaluation` for the function of that name in RecHub's
examples, over all users in one call. Neither torch, torch-rechub, annoy, faiss nor pymilvus is imported.

Embeddings are tensors (a CUDA tensor or one that requires grad is copied to the host, detached) or NumPy arrays.
As with RecHub's back-ends they are converted to float32; float16 stays. Equal distances are ordered by smaller id.

Measures, by the names that RecHub's back-ends use (upper or lower case), and what `distances` then holds:

    cosine          the cosine; descending, as Milvus's COSINE
    angular         sqrt(2 - 2 cosine); ascending, as Annoy's
    dot, ip         the inner product; descending
    euclidean       the distance; ascending, as Annoy's
    l2              its square; ascending, as that of FAISS and Milvus
"""

from maxdot.rechub.engine import Annoy, Engine, Faiss
from maxdot.rechub.evaluation import match_evaluation, match_report
from maxdot.rechub.serving import Builder, Indexer, builder_factory

__all__ = [
    "Annoy",
    "Builder",
    "Engine",
    "Faiss",
    "Indexer",
    "builder_factory",
    "match_evaluation",
    "match_report",
]
