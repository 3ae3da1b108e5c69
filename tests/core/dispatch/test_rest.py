"""Where a phone comes to rest says when somebody arrived, left, went next door, or only jams."""

from __future__ import annotations

import pytest

from core.dispatch.autolog import Certainty, Fact
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
    ms,
    stay,
    stops,
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


def test_a_phone_that_reports_every_five_minutes_tells_when_the_worker_left() -> None:
    """The first place on the way, less the way there, is nearer to the truth than the last fix."""
    fixes = [*driven(0, -900, -20), *stay(120, 1500, every_s=240), *driven(1720, 800, 2000)]
    ((who, start, stop),) = logs(told(fixes, [job()], until_s=9000))
    assert who == JOB_A
    assert 100 <= start <= 125
    # Seen there at 1,320 s and 800 m off at 1,720 s.
    assert 1440 <= (stop or 0) <= 1560


def test_a_garage_hides_when_somebody_came_and_the_way_there_tells() -> None:
    came = driven(0, -900, -100)
    fixes = [*came, *stay(400, 1800), *driven(1810, 0, 900)]
    ((_, start, _),) = logs(told(fixes, [job()], until_s=9000))
    assert 100 < start < 190
    assert told_at_once(list(reversed(fixes)), [job()]) == told(fixes, [job()])


def test_what_was_not_seen_for_long_is_marked_uncertain() -> None:
    fixes = [*driven(0, -900, -20), *stay(120, 900, accuracy_m=15), *driven(2400, 100, 900)]
    facts = told(fixes, [job()], until_s=9000)
    ((_, _, stop),) = logs(facts)
    assert 2300 <= (stop or 0) <= 2400
    assert [fact.certainty for fact in stops(facts)] == [Certainty.UNCERTAIN]


def test_who_reappears_far_off_or_at_rest_elsewhere_left_nobody_knows_when() -> None:
    visit = [*driven(0, -900, -20), *stay(120, 900, accuracy_m=15)]
    for after in (driven(2400, 4000, 6000), stay(2400, 3000, x_m=300)):
        ((_, _, stop),) = logs(told([*visit, *after], [job()], until_s=9000))
        assert (stop or 0) <= 900


def _waits(to_s: float, accuracy_m: int) -> list[Fact]:
    wait = stay(120, to_s, accuracy_m=accuracy_m, every_s=20)
    fixes = [*driven(0, -900, -20), *wait, *driven(to_s + 10, 0, 2000)]
    return told([*fixes, *stay(to_s + 300, to_s + 900, x_m=4000)], [job()], until_s=9000)


def test_a_car_that_waits_in_the_open_for_some_minutes_is_asked_about_and_not_logged() -> None:
    """A jam beside a place is like that; in a house a receiver claims less."""
    assert logs(_waits(540, accuracy_m=5)) == []
    (ask,) = asked(_waits(540, accuracy_m=5), "log")
    assert (ask.job, ask.reason) == (JOB_A, "in the open")
    assert [log[0] for log in logs(_waits(540, accuracy_m=15))] == [JOB_A]
    assert [log[0] for log in logs(_waits(1000, accuracy_m=5))] == [JOB_A]


def test_somebody_next_door_is_believed_further_out_where_a_visit_is_due() -> None:
    def logged(at_s: int) -> int:
        due = job(window_start_ms=ms(at_s), window_end_ms=ms(at_s + 3600))
        rest = stay(120, 1800, x_m=49, accuracy_m=10, every_s=30)
        return len(logs(told([*driven(0, -900, 30), *rest], [due], until_s=1900)))

    assert logged(0) == 1
    assert logged(2 * 3600 - 60) == 0
