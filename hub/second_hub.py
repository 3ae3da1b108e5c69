"""A second hub of a site: it asks in a file, the first certifies it, and it begins with the site.

For machines that may have no network between them (docs/formats/hub-request.md). Only the hub that
keeps the site's key can answer. Invariant: no two hubs of a site get the same letter, since it
stands in the numbers of their jobs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from core.dispatch.acts import certify
from core.dispatch.fields import Role
from core.log.canonical import pack, unpack
from core.log.carried import CarriedOut, carry_out, hello_in, opened
from core.log.certificate import Certificate, check_certificate, issue, read_certificate
from core.log.errors import LogError
from hub.founding import ASKED_FILE, HUB_SESSION_MS
from hub.site_key import open_site_key
from replica.identity import (
    KEY_FILE,
    SITE_KEY_FILE,
    load_identity,
    load_or_make_key,
    public_bytes,
    save_identity,
    write_private,
)
from replica.replica import Replica
from replica.shelf import ReplicaShelf
from replica.transport_security import FINGERPRINT_BYTES, open_transport_identity

MAGIC = b"FLHUBASK"
REQUEST_BYTES_MAX = 512
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


class HubRefused(Exception):
    """A hub can't be asked for, certified or begun; the sentence says why and what to do."""


@dataclass(frozen=True, slots=True)
class HubRequest:
    """A hub that asks to be one of a site: its key, the letter it wants, its TLS fingerprint."""

    author: bytes
    letter: str
    fingerprint: bytes


def ask(folder: Path, letter: str, entropy: Callable[[int], bytes]) -> bytes:
    """The request of the hub to be in `folder`, whose keys are made now.

    Raises:
        HubRefused: the folder is another's already.
    """
    if load_identity(folder) is not None or (folder / SITE_KEY_FILE).exists():
        raise HubRefused(f"{folder} holds a hub or phone already; give an empty folder")
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    key = load_or_make_key(folder / KEY_FILE, entropy)
    fingerprint = open_transport_identity(folder).fingerprint
    write_private(folder / ASKED_FILE, letter.encode())
    asked = [1, public_bytes(key), letter, fingerprint]
    return MAGIC + pack([*asked, key.sign(signed_bytes(asked))])


def signed_bytes(asked: list[object]) -> bytes:
    """What a request signs: the hash of its list without the signature."""
    return blake2b(pack(asked), digest_size=32, person=b"fieldlog.askhub").digest()


def read_request(data: bytes) -> HubRequest:
    """The request of a file.

    Raises:
        HubRefused: it is none, or was changed on its way.
    """
    if len(data) > REQUEST_BYTES_MAX or data[: len(MAGIC)] != MAGIC:
        raise HubRefused("this is no file that `fieldlog enrol ask` made")
    try:
        version, author, letter, fingerprint, signature = unpack(data[len(MAGIC) :])
        Ed25519PublicKey.from_public_bytes(author).verify(
            signature, signed_bytes([version, author, letter, fingerprint])
        )
    except (LogError, ValueError, TypeError, InvalidSignature) as error:
        raise HubRefused("the request was changed or cut off on its way; make it anew") from error
    known = type(version) is int and version == 1 and letter in tuple(LETTERS)
    if not known or not isinstance(fingerprint, bytes) or len(fingerprint) != FINGERPRINT_BYTES:
        raise HubRefused("the request is of a newer version; install that one here first")
    return HubRequest(author, letter, fingerprint)


def answer(
    replica: Replica, folder: Path, request: HubRequest, site_secret: str = ""
) -> CarriedOut:
    """Certify the hub that asks, and make its first file: the whole site, for it alone.

    `site_secret` opens the site's key in `folder` where that is locked.

    To answer the same request again gives a new file and no second certificate.

    Raises:
        HubRefused: this hub has not the site's key, or the letter is another hub's.
        IdentityError: the site's key is locked, or broken.
    """
    certificate = _certified(replica, request)
    if certificate is None:
        certificate = _certify(replica, folder, request, site_secret)
    shelf = ReplicaShelf(replica)
    return carry_out(shelf, certificate, replica.entropy(48), besides=(certificate,))


def _certified(replica: Replica, request: HubRequest) -> Certificate | None:
    for each in replica.certificates_of(Role.HUB):
        if (each.author, each.tls) == (request.author, request.fingerprint):
            return each
    return None


def _certify(replica: Replica, folder: Path, request: HubRequest, site_secret: str) -> Certificate:
    taken = {each.subject.decode("utf-8", "replace") for each in replica.certificates_of(Role.HUB)}
    if request.letter in taken:
        free = next(letter for letter in LETTERS if letter not in taken)
        raise HubRefused(
            f"a hub of this site has the letter {request.letter} already, and job numbers would be "
            f"given twice; ask with another, such as --letter {free}"
        )
    unsigned = Certificate(
        replica.site,
        request.author,
        request.letter.encode(),
        int(Role.HUB),
        (),
        replica.clock.now_ms() + HUB_SESSION_MS,
        request.fingerprint,
        replica.site,
    )
    certificate = issue(unsigned, site_key_of(replica, folder, site_secret))
    with replica.store.transaction():
        replica.adopt_certificate(certificate)
        replica.write(certify(request.author, certificate.to_bytes()))
    return certificate


def site_key_of(replica: Replica, folder: Path, site_secret: str) -> Ed25519PrivateKey:
    """The site's private key, where this hub keeps it.

    Raises:
        HubRefused: it does not.
        IdentityError: it is locked, or broken.
    """
    if (folder / SITE_KEY_FILE).exists():
        key = open_site_key(folder, site_secret)
        if public_bytes(key) == replica.site:
            return key
    raise HubRefused(
        "only the hub that keeps the site's key can certify a hub or close one; do it there"
    )


def begin(folder: Path, data: bytes) -> bytes:
    """Be the hub that a file of the site certifies; the site's key. The file is not taken in yet.

    Raises:
        HubRefused: the file certifies another hub than that in `folder`.
        LogError: it is no such file.
    """
    path = folder / KEY_FILE
    if not path.exists():
        raise HubRefused(f"nobody has asked in {folder}; begin with `fieldlog enrol ask`")
    key = load_or_make_key(path, lambda _: b"")
    hello = hello_in(opened(data, key, public_bytes(key)))
    own = [
        read
        for read in map(read_certificate, hello.certificates)
        if read.author == public_bytes(key)
    ]
    if not own or own[0].role != Role.HUB:
        raise HubRefused("the file certifies no hub here; have the request answered again")
    check_certificate(own[0], hello.site, ())
    held = load_identity(folder)
    if held is not None and held.site != hello.site:
        raise HubRefused(f"{folder} holds a hub of another site; give an empty folder")
    if held is None:
        save_identity(folder, hello.site, (own[0],))
        (folder / ASKED_FILE).unlink(missing_ok=True)
    return hello.site
