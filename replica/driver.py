"""The driver: carries a session's effects out over a link, and its frames in.

The session itself runs where the replica may be touched (`Writer.run`). Knows no rules of sync.
Invariant: a frame is sent only after what it speaks of was committed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from core.log.certificate import HUB_ROLE, Certificate
from core.log.errors import LogError
from core.log.session import Close, Differing, Effect, Live, Met, Seen, Send, Session, Stage
from replica.link import Link, LinkClosed
from replica.shelf import ReplicaShelf
from replica.store import DiskFull
from replica.writer import Writer

# Whose account at the writer a connection is on until its peer has said who it is.
STRANGERS = b"?"

# After so long a session looks at any commit for what it may have to tell.
LOOK_S = 60.0
# And after so long a hub's session looks though nobody commits anything; two phones' sooner.
LOOK_UNASKED_S = 900.0


async def _nothing(*_: Any) -> None:
    """What a program does that does not care."""


@dataclass(slots=True)
class Hooks:
    """What a program wants to hear of a session."""

    met: Callable[[Certificate], Awaitable[None]] = _nothing
    live: Callable[[], Awaitable[None]] = _nothing
    seen: Callable[[Certificate, dict[int, Any]], Awaitable[None]] = _nothing
    differing: Callable[[Certificate], Awaitable[None]] = _nothing


@dataclass(slots=True)
class Conversation:
    """A running session, for those who watch or feed it."""

    session: Session
    link: Link
    hooks: Hooks = field(default_factory=Hooks)
    frames_out: int = 0
    frames_in: int = 0
    bytes_out: int = 0
    bytes_in: int = 0

    async def carry_out(self, effects: list[Effect]) -> None:
        """Do what the session asks for.

        Raises:
            LogError: the session ended by it.
            LinkClosed: the link is down.
        """
        for effect in effects:
            match effect:
                case Send():
                    self.frames_out += 1
                    self.bytes_out += len(effect.frame)
                    await self.link.send(effect.frame)
                case Close():
                    if effect.error is not None:
                        raise effect.error
                    raise LinkClosed("the session ended")
                case Met():
                    await self.hooks.met(effect.certificate)
                case Live():
                    await self.hooks.live()
                case Seen() if self.session.peer is not None:
                    await self.hooks.seen(self.session.peer, effect.presence)
                case Differing() if self.session.peer is not None:
                    await self.hooks.differing(self.session.peer)

    async def hear(self, receive: Callable[[bytes], Awaitable[None]]) -> None:
        """Hand on each frame that comes. Raises what ends the session, as `carry_out` does."""
        while True:
            frame = await self.link.receive()
            self.frames_in += 1
            self.bytes_in += len(frame)
            await receive(frame)


async def converse(
    writer: Writer,
    link: Link,
    *,
    opens: bool,
    channel: bytes = b"",
    hooks: Hooks | None = None,
    started: Callable[[Conversation], None] | None = None,
) -> None:
    """Hold one session over `link` until it ends.

    Raises:
        LogError: the session was refused or broke a rule; the sentence is for people.
        LinkClosed: the link went down.
    """
    nonce = writer.replica.entropy(16)
    shelf = ReplicaShelf(writer.replica)
    session = Session(shelf, opens=opens, nonce=nonce, channel=channel)
    conversation = Conversation(session, link, hooks or Hooks())
    if started is not None:
        started(conversation)
    turn = asyncio.Lock()

    def in_turn(function: Callable[..., list[Effect]], *args: object) -> list[Effect]:
        effects = function(*args)
        # Set before what was committed is announced, for the session to hear of what concerns it.
        peer = session.peer
        live = peer is not None and session.stage is Stage.LIVE
        subscription.interest = shelf.interest(peer) if peer is not None and live else None
        return effects

    async def step(function: Callable[..., list[Effect]], *args: object) -> None:
        # Frames must leave in the order in which the session made them.
        async with turn:
            peer = STRANGERS if session.peer is None else session.peer.author
            await conversation.carry_out(await writer.run(in_turn, function, *args, peer=peer))

    loop = asyncio.get_running_loop()
    subscription = writer.subscribe(chooses=True)
    subscription.due_s = loop.time() + LOOK_S

    async def push() -> None:
        async for streams in subscription:
            await step(session.changed, streams)
            # What a clock ends, such as a closed job's stay on a phone, is seen to now and again.
            subscription.due_s = loop.time() + LOOK_S

    try:
        await step(session.open)
        async with asyncio.TaskGroup() as group:
            working = [group.create_task(push())]
            look = partial(step, session.changed, frozenset())
            working.append(group.create_task(_look_unasked(look, session, shelf)))
            try:
                await conversation.hear(partial(step, session.receive))
            finally:
                for each in working:
                    each.cancel()
    except BaseExceptionGroup as error:
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            # Until Python 3.13 a group hides a cancellation that came together with an error, and
            # whoever talks again after a lost link could not be stopped.
            raise asyncio.CancelledError from None
        raise _first(error) from None
    finally:
        writer.unsubscribe(subscription)
        await link.close()


async def _look_unasked(
    look: Callable[[], Awaitable[None]], session: Session, shelf: ReplicaShelf
) -> None:
    """What a phone is to let go of by the clock it lets go of on a quiet day too.

    And what it gave a colleague to carry is made anew, some time after more was written. A phone in
    session with a hub has nothing to look for, and is not woken for it.
    """
    while True:
        await asyncio.sleep(LOOK_UNASKED_S if shelf.is_hub else LOOK_S)
        peer = session.peer
        if not shelf.is_hub and peer is not None and peer.role == HUB_ROLE:
            return
        # Room that is kept for people is no reason to hang up: it is looked at again.
        with suppress(DiskFull):
            await look()


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """The error that tells people most: a rule that was broken before a link that ended."""
    flat: list[BaseException] = []
    pending: list[BaseException] = [group]
    while pending:
        error = pending.pop(0)
        if isinstance(error, BaseExceptionGroup):
            pending.extend(error.exceptions)
        else:
            flat.append(error)
    return next((error for error in flat if isinstance(error, LogError)), flat[0])
