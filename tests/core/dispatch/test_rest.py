"""Where a phone comes to rest says when somebody arrived, left, went next door, or only jams."""

from __future__ import annotations

import pytest

from core.dispatch.autolog import Fact
from core.dispatch.fix import Fix
from core.dispatch.rest import Rest, rest_after
from tests.core.dispatch.scene import (
    JOB_A,
    JOB_B,
    asked,
    automatic,
    fix,
    go,
    job,
    logs,
    stay,
    told,
    told_at_once,
)


def driven(start_s: float, from_x_m: float, to_x_m: float, speed_mps: float = 8) -> list[Fix]:
    """A drive whose fixes, 10 s apart, tell their speed."""
    count = int(abs(to_x_m - from_x_m) / (10 * speed_mps))
    turn = 1 if to_x_m > from_x_m else -1
    return [
        fix(start_s + 10 * i, from_x_m + turn * 10 * i * speed_mps, speed_mps=speed_mps)
        for i in range(count + 1)
    ]


def walked(start_s: float, from_x_m: float, to_x_m: float) -> list[Fix]:
    """A walk at 1.3 m/s, fixes 10 s apart."""
    return go(start_s, from_x_m, to_x_m, speed_mps=1.3, every_s=10)


def test_time_on_site_is_from_the_door_to_the_door_and_not_from_edge_to_edge() -> None:
    came = [*driven(0, -900, -150), *walked(110, -150, 0)]
    left = [*walked(1840, 0, -150), *driven(1960, -150, -900)]
    facts = told([*came, *stay(230, 1830), *left], [job()], until_s=9000)
    ((who, start, stop),) = logs(facts)
    assert who == JOB_A
    # The circle is entered at 150 s and left at 1917 s.
    assert 205 <= start <= 235
    assert 1825 <= (stop or 0) <= 1860


def test_a_short_rest_in_a_jam_is_no_visit_however_long_the_jam() -> None:
    jam, at_s = [*driven(0, -900, -90)], 110.0
    for x_m in range(-90, 91, 20):
        jam += [*stay(at_s, at_s + 40, x_m=x_m, every_s=20), fix(at_s + 50, x_m + 10, speed_mps=3)]
        at_s += 60
    facts = told([*jam, *driven(at_s, 100, 1500)], [job()], until_s=9000)
    assert at_s > 600
    assert logs(facts) == []


def test_whoever_never_rests_in_a_place_is_at_work_there_in_the_end() -> None:
    mown, at_s, x_m = [*driven(0, -900, -60)], 110.0, -60.0
    for turn in range(20):
        there = 60.0 if turn % 2 == 0 else -60.0
        mown += walked(at_s, x_m, there)
        at_s, x_m = at_s + 100, there
    facts = told([*mown, *driven(at_s, -60, -900)], [job()], until_s=9000)
    assert [log[0] for log in logs(facts)] == [JOB_A]


def _next_door(away_m: float, accuracy_m: int = 10) -> list[Fact]:
    rest = stay(120, 1800, x_m=away_m, accuracy_m=accuracy_m, every_s=30)
    fixes = [*driven(0, away_m - 900, away_m - 20), *rest, *driven(1810, away_m, away_m + 900)]
    return told([*fixes, *stay(2000, 2600, x_m=4000)], [job()], until_s=9000)


def test_a_stay_next_door_is_asked_about_and_not_logged() -> None:
    assert logs(_next_door(60)) == []
    (ask,) = asked(_next_door(60), "log")
    assert (ask.job, ask.reason) == (JOB_A, "next door")
    assert ask.at_ms - ask.start_ms > 1_600_000
    assert [log[0] for log in logs(_next_door(40))] == [JOB_A]
    assert asked(_next_door(40), "log") == []


def test_what_coarse_fixes_say_of_next_door_is_not_held_against_the_worker() -> None:
    assert [log[0] for log in logs(_next_door(60, accuracy_m=45))] == [JOB_A]


def test_where_the_office_drew_an_outline_or_a_wide_circle_nobody_inside_is_next_door() -> None:
    fixes = [*driven(0, -900, 120), *stay(150, 1800, x_m=120), *driven(1810, 120, 900)]
    wide = job(radius_m=200)
    assert [log[0] for log in logs(told(fixes, [wide], until_s=9000))] == [JOB_A]


def test_going_over_to_the_neighbours_ends_one_log_and_begins_the_other() -> None:
    jobs = [job(position=1), job(JOB_B, x_m=60, position=2)]
    fixes = [*driven(0, -900, -20), *stay(120, 1500), *walked(1510, 0, 60)]
    fixes += [*stay(1560, 3000, x_m=60), *driven(3010, 60, 1500)]
    facts = told(fixes, jobs, until_s=9000)
    (first, second) = logs(facts)
    assert (first[0], second[0]) == (JOB_A, JOB_B)
    assert 1490 <= (first[2] or 0) <= second[1] <= 1570
    assert abs((second[2] or 0) - 3000) <= 30
    assert told_at_once(fixes, jobs) == told(fixes, jobs)


def test_a_yard_has_no_claim_to_who_is_at_a_door_within_its_circle() -> None:
    yard = job(radius_m=200, x_m=130, position=1)
    door = job(JOB_B, position=2)
    fixes = [*driven(0, -900, -20), *stay(120, 1500), *driven(1510, 0, -900)]
    assert [log[0] for log in logs(told(fixes, [yard, door], until_s=9000))] == [JOB_B]


@pytest.mark.parametrize("threshold_min", [0, 1, 3])
def test_a_wild_fix_ends_no_rest(threshold_min: int) -> None:
    fixes = [*stay(0, 900, every_s=30), fix(915, 250, accuracy_m=3), *stay(930, 1800, every_s=30)]
    rest = Rest()
    for each in fixes:
        rest = rest_after(rest, each)
    assert rest.lasted_ms(0, fixes[-1].time_ms) == 1_800_000
    ((_, start, _),) = logs(told(fixes, [job()], automatic(threshold_min)))
    assert start == 0
