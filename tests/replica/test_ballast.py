"""A full disk: what people do is still saved, in room that was kept back for it."""

from __future__ import annotations

import itertools
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from random import Random

import pytest

from core.dispatch import acts, day_acts
from core.dispatch.acts import Act
from core.dispatch.fields import Kind
from core.dispatch.fix import Fix
from replica import ballast as ballast_module
from replica.ballast import BALLAST_BYTES, BALLAST_FILE, Ballast
from replica.checking import check_store
from replica.replica import Replica
from replica.store import DiskFull, Store
from replica.writer import Writer
from simulator.faulty_disk import FaultyDisk
from simulator.faulty_files import FaultyFiles
from simulator.faulty_vfs import FaultyVfs
from tests.build import Entropy, SettableClock, Site, notes_of
from tests.running import joined_phone, running_hub, running_phone, synced


@dataclass
class Pocket:
    """A phone whose disk the test fills, with a job to write notes to."""

    disk: FaultyDisk
    phone: Replica
    ballast: Ballast
    job: bytes

    def fill(self) -> None:
        self.disk.capacity_bytes = self.disk.used_bytes()

    def note(self, number: int) -> object:
        return self.phone.write(acts.add_note(self.job, f"note {number}, " + "x" * 400))


async def notes_until_full(write: Callable[[int], Awaitable[object]]) -> int:
    """Write notes until the disk refuses; how many it took."""
    for number in itertools.count():
        try:
            await write(number)
        except DiskFull:
            return number
    raise AssertionError


@pytest.fixture
def pocket(site: Site, monkeypatch: pytest.MonkeyPatch) -> Iterator[Pocket]:
    # A smaller ballast is used up sooner, and is laid beside a WAL that is short yet.
    monkeypatch.setattr(ballast_module, "BALLAST_BYTES", 1 << 19)
    monkeypatch.setattr(ballast_module, "PEOPLES_BYTES", 1 << 18)
    hub = site.hub()
    ana = site.worker(hub, "Ana")
    phone = site.phone(hub, ana)
    identity = phone.identity
    disk, folder = FaultyDisk(Random(1)), Path("/phone")
    with FaultyVfs(disk) as vfs:
        files = FaultyFiles(vfs)
        store = Store(folder / "store.sqlite", files)
        replica = Replica(store, identity, SettableClock(hub.clock.now_ms()), Entropy("phone"))
        job = site.new_id(Kind.JOB)
        yield Pocket(disk, replica, Ballast(folder, files), job)
        disk.capacity_bytes = None
        replica.close()


async def test_what_people_do_is_saved_on_a_full_disk_until_the_room_kept_back_is_used_up(
    pocket: Pocket,
) -> None:
    assert pocket.ballast.lay()
    writer = Writer(pocket.phone, None, pocket.ballast)
    pocket.fill()
    before = await notes_until_full(lambda number: writer.run(pocket.note, number))
    kept = await notes_until_full(lambda number: writer.act(pocket.note, number))
    assert kept > 100
    assert not pocket.ballast.lies
    assert len(notes_of(pocket.phone)) == before + kept
    assert not pocket.ballast.lay(), "there is no room for it yet"
    pocket.disk.capacity_bytes = None
    await writer.act(pocket.note, 99_999)
    assert pocket.ballast.lay()
    assert len(notes_of(pocket.phone)) == before + kept + 1
    assert check_store(pocket.phone) == []


async def test_what_peers_bring_does_not_take_the_room_kept_back(pocket: Pocket) -> None:
    assert pocket.ballast.lay()
    writer = Writer(pocket.phone, None, pocket.ballast)
    pocket.fill()

    def bring(number: int) -> Awaitable[object]:
        return writer.run(pocket.note, number, peer=b"a peer")

    assert await notes_until_full(bring) < 2_000
    assert pocket.ballast.lies
    # Once it was given up for somebody's act, peers may have a part and no more.
    await writer.act(pocket.note, 10_000)
    assert not pocket.ballast.lies
    assert await notes_until_full(bring) < 2_000
    assert await notes_until_full(lambda number: writer.act(pocket.note, number)) > 100


