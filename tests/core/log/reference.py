"""The reference: what a set of entries means, by the plainest definition there is.

Every entry's ancestors are written out as a set; nothing is kept from one entry to the next,
nothing is compressed, and nothing depends on an order. Written from the design and docs/formats
alone; of the code under test it uses only the reading of one entry's bytes.
Invariant: it knows no logs, heights, branches or registers, only entries and sets of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from core.log.canonical import pack
from core.log.certificate import Standing
from core.log.entry import Cursor, Entry, Path, decode, format_of
from core.log.errors import LogError
from core.log.stream import Stored

CUT_CODE, REVOKED_CODE = 1, 3
HUB = 3

Permits = Callable[[Standing, bytes, Entry], bool]


class Reference:
    """The meaning of `entries`, a set, in whatever order they are given."""

    def __init__(
        self,
        stream: bytes,
        entries: Iterable[Stored],
        standings: Mapping[bytes, Standing],
        permits: Permits,
        formats: frozenset[int],
    ) -> None:
        self.stream = stream
        self.by_hash = {stored.hash: stored for stored in entries}
        self.standings = standings
        self.permits = permits
        self.formats = formats

    # --- one entry

    def chain(self, entry_hash: bytes) -> list[Stored]:
        """An entry and all of its author's before it, the first one first."""
        found: list[Stored] = []
        stored = self.by_hash.get(entry_hash)
        while stored is not None:
            found.insert(0, stored)
            stored = self.by_hash.get(stored.previous)
        return found

    def up_to(self, entry_hash: bytes) -> set[bytes]:
        """The hashes of that chain."""
        return {stored.hash for stored in self.chain(entry_hash)}

    def read(self, entry_hash: bytes) -> Entry | str:
        """The entry, read by walking its chain from the start, or why it can't be read."""
        cursors: dict[int, Cursor] = {}
        answer: Entry | str = "unreadable"
        for stored in self.chain(entry_hash):
            try:
                version = format_of(stored.body)
                if version not in self.formats:
                    answer = f"of format {version}"
                    continue
                cursor = cursors.setdefault(version, Cursor.at_start(self.stream))
                answer = decode(stored.body, cursor, stored.hash)
            except LogError:
                answer = "unreadable"
        return answer

    def standing(self, stored: Stored) -> Standing:
        """What its author's certificates make of it."""
        return self.standings.get(stored.author, Standing(b"", 0))

    # --- who is shut out

    def shut_out(self, closed: Mapping[bytes, set[bytes]]) -> set[bytes]:
        """The keys that this stream revokes, `closed` being what the site key itself has closed.

        Whoever is shut out itself has a say all the same, save beyond where the site key closed it.
        """
        found = set(closed)
        for entry_hash, stored in self.by_hash.items():
            entry, standing = self.read(entry_hash), self.standing(stored)
            if isinstance(entry, str) or standing.role != HUB:
                continue
            if not self.permits(standing, self.stream, entry):
                continue
            if all(entry_hash in self.up_to(last) for last in closed.get(stored.author, ())):
                found |= {
                    path[1]
                    for path, value in entry.changes
                    if path[0] == REVOKED_CODE and value is True
                }
        return found

    # --- what stands

    def why_inert(self, entry_hash: bytes) -> str:
        """Why an entry does not stand; empty where it does."""
        stored = self.by_hash[entry_hash]
        entry = self.read(entry_hash)
        if isinstance(entry, str):
            return entry
        standing = self.standing(stored)
        if not self.permits(standing, self.stream, entry):
            return "not permitted"
        if standing.revoked and not any(
            entry_hash in self.up_to(cut) for cut in self.cuts(stored.author)
        ):
            return "after revocation"
        return ""

    def cuts(self, author: bytes) -> set[bytes]:
        """The hashes at which hubs cut an author: in standing, or before such a cut themselves."""
        counted: set[tuple[bytes, bytes]] = set()
        while True:
            found = {
                (path[1], value[1])
                for entry_hash in self.by_hash
                for path, value in self._changes_of_hub(entry_hash, counted)
                if path[0] == CUT_CODE
            }
            if found == counted:
                return {last for whom, last in found if whom == author}
            counted = found

    def _changes_of_hub(
        self, entry_hash: bytes, counted: set[tuple[bytes, bytes]]
    ) -> Iterable[tuple[Path, Any]]:
        stored = self.by_hash[entry_hash]
        standing, entry = self.standing(stored), self.read(entry_hash)
        if standing.role != HUB or isinstance(entry, str):
            return ()
        let_stand = any(
            whom == stored.author and entry_hash in self.up_to(last) for whom, last in counted
        )
        permitted = self.permits(standing, self.stream, entry)
        return entry.changes if permitted and (let_stand or not standing.revoked) else ()

    # --- what was seen

    def named(self, shorts: Iterable[bytes]) -> set[bytes]:
        """All entries that stand on the chains of those whose hashes begin so."""
        found: set[bytes] = set()
        for short in shorts:
            for entry_hash in self.by_hash:
                if entry_hash.startswith(short):
                    found |= self.up_to(entry_hash)
        return found

    def context(self, entry_hash: bytes) -> set[bytes]:
        """All entries that the author had before it when it wrote an entry."""
        entry = self.read(entry_hash)
        assert isinstance(entry, Entry)
        if entry.basis is not None:
            return self.named(entry.basis)
        found = self.up_to(entry_hash) - {entry_hash}
        for stored in self.chain(entry_hash):
            earlier = self.read(stored.hash)
            if isinstance(earlier, Entry):
                found |= self.named(earlier.seen)
        return found

    # --- answers

    def inert(self) -> dict[bytes, str]:
        """Entries that do not stand, and why."""
        reasons = {entry_hash: self.why_inert(entry_hash) for entry_hash in self.by_hash}
        return {entry_hash: reason for entry_hash, reason in reasons.items() if reason}

    def visible(self) -> dict[Path, set[tuple[bytes, bytes]]]:
        """For each path the writes that stand in it: (entry's hash, packed value).

        A write is visible unless a standing entry of its own or a newer format, whose author had
        seen it, wrote the same path.
        """
        writes: dict[Path, list[tuple[bytes, int, Any, set[bytes]]]] = {}
        inert = self.inert()
        for entry_hash in self.by_hash:
            entry = self.read(entry_hash)
            if entry_hash in inert or isinstance(entry, str):
                continue
            context = self.context(entry_hash)
            for path, value in entry.changes:
                writes.setdefault(path, []).append((entry_hash, entry.version, value, context))
        return {
            path: {
                (entry_hash, pack(value))
                for entry_hash, version, value, _ in among
                if not any(
                    entry_hash in context and newer >= version for _, newer, _, context in among
                )
            }
            for path, among in writes.items()
        }
