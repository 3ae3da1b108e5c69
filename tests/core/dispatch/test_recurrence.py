"""On which days recurring jobs fall, at which hours, and that two hubs make one job of each."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from dateutil import rrule
from hypothesis import given
from hypothesis import strategies as st

from core.dispatch import acts, fields
from core.dispatch.acts import Act, ActError, Change
from core.dispatch.fields import Phase
from core.dispatch.job import Job, fold_job
from core.dispatch.permits import permits
from core.dispatch.recurrence import (
    HORIZON_DAYS,
    HORIZON_DAYS_MAX,
    LAST_DAY,
    LAST_WEEK,
    Often,
    Recurrence,
    nth_weekday,
    occurrence,
    occurrence_number,
    occurrence_stream,
    occurrence_turn,
    read_recurrence,
    window_on,
)
from core.dispatch.recurrence_acts import create_recurrence, edit_recurrence, skip_day
from core.dispatch.show import value_at
from core.log.certificate import Standing
from core.log.chain import stream_time_s
from core.log.registers import Registers
from core.log.stream import Stored, StreamState
from tests.core.log.authors import AT_MS, SITE, Log, author_of
from tests.core.log.pages import hex_examples, words_of

HELSINKI = ZoneInfo("Europe/Helsinki")
STREAM = bytes.fromhex("0b99541008") + b"weekly1"
ANA = bytes.fromhex("0b99541003") + b"ana0001"
BO = bytes.fromhex("0b99541003") + b"bo00002"
MONDAY = date(2026, 3, 2)
OFFICE = author_of("office")
STANDINGS = {
    author_of("north"): Standing(b"A", 3),
    author_of("south"): Standing(b"B", 3),
    author_of("ana"): Standing(ANA, 1),
}

WEEKLY = Recurrence(
    STREAM,
    "A-7",
    Often.WEEKLY,
    1,
    frozenset({0, 3}),
    MONDAY,
    None,
    (8 * 60, 10 * 60),
    "Europe/Helsinki",
    HORIZON_DAYS,
    frozenset(),
    ANA,
    {fields.TITLE: "Filters", fields.PLANNED_MINUTES: 45},
)


# --- days


def days_of_rfc_5545(recurrence: Recurrence, first: date, last: date) -> list[date]:
    """What a library makes of the same rule, from its first day on."""
    options: dict[str, Any] = {"interval": recurrence.interval, "wkst": rrule.MO}
    if recurrence.often is Often.WEEKLY:
        options["byweekday"] = sorted(recurrence.days)
    if recurrence.often is Often.MONTHLY:
        options["bymonthday"] = sorted(recurrence.days)
    if recurrence.often is Often.MONTHLY_BY_WEEKDAY:
        options["byweekday"] = [
            rrule.weekdays[day % 7](-1 if day < 0 else day // 7 + 1) for day in recurrence.days
        ]
    often: Any = {
        Often.DAILY: rrule.DAILY,
        Often.WEEKLY: rrule.WEEKLY,
        Often.MONTHLY: rrule.MONTHLY,
        Often.MONTHLY_BY_WEEKDAY: rrule.MONTHLY,
    }[recurrence.often]
    ends = min(recurrence.ends or last, last)
    rule = rrule.rrule(
        often,
        dtstart=datetime.combine(recurrence.starts, time()),
        until=datetime.combine(ends, time()),
        **options,
    )
    return [each.date() for each in rule if first <= each.date() <= last]


days = st.dates(date(2019, 1, 1), date(2027, 12, 31))


@st.composite
def recurrences(draw: st.DrawFn) -> Recurrence:
    often = draw(st.sampled_from(Often))
    chosen: frozenset[int] = frozenset()
    if often is Often.WEEKLY:
        chosen = draw(st.frozensets(st.integers(0, 6), min_size=1))
    elif often is Often.MONTHLY:
        chosen = draw(st.frozensets(st.integers(1, 31) | st.just(LAST_DAY), min_size=1))
    elif often is Often.MONTHLY_BY_WEEKDAY:
        chosen = draw(st.frozensets(st.integers(-7, 34), min_size=1))
    starts = draw(days)
    ends = draw(st.none() | st.integers(0, 900))
    return replace(
        WEEKLY,
        often=often,
        interval=draw(st.integers(1, 14)),
        days=chosen,
        starts=starts,
        ends=None if ends is None else starts + timedelta(days=ends),
        horizon_days=draw(st.integers(0, 120)),
    )


@given(recurrences(), days)
def test_days_are_those_of_the_calendar_standard(recurrence: Recurrence, today: date) -> None:
    last = today + timedelta(days=recurrence.horizon_days)
    assert list(recurrence.due(today)) == days_of_rfc_5545(recurrence, today, last)


@given(recurrences(), days, st.data())
def test_a_skipped_day_is_left_out_and_no_other(
    recurrence: Recurrence, today: date, data: st.DataObject
) -> None:
    due = list(recurrence.due(today))
    skipped = data.draw(st.frozensets(st.sampled_from(due)) if due else st.just(frozenset()))
    without = replace(recurrence, skipped=skipped)
    assert list(without.due(today)) == [day for day in due if day not in skipped]


def test_an_endless_recurrence_is_looked_at_no_further_than_its_horizon() -> None:
    old = replace(WEEKLY, often=Often.DAILY, days=frozenset(), starts=date(1900, 1, 1))
    far = replace(old, horizon_days=HORIZON_DAYS_MAX)
    assert len(list(far.due(MONDAY))) == HORIZON_DAYS_MAX + 1
    assert list(replace(far, starts=date(9999, 12, 30)).due(date(9999, 12, 30)))[-1] == date.max


def test_the_thirty_first_falls_in_no_shorter_month_and_the_last_day_in_each() -> None:
    monthly = replace(
        WEEKLY, often=Often.MONTHLY, starts=date(2026, 1, 1), horizon_days=HORIZON_DAYS_MAX
    )
    first = date(2026, 1, 1)
    of_31 = [day for day in replace(monthly, days=frozenset({31})).due(first) if day.year == 2026]
    assert [day.month for day in of_31] == [1, 3, 5, 7, 8, 10, 12]
    last = replace(monthly, days=frozenset({LAST_DAY})).due(first)
    assert [day.day for day in last if day.year == 2026][:4] == [31, 28, 31, 30]


def test_a_fifth_friday_falls_in_few_months_and_the_last_in_each() -> None:
    by_weekday = replace(
        WEEKLY, often=Often.MONTHLY_BY_WEEKDAY, starts=date(2026, 1, 1), horizon_days=364
    )
    first = date(2026, 1, 1)
    fifth = replace(by_weekday, days=frozenset({nth_weekday(4, 4)})).due(first)
    assert [(day.month, day.day) for day in fifth] == [(1, 30), (5, 29), (7, 31), (10, 30)]
    last = list(replace(by_weekday, days=frozenset({nth_weekday(LAST_WEEK, 4)})).due(first))
    assert [(day.month, day.day) for day in last][:3] == [(1, 30), (2, 27), (3, 27)]
    assert [day.month for day in last] == list(range(1, 13))
    assert {day.weekday() for day in last} == {4}


@given(recurrences(), days)
def test_the_days_that_are_shown_are_those_that_are_made_and_the_skipped_ones(
    recurrence: Recurrence, today: date
) -> None:
    due = list(recurrence.due(today))
    without = replace(recurrence, skipped=frozenset(due[:2]))
    last = today + timedelta(days=recurrence.horizon_days)
    falling = [day for day in without.falling(today, 400) if day <= last]
    assert falling == due
    assert all(day >= recurrence.starts for day in falling)


# --- hours


# By the zone's own law: the last local minute before the night's change, and what it is in UTC.
NIGHTS: list[tuple[str, date, str, str]] = [
    ("Europe/Helsinki", date(2026, 3, 29), "2026-03-28T23:30", "2026-03-29T02:30"),
    ("Europe/Helsinki", date(2026, 10, 25), "2026-10-24T22:30", "2026-10-25T03:30"),
    ("America/New_York", date(2026, 3, 8), "2026-03-08T06:30", "2026-03-08T09:30"),
    ("America/New_York", date(2026, 11, 1), "2026-11-01T05:30", "2026-11-01T10:30"),
    ("Australia/Lord_Howe", date(2026, 4, 5), "2026-04-04T14:30", "2026-04-04T19:00"),
    ("Australia/Lord_Howe", date(2026, 10, 4), "2026-10-03T15:00", "2026-10-03T18:30"),
]


@pytest.mark.parametrize(("zone", "night", "starts", "ends"), NIGHTS)
def test_a_daily_job_over_a_change_of_the_clock_keeps_the_hours_of_the_wall(
    zone: str, night: date, starts: str, ends: str
) -> None:
    hours, info = (90, 5 * 60 + 30), ZoneInfo(zone)
    daily = replace(
        WEEKLY, often=Often.DAILY, days=frozenset(), zone=zone, hours=hours, horizon_days=2
    )
    days_made = list(daily.due(night - timedelta(days=1)))
    assert [(day - night).days for day in days_made] == [-1, 0, 1]
    windows = [window_on(day, hours, info) for day in days_made]
    wanted = [int(datetime.fromisoformat(f"{text}+00:00").timestamp()) for text in (starts, ends)]
    assert [at_ms // 1000 for at_ms in windows[1]] == wanted
    for window, day in zip(windows, days_made, strict=True):
        local = [datetime.fromtimestamp(at_ms / 1000, info) for at_ms in window]
        assert [(at.date(), at.hour, at.minute) for at in local] == [(day, 1, 30), (day, 5, 30)]
    lengths = [end - start for start, end in windows]
    assert lengths[0] == lengths[2] == 4 * 3_600_000
    assert lengths[1] != lengths[0]


@pytest.mark.parametrize("day", [date(2026, 3, 28), date(2026, 3, 29), date(2026, 10, 25)])
def test_eight_stays_eight_whatever_the_clocks_do_that_night(day: date) -> None:
    start_ms, end_ms = window_on(day, (8 * 60, 10 * 60), HELSINKI)
    local = datetime.fromtimestamp(start_ms / 1000, HELSINKI)
    assert (local.date(), local.hour, local.minute) == (day, 8, 0)
    assert end_ms - start_ms == 2 * 3_600_000


def test_a_window_over_a_change_of_the_clock_begins_and_ends_by_the_wall() -> None:
    spring = window_on(date(2026, 3, 28), (22 * 60, 30 * 60), HELSINKI)
    autumn = window_on(date(2026, 10, 24), (22 * 60, 30 * 60), HELSINKI)
    assert [(end - start) // 3_600_000 for start, end in (spring, autumn)] == [7, 9]


def test_a_time_that_is_left_out_or_comes_twice_is_told_as_the_standard_says() -> None:
    # 03:30 does not come on that morning: by the offset from before, it is 04:30.
    start_ms, end_ms = window_on(date(2026, 3, 29), (3 * 60 + 30, 4 * 60), HELSINKI)
    at = datetime(2026, 3, 29, 1, 30, tzinfo=UTC)
    assert start_ms == int(at.timestamp()) * 1000
    assert end_ms == start_ms
    # 03:30 comes twice: the first is meant.
    start_ms, _ = window_on(date(2026, 10, 25), (3 * 60 + 30, 4 * 60), HELSINKI)
    assert start_ms == int(datetime(2026, 10, 25, 0, 30, tzinfo=UTC).timestamp()) * 1000


# --- one job a day, whoever makes it


def test_a_days_job_has_its_id_number_and_turn_from_the_recurrence_and_the_day() -> None:
    job = occurrence_stream(STREAM, MONDAY)
    assert job == occurrence_stream(STREAM, MONDAY)
    assert stream_time_s(job) == int(datetime(2026, 3, 2, tzinfo=UTC).timestamp())
    others = {occurrence_stream(STREAM, MONDAY + timedelta(days=ahead)) for ahead in range(99)}
    others.add(occurrence_stream(b"\1" + STREAM[1:], MONDAY))
    assert len(others) == 100
    assert occurrence_number("A-7", MONDAY) == "A-7-2026-03-02"
    assert acts.number_job(job, occurrence_number("A-1234567", date.max))


def test_the_pages_job_is_the_one_that_hubs_make() -> None:
    examples = hex_examples("recurrence.md")
    recurrence, worker = examples["recurrence"], examples["worker"]
    assert (recurrence, worker) == (STREAM, ANA)
    assert occurrence_stream(recurrence, MONDAY) == examples["job"]
    assert occurrence_turn(recurrence, MONDAY, worker) == examples["turn"]
    assert f"`{occurrence_number('A-12', MONDAY)}`" in words_of("recurrence.md")


def made(log: Log, recurrence: Recurrence = WEEKLY, **options: Any) -> Stored:
    """A hub makes Monday's job by the rule."""
    changes = occurrence(recurrence, MONDAY, HELSINKI)
    return written(log, changes, by_rule=True, **options)


