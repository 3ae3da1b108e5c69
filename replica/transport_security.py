"""A replica's own TLS identity: a key, a self-signed certificate, and how a peer pins it.

Holds the making, loading and refusing of the one file in which key and certificate lie together, so
that no crash can leave one without the other. It holds no site certificate (that is an entry of the
`site` stream, which names this fingerprint) and nothing for browsers, which cannot pin.

Invariant: a peer is who it says because its certificate has the fingerprint that the site names;
dates, names and issuers inside the certificate prove nothing, so no wrong clock can end a session.
"""

from __future__ import annotations

import datetime
import os
import ssl
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import aiohttp
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

FINGERPRINT_BYTES: Final = 32
"""A fingerprint is the SHA-256 of the whole certificate in DER, as `aiohttp.Fingerprint` wants."""

KEY_FILE_BYTES_MAX: Final = 65_536
"""A key with a long certificate chain is some 10 kB; anything bigger is another file."""

TRANSPORT_FILE_NAME: Final = "transport.pem"

PEER_SERVER_NAME: Final = "replica.fieldlog.internal"
"""The name a replica asks for (SNI), so that one port can serve replicas and browsers alike.

A listener that also serves browsers gives them another certificate; see
`hub.browser_authority.serve_replicas_too`.
"""

_VALID_FROM: Final = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)
# RFC 5280 §4.1.2.5 gives this date to certificates that have no good last day.
_VALID_UNTIL: Final = datetime.datetime(9999, 12, 31, 23, 59, 59, tzinfo=datetime.UTC)
_PRIVATE_MODE: Final = 0o600

PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


class TransportError(Exception):
    """Something is wrong with the keys under which this replica talks; the text says what to do."""


class BrokenKeyFile(TransportError):
    """A key file does not parse, or its key and certificate do not belong together."""


class ExposedKeyFile(TransportError):
    """A key file can be read by other users of this machine."""


class MalformedFingerprint(TransportError, ValueError):
    """A fingerprint is not the 32 bytes (64 hex digits) of a SHA-256."""


@dataclass(frozen=True, slots=True)
class KeyFile:
    """A private key with the certificate for it, as they lie in one PEM file of mode 0600."""

    path: Path
    certificate: x509.Certificate
    private_key: PrivateKey = field(repr=False)

    @property
    def certificate_der(self) -> bytes:
        """The certificate as it goes over the wire."""
        return self.certificate.public_bytes(serialization.Encoding.DER)

    @property
    def fingerprint(self) -> bytes:
        """SHA-256 of the certificate in DER: 32 bytes."""
        return self.certificate.fingerprint(hashes.SHA256())


def write_key_file(path: Path, private_key: PrivateKey, *certificates: x509.Certificate) -> None:
    """Put a key and its certificates (leaf first) into `path`, wholly or not at all, mode 0600.

    The new file replaces the old one by one rename, after its bytes are on the disk. Raises
    OSError.
    """
    text = private_key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ) + b"".join(each.public_bytes(serialization.Encoding.PEM) for each in certificates)
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    unfinished = path.with_name(f"{path.name}.{os.getpid()}.new")
    unfinished.unlink(missing_ok=True)
    # O_EXCL and the mode at creation: there is no moment at which another user could read the key.
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _PRIVATE_MODE)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(unfinished, path)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise
    # The name is durable only once the folder is: peers pin this key as soon as they see it.
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def read_key_file(path: Path) -> KeyFile:
    """Load a key and its certificate (the first, if a chain follows).

    Raises BrokenKeyFile or ExposedKeyFile, both saying what to do; changes nothing. A file that is
    not there raises FileNotFoundError.
    """
    text = _read_private_bytes(path)
    try:
        certificate = x509.load_pem_x509_certificate(text)
        private_key = serialization.load_pem_private_key(text, password=None)
    except (ValueError, TypeError) as wrong:
        raise BrokenKeyFile(
            f"{path} does not hold a readable key and certificate ({wrong}). Put the file back "
            "from a backup, or move it away to have a new one made."
        ) from wrong
    if not isinstance(private_key, (ec.EllipticCurvePrivateKey, rsa.RSAPrivateKey)):
        raise BrokenKeyFile(
            f"{path} holds a key of a kind that TLS cannot use here; use an EC (P-256) or RSA key."
        )
    if private_key.public_key() != certificate.public_key():
        raise BrokenKeyFile(
            f"In {path} the certificate is for another key. Put the file back from a backup, or "
            "move it away to have a new one made."
        )
    return KeyFile(path, certificate, private_key)


