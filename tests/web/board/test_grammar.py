"""The text of a filter: what is written is read again, and what can't be read is pointed at."""

from __future__ import annotations

import dataclasses
from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st
from multidict import MultiDict

from tests.web.board.test_filters import FILTERS, IDS
from web.board.filter_bar import chips, fault_line
from web.board.filters import Filter, read_filter
from web.board.grammar import LETTERS_MAX, Fault, parse, write
from web.board.naming import Names, Reading, settle, text_of
from web.board.suggestions import suggestions
from web.board.term import KEYS, TEXT, Form, Term, read_value

SAID = st.text(st.characters(codec="utf-8", exclude_categories=["C"]), min_size=1, max_size=12)
PHRASES = SAID.map(lambda text: " ".join(text.split())).filter(bool)
SPANS = st.tuples(st.integers(0, 9_999), st.sampled_from(["", "min", "m", "h", "d", "w"])).map(
    lambda span: f"{span[0]}{span[1]}"
)
DAYS = st.sampled_from(["today", "tomorrow", "yesterday"]) | st.dates().filter(
    lambda day: 2000 <= day.year <= 2100
).map(lambda day: day.isoformat())
GROUPS = st.binary(min_size=8, max_size=8).map(bytes.hex)


@st.composite
def terms(draw: st.DrawFn) -> Term:
    """Any term in the form in which a filter keeps it."""
    name = draw(st.sampled_from([TEXT, *KEYS]))
    negated = draw(st.booleans())
    if name == TEXT:
        return Term(TEXT, ":", (draw(PHRASES),), negated)
    key = KEYS[name]
    signs = ["<", "<=", ">", ">="] if key.compares else []
    sign = draw(st.sampled_from(signs if key.only_compares else [":", *signs]))
    values = {
        Form.CHOICE: st.sampled_from(key.choices) if key.choices else st.nothing(),
        Form.NAME: (IDS if name in ("worker", "customer") else GROUPS) | st.just("none"),
        Form.TEXT: PHRASES,
        Form.SPAN: SPANS,
        Form.DAY: DAYS,
    }[key.form].map(lambda raw: read_value(key, sign, raw))
    most = 4 if sign == ":" else 1
    chosen = draw(st.lists(values, min_size=1, max_size=most, unique=True))
    return Term(name, sign, tuple(chosen), negated)


@given(st.lists(terms(), max_size=6))
def test_terms_come_back_from_their_text(wanted: list[Term]) -> None:
    assert [placed.term for placed in parse(write(wanted))] == wanted


@given(FILTERS, st.lists(terms(), max_size=4), st.lists(PHRASES, max_size=6))
def test_text_chips_and_address_are_three_sights_of_one_filter(
    plain: Filter, more: list[Term], called: list[str]
) -> None:
    wanted = plain.with_terms(more)
    assert read_filter(MultiDict(wanted.pairs())) == wanted
    # Some ids have names, some of which several bear.
    by_key: dict[str, dict[str, str]] = {}
    for term in wanted.conditions:
        if term.key in KEYS and KEYS[term.key].form is Form.NAME:
            named = zip((v for v in term.values if v != "none"), called, strict=False)
            by_key.setdefault(term.key, {}).update(named)
    names = Names(by_key)
    again = wanted.without_filters().with_terms(settle(parse(text_of(wanted, names)), names))
    assert again == wanted
    # Taking every chip away, one after the other, leaves nothing that narrows.
    left = wanted
    for _ in range(200):
        found = chips(left, names)
        if not found:
            break
        left = read_filter(MultiDict(parse_qsl(found[0].href.partition("?")[2])))
    assert not left.narrowed
    assert left == wanted.without_filters()


PIECES = st.sampled_from([*KEYS, ":", "<", '"', ",", "-", " ", "a"])


@given(st.text(max_size=60) | st.lists(PIECES).map("".join))
def test_any_text_is_a_filter_or_is_told_where_it_is_none(text: str) -> None:
    fault = None
    try:
        found = [placed.term for placed in parse(text)]
    except Fault as error:
        fault = error
    line = fault_line(Reading(Filter(), fault, text))
    if fault is None:
        assert line is None
        assert [placed.term for placed in parse(write(found))] == found
    else:
        assert line is not None
        assert 0 <= fault.at <= len(text)
        assert line.carets == " " * fault.at + "^" * fault.length
        assert line.words


