"""The office's pages in a real Chromium, under the strict CSP."""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, Page, Route, expect

from core.dispatch.acts import (
    create_job,
    edit_contact,
    edit_customer,
    edit_place,
    edit_worker,
    new_stream_id,
    set_group,
)
from core.dispatch.fields import Kind
from replica.joining import join_by_link
from tests.web.browsing import sit_down
from tests.web.office import NOON_MS, Office

pytestmark = pytest.mark.browser


class Depot:
    """A site with a customer, a worker, a job; hex ids of them."""

    def __init__(self, office: Office) -> None:
        self.office = office
        self.faults: list[str] = []

    async def fill(self) -> None:
        entropy, act = self.office.entropy, self.office.act
        customer = new_stream_id(Kind.CUSTOMER, NOON_MS, entropy(7))
        worker = new_stream_id(Kind.WORKER, NOON_MS, entropy(7))
        place = {
            "name": "Boiler house",
            "address": "Ovenecká 3",
            "point": (500_995_000, 144_250_000),
        }
        await act(
            edit_customer(customer, {"name": "Družstvo Letná", "number": "C-17", "note": "Dog."})
            + edit_place(customer, entropy(8), place)
            + edit_contact(customer, entropy(8), {"name": "Pavel", "phone": "+420 222 110 330"})
        )
        await act(
            set_group("team", entropy(8), "North") + set_group("skill", entropy(8), "Boilers")
        )
        await act(set_group("vehicle", entropy(8), "Old van", plate="1A", archived=True))
        await act(edit_worker(worker, {"name": "Jan Novák", "phone": "+420 601 234 567"}))
        job = new_stream_id(Kind.JOB, NOON_MS, entropy(7))
        await act(create_job(job, {"title": "Leak", "customer": customer}))
        self.customer, self.worker = customer.hex(), worker.hex()

    async def open(self, chromium: Browser, **options: Any) -> Page:
        """Eva, administrator, signed in with a browser of these options."""
        page = await sit_down(chromium, self.office, self.faults, **options)
        await page.goto("/customers")
        await expect(page.get_by_role("heading", name="Customers")).to_be_visible()
        return page


@pytest_asyncio.fixture
async def depot(office: Office) -> AsyncIterator[Depot]:
    """A filled site; at the end nothing may have gone wrong in any page."""
    await office.add_account("Eva", "admin")
    depot = Depot(office)
    await depot.fill()
    yield depot
    assert depot.faults == []


async def test_a_phone_is_seen_to_join_on_the_open_page(
    depot: Depot, chromium: Browser, tmp_path: Path
) -> None:
    await depot.office.listen_for_phones()
    page = await depot.open(chromium)
    await page.goto(f"/workers/{depot.worker}")
    await page.get_by_role("button", name="Let a phone join").click()
    await expect(page.get_by_text("Waiting for the phone.")).to_be_visible()
    link = await page.get_by_label("Enrolment link").input_value()
    (tmp_path / "phone").mkdir()
    await join_by_link(tmp_path / "phone", link, os.urandom)
    await expect(page.get_by_text("The phone has joined.")).to_be_visible()
    await page.context.close()


async def test_places_are_added_in_the_form_and_left_out_again(
    depot: Depot, chromium: Browser
) -> None:
    page = await depot.open(chromium)
    await page.goto("/customers/new")
    await page.get_by_label("Name", exact=True).first.fill("Pekárna")
    await page.get_by_role("button", name="Add a place").click()
    addresses = page.get_by_role("combobox", name="Address")
    await expect(addresses).to_have_count(2)
    await expect(page.get_by_role("button", name="Leave out")).to_have_count(3)
    await page.get_by_role("button", name="Leave out").first.click()
    await addresses.fill("Nuselská 11")
    await page.get_by_role("button", name="Add customer").click()
    await expect(page.get_by_text("Pekárna was added.")).to_be_visible()
    places = await depot.office.rows(
        "SELECT address FROM customer_place JOIN customer USING (customer) "
        "WHERE customer.name = 'Pekárna'"
    )
    assert places == [{"address": "Nuselská 11"}]
    await page.context.close()


