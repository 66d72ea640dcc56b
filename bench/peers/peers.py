"""All libraries that are measured, in the order in which they are shown."""

from peer import Peer
from peers_faiss import FaissIP, FaissL2, FaissPanorama
from peers_function import Implicit, Numpy, Usearch
from peers_index import Annoy, Hnswlib, Scann, ScikitLearn, Svs


class Maxdot(Peer):
    package = "maxdot"
    SETTING = 'Index.build(metric="dot"), float32 rows; one call per batch. There is nothing to tune.'

    def build(self, items):
        import maxdot

        self.index = maxdot.Index.build(items, metric="dot", threads=self.threads)

    def search(self, queries, k):
        return self.index.search(queries, k, self.threads)[0]


PEERS = {
    "maxdot": Maxdot,
    "FAISS IndexFlatIP": FaissIP,
    "FAISS IndexFlatL2": FaissL2,
    "FAISS Panorama": FaissPanorama,
    "ScaNN brute force": Scann,
    "USearch exact": Usearch,
    "SVS flat": Svs,
    "hnswlib BFIndex": Hnswlib,
    "NumPy": Numpy,
    "implicit topk": Implicit,
    "scikit-learn brute": ScikitLearn,
    "Annoy": Annoy,
}