def written(log: Log, changes: Act, **options: Any) -> Stored:
    return log.write([(change.path, change.value) for change in changes], **options)


def job_log(name: str) -> Log:
    return Log(name, occurrence_stream(STREAM, MONDAY))


def folded(entries: list[Stored]) -> Registers:
    stream = occurrence_stream(STREAM, MONDAY)
    return StreamState.build(SITE, stream, entries, STANDINGS, permits).registers


def job_of(entries: list[Stored]) -> Job:
    return fold_job(folded(entries))


def test_two_hubs_that_were_cut_off_make_one_job_with_one_of_each_value() -> None:
    entries = [made(job_log("north")), made(job_log("south"), wall_ms=AT_MS + 3_600_000)]
    job = job_of(entries)
    assert job.conflicts == ()
    assert [each.worker for each in job.assignments] == [ANA]
    assert job.status == "open"
    assert value_at(folded(entries), (fields.NUMBER,)) == "A-7-2026-03-02"


PERSONS: Mapping[str, Act] = {
    "title": [Change(b"", (fields.TITLE,), "Filters and belts")],
    "window": [Change(b"", (fields.WINDOW,), [AT_MS, AT_MS + 60_000])],
    "cancelled": acts.cancel_job(b"", "closed that day"),
    "duration": [Change(b"", (fields.PLANNED_MINUTES,), None)],
}


