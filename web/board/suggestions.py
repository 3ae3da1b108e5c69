"""How a filter's text may go on where its caret stands: keys first, then the values of a key.

Pure. Holds no SQL. Invariant: a text with a suggestion taken parses as far as the suggestion goes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final, NamedTuple

from core.sentence import say
from web.board.naming import Names
from web.board.term import KEYS, NEAR_DAYS, NONE, Form, Key
from web.formats import folded

SUGGESTED_MAX: Final = 12

_AT_KEY: Final = re.compile(r"(?:^|(?<=\s))-?([A-Za-z]*)\Z")
_AT_VALUE: Final = re.compile(
    r"(?:^|(?<=\s))-?([A-Za-z]+)(:|<=|>=|<|>|=)(?:(?:\"[^\"]*\"|[^\s\",]+),)*(\"[^\"]*|[^\s\",]*)\Z"
)
_NOTES_OF_NONE: Final = {"worker": say("nobody"), "skill": say("needs none")}
_PLAIN: Final = re.compile(r'[^\s,"\\]+\Z')


class Suggestion(NamedTuple):
    """What is offered, in `words` with a `note`; taken, the text is `text` with the caret `at`."""

    words: str
    note: str
    text: str
    at: int


def suggestions(text: str, at: int, names: Names) -> list[Suggestion]:
    """What may stand where the caret is; nothing inside a text in quotes."""
    before, after = text[:at], text[at:]
    value = _AT_VALUE.search(before)
    if value is not None and value[1].lower() in KEYS:
        key = KEYS[value[1].lower()]
        return _values(before, after, key, value[3], names)
    word = _AT_KEY.search(before)
    if word is None or before.count('"') % 2:
        return []
    return _keys(before, after, word[1])


def _keys(before: str, after: str, typed: str) -> list[Suggestion]:
    start = before[: len(before) - len(typed)]
    found = []
    for key in KEYS.values():
        if key.name.startswith(typed.lower()):
            sign = "" if key.only_compares else ":"
            filled = f"{start}{key.name}{sign}"
            example = f"{key.name}{sign}{key.example}"
            note = say("such as {example}", example=example)
            found.append(Suggestion(f"{key.name}{sign}", note, filled + after, len(filled)))
    return found if typed else found[:SUGGESTED_MAX]


def _values(before: str, after: str, key: Key, typed: str, names: Names) -> list[Suggestion]:
    start = before[: len(before) - len(typed)]
    plain = folded(typed.removeprefix('"'))
    if after.startswith('"') and typed.startswith('"'):
        after = after[1:]
    found = []
    for value, note in _possible(key, names):
        if not folded(value).startswith(plain):
            continue
        written = value if _PLAIN.match(value) else f'"{value}"'
        filled = f"{start}{written}"
        room = "" if after[:1].isspace() else " "
        found.append(Suggestion(value, note, filled + room + after, len(filled) + 1))
    return found[:SUGGESTED_MAX]


def _possible(key: Key, names: Names) -> Iterable[tuple[str, str]]:
    match key.form:
        case Form.CHOICE:
            return [(value, "") for value in key.choices]
        case Form.DAY:
            return [(value, "") for value in (*NEAR_DAYS, NONE)]
        case Form.SPAN:
            return [(value, "") for value in ("10min", "30min", "1h", "2h", "1d", "7d")]
        case Form.NAME:
            known = names.by_key.get(key.name, {})
            living = {name for one, name in known.items() if one not in names.gone}
            return [
                (NONE, _NOTES_OF_NONE.get(key.name, say("has none"))),
                *((name, "") for name in sorted(living, key=folded)),
            ]
    return []
