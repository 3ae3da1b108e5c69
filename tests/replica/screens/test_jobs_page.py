"""Menu > Jobs: sections, search, duty, and the two ways in which jobs are off."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import aiohttp

from core.dispatch import acts
from core.dispatch.fields import Kind, Phase
from core.dispatch.fix import Fix
from tests.build import SettableClock, Site
from tests.replica.screens.conftest import HOUR_MS, Phone, served

Moment = Callable[[float], int]


def sections(page: str) -> dict[str, list[str]]:
    """The titles of the cards by section, as a page shows them."""
    parts = re.split(r'id="section-(\w+)"', page)[1:]
    return {
        name.capitalize(): re.findall(r'<strong class="card-title">([^<]*)<', text)
        for name, text in zip(parts[::2], parts[1::2], strict=True)
    }


async def test_each_job_stands_in_its_section_in_the_order_of_the_day(
    phone: Phone, at: Moment
) -> None:
    phone.give_job("third", window=[at(5), at(6)])
    second = phone.give_job("second", window=[at(2), at(3)])
    phone.give_job("any time")
    first = phone.give_job("overdue", window=[at(-20), at(-19)])
    phone.give_job("tomorrow", window=[at(25), at(26)])
    done = phone.give_job("finished")
    no = phone.give_job("refused")
    now = phone.give_job("running")
    await phone.sync()
    for job, phase in ((done, "finished"), (now, "on site")):
        await phone.tap(job, "", phase)
    await phone.post(f"/jobs/{no}/reject", choice="I am ill or off")
    found = sections((await phone.get("/jobs")).text)
    assert found == {
        "Now": ["running"],
        "Next": ["overdue"],
        "Today": ["second", "third", "any time"],
        "Later": ["tomorrow"],
        "Done": ["finished"],
        "Rejected": ["refused"],
    }
    assert first != second


async def test_a_job_taken_back_by_the_office_is_gone_and_its_page_says_why(phone: Phone) -> None:
    job = phone.give_job("Boiler")
    await phone.sync()
    turn = phone.turn_by_job[job]
    phone.office(acts.withdraw(bytes.fromhex(job), phone.worker, turn, "someone is nearer"))
    await phone.sync()
    assert "Boiler" not in (await phone.get("/jobs")).text
    page = await phone.get(f"/jobs/{job}")
    assert page.status == 410
    assert "no longer on this phone" in page.text
    assert "What you logged on it is kept" in page.text


async def test_a_job_is_called_by_its_number_in_the_list_and_on_its_page(phone: Phone) -> None:
    job = phone.give_job("Boiler")
    phone.office(acts.number_job(bytes.fromhex(job), "A-12"))
    await phone.sync()
    for path in ("/jobs", f"/jobs/{job}"):
        assert '<span class="number">A-12</span>' in (await phone.get(path)).text


async def test_search_finds_by_customer_without_case_and_accents(phone: Phone) -> None:
    customer = phone.site.new_id(Kind.CUSTOMER)
    phone.office(acts.edit_customer(customer, {"name": "Nováková Käserei"}))
    phone.give_job("Pump", customer=customer)
    phone.give_job("Boiler")
    await phone.sync()
    assert "Pump" in (await phone.get("/jobs?q=novakova+kase")).text
    page = (await phone.get("/jobs?q=NOVAK")).text
    assert "1 of 2 jobs" in page
    assert "Boiler" not in page
    assert "Nothing found" in (await phone.get("/jobs?q=zzz")).text


async def test_distance_is_shown_from_a_fresh_own_position_only(phone: Phone) -> None:
    phone.give_job("Boiler", point=[500_000_000, 140_000_000])
    await phone.sync()
    assert "km</span>" not in (await phone.get("/jobs")).text
    fix = Fix(phone.clock.now_ms(), 500_100_000, 140_000_000, 8)
    await phone.device.take_fix(fix)
    assert "1.1 km</span>" in (await phone.get("/jobs")).text
    phone.clock.pass_ms(HOUR_MS)
    assert "1.1 km</span>" not in (await phone.get("/jobs")).text


async def test_five_hundred_jobs_make_a_page_of_bounded_size(phone: Phone, at: Moment) -> None:
    changes = []
    for number in range(500):
        job = acts.new_stream_id(Kind.JOB, phone.clock.now_ms(), number.to_bytes(7, "big"))
        values = {"title": f"Job {number}", "window": [at(24 + number), at(25 + number)]}
        changes += acts.create_job(job, values)
        changes += acts.assign(job, phone.worker, number.to_bytes(8, "big"))
    phone.office(changes)
    await phone.sync()
    page = (await phone.get("/jobs")).text
    assert page.count('class="card"') == 31
    assert "Show all 499" in page
    assert (await phone.get("/jobs?section=Later")).text.count('class="card"') == 499


async def test_job_dispatch_off_at_the_site_hides_jobs_and_keeps_work(phone: Phone) -> None:
    job = phone.give_job("Boiler")
    await phone.sync()
    await phone.tap(job, "", "on site")
    phone.office(acts.set_setting("job_dispatch", False))
    await phone.sync()
    page = (await phone.get("/jobs")).text
    assert "Job Dispatch is off at your site" in page
    assert "Boiler" not in page
    assert "A time log is running" in page
    assert (await phone.get(f"/jobs/{job}")).path == "/jobs"
    assert "Job Dispatch is off" in (await phone.get("/menu")).text
    assert len(await phone.logs()) == 1


async def test_before_the_first_contact_a_phone_says_that_it_waits(tmp_path: Path) -> None:
    site = Site(tmp_path)
    hub = site.hub()
    replica = site.phone(hub, site.worker(hub, "Petr"))
    site.close()
    jar = aiohttp.CookieJar(unsafe=True)
    folder = replica.store.path.parent
    async with (
        served(folder, SettableClock(), "p") as found,
        aiohttp.ClientSession(cookie_jar=jar) as browser,
        browser.get(found.link) as answer,
    ):
        page = await answer.text()
    assert "Waiting for the hub" in page
    assert "Job Dispatch is off" not in page
    assert "All saved on hub" not in page


async def test_duty_is_started_and_stopped_once_however_often_it_is_tapped(phone: Phone) -> None:
    phone.office(acts.edit_worker(phone.worker, {"shift": [7 * 60, 15 * 60]}))
    await phone.sync()
    assert "Your shift began 07:00" in (await phone.get("/jobs")).text
    for _ in range(2):
        answer = await phone.post("/duty", duty="start")
    assert "On duty since 08:00" in answer.text
    phone.clock.pass_ms(HOUR_MS)
    for _ in range(2):
        await phone.post("/duty", duty="stop")
    start = phone.clock.now_ms() - HOUR_MS
    found = await phone.rows("SELECT start_at, stop_at FROM duty")
    assert found == [(start, start + HOUR_MS)]


async def test_a_shift_over_midnight_is_proposed_after_midnight(phone: Phone) -> None:
    phone.office(acts.edit_worker(phone.worker, {"shift": [22 * 60, 30 * 60]}))
    await phone.sync()
    assert "Next shift 22:00" in (await phone.get("/jobs")).text
    phone.clock.pass_ms(19 * HOUR_MS)
    assert "Your shift began 22:00" in (await phone.get("/jobs")).text


async def test_an_empty_phone_says_why_and_what_next(phone: Phone) -> None:
    page = (await phone.get("/jobs")).text
    assert "No jobs yet" in page
    assert 'href="/sync"' in page


async def test_a_moved_window_is_shown_until_it_is_seen(phone: Phone, at: Moment) -> None:
    job = phone.give_job("Boiler", window=[at(2), at(3)])
    await phone.sync()
    assert ">New</span>" in (await phone.get("/jobs")).text
    await phone.get(f"/jobs/{job}")
    assert "Moved" not in (await phone.get("/jobs")).text
    phone.office(acts.edit_job(bytes.fromhex(job), {"window": [at(4), at(5)]}))
    await phone.sync()
    assert "Moved from 10:00–11:00" in (await phone.get("/jobs")).text
    assert "Moved from 10:00–11:00" in (await phone.get(f"/jobs/{job}")).text
    await phone.post(f"/jobs/{job}/seen")
    assert "Moved" not in (await phone.get("/jobs")).text


async def test_a_turn_after_a_withdrawn_one_is_the_one_that_is_shown(phone: Phone) -> None:
    job = phone.give_job("Boiler")
    await phone.sync()
    stream, old = bytes.fromhex(job), phone.turn_by_job[job]
    phone.office(acts.withdraw(stream, phone.worker, old, "a mistake"))
    phone.clock.pass_ms(60_000)
    phone.office(acts.assign(stream, phone.worker, phone.site.entropy(8)))
    await phone.sync()
    assert sections((await phone.get("/jobs")).text)["Next"] == ["Boiler"]
    await phone.tap(job, "", "accepted")
    phases = await phone.rows("SELECT phase FROM assignment ORDER BY assigned_at")
    assert phases == [("withdrawn",), (Phase.ACCEPTED.name.lower(),)]
