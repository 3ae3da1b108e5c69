"""What bears on a day: counted from it alone, the day's logs come out as from all three days."""

from __future__ import annotations

from random import Random

import pytest

from core.dispatch.bearing import Bearing, DayLogs, bearing
from core.dispatch.duty import DutyMark, spans
from core.dispatch.fields import LogKind, Source
from core.dispatch.timelog import Counted, Moment, TimeLog, counted, counted_once

T0 = 1_780_041_600_000
MIN = 60_000
DAY_MIN = 24 * 60
WORKER = b"worker-00001"


def a_moment(chance: Random, first_min: int, most_min: int) -> Moment:
    """Typed, from the office, or by the monotonic clock of one of two boots, perhaps moved."""
    at_ms = T0 + (first_min + chance.randint(0, most_min)) * MIN
    boot = chance.choice([None, None, 1, 2])
    if boot is None:
        return Moment(at_ms, chance.choice([0, 500]))
    moved_ms = chance.choice([0, 0, 0, -3_600_000])
    return Moment(at_ms + moved_ms, 0, at_ms - T0 + boot * 1_000, boot)


def a_day(chance: Random, number: int) -> DayLogs:
    """Mostly of closed logs of its own, within it."""
    first_min, most_min = number * DAY_MIN, chance.choice([DAY_MIN, DAY_MIN // 2])
    own = b"%d" % number if chance.random() < 0.7 else b""
    logs = [
        TimeLog(
            b"log-%d" % chance.randrange(8) + own,
            WORKER,
            f"2026-05-{28 + number}",
            b"job-a",
            chance.choice(list(LogKind)),
            a_moment(chance, first_min, most_min),
            a_moment(chance, first_min, most_min) if chance.random() < 0.8 else None,
            chance.choice(list(Source)),
            supersedes=b"log-%d" % chance.randrange(8) + own if chance.random() < 0.2 else None,
            removed=chance.random() < 0.1,
        )
        for _ in range(chance.randrange(6))
    ]
    duties = [
        DutyMark(b"duty", T0 + (first_min + chance.randrange(DAY_MIN)) * MIN)
        for _ in range(chance.randrange(2))
    ]
    return DayLogs(logs, duties)


def told(made_of: Bearing) -> Counted:
    duty = spans(made_of.duties, made_of.known_ms)
    return counted_once(made_of.logs, duty, made_of.known_ms, made_of.base_by_boot)


@pytest.mark.parametrize("seed", range(20))
def test_a_days_logs_count_alike_from_what_bears_on_them_and_from_all(seed: int) -> None:
    chance = Random(f"bearing {seed}")
    fewer = sum(count_both_ways([a_day(chance, number) for number in range(3)]) for _ in range(40))
    assert fewer, "some day must lie apart, or nothing was tried"


def count_both_ways(three: list[DayLogs]) -> int:
    """See that all days count alike; how many of them not all three bear on."""
    logs = [log for day in three for log in day.logs]
    known_ms = max((day.known_ms for day in three if day.known_ms is not None), default=0)
    duty = spans([mark for day in three for mark in day.duties], known_ms)
    of_all = counted(logs, duty, known_ms)
    fewer = 0
    for at, day in enumerate(three):
        own = {log.log_id for log in day.logs}
        made_of = bearing(day, [*three[:at], *three[at + 1 :]])
        fewer += len(made_of.days) < 3
        of_own = told(made_of)
        assert [i for i in of_own.intervals if i.log_id in own] == [
            i for i in of_all.intervals if i.log_id in own
        ]
        for log_id in own:
            assert of_own.standing_by_id[log_id] == of_all.standing_by_id[log_id]
            assert of_own.flags_by_id.get(log_id) == of_all.flags_by_id.get(log_id)
    return fewer


def log(name: bytes, at_min: int, stop_min: int | None, **more: object) -> TimeLog:
    start = Moment(T0 + at_min * MIN)
    stop = None if stop_min is None else Moment(T0 + stop_min * MIN)
    kind, source = LogKind.ON_SITE, Source.MANUAL
    return TimeLog(name, WORKER, "2026-05-29", b"job-a", kind, start, stop, source, **more)  # type: ignore[arg-type]


def test_a_day_apart_has_no_bearing_and_one_whose_log_goes_on_into_the_next_has() -> None:
    own = DayLogs([log(b"a", 2_000, 2_060)], [])
    apart = DayLogs([log(b"b", 600, 660)], [])
    reaching = DayLogs([log(b"c", 1_300, 2_030)], [])
    assert bearing(own, [apart]) == bearing(own, [])
    assert bearing(own, [reaching]).days == (own, reaching)


def test_a_log_that_replaces_one_of_another_day_bears_on_it() -> None:
    own = DayLogs([log(b"a", 2_000, 2_060)], [])
    replacing = DayLogs([log(b"b", 600, 660, supersedes=b"a")], [])
    assert bearing(own, [replacing]).days == (own, replacing)


def test_an_open_log_bears_on_the_next_day_for_as_long_as_it_may_count() -> None:
    own = DayLogs([log(b"a", 1_500, 1_560)], [])
    late = DayLogs([log(b"b", 1_200, None)], [])
    early = DayLogs([log(b"c", 300, None)], [])
    assert bearing(own, [late]).days == (own, late)
    assert bearing(own, [early]).days == (own,)
