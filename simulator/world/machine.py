"""A simulated machine: a real replica on a disk of its own, which can be killed at any moment.

It has a clock, a folder and a life: the tasks that its program runs. A kill takes the files as they
are, ends the life and opens the copy; what was in memory is gone. Knows neither people nor peers.
Invariant: what a life that is over still had on its way never reaches the next one's files.
"""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from collections.abc import Callable, Coroutine, Mapping, Sequence
from concurrent.futures import Executor
from random import Random
from typing import Any, TypeVar

from core.dispatch.acts import Act, Change
from core.dispatch.fields import Role
from core.dispatch.reading import PRESENT, Reading
from core.log.entry import FORMAT
from replica.identity import Identity
from replica.replica import Replica, Written
from replica.store import DiskFull
from replica.writer import Writer
from simulator.device_clock import DeviceClock
from simulator.trace import Trace
from simulator.weather import Weather
from simulator.world.acted import words_of
from simulator.world.disk import Disk
from simulator.world.truth import Truth
from simulator.world.watched import Notes, WatchedReplica

T = TypeVar("T")
Part = Callable[[], Coroutine[Any, Any, None]]

# A version of the program that is to come: it reads one format more, and writes in it.
LATER_PROGRAM = Reading(formats=frozenset({FORMAT, FORMAT + 1}), writes=FORMAT + 1)


class OneThread(Executor):
    """Stands for a machine's writer thread; the virtual loop runs its calls inline, in order."""


class Machine:
    """One machine of the world.

    Args:
        name: its endpoint in the network.
        disk: where its lives keep their files.
        failed: told of an error that ended a life and had no business to.
    """

    def __init__(
        self,
        name: str,
        identity: Identity,
        disk: Disk,
        clock: DeviceClock,
        chance: Random,
        weather: Weather,
        truth: Truth,
        failed: Callable[[str, BaseException], None],
    ) -> None:
        self.name = name
        self.identity = identity
        self.clock = clock
        self.chance = chance
        self.weather = weather
        self.truth = truth
        self.trace: Trace = weather.trace
        self.reading = PRESENT
        self.disk = disk
        self.up = False
        self._failed = failed
        self._executor = OneThread()
        self._life: asyncio.Task[None] | None = None
        self._dying = False
        self.open()

    # --- what it is

    @property
    def is_hub(self) -> bool:
        """Whether it is one of the hubs."""
        return self.identity.own.role == Role.HUB

    @property
    def worker(self) -> bytes:
        """The worker whose phone it is; empty for a hub."""
        return b"" if self.is_hub else self.identity.own.subject

    @property
    def at_hand(self) -> str:
        """Its endpoint for whoever stands beside it, whatever networks do."""
        return f"{self.name} at hand"

    def note(self, kind: str, words: str = "") -> None:
        """Note an event of this machine in the trace."""
        self.trace.note(self.weather.loop.time(), kind, f"{self.name} {words}")

    # --- its program

    def open(self) -> None:
        """Open the store of this life."""
        self.ballast = self.disk.ballast()
        if self.ballast is not None:
            self.ballast.begin()
        self.store = self.disk.open()
        self.replica = WatchedReplica(
            self.store,
            self.identity,
            self.clock,
            self.chance.randbytes,
            self.reading,
            notes=Notes(self.truth, self.name, self.worker, self.weather.loop.time),
        )
        self.writer = Writer(self.replica, self._executor, self.ballast)
        self._dying = False
        self.up = True

    def start(self, parts: Sequence[Part]) -> None:
        """Run the parts of its program until they are stopped or the machine is killed."""
        self._life = self.weather.loop.create_task(self._live(parts), name=f"{self.name} lives")

    async def _live(self, parts: Sequence[Part]) -> None:
        try:
            async with asyncio.TaskGroup() as group:
                for part in parts:
                    name = getattr(part, "__name__", "part")
                    group.create_task(part(), name=f"{self.name} {name}")
        except BaseExceptionGroup as errors:
            if not self._dying:
                self._failed(self.name, errors)

    async def stop(self) -> None:
        """End its program in good order; the store stays open."""
        life, self._life = self._life, None
        if life is not None:
            life.cancel()
            await asyncio.wait([life])

    async def die(self, *, silent: bool, power_cut: bool = False, image: str = "") -> None:
        """Be killed; what the disk holds then, or `image`, is what the next life begins with."""
        self._dying = True
        self.up = False
        self.disk.end_life()
        for endpoint in (self.name, self.at_hand):
            self.weather.crash(endpoint, silent=silent)
        # What still waits for the writer reaches nothing that is opened again.
        await self.stop()
        self.close()
        self.disk.begin_life(image, power_cut=power_cut)

    def close(self) -> None:
        """Close its files, whatever its disk says to that."""
        with contextlib.suppress(sqlite3.Error):
            self.replica.close()

    def become(self, identity: Identity) -> None:
        """Have another key from the next life on."""
        self.identity = identity

    def upgrade(self) -> None:
        """Have a later version of the program from the next life on."""
        self.reading = LATER_PROGRAM

    # --- acts

    async def act(
        self,
        make: Callable[[Replica], Act],
        *,
        actor: bytes = b"",
        basis: Mapping[bytes, str] | None = None,
    ) -> Written | None:
        """Commit the act that `make` decides on from what the store shows; None if on nothing.

        What it returns the person at the screen has seen as saved, and so it is written down.
        """

        decided: list[Change] = []

        def write(replica: Replica) -> Written | None:
            with self.store.transaction():
                changes = make(replica)
                if not changes:
                    return None
                decided[:] = changes
                return replica.write(changes, actor=actor, basis=basis)

        written = await self.do(write)
        if written is not None:
            self.note("act", words_of(decided))
        return written

    async def do(self, function: Callable[[Replica], T], *, is_act: bool = True) -> T:
        """Let a person do what the product has a function for.

        What it wrote the person has seen as saved when it returns, and so it is written down. Room
        that is kept back is for acts; a photo is none.
        """

        def carried() -> tuple[T, list[tuple[bytes, bytes]]]:
            self.replica.written.clear()
            answer = function(self.replica)
            return answer, list(self.replica.written)

        lay = self.ballast is not None and self.ballast.lies
        try:
            answer, written = await (self.writer.act if is_act else self.writer.run)(carried)
        except DiskFull as refusal:
            if lay and is_act:
                self.truth.refused_beside_ballast.append(f"{self.name}: {refusal}")
            raise
        if lay and self.ballast is not None and not self.ballast.lies:
            self.truth.points["ballast was given up"] += 1
        if not self._dying:
            self.truth.was_saved(self.name, written, self.weather.loop.time())
        return answer
