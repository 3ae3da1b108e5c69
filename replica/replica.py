"""A replica: the log of one site as one device holds it, and the only way to write to it.

Every phone and every hub runs this. `write` makes entries of acts; `take` (in `shelf`) brings in
those of others; both fold the streams they touch, rewrite their projections and commit before they
return. Synchronous: in a running program one writer thread owns it. Holds no sockets.
Invariant: the states it caches are the folds of what is committed.
"""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from weakref import WeakKeyDictionary

from core.dispatch.acts import SITE_STREAM, ActError, Change
from core.dispatch.erasure import Erased, erased_in
from core.dispatch.fields import Kind, Role
from core.dispatch.reading import PRESENT, Reading
from core.log.authority import counts
from core.log.certificate import Certificate, Standing, read_certificate, standing_of
from core.log.chain import SHORT_BYTES, chain_start
from core.log.entry import FORMAT, Entry, encode
from core.log.errors import LogError
from core.log.frontier import read_token
from core.log.limits import LOG_ENTRIES_MAX
from core.log.quota import Quotas
from core.log.registers import LogKey
from core.log.seal import Seal
from core.log.stream import Stored, StreamState
from core.sentence import say
from replica import logs, purging
from replica.authority import (
    is_kept,
    keep_certificate,
    keep_certificates,
    keep_revoked,
    keep_site_certificates,
    revoked_keys,
)
from replica.clock import Clock
from replica.clock_offset import ClockOffset
from replica.file_going import note_left
from replica.file_store import FileStore
from replica.identity import Identity
from replica.kept_files import KeptFiles
from replica.projection import clear_projections, project_stream
from replica.projection.day import DayShown
from replica.scope import days_of
from replica.store import Store, damaged, newest_schema

LOGGER = logging.getLogger(__name__)

# States of streams kept in memory; a job's takes some 20 kB, so this is at most some 40 MB.
STATES_MAX = 2_000

# A monotonic clock that stands this near to where it should needs no words in the entry.
UPTIME_SLACK_MS = 100

# A hub is told of each stream that was dropped. A colleague only of what its phone had from here,
# brought or wrote in: of no other job, or customer, may it know that this phone had it.
_NOTE_DROPPED = """
    INSERT OR IGNORE INTO dropped SELECT peer, :stream FROM peer WHERE
        peer IN (SELECT author FROM certificate WHERE role = :hub)
        OR peer IN (SELECT peer FROM peer_stream WHERE stream = :stream)
        OR peer IN (SELECT author FROM log WHERE stream = :stream)
"""


@dataclass(frozen=True, slots=True)
class Written:
    """What an act became: its id (empty for one stream), and entry hash by stream."""

    act: bytes
    hash_by_stream: Mapping[bytes, bytes]
    position: int


@dataclass(slots=True)
class Touched:
    """Streams that a transaction changed, for projections and listeners."""

    streams: set[bytes] = field(default_factory=set)


