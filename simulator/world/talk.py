"""How simulated machines meet: hubs that serve, phones that dial and roam, hubs that meet hubs.

Every conversation is held by the real `replica.driver`, a phone's by the real
`replica.syncing.Syncer`; here is only who dials whom, and links of whole frames (`websockets` has
the product's own). Each frame that a hub sends is looked at on its way.
Invariant: nothing here changes a frame.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from random import Random
from typing import Protocol

from core.dispatch.acts import SITE_STREAM
from core.log import messages
from core.log.certificate import Certificate
from core.log.errors import LogError, SessionRefused
from core.log.messages import Runs
from core.log.packing import Unpacker
from replica.authority import revoked_keys
from replica.driver import Conversation, Hooks, converse
from replica.link import Link, LinkClosed
from replica.store import StoreError
from replica.syncing import Syncer
from simulator.weather import Weather
from simulator.wire import WeatherLink
from simulator.world.machine import Machine
from simulator.world.moving import Houses

# The second byte of a frame is its message's number.
_RUNS, _COMPARE, _LEAVE = 3, 7, 8

Leaks = Callable[[str, bytes], None]


class WatchedLink:
    """A link to a peer whose sent frames are counted by kind and shown to a checker."""

    def __init__(
        self, link: Link, peer: str, points: Counter[str], leaks: Leaks | None = None
    ) -> None:
        self.link = link
        self._peer = peer
        self._points = points
        self._leaks = leaks
        self._unpacker = Unpacker()

    async def send(self, frame: bytes) -> None:
        """Send one frame."""
        plain = self._unpacker.unpacked(frame)
        kind = plain[1]
        if kind == _COMPARE:
            self._points["compared digests or heads"] += 1
        elif kind == _LEAVE:
            self._points["a stream left a phone"] += 1
        elif kind == _RUNS and self._leaks is not None:
            message = messages.read(plain)
            assert isinstance(message, Runs)
            for run in message.runs:
                self._leaks(self._peer, run.stream)
        await self.link.send(frame)

    async def receive(self) -> bytes:
        """The next frame."""
        return await self.link.receive()

    async def close(self) -> None:
        """End the link."""
        await self.link.close()


class Serving:
    """A hub's side: takes connections and holds their sessions, one a peer."""

    def __init__(self, machine: Machine, leaks: Leaks) -> None:
        self._machine = machine
        self._leaks = leaks
        self._by_author: dict[bytes, Conversation] = {}

    async def serve(self) -> None:
        """Take connections until it is cancelled."""
        listener = self._machine.weather.listen(self._machine.name)
        self._by_author.clear()
        try:
            async with asyncio.TaskGroup() as group:
                if self._machine.weather.options.revocations_per_day:
                    ends = end_revoked(self._machine, self._end)
                    group.create_task(ends, name=f"{self._machine.name} ends")
                while True:
                    link = await listener.accept()
                    group.create_task(self._hold(link), name=f"{self._machine.name} {link.peer}")
        except LinkClosed:
            return
        finally:
            listener.close()

    async def _end(self, author: bytes) -> None:
        conversation = self._by_author.get(author)
        if conversation is not None:
            await conversation.link.close()

    async def _hold(self, link: WeatherLink) -> None:
        machine, mine = self._machine, list[Conversation]()
        points = machine.truth.points

        async def met(peer: Certificate) -> None:
            before = self._by_author.get(peer.author)
            self._by_author[peer.author] = mine[0]
            if before is not None and before is not mine[0]:
                await before.link.close()

        await held(
            machine,
            WatchedLink(link, link.peer, points, self._leaks),
            opens=False,
            hooks=hooks_of(machine, link.peer, met=met),
            started=mine.append,
        )
        for author, conversation in list(self._by_author.items()):
            if mine and conversation is mine[0]:
                del self._by_author[author]


async def end_revoked(machine: Machine, end: Callable[[bytes], Awaitable[None]]) -> None:
    """Whose key was shut out leaves at once, as `hub.hub` has it."""
    writer = machine.writer
    subscription = writer.subscribe()
    try:
        async for streams in subscription:
            if SITE_STREAM in streams:
                for author in sorted(revoked_keys(writer.replica.store.db)):
                    await end(author)
    finally:
        writer.unsubscribe(subscription)


def hooks_of(
    machine: Machine,
    peer: str,
    met: Callable[[Certificate], object] | None = None,
) -> Hooks:
    """Hooks that write down when two machines were live, and that they could not agree."""
    truth = machine.truth

    async def live() -> None:
        truth.live_at_s[(machine.name, peer)] = machine.weather.loop.time()

    async def differing(_: Certificate) -> None:
        truth.points["differed for a while"] += 1
        machine.note("differing", peer)

    hooks = Hooks(live=live, differing=differing)
    if met is not None:
        hooks.met = met  # type: ignore[assignment]
    return hooks


async def held(
    machine: Machine,
    link: Link,
    *,
    opens: bool,
    hooks: Hooks,
    channel: bytes = b"",
    started: Callable[[Conversation], None] | None = None,
) -> None:
    """Hold one session to its end; whatever ends it is written down."""
    with ends_noted(machine):
        await converse(
            machine.writer, link, opens=opens, channel=channel, hooks=hooks, started=started
        )


