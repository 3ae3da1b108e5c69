"""A store that was copied or put back is noticed before anything is written under its old key."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from core.dispatch import acts
from core.dispatch.fields import Phase
from replica.generation import MARK_PREFIX, begin_anew, former_authors, is_at_home, settle
from replica.identity import KEY_FILE, IdentityError
from replica.replica import Replica
from replica.store import STORE_FILE, Store
from tests.build import Entropy, Site, hold

ENTROPY = Entropy("generation")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder whose store was at work once."""
    folder = tmp_path / "folder"
    folder.mkdir()
    starts(folder)
    return folder


def starts(folder: Path) -> bool:
    """Start on a folder and stop; whether its store was at home."""
    store = Store(folder / STORE_FILE)
    home = is_at_home(store)
    settle(store, ENTROPY)
    store.close()
    return home


def marks(folder: Path) -> list[str]:
    return sorted(each.name for each in folder.glob(f"{MARK_PREFIX}*"))


def test_a_folder_that_stays_where_it_is_is_at_home_at_every_start(folder: Path) -> None:
    for _ in range(3):
        assert starts(folder)
    assert len(marks(folder)) == 1


def test_a_folder_that_is_moved_or_renamed_stays_at_home(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    folder = folder.rename(tmp_path / "elsewhere" / "renamed")
    assert starts(folder)


def test_a_copy_of_the_folder_is_noticed_and_the_original_is_not(
    folder: Path, tmp_path: Path
) -> None:
    shutil.copytree(folder, tmp_path / "copy")
    assert not starts(tmp_path / "copy")
    assert starts(tmp_path / "copy"), "it is at home there now"
    assert starts(folder)


def test_a_copy_put_back_in_place_of_what_was_lost_is_noticed(folder: Path, tmp_path: Path) -> None:
    """The files may well get the very inodes of the lost ones; the time of change tells."""
    shutil.copytree(folder, tmp_path / "copy")
    shutil.rmtree(folder)
    shutil.copytree(tmp_path / "copy", folder)
    assert not starts(folder)


def test_an_older_copy_of_the_store_alone_is_noticed(folder: Path) -> None:
    old = (folder / STORE_FILE).read_bytes()
    assert starts(folder)
    # Over the file itself, so that its inode stays.
    (folder / STORE_FILE).write_bytes(old)
    assert not starts(folder)


def test_a_folder_without_its_mark_is_noticed(folder: Path) -> None:
    (folder / marks(folder)[0]).unlink()
    assert not starts(folder)


def test_a_mark_with_another_ones_name_is_no_mark(folder: Path) -> None:
    path = folder / marks(folder)[0]
    path.unlink()
    path.write_text("not the same file")
    assert not starts(folder)


@pytest.mark.parametrize("noted", [[b"", 0, 0], [], 7, [7, 7, 7], ["ab", 1, 1], [b"x" * 400, 1, 1]])
def test_what_is_no_mark_is_noticed_too(folder: Path, noted: object) -> None:
    store = Store(folder / STORE_FILE)
    store.put("mark", noted)
    store.close()
    assert not starts(folder)


def test_a_mark_that_the_disk_changed_is_noticed_too(folder: Path) -> None:
    store = Store(folder / STORE_FILE)
    store.db.execute("UPDATE meta SET value = x'93c4' WHERE name = 'mark'")
    store.close()
    assert not starts(folder)


@pytest.mark.parametrize("at", ["before the store names it", "before the old one goes"])
def test_a_power_cut_while_the_mark_is_laid_is_no_copy(folder: Path, at: str) -> None:
    (first,) = marks(folder)
    if at == "before the store names it":
        (folder / f"{MARK_PREFIX}{'ab' * 8}").write_text("a mark that no store names yet")
    else:
        os.link(folder / first, folder / "kept")
        kept = (folder / first).stat()
        store = Store(folder / STORE_FILE)
        store.put("mark", [bytes.fromhex(first[5:]), kept.st_ino, kept.st_ctime_ns])
        store.close()
        (folder / f"{MARK_PREFIX}{'cd' * 8}").write_text("the one before")
    assert starts(folder)
    assert len(marks(folder)) == 1


def test_a_store_of_an_earlier_version_is_at_home(tmp_path: Path) -> None:
    store = Store(tmp_path / STORE_FILE)
    store.put("position", 7)
    assert is_at_home(store)
    store.close()


# --- beginning anew


def test_what_was_not_sent_is_sealed_and_arrives_under_another_key(site: Site) -> None:
    hub = site.hub()
    worker = site.worker(hub, "Aino")
    jobs = [site.job(hub, f"Job {number}", worker) for number in range(70)]
    phone = site.phone(hub, worker)
    hold(phone, hub)
    for job, (turn,) in jobs:
        phone.write(acts.set_phase(job, worker, turn, Phase.ON_SITE))
    store, old = phone.store, phone.author
    begin_anew(store, ENTROPY)
    folder = store.path.parent
    assert not (folder / KEY_FILE).exists()
    assert former_authors(store) == [old]
    assert store.get("mine") == 0
    # A new phone of the same worker, on the same store.
    other = site.phone(hub, worker)
    again = Replica(store, other.identity, phone.clock, Entropy("again"))
    assert again.generation != phone.generation
    meeting = hold(again, hub)
    assert meeting.live
    for job, _ in jobs:
        assert hub.state(job).fingerprint() == again.state(job).fingerprint()
        assert (old, b"") in hub.state(job).logs, "the entries stand under who wrote them"


def test_reach_falls_and_is_confirmed_anew(site: Site) -> None:
    hub = site.hub()
    worker = site.worker(hub, "Aino")
    site.job(hub, "Boiler", worker)
    phone = site.phone(hub, worker)
    assert hold(phone, hub).live
    db = hub.store.db
    count = "SELECT count(*) FROM reach WHERE peer = ?", (phone.author,)
    (before,) = db.execute(*count).fetchone()
    assert before
    begin_anew(hub.store, ENTROPY)
    assert db.execute(*count).fetchone() == (0,)
    assert db.execute("SELECT count(*) FROM peer_stream").fetchone() == (0,)
    renewed = Replica(hub.store, hub.identity, hub.clock, ENTROPY)
    assert hold(phone, renewed).live
    assert db.execute(*count).fetchone() == (before,)


def test_beginning_anew_twice_changes_nothing_more(site: Site) -> None:
    hub = site.hub()
    site.job(hub, "Boiler")
    begin_anew(hub.store, ENTROPY)
    seals = hub.store.db.execute("SELECT * FROM seal").fetchall()
    begin_anew(hub.store, ENTROPY)
    assert hub.store.db.execute("SELECT * FROM seal").fetchall() == seals
    assert former_authors(hub.store) == [hub.author]


def test_a_broken_key_stops_it_in_words_and_changes_nothing(site: Site) -> None:
    hub = site.hub()
    path = hub.store.path.parent / KEY_FILE
    path.write_bytes(b"short")
    generation = hub.store.get("generation")
    with pytest.raises(IdentityError, match="no key of 32 bytes"):
        begin_anew(hub.store, ENTROPY)
    assert hub.store.get("generation") == generation
    assert path.read_bytes() == b"short"
