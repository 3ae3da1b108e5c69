"""What a car may drive, which way, and how fast."""

from __future__ import annotations

import pytest

from hub.map.road_tags import DELAY_FACTOR, Tags, drive, is_blocked, speed_limit_kmh


@pytest.mark.parametrize(
    "tags",
    [
        {"highway": "footway"},
        {"highway": "residential", "access": "private"},
        {"highway": "residential", "motor_vehicle": "no"},
        {"highway": "residential", "access": "yes", "motorcar": "no"},
        {"highway": "track", "tracktype": "grade5"},
        {"highway": "construction"},
        {"route": "ferry"},
        {"building": "yes"},
    ],
)
def test_cars_stay_out_where_they_may_not_go(tags: Tags) -> None:
    assert drive(tags) is None


def test_the_nearest_rule_for_cars_decides() -> None:
    assert drive({"highway": "residential", "access": "no", "motor_vehicle": "yes"}) is not None
    assert drive({"highway": "service", "vehicle": "private", "motorcar": "destination"})
    assert drive({"route": "ferry", "motor_vehicle": "yes"}) is not None


@pytest.mark.parametrize(
    ("tags", "directions"),
    [
        ({}, (True, True)),
        ({"oneway": "yes"}, (True, False)),
        ({"oneway": "-1"}, (False, True)),
        ({"junction": "roundabout"}, (True, False)),
        ({"junction": "roundabout", "oneway": "no"}, (True, True)),
        ({"oneway": "yes", "oneway:motor_vehicle": "no"}, (True, True)),
    ],
)
def test_one_way_streets_have_one_direction(tags: Tags, directions: tuple[bool, bool]) -> None:
    found = drive({"highway": "residential", **tags})
    assert found is not None
    assert (found.forward, found.backward) == directions


def test_motorways_have_one_direction_without_saying_so() -> None:
    found = drive({"highway": "motorway"})
    assert found is not None
    assert not found.backward


@pytest.mark.parametrize(
    ("text", "kmh"),
    [
        ("50", 50.0),
        ("30 mph", 48.28),
        ("50;30", 30.0),
        ("FI:urban", 50.0),
        ("walk", 7.0),
        ("none", None),
        ("signals", None),
        ("", None),
    ],
)
def test_signed_limits_are_read(text: str, kmh: float | None) -> None:
    assert speed_limit_kmh(text) == (None if kmh is None else pytest.approx(kmh, abs=0.01))


def test_limit_raises_the_pace_of_a_main_road_and_only_lowers_that_of_a_yard() -> None:
    def kmh(highway: str, limit: str) -> float:
        found = drive({"highway": highway, "maxspeed": limit})
        assert found is not None
        return found.speed_kmh * DELAY_FACTOR

    assert kmh("primary", "100") == pytest.approx(100)
    assert kmh("residential", "50") == pytest.approx(30)
    assert kmh("residential", "20") == pytest.approx(20)
    assert kmh("motorway", "1") == pytest.approx(5)


def test_bollards_stop_cars_and_open_gates_do_not() -> None:
    assert is_blocked({"barrier": "bollard"})
    assert not is_blocked({"barrier": "bollard", "motor_vehicle": "yes"})
    assert is_blocked({"barrier": "gate", "access": "private"})
    assert not is_blocked({"barrier": "gate"})
    assert not is_blocked({"barrier": "kerb"})
