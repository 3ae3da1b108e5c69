"""Reach is never overstated: who is said to hold an entry holds it.

A hub's rows of reach are compared with what the phones' stores hold, and what a phone no longer
counts as unsent with what the hubs' stores hold. Excused is a machine that came back from an older
copy, until the one that speaks of it has met it again; a stream that a phone dropped as it was
told, until then too (another hub told it to, and may have begun to send it again); what whoever is
spoken of knows to be erased; and a world in which frames are forged, since an ack that is none is
kept out by TLS and not by the session.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from replica.logs import hash_at, held_hashes, log_row
from replica.reach import unsent_entries
from simulator.battering import is_hostile

if TYPE_CHECKING:
    from simulator.world.machine import Machine
    from simulator.world.run import World

_REACHED = """
    SELECT stream, author, branch, height FROM reach WHERE peer = ?
"""


def overstated(world: World) -> Iterator[str]:
    """What a machine says of another's holdings that is not so."""
    if is_hostile(world.options):
        return
    up = [machine for machine in world.machines if machine.up]
    held = {machine.name: held_hashes(machine.store.db) for machine in up}
    for machine in up:
        for peer in up:
            if peer is not machine and not _excused(world, machine, peer):
                yield from _of_peer(world, machine, peer, held[peer.name])
    for phone in up:
        if not phone.is_hub:
            yield from _of_own(world, phone, held)


def _excused(world: World, machine: Machine, peer: Machine) -> bool:
    """Whether the peer came back from a copy and the machine has not been live with it since."""
    restored_s = world.truth.restored_at_s.get(peer.name)
    if restored_s is None:
        return False
    met = world.truth.live_at_s.get((machine.name, peer.name), -1.0)
    return met <= restored_s


def _of_peer(world: World, machine: Machine, peer: Machine, held: set[bytes]) -> Iterator[str]:
    dropped_at_s = world.truth.dropped_at_s
    met_s = world.truth.live_at_s.get((machine.name, peer.name), -1.0)
    erased = world.truth.erased_by(held)
    left = {
        row[0] for row in peer.store.db.execute("SELECT stream FROM stream WHERE left_at NOTNULL")
    }
    db = machine.store.db
    for stream, author, branch, height in db.execute(_REACHED, (peer.replica.author,)).fetchall():
        row = log_row(db, stream, (author, branch))
        if row is None or min(height, row.height) <= row.base:
            continue
        entry_hash = hash_at(db, row, min(height, row.height))
        if met_s <= dropped_at_s.get((peer.name, stream), -2.0):
            continue
        if entry_hash not in held and stream not in left and not erased.covers(stream):
            yield (
                f"{machine.name} says that {peer.name} holds entry {entry_hash.hex()[:16]} of "
                f"stream {stream.hex()}, and it does not"
            )


def _of_own(world: World, phone: Machine, held: dict[str, set[bytes]]) -> Iterator[str]:
    """What a phone counts as sent is on a hub."""
    if any(hub.name in world.truth.restored_at_s or not hub.up for hub in world.hubs):
        return
    unsent = {entry.short for entry in unsent_entries(phone.store.db, phone.replica.author)}
    on_hubs = set[bytes]().union(*(held[hub.name] for hub in world.hubs))
    erased = world.truth.erased_by(on_hubs)
    for entry_hash in held_hashes(phone.store.db, phone.replica.author):
        if entry_hash[:8] in unsent or entry_hash in on_hubs:
            continue
        stream = world.truth.stream_by_hash.get(entry_hash)
        if stream is None or not erased.covers(stream):
            yield f"{phone.name} counts entry {entry_hash.hex()[:16]} as sent, and no hub holds it"
