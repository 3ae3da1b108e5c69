"""The demo as `make demo` runs it: a hub and phones on one machine, each on a folder of its own."""

from __future__ import annotations

from pathlib import Path

import aiohttp
import pytest

from replica.occupied import FolderInUse, occupied
from simulator.fleet.demo import Demo, Plan
from tests.journey.processes import free_port
from tests.running import synced


def plan_in(folder: Path) -> Plan:
    return Plan(folder, free_port(), free_port(), phones=2, jobs=3, speed=2.0, seed=1)


async def test_a_demo_founds_its_site_once_and_goes_on_from_there(tmp_path: Path) -> None:
    said: list[str] = []
    plan = plan_in(tmp_path)
    for _ in range(2):
        async with Demo(plan, said.append) as demo, aiohttp.ClientSession() as browser:
            async with browser.get(f"http://127.0.0.1:{plan.local_port}/sign-in") as answer:
                assert answer.status == 200
            for phone in demo.phones:
                await synced(phone.device)
            rows = await demo.hub.reader.rows("SELECT count(*) FROM job")
            assert tuple(rows[0]) == (3,)
            # No command works beside it on a folder of which it has the key.
            for name in ("hub", "phones/01", "phones/02"):
                with pytest.raises(FolderInUse), occupied(tmp_path / name):
                    pass
    assert said.count("Founding the site ...") == 1


async def test_a_demo_leaves_a_folder_alone_that_somebody_works_on(tmp_path: Path) -> None:
    with occupied(tmp_path / "hub"), pytest.raises(FolderInUse):
        async with Demo(plan_in(tmp_path), lambda _: None):
            pass
    assert not (tmp_path / "hub" / "store.sqlite").exists()
