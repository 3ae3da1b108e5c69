"""Stores of earlier versions are upgraded on a disk that fails at any operation of the upgrade.

The power is cut, the disk refuses an operation, or it is full after so many pages; then the store
is opened again. `killed_migrations` says what was lost, in plain sentences. Holds for all
migrations that there are. Invariant: a count and a seed always try the same points.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from hashlib import blake2b
from pathlib import Path
from random import Random
from typing import Any

from replica import logs
from replica.checking import check_store
from replica.identity import Identity, load_identity
from replica.replica import Replica
from replica.store import Store, StoreError, schema_files
from simulator.faulty_disk import FaultyDisk
from simulator.faulty_files import FaultyFiles
from simulator.faulty_vfs import FaultyVfs
from tests.build import Entropy, SettableClock
from tests.proof.found import Found
from tests.versions.fixtures import FOLDER, NEXT_MORNING_MS, SIDES, VERSIONS, kept, store_bytes
from tests.versions.make import shown

PATH = Path("store.sqlite")
PAGE_BYTES = 4_096
POWER, ERROR, FULL = "the power is cut", "the disk refuses", "the disk is full"


@dataclass(frozen=True)
class Point:
    """What happens to the store of which version's side, at which operation or after which page."""

    version: str
    side: str
    what: str
    at: int

    def __str__(self) -> str:
        return f"{self.version} {self.side}: {self.what} at {self.at}"


def killed_migrations(count: int, seed: int) -> Found:
    """Try `count` points from the one numbered `seed` on, in an order that mixes them.

    After the last the first comes again, with another chance of what is left on the disk; so as
    many as there are try them all, also in parts.
    """
    points = list(every_point())
    Random(0).shuffle(points)
    found = Found([])
    for number in range(seed, seed + count):
        point = points[number % len(points)]
        found.violations.extend(f"{point}: {wrong}" for wrong in wrong_after(point, number))
        found.happened["power cuts"] += point.what == POWER
    return found


def every_point() -> Iterator[Point]:
    """All points of all earlier versions' stores."""
    for version in VERSIONS:
        for side in SIDES:
            operations, pages = extent(version, side)
            for at in range(1, operations + 1):
                yield Point(version, side, POWER, at)
                yield Point(version, side, ERROR, at)
            for at in range(pages + 1):
                yield Point(version, side, FULL, at)


@cache
def extent(version: str, side: str) -> tuple[int, int]:
    """How many operations the upgrade takes, and how many pages it makes the disk hold more."""
    disk = _disk_with(version, side, Random(0))
    used, before = disk.used_bytes(), disk.operations
    most = used
    with FaultyVfs(disk) as vfs:
        replica = _open(vfs, version, side)
        most = max(most, disk.used_bytes())
        replica.close()
    return disk.operations - before, (most - used) // PAGE_BYTES


def wrong_after(point: Point, seed: int) -> Iterator[str]:
    """What is wrong with the store after it was opened once at this point, and then again."""
    chance = Random(f"{seed} {point}")
    disk = _disk_with(point.version, point.side, chance)
    if point.what == POWER:
        disk.cut_at = disk.operations + point.at
    elif point.what == ERROR:
        disk.fail_at = frozenset({disk.operations + point.at})
    else:
        disk.capacity_bytes = disk.used_bytes() + point.at * PAGE_BYTES
    with FaultyVfs(disk) as vfs:
        yield from _open_once(vfs, point)
    disk.capacity_bytes, disk.fail_at = None, frozenset()
    if point.what == POWER:
        disk.power_cut()
    else:
        disk.kill()
    with FaultyVfs(disk) as vfs:
        yield from _wrong_with_files(vfs, point)
        # The rest follows from what the disk holds now, to which many points lead.
        held = (point.version, point.side, _content(disk))
        if held not in _FOUND_AFTER:
            _FOUND_AFTER[held] = list(_wrong_when_opened(vfs, point))
        yield from _FOUND_AFTER[held]


# By where it came from and what the disk held after a failure: what was wrong when it was opened.
_FOUND_AFTER: dict[tuple[str, str, tuple[tuple[str, bytes], ...]], list[str]] = {}


def _content(disk: FaultyDisk) -> tuple[tuple[str, bytes], ...]:
    """A hash of each file that has a name to be found by again."""
    return tuple(
        (name, blake2b(file.now, digest_size=16).digest())
        for name, file in sorted(disk.files.items())
        if name.startswith(PATH.stem)
    )


def _wrong_when_opened(vfs: FaultyVfs, point: Point) -> Iterator[str]:
    try:
        replica = _open(vfs, point.version, point.side)
    except StoreError as error:
        yield f"it can't be opened any more: {error}"
        return
    yield from _wrong_with(replica, point)
    replica.close()


def _disk_with(version: str, side: str, chance: Random) -> FaultyDisk:
    """A disk on which the store lies as its program left it, at rest, in WAL mode."""
    disk = FaultyDisk(chance, unordered_directory=chance.random() < 0.5)
    file = disk.open(str(PATH))
    disk.write(file, 0, store_bytes(version, side))
    disk.sync(file)
    with FaultyVfs(disk) as vfs:
        db = FaultyFiles(vfs).connect(PATH)
        db.execute("PRAGMA journal_mode = WAL")
        db.close()
    disk.sync(file)
    return disk


