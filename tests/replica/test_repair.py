"""A damaged store is made anew from what it proves, and heals from those who hold the rest."""

from __future__ import annotations

import contextlib
import random
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import replica.commands.check
from core.dispatch import acts, day_acts
from core.dispatch.fields import LogKind, Phase
from hub.founding import open_hub_replica
from replica import logs
from replica.carving import carve
from replica.checking import check_store, dump_projections
from replica.generation import begin_anew, is_at_home, settle
from replica.identity import SITE_KEY_FILE, write_private
from replica.repair import repair_store
from replica.replica import Replica
from replica.set_aside import join_set_aside, set_aside_in
from replica.store import STORE_FILE, Store, StoreError
from replica.witnesses import witness_changes
from tests.build import Entropy, SettableClock, Site, agree, hold
from tests.commands import refused, run

CHECK = replica.commands.check.configure
CLOCK = SettableClock()
PAGE = 4_096
WITNESS_TABLES = ("witness", "witnessed")


@dataclass
class Town:
    """A hub's folder as it was left, and a second hub of the site that holds the same."""

    folder: Path
    hub: Path
    twin: Path
    whole: bytes
    entries: frozenset[bytes]

    def harmed(self, harm: Callable[[bytearray], None], name: str) -> Path:
        """A folder of the hub whose store was damaged, and that is at home where it lies."""
        folder = self.folder / name
        shutil.copytree(self.hub, folder)
        store = Store(folder / STORE_FILE)
        settle(store, Entropy(name))
        store.db.execute("PRAGMA journal_mode = DELETE")
        store.close()
        data = bytearray((folder / STORE_FILE).read_bytes())
        harm(data)
        (folder / STORE_FILE).write_bytes(data)
        return folder

    def heals(self, folder: Path) -> None:
        """The hub starts on its repaired store, meets the other hub, and holds everything."""
        twin_folder = self.folder / f"{folder.name}-twin"
        shutil.copytree(self.twin, twin_folder)
        site = Site(self.folder / "unused")
        twin = site._open(twin_folder, SettableClock())
        hub = open_hub_replica(folder, CLOCK, Entropy(folder.name), tls_fingerprint=bytes(32))
        site.opened.append(hub)
        assert hold(hub, twin).live
        join_set_aside(hub)
        assert hold(hub, twin).live
        assert self.entries <= held_by(hub)
        assert agree(hub, twin)
        assert check_store(hub) == []
        site.job(hub, "Work goes on")
        assert hold(hub, twin).live
        forks = "SELECT count(*) FROM log WHERE branch <> x''"
        assert twin.store.db.execute(forks).fetchone() == (0,)
        site.close()
        shutil.rmtree(twin_folder)


def held_by(replica: Replica) -> set[bytes]:
    return logs.held_hashes(replica.store.db)


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Town:
    folder = tmp_path_factory.mktemp("town")
    site = Site(folder / "site")
    hub, twin = site.hub("A"), site.hub("B")
    write_private(hub.store.path.parent / SITE_KEY_FILE, site.key.private_bytes_raw())
    worker = site.worker(hub, "Aino")
    phone = site.phone(hub, worker)
    for number in range(8):
        job, (turn,) = site.job(hub, f"Boiler {number}", worker)
        hold(phone, hub)
        phone.write(acts.set_phase(job, worker, turn, Phase.ON_SITE))
        # Longer than what SQLite keeps of a row in one page.
        phone.write(acts.add_note(job, "ř" * (900 if number % 3 == 0 else 9)))
        phone.write(
            day_acts.start_log(worker, "2026-03-02", job, bytes([number] * 8), LogKind.OTHER)
        )
    hold(phone, hub)
    assert hold(twin, hub).live
    witness_changes(hub)
    entries = frozenset(held_by(hub))
    site.close()
    hub_folder, twin_folder = hub.store.path.parent, twin.store.path.parent
    whole = (hub_folder / STORE_FILE).read_bytes()
    return Town(folder, hub_folder, twin_folder, whole, entries)


def _repair(folder: Path) -> tuple[bool, int, int]:
    """Repair; whether the key goes, and how many entries are held or wait."""
    done = repair_store(folder, CLOCK, Entropy("repair"))
    store = Store(folder / STORE_FILE)
    assert store.get("generation") == Entropy("repair")(8), "peers void what they thought of it"
    assert is_at_home(store) is not done.own_touched
    (held,) = store.db.execute("SELECT count(*) FROM entry").fetchone()
    assert held == done.entries
    store.close()
    return done.own_touched, held, done.set_aside


