"""What a library must do: build, store, load, search. `SETTING` says how it is built and why.

Each has one build setting. Searches are tuned: a library offers `chains` of search settings, and along a
chain recall and time rise. The first setting of a chain that reaches a recall is its candidate; the fastest
candidate is taken (tuning.py).
"""


def rising(first, last, factor=1.1):
    """Whole numbers from `first` to `last`, each about `factor` times the one before."""
    found, value = [], float(first)
    while value < last:
        if not found or round(value) > found[-1]:
            found.append(round(value))
        value *= factor
    return [*found, last]


class Library:
    package = ""
    SETTING = ""
    beside = 0  # bytes of an item beside its float32 row, about: only to tell what will not fit into memory
    storable = True

    def __init__(self, threads):
        self.threads = threads

    @staticmethod
    def parameters(n):
        """The build setting for n items. A stored index with others is not used."""
        return {}

    def build(self, items):
        raise NotImplementedError

    def save(self, folder):
        """Writes the index into an empty folder."""
        raise NotImplementedError

    def load(self, folder, n, d):
        raise NotImplementedError

    def chains(self, n, k):
        """Lists of search settings, each a dictionary of numbers."""
        return [[{}]]

    def use(self, setting):
        """Searches that follow use this setting."""

    def set_threads(self, threads):
        """Threads of the searches that follow."""
        self.threads = threads

    def search(self, queries, k):
        """ids [queries, k]; anything that is no row number where nothing was found."""
        raise NotImplementedError
