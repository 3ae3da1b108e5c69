"""A proof that a key signed two entries at one place, which anybody can check with the site's key.

A copy of a phone, or malice, does so; nobody who keeps its key to itself and its store whole does.
Holds the bytes of a proof and their judgement; `docs/formats/fork-proof.md` describes them.
Invariant: what `check_fork` accepts, the author signed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from core.log.canonical import pack, unpack
from core.log.certificate import (
    HUB_ROLE,
    Certificate,
    check_certificate,
    read_certificate,
    standing_of,
)
from core.log.chain import (
    AUTHOR_BYTES,
    HASH_BYTES,
    STREAM_BYTES,
    chain_next,
    chain_start,
    seal_leaf,
)
from core.log.errors import Malformed, OverLimit, Unauthentic, Uncertified, WrongSite
from core.log.limits import BUNDLE_BYTES_MAX, ENTRY_BYTES_MAX, LOG_ENTRIES_MAX
from core.log.seal import Seal, check_seal

MAGIC = b"FLFORK\x01"


@dataclass(frozen=True, slots=True)
class Branch:
    """The entries of one branch from the fork to a head that `seal` covers."""

    bodies: tuple[bytes, ...]
    seal: Seal


@dataclass(frozen=True, slots=True)
class ForkProof:
    """Two branches of one author's log in a stream: both go on at `seq` after `previous`."""

    site: bytes
    stream: bytes
    author: bytes
    seq: int
    previous: bytes
    branches: tuple[Branch, Branch]
    certificates: tuple[Certificate, ...]

    def to_bytes(self) -> bytes:
        """The bytes of the file."""
        branches = [
            [list(each.bodies), each.seal.number, list(each.seal.leaves), each.seal.signature]
            for each in self.branches
        ]
        place = [self.site, self.stream, self.author, self.seq, self.previous]
        return MAGIC + pack([*place, branches, [each.to_bytes() for each in self.certificates]])


def read_fork(data: bytes) -> ForkProof:
    """The proof that these bytes hold; whether it holds itself is for `check_fork`.

    Raises:
        Malformed, OverLimit: it is none.
    """
    if len(data) > BUNDLE_BYTES_MAX:
        raise OverLimit(f"a proof of a fork has at most {BUNDLE_BYTES_MAX} bytes")
    if data[: len(MAGIC)] != MAGIC:
        raise Malformed("this is no proof of a fork")
    parts = unpack(data[len(MAGIC) :])
    if not isinstance(parts, list) or len(parts) != 7:
        raise Malformed("a proof of a fork has seven parts")
    site, stream, author, seq, previous, branches, certificates = parts
    sizes = [AUTHOR_BYTES, STREAM_BYTES, AUTHOR_BYTES, HASH_BYTES]
    for value, size in zip((site, stream, author, previous), sizes, strict=True):
        if not isinstance(value, bytes) or len(value) != size:
            raise Malformed("a proof of a fork names a site, a stream, a key and a hash")
    if type(seq) is not int or not 1 <= seq <= LOG_ENTRIES_MAX:
        raise Malformed("a proof of a fork names a place in a log")
    if not isinstance(branches, list) or len(branches) != 2 or not isinstance(certificates, list):
        raise Malformed("a proof of a fork has two branches and certificates")
    first, second = (_read_branch(author, each) for each in branches)
    read = tuple(read_certificate(each) for each in certificates if isinstance(each, bytes))
    return ForkProof(site, stream, author, seq, previous, (first, second), read)


def _read_branch(author: bytes, value: Any) -> Branch:
    if not isinstance(value, list) or len(value) != 4:
        raise Malformed("a branch has entries and a seal")
    bodies, number, leaves, signature = value
    for each in (bodies, leaves):
        if not isinstance(each, list) or any(not isinstance(part, bytes) for part in each):
            raise Malformed("a branch has entries and a seal over them")
    if type(number) is not int or not isinstance(signature, bytes):
        raise Malformed("a seal has a number and a signature")
    if not bodies or any(len(body) > ENTRY_BYTES_MAX for body in bodies):
        raise Malformed("a branch has at least one entry, none of them longer than an entry may be")
    return Branch(tuple(bodies), Seal(author, number, tuple(leaves), signature))


def check_fork(proof: ForkProof, site: bytes) -> Certificate:
    """See that the key signed both branches; a certificate that says whose key it is.

    Raises:
        WrongSite: it is of another site than this key.
        Unauthentic: the key did not sign this, or the branches do not differ.
        Uncertified: no certificate of the site's is with it.
        Malformed, OverLimit: a seal has no sound shape.
    """
    if proof.site != site:
        raise WrongSite("the proof is of another site than this key is")
    if proof.seq == 1 and proof.previous != chain_start(site, proof.stream, proof.author):
        raise Unauthentic("a first entry follows the beginning of its log")
    one, other = proof.branches
    if one.bodies[0] == other.bodies[0]:
        raise Unauthentic("the two branches begin with the same entry, so nothing was forked")
    for branch in proof.branches:
        head, seq = proof.previous, proof.seq - 1
        for body in branch.bodies:
            head, seq = chain_next(head, body), seq + 1
        if branch.seal.author != proof.author:
            raise Unauthentic("a seal is another key's")
        if seal_leaf(proof.stream, seq, head) not in branch.seal.leaves:
            raise Unauthentic("a seal does not cover the end of its branch")
        check_seal(site, branch.seal)
    return _whose(proof)


def _whose(proof: ForkProof) -> Certificate:
    hubs = [each for each in proof.certificates if each.role == HUB_ROLE]
    own = [each for each in proof.certificates if each.author == proof.author]
    for each in own:
        check_certificate(each, proof.site, hubs)
    if not own:
        raise Uncertified("the proof says of no certificate of the site whose key it is")
    standing = standing_of(own, revoked=False)
    return next(
        each for each in own if (each.role, each.subject) == (standing.role, standing.subject)
    )