def _rows(folder: Path) -> tuple[frozenset[bytes], dict[str, list[tuple[object, ...]]]]:
    store = Store(folder / STORE_FILE)
    hashes = frozenset(logs.held_hashes(store.db))
    rows = dump_projections(store.db)
    store.close()
    return hashes, rows


@pytest.mark.parametrize("seed", range(12))
def test_a_flipped_bit_is_found_where_it_harms_and_costs_one_entry_at_most(
    town: Town, seed: int
) -> None:
    chance = random.Random(seed)
    hashes = sorted(town.entries)

    def flip(data: bytearray) -> None:
        # In a row of an entry or just before it; elsewhere a bit mostly harms nothing.
        at = data.find(chance.choice(hashes)[:8]) + chance.randrange(-12, 60)
        data[at] ^= 1 << chance.randrange(8)

    folder = town.harmed(flip, f"flip-{seed}")
    if run(CHECK, "--data", folder) == 0:
        assert _rows(folder) == _rows(town.hub)
        return
    _, held, waiting = _repair(folder)
    assert held + waiting >= len(town.entries) - 1
    if held < len(town.entries):
        town.heals(folder)


def _lose_a_page(data: bytearray) -> None:
    at = 20 * PAGE
    data[at : at + PAGE] = bytes(PAGE)


def _lose_the_header(data: bytearray) -> None:
    data[:PAGE] = random.Random(1).randbytes(PAGE)


