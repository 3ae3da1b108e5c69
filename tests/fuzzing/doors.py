"""The doors by which bytes of others come in: what is sound there, and what may come of the rest.

A door has sound examples, a way into their structure and back out (hashed and signed again, so
that a mutant gets past whatever proof stands before what it changes), and `enter`, which hands
bytes to the product. Those here need nothing but bytes; `entries`, `files`, `hubs` and `sessions`
have others.
Invariant: `enter` returns nothing, raises one of the door's refusals, or has found a fault.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from random import Random
from typing import Any
from urllib.parse import urlencode

import msgpack
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from core.dispatch.fix import (
    Fix,
    TrackError,
    decode_track,
    encode_track,
    fault,
    order_of,
    settled,
)
from core.log import bundle, messages
from core.log.canonical import pack, pieces, unpack
from core.log.certificate import Certificate, check_certificate, read_certificate
from core.log.errors import LogError
from core.log.limits import FRAME_BYTES_MAX
from core.log.packing import GOES_ON, MARK, packed, unpacked
from core.log.proof import prove
from hub.presence import read_presence
from hub.second_hub import MAGIC, HubRefused, read_request, signed_bytes
from replica import pairing
from replica.bundle_report import report
from replica.location.osmand import parse_osmand_form, parse_traccar_json
from replica.location.owntracks import parse_owntracks
from replica.location.report import Located, Report
from replica.pairing import EnrolmentOffer, MalformedCode, PairingError
from tests.core.log.authors import AT_MS, author_of, key_of
from tests.core.log.bundles import CERTIFICATES, example, forked
from tests.core.log.pages import hex_examples
from tests.core.log.test_certificates import EXAMPLE, NORTH, SITE
from tests.damaged_bundles import HEAD, SIGNATURE, strangers_verdict, verdict
from tests.fuzzing.mutation import changed, damaged, spelt

Open = Callable[[bytes], Any]
Close = Callable[[Any, Random], bytes]
Enter = Callable[[bytes], None]


class Fault(Exception):
    """Something came of a mutant that must not."""


@dataclass(frozen=True)
class Door:
    """Where bytes come in. `weight`: how many of a thousand mutants or so go there.

    `make` makes a mutant where neither bytes alone nor `open` and `close` will do.
    """

    name: str
    examples: Callable[[], Sequence[bytes]]
    enter: Enter
    refusals: tuple[type[Exception], ...] = (LogError,)
    open: Open | None = None
    close: Close = spelt
    weight: int = 50
    make: Callable[[Random], bytes] | None = None


def same(taken: bytes, again: bytes) -> None:
    """See that what was taken is written as it came."""
    if taken != again:
        raise Fault(f"what was taken is written otherwise again: {again[:80].hex()}")


# --- frames


def enter_frame(data: bytes) -> None:
    frame = unpacked(data)
    if data[:1] == MARK and len(frame) > FRAME_BYTES_MAX:
        raise Fault(f"a frame of {len(frame)} bytes was unpacked")
    same(frame, messages.write(messages.read(frame)))


def open_frame(data: bytes) -> list[Any]:
    return [msgpack.unpackb(piece, strict_map_key=False) for piece in pieces(unpacked(data))]


def close_frame(value: Any, chance: Random) -> bytes:
    """One value after another; at times packed, well or badly."""
    parts = value if isinstance(value, list) else [value]
    frame = b"".join(spelt(part, chance) for part in parts)
    if chance.random() < 0.9:
        return frame
    short = packed(frame)
    return damaged(short, chance) if chance.random() < 0.5 else MARK + short[1:]


@cache
def wire_frames() -> tuple[bytes, ...]:
    """The examples that can be read alone; series are damaged in `tests.series_of_frames`."""
    frames = [
        data
        for name, data in hex_examples("wire.md").items()
        if not name.startswith(("list of", "address of"))
    ]
    return tuple(each for each in frames if each[:1] != MARK or not each[1] & GOES_ON)


# --- certificates and bundles


def enter_certificate(data: bytes) -> None:
    certificate = read_certificate(data)
    same(data, certificate.to_bytes())
    check_certificate(certificate, SITE, [NORTH])


def signed_again(parts: list[Any], key: Ed25519PrivateKey) -> list[Any]:
    """The fields of a certificate with the signature of `key`, where they can be signed at all."""
    site, author, subject, role, rights, until, tls, issuer = parts[1:9]
    try:
        unsigned = Certificate(site, author, subject, role, tuple(rights), until, tls, issuer)
        return [*parts[:9], key.sign(unsigned.signed_bytes())]
    except (LogError, TypeError):
        return parts


def close_certificate(value: Any, chance: Random) -> bytes:
    """Signed again by the one whom it names as its issuer, where that is one of ours."""
    if isinstance(value, list) and len(value) == 10 and chance.random() < 0.8:
        for name in ("site", "north", "ana"):
            if value[8] == author_of(name):
                value = signed_again(value, key_of(name))
    return spelt(value, chance)


def enter_bundle(data: bytes) -> None:
    found = verdict(data)
    other = strangers_verdict(data)
    if found != other:
        raise Fault(f"the two verifiers say {found} and {other}")
    proven = prove(data, SITE)
    same(data, bundle.write(proven.bundle, lambda _: data[-SIGNATURE:]))
    lines, _ = report(proven)
    "\n".join(lines).encode("utf-8")


def close_bundle(value: Any, chance: Random) -> bytes:
    """Signed again by its exporter."""
    head = bundle.MAGIC + bytes([bundle.VERSION]) + author_of("north") + spelt(value, chance)
    return head + key_of("north").sign(bundle._signed_bytes(head))


# --- enrolment


@cache
def offers() -> tuple[bytes, ...]:
    made = [
        EnrolmentOffer(addresses, b"f" * 32, b"t" * 16, b"s" * 32)
        for addresses in (
            ("10.0.0.5:8443",),
            ("hub.example:1", "[fe80::1]:8443", "127.0.0.1:65535"),
        )
    ]
    return tuple(pairing.encode_offer(each).encode() for each in made)


def enter_offer(data: bytes) -> None:
    text = data.decode("utf-8", "surrogateescape")
    offer = pairing.decode_offer(text)
    if pairing.encode_offer(offer) != text.strip():
        raise Fault("an offer has two spellings")
    pairing.key_from_token(offer.token)


def enter_code(data: bytes) -> None:
    text = data.decode("utf-8", "surrogateescape")
    entropy = pairing.entropy_from_code(text)
    if pairing.entropy_from_code(pairing.code_from_entropy(entropy)) != entropy:
        raise Fault("a code is read otherwise than it is written")


@cache
def requests() -> tuple[bytes, ...]:
    return tuple(hex_examples("hub-request.md").values())


def enter_request(data: bytes) -> None:
    request = read_request(data)
    kinds = (type(request.author), type(request.letter), type(request.fingerprint))
    if kinds != (bytes, str, bytes) or len(request.author) != 32:
        raise Fault(f"a request was taken as {kinds}")
    # What it becomes has to be a certificate that everybody reads.
    letter, fingerprint = request.letter.encode(), request.fingerprint
    made = Certificate(SITE, request.author, letter, 3, (), AT_MS, fingerprint, SITE, bytes(64))
    read_certificate(made.to_bytes())


def close_request(value: Any, chance: Random) -> bytes:
    """Signed again by the hub that asks, whose key is one of the tests'."""
    if isinstance(value, list) and len(value) == 5 and chance.random() < 0.9:
        asked = [value[0], author_of("south") if chance.random() < 0.9 else value[1], *value[2:4]]
        with contextlib.suppress(LogError):
            value = [*asked, key_of("south").sign(signed_bytes(asked))]
    return MAGIC + spelt(value, chance)


