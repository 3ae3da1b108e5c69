"""The first start of a hub: a site, its key, the hub's own certificate.

Makes them in an empty folder and loads them ever after. Accounts are made later, by the one-time
link. Invariant: a folder holds one site, and its key never changes.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from core.dispatch.acts import SITE_STREAM, Change
from core.dispatch.fields import CERTIFICATE, Role
from core.log.certificate import Certificate, issue
from replica.clock import Clock
from replica.identity import (
    KEY_FILE,
    SITE_KEY_FILE,
    Identity,
    IdentityError,
    load_identity,
    load_or_make_key,
    public_bytes,
    save_identity,
)
from replica.replica import Replica, open_replica

# A hub's own certificate lasts; a hub that must go is revoked.
HUB_SESSION_MS = 20 * 365 * 86_400_000


def open_hub_replica(
    folder: Path,
    clock: Clock,
    entropy: Callable[[int], bytes],
    *,
    tls_fingerprint: bytes,
    letter: str = "A",
) -> Replica:
    """The hub's replica in `folder`; on the first start its site is founded there.

    Raises:
        IdentityError, StoreError: the folder holds something broken, or another program's files.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    identity = load_identity(folder)
    if identity is None:
        identity = _found(folder, clock, entropy, tls_fingerprint, letter)
    if identity.own.role != Role.HUB:
        raise IdentityError(f"{folder} is a phone's folder; start it with 'fieldlog device'")
    replica = open_replica(folder, identity, clock, entropy)
    certificate = identity.own.to_bytes()
    path = (CERTIFICATE, identity.author, certificate_id(certificate))
    if path not in replica.state(SITE_STREAM).registers:
        replica.write([Change(SITE_STREAM, path, certificate)])
    return replica


def certificate_id(certificate: bytes) -> bytes:
    """The 8 bytes under which a certificate stands in the site stream: several may stand."""
    return certificate[-8:]


def _found(
    folder: Path,
    clock: Clock,
    entropy: Callable[[int], bytes],
    tls_fingerprint: bytes,
    letter: str,
) -> Identity:
    site_key = load_or_make_key(folder / SITE_KEY_FILE, entropy)
    key = load_or_make_key(folder / KEY_FILE, entropy)
    site = public_bytes(site_key)
    unsigned = Certificate(
        site,
        public_bytes(key),
        letter.encode(),
        int(Role.HUB),
        (),
        clock.now_ms() + HUB_SESSION_MS,
        tls_fingerprint,
        site,
    )
    save_identity(folder, site, (issue(unsigned, site_key),))
    identity = load_identity(folder)
    assert identity is not None
    return identity
