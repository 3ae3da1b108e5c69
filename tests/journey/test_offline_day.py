"""The whole loop with real processes: the hub is gone while the work is done."""

from __future__ import annotations

import asyncio
import csv
import io
import re
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path

import pytest

from replica.clock import SystemClock
from tests.journey.processes import FIELDLOG, Site

EXTRACT = Path(__file__).parents[2] / "simulator" / "data" / "helsinki.osm.pbf"
FIX_S = 20
STAY_S = 25 * 60


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    found = Site(tmp_path)
    try:
        yield found
    finally:
        await found.close()


async def _import_map(site: Site) -> None:
    process = await asyncio.create_subprocess_exec(
        *FIELDLOG,
        "map",
        "import",
        str(EXTRACT),
        "--data",
        str(site.folder / "hub"),
        stdout=asyncio.subprocess.DEVNULL,
    )
    assert await process.wait() == 0


async def _create_and_assign(site: Site, worker: str) -> tuple[str, float, float]:
    """A job at an address that is typed and found offline, assigned to the worker."""
    answer = await site.office.json("/board/addresses.json?q=mannerheimintie 5")
    assert isinstance(answer, dict)
    place = answer["found"][0]
    page = await site.office.get("/?new=1")
    await site.office.post(
        "/board/new", page, title="Boiler service", address=place["words"], point=place["point"]
    )
    job = site.office.at.partition("job=")[2][:24]
    page = await site.office.get(f"/?view=all&job={job}")
    await site.office.post(f"/board/job/{job}/assign", page, worker=worker)
    lat, lon = (float(part) for part in place["point"].split(","))
    return job, lat, lon


async def _drive_stay_drive(site: Site, lat: float, lon: float) -> tuple[int, int]:
    """Fixes of a drive there, a stay and a drive away; the true arrival and departure (s)."""
    end = SystemClock().now_ms() // 1000
    leave = end - 10 * 60
    arrive = leave - STAY_S
    for at in range(arrive - 10 * 60, arrive, FIX_S):
        away = (arrive - at) / 600
        await site.fix(at, lat - 0.03 * away, lon, 25)
    for index, at in enumerate(range(arrive, leave, FIX_S)):
        wobble = ((index * 7) % 5 - 2) * 2e-5
        await site.fix(at, lat + wobble, lon - wobble, 0)
    for at in range(leave, end, FIX_S):
        away = (at - leave) / 600
        await site.fix(at, lat + 0.03 * away + 0.0005, lon, 25)
    return arrive, leave


async def _finish_on_the_phone(site: Site, job: str) -> None:
    page = await site.phone.until(f"/jobs/{job}", r'name="to" value="finished"')
    await site.phone.post(f"/jobs/{job}/phase", page.string, to="finished")


async def _rows(site: Site, path: str) -> list[dict[str, str]]:
    text = await site.office.get(path)
    return list(csv.DictReader(io.StringIO(text.lstrip("\ufeff"))))


@pytest.mark.timeout(240)
async def test_work_done_while_the_hub_is_gone_shows_to_the_minute_and_once(site: Site) -> None:
    await _import_map(site)
    # The day began an hour ago: the phone goes on duty then, and all clocks run on to now.
    site.set_clocks(-3_600_000)
    await site.set_up()
    worker = await site.add_worker("Aino Korhonen")
    await site.enrol(worker)
    job, lat, lon = await _create_and_assign(site, worker)
    await site.phone.until("/jobs", "Boiler service")
    page = await site.phone.get("/jobs")
    await site.phone.post("/duty", page, duty="start")
    await site.phone.until("/jobs", "On duty")
    site.set_clocks(0)

    await site.hub.stop()
    arrive, leave = await _drive_stay_drive(site, lat, lon)
    await _finish_on_the_phone(site, job)
    await site.device.kill()
    await site.start_device()
    await site.start_hub()

    await site.office.until("/export/jobs.csv?view=all", r",done,")
    jobs = await _rows(site, "/export/jobs.csv?view=all")
    assert [row["status"] for row in jobs] == ["done"]
    logs = await _rows(site, "/export/timelogs.csv?view=all")
    visits = [row for row in logs if row["type"].replace(" ", "_") == "on_site"]
    assert len(visits) == 1, logs
    assert visits[0]["source"] == "auto"
    start, stop = (_seconds(visits[0][name]) for name in ("start_utc", "end_utc"))
    assert abs(start - arrive) <= FIX_S, (start, arrive)
    assert abs(stop - leave) <= FIX_S, (stop, leave)
    board = await site.office.get(f"/?view=all&job={job}")
    assert re.search(r"Done", board)


def _seconds(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()