class Replica:
    """One device's copy of a site.

    Args:
        store: the open store.
        identity: key, site and certificates.
        clock: wall, monotonic, boot.
        entropy: gives random bytes.
        reading: what this version of the program knows of the log.
    """

    def __init__(
        self,
        store: Store,
        identity: Identity,
        clock: Clock,
        entropy: Callable[[int], bytes],
        reading: Reading = PRESENT,
    ) -> None:
        self.store = store
        self.files = FileStore(store)
        self.kept = KeptFiles(store)
        self.identity = identity
        self.clock = clock
        self.offset = ClockOffset(store, clock)
        self.entropy = entropy
        self.reading = reading
        self._permits = reading.permits
        self._states: OrderedDict[bytes, StreamState] = OrderedDict()
        # Entries of cached streams that were stored and are not in their states yet.
        self._unfolded: dict[bytes, list[Stored]] = {}
        # What the rows of days were made of, for as long as their states are cached.
        self.days_shown: WeakKeyDictionary[StreamState, DayShown] = WeakKeyDictionary()
        # Rows of seals that came in lately; a hint, which the store is asked to confirm.
        self.seal_rows: dict[Seal, int] = {}
        self.quotas = Quotas()
        self._standings: dict[bytes, Standing] = {}
        self._changed: set[bytes] = set()
        # Keys of which this replica has learnt that they are shut out, and not cut them yet.
        self.newly_revoked: set[bytes] = set()
        self._erased: Erased | None = None
        # Whether files are neither offered nor asked for: a phone may wait for a free network.
        self.files_wait = False
        # Set when streams were purged, for whoever scrubs the file once it is at rest.
        self.has_purged = False
        if store.get("site") is None and not store.db.execute("SELECT 1 FROM stream").fetchone():
            with store.transaction():
                store.put("site", identity.site)
                store.put("generation", entropy(8))
                store.put("position", 0)
                store.put("mine", 0)
                store.put("reading", self._made_by())
        _see_that_it_says(store)
        if store.get("site") != identity.site:
            raise ActError(
                say(
                    "{path} belongs to another site than this replica's certificate",
                    path=store.path,
                )
            )
        self.generation: bytes = store.get("generation")
        self._position: int = store.get("position")
        self._own_authors = {identity.author, *store.get("former", [])}
        store.after_rollback = self._forget
        for certificate in identity.certificates:
            self.adopt_certificate(certificate)
        if store.get("reading") != self._made_by():
            self._read_anew()
            store.compact()

    # --- what it is

    @property
    def site(self) -> bytes:
        """The site's public key."""
        return self.identity.site

    @property
    def author(self) -> bytes:
        """The replica's public key."""
        return self.identity.author

    @property
    def subject(self) -> bytes:
        """Whom the replica acts for: a worker's stream id, or a hub's letter."""
        return self.identity.own.subject

    def position(self) -> int:
        """A number that grows with every transaction that brought entries in."""
        return self._position

    def become(self, identity: Identity) -> None:
        """Go on under another key, of the same site, whose store has begun anew already."""
        self.identity = identity
        self.generation = self.store.get("generation")
        for certificate in reversed(identity.certificates):
            self.adopt_certificate(certificate)

    # --- states and standings

    def state(self, stream: bytes) -> StreamState:
        """The fold of a stream; an empty one where nothing is held of it."""
        cached = self._states.get(stream)
        grown = self._unfolded.pop(stream, None)
        if cached is not None and (not grown or cached.extend_all(grown, self.standing)):
            self._states.move_to_end(stream)
            return cached
        entries = logs.stored_entries(self.store.db, stream)
        standings = {author: self.standing(author) for author in {e.author for e in entries}}
        state = StreamState.build(
            self.site, stream, entries, standings, self._permits, self.reading.formats
        )
        self._states[stream] = state
        while len(self._states) > STATES_MAX:
            oldest, _ = self._states.popitem(last=False)
            self._unfolded.pop(oldest, None)
        return state

    def standing(self, author: bytes) -> Standing:
        """What the certificates of an author make of it; one without has no role."""
        cached = self._standings.get(author)
        if cached is None:
            db = self.store.db
            rows = db.execute("SELECT certificate FROM certificate WHERE author = ?", (author,))
            certificates = [read_certificate(row[0]) for row in rows]
            revoked = db.execute("SELECT 1 FROM revoked WHERE author = ?", (author,)).fetchone()
            if not certificates:
                return Standing(b"", 0)
            cached = self._standings[author] = standing_of(certificates, revoked is not None)
        return cached

    @property
    def erased(self) -> Erased:
        """The streams that the site has erased, as far as it is known here."""
        if self._erased is None:
            self._erased = erased_in(self.state(SITE_STREAM))
        return self._erased

    def certificates_of(self, role: int) -> list[Certificate]:
        """All certificates of a role that are known."""
        rows = self.store.db.execute("SELECT certificate FROM certificate WHERE role = ?", (role,))
        return [read_certificate(row[0]) for row in rows]

    def adopt_certificate(self, certificate: Certificate) -> None:
        """Keep a certificate that was checked, so that its author's entries can come in.

        One by a hub that is shut out counts only where the site stream has it, as `counts` says.
        """
        with self.store.transaction() as db:
            kept = is_kept(db, certificate)
            if not kept and counts(certificate, revoked_keys(db), stands=False):
                keep_certificate(db, certificate)
                touched = Touched()
                self._restand({certificate.author}, touched)
                self.finish(touched)

    # --- writing

    def write(
        self,
        changes: Sequence[Change],
        *,
        actor: bytes = b"",
        basis: Mapping[bytes, str] | None = None,
        by_rule: bool = False,
    ) -> Written:
        """Make one act of `changes`: an entry in each stream, one transaction, durable on return.

        `basis` gives, by stream, the frontier token of the page that the act was made from.

        Raises:
            ActError: nothing to write, or not permitted to this replica.
            StoreError: the disk refused; nothing was written.
        """
        if not changes:
            raise ActError(say("nothing was changed"))
        by_stream: dict[bytes, list[Change]] = {}
        for change in changes:
            by_stream.setdefault(change.stream, []).append(change)
        act = self.entropy(SHORT_BYTES) if len(by_stream) > 1 else b""
        hashes: dict[bytes, bytes] = {}
        touched = Touched()
        with self.store.transaction():
            for stream, own in by_stream.items():
                token = (basis or {}).get(stream)
                hashes[stream] = self._append_own(stream, own, actor, act, token, by_rule)
                touched.streams.add(stream)
            self.store.put("mine", self.store.get("mine", 0) + len(by_stream))
            self.finish(touched)
        self._changed |= touched.streams
        return Written(act, hashes, self._position)

    def _append_own(
        self,
        stream: bytes,
        changes: Sequence[Change],
        actor: bytes,
        act: bytes,
        token: str | None,
        by_rule: bool,
    ) -> bytes:
        if self.erased.covers(stream):
            raise ActError(
                say("this was erased by the office; nothing can be written to it any more")
            )
        state = self.state(stream)
        key = self._own_key(state)
        log = state.logs.get(key)
        previous = log.head if log is not None else _start(state, self.author)
        basis = self._basis(state, token)
        last = log.placed[-1].entry if log is not None and log.placed else None
        boot, uptime = self._uptime(stream, last)
        draft = Entry(
            wall_ms=self.clock.now_ms() // 10 * 10,
            changes=tuple((change.path, change.value) for change in changes),
            offset_ms=self.offset.follow(),
            boot=boot,
            uptime_ms=uptime,
            actor=actor,
            act=act,
            seen=tuple(state.unseen_by(key)),
            basis=basis,
            by_rule=by_rule,
            version=self._format_for(state, changes),
        )
        if draft.uptime_ms is not None and last is not None and last.boot == boot:
            draft = _smooth(draft, last)
        try:
            body, entry_hash, entry = encode(draft, state.cursor_of(key, draft.version), previous)
        except LogError as error:
            raise ActError(str(error)) from error
        standing = self.standing(self.author)
        if not self._permits(standing, stream, entry):
            raise ActError(say("this device's certificate does not permit that; ask the office"))
        seq = (log.height if log is not None else 0) + 1
        if seq > LOG_ENTRIES_MAX:
            raise ActError(
                say("this device has written here as much as one key may; give it a new key")
            )
        stored = Stored(self.author, seq, previous, entry_hash, body)
        self.add(stream, stored)
        return entry_hash

    def _format_for(self, state: StreamState, changes: Sequence[Change]) -> int:
        """The format to write in: a write covers none of a later format than its own."""
        # Who may write is told in the format that all read: who can't read it takes in no entries
        # of those it names.
        least = FORMAT if state.stream == SITE_STREAM else self.reading.writes
        registers = [state.registers.get(change.path) for change in changes]
        replaced = [write.version for each in registers if each for write in each.writes.values()]
        return max([least, *replaced])

    def _own_key(self, state: StreamState) -> LogKey:
        """The own log to write to: the highest branch, where the own log was forked."""
        own = [log for log in state.logs.values() if log.key[0] == self.author and not log.drift]
        return max(own, key=lambda log: (log.height, log.key)).key if own else (self.author, b"")

    def _basis(self, state: StreamState, token: str | None) -> tuple[bytes, ...] | None:
        if token is None:
            return None
        try:
            heads = read_token(token)
        except LogError as error:
            raise ActError(str(error)) from error
        return None if list(heads) == state.tips() else heads

    def _uptime(self, stream: bytes, last: Entry | None) -> tuple[int | None, int | None]:
        """The monotonic clock is told where minutes are counted: in a worker's day."""
        if stream[4] != Kind.DAY:
            return None, None
        return self.clock.boot(), self.clock.uptime_ms()

    # --- bringing in

    def add(self, stream: bytes, stored: Stored) -> bool:
        """Store one authentic entry within a transaction; False where it was held already."""
        return self.add_chain(stream, [stored])

    def add_chain(
        self, stream: bytes, chain: Sequence[Stored], row: logs.LogRow | None = None
    ) -> bool:
        """Store authentic entries that follow each other; False where all were held already.

        Within a transaction. They are folded when the stream's state is next asked for, so that
        all that a frame brings to a stream is folded at once. `row` is as in `append_chain`.
        """
        position = self._position + 1
        # Only of what it wrote itself, under this key or a former one, does anybody ask since when.
        own = chain[0].author in self._own_authors
        arrived_ms = self.clock.now_ms() if own else None
        db = self.store.db
        new = logs.append_chain(db, self.site, stream, chain, arrived_ms, position, row)
        if new and stream in self._states:
            self._unfolded.setdefault(stream, []).extend(new)
        return bool(new)

    def finish(self, touched: Touched) -> None:
        """Bring rows and projections of the touched streams up to their entries."""
        if not touched.streams:
            return
        self._position += 1
        held: set[bytes] = set()
        if SITE_STREAM in touched.streams:
            before = self._erased
            self._read_site(touched)
            if self.erased != before:
                touched.streams -= self.purge_erased()
                held |= self._days_of_other_workers(before or Erased())
        for stream in touched.streams:
            if logs.keep_stream(self.store.db, self.state(stream), self._position, self.author):
                held.add(stream)
        project_stream(self, held)
        self.store.put("position", self._position)

    def _days_of_other_workers(self, before: Erased) -> set[bytes]:
        """Days of workers who were erased since, or are not any more: whose day it is hangs on it.

        Only their rows are made anew: their entries are what they were.
        """
        workers = [s for s in self.erased.streams ^ before.streams if s[4] == Kind.WORKER]
        days = {day for worker in workers for day in days_of(self.store.db, worker)}
        return {day for day in days if day[4] == Kind.DAY}

    def _read_site(self, touched: Touched) -> None:
        """Take up who is shut out and whose certificates count; what they wrote folds anew."""
        self._erased = None
        self._restand(keep_site_certificates(self), touched)
        changed = keep_revoked(self)
        self.newly_revoked |= changed & revoked_keys(self.store.db)
        self._restand(changed, touched)
        self._restand(keep_certificates(self), touched)

    def _restand(self, authors: Iterable[bytes], touched: Touched) -> None:
        """Let the streams of authors fold anew whose standing may be another now."""
        for author in authors:
            self._standings.pop(author, None)
            of_author = "SELECT stream FROM log WHERE author = ?"
            for (stream,) in self.store.db.execute(of_author, (author,)):
                self._states.pop(stream, None)
                touched.streams.add(stream)

    def _read_anew(self) -> None:
        """Fold every stream again and make its rows anew: another program made those that stand.

        Nothing is fetched for it: what the other program could not read it kept.
        """
        with self.store.transaction() as db:
            held = db.execute("SELECT stream, left_at FROM stream ORDER BY stream").fetchall()
            LOGGER.info("this version of the program reads %d streams anew, once", len(held))
            self._read_site(Touched())
            self._states.clear()
            project_stream(self, (), fresh=True)
            # So many at once that their folds are still at hand for their rows.
            for first in range(0, len(held), STATES_MAX // 2):
                part = held[first : first + STATES_MAX // 2]
                for stream, _ in part:
                    logs.count_inert(db, self.state(stream))
                project_stream(self, [stream for stream, left_at in part if left_at is None])
            self.store.put("reading", self._made_by())

    def _made_by(self) -> list[bytes | int]:
        """What decides on the rows but the entries: how they are read, and into which tables."""
        return [self.reading.mark, newest_schema()]

    def _forget(self) -> None:
        """Drop what is cached: a transaction did not commit."""
        self._states.clear()
        self.days_shown.clear()
        self._unfolded.clear()
        self._standings.clear()
        self.newly_revoked.clear()
        self._erased = None
        self._position = self.store.get("position", 0)
        self.offset.reload()

    def mark_changed(self, streams: Iterable[bytes]) -> None:
        """Note committed changes for those who listen."""
        self._changed |= set(streams)

    def take_changed(self) -> frozenset[bytes]:
        """Streams committed since this was last asked."""
        changed, self._changed = frozenset(self._changed), set()
        return changed

    def mark_reach(self, streams: Iterable[bytes]) -> None:
        """Note that peers confirmed entries of streams, for those who show reach."""
        self._changed |= set(streams)

    def drop_streams(self, streams: Iterable[bytes]) -> None:
        """Take streams out that left the scope; own entries stay, so that no log starts anew."""
        gone = list(streams)
        with self.store.transaction() as db:
            note_left(self, gone)
            for stream in gone:
                db.execute(_NOTE_DROPPED, {"stream": stream, "hub": int(Role.HUB)})
                for row in logs.log_rows(db, stream):
                    if row.author != self.author:
                        db.execute("DELETE FROM entry WHERE log = ?", (row.log,))
                        db.execute("DELETE FROM log_row WHERE log = ?", (row.log,))
                db.execute("DELETE FROM staged WHERE stream = ?", (stream,))
                # What peers confirmed of the own log stays true, and is asked again.
                own = (stream, self.author)
                db.execute("DELETE FROM reach WHERE stream = ? AND author <> ?", own)
                db.execute("DELETE FROM peer_stream WHERE stream = ?", (stream,))
                db.execute(
                    "UPDATE stream SET left_at = ? WHERE stream = ?", (self.clock.now_ms(), stream)
                )
                self._states.pop(stream, None)
            db.execute(
                "DELETE FROM seal WHERE seal NOT IN (SELECT seal FROM log WHERE seal NOTNULL)"
            )
            clear_projections(db, gone)
        self._changed |= set(gone)

    def purge_erased(self) -> set[bytes]:
        """Purge what the site has erased and is still held here; the streams that went."""
        gone = purging.held_of(self.store.db, self.erased)
        if gone:
            with self.store.transaction():
                purging.purge(self, gone)
                for stream in gone:
                    self._states.pop(stream, None)
                    self._unfolded.pop(stream, None)
            self._changed |= gone
            self.has_purged = True
        return gone

    def now_ms(self) -> int:
        """What time it is, ms UTC: what the clock says, corrected by what a hub told of it."""
        return self.clock.now_ms() + self.offset.now_ms()

    def rebuild_projections(self) -> None:
        """Drop every projection row and make it anew from the log."""
        with self.store.transaction() as db:
            self._states.clear()
            streams = {
                row[0] for row in db.execute("SELECT stream FROM stream WHERE left_at IS NULL")
            }
            project_stream(self, streams, fresh=True)

    def close(self) -> None:
        """Close the store."""
        try:
            self.files.close()
        finally:
            self.store.close()


def _see_that_it_says(store: Store) -> None:
    """Raise StoreError where a store that was at work says not, or no more, what it is."""
    try:
        site, generation = store.get("site"), store.get("generation")
        numbers = store.get("position"), store.get("mine", 0)
    except LogError as error:
        raise damaged(store.path) from error
    ids = isinstance(site, bytes) and isinstance(generation, bytes)
    if not ids or any(type(number) is not int for number in numbers):
        raise damaged(store.path)


def _start(state: StreamState, author: bytes) -> bytes:
    return chain_start(state.site, state.stream, author)


def _smooth(draft: Entry, last: Entry) -> Entry:
    """Let a monotonic clock that ran on with the wall clock go unsaid."""
    assert last.uptime_ms is not None
    assert draft.uptime_ms is not None
    expected = last.uptime_ms + draft.wall_ms - last.wall_ms
    if abs(draft.uptime_ms - expected) <= UPTIME_SLACK_MS:
        return replace(draft, uptime_ms=expected)
    return draft
