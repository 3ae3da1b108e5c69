"""Hub and phone killed at random moments: nothing acknowledged is lost, nothing is doubled."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import sqlite3
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from tests.journey.processes import Browser, Site

# The suite kills a few times; `make figures` a hundred.
KILLS = int(os.environ.get("FIELDLOG_KILLS", "8"))


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    found = Site(tmp_path)
    try:
        yield found
    finally:
        await found.close()


async def _job_for(site: Site, worker: str) -> str:
    page = await site.office.get("/?new=1")
    await site.office.post("/board/new", page, title="Boiler service")
    job = site.office.at.partition("job=")[2][:24]
    page = await site.office.get(f"/?view=all&job={job}")
    await site.office.post(f"/board/job/{job}/assign", page, worker=worker)
    await site.phone.until("/jobs", "Boiler service")
    return job


async def _write_until_killed(
    site: Site, job: str, words: list[str], *, on_phone: bool
) -> list[str]:
    """Write notes one after another; those whose answer came are returned."""
    acknowledged = []
    browser = site.phone if on_phone else site.office
    try:
        page = await browser.get(f"/jobs/{job}" if on_phone else f"/?view=all&job={job}")
        path = f"/jobs/{job}/notes" if on_phone else f"/board/job/{job}/note"
        for text in words:
            await browser.post(path, page, text=text)
            acknowledged.append(text)
    except (aiohttp.ClientError, ConnectionError, TimeoutError):
        pass
    return acknowledged


@pytest.mark.timeout(60 + 12 * KILLS)
async def test_what_was_acknowledged_survives_kills_of_both_sides_once(site: Site) -> None:
    chance = random.Random(20261123)
    await site.set_up()
    worker = await site.add_worker("Aino Korhonen")
    await site.enrol(worker)
    job = await _job_for(site, worker)
    acknowledged: list[str] = []
    attempted: list[str] = []
    for round_number in range(KILLS):
        batches = {
            side: [f"{side} {round_number} {index}" for index in range(12)]
            for side in ("phone", "office")
        }
        attempted += [text for batch in batches.values() for text in batch]
        victim = chance.choice(("phone", "office"))
        async with asyncio.TaskGroup() as group:
            writing = [
                group.create_task(_write_until_killed(site, job, batch, on_phone=side == "phone"))
                for side, batch in batches.items()
            ]
            await asyncio.sleep(chance.uniform(0.02, 0.5))
            await (site.device if victim == "phone" else site.hub).kill()
        for task in writing:
            acknowledged += task.result()
        await (site.start_device() if victim == "phone" else site.start_hub())
    assert acknowledged, "nothing was ever acknowledged, so nothing was tested"
    for browser, path in ((site.office, f"/?view=all&job={job}"), (site.phone, f"/jobs/{job}")):
        await _shown(browser, path, acknowledged)
    await site.device.stop()
    await site.hub.stop()
    for folder in ("hub", "device"):
        notes = _notes(site.folder / folder / "store.sqlite")
        lost = [text for text in acknowledged if text not in notes]
        assert not lost, f"{folder} lost {len(lost)} of {len(acknowledged)}: {lost[:5]}"
        doubled = [text for text, count in notes.items() if count > 1]
        assert not doubled, f"{folder} doubled {doubled[:5]}"
        assert set(notes) <= set(attempted)


async def _shown(browser: Browser, path: str, wanted: list[str]) -> None:
    """Wait until a page shows all that is wanted."""
    missing = list(wanted)
    for _ in range(300):
        text = await browser.get(path)
        missing = [words for words in missing if f"{words}<" not in text.replace("\n", "<")]
        if not missing:
            return
        await asyncio.sleep(0.2)
    raise AssertionError(f"{path} never showed {len(missing)} notes: {missing[:5]}")


def _notes(store: Path) -> Counter[str]:
    """How often each note stands in a store."""
    with contextlib.closing(sqlite3.connect(f"file:{store}?mode=ro", uri=True)) as db:
        return Counter(text for (text,) in db.execute("SELECT text FROM note"))
