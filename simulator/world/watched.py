"""A replica whose deeds are written down as they happen: what it writes, drops and learns.

Whatever function of the product wrote an entry, a person's act or the replica's own cut, it passes
here. Holds no judgement. Invariant: what passes is what `Replica` makes of it, unchanged.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from core.dispatch.acts import SITE_STREAM, Change
from core.log.entry import Path as EntryPath
from replica.authority import revoked_keys
from replica.logs import held_hashes
from replica.replica import Replica, Touched, Written
from simulator.world.truth import Truth, views_of


@dataclass(frozen=True, slots=True)
class Notes:
    """Where a replica's deeds are written down: the book, and whose deeds they are."""

    truth: Truth
    name: str
    worker: bytes
    now_s: Callable[[], float]


class WatchedReplica(Replica):
    """A replica of a simulated machine; `written` holds (stream, hash) until it is cleared."""

    def __init__(self, *parts: Any, notes: Notes) -> None:
        self.written: list[tuple[bytes, bytes]] = []
        self._notes = notes
        super().__init__(*parts)

    def write(
        self,
        changes: Sequence[Change],
        *,
        actor: bytes = b"",
        basis: Mapping[bytes, str] | None = None,
        by_rule: bool = False,
    ) -> Written:
        """As `Replica` does it."""
        truth = self._notes.truth
        truth.will_write(changes, self._notes.worker)
        views = self._views(changes, basis or {})
        written = super().write(changes, actor=actor, basis=basis, by_rule=by_rule)
        for stream, entry_hash in written.hash_by_stream.items():
            truth.wrote(self.author, stream, entry_hash, views[stream])
            truth.decides(entry_hash, [each for each in changes if each.stream == stream])
            self.written.append((stream, entry_hash))
        return written

    def finish(self, touched: Touched) -> None:
        """As `Replica` does it."""
        if SITE_STREAM not in touched.streams or self._notes.worker:
            super().finish(touched)
            return
        db = self.store.db
        before = revoked_keys(db)
        super().finish(touched)
        for key in sorted(revoked_keys(db) - before):
            self._notes.truth.learnt_of(self._notes.name, key, held_hashes(db, key))

    def _views(
        self, changes: Sequence[Change], basis: Mapping[bytes, str]
    ) -> dict[bytes, dict[EntryPath, frozenset[bytes] | None]]:
        paths: dict[bytes, list[EntryPath]] = {}
        for change in changes:
            paths.setdefault(change.stream, []).append(change.path)
        return {
            stream: views_of(self.state(stream), own, stale=stream in basis)
            for stream, own in paths.items()
        }

    def drop_streams(self, streams: Iterable[bytes]) -> None:
        """As `Replica` does it."""
        gone = list(streams)
        super().drop_streams(gone)
        notes = self._notes
        at_s = notes.now_s()
        notes.truth.dropped_at_s.update({(notes.name, stream): at_s for stream in gone})
