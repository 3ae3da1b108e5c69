"""Joining a site: the phone's side of enrolment.

Speaks to a hub by the QR code's link or a typed code and an address, proves the secret, checks the
hub's proof, and keeps key and certificates. Holds no screens. Invariant: nothing of a site is kept
before its hub has proven that it knows the secret too.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import blake2b, sha256
from pathlib import Path
from typing import Any

import aiohttp

from core.dispatch.fields import Role
from core.log.canonical import pack, unpack
from core.log.certificate import check_certificate, read_certificate
from core.log.errors import LogError
from core.sentence import say
from replica import pairing
from replica.identity import (
    KEY_FILE,
    IdentityError,
    load_or_make_key,
    public_bytes,
    save_identity,
    write_private,
)
from replica.pairing import EnrolmentOffer, PairingKey, Side, Transcript
from replica.screens.port import EnrolmentRefused
from replica.store import STORE_FILE, Store
from replica.told import known_again
from replica.transport_security import (
    FINGERPRINT_BYTES,
    PEER_SERVER_NAME,
    open_transport_identity,
)

HUB_FILE = "hub"
TIMEOUT_S = 15.0
PORT = 8443

# Three byte strings, two of them certificates; what is longer is no hub's answer.
ANSWER_BYTES_MAX = 4_096

# Answers whose text is a sentence for the worker.
_IN_WORDS = frozenset({403, 413, 429, 507})


class _AnotherMachine(EnrolmentRefused):
    """Not the hub that is looked for answers at this address; the next one may be it."""


@dataclass(frozen=True, slots=True)
class HubAddress:
    """Where the hub is: addresses (`host:port`, the best first) and its fingerprint."""

    addresses: tuple[str, ...]
    fingerprint: bytes


def load_hub_address(folder: Path) -> HubAddress | None:
    """Where this phone's hub is, None before it joined. Raises IdentityError."""
    path = folder / HUB_FILE
    if not path.exists():
        return None
    try:
        fingerprint, *addresses = unpack(path.read_bytes())
        if not isinstance(fingerprint, bytes) or len(fingerprint) != FINGERPRINT_BYTES:
            raise ValueError("it names no fingerprint")
        if not addresses or not all(isinstance(address, str) for address in addresses):
            raise ValueError("it names no addresses")
    except (LogError, ValueError, TypeError) as error:
        raise IdentityError(f"{path} is damaged: {error}; restore it or enrol again") from error
    return HubAddress(tuple(addresses), fingerprint)


def save_hub_address(folder: Path, hub: HubAddress) -> None:
    """Keep where the hub is."""
    write_private(folder / HUB_FILE, pack([hub.fingerprint, *hub.addresses]))


async def join_by_link(folder: Path, link: str, entropy: Callable[[int], bytes]) -> None:
    """Join by the QR code's text.

    Raises:
        EnrolmentRefused: the sentence says what to do.
    """
    try:
        offer = pairing.decode_offer(link.strip())
    except pairing.PairingError as error:
        raise EnrolmentRefused(str(error)) from error
    await _join(folder, pairing.key_from_token(offer.token), offer.addresses, offer, entropy)


async def join_by_code(
    folder: Path, code: str, address: str, entropy: Callable[[int], bytes]
) -> None:
    """Join by a typed code at a hub's address.

    Raises:
        EnrolmentRefused: the sentence says what to do.
    """
    try:
        key = pairing.key_from_code(code)
        typed = address.strip()
        if ":" not in typed or typed.endswith("]"):
            typed += f":{PORT}"
        pairing.check_address(typed)
    except pairing.PairingError as error:
        raise EnrolmentRefused(str(error)) from error
    await _join(folder, key, (typed,), None, entropy)


async def _join(
    folder: Path,
    key: PairingKey,
    addresses: tuple[str, ...],
    offer: EnrolmentOffer | None,
    entropy: Callable[[int], bytes],
) -> None:
    last: Exception | None = None
    another: _AnotherMachine | None = None
    for address in addresses:
        try:
            await _join_at(folder, key, address, addresses, offer, entropy)
            return
        except _AnotherMachine as refusal:
            another = refusal
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            last = error
    if another is not None:
        raise another
    raise EnrolmentRefused(
        say(
            "no hub answers at {addresses}; check the address and that the phone is on the hub's "
            "network ({why})",
            addresses=", ".join(addresses),
            why=type(last).__name__,
        )
    )


