"""Which language a person reads, and the words of each.

English stands in the program; every other language has catalogs of gettext below `web/locale`,
which the build compiles: `web.mo` for pages and answers, `static/words/<language>.json` for
scripts. A browser says by a cookie which one it wants, else by what it accepts. Pages say sentences
in it (`web.rendering`), answers to scripts by `answer_json`. Invariant: what a catalog does not
have is said in English, never left out.
"""

from __future__ import annotations

import gettext
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

from aiohttp import web
from markupsafe import Markup

from core.sentence import Catalog, Sentence, said

LANGUAGE_COOKIE: Final = "fieldlog-language"
LOCALE_FOLDER: Final = Path(__file__).parent / "locale"
ENGLISH: Final = "en"
NAME_BY_LANGUAGE: Final = {ENGLISH: "English", "cs": "Čeština"}
"""What a language calls itself."""


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


@cache
def language_named(tag: str) -> Language:
    """A language by its tag; English where this installation does not have it."""
    if tag not in NAME_BY_LANGUAGE or tag == ENGLISH:
        return Language(ENGLISH, gettext.NullTranslations())
    return Language(tag, gettext.translation("web", LOCALE_FOLDER, [tag], fallback=True))


def language_of(request: web.Request) -> Language:
    """The language that a browser asked for, by its cookie or else by what it accepts."""
    chosen = request.cookies.get(LANGUAGE_COOKIE, "")
    return language_named(chosen if chosen in NAME_BY_LANGUAGE else _accepted(request))


def _accepted(request: web.Request) -> str:
    """The first language of a browser's list that is known here; a weight of 0 refuses one."""
    wanted: list[tuple[float, str]] = []
    for each in request.headers.get("Accept-Language", "")[:500].split(","):
        tag, _, weight = each.strip().partition(";q=")
        try:
            wanted.append((-float(weight or 1), tag.partition("-")[0].lower()))
        except ValueError:
            continue
    known = (tag for weight, tag in sorted(wanted, key=lambda each: each[0]) if weight < 0)
    return next((tag for tag in known if tag in NAME_BY_LANGUAGE), ENGLISH)


def answer_json(
    request: web.Request, data: Any, *, status: int = 200, keep: bool = False
) -> web.Response:
    """Answer a script in its page's language; browsers keep no copy unless they may `keep` it."""
    headers = {} if keep else {"Cache-Control": "no-store"}
    return web.json_response(language_of(request).plain(data), status=status, headers=headers)
