"""The bytes of a fork's proof, as docs/formats/fork-proof.md describes them."""

from __future__ import annotations

import re
from hashlib import blake2b

from core.log.certificate import HUB_ROLE, Certificate, issue
from core.log.fork_proof import Branch, ForkProof, check_fork, read_fork
from tests.core.log.authors import AT_MS, STREAM, Log, author_of, key_of
from tests.core.log.pages import words_of

SITE = author_of("site")


def certify(name: str, issuer: str, role: int, subject: bytes) -> Certificate:
    key = author_of(name)
    unsigned = Certificate(SITE, key, subject, role, (), AT_MS, b"", author_of(issuer))
    return issue(unsigned, key_of(issuer))


def example() -> ForkProof:
    """The page's: ana's second entry, written twice."""
    one = Log("ana", STREAM, SITE)
    first = one.write([((97, b"1"), "A")])
    other = one.fork()
    branches = []
    for log, words in ((one, "B"), (other, "C")):
        stored = log.write([((97, b"1"), words)])
        branches.append(Branch((stored.body,), log.seal()))
    certificates = (
        certify("ana", "north", 1, b"\0" * 4 + b"\3ana0001"),
        certify("north", "site", HUB_ROLE, b"A"),
    )
    place = (SITE, STREAM, author_of("ana"), 2, first.hash)
    return ForkProof(*place, (branches[0], branches[1]), certificates)


def test_the_pages_example_is_what_is_written_and_holds() -> None:
    proof = example()
    data = proof.to_bytes()
    told = re.search(
        r"has (\d+) bytes, whose BLAKE2b-256 is\s+`([0-9a-f]{64})`", words_of("fork-proof.md")
    )
    assert told is not None
    assert (str(len(data)), blake2b(data, digest_size=32).hexdigest()) == told.groups()
    assert read_fork(data) == proof
    assert check_fork(proof, SITE).author == author_of("ana")
