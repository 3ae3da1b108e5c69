"""Dispatchers of a live run: people who read the board, hear it live, and change jobs.

Each has a browser of their own. Holds no counting of its own. Invariant: an act is made from a page
that was just read, as a person would.
"""

from __future__ import annotations

import asyncio
import re
import time
from random import Random
from typing import Final

import aiohttp

from simulator.live.office import NoAnswer, OfficePerson, PageError

PAUSE_S_MEAN: Final = 4.0
_VIEWS: Final = (
    "/?show=table",
    "/?view=all&show=table",
    "/?view=today&show=table",
    "/?view=all&sort=-window&show=table",
    "/?view=all&status=open&show=table",
    "/?view=unassigned&show=table",
    "/?view=all&q=Simulated&show=table",
)
# An answer by which a form says that it was overtaken, which is no fault.
_OVERTAKEN: Final = ("409", "422")


class LiveDispatcher:
    """One person at the board.

    Args:
        person: signed in.
        workers: whom jobs may go to (hex ids).
    """

    def __init__(self, person: OfficePerson, workers: list[str], chance: Random) -> None:
        self._person = person
        self._workers = workers
        self._chance = chance
        self._jobs: list[str] = []

    async def dispatch(self) -> None:
        """Read and change until it is cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._listen())
            group.create_task(self._work())

    async def _listen(self) -> None:
        tally = self._person.tally
        while True:
            try:
                async with await self._person.listen() as socket:
                    async for message in socket:
                        if message.type in (aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY):
                            tally.count("live events on a board")
            except (aiohttp.ClientError, OSError) as error:
                tally.failed(f"a board's live connection failed: {type(error).__name__}")
            await asyncio.sleep(1.0)

    async def _work(self) -> None:
        while True:
            await asyncio.sleep(self._chance.expovariate(1 / PAUSE_S_MEAN))
            try:
                await self._chance.choices((self._read, self._note, self._reassign), (6, 2, 1))[0]()
            except NoAnswer:
                # Counted where it happened.
                continue
            except PageError as error:
                if any(code in str(error) for code in _OVERTAKEN):
                    self._person.tally.count("acts that were overtaken")
                else:
                    self._person.tally.failed(f"a page refused: {error}"[:200])

    async def _read(self) -> None:
        page = await self._person.get(self._chance.choice(_VIEWS), {"X-Board-Part": "1"})
        self._jobs = re.findall(r'<tr[^>]*data-job="([0-9a-f]{24})"', page.text) or self._jobs

    async def _note(self) -> None:
        job = await self._a_job()
        if job:
            text = f"Noted by the office, {self._chance.randrange(10_000)}"
            await self._do(job, "note", {"text": text})

    async def _reassign(self) -> None:
        job = await self._a_job()
        if job and self._workers:
            worker = self._chance.choice(self._workers)
            await self._do(job, "assign", {"worker": worker, "reason": "Somebody is nearer"})

    async def _a_job(self) -> str:
        if not self._jobs:
            await self._read()
        return self._chance.choice(self._jobs) if self._jobs else ""

    async def _do(self, job: str, action: str, fields: dict[str, str]) -> None:
        pane = await self._person.get(f"/board/pane?view=all&job={job}", {"X-Board-Part": "1"})
        basis = re.search(r'name="basis" value="([^"]*)"', pane.text)
        form = {**fields, "basis": basis[1] if basis else ""}
        began_s = time.perf_counter()
        await self._person.post(f"/board/job/{job}/{action}?view=all", form)
        self._person.tally.took("act", 1_000 * (time.perf_counter() - began_s))
        self._person.tally.count("acts of dispatchers")
