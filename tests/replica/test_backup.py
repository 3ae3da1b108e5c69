"""A backup is whole and checked, taken beside whoever is at work; a damaged one is refused."""

from __future__ import annotations

import json
import re
import shutil
import stat
import tarfile
from hashlib import blake2b
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import replica.commands.backup
import replica.commands.check
import replica.commands.restore
from core.dispatch import acts, day_acts
from core.dispatch.fields import LogKind, Phase
from replica.backup import HUB_FILES, PHONE_FILES, BackupError, Manifest, make_backup
from replica.file_store import FILES_FILE
from replica.generation import is_at_home
from replica.identity import KEY_FILE, SITE_KEY_FILE, write_private
from replica.logs import held_hashes
from replica.occupied import occupied
from replica.replica import Replica
from replica.restoring import read_manifest, restore_backup, unpack_backup
from replica.store import Store, StoreError
from tests.build import START_MS, Entropy, SettableClock, Site, hold
from tests.commands import refused, run
from tests.core.log.pages import FORMATS

BACKUP, RESTORE = replica.commands.backup.configure, replica.commands.restore.configure
CHECK = replica.commands.check.configure
CLOCK = SettableClock()

# JSON knows numbers that no whole number is.
ENDLESS = (
    b'{"fieldlog_backup": 1, "made_at": "2026-03-02T07:00:00+00:00", "role": "hub", "site": "",'
    b' "author": "", "entries": 1e999}'
)


@pytest.fixture
def hub(site: Site) -> Replica:
    """A hub at work, with a phone's day."""
    hub = site.hub()
    folder = hub.store.path.parent
    write_private(folder / SITE_KEY_FILE, site.key.private_bytes_raw())
    worker = site.worker(hub, "Aino")
    job, (turn,) = site.job(hub, "Boiler", worker)
    phone = site.phone(hub, worker)
    hold(phone, hub)
    phone.write(acts.set_phase(job, worker, turn, Phase.ON_SITE))
    phone.write(day_acts.start_log(worker, "2026-03-02", job, b"log-aaaa", LogKind.ON_SITE))
    hold(phone, hub)
    return hub


def folder_of(replica: Replica) -> Path:
    return replica.store.path.parent


def backup_of(replica: Replica, to: Path) -> Path:
    return make_backup(folder_of(replica), to, CLOCK, Entropy("backup"))[0]


def entries_in(folder: Path) -> set[bytes]:
    store = Store(folder / "store.sqlite")
    try:
        return held_hashes(store.db)
    finally:
        store.close()


def test_a_hub_at_work_is_backed_up_and_goes_on(hub: Replica, site: Site, tmp_path: Path) -> None:
    held = held_hashes(hub.store.db)
    before = folder_of(hub).joinpath("store.sqlite").read_bytes()
    with occupied(folder_of(hub)), hub.store.transaction():
        # Even in the middle of a write: the copy is of what was committed.
        site.job(hub, "Half written")
        path = backup_of(hub, tmp_path)
    assert folder_of(hub).joinpath("store.sqlite").read_bytes() == before
    site.job(hub, "Written after")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    restore_backup(path, tmp_path / "new", CLOCK, Entropy("restore"))
    assert entries_in(tmp_path / "new") == held
    assert [each.name for each in tmp_path.iterdir() if each.name.startswith(".")] == []


def test_the_own_key_never_travels_and_nothing_needs_it(hub: Replica, tmp_path: Path) -> None:
    path = backup_of(hub, tmp_path)
    with tarfile.open(path) as tar:
        assert tar.getnames() == ["manifest.json", "store.sqlite", "identity", "site.key"]
    (sealed,) = hub.store.db.execute("SELECT count(*) FROM log WHERE seal ISNULL").fetchone()
    assert sealed, "the hub itself seals only what it sends"
    restore_backup(path, tmp_path / "new", CLOCK, Entropy("restore"))
    secret = folder_of(hub).joinpath(KEY_FILE).read_bytes()
    for each in (tmp_path / "new").iterdir():
        assert secret not in each.read_bytes()
    store = Store(tmp_path / "new" / "store.sqlite")
    assert store.db.execute("SELECT count(*) FROM log WHERE seal ISNULL").fetchone() == (0,)
    assert not is_at_home(store)
    store.close()


def test_a_damaged_store_gets_no_backup(hub: Replica, tmp_path: Path) -> None:
    hub.store.db.execute("UPDATE entry SET body = substr(body, 2) WHERE seq = 1")
    with pytest.raises(BackupError, match=r"damaged: .*run 'fieldlog check'"):
        backup_of(hub, tmp_path / "backup")
    assert not (tmp_path / "backup").exists()
    assert sorted(each.name for each in tmp_path.iterdir()) == ["site"]


HARMS = (
    "UPDATE certificate SET certificate = 7",
    "UPDATE certificate SET certificate = x'9a01c4'",
    "UPDATE meta SET value = x'93c4' WHERE name = 'position'",
)


