"""What `make proof` proves, and how much of each.

A family is a function of a count and a seed, the number that is promised, and into how large parts
it is cut; the function gives back violations in sentences, with what it counted where that is
promised too. Holds no work. Invariant: the parts of a family together make up its number.
"""

from __future__ import annotations

import gc
import logging
import math
import os
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from simulator.planted import PLANTED
from tests.crossing_revocations import crossing_revocations
from tests.damaged_bundles import undetected
from tests.erasures import violations
from tests.fuzzing.malformed import malformed
from tests.journey.kills import lost_by_sigkills
from tests.mixed_fleets import mixed_fleets
from tests.proof.device_days import faulty_days, sound_days
from tests.proof.found import Found
from tests.proof.orders import SETS, wrong_orders
from tests.proof.planted import uncaught
from tests.proof.restores import lossy_rebuilds, lossy_restores
from tests.proof.store_kills import kills
from tests.proof.worlds import failed_worlds
from tests.series_of_frames import lost_on_the_way
from tests.versions.killed_migrations import killed_migrations

Work = Callable[[int, int], list[str] | Found]


@dataclass(frozen=True, slots=True)
class Family:
    """One kind of proof: `count` of `unit`, in parts of `part`.

    `in_ci` is the share of it that continuous integration, which has not all day, sees each time.
    What `waits` for processes that it begins leaves half of a processor to others meanwhile, and
    forks, which costs more the more its own process has held before.
    """

    name: str
    unit: str
    count: int
    part: int
    work: Work
    in_ci: float = 1.0
    waits: bool = False


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a family: so many, from a seed on."""

    work: Work
    count: int
    seed: int


# Long parts first, so that at the end no processor waits long for another. These are to be done
# within 25 minutes on two processors, so they come before all others.
TIMED = (
    Family("sigkills", "kills", 200, 20, lost_by_sigkills, waits=True),
    Family("store_kills", "kills", 1_000, 100, kills, waits=True),
    Family("malformed", "frames and files", 1_000_000, 20_000, malformed),
    Family("orders_of_eight", "sets", SETS, 1, wrong_orders),
    Family("device_days_on_faulty_disks", "device-days", 25_000, 500, faulty_days),
    Family("device_days_in_memory", "device-days", 30_000, 500, sound_days),
    Family("hub_restores", "restores", 200, 20, lossy_restores),
    Family("hub_rebuilds", "rebuilds", 50, 10, lossy_rebuilds),
    Family("planted_bugs", "bugs", len(PLANTED), 1, uncaught),
    Family("killed_migrations", "points", 7_500, 100, killed_migrations),
)
FAMILIES = (
    *TIMED,
    Family("hostile_worlds", "worlds", 40, 1, failed_worlds, 0.2),
    Family("damaged_bundles", "bundles", 10_000, 1_000, undetected),
    Family("series_of_frames", "series", 20_000, 500, lost_on_the_way, 0.2),
    Family("crossing_revocations", "worlds", 2_000, 50, crossing_revocations, 0.2),
    Family("mixed_fleets", "sites", 100, 2, mixed_fleets, 0.2),
    Family("erasures", "sites", 400, 20, violations, 0.2),
)


def parts_of(family: Family, share: float, seed: int = 0) -> list[Part]:
    """A share of a family in parts from a seed on; that of each says where it begins."""
    count = max(1, math.ceil(family.count * share))
    return [
        Part(family.work, min(family.part, count - first), seed + first)
        for first in range(0, count, family.part)
    ]


def run_part(part: Part) -> Found:
    """Do one part; an error that comes out of it is a violation as well."""
    began_s = _processor_s()
    try:
        told = part.work(part.count, part.seed)
    except Exception as error:  # noqa: BLE001 (that any comes out is what is looked for)
        told = [f"it ended by {type(error).__name__}: {error} at {_where(error)}"]
    found = told if isinstance(told, Found) else Found(told)
    gc.collect()
    found.happened["tenths of a second of a processor"] = round(10 * (_processor_s() - began_s))
    return found


def begin_process() -> None:
    """Make a process ready that does nothing but parts.

    What replicas log of faults that were asked for is no news. What was imported stays until the
    end, so the collector need not look at it again and again. At all else it looks after each part,
    and seldom within one: as often as Python lets it, that takes a sixteenth of the time.
    """
    logging.getLogger().addHandler(logging.NullHandler())
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 5, 5)


def _processor_s() -> float:
    """What this process and those it started have taken of processors so far."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def _where(error: Exception) -> str:
    """The innermost place that an error came from."""
    *_, last = traceback.extract_tb(error.__traceback__)
    return f"{Path(last.filename).name}:{last.lineno}"
