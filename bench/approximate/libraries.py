"""All libraries that are measured, in the order in which they are shown."""

from graphs import FaissHnsw, Hnswlib, Svs
from library import Library
from partitions import FaissIvf, Scann


class Maxdot(Library):
    package = "maxdot"
    beside = 130
    storable = False  # it is built anew sooner than a graph is read
    SETTING = 'Index.build(metric="dot"), float32 rows. Exact: there is nothing to tune.'

    def build(self, items):
        import maxdot

        self.index = maxdot.Index.build(items, metric="dot", threads=self.threads)

    def search(self, queries, k):
        return self.index.search(queries, k, self.threads)[0]


EXACT = "maxdot"
LIBRARIES = {
    EXACT: Maxdot,
    "FAISS HNSW": FaissHnsw,
    "hnswlib": Hnswlib,
    "FAISS IVF-Flat": FaissIvf,
    "ScaNN tree": Scann,
    "SVS Vamana": Svs,
}


def short(name):
    """As a library is named on the command line and in the names of folders."""
    return name.lower().replace(" ", "-")