@pytest.mark.parametrize(
    ("text", "wrong", "says"),
    [
        ("boiler stauts:open", "stauts", "did you mean “status”"),
        ("status:opne", "opne", "status is one of open, in progress"),
        ("delay:10", ":", "write delay with < or >"),
        ("delay>soon", "soon", "a number with min, h, d or w"),
        ("status>open", ">", "status has no more or less"),
        ("priority>=high,low", ",", "only one value"),
        ("day:2026-13-01", "2026-13-01", "such as 2026-11-28"),
        ('team:"north', '"north', "closing quote is missing"),
        ("team:", "", "a value is missing"),
        ("status:open,", "", "a value is missing"),
        ('""', '""', "nothing stands between the quotes"),
        ('"boiler"house', "h", "a space after the closing quote"),
        ("changed<2000000h", "2000000h", "is no time"),
        ("a" * (LETTERS_MAX + 3), "aaa", "shorten it"),
    ],
)
def test_a_fault_points_at_its_place_and_says_what_is_allowed(
    text: str, wrong: str, says: str
) -> None:
    with pytest.raises(Fault, match=says.split("“")[0]) as caught:
        parse(text)
    assert says in caught.value.words
    assert text[caught.value.at :][: caught.value.length] == wrong or not wrong


def test_equal_filters_are_equal_texts() -> None:
    def text(typed: str) -> str:
        return write(placed.term for placed in parse(typed))

    assert text("delay>120  priority>=2") == "delay>2h priority>=high"
    assert text("STATUS:In-Progress,open") == 'status:"in progress",open'
    assert text('"boiler" -"old house" 10:30') == 'boiler -"old house" 10:30'


TOWN = Names(
    {
        "worker": {"a" * 24: "Ana Berg", "b" * 24: "Ben", "c" * 24: "Ben"},
        "team": {"1" * 16: "North", "2" * 16: "Northwest", "3" * 16: "Sud"},
    },
    frozenset({"c" * 24}),
)


def settled(text: str) -> tuple[Term, ...]:
    return settle(parse(text), TOWN)


def test_a_name_is_settled_however_it_is_written() -> None:
    assert settled("team:north")[0].values == ("1" * 16,)
    assert settled("team:SÜD")[0].values == ("3" * 16,)
    assert settled('worker:"ana berg",none')[0].values == ("a" * 24, "none")
    assert settled("worker:ana")[0].values == ("a" * 24,), "the beginning is enough for one"
    assert settled("worker:ben")[0].values == ("b" * 24,), "the other Ben is archived"


def test_a_name_of_nobody_or_of_several_is_pointed_at() -> None:
    with pytest.raises(Fault) as caught:
        settled("status:open team:north,east")
    assert (caught.value.at, caught.value.length) == (23, 4)
    assert caught.value.words == "no team is called “east”; there is North, Northwest, Sud"
    with pytest.raises(Fault, match="several begin with “nort”: North, Northwest"):
        settled("team:nort")
    both = dataclasses.replace(TOWN, gone=frozenset())
    with pytest.raises(Fault, match="several are called “ben”"):
        settle(parse("worker:ben"), both)
    wanted = Filter(workers=("b" * 24,))
    assert text_of(wanted, both) == f"worker:{'b' * 24}", "what a name does not tell apart"


@pytest.mark.parametrize(
    ("text", "offered", "taken"),
    [
        ("de", "delay", "delay"),
        ("boiler -sta", "status:", "boiler -status:"),
        ("status:o", "open", "status:open "),
        ("status:open,in", "in progress", 'status:open,"in progress" '),
        ('worker:"an', "Ana Berg", 'worker:"Ana Berg" '),
        ("team:n", "North", "team:North "),
    ],
)
def test_the_text_is_helped_on(text: str, offered: str, taken: str) -> None:
    found = {one.words: one for one in suggestions(text, len(text), TOWN)}
    assert found[offered].text == taken
    assert found[offered].at == len(taken)


def test_nothing_is_offered_inside_a_text_in_quotes() -> None:
    assert suggestions('"stat', 5, TOWN) == []
    assert [one.words for one in suggestions("", 0, TOWN)][:2] == ["status:", "worker:"]
