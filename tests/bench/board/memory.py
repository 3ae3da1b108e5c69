"""Whether a page that stays open keeps what it was told: its memory over two hours of live updates.

Two hours pass in some minutes: the page gets as many frames of positions as in two hours of one a
second, only sooner after each other, and jobs change as often as on a large site. What it holds is
read after its rubbish was collected, at several points. Holds no site. Invariant: every frame and
every change comes from the hub over the page's own WebSocket, and frames are counted there.
"""

from __future__ import annotations

import asyncio
import time
from random import Random
from typing import Any

from playwright.async_api import Page, WebSocket

from core.dispatch import acts
from hub.presence import Presence
from tests.bench.board.site import CENTRE_E7, SPREAD_E7, Filled
from tests.bench.measuring import Row
from tests.web.board.town import Town

FRAMES_OF_TWO_HOURS = 7_200
CHANGES_OF_TWO_HOURS = 1_440
POINTS = 6
SOON_S = 0.02
MOVING = 200
LOOKS = 5
GROWTH_MAX = 1.10
"""What is held at the end to what was held after the first sixth: flat, but for what lies about."""


async def memory_rows(page: Page, town: Town, filled: Filled, hours: float) -> list[Row]:
    """The page's heap and its nodes over so many hours of live updates."""
    share = hours / 2
    frames = max(int(FRAMES_OF_TWO_HOURS * share), POINTS)
    changes = max(int(CHANGES_OF_TWO_HOURS * share), POINTS)
    taken = _FramesTaken()
    page.on("websocket", taken.listen)
    hub = town.office.hub
    hub.feed.moves_every_s, usual_s = SOON_S, hub.feed.moves_every_s
    await page.goto("/?view=today&show=both")
    await page.wait_for_selector("#board[data-ready]")
    await page.wait_for_selector("#map[data-ready]", timeout=60_000)
    session = await page.context.new_cdp_session(page)
    jobs = await page.eval_on_selector_all("tr.job", "rows => rows.map(row => row.dataset.job)")
    heaps: list[float] = []
    nodes: list[float] = []
    walking = asyncio.get_running_loop().create_task(_walk(town, filled))
    try:
        for point in range(1, POINTS + 1):
            for number in range(changes // POINTS):
                job = bytes.fromhex(jobs[(number * 7) % len(jobs)])
                await town.office.act(acts.edit_job(job, {"priority": (number + point) % 4}))
                await taken.until(frames * (point - 1 + number * POINTS / changes) / POINTS)
            await taken.until(frames * point / POINTS)
            # News comes on all the while: what is held for good is the least of some looks.
            looks = []
            for _ in range(LOOKS):
                await page.wait_for_timeout(500)
                looks.append(await _held(session))
            heaps.append(min(heap for heap, _ in looks) / 2**20)
            nodes.append(min(count for _, count in looks))
    finally:
        walking.cancel()
        hub.feed.moves_every_s = usual_s
    goal = f"<= {GROWTH_MAX:.2f} of it"
    words = f"{frames} frames, {changes} changes"
    return [
        Row(f"bench_board_heap[{words}]", heaps[-1], "MiB", "a sixth of the time", heaps[0], goal,
            heaps[-1] <= GROWTH_MAX * heaps[0]),
        Row("bench_board_nodes", nodes[-1], "nodes", "a sixth of the time", nodes[0], goal,
            nodes[-1] <= GROWTH_MAX * nodes[0]),
        *(Row(f"bench_board_heap_at_{point}_of_{POINTS}", heap, "MiB")
          for point, heap in enumerate(heaps, 1)),
    ]  # fmt: skip


async def _held(session: Any) -> tuple[float, float]:
    """Bytes of the page's heap and nodes of its document, its rubbish collected."""
    for _ in range(2):  # What was finalized in the first is gone after the second.
        await session.send("HeapProfiler.collectGarbage")
    await session.send("Performance.enable")
    found = {
        each["name"]: each["value"]
        for each in (await session.send("Performance.getMetrics"))["metrics"]
    }
    return float(found["JSHeapUsedSize"]), float(found["Nodes"])


async def _walk(town: Town, filled: Filled) -> None:
    """Workers who move as often as a frame can be told."""
    hub, chance = town.office.hub, Random(11)
    places = {
        worker.hex(): [at + chance.randrange(-SPREAD_E7, SPREAD_E7) for at in CENTRE_E7]
        for worker in filled.workers[:MOVING]
    }
    while True:
        for worker, at in places.items():
            at[0] += chance.randrange(-900, 900)
            at[1] += chance.randrange(-900, 900)
            hub.presence[worker] = Presence(
                hub.clock.now_ms(), at[0], at[1], 8, 90, 9.0, 70, True, "jobs on"
            )
            hub.feed.moved(worker)
        await asyncio.sleep(SOON_S)


class _FramesTaken:
    """Counts the frames of positions that a page was sent."""

    def __init__(self) -> None:
        self.count = 0

    def listen(self, socket: WebSocket) -> None:
        socket.on("framereceived", self._take)

    def _take(self, payload: str | bytes) -> None:
        self.count += isinstance(payload, bytes)

    async def until(self, count: float) -> None:
        """Wait until it was sent so many; TimeoutError where a minute brings none."""
        seen, since_s = self.count, time.monotonic()
        while self.count < count:
            await asyncio.sleep(SOON_S)
            if self.count != seen:
                seen, since_s = self.count, time.monotonic()
            elif time.monotonic() - since_s > 60:
                raise TimeoutError("the page gets no positions any more")
