"""Messages of a session and their bytes (docs/formats/wire.md).

A frame is canonical msgpack values one after another: a list that begins with the message's number,
and for `Runs` the bytes of its entries. Holds shapes and limits, no order of the conversation.
Invariant: `read(write(message)) == message`, and anything else is a named error.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from core.log.canonical import pack, pieces, unpack
from core.log.chain import AUTHOR_BYTES, HASH_BYTES, SHORT_BYTES, STREAM_BYTES
from core.log.errors import Malformed, OverLimit
from core.log.file_messages import FILE_READERS, FileMessage, file_parts
from core.log.frontier import DIGEST_BYTES
from core.log.limits import (
    FRAME_ENTRIES_MAX,
    FRAME_RUNS_MAX,
    HEADS_STREAMS_MAX,
    SEAL_LEAVES_MAX,
)
from core.log.parts import bytes_of, count_of, text_of
from core.log.relay_messages import (
    RELAY_READERS,
    Relay,
    Relayed,
    RelayMessage,
    TimeAsked,
    TimeMessage,
    TimeTold,
    relay_parts,
)
from core.log.tree import DIGITS, Split

# The versions that this program speaks. Who has the second too takes messages about files, and who
# has the third carried files and questions about the time.
PROTOCOL, FILES_PROTOCOL, RELAY_PROTOCOL = 1, 2, 3
PROTOCOLS = (PROTOCOL, FILES_PROTOCOL, RELAY_PROTOCOL)
NONCE_BYTES = 16
GENERATION_BYTES = 8


@dataclass(frozen=True, slots=True)
class Hello:
    """Who speaks: protocol versions, site key, nonce, certificates (own first, then issuers')."""

    versions: tuple[int, ...]
    site: bytes
    nonce: bytes
    certificates: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Proof:
    """Signature over both nonces, both keys and the channel: the key is really there."""

    signature: bytes


@dataclass(frozen=True, slots=True)
class State:
    """Where a side stands: own generation; the mark it keeps of the other; digest of its streams.

    `mark` is the other side's position up to which all was received, valid for the store with
    `mark_generation`.
    """

    generation: bytes
    mark_generation: bytes
    mark: int
    digest: bytes
    streams: int


@dataclass(frozen=True, slots=True)
class Run:
    """Entries of one log: `author` is 0 for the sender, else 1 + the index in `Runs.authors`.

    `previous` is empty, or the first eight bytes of the hash before the first entry where the log
    has branches.
    """

    stream: bytes
    author: int
    first: int
    bodies: tuple[bytes, ...]
    previous: bytes = b""


# What stands for a leaf in a frame: a run's end, a run and a seq within it, or the hash.
WireLeaf = int | tuple[int, int] | bytes


@dataclass(frozen=True, slots=True)
class WireSeal:
    """A seal in a frame, of the author with this index.

    A leaf is a run of the same frame, whose end it stands for; or a run and a seq within it, where
    that log ended when the seal was made; or the hash itself. The sender's own seals (author 0)
    name no leaves: each covers the next 64 of its runs in the frame, in order.
    """

    author: int
    number: int
    leaves: tuple[WireLeaf, ...]
    signature: bytes


@dataclass(frozen=True, slots=True)
class Runs:
    """Entries. `number` counts the sender's frames; `position` is its store's position once all
    up to it has been sent, else None."""

    number: int
    position: int | None
    authors: tuple[bytes, ...]
    seals: tuple[WireSeal, ...]
    runs: tuple[Run, ...]


@dataclass(frozen=True, slots=True)
class Ack:
    """The frame `number` was committed; `refused` names runs (by index) that were not, and why."""

    number: int
    refused: tuple[tuple[int, str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Check:
    """All is sent and acked: the digest that both sides should now share."""

    digest: bytes
    streams: int


@dataclass(frozen=True, slots=True)
class Agreed:
    """The digests agree, or `same` is false: repair is given up for this session."""

    same: bool = True


@dataclass(frozen=True, slots=True)
class StreamHeads:
    """What the sender holds of one stream: (author, branch, height, first 8 bytes of hash)."""

    stream: bytes
    heads: tuple[tuple[bytes, bytes, int, bytes], ...]


@dataclass(frozen=True, slots=True)
class Compare:
    """Repair: one step of the search for streams that differ, in as many frames as it takes.

    `splits` are nodes of the sender's digest tree. Of what lies below the prefixes `covered` it
    holds what `streams` names, and asks for what the other holds there; a stream of `streams` that
    lies below none of them answers such a question. A step that asks nothing ends the search.
    """

    step: int
    last: bool
    splits: tuple[Split, ...] = ()
    covered: tuple[str, ...] = ()
    streams: tuple[StreamHeads, ...] = ()

    @property
    def asks(self) -> bool:
        """Whether the other side has to answer."""
        return bool(self.splits or self.covered)


@dataclass(frozen=True, slots=True)
class Leave:
    """These streams went out of the receiver's scope: send what is missing here, then drop them."""

    streams: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Left:
    """These streams were dropped."""

    streams: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Refuse:
    """The session ends: the error's name and its sentence."""

    reason: str
    detail: str


@dataclass(frozen=True, slots=True)
class Presence:
    """Where the sender is now, kept in memory only: whole numbers by key, see docs."""

    fields: dict[int, Any] = field(default_factory=dict)


Message = (
    Hello
    | Proof
    | State
    | Runs
    | Ack
    | Check
    | Agreed
    | Compare
    | Leave
    | Left
    | Refuse
    | Presence
    | FileMessage
    | RelayMessage
    | TimeMessage
)


def write(message: Message) -> bytes:
    """The frame of a message."""
    match message:
        case Hello():
            parts: list[Any] = [
                0,
                list(message.versions),
                message.site,
                message.nonce,
                list(message.certificates),
            ]
        case Proof():
            parts = [1, message.signature]
        case State():
            parts = [
                2,
                message.generation,
                message.mark_generation,
                message.mark,
                message.digest,
                message.streams,
            ]
        case Runs():
            return _write_runs(message)
        case Ack():
            parts = [
                4,
                message.number,
                *([[list(r) for r in message.refused]] if message.refused else []),
            ]
        case Check():
            parts = [5, message.digest, message.streams]
        case Agreed():
            parts = [6] if message.same else [6, False]
        case Compare():
            parts = [7, *_compare_parts(message)]
        case Leave():
            parts = [8, *message.streams]
        case Left():
            parts = [9, *message.streams]
        case Refuse():
            parts = [10, message.reason, message.detail]
        case Presence():
            parts = [11, dict(sorted(message.fields.items()))]
        case Relay() | Relayed() | TimeAsked() | TimeTold():
            parts = relay_parts(message)
        case _:
            parts = file_parts(message)
    return pack(parts)


def _compare_parts(message: Compare) -> list[Any]:
    splits = [
        [
            split.prefix,
            split.stem[len(split.prefix) :],
            sum(1 << int(digit, 16) for digit in split.digest_by_digit),
            b"".join(split.digest_by_digit.values()),
        ]
        for split in message.splits
    ]
    authors: dict[bytes, int] = {}
    streams = []
    for held in message.streams:
        numbered = [
            (authors.setdefault(author, len(authors)), branch, height, short)
            for author, branch, height, short in held.heads
        ]
        streams.append([held.stream, *(part for head in numbered for part in head)])
    return [message.step, message.last, splits, list(message.covered), list(authors), streams]


def _write_runs(message: Runs) -> bytes:
    runs = [
        [
            run.stream,
            run.author,
            run.first,
            len(run.bodies),
            *([run.previous] if run.previous else []),
        ]
        for run in message.runs
    ]
    seals = [
        [
            seal.author,
            seal.number,
            [list(leaf) if isinstance(leaf, tuple) else leaf for leaf in seal.leaves],
            seal.signature,
        ]
        for seal in message.seals
    ]
    head = pack([3, message.number, message.position, list(message.authors), seals, runs])
    return head + b"".join(body for run in message.runs for body in run.bodies)


def read(frame: bytes) -> Message:
    """The message of a frame.

    Raises:
        Malformed, OverLimit: not a message of this protocol; nothing was kept of it.
    """
    parts = pieces(frame)
    head = unpack(next(parts, b""))
    if not isinstance(head, list) or not head or type(head[0]) is not int:
        raise Malformed("a message is a list that begins with its number")
    if head[0] not in _READERS and head[0] != 3:
        raise Malformed(f"message {head[0]} is none of this protocol")
    try:
        if head[0] == 3:
            message: Message = _read_runs(head, parts)
        else:
            message = _READERS[head[0]](head[1:])
    except (KeyError, ValueError, TypeError, IndexError) as error:
        raise Malformed(f"message {head[0]} has other fields") from error
    if next(parts, None) is not None:
        raise Malformed("bytes follow a message that has none")
    if write(message) != frame:
        raise Malformed(f"message {head[0]} is not in its one form")
    return message


def _read_hello(parts: list[Any]) -> Hello:
    versions, site, nonce, certificates = parts
    if len(certificates) > 4:
        raise OverLimit("a hello carries at most four certificates")
    return Hello(
        tuple(count_of(version) for version in versions),
        bytes_of(site, AUTHOR_BYTES),
        bytes_of(nonce, NONCE_BYTES),
        tuple(bytes_of(certificate) for certificate in certificates),
    )


def _read_proof(parts: list[Any]) -> Proof:
    (signature,) = parts
    return Proof(bytes_of(signature, 64))


def _read_state(parts: list[Any]) -> State:
    generation, mark_generation, mark, digest, streams = parts
    return State(
        bytes_of(generation, GENERATION_BYTES),
        bytes_of(mark_generation, 0, GENERATION_BYTES),
        count_of(mark),
        bytes_of(digest, DIGEST_BYTES),
        count_of(streams),
    )


def _read_ack(parts: list[Any]) -> Ack:
    refused = parts[1] if len(parts) == 2 else []
    if len(parts) > 2 or len(refused) > FRAME_RUNS_MAX:
        raise Malformed("an ack has a number and refused runs")
    return Ack(
        count_of(parts[0]),
        tuple((count_of(index), text_of(name), text_of(detail)) for index, name, detail in refused),
    )


def _read_check(parts: list[Any]) -> Check:
    digest, streams = parts
    return Check(bytes_of(digest, DIGEST_BYTES), count_of(streams))


def _read_agreed(parts: list[Any]) -> Agreed:
    return Agreed() if not parts else Agreed(bool(*parts))


def _read_compare(parts: list[Any]) -> Compare:
    step, last, splits, covered, authors, streams = parts
    if len(splits) + len(covered) + len(streams) > HEADS_STREAMS_MAX:
        raise OverLimit(f"a step names more than {HEADS_STREAMS_MAX} nodes and streams")
    named = [bytes_of(author, AUTHOR_BYTES) for author in authors]
    return Compare(
        count_of(step),
        bool(last),
        tuple(_read_split(*split) for split in splits),
        tuple(_prefix(prefix) for prefix in covered),
        tuple(_read_stream_heads(held, named) for held in streams),
    )


def _read_split(prefix: Any, onward: Any, ways: Any, digests: Any) -> Split:
    stem = _prefix(_prefix(prefix) + _prefix(onward))
    if len(stem) >= 2 * STREAM_BYTES or not 0 <= count_of(ways) < 2**16:
        raise Malformed("a node of the digest tree leads on by sixteen ways")
    digits = [digit for digit in DIGITS if ways >> int(digit, 16) & 1]
    data = bytes_of(digests, len(digits) * DIGEST_BYTES)
    cut = [data[at : at + DIGEST_BYTES] for at in range(0, len(data), DIGEST_BYTES)]
    return Split(prefix, stem, dict(zip(digits, cut, strict=True)))


def _prefix(value: Any) -> str:
    if not isinstance(value, str) or len(value) > 2 * STREAM_BYTES or not set(value) <= set(DIGITS):
        raise Malformed("a prefix of stream ids is at most 24 hex digits")
    return value


def _read_stream_heads(held: list[Any], authors: list[bytes]) -> StreamHeads:
    stream, *parts = held
    if len(parts) % 4:
        raise Malformed("a head is an author, a branch, a height and a hash")
    heads = tuple(
        (
            authors[count_of(author)],
            bytes_of(branch, 0, HASH_BYTES),
            count_of(height),
            bytes_of(short, SHORT_BYTES),
        )
        for author, branch, height, short in zip(*[iter(parts)] * 4, strict=True)
    )
    return StreamHeads(bytes_of(stream, STREAM_BYTES), heads)


def _read_streams(parts: list[Any]) -> tuple[bytes, ...]:
    if len(parts) > HEADS_STREAMS_MAX:
        raise OverLimit(f"more than {HEADS_STREAMS_MAX} streams in one message")
    return tuple(bytes_of(stream, STREAM_BYTES) for stream in parts)


def _read_refuse(parts: list[Any]) -> Refuse:
    reason, detail = parts
    return Refuse(text_of(reason), text_of(detail))


def _read_presence(parts: list[Any]) -> Presence:
    (fields,) = parts
    if not isinstance(fields, dict) or len(fields) > 16:
        raise Malformed("a presence is a small map")
    if any(value is not None and type(value) is not int for value in fields.values()):
        raise Malformed("a presence holds whole numbers")
    return Presence(fields)


_READERS: dict[int, Callable[[list[Any]], Message]] = {
    0: _read_hello,
    1: _read_proof,
    2: _read_state,
    4: _read_ack,
    5: _read_check,
    6: _read_agreed,
    7: _read_compare,
    8: lambda parts: Leave(_read_streams(parts)),
    9: lambda parts: Left(_read_streams(parts)),
    10: _read_refuse,
    11: _read_presence,
    **FILE_READERS,
    **RELAY_READERS,
}


def _read_runs(head: list[Any], bodies: Any) -> Runs:
    _, number, position, authors, seals, runs = head
    if len(runs) > FRAME_RUNS_MAX or len(authors) > FRAME_RUNS_MAX or len(seals) > FRAME_RUNS_MAX:
        raise OverLimit(f"a frame carries at most {FRAME_RUNS_MAX} runs")
    counts = [count_of(run[3]) for run in runs]
    if sum(counts) > FRAME_ENTRIES_MAX or any(count == 0 for count in counts):
        raise OverLimit(f"a frame carries at most {FRAME_ENTRIES_MAX} entries, a run at least one")
    read_runs = []
    for run in runs:
        if len(run) not in (4, 5) or count_of(run[1]) > len(authors) or count_of(run[2]) < 1:
            raise Malformed("a run names a stream, an author, a first entry and a count")
        previous = bytes_of(run[4], SHORT_BYTES) if len(run) == 5 else b""
        # The range comes first: zip must not take an entry of the next run and drop it.
        taken = tuple(body for _, body in zip(range(run[3]), bodies, strict=False))
        if len(taken) != run[3]:
            raise Malformed("a run has fewer entries than it says")
        read_runs.append(Run(bytes_of(run[0], STREAM_BYTES), run[1], run[2], taken, previous))
    if next(bodies, None) is not None:
        raise Malformed("entries follow the last run")
    return Runs(
        count_of(number),
        None if position is None else count_of(position),
        tuple(bytes_of(author, AUTHOR_BYTES) for author in authors),
        tuple(_read_seal(seal, len(authors), read_runs) for seal in seals),
        tuple(read_runs),
    )


def _read_seal(seal: list[Any], authors: int, runs: list[Run]) -> WireSeal:
    author, number, leaves, signature = seal
    if len(leaves) > SEAL_LEAVES_MAX or count_of(author) > authors or bool(leaves) is (author == 0):
        raise Malformed("a seal names an author, and 1 to 64 leaves where it is not the sender")
    return WireSeal(
        author,
        count_of(number),
        tuple(_read_leaf(leaf, runs) for leaf in leaves),
        bytes_of(signature, 64),
    )


def _read_leaf(leaf: Any, runs: list[Run]) -> WireLeaf:
    if type(leaf) is int:
        if not 0 <= leaf < len(runs):
            raise Malformed("a seal's leaf names no run of its frame")
        return leaf
    if isinstance(leaf, list):
        index, seq = leaf
        run = runs[count_of(index)]
        # The end has a shorter form.
        if not run.first <= count_of(seq) < run.first + len(run.bodies) - 1:
            raise Malformed("a seal's leaf names no entry within its run")
        return index, seq
    return bytes_of(leaf, HASH_BYTES)
