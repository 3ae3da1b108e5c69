"""The bar above the table that says what is shown: the filter's text, its menus, chips and faults.

Text, menus and chips are three sights of one filter. Holds no SQL. Invariant: every control is a
form or a link that works without a script, and carries what the other controls hold.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache, reduce
from typing import Final

from aiohttp import web

from core.sentence import listed, say
from web.board.filters import ASKED_LATELY, UNASSIGNED, Filter
from web.board.naming import NO_NAMES, Names, Reading, keys_named, text_of
from web.board.near import Workers
from web.board.state import NAMES, Moment, moment_of
from web.board.suggestions import suggestions
from web.board.term import KEYS, NEAR_DAYS, STATUSES, TEXT, Form, Term, read_day
from web.formats import sentence, weekday_date_words
from web.language import answer_json

Pairs = tuple[tuple[str, str], ...]

NAMES_LATELY: Final = 32
"""What was made of a list of names is kept so often: each keeps its whole list."""

# What a chip calls a key behind its first word.
_LATER_WORDS: Final = {
    "status": say("status"),
    "worker": say("worker"),
    "team": say("team"),
    "customer": say("customer"),
    "place": say("place"),
    "skill": say("skill"),
    "day": say("day"),
    "delay": say("delay"),
    "priority": say("priority"),
    "duration": say("duration"),
    "changed": say("changed"),
    "created": say("made"),
    "number": say("no."),
    "has": say("has"),
    "is": say("is"),
}


@dataclass(frozen=True, slots=True)
class Choice:
    """One entry of a list to choose from."""

    value: str
    words: str
    chosen: bool


class Choices(tuple[Choice, ...]):
    """A list of maybe hundreds, which is hashed once: what is drawn of it is kept by it."""

    _hash: int | None = None

    def __hash__(self) -> int:
        if self._hash is None:
            self._hash = super().__hash__()
        return self._hash


@dataclass(frozen=True, slots=True)
class Chip:
    """A filter that holds, and the address without it."""

    words: str
    href: str


@dataclass(frozen=True, slots=True)
class FaultLine:
    """Where a filter's text is wrong: the text, a line of carets under it, and what to do."""

    text: str
    carets: str
    words: str


@dataclass(frozen=True, slots=True)
class Beside:
    """By control, the pairs of the address that its form carries unchanged."""

    text: Pairs
    status: Pairs
    worker: Pairs
    day: Pairs


@dataclass(frozen=True, slots=True)
class FilterBar:
    """What `board/filter_bar.html` gets.

    `was` is the query of what is shown, which stays where a text is no filter. `list_named` names
    the list of workers; for a page that `has_list` of this name those chosen alone are drawn.
    """

    text: str
    fault: FaultLine | None
    was: str
    day: str
    statuses: tuple[Choice, ...]
    workers: Choices
    list_named: str
    has_list: bool
    chips: tuple[Chip, ...]
    clear_href: str
    beside: Beside


async def filter_bar(
    moment: Moment, reading: Reading, workers: Workers, list_had: str = ""
) -> FilterBar:
    """The bar of what was read from an address; `list_had` names the list that a page has."""
    wanted = reading.wanted
    names = await moment.known_names() if keys_named(wanted.conditions) else NO_NAMES
    fault = reading.fault
    return FilterBar(
        text=_text_of(wanted, names) if fault is None else reading.typed,
        fault=fault_line(reading),
        was=wanted.query(),
        day=wanted.day,
        statuses=tuple(Choice(s, s, s in wanted.statuses) for s in STATUSES),
        workers=_of_workers(workers, wanted.workers),
        list_named=workers.named,
        has_list=workers.named == list_had,
        chips=chips(wanted, names),
        clear_href=wanted.without_filters().url(),
        beside=_beside(wanted),
    )


@lru_cache(maxsize=NAMES_LATELY)
def _text_of(wanted: Filter, names: Names) -> str:
    return text_of(wanted, names)


@lru_cache(maxsize=ASKED_LATELY)
def _beside(wanted: Filter) -> Beside:
    return Beside(
        text=tuple(wanted.without_filters().pairs()),
        status=tuple(replace(wanted, statuses=()).pairs()),
        worker=tuple(replace(wanted, workers=()).pairs()),
        day=tuple(replace(wanted, day="").pairs()),
    )


