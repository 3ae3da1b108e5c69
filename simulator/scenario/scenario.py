"""A scenario: a site, its people, their day, their networks and what goes wrong there.

Both ways to simulate take the same scenario: *seeded*, a whole site under a virtual clock, and
*live*, phones against a running hub. Holds no reading of files. Invariant: a scenario says nothing
of where it is run; addresses, accounts, seeds and folders are the command's.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from simulator.draw import Options


@dataclass(frozen=True, slots=True)
class SiteSize:
    """Who and what there is; `dispatchers` sit at each hub.

    `phones`, `hostile` and `hubs` are of seeded runs: a live run has the hub it is told, and as
    many phones as `Live` says.
    """

    phones: int = 8
    hostile: int = 0
    dispatchers: int = 2
    hubs: int = 2
    jobs_per_phone: int = 6


@dataclass(frozen=True, slots=True)
class Seeded:
    """How the seeded way runs it.

    `drawn`: each seed draws further faults beside those that the scenario gives. `reaches`: what
    its seeds together must have come by (points of `simulator.world.points`).
    """

    days: int = 3
    entries_per_phone: int = 100
    upgrades: bool = False
    drawn: bool = False
    reaches: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Live:
    """How the live way runs it; times in seconds.

    Phones come on one after another within `ramp_up_s`, work for `hold_s`, and leave within
    `ramp_down_s`. `taps_per_min` is what one worker does in a minute. `backlog` entries each phone
    has written before it comes on. `file_share` of the phones keep their store on the disk, the
    others in memory.
    """

    phones: int = 50
    ramp_up_s: float = 30.0
    hold_s: float = 120.0
    ramp_down_s: float = 10.0
    taps_per_min: float = 2.0
    backlog: int = 0
    file_share: float = 0.1


@dataclass(frozen=True, slots=True)
class Limits:
    """What a live run must keep to, else its verdict is *failed*.

    `acknowledged_p99_ms`: from a tap until the hub's word that it has it. `entries_per_s_min`: in
    the best ten seconds. `failures_max`: sessions, pages and enrolments that failed.
    `memory_growth_max`: of the hub, from the first to the last fifth of the hold, where the hub
    runs on this machine. None: not asked for.
    """

    acknowledged_p99_ms: float | None = 1_000.0
    page_p99_ms: float | None = 2_000.0
    entries_per_s_min: float | None = None
    failures_max: int = 0
    memory_growth_max: float | None = None


@dataclass(frozen=True, slots=True)
class Scenario:
    """What is to be lived through; `about` is one sentence for people.

    `given` names the options that the file gives, also those that it gives as a calm world has
    them: what is given no seed draws anew.
    """

    name: str
    about: str
    site: SiteSize = field(default_factory=SiteSize)
    options: Options = field(default_factory=Options)
    seeded: Seeded = field(default_factory=Seeded)
    live: Live = field(default_factory=Live)
    limits: Limits = field(default_factory=Limits)
    given: frozenset[str] = frozenset()
