"""Enrolment: what the QR code says, what a person types, and how both sides prove they know it.

Holds values and pure functions: no socket, no clock, no randomness of its own. It does not decide
what an enrolled key may do, and it holds no certificate.

Invariant: whoever does not know the secret (the token in the QR code, or the typed code) can make
neither side's proof, and a proof holds for exactly one pair of public keys, one pair of nonces and
one TLS certificate, so nobody between the two can pass one on.

Sources: Crockford's base32 alphabet; OWASP ASVS 5.0 §6.4-6.5 (single use, short life, few tries).
The typed code has 80 bits, so a guess cannot be checked against a recorded proof in ten minutes or
in ten years, and no password-authenticated key exchange is needed.
"""

from __future__ import annotations

import base64
import binascii
import enum
import hashlib
import hmac
import ipaddress
import re
from collections.abc import Iterable
from dataclasses import dataclass, field, fields, replace
from typing import Final
from urllib.parse import parse_qsl, quote

from core.sentence import say
from replica import told

CODE_CHARACTERS: Final = 16
CODE_ENTROPY_BYTES: Final = 10
TOKEN_BYTES_MIN: Final = 16
TOKEN_BYTES_MAX: Final = 32
KEY_BYTES: Final = 32
NONCE_BYTES: Final = 32
HASH_BYTES: Final = 32
PROOF_BYTES: Final = 32
LOCATOR_BYTES: Final = 8

OFFER_CHARACTERS_MAX: Final = 1_000
"""A QR code of 1,000 characters is still read by an old phone's camera."""
ADDRESSES_MAX: Final = 8
"""A hub has a few network cards, each with two kinds of address."""

PENDING_LIFE_MS: Final = 10 * 60 * 1_000
TRIES_MAX: Final = 5

_OFFER_PREFIX: Final = "fieldlog://enrol?"
_OFFER_VERSION: Final = "1"
_ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_LOOKALIKES: Final = str.maketrans({"O": "0", "I": "1", "L": "1"})
_HOST_NAME: Final = re.compile(
    r"(?=.{1,253}\Z)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*\Z"
)
_TRANSCRIPT_PREFIX: Final = b"fieldlog enrolment transcript 1"


class PairingError(ValueError):
    """Enrolment cannot go on; the text says why and what to do."""


class MalformedOffer(PairingError):
    """A QR code's text is not an enrolment offer, or is damaged."""


class NewerOffer(PairingError):
    """The offer was made by a later version of Fieldlog."""


class MalformedCode(PairingError):
    """A typed code has the wrong length or a character that codes do not use."""


class MalformedTranscript(PairingError):
    """A key, nonce, fingerprint or hash that goes into a proof has the wrong length."""


class WrongProof(PairingError):
    """The other side does not know the secret, or somebody stands between the two."""


class EnrolmentOver(PairingError):
    """This enrolment takes no more attempts."""


class EnrolmentExpired(EnrolmentOver):
    """Its ten minutes are over."""


class EnrolmentSpent(EnrolmentOver):
    """It was used."""


class EnrolmentBurnt(EnrolmentOver):
    """It was tried five times in vain."""


# The offer in the QR code.


@dataclass(frozen=True, slots=True)
class EnrolmentOffer:
    """What a hub's QR code tells a phone.

    `addresses` are `host:port` (IPv6 in brackets), the best first; `fingerprint` is the SHA-256 of
    the hub's TLS certificate; `token` is the one-time secret, 16 to 32 bytes; `site_key_hash` is
    the BLAKE2b-256 of the site's public key. Raises MalformedOffer when made with anything else.
    """

    addresses: tuple[str, ...]
    fingerprint: bytes
    token: bytes = field(repr=False)
    site_key_hash: bytes

    def __post_init__(self) -> None:
        if not 1 <= len(self.addresses) <= ADDRESSES_MAX:
            raise MalformedOffer(f"An enrolment offer names 1 to {ADDRESSES_MAX} addresses.")
        for address in self.addresses:
            check_address(address)
        for part, name in ((self.fingerprint, "fingerprint"), (self.site_key_hash, "site key")):
            if len(part) != HASH_BYTES:
                raise MalformedOffer(f"The {name} in an enrolment offer has {HASH_BYTES} bytes.")
        if not TOKEN_BYTES_MIN <= len(self.token) <= TOKEN_BYTES_MAX:
            raise MalformedOffer(
                f"The token in an enrolment offer has {TOKEN_BYTES_MIN} to {TOKEN_BYTES_MAX} bytes."
            )


