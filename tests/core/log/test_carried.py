"""Carried files: the page's example, and keys to which one is sealed, one secret in two forms."""

from __future__ import annotations

import random
from hashlib import sha512

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from core.log.carried import montgomery_of, opened, proven_hash
from core.log.errors import Malformed
from core.log.messages import Proof, read
from tests.core.log.authors import author_of, key_of
from tests.core.log.pages import hex_examples


def test_a_known_key_has_its_known_other_form() -> None:
    # The base point of edwards25519 is y = 4/5, that of curve25519 u = 9 (RFC 7748, 4.1 and 4.2).
    base = bytes.fromhex("5866666666666666666666666666666666666666666666666666666666666666")
    assert int.from_bytes(montgomery_of(base), "little") == 9


@given(st.binary(min_size=32, max_size=32))
def test_the_other_form_of_a_public_key_is_that_of_the_private_one(seed: bytes) -> None:
    key = Ed25519PrivateKey.from_private_bytes(seed)
    secret = X25519PrivateKey.from_private_bytes(sha512(seed).digest()[:32])
    own = key.public_key().public_bytes_raw()
    assert montgomery_of(own) == secret.public_key().public_bytes_raw()


@pytest.mark.parametrize("y", [0, 1, 2**255 - 20, 2**255 - 19, 2**255 - 1])
def test_nothing_is_sealed_to_a_key_of_small_order_or_none(y: int) -> None:
    with pytest.raises(Malformed):
        montgomery_of(y.to_bytes(32, "little"))
    with pytest.raises(Malformed):
        montgomery_of(random.Random(1).randbytes(31))


def test_the_pages_file_opens_to_the_pages_records() -> None:
    page = hex_examples("carried.md")
    north, ana = author_of("north"), author_of("ana")
    assert opened(page["file"], key_of("north"), north) == page["records"]
    assert page["file"][8:40] == north
    *_, proof = read_frames(page["records"])
    before = page["records"][: -len(proof) - 4]
    message = read(proof)
    assert isinstance(message, Proof)
    signed = proven_hash(author_of("site"), ana, north, before)
    key_of("ana").public_key().verify(message.signature, signed)


def read_frames(records: bytes) -> list[bytes]:
    frames = []
    while records:
        size = int.from_bytes(records[:4], "big")
        frames.append(records[4 : 4 + size])
        records = records[4 + size :]
    return frames