def _lose_a_tenth(data: bytearray) -> None:
    chance = random.Random(2)
    for page in chance.sample(range(len(data) // PAGE), len(data) // PAGE // 10):
        data[page * PAGE : (page + 1) * PAGE] = chance.randbytes(PAGE)


def _lose_the_last_pages(data: bytearray) -> None:
    del data[-4 * PAGE :]


def _lose_the_second_half(data: bytearray) -> None:
    del data[len(data) // 2 // PAGE * PAGE :]


@pytest.mark.parametrize(
    ("harm", "held_min"),
    [
        (_lose_a_page, 0.9),
        (_lose_the_header, 1.0),
        (_lose_a_tenth, 0.5),
        (_lose_the_last_pages, 0.9),
        (_lose_the_second_half, 0.1),
    ],
)
def test_a_wrecked_file_gives_back_what_lies_in_it_and_the_rest_comes_from_another_hub(
    town: Town, harm: Callable[[bytearray], None], held_min: float
) -> None:
    folder = town.harmed(harm, harm.__name__)
    _, held, waiting = _repair(folder)
    assert held + waiting >= held_min * len(town.entries)
    town.heals(folder)
    (kept,) = folder.glob("damaged-*")
    assert (kept / STORE_FILE).exists(), "the damaged file is kept"


@pytest.mark.parametrize("table", [b"log_row", b"note_row", b"meta"])
def test_a_flipped_bit_in_the_name_of_a_table_costs_no_entry(town: Town, table: bytes) -> None:
    def harm(data: bytearray) -> None:
        # Half a letter of more than one byte, which no text can hold.
        data[data.index(b"CREATE TABLE " + table) + len(b"CREATE TAB")] ^= 0x80

    folder = town.harmed(harm, f"half a letter in {table.decode()}")
    _repair(folder)
    town.heals(folder)


@pytest.mark.parametrize("name", ["site", "generation", "position"])
def test_a_store_that_says_no_more_what_it_is_is_found_and_made_anew(
    town: Town, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = town.harmed(lambda data: None, f"no {name}")
    with contextlib.closing(Store(folder / STORE_FILE)) as store:
        store.db.execute("UPDATE meta SET name = ? WHERE name = ?", (f"{name[:-1]}?", name))
    words = "belongs to no site" if name == "site" else "is damaged"
    assert words in refused(CHECK, "--data", folder)
    with pytest.raises(StoreError, match="damaged"):
        open_hub_replica(folder, CLOCK, Entropy(name), tls_fingerprint=bytes(32))
    assert run(CHECK, "--repair", "--data", folder) == 0
    assert "Repaired" in capsys.readouterr().out
    town.heals(folder)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("mine", "x'c1'"),
        ("mine", "x'a178'"),
        ("position", "x'a178'"),
        ("site", "7"),
        ("offset_ms", "7"),
    ],
)
def test_values_that_rotted_are_found_and_made_anew(town: Town, name: str, value: str) -> None:
    folder = town.harmed(lambda data: None, f"{name} {value}")
    with contextlib.closing(Store(folder / STORE_FILE)) as store:
        store.db.execute(f"INSERT OR REPLACE INTO meta VALUES (?, {value})", (name,))
    if name == "offset_ms":
        assert run(CHECK, "--data", folder) == 1
    else:
        assert "--repair" in refused(CHECK, "--data", folder)
    assert run(CHECK, "--repair", "--data", folder) == 0
    town.heals(folder)


def test_an_index_of_text_that_nobody_can_write_to_is_found_and_made_anew(
    town: Town, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = town.harmed(lambda data: None, "unwritable")
    with contextlib.closing(Store(folder / STORE_FILE)) as store:
        # A flipped bit in the number of the row of its totals, which no reader asks for.
        store.db.execute("UPDATE job_text_data SET id = 5 WHERE id = 1")
    assert run(CHECK, "--data", folder) == 1
    assert "is damaged" in capsys.readouterr().out
    assert run(CHECK, "--repair", "--data", folder) == 0
    # Which makes a job in the end.
    town.heals(folder)


def test_what_was_still_in_the_wal_of_a_wrecked_store_is_found(tmp_path: Path) -> None:
    site = Site(tmp_path / "site")
    hub = site.hub()
    site.job(hub, "In the WAL alone")
    held = held_by(hub)
    folder = tmp_path / "copy"
    shutil.copytree(hub.store.path.parent, folder)
    site.close()
    data = bytearray((folder / STORE_FILE).read_bytes())
    data[:100] = bytes(100)
    (folder / STORE_FILE).write_bytes(data)
    carved = {row[2][:8] for row in carve(folder / STORE_FILE).entries}
    assert {entry_hash[:8] for entry_hash in held} <= carved
    _, found, _ = _repair(folder)
    assert found == len(held)


def test_rows_that_do_not_follow_from_the_log_are_made_anew(town: Town) -> None:
    folder = town.harmed(lambda data: None, "rows")
    store = Store(folder / STORE_FILE)
    store.db.execute("UPDATE job SET title = 'Palace'")
    store.db.execute("UPDATE stream SET leaf = zeroblob(32)")
    store.close()
    assert run(CHECK, "--repair", "--data", folder) == 0
    assert _rows(folder) == _rows(town.hub)


def test_what_a_hub_witnessed_stays_and_it_goes_on_witnessing(town: Town) -> None:
    folder = town.harmed(lambda data: None, "witnessed")
    with contextlib.closing(Store(folder / STORE_FILE)) as store:
        before = [sorted(store.db.execute(f"SELECT * FROM {name}")) for name in WITNESS_TABLES]
        store.db.execute("UPDATE stream SET leaf = zeroblob(32)")
        store.db.execute(
            "INSERT INTO witness SELECT 99, at + 1, hub, leaves, signature FROM witness"
        )
    _repair(folder)
    site = Site(town.folder / "unused")
    hub = open_hub_replica(folder, CLOCK, Entropy("goes on"), tls_fingerprint=bytes(32))
    site.opened.append(hub)
    db = hub.store.db
    assert [sorted(db.execute(f"SELECT * FROM {name}")) for name in WITNESS_TABLES] == before
    site.job(hub, "Pump")
    assert witness_changes(hub) > 0
    assert check_store(hub) == []
    site.close()


# --- the own log


@dataclass
class Own:
    """A phone whose own log has been sent up to its second entry of four."""

    site: Site
    hub: Replica
    phone: Replica
    job: bytes
    log: int

    @property
    def folder(self) -> Path:
        return self.phone.store.path.parent

    def notes(self, replica: Replica) -> set[str]:
        return {text for (text,) in replica.store.db.execute("SELECT text FROM note")}

    def harm(self, sql: str) -> None:
        """Damage the phone's store and close it."""
        settle(self.phone.store, Entropy("mark"))
        self.phone.store.db.execute(sql)
        self.phone.store.close()


@pytest.fixture
def own(tmp_path: Path) -> Own:
    site = Site(tmp_path / "site")
    hub = site.hub()
    worker = site.worker(hub, "Aino")
    job, _ = site.job(hub, "Boiler", worker)
    phone = site.phone(hub, worker)
    assert hold(phone, hub).live
    for text in ("one", "two"):
        phone.write(acts.add_note(job, text))
    assert hold(phone, hub).live
    for text in ("three", "four"):
        phone.write(acts.add_note(job, text))
    row = logs.log_row(phone.store.db, job, (phone.author, b""))
    assert row is not None
    return Own(site, hub, phone, job, row.log)


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE entry SET body = {flipped} WHERE log = {log} AND seq = 3",
        "UPDATE entry SET body = {flipped} WHERE log = {log} AND seq = 4",
        "UPDATE entry SET hash = zeroblob(8) WHERE log = {log} AND seq = 3",
        "UPDATE entry SET hash = zeroblob(8) WHERE log = {log} AND seq = 4",
        "UPDATE log_row SET base_hash = zeroblob(32) WHERE log = {log}",
        "UPDATE log_row SET author = 77 WHERE log = {log}",
        "UPDATE author SET author = zeroblob(32) WHERE author = {author}",
        "UPDATE log_row SET head = zeroblob(32) WHERE log = {log}",
        "UPDATE entry SET log = 77 WHERE log = {log} AND seq = 3",
        "UPDATE stream SET leaf = zeroblob(32)",
    ],
)
def test_what_the_hashes_tell_is_set_right_and_the_key_stays(own: Own, sql: str) -> None:
    seq = 4 if "seq = 4" in sql else 3
    (body,) = own.phone.store.db.execute(
        "SELECT body FROM entry WHERE log = ? AND seq = ?", (own.log, seq)
    ).fetchone()
    flipped = bytearray(body)
    flipped[len(body) // 2] ^= 0x10
    author = f"x'{own.phone.author.hex()}'"
    own.harm(sql.format(log=own.log, author=author, flipped=f"x'{flipped.hex()}'"))
    touched, held, waiting = _repair(own.folder)
    assert (touched, waiting) == (False, 0)
    phone = own.site._open(own.folder, SettableClock())
    assert hold(phone, own.hub).live
    assert own.notes(own.hub) == {"one", "two", "three", "four"}
    own.site.opened.remove(own.phone)
    own.site.close()


def test_good_own_entries_beyond_a_lost_one_wait_for_it_and_arrive(own: Own) -> None:
    """The hub holds the damaged entry; what came after it was on this phone alone."""
    own.harm(f"UPDATE entry SET body = zeroblob(30) WHERE log = {own.log} AND seq = 2")
    touched, _, waiting = _repair(own.folder)
    assert (touched, waiting) == (True, 2)
    store = Store(own.folder / STORE_FILE)
    begin_anew(store, Entropy("anew"))
    settle(store, Entropy("home"))
    other = own.site.phone(own.hub, own.phone.subject)
    phone = Replica(store, other.identity, SettableClock(), Entropy("again"))
    assert "wait for entry 2" in " ".join(check_store(phone))
    assert hold(phone, own.hub).live
    assert join_set_aside(phone) == 2
    assert hold(phone, own.hub).live
    assert own.notes(own.hub) == own.notes(phone) == {"one", "two", "three", "four"}
    assert set_aside_in(store) == []
    assert check_store(phone) == []
    store.close()
    own.site.opened.remove(own.phone)
    own.site.close()


def test_what_another_wrote_and_was_lost_here_comes_again_from_who_confirmed_it(own: Own) -> None:
    """The phone believes that the hub holds it: only the new generation says otherwise."""
    hub = own.hub
    settle(hub.store, Entropy("mark"))
    row = logs.log_row(hub.store.db, own.job, (own.phone.author, b""))
    assert row is not None
    hub.store.db.execute("UPDATE entry SET body = x'00' WHERE log = ? AND seq = 1", (row.log,))
    hub.store.close()
    folder = hub.store.path.parent
    touched, _, waiting = _repair(folder)
    assert (touched, waiting) == (False, 1), "the hub's own log is whole, so its key stays"
    again = own.site._open(folder, SettableClock())
    assert own.notes(again) == set()
    assert hold(own.phone, again).live
    assert own.notes(again) == {"one", "two", "three", "four"}
    assert join_set_aside(again) == 0, "what waited came along"
    assert check_store(again) == []
    own.site.opened.remove(hub)
    own.site.close()


def test_own_entries_that_are_gone_without_a_trace_cost_the_key(own: Own) -> None:
    """The log says that it ends at two, and yet the store knows that it made four."""
    db = own.phone.store.db
    row = logs.log_row(db, own.job, (own.phone.author, b""))
    assert row is not None
    head = logs.hash_at(db, row, 2)
    db.execute("UPDATE log_row SET height = 2, head = ? WHERE log = ?", (head, own.log))
    own.harm(f"DELETE FROM entry WHERE log = {own.log} AND seq > 2")
    own_touched, _, _ = _repair(own.folder)
    assert own_touched
    own.site.opened.remove(own.phone)
    own.site.close()


def test_a_seal_in_which_a_bit_flipped_is_set_right(town: Town) -> None:
    folder = town.harmed(lambda data: None, "seal")
    store = Store(folder / STORE_FILE)
    number, signature = store.db.execute("SELECT seal, signature FROM seal").fetchone()
    wrong = bytearray(signature)
    wrong[17] ^= 4
    store.db.execute("UPDATE seal SET signature = ? WHERE seal = ?", (bytes(wrong), number))
    store.close()
    assert run(CHECK, "--repair", "--data", folder) == 0
    store = Store(folder / STORE_FILE)
    signatures = {row[0] for row in store.db.execute("SELECT signature FROM seal")}
    assert signature in signatures
    store.close()


# --- what is not repaired


def test_a_sound_store_is_left_as_it_is(town: Town, capsys: pytest.CaptureFixture[str]) -> None:
    folder = town.harmed(lambda data: None, "sound")
    before = _rows(folder)
    generation = _generation(folder)
    assert run(CHECK, "--repair", "--data", folder) == 0
    assert "All is well" in capsys.readouterr().out
    assert (_rows(folder), _generation(folder)) == (before, generation)
    assert not list(folder.glob("damaged-*"))


def _generation(folder: Path) -> object:
    store = Store(folder / STORE_FILE)
    try:
        return store.get("generation")
    finally:
        store.close()


def test_a_file_without_any_entry_is_left_as_it_is(town: Town) -> None:
    folder = town.harmed(lambda data: None, "nothing")
    (folder / STORE_FILE).write_text("a letter to a friend " * 500)
    before = {each.name: each.read_bytes() for each in folder.iterdir()}
    assert "no entry can be found" in refused(CHECK, "--repair", "--data", folder)
    after = {each.name: each.read_bytes() for each in folder.iterdir()}
    after.pop("in-use")
    assert after == before


def test_a_store_of_a_newer_version_is_not_repaired_by_this_one(town: Town) -> None:
    def newer(data: bytearray) -> None:
        data[60:64] = (99).to_bytes(4, "big")

    folder = town.harmed(newer, "newer")
    with pytest.raises(StoreError, match="written by a newer version"):
        repair_store(folder, CLOCK, Entropy("repair"))


@settings(max_examples=60)
@given(data=st.data())
def test_any_bytes_are_carved_without_an_error(town: Town, data: st.DataObject) -> None:
    path = town.folder / "bytes"
    at = data.draw(st.integers(0, len(town.whole) - 20_000)) // PAGE * PAGE
    piece = bytearray(town.whole[at : at + 20_000])
    for place, byte in data.draw(
        st.lists(st.tuples(st.integers(0, 19_999), st.integers(0, 255)), max_size=40)
    ):
        piece[place] = byte
    path.write_bytes(data.draw(st.binary(max_size=200)) + piece)
    for _, seq, entry_hash, body, _ in carve(path).entries:
        assert isinstance(seq, int)
        assert len(entry_hash) in (8, 32)
        assert isinstance(body, bytes)


def test_the_command_says_what_it_did(town: Town, capsys: pytest.CaptureFixture[str]) -> None:
    folder = town.harmed(_lose_the_header, "told")
    assert "--repair" in refused(CHECK, "--data", folder)
    assert run(CHECK, "--repair", "--data", folder) == 0
    said = capsys.readouterr().out
    assert f"Repaired: {len(town.entries)} entries hold; the damaged file is kept in" in said
    assert "the next start makes a new key" in said
