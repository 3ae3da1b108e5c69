"""Taking in a frame of entries that a peer sent.

Each run must join what is held, and end under (or before) a head that a valid seal of its author
covers; until then its entries are staged. What is refused is refused by name, kept in a list for
people, and leaves everything else of the frame untouched. Holds no conversation.
Invariant: what is stored is authentic, and of an author whom the site certified.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from core.dispatch.acts import SITE_STREAM
from core.dispatch.fields import CERTIFICATE, Role
from core.log.certificate import Certificate, check_certificate, read_certificate
from core.log.chain import chain_next, chain_start, seal_leaf
from core.log.entry import Cursor, decode, format_of
from core.log.errors import Erased, Foreign, Gap, LogError, OverLimit, Unauthentic, Uncertified
from core.log.limits import (
    ENTRY_BYTES_MAX,
    LOG_ENTRIES_MAX,
    REFUSED_KEPT_MAX,
    SEAL_LEAVES_MAX,
    STAGED_BYTES_AUTHOR_MAX,
    STAGED_BYTES_MAX,
    STAGED_ROW_BYTES,
)
from core.log.messages import Run, Runs, WireLeaf
from core.log.seal import Seal, check_seal
from core.log.stream import Stored
from replica import logs
from replica.cuts import write_cuts
from replica.replica import Replica, Touched
from replica.scope import may_come

Refused = tuple[int, str, str]

UNKNOWN = "the author has no certificate of this site; the site stream must come first"
FOREIGN = "a colleague's phone brings jobs and what is this worker's own, nothing else"
ERASED_WORDS = "the site has erased this; nobody takes it in again"

# Seals whose rows are remembered, some 3 kB each at most; one that was forgotten is kept twice.
SEALS_KNOWN_MAX = 2_048


@dataclass(slots=True)
class Joined:
    """A run whose place in its log is known: its entries with their chain hashes."""

    index: int
    stream: bytes
    author: bytes
    entries: list[Stored]
    seal: Seal | None = None


@dataclass(slots=True)
class Intake:
    """What a frame became: refused runs, and the logs that the peer thereby holds."""

    refused: list[Refused] = field(default_factory=list)
    held: list[tuple[bytes, bytes, bytes, int]] = field(default_factory=list)
    may_be_staged: bool = True
    # Rows of seals that are there, and of those that some log needed until this frame.
    seals: dict[Seal, int] = field(default_factory=dict)
    replaced: set[int] = field(default_factory=set)


def take_runs(replica: Replica, peer: Certificate, runs: Runs) -> Intake:
    """Store what `runs` brings, in one transaction.

    Raises:
        StoreError: the disk refused; nothing was stored.
    """
    intake = Intake()
    touched = Touched()
    with replica.store.transaction():
        intake.may_be_staged = logs.any_staged(replica.store.db)
        joined = _join_all(replica, peer, runs, intake)
        _seal_all(replica, peer, runs, joined, intake)
        # The site's certificates are taken up before what they certify.
        site = Touched()
        for run in [run for run in joined if run.stream == SITE_STREAM]:
            _store(replica, run, site, intake)
        replica.finish(site)
        # Before anything else comes in: a cut says what was held when the revocation was learnt.
        write_cuts(replica, replica.newly_revoked)
        replica.newly_revoked.clear()
        # What the site has erased is purged by now, with the seals that nothing else needed.
        intake.seals.clear()
        for run in [run for run in joined if run.stream != SITE_STREAM]:
            _store(replica, run, touched, intake)
        logs.drop_seals(replica.store.db, sorted(intake.replaced))
        _bound_staged(replica)
        _keep_refused(replica, peer, runs, intake)
        replica.finish(touched)
    replica.mark_changed(touched.streams | site.streams)
    return intake


def _author_of(runs: Runs, peer: Certificate, index: int) -> bytes:
    return peer.author if index == 0 else runs.authors[index - 1]


def _join_all(replica: Replica, peer: Certificate, runs: Runs, intake: Intake) -> list[Joined]:
    """Runs that join what is held, staged or came earlier in the frame."""
    joined: list[Joined] = []
    ends: dict[tuple[bytes, bytes, int], list[bytes]] = {}
    are_phones = Role.HUB not in (peer.role, replica.identity.own.role)
    brings_site = any(run.stream == SITE_STREAM for run in runs.runs)
    for index, run in enumerate(runs.runs):
        author = _author_of(runs, peer, run.author)
        try:
            if replica.erased.covers(run.stream):
                raise Erased(ERASED_WORDS)
            if are_phones and not may_come(run.stream, replica.subject):
                raise Foreign(FOREIGN)
            if not brings_site and replica.standing(author).role == 0:
                # Before it costs a signature: nothing in this frame can certify it.
                raise Uncertified(UNKNOWN)
            if peer.role != Role.HUB:
                _see_quotas(replica, peer, run, author)
            if run.first + len(run.bodies) - 1 > LOG_ENTRIES_MAX:
                raise OverLimit(f"a log has at most {LOG_ENTRIES_MAX:,} entries")
            previous = _previous(replica, run, author, ends)
            entries = _walk(run, author, previous)
        except LogError as error:
            intake.refused.append((index, error.name, str(error)))
            continue
        last = entries[-1]
        ends.setdefault((run.stream, author, last.seq), []).append(last.hash)
        joined.append(Joined(index, run.stream, author, entries))
    return joined


def _see_quotas(replica: Replica, peer: Certificate, run: Run, author: bytes) -> None:
    """Charge the peer, and see that the author has not brought too much. Raises OverLimit."""
    size, uptime_ms = sum(map(len, run.bodies)), replica.clock.uptime_ms()
    peers, authors = replica.quotas.peers, replica.quotas.authors
    peers.see(peer.author, len(run.bodies), size, uptime_ms)
    peers.charge(peer.author, len(run.bodies), size, uptime_ms)
    if replica.standing(author).role != Role.HUB:
        authors.see(author, len(run.bodies), size, uptime_ms)


def _previous(
    replica: Replica, run: Run, author: bytes, ends: dict[tuple[bytes, bytes, int], list[bytes]]
) -> bytes:
    """The full chain hash before the run's first entry."""
    if run.first == 1:
        return chain_start(replica.site, run.stream, author)
    db, seq = replica.store.db, run.first - 1
    found = {h for _, h in logs.place_of(db, run.stream, author, seq, run.previous)}
    found |= {h for h in ends.get((run.stream, author, seq), ()) if h.startswith(run.previous)}
    if not found:
        # Only then: what is staged is not authentic yet, and must not put what is in doubt.
        found = {s.hash for s in logs.staged_entry(db, run.stream, author, seq, run.previous)}
    if len(found) != 1:
        raise Gap(f"the run begins at {run.first}; send it from further back")
    return found.pop()


