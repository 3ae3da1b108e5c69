"""The hub as its own small certificate authority, for browsers on a network without internet.

Holds one root, which a person installs on each computer or phone that uses the hub's pages, and the
certificate that the hub shows, renewed by itself under that root. It holds nothing for replicas,
which pin a certificate instead (`replica.transport_security`), and no page: where the root is
offered for download is for the pages to say.

Invariant: whoever installed the root trusts it for the names it was made for and for private names
and networks, and for nothing else: the root itself forbids every other name, so that its key, if
stolen, opens nobody's bank.

Sources: RFC 5280 §4.2.1.10 (name constraints); CA/Browser Forum's 398 days for certificates that
browsers take; RFC 1918, 4193, 6762, 8375 for what is private.
"""

from __future__ import annotations

import datetime
import ipaddress
import re
import ssl
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from replica.transport_security import (
    PEER_SERVER_NAME,
    KeyFile,
    TransportError,
    read_key_file,
    show_fingerprint,
    write_key_file,
)

ROOT_FILE_NAME: Final = "browser-root.pem"
LEAF_FILE_NAME: Final = "browser-leaf.pem"

ROOT_DAYS: Final = 3_650
LEAF_DAYS: Final = 397
"""Browsers refuse certificates of more than 398 days."""
RENEW_BEFORE_DAYS: Final = 60
"""A hub that is switched off over a season still wakes up with a valid certificate."""
NAMES_MAX: Final = 64
"""Names and addresses in one certificate; a hub has a handful."""
_BACKDATED_DAYS: Final = 2
"""A computer whose clock runs a day behind the hub's takes a new certificate all the same."""

_DAY_MS: Final = 24 * 60 * 60 * 1_000

_PRIVATE_NAMES: Final = ("localhost", "local", "lan", "home.arpa", "internal")
_PRIVATE_NETWORKS: Final = (
    "10.0.0.0/8",
    "172.16.0.0/12",
    "192.168.0.0/16",
    "169.254.0.0/16",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "fc00::/7",
    "fe80::/10",
    "::1/128",
)
_NAME: Final = re.compile(
    r"(?=.{1,253}\Z)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*\Z"
)

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class AuthorityError(TransportError):
    """The hub's authority for browsers cannot do what it is asked; the text says what to do."""


class MalformedServerName(AuthorityError):
    """A name that browsers are to use for the hub is neither a host name nor an IP address."""


class NameOutsideRoot(AuthorityError):
    """The root that people installed does not allow this name or address."""