@pytest.mark.parametrize("harm", [*HARMS, "UPDATE meta SET value = x'93c4' WHERE name = 'mine'"])
def test_a_store_whose_rows_make_no_sense_gets_no_backup(
    hub: Replica, tmp_path: Path, harm: str
) -> None:
    hub.store.db.execute(harm)
    with pytest.raises(BackupError, match="fieldlog check"):
        backup_of(hub, tmp_path / "backup")
    assert not (tmp_path / "backup").exists()


@pytest.mark.parametrize("harm", HARMS)
def test_a_check_says_that_rows_make_no_sense(hub: Replica, harm: str) -> None:
    hub.store.db.execute(harm)
    hub.store.close()
    assert "damaged" in refused(CHECK, "--data", folder_of(hub))


def test_a_store_whose_table_has_lost_its_name_is_said_to_be_damaged(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite"
    Store(path).close()
    path.write_bytes(path.read_bytes().replace(b"CREATE TABLE meta", b"CREATE TAB\x9a\xff meta"))
    with pytest.raises(StoreError, match="damaged"):
        Store(path)


def test_a_file_that_sqlite_cannot_read_gets_no_backup(hub: Replica, tmp_path: Path) -> None:
    hub.store.close()
    path = hub.store.path
    data = bytearray(path.read_bytes())
    data[4096 * 3 : 4096 * 20] = b"\xaa" * 4096 * 17
    path.write_bytes(data)
    with pytest.raises(BackupError, match="fieldlog check"):
        backup_of(hub, tmp_path / "backup")
    assert path.read_bytes() == data


def test_a_backup_that_is_there_is_not_replaced(hub: Replica, tmp_path: Path) -> None:
    path = backup_of(hub, tmp_path / "backup")
    before = path.read_bytes()
    with pytest.raises(BackupError, match="is there already"):
        backup_of(hub, tmp_path / "backup")
    assert path.read_bytes() == before
    with pytest.raises(BackupError, match="there is no folder"):
        backup_of(hub, tmp_path / "nowhere" / "backup")


def test_what_a_killed_backup_left_is_in_nobodys_way(hub: Replica, tmp_path: Path) -> None:
    left = tmp_path / ".backup.new"
    left.mkdir()
    (left / "store.sqlite").write_bytes(b"half")
    backup_of(hub, tmp_path / "backup")
    assert not left.exists()


@pytest.mark.parametrize("make", ["file", "lock", "folder"])
def test_a_folder_that_is_used_is_not_restored_into(
    hub: Replica, tmp_path: Path, make: str
) -> None:
    path = backup_of(hub, tmp_path / "backup")
    target = tmp_path / "target"
    if make == "folder":
        target.mkdir()
        restore_backup(path, target, CLOCK, Entropy("restore"))
        return
    if make == "lock":
        with occupied(target):
            assert "in use" in refused(RESTORE, "--data", target, "--from", path)
    else:
        target.mkdir()
        (target / "letter").write_text("dear")
        assert "not empty" in refused(RESTORE, "--data", target, "--from", path)
        assert [each.name for each in target.iterdir()] == ["letter"]


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A backup of a small hub."""
    folder = tmp_path_factory.mktemp("small")
    site = Site(folder / "site")
    hub = site.hub()
    site.job(hub, "Boiler", site.worker(hub, "Aino"))
    path = backup_of(hub, folder / "backup")
    site.close()
    return path


def unpacked(path: Path, room: Path) -> dict[str, bytes]:
    shutil.rmtree(room, ignore_errors=True)
    room.mkdir()
    unpack_backup(path, room)
    return {each.name: each.read_bytes() for each in room.iterdir()}


@settings(max_examples=60)
@given(data=st.data())
def test_a_backup_with_any_damage_is_refused_or_loses_nothing(
    small: Path, data: st.DataObject
) -> None:
    whole = small.read_bytes()
    harm = data.draw(st.sampled_from(["flip", "cut", "swap"]))
    at = data.draw(st.integers(0, len(whole) - 2))
    damaged = bytearray(whole)
    if harm == "flip":
        damaged[at] ^= 1 << data.draw(st.integers(0, 7))
    elif harm == "cut":
        del damaged[at:]
    else:
        damaged[at : at + 512] = bytes(len(damaged[at : at + 512]))
    path, room = small.with_name("damaged"), small.with_name("room")
    path.write_bytes(damaged)
    try:
        found = unpacked(path, room)
    except BackupError:
        return
    assert found == unpacked(small, room)


def _rewritten(path: Path, to: Path, **changed: bytes | None) -> Path:
    """A backup with other members, as somebody's tar program would write it."""
    with tarfile.open(path) as tar, tarfile.open(to, "w:gz") as new:
        for member in tar.getmembers():
            content = tar.extractfile(member)
            assert content is not None
            data = changed.get(member.name.partition(".")[0], content.read())
            if data is not None:
                (to.parent / "member").write_bytes(data)
                member.size = len(data)
                with (to.parent / "member").open("rb") as file:
                    new.addfile(member, file)
    return to


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"store": b"other"}, "store.sqlite in it is not what the manifest says"),
        ({"store": None}, "where the manifest names no such file"),
        ({"identity": None}, "identity is missing"),
        ({"manifest": None}, "does not begin with manifest.json"),
        ({"manifest": b"[]"}, "can't be read"),
        ({"manifest": b'{"fieldlog_backup": 2}'}, "of format 2, this version reads 1"),
        ({"manifest": b"[" * 60_000}, "can't be read"),
        ({"manifest": ENDLESS}, "can't be read"),
    ],
)
def test_a_backup_that_was_put_together_wrongly_is_refused_by_name(
    small: Path, tmp_path: Path, changed: dict[str, bytes | None], words: str
) -> None:
    path = _rewritten(small, tmp_path / "other", **changed)
    assert words in refused(RESTORE, "--data", tmp_path / "new", "--from", path)
    assert not (tmp_path / "new").exists()


