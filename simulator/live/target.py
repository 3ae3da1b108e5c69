"""The hub that a live run is aimed at: one address, one certificate, and nothing else.

Holds no session. Invariant: no connection goes anywhere but to the address that was told, whatever
a hub says of other addresses.
"""

from __future__ import annotations

import asyncio
import ssl
from dataclasses import dataclass
from hashlib import sha256
from urllib.parse import urlsplit

from replica.joining import HubAddress
from replica.transport_security import PEER_SERVER_NAME

PORT = 8443
FIND_S_MAX = 10.0


class TargetError(Exception):
    """The hub can't be used as it was named; the sentence says why and what to do."""


@dataclass(frozen=True, slots=True)
class Target:
    """A hub: `host:port`, and the fingerprint of the certificate that phones pin (32 bytes)."""

    address: str
    fingerprint: bytes

    @property
    def origin(self) -> str:
        """Where its pages are."""
        return f"https://{self.address}"

    @property
    def hub(self) -> HubAddress:
        """As phones keep it."""
        return HubAddress((self.address,), self.fingerprint)


def address_of(text: str) -> str:
    """The `host:port` of what a person typed: an address, or the https address of the pages.

    Raises:
        TargetError: it is neither.
    """
    url = urlsplit(text if "//" in text else f"https://{text}")
    if url.scheme != "https":
        raise TargetError(
            f"phones reach a hub by TLS alone: give its TLS port, https://HOST:{PORT}, not {text}"
        )
    try:
        port = url.port or PORT
    except ValueError as error:
        raise TargetError(f"{text}: {error}; an address is HOST:PORT") from error
    if not url.hostname or url.path not in ("", "/") or url.query or url.username:
        raise TargetError(f"{text} is no hub's address; one is HOST:PORT, such as 127.0.0.1:{PORT}")
    host = f"[{url.hostname}]" if ":" in url.hostname else url.hostname
    return f"{host}:{port}"


async def find_target(text: str, fingerprint: str = "") -> Target:
    """The hub at an address; with `fingerprint` (hex) only one that has this certificate.

    Raises:
        TargetError: none answers, it is no hub, or another one.
    """
    address = address_of(text)
    url = urlsplit(f"https://{address}")
    context = ssl.create_default_context()
    # A hub's certificate is its own; what counts is its fingerprint, which phones pin.
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    try:
        async with asyncio.timeout(FIND_S_MAX):
            _, writer = await asyncio.open_connection(
                url.hostname, url.port, ssl=context, server_hostname=PEER_SERVER_NAME
            )
    except ssl.SSLError as error:
        raise TargetError(f"what answers at {address} speaks no TLS; give the TLS port") from error
    except (OSError, TimeoutError) as error:
        why = f" ({error})" if str(error) else ""
        raise TargetError(f"no hub answers at {address}{why}; is it running?") from error
    certificate = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    writer.close()
    found = sha256(certificate).digest()
    if fingerprint and found.hex() != fingerprint.strip().lower().replace(":", ""):
        raise TargetError(
            f"another machine answers at {address}: its certificate is {found.hex()}, "
            f"not {fingerprint}"
        )
    return Target(address, found)
