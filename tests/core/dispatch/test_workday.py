"""What stands in a day's registers becomes logs, duties and tracks, whoever wrote what."""

from __future__ import annotations

import pytest

from core.dispatch import acts, day_acts
from core.dispatch.acts import Change
from core.dispatch.fields import LOG_START, LogKind, Source
from core.dispatch.workday import (
    day_of,
    duties_of,
    duty_moments,
    logs_of,
    neighbours,
    tracks_of,
)
from core.log.stream import StreamState
from replica.replica import Replica
from tests.build import START_MS, SettableClock, Site, hold

DAY = "2026-03-02"


@pytest.fixture
def hub(site: Site) -> Replica:
    return site.hub(clock=SettableClock())


@pytest.fixture
def worker(site: Site, hub: Replica) -> bytes:
    return site.worker(hub, "Aino")


@pytest.fixture
def phone(site: Site, hub: Replica, worker: bytes) -> Replica:
    found = site.phone(hub, worker)
    hold(found, hub)
    return found


def day_state(replica: Replica, worker: bytes, day: str = DAY) -> StreamState:
    return replica.state(acts.day_stream(worker, day))


@pytest.mark.parametrize("day", ["1970-01-02", "2000-02-29", "2026-03-02", "2026-12-31"])
def test_a_days_stream_tells_its_day(worker: bytes, day: str) -> None:
    if day >= "2020":
        assert day_of(acts.day_stream(worker, day)) == day
    before, after = neighbours(day)
    assert before < day < after


def test_neighbours_cross_months_and_years() -> None:
    assert neighbours("2026-03-01") == ("2026-02-28", "2026-03-02")
    assert neighbours("2026-12-31") == ("2026-12-30", "2027-01-01")


def test_a_plain_start_is_by_hand_of_whoever_wrote_it(
    hub: Replica, phone: Replica, worker: bytes
) -> None:
    phone.write(day_acts.start_log(worker, DAY, None, b"phonelog", LogKind.OTHER))
    hub.write(day_acts.start_log(worker, DAY, None, b"hubs-log", LogKind.OTHER))
    hold(phone, hub)
    found = {read.log.log_id: read.log.source for read in logs_of(day_state(hub, worker), worker)}
    assert found == {b"phonelog": Source.MANUAL, b"hubs-log": Source.DISPATCHER}


def test_a_log_without_a_time_begins_when_its_entry_was_made(phone: Replica, worker: bytes) -> None:
    phone.write(day_acts.start_log(worker, DAY, None, b"at-entry", LogKind.OTHER))
    phone.write(
        day_acts.start_log(worker, DAY, None, b"at-told!", LogKind.OTHER, at_ms=START_MS - 5)
    )
    told, made = logs_of(day_state(phone, worker), worker)
    assert (told.log.start.wall_ms, told.log.start.uptime_ms) == (START_MS - 5, None)
    assert (made.log.start.wall_ms, made.log.start.uptime_ms) == (START_MS, 5_000_000)
    assert made.log.stop is None


def test_a_kind_of_a_later_version_is_no_log_here(hub: Replica, worker: bytes) -> None:
    stream = acts.day_stream(worker, DAY)
    hub.write([Change(stream, (LOG_START, b"", b"unknown!"), 99)])
    assert logs_of(day_state(hub, worker), worker) == []


def test_rule_evidence_and_what_is_replaced_come_with_the_log(
    phone: Replica, worker: bytes
) -> None:
    changes = day_acts.start_log(
        worker, DAY, None, b"autolog!", LogKind.TRAVEL, at_ms=START_MS, source=Source.AUTO,
        evidence=[1_000, 2_000], rule=[1, 3],
    )  # fmt: skip
    phone.write(changes)
    phone.write(
        day_acts.correct_log(
            worker,
            DAY,
            old_job=None,
            old=b"autolog!",
            new=b"newlog!!",
            job=None,
            kind=LogKind.TRAVEL,
            start_ms=START_MS,
            stop_ms=START_MS + 9,
            reason="later",
        )  # fmt: skip
    )
    found = {read.log.log_id: read for read in logs_of(day_state(phone, worker), worker)}
    assert found[b"autolog!"].rule == (1, 3)
    assert found[b"autolog!"].log.evidence_ms == (1_000, 2_000)
    assert found[b"newlog!!"].log.supersedes == b"autolog!"
    assert found[b"newlog!!"].log.reason == "later"


def test_a_duty_has_its_start_and_stop_by_the_phones_clocks(phone: Replica, worker: bytes) -> None:
    clock = phone.clock
    assert isinstance(clock, SettableClock)
    phone.write(day_acts.start_duty(worker, DAY, b"duty-one"))
    clock.pass_ms(60_000)
    phone.write(day_acts.stop_duty(worker, DAY, b"duty-one"))
    phone.write(day_acts.start_duty(worker, DAY, b"duty-two", at_ms=START_MS + 5_000))
    state = day_state(phone, worker)
    marks = [(mark.duty_id, mark.start_ms, mark.stop_ms) for mark in duties_of(state)]
    assert marks == [
        (b"duty-one", START_MS, START_MS + 60_000),
        (b"duty-two", START_MS + 5_000, None),
    ]
    moments = {duty: (start, stop) for duty, start, stop in duty_moments(state)}
    assert moments[b"duty-one"][0].uptime_ms == 5_000_000
    assert moments[b"duty-two"][0].uptime_ms is None


def test_tracks_come_sorted_by_their_ids(phone: Replica, worker: bytes) -> None:
    for number in range(3):
        phone.write(day_acts.add_fixes(worker, DAY, [number]))
    found = tracks_of(phone.state(acts.track_stream(worker, DAY)).registers)
    assert [track for track, _ in found] == sorted(track for track, _ in found)
    assert sorted(coded for _, coded in found) == [[0], [1], [2]]


def test_the_offset_learnt_from_the_hub_corrects_the_time(phone: Replica, worker: bytes) -> None:
    phone.offset.compare(phone.clock.uptime_ms(), START_MS - 3_600_000)
    phone.write(day_acts.start_log(worker, DAY, None, b"shifted!", LogKind.OTHER))
    (read,) = logs_of(day_state(phone, worker), worker)
    assert read.log.start.corrected_ms == START_MS - 3_600_000
