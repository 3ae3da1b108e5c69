"""Carried files: what one replica would send another, sealed in a file that anybody may carry.

The same messages as in a session (`docs/formats/carried.md`), one way and without an answer: hello,
state, heads, runs, and at the end the sender's proof over all of them and over
whom they are for. Only the receiver can open it. Holds no files. Invariant: a file says of its
sender what a session with it would have proven, and nothing that depends on when it is read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from hashlib import blake2b, sha512

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from core.log import messages
from core.log.certificate import Certificate
from core.log.chain import AUTHOR_BYTES
from core.log.errors import Malformed, OverLimit, SessionRefused, Unauthentic, WrongSite
from core.log.limits import CARRIED_BYTES_MAX, FRAME_BYTES_MAX
from core.log.messages import Compare, Hello, Message, Proof, Runs, State, StreamHeads
from core.log.packing import Packer, Unpacker, unpacked
from core.log.parcel import Parcel, Slice, fill
from core.log.repair import frames
from core.log.shelf import Shelf
from core.sentence import say

MAGIC = b"FLCARRY1"
_HEAD_BYTES = len(MAGIC) + 2 * AUTHOR_BYTES
_LENGTH_BYTES = 4

# The prime of Curve25519, over which both forms of a public key are numbers.
_PRIME = 2**255 - 19


@dataclass(frozen=True, slots=True)
class CarriedOut:
    """A file for `peer`, and how many entries of how many streams it carries."""

    data: bytes
    entries: int
    streams: int


@dataclass(frozen=True, slots=True)
class CarriedIn:
    """What a file of `peer` brought: entries that it carried, and runs that were refused."""

    peer: Certificate
    entries: int
    refused: tuple[tuple[int, str, str], ...]


def carry_out(
    shelf: Shelf,
    peer: Certificate,
    entropy: bytes,
    *,
    besides: tuple[Certificate, ...] = (),
    only: frozenset[bytes] | None = None,
    bytes_max: int = 0,
) -> CarriedOut:
    """A file with all that `peer` is not known to hold of what both share, or of `only` these.

    `entropy` is 48 random bytes: of the key that this file alone is sealed with, and the nonce.
    The certificates `besides` travel with the maker's own: a new hub's in its first file. With
    `bytes_max` the file has at most so many, and carries what fits of what goes first.

    Raises:
        OverLimit: it would have more than `CARRIED_BYTES_MAX` bytes, or there is no room in
            `bytes_max` for anything.
    """
    shared = shelf.shared(peer)
    streams = shared if only is None else shared & only
    parcels = _parcels(shelf, peer, streams)

    def made_of(parcels: list[Parcel]) -> CarriedOut:
        return _made_of(shelf, peer, entropy, besides, streams, parcels)

    return _as_fits(made_of, parcels, bytes_max) if bytes_max else made_of(parcels)


def _as_fits(
    made_of: Callable[[list[Parcel]], CarriedOut], parcels: list[Parcel], bytes_max: int
) -> CarriedOut:
    """A file with as many of the first parcels as `bytes_max` has room for."""
    while parcels:
        made = made_of(parcels)
        if len(made.data) <= bytes_max:
            return made
        over = len(made.data) - bytes_max
        # Packed, a parcel takes less than its size: what is left out last may have had room.
        while over > 0 and parcels:
            over -= parcels.pop().size
    raise OverLimit(f"a file of {bytes_max:,} bytes has no room for what is to be carried")


def _made_of(
    shelf: Shelf,
    peer: Certificate,
    entropy: bytes,
    besides: tuple[Certificate, ...],
    streams: frozenset[bytes],
    parcels: list[Parcel],
) -> CarriedOut:
    certificates = (*shelf.own_certificates(), *(each.to_bytes() for each in besides))
    hello = Hello((messages.PROTOCOL,), shelf.site, entropy[32:48], certificates)
    state, *heads = _where_it_stands(shelf, peer, streams)
    runs = [parcel.finish(at, None, shelf.seal) for at, parcel in enumerate(parcels, 1)]
    plain = b"".join(_record(messages.write(message)) for message in (hello, state))
    plain += b"".join(map(_record, _series([*heads, *runs])))
    proof = shelf.sign(proven_hash(shelf.site, shelf.author, peer.author, plain))
    plain += _record(messages.write(Proof(proof)))
    if len(plain) + _HEAD_BYTES + 16 > CARRIED_BYTES_MAX:
        raise OverLimit(
            f"there is more than a file of {CARRIED_BYTES_MAX // 1_000_000} MB carries; let the "
            "two meet over a network once"
        )
    return CarriedOut(
        sealed(plain, peer.author, entropy[:32]),
        sum(parcel.entries for parcel in parcels),
        len({run.stream for parcel in parcels for run in parcel.runs}),
    )


def carry_in(shelf: Shelf, key: Ed25519PrivateKey, data: bytes) -> CarriedIn:
    """Take in a file that was made for this replica, whose private key is `key`.

    To take it in again changes nothing.

    Raises:
        Malformed, OverLimit: it is no carried file.
        Unauthentic: it was changed on its way, or is not from whom it says.
        WrongSite, SessionRefused: it is for another replica, or of one that may hold no session.
    """
    plain = opened(data, key, shelf.author)
    # Anybody can seal a file to a public key, so until the proof holds only three records are read.
    places = list(_places(plain))
    if len(places) < 3:
        raise Malformed("a carried file begins with hello and state and ends with a proof")
    hello, state, proof = (_read(plain, places[at]) for at in (0, 1, -1))
    if (type(hello), type(state), type(proof)) != (Hello, State, Proof):
        raise Malformed("a carried file begins with hello and state and ends with a proof")
    assert isinstance(hello, Hello)
    assert isinstance(state, State)
    assert isinstance(proof, Proof)
    if hello.site != shelf.site:
        raise WrongSite(say("the file belongs to another site"))
    peer = shelf.admit(hello.certificates, by_hand=True)
    proven = plain[: places[-1][0] - _LENGTH_BYTES]
    signed = proven_hash(shelf.site, peer.author, shelf.author, proven)
    try:
        Ed25519PublicKey.from_public_bytes(peer.author).verify(proof.signature, signed)
    except (InvalidSignature, ValueError) as error:
        words = say("the file is not from whom it says it is; nothing was taken")
        raise Unauthentic(words) from error
    return _take(shelf, peer, state, [plain[start:end] for start, end in places[2:-1]])


def hello_in(plain: bytes) -> Hello:
    """The hello at the beginning of a file's records: who made it, at which site.

    Raises:
        Malformed: there is none.
    """
    first = next(_places(plain), None)
    hello = None if first is None else _read(plain, first)
    if not isinstance(hello, Hello):
        raise Malformed("a carried file begins with hello")
    return hello


def _series(carried: list[Message]) -> Iterator[bytes]:
    """The frames of messages that are packed one after another."""
    packer = Packer()
    for at, message in enumerate(carried, 1):
        yield packer.packed(messages.write(message), more=at < len(carried))


def _messages_in(frames: list[bytes]) -> Iterator[Message]:
    """The messages of frames that were packed one after another."""
    unpacker = Unpacker()
    for frame in frames:
        yield messages.read(unpacker.unpacked(frame))


def _take(shelf: Shelf, peer: Certificate, state: State, frames: list[bytes]) -> CarriedIn:
    """Take what the frames bring, all of which is seen to be sound before any of it is.

    They are unpacked twice, since all of them together may be too large to hold.
    """
    heads: list[StreamHeads] = []
    for message in _messages_in(frames):
        if isinstance(message, Compare):
            heads += message.streams
        elif not isinstance(message, Runs):
            raise Malformed("a carried file has heads and runs")
    entries, refused = 0, list[tuple[int, str, str]]()
    carried: set[bytes] = set()
    before, _ = shelf.meet(peer, b"")
    for message in _messages_in(frames):
        if isinstance(message, Runs):
            refused += shelf.take(peer, message)
            entries += sum(len(run.bodies) for run in message.runs)
            carried |= {run.stream for run in message.runs}
    if before in (b"", state.generation):
        shelf.meet(peer, state.generation)
        shelf.peer_held(peer, heads)
    else:
        # Of another store of this peer than the one last met. Which is the older no file can say,
        # so it proves nothing of what the peer holds; sessions will.
        shelf.peer_lacks(peer, carried)
    return CarriedIn(peer, entries, tuple(refused))


def _where_it_stands(
    shelf: Shelf, peer: Certificate, shared: frozenset[bytes]
) -> Iterator[Message]:
    """State and heads. What was dropped needs no word: heads only ever add to reach."""
    generation, mark = shelf.meet(peer, b"")
    yield State(shelf.generation, generation, mark, *shelf.digest(shared))
    yield from frames(Compare(0, True, (), ("",), tuple(shelf.heads_of(shared))))


def _parcels(shelf: Shelf, peer: Certificate, shared: frozenset[bytes]) -> list[Parcel]:
    slices: list[Slice] = []
    for log in shelf.unconfirmed(peer, shared, 0):
        part = shelf.slice(peer, log, 0)
        if part is not None:
            slices.append(part)
    return list(fill(slices, shelf.author))


# --- the bytes


def _record(frame: bytes) -> bytes:
    return len(frame).to_bytes(_LENGTH_BYTES, "big") + frame


def _places(plain: bytes) -> Iterator[tuple[int, int]]:
    """Where each record's frame begins and ends."""
    at = 0
    while at < len(plain):
        start = at + _LENGTH_BYTES
        at = start + int.from_bytes(plain[at:start], "big")
        if not start < at <= min(len(plain), start + FRAME_BYTES_MAX):
            raise Malformed("a carried file is cut off or has a frame of no sound size")
        yield start, at


