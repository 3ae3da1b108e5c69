"""Rows that grew change by change are those that all entries make at once."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest

from core.dispatch import acts
from core.dispatch.acts import Act, Change
from core.dispatch.fields import CHECK_ITEM, CREATED, FILE, NOTE, Kind, Phase
from core.dispatch.snooze import snooze, wake
from replica.checking import dump_projections
from replica.replica import Replica
from tests.build import Site, clock_of, hold

WORKERS_TURNS = [(worker, b"turn-00%d" % turn) for worker in range(2) for turn in range(2)]


def drawn(replica: Replica, job: bytes, workers: list[bytes], chance: Random) -> Act:
    """One thing that somebody may do to a job, of every kind that there is."""
    number, (who, turn) = chance.randrange(1, 100), chance.choice(WORKERS_TURNS)
    worker = workers[who]
    conflicts = [
        bytes.fromhex(row[0])
        for row in replica.store.db.execute("SELECT conflict FROM conflict WHERE kind <> 'snoozed'")
    ]
    note = b"note-00%d" % chance.randrange(3)
    kinds: list[Act] = [
        acts.edit_job(job, {"title": f"Boiler {number}"}),
        acts.edit_job(job, {"priority": number % 4}),
        acts.edit_job(job, {"planned_minutes": number, "window": [number, 2 * number]}),
        acts.edit_job(job, {"point": [number, number], "skills": [b"skill-%02d" % number]}),
        acts.number_job(job, f"A-{number}"),
        acts.assign(job, worker, turn, number),
        acts.withdraw(job, worker, turn, "ill"),
        acts.hand_over(job, worker, turn, workers[1 - who]),
        acts.set_phase(job, worker, turn, chance.choice(list(Phase)), "no"),
        acts.set_phase(job, worker, turn, Phase.ON_SITE),
        acts.cancel_job(job, "sold"),
        acts.reopen_job(job),
        acts.override_status(job, chance.choice(["open", "done", None]), "told so"),
        acts.set_tick(job, number % 3, number % 2 == 0),
        [Change(job, (CHECK_ITEM, number % 3), chance.choice(["Valve", f"Filter {number}", None]))],
        [Change(job, (NOTE, note), chance.choice([f"text {number}", f"more {number}", None]))],
        [Change(job, (FILE, note), chance.choice([bytes([number]) * 32, None, number]))],
        [Change(job, (CREATED,), True)],
        snooze(job, chance.choice(["blind", "no show"]), 5 + number, "later", now_ms=5),
        wake(job, chance.choice(["blind", "no show"])),
        *(acts.decide(job, conflict, "keep") for conflict in conflicts[:1]),
    ]
    return chance.choice(kinds)


@pytest.mark.parametrize("seed", range(6))
def test_rows_of_a_job_that_changed_often_are_as_if_made_anew(tmp_path: Path, seed: int) -> None:
    chance = Random(f"rows as they grow {seed}")
    site = Site(tmp_path)
    hub = site.hub("A")
    workers = [site.worker(hub, "Ana"), site.worker(hub, "Bo")]
    jobs = [site.job(hub, "Boiler", workers[0])[0], site.new_id(Kind.JOB)]
    other = site.hub("B")
    hold(other, hub)
    for _ in range(90):
        replica, job = chance.choice([hub, hub, other]), chance.choice(jobs)
        clock_of(replica).pass_ms(chance.choice([0, 60_000]))
        replica.write(drawn(replica, job, workers, chance))
        if chance.random() < 0.15:
            hold(other, hub)
    hold(other, hub)
    for replica in (hub, other):
        grown = dump_projections(replica.store.db)
        replica.rebuild_projections()
        assert dump_projections(replica.store.db) == grown
    site.close()