@cache
def _identity(version: str, side: str) -> Identity:
    identity = load_identity(FOLDER / version / side)
    assert identity is not None
    return identity


def _open(vfs: FaultyVfs, version: str, side: str) -> Replica:
    store = Store(PATH, FaultyFiles(vfs))
    clock = SettableClock(NEXT_MORNING_MS, boot=8)
    try:
        return Replica(store, _identity(version, side), clock, Entropy("killed"))
    except BaseException:
        with contextlib.suppress(sqlite3.Error):
            store.close()
        raise


def _open_once(vfs: FaultyVfs, point: Point) -> Iterator[str]:
    try:
        replica = _open(vfs, point.version, point.side)
    except StoreError as error:
        if str(PATH) not in str(error):
            yield f"the error does not name the store: {error}"
        return
    except (sqlite3.Error, OSError) as error:
        yield f"{type(error).__name__} in the place of an error in words: {error}"
        return
    with contextlib.suppress(sqlite3.Error):
        replica.close()


def _wrong_with_files(vfs: FaultyVfs, point: Point) -> Iterator[str]:
    """The store is of its old schema or a newer one, and then a whole copy of the old is there."""
    files = FaultyFiles(vfs)
    db = files.connect(PATH)
    (now,) = db.execute("PRAGMA user_version").fetchone()
    (sound,) = db.execute("PRAGMA integrity_check(1)").fetchone()
    db.close()
    old = _schema_of(point.version, point.side)
    if sound != "ok" or not old <= now <= schema_files()[-1][0]:
        yield f"its schema is {now}, and SQLite finds it {sound}"
    copy = PATH.with_suffix(f".before-{old + 1}")
    if now > old and not _is_whole(files, copy, point):
        yield "it was upgraded, and the copy from before is not what was there"
    is_there = str(copy) in vfs.disk.files
    if now == old and point.what == FULL and is_there and not _is_whole(files, copy, point):
        yield "part of a copy takes up the room that is missing"


def _is_whole(files: FaultyFiles, copy: Path, point: Point) -> bool:
    with contextlib.closing(files.connect(copy)) as db:
        try:
            return list(_dump(db)) == _old_dump(point.version, point.side)
        except sqlite3.DatabaseError:
            return False


def _wrong_with(replica: Replica, point: Point) -> Iterator[str]:
    """The upgraded store is sound; what it says is looked at once for all points that led to it."""
    db = replica.store.db
    (sound,) = db.execute("PRAGMA integrity_check(1)").fetchone()
    if sound != "ok":
        yield f"SQLite finds it {sound}"
    content = (point.version, point.side, _schema(db), *_dump(db))
    said = blake2b(repr(content).encode(), digest_size=16).digest()
    if said not in _FOUND_WITH:
        _FOUND_WITH[said] = list(_wrong_with_content(replica, point))
    yield from _FOUND_WITH[said]


# By a hash of all rows of an upgraded store and of where it came from: what is wrong with it.
_FOUND_WITH: dict[bytes, list[str]] = {}


def _wrong_with_content(replica: Replica, point: Point) -> Iterator[str]:
    """The upgraded store holds what it held and shows what its own program had shown."""
    if shown(replica) != kept(point.version, "states")[point.side]:
        yield "its entries do not mean what they meant"
    db = replica.store.db
    held = {
        each.hash.hex()
        for (stream,) in db.execute("SELECT stream FROM stream")
        for each in logs.stored_entries(db, stream)
    }
    if point.side == "hub" and held != {e[3] for e in kept(point.version, "bytes")["entries"]}:
        yield "entries are missing"
    yield from check_store(replica)
    if _schema(db) != _fresh_schema():
        yield "its schema is not that of a fresh store"


def _schema(db: sqlite3.Connection) -> list[Any]:
    return sorted(db.execute("SELECT type, name, coalesce(sql, '') FROM sqlite_master"))


@cache
def _fresh_schema() -> list[Any]:
    with FaultyVfs(FaultyDisk(Random(0))) as vfs:
        store = Store(PATH, FaultyFiles(vfs))
        found = _schema(store.db)
        store.close()
    return found


def _dump(db: sqlite3.Connection) -> Iterator[Any]:
    """Every row of every table."""
    for kind, name, _ in _schema(db):
        if kind == "table":
            yield (
                name,
                sorted((tuple(row) for row in db.execute(f"SELECT * FROM {name}")), key=repr),
            )


@cache
def _old_dump(version: str, side: str) -> list[Any]:
    with FaultyVfs(_disk_with(version, side, Random(0))) as vfs:
        db = FaultyFiles(vfs).connect(PATH)
        dump = list(_dump(db))
        db.close()
    return dump


@cache
def _schema_of(version: str, side: str) -> int:
    return int.from_bytes(store_bytes(version, side)[60:64], "big")