@st.composite
def histories(draw: st.DrawFn) -> tuple[list[Stored], dict[Any, Any]]:
    """Entries of two hubs that both made the job, one before the other, and of people at each.

    The other half says which value a person wrote last to a path that one alone wrote to.
    """
    north, south = job_log("north"), job_log("south")
    minutes = draw(st.lists(st.integers(0, 500), min_size=2, max_size=2))
    entries = [
        made(log, wall_ms=AT_MS + minute * 60_000)
        for log, minute in zip((north, south), minutes, strict=True)
    ]
    chosen = draw(st.lists(st.sampled_from(sorted(PERSONS)), unique=True))
    values: dict[Any, Any] = {}
    for name in chosen:
        log = draw(st.sampled_from((north, south)))
        wall_ms = AT_MS + draw(st.integers(0, 500)) * 60_000
        entries.append(written(log, PERSONS[name], wall_ms=wall_ms))
        values |= {change.path: change.value for change in PERSONS[name]}
    if draw(st.booleans()):
        ana = Log("ana", north.stream)
        turn = fold_turn(entries)
        entries.append(written(ana, acts.set_phase(b"", ANA, turn, Phase.RECEIVED)))
    return entries, values


def fold_turn(entries: list[Stored]) -> bytes:
    (assignment,) = job_of(entries).assignments
    return assignment.turn


