"""The region's map for phones that have joined: what there is, and the tiles by ranges.

    GET /phone/map.json                        what the hub has (`replica.carried_map.MapOffer`)
    GET /phone/map/<hash>/<zoom>.pmtiles       an archive of it, by ranges

Not open to everybody, as what a phone installs is: tiles are large, may be under a licence that
names the site, and say where it works. A phone shows who it is as it does in a session, by its key
and certificate (`replica.hub_proof`); the first answer is a word to sign. Holds no map of its own.
Invariant: a byte of a map leaves only for a key that a session would be opened for.
"""

from __future__ import annotations

import asyncio
import hashlib
from functools import lru_cache
from pathlib import Path
from typing import Final

from aiohttp import web

from core.dispatch.fields import Role
from core.log.errors import LogError
from core.sentence import say
from hub.guard import Refused
from hub.hub import Hub
from hub.keys import HUB
from hub.map.errors import RegionError
from hub.map.region import BASEMAP, HASH_PATTERN, LOGGER, RegionInfo, read_info, region_folder
from hub.map.serve import installed_style
from hub.map.smaller import SMALLER, ZOOMS_LESS
from replica.carried_map import PIECE_BYTES, Archive, MapOffer, piece_hash
from replica.driver import STRANGERS
from replica.hub_proof import (
    SECRET_BYTES,
    NoProof,
    Proof,
    check_signature,
    is_fresh,
    make_word,
    read_proof,
)
from replica.map_fetching import OFFER_PATH, WORD_HEADER
from replica.shelf import ReplicaShelf

PROVEN_MAX: Final = 4_096
"""Proofs that are remembered; whose was forgotten is looked at again."""


class MapForPhones:
    """The handlers of one hub."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._folder = hub.folder / "map"
        self._secret = hub.replica.entropy(SECRET_BYTES)
        self._proven: dict[str, bytes] = {}

    async def offer(self, request: web.Request) -> web.StreamResponse:
        """Answer with what the hub has."""
        if (asked := await self._ask_who(request)) is not None:
            return asked
        info = self._info()
        loop = asyncio.get_running_loop()
        # To hash an archive that was not asked for before takes a second for each gigabyte.
        archives = await loop.run_in_executor(None, archives_of, self._folder, info)
        url = "pmtiles://"
        styles = {
            "light": installed_style(info, "light", None, url),
            "dark": installed_style(info, "dark", None, url),
        }
        offer = MapOffer(
            info.hash, info.name, info.schema, info.bounds, info.attribution, archives, styles
        )
        text = offer.to_json()
        tag = f'"{hashlib.blake2b(text.encode(), digest_size=16).hexdigest()}"'
        if request.headers.get("If-None-Match") == tag:
            return web.Response(status=304, headers={"ETag": tag})
        return web.Response(text=text, content_type="application/json", headers={"ETag": tag})

    async def tiles(self, request: web.Request) -> web.StreamResponse:
        """Answer with a piece of an archive, or with all of it."""
        if (asked := await self._ask_who(request)) is not None:
            return asked
        info = self._info()
        path = archive_path(self._folder, info, int(request.match_info["zoom"]))
        if request.match_info["hash"] != info.hash or not path.is_file():
            raise web.HTTPNotFound
        return web.FileResponse(path, headers={"Content-Type": "application/vnd.pmtiles"})

    def _info(self) -> RegionInfo:
        try:
            info = read_info(self._folder)
        except RegionError as error:
            LOGGER.error("The map cannot be used: %s", error)
            info = None
        if info is None or not HASH_PATTERN.match(info.hash):
            raise Refused(
                404,
                say("This hub has no map yet."),
                say("Import one with 'fieldlog map import'."),
            )
        return info

    async def _ask_who(self, request: web.Request) -> web.StreamResponse | None:
        """None for a phone that a session would be opened for; a word to sign for all others.

        Raises Refused for a phone that is known and not let in.
        """
        header = request.headers.get("Authorization", "")
        uptime_ms = self._hub.clock.uptime_ms()
        try:
            proof = read_proof(header)
            if not is_fresh(self._secret, proof.word, uptime_ms):
                raise NoProof("its word is old")
            author = self._proven.get(header)
            if author is None:
                author = await self._admitted(proof)
                if len(self._proven) >= PROVEN_MAX:
                    self._proven.clear()
                self._proven[header] = author
        except NoProof:
            word = make_word(self._secret, uptime_ms)
            return web.Response(status=401, headers={WORD_HEADER: word.hex()})
        revoked = await self._hub.reader.row("SELECT 1 FROM revoked WHERE author = ?", (author,))
        if revoked is not None:
            raise _turned_away(say("this device's certificate was revoked; ask the office"))
        return None

    async def _admitted(self, proof: Proof) -> bytes:
        """The key of a phone of this site. Raises NoProof, Refused."""
        hub = self._hub
        check_signature(proof, hub.replica.site, hub.transport.fingerprint)
        try:
            admit = ReplicaShelf(hub.replica).admit
            # As in a session: who has not proven who they are waits behind all others.
            certificate = await hub.writer.run(admit, proof.certificates, peer=STRANGERS)
        except LogError as error:
            raise _turned_away(str(error)) from error
        if certificate.role != Role.WORKER:
            raise _turned_away(say("the map is for phones"))
        return certificate.author


def _turned_away(why: str) -> Refused:
    return Refused(403, say("This hub gives its map to phones of its site alone."), why)


def archive_path(map_folder: Path, info: RegionInfo, zoom_max: int) -> Path:
    """Where the archive of a region up to a zoom lies, if it does."""
    name = BASEMAP if zoom_max == info.zoom_max else SMALLER
    return region_folder(map_folder, info.hash) / name


def archives_of(map_folder: Path, info: RegionInfo) -> tuple[Archive, ...]:
    """What there is of a region, the whole first, with the hashes of all pieces."""
    zooms = (info.zoom_max, info.zoom_max - ZOOMS_LESS)
    paths = {zoom: archive_path(map_folder, info, zoom) for zoom in zooms}
    return tuple(
        Archive(zoom, path.stat().st_size, _pieces_of(path))
        for zoom, path in paths.items()
        if path.is_file()
    )


@lru_cache(maxsize=4)
def _pieces_of(path: Path) -> tuple[str, ...]:
    """The hash of each piece; a folder with a hash in its name never changes its contents."""
    found = []
    with path.open("rb") as file:
        while data := file.read(PIECE_BYTES):
            found.append(piece_hash(data))
    return tuple(found)


def attach_map_for_phones(app: web.Application) -> None:
    """Add these routes to a hub's application."""
    served = MapForPhones(app[HUB])
    app.router.add_get(OFFER_PATH, served.offer)
    app.router.add_get("/phone/map/{hash:[0-9a-f]{24}}/{zoom:[0-9]{1,2}}.pmtiles", served.tiles)
