"""The store's file: made, upgraded, refused in words, full, and killed in the middle."""

from __future__ import annotations

import resource
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from replica.store import APPLICATION_ID, Store, StoreError, schema_files


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "store.sqlite"


@pytest.fixture
def store(path: Path) -> Iterator[Store]:
    opened = Store(path)
    yield opened
    opened.close()


def schema_of(db: sqlite3.Connection) -> list[tuple[str, str, str]]:
    return sorted(db.execute("SELECT type, name, coalesce(sql, '') FROM sqlite_master"))


def test_a_fresh_store_is_marked_as_ours_and_of_the_newest_version(store: Store) -> None:
    assert store.db.execute("PRAGMA application_id").fetchone() == (APPLICATION_ID,)
    assert store.db.execute("PRAGMA user_version").fetchone() == (schema_files()[-1][0],)
    assert store.db.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    # FULL: what was acked survives a power cut, else the own log would fork.
    assert store.db.execute("PRAGMA synchronous").fetchone() == (2,)


def test_the_schema_files_are_numbered_without_gaps() -> None:
    assert [number for number, _, _ in schema_files()] == list(range(1, len(schema_files()) + 1))


@pytest.mark.parametrize("version", range(1, len(schema_files())))
def test_an_upgraded_store_has_the_schema_of_a_fresh_one_and_a_copy_was_kept(
    path: Path, tmp_path: Path, version: int
) -> None:
    with sqlite3.connect(path, isolation_level=None) as old:
        old.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        for number, _, text in schema_files():
            if number <= version:
                old.executescript(text)
        old.execute(f"PRAGMA user_version = {version}")
        old.execute("INSERT INTO meta VALUES ('site', x'c0')")
        before = schema_of(old)
    old.close()
    upgraded, fresh = Store(path), Store(tmp_path / "fresh.sqlite")
    assert schema_of(upgraded.db) == schema_of(fresh.db)
    assert upgraded.db.execute("SELECT name FROM meta").fetchall() == [("site",)]
    kept = sqlite3.connect(path.with_suffix(f".before-{version + 1}"))
    assert schema_of(kept) == before
    assert kept.execute("SELECT name FROM meta").fetchall() == [("site",)]
    for connection in (kept, upgraded.db, fresh.db):
        connection.close()


def test_an_upgrade_that_fails_leaves_the_store_as_it_was(path: Path) -> None:
    with sqlite3.connect(path, isolation_level=None) as old:
        old.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        old.executescript(schema_files()[0][2])
        old.execute("PRAGMA user_version = 1")
        # Something of the same name stands in the way.
        old.execute("CREATE TABLE worker (x)")
        before = schema_of(old)
    old.close()
    with pytest.raises(StoreError, match=r"upgrade to schema \d+ failed"):
        Store(path)
    with sqlite3.connect(path) as after:
        assert schema_of(after) == before
        assert after.execute("PRAGMA user_version").fetchone() == (1,)
    after.close()


def test_a_store_of_a_newer_version_is_refused_in_words(path: Path) -> None:
    store = Store(path)
    newest = schema_files()[-1][0]
    store.db.execute(f"PRAGMA user_version = {newest + 1}")
    store.close()
    before = path.read_bytes()
    with pytest.raises(StoreError, match=f"newer version .schema {newest + 1}, this one knows"):
        Store(path)
    assert path.read_bytes() == before


@pytest.mark.parametrize("version", [0, 1, 99])
def test_a_database_of_another_program_is_refused_and_left_as_it_was(
    path: Path, version: int
) -> None:
    with sqlite3.connect(path) as other:
        other.execute("CREATE TABLE song (title TEXT)")
        other.execute("INSERT INTO song VALUES ('Finlandia')")
        other.execute(f"PRAGMA user_version = {version}")
    other.close()
    before = path.read_bytes()
    with pytest.raises(StoreError, match="database of another program; choose another file"):
        Store(path)
    assert path.read_bytes() == before
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_a_file_that_is_no_database_is_refused_and_left_as_it_was(path: Path) -> None:
    path.write_bytes(b"Dear diary, today the hub was down again. " * 40)
    before = path.read_bytes()
    with pytest.raises(StoreError, match="no store and no database"):
        Store(path)
    assert path.read_bytes() == before


def test_a_folder_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="unable to open"):
        Store(tmp_path / "nowhere" / "store.sqlite")


def test_a_damaged_store_is_said_in_words(path: Path) -> None:
    store = Store(path)
    with store.transaction() as db:
        for index in range(300):
            db.execute("INSERT INTO meta VALUES (?, zeroblob(900))", (f"filler {index}",))
    store.close()
    data = bytearray(path.read_bytes())
    # The pages in the middle are overwritten, as by a dying flash card.
    middle = len(data) // 2
    data[middle:] = b"\xa5" * (len(data) - middle)
    path.write_bytes(data)
    broken = Store(path)
    words = "is damaged; run 'fieldlog check --repair"
    with pytest.raises(StoreError, match=words), broken.transaction() as db:
        db.execute("INSERT INTO meta SELECT 'x' || name, value FROM meta")
    broken.close()


