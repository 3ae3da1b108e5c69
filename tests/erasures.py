"""Erasing in any order, with everything else going on: what must hold when all have met again.

`violations(count, seed)` plays so many small sites of two hubs and two phones that write, erase,
meet, are cut off in the middle, are restored and repaired, and gives back what did not hold, in
words; empty means that it holds. Every text of a job names it, so its bytes can be looked for.
Invariant: a site follows from its seed.
"""

from __future__ import annotations

import random
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path

from core.dispatch import acts, day_acts, erasure
from core.dispatch.acts import ActError, day_stream, track_stream
from core.dispatch.fields import Kind, LogKind
from core.dispatch.fix import Fix, encode_track
from replica.checking import check_store, dump_projections
from replica.purging import forget_erased, forget_only_here, scrub_if_due
from replica.replica import Replica
from tests.build import START_MS, Site, agree, clock_of, hold, interrupted, streams_of

DAY_MS = 86_400_000
STEPS = 30


@dataclass
class World:
    """One small site: its replicas by name, its workers, and all streams that were ever made."""

    chance: random.Random
    site: Site
    replicas: dict[str, Replica]
    workers: list[bytes]
    jobs: list[bytes] = field(default_factory=list)
    dated: list[bytes] = field(default_factory=list)
    copies: dict[str, bytes] = field(default_factory=dict)

    @classmethod
    def begin(cls, folder: Path, seed: int) -> World:
        site = Site(folder, f"erasures {seed}")
        first = site.hub("A")
        second = site.hub("B")
        workers = [site.worker(first, name) for name in ("Ana", "Bo")]
        phones = [site.phone(first, worker) for worker in workers]
        hold(second, first)
        replicas = {"hub A": first, "hub B": second, "Ana": phones[0], "Bo": phones[1]}
        return cls(random.Random(seed), site, replicas, workers)

    def step(self) -> None:
        """Something happens somewhere; what a replica refuses has changed nothing."""
        steps: list[Callable[[], None]] = [
            *[self.make_job] * 3, *[self.work] * 6, *[self.annotate] * 5, *[self.meet] * 6,
            *[self.erase] * 2, self.erase_before, self.cut_off, self.copy, self.put_back,
            self.scrub,
        ]  # fmt: skip
        for each in self.replicas.values():
            clock_of(each).pass_ms(DAY_MS // 2)
        try:
            self.chance.choice(steps)()
        except ActError as refusal:
            if "erased" not in str(refusal):
                raise

    def a_hub(self) -> Replica:
        return self.replicas[self.chance.choice(["hub A", "hub B"])]

    def make_job(self) -> None:
        hub = self.a_hub()
        job = self.site.new_id(Kind.JOB, hub.clock.now_ms())
        act = acts.create_job(job, {"title": f"job {job.hex()} of words"})
        for worker in self.workers:
            act += acts.assign(job, worker, self.site.entropy(8))
        hub.write(act)
        self.jobs.append(job)

    def annotate(self) -> None:
        who = self.chance.choice(list(self.replicas.values()))
        held = [job for job in self.jobs if job in streams_of(who)]
        if held:
            job = self.chance.choice(held)
            who.write(acts.add_note(job, f"note {job.hex()} of words"))

    def work(self) -> None:
        at = self.chance.randrange(2)
        phone, worker = self.replicas[("Ana", "Bo")[at]], self.workers[at]
        day = (date(2026, 3, 2) + timedelta(self.chance.randrange(20))).isoformat()
        at_ms = phone.clock.now_ms()
        fixes = encode_track([Fix(at_ms, 601_000_000, 249_000_000, 8)])
        log = self.site.entropy(8)
        phone.write(day_acts.start_log(worker, day, None, log, LogKind.OTHER, at_ms=at_ms))
        phone.write(day_acts.stop_log(worker, day, None, log, at_ms=at_ms + 600_000))
        phone.write(day_acts.add_fixes(worker, day, fixes))
        self.dated += [day_stream(worker, day), track_stream(worker, day)]

    def meet(self) -> None:
        opener, listener = self.chance.sample(list(self.replicas), 2)
        hold(self.replicas[opener], self.replicas[listener])

    def cut_off(self) -> None:
        opener, listener = self.chance.sample(list(self.replicas), 2)
        meeting = self.replicas[opener], self.replicas[listener]
        interrupted(*meeting, self.chance.randrange(12))

    def erase(self) -> None:
        made = [*self.jobs, *self.dated]
        if made:
            self.a_hub().write(erasure.erase([self.chance.choice(made)]))

    def erase_before(self) -> None:
        kind = self.chance.choice([Kind.TRACK, Kind.TRACK, Kind.DAY, Kind.JOB])
        before_ms = START_MS + self.chance.randrange(-2, 12) * DAY_MS
        self.a_hub().write(erasure.erase_before(kind, before_ms))

    def copy(self) -> None:
        name = self.chance.choice(list(self.replicas))
        self.copies[name] = self.site.copy(self.replicas[name])

    def put_back(self) -> None:
        """An old copy of a phone's store, or of a hub's, whose erasures others may know by now."""
        if self.copies:
            name = self.chance.choice(list(self.copies))
            self.replicas[name] = self.site.restore(self.replicas[name], self.copies.pop(name))

    def scrub(self) -> None:
        forget_erased(self.chance.choice(list(self.replicas.values())))

    def settle(self) -> None:
        """Everybody meets everybody, until all know what any of them knew."""
        names = list(self.replicas)
        for _ in range(3):
            for opener in names:
                for listener in names:
                    if opener != listener:
                        hold(self.replicas[opener], self.replicas[listener])
        for each in self.replicas.values():
            # What a phone alone had is shown for a while; the worker has read it.
            forget_only_here(each, all_of_it=True)
            scrub_if_due(each)

    def faults(self) -> list[str]:
        """What does not hold, in words."""
        found: list[str] = []
        replicas = self.replicas
        erased = replicas["hub A"].erased
        gone = [each for each in {*self.jobs, *self.dated} if erased.covers(each)]
        for name, each in replicas.items():
            if each.erased != erased:
                found.append(f"{name} takes something else for erased than hub A")
            held = sorted(stream.hex() for stream in streams_of(each) if erased.covers(stream))
            if held:
                found.append(f"{name} still holds {held}")
            stored = each.store.path.read_bytes()
            wal = each.store.path.with_name(each.store.path.name + "-wal")
            stored += wal.read_bytes() if wal.exists() else b""
            found += [
                f"the bytes of {job.hex()} still stand in the file of {name}"
                for job in gone
                if f"{job.hex()} of words".encode() in stored
            ]
            found += [f"{name}: {finding}" for finding in check_store(each)]
        if not agree(*replicas.values()) or not agree(replicas["hub A"], replicas["hub B"]):
            found.append("two replicas fold a stream that both hold to different states")
        ours, theirs = (dump_projections(replicas[hub].store.db) for hub in ("hub A", "hub B"))
        found += [
            f"the hubs show different rows of {table}: {set(ours[table]) ^ set(theirs[table])}"
            for table in ours
            if ours[table] != theirs[table]
        ]
        for name in ("hub B", "Ana", "Bo"):
            meeting = hold(replicas[name], replicas["hub A"])
            if not meeting.live or len(meeting.sent[0]) > 3:
                found.append(f"the digests of {name} and hub A do not agree at once")
        return found


def violations(count: int, seed: int) -> list[str]:
    """Play `count` sites from `seed` on; what did not hold."""
    found: list[str] = []
    for number in range(seed, seed + count):
        with tempfile.TemporaryDirectory() as folder:
            world = World.begin(Path(folder), number)
            try:
                for _ in range(STEPS):
                    world.step()
                world.settle()
                found += [f"seed {number}: {fault}" for fault in world.faults()]
            finally:
                world.site.close()
    return found
