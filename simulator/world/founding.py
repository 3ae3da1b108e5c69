"""The first acts of a simulated site: certificates, settings, names, and the people who work there.

All are written at the first hub; another hub makes itself known. Holds no days. Invariant: who and
what there is follows from the seed and the size alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from core.dispatch import acts
from core.dispatch.acts import Act
from core.dispatch.fields import Kind
from simulator.device_clock import EPOCH_MS
from simulator.draw import chance_for
from simulator.world.office import Dispatcher
from simulator.world.site import certificate_act
from simulator.world.truth import mark_of
from simulator.world.worker import Worker

if TYPE_CHECKING:
    from simulator.world.run import World

CUSTOMERS = 6


async def found(world: World) -> None:
    """Write the site's first acts, and let its workers and dispatchers come."""
    hub = world.hubs[0]
    chance = chance_for(world.seed, "founding")
    customers = [
        acts.new_stream_id(Kind.CUSTOMER, EPOCH_MS, chance.randbytes(7)) for _ in range(CUSTOMERS)
    ]
    for act in _first_acts(world, customers):
        await hub.act(lambda _, act=act: act)  # type: ignore[misc]
    for other in world.hubs[1:]:
        await other.act(lambda _, who=other.identity: certificate_act(who))  # type: ignore[misc]
    workers = list(world.site.workers)
    for phone in world.phones:
        colleagues = [worker for worker in workers if worker != phone.worker]
        person = chance_for(world.seed, phone.name, "person")
        world.workers.append(Worker(phone, colleagues, person))
    for machine in world.hubs:
        for number in range(world.size.dispatchers_per_hub):
            person = chance_for(world.seed, machine.name, "dispatcher", number)
            world.dispatchers.append(Dispatcher(machine, workers, customers, person))


def _first_acts(world: World, customers: Sequence[bytes]) -> Iterable[Act]:
    site = world.site
    yield from (certificate_act(each.identity) for each in world.hubs)
    yield from (certificate_act(each) for each in (*site.phones, *site.hostile))
    yield acts.set_setting("time_zone", "Europe/Helsinki")
    for number, worker in enumerate(site.workers, 1):
        yield acts.edit_worker(worker, {"name": f"Worker {number}"})
    for number, customer in enumerate(customers, 1):
        yield acts.edit_customer(customer, {"name": f"Customer {number}"})
    yield from _first_jobs(world, customers)


def _first_jobs(world: World, customers: Sequence[bytes]) -> Iterable[Act]:
    """The jobs that workers have from the first moment on."""
    chance, workers = chance_for(world.seed, "first jobs"), world.site.workers
    for number in range(world.size.jobs_per_phone * len(workers)):
        job = acts.new_stream_id(Kind.JOB, EPOCH_MS, chance.randbytes(7))
        start_ms = EPOCH_MS + chance.randrange(14, 40) * 1_800_000
        values = {
            "title": f"first job {number}{mark_of(job)}",
            "customer": chance.choice(customers),
            "window": (start_ms, start_ms + 7_200_000),
        }
        yield [
            *acts.create_job(job, values),
            *acts.number_job(job, f"A-first-{number}"),
            *acts.assign(job, workers[number % len(workers)], chance.randbytes(8)),
        ]