# --- location apps


@cache
def owntracks() -> tuple[bytes, ...]:
    fix = {"lat": 50.1, "lon": 14.4, "tst": AT_MS // 1000, "acc": 12, "vel": 30, "cog": 90}
    return tuple(
        json.dumps(each).encode()
        for each in (
            {"_type": "location", "batt": 80, "mock": True, **fix},
            {"_type": "transition", "event": "enter", "wtst": 1_500_000_000, "desc": "x", **fix},
            {"_type": "waypoints", "waypoints": []},
        )
    )


@cache
def traccar() -> tuple[bytes, ...]:
    coords = {"latitude": 50.1, "longitude": 14.4, "accuracy": 5, "speed": 1.5, "heading": 270}
    located = {"coords": coords, "timestamp": "2026-03-02T07:00:00Z", "battery": {"level": 0.5}}
    return (json.dumps({"location": located, "device_id": "1"}).encode(),)


@cache
def osmand_forms() -> tuple[bytes, ...]:
    first = {"id": "1", "lat": "50.1", "lon": "14.4", "timestamp": "1772434800", "speed": "3"}
    second = {"location": "50.1,14.4", "time": "2026-03-02 07:00:00", "spd": "3", "batt": "80"}
    return urlencode(first).encode(), urlencode({**second, "dir": "270", "acc": "5"}).encode()


def _take(report: Report) -> None:
    """A fix goes into a track and out of it again, as the phone does with it."""
    if isinstance(report, Located):
        fault(report.fix, AT_MS)
        track = encode_track([report.fix])
        pack(track)
        if decode_track(track) != [settled(report.fix)]:
            raise Fault("a fix is not what its track gives back")
    repr(report).encode("utf-8")


def open_json(data: bytes) -> Any:
    return json.loads(data)


def close_json(value: Any, chance: Random) -> bytes:
    """JSON, with a key twice or a number of a thousand digits at times."""
    text = json.dumps(value, default=repr, skipkeys=True)
    what = chance.randrange(20)
    if what == 0:
        text = text.replace("{", '{"lat": [], ', 1)
    elif what == 1:
        text = text.replace(": 1", f": {'1' * chance.choice((20, 400, 5_000))}")
    elif what == 2:
        text = "[" * 5_000 + text
    elif what == 3:
        return text.encode(chance.choice(("utf-16", "utf-32", "utf-8-sig")), "surrogatepass")
    return text.encode("utf-8", "surrogatepass")


# --- small ones


@cache
def tracks() -> tuple[bytes, ...]:
    fixes = [Fix(AT_MS + at * 7_000, 501_000_000 + at, 144_000_000, 5, 1.5, 90, s) for at, s in
             enumerate(("gps", "gps", "an app", "fused"))]  # fmt: skip
    return (pack(encode_track(fixes)),)


def enter_track(data: bytes) -> None:
    value = unpack(data)
    if isinstance(value, list):
        fixes = decode_track(value)
        if decode_track(encode_track(fixes)) != sorted(map(settled, fixes), key=order_of):
            raise Fault("a track is not what is written of it")


def enter_presence(data: bytes) -> None:
    message = messages.read(data)
    if isinstance(message, messages.Presence):
        json.dumps(_shown(read_presence(message.fields, AT_MS)))


def _shown(presence: Any) -> Any:
    return None if presence is None else [getattr(presence, name) for name in presence.__slots__]


@cache
def presences() -> tuple[bytes, ...]:
    full = {0: AT_MS, 1: 501_000_000, 2: 144_000_000, 3: 5, 4: 90, 5: 150, 6: 80, 7: 1, 8: 1}
    return (messages.write(messages.Presence(full)),)


DOORS: tuple[Door, ...] = (
    Door("frame", wire_frames, enter_frame, open=open_frame, close=close_frame, weight=330),
    Door(
        "certificate",
        lambda: tuple(c.to_bytes() for c in (EXAMPLE, *CERTIFICATES.values())),
        enter_certificate,
        open=msgpack.unpackb,
        close=close_certificate,
        weight=40,
    ),
    Door(
        "bundle",
        lambda: (example().data(), forked().data()),
        enter_bundle,
        open=lambda data: msgpack.unpackb(data[HEAD:-SIGNATURE], strict_map_key=False),
        close=close_bundle,
        weight=2,
    ),
    Door("offer", offers, enter_offer, (PairingError,), weight=60),
    Door("code", lambda: (b"0123-4567-89AB-CDEF",), enter_code, (MalformedCode,), weight=30),
    Door(
        "hub-request",
        requests,
        enter_request,
        (HubRefused,),
        open=lambda data: msgpack.unpackb(data[len(MAGIC) :]),
        close=close_request,
        weight=30,
    ),
    Door(
        "owntracks", owntracks, lambda d: _take(parse_owntracks(d)), (), open_json, close_json, 80
    ),
    Door("traccar", traccar, lambda d: _take(parse_traccar_json(d)), (), open_json, close_json, 50),
    Door("osmand", osmand_forms, lambda data: _take(parse_osmand_form(data)), (), weight=60),
    Door("track", tracks, enter_track, (LogError, TrackError), msgpack.unpackb, weight=60),
    Door("presence", presences, enter_presence, open=open_frame, close=close_frame, weight=40),
)


def mutant(door: Door, chance: Random) -> bytes:
    """A mutant of one of the door's examples."""
    if door.make is not None:
        return door.make(chance)
    examples = door.examples()
    sound = chance.choice(examples)
    if door.open is None or chance.random() < 0.25:
        data = damaged(sound, chance, chance.choice(examples))
        while chance.random() < 0.3:
            data = damaged(data, chance)
        return data
    value, other = door.open(sound), door.open(chance.choice(examples))
    value = changed(value, chance, (other,))
    while chance.random() < 0.4:
        value = changed(value, chance, (other,))
    return door.close(value, chance)


def fault_of(door: Door, data: bytes) -> str | None:
    """What is wrong with how the door took the bytes, None where all is well."""
    try:
        door.enter(data)
    except door.refusals:
        return None
    except Exception as error:  # noqa: BLE001 - whatever escapes is the fault that is looked for
        return f"{door.name}: {type(error).__name__}: {error}"
    return None
