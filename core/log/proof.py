"""What a bundle proves: every hash, seal, certificate and witness of it, checked.

`prove` either finds that all of it holds and says what is in doubt nonetheless, or refuses it by
name. The rules stand in docs/formats/bundle.md. Does not know what an entry means, nor whether it
stands. Invariant: what it gives back was written by the authors it names, in that order.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from typing import NamedTuple

from core.log.bundle import Bundle, LogPart, StreamPart, WitnessPart, read
from core.log.canonical import unpack
from core.log.certificate import (
    HUB_ROLE,
    Certificate,
    Standing,
    check_certificate,
    read_certificate,
    standing_of,
)
from core.log.chain import SHORT_BYTES, chain_next, chain_start, seal_leaf
from core.log.entry import FORMAT, format_of
from core.log.errors import LogError, Malformed, Unauthentic, Uncertified, WrongSite
from core.log.seal import check_seal
from core.log.stream import Stored
from core.log.witness import Tip, check_witness, root_from, tips_leaf

# Where an entry of format 1 names heads that its author had seen, and those that its page showed.
_SEEN, _BASIS = 5, 6


class Kind(StrEnum):
    """What can be in doubt of a bundle that holds."""

    FORK = "fork"
    GAP = "gap"
    REVOKED = "revoked"
    UNREADABLE = "unreadable"
    UNWITNESSED = "unwitnessed"
    WAITING = "waiting"


class Doubt(NamedTuple):
    """Something that a reader should know: its kind, where, and a sentence."""

    kind: Kind
    stream: bytes
    words: str


@dataclass(frozen=True, slots=True)
class Seen:
    """A hub held exactly these tips of a stream at `at_ms` of its clock, and what led to them."""

    hub: bytes
    at_ms: int
    tips: tuple[Tip, ...]
    held: frozenset[bytes]


@dataclass(frozen=True, slots=True)
class ProvenStream:
    """One stream: its entries in the order of the bundle's logs, its tips, who witnessed when."""

    stream: bytes
    entries: tuple[Stored, ...]
    tips: tuple[Tip, ...]
    witnesses: tuple[Seen, ...]

    def known_by(self, entry_hash: bytes) -> Seen | None:
        """The first witness of an entry: the hub held it by then."""
        return next((seen for seen in self.witnesses if entry_hash in seen.held), None)


@dataclass(frozen=True, slots=True)
class Proven:
    """A bundle that holds: who wrote what, and what is in doubt."""

    bundle: Bundle
    certificates: Mapping[bytes, tuple[Certificate, ...]]
    standings: Mapping[bytes, Standing]
    streams: tuple[ProvenStream, ...]
    doubts: tuple[Doubt, ...]


def prove(data: bytes, site: bytes) -> Proven:
    """Check a bundle's bytes against the site's public key.

    Raises:
        Malformed, OverLimit: not a bundle, or not in its one form.
        Unauthentic: something in it was changed, left out or put elsewhere.
        Uncertified: somebody wrote, witnessed or exported whom the site did not certify so.
        WrongSite: it is of another site.
    """
    bundle = read(data)
    if bundle.site != site:
        raise WrongSite("the bundle is of another site than this key is")
    certificates = _check_certificates(bundle)
    revoked = frozenset(bundle.revoked)
    standings = {
        author: standing_of(found, author in revoked) for author, found in certificates.items()
    }
    walked = [_walk(site, part) for part in bundle.streams]
    ends = [_ends(part, runs) for part, runs in zip(bundle.streams, walked, strict=True)]
    _check_seals(bundle, ends)
    streams = []
    for part, runs, tips in zip(bundle.streams, walked, ends, strict=True):
        entries = tuple(stored for run in runs for stored in run)
        seen = tuple(_check_witness(bundle, part, w, runs, standings) for w in part.witnesses)
        streams.append(ProvenStream(part.stream, entries, tuple(tips), seen))
    doubts = [*_doubts_of_keys(bundle)]
    by_hub = standings[bundle.exporter].role == HUB_ROLE
    for part, proven in zip(bundle.streams, streams, strict=True):
        doubts += _doubts_of(part, proven, by_hub)
    return Proven(bundle, certificates, standings, tuple(streams), tuple(doubts))


