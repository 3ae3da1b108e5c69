"""Dialling hubs over pinned TLS: one after the other until one answers.

Holds no session and no list of hubs. Invariant: a link is given only where the machine that answers
has the fingerprint that was looked for.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from http import HTTPStatus

import aiohttp

from core.log.errors import LogError, SessionRefused, Unauthentic
from core.log.limits import FRAME_BYTES_MAX
from core.sentence import say
from replica.hubs import other_hubs
from replica.joining import HubAddress
from replica.link import HEARTBEAT_S, Crowded, Link, LinkClosed, WebSocketLink
from replica.transport_security import PEER_SERVER_NAME, client_pin
from replica.writer import Writer

# A hub in the same building answers at once; on a bad mobile link it may take this long.
CONNECT_S_MAX = 20.0

Dialler = Callable[[], AbstractAsyncContextManager[tuple[Link, bytes]]]

# Asked at each turn: a hub may have moved, or another have joined the site.
ListHubs = Callable[[], Awaitable[Sequence[HubAddress]]]


# What carries the connections of one dial.
MakeConnector = Callable[[], aiohttp.BaseConnector]


def hub_dialler(list_hubs: ListHubs, connector: MakeConnector = aiohttp.TCPConnector) -> Dialler:
    """Dial the hubs in turn, each at its addresses; gives a link and its channel binding.

    Where none answers, what the first one refused is the matter of people, and only that.
    """

    @asynccontextmanager
    async def dial() -> AsyncIterator[tuple[Link, bytes]]:
        hubs = await list_hubs()
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_S_MAX)
        async with aiohttp.ClientSession(connector=connector(), timeout=timeout) as client:
            last: Exception = LinkClosed("the hub has no address")
            tried = [(address, hub.fingerprint) for hub in hubs for address in hub.addresses]
            for address, fingerprint in tried:
                try:
                    socket = await connect(client, address, fingerprint)
                except LogError as refusal:
                    # That another machine has got the address of some other hub is no news to a
                    # phone that is out of reach of its own.
                    if fingerprint == hubs[0].fingerprint and not isinstance(last, LogError):
                        last = refusal
                    continue
                except (aiohttp.ClientError, TimeoutError, OSError) as error:
                    last = last if isinstance(last, (LogError, Crowded)) else error
                    continue
                try:
                    yield WebSocketLink(socket), fingerprint
                finally:
                    await socket.close()
                return
            if isinstance(last, (LogError, Crowded)):
                raise last
            places = ", ".join(address for address, _ in tried)
            raise LinkClosed(say("no hub answers at {places}", places=places)) from last

    return dial


async def hubs_in_turn(writer: Writer, own: HubAddress) -> list[HubAddress]:
    """A phone's own hub, also where it has moved to since, and then the site's others."""
    known = await writer.run(other_hubs, writer.replica)
    moved = [each.addresses for each in known if each.fingerprint == own.fingerprint]
    addresses = dict.fromkeys([*own.addresses, *(each for told in moved for each in told)])
    others = [
        HubAddress(each.addresses, each.fingerprint)
        for each in known
        if each.fingerprint != own.fingerprint
    ]
    return [HubAddress(tuple(addresses), own.fingerprint), *others]


async def connect(
    client: aiohttp.ClientSession, address: str, fingerprint: bytes
) -> aiohttp.ClientWebSocketResponse:
    """A WebSocket for a session with the machine of this fingerprint.

    Raises:
        LogError: another machine answers, or it holds no sessions.
        Crowded: it has no place for one just now.
        aiohttp.ClientError, TimeoutError, OSError: none answers.
    """
    try:
        async with asyncio.timeout(CONNECT_S_MAX):
            return await client.ws_connect(
                f"https://{address}/sync",
                ssl=client_pin(fingerprint),
                server_hostname=PEER_SERVER_NAME,
                max_msg_size=FRAME_BYTES_MAX,
                heartbeat=HEARTBEAT_S,
                compress=0,
            )
    except aiohttp.ServerFingerprintMismatch as error:
        words = say("another machine answers at {address}; ask the office", address=address)
        raise Unauthentic(words) from error
    except aiohttp.WSServerHandshakeError as error:
        if error.status == HTTPStatus.SERVICE_UNAVAILABLE:
            words = say("{address} serves others first", address=address)
            raise Crowded(words) from error
        words = say("{address} answered {status}", address=address, status=error.status)
        raise SessionRefused(words) from error
