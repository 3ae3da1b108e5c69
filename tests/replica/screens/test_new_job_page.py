"""A new job on the phone, where the site allows it."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from core.dispatch import acts
from core.dispatch.fields import Kind
from core.dispatch.fix import Fix
from core.dispatch.permits import CREATE_JOBS
from tests.replica.screens.conftest import Phone, joined


@pytest.fixture
async def maker(tmp_path: Path) -> AsyncIterator[Phone]:
    """A phone whose key may make jobs, of a site that allows it."""
    allowed = acts.set_setting("workers_create_jobs", True)
    async with joined(tmp_path, allowed, (CREATE_JOBS,)) as found:
        yield found


async def test_a_job_made_with_no_network_is_the_workers_own_and_reaches_the_office(
    maker: Phone,
) -> None:
    customer = maker.site.new_id(Kind.CUSTOMER)
    maker.office(acts.edit_customer(customer, {"name": "Novak Heating"}))
    known = maker.give_job("Pump", customer=customer)
    await maker.sync()
    await maker.device.take_fix(Fix(maker.clock.now_ms(), 494_000_000, 155_900_000, 9))
    page = await maker.get("/jobs")
    assert 'id="new-job"' in page.text
    form = await maker.get("/jobs/new")
    assert "Novak Heating" in form.text
    assert "It is here" in form.text
    made = await maker.post(
        "/jobs/new", title="Tap drips", customer=customer.hex(), here="yes", priority="2",
        description="Neighbour asked.\r\nSecond floor",
    )  # fmt: skip
    assert "Job made, saved on this phone" in made.text
    found = re.match(r"/jobs/([0-9a-f]{24})", made.path)
    assert found is not None
    job = found[1]
    assert await maker.phase(job) == "accepted"
    await maker.tap(job, "accepted", "on site")
    await maker.sync()
    row = maker.hub.store.db.execute(
        "SELECT title, description, lat_e7, priority, worker, status FROM job WHERE job = ?", (job,)
    ).fetchone()
    assert tuple(row) == (
        "Tap drips", "Neighbour asked.\nSecond floor", 494_000_000, 2, maker.worker.hex(),
        "in progress",
    )  # fmt: skip
    assert known in (await maker.get("/jobs")).text
    assert job in (await maker.get("/jobs")).text, "it stays on the phone that made it"


async def test_a_customers_job_is_at_their_only_place_unless_something_else_is_said(
    maker: Phone,
) -> None:
    customer, place = maker.site.new_id(Kind.CUSTOMER), maker.site.entropy(8)
    yard = [*(500_000_000, 1), *(500_010_000, 1), *(500_010_000, 20_000)]
    spot = {"address": "Lipova 12", "point": [500_000_000, 1], "outline": yard}
    maker.office(
        acts.edit_customer(customer, {"name": "Novak Heating"})
        + acts.edit_place(customer, place, spot)
    )
    maker.give_job("Pump", customer=customer)
    await maker.sync()
    await maker.post("/jobs/new", title="There", customer=customer.hex())
    await maker.post("/jobs/new", title="Else", customer=customer.hex(), address="Nova 1")
    found = await maker.rows(
        "SELECT title, place, address, lat_e7, outline FROM job ORDER BY title"
    )
    assert [row for row in found if row[0] != "Pump"] == [
        ("Else", "", "Nova 1", None, ""),
        ("There", place.hex(), "Lipova 12", 500_000_000, json.dumps(yard, separators=(",", ":"))),
    ]


async def test_a_form_that_cant_be_taken_comes_back_as_it_was_filled_in(maker: Phone) -> None:
    for form, words in (
        ({"title": " ", "address": "Lipova 12"}, "title"),
        ({"title": "Tap", "address": "x" * 9_000}, "address"),
        ({"title": "Tap", "priority": "9"}, "priority"),
        ({"title": "Tap", "customer": "nobody"}, "choose a customer"),
        ({"title": "Tap", "here": "yes"}, "no position of now"),
    ):
        answer = await maker.post("/jobs/new", **form)
        assert answer.status == 400, form
        assert words in answer.text.lower(), answer.text
        assert form.get("address", "Lipova 12")[:50] in answer.text or "address" not in form
    assert await maker.rows("SELECT * FROM job") == []


async def test_where_the_site_takes_it_back_the_phone_offers_it_no_more(maker: Phone) -> None:
    maker.office(acts.set_setting("workers_create_jobs", False))
    await maker.sync()
    assert 'id="new-job"' not in (await maker.get("/jobs")).text
    answer = await maker.post("/jobs/new", title="Tap drips")
    assert (answer.status, "Your site leaves that to the office" in answer.text) == (403, True)
    assert await maker.rows("SELECT * FROM job") == []


async def test_a_phone_whose_key_has_no_right_to_it_offers_none(phone: Phone) -> None:
    phone.office(acts.set_setting("workers_create_jobs", True))
    await phone.sync()
    assert 'id="new-job"' not in (await phone.get("/jobs")).text
    assert (await phone.get("/jobs/new")).status == 403


async def test_a_job_of_ones_own_is_given_to_nobody_else(maker: Phone) -> None:
    bo = maker.site.worker(maker.hub, "Bo")
    job = acts.own_job_stream(maker.worker, maker.clock.now_ms(), b"abc")
    changes = acts.create_job(job, {"title": "Yours now"})
    with pytest.raises(acts.ActError, match="does not permit"):
        await maker.device.act(changes + acts.assign(job, bo, b"12345678"))
    assert await maker.rows("SELECT * FROM job") == []
