"""Carried files that this phone keeps for others, unopened, until their hub has taken them in.

A colleague's phone gave them, or somebody's hand; they are sealed to a hub, so nothing here can
read them. They are bounded in size and number, and refused in words where there is no room. Holds
no session (`relaying`). Invariant: a file stays, whatever befalls the phone, until the hub that it
is for has said that it took it in, a newer one of the same phone has come, or a person put it away.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from core.log.chain import AUTHOR_BYTES
from core.log.errors import LogError
from core.log.limits import (
    RELAYED_BYTES_MAX,
    RELAYED_FILES_BYTES_MAX,
    RELAYED_FILES_MAX,
)
from core.log.relay import relay_name
from core.sentence import say
from replica.store import Store

# Under these names the store keeps the list, and with its own name behind it each file: no tables,
# since most phones never have any.
_LIST: Final = "carried for others"
_FILE: Final = "carried "


class CarryingRefused(LogError):
    """A carried file is not kept here; the sentence says why."""

    name = "carrying-refused"


@dataclass(frozen=True, slots=True)
class KeptFile:
    """A carried file of somebody else: for the hub with key `receiver`, given by the key `giver`.

    `giver` is empty where a person brought it. `why` says what its hub said when it did not take
    it, empty where it was not asked yet.
    """

    name: bytes
    receiver: bytes
    giver: bytes
    size: int
    since_ms: int
    why: str


class KeptFiles:
    """The carried files of others in one store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def all(self) -> tuple[KeptFile, ...]:
        """All that are kept, the oldest first."""
        found = []
        for row in self._store.get(_LIST, []):
            kept = _read(row)
            if kept is not None:
                found.append(kept)
        return tuple(found)

    def data(self, name: bytes) -> bytes:
        """The bytes of one; empty where it is not here, or not what it was."""
        try:
            found = self._store.get(_FILE + name.hex())
        except LogError:
            found = None
        # In a list, so that the store keeps it out of its memory.
        data = found[0] if isinstance(found, list) and found else b""
        return data if isinstance(data, bytes) and relay_name(data) == name else b""

    def why_not(self, receiver: bytes, giver: bytes, size: int) -> str:
        """Why one more can't be kept, '' where it can."""
        if size > RELAYED_BYTES_MAX:
            return say(
                "the file is larger than what a phone carries for others ({most} MB); take it to "
                "the hub by hand",
                most=RELAYED_BYTES_MAX // 1_000_000,
            )
        staying = [each for each in self.all() if not _gives_way(each, receiver, giver)]
        many = len(staying) >= RELAYED_FILES_MAX
        if many or sum(each.size for each in staying) + size > RELAYED_FILES_BYTES_MAX:
            return say(
                "this phone carries {count} files for others already; it has room again once it "
                "has met their hub",
                count=len(staying),
            )
        if not self._store.disk.free_bytes(self._store.path.parent) > 4 * size:
            return say("this phone has no room left for files of others")
        return ""

    def keep(self, receiver: bytes, giver: bytes, data: bytes, at_ms: int) -> KeptFile:
        """Keep one, durable on return; the one that the same phone gave before gives way.

        Raises:
            CarryingRefused: there is no room; nothing was changed.
            StoreError: the disk refused.
        """
        name = relay_name(data)
        known = next((each for each in self.all() if each.name == name), None)
        if known is not None:
            return known
        why = self.why_not(receiver, giver, len(data))
        if why:
            raise CarryingRefused(why)
        new = KeptFile(name, receiver, giver, len(data), at_ms, "")
        with self._store.transaction():
            for each in self.all():
                if _gives_way(each, receiver, giver):
                    self._drop(each.name)
            self._store.put(_FILE + name.hex(), [data])
            self._note([*self.all(), new])
        return new

    def drop(self, name: bytes) -> None:
        """Keep one no longer. Raises StoreError."""
        if any(each.name == name for each in self.all()):
            with self._store.transaction():
                self._drop(name)

    def note_refused(self, name: bytes, why: str) -> None:
        """Keep what the hub that a file is for said when it did not take it. Raises StoreError."""
        found = [
            each
            if each.name != name
            else KeptFile(name, each.receiver, each.giver, each.size, each.since_ms, why)
            for each in self.all()
        ]
        with self._store.transaction():
            self._note(found)

    def _drop(self, name: bytes) -> None:
        self._store.db.execute("DELETE FROM meta WHERE name = ?", (_FILE + name.hex(),))
        self._note([each for each in self.all() if each.name != name])

    def _note(self, kept: list[KeptFile]) -> None:
        self._store.put(
            _LIST,
            [
                [each.name, each.receiver, each.giver, each.size, each.since_ms, each.why]
                for each in kept
            ],
        )


def _gives_way(kept: KeptFile, receiver: bytes, giver: bytes) -> bool:
    """Whether a new file of `giver` says all that an older one said, and more."""
    return bool(giver) and (kept.giver, kept.receiver) == (giver, receiver)


def _read(row: Any) -> KeptFile | None:
    """A file as the list names it; None where a flipped bit made nonsense of it."""
    if not isinstance(row, list) or len(row) != 6:
        return None
    name, receiver, giver, size, since_ms, why = row
    keys = all(isinstance(each, bytes) for each in (name, receiver, giver))
    numbers = type(size) is int and type(since_ms) is int
    if not keys or not numbers or not isinstance(why, str) or len(receiver) != AUTHOR_BYTES:
        return None
    return KeptFile(name, receiver, giver, size, since_ms, why)
