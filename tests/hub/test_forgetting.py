"""Erasing by a person's word and by rules of retention: what goes, what stays, what is refused."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from core.dispatch import acts, day_acts
from core.dispatch.acts import SITE_STREAM, ActError, Change, day_stream
from core.dispatch.fields import SETTING, Kind, LogKind
from core.dispatch.fix import Fix, encode_track
from hub.erasables import of_stream
from hub.forgetting import (
    DAY_MS,
    KEEPING,
    apply_retention,
    before_of,
    dated_of,
    erase_streams,
    jobs_of,
    keep_days,
    known_now_ms,
)
from hub.revocation import shut_out
from replica.checking import check_store
from replica.replica import Replica
from tests.build import MINUTE_MS, START_MS, Site, agree, clock_of, hold, rows_of, streams_of

FIRST_DAY = date(2026, 3, 2)


@pytest.fixture
def hub(site: Site) -> Replica:
    return site.hub()


@pytest.fixture
def ana(site: Site, hub: Replica) -> bytes:
    return site.worker(hub, "Ana")


@pytest.fixture
def phone(site: Site, hub: Replica, ana: bytes) -> Replica:
    return site.phone(hub, ana, session_until=START_MS + 5_000 * DAY_MS)


def work(phone: Replica, worker: bytes, job: bytes, day: str, minutes: int = 30) -> None:
    """A day of one log on a job, and a track of three fixes."""
    at_ms = phone.clock.now_ms()
    log = bytes.fromhex(day.replace("-", "")) + b"log!"
    phone.write(
        [
            *day_acts.start_log(worker, day, job, log, LogKind.ON_SITE, at_ms=at_ms),
            *day_acts.stop_log(worker, day, job, log, at_ms=at_ms + minutes * MINUTE_MS),
        ]
    )
    fixes = [Fix(at_ms + step * 10_000, 601_000_000 + step, 249_000_000, 8) for step in range(3)]
    phone.write(day_acts.add_fixes(worker, day, encode_track(fixes)))


def work_for(days: int, phone: Replica, hub: Replica, worker: bytes, job: bytes) -> None:
    """So many days of it, one after another."""
    for number in range(days):
        work(phone, worker, job, (FIRST_DAY + timedelta(number)).isoformat())
        for each in (phone, hub):
            clock_of(each).pass_ms(DAY_MS)


def days_held(replica: Replica, worker: bytes, kind: Kind) -> int:
    return len(dated_of(replica.store.db, worker, kind))


def test_tracks_go_after_ninety_days_and_hours_stay(
    site: Site, hub: Replica, ana: bytes, phone: Replica
) -> None:
    job, _ = site.job(hub, "Boiler", ana)
    work_for(100, phone, hub, ana, job)
    hold(phone, hub)
    assert apply_retention(hub) == {Kind.TRACK: before_of(hub.clock.now_ms(), 90)}
    hold(phone, hub)
    for each in (hub, phone):
        assert 83 <= days_held(each, ana, Kind.TRACK) <= 90
        assert days_held(each, ana, Kind.DAY) == 100
    assert apply_retention(hub) == {}, "once a week is enough"


def test_two_hubs_that_both_apply_a_rule_write_the_same(
    site: Site, hub: Replica, ana: bytes, phone: Replica
) -> None:
    second = site.hub("B")
    job, _ = site.job(hub, "Boiler", ana)
    hub.write(acts.set_setting("keep_days_days", 60))
    work_for(100, phone, hub, ana, job)
    hold(phone, hub)
    hold(second, hub)
    clock_of(second).wall_ms = hub.clock.now_ms() + 3 * 3_600_000
    assert apply_retention(hub) == apply_retention(second)
    assert hold(second, hub).live
    assert hold(phone, hub).live
    assert agree(hub, second)
    assert agree(hub, phone)
    assert rows_of(hub, lambda name: name not in ("erased", "erased_time")) == rows_of(
        second, lambda name: name not in ("erased", "erased_time")
    )
    assert check_store(hub) == check_store(second) == check_store(phone) == []
    (total,) = hub.store.db.execute("SELECT sum(minutes) FROM erased_time").fetchone()
    (left,) = hub.store.db.execute("SELECT sum(seconds) / 60 FROM time_log").fetchone()
    assert total + left == 100 * 30
    assert phone.store.db.execute("SELECT count(*) FROM erased_time").fetchone() == (0,)


def test_a_hub_whose_clock_runs_ahead_erases_nothing(
    site: Site, hub: Replica, ana: bytes, phone: Replica
) -> None:
    job, _ = site.job(hub, "Boiler", ana)
    work_for(3, phone, hub, ana, job)
    hold(phone, hub)
    clock_of(hub).pass_ms(3_650 * DAY_MS)
    assert apply_retention(hub) == {}
    assert days_held(hub, ana, Kind.TRACK) == 3


def test_jobs_that_are_open_stop_the_rule_at_their_age(
    site: Site, hub: Replica, ana: bytes, phone: Replica
) -> None:
    hub.write(acts.set_setting("keep_jobs_days", 60))
    jobs = []
    for number in range(5):
        job, _ = site.job(hub, f"Job {number}", ana)
        jobs.append(job)
        clock_of(hub).pass_ms(DAY_MS)
    for job in (jobs[0], jobs[1], jobs[3], jobs[4]):
        hub.write(acts.cancel_job(job, "no need"))
    hold(phone, hub)
    for each in (hub, phone):
        clock_of(each).pass_ms(100 * DAY_MS)
    phone.write(acts.add_note(jobs[2], "still at it"))
    hold(phone, hub)
    assert list(apply_retention(hub)) == [Kind.JOB]
    assert [job in streams_of(hub) for job in jobs] == [False, False, True, True, True]
    numbers = hub.store.db.execute("SELECT status, minutes FROM erased_job").fetchall()
    assert numbers == [("cancelled", 0)] * 2


def test_a_customer_goes_with_the_jobs_and_open_ones_are_refused(
    site: Site, hub: Replica, ana: bytes, phone: Replica
) -> None:
    customer = site.new_id(Kind.CUSTOMER)
    hub.write(acts.edit_customer(customer, {"name": "Novak"}))
    job = site.new_id(Kind.JOB)
    hub.write(
        acts.create_job(job, {"title": "Boiler", "customer": customer})
        + acts.assign(job, ana, site.entropy(8))
    )
    hold(phone, hub)
    work(phone, ana, job, "2026-03-02", minutes=50)
    hold(phone, hub)
    before = rows_of(hub)
    for named in ([customer], [job], [customer, job]):
        with pytest.raises(ActError, match="close it first"):
            erase_streams(hub, named)
    assert rows_of(hub) == before
    hub.write(acts.cancel_job(job, "no need"))
    erase_streams(hub, [customer, *jobs_of(hub.store.db, customer)], actor=b"dispatch")
    hold(phone, hub)
    for each in (hub, phone):
        assert streams_of(each).isdisjoint({customer, job})
        assert check_store(each) == []
    # The hours are the worker's: they stay, and so does what they were for, by its number.
    assert hub.store.db.execute("SELECT seconds FROM time_log").fetchall() == [(3_000,)]
    assert hub.store.db.execute("SELECT minutes FROM erased_job").fetchall() == [(50,)]
    said = hub.store.db.execute("SELECT what, actor FROM erased ORDER BY what").fetchall()
    assert said == sorted((each.hex(), b"dispatch".hex()) for each in (customer, job))
    with pytest.raises(ActError, match="before"):
        erase_streams(hub, [job])


def test_a_day_goes_only_when_its_logs_have_ended(
    site: Site, hub: Replica, ana: bytes, phone: Replica
) -> None:
    job, _ = site.job(hub, "Boiler", ana)
    day, log = FIRST_DAY.isoformat(), site.entropy(8)
    phone.write(day_acts.start_log(ana, day, job, log, LogKind.ON_SITE))
    hold(phone, hub)
    before = rows_of(hub)
    stream = acts.day_stream(ana, day)
    with pytest.raises(ActError, match="still open; end it first"):
        erase_streams(hub, [stream])
    assert rows_of(hub) == before
    at_ms = phone.clock.now_ms() + MINUTE_MS
    phone.write(day_acts.stop_log(ana, day, job, log, at_ms=at_ms))
    hold(phone, hub)
    erase_streams(hub, [stream])
    assert days_held(hub, ana, Kind.DAY) == 0


@pytest.mark.parametrize(
    ("value", "days"),
    [(0, 0), (1, 30), (29, 30), (30, 30), (400, 400), (-1, 90), ("soon", 90), (True, 90)],
)
def test_a_rule_keeps_a_month_at_the_least_and_nonsense_is_as_none(
    hub: Replica, value: object, days: int
) -> None:
    (rule,) = (each for each in KEEPING if each.kind == Kind.TRACK)
    assert keep_days(hub.store.db, rule) == 90
    # No office writes such values, and an older or a foreign program may have.
    hub.write([Change(SITE_STREAM, (SETTING, rule.setting), value)])
    assert hub.store.db.execute("SELECT count(*) FROM setting").fetchone() == (1,)
    assert keep_days(hub.store.db, rule) == days


def test_a_phone_in_2036_makes_no_rule_erase_more(
    site: Site, hub: Replica, ana: bytes, phone: Replica
) -> None:
    job, _ = site.job(hub, "Boiler", ana)
    work_for(100, phone, hub, ana, job)
    hold(phone, hub)
    clock_of(phone).wall_ms += 3_650 * DAY_MS
    phone.write(acts.add_note(job, "from the future"))
    hold(phone, hub)
    assert known_now_ms(hub) == hub.clock.now_ms()
    assert apply_retention(hub) == {Kind.TRACK: before_of(hub.clock.now_ms(), 90)}
    assert days_held(hub, ana, Kind.TRACK) >= 83


def test_what_hubs_tell_each_other_proves_no_time(
    site: Site, hub: Replica, ana: bytes, phone: Replica
) -> None:
    job, _ = site.job(hub, "Boiler", ana)
    work_for(3, phone, hub, ana, job)
    hold(phone, hub)
    second = site.hub("B")
    hold(second, hub)
    for each in (hub, second):
        clock_of(each).pass_ms(3_650 * DAY_MS)
    second.write(acts.set_setting("threshold_min", 9))
    hold(second, hub)
    assert apply_retention(hub) == {}
    assert days_held(hub, ana, Kind.TRACK) == 3


def test_a_worker_goes_only_when_every_phone_is_shut_out(
    site: Site, hub: Replica, ana: bytes, phone: Replica
) -> None:
    job, _ = site.job(hub, "Boiler", ana)
    work_for(2, phone, hub, ana, job)
    hold(phone, hub)
    with pytest.raises(ActError, match="shut it out first"):
        erase_streams(hub, [ana])
    shut_out(hub, phone.author)
    erase_streams(hub, [ana, *dated_of(hub.store.db, ana, Kind.TRACK)])
    assert ana not in streams_of(hub)
    assert days_held(hub, ana, Kind.TRACK) == 0
    assert days_held(hub, ana, Kind.DAY) == 2
    assert check_store(hub) == []


@pytest.mark.parametrize("days", [30, 90, 365])
def test_a_rule_erases_on_mondays_and_keeps_nothing_longer_than_it_says(days: int) -> None:
    for hours in range(0, 24 * 20, 5):
        now_ms = START_MS + hours * 3_600_000
        before_ms = before_of(now_ms, days)
        assert before_ms % DAY_MS == 0
        assert (date(1970, 1, 1) + timedelta(before_ms // DAY_MS)).weekday() == 0
        assert days - 7 < (now_ms - before_ms) / DAY_MS <= days


def test_hours_that_the_office_wrote_stay_when_their_worker_is_erased(
    site: Site, hub: Replica
) -> None:
    bo, log, day = site.worker(hub, "Bo"), b"log-0001", FIRST_DAY.isoformat()
    other = site.hub("B")
    hold(other, hub)
    hub.write(
        [
            *day_acts.start_log(bo, day, None, log, LogKind.OTHER, at_ms=START_MS),
            *day_acts.stop_log(bo, day, None, log, at_ms=START_MS + 30 * MINUTE_MS),
        ]
    )
    asked = "SELECT worker, day, seconds FROM time_log"
    hours = hub.store.db.execute(asked).fetchall()
    assert hours == [(bo.hex(), day, 1_800)]
    chosen = of_stream(hub.store.db, bo)
    assert chosen is not None
    erase_streams(hub, chosen.chosen(along=False))
    # Another hub hears of the day and of the erasure at once, and never knew whose day it is.
    hold(other, hub)
    for each in (hub, other):
        assert each.store.db.execute(asked).fetchall() == hours
        assert check_store(each) == []
    # When the day goes by its age, its minutes stay.
    erase_streams(hub, [day_stream(bo, day)])
    minutes = "SELECT worker, day, minutes FROM erased_time"
    assert hub.store.db.execute(minutes).fetchall() == [(bo.hex(), day, 30)]
