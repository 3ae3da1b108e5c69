"""Eva's desk: a filled town and her real browser, for the tests of the board in Chromium.

`desk` is a fixture, known by `conftest`. Holds no test. Invariant: at its end nothing had gone
wrong in any page.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from core.dispatch import acts
from hub.presence import Presence
from tests.web.board.town import HOUR_MS, MINUTE_MS, Town, Worker
from tests.web.browsing import CUT_LINE, sit_down, without_map
from tests.web.office import NOON_MS


class Desk:
    """Eva's desk: a town with three workers and some jobs, and her browser."""

    def __init__(self, town: Town) -> None:
        self.town = town
        self.faults: list[str] = []

    async def fill(self) -> None:
        town = self.town
        await town.office.add_account("Eva", "admin")
        self.letna = await town.customer("Letná")
        self.workers = [await town.worker(name) for name in ("Ana", "Ben", "Cyril")]
        for index, worker in enumerate(self.workers):
            town.office.hub.presence[worker.id] = Presence(
                town.clock.now_ms() - index * 12 * MINUTE_MS,
                500_995_000 + index * 40_000,
                144_250_000,
                10,
                45,
                5.0 if index == 0 else None,
                70,
                True,
                "jobs on",
            )
        self.jobs = [
            (await town.job(title, starts_in=start, customer=self.letna, priority=priority))[0]
            for title, start, priority in (
                ("Alpha", 120, 1), ("Bravo", 180, 3), ("Charlie", 240, 2), ("Delta", 300, 0),
            )
        ]  # fmt: skip

    async def sit(
        self,
        chromium: Browser,
        path: str = "/",
        origin: str = "",
        *,
        with_map: bool = True,
        **more: Any,
    ) -> Page:
        """Eva, signed in, with the board at `path`.

        Drawn without a graphics card, a map takes longer than all else: most tests do without.
        """
        options = {"viewport": {"width": 1440, "height": 900}, "reduced_motion": "reduce", **more}
        page = await sit_down(
            chromium,
            self.town.office,
            self.faults,
            origin=origin,
            expected=CUT_LINE,
            **options,
        )
        if not with_map:
            await without_map(page)
        await page.goto(path)
        await expect(page.locator("#board[data-ready]")).to_be_attached()
        return page


@pytest_asyncio.fixture
async def desk(town: Town) -> AsyncIterator[Desk]:
    """A filled town; at the end nothing may have gone wrong in any page."""
    desk = Desk(town)
    await desk.fill()
    yield desk
    assert desk.faults == []


def row(page: Page, job: str) -> Any:
    """A job's row."""
    return page.locator(f'tr[data-job="{job}"]')


async def shown(page: Page) -> list[str]:
    """The titles of the rows from the top."""
    return [text.strip() for text in await page.locator("tr.job .row-link").all_text_contents()]


async def assign(desk: Desk, job: str, worker: Worker) -> bytes:
    """Another dispatcher assigns a job."""
    turn = desk.town.office.entropy(8)
    await desk.town.office.act(acts.assign(bytes.fromhex(job), worker.stream, turn))
    return turn


async def point_in(page: Page, desk: Desk, index: int, hour: float) -> tuple[float, float]:
    """Where an hour of the day lies in a worker's row."""
    start, end = [
        int(await page.locator("#planner").get_attribute(f"data-{name}") or 0)
        for name in ("start", "end")
    ]
    row = page.locator(f'.plan-row[data-worker="{desk.workers[index].id}"]')
    time_line = row.locator(".plan-time")
    # Until its script has drawn it, the planner is lists.
    await expect(time_line).to_be_visible()
    box = await time_line.bounding_box()
    while box is None:  # Its row was drawn anew in between.
        await page.wait_for_timeout(50)
        box = await time_line.bounding_box()
    at_ms = NOON_MS + (hour - 12) * HOUR_MS
    share = (at_ms - start) / (end - start)
    return box["x"] + share * box["width"], box["y"] + box["height"] / 2