class BrowserAuthority:
    """The root and the certificate of one hub, kept in `folder`.

    `server_names` are the host names and IP addresses under which browsers reach the hub; `now_ms`
    is its clock. Made on first use; made anew never, unless the file is moved away. Raises
    MalformedServerName, NameOutsideRoot, and the errors of `replica.transport_security`.
    """

    def __init__(
        self,
        folder: Path,
        hub_name: str,
        server_names: Iterable[str],
        now_ms: Callable[[], int],
    ) -> None:
        self._folder = folder
        self._hub_name = hub_name[:48] or "hub"
        self._now_ms = now_ms
        self._names, self._addresses = read_server_names(server_names)
        self._root = self._open_root()
        self._check_allowed()
        self._leaf = self._open_leaf()
        self._context: ssl.SSLContext | None = None

    @property
    def root_der(self) -> bytes:
        """The root as phones and Windows install it (`application/x-x509-ca-cert`)."""
        return self._root.certificate_der

    @property
    def root_pem(self) -> bytes:
        """The root as Linux and Firefox install it."""
        return self._root.certificate.public_bytes(serialization.Encoding.PEM)

    @property
    def root_fingerprint(self) -> bytes:
        """SHA-256 of the root: 32 bytes."""
        return self._root.fingerprint

    @property
    def root_notice(self) -> str:
        """What to show beside the download, to compare with what the installing device shows."""
        until = self._root.certificate.not_valid_after_utc.date().isoformat()
        return (
            f"Certificate of {self._hub_name}, valid until {until}. Its SHA-256 fingerprint is "
            f"{show_fingerprint(self.root_fingerprint)}. Compare it with the one that the hub's "
            "own screen shows before you install it."
        )

    @property
    def leaf_valid_until_ms(self) -> int:
        """When the certificate that the hub shows runs out, ms UTC."""
        return int(self._leaf.certificate.not_valid_after_utc.timestamp()) * 1_000

    def server_context(self) -> ssl.SSLContext:
        """The context of the listener for browsers (TLS 1.2 and later).

        The same object at each call: a renewal takes effect in it for the next connection.
        """
        if self._context is None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.minimum_version = ssl.TLSVersion.TLSv1_2
            context.load_cert_chain(self._leaf.path)
            self._context = context
        return self._context

    def renew_if_due(self) -> bool:
        """Make a new certificate if the present one soon runs out; True if so. Call it daily."""
        if not self._is_due(self._leaf):
            return False
        self._leaf = self._make_leaf()
        if self._context is not None:
            self._context.load_cert_chain(self._leaf.path)
        return True

    # Root.

    def _open_root(self) -> KeyFile:
        path = self._folder / ROOT_FILE_NAME
        try:
            root = read_key_file(path)
        except FileNotFoundError:
            self._make_root(path)
            return read_key_file(path)
        if self._now() > root.certificate.not_valid_after_utc:
            raise AuthorityError(
                f"The root in {path} has run out. Move the file away to have a new one made; "
                "people install that one anew."
            )
        return root

    def _make_root(self, path: Path) -> None:
        private_key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name(
            [
                x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Fieldlog"),
                x509.NameAttribute(NameOID.COMMON_NAME, f"Fieldlog {self._hub_name}"),
            ]
        )
        builder = _certificate(
            name,
            name,
            subject_key=private_key.public_key(),
            issuer_key=private_key.public_key(),
            now=self._now(),
            days=ROOT_DAYS,
        )
        certificate = (
            builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_key_usage(signs_certificates=True), critical=True)
            .add_extension(
                x509.NameConstraints(permitted_subtrees=self._permitted(), excluded_subtrees=None),
                critical=True,
            )
            .sign(private_key, hashes.SHA256())
        )
        write_key_file(path, private_key, certificate)

    def _permitted(self) -> list[x509.GeneralName]:
        names = dict.fromkeys((*_PRIVATE_NAMES, *self._names))
        networks = dict.fromkeys(
            (
                *map(ipaddress.ip_network, _PRIVATE_NETWORKS),
                *map(ipaddress.ip_network, self._addresses),
            )
        )
        return [*map(x509.DNSName, names), *map(x509.IPAddress, networks)]

    def _check_allowed(self) -> None:
        try:
            constraints = self._root.certificate.extensions.get_extension_for_class(
                x509.NameConstraints
            ).value.permitted_subtrees
        except x509.ExtensionNotFound:
            return  # A root that its owner put there themselves, without limits.
        allowed = [each.value for each in constraints or ()]
        outside = [name for name in self._names if not _name_allowed(name, allowed)]
        outside += [str(each) for each in self._addresses if not _address_allowed(each, allowed)]
        if outside:
            raise NameOutsideRoot(
                f"The root that people installed does not allow {', '.join(outside)}. Leave it out "
                f"of the hub's names, or move {self._root.path} away to have a new root made, "
                "which everybody then installs."
            )

    # Leaf.

    def _open_leaf(self) -> KeyFile:
        try:
            leaf = read_key_file(self._folder / LEAF_FILE_NAME)
        except FileNotFoundError:
            return self._make_leaf()
        return self._make_leaf() if self._is_due(leaf) else leaf

    def _is_due(self, leaf: KeyFile) -> bool:
        certificate, now = leaf.certificate, self._now()
        left = certificate.not_valid_after_utc - now
        try:
            certificate.verify_directly_issued_by(self._root.certificate)
        except (ValueError, TypeError, InvalidSignature):
            return True  # Another root made it.
        return (
            left < datetime.timedelta(days=RENEW_BEFORE_DAYS)
            or certificate.not_valid_before_utc > now
            or _names_in(certificate) != {*self._names, *self._addresses}
        )

    def _make_leaf(self) -> KeyFile:
        private_key = ec.generate_private_key(ec.SECP256R1())
        root, now = self._root, self._now()
        left = root.certificate.not_valid_after_utc - now
        # A chain is no longer valid than its root.
        days = max(1, min(LEAF_DAYS, left.days))
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, self._hub_name)])
        names: list[x509.GeneralName] = [*map(x509.DNSName, self._names)]
        names += map(x509.IPAddress, self._addresses)
        builder = _certificate(
            subject,
            root.certificate.subject,
            subject_key=private_key.public_key(),
            issuer_key=root.private_key.public_key(),
            now=now,
            days=days,
        )
        certificate = (
            builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_key_usage(signs_certificates=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
            .add_extension(x509.SubjectAlternativeName(names), critical=False)
            .sign(root.private_key, hashes.SHA256())
        )
        path = self._folder / LEAF_FILE_NAME
        write_key_file(path, private_key, certificate)
        return read_key_file(path)

    def _now(self) -> datetime.datetime:
        return datetime.datetime.fromtimestamp(self._now_ms() / 1_000, tz=datetime.UTC)


def read_server_names(server_names: Iterable[str]) -> tuple[tuple[str, ...], tuple[Address, ...]]:
    """Sort what browsers may call a hub into host names and IP addresses, each once.

    Raises MalformedServerName for anything else, for none, and for more than `NAMES_MAX`.
    """
    names: dict[str, None] = {}
    addresses: dict[Address, None] = {}
    for each in server_names:
        plain = each.strip().lower().rstrip(".")
        try:
            addresses[ipaddress.ip_address(plain.strip("[]").partition("%")[0])] = None
            continue
        except ValueError:
            if _NAME.match(plain) is None or plain.rpartition(".")[2].isdigit():
                raise MalformedServerName(
                    f"{each[:80]!r} is neither a host name nor an IP address; browsers could not "
                    "use it."
                ) from None
        names[plain] = None
    if not 1 <= len(names) + len(addresses) <= NAMES_MAX:
        raise MalformedServerName(
            f"A hub has 1 to {NAMES_MAX} names and addresses under which browsers reach it."
        )
    return tuple(names), tuple(addresses)


def serve_replicas_too(browsers: ssl.SSLContext, replicas: ssl.SSLContext) -> None:
    """Let one port serve both: who asks for `PEER_SERVER_NAME` gets the certificate that peers pin.

    A replica asks for it by `server_hostname=PEER_SERVER_NAME`.
    """

    def choose(
        connection: ssl.SSLSocket | ssl.SSLObject, name: str | None, _context: ssl.SSLContext
    ) -> None:
        if name == PEER_SERVER_NAME:
            connection.context = replicas

    browsers.sni_callback = choose


def _certificate(
    subject: x509.Name,
    issuer: x509.Name,
    *,
    subject_key: ec.EllipticCurvePublicKey,
    issuer_key: ec.EllipticCurvePublicKey | rsa.RSAPublicKey,
    now: datetime.datetime,
    days: int,
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(subject_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=_BACKDATED_DAYS))
        .not_valid_after(now + datetime.timedelta(days=days - _BACKDATED_DAYS))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(subject_key), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key), critical=False
        )
    )


def _key_usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _names_in(certificate: x509.Certificate) -> set[str | Address]:
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    found: set[str | Address] = set(names.get_values_for_type(x509.DNSName))
    for address in names.get_values_for_type(x509.IPAddress):
        if isinstance(address, ipaddress.IPv4Address | ipaddress.IPv6Address):
            found.add(address)
    return found


def _name_allowed(name: str, allowed: Iterable[object]) -> bool:
    return any(
        isinstance(each, str) and (name == each or name.endswith(f".{each}")) for each in allowed
    )


def _address_allowed(address: Address, allowed: Iterable[object]) -> bool:
    return any(
        isinstance(each, ipaddress.IPv4Network | ipaddress.IPv6Network)
        and each.version == address.version
        and address in each
        for each in allowed
    )
