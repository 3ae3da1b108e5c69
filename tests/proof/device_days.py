"""Phones that live for weeks on disks that fail: nothing that was acknowledged is lost.

A phone's store lies on a faulty disk; its hub's lies in memory. A day has at least twelve entries,
a photo now and then, and some meetings with the hub, some of them cut. The power goes at any
operation of the disk, also while the phone comes back from the last cut, an operation fails, or
the disk is full for a while; then the phone is opened again and must hold what it had said to be
saved, and all that it ever sent. At the end of its life it comes to agree with the hub, which has
every photo, and none of its logs was forked. Invariant: one seed lives the same days.
"""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from core.dispatch.acts import Act
from replica.checking import check_store
from replica.file_checking import check_files
from replica.files import MACHINE_FILES, Files
from replica.filing import save_file
from replica.replica import Replica
from replica.store import Store, StoreError
from simulator.draw import chance_for
from simulator.faulty_disk import FaultyDisk
from simulator.faulty_files import FaultyFiles
from simulator.faulty_vfs import FaultyVfs
from tests.build import Entropy, Meeting, SettableClock, Site, agree, clock_of
from tests.proof.acting import DAY_ENTRIES_MIN, Hand, Office, day_of
from tests.proof.found import Found

# How long a device lives before a new one takes its place.
LIFE_DAYS = 25
# On the others there is no network until the evening, and on most evenings there is none either.
DAYS_IN_TOUCH = 0.08
EVENINGS_AT_THE_HUB = 0.34
# Operations of the disk on a day, roughly.
OPERATIONS_A_DAY = 320
# From one power cut to the next at the mean.
OPERATIONS_BETWEEN_CUTS = 270
FAILURES_A_DAY = 0.2
FULL_DISKS_A_DAY = 0.1
PHOTOS_AN_ACT = 0.01
PAGE_BYTES = 4_096
# Up to three chunks.
PHOTO_BYTES_MAX = 180_000
PATH = Path("store.sqlite")


