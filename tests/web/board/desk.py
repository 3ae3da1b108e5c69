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
from tests.web.board.town import MINUTE_MS, Town, Worker
from tests.web.browsing import CUT_LINE, sit_down, without_map


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
