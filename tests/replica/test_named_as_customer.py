"""What a job names as its customer opens no other stream to its worker's phone."""

from __future__ import annotations

import pytest

from core.dispatch import acts, day_acts
from core.dispatch.acts import OFFICE_STREAM, Change
from core.dispatch.fields import ACCOUNT_PASSWORD, CUSTOMER, Kind
from core.dispatch.permits import CREATE_JOBS
from replica.replica import Replica
from tests.build import START_MS, Meeting, Site, hold, streams_of

DAY = "2026-03-02"
SECRET = "a password's hash"


@pytest.fixture
def bo(site: Site, hub: Replica) -> bytes:
    return site.worker(hub, "Bo")


@pytest.fixture
def maker(site: Site, hub: Replica, bo: bytes) -> Replica:
    """Bo's phone, which may make jobs."""
    return site.phone(hub, bo, rights=(CREATE_JOBS,))


def own_job(site: Site, hub: Replica, maker: Replica, bo: bytes) -> bytes:
    """A job that Bo proposed and that the office gave to him."""
    job = acts.own_job_stream(bo, START_MS, site.entropy(3))
    maker.write(acts.create_job(job, {"title": "Gutter"}))
    assert hold(maker, hub).live
    hub.write(acts.assign(job, bo, site.entropy(8)))
    assert hold(maker, hub).live
    return job


def told(meeting: Meeting, side: int) -> bytes:
    return b"".join(meeting.plain(side))


@pytest.mark.parametrize("named", ["the office", "a colleague", "a colleague's day"])
def test_a_worker_gets_no_stream_from_a_hub_by_naming_it_as_the_customer(
    site: Site, hub: Replica, ana: bytes, phone: Replica, bo: bytes, maker: Replica, named: str
) -> None:
    hub.write([Change(OFFICE_STREAM, (ACCOUNT_PASSWORD, b"12345678"), SECRET)])
    day = acts.day_stream(ana, DAY)
    phone.write(day_acts.start_duty(ana, DAY, site.entropy(8)))
    assert hold(phone, hub).live
    job = own_job(site, hub, maker, bo)
    stream = {"the office": OFFICE_STREAM, "a colleague": ana, "a colleague's day": day}[named]
    maker.write([Change(job, (CUSTOMER,), stream)])
    first, again = hold(maker, hub), hold(maker, hub)
    assert again.live
    assert stream not in streams_of(maker)
    assert SECRET.encode() not in told(first, 1) + told(again, 1)


def test_a_worker_gets_no_stream_from_a_colleague_by_naming_it_as_the_customer(
    site: Site, hub: Replica, ana: bytes, phone: Replica, bo: bytes, maker: Replica
) -> None:
    job = own_job(site, hub, maker, bo)
    hub.write(acts.assign(job, ana, site.entropy(8)))
    assert hold(phone, hub).live
    day = acts.day_stream(ana, DAY)
    phone.write(day_acts.start_duty(ana, DAY, site.entropy(8)))
    maker.write([Change(job, (CUSTOMER,), day)])
    assert hold(maker, phone).live
    assert hold(maker, phone).live
    assert day not in streams_of(maker)


def test_a_customer_that_a_worker_names_comes(
    site: Site, hub: Replica, bo: bytes, maker: Replica
) -> None:
    customer = site.new_id(Kind.CUSTOMER)
    hub.write(acts.edit_customer(customer, {"name": "Novak"}))
    job = own_job(site, hub, maker, bo)
    maker.write([Change(job, (CUSTOMER,), customer)])
    assert hold(maker, hub).live
    assert customer in streams_of(maker)
