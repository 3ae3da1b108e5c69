"""Repair: a damaged store is made anew from what its own hashes prove, and heals from its peers.

All that can be read is salvaged, chains are walked and flipped bits set right, and a new file is
made of what holds, under a new generation, so that peers send what was lost. Where the own log was
touched, the key goes too at the next start. The damaged file is kept. Invariant: the store is the
old one or the new one, whole, and no good entry of the old one is missing in the new.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from core.dispatch.acts import SITE_STREAM
from core.dispatch.fields import Role
from core.log.canonical import unpack
from core.log.certificate import Certificate, check_certificate, read_certificate
from core.log.chain import HASH_BYTES, chain_next, seal_leaf
from core.log.errors import LogError
from core.log.seal import Seal, make_seal
from replica import logs
from replica.checking import replica_to_check
from replica.clock import Clock
from replica.file_going import note_left
from replica.file_store import FILES_FILE, MADE
from replica.generation import MARK_PREFIX, NOWHERE, settle
from replica.identity import KEY_FILE, fsync_folder, load_certificates, load_key, public_bytes
from replica.mending import Chain, chains_of, seals_by_leaf
from replica.projection import clear_projections
from replica.replica import Replica, Touched
from replica.salvage import Salvaged, read_damaged
from replica.self_check import WALK
from replica.set_aside import SetAside, keep_set_aside, set_aside_in
from replica.store import SET_ASIDE, STORE_FILE, Store, StoreError, newest_schema
from replica.witnesses import is_signed

# What a new store makes for itself.
_MADE_ANEW = frozenset({"generation", "mark", "witnessed", SET_ASIDE, WALK})

# What it counts on from, where that is still a number.
_NUMBERS = frozenset({"position", "mine"})


@dataclass(slots=True)
class Repaired:
    """What a repair did, in numbers; `damaged` is where the old file lies now."""

    damaged: Path
    entries: int = 0
    mended: int = 0
    lost: int = 0
    set_aside: int = 0
    unsealed: int = 0
    own_touched: bool = False
    hurt: set[bytes] = field(default_factory=set)


def repair_store(folder: Path, clock: Clock, entropy: Callable[[int], bytes]) -> Repaired:
    """Make the store in `folder` anew, which nobody may be at work on.

    Raises:
        StoreError: it is of a newer version, holds no entry, or nothing says of which site it is;
            or the disk refused.
        IdentityError: the key or the certificates beside it are broken.
        OSError: the disk refused. On any of these the store stays as it was.
    """
    path = folder / STORE_FILE
    certificates = load_certificates(folder)
    key = load_key(folder / KEY_FILE) if (folder / KEY_FILE).exists() else None
    _refuse_newer(path)
    found = read_damaged(path)
    site = certificates[0].site if certificates else _site_in(found)
    if site is None:
        raise StoreError(f"nothing in {folder} says which site it belonged to; restore a backup")
    if not found.rows:
        raise StoreError(f"no entry can be found in {path}, so it stays as it is; restore a backup")
    room = folder / ".repaired"
    shutil.rmtree(room, ignore_errors=True)
    room.mkdir(mode=0o700)
    try:
        moment = datetime.fromtimestamp(clock.now_ms() / 1000, UTC)
        done = Repaired(free_name(folder, f"damaged-{moment:%Y%m%dT%H%M%SZ}"))
        new = _make_anew(room, folder, site, found, key, done, clock, entropy)
        _exchange(folder, new, done.damaged)
    finally:
        shutil.rmtree(room, ignore_errors=True)
    if not done.own_touched:
        store = Store(path)
        try:
            settle(store, entropy)
        finally:
            store.close()
    return done


def _refuse_newer(path: Path) -> None:
    """A store of a newer version has tables that this one would leave behind."""
    with path.open("rb") as file:
        version = int.from_bytes(file.read(64)[60:64], "big")
    newest = newest_schema()
    # A number beyond all versions to come is a flipped bit.
    if newest < version < newest + 1_000:
        raise StoreError(
            f"{path} was written by a newer version (schema {version}, this one knows {newest}); "
            "repair it with that version or newer"
        )


def _site_in(found: Salvaged) -> bytes | None:
    with contextlib.suppress(LogError, KeyError):
        site = unpack(found.meta["site"])
        return site if isinstance(site, bytes) and len(site) == 32 else None
    return None


def free_name(folder: Path, name: str) -> Path:
    """A path in a folder that nothing has yet: the name, with a number where it is taken."""
    path, number = folder / name, 1
    while path.exists():
        number += 1
        path = folder / f"{name}-{number}"
    return path


def _exchange(folder: Path, new: Path, damaged: Path) -> None:
    """Keep the damaged file and put the new one in its place.

    The mark goes first: should the power go before all is done, the next start begins anew, since
    nobody knows what state the own log is in. The old file is copied, not linked, which phones
    forbid.
    """
    old = folder / STORE_FILE
    damaged.mkdir(mode=0o700)
    for suffix in ("", "-wal"):
        part = old.with_name(old.name + suffix)
        if part.exists():
            shutil.copyfile(part, damaged / part.name)
    for mark in folder.glob(f"{MARK_PREFIX}*"):
        mark.unlink(missing_ok=True)
    fsync_folder(folder)
    for suffix in ("-wal", "-shm"):
        old.with_name(old.name + suffix).unlink(missing_ok=True)
    new.replace(old)
    fsync_folder(folder)


# --- the new file


def _make_anew(
    room: Path,
    folder: Path,
    site: bytes,
    found: Salvaged,
    key: Ed25519PrivateKey | None,
    done: Repaired,
    clock: Clock,
    entropy: Callable[[int], bytes],
) -> Path:
    path = room / STORE_FILE
    store = Store(path)
    aside = _carry_over(store, site, found, entropy)
    if (folder / FILES_FILE).exists():
        # What is noted of files that may go has to be kept, also where their own note was lost.
        with store.transaction():
            store.put(MADE, True)
    store.close()
    replica = replica_to_check(path, load_certificates(folder), clock, entropy)
    try:
        with replica.store.transaction():
            known = _take_certificates(replica, found.certificates)
            authors = {certificate.author for certificate in known} | {replica.author}
            chains = chains_of(site, found, authors)
            own = {replica.author} if key is None else {replica.author, public_bytes(key)}
            chains = _store_chains(replica, chains, done)
            seals = seals_by_leaf(site, found.seals, chains)
            _seal(replica, seals, own, done)
            aside = [run for run in aside if not replica.erased.covers(run.stream)]
            runs = _runs_of(replica, chains, key, seals, aside)
            keep_set_aside(replica.store, runs)
            _count(chains, runs, own, done)
            _keep_small_tables(replica, found)
            # Of what is gone nobody knows the end, so the own key may have written more.
            done.own_touched |= not found.whole or _lacks_own(replica)
            if done.own_touched:
                replica.store.put("mark", NOWHERE)
        replica.store.db.execute("PRAGMA journal_mode = DELETE")
    finally:
        replica.close()
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    return path


def _carry_over(
    store: Store, site: bytes, found: Salvaged, entropy: Callable[[int], bytes]
) -> list[SetAside]:
    """The store's own named values, as far as they can be read; what it had set aside before."""
    values = {}
    for name, data in found.meta.items():
        with contextlib.suppress(LogError):
            values[name] = unpack(data)
    with store.transaction():
        store.put("position", 0)
        store.put("mine", 0)
        for name, value in values.items():
            is_sound = name not in _NUMBERS or type(value) is int
            if name not in _MADE_ANEW and is_sound:
                store.put(name, value)
        store.put("site", site)
        store.put("generation", entropy(8))
        if SET_ASIDE in values:
            store.put(SET_ASIDE, values[SET_ASIDE])
    with contextlib.suppress(ValueError, TypeError):
        return set_aside_in(store)
    return []