def _walk(run: Run, author: bytes, previous: bytes) -> list[Stored]:
    entries = []
    for seq, body in enumerate(run.bodies, run.first):
        if len(body) > ENTRY_BYTES_MAX:
            raise OverLimit(f"an entry of {len(body)} bytes is over {ENTRY_BYTES_MAX}")
        entry_hash = chain_next(previous, body)
        entries.append(Stored(author, seq, previous, entry_hash, body))
        previous = entry_hash
    return entries


def _seal_all(
    replica: Replica, peer: Certificate, runs: Runs, joined: Sequence[Joined], intake: Intake
) -> None:
    """Check each seal and let it cover the runs whose ends are among its leaves."""
    by_index = {run.index: run for run in joined}
    own = [index for index, run in enumerate(runs.runs) if run.author == 0]
    for wire in runs.seals:
        author = _author_of(runs, peer, wire.author)
        named = wire.leaves
        if not named:
            named, own = tuple(own[:SEAL_LEAVES_MAX]), own[SEAL_LEAVES_MAX:]
        leaves = [_leaf(by_index, author, leaf) for leaf in named]
        # By index: a seal may name a run twice, which then is refused once.
        covered = {
            place: by_index[place]
            for place, leaf in zip(named, leaves, strict=True)
            if isinstance(place, int) and leaf is not None
        }
        whole = tuple(leaf for leaf in leaves if leaf is not None)
        if len(whole) < len(named):
            # Without that hash the seal proves nothing of the others either.
            words = "the seal covers another run too, which was refused; send both again"
            _refuse(covered, Unauthentic.name, words, intake)
            continue
        seal = Seal(author, wire.number, whole, wire.signature)
        try:
            check_seal(replica.site, seal)
        except LogError as error:
            _refuse(covered, error.name, str(error), intake)
            continue
        for run in covered.values():
            run.seal = seal


def _leaf(by_index: dict[int, Joined], author: bytes, leaf: WireLeaf) -> bytes | None:
    """The hash of a leaf, None where its run was refused, here or under another seal."""
    if isinstance(leaf, bytes):
        return leaf
    run = by_index.get(leaf if isinstance(leaf, int) else leaf[0])
    if run is None or run.author != author or not run.entries:
        return None
    end = run.entries[-1] if isinstance(leaf, int) else run.entries[leaf[1] - run.entries[0].seq]
    return seal_leaf(run.stream, end.seq, end.hash)


def _refuse(covered: dict[int, Joined], name: str, words: str, intake: Intake) -> None:
    for run in covered.values():
        intake.refused.append((run.index, name, words))
        run.entries = []


