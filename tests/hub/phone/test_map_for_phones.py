"""A hub's map comes to its phones: proven, in pieces, checked, and only where there is room."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from hub.map.archive import read_archive
from hub.map.region import BASEMAP, RegionInfo, read_info, region_folder
from hub.map.smaller import SMALLER, ZOOMS_LESS, write_smaller
from replica.authority import shown_certificates
from replica.carried_map import (
    ROOM_LEFT_BYTES,
    CarriedMap,
)
from replica.device import Device
from replica.device_map import MapStanding
from replica.files import MachineFiles
from replica.hub_proof import Proof, is_fresh, make_word, to_sign
from replica.map_fetching import OFFER_PATH, MapHub, NoMapThere, map_hub
from replica.transport_security import PEER_SERVER_NAME, client_pin
from tests.build import SettableClock
from tests.core.log.pages import hex_examples
from tests.running import OFFICE, HubAtWork, joined_phone, until


class Disk(MachineFiles):
    """A disk with as much room as the test says; the files lie on the machine's own."""

    free = 1 << 40

    def free_bytes(self, folder: Path) -> int:
        return self.free


def install(hub: HubAtWork, map_folder: Path, *, smaller: bool = False) -> RegionInfo:
    """Let a hub have Helsinki as its region."""
    target = hub.hub.folder / "map"
    shutil.copytree(map_folder, target)
    info = read_info(target)
    assert info is not None
    if smaller:
        folder = region_folder(target, info.hash)
        write_smaller(folder / BASEMAP, folder / SMALLER, info.zoom_max - ZOOMS_LESS)
    return info


def standing(phone: Device) -> MapStanding:
    return phone.map.state.standing


def basemap(hub: HubAtWork, info: RegionInfo) -> bytes:
    return (region_folder(hub.hub.folder / "map", info.hash) / BASEMAP).read_bytes()


@asynccontextmanager
async def asking(hub: HubAtWork, phone: Device) -> AsyncIterator[MapHub]:
    """The phone's side of a conversation about maps."""
    replica = phone.writer.replica
    shown = tuple(each.to_bytes() for each in shown_certificates(replica))
    fingerprint = hub.hub.transport.fingerprint
    proof = (replica.site, shown, replica.identity.key.sign)
    async with map_hub(hub.address, fingerprint, *proof) as there:
        yield there


def test_the_proof_is_what_its_page_says() -> None:
    examples = hex_examples("map-for-phones.md")
    word = make_word(bytes([3]) * 32, 1_000)
    assert word == examples["word"]
    assert to_sign(bytes([1]) * 32, bytes([2]) * 32, word) == examples["signed"]
    assert is_fresh(bytes([3]) * 32, word, 600_999)
    assert not is_fresh(bytes([3]) * 32, word, 601_000)
    assert not is_fresh(bytes([4]) * 32, word, 1_000)


async def test_a_phone_carries_its_hubs_map_by_itself(
    tmp_path: Path, clock: SettableClock, map_folder: Path
) -> None:
    async with joined_phone(tmp_path, clock) as (hub, phone, _, _):
        await until(lambda: phone.map.state.trouble != "", "the phone has heard of no map")
        assert standing(phone) is MapStanding.NONE
        info = install(hub, map_folder)
        phone.map.look_now()
        await until(lambda: standing(phone) is MapStanding.HERE, "the map is here")
        await until(lambda: phone.map.state.trouble == "", "nothing is wrong any more")
        path = phone.map.carried.path
        assert path is not None
        assert path.read_bytes() == basemap(hub, info)
        state = phone.map.state
        assert (state.name, state.trouble, state.is_smaller) == (info.name, "", False)
        assert state.here_bytes == len(basemap(hub, info))
        assert CarriedMap(phone.phone_folder).here == phone.map.carried.here


async def test_who_has_not_joined_gets_no_byte_of_the_map(
    tmp_path: Path, clock: SettableClock, map_folder: Path
) -> None:
    async with joined_phone(tmp_path, clock) as (hub, phone, _, _), aiohttp.ClientSession() as it:
        info = install(hub, map_folder)
        replica, fingerprint = phone.writer.replica, hub.hub.transport.fingerprint

        async def ask(path: str, proof: str) -> tuple[int, str]:
            async with it.get(
                f"https://{hub.address}{path}",
                headers={"Authorization": proof} if proof else {},
                ssl=client_pin(fingerprint),
                server_hostname=PEER_SERVER_NAME,
            ) as answer:
                return answer.status, answer.headers.get("X-Fieldlog-Word", "")

        tiles = f"/phone/map/{info.hash}/{info.zoom_max}.pmtiles"
        status, word = await ask(tiles, "")
        assert status == 401
        shown = tuple(each.to_bytes() for each in shown_certificates(replica))
        sign = replica.identity.key.sign

        def proof_for(site: bytes, machine: bytes, signed: str) -> str:
            told = bytes.fromhex(signed)
            return Proof(shown, told, sign(to_sign(site, machine, told))).to_header()

        right = proof_for(replica.site, fingerprint, word)
        assert (await ask(tiles, right))[0] == 200
        for wrong in (
            proof_for(replica.site, bytes(32), word),  # what it showed another machine
            proof_for(bytes(32), fingerprint, word),
            proof_for(replica.site, fingerprint, "00" * 24),  # a word that it made up
            "Fieldlog AAAA", "Basic AAAA", "Fieldlog " + "A" * 5_000,
        ):  # fmt: skip
            assert (await ask(OFFER_PATH, wrong))[0] == 401, wrong
        clock.pass_ms(11 * 60_000)
        assert (await ask(tiles, right))[0] == 401, "a word does not last"
        await hub.hub.revoke(OFFICE, replica.author)
        again = proof_for(replica.site, fingerprint, (await ask(OFFER_PATH, ""))[1])
        assert (await ask(OFFER_PATH, again))[0] == 403


