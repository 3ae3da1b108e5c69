"""The simulated network: who listens, who can reach whom, and when that changes.

An endpoint is a name. A link between two of them stands for one WebSocket connection (`wire`). Here
are dialling and listening, times without network, partitions and clogs. It knows no sessions, and
reads frames only to hash them. Invariant: all that happens follows from the given source of chance
and the order of calls; and unless the options are hostile, a link never gives a frame that was not
sent, gives one twice, or out of order.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from random import Random
from typing import Any, Final, Generic

from replica.link import LinkClosed
from simulator.battering import Batterer
from simulator.draw import CALM, Options
from simulator.trace import Trace
from simulator.wire import E, End, WeatherLink, Wire

DAY_S: Final = 86_400.0
BACKLOG_MAX: Final = 1_024
"""Connections that wait to be accepted: a depot's phones all come back at once."""
CONNECT_S_MAX: Final = 20.0
CLOG_STEP_S_MAX: Final = 30.0


@dataclass(frozen=True, slots=True)
class Outage:
    """A time during which an endpoint has no network, in virtual seconds."""

    start_s: float
    end_s: float


def draw_outages(chance: Random, options: Options, until_s: float) -> tuple[Outage, ...]:
    """When an endpoint has no network: tunnels, places without any, whole days; merged, in order.

    Tunnels last half a minute to five, places without network 10 to 90 minutes, days 8 to 72 hours.
    """
    drawn: list[Outage] = []
    for per_day, least_s, most_s in (
        (options.tunnels_per_day, 30.0, 300.0),
        (options.dead_zones_per_day, 600.0, 5_400.0),
        (options.offline_per_day, 28_800.0, 3 * DAY_S),
    ):
        at_s = 0.0
        while per_day > 0:
            at_s += chance.expovariate(per_day / DAY_S)
            if at_s >= until_s:
                break
            drawn.append(Outage(at_s, at_s + chance.uniform(least_s, most_s)))
    drawn.sort(key=lambda outage: outage.start_s)
    merged: list[Outage] = []
    for outage in drawn:
        if merged and outage.start_s <= merged[-1].end_s:
            last = merged.pop()
            outage = Outage(last.start_s, max(last.end_s, outage.end_s))
        merged.append(outage)
    return tuple(merged)


class Listener(Generic[E]):
    """An endpoint that takes connections of one kind."""

    def __init__(self, weather: Weather, name: str, kind: type[E]) -> None:
        self.name = name
        self._weather = weather
        self._kind = kind
        self._arrived: asyncio.Queue[E | None] = asyncio.Queue()
        self._closed = False

    async def accept(self) -> E:
        """The next connection; `peer` says from whom. Raises LinkClosed once it is closed."""
        link = None if self._closed else await self._arrived.get()
        if link is None:
            self._arrived.put_nowait(None)
            raise LinkClosed(f"{self.name} no longer listens")
        return link

    def offer(self, link: End) -> bool:
        """A connection arrives; whether there was room for it, and it is of the kind."""
        if self._closed or self._arrived.qsize() >= BACKLOG_MAX:
            return False
        if not isinstance(link, self._kind):
            return False
        self._arrived.put_nowait(link)
        return True

    def close(self) -> None:
        """Listen no more; links that were accepted go on, those that wait are closed."""
        if self._closed:
            return
        self._closed = True
        self._weather.unlisten(self)
        while not self._arrived.empty():
            link = self._arrived.get_nowait()
            if link is not None:
                link.hang_up()
        self._arrived.put_nowait(None)


@dataclass(frozen=True, slots=True)
class Partition:
    """Which side each endpoint is on; one-way: a lower side hears no higher one."""

    side_by_name: dict[str, int]
    one_way: bool

    def blocks(self, source: str, target: str) -> bool:
        """Whether it stands between two endpoints in this direction."""
        one, other = self.side_by_name.get(source), self.side_by_name.get(target)
        if one is None or other is None or one == other:
            return False
        return not self.one_way or one > other


