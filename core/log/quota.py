"""Quotas: how much of one key a replica takes in within a day, whoever brings it.

A key that floods is refused by name before anything of the frame is hashed or verified; what is
refused stays with its sender and comes in another day, so a quota says nothing of what stands. What
a peer sends is charged to it at once, true or not. What an author wrote is charged once it has
proven true: else a liar could use up another's day. Holds no clock. Invariant: no more authors are
remembered than were charged within a day.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from core.log.errors import OverLimit
from core.log.limits import (
    AUTHOR_DAY_BYTES_MAX,
    AUTHOR_DAY_ENTRIES_MAX,
    AUTHOR_DAY_FILE_BYTES_MAX,
    AUTHOR_DAY_FILES_MAX,
    PEER_DAY_BYTES_MAX,
    PEER_DAY_ENTRIES_MAX,
)

DAY_MS = 86_400_000


@dataclass(slots=True)
class Allowance:
    """So much of each key within a day that begins with its first entry."""

    whose: str
    entries_max: int
    bytes_max: int
    what: str = "entries"
    _used: dict[bytes, tuple[int, int, int]] = field(default_factory=dict)

    def see(self, key: bytes, entries: int, size: int, uptime_ms: int) -> None:
        """See that so much more of a key may come. Raises OverLimit."""
        _, had, had_bytes = self._of(key, uptime_ms)
        if had + entries > self.entries_max or had_bytes + size > self.bytes_max:
            raise OverLimit(
                f"more than {self.entries_max:,} {self.what} or {self.bytes_max // 1_000_000} MB "
                f"{self.whose} within a day; the rest stays where it is and is taken later"
            )

    def charge(self, key: bytes, entries: int, size: int, uptime_ms: int) -> None:
        """Count so much of a key."""
        begun, had, had_bytes = self._of(key, uptime_ms)
        if key not in self._used:
            self._forget(uptime_ms)
        self._used[key] = (begun, had + entries, had_bytes + size)

    def _of(self, key: bytes, uptime_ms: int) -> tuple[int, int, int]:
        used = self._used.get(key)
        return used if used is not None and _within(used[0], uptime_ms) else (uptime_ms, 0, 0)

    def _forget(self, uptime_ms: int) -> None:
        for key, (begun, _, _) in list(self._used.items()):
            if not _within(begun, uptime_ms):
                del self._used[key]


def _within(begun_ms: int, uptime_ms: int) -> bool:
    return 0 <= uptime_ms - begun_ms < DAY_MS


@dataclass(slots=True)
class Quotas:
    """What a replica takes from peers that are no hubs, and of authors through them."""

    peers: Allowance = field(
        default_factory=lambda: Allowance(
            "came from this device", PEER_DAY_ENTRIES_MAX, PEER_DAY_BYTES_MAX
        )
    )
    authors: Allowance = field(
        default_factory=lambda: Allowance(
            "of one key came", AUTHOR_DAY_ENTRIES_MAX, AUTHOR_DAY_BYTES_MAX
        )
    )
    # Of an author's files each chunk is charged as it comes, and each file with its last one.
    files: Allowance = field(
        default_factory=lambda: Allowance(
            "of one key came", AUTHOR_DAY_FILES_MAX, AUTHOR_DAY_FILE_BYTES_MAX, "files"
        )
    )