def _take_certificates(replica: Replica, kept: list[bytes]) -> list[Certificate]:
    """Take up the certificates that hold; those in the site stream come with its entries."""
    read: list[Certificate] = []
    for data in kept:
        with contextlib.suppress(LogError):
            read.append(read_certificate(data))
    hubs = [each for each in read if each.role == Role.HUB]
    taken = []
    for certificate in sorted(read, key=lambda each: -each.role):
        with contextlib.suppress(LogError):
            check_certificate(certificate, replica.site, hubs)
            replica.adopt_certificate(certificate)
            taken.append(certificate)
    return taken


def _store_chains(replica: Replica, chains: list[Chain], done: Repaired) -> list[Chain]:
    """Store what holds, and give back the chains but for those that the site has erased.

    Old bytes may have brought some of these back.
    """
    site = [chain for chain in chains if chain.stream == SITE_STREAM]
    _store_part(replica, site, done)
    others = [
        chain
        for chain in chains
        if chain.stream != SITE_STREAM and not replica.erased.covers(chain.stream)
    ]
    _store_part(replica, others, done)
    return [*site, *others]


def _store_part(replica: Replica, chains: list[Chain], done: Repaired) -> None:
    db, position = replica.store.db, replica.position() + 1
    for chain in chains:
        for stored, arrived in chain.entries:
            if logs.append_chain(db, replica.site, chain.stream, [stored], arrived, position):
                done.entries += 1
    replica.finish(Touched({chain.stream for chain in chains if chain.entries}))