class Weather:
    """The network between all endpoints of one world.

    Args:
        loop: the virtual loop whose time it uses.
        chance: where every draw comes from; give it one of its own.
        options: which faults there are.
        trace: where events are noted.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        chance: Random,
        options: Options = CALM,
        trace: Trace | None = None,
    ) -> None:
        self.loop = loop
        self.chance = chance
        self.options = options
        self.trace = Trace() if trace is None else trace
        self.batterer = Batterer(chance)
        self._listeners: dict[str, Listener[Any]] = {}
        self._wires: dict[int, Wire[Any]] = {}
        self._wires_made = 0
        self._away: dict[str, int] = {}
        self._partitions: list[Partition] = []
        self._clogs: dict[str, int] = {}
        self._captive: dict[str, int] = {}
        self._changes: list[asyncio.Future[None]] = []
        self._calm = False

    # --- connections

    def listen(self, name: str) -> Listener[WeatherLink]:
        """Let an endpoint take connections. Raises ValueError if it does already."""
        return self.listen_for(name, WeatherLink)

    def listen_for(self, name: str, kind: type[E]) -> Listener[E]:
        """As `listen`, for connections whose ends are of another kind."""
        if name in self._listeners:
            raise ValueError(f"{name} already listens; close its listener first")
        listener = Listener(self, name, kind)
        self._listeners[name] = listener
        return listener

    def unlisten(self, listener: Listener[Any]) -> None:
        """A listener was closed."""
        if self._listeners.get(listener.name) is listener:
            del self._listeners[listener.name]

    async def connect(
        self, source: str, target: str, timeout_s: float = CONNECT_S_MAX
    ) -> WeatherLink:
        """Dial from one endpoint to another.

        Raises:
            LinkClosed: nobody listens there, another machine answers, or none did within
                `timeout_s`.
        """
        return await self.join(source, target, WeatherLink, timeout_s)

    async def join(
        self,
        source: str,
        target: str,
        make_end: Callable[[Wire[E], str, str], E],
        timeout_s: float = CONNECT_S_MAX,
    ) -> E:
        """As `connect`, for ends of another kind."""
        try:
            async with asyncio.timeout(timeout_s):
                for way in ((source, target), (target, source)):
                    await self._until_it_passes(*way)
                    await asyncio.sleep(
                        self.chance.uniform(self.options.latency_s_min, self.options.latency_s_max)
                    )
                    await self._until_it_passes(*way)
        except TimeoutError:
            raise LinkClosed(f"{target} did not answer {source} in {timeout_s:.0f} s") from None
        if source in self._captive:
            raise LinkClosed(f"another machine answers {source} in the place of {target}")
        listener = self._listeners.get(target)
        wire = Wire(self, self._wires_made, source, target, make_end)
        if listener is None or not listener.offer(wire.ends[1]):
            raise LinkClosed(f"{target} refused {source}")
        self._wires_made += 1
        self._wires[wire.number] = wire
        wire.weather_changed()
        return wire.ends[0]

    @asynccontextmanager
    async def dial(
        self, source: str, target: str, timeout_s: float = CONNECT_S_MAX
    ) -> AsyncIterator[WeatherLink]:
        """A link for the time of a block, closed at its end."""
        link = await self.connect(source, target, timeout_s)
        try:
            yield link
        finally:
            await link.close()

    def forget(self, wire: Wire[Any]) -> None:
        """A wire is over on both ends."""
        self._wires.pop(wire.number, None)

    def links_of(self, name: str) -> list[End]:
        """The living ends that an endpoint holds, oldest first."""
        return [
            end
            for wire in self._wires.values()
            for end in wire.ends
            if end.name == name and not end.ended
        ]

    def cut(self, name: str) -> None:
        """Cut every link of an endpoint in the middle."""
        for wire in self._wires_of(name):
            wire.cut()

    def crash(self, name: str, *, silent: bool) -> None:
        """The endpoint's program is gone: its links end, and it listens no more.

        `silent` is a power cut, of which nobody is told; otherwise its machine closes the links.
        """
        self._note("crash", f"{name}{' silently' if silent else ''}")
        listener = self._listeners.get(name)
        if listener is not None:
            listener.close()
        for wire in self._wires_of(name):
            for end in wire.ends:
                if end.name == name and not end.ended:
                    wire.break_off(end, "its program is gone", silent=silent)

    def _wires_of(self, name: str) -> list[Wire[Any]]:
        return [wire for wire in self._wires.values() if any(end.name == name for end in wire.ends)]

    # --- who can reach whom

    def passes(self, source: str, target: str) -> bool:
        """Whether a frame gets through from one endpoint to another now."""
        if source in self._away or target in self._away:
            return False
        if source in self._clogs or target in self._clogs:
            return False
        return not any(partition.blocks(source, target) for partition in self._partitions)

    def is_offline(self, name: str) -> bool:
        """Whether the endpoint has no network at all now."""
        return name in self._away

    def leave_network(self, name: str) -> None:
        """Take an endpoint out of the network; as often as this, `join_network` must be called."""
        self._note("offline", name)
        self._away[name] = self._away.get(name, 0) + 1
        self._changed()

    def join_network(self, name: str) -> None:
        """Undo one `leave_network`."""
        if name in self._away:
            self._away[name] -= 1
            if not self._away[name]:
                del self._away[name]
                self._note("online", name)
                self._changed()

    def divide(self, sides: Sequence[Collection[str]], *, one_way: bool = False) -> Partition:
        """Let no frame pass between the sides; one-way: only from an earlier side to a later."""
        side_by_name = {name: number for number, side in enumerate(sides) for name in sorted(side)}
        partition = Partition(side_by_name, one_way)
        words = " | ".join(",".join(sorted(side)) for side in sides)
        self._note("divide", f"{'one way ' if one_way else ''}{words}")
        self._partitions.append(partition)
        self._changed()
        return partition

    def unite(self, partition: Partition) -> None:
        """Take a partition away; one that is gone already stays so."""
        kept = [other for other in self._partitions if other is not partition]
        if len(kept) < len(self._partitions):
            self._partitions = kept
            self._note("unite")
            self._changed()

    def clog(self, name: str) -> None:
        """Hold back all frames of an endpoint; as often as this, `unclog` must be called."""
        self._note("clog", name)
        self._clogs[name] = self._clogs.get(name, 0) + 1
        self._changed()

    def unclog(self, name: str) -> None:
        """Undo one `clog`."""
        if name in self._clogs:
            self._clogs[name] -= 1
            if not self._clogs[name]:
                del self._clogs[name]
                self._note("unclog", name)
                self._changed()

    def capture(self, name: str) -> None:
        """Put an endpoint behind a portal: whatever it dials, another machine answers.

        Its links are cut; as often as this, `release` must be called.
        """
        self._note("captive", name)
        self._captive[name] = self._captive.get(name, 0) + 1
        self.cut(name)

    def release(self, name: str) -> None:
        """Undo one `capture`."""
        if name in self._captive:
            self._captive[name] -= 1
            if not self._captive[name]:
                del self._captive[name]
                self._note("released", name)

    def is_captive(self, name: str) -> bool:
        """Whether a portal stands before the endpoint's network."""
        return name in self._captive

    async def _until_it_passes(self, source: str, target: str) -> None:
        while not self.passes(source, target):
            change = self.loop.create_future()
            self._changes.append(change)
            await change

    def _changed(self) -> None:
        changes, self._changes = self._changes, []
        for change in changes:
            if not change.done():
                change.set_result(None)
        for wire in list(self._wires.values()):
            wire.weather_changed()

    def _note(self, kind: str, words: str = "") -> None:
        self.trace.note(self.loop.time(), kind, words)

    # --- what happens over the days

    async def follow(self, name: str, outages: Sequence[Outage]) -> None:
        """Take an endpoint out of the network at its times, until the weather clears."""
        for outage in outages:
            await asyncio.sleep(max(0.0, outage.start_s - self.loop.time()))
            if self._calm:
                return
            self.leave_network(name)
            await asyncio.sleep(max(0.0, outage.end_s - self.loop.time()))
            self.join_network(name)

    async def storm(self, names: Sequence[str], until_s: float) -> None:
        """Make partitions and clogs among the endpoints, until a time or until it clears."""
        partitions_per_s = self.options.partitions_per_day / DAY_S
        clogs_per_s = self.options.clogs_per_day / DAY_S
        both_per_s = partitions_per_s + clogs_per_s
        while both_per_s > 0:
            wait_s = self.chance.expovariate(both_per_s)
            if self.loop.time() + wait_s >= until_s:
                return
            await asyncio.sleep(wait_s)
            if self._calm:
                return
            if self.chance.random() * both_per_s < partitions_per_s:
                self._divide_by_chance(names)
            else:
                self._clog_by_chance(names)

    def clear(self) -> None:
        """The weather clears for good: everybody reaches everybody, and nothing more is cut."""
        self._note("clear")
        self._calm = True
        speed = self.options
        self.options = replace(CALM, find_out_s_max=speed.find_out_s_max)
        self._away.clear()
        self._partitions.clear()
        self._clogs.clear()
        self._captive.clear()
        self._changed()

    def _divide_by_chance(self, names: Sequence[str]) -> None:
        if self.chance.random() < 0.4:
            alone = self.chance.choice(names)
            sides = [[alone], [name for name in names if name != alone]]
        else:
            sides = [[], []]
            for name in names:
                sides[self.chance.randrange(2)].append(name)
        self.chance.shuffle(sides)
        one_way = self.chance.random() < self.options.one_way_per_partition
        partition = self.divide(sides, one_way=one_way)
        lasts_s = self.chance.uniform(1.0, max(1.0, self.options.partition_s_max))
        self.loop.call_later(lasts_s, self.unite, partition)

    def _clog_by_chance(self, names: Sequence[str]) -> None:
        """Clog some endpoints one by one and clear them in another order (FoundationDB's way)."""
        clogged = self.chance.sample(names, self.chance.randint(1, len(names)))
        at_s = 0.0
        for name in clogged:
            at_s += self.chance.uniform(0.0, CLOG_STEP_S_MAX)
            self.loop.call_later(at_s, self._clog_unless_calm, name)
        self.chance.shuffle(clogged)
        for name in clogged:
            at_s += self.chance.uniform(0.0, CLOG_STEP_S_MAX)
            self.loop.call_later(at_s, self.unclog, name)

    def _clog_unless_calm(self, name: str) -> None:
        if not self._calm:
            self.clog(name)