def encode_offer(offer: EnrolmentOffer) -> str:
    """The text of the QR code: `fieldlog://enrol?v=1&a=...&f=...&t=...&s=...`.

    `a` (once for each address), `f` fingerprint, `t` token and `s` site key hash, the last three in
    base64 for URLs without padding. Raises MalformedOffer if it grows past what a QR code carries.
    """
    pairs = [("v", _OFFER_VERSION)]
    pairs += [("a", quote(address, safe=":[]")) for address in offer.addresses]
    pairs += [
        ("f", _to_base64(offer.fingerprint)),
        ("t", _to_base64(offer.token)),
        ("s", _to_base64(offer.site_key_hash)),
    ]
    text = _OFFER_PREFIX + "&".join(f"{key}={value}" for key, value in pairs)
    if len(text) > OFFER_CHARACTERS_MAX:
        raise MalformedOffer("This hub has too many or too long addresses for one QR code.")
    return text


def decode_offer(text: str) -> EnrolmentOffer:
    """Read a QR code's text. Raises MalformedOffer or NewerOffer.

    Strict: an offer has one spelling, so a text that would be written differently is refused.
    """
    if len(text) > OFFER_CHARACTERS_MAX:
        raise MalformedOffer(
            say("An enrolment link has at most {most} characters.", most=OFFER_CHARACTERS_MAX)
        )
    text = text.strip()
    if not text.startswith(_OFFER_PREFIX):
        raise MalformedOffer(
            say("This is no Fieldlog enrolment code. Scan the code that the office shows.")
        )
    try:
        pairs = parse_qsl(text[len(_OFFER_PREFIX) :], keep_blank_values=True, strict_parsing=True)
    except ValueError:
        raise MalformedOffer(_DAMAGED) from None
    values: dict[str, list[str]] = {}
    for key, value in pairs:
        values.setdefault(key, []).append(value)
    if values.get("v") != [_OFFER_VERSION]:
        raise NewerOffer(
            say(
                "This enrolment code was made by another version of Fieldlog; update this phone "
                "first."
            )
        )
    if set(values) != {"v", "a", "f", "t", "s"} or any(len(values[key]) != 1 for key in "fts"):
        raise MalformedOffer(_DAMAGED)
    offer = EnrolmentOffer(
        addresses=tuple(values["a"]),
        fingerprint=_from_base64(values["f"][0]),
        token=_from_base64(values["t"][0]),
        site_key_hash=_from_base64(values["s"][0]),
    )
    if encode_offer(offer) != text:
        raise MalformedOffer(_DAMAGED)
    return offer


_DAMAGED: Final = say("This enrolment code is damaged or incomplete; scan it again.")


def check_address(address: str) -> tuple[str, int]:
    """Split `host:port` (a name, an IPv4 address, or an IPv6 address in brackets).

    Returns the host without brackets and the port. Raises MalformedOffer.
    """
    host, colon, port_text = address.rpartition(":")
    port = int(port_text) if re.fullmatch(r"[1-9][0-9]{0,4}", port_text, re.ASCII) else 0
    good = colon == ":" and 0 < port < 65_536
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
        good = good and _is_ip(host, 6)
    else:
        good = good and (_is_ip(host, 4) or _is_name(host))
    if not good:
        raise MalformedOffer(
            say(
                "{address!r} is no address of a hub; it should look like 10.0.0.5:8443.",
                address=address,
            )
        )
    return host, port


def _is_ip(host: str, version: int) -> bool:
    try:
        parsed = ipaddress.ip_address(host)
    except ValueError:
        return False
    return parsed.version == version and "%" not in host