async def test_what_was_cut_off_goes_on_where_it_was(
    tmp_path: Path, clock: SettableClock, map_folder: Path
) -> None:
    async with joined_phone(tmp_path, clock) as (hub, phone, _, _):
        await phone.choices.prefer("map", "leave")
        info = install(hub, map_folder)
        whole = basemap(hub, info)
        carried = CarriedMap(tmp_path / "elsewhere", Disk())
        carried.folder.parent.mkdir()
        async with asking(hub, phone) as there:
            known = await there.offer()
            assert await there.offer(known) is known, "what is known is not sent again"
            offer, _ = known
            (archive,) = offer.archives
            carried.expect(offer, archive)

            async def take_some(block: bytes) -> bool:
                carried.take(block)
                return carried.come < len(whole) // 3

            assert not await there.bring(offer, archive, 0, take_some)
            # A new start of the program, after a power cut that left rubbish in the file.
            again = CarriedMap(tmp_path / "elsewhere", Disk())
            assert again.coming == carried.coming
            begun = again.come
            assert 0 < begun < len(whole)
            again.expect(offer, archive)
            asked: list[int] = []

            async def take(block: bytes) -> bool:
                asked.append(len(block))
                again.take(block)
                return True

            assert await there.bring(offer, archive, begun, take)
            again.finish()
        assert sum(asked) == len(whole) - begun, "nothing came twice"
        assert again.path is not None
        assert again.path.read_bytes() == whole
        assert [path.name for path in again.folder.glob("*.pmtiles")] == [again.path.name]


async def test_a_map_comes_only_where_work_keeps_its_room(
    tmp_path: Path, clock: SettableClock, map_folder: Path
) -> None:
    async with joined_phone(tmp_path, clock) as (hub, phone, _, _):
        await phone.choices.prefer("map", "leave")
        install(hub, map_folder, smaller=True)
        async with asking(hub, phone) as there:
            offer, _ = await there.offer()
        whole, smaller = offer.archives
        assert smaller.size < whole.size / 2
        disk = Disk()
        carried = CarriedMap(tmp_path / "phone", disk)
        disk.free = ROOM_LEFT_BYTES + whole.size
        assert carried.fitting(offer) == whole
        disk.free -= 1
        assert carried.fitting(offer) == smaller
        disk.free = ROOM_LEFT_BYTES + smaller.size - 5
        assert carried.fitting(offer) is None
        assert carried.lacking_room(smaller) == 5


async def test_a_phone_with_little_room_carries_the_far_zooms_alone(
    tmp_path: Path, clock: SettableClock, map_folder: Path
) -> None:
    async with joined_phone(tmp_path, clock) as (hub, phone, _, _):
        await phone.choices.prefer("map", "leave")
        info = install(hub, map_folder, smaller=True)
        disk = Disk()
        phone.map.carried = CarriedMap(phone.phone_folder, disk)
        disk.free = ROOM_LEFT_BYTES
        await phone.choices.prefer("map", "carry")
        phone.map.look_now()
        await until(lambda: standing(phone) is MapStanding.NO_ROOM, "no room is told")
        assert 0 < phone.map.state.lacking_bytes < len(basemap(hub, info))
        disk.free = ROOM_LEFT_BYTES + phone.map.state.lacking_bytes
        phone.map.look_now()
        await until(lambda: standing(phone) is MapStanding.HERE, "the smaller one is here")
        assert phone.map.state.is_smaller
        path = phone.map.carried.path
        assert path is not None
        found = read_archive(path)
        assert (found.zoom_max, found.bounds) == (info.zoom_max - ZOOMS_LESS, info.bounds)
        disk.free = 1 << 40
        phone.map.look_now()
        only = [f"{info.hash}-z{info.zoom_max}.pmtiles"]
        archives = path.parent.glob
        await until(
            lambda: [each.name for each in archives("*.pmtiles")] == only, "the whole one follows"
        )
        assert not phone.map.state.is_smaller


async def test_the_map_waits_as_photos_do_and_goes_when_it_is_told_to(
    tmp_path: Path, clock: SettableClock, map_folder: Path
) -> None:
    async with joined_phone(tmp_path, clock) as (hub, phone, _, _):
        await until(lambda: phone.map.state.trouble != "", "the phone has heard of no map")
        await phone.choices.prefer("media", "wi-fi")
        install(hub, map_folder)
        phone.map.look_now()
        await asyncio.sleep(0.2)
        assert standing(phone) is MapStanding.WAITS
        assert not (phone.phone_folder / "map").exists()
        await phone.choices.hear_network(False)
        await until(lambda: standing(phone) is MapStanding.HERE, "it came by Wi-Fi")
        await phone.map.delete()
        assert list((phone.phone_folder / "map").iterdir()) == []
        assert standing(phone) is MapStanding.OFF
        phone.map.look_now()
        await asyncio.sleep(0.2)
        assert phone.map.carried.here is None


async def test_a_hub_without_a_region_says_so(tmp_path: Path, clock: SettableClock) -> None:
    async with joined_phone(tmp_path, clock) as (hub, phone, _, _), asking(hub, phone) as there:
        with pytest.raises(NoMapThere, match="no map yet"):
            await there.offer()
