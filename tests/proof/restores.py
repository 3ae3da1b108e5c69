"""Hubs that come back from an old copy, and hubs made anew from nothing but their phones.

A small site lives some days: an office, workers with phones, meetings at random, some of them cut.
Then the hub's disk is lost. What comes back gets a new key, meets the phones again, and must hold
every entry that any phone held; all must agree, and nobody may say of it what it does not hold.
Invariant: one seed lives the same days.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from replica.replica import Replica
from replica.scope import scope_of
from simulator.draw import chance_for
from tests.build import Site, agree, clock_of, hold, interrupted, streams_of
from tests.proof.acting import Hand, Office, day_of

PHONES = 3
STEPS = (40, 90)
MINUTE_MS = 60_000
_REACHED = (
    "SELECT reach.stream, hex(log.author), min(reach.height, log.height) FROM reach JOIN log ON "
    "log.stream = reach.stream AND log.author = reach.author AND log.branch = reach.branch "
    "WHERE reach.peer = ?"
)


@dataclass
class Days:
    """A site that lives."""

    site: Site
    chance: Random
    hub: Replica
    phones: list[Replica] = field(default_factory=list)
    hands: list[Hand] = field(default_factory=list)

    @classmethod
    def found(cls, folder: Path, chance: Random) -> Days:
        """A new site with its hub and enrolled phones."""
        site = Site(folder, seed=str(chance.random()))
        hub = site.hub("A")
        days = cls(site, chance, hub)
        for number in range(PHONES):
            worker = site.worker(hub, f"Worker {number}")
            days.phones.append(site.phone(hub, worker))
            days.hands.append(Hand(worker, chance))
        days.begin_office()
        return days

    def begin_office(self) -> None:
        """Let a dispatcher work at the hub as it is now."""
        workers = [hand.worker for hand in self.hands]
        self.office = Office(self.hub, workers, self.chance)

    def live(self) -> None:
        """Some steps of everybody, with meetings in between."""
        for _ in range(self.chance.randrange(*STEPS)):
            for replica in (self.hub, *self.phones):
                clock_of(replica).pass_ms(self.chance.randrange(1, 9) * MINUTE_MS)
            number = self.chance.randrange(PHONES)
            phone, drawn = self.phones[number], self.chance.random()
            if drawn < 0.25:
                self.office.act()
            elif drawn < 0.8:
                phone.write(self.hands[number].changes(phone, day_of(phone)))
            elif drawn < 0.95:
                hold(phone, self.hub)
            else:
                interrupted(phone, self.hub, self.chance.randrange(4, 12))

    def meet(self) -> list[str]:
        """Every phone meets the hub twice; who does not come to agree with it, in words."""
        for phone in (*self.phones, *self.phones):
            if not hold(phone, self.hub).live:
                return [f"a phone and the hub do not agree: {sorted(streams_of(phone))[:3]}"]
        return []


def lossy_restores(count: int, seed: int) -> list[str]:
    """So many hubs restored from a copy of some time ago; what was lost or did not agree."""
    return [words for number in range(count) for words in _restored(seed + number)]


def lossy_rebuilds(count: int, seed: int) -> list[str]:
    """So many hubs made anew, with nothing but the site's key; the same."""
    return [words for number in range(count) for words in _rebuilt(seed + number)]


@contextmanager
def _living(seed: int, *names: str) -> Iterator[Days]:
    memory = Path("/dev/shm")
    folder = Path(tempfile.mkdtemp(dir=memory if memory.is_dir() else None))
    days = Days.found(folder, chance_for(seed, *names))
    try:
        yield days
    finally:
        days.site.close()
        shutil.rmtree(folder)


def _restored(seed: int) -> list[str]:
    with _living(seed, "restore") as days:
        days.live()
        copy = days.site.copy(days.hub)
        days.live()
        days.hub = days.site.hub_restored(days.hub, copy)
        return [f"seed {seed}: {words}" for words in _heal(days)]


def _rebuilt(seed: int) -> list[str]:
    with _living(seed, "rebuild") as days:
        days.live()
        days.hub = days.site.hub_again(days.hub)
        return [f"seed {seed}: {words}" for words in _heal(days)]


def _heal(days: Days) -> list[str]:
    """Meet, and look at what came of it; then work on, and look again."""
    survived = set[bytes]().union(*(_entries(phone) for phone in days.phones))
    found = days.meet()
    held = _entries(days.hub)
    if lost := survived - held:
        found.append(f"{len(lost)} entries that a phone held are not on the hub")
    found += _overstated(days)
    days.begin_office()
    days.live()
    found += days.meet()
    if not agree(days.hub, *days.phones, streams=set.intersection(*map(streams_of, days.phones))):
        found.append("states differ where the entries are the same")
    for phone in days.phones:
        scope = scope_of(days.hub.store.db, phone.identity.own, days.hub.clock.now_ms())
        if missing := streams_of(phone) - scope:
            found.append(f"a phone holds {len(missing)} streams out of its scope")
    return found


def _overstated(days: Days) -> list[str]:
    """Entries that the hub is said to hold, by a phone's account, and does not."""
    found = []
    heights = _heights(days.hub)
    for phone in days.phones:
        rows = phone.store.db.execute(_REACHED, (days.hub.author,)).fetchall()
        for stream, author, height in rows:
            if heights.get((stream, author), 0) < height:
                found.append(f"a phone says that the hub holds more of {stream.hex()} than it does")
    return found


def _entries(replica: Replica) -> set[bytes]:
    """What the entries that a replica holds are named by."""
    return {row[0] for row in replica.store.db.execute("SELECT substr(hash, 1, 8) FROM entry")}


def _heights(replica: Replica) -> dict[tuple[bytes, str], int]:
    rows = replica.store.db.execute(
        "SELECT stream, hex(author), max(height) FROM log GROUP BY 1, 2"
    )
    return {(stream, author): height for stream, author, height in rows.fetchall()}
