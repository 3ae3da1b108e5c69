"""A disk keeps what it confirmed and no more, under real SQLite; and the tests can see a loss."""

from __future__ import annotations

import sqlite3
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.draw import chance_for
from simulator.faulty_disk import DiskFails, DiskIsFull, FaultyDisk, PowerIsCut
from simulator.faulty_vfs import FaultyConnection, FaultyVfs

TRANSACTIONS = 12


def _create(vfs: FaultyVfs, during_creation: str = "EXTRA") -> FaultyConnection:
    """Open the store as the product does; `during_creation` is how it syncs a new file."""
    fresh = "store.sqlite" not in vfs.disk.files
    store = FaultyConnection(vfs, "store.sqlite")
    try:
        if fresh:
            store.execute(f"PRAGMA synchronous = {during_creation}")
        store.execute("PRAGMA journal_mode = WAL")
        store.execute("PRAGMA wal_autocheckpoint = 8")
        store.execute("CREATE TABLE IF NOT EXISTS entry (number INTEGER PRIMARY KEY, body BLOB)")
        store.execute("PRAGMA synchronous = FULL")
    except sqlite3.Error:
        with suppress(sqlite3.Error):
            store.close()
        raise
    return store


def _work(disk: FaultyDisk, acknowledged: list[int], during_creation: str) -> None:
    """Commit entries until all are, or until the power goes."""
    with FaultyVfs(disk) as vfs:
        store = None
        try:
            store = _create(vfs, during_creation)
            for number in range(TRANSACTIONS):
                store.execute("BEGIN IMMEDIATE")
                store.execute("INSERT INTO entry VALUES (?, ?)", (number, bytes(900)))
                store.execute("COMMIT")
                acknowledged.append(number)
        except sqlite3.Error:
            assert not disk.has_power
        finally:
            if store is not None:
                with suppress(sqlite3.Error):
                    store.close()


def _lost_after_cut(seed: int, cut_at: int, during_creation: str, unordered: bool) -> set[int]:
    disk = FaultyDisk(chance_for(seed, cut_at), unordered_directory=unordered)
    disk.cut_at = cut_at
    acknowledged: list[int] = []
    _work(disk, acknowledged, during_creation)
    disk.power_cut()
    with FaultyVfs(disk) as vfs:
        store = _create(vfs)
        assert store.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        found = {number for (number,) in store.execute("SELECT number FROM entry")}
        store.close()
    return set(acknowledged) - found


def _operations_of_the_work() -> int:
    disk = FaultyDisk(chance_for(1))
    acknowledged: list[int] = []
    _work(disk, acknowledged, "EXTRA")
    assert acknowledged == list(range(TRANSACTIONS))
    return disk.operations


@pytest.mark.parametrize("unordered", [False, True])
def test_no_power_cut_at_any_operation_loses_what_was_acknowledged(unordered):
    operations = _operations_of_the_work()
    assert operations > 60
    for cut_at in range(1, operations + 1):
        assert not _lost_after_cut(3, cut_at, "EXTRA", unordered), f"power cut at {cut_at}"


def test_a_store_created_without_extra_care_is_seen_to_lose_everything():
    lost = [
        _lost_after_cut(seed, cut_at, "FULL", unordered=True)
        for seed in range(2)
        for cut_at in range(20, _operations_of_the_work(), 3)
    ]
    assert sum(map(bool, lost)) > 5


def test_a_disk_that_lies_about_a_sync_is_seen_to_lose_writes():
    lost = 0
    for seed in range(30):
        disk = FaultyDisk(chance_for(seed), lying_syncs=0.5)
        disk.cut_at = 60
        acknowledged: list[int] = []
        _work(disk, acknowledged, "EXTRA")
        disk.power_cut()
        with FaultyVfs(disk) as vfs:
            store = None
            try:
                store = _create(vfs)
                rows = store.execute("SELECT number FROM entry").fetchall()
                lost += len(rows) < len(acknowledged)
            except sqlite3.Error:
                lost += 1
            finally:
                if store is not None:
                    with suppress(sqlite3.Error):
                        store.close()
    assert lost > 3


def test_the_same_chance_leaves_the_same_bytes():
    def left() -> dict[str, bytes]:
        disk = FaultyDisk(chance_for(11))
        disk.cut_at = 50
        _work(disk, [], "EXTRA")
        disk.power_cut()
        return {name: bytes(file.now) for name, file in disk.files.items()}

    assert left() == left()


