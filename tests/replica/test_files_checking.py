"""Checks find a flipped bit of a photo and say which; a repair has it fetched again; backups."""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
import tarfile
from pathlib import Path

import pytest

from core.log.chunk_list import list_of
from core.log.limits import FILE_CHUNK_BYTES
from replica.backup import BackupError, make_backup
from replica.checking import check_store, replica_to_check
from replica.clock import SystemClock
from replica.commands import check
from replica.file_checking import check_files, repair_files
from replica.file_store import FILES_FILE
from replica.filing import save_file
from replica.identity import load_certificates
from replica.repair import repair_store
from replica.replica import Replica
from replica.restoring import restore_backup
from replica.self_check import SelfCheck
from tests.build import Entropy, Meeting, SettableClock, Site, hold
from tests.commands import run
from tests.replica.files import chunks_sent, fetched, photo, whereabouts


@pytest.fixture
def job(site: Site, hub: Replica, ana: bytes, phone: Replica) -> bytes:
    job, _ = site.job(hub, "Boiler", ana)
    hold(phone, hub)
    return job


@pytest.fixture
def address(hub: Replica, phone: Replica, job: bytes) -> bytes:
    """A photo of the phone that the hub holds too."""
    address = save_file(phone, job, photo("valve")).address
    hold(phone, hub)
    return address


def rot(replica: Replica, data: bytes) -> None:
    """Flip a bit in the file where these bytes stand, at rest."""
    path = replica.files.path
    replica.files.delete([])
    replica.files.close()
    content = bytearray(path.read_bytes())
    at = content.index(data)
    content[at] ^= 1
    path.write_bytes(content)


def third_chunk(name: str) -> bytes:
    """Sixty-four bytes from the midst of a photo's third chunk."""
    at = 2 * FILE_CHUNK_BYTES + 9_000
    return photo(name)[at : at + 64]


def test_a_flipped_bit_of_a_photo_is_found_and_the_photo_and_its_job_are_named(
    hub: Replica, address: bytes
) -> None:
    assert check_files(hub) == []
    rot(hub, third_chunk("valve"))
    (number,) = hub.store.db.execute("SELECT number FROM job").fetchone()
    found = check_files(hub)
    assert found == [f"file {address.hex()[:8]} of {number}: chunk 3 of 4 is damaged"]
    # The log itself is whole.
    assert check_store(hub) == []


def test_a_damaged_list_of_a_photo_that_is_not_whole_yet_is_fetched_again_once(
    hub: Replica, phone: Replica, job: bytes
) -> None:
    save_file(phone, job, photo("valve"))
    made = list_of(photo("valve"))
    meeting = Meeting(phone, hub).start()
    while hub.files.missing(made.address) != [2, 3, 4]:
        assert meeting.deliver(1) | meeting.deliver(0) or meeting.tell()
    rot(hub, made.to_bytes()[20:60])
    again = hold(phone, hub)
    assert again.live
    assert fetched(again, 1) == [(made.address, number) for number in (0, 2, 3, 4)]
    assert hub.files.read(made.address) == photo("valve")


def test_the_check_of_its_own_finds_it_too(hub: Replica, address: bytes) -> None:
    rot(hub, third_chunk("valve"))
    walk = SelfCheck(hub)
    while walk.step():
        pass
    assert ["chunk 3 of 4 is damaged" in words for words in walk.findings] == [True]


@pytest.mark.parametrize(
    ("harm", "words"),
    [
        ("UPDATE file SET missing = 1", "of its size or of what is missing is not true"),
        ("UPDATE file SET size = 5", "of its size or of what is missing is not true"),
        ("DELETE FROM chunk WHERE number = 2", "of its size or of what is missing is not true"),
        ("UPDATE file SET list = zeroblob(135)", "its list is not what its address names"),
        ("UPDATE chunk SET bytes = 'words' WHERE number = 4", "chunk 4 of 4 is damaged"),
    ],
)
def test_whatever_is_wrong_with_a_file_is_found_and_heals_from_who_holds_it(
    hub: Replica, phone: Replica, address: bytes, harm: str, words: str, tmp_path: Path
) -> None:
    with hub.files._for_writing().transaction() as db:
        db.execute(harm)
    assert any(words in each for each in check_files(hub))
    repair_files(hub, tmp_path / "damaged")
    assert check_files(hub) == []
    hold(phone, hub)
    hold(phone, hub)
    assert hub.files.read(address) == photo("valve")
    assert whereabouts(phone, address).on_hub


