"""Which languages people read here, and the words of each.

English stands in the program; every other language has catalogs of gettext, which the build
compiles: `replica/locale` has what `core` and `replica` say, the phone's screens among it. Reads
them by the standard library alone, so that a phone needs nothing more; whose language is wanted is
for who asks. Invariant: what a catalog does not have is said in English, never left out.
"""

from __future__ import annotations

import gettext
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

from markupsafe import Markup

from core.sentence import Catalog, Sentence, said

ENGLISH: Final = "en"
NAME_BY_LANGUAGE: Final = {ENGLISH: "English", "cs": "Čeština"}
"""What a language calls itself."""
CATALOG: Final = "replica", Path(__file__).parent / "locale"
"""Domain and folder of the words of `core` and `replica`."""


@dataclass(frozen=True, slots=True)
class Language:
    """One language: its tag, as in `<html lang>`, and what it says for templates."""

    tag: str
    catalog: Catalog

    def say(self, template: str, /, **values: Any) -> str:
        """A template of a page in this language; markup stays markup and all else is escaped."""
        # Catalogs keep their header under the empty template.
        return self._filled(self.catalog.gettext(template), values) if template else ""

    def say_n(self, one: str, many: str, n: int, /, **values: Any) -> str:
        """The same about `n` things."""
        return self._filled(self.catalog.ngettext(one, many, n), {**values, "n": n})

    def _filled(self, template: str, values: dict[str, Any]) -> str:
        if not values:
            return template
        told = {name: self.said(value) for name, value in values.items()}
        if any(hasattr(value, "__html__") for value in told.values()):
            return Markup(template).format(**told)  # safe: it is the program's or a catalog's
        return template.format(**told)

    def said(self, value: Any) -> Any:
        """A sentence in this language; anything else as it is."""
        return said(value, self.catalog)

    def plain(self, data: Any) -> Any:
        """What an answer holds, lists and mappings, with its sentences in this language."""
        if self.tag == ENGLISH:
            return data
        if isinstance(data, Sentence):
            return data.said(self.catalog)
        if isinstance(data, dict):
            return {key: self.plain(value) for key, value in data.items()}
        if isinstance(data, (list, tuple)):
            return [self.plain(value) for value in data]
        return data


def language_in(tag: str, *catalogs: tuple[str, Path]) -> Language:
    """A language by its tag, with its words in these catalogs (domain and folder), the first first.

    English where this installation does not have it.
    """
    if tag not in NAME_BY_LANGUAGE or tag == ENGLISH:
        return Language(ENGLISH, gettext.NullTranslations())
    first, *others = (
        gettext.translation(domain, folder, [tag], fallback=True) for domain, folder in catalogs
    )
    for each in others:
        first.add_fallback(each)
    return Language(tag, first)


@cache
def language_named(tag: str) -> Language:
    """What the phone's screens say in a language; English where it is not known."""
    return language_in(tag, CATALOG)


def accepted_language(header: str) -> str:
    """The first language of a browser's list (`Accept-Language`) that is known here, else English.

    A weight of 0 refuses one.
    """
    wanted: list[tuple[float, str]] = []
    for each in header[:500].split(","):
        tag, _, weight = each.strip().partition(";q=")
        try:
            wanted.append((-float(weight or 1), tag.partition("-")[0].lower()))
        except ValueError:
            continue
    known = (tag for weight, tag in sorted(wanted, key=lambda each: each[0]) if weight < 0)
    return next((tag for tag in known if tag in NAME_BY_LANGUAGE), ENGLISH)
