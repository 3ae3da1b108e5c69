"""The reference worker-day: eight jobs of fifteen edits, by which the log's sizes are told.

Notes and hashes are as varied as what people write and photos hash to, so that what is said of
packing holds of real days. Holds no expectations. Invariant: every run writes the same entries.
"""

from __future__ import annotations

import random

from core.dispatch import acts, day_acts
from core.dispatch.acts import Change
from core.dispatch.fields import FILE, Kind, LogKind, Phase
from core.log.entry import MINT
from replica.replica import Replica
from tests.build import Site, clock_of

DAY = "2026-03-02"

# What notes are made of.
PHRASES = (
    "valve leaks under the sink", "gasket replaced", "no drip after the test", "gate code 4711",
    "customer away", "key at the neighbour's", "filter dirty, cleaned", "pressure 1.4 bar",
    "parts ordered", "photo of the wet wall", "electrician needed first", "call the office back",
)  # fmt: skip


def eight_jobs(site: Site, hub: Replica, worker: bytes) -> list[tuple[bytes, bytes]]:
    """Jobs with five check items each, assigned to the worker; stream and turn of each."""
    jobs = []
    for index in range(8):
        for each in site.opened:
            clock_of(each).pass_ms(1_000)
        job, turn = site.new_id(Kind.JOB, hub.clock.now_ms()), site.entropy(8)
        fields = {"title": f"Job {index}", "check_items": ["a", "b", "c", "d", "e"]}
        hub.write(acts.create_job(job, fields) + acts.assign(job, worker, turn))
        jobs.append((job, turn))
    return jobs


def worker_day(hub: Replica, phone: Replica, ana: bytes, jobs: list[tuple[bytes, bytes]]) -> int:
    """Eight jobs of fifteen edits, four minutes apart; how many entries the phone wrote."""
    before = phone.store.get("mine")
    chance = random.Random(8)

    def write(changes: list[Change]) -> bytes:
        for clock in (clock_of(phone), clock_of(hub)):
            clock.pass_ms(240_000)
        written = phone.write(changes)
        return next(iter(written.hash_by_stream.values()))

    def start(job: bytes, kind: LogKind) -> bytes:
        entry = write(day_acts.start_log(ana, DAY, job, MINT, kind))
        state = phone.state(acts.day_stream(ana, DAY))
        place = state.position(entry)
        assert place is not None
        read = state.logs[place[0]].placed[place[1] - 1].entry
        assert read is not None
        return bytes(read.changes[0][0][2])

    for job, turn in jobs:
        write(acts.set_phase(job, ana, turn, Phase.ACCEPTED))
        write(acts.set_phase(job, ana, turn, Phase.TRAVELLING))
        travel = start(job, LogKind.TRAVEL)
        write(acts.set_phase(job, ana, turn, Phase.ON_SITE))
        write(day_acts.stop_log(ana, DAY, job, travel))
        work = start(job, LogKind.ON_SITE)
        for item in range(5):
            write(acts.set_tick(job, item, True))
        write(acts.add_note(job, "; ".join(chance.choices(PHRASES, k=9))[:60]))
        write([Change(job, (FILE, MINT), chance.randbytes(32))])
        write(day_acts.stop_log(ana, DAY, job, work))
        write(acts.set_phase(job, ana, turn, Phase.FINISHED))
    return int(phone.store.get("mine") - before)
