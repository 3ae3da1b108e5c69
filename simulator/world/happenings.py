"""What passes over a world while its days last: storms, outages, clocks, hubs apart, calls.

Each is a task of its own that is ended when the days are over. Holds no fates of machines (see
`fate`) and no programs. Invariant: each draws from a chance of its own, so that what is taken away
leaves the others as they were.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterable, Sequence
from typing import TYPE_CHECKING, Final

from simulator.device_clock import draw_upsets, live_through
from simulator.draw import chance_for
from simulator.weather import draw_outages
from simulator.world.coverage import draw_coverage, follow, pass_portals
from simulator.world.machine import Machine
from simulator.world.ringing import ring

if TYPE_CHECKING:
    from simulator.world.run import World

DAY_S: Final = 86_400.0
HOUR_S: Final = 3_600.0
CLOCK_ERROR_MS_MAX: Final = 10 * 365 * DAY_S * 1_000

Happening = tuple[str, Coroutine[object, object, None]]


def happenings(world: World, until_s: float) -> Iterable[Happening]:
    """All that passes over a world until a time, each by the name of its task."""
    options, seed = world.options, world.seed
    names = [machine.name for machine in world.machines]
    yield "storm", world.weather.storm(names, until_s)
    if len(world.hubs) > 1 and options.hubs_apart_per_day:
        yield "hubs apart", _keep_hubs_apart(world)
    for phone in world.phones:
        chance = chance_for(seed, phone.name, "outages")
        outages = draw_outages(chance, options, until_s)
        yield f"{phone.name} outages", world.weather.follow(phone.name, outages)
        upsets = draw_upsets(
            chance_for(seed, phone.name, "upsets"),
            until_s=until_s,
            upsets_per_day=options.clock_upsets_per_day,
            jump_ms_max=options.clock_jump_ms_max,
        )
        yield f"{phone.name} clock", _upset(phone, upsets)
        yield from _coverage(world, phone, until_s)
    if options.same_job_per_day and len(world.dispatchers) > 1:
        chance = chance_for(seed, "ringing")
        yield "ringing", ring(world.dispatchers, options.same_job_per_day, chance)


def _coverage(world: World, phone: Machine, until_s: float) -> Iterable[Happening]:
    """What a phone has of networks, where its world says more of that than outages."""
    points = world.truth.points
    chance = chance_for(world.seed, phone.name, "coverage")
    for point, outages in draw_coverage(chance, world.options, until_s):
        passing = follow(world.weather, phone.name, outages, point, points)
        yield f"{phone.name} coverage", passing
    if per_day := world.options.captive_portals_per_day:
        chance = chance_for(world.seed, phone.name, "portals")
        yield f"{phone.name} portals", pass_portals(world.weather, phone.name, chance, per_day)


async def _upset(machine: Machine, upsets: Sequence[object]) -> None:
    def happened(upset: object) -> None:
        machine.note("clock", str(upset))
        if abs(machine.clock.error_ms()) > CLOCK_ERROR_MS_MAX:
            machine.clock.jump(-machine.clock.error_ms())

    await live_through(machine.clock, upsets, happened)  # type: ignore[arg-type]


async def _keep_hubs_apart(world: World) -> None:
    """Now and then the hubs can't reach each other, for hours or days."""
    chance, options = chance_for(world.seed, "hubs apart"), world.options
    one, other = (hub.name for hub in world.hubs)
    while True:
        await asyncio.sleep(chance.expovariate(options.hubs_apart_per_day / DAY_S))
        partition = world.weather.divide([[one], [other]])
        since_s = world.loop.time()
        try:
            least_s = min(HOUR_S, options.hubs_apart_s_max)
            await asyncio.sleep(chance.uniform(least_s, options.hubs_apart_s_max))
        finally:
            apart = world.loop.time() - since_s >= DAY_S
            world.truth.points["hubs were apart for a day or longer"] += apart
        world.weather.unite(partition)
