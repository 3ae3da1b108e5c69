"""Files and power cuts: at whatever operation of the disk the power goes, no saved file is lost."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import pytest

from core.dispatch import erasure
from core.log.chunk_list import list_of
from core.log.file_messages import Held
from replica.checking import check_store
from replica.file_checking import check_files
from replica.file_going import forget_files
from replica.filing import save_file, want_file, where_is
from replica.replica import Replica
from replica.store import Store, StoreError
from simulator.faulty_disk import FaultyDisk
from simulator.faulty_files import FaultyFiles
from simulator.faulty_vfs import FaultyVfs
from tests.build import Entropy, Meeting, Site, clock_of, hold
from tests.replica.files import photo

PATH = Path("store.sqlite")


@dataclass
class OnFaultyDisk:
    """A replica whose files lie on a disk that fails, opened again after each power cut."""

    disk: FaultyDisk
    files: FaultyFiles
    replica: Replica
    cuts: int = 0
    starts: int = field(default=0)

    def reopen(self) -> Replica:
        """What is there when the power is back."""
        with suppress(sqlite3.Error, StoreError):
            self.replica.close()
        self.disk.power_cut()
        self.cuts += 1
        old = self.replica
        entropy = Entropy(f"again {self.cuts}")
        self.replica = Replica(Store(PATH, self.files), old.identity, clock_of(old), entropy)
        return self.replica


@contextmanager
def moved(site: Site, replica: Replica, chance: Random, unordered: bool) -> Iterator[OnFaultyDisk]:
    """The replica, which wrote nothing yet, with a store on a faulty disk."""
    site.opened.remove(replica)
    replica.close()
    disk = FaultyDisk(chance, unordered_directory=unordered)
    with FaultyVfs(disk) as vfs:
        files = FaultyFiles(vfs)
        store = Store(PATH, files)
        again = Replica(store, replica.identity, clock_of(replica), Entropy("faulty"))
        faulty = OnFaultyDisk(disk, files, again)
        yield faulty
        with suppress(sqlite3.Error, StoreError):
            faulty.replica.close()


def named(replica: Replica) -> set[bytes]:
    return {row[0] for row in replica.store.db.execute("SELECT address FROM file_ref")}


@pytest.mark.parametrize("unordered", [False, True])
def test_a_file_is_saved_with_its_entry_or_neither_is_wherever_the_power_goes(
    site: Site, hub: Replica, ana: bytes, phone: Replica, unordered: bool
) -> None:
    job, _ = site.job(hub, "Boiler", ana)
    with moved(site, phone, Random(int(unordered)), unordered) as on:
        hold(on.replica, hub)
        saved: set[bytes] = set()
        again, cut_after, first = True, 0, 0
        while again:
            cut_after += 1
            data = photo(f"{cut_after}", 1.3)
            on.disk.cut_at = on.disk.operations + cut_after
            try:
                saved.add(save_file(on.replica, job, data).address)
                # Each photo makes the same operations, but for the first, which makes the file.
                first = first or cut_after
                again = cut_after < first + 30
            except (StoreError, sqlite3.Error):
                pass
            on.disk.cut_at = None
            phone = on.reopen()
            assert saved <= named(phone)
            for address in named(phone):
                assert phone.files.holds(address), "an entry names what is not here"
            assert forget_files(phone)
            assert set(phone.files.addresses()) == named(phone)
            assert phone.store.db.execute("SELECT count(*) FROM file_going").fetchone() == (0,)
        assert on.cuts > 20
        assert check_store(on.replica) == check_files(on.replica) == []
        hold(on.replica, hub)
        for address in saved:
            assert hub.files.holds(address)


@pytest.mark.parametrize("seed", range(4))
def test_what_a_replica_says_to_hold_it_holds_after_every_power_cut(
    site: Site, hub: Replica, ana: bytes, phone: Replica, seed: int
) -> None:
    """A phone fetches a plan from the hub, and its power goes again and again meanwhile."""
    chance = Random(seed)
    job, _ = site.job(hub, "Boiler", ana)
    data = photo("plan", 6.4)
    address = save_file(hub, job, data).address
    with moved(site, phone, chance, seed % 2 == 1) as on:
        hold(on.replica, hub)
        want_file(on.replica, address)
        here: set[int] = set()
        for _ in range(200):
            on.disk.cut_at = on.disk.operations + chance.randrange(1, 60)
            meeting = Meeting(on.replica, hub).start()
            with suppress(StoreError, sqlite3.Error):
                while meeting.deliver(1) | meeting.deliver(0) or meeting.tell():
                    pass
            on.disk.cut_at = None
            said = any(isinstance(each, Held) for each in meeting.read(0))
            phone = on.reopen()
            assert phone.files.holds(address) or not said
            now = set(range(1, 8)) - set(phone.files.missing(address))
            now = now if phone.files.list_of(address) else set()
            assert here <= now, "a chunk that was kept is gone"
            here = now
            assert check_files(phone) == []
            if phone.files.holds(address):
                break
        hold(on.replica, hub)
        assert on.replica.files.read(address) == data
        assert on.cuts > 2
        assert not where_is(on.replica, address).wanted


def test_what_is_erased_goes_wherever_the_power_goes(
    site: Site, hub: Replica, ana: bytes, phone: Replica
) -> None:
    with moved(site, phone, Random(5), False) as on:
        data = photo("valve", 1.3)
        for cut_after in range(1, 80, 4):
            job, _ = site.job(hub, "Boiler", ana)
            hold(on.replica, hub)
            save_file(on.replica, job, data)
            hub.write(erasure.erase([job]))
            on.disk.cut_at = on.disk.operations + cut_after
            with suppress(StoreError, sqlite3.Error):
                hold(on.replica, hub)
                forget_files(on.replica)
            on.disk.cut_at = None
            on.reopen()
            hold(on.replica, hub)
            assert forget_files(on.replica)
            assert on.replica.files.addresses() == []
            on.replica.store.checkpoint()
            content = b"\0\0".join(bytes(file.now) for file in on.disk.files.values())
            assert not [at for at in range(0, len(data) - 16, 509) if data[at : at + 16] in content]
        assert on.cuts == 20
        assert list_of(data).address not in named(on.replica)
