"""Peers in session with a hub: who is connected, who has not proven yet who they are, who must go.

One session a peer: who comes back replaces the connection that it lost. What is new in a session
the hub is told by its hooks. Holds no HTTP and no pages. Invariant: who has not proven within a
time who they are is hung up on, and only so many wait for it.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Coroutine
from dataclasses import replace
from typing import Any

from core.log.certificate import Certificate
from core.log.errors import LogError
from hub.next_key import follow_keys
from hub.origins import origin_of
from hub.renewal import renew
from replica.driver import Conversation, Hooks, converse
from replica.link import Link, LinkClosed
from replica.store import StoreError
from replica.writer import Writer

LOGGER = logging.getLogger(__name__)

# Who connects proves who it is within this; on a bad mobile link two round trips take seconds.
PROVE_S_MAX = 30.0

# Peers that have connected and not proven who they are; each may make the hub hold one frame.
UNPROVEN_MAX = 64

# Of these, from one machine. A depot's phones behind one router take turns: proving takes an
# instant, and who is turned away comes back in a second.
UNPROVEN_BY_ORIGIN_MAX = 16

HooksFor = Callable[[str], Hooks]


class Peers:
    """The peers of one hub.

    Args:
        writer: of the hub's replica.
        fingerprint: of the certificate under which the hub listens.
        hooks_for: what the hub wants to hear of a session with whoever connected from an address.
        changed: called when a session has ended.
    """

    def __init__(
        self, writer: Writer, fingerprint: bytes, hooks_for: HooksFor, changed: Callable[[], None]
    ) -> None:
        self.fingerprint = fingerprint
        self.conversations: dict[bytes, Conversation] = {}
        self.unproven: Counter[str] = Counter()
        self.unproven_max = UNPROVEN_MAX
        self.unproven_max_by_origin = UNPROVEN_BY_ORIGIN_MAX
        self.prove_s_max = PROVE_S_MAX
        self._writer = writer
        self._hooks_for = hooks_for
        self._changed = changed
        self._tasks: set[asyncio.Task[None]] = set()

    def is_crowded(self, address: str) -> bool:
        """Whether too many peers, or too many from there, have not proven yet who they are."""
        return (
            self.unproven.total() >= self.unproven_max
            or self.unproven[origin_of(address)] >= self.unproven_max_by_origin
        )

    async def serve(self, link: Link, channel: bytes = b"", *, address: str = "") -> None:
        """As `hold`; a refusal is logged in words, and the peer was told it too."""
        try:
            await self.hold(link, channel, address=address)
        except LinkClosed:
            pass
        except (LogError, StoreError) as error:
            # A peer's own words may be in it, and a log's lines are not for strangers to write.
            words = "".join(each if each.isprintable() else " " for each in str(error))[:200]
            LOGGER.warning("a session ended: %s: %s", getattr(error, "name", "store"), words)

    async def hold(self, link: Link, channel: bytes = b"", *, address: str = "") -> None:
        """Hold a session with a phone or another hub that connected from `address`, to its end.

        Raises:
            LinkClosed: the link went down.
            LogError: the session was refused or broke a rule.
            StoreError: the disk refused.
        """
        mine: list[Conversation] = []
        told = self._hooks_for(address)
        origin = origin_of(address)
        self.unproven[origin] += 1
        late = asyncio.get_running_loop().call_later(
            self.prove_s_max, lambda: self._begin(link.close())
        )

        def proven() -> None:
            if not late.cancelled():
                late.cancel()
                self.unproven[origin] -= 1
                self.unproven += Counter()  # Drops who has none left.

        async def met(peer: Certificate) -> None:
            proven()
            before = self.conversations.get(peer.author)
            self.conversations[peer.author] = mine[0]
            if before is not None and before is not mine[0]:
                # A phone that lost its connection comes back before the hub has noticed; the old
                # one may be dead, so nobody waits for its farewell.
                self._begin(before.link.close())
            try:
                await self._writer.run(renew, self._writer.replica, peer)
            except StoreError as error:
                LOGGER.warning("a phone's certificate was not renewed; the next time: %s", error)
            await told.met(peer)

        async def live() -> None:
            await told.live()
            await self.follow_keys(mine[0], agreed=True)

        hooks = replace(told, met=met, live=live)
        try:
            await converse(
                self._writer, link, opens=False, channel=channel, hooks=hooks, started=mine.append
            )
        finally:
            proven()
            for author, conversation in list(self.conversations.items()):
                if mine and conversation is mine[0]:
                    del self.conversations[author]
                    self._changed()

    async def follow_keys(self, conversation: Conversation, *, agreed: bool) -> None:
        """Certify or retire keys of a phone that changes its own."""
        peer = conversation.session.peer
        try:
            if peer is not None:
                await self._writer.run(
                    lambda: follow_keys(self._writer.replica, peer, agreed=agreed)
                )
        except StoreError as error:
            LOGGER.warning("a phone's key was not followed; the next contact does it: %s", error)

    def end(self, author: bytes) -> bool:
        """End a peer's session, and wait for nothing; whether there was one."""
        conversation = self.conversations.get(author)
        if conversation is not None:
            self._begin(conversation.link.close())
        return conversation is not None

    async def hang_up(self) -> None:
        """End all sessions; phones come back when the hub does."""
        open_now = list(self.conversations.values())
        await asyncio.gather(*(conversation.link.close() for conversation in open_now))

    async def stop(self) -> None:
        """Hang up, and wait for no farewell any more."""
        await self.hang_up()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        """Run something beside; it is ended with the hub at the latest."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