def test_a_disk_without_room_to_open_a_store_gives_the_ballast_up_at_the_start(
    pocket: Pocket,
) -> None:
    assert pocket.ballast.lay()
    assert pocket.phone.store.path.parent == pocket.ballast._folder
    again = Ballast(pocket.ballast._folder, pocket.ballast._files)
    again.begin()
    assert again.lies
    pocket.fill()
    again = Ballast(pocket.ballast._folder, pocket.ballast._files)
    again.begin()
    assert not again.lies
    assert pocket.disk.capacity_bytes is not None
    assert pocket.disk.used_bytes() <= pocket.disk.capacity_bytes - (1 << 19)


def test_a_disk_keeps_back_real_room_and_only_where_it_has_as_much_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ballast = Ballast(tmp_path)
    assert ballast.lay()
    laid = (tmp_path / BALLAST_FILE).stat()
    assert laid.st_size == BALLAST_BYTES
    assert laid.st_blocks * 512 >= BALLAST_BYTES
    assert ballast.lay()
    assert (tmp_path / BALLAST_FILE).stat().st_mtime_ns == laid.st_mtime_ns
    assert ballast.give_up()
    assert list(tmp_path.iterdir()) == []
    assert not ballast.give_up(), "only once"
    (tmp_path / f"{BALLAST_FILE}.new").write_bytes(b"a power cut left this")
    assert ballast.lay()
    assert [path.name for path in tmp_path.iterdir()] == [BALLAST_FILE]
    assert (tmp_path / BALLAST_FILE).stat().st_mode & 0o777 == 0o600
    ballast.give_up()
    (tmp_path / BALLAST_FILE).mkdir()
    assert not ballast.lay(), "something stands in its place"


async def test_acts_of_workers_dispatchers_and_the_auto_logger_have_the_room_kept_back(
    tmp_path: Path, clock: SettableClock
) -> None:
    async with joined_phone(tmp_path, clock) as (hub, phone, aino, job):

        def note(number: int) -> Act:
            return acts.add_note(job, f"{number} " + "x" * 1_900)

        async def fix(number: int) -> None:
            place = 601_000_000 + number * 10_000
            await phone.take_fix(Fix(clock.now_ms() + number, place, 249_000_000, 8))

        await phone.act(day_acts.start_duty(aino, local_day(clock), b"duty0001"))
        for writer, ballast, write in (
            (phone.writer, phone._ballast, lambda number: phone.act(note(number))),
            (hub.hub.writer, hub.hub.ballast, lambda number: hub.act(note(number))),
            (phone.writer, phone._ballast, fix),
        ):
            assert ballast.lay()
            await writer.run(bounded, writer.replica.store)
            await notes_until_full(write)
            assert not ballast.lies, "it was given up before the act was refused"
            await writer.run(bounded, writer.replica.store, 1 << 30)


def bounded(store: Store, pages: int = 0) -> None:
    """Let the file grow no more, or up to so many pages: SQLite says that the disk is full."""
    (count,) = store.db.execute("PRAGMA page_count").fetchone()
    store.db.execute(f"PRAGMA max_page_count = {pages or count}")


def local_day(clock: SettableClock) -> str:
    return datetime.fromtimestamp(clock.now_ms() / 1000, UTC).date().isoformat()


async def test_a_phone_says_that_its_storage_is_almost_full_until_there_is_room(
    tmp_path: Path, clock: SettableClock
) -> None:
    # Nothing can be put where a folder of that name stands, as on a disk without room.
    (tmp_path / "phone" / BALLAST_FILE).mkdir(parents=True)
    async with (
        running_hub(tmp_path / "hub", clock) as hub,
        running_phone(tmp_path / "phone", clock) as phone,
    ):
        offer = await hub.offer(await hub.worker("Aino"))
        await phone.enrol(link=offer.link)
        await synced(phone)
        (need,) = (await phone.sync_state()).needs
        assert "almost full" in need.title
        (tmp_path / "phone" / BALLAST_FILE).rmdir()
        assert (await phone.sync_state()).needs == ()
