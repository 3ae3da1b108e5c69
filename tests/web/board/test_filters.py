"""A board's URL: what is written is read again, and what is no filter is left out."""

from __future__ import annotations

import datetime as dt
from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from multidict import MultiDict

from web.board.filters import (
    GROUPINGS,
    HIDABLE,
    LAYOUTS,
    SORTABLE,
    VIEWS,
    Filter,
    read_back,
    read_filter,
    read_layout,
    read_sorts,
)
from web.board.term import STATUSES, YEAR_MAX, YEAR_MIN

IDS = st.binary(min_size=12, max_size=12).map(bytes.hex)
WORDS = st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), max_size=12)
SORTS = st.lists(st.sampled_from(SORTABLE), max_size=3, unique=True).flatmap(
    lambda columns: st.tuples(*(st.sampled_from([name, f"-{name}"]) for name in columns))
)
FILTERS = st.builds(
    Filter,
    view=st.sampled_from([view.id for view in VIEWS]),
    statuses=st.sets(st.sampled_from(STATUSES)).map(
        lambda chosen: tuple(status for status in STATUSES if status in chosen)
    ),
    workers=st.lists(IDS | st.just("none"), max_size=4, unique=True).map(tuple),
    customer=IDS | st.just(""),
    day=st.dates(dt.date(YEAR_MIN, 1, 1), dt.date(YEAR_MAX, 12, 31)).map(dt.date.isoformat)
    | st.just(""),
    text=st.lists(WORDS.filter(bool), max_size=3).map(" ".join),
    sort=SORTS.map(",".join),
    layout=st.sampled_from(LAYOUTS),
    span=st.sampled_from(["", "week"]),
) | st.builds(
    Filter,
    group=st.sampled_from(GROUPINGS[1:]),
    hidden=st.sets(st.sampled_from(HIDABLE)).map(
        lambda chosen: tuple(column for column in HIDABLE if column in chosen)
    ),
    closed=st.lists(IDS | st.sampled_from(["none", "open", "in progress"]), unique=True).map(tuple),
)


@given(FILTERS)
def test_a_board_comes_back_from_its_address(wanted: Filter) -> None:
    query = MultiDict(parse_qsl(urlsplit(wanted.url()).query))
    assert read_filter(query) == wanted
    assert read_back(wanted.query()) == wanted


@pytest.mark.parametrize(
    ("show", "layout", "sights"),
    [
        ("both", "both", "table map"),
        ("map,table", "both", "table map"),
        ("planner", "planner", "planner"),
        ("map,planner", "planner,map", "planner map"),
        ("table,planner", "planner,table", "planner table"),
        ("inbox,table", "table,inbox", "table inbox"),
        ("inbox,nonsense", "inbox", "inbox"),
        ("table,planner,map", "both", "table map"),
        ("", "both", "table map"),
    ],
)
def test_an_address_names_one_sight_or_two_in_any_order(
    show: str, layout: str, sights: str
) -> None:
    assert read_layout(show) == layout
    assert " ".join(Filter(layout=layout).sights) == sights
    assert len(LAYOUTS) == 4 + 6, "each sight alone, and any two"


def test_an_address_of_more_fields_than_a_page_writes_leads_to_the_whole_board() -> None:
    assert read_back("&".join(f"worker={number:024x}" for number in range(1_000))) == Filter()


NAMES = ("view", "status", "worker", "day", "q", "sort", "show", "customer", "job")


@given(st.lists(st.tuples(st.sampled_from(NAMES), st.text(max_size=300))))
def test_any_address_opens_a_board(pairs: list[tuple[str, str]]) -> None:
    wanted = read_filter(MultiDict(pairs))
    assert read_filter(MultiDict(wanted.pairs())) == wanted


def test_a_second_click_on_a_head_turns_the_order_round() -> None:
    once = Filter().sorted_by("title")
    assert once.sort == "title"
    assert once.sorted_by("title").sort == "-title"
    assert once.sorted_by("window", added=True).sort == "title,window"
    assert Filter().sorted_by("updated").sort == "-updated", "the newest first"


def test_unknown_and_repeated_columns_are_no_order() -> None:
    assert [sort.text for sort in read_sorts("title,-title,password,-delay")] == ["title", "-delay"]
