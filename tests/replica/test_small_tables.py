"""A store of schema 3 is carried over to the small tables: nothing is lost, and it is at work."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from core.dispatch import acts, day_acts
from core.dispatch.fields import LogKind, Phase
from replica import logs
from replica.checking import check_store, dump_projections
from replica.replica import Replica
from replica.store import APPLICATION_ID, Store, schema_files
from replica.witnesses import witness_changes
from tests.build import Site, agree, clock_of, hold

# Tables of the log that schema 4 left as they were.
_SAME = (
    "meta", "stream", "seal", "staged", "certificate", "peer", "dropped", "revoked",
    "refused", "witness", "witnessed",
)  # fmt: skip


def at_work(site: Site) -> tuple[Replica, Replica]:
    """A hub and a phone that worked: a long log, a fork, reach, time logs, a witness."""
    hub = site.hub()
    worker = site.worker(hub, "Aino")
    phone = site.phone(hub, worker)
    job, (turn,) = site.job(hub, "Boiler", worker)
    hold(phone, hub)
    for number in range(40):
        clock_of(phone).pass_ms(1_000)
        phone.write(acts.add_note(job, f"note {number}"))
    clone = site.clone(phone)
    phone.write(acts.set_phase(job, worker, turn, Phase.ON_SITE))
    clone.write(acts.add_note(job, "from the clone"))
    day = "2026-03-02"
    phone.write(day_acts.start_log(worker, day, job, b"log-aaaa", LogKind.ON_SITE))
    hold(phone, hub)
    hold(clone, hub)
    witness_changes(hub)
    phone.write(acts.add_note(job, "not sent yet"))
    return hub, phone


def of_schema_3(store: Store, path: Path) -> None:
    """Write what a store holds into a file as schema 3 kept it, but for the rows of projections."""
    old = sqlite3.connect(path, isolation_level=None)
    for _, _, text in schema_files()[:3]:
        old.executescript(text)
    old.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    old.execute("PRAGMA user_version = 3")
    for table in _SAME:
        for row in store.db.execute(f"SELECT * FROM {table}"):
            old.execute(f"INSERT INTO {table} VALUES ({', '.join('?' * len(row))})", row)
    # Stores of that time did not note who had made their rows.
    old.execute("DELETE FROM meta WHERE name = 'reading'")
    for (stream,) in store.db.execute("SELECT DISTINCT stream FROM log").fetchall():
        for log in logs.log_rows(store.db, stream):
            row = log._replace(kept_base=log.base_hash)[:10]
            old.execute("INSERT INTO log VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", row)
            for seq, (entry_hash, body) in enumerate(
                logs.entries_after(store.db, log, log.base), log.base + 1
            ):
                row = (log.log, seq, entry_hash, body, 1_772_434_980_000 + seq)
                old.execute("INSERT INTO entry VALUES (?, ?, ?, ?, ?)", row)
    for row in store.db.execute("SELECT stream, peer, author, branch, height FROM reach"):
        old.execute("INSERT INTO reach VALUES (?, ?, ?, ?, ?)", row)
    for row in store.db.execute("SELECT peer, stream FROM peer_stream"):
        old.execute("INSERT INTO peer_stream VALUES (?, ?)", row)
    old.execute("INSERT INTO history VALUES ('00', 1, 0, '', '', '', '', 'note', '', 'old', 0)")
    old.close()


def told(db: sqlite3.Connection) -> list[list[tuple[object, ...]]]:
    """What the log's tables say, in an order that the rows decide."""
    questions = [f"SELECT * FROM {table}" for table in _SAME if table != "meta"]
    questions += [
        "SELECT * FROM log",
        "SELECT log, seq, hash, body FROM entry",
        "SELECT * FROM reach",
    ]
    return [
        sorted(db.execute(each), key=repr) for each in [*questions, "SELECT * FROM peer_stream"]
    ]


@pytest.mark.parametrize("of_phone", [False, True])
def test_a_store_of_schema_3_comes_over_whole(site: Site, of_phone: bool) -> None:
    hub, phone = at_work(site)
    replica, other = (phone, hub) if of_phone else (hub, phone)
    path = replica.store.path
    kept, rows = told(replica.store.db), dump_projections(replica.store.db)
    hashes = logs.held_hashes(replica.store.db)
    old = path.with_name("old.sqlite")
    of_schema_3(replica.store, old)
    replica.store.db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    replica.close()
    old.replace(path)
    upgraded = site.reopen(replica)
    assert told(upgraded.store.db) == kept
    assert logs.held_hashes(upgraded.store.db) == hashes
    assert dump_projections(upgraded.store.db) == rows
    assert check_store(upgraded) == []
    assert hold(upgraded, other).live
    assert agree(upgraded, other)


def test_rows_are_made_anew_at_the_next_start_if_the_first_ended_before(site: Site) -> None:
    hub, _ = at_work(site)
    rows = dump_projections(hub.store.db)
    path, old = hub.store.path, hub.store.path.with_name("old.sqlite")
    of_schema_3(hub.store, old)
    hub.store.db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    hub.close()
    old.replace(path)
    # The power goes between the upgrade of the tables and the making of the rows.
    Store(path).close()
    upgraded = site.reopen(hub)
    assert dump_projections(upgraded.store.db) == rows
