"""The doors of a hub beside its sessions: enrolment over the network, and files carried by hand.

A hub of one site stands with its store in memory, which is set back after each mutant that changed
it. What a phone would send is made with the phone's own keys, so that a mutant gets past the proof.
Invariant: what a door refuses changed nothing in the store.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from hashlib import blake2b
from pathlib import Path
from random import Random
from typing import Any

import msgpack

from core.dispatch import acts
from core.log.canonical import pieces, unpack
from core.log.carried import MAGIC, _places, opened, proven_hash, sealed
from core.log.certificate import read_certificate
from core.log.errors import LogError
from core.log.packing import Unpacker, packed
from hub.enrolment import EnrolmentRefused, Enrolments
from replica import pairing
from replica.carrying import file_for, take_file
from replica.receivers import receiver_named
from replica.replica import Replica
from tests.build import Site, hold
from tests.core.log.authors import author_of
from tests.fuzzing.doors import Door, Fault
from tests.fuzzing.mutation import damaged, spelt
from tests.fuzzing.sessions import into_memory, set_back

FINGERPRINT, NONCE, TLS = b"f" * 32, b"n" * 32, b"t" * 32


@dataclass
class Place:
    """A hub with a phone that has something to send, and the hub's store as it stands."""

    site: Site
    hub: Replica
    phone: Replica
    worker: bytes
    image: bytes
    room: tempfile.TemporaryDirectory[str]

    def see_unchanged(self, before: int) -> None:
        """See that a refusal changed nothing."""
        if self.hub.store.db.total_changes != before:
            changed_it = self.hub.store.db.serialize() != self.image
            set_back(self.hub, self.image)
            if changed_it:
                raise Fault("what was refused changed the store")


@cache
def place() -> Place:
    """The one hub of these doors."""
    room = tempfile.TemporaryDirectory()
    site = Site(Path(room.name), "hubs")
    hub = site.hub()
    ana = site.worker(hub, "Ana")
    phone = site.phone(hub, ana)
    into_memory(hub)
    job, _ = site.job(hub, "Boiler", ana)
    hold(phone, hub)
    phone.write(acts.add_note(job, "first"))
    phone.write(acts.add_note(job, "second"))
    return Place(site, hub, phone, ana, hub.store.db.serialize(), room)


# --- enrolment


@cache
def _enrolments() -> tuple[Enrolments, pairing.PairingKey]:
    here = place()
    made = Enrolments(here.hub, FINGERPRINT, lambda: ("10.0.0.5:8443",))
    offer = made.offer(here.worker)
    return made, pairing.key_from_code(offer.code)


@cache
def beginnings() -> tuple[bytes, ...]:
    _, key = _enrolments()
    return (spelt([key.locator, author_of("ana"), NONCE], Random(2)),)


@cache
def endings() -> tuple[bytes, ...]:
    _, key = _enrolments()
    return (spelt([key.locator, author_of("ana"), NONCE, bytes(32), TLS], Random(2)),)


def _anew(step: Callable[[Enrolments], bytes]) -> bytes:
    """Take a step with an enrolment that nobody has tried yet."""
    here, (made, key) = place(), _enrolments()
    before, open_ = here.hub.store.db.total_changes, made._open_by_locator[key.locator]
    kept = dict(made._open_by_locator)
    pending = {locator: each.pending for locator, each in kept.items()}
    try:
        answer = step(made)
    except (EnrolmentRefused, LogError):
        here.see_unchanged(before)
        raise
    finally:
        for locator, each in kept.items():
            each.pending, each.joined = pending[locator], b""
        open_.nonces.clear()
    return answer


def enter_beginning(data: bytes) -> None:
    answer = unpack(_anew(lambda made: made.begin(data)))
    if len(answer) != 3:
        raise Fault("an enrolment began with another answer")


def enter_ending(data: bytes) -> None:
    here, (_, key) = place(), _enrolments()

    def both(made: Enrolments) -> bytes:
        made._open_by_locator[key.locator].nonces[author_of("ana") + NONCE] = NONCE
        return made.finish(_proven(data, key))

    answer = unpack(_anew(both))
    try:
        for certificate in answer[1:]:
            read_certificate(certificate)
    except LogError as error:
        raise Fault(f"a certificate was issued that nobody reads: {error}") from error
    finally:
        set_back(here.hub, here.image)


def _proven(data: bytes, key: pairing.PairingKey) -> bytes:
    """The request with the proof that its phone would make, where it stands as it should."""
    try:
        locator, own, nonce, proof, tls = msgpack.unpackb(data, strict_map_key=False)
    except (ValueError, TypeError):
        return data
    if (own, nonce, proof) != (author_of("ana"), NONCE, bytes(32)):
        return data
    here = place()
    site_hash = blake2b(here.site.site, digest_size=32).digest()
    transcript = pairing.Transcript(own, here.hub.author, nonce, NONCE, FINGERPRINT, site_hash)
    made = pairing.prove(key, pairing.Side.PHONE, transcript)
    return data.replace(proof, made, 1)


# --- carried files


@cache
def carried() -> tuple[bytes, ...]:
    here = place()
    return (file_for(here.phone, receiver_named(here.phone, "A")).data,)


def open_carried(data: bytes) -> Any:
    """The records but the last, which is the proof, each as the values of its frame."""
    here = place()
    plain = opened(data, here.hub.identity.key, here.hub.author)
    unpacker = Unpacker()
    frames = [unpacker.unpacked(plain[start:end]) for start, end in list(_places(plain))[:-1]]
    return [[msgpack.unpackb(p, strict_map_key=False) for p in pieces(f)] for f in frames]


def close_carried(value: Any, chance: Random) -> bytes:
    """Records under a new proof of the phone, sealed to the hub, one time in five otherwise."""
    here = place()
    plain = b""
    for parts in value if isinstance(value, list) else [value]:
        frame = b"".join(spelt(part, chance) for part in (parts if isinstance(parts, list) else []))
        if chance.random() < 0.2:
            frame = packed(frame)
        length = len(frame) + (chance.choice((-1, 1)) if chance.random() < 0.02 else 0)
        plain += (length % 2**32).to_bytes(4, "big") + frame
    proof = here.phone.identity.key.sign(
        proven_hash(here.site.site, here.phone.author, here.hub.author, plain)
    )
    if chance.random() < 0.1:
        plain = damaged(plain, chance)
    frame = spelt([1, proof], Random(2))
    plain += len(frame).to_bytes(4, "big") + frame
    data = sealed(plain, here.hub.author, chance.randbytes(32))
    return damaged(data, chance, MAGIC) if chance.random() < 0.05 else data


def enter_carried(data: bytes) -> None:
    here = place()
    before = here.hub.store.db.total_changes
    try:
        take_file(here.hub, data)
    except LogError:
        here.see_unchanged(before)
        raise
    if here.hub.store.db.total_changes != before:
        set_back(here.hub, here.image)


HUB_DOORS: tuple[Door, ...] = (
    Door(
        "enrolment-begin",
        beginnings,
        enter_beginning,
        (EnrolmentRefused, LogError),
        msgpack.unpackb,
        weight=30,
    ),
    Door(
        "enrolment-finish",
        endings,
        enter_ending,
        (EnrolmentRefused, LogError),
        msgpack.unpackb,
        weight=10,
    ),
    Door("carried", carried, enter_carried, open=open_carried, close=close_carried, weight=8),
)
