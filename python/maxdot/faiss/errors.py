"""What this package raises: Python's kind of error, and the kind that code written for FAISS catches."""

from __future__ import annotations


class ArgumentError(ValueError, AssertionError):
    """A shape or number that does not fit. FAISS's wrapper asserts these."""


class FaissError(ValueError, RuntimeError):
    """What an index cannot do, or does not hold. FAISS's C++ part raises RuntimeError for these."""


class FileError(OSError, RuntimeError):
    """A file that cannot be read or written. FAISS raises RuntimeError."""


class FileMissingError(FileError, FileNotFoundError):
    """A file that is not there."""