async def _join_at(
    folder: Path,
    key: PairingKey,
    address: str,
    addresses: tuple[str, ...],
    offer: EnrolmentOffer | None,
    entropy: Callable[[int], bytes],
) -> None:
    async with asyncio.timeout(TIMEOUT_S):
        fingerprint = await fingerprint_at(address)
    if offer is not None and fingerprint != offer.fingerprint:
        words = say("another machine answers at {address}; ask the office", address=address)
        raise _AnotherMachine(words)
    private = load_or_make_key(folder / KEY_FILE, entropy)
    own, nonce = public_bytes(private), entropy(pairing.NONCE_BYTES)
    tls = open_transport_identity(folder).fingerprint
    timeout = aiohttp.ClientTimeout(total=TIMEOUT_S)
    async with aiohttp.ClientSession(timeout=timeout) as client:
        begun = await _ask(client, address, fingerprint, "begin", [key.locator, own, nonce])
        hub_key, hub_nonce, site = _parts(begun)
        if offer is not None and _site_hash(site) != offer.site_key_hash:
            raise EnrolmentRefused(
                say("the hub belongs to another site than the QR code; ask the office")
            )
        try:
            transcript = Transcript(own, hub_key, nonce, hub_nonce, fingerprint, _site_hash(site))
        except pairing.PairingError as error:
            raise EnrolmentRefused(NO_HUB) from error
        proof = pairing.prove(key, Side.PHONE, transcript)
        finish = [key.locator, own, nonce, proof, tls]
        hub_proof, *certificates = _parts(
            await _ask(client, address, fingerprint, "finish", finish)
        )
    try:
        pairing.check_hub_proof(key, transcript, hub_proof)
        read = tuple(read_certificate(data) for data in certificates)
        check_certificate(read[-1], site, ())
        check_certificate(read[0], site, read)
    except (pairing.PairingError, LogError, ValueError) as error:
        words = say("the hub did not prove that it knows the code: {why}", why=str(error))
        raise EnrolmentRefused(words) from error
    if read[0].author != own or read[0].role != Role.WORKER:
        words = say("the hub certified another device than this one; ask the office")
        raise EnrolmentRefused(words)
    held = held_site(folder)
    if held is not None and held != site:
        raise EnrolmentRefused(WORK_OF_ANOTHER_SITE)
    save_hub_address(folder, HubAddress(addresses, fingerprint))
    save_identity(folder, site, read)


def held_site(folder: Path) -> bytes | None:
    """The site whose work the phone in `folder` keeps, None before it first joined."""
    if not (folder / STORE_FILE).exists():
        return None
    store = Store(folder / STORE_FILE)
    try:
        site: bytes | None = store.get("site")
        return site
    finally:
        store.close()


NO_HUB = say("what answers there is no hub of Fieldlog; check the address")
WORK_OF_ANOTHER_SITE = say(
    "this phone keeps the work of another site; join that one, or start with a new folder"
)


def _site_hash(site: bytes) -> bytes:
    return blake2b(site, digest_size=32).digest()


def _parts(data: bytes) -> list[Any]:
    try:
        parts = unpack(data)
    except LogError as error:
        raise EnrolmentRefused(NO_HUB) from error
    if not isinstance(parts, list) or any(not isinstance(part, bytes) for part in parts):
        raise EnrolmentRefused(NO_HUB)
    if len(parts) != 3:
        raise EnrolmentRefused(say("the hub speaks another version; update this app"))
    return parts


async def _ask(
    client: aiohttp.ClientSession, address: str, fingerprint: bytes, step: str, parts: list[bytes]
) -> bytes:
    async with client.post(
        f"https://{address}/enrol/{step}",
        data=pack(parts),
        ssl=aiohttp.Fingerprint(fingerprint),
        server_hostname=PEER_SERVER_NAME,
    ) as answer:
        body = await _whole(answer)
        if answer.status in _IN_WORDS:
            raise EnrolmentRefused(known_again(body.decode("utf-8", "replace")[:300]))
        if answer.status != 200:
            raise EnrolmentRefused(
                say(
                    "what answers at {address} said {status}; try again",
                    address=address,
                    status=answer.status,
                )
            )
        return body


async def _whole(answer: aiohttp.ClientResponse) -> bytes:
    """The body of an answer that is short, as a hub's is."""
    try:
        await answer.content.readexactly(ANSWER_BYTES_MAX + 1)
    except asyncio.IncompleteReadError as whole:
        return whole.partial
    raise EnrolmentRefused(NO_HUB)


async def fingerprint_at(address: str) -> bytes:
    """The fingerprint of whoever answers; it is proven by the codes' proofs, which cover it."""
    host, port = pairing.check_address(address)
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    reader, writer = await asyncio.open_connection(
        host, port, ssl=context, server_hostname=PEER_SERVER_NAME
    )
    del reader
    try:
        found: ssl.SSLObject = writer.get_extra_info("ssl_object")
        certificate = found.getpeercert(binary_form=True)
    finally:
        writer.close()
    if certificate is None:
        raise EnrolmentRefused(say("what answers there shows no certificate"))
    return sha256(certificate).digest()
