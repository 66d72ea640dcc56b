"""FAISS: its flat indexes."""

import numpy as np
from peer import Peer


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

    def set_threads(self, threads):
        import faiss

        faiss.omp_set_num_threads(threads)

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