@dataclass
class Device:
    """A phone on a disk, its hub, and what people at both were told."""

    site: Site
    hub: Replica
    phone: Replica
    hand: Hand
    office: Office
    chance: Random
    files: Files
    disk: FaultyDisk | None = None
    saved: set[bytes] = field(default_factory=set)
    photos: dict[bytes, bytes] = field(default_factory=dict)
    found: list[str] = field(default_factory=list)
    happened: Counter[str] = field(default_factory=Counter)

    # --- a day

    def live(self, day: int) -> None:
        """One day of work and meetings, with whatever befalls the disk."""
        self._draw_faults()
        chance = self.chance
        acts = DAY_ENTRIES_MIN
        in_touch = chance.random() < DAYS_IN_TOUCH
        written = 0
        while written < acts:
            self._pass_minutes(30)
            written += self._photograph() if chance.random() < PHOTOS_AN_ACT else self._tap()
            if chance.random() < 0.06:
                self.office.act()
            if in_touch and chance.random() < 0.2:
                self._meet(cut=chance.random() < 0.4)
        if chance.random() < EVENINGS_AT_THE_HUB:
            self._meet(cut=False)
        self._pass_minutes(600)
        self.happened["days"] += 1
        self.happened["entries"] += written

    def _pass_minutes(self, most: int) -> None:
        passed_ms = self.chance.randrange(1, most + 1) * 60_000
        for replica in (self.hub, self.phone):
            clock_of(replica).pass_ms(passed_ms)

    def _draw_faults(self) -> None:
        if self.disk is None:
            return
        chance, disk = self.chance, self.disk
        disk.fail_at, disk.capacity_bytes = frozenset(), None
        if disk.cut_at is None:
            self._draw_cut(disk)
        if chance.random() < FAILURES_A_DAY:
            at = disk.operations + chance.randrange(1, OPERATIONS_A_DAY)
            disk.fail_at = frozenset(range(at, at + chance.randrange(1, 4)))
        elif chance.random() < FULL_DISKS_A_DAY:
            disk.capacity_bytes = disk.used_bytes() + chance.randrange(12) * PAGE_BYTES

    def _draw_cut(self, disk: FaultyDisk) -> None:
        disk.cut_at = disk.operations + self.chance.randrange(1, 2 * OPERATIONS_BETWEEN_CUTS)

    def _tap(self) -> int:
        """The worker does one thing; how many entries were saved."""
        try:
            changes: Act = self.hand.changes(self.phone, day_of(self.phone))
            written = self.phone.write(changes)
        except (StoreError, sqlite3.Error) as error:
            self._fault(error)
            self.hand.forget()
            return 0
        self.saved |= {entry_hash[:8] for entry_hash in written.hash_by_stream.values()}
        return len(written.hash_by_stream)

    def _photograph(self) -> int:
        """The worker takes a photo for the newest job; how many entries were saved."""
        row = self.phone.store.db.execute("SELECT max(job) FROM job").fetchone()
        if row[0] is None:
            return 0
        data = self.chance.randbytes(self.chance.randrange(1, PHOTO_BYTES_MAX))
        try:
            saved = save_file(self.phone, bytes.fromhex(row[0]), data)
        except (StoreError, sqlite3.Error) as error:
            self._fault(error)
            return 0
        self.happened["photos"] += 1
        self.photos[saved.address] = data
        self.saved |= {entry_hash[:8] for entry_hash in saved.written.hash_by_stream.values()}
        return 1

    def _meet(self, *, cut: bool) -> None:
        """A session with the hub, whole or cut after some frames."""
        deliveries = self.chance.randrange(3, 12) if cut else 10_000
        meeting = Meeting(self.phone, self.hub)
        try:
            meeting.start()
            for _ in range(deliveries):
                moved = meeting.deliver(1) | meeting.deliver(0)
                if not moved and not meeting.tell():
                    break
        except (StoreError, sqlite3.Error) as error:
            self._fault(error)
            return
        if not cut and not meeting.live:
            self.found.append("a whole meeting did not become live")

    # --- faults

    def _fault(self, error: Exception) -> None:
        """The disk refused something; where the power went, begin again."""
        disk = self.disk
        if disk is None:
            raise error
        if disk.has_power:
            self.happened["refusals of the disk"] += 1
            disk.fail_at, disk.capacity_bytes = frozenset(), None
            return
        disk.fail_at, disk.capacity_bytes = frozenset(), None
        while not disk.has_power:
            with suppress(sqlite3.Error):
                self.phone.close()
            self.happened["power cuts"] += 1
            disk.power_cut()
            self._draw_cut(disk)
            try:
                self._open()
                # The file of photos is opened by who asks for one.
                self._look("after a power cut")
                return
            except (StoreError, sqlite3.Error):
                if disk.has_power:
                    raise
            self.happened["power cuts while a phone came back"] += 1

    def _open(self) -> None:
        clock, identity = clock_of(self.phone), self.phone.identity
        entropy = Entropy(str(self.chance.random()))
        self.phone = Replica(Store(PATH, self.files), identity, clock, entropy)

    def _look(self, when: str) -> None:
        """What was promised must be there, and so must all that the hub has of this phone."""
        held = _named(self.phone, self.phone.author)
        if lost := self.saved - held:
            self.found.append(f"{len(lost)} saved entries are not there {when}")
        if sent := _named(self.hub, self.phone.author) - held:
            self.found.append(f"{len(sent)} entries were sent that are not there {when}")
        # A phone lets go of what a hub holds once the job has left it.
        holders = (self.phone.files, self.hub.files)
        lost_photos = [a for a in self.photos if not any(each.holds(a) for each in holders)]
        if lost_photos:
            self.found.append(f"{len(lost_photos)} saved photos are nowhere {when}")

    def end(self) -> None:
        """In calm: agree with the hub, and be whole."""
        if self.disk is not None:
            self.disk.cut_at, self.disk.fail_at, self.disk.capacity_bytes = None, frozenset(), None
        self._meet(cut=False)
        self._look("at the end")
        if not agree(self.hub, self.phone):
            self.found.append("phone and hub fold the same streams to different states")
        if missing := self.saved - _named(self.hub, self.phone.author):
            self.found.append(f"{len(missing)} saved entries never came to the hub")
        if halves := _half_acts(self.hub, self.phone.author):
            self.found.append(f"{halves} acts of several entries came to the hub in part")
        there = [a for a, data in self.photos.items() if _read(self.hub, a) == data]
        if len(there) < len(self.photos):
            self.found.append(f"{len(self.photos) - len(there)} photos never came to the hub")
        for replica in (self.hub, self.phone):
            (forks,) = replica.store.db.execute(
                "SELECT count(*) FROM log WHERE branch <> x''"
            ).fetchone()
            if forks:
                self.found.append(f"{forks} logs were forked")
        faults = check_store(self.phone) + check_files(self.phone) + check_files(self.hub)
        self.found += [f"check: {words}" for words in faults]


