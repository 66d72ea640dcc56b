"""The libraries, each at its best exact setting. A class per library; `SETTING` says what was chosen and why.

A peer may offer several `variants` of the same exact search. Before each shape is measured, every variant is
tried and the
fastest kept: nobody is judged by a default that does not fit the shape.
"""

import concurrent.futures
import contextlib

import numpy as np


class Peer:
    """build, then search. `search` returns ids [queries, k], best first."""

    package = ""
    metric = "dot"
    approximate = False
    variants = ("",)
    SETTING = ""

    def __init__(self, threads):
        self.threads = threads

    def use(self, variant):
        """Switches to one of `variants`."""

    def build(self, items):
        raise NotImplementedError

    def search(self, queries, k):
        raise NotImplementedError


class Maxdot(Peer):
    package = "maxdot"
    SETTING = 'Index.build(metric="dot"), float32 rows; one call per batch. There is nothing to tune.'

    def build(self, items):
        import maxdot

        self.index = maxdot.Index.build(items, metric="dot", threads=self.threads)

    def search(self, queries, k):
        return self.index.search(queries, k, self.threads)[0]


class FaissIP(Peer):
    package = "faiss-cpu"
    kind = "IndexFlatIP"
    variants = ("default", "BLAS always")
    SETTING = (
        "IndexFlatIP. FAISS uses BLAS only if queries x d reaches distance_compute_blas_threshold (128,000): "
        "slow for middle batches, so a threshold of 1 is tried too, and the faster is kept."
    )

    def build(self, items):
        import faiss

        faiss.omp_set_num_threads(self.threads)
        self.default = faiss.cvar.distance_compute_blas_threshold
        self.index = getattr(faiss, self.kind)(items.shape[1])
        self.index.add(items)

    def use(self, variant):
        import faiss

        faiss.cvar.distance_compute_blas_threshold = self.default if variant == "default" else 1

    def search(self, queries, k):
        return self.index.search(queries, k)[1]


class FaissL2(FaissIP):
    kind = "IndexFlatL2"
    metric = "euclidean"
    SETTING = (
        "IndexFlatL2 on the same unit rows; judged by Euclidean distance. BLAS threshold as for IndexFlatIP."
    )


class FaissPanorama(FaissIP):
    variants = ("",)
    SETTING = (
        "IndexFlatIPPanorama, 8 levels, batch 1024, rows rotated to their principal axes (eigenvectors of "
        "XᵀX), as Panorama's authors do, since it prunes by the energy of leading coordinates. The rotation "
        "counts as build and search time; its rounding counts in the correctness."
    )

    def build(self, items):
        import faiss

        faiss.omp_set_num_threads(self.threads)
        self.rotation = np.ascontiguousarray(np.linalg.eigh(items.T @ items)[1][:, ::-1])
        self.index = faiss.IndexFlatIPPanorama(items.shape[1], 8, 1024)
        self.index.add(items @ self.rotation)

    def use(self, variant):
        pass

    def search(self, queries, k):
        return self.index.search(queries @ self.rotation, k)[1]