def _read_private_bytes(path: Path) -> bytes:
    with path.open("rb") as file:
        mode = os.fstat(file.fileno()).st_mode
        if os.name == "posix" and mode & 0o077:
            raise ExposedKeyFile(
                f"Other users of this machine can read {path} (mode {mode & 0o777:o}). Run "
                f"`chmod 600 {path}`, or move it away to have a new one made if others may have it."
            )
        text = file.read(KEY_FILE_BYTES_MAX + 1)
    if len(text) > KEY_FILE_BYTES_MAX:
        raise BrokenKeyFile(
            f"{path} is larger than {KEY_FILE_BYTES_MAX} bytes, so it is no key file. Put the "
            "right file in its place, or move it away to have a new one made."
        )
    return text


@dataclass(frozen=True, slots=True)
class TransportIdentity:
    """The key and certificate under which this replica listens."""

    key_file: KeyFile

    @property
    def fingerprint(self) -> bytes:
        """What peers pin and the site certificate names: 32 bytes."""
        return self.key_file.fingerprint

    def server_context(self) -> ssl.SSLContext:
        """A context for a listener that serves replicas: TLS 1.3 only, as all of them are ours."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        context.load_cert_chain(self.key_file.path)
        return context


def open_transport_identity(folder: Path) -> TransportIdentity:
    """Load this replica's TLS identity from `folder`, making one (EC P-256) if there is none.

    Raises BrokenKeyFile or ExposedKeyFile rather than make a new identity over an old one: peers
    have pinned it, and a silent change would cut this replica off from every one of them.
    """
    path = folder / TRANSPORT_FILE_NAME
    try:
        return TransportIdentity(read_key_file(path))
    except FileNotFoundError:
        private_key = ec.generate_private_key(ec.SECP256R1())
        write_key_file(path, private_key, _self_signed(private_key))
    return TransportIdentity(read_key_file(path))


def _self_signed(private_key: ec.EllipticCurvePrivateKey) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Fieldlog replica")])
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(private_key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(_VALID_FROM)
        .not_valid_after(_VALID_UNTIL)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(
            x509.SubjectAlternativeName([x509.DNSName(PEER_SERVER_NAME)]), critical=False
        )
        .sign(private_key, hashes.SHA256())
    )


def client_pin(fingerprint: bytes) -> aiohttp.Fingerprint:
    """What to pass as `ssl=` so that only the peer with this certificate is talked to.

    A peer with another one raises `aiohttp.ServerFingerprintMismatch` before a byte of ours is
    sent. Raises MalformedFingerprint.
    """
    if len(fingerprint) != FINGERPRINT_BYTES:
        raise MalformedFingerprint(
            f"A fingerprint has {FINGERPRINT_BYTES} bytes, and this one has {len(fingerprint)}."
        )
    return aiohttp.Fingerprint(fingerprint)


def show_fingerprint(fingerprint: bytes) -> str:
    """A fingerprint as people compare it: upper-case hex pairs joined by colons."""
    return fingerprint.hex(":").upper()


def read_fingerprint(text: str) -> bytes:
    """The bytes of a fingerprint that a person typed or pasted. Raises MalformedFingerprint."""
    digits = "".join(text[:200].replace(":", " ").split())
    try:
        fingerprint = bytes.fromhex(digits)
    except ValueError:
        fingerprint = b""
    if len(fingerprint) != FINGERPRINT_BYTES or len(text) > 200:
        raise MalformedFingerprint(
            "A fingerprint is 64 hex digits (colons and spaces do not matter); copy it whole from "
            "the other machine."
        )
    return fingerprint
