"""The libraries, each at its best exact setting. A class per library; `SETTING` says what was chosen and why.

A peer may offer several `variants` of the same exact search, and for small batches each is tried with all
threads and with one (waking the others can cost more than they give). Before each shape is measured, the
fastest is kept: nobody is judged by a default that does not fit the shape.
"""


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

    def set_threads(self, threads):
        """Threads of the searches that follow."""
        self.threads = threads

    def build(self, items):
        raise NotImplementedError

    def search(self, queries, k):
        raise NotImplementedError
