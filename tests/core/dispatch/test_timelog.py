"""Time logs: what counts, as laws over many logs and as cases from the field."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.dispatch.fields import LogKind, Source
from core.dispatch.timelog import (
    CLOCK_MOVED_MS,
    LOG_MS_MAX,
    OPEN_MS_MAX,
    Flag,
    Interval,
    Moment,
    TimeLog,
    TimeLogError,
    standings,
    total_ms,
    total_ms_by_job,
)
from tests.core.dispatch.scene import intervals_of

T0 = 1_780_041_600_000
MIN = 60_000
NOW = T0 + 24 * 60 * MIN
WORKER = b"worker-00001"


def log(
    name: str, start_min: float, stop_min: float | None, kind: LogKind = LogKind.ON_SITE,
    job: bytes | None = b"job-a", source: Source = Source.MANUAL, **more: object,
) -> TimeLog:  # fmt: skip
    start = Moment(T0 + round(start_min * MIN))
    stop = None if stop_min is None else Moment(T0 + round(stop_min * MIN))
    return TimeLog(name.encode(), WORKER, "2026-05-29", job, kind, start, stop, source, **more)  # type: ignore[arg-type]


def minutes(intervals: list[Interval]) -> list[tuple[str, float, float]]:
    return [
        (each.log_id.decode(), (each.start_ms - T0) / MIN, (each.stop_ms - T0) / MIN)
        for each in intervals
    ]


names = st.integers(0, 11).map(lambda number: b"log-%d" % number)


@st.composite
def moments(draw: st.DrawFn) -> Moment:
    at_ms = T0 + draw(st.integers(0, 1_000)) * MIN
    boot = draw(st.sampled_from([None, None, 1, 2]))
    if boot is None:
        return Moment(at_ms, draw(st.sampled_from([0, 500])))
    moved_ms = draw(st.sampled_from([0, 0, -3_600_000]))
    return Moment(at_ms + moved_ms, 0, at_ms - T0 + boot * 1_000, boot)


time_logs = st.builds(
    TimeLog, names, st.just(WORKER), st.just("2026-05-29"),
    st.sampled_from([None, b"job-a", b"job-b"]), st.sampled_from(LogKind), moments(),
    st.none() | moments(), st.sampled_from(Source), st.just(()), st.none() | names,
    st.just(""), st.booleans(), st.booleans(),
)  # fmt: skip
many = st.lists(time_logs, max_size=12)


@given(many, st.randoms(use_true_random=False))
@settings(max_examples=80, deadline=None)
def test_any_order_and_any_repetition_gives_the_same_intervals(
    logs: list[TimeLog], chance: random.Random
) -> None:
    whole = intervals_of(logs, [], NOW)
    mixed = [*logs, *logs[: len(logs) // 2]]
    chance.shuffle(mixed)
    assert intervals_of(mixed, [], NOW) == whole
    assert standings(mixed) == standings(logs)


@given(many)
@settings(max_examples=80, deadline=None)
def test_intervals_are_disjoint_and_no_longer_than_the_logs_span(logs: list[TimeLog]) -> None:
    found = intervals_of(logs, [], NOW)
    for before, after in zip(found, found[1:], strict=False):
        assert before.stop_ms <= after.start_ms
    assert all(each.duration_ms > 0 for each in found)
    if found:
        span_ms = found[-1].stop_ms - found[0].start_ms
        assert sum(each.duration_ms for each in found) <= span_ms
    assert sum(total_ms_by_job(found).values()) == sum(each.duration_ms for each in found)


@given(many)
@settings(max_examples=80, deadline=None)
def test_counting_what_counts_again_changes_nothing(logs: list[TimeLog]) -> None:
    found = intervals_of(logs, [], NOW)
    again = [
        TimeLog(
            b"%d" % index,
            WORKER,
            "2026-05-29",
            each.job,
            each.kind,
            Moment(each.start_ms),
            Moment(each.stop_ms),
            each.source,
        )  # fmt: skip
        for index, each in enumerate(found)
    ]
    assert [
        (each.start_ms, each.stop_ms, each.job, each.kind) for each in intervals_of(again, [], NOW)
    ] == [(each.start_ms, each.stop_ms, each.job, each.kind) for each in found]


@given(many, st.integers(0, 900), st.integers(1, 90))
@settings(max_examples=80, deadline=None)
def test_a_break_is_cut_out_of_everything(logs: list[TimeLog], at_min: int, long_min: int) -> None:
    pause = log("pause", at_min, at_min + long_min, LogKind.BREAK, None, Source.AUTO)
    plain = [replace(each, stop=each.stop or Moment(each.start.wall_ms + MIN)) for each in logs]
    found = intervals_of([*plain, pause], [], NOW)
    start_ms, stop_ms = pause.start.wall_ms, (pause.stop or pause.start).wall_ms
    for each in found:
        if each.kind is not LogKind.BREAK:
            assert each.stop_ms <= start_ms or each.start_ms >= stop_ms
    covered = [each for each in found if each.start_ms < stop_ms and each.stop_ms > start_ms]
    assert {each.kind for each in covered} == {LogKind.BREAK}


@given(st.integers(1, 900), st.integers(-7_200_000, 7_200_000), st.integers(0, 4))
def test_moving_the_clock_during_a_visit_changes_no_duration(
    long_min: int, moved_ms: int, after: int
) -> None:
    """The clock is moved in the middle; what follows on the same boot says so with it."""
    uptime_ms = 7_000_000

    def moment(minute: int, moved: int) -> Moment:
        return Moment(T0 + minute * MIN + moved, 0, uptime_ms + minute * MIN, 3)

    visit = replace(log("visit", 0, 1), start=moment(0, 0), stop=moment(long_min, moved_ms))
    later = [
        replace(
            log(f"later-{number}", 0, 1, job=b"job-b"),
            start=moment(long_min + 10 * number, moved_ms),
            stop=moment(long_min + 10 * number + 9, moved_ms),
        )
        for number in range(after)
    ]
    found = intervals_of([visit, *later], [], NOW)
    assert found[0].duration_ms == long_min * MIN
    assert [each.duration_ms for each in found[1:]] == [9 * MIN] * after
    assert not any(Flag.OVERLAPS in each.flags for each in found)
    noted = any(Flag.CLOCK_MOVED in each.flags for each in found)
    assert noted == (abs(moved_ms) > CLOCK_MOVED_MS)


def test_a_break_lies_within_a_visit_and_overlaps_nothing() -> None:
    found = intervals_of([log("visit", 0, 120), log("lunch", 60, 90, LogKind.BREAK)], [], NOW)
    assert minutes(found) == [("visit", 0, 60), ("lunch", 60, 90), ("visit", 90, 120)]
    assert all(each.flags == frozenset() for each in found)
    assert total_ms(found) == 90 * MIN
    assert total_ms(found, LogKind.BREAK) == 30 * MIN


def test_time_claimed_twice_counts_once_for_the_person_and_is_flagged() -> None:
    auto = log("auto", 0, 60, source=Source.AUTO)
    typed = log("typed", 30, 90, job=b"job-b")
    found = intervals_of([auto, typed], [], NOW)
    assert minutes(found) == [("auto", 0, 30), ("typed", 30, 60), ("typed", 60, 90)]
    assert found[1].also == (b"auto",)
    assert [Flag.OVERLAPS in each.flags for each in found] == [False, True, False]


def test_a_correction_replaces_and_the_correction_of_it_replaces_that() -> None:
    first = log("first", 0, 60)
    second = log("second", 0, 45, supersedes=b"first", source=Source.CORRECTION)
    third = log("third", 0, 50, supersedes=b"second", source=Source.CORRECTION)
    assert minutes(intervals_of([third, first, second], [], NOW)) == [("third", 0, 50)]
    found = standings([first, second, third])
    assert (found[b"first"].why, found[b"first"].by) == ("superseded", b"second")
    gone = replace(third, removed=True)
    assert intervals_of([first, second, gone], [], NOW) == []


def test_of_two_corrections_one_counts_and_both_are_shown_as_rivals() -> None:
    logs = [
        log("first", 0, 60),
        log("from-worker", 0, 50, supersedes=b"first"),
        log("from-office", 10, 60, supersedes=b"first"),
    ]
    found = intervals_of(logs, [], NOW)
    assert minutes(found) == [("from-office", 10, 60)]
    assert Flag.RIVAL in found[0].flags
    assert standings(logs)[b"from-worker"].why == "rival"
    removed = [logs[0], logs[1], replace(logs[2], removed=True)]
    assert minutes(intervals_of(removed, [], NOW)) == [("from-worker", 0, 50)]
    further = [*logs, log("again", 0, 52, supersedes=b"from-worker")]
    assert minutes(intervals_of(further, [], NOW)) == [("again", 0, 52)]


def test_logs_that_replace_each_other_in_a_ring_count_once_and_are_flagged() -> None:
    logs = [
        log("a", 0, 60, supersedes=b"c"),
        log("b", 5, 60, supersedes=b"a"),
        log("c", 10, 60, supersedes=b"b"),
        log("self", 100, 110, supersedes=b"self"),
    ]
    found = intervals_of(logs, [], NOW)
    assert minutes(found) == [("c", 10, 60), ("self", 100, 110)]
    assert all(each.flags == {Flag.CYCLE} for each in found)


def test_an_open_log_counts_until_now_the_end_of_duty_or_twelve_hours() -> None:
    going = log("going", 0, None)
    (now,) = intervals_of([going], [], T0 + 30 * MIN)
    assert (now.duration_ms, now.flags) == (30 * MIN, frozenset({Flag.OPEN}))
    (off,) = intervals_of([going], [(T0 - MIN, T0 + 90 * MIN)], NOW)
    assert (off.duration_ms, off.flags) == (90 * MIN, frozenset({Flag.OPEN, Flag.CAPPED}))
    (capped,) = intervals_of([going], [(T0 - MIN, None)], NOW)
    assert (capped.duration_ms, capped.flags) == (OPEN_MS_MAX, frozenset({Flag.OPEN, Flag.CAPPED}))
    assert intervals_of([going], [], T0 - MIN) == []


def test_a_second_start_or_stop_of_a_log_changes_nothing() -> None:
    once = log("once", 0, 60)
    twice = [once, log("once", 20, 90), log("once", 0, None)]
    assert minutes(intervals_of(twice, [], NOW)) == [("once", 0, 60)]


def test_a_log_over_midnight_is_one_interval() -> None:
    evening = replace(log("night", 13 * 60, 15 * 60), day="2026-05-29")
    morning = replace(log("next", 15 * 60, 16 * 60), day="2026-05-30")
    assert minutes(intervals_of([morning, evening], [], NOW)) == [
        ("night", 780, 900), ("next", 900, 960)
    ]  # fmt: skip


def test_what_ends_before_it_starts_counts_for_nothing_and_a_forgotten_timer_is_marked() -> None:
    assert intervals_of([log("odd", 60, 30)], [], NOW) == []
    (forgotten,) = intervals_of([log("long", 0, 26 * 60)], [], NOW + 10 * 60 * MIN)
    assert Flag.LONG in forgotten.flags
    (unsure,) = intervals_of([log("unsure", 0, 60, uncertain=True)], [], NOW)
    assert unsure.flags == {Flag.UNCERTAIN}


def test_logs_of_two_workers_are_refused() -> None:
    other = replace(log("other", 0, 60), worker=b"somebody")
    with pytest.raises(TimeLogError, match="two workers"):
        intervals_of([log("own", 0, 60), other], [], NOW)


def test_a_log_that_nobody_ended_takes_no_time_from_one_that_ended() -> None:
    forgotten = log("travel", 0, None, LogKind.TRAVEL, None)
    auto = log("auto", 120, 300, source=Source.AUTO)
    rest = log("rest", 310, None, LogKind.BREAK)
    later = log("later", 330, 400, source=Source.AUTO)
    found = minutes(intervals_of([forgotten, auto, rest, later], [], T0 + 500 * MIN))
    assert [each for each in found if each[0] in ("auto", "later")] == [
        ("auto", 120, 300),
        ("later", 330, 400),
    ]


def test_a_closed_log_counts_a_day_at_most_and_is_marked() -> None:
    (found,) = intervals_of([log("forgotten", 0, 58 * 60)], [], NOW)
    assert found.duration_ms == LOG_MS_MAX
    assert {Flag.LONG, Flag.CAPPED} <= found.flags
