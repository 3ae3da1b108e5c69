"""Authors who write entries by hand, without a store: keys from names, logs, forks, seals.

What a log writes is real: bytes of the format, chain hashes, signatures. Holds no assertions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from hashlib import blake2b
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from core.log.certificate import Standing
from core.log.chain import chain_next, chain_start, seal_leaf
from core.log.entry import FORMAT, Cursor, Entry, Path, encode
from core.log.seal import Seal, make_seal
from core.log.stream import Stored

SITE = bytes(range(32))
# A job of 2026-03-02 07:00 UTC.
STREAM = bytes.fromhex("0b99541004") + b"boiler1"
AT_MS = 1_772_434_800_000


@cache
def key_of(name: str) -> Ed25519PrivateKey:
    """The private key of whoever is called so."""
    return Ed25519PrivateKey.from_private_bytes(blake2b(name.encode(), digest_size=32).digest())


@cache
def author_of(name: str) -> bytes:
    """The public key of whoever is called so."""
    return key_of(name).public_key().public_bytes_raw()


@dataclass
class Log:
    """One chain of one author: the stored entries from the first, and the way to write more."""

    name: str
    stream: bytes = STREAM
    site: bytes = SITE
    entries: list[Stored] = field(default_factory=list)
    cursors: dict[int, Cursor] = field(default_factory=dict)

    @property
    def author(self) -> bytes:
        return author_of(self.name)

    @property
    def head(self) -> bytes:
        if self.entries:
            return self.entries[-1].hash
        return chain_start(self.site, self.stream, self.author)

    def cursor(self, version: int = FORMAT) -> Cursor:
        return self.cursors.setdefault(version, Cursor.at_start(self.stream))

    def write(
        self,
        changes: Sequence[tuple[Path, Any]],
        *,
        seen: Sequence[Stored | bytes] = (),
        basis: Sequence[Stored | bytes] | None = None,
        wall_ms: int = AT_MS,
        offset_ms: int = 0,
        by_rule: bool = False,
        version: int = FORMAT,
    ) -> Stored:
        """The next entry; `seen` and `basis` are entries, or hashes where nobody holds one."""
        draft = Entry(
            wall_ms=wall_ms,
            changes=tuple(changes),
            offset_ms=offset_ms,
            seen=_shorts(seen),
            basis=None if basis is None else _shorts(basis),
            by_rule=by_rule,
            version=version,
        )
        body, entry_hash, _ = encode(draft, self.cursor(version), self.head)
        return self._keep(body, entry_hash)

    def write_bytes(self, body: bytes) -> Stored:
        """The next entry is whatever these bytes are."""
        return self._keep(body, chain_next(self.head, body))

    def _keep(self, body: bytes, entry_hash: bytes) -> Stored:
        stored = Stored(self.author, len(self.entries) + 1, self.head, entry_hash, body)
        self.entries.append(stored)
        return stored

    def fork(self, at: int | None = None) -> Log:
        """Another log of the same author that shares the first `at` entries (all of them)."""
        shared = self.entries[: len(self.entries) if at is None else at]
        twin = Log(self.name, self.stream, self.site)
        for stored in shared:
            twin.replay(stored)
        return twin

    def replay(self, stored: Stored) -> None:
        """Take over an entry that was written elsewhere."""
        from core.log.entry import decode, format_of
        from core.log.errors import LogError

        self.entries.append(stored)
        try:
            decode(stored.body, self.cursor(format_of(stored.body)), stored.hash)
        except LogError:
            # The cursor is as it was, as for every reader.
            return

    def seal(self, number: int = 1, extra: Sequence[bytes] = ()) -> Seal:
        """A seal over the log's head, and other leaves after it."""
        leaf = seal_leaf(self.stream, len(self.entries), self.head)
        return make_seal(self.site, self.author, key_of(self.name), number, (leaf, *extra))


def _shorts(heads: Sequence[Stored | bytes]) -> tuple[bytes, ...]:
    found = {head.hash[:8] if isinstance(head, Stored) else head for head in heads}
    return tuple(sorted(found))


def standing(role: int = 2, *, revoked: bool = False, subject: bytes = b"") -> Standing:
    """A standing of a role (1 worker, 2 dispatcher, 3 hub)."""
    return Standing(subject, role, frozenset(), revoked)
