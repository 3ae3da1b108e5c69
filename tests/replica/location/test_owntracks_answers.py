"""What OwnTracks is told in answers: regions and reporting, and only what changed."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from replica.location.owntracks import (
    NOTHING_TOLD,
    REGIONS_MAX,
    Answer,
    Command,
    Monitoring,
    Region,
    Told,
    answer_for,
    parse_owntracks,
    region_crossed,
)
from replica.location.report import Crossing

MUSTER = Region(b"muster", "J-12 Muster", 471_000_000, 95_000_000, 75)
WEBER = Region(b"weber", "J-13 Weber", 472_000_000, 95_500_000, 20)


class OwnTracks:
    """The app as its source has it: regions by `tst`, and the commands of an answer in any order.

    `chance` puts them in one; without, the order is the reverse of the answer's.
    """

    def __init__(self, chance: Random | None = None) -> None:
        self.regions: dict[int, dict[str, object]] = {}
        self.settings: dict[str, object] = {}
        self._chance = chance

    def obey(self, answer: Answer) -> None:
        received: list[Command] = json.loads(json.dumps(answer.commands))
        received.reverse()
        if self._chance is not None:
            self._chance.shuffle(received)
        for command in received:
            assert command["_type"] == "cmd"
            match command["action"]:
                case "clearWaypoints":
                    self.regions.clear()
                case "setWaypoints":
                    waypoints = command["waypoints"]
                    assert isinstance(waypoints, dict)
                    for each in waypoints["waypoints"]:
                        self.regions[each["tst"]] = each
                case "setConfiguration":
                    configuration = command["configuration"]
                    assert isinstance(configuration, dict)
                    assert configuration.pop("_type") == "configuration"
                    self.settings |= configuration
                case other:
                    raise AssertionError(other)

    def is_told(self, told: Told, regions: Sequence[Region], monitoring: Monitoring) -> Told:
        """Let it be answered until there is nothing more to tell, twice at the most."""
        for _ in range(2):
            answer = answer_for(told, regions, monitoring)
            self.obey(answer)
            told = answer.told
        assert answer_for(told, regions, monitoring).commands == []
        return told


regions = st.lists(
    st.builds(
        Region,
        place=st.binary(min_size=1, max_size=1),
        name=st.text(max_size=100),
        lat_e7=st.integers(-900_000_000, 900_000_000),
        lon_e7=st.integers(-1_800_000_000, 1_800_000_000),
        radius_m=st.integers(0, 1_000),
    ),
    max_size=8,
    unique_by=lambda region: region.place,
)


@given(st.lists(st.tuples(regions, st.sampled_from(Monitoring)), max_size=6), st.randoms())
def test_the_app_ends_with_exactly_what_was_wanted_in_whatever_order_it_obeys(
    days: list[tuple[list[Region], Monitoring]], chance: Random
) -> None:
    app, told = OwnTracks(chance), NOTHING_TOLD
    app.regions[5] = {"desc": "left over from another life"}
    for wanted, monitoring in days:
        told = app.is_told(told, wanted, monitoring)
        assert sorted(str(each["desc"]) for each in app.regions.values()) == sorted(
            each.name[:80] for each in wanted
        )
        assert app.settings["monitoring"] == monitoring
        assert answer_for(told, list(reversed(wanted)), monitoring).commands == []


def test_one_answer_never_takes_regions_away_and_brings_others() -> None:
    told = OwnTracks().is_told(NOTHING_TOLD, [MUSTER], Monitoring.ALWAYS)
    answer = answer_for(told, [WEBER], Monitoring.ALWAYS)
    assert [each["action"] for each in answer.commands] == ["clearWaypoints"]
    answer = answer_for(answer.told, [WEBER], Monitoring.ALWAYS)
    assert [each["action"] for each in answer.commands] == ["setWaypoints"]


def test_a_region_that_stays_is_not_told_again() -> None:
    told = OwnTracks().is_told(NOTHING_TOLD, [MUSTER], Monitoring.ALWAYS)
    commands = answer_for(told, [MUSTER, WEBER], Monitoring.ALWAYS).commands
    assert [each["action"] for each in commands] == ["setWaypoints"]
    assert "Weber" in json.dumps(commands)
    assert "Muster" not in json.dumps(commands)


def test_a_region_that_moved_is_told_under_its_old_number() -> None:
    told = OwnTracks().is_told(NOTHING_TOLD, [MUSTER, WEBER], Monitoring.ALWAYS)
    answer = answer_for(told, [MUSTER, replace(WEBER, radius_m=300)], Monitoring.ALWAYS)
    assert [each["action"] for each in answer.commands] == ["setWaypoints"]
    assert answer.told.region_by_number is not None
    assert told.region_by_number is not None
    assert answer.told.region_by_number.keys() == told.region_by_number.keys()


def test_auto_logging_off_stops_the_reporting_alone() -> None:
    told = OwnTracks().is_told(NOTHING_TOLD, [MUSTER], Monitoring.ALWAYS)
    commands = answer_for(told, [MUSTER], Monitoring.ON_REQUEST).commands
    assert commands == [
        {
            "_type": "cmd",
            "action": "setConfiguration",
            "configuration": {"_type": "configuration", "monitoring": 0},
        }
    ]


def told_numbers(told: Told) -> Sequence[int]:
    assert told.region_by_number is not None
    return list(told.region_by_number)


def test_numbers_are_unique_the_same_after_a_restart_and_look_like_times() -> None:
    many = [Region(bytes([n, m]), f"{n}-{m}", n, m, 100) for n in range(9) for m in range(10)]
    first = OwnTracks().is_told(NOTHING_TOLD, many, Monitoring.ALWAYS)
    again = OwnTracks().is_told(NOTHING_TOLD, many[::-1], Monitoring.ALWAYS)
    assert first.region_by_number == again.region_by_number
    assert len(set(told_numbers(first))) == 90
    assert all(10**9 <= number < 10**9 + 2**30 + 90 for number in told_numbers(first))


def test_two_places_never_share_a_number() -> None:
    told = OwnTracks().is_told(NOTHING_TOLD, [MUSTER], Monitoring.ALWAYS)
    (number,) = told_numbers(told)
    taken = Told({number: WEBER}, Monitoring.ALWAYS)
    both = answer_for(taken, [MUSTER, WEBER], Monitoring.ALWAYS).told
    assert both.region_by_number == {number: WEBER, number + 1: MUSTER}


def test_android_is_never_given_more_regions_than_it_takes() -> None:
    many = [Region(n.to_bytes(2, "big"), str(n), n, n, 100) for n in range(300)]
    app = OwnTracks()
    app.is_told(NOTHING_TOLD, many, Monitoring.ALWAYS)
    assert len(app.regions) == REGIONS_MAX
    assert {each["desc"] for each in app.regions.values()} == {str(n) for n in range(REGIONS_MAX)}


def test_a_small_region_is_told_as_large_as_a_phone_can_see() -> None:
    app = OwnTracks()
    app.is_told(NOTHING_TOLD, [MUSTER, WEBER], Monitoring.ALWAYS)
    assert {each["desc"]: each["rad"] for each in app.regions.values()} == {
        "J-12 Muster": 75, "J-13 Weber": 50,
    }  # fmt: skip


def test_a_crossing_leads_back_to_its_place() -> None:
    app = OwnTracks()
    told = app.is_told(NOTHING_TOLD, [MUSTER, WEBER], Monitoring.ALWAYS)
    for number, told_region in app.regions.items():
        sent = {
            "_type": "transition", "event": "enter", "wtst": number, "tst": 1_779_000_000,
            "lat": 47.1, "lon": 9.5, "desc": "renamed on the phone",
        }  # fmt: skip
        crossing = parse_owntracks(json.dumps(sent).encode())
        assert isinstance(crossing, Crossing)
        found = region_crossed(told, crossing)
        assert found is not None
        assert found.name == told_region["desc"]
        assert region_crossed(told, replace(crossing, region=5)) is None
        assert region_crossed(told, replace(crossing, region=None)) is None
        assert region_crossed(NOTHING_TOLD, crossing) is None