@lru_cache(maxsize=NAMES_LATELY)
def _of_workers(workers: Workers, chosen: tuple[str, ...]) -> Choices:
    """Nobody, and then everybody."""
    rows = ((UNASSIGNED, say("Nobody")), *workers.rows)
    return Choices(Choice(worker, name, worker in chosen) for worker, name in rows)


def fault_line(reading: Reading) -> FaultLine | None:
    """What is wrong with the text of an address, None where nothing is."""
    fault = reading.fault
    if fault is None:
        return None
    shown = "".join(" " if letter.isspace() else letter for letter in reading.typed)
    return FaultLine(shown, " " * fault.at + "^" * fault.length, sentence(fault.words))


@lru_cache(maxsize=NAMES_LATELY)
def chips(wanted: Filter, names: Names) -> tuple[Chip, ...]:
    """The filters that hold beside the view, each to be taken away with one click."""
    found = []
    for term in wanted.conditions:
        if term.key == TEXT and term.values[0] in wanted.text.split() and term not in wanted.terms:
            continue
        if term.key in ("status", "worker") and term not in wanted.terms:
            # Of several chosen ones each is taken away by itself.
            for value in term.values:
                left = tuple(other for other in term.values if other != value)
                field = "statuses" if term.key == "status" else "workers"
                one = term._replace(values=(value,))
                found.append(
                    Chip(term_words(one, names), replace(wanted, **{field: left}).url())  # type: ignore[arg-type]
                )
            continue
        found.append(Chip(term_words(term, names), wanted.without(term).url()))
    if wanted.text:
        found.append(Chip(say("Text: {text}", text=wanted.text), replace(wanted, text="").url()))
    return tuple(found)


def term_words(term: Term, names: Names) -> str:
    """A condition in words: `Status: open`, `Delay > 10min`, `Not team: north`."""
    if term.key == TEXT:
        if term.negated:
            return say("Without: “{text}”", text=term.values[0])
        return say("Text: “{text}”", text=term.values[0])
    words = _LATER_WORDS[term.key] if term.negated else KEYS[term.key].words
    values = reduce(
        lambda some, one: say("{some} or {one}", some=some, one=one),
        (_value_words(term.key, value, names) for value in term.values),
    )
    told = listed((words, values), ": " if term.sign == ":" else f" {term.sign} ")
    return say("Not {condition}", condition=told) if term.negated else told


def _value_words(key: str, value: str, names: Names) -> str:
    if key == "worker" and value == UNASSIGNED:
        return say("nobody")
    day = read_day(value) if key == "day" else None
    if day is not None:
        return weekday_date_words(day)
    name = names.name(key, value)
    is_unknown = name == value and value != UNASSIGNED and key in keys_named([Term(key, ":", ())])
    if is_unknown:
        return say("unknown")
    is_said = KEYS[key].form is Form.CHOICE or value in (*NEAR_DAYS, UNASSIGNED)
    return say(name) if is_said and name == value else name


async def filter_json(request: web.Request) -> web.StreamResponse:
    """GET /board/filter.json?…&q=TEXT: the board's address of a text, or where it is wrong."""
    reading = await (await moment_of(request)).reading(request.query)
    line = fault_line(reading)
    if line is None:
        data: dict[str, object] = {"url": reading.wanted.url()}
    else:
        data = {"text": line.text, "carets": line.carets, "words": line.words}
    return answer_json(request, data)


async def suggestions_json(request: web.Request) -> web.StreamResponse:
    """GET /board/filter/suggestions.json?q=TEXT&at=CARET: how the text may go on there."""
    text = request.query.get("q", "")
    at = request.query.get("at", "")
    caret = int(at) if at.isdecimal() and len(at) < 6 else len(text)
    names = await request.app[NAMES].names()
    found = [
        {"words": one.words, "note": one.note, "text": one.text, "at": one.at}
        for one in suggestions(text, min(caret, len(text)), names)
    ]
    return answer_json(request, found)
