"""A phone's day on the virtual clock: its costs follow from the state that it is in."""

from __future__ import annotations

from functools import cache

from tests.battery.lived import EVERY_SECOND, OURS, WAYS, Lived, Way, lived
from tests.battery.phone_loop import up, wake_ups
from tests.truth.days import WorkDay, make_day
from tests.truth.mix import MIX

DAY: WorkDay = make_day(next(each for each in MIX if each.name == "long_stays"), 31_007)
BY_NAME = {way.name: way for way in WAYS}


@cache
def usual() -> Lived:
    """The day as a phone lives it that nobody has set otherwise; it takes some seconds."""
    return lived(DAY, OURS)


def test_on_duty_a_phone_measures_sends_and_finds_what_it_was_there_for() -> None:
    day = usual()
    assert day.score.found == len(DAY.visits) > 0
    assert day.exact > 0
    assert day.coarse > 0
    assert 0 < day.track_fixes < day.posted, "what lies still is thinned"
    # Some minutes of fixes are one entry, and each lies in a frame with others.
    assert day.frames_by_kind["log"] < day.track_fixes / 3
    assert day.frames_by_kind["presence"] < day.posted / 3, "a place is not told at each fix"
    assert day.of_place_off_duty == 0


def test_off_duty_no_place_leaves_the_phone_and_hardly_anything_wakes_it() -> None:
    day = lived(DAY, BY_NAME["ours, off duty"])
    assert day.posted > 0, "the app may speak, so that it hears of the next duty"
    assert (day.of_place_off_duty, day.track_fixes) == (0, 0)
    assert day.exact == 0
    # Pings of the connection, four looks an hour and the upkeep; and what the worker did by car.
    assert day.woken["timer"] < 24 * (15 + 4 + 1) + 30


def test_with_auto_logging_off_nothing_exact_is_measured_and_nothing_is_logged() -> None:
    day = lived(DAY, BY_NAME["ours, auto off"])
    assert day.exact == 0
    assert day.score.logs == 0
    assert day.of_place_off_duty == 0


def test_the_preset_that_spares_the_battery_does() -> None:
    saving = lived(DAY, BY_NAME["ours, saving"])
    assert saving.exact < usual().exact / 2
    assert saving.woken.total() < usual().woken.total()


def test_a_second_run_of_a_day_is_the_same_day() -> None:
    auto_off = BY_NAME["ours, auto off"]
    assert figures(lived(DAY, auto_off)) == figures(lived(DAY, auto_off))


def figures(day: Lived) -> tuple[object, ...]:
    return day.exact, day.coarse, day.posted, day.track_fixes, day.woken, day.score


def test_an_app_that_obeys_nothing_measures_at_its_own_pace() -> None:
    assert EVERY_SECOND.app["moveModeLocatorInterval"] == 1
    day = lived(DAY, Way("deaf", {**EVERY_SECOND.app, "moveModeLocatorInterval": 120}))
    assert 700 < day.exact < 730
    assert day.coarse == 0


def test_what_comes_within_a_second_of_something_else_wakes_nobody() -> None:
    woken = wake_ups([(5.0, "fix"), (0.0, "timer"), (5.4, "timer"), (6.2, "frame"), (9.0, "frame")])
    assert woken == {"timer": 1, "fix": 1, "frame": 1}
    assert up([0.0, 10.0, 40.0], 15.0) == (2, 40.0)
    assert up([], 15.0) == (0, 0.0)
