"""The board's filter as a text: `status:open delay>10 team:north "boiler house" -status:done`.

A text is terms with space between, and a job must meet all of them; commas between values widen
one term. Reading checks everything that can be checked without the store; who "north" is, is
settled in `web.board.naming`. Holds no SQL and no clock. Invariant: what `write` writes, `parse`
reads as the same terms, and a text that is no filter gets a `Fault` that says where and what to do.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from typing import Final, NamedTuple

from core.sentence import say
from web.board.term import KEYS, TEXT, Key, Term, ValueFault, read_value

LETTERS_MAX: Final = 1_000
"""A longer text is a list of jobs, not a filter."""
TERMS_MAX: Final = 30
VALUES_MAX: Final = 50

_KEY: Final = re.compile(r"([A-Za-z]+)(:|<=|>=|<|>|=)")
_BARE_VALUE: Final = re.compile(r'[^\s,"\\]+\Z')
_QUOTED: Final = re.compile(r'"((?:[^"\\]|\\.)*)"')
_ESCAPED: Final = re.compile(r"\\(.)", re.DOTALL)


class Fault(ValueError):
    """A text that is no filter: `length` letters from `at` are wrong, `words` say what to do."""

    def __init__(self, at: int, length: int, words: str) -> None:
        super().__init__(words)
        self.at, self.length, self.words = at, max(length, 1), words


class Placed(NamedTuple):
    """A term with the place (start, end) of each of its values in the text."""

    term: Term
    spans: tuple[tuple[int, int], ...]


def parse(text: str) -> tuple[Placed, ...]:
    """The terms of a filter's text, in its order; an empty one has none.

    Raises:
        Fault: the text is no filter.
    """
    if len(text) > LETTERS_MAX:
        most = f"{LETTERS_MAX:,}"
        words = say("a filter has at most {most} letters; shorten it", most=most)
        raise Fault(LETTERS_MAX, len(text) - LETTERS_MAX, words)
    found: list[Placed] = []
    at = _past_space(text, 0)
    while at < len(text):
        placed, end = _term(text, at)
        found.append(placed)
        if len(found) > TERMS_MAX:
            words = say("a filter has at most {most} terms; take some away", most=TERMS_MAX)
            raise Fault(at, end - at, words)
        at = _past_space(text, end)
    return tuple(found)


def write(terms: Iterable[Term]) -> str:
    """Terms as a text that `parse` reads as the same terms."""
    return " ".join(_written(term) for term in terms)


def _past_space(text: str, at: int) -> int:
    while at < len(text) and text[at].isspace():
        at += 1
    return at


def _term(text: str, start: int) -> tuple[Placed, int]:
    after = text[start + 1 : start + 2]
    negated = text[start] == "-" and bool(after) and not after.isspace()
    at = start + negated
    match = _KEY.match(text, at)
    if match is None:
        return _text_term(text, at, negated)
    key = _known_key(match)
    sign = ":" if match[2] == "=" else match[2]
    if sign != ":" and not key.compares:
        words = say(
            "{key} has no more or less; write {key}:{example}", key=key.name, example=key.example
        )
        raise Fault(match.start(2), len(match[2]), words)
    if sign == ":" and key.only_compares:
        words = say(
            "write {key} with < or >, such as {key}{example}", key=key.name, example=key.example
        )
        raise Fault(match.start(2), len(match[2]), words)
    return _values(text, match.end(), key, sign, negated)


def _known_key(match: re.Match[str]) -> Key:
    name = match[1].lower()
    key = KEYS.get(name)
    if key is not None:
        return key
    near = difflib.get_close_matches(name, KEYS, n=1)
    keys = ", ".join(KEYS)
    if near:
        words = say(
            "“{word}” is nothing to filter by; did you mean “{near}”? There are {keys}. "
            "Put quotes round a text with a sign.",
            word=match[1],
            near=near[0],
            keys=keys,
        )
    else:
        words = say(
            "“{word}” is nothing to filter by; There are {keys}. "
            "Put quotes round a text with a sign.",
            word=match[1],
            keys=keys,
        )
    raise Fault(match.start(1), len(match[1]), words)


def _values(text: str, at: int, key: Key, sign: str, negated: bool) -> tuple[Placed, int]:
    values: dict[str, tuple[int, int]] = {}
    while True:
        raw, end = _value(text, at, key)
        try:
            value = read_value(key, sign, raw)
        except ValueFault as fault:
            raise Fault(at, end - at, str(fault)) from None
        values.setdefault(value, (at, end))
        if len(values) > VALUES_MAX:
            words = say("a term has at most {most} values; take some away", most=VALUES_MAX)
            raise Fault(at, end - at, words)
        if text[end : end + 1] != ",":
            break
        if sign != ":":
            words = say("only one value can stand after {sign}; write a term for each", sign=sign)
            raise Fault(end, 1, words)
        at = end + 1
    return Placed(Term(key.name, sign, tuple(values), negated), tuple(values.values())), end


def _value(text: str, at: int, key: Key) -> tuple[str, int]:
    """The value that begins at `at` and where it ends: before a comma, a space or the end."""
    if text[at : at + 1] == '"':
        return _quoted(text, at, ", ")
    end = at
    while end < len(text) and not text[end].isspace() and text[end] != ",":
        end += 1
    if end == at:
        raise Fault(at, 1, say("a value is missing; {allowed}", allowed=key.allowed))
    return text[at:end], end


def _quoted(text: str, at: int, enders: str) -> tuple[str, int]:
    match = _QUOTED.match(text, at)
    if match is None:
        words = say('the closing quote is missing; put a " at the end')
        raise Fault(at, len(text) - at, words)
    end = match.end()
    if end < len(text) and not text[end].isspace() and text[end] not in enders:
        raise Fault(end, 1, say("put a space after the closing quote"))
    value = " ".join(_ESCAPED.sub(r"\1", match[1]).split())
    if not value:
        words = say("nothing stands between the quotes; put a text there")
        raise Fault(at, end - at, words)
    return value, end


def _text_term(text: str, at: int, negated: bool) -> tuple[Placed, int]:
    if text[at] == '"':
        value, end = _quoted(text, at, "")
    else:
        end = at
        while end < len(text) and not text[end].isspace():
            end += 1
        value = text[at:end]
    return Placed(Term(TEXT, ":", (value,), negated), ((at, end),)), end


def _written(term: Term) -> str:
    sign = "-" if term.negated else ""
    if term.key == TEXT:
        word = term.values[0]
        plain = word[0] not in '-"' and not _KEY.match(word) and not any(map(str.isspace, word))
        return sign + (word if plain else _in_quotes(word))
    values = ",".join(v if _BARE_VALUE.match(v) else _in_quotes(v) for v in term.values)
    return f"{sign}{term.key}{term.sign}{values}"


def _in_quotes(value: str) -> str:
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
