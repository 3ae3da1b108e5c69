"""What earlier versions of the program wrote is read by this one, and means what it meant."""

from __future__ import annotations

import sqlite3
import zlib
from collections.abc import Iterator
from hashlib import blake2b
from pathlib import Path
from typing import Any

import pytest

from core.dispatch.reading import RULES, Reading
from core.log import messages
from core.log.canonical import pack
from core.log.certificate import check_certificate, read_certificate
from core.log.chain import chain_next, chain_start, seal_leaf
from core.log.errors import Malformed
from core.log.seal import Seal, check_seal
from replica import logs
from replica.checking import check_store, dump_projections
from replica.store import STORE_FILE, Store
from tests.build import SettableClock, Site, agree, hold, streams_of
from tests.versions.fixtures import (
    NEXT_MORNING_MS,
    SIDES,
    VERSIONS,
    kept,
    opened,
    site_of_today,
    unpack_folder,
)
from tests.versions.make import shown

LATER = Reading(formats=frozenset({1, 2}))

# The hash of all that is made of the stores of earlier versions, by the number of the rules. Where
# it differs the same entries make other states or rows than before: then raise
# `core.dispatch.reading.RULES`, so that every store is read anew, and add a line.
HASH_BY_RULES = {
    1: "5596af3a77375504",
    2: "5245da8582bbf796",
    3: "2b3f611e2551cb0b",
    4: "2af79abe077e576e",
    5: "899845e4e8d10924",
    6: "899845e4e8d10924",
    7: "7df79640cb99b9b6",
    8: "7a798e1736ed32bf",
    9: "7a798e1736ed32bf",
    10: "25294c87758c9738",
}

# Repair named all heads in one message, before the digest tree; no version reads that any more.
HEADS = 7

# What a packed frame begins with.
PACKED = 0xC1


@pytest.fixture
def today(tmp_path: Path) -> Iterator[Site]:
    site = site_of_today(tmp_path / "today")
    yield site
    site.close()


def schema_of(db: sqlite3.Connection) -> list[tuple[str, str, str]]:
    return sorted(db.execute("SELECT type, name, coalesce(sql, '') FROM sqlite_master"))


def entries_of(db: sqlite3.Connection) -> set[tuple[str, str, int, str, str]]:
    return {
        (stream.hex(), each.author.hex(), each.seq, each.hash.hex(), each.body.hex())
        for (stream,) in db.execute("SELECT stream FROM stream")
        for each in logs.stored_entries(db, stream)
    }


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("version", VERSIONS)
def test_a_store_of_an_earlier_version_means_what_it_meant(
    version: str, side: str, tmp_path: Path
) -> None:
    replica = opened(unpack_folder(version, side, tmp_path / side))
    assert shown(replica) == kept(version, "states")[side]
    assert check_store(replica) == []
    if side == "hub":
        assert entries_of(replica.store.db) == {tuple(e) for e in kept(version, "bytes")["entries"]}
    replica.close()


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("version", VERSIONS)
def test_what_an_earlier_version_could_not_read_takes_effect_once_a_program_can(
    version: str, side: str, tmp_path: Path
) -> None:
    folder = unpack_folder(version, side, tmp_path / side)
    expected = kept(version, "states")[f"{side} of a later program"]
    replica = opened(folder, LATER)
    assert shown(replica) == expected
    replica.close()
    # By way of the present program, which can't read it either.
    opened(folder).close()
    replica = opened(folder, LATER)
    assert shown(replica) == expected
    assert check_store(replica) == []
    replica.close()


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("version", VERSIONS)
def test_an_upgraded_store_has_the_schema_of_a_fresh_one(
    version: str, side: str, tmp_path: Path
) -> None:
    upgraded = Store(unpack_folder(version, side, tmp_path / side) / STORE_FILE)
    fresh = Store(tmp_path / "fresh.sqlite")
    assert schema_of(upgraded.db) == schema_of(fresh.db)
    for store in (upgraded, fresh):
        store.close()