def test_no_manifest_writes_outside_the_folder(small: Path, tmp_path: Path) -> None:
    manifest = json.loads(_manifest_of(small))
    manifest["files"]["../outside"] = {"bytes": 1, "blake2b": ""}
    data = json.dumps(manifest).encode()
    path = _rewritten(small, tmp_path / "other", manifest=data)
    assert "names other files" in refused(RESTORE, "--data", tmp_path / "new", "--from", path)


def test_a_store_that_does_not_prove_itself_is_refused(small: Path, tmp_path: Path) -> None:
    """The manifest may agree: what counts is every hash and seal."""
    room = tmp_path / "room"
    unpacked(small, room)
    store = Store(room / "store.sqlite")
    store.db.execute("UPDATE seal SET signature = zeroblob(64)")
    store.db.execute("PRAGMA journal_mode = DELETE")
    store.close()
    data = (room / "store.sqlite").read_bytes()
    manifest = read_manifest(_manifest_of(small))
    manifest.files["store.sqlite"] = (len(data), blake2b(data, digest_size=32).digest())
    path = _rewritten(small, tmp_path / "other", manifest=manifest.to_bytes(), store=data)
    words = refused(RESTORE, "--data", tmp_path / "new", "--from", path)
    assert "signature does not hold" in words
    assert not (tmp_path / "new").exists()


def _manifest_of(path: Path) -> bytes:
    with tarfile.open(path) as tar:
        content = tar.extractfile("manifest.json")
        assert content is not None
        return content.read()


def test_the_page_shows_a_manifest_as_it_is_written() -> None:
    page = (FORMATS / "backup.md").read_text("utf-8")
    (example,) = re.findall(r"```json\n(.*?)```", page, re.DOTALL)
    manifest = read_manifest(example.encode())
    assert manifest.to_bytes().decode() == example
    assert (manifest.made_at_ms, manifest.role) == (START_MS, "phone")


def test_the_page_names_every_file_that_a_backup_may_have() -> None:
    page = (FORMATS / "backup.md").read_text("utf-8")
    named = re.findall(r"^\| `([^`]+)` \| (?:hub|phone|both) \|", page, re.MULTILINE)
    assert named == ["store.sqlite", FILES_FILE, *HUB_FILES, *PHONE_FILES]


def test_the_commands_say_what_is_in_and_what_is_not(
    hub: Replica, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = folder_of(hub)
    assert run(BACKUP, "--data", folder, "--to", tmp_path) == 0
    said = capsys.readouterr().out
    assert "Not in it: replica.key" in said
    assert "Whoever has this file can act as the site" in said
    (path,) = tmp_path.glob("fieldlog-hub-*.tar.gz")
    assert run(RESTORE, "--data", tmp_path / "new", "--from", path) == 0
    assert "fieldlog hub --data" in capsys.readouterr().out


def test_a_backup_of_nothing_is_refused(tmp_path: Path) -> None:
    words = refused(BACKUP, "--data", tmp_path / "nowhere", "--to", tmp_path / "backup")
    assert "there is no store" in words
    assert list(tmp_path.iterdir()) == []


def test_a_restore_from_nothing_is_refused(tmp_path: Path) -> None:
    words = refused(RESTORE, "--data", tmp_path / "new", "--from", tmp_path / "nothing")
    assert "nothing cannot be used: No such file" in words
    (tmp_path / "letter").write_text("dear")
    words = refused(RESTORE, "--data", tmp_path / "new", "--from", tmp_path / "letter")
    assert "is no whole backup" in words
    assert not (tmp_path / "new").exists()


def test_a_key_is_no_part_of_what_a_manifest_may_name() -> None:
    manifest = Manifest(0, "hub", b"", b"", 0, 0, {"store.sqlite": (0, b""), KEY_FILE: (0, b"")})
    with pytest.raises(BackupError, match="names other files"):
        read_manifest(manifest.to_bytes())
