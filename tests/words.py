"""`make words`: what the program says to people, found for translation.

Babel looks through Python (`say`, `say_n`, `marked`), templates and scripts (`_`, `several`) and
brings the catalogs up to date, those of `core` and `replica` below `replica/locale`, of hub and
office below `web/locale`: new templates come in empty, those that are gone go out, and nothing is
guessed. A new language needs its line in `NAME_BY_LANGUAGE`, and gets its
catalogs. `untranslated` says what is left to do in a language.
"""

from __future__ import annotations

import string
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

from replica.language import CATALOG, ENGLISH, NAME_BY_LANGUAGE
from web.language import LOCALE_FOLDER

ROOT: Final = Path(__file__).parent.parent
_PYTHON: Final = {"say": None, "say_n": (1, 2), "marked": None}
_PAGES: Final = {"_": None, "several": (1, 2)}
_TEMPLATES: Final = "jinja2.ext:babel_extract"
_FOLDERS: Final = {"replica": CATALOG[1], "web": LOCALE_FOLDER, "scripts": LOCALE_FOLDER}
# Which files each catalog is for: (below, pattern, how Babel reads them, what says words there).
_SOURCES: Final[dict[str, tuple[tuple[str, str, str, dict[str, Any]], ...]]] = {
    "replica": (
        ("core", "**.py", "python", _PYTHON),
        ("replica", "**.py", "python", _PYTHON),
        ("replica/screens/templates", "**.html", _TEMPLATES, _PAGES),
    ),
    "web": (
        ("hub", "**.py", "python", _PYTHON),
        ("web", "**.py", "python", _PYTHON),
        ("web/templates", "**.html", _TEMPLATES, _PAGES),
    ),
    "scripts": (("web/static", "**.js", "javascript", _PAGES),),
}


def found(domain: str) -> Catalog:
    """Every template that the sources of a catalog say, with where."""
    catalog = Catalog(project="Fieldlog", fuzzy=False)
    for below, pattern, method, keywords in _SOURCES[domain]:
        extracted = extract_from_dir(
            ROOT / below,
            [("vendor/**", "ignore"), (pattern, method)],
            {pattern: {"trimmed": "false", "silent": "false"}},
            keywords,
        )
        for name, _, template, _, _ in extracted:
            if template:
                catalog.add(template, locations=[(f"{below}/{name}", 0)])
    return catalog


def path_of(domain: str, tag: str) -> Path:
    """Where a catalog of a language stands."""
    return _FOLDERS[domain] / tag / "LC_MESSAGES" / f"{domain}.po"


def kept(domain: str, tag: str) -> Catalog:
    """The catalog of a language as it stands in the repository; an empty one for a new language."""
    path = path_of(domain, tag)
    if not path.is_file():
        return Catalog(locale=tag, domain=domain, project="Fieldlog", fuzzy=False)
    with path.open("rb") as source:
        return read_po(source, locale=tag, domain=domain)


def untranslated(tag: str) -> Iterator[str]:
    """What a language lacks, says for nobody, or says with other values than the program gives."""
    for domain in _SOURCES:
        wanted, standing = found(domain), kept(domain, tag)
        for message in wanted:
            if not message.id:
                continue
            held = standing.get(_first(message))
            if held is None or not all(_forms(held.string)):
                yield f"{domain}: {_first(message)!r} is not said"
            elif held.fuzzy:
                yield f"{domain}: {_first(message)!r} is marked as unsure"
            else:
                given = _places(*_forms(message.id))
                for form in _forms(held.string):
                    # Of one thing a language may leave the number out.
                    missing = set() if message.pluralizable else given - _places(form)
                    if missing | (_places(form) - given):
                        yield f"{domain}: {_first(message)!r} has other values in {form!r}"
        for message in standing:
            if message.id and wanted.get(_first(message)) is None:
                yield f"{domain}: {_first(message)!r} is said nowhere any more"


def _forms(text: str | tuple[str, ...] | list[str] | None) -> tuple[str, ...]:
    return (text or "",) if text is None or isinstance(text, str) else tuple(text)


def _first(message: Message) -> str:
    return _forms(message.id)[0]


def _places(*templates: str) -> set[str]:
    """The names of the values that stand in templates."""
    parsed = (part for each in templates for part in string.Formatter().parse(each))
    return {name for _, name, _, _ in parsed if name is not None}


def main() -> None:
    """Bring every catalog up to date."""
    for domain in _SOURCES:
        wanted = found(domain)
        for tag in sorted(NAME_BY_LANGUAGE.keys() - {ENGLISH}):
            standing = kept(domain, tag)
            standing.update(wanted, no_fuzzy_matching=True, update_creation_date=False)
            standing.obsolete.clear()
            path = path_of(domain, tag)
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("wb") as target:
                write_po(target, standing, width=100, sort_output=True, omit_header=False)
            left = sum(not all(_forms(each.string)) for each in standing if each.id)
            print(f"{tag} {domain}: {len(standing)} templates, {left} not said")


if __name__ == "__main__":
    main()
