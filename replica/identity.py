"""Who a replica is: its key, its site, its certificates.

The private key is 32 bytes in a file of its own beside the store, readable by its owner alone.
Holds no sessions. Invariant: a key is on disk before its first signature leaves the process.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from core.log.canonical import pack, unpack
from core.log.certificate import Certificate, read_certificate
from core.log.errors import LogError

KEY_FILE = "replica.key"
SITE_KEY_FILE = "site.key"
IDENTITY_FILE = "identity"


class IdentityError(Exception):
    """The key files are missing or broken; the sentence says what to do."""


def public_bytes(key: Ed25519PrivateKey) -> bytes:
    """The 32 bytes of a private key's public half."""
    return key.public_key().public_bytes_raw()


def write_private(path: Path, data: bytes) -> None:
    """Write a file that only its owner can read, whole or not at all."""
    draft = path.with_suffix(path.suffix + ".new")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
    fsync_folder(path.parent)


def fsync_folder(folder: Path) -> None:
    """Make the names in a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def load_or_make_key(path: Path, entropy: Callable[[int], bytes]) -> Ed25519PrivateKey:
    """The private key in `path`, made from `entropy` where there is none.

    Raises:
        IdentityError: the file is there and is no key.
    """
    if not path.exists():
        write_private(path, entropy(32))
    return load_key(path)


def load_key(path: Path) -> Ed25519PrivateKey:
    """The private key in `path`, which is there.

    Raises:
        IdentityError: the file is no key.
    """
    data = path.read_bytes()
    if len(data) != 32:
        raise IdentityError(f"{path} is no key of 32 bytes; restore it from a backup")
    return Ed25519PrivateKey.from_private_bytes(data)


@dataclass(frozen=True, slots=True)
class Identity:
    """A replica's key at a site, with its own certificate first and its issuers' after it."""

    key: Ed25519PrivateKey
    author: bytes
    site: bytes
    certificates: tuple[Certificate, ...]

    @property
    def own(self) -> Certificate:
        """The replica's own certificate."""
        return self.certificates[0]


def load_identity(folder: Path) -> Identity | None:
    """The identity kept in `folder`, None where the replica has not joined a site yet.

    Raises:
        IdentityError: the files are broken.
    """
    certificates = load_certificates(folder)
    if certificates is None:
        return None
    if not (folder / KEY_FILE).exists():
        raise IdentityError(f"{folder / KEY_FILE} is missing; restore it or enrol again")
    key = load_key(folder / KEY_FILE)
    if certificates[0].author != public_bytes(key):
        path = folder / IDENTITY_FILE
        raise IdentityError(f"{path} does not belong to the key beside it; enrol again")
    return Identity(key, public_bytes(key), certificates[0].site, certificates)


def load_certificates(folder: Path) -> tuple[Certificate, ...] | None:
    """The certificates kept in `folder`, its own first; None where it has joined no site.

    Raises:
        IdentityError: the file is broken.
    """
    path = folder / IDENTITY_FILE
    if not path.exists():
        return None
    try:
        site, *certificates = unpack(path.read_bytes())
        read = tuple(read_certificate(data) for data in certificates)
    except (LogError, ValueError, TypeError) as error:
        raise IdentityError(f"{path} is damaged: {error}; restore it or enrol again") from error
    if not read or read[0].site != site:
        raise IdentityError(f"{path} is damaged: it names no certificate of its site; enrol again")
    return read


def save_identity(folder: Path, site: bytes, certificates: tuple[Certificate, ...]) -> None:
    """Keep that the replica joined `site` with these certificates, its own first."""
    write_private(folder / IDENTITY_FILE, pack([site, *(c.to_bytes() for c in certificates)]))


def forget_certificates(folder: Path) -> None:
    """Let the replica in `folder` be of no site until it joins again; its store stays."""
    (folder / IDENTITY_FILE).unlink(missing_ok=True)
    fsync_folder(folder)
