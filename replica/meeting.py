"""Colleagues' phones that meet with no hub: one listens, the other dials an address that was typed.

Both prove themselves by their certificates, as with a hub, and the one that dials gives nothing to
a machine whose fingerprint the site does not name. What each gives the other is the session's and
the scope's matter. Invariant: nobody who has not proven to be of the site is told anything of it
but certificates.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Final

import aiohttp
from aiohttp import web

from core.dispatch.fields import Role
from core.log.certificate import Certificate
from core.log.errors import LogError, Unauthentic
from core.log.limits import FRAME_BYTES_MAX
from core.sentence import say
from replica.dialling import CONNECT_S_MAX, Dialler, connect
from replica.driver import Conversation, Hooks, converse
from replica.joining import fingerprint_at
from replica.link import HEARTBEAT_S, Link, LinkClosed, WebSocketLink
from replica.listener import Listener
from replica.replica import Replica
from replica.store import StoreError
from replica.transport_security import (
    FINGERPRINT_BYTES,
    TransportError,
    open_transport_identity,
)
from replica.writer import Writer

LOGGER = logging.getLogger(__name__)

PROVE_S_MAX: Final = 30.0
"""Who connects proves who it is within this; two round trips take seconds on a bad link."""

UNPROVEN_MAX: Final = 4
"""Peers that have not proven who they are; each may make this phone hold one frame."""

PROVEN_MAX: Final = 16
"""Colleagues in session at once: those who stand around one table."""


@dataclass(frozen=True, slots=True)
class Meetings:
    """How a phone meets colleagues: where it listens (host, port), and at which addresses it looks.

    Port 0 is one of the system's choice.
    """

    listen: tuple[str, int] | None = None
    addresses: tuple[str, ...] = ()


NO_MEETINGS: Final = Meetings()


def own_host() -> str:
    """The address by which this machine is known in the network that it is in now.

    Nothing is sent: a datagram socket that is told where it would send to says from which of its
    addresses it would. Where there is no network at all it is loopback.
    """
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("10.255.255.255", 9))
        except OSError:
            return "127.0.0.1"
        return str(probe.getsockname()[0])


def colleagues(replica: Replica) -> frozenset[bytes]:
    """The fingerprints of all other phones of the site that are not shut out, as far as known."""
    rows = replica.store.db.execute("SELECT author FROM revoked")
    revoked = {row[0] for row in rows}
    return frozenset(
        each.tls
        for each in replica.certificates_of(Role.WORKER)
        if each.author not in revoked
        and each.author != replica.author
        and len(each.tls) == FINGERPRINT_BYTES
    )


def colleague_dialler(writer: Writer, address: str) -> Dialler:
    """Dial whichever colleague's phone answers at an address."""

    @asynccontextmanager
    async def dial() -> AsyncIterator[tuple[Link, bytes]]:
        known = await writer.run(colleagues, writer.replica)
        try:
            async with asyncio.timeout(CONNECT_S_MAX):
                fingerprint = await fingerprint_at(address)
        except (OSError, TimeoutError) as error:
            raise LinkClosed(f"no phone answers at {address}") from error
        if fingerprint not in known:
            raise Unauthentic(
                say(
                    "what answers at {address} is no colleague's phone that this one has heard of; "
                    "check the address, or let this phone meet a hub first",
                    address=address,
                )
            )
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_S_MAX)
        async with aiohttp.ClientSession(timeout=timeout) as client:
            try:
                socket = await connect(client, address, fingerprint)
            except (aiohttp.ClientError, TimeoutError, OSError) as error:
                raise LinkClosed(f"no phone answers at {address}") from error
            try:
                yield WebSocketLink(socket), fingerprint
            finally:
                await socket.close()

    return dial


class MeetingPlace:
    """Where colleagues' phones reach this one: `async with MeetingPlace(writer, folder, ...)`.

    Args:
        writer: of this phone's replica.
        folder: where its TLS identity lies, which its certificate names.
        host, port: where to listen.
    """

    def __init__(self, writer: Writer, folder: Path, host: str, port: int) -> None:
        self.port = port
        self.prove_s_max = PROVE_S_MAX
        self._writer = writer
        self._host = host
        self._transport = open_transport_identity(folder)
        self._unproven: set[Link] = set()
        self._conversations: dict[bytes, Conversation] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        app = web.Application()
        app.router.add_get("/sync", self._sync)
        app.on_shutdown.append(self._hang_up)
        self._runner = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=1)

    async def __aenter__(self) -> MeetingPlace:
        await self._runner.setup()
        site = Listener(
            self._runner, self._host, self.port, ssl_context=self._transport.server_context()
        )
        try:
            await site.start()
        except OSError as error:
            await self._runner.cleanup()
            raise TransportError(
                f"port {self.port} can't be listened on for colleagues ({error.strerror}); choose "
                "another with --meet-port"
            ) from error
        self.port = int(self._runner.addresses[0][1])
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._runner.cleanup()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _hang_up(self, app: web.Application) -> None:
        links = [*self._unproven, *(each.link for each in self._conversations.values())]
        await asyncio.gather(*(link.close() for link in links))

    async def _sync(self, request: web.Request) -> web.StreamResponse:
        """GET /sync: one session over a WebSocket."""
        if len(self._unproven) >= UNPROVEN_MAX or len(self._conversations) >= PROVEN_MAX:
            return web.Response(status=503, text="too many phones are here; try again later")
        socket = web.WebSocketResponse(
            max_msg_size=FRAME_BYTES_MAX, heartbeat=HEARTBEAT_S, compress=False
        )
        try:
            await socket.prepare(request)
        except ConnectionError:
            # It went away before it was answered.
            return socket
        await self._serve(WebSocketLink(socket))
        return socket

    async def _serve(self, link: Link) -> None:
        """Hold a session with a phone that connected; a refusal is told to it, and logged."""
        mine: list[Conversation] = []
        self._unproven.add(link)
        late = asyncio.get_running_loop().call_later(
            self.prove_s_max, lambda: self._begin(link.close())
        )

        async def met(peer: Certificate) -> None:
            late.cancel()
            self._unproven.discard(link)
            before = self._conversations.get(peer.author)
            self._conversations[peer.author] = mine[0]
            if before is not None:
                # A phone that lost its connection comes back before this one has noticed; the old
                # one may be dead, so nobody waits for its farewell.
                self._begin(before.link.close())

        try:
            await converse(
                self._writer,
                link,
                opens=False,
                channel=self._transport.fingerprint,
                hooks=Hooks(met=met),
                started=mine.append,
            )
        except LinkClosed:
            LOGGER.info("a colleague's phone is gone")
        except (LogError, StoreError) as error:
            words = "".join(each if each.isprintable() else " " for each in str(error))[:200]
            LOGGER.warning("a session with a colleague's phone ended: %s", words)
        finally:
            late.cancel()
            self._unproven.discard(link)
            for author, conversation in list(self._conversations.items()):
                if mine and conversation is mine[0]:
                    del self._conversations[author]

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        """Run something beside; it is ended with this place at the latest."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