def _store(replica: Replica, run: Joined, touched: Touched, intake: Intake) -> None:
    if not run.entries:
        return
    db, stream = replica.store.db, run.stream
    if replica.erased.covers(stream):
        # What the same frame brought of the site stream says so.
        intake.refused.append((run.index, Erased.name, ERASED_WORDS))
        return
    if run.author == replica.author and run.seal is None:
        run.entries = _not_held(replica, run)
        if not run.entries:
            return
    if replica.standing(run.author).role == 0:
        if not _certified_by(replica, run):
            intake.refused.append((run.index, Uncertified.name, UNKNOWN))
            return
        # What a new certificate lets count may have purged streams, with seals.
        intake.seals.clear()
    if run.seal is None:
        logs.stage(db, stream, _not_held(replica, run))
        intake.may_be_staged = True
        return
    row = logs.log_to_grow(db, stream, run.entries[0], replica.position() + 1)
    chain = run.entries if row is not None else _with_staged(replica, run)
    if chain is None:
        intake.refused.append((run.index, Gap.name, "the run joins nothing that is held"))
        return
    new = replica.add_chain(stream, chain, row)
    if new:
        size, uptime_ms = sum(len(s.body) for s in chain), replica.clock.uptime_ms()
        replica.quotas.authors.charge(run.author, len(chain), size, uptime_ms)
    if intake.may_be_staged:
        logs.unstage(db, stream, chain)
    last = chain[-1]
    if row is not None:
        _cover(replica, row, run.seal, intake)
        intake.held.append((stream, run.author, row.branch, last.seq))
    else:
        for each, _ in logs.place_of(db, stream, run.author, last.seq, last.hash):
            if each.head == last.hash:
                _cover(replica, each, run.seal, intake)
            intake.held.append((stream, run.author, each.branch, last.seq))
    if new:
        touched.streams.add(stream)


def _cover(replica: Replica, row: logs.LogRow, seal: Seal, intake: Intake) -> None:
    """Let a seal cover a log's head; the one it had goes at the end, where no log needs it."""
    number = intake.seals.get(seal)
    if number is None:
        number = intake.seals[seal] = _keep_seal(replica, seal)
    logs.set_seal(replica.store.db, row, number)
    if row.seal is not None and row.seal != number:
        intake.replaced.add(row.seal)


def _keep_seal(replica: Replica, seal: Seal) -> int:
    """The row of a seal: one for all logs that it covers, also where they come in other frames."""
    number = replica.seal_rows.get(seal)
    if number is None or not logs.has_seal(replica.store.db, number, seal):
        number = logs.add_seal(replica.store.db, seal)
        if len(replica.seal_rows) >= SEALS_KNOWN_MAX:
            replica.seal_rows.clear()
        replica.seal_rows[seal] = number
    return number


def _bound_staged(replica: Replica) -> None:
    """Forget what is staged of the authors of whom it grew too much; its senders still have it."""
    db = replica.store.db
    sizes = "SELECT author, sum(length(body) + ?) AS size FROM staged GROUP BY author ORDER BY size"
    left = 0
    for author, size in db.execute(sizes, (STAGED_ROW_BYTES,)).fetchall():
        # From the least on, so that all together it is the greatest who go.
        left += size
        if size > STAGED_BYTES_AUTHOR_MAX or left > STAGED_BYTES_MAX:
            db.execute("DELETE FROM staged WHERE author = ?", (author,))


def _keep_refused(replica: Replica, peer: Certificate, runs: Runs, intake: Intake) -> None:
    """Keep for people what was refused, the newest of it."""
    if not intake.refused:
        return
    db, now_ms = replica.store.db, replica.clock.now_ms()
    db.executemany(
        "INSERT INTO refused VALUES (NULL, ?, ?, ?, ?)",
        [
            (now_ms, peer.author, runs.runs[index].stream, f"{name}: {words}")
            for index, name, words in intake.refused
        ],
    )
    db.execute(
        "DELETE FROM refused WHERE number <= (SELECT max(number) FROM refused) - ?",
        (REFUSED_KEPT_MAX,),
    )


def _not_held(replica: Replica, run: Joined) -> list[Stored]:
    db = replica.store.db
    return [s for s in run.entries if not logs.holds(db, run.stream, s.author, s.seq, s.hash)]


def _with_staged(replica: Replica, run: Joined) -> list[Stored] | None:
    """The run's entries and the staged ones before them, back to what is held."""
    db = replica.store.db
    backwards = run.entries[::-1]
    while (last := backwards[-1]).seq > 1:
        place = (run.stream, run.author, last.seq - 1, last.previous)
        if logs.holds(db, *place):
            break
        before = logs.staged_entry(db, *place)
        if not before:
            return None
        backwards.append(before[0])
    return backwards[::-1]


def _certified_by(replica: Replica, run: Joined) -> bool:
    """Whether a run of the site stream itself brings its author's certificate (a new hub's)."""
    if run.stream != SITE_STREAM:
        return False
    cursors: dict[int, Cursor] = {}
    for stored in run.entries:
        try:
            version = format_of(stored.body)
            if version not in replica.reading.formats:
                continue
            cursor = cursors.setdefault(version, Cursor.at_start(run.stream))
            entry = decode(stored.body, cursor, stored.hash)
        except LogError:
            return False
        for path, value in entry.changes:
            # Any path and value can stand here: nobody has vouched for this author yet.
            if path[:2] == (CERTIFICATE, run.author) and isinstance(value, bytes):
                try:
                    certificate = read_certificate(value)
                    check_certificate(certificate, replica.site, ())
                except LogError:
                    return False
                if certificate.author != run.author:
                    return False
                replica.adopt_certificate(certificate)
                return True
    return False