# --- transactions


def test_what_fails_leaves_nothing_and_the_next_transaction_works(store: Store) -> None:
    class Stop(Exception):
        pass

    def put_and_stop() -> None:
        with store.transaction():
            store.put("a", 1)
            raise Stop

    with pytest.raises(Stop):
        put_and_stop()
    assert store.get("a") is None
    with store.transaction():
        store.put("a", 2)
    assert store.get("a") == 2


def test_a_named_value_of_a_transaction_that_failed_is_the_one_from_before(store: Store) -> None:
    def put_and_fail() -> None:
        with store.transaction():
            store.put("number", 2)
            assert store.get("number") == 2
            raise ZeroDivisionError

    with store.transaction():
        store.put("number", 1)
    with pytest.raises(ZeroDivisionError):
        put_and_fail()
    assert store.get("number") == 1
    with store.transaction():
        store.put("number", 3)
    assert store.get("number") == 3


def test_a_transaction_within_another_is_part_of_it(store: Store) -> None:
    def put_and_fail() -> None:
        with store.transaction():
            with store.transaction():
                store.put("a", 1)
            assert store.db.in_transaction
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        put_and_fail()
    assert store.get("a") is None
    assert not store.db.in_transaction


def test_a_store_in_use_by_another_process_is_said_in_words(store: Store, path: Path) -> None:
    other = Store(path)
    other.db.execute("PRAGMA busy_timeout = 0")
    with (
        store.transaction(),
        pytest.raises(StoreError, match="in use by another process"),
        other.transaction(),
    ):
        pass
    other.close()


def test_a_mistake_of_the_program_is_not_blamed_on_the_disk(store: Store) -> None:
    with pytest.raises(sqlite3.IntegrityError), store.transaction() as db:
        db.execute("INSERT INTO meta VALUES ('a', NULL)")


def test_readers_see_what_was_committed_while_the_writer_writes(store: Store, path: Path) -> None:
    with store.transaction():
        store.put("a", 1)
    reader = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    with store.transaction():
        store.put("a", 2)
        assert reader.execute("SELECT value FROM meta WHERE name = 'a'").fetchone() == (b"\x01",)
    assert reader.execute("SELECT value FROM meta WHERE name = 'a'").fetchone() == (b"\x02",)
    reader.close()


# --- a full disk, a kill

FILL = """
import resource, sys
from pathlib import Path
from replica.store import Store, StoreError

store = Store(Path(sys.argv[1]))
with store.transaction():
    store.put("kept", 1)
store.db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
size = Path(sys.argv[1]).stat().st_size
resource.setrlimit(resource.RLIMIT_FSIZE, (size + 200_000, resource.RLIM_INFINITY))
try:
    for index in range(1_000):
        with store.transaction():
            store.put(f"filler {index}", bytes(4_000))
except StoreError as error:
    sys.stdout.write(str(error))
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)
with store.transaction():
    store.put("after", 2)
store.close()
"""


def run(script: str, path: Path) -> subprocess.CompletedProcess[str]:
    root = Path(__file__).parents[2]
    return subprocess.run(
        [sys.executable, "-c", script, str(path)],
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_a_disk_that_takes_no_more_is_said_in_words_and_loses_nothing(path: Path) -> None:
    assert resource.RLIM_INFINITY == -1
    done = run(FILL, path)
    assert done.returncode == 0, done.stderr
    assert "the disk that holds" in done.stdout
    assert "space" in done.stdout
    store = Store(path)
    assert (store.get("kept"), store.get("after")) == (1, 2)
    assert store.db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    # Whole transactions or none: each committed filler is there as it was written.
    for (value,) in store.db.execute("SELECT value FROM meta WHERE name LIKE 'filler %'"):
        assert len(value) == 4_003
    store.close()


def test_a_page_limit_is_a_full_disk(store: Store) -> None:
    store.db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    pages = store.db.execute("PRAGMA page_count").fetchone()[0]
    store.db.execute(f"PRAGMA max_page_count = {pages + 4}")

    def fill() -> None:
        for index in range(100):
            with store.transaction():
                store.put(f"filler {index}", bytes(4_000))

    with pytest.raises(StoreError, match="is full; free some space, nothing was lost"):
        fill()
    store.db.execute("PRAGMA max_page_count = 1000000")
    with store.transaction():
        store.put("after", 2)
    assert store.get("after") == 2


KILLED = """
import os, sys
from pathlib import Path
from replica.store import Store

store = Store(Path(sys.argv[1]))
with store.transaction():
    store.put("committed", 1)
with store.transaction():
    store.put("half", 2)
    os.kill(os.getpid(), 9)
"""


def test_a_kill_in_the_middle_leaves_what_was_committed_and_no_more(path: Path) -> None:
    assert run(KILLED, path).returncode == -9
    store = Store(path)
    assert (store.get("committed"), store.get("half")) == (1, None)
    store.close()