@contextmanager
def ends_noted(machine: Machine) -> Iterator[None]:
    """Write down what ends a session."""
    points = machine.truth.points
    try:
        yield
    except LinkClosed:
        points["a link ended"] += 1
    except LogError as error:
        points[f"refused: {error.name}"] += 1
        machine.note("refused", f"{error.name}: {error}")
    except StoreError:
        # The sentence names the file, which is another at every run.
        points["a session met a failing disk"] += 1
        machine.note("store", "failed")


class Ways(Protocol):
    """How the machines of a world reach each other."""

    def dial(self, source: str, target: str) -> AbstractAsyncContextManager[tuple[Link, bytes]]:
        """A link between two endpoints and its channel binding. Raises LinkClosed."""

    def watched(
        self, link: Link, machine: Machine, peer: str, leaks: Leaks | None = None
    ) -> WatchedLink:
        """A machine's end of a link, as all who talk over it must have it."""


class Frames:
    """Links that carry whole frames, by the weather alone."""

    def __init__(self, weather: Weather) -> None:
        self._weather = weather

    def serving(self, machine: Machine, leaks: Leaks) -> Serving:
        """What a hub's program does to be reached."""
        return Serving(machine, leaks)

    def watched(
        self, link: Link, machine: Machine, peer: str, leaks: Leaks | None = None
    ) -> WatchedLink:
        """A machine's end of a link."""
        return WatchedLink(link, peer, machine.truth.points, leaks)

    @asynccontextmanager
    async def dial(self, source: str, target: str) -> AsyncIterator[tuple[Link, bytes]]:
        """A link between two endpoints. Raises LinkClosed."""
        async with self._weather.dial(source, target) as link:
            yield link, b""


class Roaming:
    """A phone's side: the real syncer, and which hub it has in reach."""

    def __init__(
        self, phone: Machine, hubs: list[str], chance: Random, ways: Ways, houses: Houses
    ) -> None:
        self.hub = chance.choice(hubs)
        self._houses = houses
        self._phone = phone
        self._ways = ways
        self._hubs = hubs
        self._chance = chance

    async def sync(self) -> None:
        """Keep in session with the hub in reach."""
        await Syncer(self._phone.writer, self._dial, lambda: None).run()

    @asynccontextmanager
    async def _dial(self) -> AsyncIterator[tuple[Link, bytes]]:
        phone = self._phone
        # A phone's system wakes its programs when there is a network again.
        while phone.weather.is_offline(phone.name):  # noqa: ASYNC110  # the weather has no event
            await asyncio.sleep(self._chance.uniform(60.0, 900.0))
        points = phone.truth.points
        points["a captive portal stood in the way"] += phone.weather.is_captive(phone.name)
        hub = self._found()
        async with self._ways.dial(phone.name, hub) as (link, channel):
            yield self._ways.watched(link, phone, hub), channel

    def _found(self) -> str:
        """The hub in reach, or where that has moved to nobody knows where, another."""
        hubs = [self.hub, *(hub for hub in self._hubs if hub != self.hub)]
        for hub in hubs:
            if self._houses.knows(self._phone, hub):
                return hub
        raise LinkClosed("no hub is where it was")

    async def roam(self) -> None:
        """Come into the reach of one hub or the other; between them there is no network."""
        phone, chance = self._phone, self._chance
        while True:
            await asyncio.sleep(chance.uniform(300.0, 10_800.0))
            if chance.random() < 0.4:
                self.go_to(chance.choice(self._hubs))
                for link in phone.weather.links_of(phone.name):
                    link.hang_up()
                    await asyncio.sleep(0)
            else:
                phone.weather.leave_network(phone.name)
                try:
                    await asyncio.sleep(chance.choice((120.0, 1_800.0, 10_800.0)))
                finally:
                    phone.weather.join_network(phone.name)

    def go_to(self, hub: str) -> None:
        """From here the phone dials this hub."""
        self.hub = hub


class HubMeeting:
    """One hub dials the other at intervals, and stays for a while."""

    def __init__(
        self, machine: Machine, other: str, chance: Random, ways: Ways, houses: Houses
    ) -> None:
        self.pause_s: tuple[float, float] = (300.0, 7_200.0)
        self.stay_s: tuple[float, float] = (5.0, 3_600.0)
        self._machine = machine
        self._ways = ways
        self._other = other
        self._houses = houses
        self._chance = chance

    async def meet(self) -> None:
        """Meet, part, and meet again until it is cancelled."""
        machine, chance = self._machine, self._chance
        while True:
            try:
                async with asyncio.timeout(chance.uniform(*self.stay_s)):
                    if not self._houses.knows(machine, self._other):
                        raise LinkClosed(f"{self._other} is not where it was")
                    async with self._ways.dial(machine.name, self._other) as (link, channel):
                        watched = self._ways.watched(link, machine, self._other)
                        hooks = hooks_of(machine, self._other)
                        await held(machine, watched, opens=True, hooks=hooks, channel=channel)
            except (LinkClosed, SessionRefused, TimeoutError):
                pass
            await asyncio.sleep(chance.uniform(*self.pause_s))