@given(histories(), st.randoms(use_true_random=False))
def test_the_same_entries_give_the_same_job_in_any_order_and_people_have_the_last_word(
    history: tuple[list[Stored], dict[Any, Any]], chance: random.Random
) -> None:
    entries, values = history
    shuffled = list(entries)
    chance.shuffle(shuffled)
    assert job_of(shuffled) == job_of(entries)
    registers = folded(shuffled)
    for path, value in values.items():
        assert value_at(registers, path) == value
    assert job_of(shuffled).conflicts == ()
    assert fold_turn(shuffled) == fold_turn(entries)


def test_people_who_differ_are_a_conflict_and_the_rule_is_no_part_of_it() -> None:
    north, south = job_log("north"), job_log("south")
    entries = [made(north), made(south, wall_ms=AT_MS + 60_000)]
    for log, minutes in ((north, 30), (south, 60)):
        entries.append(written(log, [Change(b"", (fields.PLANNED_MINUTES,), minutes)]))
    (conflict,) = job_of(entries).conflicts
    assert sorted([conflict.shown, *(value for value, _ in conflict.others)]) == [30, 60]


def test_hubs_that_knew_different_rules_show_both_values_to_people() -> None:
    later = replace(WEEKLY, hours=(9 * 60, 11 * 60))
    entries = [made(job_log("north")), made(job_log("south"), later)]
    (conflict,) = job_of(entries).conflicts
    assert conflict.field == "window"


# --- acts and what is read