# --- streams


def _walk(site: bytes, part: StreamPart) -> list[list[Stored]]:
    """The logs' entries with their hashes, each log from where it goes on."""
    ends: dict[bytes, tuple[bytes, int]] = {}
    runs: list[list[Stored]] = []
    for log in part.logs:
        previous, seq = log.before, 0
        if previous:
            author, seq = ends.get(previous, (b"", 0))
            if author != log.author:
                raise Malformed("a log goes on from where no log of its author ended before")
        else:
            previous = chain_start(site, part.stream, log.author)
        runs.append(_follow(log, previous, seq))
        last = runs[-1][-1]
        ends[last.hash] = (last.author, last.seq)
    order = [(run[0].author, run[0].seq, run[0].hash) for run in runs]
    if any(one >= other for one, other in pairwise(order)):
        raise Malformed("a stream's logs stand once, in order of author, place and hash")
    return runs


def _follow(log: LogPart, previous: bytes, seq: int) -> list[Stored]:
    run = []
    for body in log.bodies:
        seq += 1
        entry_hash = chain_next(previous, body)
        run.append(Stored(log.author, seq, previous, entry_hash, body))
        previous = entry_hash
    return run


def _ends(part: StreamPart, runs: Sequence[Sequence[Stored]]) -> list[Tip]:
    """The ends that no fork follows; they alone have a seal."""
    followers = Counter(run[0].previous for run in runs)
    tips = []
    for log, run in zip(part.logs, runs, strict=True):
        last = run[-1]
        forks = followers[last.hash]
        if forks == 1 or (forks and log.seal is not None):
            raise Malformed("a log that others go on from has no seal, and goes on as two at least")
        if not forks and log.seal is None:
            raise Unauthentic("a log ends without a seal: its end is missing")
        if not forks:
            tips.append(Tip(last.author, last.seq, last.hash))
    return tips


def _check_seals(bundle: Bundle, ends: Sequence[Sequence[Tip]]) -> None:
    """Each end is under a seal of its author, each seal over an end; first needed, first named."""
    needed = 0
    for part, tips in zip(bundle.streams, ends, strict=True):
        indexes = [log.seal for log in part.logs if log.seal is not None]
        for index, tip in zip(indexes, tips, strict=True):
            if index > needed or index >= len(bundle.seals):
                raise Malformed("a log names a seal that is not there, or out of turn")
            needed = max(needed, index + 1)
            seal = bundle.seals[index]
            if seal.author != tip.author:
                raise Unauthentic("a log ends under the seal of another author")
            if seal_leaf(part.stream, tip.seq, tip.hash) not in seal.leaves:
                raise Unauthentic("a log ends where its author's seal does not: it was changed")
    if needed != len(bundle.seals) or len(set(bundle.seals)) != needed:
        raise Malformed("a bundle holds each seal once, and none that no log needs")
    for seal in bundle.seals:
        check_seal(bundle.site, seal)


def _check_witness(
    bundle: Bundle,
    part: StreamPart,
    witness: WitnessPart,
    runs: Sequence[Sequence[Stored]],
    standings: Mapping[bytes, Standing],
) -> Seen:
    tips = []
    for log, seq in witness.tips:
        run = runs[log] if log < len(runs) else ()
        if not run or not run[0].seq <= seq <= run[-1].seq:
            raise Malformed("a hub witnessed an entry that is not in the bundle")
        stored = run[seq - run[0].seq]
        tips.append(Tip(stored.author, stored.seq, stored.hash))
    if standings[witness.hub].role != HUB_ROLE:
        raise Uncertified("somebody witnessed who is no hub of this site")
    root = root_from(tips_leaf(part.stream, tips), witness.path)
    check_witness(bundle.site, witness.hub, witness.at_ms, root, witness.signature)
    previous = {stored.hash: stored.previous for run in runs for stored in run}
    held: set[bytes] = set()
    for tip in tips:
        at = tip.hash
        while at in previous and at not in held:
            held.add(at)
            at = previous[at]
    return Seen(witness.hub, witness.at_ms, tuple(tips), frozenset(held))