def _is_name(host: str) -> bool:
    # A name whose last label is a number would be read as an IPv4 address by some resolvers.
    return _HOST_NAME.match(host) is not None and not host.rpartition(".")[2].isdigit()


def _to_base64(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode("ascii")


def _from_base64(text: str) -> bytes:
    padded = text + "=" * (-len(text) % 4)
    try:
        return base64.b64decode(padded, altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise MalformedOffer(_DAMAGED) from None


# The typed code.


def code_from_entropy(entropy: bytes) -> str:
    """A code to be typed, `XXXX-XXXX-XXXX-XXXX`, from 10 random bytes (80 bits)."""
    if len(entropy) != CODE_ENTROPY_BYTES:
        raise MalformedCode(f"A code is made from {CODE_ENTROPY_BYTES} random bytes.")
    number = int.from_bytes(entropy, "big")
    digits = [_ALPHABET[(number >> shift) & 31] for shift in range(75, -1, -5)]
    return "-".join("".join(digits[start : start + 4]) for start in range(0, CODE_CHARACTERS, 4))


def entropy_from_code(code: str) -> bytes:
    """The 10 bytes of a code as a person typed it.

    Case, spaces and hyphens do not matter; O is read as 0, I and L as 1. Raises MalformedCode.
    """
    if len(code) > 100:
        raise MalformedCode(
            say("A code has {count} characters; this text is much longer.", count=CODE_CHARACTERS)
        )
    # Letter by letter: the upper case of some foreign letters is two of ours.
    typed = re.sub(r"[\s\-\u2010-\u2015\u2212]", "", code)
    plain = "".join(each.upper() if each.isascii() else each for each in typed)
    plain = plain.translate(_LOOKALIKES)
    for character in plain:
        if character not in _ALPHABET:
            raise MalformedCode(
                say(
                    "Codes have no {letter!r} in them. They use the digits and the letters but U.",
                    letter=character,
                )
            )
    if len(plain) != CODE_CHARACTERS:
        raise MalformedCode(
            say(
                "A code has {count} characters in four groups; this one has {found}.",
                count=CODE_CHARACTERS,
                found=len(plain),
            )
        )
    number = 0
    for character in plain:
        number = number << 5 | _ALPHABET.index(character)
    return number.to_bytes(CODE_ENTROPY_BYTES, "big")


# Proofs.


@dataclass(frozen=True, slots=True)
class PairingKey:
    """The key under which both sides prove themselves, and the name the hub finds it by.

    `locator` (8 bytes) is sent in the clear; it says nothing of the secret but which one is meant.
    """

    key: bytes = field(repr=False)
    locator: bytes


def key_from_token(token: bytes) -> PairingKey:
    """The pairing key of a QR code's token. Raises MalformedOffer on a token that is too short."""
    if not TOKEN_BYTES_MIN <= len(token) <= TOKEN_BYTES_MAX:
        raise MalformedOffer(_DAMAGED)
    return _pairing_key(b"token", token)


def key_from_code(code: str) -> PairingKey:
    """The pairing key of a typed code. Raises MalformedCode."""
    return _pairing_key(b"code", entropy_from_code(code))


def _pairing_key(kind: bytes, secret: bytes) -> PairingKey:
    def derived(use: bytes, size: int) -> bytes:
        return hashlib.blake2b(kind, key=secret, digest_size=size, person=use).digest()

    return PairingKey(
        key=derived(b"fieldlog.pair", KEY_BYTES),
        locator=derived(b"fieldlog.find", LOCATOR_BYTES),
    )


@dataclass(frozen=True, slots=True)
class Transcript:
    """What the proofs are about; each side fills it in with what it itself saw.

    `hub_fingerprint` is, on the phone, that of the certificate which the TLS connection really
    showed: somebody in the middle has another, and then no proof fits. Every field is 32 bytes;
    raises MalformedTranscript otherwise.
    """

    phone_public_key: bytes
    hub_public_key: bytes
    phone_nonce: bytes
    hub_nonce: bytes
    hub_fingerprint: bytes
    site_key_hash: bytes

    def __post_init__(self) -> None:
        for each in fields(self):
            if len(getattr(self, each.name)) != 32:
                raise MalformedTranscript(f"In an enrolment, {each.name} has to have 32 bytes.")

    def packed(self) -> bytes:
        """All fields one after the other; unambiguous, as every length is fixed."""
        parts: list[bytes] = [getattr(self, each.name) for each in fields(self)]
        return _TRANSCRIPT_PREFIX + b"".join(parts)


class Side(enum.Enum):
    """Who proves; the two sides' proofs differ, so neither can be sent back to its maker."""

    PHONE = b"fieldlog.phone"
    HUB = b"fieldlog.hub"


def prove(pairing_key: PairingKey, side: Side, transcript: Transcript) -> bytes:
    """The proof of `side` that it knows the secret: a MAC of 32 bytes over the transcript."""
    return hashlib.blake2b(
        transcript.packed(), key=pairing_key.key, digest_size=PROOF_BYTES, person=side.value
    ).digest()


def proof_holds(pairing_key: PairingKey, side: Side, transcript: Transcript, proof: bytes) -> bool:
    """Whether `proof` is that of `side`; takes the same time whatever the bytes are."""
    return hmac.compare_digest(prove(pairing_key, side, transcript), proof)


def check_hub_proof(pairing_key: PairingKey, transcript: Transcript, proof: bytes) -> None:
    """On the phone: raise WrongProof unless the hub knows the secret too."""
    if not proof_holds(pairing_key, Side.HUB, transcript, proof):
        raise WrongProof(
            say(
                "What answered is not the hub that made this code. Check the address, and do not "
                "enrol over this network if it happens again."
            )
        )


# What the hub remembers while it waits.


@dataclass(frozen=True, slots=True)
class PendingEnrolment:
    """An enrolment that a hub offers: used once, tried five times, open for ten minutes.

    It is a value: `attempt` gives the next one, which the caller keeps before it answers.
    """

    pairing_key: PairingKey
    made_at_ms: int
    failed_tries: int = 0
    spent: bool = False

    def check_open(self, now_ms: int) -> None:
        """Raise EnrolmentSpent, EnrolmentBurnt or EnrolmentExpired if it takes no attempt now."""
        if self.spent:
            raise EnrolmentSpent(say(told.CODE_WAS_USED))
        if self.failed_tries >= TRIES_MAX:
            raise EnrolmentBurnt(say(told.CODE_IS_BURNT, tries=TRIES_MAX))
        # A clock that was set back past the making would lengthen the ten minutes: over, too.
        if not 0 <= now_ms - self.made_at_ms < PENDING_LIFE_MS:
            raise EnrolmentExpired(say(told.CODE_IS_OLD))

    def attempt(self, transcript: Transcript, proof: bytes, now_ms: int) -> Attempt:
        """Judge a phone's proof. Raises EnrolmentOver (see `check_open`) without judging it."""
        self.check_open(now_ms)
        if proof_holds(self.pairing_key, Side.PHONE, transcript, proof):
            return Attempt(replace(self, spent=True), accepted=True)
        return Attempt(replace(self, failed_tries=self.failed_tries + 1), accepted=False)


@dataclass(frozen=True, slots=True)
class Attempt:
    """What came of a try: the enrolment as it stands now, to be kept before the phone is told."""

    pending: PendingEnrolment
    accepted: bool

    @property
    def tries_left(self) -> int:
        """How many more wrong proofs it takes to burn the code; 0 once it is spent."""
        return 0 if self.pending.spent else TRIES_MAX - self.pending.failed_tries


def find_pending(pending: Iterable[PendingEnrolment], locator: bytes) -> PendingEnrolment | None:
    """The enrolment that a phone means, or None. Unknown ones are for the caller to count."""
    for each in pending:
        if hmac.compare_digest(each.pairing_key.locator, locator):
            return each
    return None
