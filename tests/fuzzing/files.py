"""The doors of files: a backup, and what a replica reads of its own folder at every start.

Such a file may be damaged, or made by somebody who wants a folder of his opened. Each is written
where the product looks for it and read by what reads it there. Holds no stores but one for marks.
Invariant: every door leaves its folder as it found it.
"""

from __future__ import annotations

import gzip
import io
import tarfile
import tempfile
from functools import cache
from hashlib import blake2b
from pathlib import Path
from random import Random
from typing import Any

import msgpack
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from core.log.canonical import pack
from hub import site_key
from hub.site_key import open_site_key
from replica.backup import BackupError, Manifest
from replica.generation import is_at_home
from replica.identity import IDENTITY_FILE, SITE_KEY_FILE, IdentityError, load_certificates
from replica.joining import HUB_FILE, HubAddress, load_hub_address
from replica.restoring import read_manifest, unpack_backup
from replica.store import Store
from tests.core.log.authors import AT_MS, author_of, key_of
from tests.core.log.test_certificates import EXAMPLE, NORTH, SITE
from tests.fuzzing.doors import Door, Fault, close_json, open_json, same
from tests.fuzzing.mutation import damaged, spelt

CODE = "0123-4567-89AB-CDEF-0123-4567-89AB-CDEF"
COST_N_MAX = 2**12
"""A mutant that asks for more than so many rounds of scrypt is let be: each takes a second."""


@cache
def _room() -> tempfile.TemporaryDirectory[str]:
    # It goes when the process ends.
    return tempfile.TemporaryDirectory()


def folder() -> Path:
    """The folder in which the files are laid."""
    return Path(_room().name)


# --- backups


@cache
def manifests() -> tuple[bytes, ...]:
    files = {"store.sqlite": (5, blake2b(b"store", digest_size=32).digest())}
    hub = {**files, "identity": (2, blake2b(b"id", digest_size=32).digest())}
    return tuple(
        Manifest(AT_MS, role, SITE, author_of("ana"), 3, 2, each).to_bytes()
        for role, each in (("phone", files), ("hub", hub))
    )


def enter_manifest(data: bytes) -> None:
    manifest = read_manifest(data)
    if read_manifest(manifest.to_bytes()) != manifest:
        raise Fault("a manifest is read otherwise than it is written")


@cache
def archives() -> tuple[bytes, ...]:
    first, second = manifests()
    members = [["manifest.json", first, "0"], ["store.sqlite", b"store", "0"]]
    hub = [["manifest.json", second, "0"], *members[1:], ["identity", b"id", "0"]]
    return _archive(members), _archive(hub)


def _archive(members: Any, format: int = tarfile.PAX_FORMAT, pax: Any = None) -> bytes:
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w", format=format) as tar:
        for name, data, kind in members:
            member = tarfile.TarInfo(name)
            member.size, member.type = len(data), kind.encode()
            member.pax_headers = pax or {}
            tar.addfile(member, io.BytesIO(data))
    return gzip.compress(plain.getvalue(), 1, mtime=0)


def open_archive(data: bytes) -> Any:
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        return [[m.name, _content(tar, m), "0"] for m in tar.getmembers()]


