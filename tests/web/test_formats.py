"""How times, places and names are written, and read back."""

from __future__ import annotations

import gettext
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.sentence import said, say
from web import formats

PRAGUE = ZoneInfo("Europe/Prague")
NOON_MS = 1_795_431_600_000  # Monday 23 November 2026, 12:00 in Prague
HOUR_MS, DAY_MS = 3_600_000, 86_400_000

latitudes = st.integers(-900_000_000, 900_000_000)
longitudes = st.integers(-1_800_000_000, 1_800_000_000)


@given(latitudes, longitudes)
def test_a_position_is_read_back_exactly_as_it_was_written(lat_e7: int, lon_e7: int) -> None:
    assert formats.parse_point(formats.point_words(lat_e7, lon_e7)) == (lat_e7, lon_e7)


@pytest.mark.parametrize("text", ["", "50", "50,0875", "Praha", "91, 14", "50, 181", "50, 14, 3"])
def test_what_is_no_position_is_refused_in_words(text: str) -> None:
    with pytest.raises(ValueError, match="latitude"):
        formats.parse_point(text)


@given(st.integers(0, 24 * 60 - 1))
def test_a_minute_of_the_day_is_read_back_as_it_was_written(minute: int) -> None:
    assert formats.parse_minute_of_day(formats.minute_of_day_text(minute)) == minute


@pytest.mark.parametrize(
    ("text", "minute"), [("9", 540), ("09", 540), ("9:05", 545), (" 23 ", 1380)]
)
def test_an_hour_alone_is_the_full_hour(text: str, minute: int) -> None:
    assert formats.parse_minute_of_day(text) == minute


@pytest.mark.parametrize("text", ["", "24", "930", "9:5", "9:", "noon"])
def test_what_is_no_time_of_the_day_is_refused_in_words(text: str) -> None:
    with pytest.raises(ValueError, match="hours and minutes"):
        formats.parse_minute_of_day(text)


@given(st.integers(-(2**62), 2**62))
def test_any_clock_reading_can_be_shown(at_ms: int) -> None:
    words = formats.moment_words(at_ms, PRAGUE, NOON_MS)
    assert str(formats.time_element(at_ms, words, PRAGUE)).startswith("<time datetime=")


@pytest.mark.parametrize(
    ("at_ms", "words"),
    [
        (NOON_MS, "12:00"),
        (NOON_MS - DAY_MS, "yesterday 12:00"),
        (NOON_MS + 13 * HOUR_MS, "tomorrow 01:00"),
        (NOON_MS + 3 * DAY_MS, "Thu 26 Nov 12:00"),
        (NOON_MS - 365 * DAY_MS, "23 Nov 2025 12:00"),
    ],
)
def test_a_moment_says_no_more_than_it_needs_to(at_ms: int, words: str) -> None:
    assert formats.moment_words(at_ms, PRAGUE, NOON_MS) == words


@pytest.mark.parametrize(
    ("gone_ms", "words"),
    [
        (0, "just now"),
        (59_999, "just now"),
        (4 * 60_000, "4 min ago"),
        (3 * HOUR_MS, "3 h ago"),
        (DAY_MS, "1 day ago"),
        (12 * DAY_MS, "12 days ago"),
        (-5 * 60_000, "in 5 min"),
    ],
)
def test_ages_are_told_in_one_unit(gone_ms: int, words: str) -> None:
    assert formats.ago_words(NOON_MS - gone_ms, NOON_MS) == words


def test_a_window_over_midnight_names_both_days() -> None:
    window = (NOON_MS + 10 * HOUR_MS, NOON_MS + 14 * HOUR_MS)
    assert formats.window_words(*window, PRAGUE, NOON_MS) == "today 22:00–tomorrow 02:00"


def test_the_hour_that_comes_twice_is_told_apart_in_the_element() -> None:
    # 25 October 2026: at 3:00 summer time Prague's clocks go back to 2:00.
    first_ms = 1_792_888_200_000
    elements = [
        str(formats.time_element(at_ms, formats.clock_words(at_ms, PRAGUE), PRAGUE))
        for at_ms in (first_ms, first_ms + HOUR_MS)
    ]
    assert all(">02:30<" in element for element in elements)
    assert "+02:00" in elements[0]
    assert "+01:00" in elements[1]


def test_initials_stand_for_a_person() -> None:
    assert [formats.initials(name) for name in ("Eva Nováková", "petr", "jan.dvorak", "…")] == [
        "EN",
        "P",
        "JD",
        "?",
    ]


@given(st.text())
def test_folding_twice_changes_nothing_more(text: str) -> None:
    assert formats.folded(formats.folded(text)) == formats.folded(text)


class Shouting(gettext.NullTranslations):
    """A language that says every template in capitals; names of values stay."""

    def gettext(self, message: str) -> str:
        return "".join(
            part if part.startswith("{") else part.upper()
            for part in message.replace("{", "|{").replace("}", "}|").split("|")
        )

    def ngettext(self, msgid1: str, msgid2: str, n: int) -> str:
        return self.gettext(msgid1 if n == 1 else msgid2)


def test_times_and_lengths_are_said_in_the_language_of_a_page() -> None:
    other = Shouting()
    window = (NOON_MS - DAY_MS, NOON_MS + 3 * DAY_MS)
    told = formats.window_words(*window, PRAGUE, NOON_MS)
    assert said(told, other) == "YESTERDAY 12:00–THU 26 NOV 12:00"
    assert said(formats.ago_words(NOON_MS - 2 * DAY_MS, NOON_MS), other) == "2 DAYS AGO"
    assert said(formats.minutes_words(125), other) == "2 H 05 MIN"
    assert said(formats.distance_words(1_440), other) == "1.4 KM"


def test_an_error_gets_its_capital_and_full_stop_in_each_language() -> None:
    words = formats.sentence(say("there is no {what}", what="ätna"))
    assert words == "There is no ätna."
    assert said(words, Shouting()) == "THERE IS NO ätna."
    assert formats.sentence("as it is") == "As it is."
