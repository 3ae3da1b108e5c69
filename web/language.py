"""Which language a person reads in the office.

The words are those of `replica.language`, and before them the catalogs below `web/locale`: `web.mo`
for what hub and pages say, `static/words/<language>.json` for scripts. A browser says by a cookie
which one it wants, else by what it accepts. Pages say sentences in it (`web.rendering`), answers to
scripts by `answer_json`. Invariant: what a catalog does not have is said in English, never left
out.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any, Final

from aiohttp import web

from replica.language import CATALOG, NAME_BY_LANGUAGE, Language, accepted_language, language_in

LANGUAGE_COOKIE: Final = "fieldlog-language"
LOCALE_FOLDER: Final = Path(__file__).parent / "locale"


@cache
def language_named(tag: str) -> Language:
    """What the office's pages say in a language; English where it is not known."""
    return language_in(tag, ("web", LOCALE_FOLDER), CATALOG)


def language_of(request: web.Request) -> Language:
    """The language that a browser asked for, by its cookie or else by what it accepts."""
    chosen = request.cookies.get(LANGUAGE_COOKIE, "")
    if chosen not in NAME_BY_LANGUAGE:
        chosen = accepted_language(request.headers.get("Accept-Language", ""))
    return language_named(chosen)


def answer_json(
    request: web.Request, data: Any, *, status: int = 200, keep: bool = False
) -> web.Response:
    """Answer a script in its page's language; browsers keep no copy unless they may `keep` it."""
    headers = {} if keep else {"Cache-Control": "no-store"}
    return web.json_response(language_of(request).plain(data), status=status, headers=headers)
