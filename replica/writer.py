"""The one owner of a replica at run time: every call to it runs here, one after another.

`run` carries a synchronous call to the writer's executor when its turn has come (`replica.turns`);
what it committed is announced to those who subscribed, after it was committed. The executor is
given, so that a simulated world can run it inline. Invariant: no two calls touch the replica at
once.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Executor
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from replica.ballast import Ballast
from replica.interest import Audience
from replica.purging import scrub_if_due
from replica.replica import Replica
from replica.scope import audience_of
from replica.store import DiskFull
from replica.subscriptions import Subscription, Subscriptions
from replica.turns import PEOPLE, Turns

T = TypeVar("T")

# Calls of peers that are carried out together at the most, and for how long others are begun.
TOGETHER_MAX = 32
TOGETHER_MS_MAX = 20


@dataclass(slots=True)
class _Call:
    """A call, and what came of it once `is_over`."""

    function: Callable[[], object]
    outcome: object = None
    error: BaseException | None = None
    took_ms: int = 0
    is_over: bool = False

    def carry_out(self) -> None:
        """Keep what the function returns or raises."""
        try:
            self.outcome = self.function()
        except BaseException as error:  # noqa: BLE001  # it is for whoever asked
            self.error = error


@dataclass(slots=True)
class Work:
    """What a writer did so far: calls, those that wait now, and how long all waited and worked."""

    calls: int = 0
    waiting: int = 0
    waited_s: float = 0.0
    worked_s: float = 0.0


async def _to_its_end(running: asyncio.Future[None]) -> None:
    """Wait for what runs, also where whoever waits is cancelled: it is done for others too."""
    cancelled: asyncio.CancelledError | None = None
    while not running.done():
        try:
            await asyncio.shield(running)
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None:
        raise cancelled


class Writer:
    """Runs calls on the replica, one at a time.

    Args:
        replica: what is owned.
        executor: of one thread; None runs on the event loop's default (a simulated loop's own).
        ballast: room that is kept back for acts on a full disk, if any is.
    """

    def __init__(
        self, replica: Replica, executor: Executor | None, ballast: Ballast | None = None
    ) -> None:
        self.replica = replica
        self.ballast = ballast
        self._executor = executor
        self._subscriptions = Subscriptions()
        self.commits_by_kind: Counter[int] = Counter()
        """How often streams of a kind changed: for who must not wait for word of it."""
        self._turns: Turns[_Call] = Turns(replica.clock.uptime_ms)
        self.work = Work()

    async def run(self, function: Callable[..., T], *args: object, peer: bytes = PEOPLE) -> T:
        """Run `function(*args)` where the replica may be touched; announce what it changed.

        `peer` is the key of the peer for whose session it is; people come before all peers. What
        peers ask for at the same time is carried out together, and made durable by one sync.

        Raises:
            DiskFull: it is for a peer, and the room that is left is kept for people.
        """
        if peer != PEOPLE and self.ballast is not None and self.ballast.is_for_people_alone:
            raise DiskFull(
                "the disk is almost full, and what is left is kept for what people do here; make "
                "room, and the rest comes by itself"
            )
        call = _Call(partial(function, *args))
        work, asked_s = self.work, asyncio.get_running_loop().time()
        work.waiting += 1
        try:
            async with self._turns.turn(peer, None if peer == PEOPLE else call) as is_own:
                work.waited_s += asyncio.get_running_loop().time() - asked_s - call.took_ms / 1_000
                if is_own:
                    await self._carry_out(call, alone=peer == PEOPLE)
        finally:
            work.waiting -= 1
        if call.error is not None:
            raise call.error
        return call.outcome  # type: ignore[return-value]  # of this very function

    async def _carry_out(self, call: _Call, *, alone: bool) -> None:
        """Carry out a call, and with it those of peers that wait, as many as fit in a while."""
        loop, work = asyncio.get_running_loop(), self.work
        along = [] if alone else self._turns.take_along(TOGETHER_MAX - 1)
        calls = [call, *(taken for _, taken in along)]
        began_s = loop.time()
        try:
            running = loop.run_in_executor(self._executor, self._carry, calls, loop)
            await (_to_its_end(running) if along else running)
        finally:
            work.calls += sum(each.is_over for each in calls)
            work.worked_s += loop.time() - began_s
            self._turns.carried(
                [(each, taken.took_ms) for each, taken in along if taken.is_over],
                [each for each, taken in along if not taken.is_over],
            )

    def _carry(self, calls: list[_Call], loop: asyncio.AbstractEventLoop) -> None:
        """On the executor: the first call, and others until the while is over."""
        uptime_ms = self.replica.clock.uptime_ms
        changed: frozenset[bytes] = frozenset()
        together = self.replica.store.durable_together() if len(calls) > 1 else nullcontext()
        carried: list[_Call] = []
        try:
            with together:
                until_ms = uptime_ms() + TOGETHER_MS_MAX
                for call in calls:
                    began_ms = uptime_ms()
                    if carried and began_ms >= until_ms:
                        break
                    carried.append(call)
                    call.carry_out()
                    # Asked here, where no other call can be changing anything meanwhile.
                    own = self.replica.take_changed()
                    self.commits_by_kind.update({stream[4] for stream in own})
                    changed |= own
                    call.took_ms = uptime_ms() - began_ms
        except Exception as error:  # noqa: BLE001  # it is for those who asked
            # Of nothing that was carried out is it known whether it will last.
            for call in carried or calls[:1]:
                call.error = call.error or error
        for call in carried or calls[:1]:
            call.is_over = True
        if changed:
            loop.call_soon_threadsafe(self._announce, changed, self._audience(changed))
        if self.replica.has_purged:
            # It takes long, and nobody is to wait for it to hear what changed.
            self.replica.has_purged = False
            scrub_if_due(self.replica)

    async def act(self, function: Callable[..., T], *args: object) -> T:
        """Run a person's act, which is one transaction: on a full disk in the room kept back.

        Raises:
            StoreError: the disk refused it even so; nothing was changed.
        """
        return await self.run(self._act, function, args)

    def _act(self, function: Callable[..., T], args: tuple[object, ...]) -> T:
        ballast, store = self.ballast, self.replica.store
        try:
            return function(*args)
        except DiskFull:
            if ballast is None or not ballast.give_up():
                raise
            store.checkpoint()
            return function(*args)
        finally:
            if ballast is not None and not ballast.lies:
                # The WAL must not eat up the room that the file needs to take it in.
                store.checkpoint()

    def _audience(self, changed: frozenset[bytes]) -> Audience:
        """Asked once a commit, so that not every session has to look for itself."""
        if not self._subscriptions.has_choosers:
            return None
        try:
            return audience_of(self.replica.store.db, changed)
        except sqlite3.Error:
            return None  # Then everybody looks, and is told of the fault in words.

    def _announce(self, changed: frozenset[bytes], audience: Audience) -> None:
        self._subscriptions.announce(changed, audience, asyncio.get_running_loop().time())

    def subscribe(self, *, chooses: bool = False) -> Subscription:
        """Hear of changed streams from now on; `unsubscribe` ends it."""
        return self._subscriptions.begin(chooses=chooses)

    def unsubscribe(self, subscription: Subscription) -> None:
        """Hear no more."""
        self._subscriptions.end(subscription)
