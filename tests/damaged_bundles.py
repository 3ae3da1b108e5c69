"""Bundles damaged in every way that must be found, and whether both verifiers find it.

`undetected(count, seed)` makes so many damaged bundles and gives back those that either verifier
took for good, in words. Half of them were damaged by a stranger, who has no key; the others were
signed again by the exporter, who lies about what others wrote. Invariant: a damaged bundle differs
from every sound one.
"""

from __future__ import annotations

import importlib.util
import random
from collections.abc import Callable, Iterator
from copy import deepcopy
from functools import cache
from hashlib import blake2b
from pathlib import Path
from types import ModuleType
from typing import Any

from core.log.canonical import pack, unpack
from core.log.errors import LogError
from core.log.proof import prove
from tests.core.log.authors import AT_MS, STREAM, key_of
from tests.core.log.bundles import HOUR_MS, OTHER, Draft, example, forked, log_of
from tests.core.log.test_certificates import SITE

VERIFIER = Path(__file__).parents[1] / "docs" / "verify_bundle.py"
HEAD, SIGNATURE = 40, 64

Random = random.Random
Damage = Callable[[bytes, Random], bytes]


@cache
def single_file_verifier() -> ModuleType:
    """The module docs/verify_bundle.py, which imports nothing of ours."""
    spec = importlib.util.spec_from_file_location("verify_bundle", VERIFIER)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def verdict(data: bytes, site: bytes = SITE) -> list[str] | None:
    """The doubts of a bundle as Fieldlog finds them, sorted; None where it is not proven."""
    try:
        return sorted(str(doubt.kind) for doubt in prove(data, site).doubts)
    except LogError:
        return None


def strangers_verdict(data: bytes, site: bytes = SITE) -> list[str] | None:
    """The same, as the single file finds them."""
    verifier = single_file_verifier()
    try:
        return sorted(kind for kind, _ in verifier.verify(data, site))
    except verifier.NotProven:
        return None


# --- sound bundles


@cache
def sound_bundles() -> tuple[bytes, ...]:
    """Bundles of several kinds, all of one site and of one exporter."""
    return example().data(), forked().data(), busy(12).data(), busy(30).data()


def busy(count: int) -> Draft:
    """A job on which a phone and two others write in turn, and a second one beside it."""
    logs = [log_of("north"), log_of("ana"), log_of("dan"), log_of("ana", OTHER)]
    draft = Draft(logs)
    for number in range(count):
        log = logs[number % 3]
        seen = [other.entries[-1] for other in logs[:3] if other is not log and other.entries]
        log.write([((71,), f"step {number}")], seen=seen, wall_ms=AT_MS + number * 60_000)
        if number % 5 == 4:
            tips = [other.entries[-1] for other in logs[:3] if other.entries]
            draft.witness(STREAM, *tips, at_ms=AT_MS + number * 60_000 + 1, beside=number % 4)
    logs[3].write([((97, b"note0001"), "beside")])
    return draft.witness(OTHER, logs[3].entries[0], at_ms=AT_MS + HOUR_MS)


# --- what a stranger does, who can't sign


def change_a_byte(data: bytes, chance: Random) -> bytes:
    at = chance.randrange(len(data))
    return data[:at] + bytes([data[at] ^ chance.randrange(1, 256)]) + data[at + 1 :]


def remove_bytes(data: bytes, chance: Random) -> bytes:
    at = chance.randrange(len(data))
    return data[:at] + data[at + chance.randrange(1, 80) :]


def add_bytes(data: bytes, chance: Random) -> bytes:
    at = chance.randrange(len(data) + 1)
    return data[:at] + chance.randbytes(chance.randrange(1, 80)) + data[at:]


def splice_bytes(data: bytes, chance: Random) -> bytes:
    other = chance.choice(sound_bundles())
    return data[: chance.randrange(len(data))] + other[chance.randrange(len(other)) :]


def splice_parts(data: bytes, chance: Random) -> bytes:
    """A list of another bundle takes the place of the same kind of list, under either signature."""
    other = chance.choice(sound_bundles())
    plain, at = _plain(data), chance.randrange(2, 6)
    plain[at] = _plain(other)[at]
    return data[:HEAD] + pack(plain) + chance.choice([data, other])[-SIGNATURE:]


def rearrange(data: bytes, chance: Random) -> bytes:
    """An item of any list goes, comes twice, or changes places."""
    plain = _plain(data)
    row = chance.choice([row for row in _lists(plain) if row])
    _disturb(row, chance)
    return data[:HEAD] + pack(plain) + data[-SIGNATURE:]


# --- what an exporter does, who lies about others and signs it


def _signed_again(change: Callable[[list[Any], Random], None]) -> Damage:
    def damage(data: bytes, chance: Random) -> bytes:
        plain = _plain(data)
        change(plain, chance)
        head = data[:HEAD] + pack(plain)
        digest = blake2b(head, digest_size=32, person=b"fieldlog.bundle").digest()
        return head + key_of("north").sign(digest)

    damage.__name__ = f"{change.__name__}_signed_again"
    return damage


