"""Enrolment: a phone joins the site by a QR code or by a typed code.

Holds the pending enrolments in memory (ten minutes, five tries, one use) and answers the phone's
two requests. What both sides prove is in `replica.pairing`. Invariant: a certificate is issued only
to a key whose owner proved the code, and only once a code.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from hashlib import blake2b
from typing import Any

from core.dispatch.acts import certify
from core.dispatch.fields import Role
from core.dispatch.permits import CREATE_JOBS
from core.log.canonical import pack, unpack
from core.log.certificate import Certificate, issue
from core.log.errors import Malformed
from core.sentence import say
from replica import pairing, told
from replica.pairing import EnrolmentOffer, PendingEnrolment, Side, Transcript
from replica.replica import Replica
from replica.transport_security import FINGERPRINT_BYTES

# A phone opens sessions this long after it was enrolled; a year of seasonal work and some.
PHONE_SESSION_MS = 400 * 86_400_000

# Enrolments that may be open at once.
PENDING_MAX = 256


class EnrolmentRefused(Exception):
    """The phone may not join; the sentence says why and what to do."""


@dataclass(frozen=True, slots=True)
class Offer:
    """What the office shows: `code` to type, `link` for the QR code, both until `until_ms`."""

    locator: str
    code: str
    link: str
    until_ms: int


@dataclass(slots=True)
class _Open:
    worker: bytes
    pending: PendingEnrolment
    nonces: dict[bytes, bytes]
    joined: bytes = b""


class Enrolments:
    """The enrolments that are open at a hub.

    Args:
        replica: the hub's.
        fingerprint: of the certificate that phones see.
        addresses: `host:port` under which phones reach the hub.
    """

    def __init__(
        self,
        replica: Replica,
        fingerprint: bytes,
        addresses: Callable[[], tuple[str, ...]],
    ) -> None:
        self._replica = replica
        self._fingerprint = fingerprint
        self._addresses = addresses
        self._open_by_locator: dict[bytes, _Open] = {}

    def offer(self, worker: bytes) -> Offer:
        """Open an enrolment for a worker's phone: one code, usable typed or as a QR code.

        Raises:
            EnrolmentRefused: too many are open.
        """
        now = self._replica.clock.now_ms()
        self._forget_old(now)
        if self._still_open(now) >= 2 * PENDING_MAX:
            raise EnrolmentRefused(say("too many enrolments are open; wait ten minutes"))
        entropy = self._replica.entropy
        code = pairing.code_from_entropy(entropy(pairing.CODE_ENTROPY_BYTES))
        token = entropy(pairing.TOKEN_BYTES_MIN)
        offer = EnrolmentOffer(
            self._addresses(), self._fingerprint, token, _site_hash(self._replica.site)
        )
        typed, scanned = pairing.key_from_code(code), pairing.key_from_token(token)
        for key in (typed, scanned):
            self._open_by_locator[key.locator] = _Open(
                worker, PendingEnrolment(key, now), nonces={}
            )
        until = now + pairing.PENDING_LIFE_MS
        return Offer(typed.locator.hex(), code, pairing.encode_offer(offer), until)

    def _still_open(self, now_ms: int) -> int:
        """The secrets that may still let somebody in; a used or burnt one lets in nobody."""
        count = 0
        for found in self._open_by_locator.values():
            with contextlib.suppress(pairing.EnrolmentOver):
                found.pending.check_open(now_ms)
                count += 1
        return count

    def joined(self, worker: bytes) -> bool:
        """Whether a phone has joined by one of the worker's open enrolments."""
        return any(
            found.joined for found in self._open_by_locator.values() if found.worker == worker
        )

    def _forget_old(self, now_ms: int) -> None:
        for locator, found in list(self._open_by_locator.items()):
            if now_ms - found.pending.made_at_ms > 2 * pairing.PENDING_LIFE_MS:
                del self._open_by_locator[locator]

    # --- the phone's requests

    def begin(self, body: bytes) -> bytes:
        """The first request: [locator, phone key, phone nonce] → [hub key, hub nonce, site key].

        Raises:
            EnrolmentRefused, Malformed: unknown, spent or old code; other bytes.
        """
        locator, phone_key, phone_nonce = _read(body, 3)
        found = self._find(locator)
        self._check_open(found)
        if len(found.nonces) > 16:
            found.nonces.clear()
        nonce = self._replica.entropy(pairing.NONCE_BYTES)
        found.nonces[phone_key + phone_nonce] = nonce
        return pack([self._replica.author, nonce, self._replica.site])

    def finish(self, body: bytes) -> bytes:
        """The second: [locator, key, nonce, proof, TLS fingerprint] → [proof, certificates …].

        Issues the certificate and writes it to the site stream.
        """
        locator, phone_key, phone_nonce, proof, phone_tls = _read(body, 5)
        found = self._find(locator)
        nonce = found.nonces.get(phone_key + phone_nonce)
        if nonce is None:
            raise EnrolmentRefused(told.NOT_BEGUN)
        try:
            transcript = Transcript(
                phone_key,
                self._replica.author,
                phone_nonce,
                nonce,
                self._fingerprint,
                _site_hash(self._replica.site),
            )
            attempt = found.pending.attempt(transcript, proof, self._replica.clock.now_ms())
        except pairing.PairingError as over:
            raise EnrolmentRefused(str(over)) from over
        if not attempt.accepted:
            found.pending = attempt.pending
            raise EnrolmentRefused(say(told.CODE_IS_WRONG, left=attempt.tries_left))
        if len(phone_tls) != FINGERPRINT_BYTES:
            raise Malformed("a phone names its TLS certificate by a fingerprint of 32 bytes")
        self._check_key(phone_key, found.worker)
        # Spent only once the certificate is kept: on a full disk the code stays good.
        certificate = self._issue(phone_key, found.worker, phone_tls)
        found.pending = attempt.pending
        found.joined = phone_key
        self._spend_twins(found)
        own = self._replica.identity.own
        hub_proof = pairing.prove(found.pending.pairing_key, Side.HUB, transcript)
        return pack([hub_proof, certificate.to_bytes(), own.to_bytes()])

    def _spend_twins(self, found: _Open) -> None:
        """Of one offer's two secrets, typed and scanned, one use spends both."""
        for other in self._open_by_locator.values():
            same = other.pending.made_at_ms == found.pending.made_at_ms
            if other is not found and other.worker == found.worker and same:
                other.pending = replace(other.pending, spent=True)

    def _find(self, locator: bytes) -> _Open:
        found = self._open_by_locator.get(locator)
        if found is None:
            raise EnrolmentRefused(told.CODE_IS_UNKNOWN)
        return found

    def _check_open(self, found: _Open) -> None:
        try:
            found.pending.check_open(self._replica.clock.now_ms())
        except pairing.EnrolmentOver as over:
            raise EnrolmentRefused(str(over)) from over

    def _check_key(self, phone_key: bytes, worker: bytes) -> None:
        """A key that was shut out stays so; one that is certified acts for whom it always did."""
        standing = self._replica.standing(phone_key)
        if standing.revoked:
            raise EnrolmentRefused(told.KEY_SHUT_OUT)
        if standing.role and (standing.role, standing.subject) != (Role.WORKER, worker):
            raise EnrolmentRefused(told.KEY_OF_ANOTHER)

    def _issue(self, phone_key: bytes, worker: bytes, phone_tls: bytes) -> Certificate:
        identity = self._replica.identity
        unsigned = Certificate(
            identity.site,
            phone_key,
            worker,
            int(Role.WORKER),
            rights_now(self._replica),
            self._replica.clock.now_ms() + PHONE_SESSION_MS,
            phone_tls,
            identity.author,
        )
        certificate = issue(unsigned, identity.key)
        self._replica.write(certify(phone_key, certificate.to_bytes()))
        return certificate


def rights_now(replica: Replica) -> tuple[str, ...]:
    """The rights that the site gives a worker's phone now."""
    row = replica.store.db.execute(
        "SELECT value FROM setting WHERE name = 'workers_create_jobs'"
    ).fetchone()
    return (CREATE_JOBS,) if row is not None and row[0] == "true" else ()


def _site_hash(site: bytes) -> bytes:
    return blake2b(site, digest_size=32).digest()


def _read(body: bytes, count: int) -> list[bytes]:
    parts: Any = unpack(body)
    if not isinstance(parts, list) or len(parts) != count:
        raise Malformed("not an enrolment request")
    if any(not isinstance(part, bytes) or len(part) > 64 for part in parts):
        raise Malformed("not an enrolment request")
    return parts
