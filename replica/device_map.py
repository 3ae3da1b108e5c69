"""The map of a phone that runs: when it is fetched, and how far it is.

Looks at what was chosen, at the network and at the room on the disk; whoever is in session with a
hub asks it for its map now and again, after its entries. Holds no files and no network of its own.
Invariant: nothing of the map is fetched while files wait for another network, or where the room
would be lacking to work.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from typing import TYPE_CHECKING, Final, TypeVar

import aiohttp

from core.log.errors import LogError
from core.sentence import say
from replica.authority import shown_certificates
from replica.carried_map import Archive, CarriedMap, MapOffer, NotThisMap
from replica.dialling import hubs_in_turn
from replica.files import MACHINE_FILES, Files
from replica.joining import load_hub_address
from replica.map_fetching import MapHub, NoMapThere, bring_into, map_hub
from replica.store import StoreError

if TYPE_CHECKING:
    from replica.device import Device

LOGGER = logging.getLogger(__name__)

T = TypeVar("T")

LOOK_EVERY_S: Final = 6 * 3_600.0
"""A hub gets a new map a few times a year."""
TRY_AGAIN_S: Final = 300.0
_AS_PEER: Final = b"the map"
TOLD_EVERY_MS: Final = 2_000
"""Open pages are drawn anew no more often than this while it comes."""


class CutOff(Exception):
    """A map came no further, and nobody here had stopped it."""


class MapStanding(StrEnum):
    """How the map of a phone stands."""

    OFF = "it was chosen not to carry it"
    NONE = "no hub has offered one yet"
    HERE = "it is here"
    COMING = "it is on its way, or will be with the next contact"
    WAITS = "it waits for a network that is not the mobile one"
    NO_ROOM = "the disk has no room for it"


@dataclass(frozen=True, slots=True)
class MapState:
    """What screens show: `here_bytes` of a whole map, `come_bytes` of one of `whole_bytes`.

    `lacking_bytes` have to be made free where there is no room; `is_smaller` says that the map that
    is here has no far zooms, as there was no room for the whole one. `trouble` is what went wrong
    last, in words; '' for nothing.
    """

    standing: MapStanding
    name: str = ""
    here_bytes: int = 0
    come_bytes: int = 0
    whole_bytes: int = 0
    lacking_bytes: int = 0
    is_smaller: bool = False
    trouble: str = ""


class DeviceMap:
    """The map of one phone; `files` is the disk that it lies on."""

    def __init__(self, device: Device, files: Files = MACHINE_FILES) -> None:
        self.carried = CarriedMap(device.phone_folder, files)
        self._device = device
        self._known: tuple[MapOffer, str] | None = None
        self._looked_ms: int | None = None
        self._tried_ms: int | None = None
        self._told_ms = 0
        self._trouble: str = ""
        self._lacking = 0
        self._wake = asyncio.Event()

    @property
    def is_wanted(self) -> bool:
        """Whether it was chosen to carry a map."""
        return self._device.choices["map"] == "carry"

    @property
    def state(self) -> MapState:
        """How the map stands."""
        here, coming = self.carried.here, self.carried.coming
        offer = self._known[0] if self._known is not None else None
        whole = coming.archive.size if coming is not None else 0
        if coming is None and offer is not None:
            whole = offer.archives[0].size
        named = coming or here
        name = named.offer.name if named is not None else ""
        return MapState(
            self._standing(),
            name or (offer.name if offer is not None else ""),
            self.carried.size,
            self.carried.come,
            whole,
            self._lacking,
            here is not None and here.archive != here.offer.archives[0],
            self._trouble,
        )

    def _standing(self) -> MapStanding:
        here, coming = self.carried.here, self.carried.coming
        if here is not None and coming is None:
            return MapStanding.HERE
        if not self.is_wanted:
            return MapStanding.OFF
        if self._lacking:
            return MapStanding.NO_ROOM
        if self._device.choices.files_wait:
            return MapStanding.WAITS
        if coming is None and self._known is None:
            return MapStanding.NONE
        return MapStanding.COMING

    async def delete(self) -> None:
        """Take the map off this phone, and carry none from here on. Raises OSError."""
        await self._device.choices.prefer("map", "leave")
        await self._run(self.carried.delete)
        self._lacking = 0
        self._device.announce()

    def look_now(self) -> None:
        """Ask a hub at the next turn, whenever it was asked last."""
        self._looked_ms = self._tried_ms = None
        self._wake.set()

    # --- the loop

    async def run(self) -> None:
        """Fetch what is due, whenever something changes; ends only by cancellation."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._hear())
            while True:
                # First: what happens meanwhile is looked at in the next turn.
                self._wake.clear()
                await self._give_way()
                if self._is_due():
                    await self._once()
                pause_s = TRY_AGAIN_S if self._tried_ms is not None else LOOK_EVERY_S
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(pause_s):
                        await self._wake.wait()

    async def _give_way(self) -> None:
        """Half a map is of no use, and what it takes up may be lacking for work."""
        coming = self.carried.coming
        try:
            if coming is not None and self.carried.lacking_room(coming.archive):
                await self._run(self.carried.drop_coming)
        except (OSError, StoreError) as error:
            LOGGER.warning("half a map could not be given up: %s", error)

    async def _hear(self) -> None:
        """A session, a choice or another network may make it due."""
        async for _ in self._device.subscribe():
            self._wake.set()

    def _is_due(self) -> bool:
        """Whether to ask a hub now."""
        device = self._device
        if not device.in_session:
            # Whatever went wrong before is tried again as soon as a hub is in reach.
            self._tried_ms = None
            return False
        if not self.is_wanted or device.choices.files_wait:
            return False
        now_ms = device.clock.uptime_ms()
        if self._tried_ms is not None and 0 <= now_ms - self._tried_ms < TRY_AGAIN_S * 1_000:
            return False
        if self.carried.coming is not None or self._lacking or self._looked_ms is None:
            return True
        return not 0 <= now_ms - self._looked_ms < LOOK_EVERY_S * 1_000

    async def _once(self) -> None:
        """One try; what went wrong is kept in words, and tried again later."""
        self._tried_ms = self._device.clock.uptime_ms()
        try:
            await self._fetch()
        except NoMapThere as error:
            LOGGER.info("there is no map for this phone: %s", error)
            self._looked_ms, self._tried_ms = self._device.clock.uptime_ms(), None
            self._trouble = say("The hub has no map for phones yet.")
        except (aiohttp.ClientError, TimeoutError, CutOff) as error:
            LOGGER.info("the map did not come yet: %s", error)
            self._trouble = say("The hub was out of reach or cut it off; it goes on by itself.")
        except (NotThisMap, LogError) as error:
            LOGGER.warning("the map was not taken: %s", error)
            self._trouble = say("What came was not what the hub had described; it is asked again.")
        except (OSError, StoreError) as error:
            LOGGER.warning("the map could not be kept: %s", error)
            self._trouble = say("This phone could not save it; look for space.")
        else:
            self._trouble = ""
            if not self._lacking:
                self._tried_ms = None
        self._device.announce()

    async def _fetch(self) -> None:
        """Ask the hubs in turn what they have, and fetch it if there is room.

        Raises aiohttp.ClientError, TimeoutError, CutOff, NoMapThere, NotThisMap, OSError.
        """
        writer = self._device.writer
        own = load_hub_address(self._device.folder)
        if own is None:
            return
        replica = writer.replica
        shown = await writer.run(shown_certificates, replica)
        proof = (replica.site, tuple(each.to_bytes() for each in shown), replica.identity.key.sign)
        last: Exception = CutOff("no hub has an address")
        for hub in await hubs_in_turn(writer, own):
            is_own = hub.fingerprint == own.fingerprint
            if not is_own and self.carried.here is not None:
                # Another hub may have another region: it brings a map to who has none.
                break
            for address in hub.addresses:
                try:
                    async with map_hub(address, hub.fingerprint, *proof) as there:
                        await self._bring(there)
                        return
                except (
                    aiohttp.ClientConnectionError, TimeoutError, aiohttp.ServerFingerprintMismatch,
                    NoMapThere,
                ) as error:  # fmt: skip
                    last = error
        raise last

    async def _bring(self, hub: MapHub) -> None:
        """Fetch what one hub has, as far as it is lacking and there is room."""
        offer, _ = self._known = await hub.offer(self._known)
        self._looked_ms = self._device.clock.uptime_ms()
        archive = self.carried.fitting(offer)
        smallest = offer.archives[-1]
        self._lacking = 0 if archive is not None else self.carried.lacking_room(smallest)
        if archive is None or self.carried.is_here(offer, archive):
            await self._run(self.carried.drop_coming)
            return
        self._device.announce()
        if not self._may_go_on(archive):
            return
        if await bring_into(
            self.carried, hub, offer, archive, self._run_behind, partial(self._may_go_on, archive)
        ):
            LOGGER.info("the map is here: %s, %d bytes", offer.name, archive.size)
        elif self._may_go_on(archive):
            raise CutOff("the hub ended before the map did")

    def _may_go_on(self, archive: Archive) -> bool:
        """Asked while it comes: choices, networks and the room may change."""
        now_ms = self._device.clock.uptime_ms()
        if not 0 <= now_ms - self._told_ms < TOLD_EVERY_MS:
            self._told_ms = now_ms
            self._device.announce()
        self._lacking = self.carried.lacking_room(archive)
        return self.is_wanted and not self._device.choices.files_wait and not self._lacking

    async def _run_behind(self, function: Callable[..., T], *args: object) -> T:
        """As a peer that has its turns: people and sessions are not held up by a map."""
        return await self._device.writer.run(function, *args, peer=_AS_PEER)

    async def _run(self, function: Callable[..., T], *args: object) -> T:
        """The files are touched where the store is: nothing else writes to the disk meanwhile."""
        return await self._device.writer.run(function, *args)