class Scann(Peer):
    package = "scann"
    variants = ("batched", "parallel, one block per thread", "parallel, blocks of 256")
    SETTING = (
        'builder(..., "dot_product").score_brute_force() without quantisation. One query: search(); more: '
        "search_batched or search_batched_parallel, whichever is faster."
    )

    def build(self, items):
        import scann

        builder = scann.scann_ops_pybind.builder(items, 10, "dot_product")
        self.searcher = builder.score_brute_force(quantize=False).build()
        self.searcher.set_num_threads(self.threads)
        self.variant = self.variants[0]

    def use(self, variant):
        self.variant = variant

    def search(self, queries, k):
        if len(queries) == 1:
            return self.searcher.search(queries[0], k)[0][np.newaxis]
        if self.variant == "batched":
            return self.searcher.search_batched(queries, k)[0]
        block = -(-len(queries) // self.threads) if "thread" in self.variant else 256
        return self.searcher.search_batched_parallel(queries, k, batch_size=block)[0]


class Usearch(Peer):
    package = "usearch"
    SETTING = "search(..., MetricKind.IP, exact=True, threads=all): its exact path, which needs no index."

    def build(self, items):
        self.items = items

    def search(self, queries, k):
        from usearch.index import MetricKind, search

        found = search(self.items, queries, k, MetricKind.IP, exact=True, threads=self.threads)
        return found.keys.reshape(len(queries), -1).astype(np.int64)


class Svs(Peer):
    package = "scalable-vs"
    SETTING = "svs.Flat, float32, DistanceType.MIP, num_threads=all; default batch sizes."

    def build(self, items):
        import svs

        self.index = svs.Flat(items, distance=svs.DistanceType.MIP, num_threads=self.threads)

    def search(self, queries, k):
        return self.index.search(queries, k)[0].astype(np.int64)


class Hnswlib(Peer):
    package = "hnswlib"
    SETTING = (
        'BFIndex, space "ip", num_threads=all. PyPI has only its source: compiled here, for this processor.'
    )

    def build(self, items):
        import hnswlib

        self.index = hnswlib.BFIndex(space="ip", dim=items.shape[1])
        self.index.init_index(max_elements=len(items))
        self.index.add_items(items)
        self.index.set_num_threads(self.threads)

    def search(self, queries, k):
        return self.index.knn_query(queries, k, num_threads=self.threads)[0].astype(np.int64)


class Numpy(Peer):
    package = "numpy"
    variants = ("threads in BLAS", "threads over queries", "threads over items")
    SETTING = (
        "matmul, argpartition, sort of the k. argpartition has one thread, so three ways to use all are tried: "
        "BLAS threads, Python threads over queries, Python threads over items (each with one BLAS thread)."
    )

    def build(self, items):
        import threadpoolctl

        self.items = items
        self.blas = threadpoolctl.ThreadpoolController().select(user_api="blas")
        self.pool = concurrent.futures.ThreadPoolExecutor(self.threads)
        self.use(self.variants[0])

    def use(self, variant):
        self.variant = variant

    @staticmethod
    def _best(queries, items, k, first=0):
        scores = queries @ items.T
        k = min(k, len(items))
        ids = np.argpartition(scores, len(items) - k, axis=1)[:, len(items) - k :]
        kept = np.take_along_axis(scores, ids, 1)
        order = np.argsort(-kept, axis=1)
        return np.take_along_axis(ids, order, 1) + first, np.take_along_axis(kept, order, 1)

    def search(self, queries, k):
        inside = self.variant == "threads in BLAS"
        with contextlib.nullcontext() if inside else self.blas.limit(limits=1):
            if inside:
                return self._best(queries, self.items, k)[0]
            if self.variant == "threads over queries":
                parts = np.array_split(queries, self.threads)
                return np.concatenate(
                    [f[0] for f in self.pool.map(lambda q: self._best(q, self.items, k), parts)]
                )
            cuts = np.linspace(0, len(self.items), self.threads + 1).astype(int)
            spans = list(zip(cuts[:-1], cuts[1:]))
            found = list(
                self.pool.map(lambda s: self._best(queries, self.items[s[0] : s[1]], k, s[0]), spans)
            )
            ids, scores = (np.concatenate(part, axis=1) for part in zip(*found))
            order = np.argsort(-scores, axis=1, kind="stable")[:, :k]
            return np.take_along_axis(ids, order, 1)


class Implicit(Peer):
    package = "implicit"
    SETTING = "implicit.cpu.topk.topk, num_threads=all: what its recommenders call."

    def build(self, items):
        self.items = items

    def search(self, queries, k):
        from implicit.cpu.topk import topk

        return topk(self.items, queries, k, num_threads=self.threads)[0].astype(np.int64)


class ScikitLearn(Peer):
    package = "scikit-learn"
    metric = "euclidean"
    SETTING = (
        'NearestNeighbors(algorithm="brute", metric="euclidean", n_jobs=all) on the unit rows: the only one '
        "of the three rankings for which scikit-learn has its fused ArgKmin; judged by Euclidean distance."
    )

    def build(self, items):
        from sklearn.neighbors import NearestNeighbors

        self.index = NearestNeighbors(algorithm="brute", metric="euclidean", n_jobs=self.threads).fit(items)

    def search(self, queries, k):
        return self.index.kneighbors(queries, k, return_distance=False)


class Annoy(Peer):
    package = "annoy"
    approximate = True
    SETTING = (
        'Approximate: AnnoyIndex("angular"), 10 trees, search_k=-1, as torch-rechub uses it. It has no batch '
        "call: queries run in a pool of Python threads. It shows what recall its speed costs."
    )

    def build(self, items):
        import annoy

        self.index = annoy.AnnoyIndex(items.shape[1], "angular")
        self.index.set_seed(1)
        for row, item in enumerate(items):
            self.index.add_item(row, item)
        self.index.build(10, n_jobs=self.threads)
        self.pool = concurrent.futures.ThreadPoolExecutor(self.threads)

    def search(self, queries, k):
        ids = np.full((len(queries), k), -1, np.int64)
        find = self.index.get_nns_by_vector
        found = self.pool.map(lambda q: find(q, k), queries) if len(queries) > 1 else [find(queries[0], k)]
        for row, some in enumerate(found):
            ids[row, : len(some)] = some
        return ids


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
