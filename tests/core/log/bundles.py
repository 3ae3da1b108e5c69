"""Bundles made by hand, without a store: a small site, its logs, seals and witnesses.

What is made is real: keys from names, chain hashes, signatures. Holds no assertions. Invariant: the
same calls make the same bytes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from core.log.bundle import Bundle, LogPart, StreamPart, WitnessPart, lay_out, write
from core.log.certificate import Certificate
from core.log.chain import seal_leaf
from core.log.seal import Seal, make_seal
from core.log.stream import Stored
from core.log.witness import Tip, path_to, root_of, signed_bytes, tips_leaf
from tests.core.log.authors import AT_MS, STREAM, Log, author_of, key_of
from tests.core.log.test_certificates import EXAMPLE, NORTH, SITE, certify

HOUR_MS = 3_600_000
OTHER = bytes.fromhex("0b99541004") + b"pump002"
DAN = certify("dan", "north", 2, b"account1")
BO = certify("bo", "north", 1, bytes.fromhex("0b99541003") + b"bo00002")
CERTIFICATES = {"north": NORTH, "ana": EXAMPLE, "dan": DAN, "bo": BO}


def log_of(name: str, stream: bytes = STREAM) -> Log:
    """An empty log at the site of these bundles."""
    return Log(name, stream, SITE)


def seal_over(name: str, *logs: Log, number: int = 1) -> Seal:
    """One seal of an author over the ends of several logs."""
    leaves = tuple(seal_leaf(log.stream, len(log.entries), log.head) for log in logs)
    return make_seal(SITE, author_of(name), key_of(name), number, leaves)


def tip_of(stored: Stored) -> Tip:
    return Tip(stored.author, stored.seq, stored.hash)


@dataclass
class Draft:
    """A bundle in the making: `logs` of any streams, and who witnessed which of their tips."""

    logs: list[Log]
    exporter: str = "north"
    at_ms: int = AT_MS + 12 * HOUR_MS
    site: bytes = SITE
    revoked: tuple[str, ...] = ()
    waiting: int = 0
    certificates: Sequence[Certificate] | None = None
    witnesses: list[tuple[str, int, bytes, tuple[Tip, ...], tuple[bytes, ...]]] = field(
        default_factory=list
    )

    def witness(
        self, stream: bytes, *tips: Stored, hub: str = "north", at_ms: int = AT_MS, beside: int = 1
    ) -> Draft:
        """A hub witnesses these tips of a stream, and so many other streams under one signature."""
        others = tuple(
            tips_leaf(bytes(11) + bytes([number]), [tip_of(tips[0])]) for number in range(beside)
        )
        found = tuple(tip_of(stored) for stored in tips)
        self.witnesses.append((hub, at_ms, stream, found, others))
        return self

    def bundle(self) -> Bundle:
        """What it becomes: each log is sealed at its end, those of an author under one seal."""
        entries: dict[bytes, dict[bytes, Stored]] = {}
        for log in self.logs:
            entries.setdefault(log.stream, {}).update({s.hash: s for s in log.entries})
        seal_by_end = self._seals()
        seals: list[Seal] = []
        parts = []
        for stream in sorted(entries):
            runs = lay_out(entries[stream].values())
            followed = {run[0].previous for run in runs}
            logs = []
            for run in runs:
                index = None
                if run[-1].hash not in followed:
                    seal = seal_by_end[run[-1].hash]
                    if seal not in seals:
                        seals.append(seal)
                    index = seals.index(seal)
                before = run[0].previous if run[0].seq > 1 else b""
                logs.append(LogPart(run[0].author, before, index, tuple(s.body for s in run)))
            witnesses = self._witnesses(stream, runs)
            parts.append(StreamPart(stream, self.waiting, tuple(logs), witnesses))
        return Bundle(
            self.site,
            author_of(self.exporter),
            self.at_ms,
            self._certificates(),
            tuple(sorted(author_of(name) for name in self.revoked)),
            tuple(seals),
            tuple(parts),
        )

    def _seals(self) -> dict[bytes, Seal]:
        by_end: dict[bytes, Seal] = {}
        for name in dict.fromkeys(log.name for log in self.logs):
            mine = [log for log in self.logs if log.name == name]
            seal = seal_over(name, *mine, number=sum(len(log.entries) for log in mine))
            by_end |= {log.head: seal for log in mine}
        return by_end

    def _witnesses(
        self, stream: bytes, runs: Sequence[Sequence[Stored]]
    ) -> tuple[WitnessPart, ...]:
        place = {s.hash: (log, s.seq) for log, run in enumerate(runs) for s in run}
        found = []
        for hub, at_ms, where, tips, others in self.witnesses:
            if where != stream:
                continue
            leaf = tips_leaf(stream, tips)
            leaves = (leaf, *others)
            signed = signed_bytes(SITE, author_of(hub), at_ms, root_of(leaves))
            found.append(
                WitnessPart(
                    author_of(hub),
                    at_ms,
                    tuple(sorted(place[tip.hash] for tip in tips)),
                    path_to(leaves, leaf),
                    key_of(hub).sign(signed),
                )
            )
        return tuple(sorted(found, key=lambda w: (w.at_ms, w.hub, w.signature)))

    def _certificates(self) -> tuple[bytes, ...]:
        if self.certificates is not None:
            return tuple(sorted(each.to_bytes() for each in self.certificates))
        names = {self.exporter, "north", *(log.name for log in self.logs)}
        return tuple(sorted(CERTIFICATES[name].to_bytes() for name in names))

    def data(self) -> bytes:
        """The bytes, signed by the exporter."""
        return signed(self.bundle(), self.exporter)


def signed(bundle: Bundle, exporter: str = "north") -> bytes:
    """A bundle's bytes under the exporter's signature, whatever the bundle says."""
    return write(replace(bundle, exporter=author_of(exporter)), key_of(exporter).sign)


def example() -> Draft:
    """The page's example: a hub makes a job, a worker adds a note, the hub ticks an item off."""
    north, ana = log_of("north"), log_of("ana")
    made = north.write([((87,), True), ((70,), "Boiler")], wall_ms=AT_MS)
    note = ana.write(
        [((97, b"note0001"), "Valve replaced")], seen=[made], wall_ms=AT_MS + 2 * HOUR_MS
    )
    north.write([((96, 0), True)], seen=[note], wall_ms=AT_MS + 3 * HOUR_MS)
    draft = Draft([north, ana])
    return draft.witness(STREAM, made, note, at_ms=AT_MS + 2 * HOUR_MS + 600_000)


def forked() -> Draft:
    """Two streams; in one of them a phone was copied after its first entry, and in the middle."""
    ana = log_of("ana")
    ana.write([((97, b"note0001"), "one")])
    twin = ana.fork()
    ana.write([((97, b"note0002"), "two")])
    ana.write([((97, b"note0003"), "three")])
    twin.write([((97, b"note0004"), "other two")])
    third = twin.fork()
    twin.write([((97, b"note0005"), "other three")])
    third.write([((97, b"note0006"), "third three")])
    north = log_of("north", OTHER)
    made = north.write([((87,), True), ((70,), "Pump")])
    dan = log_of("dan", OTHER)
    dan.write([((71,), "See the caretaker")], seen=[made])
    draft = Draft([ana, twin, third, north, dan])
    draft.witness(STREAM, ana.entries[-1], beside=0)
    draft.witness(STREAM, ana.entries[-1], twin.entries[-1], at_ms=AT_MS + HOUR_MS, beside=4)
    return draft.witness(OTHER, made, at_ms=AT_MS + HOUR_MS, beside=7)
