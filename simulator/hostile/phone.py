"""A hostile phone in a world: it dials hubs, is let in by its true certificate, and misbehaves.

Every session begins as the protocol wants, since nothing goes further without that; then it lies,
forges and throws frames until it is shown out, and comes again. Holds what it forged over all its
sessions. Invariant: its errors are its own and never the world's.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager, suppress
from functools import partial
from random import Random
from typing import Final

from core.log import messages
from core.log.errors import LogError, SessionRefused
from core.log.messages import Ack
from core.log.packing import Unpacker
from core.log.session import Close, Effect, Met, Send, Session
from replica.identity import Identity
from replica.link import Link, LinkClosed
from simulator.hostile.forging import Forger
from simulator.hostile.lying import LyingShelf
from simulator.hostile.volley import FIRST_NUMBER, Volley

Dial = Callable[[str, str], AbstractAsyncContextManager[tuple[Link, bytes]]]

STAY_S_MAX: Final = 600.0
PAUSE_S_MEAN: Final = 1_800.0
# While the honest heal, which takes some minutes, it comes more often.
PAUSE_S_MEAN_AT_HEALING: Final = 180.0
# A door that was shut for a day is knocked at more and more seldom: a hub may be away for a year.
REFUSED_MAX: Final = 48
PAUSE_S_MEAN_MAX: Final = 86_400.0
ENTRIES_PER_SESSION: Final = 6
# What it writes in all; a flood of honest-looking entries is another matter (`limits`).
ENTRIES_MAX: Final = 400
FRAMES_MAX: Final = 30
# How likely a session is one that throws nothing and only lies, and one that throws with care.
ONLY_LIES, POLITE = 0.3, 0.5


class HostilePhone:
    """One hostile phone.

    Args:
        name: its endpoint in the network.
        forger: its key, and what it made with it.
        dial: gives a link from one endpoint to another, and its channel binding.
        hubs: the endpoints that it dials.
        points: where it counts how its sessions ended.
    """

    def __init__(
        self,
        name: str,
        forger: Forger,
        dial: Dial,
        hubs: Sequence[str],
        other_site: bytes,
        chance: Random,
        points: Counter[str],
    ) -> None:
        self.name = name
        self.forger = forger
        self._dial = dial
        self._hubs = list(hubs)
        self._chance = chance
        self._points = points
        self._volley = Volley(forger, chance, other_site)
        self._usual_s = self._pause_s = PAUSE_S_MEAN
        self._refused = 0
        self._waiting: asyncio.Future[bool] | None = None

    @property
    def identity(self) -> Identity:
        """The key that the site certified."""
        return self.forger.identity

    async def attack(self) -> None:
        """Dial, misbehave and come again, until it is cancelled."""
        while True:
            await self._pause()
            self._refused += 1
            if self._refused > REFUSED_MAX:
                self._pause_s = min(2 * self._pause_s, PAUSE_S_MEAN_MAX)
            with suppress(LinkClosed, SessionRefused):
                hub = self._chance.choice(self._hubs)
                async with self._dial(self.name, hub) as (link, channel):
                    self._refused, self._pause_s = 0, self._usual_s
                    await self._misbehave(link, channel)

    def wake(self) -> None:
        """The hubs are there, and the honest heal: they are not left alone."""
        self._usual_s = PAUSE_S_MEAN_AT_HEALING
        _answer(self._waiting, woken=True)

    async def _pause(self) -> None:
        """Until it knocks again; the longer, the more often nobody opened."""
        loop = asyncio.get_running_loop()
        while True:
            # Not by `asyncio.timeout`, which under Python 3.11.2 ends a task for good in which a
            # group was ended by one before.
            self._waiting = loop.create_future()
            wait_s = self._chance.expovariate(1 / self._pause_s)
            timer = loop.call_later(wait_s, partial(_answer, self._waiting, woken=False))
            try:
                if not await self._waiting:
                    return
            finally:
                timer.cancel()
            self._refused, self._pause_s = 0, self._usual_s

    async def _misbehave(self, link: Link, channel: bytes) -> None:
        """Hold one session as far as it goes."""
        chance = self._chance
        if sum(len(log.entries) for log in self.forger.logs) < ENTRIES_MAX:
            for _ in range(chance.randrange(ENTRIES_PER_SESSION)):
                self.forger.forge()
        shelf = LyingShelf(self.forger, chance)
        session = Session(shelf, opens=True, nonce=chance.randbytes(16), channel=channel)
        try:
            async with (
                asyncio.timeout(chance.uniform(1.0, STAY_S_MAX)),
                asyncio.TaskGroup() as group,
            ):
                group.create_task(self._listen(session, link), name=f"{self.name} listens")
                group.create_task(self._throw(session, link), name=f"{self.name} throws")
        except* TimeoutError:
            self._points["a hostile phone went by itself"] += 1
        except* (LinkClosed, LogError):
            self._points["a hostile phone was shown out"] += 1

    async def _listen(self, session: Session, link: Link) -> None:
        await self._carry_out(session.open(), link)
        unpacker = Unpacker()
        while True:
            frame = await link.receive()
            if not _answers_thrown(unpacker.unpacked(frame)):
                await self._carry_out(session.receive(frame), link)

    async def _carry_out(self, effects: Sequence[Effect], link: Link) -> None:
        for effect in effects:
            match effect:
                case Send():
                    await link.send(effect.frame)
                case Met():
                    self._points["a hostile phone was let in"] += 1
                    if self._usual_s == PAUSE_S_MEAN_AT_HEALING:
                        self._points["a hostile phone was let in while the others healed"] += 1
                case Close():
                    # Its own session found fault with the hub, which its lies had led astray.
                    raise LinkClosed("the session ended")

    async def _throw(self, session: Session, link: Link) -> None:
        """Throw frames in between, from the moment when the hub listens to it."""
        chance = self._chance
        if chance.random() < ONLY_LIES:
            return
        polite = chance.random() < POLITE
        for _ in range(chance.randrange(FRAMES_MAX)):
            await asyncio.sleep(chance.expovariate(1 / 10.0))
            if session.peer is not None or chance.random() < 0.02:
                await link.send(self._volley.frame(polite=polite))


def _answer(waiting: asyncio.Future[bool] | None, *, woken: bool) -> None:
    """End a pause that has not ended yet."""
    if waiting is not None and not waiting.done():
        waiting.set_result(woken)


def _answers_thrown(frame: bytes) -> bool:
    """Whether a frame acks one that was thrown, of which the own session knows nothing."""
    message = messages.read(frame)
    return isinstance(message, Ack) and message.number >= FIRST_NUMBER
