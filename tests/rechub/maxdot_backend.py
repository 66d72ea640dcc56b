"""A pytest plugin: torch-rechub's serving tests get maxdot's builder, whichever back-end they ask for.

annoy, faiss and pymilvus are replaced by modules whose every use is an error, so nothing but maxdot can answer.
"""

import sys
import types

from maxdot import rechub


class _Module(types.ModuleType):
    """Names that serve in annotations, which RecHub's modules evaluate, and for nothing else."""

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return type(name, (), {"__init__": _refuse})


def _refuse(self, *_, **__):
    raise AssertionError(f"{type(self).__name__} of another back-end was used")


for library in ("annoy", "faiss", "pymilvus"):
    sys.modules[library] = _Module(library)

import torch_rechub.serving as serving  # noqa: E402, with the modules above
from torch_rechub.serving.base import BaseBuilder, BaseIndexer  # noqa: E402


def builder_factory(model, **builder_config):
    builder = rechub.builder_factory(model, **builder_config)
    assert isinstance(builder, BaseBuilder)
    assert issubclass(rechub.Indexer, BaseIndexer)
    return builder


serving.builder_factory = builder_factory