def _read(plain: bytes, place: tuple[int, int]) -> Message:
    return messages.read(unpacked(plain[slice(*place)]))


def proven_hash(site: bytes, sender: bytes, receiver: bytes, records: bytes) -> bytes:
    """What the proof at the end of `records` signs."""
    data = site + sender + receiver + records
    return blake2b(data, digest_size=32, person=b"fieldlog.carry").digest()


def _agreed_key(shared: bytes, ephemeral: bytes, receiver: bytes) -> ChaCha20Poly1305:
    derive = HKDF(SHA256(), 32, salt=ephemeral + receiver, info=b"fieldlog.carry")
    return ChaCha20Poly1305(derive.derive(shared))


def sealed(plain: bytes, receiver: bytes, private: bytes) -> bytes:
    """The file of these records for `receiver`, sealed with a key made of 32 random bytes."""
    once = X25519PrivateKey.from_private_bytes(private)
    ephemeral = once.public_key().public_bytes_raw()
    shared = once.exchange(X25519PublicKey.from_public_bytes(montgomery_of(receiver)))
    head = MAGIC + receiver + ephemeral
    # The key serves for this one file, so its nonce may be all zeros.
    return head + _agreed_key(shared, ephemeral, receiver).encrypt(bytes(12), plain, head)


def opened(data: bytes, key: Ed25519PrivateKey, me: bytes) -> bytes:
    """The records of a file for `me`, whose private key is `key`.

    Raises:
        Malformed, OverLimit: it is no carried file.
        SessionRefused: it is for another replica.
        Unauthentic: it was changed or cut off.
    """
    if len(data) > CARRIED_BYTES_MAX:
        raise OverLimit(
            say("a carried file has at most {most} MB", most=CARRIED_BYTES_MAX // 1_000_000)
        )
    if data[: len(MAGIC)] != MAGIC or len(data) < _HEAD_BYTES + 16:
        raise Malformed(say("this is no file that a hub or phone made to be carried"))
    head = data[:_HEAD_BYTES]
    receiver, ephemeral = head[len(MAGIC) : -AUTHOR_BYTES], head[-AUTHOR_BYTES:]
    if receiver != me:
        raise SessionRefused(say("the file is for another hub or phone; only that one can open it"))
    mine = X25519PrivateKey.from_private_bytes(sha512(key.private_bytes_raw()).digest()[:32])
    try:
        shared = mine.exchange(X25519PublicKey.from_public_bytes(ephemeral))
        return _agreed_key(shared, ephemeral, me).decrypt(bytes(12), data[_HEAD_BYTES:], head)
    except (InvalidTag, ValueError) as error:
        raise Unauthentic(
            say("the file was changed or cut off on its way; fetch it again, nothing was taken")
        ) from error


def montgomery_of(author: bytes) -> bytes:
    """An Ed25519 public key as the X25519 key of the same secret (RFC 7748 §4.1: u = (1+y)/(1-y)).

    Raises:
        Malformed: the bytes are no key to which anything can be sealed.
    """
    y = int.from_bytes(author, "little") & (2**255 - 1)
    if len(author) != AUTHOR_BYTES or y >= _PRIME or y in (0, 1, _PRIME - 1):
        raise Malformed("this is no public key to which a file can be sealed")
    return ((1 + y) * pow(1 - y, -1, _PRIME) % _PRIME).to_bytes(32, "little")
