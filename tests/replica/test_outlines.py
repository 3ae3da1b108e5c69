"""Outlines on a real phone: from the hub's log to where the automatic logger logs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.dispatch import acts, fields
from core.dispatch.acts import Change
from core.dispatch.fields import Kind
from core.dispatch.outline import corners_of
from core.dispatch.sampling import IDLE
from replica.autostate import read_context
from replica.checking import check_store
from replica.location.steering import Steering
from tests.build import START_MS, hold
from tests.replica.pocket import LON, Pocket, at

E7_PER_M_EAST = 180
"""At 60 degrees north a metre is twice as many degrees to the east."""


@pytest.fixture
def pocket(tmp_path: Path) -> Iterator[Pocket]:
    found = Pocket(tmp_path)
    yield found
    found.site.close()


def strip(from_m: int, to_m: int) -> list[int]:
    """A yard 100 m wide from so far north of the first job's pin to so far."""
    south, north = at(from_m)[0], at(to_m)[0]
    west, east = LON - 50 * E7_PER_M_EAST, LON + 50 * E7_PER_M_EAST
    return [south, west, south, east, north, east, north, west]


def corners_on(pocket: Pocket, job: bytes) -> object:
    """The outline of a job as the phone's logger knows it."""
    return read_context(pocket.replica, pocket.worker).places.spot_by_job[job].place.corners


async def test_a_visit_within_the_outline_is_logged_and_one_beside_it_is_not(
    pocket: Pocket,
) -> None:
    # Both stay within the radius of 100 m all the time.
    yard = strip(-30, 40)
    pocket.hub.write(acts.edit_job(pocket.job, {"outline": yard}))
    pocket.sync()
    assert corners_on(pocket, pocket.job) == corners_of(yard)
    await pocket.visit()
    assert len(pocket.logs()) == 1

    beside = strip(45, 90)
    pocket.hub.write(acts.edit_job(pocket.job, {"outline": beside}))
    pocket.sync()
    assert corners_on(pocket, pocket.job) == corners_of(beside)
    await pocket.drive(4_000, 3_000)
    await pocket.visit()
    assert len(pocket.logs()) == 1, "the phone stayed 45 m outside of the yard"

    pocket.hub.write(acts.edit_job(pocket.job, {"outline": None}))
    pocket.sync()
    assert corners_on(pocket, pocket.job) == ()


async def test_a_yard_longer_than_its_radius_is_a_visit_to_its_end(pocket: Pocket) -> None:
    pocket.hub.write(acts.edit_job(pocket.job, {"outline": strip(-600, 40)}))
    pocket.sync()
    await pocket.drive(-4_000, -900)
    for step in range(90):
        await pocket.fix(-550 + step % 3 * 5, 0.2)
    await pocket.drive(-700, -4_000)
    await pocket.wait(7)
    assert len(pocket.logs()) == 1


def test_rows_hold_the_outline_and_follow_from_the_log(pocket: Pocket) -> None:
    customer, place = acts.new_stream_id(Kind.CUSTOMER, START_MS, b"yard oy"), b"the yard"
    yard = strip(-30, 40)
    pocket.hub.write(acts.edit_place(customer, place, {"point": at(0), "outline": yard}))
    pocket.hub.write(acts.edit_job(pocket.job, {"outline": yard}))
    pocket.sync()
    for replica, table in (
        (pocket.hub, "customer_place"),
        (pocket.hub, "job"),
        (pocket.replica, "job"),
    ):
        rows = replica.store.db.execute(f"SELECT outline FROM {table}").fetchall()
        assert [json.loads(row[0]) for row in rows] == [yard]
        assert check_store(replica) == []
    pocket.hub.write(acts.edit_job(pocket.job, {"outline": None}))
    assert pocket.hub.store.db.execute("SELECT outline FROM job").fetchone() == ("",)
    assert check_store(pocket.hub) == []


def test_an_outline_that_no_polygon_can_be_made_of_leaves_the_circle(pocket: Pocket) -> None:
    yard = strip(-30, 40)
    bow = [*yard[:4], *yard[6:], *yard[4:6]]
    pocket.hub.write([Change(pocket.job, (fields.OUTLINE,), bow)])
    pocket.sync()
    assert corners_on(pocket, pocket.job) == ()


def test_a_pin_that_was_moved_away_leaves_its_outline_behind(pocket: Pocket) -> None:
    pocket.hub.write(acts.edit_job(pocket.job, {"outline": strip(-30, 40)}))
    pocket.hub.write(acts.edit_job(pocket.job, {"point": at(5_000)}))
    pocket.sync()
    assert corners_on(pocket, pocket.job) == ()


def test_two_outlines_drawn_apart_are_both_kept_and_shown_alike(pocket: Pocket) -> None:
    second = pocket.site.hub("B", pocket.clock)
    assert hold(second, pocket.hub).live
    ours, theirs = strip(-30, 40), strip(-60, 20)
    pocket.hub.write(acts.edit_job(pocket.job, {"outline": ours}))
    pocket.clock.pass_ms(1_000)
    second.write(acts.edit_job(pocket.job, {"outline": theirs}))
    assert hold(second, pocket.hub).live
    pocket.sync()
    for replica in (pocket.hub, second):
        row = replica.store.db.execute("SELECT outline, conflicts FROM job").fetchone()
        assert (json.loads(row[0]), row[1]) == (theirs, 1)
    assert corners_on(pocket, pocket.job) == corners_of(theirs)


def test_own_tracks_watches_a_circle_that_reaches_to_the_farthest_corner(pocket: Pocket) -> None:
    # 200 m long and 100 m wide, its middle 60 m south of the pin.
    pocket.hub.write(acts.edit_job(pocket.job, {"outline": strip(-160, 40)}))
    pocket.sync()
    context = read_context(pocket.replica, pocket.worker)
    steering = Steering()
    # What the app had before is cleared in the first answer, and told anew in the second.
    told = [steering.commands(context, IDLE, pocket.clock.now_ms()) for _ in range(2)][1]
    (waypoints,) = [command["waypoints"] for command in told if "waypoints" in command]
    assert isinstance(waypoints, dict)
    (watched,) = waypoints["waypoints"]
    assert round(watched["lat"] * 1e7) == at(-60)[0]
    assert round(watched["lon"] * 1e7) == LON
    assert 111 <= watched["rad"] <= 113


@pytest.mark.parametrize(("radius_m", "counts_as"), [(1, 30), (-7, 30), (90_000, 1_000)])
async def test_a_radius_that_only_another_program_allows_stops_no_logger(
    pocket: Pocket, radius_m: int, counts_as: int
) -> None:
    pocket.hub.write([Change(pocket.job, (fields.RADIUS,), radius_m)])
    pocket.sync()
    await pocket.visit()
    place = read_context(pocket.replica, pocket.worker).places.spot_by_job[pocket.job].place
    assert place.radius_m == counts_as
