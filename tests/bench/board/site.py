"""A hub with many jobs and workers, and phones that have joined it, for measuring the board.

Everything is written by acts; where pages or phones would take hours, many acts share one
transaction. Holds no measurements. Invariant: the same numbers give the same jobs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

from core.dispatch import acts
from core.dispatch.acts import Act
from core.dispatch.fields import Kind
from hub.numbering import numbered
from replica.identity import load_identity
from replica.joining import HubAddress, save_hub_address
from replica.replica import Replica
from tests.web.board.town import HOUR_MS, Town
from tests.web.office import NOON_MS

DAY_MS = 24 * HOUR_MS
PORTION = 400
# Around Prague, some 30 km each way.
CENTRE_E7 = (500_750_000, 144_400_000)
SPREAD_E7 = 2_500_000
_WORK = ("Boiler", "Meter", "Lift", "Roof", "Pump", "Door", "Cable", "Filter", "Gate", "Window")
_AT = ("service", "inspection", "repair", "exchange", "cleaning", "fault")


@dataclass
class Filled:
    """What was put there: streams of customers and workers, and of the jobs that are watched."""

    customers: list[bytes]
    workers: list[bytes]
    watched: list[tuple[bytes, bytes, Path]]


async def fill(town: Town, jobs: int, workers: int, phones: int) -> Filled:
    """A site of so many jobs and workers; `phones` of them have joined and have a job each."""
    hub, chance = town.office.hub, Random(f"board {jobs} {workers}")
    joined = [await town.worker(f"Phone {number:03}") for number in range(phones)]
    made: list[bytes] = [each.stream for each in joined]
    made += [_id(Kind.WORKER, chance) for _ in range(workers - phones)]
    customers = [_id(Kind.CUSTOMER, chance) for _ in range(max(jobs // 20, 1))]
    people = [
        acts.edit_worker(worker, {"name": f"Worker {number:03}"})
        for number, worker in enumerate(made[phones:])
    ]
    people += [
        acts.edit_customer(customer, {"name": f"Customer {number:04}", "number": f"C-{number}"})
        for number, customer in enumerate(customers)
    ]
    work = [_job(number, customers, made[phones:], chance) for number in range(jobs - phones)]
    for changes in (people, work):
        for first in range(0, len(changes), PORTION):
            part = changes[first : first + PORTION]
            await hub.writer.run(_write, hub.replica, part)
    watched = []
    for number, each in enumerate(joined):
        job, turn = await town.job(f"Watched {number:03}", worker=each)
        await town.meet(each)
        watched.append((bytes.fromhex(job), turn, each.phone.store.path.parent))
    address = HubAddress(tuple(hub.addresses), hub.transport.fingerprint)
    for each in joined:
        await hub.writer.run(each.phone.close)
        assert load_identity(each.phone.store.path.parent) is not None
        save_hub_address(each.phone.store.path.parent, address)
    town.phones.clear()
    return Filled(customers, made, watched)


async def add_workers(town: Town, filled: Filled, workers: int) -> list[bytes]:
    """As many more workers as are missing to so many; their streams."""
    chance = Random("more workers")
    more = [_id(Kind.WORKER, chance) for _ in range(workers - len(filled.workers))]
    people = [
        acts.edit_worker(worker, {"name": f"Mover {number:04}"})
        for number, worker in enumerate(more)
    ]
    for first in range(0, len(people), PORTION):
        part = people[first : first + PORTION]
        await town.office.hub.writer.run(_write, town.office.hub.replica, part)
    return more


def _write(replica: Replica, changes: Sequence[Act]) -> None:
    with replica.store.transaction():
        for each in changes:
            replica.write(numbered(replica, each), actor=b"\0" * 8)


def _id(kind: Kind, chance: Random) -> bytes:
    return acts.new_stream_id(kind, NOON_MS - chance.randrange(90 * DAY_MS), chance.randbytes(7))


def _job(number: int, customers: list[bytes], workers: list[bytes], chance: Random) -> Act:
    """One of three in four was done in the last month; one in twenty of the others is nobody's."""
    job = _id(Kind.JOB, chance)
    done = chance.random() < 0.75
    day = chance.randrange(-30, 0) if done else chance.choice((0, 0, 1, 2, 3, 7, 14))
    start = NOON_MS + day * DAY_MS + chance.randrange(-5, 9) * HOUR_MS
    changes = acts.create_job(
        job,
        {
            "title": f"{chance.choice(_WORK)} {chance.choice(_AT)} {number}",
            "description": f"{chance.choice(_AT)} of the {chance.choice(_WORK).lower()}",
            "customer": chance.choice(customers),
            "point": tuple(at + chance.randrange(-SPREAD_E7, SPREAD_E7) for at in CENTRE_E7),
            "window": (start, start + chance.choice((1, 2, 4)) * HOUR_MS),
            "planned_minutes": chance.choice((30, 45, 60, 90)),
            "priority": chance.choice((0, 1, 1, 1, 1, 2, 3)),
        },
    )
    if done or chance.random() < 0.95:
        changes += acts.assign(job, chance.choice(workers), chance.randbytes(8))
    if done:
        changes += acts.override_status(job, "done", "on paper")
    return changes
