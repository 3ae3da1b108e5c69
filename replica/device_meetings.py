"""The meetings of a phone that runs: where colleagues reach it, and where it looks for them.

Begins and ends with the phone's store. Holds no session's rules (`replica.meeting`). Invariant:
nothing of it outlives `end`.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from pathlib import Path

from core.sentence import say
from replica.meeting import MeetingPlace, Meetings, colleague_dialler, own_host
from replica.syncing import Syncer, SyncFigures
from replica.writer import Writer

LOGGER = logging.getLogger(__name__)


class DeviceMeetings:
    """How a phone meets colleagues; `announce` is called when figures change."""

    def __init__(self, meetings: Meetings, announce: Callable[[], None]) -> None:
        self._meetings = meetings
        self._announce = announce
        self._addresses = list(meetings.addresses)
        self._writer: Writer | None = None
        self.place: MeetingPlace | None = None
        self._syncers: list[Syncer] = []
        self._tasks: list[asyncio.Task[None]] = []

    async def begin(self, writer: Writer, folder: Path) -> None:
        """Be there for colleagues' phones, and look for those that were named.

        `folder` is where the TLS identity of whoever is in lies.

        Raises TransportError: the port can't be listened on.
        """
        self._writer = writer
        if self._meetings.listen is not None:
            place = MeetingPlace(writer, folder, *self._meetings.listen)
            self.place = await place.__aenter__()
        for address in self._addresses:
            self._look_for(address)

    async def end(self) -> None:
        """Meet nobody any more."""
        for task in self._tasks:
            task.cancel()
        for ended in await asyncio.gather(*self._tasks, return_exceptions=True):
            if isinstance(ended, Exception):
                LOGGER.error("looking for a colleague had stopped by a fault", exc_info=ended)
        self._tasks.clear()
        self._syncers.clear()
        if self.place is not None:
            await self.place.__aexit__(None, None, None)
        self.place = self._writer = None

    def _look_for(self, address: str) -> None:
        assert self._writer is not None
        dial = colleague_dialler(self._writer, address)
        refused = say("Sync with the phone at {address} was refused.", address=address)
        syncer = Syncer(self._writer, dial, self._announce, refused)
        self._syncers.append(syncer)
        self._tasks.append(asyncio.get_running_loop().create_task(syncer.run()))

    def meet_at(self, address: str) -> None:
        """Look for a colleague's phone at an address, too, until this program ends."""
        if address not in self._addresses:
            self._addresses.append(address)
            if self._writer is not None:
                self._look_for(address)

    def sync_now(self) -> None:
        """Try to reach colleagues now rather than at the next turn."""
        for syncer in self._syncers:
            syncer.sync_now()

    @property
    def port(self) -> int:
        """Where colleagues' phones reach this one; 0 where they don't."""
        return self.place.port if self.place is not None else 0

    @property
    def address(self) -> str:
        """The same as host:port; '' where they don't."""
        return f"{own_host()}:{self.port}" if self.port else ""

    @property
    def figures(self) -> Sequence[SyncFigures]:
        """Those of each colleague that is looked for."""
        return [each.figures for each in self._syncers]