def test_a_full_disk_is_told_in_the_words_of_sqlite_and_writing_goes_on_when_there_is_room():
    disk = FaultyDisk(chance_for(1))
    with FaultyVfs(disk) as vfs:
        store = _create(vfs)
        disk.capacity_bytes = disk.used_bytes()
        with pytest.raises(sqlite3.OperationalError, match="full"):
            store.execute("INSERT INTO entry VALUES (1, ?)", (bytes(9_000),))
        disk.capacity_bytes = None
        store.execute("INSERT INTO entry VALUES (2, ?)", (bytes(9_000),))
        assert store.execute("SELECT number FROM entry").fetchall() == [(2,)]
        store.close()


def test_a_failing_disk_is_an_error_and_not_a_loss():
    failed = 0
    for fail_at in range(15, 60, 4):
        disk = FaultyDisk(chance_for(2))
        disk.fail_at = frozenset({fail_at})
        acknowledged: list[int] = []
        with FaultyVfs(disk) as vfs:
            with suppress(sqlite3.OperationalError):
                _create(vfs).close()
            store = _create(vfs)
            for number in range(TRANSACTIONS):
                try:
                    store.execute("INSERT INTO entry VALUES (?, ?)", (number, bytes(900)))
                except sqlite3.OperationalError:
                    failed += 1
                else:
                    acknowledged.append(number)
            with suppress(sqlite3.OperationalError):
                store.close()
        disk.power_cut()
        with FaultyVfs(disk) as vfs:
            store = _create(vfs)
            found = {number for (number,) in store.execute("SELECT number FROM entry")}
            store.close()
        assert set(acknowledged) <= found
    assert failed > 2


def test_the_connection_speaks_as_that_of_sqlite3():
    with FaultyVfs(FaultyDisk(chance_for(1))) as vfs:
        store = _create(vfs)
        store.executescript("BEGIN; CREATE TABLE pair (a INTEGER UNIQUE, b TEXT); COMMIT;")
        inserted = store.execute("INSERT INTO pair VALUES (?, ?)", (1, "one"))
        assert (inserted.rowcount, inserted.lastrowid) == (1, 1)
        store.executemany("INSERT INTO pair VALUES (?, ?)", [(2, "two"), (3, "three")])
        with pytest.raises(sqlite3.IntegrityError):
            store.execute("INSERT INTO pair VALUES (1, 'again')")
        with pytest.raises(sqlite3.OperationalError, match="no such table"):
            store.execute("SELECT * FROM absent")
        rows = store.execute("SELECT a, b FROM pair WHERE a > ? ORDER BY a", (1,))
        assert rows.fetchone() == (2, "two")
        assert list(rows) == [(3, "three")]
        assert rows.fetchone() is None
        assert not store.in_transaction
        store.close()


writes = st.lists(
    st.tuples(st.integers(0, 3_000), st.binary(max_size=1_500), st.booleans()), max_size=12
)


@given(writes, st.integers(0, 1_000))
def test_what_a_sync_confirmed_survives_every_power_cut(operations, seed):
    disk = FaultyDisk(chance_for(seed))
    file = disk.open("track")
    confirmed = b""
    for offset, data, synced in operations:
        disk.write(file, offset, data)
        if synced:
            disk.sync(file)
            confirmed = bytes(file.now)
    touched = {
        offset + place
        for offset, data, _ in _after_last_sync(operations)
        for place in range(len(data))
    }
    disk.power_cut()
    survived = bytes(disk.files["track"].now) if "track" in disk.files else b""
    assert len(survived) >= len(confirmed)
    for place, byte in enumerate(confirmed):
        assert survived[place] == byte or place in touched


def _after_last_sync(operations):
    last = max((n for n, (_, _, synced) in enumerate(operations) if synced), default=-1)
    return operations[last + 1 :]


def test_a_killed_program_loses_nothing_that_it_wrote():
    disk = FaultyDisk(chance_for(1))
    file = disk.open("track")
    disk.write(file, 0, b"written, not synced")
    disk.kill()
    assert bytes(disk.open("track").now) == b"written, not synced"


def test_power_full_and_failing_disks_are_told_apart_by_name():
    disk = FaultyDisk(chance_for(1))
    file = disk.open("track")
    disk.capacity_bytes = 10
    with pytest.raises(DiskIsFull):
        disk.write(file, 0, bytes(11))
    disk.fail_at = frozenset({2})
    with pytest.raises(DiskFails):
        disk.write(file, 0, b"1")
    disk.cut_at = 3
    with pytest.raises(PowerIsCut):
        disk.sync(file)
    with pytest.raises(PowerIsCut):
        disk.write(file, 0, b"1")
    disk.power_cut()
    disk.write(file, 0, b"1")


def test_rot_flips_bits_where_it_says():
    disk = FaultyDisk(chance_for(1))
    file = disk.open("track")
    disk.write(file, 0, bytes(1_000))
    disk.sync(file)
    (offset,) = disk.rot("track")
    assert [place for place, byte in enumerate(file.now) if byte] == [offset]
    assert file.now == file.durable