async def test_a_known_address_brings_its_position(depot: Depot, chromium: Browser) -> None:
    page = await depot.open(chromium)
    await page.goto("/customers/new")
    await page.get_by_role("combobox", name="Address").press_sequentially("oven")
    await page.get_by_role("option", name=re.compile("Ovenecká 3")).click()
    await expect(page.get_by_label("Position")).to_have_value("50.0995, 14.425")
    await page.get_by_role("combobox", name="Address").fill("")
    await page.evaluate(
        "document.querySelector('form[data-guard]').dispatchEvent(new Event('submit'))"
    )
    await page.context.close()


async def test_somebody_elses_value_is_taken_over_by_one_click(
    depot: Depot, chromium: Browser
) -> None:
    page = await depot.open(chromium)
    path = f"/customers/{depot.customer}/edit"
    await page.goto(path)
    petr = await depot.office.signed_in("Petr")
    await petr.post(path, (await petr.get(path)).form() | {"number": "C-PETR"})
    await page.get_by_label("Number").fill("C-EVA")
    await page.get_by_role("button", name="Save").click()
    await expect(page.get_by_text("while you were writing")).to_be_visible()
    await expect(page.get_by_label("Number")).to_have_value("C-EVA")
    await page.get_by_role("button", name="Take theirs").click()
    await expect(page.get_by_label("Number")).to_have_value("C-PETR")
    await page.get_by_role("button", name="Save").click()
    await expect(page).to_have_url(re.compile(f"/customers/{depot.customer}$"))
    assert await depot.office.rows("SELECT number FROM customer") == [{"number": "C-PETR"}]
    await page.context.close()


async def test_the_list_is_narrowed_while_one_types(depot: Depot, chromium: Browser) -> None:
    page = await depot.open(chromium)
    await page.get_by_label("Find customers").press_sequentially("zzz")
    await expect(page.get_by_text("Nobody matches")).to_be_visible()
    await expect(page).to_have_url(re.compile(r"\?q=zzz$"))
    await page.get_by_label("Find customers").fill("letna")
    await expect(page.get_by_role("link", name="Družstvo Letná")).to_be_visible()
    await page.context.close()


async def test_what_was_typed_before_the_script_came_narrows_the_list_too(
    depot: Depot, chromium: Browser
) -> None:
    page = await depot.open(chromium)
    typed = asyncio.Event()

    async def later(route: Route) -> None:
        await typed.wait()
        await route.continue_()

    await page.route("**/office.js", later)
    await page.goto("/customers", wait_until="commit")
    await page.get_by_label("Find customers").press_sequentially("zzz")
    typed.set()
    await expect(page.get_by_text("Nobody matches")).to_be_visible()
    await page.context.close()


async def test_the_theme_that_was_chosen_stays(depot: Depot, chromium: Browser) -> None:
    page = await depot.open(chromium, color_scheme="light")
    light = await _ground(page)
    await page.get_by_role("button", name="Switch between light and dark").click()
    dark = await _ground(page)
    assert dark != light
    await page.goto("/workers")
    assert await _ground(page) == dark
    await page.context.close()


async def _ground(page: Page) -> str:
    colour: str = await page.evaluate("getComputedStyle(document.body).backgroundColor")
    return colour


async def test_pages_work_without_scripts(depot: Depot, chromium: Browser) -> None:
    page = await depot.open(chromium, java_script_enabled=False)
    await page.goto("/customers/new")
    await page.get_by_label("Name", exact=True).first.fill("Kabát")
    await page.get_by_role("button", name="Add customer").click()
    await expect(page.get_by_text("Kabát was added.")).to_be_visible()
    await page.goto("/")
    await _sign_out(page.context, page)


async def _sign_out(context: BrowserContext, page: Page) -> None:
    await page.goto("/customers")
    await page.get_by_label("Account of Eva").click()
    await page.get_by_role("button", name="Sign out").click()
    await expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    await context.close()


async def test_keys_find_what_has_a_name_and_the_list_of_keys(
    depot: Depot, chromium: Browser
) -> None:
    page = await depot.open(chromium)
    await expect(page.get_by_role("button", name="Commands")).to_be_visible()
    await page.keyboard.press("Control+k")
    await expect(page.get_by_role("combobox", name="Commands and search")).to_be_focused()
    await page.keyboard.type("jan nov")
    await expect(page.locator('#palette [aria-selected="true"]')).to_contain_text("Jan Novák")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", name="Jan Novák")).to_be_visible()
    await page.keyboard.press("?")
    await expect(page.get_by_role("heading", name="Help and keys")).to_be_visible()
    await page.context.close()