def test_a_repair_throws_the_bad_chunk_away_and_it_alone_is_fetched_again(
    site: Site, hub: Replica, phone: Replica, address: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = hub.store.path.parent
    rot(hub, third_chunk("valve"))
    site.opened.remove(hub)
    hub.close()
    assert run(check.configure, "--data", folder) == 1
    assert "chunk 3 of 4 is damaged" in capsys.readouterr().out
    assert run(check.configure, "--data", folder, "--repair") == 0
    said = capsys.readouterr().out
    assert "chunk 3 of 4 is damaged" in said
    assert "1 files lack what was damaged" in said
    assert "All is well" in said
    hub = site._open(folder, hub.clock)  # type: ignore[arg-type]
    assert not hub.files.holds(address)
    meeting = hold(phone, hub)
    assert chunks_sent(meeting, 0) == [(address, 3)]
    assert hub.files.read(address) == photo("valve")


def test_a_file_that_sqlite_cannot_read_is_made_anew_of_what_proves_true(
    site: Site, hub: Replica, phone: Replica, job: bytes, address: bytes, tmp_path: Path
) -> None:
    other = save_file(phone, job, photo("pump")).address
    hold(phone, hub)
    hub.files.delete([])
    hub.files.close()
    content = bytearray(hub.files.path.read_bytes())
    # A page of the tree of chunks that is none any more.
    db = sqlite3.connect(hub.files.path)
    (root,) = db.execute("SELECT rootpage FROM sqlite_master WHERE name = 'wanted'").fetchone()
    db.close()
    content[(root - 1) * 4_096 : (root - 1) * 4_096 + 600] = b"\xee" * 600
    hub.files.path.write_bytes(content)
    hub = site.reopen(hub)
    assert "damaged" in check_files(hub)[0] or "can't be read" in check_files(hub)[0]
    done = repair_files(hub, tmp_path / "damaged")
    assert done.damaged is not None
    assert (done.damaged / FILES_FILE).is_file()
    assert check_files(hub) == []
    assert hub.files.read(address) == photo("valve")
    assert hub.files.read(other) == photo("pump")


@pytest.mark.parametrize(
    "rot",
    [
        "UPDATE file SET address = CAST(substr(address, 1, 31) || x'07' AS BLOB)",
        "UPDATE file SET address = CAST(address AS TEXT), list = CAST(list AS TEXT)",
        "UPDATE file SET address = 'a text'",
        "UPDATE file SET list = zeroblob(70)",
        "UPDATE file SET list = 7, size = 8",
    ],
)
def test_a_photo_that_is_nowhere_else_outlives_the_rot_of_its_name(
    phone: Replica, job: bytes, rot: str, capsys: pytest.CaptureFixture[str]
) -> None:
    address = save_file(phone, job, photo("valve")).address
    folder = phone.store.path.parent
    phone.files.close()
    with contextlib.closing(sqlite3.connect(folder / FILES_FILE)) as db:
        db.execute(rot)
        db.commit()
    assert check_files(phone) != []
    phone.close()
    assert run(check.configure, "--repair", "--data", folder) == 0
    assert "All is well" in capsys.readouterr().out
    repaired = replica_to_check(
        phone.store.path, load_certificates(folder), SystemClock(), Entropy("look")
    )
    try:
        assert repaired.files.read(address) == photo("valve")
        assert repaired.files.wanted() == set()
    finally:
        repaired.close()


def test_a_check_of_a_folder_without_files_makes_none(hub: Replica) -> None:
    assert check_files(hub) == []
    assert not hub.files.path.exists()


# --- backups


def test_a_backup_holds_the_files_and_a_restored_hub_has_them(
    site: Site, hub: Replica, phone: Replica, address: bytes, tmp_path: Path
) -> None:
    folder = hub.store.path.parent
    backup, manifest = make_backup(folder, tmp_path / "backup.tar.gz", SystemClock(), site.entropy)
    assert FILES_FILE in manifest.files
    # The hub goes on meanwhile.
    assert hub.files.read(address) == photo("valve")
    restored = tmp_path / "restored"
    restore_backup(backup, restored, SystemClock(), site.entropy)
    found = sqlite3.connect(restored / FILES_FILE)
    assert found.execute("SELECT address, missing FROM file").fetchall() == [(address, 0)]
    found.close()
    assert not (restored / f"{FILES_FILE}-wal").exists()
    hub.store.db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    hub.files.close()
    shutil.copyfile(restored / FILES_FILE, hub.files.path)
    hub = site.restore(hub, site.copy(hub))
    assert chunks_sent(hold(phone, hub), 0) == []
    assert whereabouts(phone, address).on_hub
    assert hub.files.read(address) == photo("valve")


def test_a_backup_without_files_is_as_it_was(site: Site, hub: Replica, tmp_path: Path) -> None:
    backup, manifest = make_backup(
        hub.store.path.parent, tmp_path / "backup.tar.gz", SystemClock(), site.entropy
    )
    assert FILES_FILE not in manifest.files
    assert restore_backup(backup, tmp_path / "restored", SystemClock(), site.entropy) == manifest
    assert not (tmp_path / "restored" / FILES_FILE).exists()


def test_damaged_files_get_no_backup_and_a_damaged_backup_no_folder(
    site: Site, hub: Replica, address: bytes, tmp_path: Path
) -> None:
    folder = hub.store.path.parent
    backup, _ = make_backup(folder, tmp_path / "backup.tar.gz", SystemClock(), site.entropy)
    rot(hub, third_chunk("valve"))
    with pytest.raises(BackupError, match="chunk 3 of 4 is damaged"):
        make_backup(folder, tmp_path / "other.tar.gz", SystemClock(), site.entropy)
    assert not (tmp_path / "other.tar.gz").exists()
    with tarfile.open(backup) as tar:
        names = tar.getnames()
    assert names[:3] == ["manifest.json", "store.sqlite", FILES_FILE]


def test_a_store_without_its_header_is_repaired_and_still_knows_of_its_files(
    site: Site, hub: Replica, phone: Replica, job: bytes
) -> None:
    address = save_file(phone, job, photo("valve")).address
    folder, path = phone.store.path.parent, phone.store.path
    phone.close()
    site.opened.remove(phone)
    # SQLite can't read a word of it, only entries prove themselves.
    path.write_bytes(path.read_bytes()[:100] + bytes(3_996) + path.read_bytes()[4_096:])
    assert repair_store(folder, SettableClock(), Entropy("repair")).entries
    repaired = replica_to_check(path, load_certificates(folder), SystemClock(), Entropy("look"))
    site.opened.append(repaired)
    assert repaired.store.db.execute("SELECT address FROM file_ref").fetchall() == [(address,)]
    assert repaired.files.holds(address)
    assert repaired.files.read(address) == photo("valve")


def test_photos_are_there_although_the_note_that_there_are_any_was_lost(
    site: Site, hub: Replica, phone: Replica, job: bytes
) -> None:
    address = save_file(phone, job, photo("valve")).address
    # A flipped bit in its name: no index notices, and no check.
    phone.store.db.execute("UPDATE meta SET name = 'fileq' WHERE name = 'files'")
    phone = site.reopen(phone)
    assert phone.files.holds(address)
    hold(phone, hub)
    assert hub.files.read(address) == photo("valve")