def faulty_days(count: int, seed: int) -> Found:
    """So many device-days on faulty disks; what was lost or did not agree."""
    return _lived(count, seed, faulty=True)


def sound_days(count: int, seed: int) -> Found:
    """So many device-days on sound disks, in memory; the same."""
    return _lived(count, seed, faulty=False)


def _lived(count: int, seed: int, *, faulty: bool) -> Found:
    found = Found([])
    for first in range(0, count, LIFE_DAYS):
        days = min(LIFE_DAYS, count - first)
        with _device(seed + first, faulty=faulty) as device:
            for day in range(days):
                device.live(day)
            device.end()
            found.violations.extend(f"device {seed + first}: {words}" for words in device.found)
            found.happened.update(device.happened)
    return found


@contextmanager
def _device(seed: int, *, faulty: bool) -> Iterator[Device]:
    memory = Path("/dev/shm")
    folder = Path(tempfile.mkdtemp(dir=memory if memory.is_dir() else None))
    chance = chance_for(seed, "device", faulty)
    site = Site(folder, seed=str(chance.random()), in_memory=True)
    try:
        hub = site.hub("A")
        worker = site.worker(hub, "Ana")
        phone = site.phone(hub, worker)
        if not faulty:
            office = Office(hub, [worker], chance)
            yield Device(site, hub, phone, Hand(worker, chance), office, chance, MACHINE_FILES)
            return
        identity = phone.identity
        site.opened.remove(phone)
        phone.close()
        disk = FaultyDisk(chance_for(seed, "disk"), unordered_directory=chance.random() < 0.5)
        with FaultyVfs(disk) as vfs:
            files = FaultyFiles(vfs)
            clock = SettableClock(hub.clock.now_ms())
            phone = Replica(Store(PATH, files), identity, clock, Entropy(str(seed)))
            office = Office(hub, [worker], chance)
            device = Device(site, hub, phone, Hand(worker, chance), office, chance, files, disk)
            yield device
            with suppress(sqlite3.Error):
                device.phone.close()
    finally:
        site.close()
        shutil.rmtree(folder)


def _read(replica: Replica, address: bytes) -> bytes:
    return replica.files.read(address) if replica.files.holds(address) else b""


def _half_acts(replica: Replica, author: bytes) -> int:
    """How many acts of an author that go over several streams a replica holds in one alone."""
    streams = replica.store.db.execute("SELECT stream FROM log WHERE author = ?", (author,))
    acts = Counter(
        placed.entry.act
        for (stream,) in streams.fetchall()
        for log in replica.state(stream).logs.values()
        if log.key[0] == author
        for placed in log.placed
        if placed.entry is not None and placed.entry.act
    )
    return sum(entries < 2 for entries in acts.values())


def _named(replica: Replica, author: bytes) -> set[bytes]:
    """What the entries of an author that a replica holds are named by."""
    rows = replica.store.db.execute(
        "SELECT substr(hash, 1, 8) FROM entry JOIN log USING (log) WHERE author = ?", (author,)
    )
    return {row[0] for row in rows}
