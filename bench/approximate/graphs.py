"""Graphs: FAISS HNSW, hnswlib, SVS Vamana."""

import numpy as np
from faiss_library import FaissLibrary
from library import Library, rising


class FaissHnsw(FaissLibrary):
    beside = 290
    SETTING = (
        "IndexHNSWFlat, M = 32, efConstruction = 200, inner product: twice the usual links, since recall of "
        "0.999 is asked for. Tuned: efSearch."
    )

    @staticmethod
    def parameters(n):
        return {"M": 32, "efConstruction": 200}

    def build(self, items):
        import faiss

        faiss.omp_set_num_threads(self.threads)
        setting = self.parameters(len(items))
        self.index = faiss.IndexHNSWFlat(items.shape[1], setting["M"], faiss.METRIC_INNER_PRODUCT)
        self.index.hnsw.efConstruction = setting["efConstruction"]
        self.index.add(items)

    def chains(self, n, k):
        return [[{"efSearch": ef} for ef in rising(k, 8000)]]

    def use(self, setting):
        self.index.hnsw.efSearch = setting["efSearch"]


class Hnswlib(Library):
    package = "hnswlib"
    beside = 290
    SETTING = 'Index, space "ip", M = 32, ef_construction = 200, as FAISS HNSW. Tuned: ef.'

    @staticmethod
    def parameters(n):
        return {"M": 32, "ef_construction": 200}

    def build(self, items):
        import hnswlib

        self.index = hnswlib.Index(space="ip", dim=items.shape[1])
        self.index.init_index(max_elements=len(items), **self.parameters(len(items)))
        self.index.add_items(items, num_threads=self.threads)

    def save(self, folder):
        self.index.save_index(str(folder / "index.hnswlib"))

    def load(self, folder, n, d):
        import hnswlib

        self.index = hnswlib.Index(space="ip", dim=d)
        self.index.load_index(str(folder / "index.hnswlib"))

    def chains(self, n, k):
        return [[{"ef": ef} for ef in rising(k, 8000)]]

    def use(self, setting):
        self.index.set_ef(setting["ef"])

    def search(self, queries, k):
        return self.index.knn_query(queries, k, num_threads=self.threads)[0].astype(np.int64)


class Svs(Library):
    package = "scalable-vs"
    beside = 270
    SETTING = (
        "Vamana, float32, DistanceType.MIP, graph_max_degree = 64, window_size = 128, alpha = 0.95, which "
        "its documentation advises for inner products. Tuned: the search window, with and without the set of "
        "visited items."
    )

    @staticmethod
    def parameters(n):
        return {"graph_max_degree": 64, "window_size": 128, "alpha": 0.95}

    def build(self, items):
        import svs

        wanted = svs.VamanaBuildParameters(**self.parameters(len(items)))
        self.index = svs.Vamana.build(wanted, items, svs.DistanceType.MIP, num_threads=self.threads)

    def save(self, folder):
        self.index.save(*(str(folder / part) for part in ("config", "graph", "data")))

    def load(self, folder, n, d):
        import svs

        config, graph, data = (str(folder / part) for part in ("config", "graph", "data"))
        rows = svs.VectorDataLoader(data, svs.DataType.float32)
        self.index = svs.Vamana(
            config, svs.GraphLoader(graph), rows, svs.DistanceType.MIP, num_threads=self.threads
        )

    def chains(self, n, k):
        # Without the set, the time grows with the square of the window: at 400 it is three times that with it.
        plain = [{"window": window, "visited set": 0} for window in rising(k, 400)]
        return [plain, [{"window": window, "visited set": 1} for window in rising(k, 8000)]]

    def use(self, setting):
        import svs

        changed = self.index.search_parameters
        changed.buffer_config = svs.SearchBufferConfig(setting["window"])
        changed.search_buffer_visited_set = bool(setting["visited set"])
        self.index.search_parameters = changed

    def set_threads(self, threads):
        if self.index.num_threads != threads:  # each change makes a new pool
            self.index.num_threads = threads

    def search(self, queries, k):
        return self.index.search(queries, k)[0].astype(np.int64)
