"""The one owner of a replica at run time: every call to it runs here, one after another.

`run` carries a synchronous call to the writer's executor when its turn has come (`replica.turns`);
what it committed is announced to those who subscribed, after it was committed. The executor is
given, so that a simulated world can run it inline. Invariant: no two calls touch the replica at
once.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Executor
from typing import TypeVar

from replica.ballast import Ballast
from replica.purging import scrub_if_due
from replica.replica import Replica
from replica.scope import audience_of
from replica.store import DiskFull
from replica.turns import PEOPLE, Turns

T = TypeVar("T")


Audience = frozenset[bytes] | None
"""Whose phones a commit may matter to, as `replica.scope.audience_of` says it."""


class Subscription:
    """Streams as they change: `async for streams in subscription`.

    Args:
        concerns: whether a commit to streams with such an audience is to be heard of; None: any is.
    """

    def __init__(
        self, concerns: Callable[[frozenset[bytes], Audience], bool] | None = None
    ) -> None:
        self._concerns = concerns
        self._streams: set[bytes] = set()
        self._ready = asyncio.Event()
        self.closed = False

    def add(self, streams: frozenset[bytes], audience: Audience = None) -> None:
        """Announce changed streams."""
        if self._concerns is not None and not self._concerns(streams, audience):
            return
        self._streams |= streams
        self._ready.set()

    @property
    def chooses(self) -> bool:
        """Whether it hears only of what concerns it."""
        return self._concerns is not None

    def take(self) -> frozenset[bytes]:
        """What has changed since the last time, without waiting; for those who only ask."""
        streams, self._streams = frozenset(self._streams), set()
        self._ready.clear()
        return streams

    def close(self) -> None:
        """End the iteration."""
        self.closed = True
        self._ready.set()

    async def __aiter__(self) -> AsyncIterator[frozenset[bytes]]:
        while True:
            await self._ready.wait()
            self._ready.clear()
            streams, self._streams = frozenset(self._streams), set()
            if streams:
                yield streams
            if self.closed:
                return


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
        self._subscriptions: list[Subscription] = []
        self._turns = Turns(replica.clock.uptime_ms)

    async def run(self, function: Callable[..., T], *args: object, peer: bytes = PEOPLE) -> T:
        """Run `function(*args)` where the replica may be touched; announce what it changed.

        `peer` is the key of the peer for whose session it is; people come before all peers.

        Raises:
            DiskFull: it is for a peer, and the room that is left is kept for people.
        """
        loop = asyncio.get_running_loop()

        def carried() -> T:
            try:
                return function(*args)
            finally:
                # Asked here, where no other call can be changing anything meanwhile.
                changed = self.replica.take_changed()
                if self.replica.has_purged:
                    self.replica.has_purged = False
                    scrub_if_due(self.replica)
                if changed:
                    loop.call_soon_threadsafe(self._announce, changed, self._audience(changed))

        if peer != PEOPLE and self.ballast is not None and self.ballast.is_for_people_alone:
            raise DiskFull(
                "the disk is almost full, and what is left is kept for what people do here; make "
                "room, and the rest comes by itself"
            )
        async with self._turns.turn(peer):
            return await loop.run_in_executor(self._executor, carried)

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
        if not any(each.chooses for each in self._subscriptions):
            return None
        try:
            return audience_of(self.replica.store.db, changed)
        except sqlite3.Error:
            return None  # Then everybody looks, and is told of the fault in words.

    def _announce(self, changed: frozenset[bytes], audience: Audience) -> None:
        for subscription in self._subscriptions:
            subscription.add(changed, audience)

    def subscribe(
        self, concerns: Callable[[frozenset[bytes], Audience], bool] | None = None
    ) -> Subscription:
        """Hear of changed streams from now on, or of those that concern; `unsubscribe` ends it."""
        subscription = Subscription(concerns)
        self._subscriptions.append(subscription)
        return subscription

    def unsubscribe(self, subscription: Subscription) -> None:
        """Hear no more."""
        subscription.close()
        if subscription in self._subscriptions:
            self._subscriptions.remove(subscription)
