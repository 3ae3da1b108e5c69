"""Sound entries for every field, as one author would write them next, to be changed by mutation.

For each field that the vocabulary has: a path and a value of its shape, in a stream of its kind, at
the head of the author's log as the receiver holds it, under a seal. Beside them runs of keys that
nobody has heard of, with and without a certificate in them. Holds no mutants.
Invariant: a frame made here is taken as it stands, unless its author has no certificate.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from core.dispatch import acts, erasure
from core.dispatch.acts import OFFICE_STREAM, SITE_STREAM
from core.dispatch.fields import CERTIFICATE, FIELDS, REVOKED, Field, Kind, Role
from core.dispatch.shapes import _IDS, well_formed
from core.log import messages
from core.log.certificate import Certificate, issue
from core.log.chain import chain_start, seal_leaf
from core.log.entry import Cursor, Entry, encode
from core.log.messages import Run, Runs, WireSeal
from core.log.seal import make_seal
from replica.replica import Replica
from tests.build import START_MS
from tests.core.log.authors import author_of, key_of

DAY = "2026-03-02"
MS = START_MS

_VALUES: tuple[Any, ...] = (
    True, "words", 5, MS, b"12345678", b"\xff" * 12, b"x", [MS, b"h" * 32], [1, 2], ["open", None],
    [7, 1, MS, [MS], [5]], [MS, True, [MS]], [b"", b"", "why"], ["text"], [b"12345678"],
    [b"h" * 32, b"s" * 64], [b"k" * 32, b"t" * 32, b"s" * 64],
    [[7, b"j" * 12, 90]], ["A-17", "done", 90], [DAY, DAY, 1, "words"],
    [2, 1, [0]], DAY, [MS, b"12345678", "words"], [MS, "words"], [MS, 5, "words"],
    [600_000_000, 250_000_000, 600_000_000, 250_010_000, 600_010_000, 250_010_000],
)  # fmt: skip


def written_next(
    replica: Replica, key: Ed25519PrivateKey, stream: bytes, changes: list[tuple[Any, Any]]
) -> Run:
    """The run with the next entry of the key's log, as `replica` holds that log."""
    author = key.public_key().public_bytes_raw()
    state = replica.state(stream)
    log = state.logs.get((author, b""))
    previous = log.head if log is not None else chain_start(replica.site, stream, author)
    cursor = state.cursor_of((author, b"")) if log is not None else Cursor.at_start(stream)
    seen = tuple(state.unseen_by((author, b""))[:1_000])
    # Whatever an entry can say of itself is said, so that it can be changed.
    draft = Entry(
        wall_ms=MS + 10 * (log.height if log is not None else 0),
        changes=tuple(changes),
        offset_ms=5_000,
        boot=9,
        uptime_ms=123_450,
        actor=b"account1",
        act=b"act-0001",
        seen=seen,
        basis=seen[:1],
        by_rule=True,
    )
    body, _, _ = encode(draft, cursor, previous)
    return Run(stream, 0, (log.height if log is not None else 0) + 1, (body,))


def frame_of(replica: Replica, key: Ed25519PrivateKey, *runs: Run) -> bytes:
    """The frame of runs of one author, its sender, under its seal."""
    author = key.public_key().public_bytes_raw()
    leaves = []
    for run in runs:
        log = replica.state(run.stream).logs.get((author, b""))
        previous = log.head if log is not None else chain_start(replica.site, run.stream, author)
        leaves.append(seal_leaf(run.stream, run.first, _end(previous, run)))
    seal = make_seal(replica.site, author, key, 9, tuple(leaves))
    wire = WireSeal(0, seal.number, (), seal.signature)
    return messages.write(Runs(1, None, (), (wire,), runs))


def _end(previous: bytes, run: Run) -> bytes:
    from core.log.chain import chain_next

    for body in run.bodies:
        previous = chain_next(previous, body)
    return previous


def frames_of_fields(replica: Replica, key: Ed25519PrivateKey) -> Iterator[bytes]:
    """One frame for each kind of stream, an entry that sets every field of the kind."""
    streams = _streams(replica)
    known = [*streams.values(), author_of("ana"), b"12345678", "retention_days", 5, DAY]
    for kind, stream in streams.items():
        changes = [_change(field, known) for field in FIELDS.values() if field.kind in (kind, None)]
        branches = len([log for log in replica.state(stream).logs if log[0] == _public(key)])
        if branches <= 1:
            yield frame_of(replica, key, written_next(replica, key, stream, changes))


def _streams(replica: Replica) -> dict[Kind, bytes]:
    """A stream of each kind, of what the replica holds where it holds one."""
    found = {Kind.SITE: SITE_STREAM, Kind.OFFICE: OFFICE_STREAM}
    rows = replica.store.db.execute("SELECT stream FROM stream ORDER BY stream").fetchall()
    for (stream,) in rows:
        if stream[4] in set(Kind):
            found.setdefault(Kind(stream[4]), stream)
    if Kind.WORKER in found:
        found.setdefault(Kind.DAY, acts.day_stream(found[Kind.WORKER], DAY))
        found.setdefault(Kind.TRACK, acts.track_stream(found[Kind.WORKER], DAY))
        found.setdefault(Kind.SUMMARY, erasure.summary_stream(found[Kind.DAY]))
    return found


def _change(field: Field, known: list[Any]) -> tuple[tuple[Any, ...], Any]:
    ids = tuple(next(each for each in known if _IDS[name](each)) for name in field.ids)
    path = (field.code, *ids)
    return path, next(each for each in _VALUES if well_formed(path, each))


def frames_of_newcomers(replica: Replica, site_key: Ed25519PrivateKey) -> Iterator[bytes]:
    """Runs of the site's own stream by hubs that come with them, and by nobody at all."""
    for name, signed in (("newcomer", True), ("stranger", False)):
        key = key_of(name)
        unsigned = Certificate(
            replica.site, _public(key), b"C", int(Role.HUB), (), MS * 2, b"", replica.site
        )
        certificate = issue(unsigned, site_key if signed else key).to_bytes()
        changes = [
            ((CERTIFICATE, _public(key), certificate[-8:]), certificate),
            ((REVOKED, author_of("ana")), True),
        ]
        run = written_next(replica, key, SITE_STREAM, changes)
        frame = messages.read(frame_of(replica, key, run))
        assert isinstance(frame, Runs)
        # The peer passes it on: its author is the first of the frame's, and its end is named.
        (seal,) = frame.seals
        yield messages.write(
            Runs(
                1,
                None,
                (_public(key),),
                (WireSeal(1, seal.number, (0,), seal.signature),),
                (Run(run.stream, 1, run.first, run.bodies),),
            )
        )


def _public(key: Ed25519PrivateKey) -> bytes:
    return key.public_key().public_bytes_raw()
