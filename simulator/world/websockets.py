"""Links as the product has them: its own WebSockets, by aiohttp, over simulated streams of bytes.

A hub serves by the real handler of /sync, and everybody dials by the real dialler; what
these worlds have of their own is who listens at which address. There is no TLS (`simulator.streams`
says why), so a hub's fingerprint is taken as proven. Looked at is that a link gives whole frames
which the other side sent, or ends. Invariant: nothing here changes a frame.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from functools import partial
from hashlib import blake2b
from typing import Final

import aiohttp
from aiohttp import web

from core.log.errors import LogError, SessionRefused
from hub.keys import PEERS
from hub.listening import runner_of
from hub.peers import Peers
from hub.sync import SYNC_PATH, sync
from replica.dialling import hub_dialler
from replica.joining import HubAddress
from replica.link import Link, LinkClosed
from simulator.checkers.violation import Violation
from simulator.streams import Streams, way
from simulator.virtual_loop import VirtualLoop
from simulator.weather import Weather
from simulator.world.machine import Machine
from simulator.world.talk import Leaks, WatchedLink, end_revoked, ends_noted, hooks_of

PORT: Final = 8443


class HonestLink:
    """A link that must give what was sent on another, or end; whatever else it does is a violation.

    What may be raised is `LinkClosed` alone: not even a refusal, as everybody is honest here.

    Args:
        sent: the hashes of all frames that were sent in this world, by sender and receiver.
        failed: told of a violation.
    """

    def __init__(
        self,
        link: Link,
        name: str,
        peer: str,
        sent: dict[tuple[str, str], set[bytes]],
        failed: Callable[[Violation], None],
        trace: Callable[[str], None],
    ) -> None:
        self._link = link
        self._name = name
        self._peer = peer
        self._sent = sent
        self._failed = failed
        self._trace = trace

    async def send(self, frame: bytes) -> None:
        """Send one frame."""
        digest = blake2b(frame, digest_size=8).digest()
        self._sent.setdefault((self._name, self._peer), set()).add(digest)
        self._trace(f"{self._name}>{self._peer} sends {digest.hex()}")
        with only_ends(self._name, self._peer, self._failed):
            await self._link.send(frame)

    async def receive(self) -> bytes:
        """The next frame."""
        with only_ends(self._name, self._peer, self._failed):
            frame = await self._link.receive()
        digest = blake2b(frame, digest_size=8).digest()
        if digest not in self._sent.get((self._peer, self._name), ()):
            words = f"{self._name} was given {len(frame)} bytes that {self._peer} never sent"
            self._failed(Violation("link", words))
        return frame

    async def close(self) -> None:
        """End the link."""
        await self._link.close()


@contextmanager
def only_ends(name: str, peer: str, failed: Callable[[Violation], None]) -> Iterator[None]:
    """Within the block nothing may go wrong but that a connection ends, or has no place."""
    try:
        yield
    except (LinkClosed, SessionRefused):
        raise
    except LogError as error:
        failed(Violation("link", f"{name} refused {peer}: {error}"))
        raise
    except Exception as error:
        failed(Violation("link", f"{name} to {peer}: {type(error).__name__}: {error}"))
        raise


class WatchedPeers(Peers):
    """The peers of a simulated hub: each link is looked at, and what ends a session noted."""

    def __init__(self, machine: Machine, ways: WebSockets, leaks: Leaks) -> None:
        super().__init__(
            machine.writer,
            ways.fingerprint(machine.name),
            lambda peer: hooks_of(machine, peer),
            lambda: None,
        )
        self._machine = machine
        self._ways = ways
        self._leaks = leaks

    async def serve(self, link: Link, channel: bytes = b"", *, address: str = "") -> None:
        """Hold a session with the machine of a name."""
        link = self._ways.watched(link, self._machine, address, self._leaks)
        with ends_noted(self._machine):
            await self.hold(link, channel, address=address)


class WebSocketServing:
    """A hub's side: the application that answers at its endpoint, for one life of its machine."""

    def __init__(self, machine: Machine, ways: WebSockets, leaks: Leaks) -> None:
        self._machine = machine
        self._ways = ways
        self._leaks = leaks

    async def serve(self) -> None:
        """Take connections until it is cancelled; an error of a handler ends the machine's life."""
        machine, loop = self._machine, asyncio.get_running_loop()
        peers = WatchedPeers(machine, self._ways, self._leaks)

        async def end(author: bytes) -> None:
            peers.end(author)

        handling: dict[asyncio.Task[object], None] = {}
        fault: asyncio.Future[None] = loop.create_future()

        # Not by a middleware: the library keeps those, and with them the world, for ever.
        async def answer(request: web.Request) -> web.StreamResponse:
            task = asyncio.current_task()
            assert task is not None
            handling[task] = None
            try:
                return await sync(request)
            except Exception as error:
                # The library would answer 500 and go on.
                if not fault.done():
                    fault.set_exception(error)
                raise
            finally:
                del handling[task]

        app = web.Application()
        app[PEERS] = peers
        app.router.add_get(SYNC_PATH, answer)
        runner = runner_of(app)
        await runner.setup()
        try:
            await web.UnixSite(runner, machine.name).start()
            async with asyncio.TaskGroup() as group:
                if self._ways.revocations:
                    group.create_task(end_revoked(machine, end), name=f"{machine.name} ends")
                await fault
        finally:
            if machine.up:
                await peers.hang_up()
            else:
                await _cancelled(list(handling))
            await runner.cleanup()
            # Whose connection was lost is nothing to the library any more.
            await _cancelled(list(handling))
            await peers.stop()
            if fault.done() and not fault.cancelled():
                fault.exception()


