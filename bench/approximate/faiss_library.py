"""What FAISS indexes have in common."""

from library import Library


class FaissLibrary(Library):
    package = "faiss-cpu"

    def save(self, folder):
        import faiss

        faiss.write_index(self.index, str(folder / "index.faiss"))

    def load(self, folder, n, d):
        import faiss

        self.index = faiss.read_index(str(folder / "index.faiss"))

    def set_threads(self, threads):
        import faiss

        faiss.omp_set_num_threads(threads)

    def search(self, queries, k):
        return self.index.search(queries, k)[1]