VALUES: dict[str, object] = {
    "title": "Filters",
    "repeats": [Often.WEEKLY, 1, [3, 0]],
    "starts": MONDAY,
    "zone": "Europe/Helsinki",
    "hours": [480, 600],
    "planned_minutes": 45,
    "worker": ANA,
}


def read(*changes: Act, number: str = "A-7") -> Recurrence | None:
    log = Log("north", STREAM)
    all_changes = [*changes, [Change(STREAM, (fields.RECURRENCE_NUMBER,), number)]]
    entries = [written(log, each) for each in all_changes]
    return read_recurrence(
        STREAM, StreamState.build(SITE, STREAM, entries, STANDINGS, permits).registers
    )


def test_what_an_act_says_is_what_is_read() -> None:
    assert read(create_recurrence(STREAM, VALUES)) == WEEKLY
    edited = edit_recurrence(STREAM, {"ends": date(2026, 12, 24), "worker": BO, "hours": None})
    found = read(create_recurrence(STREAM, VALUES), edited, skip_day(STREAM, MONDAY))
    assert found == replace(
        WEEKLY, ends=date(2026, 12, 24), worker=BO, hours=None, skipped=frozenset({MONDAY})
    )
    taken_back = skip_day(STREAM, MONDAY, skipped=False)
    found = read(create_recurrence(STREAM, VALUES), skip_day(STREAM, MONDAY), taken_back)
    assert found == WEEKLY


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"title": ""}, "title is missing"),
        ({"repeats": [5, 1, []]}, "days of a week"),
        ({"repeats": [Often.MONTHLY_BY_WEEKDAY, 1, []]}, "on which days"),
        ({"repeats": [Often.MONTHLY_BY_WEEKDAY, 1, [35]]}, "weekdays -7 to 34"),
        ({"repeats": [Often.DAILY, 0, []]}, "interval"),
        ({"repeats": [Often.DAILY, 1, [1]]}, "daily has no days"),
        ({"repeats": [Often.WEEKLY, 1, []]}, "on which days"),
        ({"repeats": [Often.MONTHLY, 1, [32]]}, "of a month 1 to 31"),
        ({"repeats": "FREQ=DAILY"}, "how often"),
        ({"starts": "24.12.2026"}, "write it as 2026"),
        ({"starts": "2026-12-24", "ends": "2026-12-23"}, "before the first"),
        ({"zone": "Helsinki"}, "no time zone 'Helsinki'"),
        ({"zone": "../etc"}, "no time zone"),
        ({"hours": [600, 480]}, "end after they begin"),
        ({"hours": [1440, 1500]}, "begin within the day"),
        ({"horizon": 367}, "366 days ahead"),
        ({"worker": b"?"}, "choose one"),
        ({"window": [1, 2]}, "give its hours"),
        ({"colour": "red"}, "no field 'colour'"),
        ({}, "nothing was changed"),
    ],
)
def test_what_makes_no_sense_is_refused_in_words(values: dict[str, object], words: str) -> None:
    with pytest.raises(ActError, match=words):
        edit_recurrence(STREAM, values)


@pytest.mark.parametrize("name", ["title", "repeats", "starts", "zone"])
def test_a_recurrence_needs_what_its_jobs_are_made_of(name: str) -> None:
    values = {key: value for key, value in VALUES.items() if key != name}
    with pytest.raises(ActError, match=name):
        create_recurrence(STREAM, values)


@pytest.mark.parametrize(
    ("code", "value"),
    [
        (fields.REPEATS, [9, 1, []]),
        (fields.REPEATS, [2, 0, [1]]),
        (fields.REPEATS, [2, 1, [7]]),
        (fields.REPEATS, [4, 1, [-8]]),
        (fields.REPEATS, None),
        (fields.HOURS, [600, 480]),
        (fields.HORIZON, -1),
        (fields.STARTS, None),
        (fields.EACH_TITLE, None),
        (fields.RECURRENCE_NUMBER, "A-123456789012"),
    ],
)
def test_one_that_no_act_makes_makes_no_jobs(code: int, value: object) -> None:
    log = Log("north", STREAM)
    numbered = [Change(STREAM, (fields.RECURRENCE_NUMBER,), "A-7")]
    entries = [
        written(log, [*create_recurrence(STREAM, VALUES), *numbered]),
        written(log, [Change(STREAM, (code,), value)]),
    ]
    state = StreamState.build(SITE, STREAM, entries, STANDINGS, permits)
    assert read_recurrence(STREAM, state.registers) is None
