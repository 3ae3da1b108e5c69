"""What a checker raises: which one, and what it found. Holds no checks."""

from __future__ import annotations


class Violation(AssertionError):
    """The system did what it must never do.

    Args:
        checker: the name of the one that found it.
        words: what it found, and where.
    """

    def __init__(self, checker: str, words: str) -> None:
        super().__init__(f"{checker}: {words}")
        self.checker = checker
        self.words = words