def _seal(replica: Replica, seals: dict[bytes, Seal], own: set[bytes], done: Repaired) -> None:
    db = replica.store.db
    for (stream,) in db.execute("SELECT stream FROM stream").fetchall():
        rows = logs.log_rows(db, stream)
        trunks = {row.base_hash for row in rows if row.branch}
        for row in rows:
            seal = seals.get(seal_leaf(stream, row.height, row.head))
            if seal is not None:
                logs.cover(db, row, logs.keep_seal(db, seal))
            elif row.author not in own and row.head not in trunks:
                done.unsealed += 1


def _runs_of(
    replica: Replica,
    chains: list[Chain],
    key: Ed25519PrivateKey | None,
    seals: dict[bytes, Seal],
    before: Iterable[SetAside],
) -> list[SetAside]:
    """What lies beyond the damage, in runs without a hole, the own ones sealed if a key is here."""
    runs = list(before)
    number = replica.store.get("mine", 0)
    for chain in chains:
        for entries in _without_holes(chain.loose):
            seq, own, _ = entries[-1]
            leaf = seal_leaf(chain.stream, seq, own)
            seal = seals.get(leaf)
            # Without the whole hash nobody can seal it before it joins.
            if key is not None and chain.author == public_bytes(key) and len(own) == HASH_BYTES:
                seal = make_seal(replica.site, chain.author, key, number, (leaf,))
            run = SetAside(chain.stream, chain.author, tuple(entries), seal)
            if run not in runs:
                runs.append(run)
    return runs


def _without_holes(
    loose: list[tuple[int, bytes, bytes]],
) -> Iterable[list[tuple[int, bytes, bytes]]]:
    run = loose[:1]
    for (before, own, _), entry in pairwise(loose):
        broken = len(own) == HASH_BYTES and not chain_next(own, entry[2]).startswith(entry[1])
        if entry[0] != before + 1 or broken:
            yield run
            run = []
        run.append(entry)
    if run:
        yield run


def _count(chains: list[Chain], runs: list[SetAside], own: set[bytes], done: Repaired) -> None:
    done.mended = sum(chain.mended for chain in chains)
    done.lost = sum(len(chain.lost) for chain in chains)
    done.set_aside = sum(len(run.entries) for run in runs)
    for chain in chains:
        if chain.lost or chain.loose:
            done.hurt.add(chain.stream)
            done.own_touched |= chain.author in own


def _lacks_own(replica: Replica) -> bool:
    """Whether fewer own entries are held than were made; the number is kept with each."""
    (held,) = replica.store.db.execute(
        "SELECT count(*) FROM entry JOIN log USING (log) WHERE author = ?", (replica.author,)
    ).fetchone()
    made = replica.store.get("mine", 0)
    with replica.store.transaction():
        replica.store.put("mine", max(held, made))
    return bool(held < made)


def _keep_small_tables(replica: Replica, found: Salvaged) -> None:
    """What is no log: streams that left, files that go, whom it met, what it refused and so on."""
    db = replica.store.db
    held = {row[0] for row in db.execute("SELECT stream FROM stream")}
    left = {stream: at for stream, at in found.left_at.items() if stream in held}
    db.executemany(
        "UPDATE stream SET left_at = ? WHERE stream = ?", [(at, each) for each, at in left.items()]
    )
    note_left(replica, sorted(left))
    # After it: what has to reach a hub first is not deleted for another job's sake.
    db.executemany(
        "INSERT OR IGNORE INTO file_going VALUES (?, ?)",
        [row for row in found.file_going if row[1] in (0, 1)],
    )
    clear_projections(db, left)
    sound = [row for row in found.witnesses if is_signed(replica.site, *row[1:])]
    db.executemany("INSERT OR IGNORE INTO witness VALUES (?, ?, ?, ?, ?)", sound)
    numbers = {row[0] for row in sound}
    db.executemany(
        "INSERT OR IGNORE INTO witnessed VALUES (?, ?, ?)",
        [row for row in found.witnessed if row[1] in numbers],
    )
    db.executemany("INSERT OR IGNORE INTO peer VALUES (?, x'', 0, ?)", found.peers)
    db.executemany(
        "INSERT INTO refused VALUES (NULL, ?, ?, ?, ?)",
        [(at, peer, stream, words.decode("utf-8", "replace"))
         for at, peer, stream, words in found.refused],
    )  # fmt: skip
    db.executemany(
        "INSERT OR IGNORE INTO staged VALUES (?, ?, ?, ?, ?, ?)",
        [row for row in found.staged if chain_next(row[3], row[5]) == row[4]],
    )
    db.executemany(
        "INSERT OR IGNORE INTO only_here VALUES (?, ?, ?, ?, ?, ?)",
        [tuple(part.decode("utf-8", "replace") if isinstance(part, bytes) else part
               for part in row)
         for row in found.only_here],
    )  # fmt: skip
    replica.purge_erased()
