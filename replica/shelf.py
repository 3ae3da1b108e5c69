"""What a session asks of a replica: the `core.log.shelf.Shelf` of this package.

Reads and writes the tables of peers: marks, what each holds, reach. Each call is one transaction.
Holds no conversation. Invariant: reach says no more than a peer's acks and own entries prove.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from core.dispatch.acts import SITE_STREAM
from core.dispatch.fields import Kind, Role
from core.log.authority import counts
from core.log.certificate import Certificate, check_certificate, read_certificate
from core.log.chain import derived_unique
from core.log.errors import EnrolAgain, Revoked, SessionRefused
from core.log.frontier import digest_of
from core.log.messages import GENERATION_BYTES, Runs, StreamHeads
from core.log.parcel import Reached, Slice
from core.log.seal import Seal, make_seal
from replica import logs, told
from replica.authority import is_kept, revoked_keys, shown_certificates
from replica.file_shelf import ReplicaFileShelf
from replica.intake import take_runs
from replica.interest import Interest
from replica.many import rows_of
from replica.relaying import ReplicaRelayShelf
from replica.replica import Replica
from replica.scope import common_of, scope_of
from replica.time_shelf import ReplicaTimeShelf

# The order in which streams travel: what others need to be understood goes first.
_ORDER = (
    Kind.SITE,
    Kind.OFFICE,
    Kind.SUMMARY,
    Kind.RECURRENCE,
    Kind.WORKER,
    Kind.CUSTOMER,
    Kind.JOB,
    Kind.DAY,
    Kind.TRACK,
)
_RANK = {int(kind): rank for rank, kind in enumerate(_ORDER)}

# A peer holds a log that branched from none up to some height, and never less than was known.
_RAISE_REACH = (
    "INSERT INTO confirmed SELECT log, ?, min(?, height) FROM log "
    "WHERE stream = ? AND author = ? AND branch = x'' "
    "ON CONFLICT DO UPDATE SET height = max(height, excluded.height)"
)

# Logs of which a peer has not confirmed all.
_LACKING = (
    "SELECT log.stream, log.author, branch, base, seal, log.height FROM log LEFT JOIN confirmed ON "
    "confirmed.log = log.log AND confirmed.peer = (SELECT number FROM author WHERE author = ?) "
    "WHERE coalesce(confirmed.height, 0) < log.height"
)

# So many streams are looked up by their ids; of more the whole table is read, or all that changed.
# A phone's scope has some dozens, and hundreds where it was in use for months.
STREAMS_FEW = 512

Log = tuple[bytes, bytes, bytes]


class ReplicaShelf:
    """A replica as its sessions see it."""

    def __init__(self, replica: Replica) -> None:
        self._replica = replica
        self._db = replica.store.db
        self.files = ReplicaFileShelf(replica)
        self.relay = ReplicaRelayShelf(self, replica)
        self.clocks = ReplicaTimeShelf(replica)
        self._scope: tuple[tuple[bytes, int, int], frozenset[bytes]] | None = None
        self._interest: Interest | None = None
        # Streams that came into the peer's scope since it was first asked for; not offered yet.
        self._came: frozenset[bytes] = frozenset()

    @property
    def site(self) -> bytes:
        """The site's public key."""
        return self._replica.site

    @property
    def author(self) -> bytes:
        """The replica's public key."""
        return self._replica.author

    @property
    def generation(self) -> bytes:
        """Eight bytes of this store."""
        return self._replica.generation

    def position(self) -> int:
        """The store's position."""
        return self._replica.position()

    def own_certificates(self) -> tuple[bytes, ...]:
        """The replica's certificate that lasts the longest, and those of its issuers."""
        return tuple(c.to_bytes() for c in shown_certificates(self._replica))

    def sign(self, data: bytes) -> bytes:
        """A signature by the replica's key."""
        return self._replica.identity.key.sign(data)

    def seal(self, leaves: tuple[bytes, ...]) -> Seal:
        """A seal over leaves of own logs."""
        identity = self._replica.identity
        number = self._replica.store.get("mine", 0)
        return make_seal(self.site, identity.author, identity.key, number, leaves)

    def admit(self, certificates: tuple[bytes, ...], *, by_hand: bool = False) -> Certificate:
        """Check a peer's certificates and take them up.

        Raises:
            LogError: none, not of this site, revoked, or past `session_until` in a session.
        """
        if not certificates:
            raise SessionRefused(told.NO_CERTIFICATE)
        own, *issuers = [read_certificate(data) for data in certificates]
        hubs = [*issuers, *self._replica.certificates_of(Role.HUB)]
        check_certificate(own, self.site, hubs)
        revoked = revoked_keys(self._db)
        if own.author in revoked:
            raise Revoked(told.WAS_REVOKED)
        if not counts(own, revoked, stands=is_kept(self._db, own)):
            raise EnrolAgain(told.HUB_SHUT_OUT)
        now_ms = self._replica.now_ms()
        if own.role == Role.HUB:
            # A wrong time that was told must not shut a hub out: nobody else puts it right.
            now_ms = min(now_ms, self._replica.clock.now_ms())
        if not by_hand and own.session_until < now_ms:
            raise EnrolAgain(told.RUN_OUT)
        for issuer in issuers:
            check_certificate(issuer, self.site, hubs)
            self._replica.adopt_certificate(issuer)
        self._replica.adopt_certificate(own)
        return own

    # --- what is shared

    @property
    def is_hub(self) -> bool:
        """Whether this replica is a hub."""
        return self._replica.identity.own.role == Role.HUB

    def shared(self, peer: Certificate) -> frozenset[bytes]:
        """Streams that both sides should hold."""
        if self.is_hub or peer.role != Role.HUB:
            now_ms = self._replica.now_ms()
            # A session asks several times for each commit; the minute is for what time closes.
            asked = (peer.author, self.position(), now_ms // 60_000)
            if self._scope is None or self._scope[0] != asked:
                scope = self._without_erased(scope_of(self._db, peer, now_ms))
                if self._scope is not None and peer.role != Role.HUB:
                    self._came = (self._came | (scope - self._scope[1])) & scope
                self._scope = (asked, scope)
            return self._scope[1]
        rows = self._db.execute("SELECT stream FROM stream WHERE left_at IS NULL")
        return frozenset(row[0] for row in rows)

    def interest(self, peer: Certificate) -> Interest | None:
        """Which commits may be news for a peer, told without a look at the store; None: every one.

        A hub has a session with each phone, and most commits are for one of them.
        """
        if peer.role == Role.HUB or self._scope is None:
            return None
        holds = self._scope[1]
        if self._interest is None or self._interest.holds is not holds:
            subject = peer.subject
            self._interest = Interest(frozenset({subject, derived_unique(subject)}), holds)
        return self._interest

    def compared(self, peer: Certificate, shared: frozenset[bytes]) -> frozenset[bytes]:
        """Of what two phones share the open jobs of both workers; else all of it.

        A job that was handed on is the colleague's alone: it is sent, and held alike by nobody.
        """
        if self.is_hub or peer.role == Role.HUB:
            return shared
        own = self._replica.identity.own
        return shared & common_of(self._db, own, peer)

    def _without_erased(self, scope: frozenset[bytes]) -> frozenset[bytes]:
        """A customer that was erased, say, is still named by its jobs."""
        erased = self._replica.erased
        return frozenset(each for each in scope if not erased.covers(each)) if erased else scope

    def digest(self, streams: Iterable[bytes]) -> tuple[bytes, int]:
        """Digest and count of those of `streams` that are held."""
        leaves = [leaf for _, leaf in self.leaves(streams)]
        return digest_of(leaves), len(leaves)

    def leaves(self, streams: Iterable[bytes]) -> list[tuple[bytes, bytes]]:
        """Those of `streams` that are held, with their leaves."""
        wanted = streams if isinstance(streams, (set, frozenset)) else set(streams)
        if len(wanted) <= STREAMS_FEW:
            asked = "SELECT stream, leaf FROM stream WHERE stream IN (:ids) AND left_at IS NULL"
            return list(rows_of(self._db, asked, wanted))
        rows = self._db.execute("SELECT stream, leaf FROM stream WHERE left_at IS NULL")
        return [(stream, leaf) for stream, leaf in rows if stream in wanted]

    # --- marks and reach

    def meet(self, peer: Certificate, generation: bytes) -> tuple[bytes, int]:
        """The mark kept of a peer; with the peer's generation, what was of another store goes.

        So does what a hub said of files under all keys that it had before.
        """
        # Whatever type a flipped bit gave them: what can't be true is as if they had never met,
        # which costs a comparison. Sent as it stands it would end every session from now on.
        row = self._db.execute(
            "SELECT CAST(generation AS BLOB), CAST(mark AS INTEGER) FROM peer WHERE peer = ?",
            (peer.author,),
        ).fetchone()
        kept: tuple[bytes, int] = (b"", 0) if row is None else (row[0], row[1])
        if len(kept[0]) != GENERATION_BYTES or kept[1] < 0:
            kept = (b"", 0)
        if not generation or kept[0] == generation:
            return kept
        fallen = self._db.execute(
            "SELECT DISTINCT stream FROM reach WHERE peer = ?", (peer.author,)
        ).fetchall()
        with self._replica.store.transaction() as db:
            db.execute("DELETE FROM reach WHERE peer = ?", (peer.author,))
            db.execute("DELETE FROM peer_stream WHERE peer = ?", (peer.author,))
            db.execute(
                "DELETE FROM file_held WHERE peer = (SELECT number FROM author WHERE author = ?)",
                (peer.author,),
            )
            if peer.role == Role.HUB:
                # A hub that was restored has a new key; what it said of files under an earlier one
                # it said of a store that is gone, and bytes are deleted on that word.
                db.execute(
                    "DELETE FROM file_held WHERE peer IN (SELECT number FROM author "
                    "JOIN certificate USING (author) WHERE role = ? AND subject = ?)",
                    (int(Role.HUB), peer.subject),
                )
            db.execute(
                "INSERT INTO peer VALUES (?, ?, 0, ?) ON CONFLICT (peer) DO UPDATE SET "
                "generation = excluded.generation, mark = 0",
                (peer.author, generation, self._replica.clock.now_ms()),
            )
        self._tell_reach(peer, [row[0] for row in fallen])
        return generation, 0

    def unconfirmed(self, peer: Certificate, streams: frozenset[bytes], since: int) -> list[Log]:
        """Logs that the peer has not confirmed, of streams it holds and changed since, or new.

        To a hub the own logs of streams that left are offered too: a hub that was restored, or was
        never met before, may lack what another had confirmed. And all of what came back into the
        peer's scope: a colleague keeps it meanwhile, and what changed then was not for it.
        """
        held = {
            row[0]
            for row in self._db.execute(
                "SELECT stream FROM peer_stream WHERE peer = ?", (peer.author,)
            )
        }
        found: dict[Log, tuple[int, int]] = {}

        def find(rows: Iterable[Any]) -> None:
            for row in rows:
                found[(row[0], row[1], row[2])] = (row[3], row[4] or 0)

        changed = f"{_LACKING} AND log.changed > ?"
        if len(streams) <= STREAMS_FEW:
            # Of a phone's few: all that changed at a hub since its session last looked is far more.
            by_stream = f"{changed} AND log.stream IN (:ids)"
            find(rows_of(self._db, by_stream, streams, peer.author, since))
        else:
            find(self._db.execute(changed, (peer.author, since)))
            found = {log: place for log, place in found.items() if log[0] in streams}
        new = f"{_LACKING} AND log.stream IN (:ids)"
        find(rows_of(self._db, new, (streams - held) | (streams & self._came), peer.author))
        self._came -= streams
        if peer.role == Role.HUB and not self.is_hub:
            of_left = "SELECT stream FROM stream WHERE left_at NOTNULL"
            own = f"{_LACKING} AND log.author = ? AND log.stream IN ({of_left})"
            find(self._db.execute(own, (peer.author, self.author)))
        return sorted(found, key=lambda log: self._place_in_order(log, *found[log]))

    def _place_in_order(self, log: Log, base: int, seal: int) -> tuple[Any, ...]:
        """Where a log stands among those that are sent.

        The site's certificates go before what they certify, then what this replica wrote, by kind.
        Other authors' logs go author by author and seal by seal, so that a seal meets in one frame
        the logs that it covers. A fork's branch follows the log that it grew from.
        """
        stream, author, branch = log
        if stream == SITE_STREAM:
            return 0, base, log
        if branch:
            return 3, base, log
        if author == self.author:
            return 1, _RANK.get(stream[4], 9), log
        return 2, author, seal, log

    def vouches(self, stream: bytes) -> bool:
        """Whether it is the site's own stream, where certificates stand."""
        return stream == SITE_STREAM

    def _reach(self, peer: Certificate, row: logs.LogRow) -> int:
        found = self._db.execute(
            "SELECT height FROM confirmed WHERE log = ? AND peer = "
            "(SELECT number FROM author WHERE author = ?)",
            (row.log, peer.author),
        ).fetchone()
        return 0 if found is None else int(found[0])

    def slice(self, peer: Certificate, log: Log, sent: int) -> Slice | None:
        """What lies beyond the confirmed and the sent height of a log."""
        row = logs.log_row(self._db, log[0], (log[1], log[2]))
        if row is None:
            return None
        above = max(self._reach(peer, row), sent, row.base)
        entries = logs.entries_after(self._db, row, above)
        if not entries:
            return None
        seal = None
        if row.author != self.author and row.seal is not None:
            seal = logs.seal_at(self._db, row.seal)
        previous = b""
        if row.branch or self._branches(row):
            previous = logs.hash_at(self._db, row, above)[:8]
        return Slice(row.stream, row.author, row.branch, above + 1, entries, seal, previous)

    def _branches(self, row: logs.LogRow) -> bool:
        (count,) = self._db.execute(
            "SELECT count(*) FROM log WHERE stream = ? AND author = ?", (row.stream, row.author)
        ).fetchone()
        return bool(count > 1)

    def take(self, peer: Certificate, runs: Runs) -> tuple[tuple[int, str, str], ...]:
        """Store what a frame brings, and how far it goes, in one transaction."""
        with self._replica.store.transaction() as db:
            refused: tuple[tuple[int, str, str], ...] = ()
            if runs.runs:
                intake = take_runs(self._replica, peer, runs)
                self._keep_reach(peer, intake.held)
                refused = tuple(intake.refused)
            if runs.position is not None and not refused:
                db.execute(
                    "UPDATE peer SET mark = ?, met_at = ? WHERE peer = ?",
                    (runs.position, self._replica.clock.now_ms(), peer.author),
                )
        return refused

    def confirmed(self, peer: Certificate, reached: Iterable[Reached]) -> None:
        """Keep what an ack proves."""
        self._keep_reach(peer, [(r.stream, r.author, r.branch, r.height) for r in reached])

    def _keep_reach(
        self, peer: Certificate, held: Iterable[tuple[bytes, bytes, bytes, int]]
    ) -> None:
        erased = self._replica.erased
        rows = [row for row in held if not erased.covers(row[0])]
        if not rows:
            return
        with self._replica.store.transaction() as db:
            number = logs.author_number(db, peer.author)
            whole = [(number, row[3], row[0], row[1]) for row in rows if not row[2]]
            db.executemany(_RAISE_REACH, whole)
            for stream, author, branch, height in rows:
                if branch:
                    self._raise_reach(peer, stream, (author, branch), height)
            db.executemany(
                "INSERT OR IGNORE INTO peer_held VALUES (?, ?)",
                [(number, stream) for stream in {row[0] for row in rows}],
            )
        self._replica.mark_reach({row[0] for row in rows})

    def _raise_reach(
        self, peer: Certificate, stream: bytes, key: tuple[bytes, bytes], height: int
    ) -> None:
        """The peer holds a log up to `height`, and so all that it branched from."""
        number = logs.author_number(self._db, peer.author)
        row = logs.log_row(self._db, stream, key)
        while row is not None:
            self._db.execute(
                "INSERT INTO confirmed VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET "
                "height = max(height, excluded.height)",
                (row.log, number, min(height, row.height)),
            )
            parents = logs.place_of(self._db, stream, row.author, row.base, row.base_hash)
            height = row.base
            row = parents[0][0] if parents and row.branch and row.base else None

    # --- repair

    def heads_of(self, streams: Iterable[bytes]) -> list[StreamHeads]:
        """What is held of these streams."""
        held = {stream for stream, _ in self.leaves(streams)}
        return [
            StreamHeads(
                stream,
                tuple(
                    (row.author, row.branch, row.height, row.head[:8])
                    for row in logs.log_rows(self._db, stream)
                    if row.height > row.base
                ),
            )
            for stream in sorted(held)
        ]

    def holds_all(self, peer: Certificate, streams: frozenset[bytes], position: int) -> None:
        """The digests agreed: the peer holds what was held here of `streams` at `position`."""
        held = "log.changed <= ? AND log.height > log.base AND log.stream IN (:ids)"
        found = rows_of(self._db, f"{_LACKING} AND {held}", streams, peer.author, position)
        self._keep_reach(peer, [(row[0], row[1], row[2], row[5]) for row in found])

    def peer_lacks(self, peer: Certificate, streams: Iterable[bytes]) -> None:
        """Take back what was kept of streams that a peer does not hold after all."""
        lacking = tuple(streams)
        with self._replica.store.transaction():
            for stream in lacking:
                self._forget_held(peer, stream)
        self._tell_reach(peer, lacking)

    def _tell_reach(self, peer: Certificate, streams: Iterable[bytes]) -> None:
        """Let screens look anew at what a phone holds of streams: reach can fall, too."""
        if peer.role != Role.HUB:
            self._replica.mark_reach(streams)

    def _forget_held(self, peer: Certificate, stream: bytes) -> None:
        row = (peer.author, stream)
        self._db.execute("DELETE FROM reach WHERE peer = ? AND stream = ?", row)
        self._db.execute("DELETE FROM peer_stream WHERE peer = ? AND stream = ?", row)

    def peer_holds(self, peer: Certificate, heads: Iterable[StreamHeads]) -> None:
        """Keep what a peer says it holds; what is not known here changes nothing."""
        told = tuple(heads)
        with self._replica.store.transaction() as db:
            db.executemany(
                "DELETE FROM reach WHERE stream = ? AND peer = ?",
                [(held.stream, peer.author) for held in told],
            )
            self.peer_held(peer, told)

    def peer_held(self, peer: Certificate, heads: Iterable[StreamHeads]) -> None:
        """Keep what a peer held at some time, besides what it is known to hold since."""
        told = tuple(heads)
        with self._replica.store.transaction() as db:
            for held in told:
                known = db.execute("SELECT 1 FROM stream WHERE stream = ?", (held.stream,))
                if known.fetchone() is None:
                    continue
                for author, _, height, short in held.heads:
                    for row, _ in logs.place_of(db, held.stream, author, height, short):
                        key = (row.author, row.branch)
                        self._raise_reach(peer, held.stream, key, height)
                db.execute(
                    "INSERT OR IGNORE INTO peer_held VALUES (?, ?)",
                    (logs.author_number(db, peer.author), held.stream),
                )
        self._tell_reach(peer, [held.stream for held in told])

    # --- leaving

    def leaving(self, peer: Certificate) -> tuple[bytes, ...]:
        """Streams that the peer holds and that are out of its scope; only a hub says so."""
        if not self.is_hub or peer.role == Role.HUB:
            return ()
        scope = self.shared(peer)
        # A stream that only the peer holds yet is none of another scope: nothing is known of it.
        rows = self._db.execute(
            "SELECT stream FROM peer_stream JOIN stream USING (stream) WHERE peer = ?",
            (peer.author,),
        )
        return tuple(sorted(row[0] for row in rows if row[0] not in scope))

    def has_left(self, peer: Certificate, streams: tuple[bytes, ...]) -> None:
        """The peer has dropped these streams.

        It keeps its own log there, yet nothing is compared any more that would show that a copy of
        the peer came back without it; so that counts as not reached either.
        """
        self.peer_lacks(peer, streams)

    def dropped(self, peer: Certificate) -> tuple[bytes, ...]:
        """Streams that were dropped since the peer last heard of it, in order."""
        rows = self._db.execute(
            "SELECT stream FROM dropped WHERE peer = ? ORDER BY stream", (peer.author,)
        )
        return tuple(row[0] for row in rows)

    def has_heard(self, peer: Certificate, streams: tuple[bytes, ...]) -> None:
        """The peer knows that these streams were dropped."""
        if streams:
            with self._replica.store.transaction() as db:
                db.executemany(
                    "DELETE FROM dropped WHERE peer = ? AND stream = ?",
                    [(peer.author, stream) for stream in streams],
                )

    def drop(self, streams: tuple[bytes, ...]) -> None:
        """Drop streams that went out of scope, but for the replica's own logs in them."""
        self._replica.drop_streams(streams)
        self.files.let_go()
