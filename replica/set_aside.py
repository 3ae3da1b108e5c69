"""Entries set aside: good ones whose predecessor was lost to damage, until it comes back.

A repair keeps them in the store, with a seal where the author is the replica itself; as soon as
the entry before them is held again they join their log. Reads no damaged file. Invariant: an entry
that was set aside goes only when it is held.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from core.log.chain import chain_next
from core.log.seal import Seal
from core.log.stream import Stored
from replica import logs
from replica.replica import Replica, Touched
from replica.store import SET_ASIDE, Store


@dataclass(frozen=True, slots=True)
class SetAside:
    """A run of one log without its beginning: (seq, hash, body) in order, a seal over its end.

    Of a hash the first eight bytes may stand alone.
    """

    stream: bytes
    author: bytes
    entries: tuple[tuple[int, bytes, bytes], ...]
    seal: Seal | None = None

    def plain(self) -> list[Any]:
        """What is kept in the store."""
        seal = self.seal
        kept = [seal.number, list(seal.leaves), seal.signature] if seal is not None else None
        return [self.stream, self.author, [list(entry) for entry in self.entries], kept]

    @classmethod
    def from_plain(cls, plain: list[Any]) -> SetAside:
        """What was kept in the store."""
        stream, author, entries, kept = plain
        seal = None if kept is None else Seal(author, kept[0], tuple(kept[1]), kept[2])
        return cls(stream, author, tuple((seq, own, body) for seq, own, body in entries), seal)


def set_aside_in(store: Store) -> list[SetAside]:
    """The runs that wait in a store."""
    return [SetAside.from_plain(plain) for plain in store.get(SET_ASIDE, [])]


def keep_set_aside(store: Store, runs: list[SetAside]) -> None:
    """Keep these runs and no others; within a transaction."""
    store.put(SET_ASIDE, [run.plain() for run in runs])


def join_set_aside(replica: Replica) -> int:
    """Let all that can join its log again do so, in one transaction; how many entries did.

    Raises:
        StoreError: the disk refused.
    """
    waiting = set_aside_in(replica.store)
    if not waiting:
        return 0
    joined, touched, left = 0, Touched(), []
    with replica.store.transaction():
        for run in waiting:
            if replica.erased.covers(run.stream):
                # A purge takes it out, which sees to its bytes as well.
                left.append(run)
                continue
            ready, rest = _split(replica, run)
            for stored in ready:
                if replica.add(run.stream, stored):
                    joined += 1
                    touched.streams.add(run.stream)
            if rest:
                left.append(SetAside(run.stream, run.author, rest, run.seal))
            elif run.seal is not None:
                _cover(replica, run.stream, ready[-1], run.seal)
        if len(left) < len(waiting) or touched.streams:
            keep_set_aside(replica.store, left)
        replica.finish(touched)
    replica.mark_changed(touched.streams)
    return joined


def _split(
    replica: Replica, run: SetAside
) -> tuple[list[Stored], tuple[tuple[int, bytes, bytes], ...]]:
    """The entries that now follow from what is held, and those that still wait."""
    seq = run.entries[0][0]
    places = logs.place_of(replica.store.db, run.stream, run.author, seq - 1, b"")
    for _, previous in places:
        ready: list[Stored] = []
        for at, (seq, own, body) in enumerate(run.entries):
            computed = chain_next(previous, body)
            if not computed.startswith(own):
                if ready:
                    return ready, run.entries[at:]
                break
            ready.append(Stored(run.author, seq, previous, computed, body))
            previous = computed
        else:
            return ready, ()
    return [], run.entries


def _cover(replica: Replica, stream: bytes, last: Stored, seal: Seal) -> None:
    """Let the seal cover the end of the run, unless the log goes on beyond it by now."""
    db = replica.store.db
    for row, _ in logs.place_of(db, stream, last.author, last.seq, last.hash):
        if row.head == last.hash:
            logs.cover(db, row, logs.keep_seal(db, seal))
