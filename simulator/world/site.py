"""The keys and certificates of a simulated site.

Everything that enrolment would have made: a site key, two hubs under it, and phones certified by
one hub or the other. Writes nothing.
Invariant: one seed gives the same keys.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from core.dispatch.acts import Act, certify, new_stream_id
from core.dispatch.fields import Kind, Role
from core.dispatch.permits import CREATE_JOBS
from core.log.certificate import Certificate, issue
from replica.identity import Identity, public_bytes
from simulator.device_clock import EPOCH_MS
from simulator.draw import entropy_for

# What hub/founding.py and hub/enrolment.py give: a clock that is years ahead still syncs.
SESSION_MS = 20 * 365 * 86_400_000
HUB_LETTERS = "AB"


@dataclass(frozen=True, slots=True)
class Site:
    """Who there is: identities of hubs and phones, and the phones' workers, in the same order.

    `hostile` are phones too, certified as the others are.
    """

    key: Ed25519PrivateKey
    hubs: tuple[Identity, ...]
    phones: tuple[Identity, ...]
    workers: tuple[bytes, ...]
    hostile: tuple[Identity, ...] = ()


def found_site(seed: int, phones: int, hostile: int = 0, hubs: int = len(HUB_LETTERS)) -> Site:
    """The site of a seed: one hub or two, so many phones, each with a worker of its own.

    The keys of the honest are the same however many `hostile` ones and hubs there are.
    """
    entropy = entropy_for(seed, "site")
    site_key = Ed25519PrivateKey.from_private_bytes(entropy(32))
    all_hubs = tuple(make_hub(site_key, letter, entropy) for letter in HUB_LETTERS)
    certifying = all_hubs[:hubs]
    workers = tuple(
        new_stream_id(Kind.WORKER, EPOCH_MS - 86_400_000, entropy(7)) for _ in range(phones)
    )
    made = [
        make_phone(certifying[number % hubs], worker, entropy)
        for number, worker in enumerate(workers)
    ]
    astray = [
        make_phone(
            certifying[number % hubs],
            new_stream_id(Kind.WORKER, EPOCH_MS - 86_400_000, entropy(7)),
            entropy,
        )
        for number in range(hostile)
    ]
    return Site(site_key, certifying, tuple(made), workers, tuple(astray))


def make_hub(site_key: Ed25519PrivateKey, letter: str, entropy: Callable[[int], bytes]) -> Identity:
    """A hub with a new key; also what a hub becomes when it was restored from a copy."""
    key = Ed25519PrivateKey.from_private_bytes(entropy(32))
    site = public_bytes(site_key)
    unsigned = Certificate(
        site,
        public_bytes(key),
        letter.encode(),
        int(Role.HUB),
        (),
        EPOCH_MS + SESSION_MS,
        b"",
        site,
    )
    return Identity(key, public_bytes(key), site, (issue(unsigned, site_key),))


def make_phone(hub: Identity, worker: bytes, entropy: Callable[[int], bytes]) -> Identity:
    """A phone with a new key, certified by a hub; also what a phone becomes that joins again."""
    key = Ed25519PrivateKey.from_private_bytes(entropy(32))
    unsigned = Certificate(
        hub.site,
        public_bytes(key),
        worker,
        int(Role.WORKER),
        (CREATE_JOBS,),
        EPOCH_MS + SESSION_MS,
        b"",
        hub.author,
    )
    return Identity(key, public_bytes(key), hub.site, (issue(unsigned, hub.key), hub.own))


def certificate_act(identity: Identity) -> Act:
    """The act that makes an identity's own certificate known to the site."""
    return certify(identity.author, identity.own.to_bytes())
