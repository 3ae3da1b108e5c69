"""No photo is lost of which a worker was told that it is saved, and in the end hubs hold it.

A phone holds it until its job has left the phone, which a hub lets happen only when it has the
photo; from then on hubs answer for it. Where a job was erased no byte of its photos stands in any
file. Excused is what was on one disk alone when that was replaced by an older copy, and what is
named by nothing that counts, since its key had been shut out. Does not look at how photos travel.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from core.log.errors import LogError
from replica.logs import held_hashes

if TYPE_CHECKING:
    from simulator.world.machine import Machine
    from simulator.world.run import World
    from simulator.world.truth import Photo

# So much of a photo of chance bytes stands in no other place.
BEGINNING_BYTES = 24


def missing(world: World, machine: Machine) -> Iterator[str]:
    """Photos that a phone took and does not hold, although their job never left it."""
    truth = world.truth
    if not truth.photos:
        return
    erased = truth.erased_by(held_hashes(machine.store.db))
    excused = truth.photos_missing_since_restore.get(machine.name, set())
    for address, photo in truth.photos.items():
        if photo.machine != machine.name or address in excused:
            continue
        if (machine.name, photo.job) in truth.dropped_at_s or erased.covers(photo.job):
            continue
        if not _is_whole(machine, address, photo):
            yield f"{machine.name} does not hold photo {address.hex()[:16]}, which it said to keep"


def not_on_hubs(world: World) -> Iterator[str]:
    """Photos that a hub does not hold yet, and should in the end."""
    truth = world.truth
    if not truth.photos:
        return
    for hub in world.hubs:
        held = held_hashes(hub.store.db)
        erased = truth.erased_by(held)
        shut_out = {key for entry, key in truth.revoked_by_hash.items() if entry in held}
        for address, photo in truth.photos.items():
            if address in truth.photos_lost or photo.entry in truth.lost_with_a_disk:
                continue
            fell = truth.author_by_hash[photo.entry] in shut_out
            if erased.covers(photo.job) or (fell and photo.entry not in truth.ever_counted):
                continue
            if not _is_whole(hub, address, photo):
                yield (
                    f"{hub.name} does not hold photo {address.hex()[:16]} of job "
                    f"{photo.job.hex()}, which {photo.machine} took"
                )


def left(world: World) -> Iterator[str]:
    """Photos of erased jobs of which bytes still stand somewhere."""
    for machine in world.machines:
        erased = world.truth.erased_by(held_hashes(machine.store.db))
        gone = [p for p in world.truth.photos.values() if erased.covers(p.job)]
        stored = machine.disk.stored_bytes() if gone else b""
        for photo in gone:
            if photo.data[:BEGINNING_BYTES] in stored:
                yield f"{machine.name} has bytes of a photo of job {photo.job.hex()}, erased"


def _is_whole(machine: Machine, address: bytes, photo: Photo) -> bool:
    try:
        return machine.replica.files.read(address) == photo.data
    except LogError:
        return False
