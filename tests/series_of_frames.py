"""Series of frames of random sites: whether all that was sealed arrives, and damage is noticed.

`lost_on_the_way(count, seed)` lets so many senders make up frames of random logs and seals, pack
them as one series, and reads them as a receiver does that holds nothing but what came before; it
gives back in words what did not arrive as it was sent. Holds no store and no session.
Invariant: the receiver's side here uses nothing of how the sender made the frames.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache

from core.log import parcel
from core.log.canonical import pack
from core.log.chain import chain_next, chain_start, seal_leaf
from core.log.errors import LogError
from core.log.limits import FRAME_BYTES_MAX, SEAL_LEAVES_MAX
from core.log.messages import Message, Run, Runs, WireLeaf, WireSeal, read, write
from core.log.packing import Packer, Unpacker
from core.log.parcel import Slice, fill
from core.log.seal import Seal, check_seal, make_seal
from tests.core.log.authors import SITE, author_of, key_of

ME = "the sender"
TARGETS_BYTES = (200, 1_500, 6_000, 49_152)
WORDS = ("gate", "code", "valve", "leaks", "key", "nobody in", "čerpadlo")
DAMAGES = 3

Log = tuple[bytes, bytes]
Random = random.Random


@dataclass
class Kept:
    """What a sender holds of one log: its entries, and the newest seal that covers its end."""

    entries: list[tuple[bytes, bytes]] = field(default_factory=list)
    seal: Seal | None = None


def lost_on_the_way(count: int, seed: int) -> list[str]:
    """What went wrong in `count` series, in words; empty where nothing did."""
    chance = Random(seed)
    found: list[str] = []
    for number in range(count):
        with _frames_of(chance.choice(TARGETS_BYTES)):
            held = _site(chance)
            found += [f"series {number} of seed {seed}: {words}" for words in _series(held, chance)]
    return found


@contextmanager
def _frames_of(target_bytes: int) -> Iterator[None]:
    """Let senders aim at frames of this size."""
    name = "FRAME_BYTES_TARGET"
    before = getattr(parcel, name)
    setattr(parcel, name, target_bytes)
    try:
        yield
    finally:
        setattr(parcel, name, before)


# --- the sender


@cache
def _author(name: str) -> bytes:
    return author_of(name)


def _site(chance: Random) -> dict[Log, Kept]:
    """Logs of some authors, sealed whenever they were uploaded."""
    streams = [chance.randbytes(12) for _ in range(chance.randint(1, 20))]
    ids = [*streams, *(chance.randbytes(chance.choice((8, 12, 16, 32))) for _ in range(9))]
    held: dict[Log, Kept] = {}
    for name in [ME, *(f"phone {number}" for number in range(chance.randint(0, 3)))]:
        for upload in range(chance.randint(1, 4)):
            grown = chance.sample(streams, chance.randint(1, len(streams)))
            for stream in grown:
                _grow(held.setdefault((stream, _author(name)), Kept()), stream, name, ids, chance)
            if name != ME:
                _seal(held, name, grown, upload)
    return held


def _grow(log: Kept, stream: bytes, name: str, ids: list[bytes], chance: Random) -> None:
    head = log.entries[-1][0] if log.entries else chain_start(SITE, stream, _author(name))
    for _ in range(chance.randint(1, 5)):
        words = " ".join(chance.choices(WORDS, k=chance.randint(0, 30)))
        value = [chance.choice(ids), words, chance.choice((0, 200, 70_000, 2**40)), None]
        body = pack([chance.randrange(2**24), [94, chance.choice(ids), 1], value])
        head = chain_next(head, body)
        log.entries.append((head, body))


def _seal(held: dict[Log, Kept], name: str, grown: list[bytes], upload: int) -> None:
    logs = [held[stream, _author(name)] for stream in grown]
    leaves = [
        seal_leaf(stream, len(log.entries), log.entries[-1][0])
        for stream, log in zip(grown, logs, strict=True)
    ]
    seal = make_seal(SITE, _author(name), key_of(name), upload, tuple(leaves))
    for log in logs:
        log.seal = seal


def _slices(held: dict[Log, Kept], chance: Random) -> list[Slice]:
    """What is sent: all logs or some, from their beginnings or from where the receiver stands."""
    share = chance.choice((1.0, 1.0, 0.5))
    order = sorted(
        held, key=lambda log: (log[1] != _author(ME), log[1], _signature(held[log]), log)
    )
    slices = []
    for stream, author in order:
        log = held[stream, author]
        if chance.random() > share:
            continue
        first = 1 if chance.random() < 0.8 else chance.randint(1, len(log.entries))
        entries = tuple(log.entries[first - 1 :])
        slices.append(Slice(stream, author, b"", first, entries, log.seal))
    return slices


def _signature(log: Kept) -> bytes:
    return log.seal.signature if log.seal else b""


# --- on the way


def _series(held: dict[Log, Kept], chance: Random) -> Iterator[str]:
    me = _author(ME)
    slices = _slices(held, chance)
    parcels = list(fill(slices, me, spelled=chance.random() < 0.2))
    frames = [
        write(each.finish(at, None, lambda leaves: make_seal(SITE, me, key_of(ME), 7, leaves)))
        for at, each in enumerate(parcels, 1)
    ]
    packer, unpacker = Packer(), Unpacker()
    travelled = [packer.packed(frame, more=at < len(frames)) for at, frame in enumerate(frames, 1)]
    if max(map(len, frames), default=0) > FRAME_BYTES_MAX:
        yield "a frame is over its limit"
    before = {(each.stream, each.author): _before(held, each) for each in slices}
    arrived: dict[Log, list[bytes]] = {}
    for frame, sent in zip(frames, travelled, strict=True):
        plain = unpacker.unpacked(sent)
        if plain != frame:
            yield "a frame came out of its packing another than it went in"
            return
        message = read(plain)
        assert isinstance(message, Runs)
        yield from _read(message, held, before, arrived)
    for each in slices:
        if arrived.get((each.stream, each.author)) != [body for _, body in each.entries]:
            yield "entries of a log did not arrive, or not in their order"
    yield from _damaged(travelled, chance)


def _before(held: dict[Log, Kept], part: Slice) -> bytes:
    """The hash before the first entry that is sent, which the receiver holds."""
    if part.first == 1:
        return chain_start(SITE, part.stream, part.author)
    return held[part.stream, part.author].entries[part.first - 2][0]


# --- the receiver


def _read(
    message: Runs, held: dict[Log, Kept], before: dict[Log, bytes], arrived: dict[Log, list[bytes]]
) -> Iterator[str]:
    """Walk the runs, work out every leaf, and check every seal."""
    authors = (_author(ME), *message.authors)
    hashes: list[list[bytes]] = []
    for run in message.runs:
        log = (run.stream, authors[run.author])
        chain = [before[log]]
        for body in run.bodies:
            chain.append(chain_next(chain[-1], body))
        before[log] = chain[-1]
        hashes.append(chain[1:])
        arrived.setdefault(log, []).extend(run.bodies)
    covered: set[int] = set()
    own = [index for index, run in enumerate(message.runs) if run.author == 0]
    for wire in message.seals:
        named: tuple[WireLeaf, ...] = wire.leaves
        if wire.author == 0:
            named, own = tuple(own[:SEAL_LEAVES_MAX]), own[SEAL_LEAVES_MAX:]
        yield from _check(wire, authors[wire.author], named, message.runs, hashes)
        covered |= {leaf for leaf in named if isinstance(leaf, int)}
    for index, run in enumerate(message.runs):
        ends = run.first + len(run.bodies) - 1
        if index not in covered and ends == len(held[run.stream, authors[run.author]].entries):
            yield "a run to the end of its log came without its seal"


def _check(
    wire: WireSeal,
    author: bytes,
    named: tuple[WireLeaf, ...],
    runs: tuple[Run, ...],
    hashes: list[list[bytes]],
) -> Iterator[str]:
    leaves = []
    for leaf in named:
        if isinstance(leaf, bytes):
            leaves.append(leaf)
            continue
        index, seq = (leaf, 0) if isinstance(leaf, int) else leaf
        run = runs[index]
        seq = seq or run.first + len(run.bodies) - 1
        leaves.append(seal_leaf(run.stream, seq, hashes[index][seq - run.first]))
    try:
        check_seal(SITE, Seal(author, wire.number, tuple(leaves), wire.signature))
    except LogError as error:
        yield f"a seal does not hold: {error}"


def _damaged(travelled: list[bytes], chance: Random) -> Iterator[str]:
    """Damage one frame of a series: what comes out is refused by name, or a message of its form."""
    for _ in range(DAMAGES if travelled else 0):
        at = chance.randrange(len(travelled))
        bad = bytearray(travelled[at])
        for _ in range(chance.choice((1, 1, 4))):
            bad[chance.randrange(len(bad))] ^= 1 << chance.randrange(8)
        if chance.random() < 0.3:
            del bad[chance.randrange(len(bad)) :]
        unpacker = Unpacker()
        try:
            for frame in (*travelled[:at], bytes(bad), *travelled[at + 1 :]):
                plain = unpacker.unpacked(frame)
                message: Message = read(plain)
                if write(message) != plain:
                    yield "a damaged frame was read as a message that is another"
        except LogError:
            continue
        except Exception as error:  # noqa: BLE001  # any other is what is looked for
            yield f"a damaged frame was not refused by name: {error!r}"
