"""Keeping a phone in session with its hub: connect, converse, back off, again.

Holds the loop and its figures. What travels is the session's matter, how a connection is made the
dialler's. Invariant: a refusal is kept in words for the worker; a lost link is only tried again.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass

import aiohttp

from core.log.errors import LogError, SessionRefused, Unauthentic
from core.log.limits import FRAME_BYTES_MAX
from replica.driver import Conversation, Hooks, converse
from replica.joining import HubAddress
from replica.link import HEARTBEAT_S, Link, LinkClosed, WebSocketLink
from replica.store import StoreError
from replica.transport_security import PEER_SERVER_NAME, client_pin
from replica.writer import Writer

LOGGER = logging.getLogger(__name__)

# A hub that is gone is asked again after one second, then twice as long each time, up to this.
BACK_OFF_S_MIN, BACK_OFF_S_MAX = 1.0, 120.0

# A hub in the same building answers at once; on a bad mobile link it may take this long.
CONNECT_S_MAX = 20.0

Dialler = Callable[[], AbstractAsyncContextManager[tuple[Link, bytes]]]


@dataclass(slots=True)
class SyncFigures:
    """What the sync page shows of the conversation with the hub."""

    connected: bool = False
    live: bool = False
    met_at_ms: int | None = None
    refusal: str = ""
    refused_words: str = ""
    tries: int = 0
    conversation: Conversation | None = None


def hub_dialler(hub: HubAddress) -> Dialler:
    """Dial the hub's addresses in turn over pinned TLS; gives a link and its channel binding."""

    @asynccontextmanager
    async def dial() -> AsyncIterator[tuple[Link, bytes]]:
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_S_MAX)
        async with aiohttp.ClientSession(timeout=timeout) as client:
            last: Exception = LinkClosed("the hub has no address")
            for address in hub.addresses:
                try:
                    async with asyncio.timeout(CONNECT_S_MAX):
                        socket = await client.ws_connect(
                            f"https://{address}/sync",
                            ssl=client_pin(hub.fingerprint),
                            server_hostname=PEER_SERVER_NAME,
                            max_msg_size=FRAME_BYTES_MAX,
                            heartbeat=HEARTBEAT_S,
                            compress=0,
                        )
                except aiohttp.ServerFingerprintMismatch:
                    last = Unauthentic(f"another machine answers at {address}; ask the office")
                    continue
                except aiohttp.WSServerHandshakeError as error:
                    last = SessionRefused(f"the hub at {address} answered {error.status}")
                    continue
                except (aiohttp.ClientError, TimeoutError, OSError) as error:
                    # What a refusal said is worth more to people than that one address is silent.
                    last = last if isinstance(last, LogError) else error
                    continue
                try:
                    yield WebSocketLink(socket), hub.fingerprint
                finally:
                    await socket.close()
                return
            if isinstance(last, LogError):
                raise last
            raise LinkClosed(f"no hub answers at {', '.join(hub.addresses)}") from last

    return dial


class Syncer:
    """Runs sessions with one hub for as long as it is not cancelled."""

    def __init__(self, writer: Writer, dial: Dialler, changed: Callable[[], None]) -> None:
        self.figures = SyncFigures()
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
            lived = await self._once()
            pause = BACK_OFF_S_MIN if lived else min(pause * 2, BACK_OFF_S_MAX)
            self._wake.clear()
            with contextlib.suppress(TimeoutError):
                # Not `wait_for`: on Python 3.11 it loses a cancellation that comes with the wake.
                async with asyncio.timeout(pause):
                    await self._wake.wait()

    async def _once(self) -> bool:
        """One conversation; whether it came as far as agreeing."""
        lived = False

        async def live() -> None:
            nonlocal lived
            lived = True
            self.figures.live = True
            self.figures.refusal = ""
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
        except LinkClosed:
            pass
        except LogError as error:
            self._refused("Sync with the hub was refused.", str(error))
        except StoreError as error:
            # A full disk may have room at the next turn.
            self._refused("This phone could not save what came.", str(error))
        except Exception as fault:
            # A fault of ours must not end syncing for good; it is told, and tried again.
            LOGGER.exception("a session ended by a fault")
            self._refused("Sync stopped by a fault of this program.", repr(fault)[:200])
        finally:
            self.figures.connected = self.figures.live = False
            self.figures.conversation = None
            self._changed()
        return lived

    def _refused(self, words: str, why: str) -> None:
        """Keep for the worker what went wrong; the next session that comes to agree clears it."""
        self.figures.refused_words, self.figures.refusal = words, why
