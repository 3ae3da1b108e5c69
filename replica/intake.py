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
from core.dispatch.fields import CERTIFICATE
from core.log.certificate import Certificate, check_certificate, read_certificate
from core.log.chain import chain_next, chain_start, seal_leaf
from core.log.entry import Cursor, decode, format_of
from core.log.errors import Erased, Gap, LogError, OverLimit, Unauthentic, Uncertified
from core.log.limits import ENTRY_BYTES_MAX, STAGED_BYTES_MAX
from core.log.messages import Run, Runs
from core.log.seal import Seal, check_seal
from core.log.stream import Stored
from replica import logs
from replica.replica import Replica, Touched

Refused = tuple[int, str, str]

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
        for run in [run for run in joined if run.stream != SITE_STREAM]:
            _store(replica, run, touched, intake)
        _bound_staged(replica)
        for index, name, words in intake.refused:
            stream = runs.runs[index].stream
            replica.store.db.execute(
                "INSERT INTO refused VALUES (NULL, ?, ?, ?, ?)",
                (replica.clock.now_ms(), peer.author, stream, f"{name}: {words}"),
            )
        replica.finish(touched)
    replica.mark_changed(touched.streams | site.streams)
    return intake


def _author_of(runs: Runs, peer: Certificate, index: int) -> bytes:
    return peer.author if index == 0 else runs.authors[index - 1]


def _join_all(replica: Replica, peer: Certificate, runs: Runs, intake: Intake) -> list[Joined]:
    """Runs that join what is held, staged or came earlier in the frame."""
    joined: list[Joined] = []
    ends: dict[tuple[bytes, bytes, int], list[bytes]] = {}
    for index, run in enumerate(runs.runs):
        author = _author_of(runs, peer, run.author)
        try:
            if replica.erased.covers(run.stream):
                raise Erased(ERASED_WORDS)
            previous = _previous(replica, run, author, ends)
            entries = _walk(run, author, previous)
        except LogError as error:
            intake.refused.append((index, error.name, str(error)))
            continue
        last = entries[-1]
        ends.setdefault((run.stream, author, last.seq), []).append(last.hash)
        joined.append(Joined(index, run.stream, author, entries))
    return joined


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
    for wire in runs.seals:
        author = _author_of(runs, peer, wire.author)
        leaves: list[bytes] = []
        covered: list[Joined] = []
        whole = True
        own = [index for index, run in enumerate(runs.runs) if run.author == 0]
        for leaf in wire.leaves or own:
            if isinstance(leaf, bytes):
                leaves.append(leaf)
                continue
            run = by_index.get(leaf)
            if run is None or run.author != author or not run.entries:
                # The run that this leaf stands for was refused, here or under another seal.
                whole = False
                continue
            covered.append(run)
            leaves.append(seal_leaf(run.stream, run.entries[-1].seq, run.entries[-1].hash))
        if not whole:
            # Without that hash the seal proves nothing of the others either.
            for run in covered:
                words = "the seal covers another run too, which was refused; send both again"
                intake.refused.append((run.index, Unauthentic.name, words))
                run.entries = []
            continue
        seal = Seal(author, wire.number, tuple(leaves), wire.signature)
        try:
            check_seal(replica.site, seal)
        except LogError as error:
            for run in covered:
                intake.refused.append((run.index, error.name, str(error)))
                run.entries = []
            continue
        for run in covered:
            run.seal = seal


def _store(replica: Replica, run: Joined, touched: Touched, intake: Intake) -> None:
    if not run.entries:
        return
    db, stream = replica.store.db, run.stream
    if replica.erased.covers(stream):
        # What the same frame brought of the site stream says so.
        intake.refused.append((run.index, Erased.name, ERASED_WORDS))
        return
    if run.author == replica.author and run.seal is None:
        run.entries = [s for s in run.entries if not _held(replica, s.hash)]
        if not run.entries:
            return
    if replica.standing(run.author).role == 0 and not _certified_by(replica, run):
        words = "the author has no certificate of this site; the site stream must come first"
        intake.refused.append((run.index, Uncertified.name, words))
        return
    if run.seal is None:
        logs.stage(db, stream, [s for s in run.entries if not _held(replica, s.hash)])
        intake.may_be_staged = True
        return
    chain = _with_staged(replica, run)
    if chain is None:
        intake.refused.append((run.index, Gap.name, "the run joins nothing that is held"))
        return
    new = replica.add_chain(stream, chain)
    if intake.may_be_staged:
        logs.unstage(db, stream, chain)
    last = chain[-1]
    for row, _ in logs.place_of(db, stream, run.author, last.seq, last.hash):
        if row.head == last.hash:
            logs.cover(db, row, _keep_seal(replica, run.seal))
        intake.held.append((stream, run.author, row.branch, last.seq))
    if new:
        touched.streams.add(stream)


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
    """Forget all that is staged where it grew too much; its senders still have it."""
    db = replica.store.db
    (size,) = db.execute("SELECT coalesce(sum(length(body)), 0) FROM staged").fetchone()
    if size > STAGED_BYTES_MAX:
        db.execute("DELETE FROM staged")


def _held(replica: Replica, entry_hash: bytes) -> bool:
    row = replica.store.db.execute("SELECT 1 FROM entry WHERE hash = ?", (entry_hash,))
    return row.fetchone() is not None


def _with_staged(replica: Replica, run: Joined) -> list[Stored] | None:
    """The run's entries and the staged ones before them, back to what is held."""
    db = replica.store.db
    chain = list(run.entries)
    while chain[0].seq > 1 and not _held(replica, chain[0].previous):
        before = logs.staged_entry(db, run.stream, run.author, chain[0].seq - 1, chain[0].previous)
        if not before:
            return None
        chain.insert(0, before[0])
    return chain


def _certified_by(replica: Replica, run: Joined) -> bool:
    """Whether a run of the site stream itself brings its author's certificate (a new hub's)."""
    if run.stream != SITE_STREAM:
        return False
    cursor = Cursor.at_start(run.stream)
    for stored in run.entries:
        try:
            if format_of(stored.body) != 1:
                return False
            entry = decode(stored.body, cursor, stored.hash)
        except LogError:
            return False
        for path, value in entry.changes:
            if path[0] == CERTIFICATE and path[1] == run.author and isinstance(value, bytes):
                try:
                    certificate = read_certificate(value)
                    check_certificate(certificate, replica.site, ())
                except LogError:
                    return False
                replica.adopt_certificate(certificate)
                return True
    return False