def _content(tar: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    content = tar.extractfile(member)
    assert content is not None
    return content.read()


def close_archive(value: Any, chance: Random) -> bytes:
    """A tar of these members, also of odd kinds and with its headers damaged, compressed anew."""
    pax = None
    if chance.random() < 0.3:
        name = chance.choice(["size", "path", "GNU.sparse.major", "comment", "mtime"])
        pax = {name: chance.choice(["-1", "x", "1e9", "99999999999", "é"])}
    kinds = chance.choice(["0", "0", "1", "2", "5", "x", "g", "L", "S", "7"])
    form = chance.choice((tarfile.PAX_FORMAT, tarfile.GNU_FORMAT, tarfile.USTAR_FORMAT))
    try:
        rows = [[str(name), data, kinds if chance.random() < 0.1 else kind]
                for name, data, kind in value]  # fmt: skip
        made = _archive(rows, form, pax)
    except (TypeError, ValueError, AttributeError):
        made = archives()[0]
    if chance.random() < 0.5:
        return damaged(made, chance)
    plain = gzip.decompress(made)
    head = damaged(plain[:1_536], chance)
    return gzip.compress(head[:1_536] + plain[1_536:], 1, mtime=0)


def enter_archive(data: bytes) -> None:
    path = folder() / "backup.tar.gz"
    path.write_bytes(data)
    with tempfile.TemporaryDirectory(dir=folder()) as room:
        try:
            manifest = unpack_backup(path, Path(room))
        finally:
            if len(list(folder().iterdir())) > 3:
                raise Fault("something was written outside the folder")
        if {each.name for each in Path(room).iterdir()} != set(manifest.files):
            raise Fault("other files were unpacked than the manifest names")


# --- what lies in a replica's folder


@cache
def identities() -> tuple[bytes, ...]:
    return (pack([SITE, EXAMPLE.to_bytes(), NORTH.to_bytes()]),)


def enter_identity(data: bytes) -> None:
    (folder() / IDENTITY_FILE).write_bytes(data)
    try:
        found = load_certificates(folder())
    finally:
        (folder() / IDENTITY_FILE).unlink()
    assert found is not None
    same(data, pack([found[0].site, *(each.to_bytes() for each in found)]))


@cache
def hub_addresses() -> tuple[bytes, ...]:
    return (pack([b"f" * 32, "10.0.0.5:8443", "hub.example:1"]),)


def enter_hub_address(data: bytes) -> None:
    (folder() / HUB_FILE).write_bytes(data)
    try:
        found = load_hub_address(folder())
    finally:
        (folder() / HUB_FILE).unlink()
    assert isinstance(found, HubAddress)
    if len(found.fingerprint) != 32 or not all(isinstance(each, str) for each in found.addresses):
        raise Fault("an address was read that nothing can be dialled by")


@cache
def site_keys() -> tuple[bytes, ...]:
    """A locked key of little cost, open under a code; and one as it was founded."""
    seed = key_of("site").private_bytes_raw()
    return _locked([SITE, [2, 8, 1], b"s" * 16, seed, seed]), seed


def _locked(value: list[Any]) -> bytes:
    site, cost, salt, first, second = value
    keys = (bytes(32), site_key._key_of_code(CODE))
    boxes = [
        ChaCha20Poly1305(key).encrypt(bytes(12), seed, site)
        for key, seed in zip(keys, (first, second), strict=True)
        if key is not None
    ]
    return site_key.MAGIC + pack([site, cost, salt, *boxes])


def open_site_key_file(data: bytes) -> Any:
    """The fields of a locked key, with what the boxes hold in place of the boxes."""
    seed = key_of("site").private_bytes_raw()
    return [SITE, [2, 8, 1], b"s" * 16, seed, seed]


def close_site_key_file(value: Any, chance: Random) -> bytes:
    try:
        if chance.random() < 0.7:
            return _locked(value)
    except (TypeError, ValueError, OverflowError, AttributeError, LookupError):
        pass
    except Exception as error:
        if type(error).__module__.startswith("core."):
            return site_key.MAGIC + spelt(value, chance)
        raise
    return site_key.MAGIC + spelt(value, chance)


def enter_site_key(data: bytes) -> None:
    if _cost_of(data) > COST_N_MAX:
        return
    (folder() / SITE_KEY_FILE).write_bytes(data)
    try:
        for secret in (CODE, "words that are no secret"):
            open_site_key(folder(), secret)
    finally:
        (folder() / SITE_KEY_FILE).unlink()


def _cost_of(data: bytes) -> int:
    try:
        _, (n, *_), *_ = msgpack.unpackb(data[len(site_key.MAGIC) :], strict_map_key=False)
    except (ValueError, TypeError):
        return 0
    return n if isinstance(n, int) else 0


@cache
def _store() -> Store:
    store = Store(folder() / "marks.sqlite")
    store.db.execute("PRAGMA journal_mode = DELETE")
    store.db.execute("PRAGMA synchronous = OFF")
    with store.transaction():
        store.put("mark", [b"t" * 8, 1, 2])
    return store


@cache
def marks() -> tuple[bytes, ...]:
    return pack([b"t" * 8, 123, 456]), pack([b"", 0, 0])


def enter_mark(data: bytes) -> None:
    store = _store()
    store.db.execute("UPDATE meta SET value = ? WHERE name = 'mark'", (data,))
    # A store without a mark, which nil is too, never had one.
    if is_at_home(store) and data != b"\xc0":
        raise Fault("a store is at home by a mark that nobody laid")


FILE_DOORS: tuple[Door, ...] = (
    Door("manifest", manifests, enter_manifest, (BackupError,), open_json, close_json, 40),
    Door("backup", archives, enter_archive, (BackupError,), open_archive, close_archive, 6),
    Door("identity", identities, enter_identity, (IdentityError,), msgpack.unpackb, weight=20),
    Door("hub-address", hub_addresses, enter_hub_address, (IdentityError,), msgpack.unpackb),
    Door(
        "site-key",
        site_keys,
        enter_site_key,
        (IdentityError,),
        open_site_key_file,
        close_site_key_file,
        10,
    ),
    Door("mark", marks, enter_mark, (), msgpack.unpackb, weight=20),
)
