"""Partitions of the items, of which a search visits the nearest: FAISS IVF-Flat, ScaNN's tree."""

import math

import numpy as np
from faiss_library import FaissLibrary
from library import Library, rising


class FaissIvf(FaissLibrary):
    beside = 200
    SETTING = (
        "IndexIVFFlat, inner product, 4 √n lists (fewer if a list had less than the 39 rows that FAISS asks "
        "for), trained on at most 64 rows a list: that keeps the build short. Tuned: nprobe, up to all lists."
    )

    @staticmethod
    def parameters(n):
        return {"nlist": max(1, min(round(4 * math.sqrt(n)), n // 39)), "rows a list": 64}

    def build(self, items):
        import faiss

        faiss.omp_set_num_threads(self.threads)
        setting = self.parameters(len(items))
        coarse = faiss.IndexFlatIP(items.shape[1])
        self.index = faiss.IndexIVFFlat(
            coarse, items.shape[1], setting["nlist"], faiss.METRIC_INNER_PRODUCT
        )
        self.index.cp.max_points_per_centroid = setting["rows a list"]
        self.index.train(items)
        self.index.add(items)

    def chains(self, n, k):
        return [[{"nprobe": lists} for lists in rising(1, self.parameters(n)["nlist"])]]

    def use(self, setting):
        self.index.nprobe = setting["nprobe"]


class Scann(Library):
    package = "scann"
    beside = 150
    SETTING = (
        "tree of 2 √n leaves, score_ah(2, anisotropic_quantization_threshold=0.2), reordered by the float32 "
        "rows: of the size of √n that its documentation advises; without SOAR. One query: search(); more: "
        "search_batched_parallel. Tuned: leaves, and how many items are reordered."
    )

    @staticmethod
    def parameters(n):
        leaves = max(1, round(2 * math.sqrt(n)))
        return {"leaves": leaves, "trained on": min(n, max(100_000, 64 * leaves))}

    def build(self, items):
        from scann.scann_ops.py import scann_ops_pybind

        setting = self.parameters(len(items))
        builder = scann_ops_pybind.builder(items, 10, "dot_product").set_n_training_threads(self.threads)
        builder.tree(
            num_leaves=setting["leaves"],
            num_leaves_to_search=setting["leaves"],
            training_sample_size=setting["trained on"],
        )
        builder.score_ah(2, anisotropic_quantization_threshold=0.2).reorder(100)
        self.searcher = builder.build()

    def save(self, folder):
        self.searcher.serialize(str(folder), relative_path=True)

    def load(self, folder, n, d):
        from scann.scann_ops.py import scann_ops_pybind

        self.searcher = scann_ops_pybind.load_searcher(str(folder))

    def chains(self, n, k):
        leaves = rising(1, self.parameters(n)["leaves"])
        counts = [count for count in (20, 50, 100, 200, 500, 1000, 3000) if count <= n]
        return [[{"leaves": some, "reordered": count} for some in leaves] for count in counts]

    def use(self, setting):
        self.setting = setting["reordered"], setting["leaves"]

    def set_threads(self, threads):
        self.threads = threads
        self.searcher.set_num_threads(threads)

    def search(self, queries, k):
        if len(queries) == 1:
            return self.searcher.search(queries[0], k, *self.setting)[0][np.newaxis]
        # One block a thread, but none larger than ScaNN's default.
        block = min(256, -(-len(queries) // self.threads))
        ids, scores = self.searcher.search_batched_parallel(queries, k, *self.setting, batch_size=block)
        return np.where(np.isnan(scores), -1, ids.astype(np.int64))  # it fills with item 0 and NaN
