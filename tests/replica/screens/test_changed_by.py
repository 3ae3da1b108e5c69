"""A change to a job says who made it: the office by name, a colleague, oneself on another phone."""

from __future__ import annotations

from core.dispatch import acts
from core.dispatch.acting import acting_as
from core.dispatch.acts import Act
from core.dispatch.fields import Kind
from tests.build import hold
from tests.replica.screens.conftest import HOUR_MS, Phone
from tests.replica.screens.test_overruled import words

EVA, BO = b"evaevaev", b"bobobobo"


async def seen_job(phone: Phone, **values: object) -> bytes:
    """A job that the worker has looked at."""
    job = phone.give_job("Boiler", **values)
    await phone.sync()
    await phone.get(f"/jobs/{job}")
    await phone.sync()
    return bytes.fromhex(job)


def act_as(phone: Phone, account: bytes, name: str, changes: Act) -> None:
    """An act of an account, as a hub writes it: with the name that the account has."""
    job = changes[0].stream
    told = acting_as(phone.hub.state(job).registers, job, account, name)
    phone.hub.write([*changes, *told], actor=account)


async def both(phone: Phone, job: bytes) -> tuple[str, str]:
    """The list and the job's page as a person reads them."""
    await phone.sync()
    listed = words((await phone.get("/jobs")).text)
    return listed, words((await phone.get(f"/jobs/{job.hex()}")).text)


async def test_a_change_is_by_the_person_who_made_it(phone: Phone) -> None:
    now = phone.clock.now_ms()
    job = await seen_job(phone, window=[now + HOUR_MS, now + 2 * HOUR_MS])
    act_as(phone, EVA, "Eva Novakova", acts.edit_job(job, {"title": "Pump"}))
    for page in await both(phone, job):
        assert "Changed by Eva Novakova: title" in page
    act_as(phone, BO, "Bo", acts.edit_job(job, {"priority": 3}))
    for page in await both(phone, job):
        assert "Changed by Eva Novakova, Bo: title, priority" in page
    # A name counts from the act on that it came with; who is not named is the office.
    await phone.post(f"/jobs/{job.hex()}/seen")
    moved = {"window": [now + 3 * HOUR_MS, now + 4 * HOUR_MS]}
    phone.hub.write(acts.edit_job(job, moved), actor=b"nobody!!")
    for page in await both(phone, job):
        assert "Moved from 09:00–10:00 by the office" in page
    act_as(phone, EVA, "Eva Novakova", acts.cancel_job(job, "customer called"))
    assert "Cancelled by Eva Novakova" in (await both(phone, job))[0]


async def test_a_customers_new_address_is_nobodys_in_the_job(phone: Phone) -> None:
    customer, place = phone.site.new_id(Kind.CUSTOMER), b"placepla"
    spot = {"name": "Shop", "address": "Lipova 1", "point": [600_000_000, 240_000_000]}
    phone.office(acts.edit_customer(customer, {"name": "Novak"}))
    phone.office(acts.edit_place(customer, place, spot))
    job = await seen_job(phone, customer=customer, place=place)
    act_as(phone, EVA, "Eva", acts.edit_job(job, {"contact_phone": "+420 777 123 456"}))
    assert "Changed by Eva: contact" in (await both(phone, job))[0]
    await phone.post(f"/jobs/{job.hex()}/seen")
    phone.hub.write(acts.edit_place(customer, place, {"address": "Lipova 2"}), actor=BO)
    assert "Changed by the office: place" in (await both(phone, job))[0]
    act_as(phone, EVA, "Eva", acts.edit_job(job, {"address": "Lipova 3"}))
    assert "Changed by Eva: place" in (await both(phone, job))[0]


async def test_the_same_entries_name_the_same_person_in_any_order_of_arrival(phone: Phone) -> None:
    job = await seen_job(phone)
    # The title comes from a hub that has not heard of the name yet, and the name from another.
    phone.hub.write(acts.edit_job(job, {"title": "Pump"}), actor=EVA)
    assert "Changed by the office: title" in (await both(phone, job))[0]
    phone.hub.write(acting_as(phone.hub.state(job).registers, job, EVA, "Eva"), actor=EVA)
    assert "Changed by Eva: title" in (await both(phone, job))[0]


async def test_a_worker_cannot_give_the_office_a_name(phone: Phone) -> None:
    job = await seen_job(phone)
    phone.hub.write(acts.edit_job(job, {"title": "Pump"}), actor=EVA)
    replica = phone.device.writer.replica
    # A hostile phone writes what its certificate does not permit: it is kept, and counts nowhere.
    forged = acting_as({}, job, EVA, "Mallory")
    replica._permits = lambda *_: True
    await phone.device.writer.run(replica.write, forged)
    for page in await both(phone, job):
        assert "Changed by the office: title" in page
        assert "Mallory" not in page


async def test_what_the_own_worker_changed_elsewhere_is_ones_own(phone: Phone) -> None:
    # A job that the worker's other phone made, under the right to.
    # Folders are named by how many replicas are open; the fixture's own was closed in between.
    phone.site.opened.append(phone.hub)
    other = phone.site.phone(phone.hub, phone.worker, clock=phone.clock, rights=("create jobs",))
    phone.site.opened.remove(phone.hub)
    hold(other, phone.hub)
    job = acts.own_job_stream(phone.worker, phone.clock.now_ms(), b"123")
    turn = b"turnturn"
    other.write(acts.create_job(job, {"title": "Gutter"}) + acts.assign(job, phone.worker, turn))
    hold(other, phone.hub)
    await phone.sync()
    await phone.get(f"/jobs/{job.hex()}")
    await phone.sync()
    hold(other, phone.hub)
    other.write(acts.edit_job(job, {"description": "Take the ladder"}))
    hold(other, phone.hub)
    for page in await both(phone, job):
        assert "Changed by you on another phone: instructions" in page
    assert job[4] == Kind.JOB
