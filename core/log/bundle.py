"""Bundles: the history of some streams in one file, which anybody can check who has the site's key.

A bundle holds all entries of its streams, the seals over their ends, the certificates up to the
site key, and what hubs witnessed; whoever makes it signs the whole. The bytes stand in
docs/formats/bundle.md. Here they are written and read; whether what they say holds is for
`core.log.proof`. Invariant: `read` accepts no bytes but those that `write` gives for what it read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from itertools import pairwise
from typing import Any, Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from core.log.canonical import pack, unpack
from core.log.certificate import SIGNATURE_BYTES
from core.log.chain import AUTHOR_BYTES, HASH_BYTES, STREAM_BYTES
from core.log.errors import Malformed, OverLimit, Unauthentic
from core.log.limits import (
    BUNDLE_BYTES_MAX,
    CERTIFICATE_BYTES_MAX,
    ENTRY_BYTES_MAX,
    SEAL_LEAVES_MAX,
    WALL_MS_MAX,
    WITNESS_PATH_MAX,
)
from core.log.seal import Seal
from core.log.stream import Stored

MAGIC: Final = b"FLPROOF"
VERSION: Final = 1
_HEAD_BYTES: Final = len(MAGIC) + 1 + AUTHOR_BYTES


@dataclass(frozen=True, slots=True)
class LogPart:
    """One log of a stream, or one part of a log that forked: the bytes of its entries in order.

    `before` is the chain hash of the entry that it goes on from, empty where the log begins here.
    `seal` is the index of the seal over its end, None where a fork follows.
    """

    author: bytes
    before: bytes
    seal: int | None
    bodies: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class WitnessPart:
    """A hub signed at `at_ms` of its clock that the stream ended in `tips`: (log, seq) pairs."""

    hub: bytes
    at_ms: int
    tips: tuple[tuple[int, int], ...]
    path: bytes
    signature: bytes


@dataclass(frozen=True, slots=True)
class StreamPart:
    """One stream; `waiting` entries of it were held without a seal and are left out."""

    stream: bytes
    waiting: int
    logs: tuple[LogPart, ...]
    witnesses: tuple[WitnessPart, ...]


@dataclass(frozen=True, slots=True)
class Bundle:
    """What a replica (`exporter`) says at `at_ms` of its clock that it holds of some streams."""

    site: bytes
    exporter: bytes
    at_ms: int
    certificates: tuple[bytes, ...]
    revoked: tuple[bytes, ...]
    seals: tuple[Seal, ...]
    streams: tuple[StreamPart, ...]


def lay_out(entries: Iterable[Stored]) -> list[list[Stored]]:
    """A stream's entries as the runs that a bundle has: split where a fork is, and nowhere else.

    In order of author, place of the first entry, its hash. The set of entries alone decides.
    """
    following: dict[bytes, dict[bytes, Stored]] = {}
    begins: dict[bytes, Stored] = {}
    for stored in entries:
        following.setdefault(stored.previous, {})[stored.hash] = stored
    for after in following.values():
        for stored in after.values():
            if stored.seq == 1 or len(after) > 1:
                begins[stored.hash] = stored
    runs = []
    for first in sorted(begins.values(), key=lambda s: (s.author, s.seq, s.hash)):
        run = [first]
        while len(after := following.get(run[-1].hash, {})) == 1:
            run.extend(after.values())
        runs.append(run)
    return runs


def write(bundle: Bundle, sign: Callable[[bytes], bytes]) -> bytes:
    """The bytes of a bundle; `sign` signs as its exporter.

    Raises:
        OverLimit: they would be too many.
    """
    body = [
        bundle.site,
        bundle.at_ms,
        list(bundle.certificates),
        list(bundle.revoked),
        [[s.author, s.number, b"".join(s.leaves), s.signature] for s in bundle.seals],
        [_plain_stream(part) for part in bundle.streams],
    ]
    data = MAGIC + bytes([VERSION]) + bundle.exporter + pack(body)
    if len(data) + SIGNATURE_BYTES > BUNDLE_BYTES_MAX:
        raise OverLimit(f"a bundle has at most {BUNDLE_BYTES_MAX} bytes; choose fewer streams")
    return data + sign(_signed_bytes(data))


def _plain_stream(part: StreamPart) -> list[Any]:
    return [
        part.stream,
        part.waiting,
        [[log.author, log.before, log.seal, list(log.bodies)] for log in part.logs],
        [[w.hub, w.at_ms, [*map(list, w.tips)], w.path, w.signature] for w in part.witnesses],
    ]


def _signed_bytes(data: bytes) -> bytes:
    return blake2b(data, digest_size=HASH_BYTES, person=b"fieldlog.bundle").digest()


def read(data: bytes) -> Bundle:
    """Read a bundle that is whole: its signature is looked at before anything else.

    Raises:
        Malformed, OverLimit: not a bundle, or of a format that this version does not know.
        Unauthentic: the signature over the whole does not hold.
    """
    if len(data) > BUNDLE_BYTES_MAX:
        raise OverLimit(f"a bundle has at most {BUNDLE_BYTES_MAX} bytes")
    if not data.startswith(MAGIC) or len(data) < _HEAD_BYTES + SIGNATURE_BYTES:
        raise Malformed("this is no bundle of Fieldlog, or its beginning or end is missing")
    if data[len(MAGIC)] != VERSION:
        raise Malformed(
            f"the bundle is of format {data[len(MAGIC)]}, this program reads {VERSION}; "
            "take a newer one, if the file was not damaged"
        )
    exporter = data[len(MAGIC) + 1 : _HEAD_BYTES]
    signed, signature = data[:-SIGNATURE_BYTES], data[-SIGNATURE_BYTES:]
    try:
        key = Ed25519PublicKey.from_public_bytes(exporter)
        key.verify(signature, _signed_bytes(signed))
    except (InvalidSignature, ValueError) as error:
        raise Unauthentic("the bundle is not what its exporter signed: it was changed") from error
    site, at_ms, certificates, revoked, seals, streams = _list_of(
        unpack(signed[_HEAD_BYTES:]), 6, "a bundle"
    )
    bundle = Bundle(
        _bytes(site, AUTHOR_BYTES, "the site's key"),
        exporter,
        _number(at_ms, WALL_MS_MAX, "the bundle's time"),
        tuple(_certificate(each) for each in _list(certificates, "certificates")),
        tuple(_bytes(key, AUTHOR_BYTES, "a revoked key") for key in _list(revoked, "revoked")),
        tuple(_seal(each) for each in _list(seals, "seals")),
        tuple(_stream(each) for each in _list(streams, "streams")),
    )
    _see_order(bundle.certificates, "certificates")
    _see_order(bundle.revoked, "revoked keys")
    _see_order([part.stream for part in bundle.streams], "streams")
    if not bundle.streams:
        raise Malformed("a bundle has a stream at least")
    return bundle


def _see_order(keys: Sequence[Any], what: str) -> None:
    if any(one >= other for one, other in pairwise(keys)):
        raise Malformed(f"a bundle's {what} stand once each, in order")


def _list(value: Any, what: str) -> list[Any]:
    if not isinstance(value, list):
        raise Malformed(f"{what} is no list")
    return value


def _list_of(value: Any, length: int, what: str) -> list[Any]:
    if len(_list(value, what)) != length:
        raise Malformed(f"{what} is no list of {length}")
    return list(value)


def _bytes(value: Any, length: int, what: str) -> bytes:
    if not isinstance(value, bytes) or len(value) != length:
        raise Malformed(f"{what} is not {length} bytes long")
    return value


def _number(value: Any, largest: int, what: str) -> int:
    if type(value) is not int or not 0 <= value <= largest:
        raise Malformed(f"{what} is no whole number from 0 to {largest}")
    return value


def _certificate(value: Any) -> bytes:
    if not isinstance(value, bytes):
        raise Malformed("a certificate is bytes")
    if len(value) > CERTIFICATE_BYTES_MAX:
        raise OverLimit(f"a certificate has at most {CERTIFICATE_BYTES_MAX} bytes")
    return value


def _seal(value: Any) -> Seal:
    author, number, leaves, signature = _list_of(value, 4, "a seal")
    return Seal(
        _bytes(author, AUTHOR_BYTES, "a seal's author"),
        _number(number, 2**63 - 1, "a seal's number"),
        _hashes(leaves, SEAL_LEAVES_MAX, "a seal's leaves"),
        _bytes(signature, SIGNATURE_BYTES, "a seal's signature"),
    )


def _hashes(value: Any, most: int, what: str) -> tuple[bytes, ...]:
    if not isinstance(value, bytes) or len(value) % HASH_BYTES:
        raise Malformed(f"{what} are hashes of {HASH_BYTES} bytes")
    if len(value) > most * HASH_BYTES:
        raise OverLimit(f"{what} are at most {most}")
    return tuple(value[at : at + HASH_BYTES] for at in range(0, len(value), HASH_BYTES))


def _stream(value: Any) -> StreamPart:
    stream, waiting, logs, witnesses = _list_of(value, 4, "a stream")
    part = StreamPart(
        _bytes(stream, STREAM_BYTES, "a stream's id"),
        _number(waiting, 2**63 - 1, "the number of entries that wait"),
        tuple(_log(each) for each in _list(logs, "a stream's logs")),
        tuple(_witness(each) for each in _list(witnesses, "a stream's witnesses")),
    )
    if not part.logs:
        raise Malformed("a stream of a bundle has a log at least")
    _see_order([(w.at_ms, w.hub, w.signature) for w in part.witnesses], "witnesses")
    return part


def _log(value: Any) -> LogPart:
    author, before, seal, bodies = _list_of(value, 4, "a log")
    if before != b"":
        _bytes(before, HASH_BYTES, "the hash that a log goes on from")
    if seal is not None:
        _number(seal, 2**63 - 1, "the index of a seal")
    if not _list(bodies, "a log's entries"):
        raise Malformed("a log has an entry at least")
    for body in bodies:
        if not isinstance(body, bytes):
            raise Malformed("an entry is bytes")
        if len(body) > ENTRY_BYTES_MAX:
            raise OverLimit(f"an entry has at most {ENTRY_BYTES_MAX} bytes")
    return LogPart(
        _bytes(author, AUTHOR_BYTES, "a log's author"), bytes(before), seal, tuple(bodies)
    )


def _witness(value: Any) -> WitnessPart:
    hub, at_ms, tips, path, signature = _list_of(value, 5, "a witness")
    pairs = [_list_of(tip, 2, "a tip") for tip in _list(tips, "a witness's tips")]
    largest = 2**63 - 1
    places = [
        (_number(log, largest, "a tip's log"), _number(seq, largest, "a tip's place"))
        for log, seq in pairs
    ]
    if not places:
        raise Malformed("a witness has a tip at least")
    _see_order(places, "tips")
    _hashes(path, WITNESS_PATH_MAX, "a witness's path")
    return WitnessPart(
        _bytes(hub, AUTHOR_BYTES, "a witness's hub"),
        _number(at_ms, WALL_MS_MAX, "a witness's time"),
        tuple(places),
        path,
        _bytes(signature, SIGNATURE_BYTES, "a witness's signature"),
    )
