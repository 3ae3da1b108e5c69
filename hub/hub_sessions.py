"""Other hubs of the site: this one says where it listens, and dials them to keep in session.

Who of two hubs reaches the other depends on the networks between them, so each tries, and rests
while the other is connected here. Holds no rules of sync. Invariant: only hubs that the site's own
stream names, and that are not revoked, are dialled.
"""

from __future__ import annotations

import asyncio
import ipaddress
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

from core.dispatch.acts import SITE_STREAM, set_hub_addresses
from core.dispatch.fields import HUB_ADDRESSES
from core.dispatch.show import value_at
from replica.dialling import Dialler, hub_dialler
from replica.hubs import KnownHub, other_hubs
from replica.joining import HubAddress
from replica.link import Link, LinkClosed
from replica.replica import Replica
from replica.syncing import Syncer, SyncFigures
from replica.writer import Writer

LOGGER = logging.getLogger(__name__)


class HubSessions:
    """Keeps a hub in session with the site's others: `async with HubSessions(...)`.

    Args:
        writer: of this hub's replica.
        addresses: where this hub listens, `host:port`, the best first; told to all others.
        is_here: whether a replica of this key is connected to this one.
        changed: called when a session begins or ends.
    """

    def __init__(
        self,
        writer: Writer,
        addresses: Sequence[str],
        is_here: Callable[[bytes], bool],
        changed: Callable[[], None],
    ) -> None:
        self._writer = writer
        self._addresses = told_addresses(addresses)
        self._is_here = is_here
        self._changed = changed
        self._syncer_by_letter: dict[str, Syncer] = {}
        self._task_by_letter: dict[str, asyncio.Task[None]] = {}
        self._watching: asyncio.Task[None] | None = None

    async def __aenter__(self) -> HubSessions:
        await self._writer.run(_tell_addresses, self._writer.replica, self._addresses)
        self._watching = asyncio.get_running_loop().create_task(self._watch())
        return self

    async def __aexit__(self, *_: object) -> None:
        tasks = [*self._task_by_letter.values(), *([self._watching] if self._watching else [])]
        for task in tasks:
            task.cancel()
        for ended in await asyncio.gather(*tasks, return_exceptions=True):
            if isinstance(ended, Exception):
                LOGGER.error("keeping in session with other hubs had stopped", exc_info=ended)

    def figures(self, letter: str) -> SyncFigures | None:
        """How the sessions that this hub dials with the one of a letter stand, if it dials it."""
        syncer = self._syncer_by_letter.get(letter)
        return None if syncer is None else syncer.figures

    async def _watch(self) -> None:
        """Dial whom the site stream names, as it changes."""
        subscription = self._writer.subscribe()
        try:
            await self._follow()
            async for streams in subscription:
                if SITE_STREAM in streams:
                    await self._follow()
        finally:
            self._writer.unsubscribe(subscription)

    async def _follow(self) -> None:
        known = {hub.letter for hub in await self._known()}
        for letter in known - self._task_by_letter.keys():
            syncer = Syncer(self._writer, self._dial(letter), self._changed)
            self._syncer_by_letter[letter] = syncer
            self._task_by_letter[letter] = asyncio.get_running_loop().create_task(syncer.run())
        for letter in self._task_by_letter.keys() - known:
            del self._syncer_by_letter[letter]
            task = self._task_by_letter.pop(letter)
            task.cancel()
            # Not `await task` with its end suppressed: that would swallow this task's own end too.
            await asyncio.wait([task])

    async def _known(self) -> list[KnownHub]:
        return await self._writer.run(other_hubs, self._writer.replica)

    def _dial(self, letter: str) -> Dialler:
        @asynccontextmanager
        async def unless_here() -> AsyncIterator[tuple[Link, bytes]]:
            hubs = [hub for hub in await self._known() if hub.letter == letter]
            if any(self._is_here(author) for hub in hubs for author in hub.authors):
                raise LinkClosed("that hub is connected here already")

            async def where() -> list[HubAddress]:
                return [HubAddress(hub.addresses, hub.fingerprint) for hub in hubs]

            async with hub_dialler(where)() as linked:
                yield linked

        return unless_here


def told_addresses(addresses: Sequence[str]) -> tuple[str, ...]:
    """Where others are told to look for this hub: not at themselves, if there is anywhere else."""
    elsewhere = tuple(each for each in addresses if not _is_loopback(each))
    return elsewhere or tuple(addresses)


def _is_loopback(address: str) -> bool:
    host = address.rpartition(":")[0].strip("[]")
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.casefold() == "localhost"


def _tell_addresses(replica: Replica, addresses: tuple[str, ...]) -> None:
    registers = replica.state(SITE_STREAM).registers
    if value_at(registers, (HUB_ADDRESSES, replica.author)) != list(addresses):
        replica.write(set_hub_addresses(replica.author, addresses))
