"""The door of stores: a hub's file that came in a backup, or that the disk has changed.

One cell of one row holds something else, often nearly what it held, or some bytes of the file are
turned; then all of it is proven, as `fieldlog restore` does with whatever file it is given. Holds
no archives. Invariant: what is proven is a store in which every row follows from its entries.
"""

from __future__ import annotations

import sqlite3
import tempfile
from contextlib import closing
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import msgpack

from core.dispatch import acts
from replica.backup import BackupError, prove_store
from replica.generation import NOWHERE, seal_own
from replica.identity import IdentityError
from tests.build import Entropy, SettableClock, Site, hold
from tests.fuzzing.doors import Door
from tests.fuzzing.mutation import NUMBERS, TEXTS, changed, damaged, spelt

TABLES = (
    "meta", "certificate", "stream", "log_row", "entry", "seal", "job", "note_row", "time_log_row",
    "confirmed", "peer_held", "author", "word", "peer",
)  # fmt: skip


@cache
def _home() -> tuple[tempfile.TemporaryDirectory[str], Path, bytes]:
    """The folder of the hub whose store it is, and the store's bytes, sealed as in a backup."""
    room = tempfile.TemporaryDirectory()
    site = Site(Path(room.name), "stores")
    hub = site.hub()
    ana = site.worker(hub, "Ana")
    phone = site.phone(hub, ana)
    job, _ = site.job(hub, "Boiler", ana)
    hold(phone, hub)
    phone.write(acts.add_note(job, "a note"))
    hold(phone, hub)
    with hub.store.transaction():
        seal_own(hub.store, hub.identity.key)
        hub.store.put("mark", NOWHERE)
    hub.store.db.execute("PRAGMA journal_mode = DELETE")
    data = hub.store.path.read_bytes()
    site.close()
    return room, hub.store.path.parent, data


@cache
def stores() -> tuple[bytes, ...]:
    return (_home()[2],)


def enter_store(data: bytes) -> None:
    _, folder, _ = _home()
    with tempfile.TemporaryDirectory(dir=folder.parent) as room:
        (Path(room) / "store.sqlite").write_bytes(data)
        prove_store(Path(room), folder, SettableClock(), Entropy("proof"))


def mutant_of_store(chance: Random) -> bytes:
    """The store with a cell changed, one time in five with bytes of its file turned."""
    data = stores()[0]
    if chance.random() < 0.2:
        at = chance.randrange(100, len(data))
        return data[:at] + chance.randbytes(2) + data[at + 2 :]
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as db:
        db.deserialize(data)
        table = chance.choice(TABLES)
        names = [row[1] for row in db.execute(f"PRAGMA table_info({table})")]
        rows = db.execute(f"SELECT {', '.join(names)} FROM {table}").fetchall()
        if rows:
            row, at = chance.choice(rows), chance.randrange(len(names))
            same = " AND ".join(f"{name} IS ?" for name in names)
            words = f"UPDATE OR IGNORE {table} SET {names[at]} = ? WHERE {same}"
            try:
                db.execute(words, (_other(row[at], chance), *row))
            except sqlite3.IntegrityError:
                # The schema itself keeps such a value out.
                return data
        return bytes(db.serialize())


def _other(held: Any, chance: Random) -> Any:
    if chance.random() < 0.15:
        return chance.choice([None, 0, -1, "x", b"", b"\xff", 2**62, 1.5])
    if isinstance(held, int):
        return chance.choice([number for number in NUMBERS if -(2**63) <= number < 2**63])
    if isinstance(held, str):
        return chance.choice([text for text in TEXTS if text.isprintable()])
    if not isinstance(held, bytes) or chance.random() < 0.4:
        return damaged(held or b"", chance)
    try:
        return spelt(changed(msgpack.unpackb(held, strict_map_key=False), chance), chance)
    except (ValueError, TypeError):
        return damaged(held, chance)


STORE_DOORS: tuple[Door, ...] = (
    Door(
        "store", stores, enter_store, (BackupError, IdentityError), make=mutant_of_store, weight=1
    ),
)
