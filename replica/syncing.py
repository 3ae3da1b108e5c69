"""Keeping a phone in session with its hub: connect, converse, back off, again.

Holds the loop and its figures. What travels is the session's matter, how a connection is made the
dialler's. Invariant: a refusal is kept in words for the worker; a lost link is only tried again.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import blake2b

from core.log.errors import LogError, SessionRefused
from core.sentence import say
from replica.dialling import Dialler
from replica.driver import Conversation, Hooks, converse
from replica.link import Crowded, LinkClosed
from replica.store import StoreError
from replica.told import known_again
from replica.writer import Writer

LOGGER = logging.getLogger(__name__)

HUB_REFUSED = say("Sync with the hub was refused.")

# A hub that is gone is asked again after one second, then twice as long each time, up to this.
BACK_OFF_S_MIN, BACK_OFF_S_MAX = 1.0, 120.0
# One that has no place just now, as a whole depot has come at once, has one within seconds.
CROWDED_S_MAX = 8.0


@dataclass(slots=True)
class SyncFigures:
    """What the sync page shows of the conversation with the hub."""

    connected: bool = False
    live: bool = False
    met_at_ms: int | None = None
    refusal: str = ""
    refused_words: str = ""
    refused_name: str = ""
    tries: int = 0
    conversation: Conversation | None = None


class Syncer:
    """Runs sessions with one hub, or one colleague's phone, for as long as it is not cancelled.

    `refused` is what a worker is told where the other side refuses one.
    """

    def __init__(
        self, writer: Writer, dial: Dialler, changed: Callable[[], None], refused: str = HUB_REFUSED
    ) -> None:
        self.figures = SyncFigures()
        self._refused_words = refused
        self._writer = writer
        self._dial = dial
        self._changed = changed
        self._wake = asyncio.Event()

    def sync_now(self) -> None:
        """Try at once rather than at the next turn."""
        self._wake.set()

    async def run(self) -> None:
        """Connect, converse, back off, again; ends only by cancellation."""
        pause = BACK_OFF_S_MIN
        while True:
            self.figures.tries += 1
            pause = min(pause * 2, await self._once())
            self._wake.clear()
            with contextlib.suppress(TimeoutError):
                # Not `wait_for`: on Python 3.11 it loses a cancellation that comes with the wake.
                async with asyncio.timeout(pause * self._spread()):
                    await self._wake.wait()

    def _spread(self) -> float:
        """Between a half and one and a half, another at each try and for each phone.

        Phones that lost their hub at one moment, or were turned away at one, would else come back
        at one, and most of them be turned away again.
        """
        drawn = f"{self._writer.replica.author.hex()} {self.figures.tries}".encode()
        return 0.5 + int.from_bytes(blake2b(drawn, digest_size=4).digest()) / 2**32

    async def _once(self) -> float:
        """One conversation; the seconds that the next may be put off at the most."""
        lived, most_s = False, BACK_OFF_S_MAX

        async def live() -> None:
            nonlocal lived
            lived = True
            self.figures.live = True
            self.figures.refusal = self.figures.refused_name = ""
            self.figures.met_at_ms = self._writer.replica.clock.now_ms()
            self._changed()

        def started(conversation: Conversation) -> None:
            self.figures.connected = True
            self.figures.conversation = conversation
            self._changed()

        try:
            async with self._dial() as (link, channel):
                await converse(
                    self._writer,
                    link,
                    opens=True,
                    channel=channel,
                    hooks=Hooks(live=live),
                    started=started,
                )
        except Crowded:
            most_s = CROWDED_S_MAX
        except LinkClosed:
            pass
        except LogError as error:
            self._refused(self._refused_words, known_again(str(error)), _told(error))
        except StoreError as error:
            # A full disk may have room at the next turn.
            self._refused(say("This phone could not save what came."), str(error))
        except Exception as fault:
            # A fault of ours must not end syncing for good; it is told, and tried again.
            LOGGER.exception("a session ended by a fault")
            self._refused(say("Sync stopped by a fault of this program."), repr(fault)[:200])
        finally:
            self.figures.connected = self.figures.live = False
            self.figures.conversation = None
            self._changed()
        return BACK_OFF_S_MIN if lived else most_s

    def _refused(self, words: str, why: str, name: str = "") -> None:
        """Keep for the worker what went wrong; the next session that comes to agree clears it."""
        self.figures.refused_words, self.figures.refusal = words, why
        self.figures.refused_name = name


def _told(error: LogError) -> str:
    """The name of a refusal that the hub told of this phone; what it told of the hub is no such."""
    return error.name if isinstance(error, SessionRefused) and error.by_peer else ""