def _any_log(plain: list[Any], chance: Random) -> list[Any]:
    found: list[Any] = chance.choice([log for stream in plain[5] for log in stream[2]])
    return found


def _any_witness(plain: list[Any], chance: Random) -> list[Any]:
    found: list[Any] = chance.choice([each for stream in plain[5] for each in stream[3]])
    return found


def change_an_entry(plain: list[Any], chance: Random) -> None:
    bodies = _any_log(plain, chance)[3]
    at = chance.randrange(len(bodies))
    bodies[at] = change_a_byte(bodies[at], chance)


def rearrange_entries(plain: list[Any], chance: Random) -> None:
    _disturb(_any_log(plain, chance)[3], chance)


def rearrange_logs(plain: list[Any], chance: Random) -> None:
    rows = [s[2] for s in plain[5] if len(s[2]) > 1]
    row = chance.choice(rows)
    chance.choice([row.reverse, lambda: row.append(row[0])])()


def rearrange_streams(plain: list[Any], chance: Random) -> None:
    plain[5].append(plain[5][0])


def lose_or_change_a_seal(plain: list[Any], chance: Random) -> None:
    seal = chance.choice(plain[4])
    what = chance.choice(["lose", "twice", "number", "leaves", "signature"])
    if what == "lose":
        plain[4].remove(seal)
    elif what == "twice":
        plain[4].append(seal)
    elif what == "number":
        seal[1] += 1
    else:
        at = {"leaves": 2, "signature": 3}[what]
        seal[at] = change_a_byte(seal[at], chance)


def unseal_a_log(plain: list[Any], chance: Random) -> None:
    log = _any_log(plain, chance)
    log[2] = None if log[2] is not None else 0


def move_a_log(plain: list[Any], chance: Random) -> None:
    """To another author, another beginning or another stream."""
    stream = chance.choice(plain[5])
    log = chance.choice(stream[2])
    what = chance.randrange(3)
    if what == 0:
        log[0] = change_a_byte(log[0], chance)
    elif what == 1:
        log[1] = chance.randbytes(32)
    else:
        stream[0] = change_a_byte(stream[0], chance)


def change_a_witness(plain: list[Any], chance: Random) -> None:
    witness = _any_witness(plain, chance)
    what = chance.choice(["time", "tips", "path", "signature", "hub"])
    if what == "time":
        witness[1] += chance.choice([-1, 1]) * chance.randrange(1, 10**9)
    elif what == "tips":
        witness[2][0][chance.randrange(2)] += 1
    elif what == "path":
        witness[3] = chance.choice([witness[3] + bytes(32), witness[3][32:] or bytes(32)])
    else:
        at = {"hub": 0, "signature": 4}[what]
        witness[at] = change_a_byte(witness[at], chance)


def lose_or_change_a_certificate(plain: list[Any], chance: Random) -> None:
    at = chance.randrange(len(plain[2]))
    if chance.random() < 0.3:
        del plain[2][at]
    else:
        plain[2][at] = change_a_byte(plain[2][at], chance)


STRANGERS: tuple[Damage, ...] = (
    change_a_byte, change_a_byte, remove_bytes, add_bytes, splice_bytes, splice_parts, rearrange,
    rearrange,
)  # fmt: skip
EXPORTERS: tuple[Damage, ...] = tuple(
    _signed_again(change)
    for change in (
        change_an_entry,
        rearrange_entries,
        rearrange_logs,
        rearrange_streams,
        lose_or_change_a_seal,
        unseal_a_log,
        move_a_log,
        change_a_witness,
        lose_or_change_a_certificate,
    )
)


def _plain(data: bytes) -> list[Any]:
    found: list[Any] = deepcopy(unpack(data[HEAD:-SIGNATURE]))
    return found


def _lists(value: Any) -> Iterator[list[Any]]:
    if isinstance(value, list):
        yield value
        for item in value:
            yield from _lists(item)


def _disturb(row: list[Any], chance: Random) -> None:
    at, what = chance.randrange(len(row)), chance.randrange(3)
    if what == 0 or len(row) == 1:
        del row[at]
    elif what == 1:
        row.insert(at, deepcopy(row[at]))
    else:
        other = (at + 1) % len(row)
        row[at], row[other] = row[other], row[at]


def damaged(count: int, seed: int) -> Iterator[tuple[str, bytes]]:
    """So many damaged bundles, each with what was done to it; the same for the same seed."""
    chance = random.Random(seed)
    done = 0
    while done < count:
        sound = chance.choice(sound_bundles())
        damage = chance.choice(EXPORTERS if done % 2 else STRANGERS)
        data = damage(sound, chance)
        if data in sound_bundles():
            continue
        done += 1
        yield damage.__name__, data


def undetected(count: int, seed: int = 1) -> list[str]:
    """What either verifier took for good among so many damaged bundles; empty: all was found."""
    missed = []
    for number, (what, data) in enumerate(damaged(count, seed)):
        if verdict(data) is not None:
            missed.append(f"{number} ({what}): taken for good by Fieldlog")
        if strangers_verdict(data) is not None:
            missed.append(f"{number} ({what}): taken for good by the single file")
    return missed