@pytest.mark.parametrize("of_phone", VERSIONS)
@pytest.mark.parametrize("of_hub", VERSIONS)
def test_phones_and_hubs_that_were_upgraded_from_any_versions_sync_with_those_of_today(
    of_hub: str, of_phone: str, tmp_path: Path, today: Site
) -> None:
    hub = opened(unpack_folder(of_hub, "hub", tmp_path / "hub"))
    phone = opened(unpack_folder(of_phone, "phone", tmp_path / "phone"))
    second = today.hub("B", SettableClock(NEXT_MORNING_MS))
    today.opened += [hub, phone]
    assert hold(second, hub).live
    assert hold(phone, second).live
    assert hold(phone, hub).live
    assert hold(second, hub).live
    assert agree(hub, second)
    assert agree(hub, phone)
    assert streams_of(hub) == streams_of(second)
    for replica in (hub, second):
        notes = {row[0] for row in replica.store.db.execute("SELECT text FROM note")}
        assert "not sent yet" in notes
    for replica in (hub, phone, second):
        assert check_store(replica) == []


@pytest.mark.parametrize("version", VERSIONS)
def test_chains_seals_and_certificates_of_earlier_versions_hold(version: str) -> None:
    told = kept(version, "bytes")
    site = bytes.fromhex(told["site"])
    leaves = set()
    ends: dict[tuple[str, str, int], set[bytes]] = {}
    for stream, author, seq, entry_hash, body in told["entries"]:
        start = chain_start(site, bytes.fromhex(stream), bytes.fromhex(author))
        before = {start} if seq == 1 else ends[(stream, author, seq - 1)]
        assert bytes.fromhex(entry_hash) in {chain_next(b, bytes.fromhex(body)) for b in before}
        ends.setdefault((stream, author, seq), set()).add(bytes.fromhex(entry_hash))
        leaves.add(seal_leaf(bytes.fromhex(stream), seq, bytes.fromhex(entry_hash)))
    assert told["seals"]
    for author, number, signed, signature in told["seals"]:
        data = bytes.fromhex(signed)
        own = tuple(data[at : at + 32] for at in range(0, len(data), 32))
        check_seal(site, Seal(bytes.fromhex(author), number, own, bytes.fromhex(signature)))
        assert leaves & set(own)
    certificates = [read_certificate(bytes.fromhex(data)) for data in told["certificates"]]
    hubs = [each for each in certificates if each.issuer == site]
    assert len(certificates) > len(hubs) > 0
    for certificate in certificates:
        check_certificate(certificate, site, hubs)


def _plain(frame: bytes) -> bytes:
    """A frame as it was before it was packed, as docs/formats/wire.md has it since v2."""
    return zlib.decompress(frame[1:], -zlib.MAX_WBITS) if frame[0] == PACKED else frame


@pytest.mark.parametrize("session", ["first", "repair"])
@pytest.mark.parametrize("version", VERSIONS)
def test_frames_of_earlier_versions_are_read(version: str, session: str) -> None:
    seen: set[str] = set()
    for side in kept(version, "bytes")["frames"][session]:
        for frame in map(bytes.fromhex, side):
            plain = _plain(frame)
            if version == "v1" and plain[1] == HEADS:
                with pytest.raises(Malformed, match="message 7 has other fields"):
                    messages.read(plain)
                continue
            message = messages.read(plain)
            assert messages.write(message) == plain
            seen.add(type(message).__name__)
    assert {"Hello", "Proof", "State", "Runs", "Ack"} <= seen


def test_the_same_entries_make_the_same_rows_until_the_rules_have_another_number(
    tmp_path: Path,
) -> None:
    found: list[Any] = []
    for version in VERSIONS:
        for side in SIDES:
            replica = opened(unpack_folder(version, side, tmp_path / version / side))
            rows = sorted(dump_projections(replica.store.db).items())
            found.append([repr(shown(replica)), repr(rows)])
            replica.close()
    made = blake2b(pack(found), digest_size=8).hexdigest()
    assert HASH_BY_RULES.get(RULES) == made, "raise RULES, and add its line to HASH_BY_RULES"
