"""Fetching the region's map from a hub: who asks is proven, the tiles come in one go or go on.

Over the pinned TLS that sessions use too, as the files of a map are no entries and would hold up a
session's frames. Holds no files (`carried_map`) and no choice of when. Invariant: a piece counts
only under the hash that the hub described it by, and what has come is never asked for twice.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Final, TypeVar

import aiohttp

from replica.carried_map import (
    DESCRIPTION_BYTES_MAX,
    Archive,
    CarriedMap,
    MapOffer,
    NotThisMap,
    read_offer,
)
from replica.dialling import CONNECT_S_MAX
from replica.hub_proof import Proof, to_sign
from replica.transport_security import PEER_SERVER_NAME, client_pin

OFFER_PATH: Final = "/phone/map.json"
WORD_HEADER: Final = "X-Fieldlog-Word"
"""In an answer of 401: what the phone has to sign, in hex."""
BLOCK_BYTES: Final = 1 << 18
SILENT_S_MAX: Final = 30.0
"""A hub that sends nothing for this long is asked again later."""

T = TypeVar("T")

# Runs a call where the files may be touched.
Run = Callable[..., Awaitable[T]]
Prove = Callable[[bytes], tuple[tuple[bytes, ...], bytes]]
"""From what is to be signed to the certificates of this phone and the signature."""


class NoMapThere(Exception):
    """The hub has no region, or gives it to nobody; the sentence says what it said."""


class MapHub:
    """One hub at one address: `async with map_hub(...) as hub`."""

    def __init__(
        self, client: aiohttp.ClientSession, address: str, fingerprint: bytes, prove: Prove
    ) -> None:
        self._client = client
        self._base = f"https://{address}"
        self._fingerprint = fingerprint
        self._prove = prove
        self._proof = ""

    async def offer(self, known: tuple[MapOffer, str] | None = None) -> tuple[MapOffer, str]:
        """What map the hub has, and the tag of its word; `known` is what it said before.

        Raises:
            NoMapThere: none for this phone.
            NotThisMap: what it said makes no sense.
            aiohttp.ClientError, TimeoutError, OSError: it is out of reach.
        """
        # The word is some 40 kB, and is a new one a few times a year.
        headers = {"If-None-Match": known[1]} if known is not None else None
        async with self._get(OFFER_PATH, headers) as answer:
            if answer.status == 304 and known is not None:
                return known
            return read_offer(await _whole(answer)), answer.headers.get("ETag", "")

    async def bring(
        self,
        offer: MapOffer,
        archive: Archive,
        begin: int,
        take: Callable[[bytes], Awaitable[bool]],
    ) -> bool:
        """Fetch an archive from byte `begin` on; whether it came to its end.

        `take` is given the bytes in order, and ends it by saying False.

        Raises as `offer`.
        """
        path = f"/phone/map/{offer.hash}/{archive.zoom_max}.pmtiles"
        left = archive.size - begin
        async with self._get(path, {"Range": f"bytes={begin}-{archive.size - 1}"}) as answer:
            if answer.status != 206:
                raise NotThisMap("the hub does not go on where the map was cut off")
            async for block in answer.content.iter_chunked(BLOCK_BYTES):
                left -= len(block)
                if left < 0:
                    raise NotThisMap("the hub sends more than it was asked for")
                if not await take(block):
                    return False
        return left == 0

    @asynccontextmanager
    async def _get(
        self, path: str, headers: dict[str, str] | None = None
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """An answer to who was asked to prove who they are, and did."""
        for again in (True, False):
            async with self._client.get(
                self._base + path,
                headers={**(headers or {}), **self._proven()},
                ssl=client_pin(self._fingerprint),
                server_hostname=PEER_SERVER_NAME,
            ) as answer:
                if answer.status == 401 and again:
                    self._sign(answer.headers.get(WORD_HEADER, ""))
                    continue
                if answer.status not in (200, 206, 304):
                    said = (await answer.content.read(300)).decode("utf-8", "replace")
                    raise NoMapThere(f"{answer.status} {said.strip()}")
                yield answer
                return

    def _proven(self) -> dict[str, str]:
        return {"Authorization": self._proof} if self._proof else {}

    def _sign(self, word_hex: str) -> None:
        try:
            word = bytes.fromhex(word_hex)
        except ValueError as error:
            raise NoMapThere("the hub's word is none") from error
        certificates, signature = self._prove(word)
        self._proof = Proof(certificates, word, signature).to_header()


@asynccontextmanager
async def map_hub(
    address: str,
    fingerprint: bytes,
    site: bytes,
    certificates: tuple[bytes, ...],
    sign: Callable[[bytes], bytes],
) -> AsyncIterator[MapHub]:
    """Ask the hub of a fingerprint at `host:port`; `sign` is by the key of the first certificate.

    Nothing is sent before it is asked.
    """

    def prove(word: bytes) -> tuple[tuple[bytes, ...], bytes]:
        return certificates, sign(to_sign(site, fingerprint, word))

    timeout = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_S_MAX, sock_read=SILENT_S_MAX)
    # Tiles are packed already, and a packed answer has no ranges.
    async with aiohttp.ClientSession(
        timeout=timeout, auto_decompress=False, headers={"Accept-Encoding": "identity"}
    ) as client:
        yield MapHub(client, address, fingerprint, prove)


async def _whole(answer: aiohttp.ClientResponse) -> bytes:
    """The body of an answer, which has a limit."""
    try:
        await answer.content.readexactly(DESCRIPTION_BYTES_MAX + 1)
    except asyncio.IncompleteReadError as whole:
        return whole.partial
    raise NotThisMap("the map's description is too long")


async def bring_into(
    carried: CarriedMap,
    hub: MapHub,
    offer: MapOffer,
    archive: Archive,
    run: Run[object],
    may_go_on: Callable[[], bool],
) -> bool:
    """Fetch what is missing of an archive, and let it be the phone's map; whether it is whole.

    `run` runs calls that touch the files; `may_go_on` is asked at every block.

    Raises as `MapHub.offer`, and OSError: the disk refused.
    """
    await run(carried.expect, offer, archive)
    while await run(carried.check_next):
        pass

    async def take(block: bytes) -> bool:
        await run(carried.take, block)
        return may_go_on()

    if carried.come < archive.size and not await hub.bring(offer, archive, carried.come, take):
        return False
    await run(carried.finish)
    return True