async def _cancelled(tasks: Sequence[asyncio.Task[object]]) -> None:
    for task in tasks:
        task.cancel()
    if tasks:
        await asyncio.wait(tasks)


class WebSockets:
    """How the machines of a world reach each other: see the top of this file.

    Args:
        hostile: the names of endpoints whose frames may be anything.
        revocations: whether hubs must look for keys that were shut out.
        failed: told of a violation, and at which machine.
    """

    def __init__(
        self,
        loop: VirtualLoop,
        weather: Weather,
        hostile: Sequence[str],
        failed: Callable[[str, BaseException], None],
        *,
        revocations: bool,
    ) -> None:
        loop.network = Streams(weather)
        self.revocations = revocations
        self._weather = weather
        self._hostile = frozenset(hostile)
        self._failed = failed
        self._sent: dict[tuple[str, str], set[bytes]] = {}

    def fingerprint(self, name: str) -> bytes:
        """What a hub's certificate for TLS would have."""
        return blake2b(name.encode(), digest_size=32).digest()

    def watched(
        self, link: Link, machine: Machine, peer: str, leaks: Leaks | None = None
    ) -> WatchedLink:
        """A machine's end of a link, as all who talk over it must have it."""
        name = machine.name

        def trace(words: str) -> None:
            self._weather.trace.step(self._weather.loop.time(), words)

        if peer not in self._hostile:
            link = HonestLink(link, name, peer, self._sent, partial(self._failed, name), trace)
        return WatchedLink(link, peer, machine.truth.points, leaks)

    def serving(self, machine: Machine, leaks: Leaks) -> WebSocketServing:
        """What a hub's program does to be reached."""
        return WebSocketServing(machine, self, leaks)

    @asynccontextmanager
    async def dial(self, source: str, target: str) -> AsyncIterator[tuple[Link, bytes]]:
        """A link from an endpoint to a hub's and its channel binding.

        Raises:
            LinkClosed: the hub does not answer.
            SessionRefused: it has no place.
        """

        async def list_hubs() -> Sequence[HubAddress]:
            address = f"{target.replace(' ', '-').lower()}:{PORT}"
            return [HubAddress((address,), self.fingerprint(target))]

        def connector() -> aiohttp.BaseConnector:
            return aiohttp.UnixConnector(way(source, target))

        async with AsyncExitStack() as stack:
            with only_ends(source, target, partial(self._failed, source)):
                linked = await stack.enter_async_context(hub_dialler(list_hubs, connector)())
            yield linked
