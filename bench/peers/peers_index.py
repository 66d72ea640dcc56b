"""Libraries that build an index of the rows and search it."""

import concurrent.futures

import numpy as np
from peer import Peer


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

    def set_threads(self, threads):
        self.searcher.set_num_threads(threads)

    def use(self, variant):
        self.variant = variant

    def search(self, queries, k):
        if len(queries) == 1:
            return self.searcher.search(queries[0], k)[0][np.newaxis]
        if self.variant == "batched":
            return self.searcher.search_batched(queries, k)[0]
        block = -(-len(queries) // self.threads) if "thread" in self.variant else 256
        return self.searcher.search_batched_parallel(queries, k, batch_size=block)[0]


class Svs(Peer):
    package = "scalable-vs"
    SETTING = "svs.Flat, float32, DistanceType.MIP, num_threads=all; default batch sizes."

    def build(self, items):
        import svs

        self.index = svs.Flat(items, distance=svs.DistanceType.MIP, num_threads=self.threads)

    def set_threads(self, threads):
        self.index.num_threads = threads

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


class ScikitLearn(Peer):
    package = "scikit-learn"
    metric = "euclidean"
    SETTING = (
        'NearestNeighbors(algorithm="brute", metric="euclidean", n_jobs=all) on the unit rows: the only one '
        "of the three rankings for which scikit-learn has its fused ArgKmin; judged by Euclidean distance."
    )

    def build(self, items):
        import threadpoolctl
        from sklearn.neighbors import NearestNeighbors

        self.openmp = threadpoolctl.ThreadpoolController()
        self.index = NearestNeighbors(algorithm="brute", metric="euclidean", n_jobs=self.threads).fit(items)

    def set_threads(self, threads):
        self.openmp.limit(limits=threads)
        self.index.set_params(n_jobs=threads)

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
