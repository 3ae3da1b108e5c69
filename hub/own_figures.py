"""What a hub tells of itself to people who look after it: version, room, work, and what waits.

`GET /hub.json` for those who are signed in. The lag of its loop is looked at four times a second
and counted over the last seconds. Holds no page. Invariant: it names nobody and no job.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections import deque
from collections.abc import AsyncIterator
from importlib.metadata import version
from typing import Final

from aiohttp import web

from core.log.messages import PROTOCOLS
from hub.hub import Hub
from hub.keys import HUB
from replica.files import MACHINE_FILES
from replica.store import STORE_FILE, newest_schema

LOOK_S: Final = 0.25
KEPT_S: Final = 10.0
"""So far back the worst lag is told."""
HUB_FIGURES_PATH: Final = "/hub.json"


class LoopLag:
    """How late the event loop comes to what is due, over the last seconds; ms."""

    def __init__(self) -> None:
        self._late_ms: deque[float] = deque(maxlen=int(KEPT_S / LOOK_S))

    async def watch(self) -> None:
        """Look until it is cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            due_s = loop.time() + LOOK_S
            await asyncio.sleep(LOOK_S)
            self._late_ms.append(1_000 * max(0.0, loop.time() - due_s))

    @property
    def worst_ms(self) -> float:
        """The worst of the last seconds; 0 before the first look."""
        return max(self._late_ms, default=0.0)


_LAG: web.AppKey[LoopLag] = web.AppKey("loop lag", LoopLag)


async def hub_json(request: web.Request) -> web.Response:
    """GET /hub.json: the hub's figures; bytes, milliseconds and seconds as the names say.

    They are had without a look at the store, which may be busy; with `?settings=1` there may be
    one, and the site's time zone and whether Job Dispatch is on come along.
    """
    hub = request.app[HUB]
    figures = own_figures(hub, request.app[_LAG])
    if request.query.get("settings"):
        settings = (await hub.office.state()).settings
        figures["job_dispatch"] = settings.get("job_dispatch") is True
        figures["time_zone"] = settings.get("time_zone")
    return web.json_response(figures, headers={"Cache-Control": "no-store"})


def own_figures(hub: Hub, lag: LoopLag) -> dict[str, object]:
    """The figures by name; what is counted up has to be looked at twice."""
    store, work = hub.folder / STORE_FILE, hub.writer.work
    return {
        "version": version("fieldlog"),
        "schema": newest_schema(),
        "protocols": list(PROTOCOLS),
        "now_ms": hub.clock.now_ms(),
        "processor_s": time.process_time(),
        "memory_bytes": _memory_bytes(),
        "position": hub.replica.position(),
        "peers": len(hub.conversations),
        "unproven": hub.peers.unproven.total(),
        "loop_lag_ms": round(lag.worst_ms, 1),
        "calls": work.calls,
        "calls_waiting": work.waiting,
        "calls_waited_s": round(work.waited_s, 4),
        "calls_worked_s": round(work.worked_s, 4),
        "free_bytes": MACHINE_FILES.free_bytes(hub.folder),
        "room_is_kept": hub.ballast.lies,
        "store_bytes": store.stat().st_size,
        "wal_bytes": _size(store.with_name(f"{STORE_FILE}-wal")),
    }


def _size(path: os.PathLike[str]) -> int:
    try:
        return os.stat(path).st_size
    except FileNotFoundError:
        return 0


def _memory_bytes() -> int:
    """The program's resident memory; 0 where the system does not tell."""
    try:
        with open("/proc/self/statm", encoding="ascii") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0


def attach_own_figures(app: web.Application) -> None:
    """Add the route, and what looks at the loop."""
    app[_LAG] = LoopLag()
    app.router.add_get(HUB_FIGURES_PATH, hub_json)
    app.cleanup_ctx.append(_watched)


async def _watched(app: web.Application) -> AsyncIterator[None]:
    task = asyncio.get_running_loop().create_task(app[_LAG].watch())
    yield
    task.cancel()
    await asyncio.wait([task])