# --- certificates


def _check_certificates(bundle: Bundle) -> dict[bytes, tuple[Certificate, ...]]:
    """The certificates by author; every key that counts has one, and there is none besides."""
    found = [read_certificate(data) for data in bundle.certificates]
    hubs = [certificate for certificate in found if certificate.role == HUB_ROLE]
    for certificate in found:
        check_certificate(certificate, bundle.site, hubs)
    by_author: dict[bytes, tuple[Certificate, ...]] = {}
    for certificate in found:
        mine = by_author.get(certificate.author, ())
        by_author[certificate.author] = (*mine, certificate)
    needed = {bundle.exporter, *_authors(bundle.streams)}
    if needed - set(by_author):
        raise Uncertified("somebody wrote, witnessed or exported who has no certificate in it")
    if set(by_author) - needed - {certificate.issuer for certificate in found}:
        raise Malformed("a bundle holds no certificate that nobody in it needs")
    if set(bundle.revoked) - set(by_author):
        raise Malformed("a bundle names no revoked key that it has no certificate of")
    return by_author


def _authors(streams: Iterable[StreamPart]) -> Iterator[bytes]:
    for part in streams:
        yield from (log.author for log in part.logs)
        yield from (witness.hub for witness in part.witnesses)


# --- doubts


def _doubts_of_keys(bundle: Bundle) -> Iterator[Doubt]:
    for author in bundle.revoked:
        words = "was revoked: what it wrote after a hub's cut does not count"
        yield Doubt(Kind.REVOKED, b"", f"the key {author.hex()[:16]} {words}")


def _doubts_of(part: StreamPart, proven: ProvenStream, by_hub: bool) -> Iterator[Doubt]:
    stream = proven.stream
    if part.waiting:
        words = f"entries that waited for their author's seal and are left out: {part.waiting}"
        yield Doubt(Kind.WAITING, stream, words)
    if not by_hub and not any(set(seen.tips) == set(proven.tips) for seen in proven.witnesses):
        words = "a phone made the bundle and no hub witnessed these ends: more may be elsewhere"
        yield Doubt(Kind.UNWITNESSED, stream, words)
    for stored in _forked(proven.entries):
        words = "wrote two entries at one place, as a copied device does; both are here"
        yield Doubt(
            Kind.FORK, stream, f"the key {stored.author.hex()[:16]} {words} (entry {stored.seq})"
        )
    shorts = {stored.hash[:SHORT_BYTES] for stored in proven.entries}
    missing: set[bytes] = set()
    for stored in proven.entries:
        named = _heads_named(stored.body)
        if named is None:
            words = (
                f"entry {stored.seq} of {stored.author.hex()[:16]} can't be read by this version"
            )
            yield Doubt(Kind.UNREADABLE, stream, words)
            continue
        missing |= named - shorts
    for short in sorted(missing):
        words = f"an entry {short.hex()} had been seen by an author and is not here"
        yield Doubt(Kind.GAP, stream, words)


def _forked(entries: Iterable[Stored]) -> list[Stored]:
    """The first entry of each place at which there are several."""
    by_place: dict[bytes, list[Stored]] = {}
    for stored in entries:
        by_place.setdefault(stored.previous, []).append(stored)
    return [found[0] for found in by_place.values() if len(found) > 1]


def _heads_named(body: bytes) -> set[bytes] | None:
    """The heads (eight bytes each) that an entry names; None where it is of no known format."""
    try:
        if format_of(body) != FORMAT:
            return None
        parts = unpack(body)
    except LogError:
        return None
    extras = parts[1] if len(parts) > 1 and isinstance(parts[1], dict) else {}
    named: set[bytes] = set()
    for key in (_SEEN, _BASIS):
        row = extras.get(key, b"")
        if isinstance(row, bytes) and len(row) % SHORT_BYTES == 0:
            named |= {row[at : at + SHORT_BYTES] for at in range(0, len(row), SHORT_BYTES)}
    return named
