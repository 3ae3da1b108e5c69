"""Hub and phone as real processes that both write and are killed at random moments.

What was acknowledged must be there on both sides, once, and nothing that nobody tried. Holds no
assertions. Invariant: the same seed kills the same sides after the same waits; what each had done
by then is the machine's to say.
"""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import tempfile
from collections import Counter
from collections.abc import Collection
from pathlib import Path
from random import Random

import aiohttp

from tests.journey.processes import Browser, Site
from tests.journey.warm import Warm
from tests.proof.found import Found

NOTES_A_ROUND = 12
SHOWN_S_MAX = 60.0


def lost_by_sigkills(count: int, seed: int) -> Found:
    """What went wrong at a site whose hub or phone was killed so often, and how much it saved."""
    try:
        with tempfile.TemporaryDirectory() as folder:
            found, acknowledged = asyncio.run(work_under_kills(Path(folder), count, seed))
    except Exception as stuck:  # noqa: BLE001  # a hub or phone that does not come back is one, too
        return Found([f"seed {seed}: {stuck!r}"])
    if not acknowledged:
        found.append("nothing was ever acknowledged, so nothing was tested")
    told = [f"seed {seed}: {words}" for words in found]
    return Found(told, Counter({"acknowledgements": acknowledged}))


async def work_under_kills(folder: Path, kills: int, seed: int) -> tuple[list[str], int]:
    """What went wrong, and how many notes were acknowledged."""
    async with Warm() as warm:
        site = Site(folder, warm)
        try:
            return await _work(site, kills, Random(seed))
        finally:
            await site.close()


async def _work(site: Site, kills: int, chance: Random) -> tuple[list[str], int]:
    await site.set_up()
    worker = await site.add_worker("Aino Korhonen")
    await site.enrol(worker)
    job = await _job_for(site, worker)
    acknowledged: list[str] = []
    attempted: list[str] = []
    found: list[str] = []
    for number in range(kills):
        batches = {
            side: [f"{side} {number} {index}" for index in range(NOTES_A_ROUND)]
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
            for name, process in (("phone", site.device), ("hub", site.hub)):
                if process.has_ended:
                    found.append(f"the {name} ended by itself before kill {number}")
            await (site.device if victim == "phone" else site.hub).kill()
        for task in writing:
            acknowledged += task.result()
        await (site.start_device() if victim == "phone" else site.start_hub())
    for browser, path in ((site.office, f"/?view=all&job={job}"), (site.phone, f"/jobs/{job}")):
        found += await _not_shown(browser, path, acknowledged)
    await site.device.stop()
    await site.hub.stop()
    for name in ("hub", "device"):
        store = site.folder / name / "store.sqlite"
        found += [f"{name}: {words}" for words in wrong_notes(store, acknowledged, attempted)]
    return found, len(acknowledged)


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
            # The answer says that it is saved; the page behind it would only cost time.
            await browser.post(path, page, follow=False, text=text)
            acknowledged.append(text)
    except (aiohttp.ClientError, ConnectionError, TimeoutError):
        pass
    return acknowledged


async def _not_shown(browser: Browser, path: str, wanted: list[str]) -> list[str]:
    """Wait until a page shows all that is wanted; what it never showed, in words."""
    missing = list(wanted)
    for _ in range(int(SHOWN_S_MAX / 0.2)):
        text = (await browser.get(path)).replace("\n", "<")
        missing = [words for words in missing if f"{words}<" not in text]
        if not missing:
            return []
        await asyncio.sleep(0.2)
    return [f"{path} never showed {len(missing)} notes: {missing[:5]}"]


def wrong_notes(
    store: Path, acknowledged: Collection[str], attempted: Collection[str]
) -> list[str]:
    """What is lost, doubled or invented among the notes of a store, in words."""
    with contextlib.closing(sqlite3.connect(f"file:{store}?mode=ro", uri=True)) as db:
        notes = Counter(text for (text,) in db.execute("SELECT text FROM note"))
    lost = [text for text in acknowledged if text not in notes]
    doubled = [text for text, count in notes.items() if count > 1]
    invented = [text for text in notes if text not in set(attempted)]
    return [
        f"{len(texts)} of {len(acknowledged)} notes {how}: {texts[:5]}"
        for texts, how in ((lost, "lost"), (doubled, "doubled"), (invented, "invented"))
        if texts
    ]
