"""A made-up language that says English in marks, so that a test sees what was said in it.

Holds no test. Invariant: no catalog is read for it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

import replica.language
import web.language
from replica.language import NAME_BY_LANGUAGE

MARKING = "eo"


class Marks:
    """A catalog that has every template: it puts marks round it."""

    def gettext(self, message: str, /) -> str:
        return f"‹{message}›"

    def ngettext(self, msgid1: str, msgid2: str, n: int, /) -> str:
        return f"‹{msgid1 if n == 1 else msgid2}›"

    def add_fallback(self, fallback: object) -> None:
        """It lacks nothing."""


@contextmanager
def known(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The language is known for so long, to the office and on phones; gives its tag."""
    monkeypatch.setitem(NAME_BY_LANGUAGE, MARKING, "Esperanto")
    monkeypatch.setattr("replica.language.gettext.translation", lambda *_, **__: Marks())
    _forget()
    yield MARKING
    _forget()


def _forget() -> None:
    web.language.language_named.cache_clear()
    replica.language.language_named.cache_clear()
