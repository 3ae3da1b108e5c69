"""Which faults a seed has: the options of a simulated world, in plain words.

What only some offices and workers do (they erase, say) counts as a fault here too: it gets in the
way of everything else as much.

Every seed first decides which faults exist at all and then how strong each is (swarm testing: a
world with all faults at once hides what a few of them do; Groce et al., ISSTA 2012). Holds numbers
and drawing only; who suffers the faults reads them here. Invariant: a fault's strength is drawn
from the seed and the fault's name alone, so taking one fault away leaves the others as they were,
and a failing seed can be made smaller fault by fault.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, fields, replace
from random import Random
from typing import Final

HOUR_MS: Final = 3_600_000
YEAR_MS: Final = 365 * 24 * HOUR_MS


def chance_for(seed: int, *names: object) -> Random:
    """A source of chance of its own for each purpose, the same in every process."""
    return Random("/".join(map(str, (seed, *names))))


def entropy_for(seed: int, *names: object) -> Callable[[int], bytes]:
    """What a simulated device gets in the place of the machine's randomness."""
    return chance_for(seed, "entropy", *names).randbytes


@dataclass(frozen=True, slots=True)
class Options:
    """A world's faults; as it stands, a calm world on a good network.

    Chances are per event named, from 0 to 1; `*_per_day` are means for one device, or for the
    whole world where the fault is the network's.
    """

    # The network when nothing is wrong with it.
    latency_s_min: float = 0.02
    latency_s_max: float = 0.15
    bytes_per_s: float = 1_000_000.0
    send_buffer_bytes: int = 262_144
    # What happens to a link.
    stall_per_frame: float = 0.0
    stall_s_max: float = 0.0
    cut_per_frame: float = 0.0
    half_open_per_cut: float = 0.0
    find_out_s_max: float = 60.0
    # What happens to frames on a link that is no honest connection.
    lost_per_frame: float = 0.0
    repeated_per_frame: float = 0.0
    reordered_per_frame: float = 0.0
    split_per_frame: float = 0.0
    flipped_per_frame: float = 0.0
    # Where there is no network.
    tunnels_per_day: float = 0.0
    dead_zones_per_day: float = 0.0
    offline_per_day: float = 0.0
    absence_days: int = 0
    partitions_per_day: float = 0.0
    partition_s_max: float = 0.0
    one_way_per_partition: float = 0.0
    clogs_per_day: float = 0.0
    coverage_share: float = 1.0
    captive_portals_per_day: float = 0.0
    depot_wifi_h_per_day: float = 0.0
    morning_rush_s: float = 0.0
    # What becomes of hubs; those of a calm world are apart for some hours too.
    hubs_apart_per_day: float = 0.4
    hubs_apart_s_max: float = 86_400.0
    hub_moves_per_day: float = 0.0
    hub_restores_per_day: float = 0.0
    # What links are made of: whole frames, or the product's own WebSockets over streams of bytes.
    websockets: bool = False
    fragmented_per_write: float = 0.0
    # Clocks.
    clock_offset_ms_max: int = 0
    clock_drift_ppm_max: float = 0.0
    clock_upsets_per_day: float = 0.0
    clock_jump_ms_max: int = 0
    # Programs and disks.
    kills_per_day: float = 0.0
    power_cuts_per_day: float = 0.0
    restores_per_day: float = 0.0
    lying_syncs: float = 0.0
    unordered_directory: bool = False
    full_disks_per_day: float = 0.0
    torn_disks: float = 0.0
    # What offices do to what phones hold.
    erasures_per_day: float = 0.0
    revocations_per_day: float = 0.0
    recurrences_per_day: float = 0.0
    same_job_per_day: float = 0.0
    # What workers do besides.
    photos_per_day: float = 0.0
    colleagues_per_day: float = 0.0
    # What a receiver makes of the sky.
    canyons_per_day: float = 0.0
    gaps_per_day: float = 0.0
    outliers_per_hour: float = 0.0
    indoor_drift_m: float = 5.0
    car_park_m_max: float = 0.0
    empty_battery_per_day: float = 0.0
    jams_per_day: float = 0.0

    def faults(self) -> tuple[str, ...]:
        """The names of the faults that this world has, in the order of `FAULTS`."""
        return tuple(
            name
            for name, fault in FAULTS.items()
            if any(getattr(self, field) != getattr(CALM, field) for field in fault.fields)
        )

    def without(self, *names: str) -> Options:
        """The same world without some faults. Raises KeyError for a name that is no fault."""
        calm = {field: getattr(CALM, field) for name in names for field in FAULTS[name].fields}
        return replace(self, **calm)

    def in_words(self) -> str:
        """The faults as a sentence for the head of a report."""
        return "; ".join(FAULTS[name].words for name in self.faults()) or "a calm world"


CALM: Final = Options()


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault: what it means, the options it sets, and how strong a seed may make it."""

    words: str
    fields: tuple[str, ...]
    draw: Callable[[Random], Mapping[str, object]]


def _fault(words: str, **ranges: tuple[float, float]) -> Fault:
    """A fault whose options are drawn evenly between two values, whole ones if these are whole."""

    def draw(chance: Random) -> Mapping[str, object]:
        return {
            field: chance.randint(least, most)
            if isinstance(least, int) and isinstance(most, int)
            else chance.uniform(least, most)
            for field, (least, most) in ranges.items()
        }

    return Fault(words, tuple(ranges), draw)


def _clock_is_wrong(chance: Random) -> Mapping[str, object]:
    """Mostly minutes, sometimes the zone by hand, sometimes years."""
    offset_ms_max = chance.choice((600_000, 600_000, 14 * HOUR_MS, 5 * YEAR_MS))
    return {"clock_offset_ms_max": offset_ms_max}


def _clock_jumps(chance: Random) -> Mapping[str, object]:
    jump_ms_max = chance.choice((288_000, HOUR_MS, 26 * HOUR_MS, 5 * YEAR_MS))
    return {"clock_upsets_per_day": chance.uniform(0.1, 6.0), "clock_jump_ms_max": jump_ms_max}


FAULTS: Final[Mapping[str, Fault]] = {
    "far": _fault("the network is slow to answer", latency_s_max=(0.3, 3.0)),
    "thin": _fault(
        "the network is narrow", bytes_per_s=(2_000.0, 40_000.0), send_buffer_bytes=(16_384, 65_536)
    ),
    "stalls": _fault("links stall", stall_per_frame=(0.001, 0.05), stall_s_max=(1.0, 60.0)),
    "cuts": _fault("links are cut at any frame", cut_per_frame=(0.001, 0.1)),
    "half_open": _fault(
        "one side of a cut link finds out late",
        half_open_per_cut=(0.2, 1.0),
        find_out_s_max=(30.0, 600.0),
    ),
    "tunnels": _fault("phones drive through tunnels", tunnels_per_day=(1.0, 20.0)),
    "dead_zones": _fault("jobs lie where there is no network", dead_zones_per_day=(0.5, 5.0)),
    "days_offline": _fault("phones are offline for days", offline_per_day=(0.02, 0.3)),
    "long_absences": Fault(
        "a phone is away for a month, a quarter or a year",
        ("absence_days",),
        lambda chance: {"absence_days": chance.choice((30, 90, 365))},
    ),
    "partitions": _fault(
        "the network falls into parts",
        partitions_per_day=(0.5, 24.0),
        partition_s_max=(5.0, 7200.0),
    ),
    "one_way": _fault("parts hear but are not heard", one_way_per_partition=(0.2, 1.0)),
    "clogs": _fault("links clog one by one and clear in another order", clogs_per_day=(0.5, 24.0)),
    "websockets": Fault(
        "links are WebSockets over streams of bytes",
        ("websockets", "fragmented_per_write"),
        lambda chance: {"websockets": True, "fragmented_per_write": chance.uniform(0.05, 1.0)},
    ),
    "drift": _fault("clocks run fast or slow", clock_drift_ppm_max=(5.0, 200.0)),
    "wrong_clocks": Fault("clocks are wrong", ("clock_offset_ms_max",), _clock_is_wrong),
    "clock_jumps": Fault(
        "clocks jump, strobe and forget",
        ("clock_upsets_per_day", "clock_jump_ms_max"),
        _clock_jumps,
    ),
    "kills": _fault("programs are killed", kills_per_day=(0.1, 6.0)),
    "power_cuts": _fault("devices lose power", power_cuts_per_day=(0.05, 3.0)),
    "restores": _fault("devices come back from a copy", restores_per_day=(0.01, 0.2)),
    "lying_syncs": _fault("disks say durable before they are", lying_syncs=(0.01, 0.2)),
    "unordered_directory": Fault(
        "disks do not order directory operations",
        ("unordered_directory",),
        lambda _: {"unordered_directory": True},
    ),
    "full_disks": _fault("disks fill up", full_disks_per_day=(0.02, 0.5)),
    "torn_writes": _fault("phones' disks tear what was not synced", torn_disks=(0.3, 1.0)),
    "erasures": _fault("the office erases what is closed", erasures_per_day=(0.5, 6.0)),
    "revocations": _fault("the office shuts phones out", revocations_per_day=(0.1, 1.2)),
    "recurrences": _fault(
        "offices have recurring jobs that every hub makes", recurrences_per_day=(0.5, 6.0)
    ),
    "photos": _fault("workers take photos", photos_per_day=(0.5, 8.0)),
    "colleagues": _fault("phones meet phones away from hubs", colleagues_per_day=(0.5, 8.0)),
    "canyons": _fault("streets are urban canyons", canyons_per_day=(1.0, 12.0)),
    "gaps": _fault("receivers lose the sky", gaps_per_day=(0.5, 8.0)),
    "outliers": _fault("receivers are sure of a wrong place", outliers_per_hour=(0.1, 3.0)),
    "indoor_drift": _fault("places drift indoors", indoor_drift_m=(15.0, 60.0)),
    "car_parks": _fault("cars stand far from the door", car_park_m_max=(50.0, 250.0)),
    "empty_batteries": _fault("batteries run empty", empty_battery_per_day=(0.05, 0.5)),
    "jams": _fault("roads jam", jams_per_day=(0.5, 6.0)),
    "lost": _fault("frames are lost", lost_per_frame=(0.01, 0.3)),
    "repeated": _fault("frames are repeated", repeated_per_frame=(0.01, 0.5)),
    "reordered": _fault("frames overtake each other", reordered_per_frame=(0.01, 0.5)),
    "split": _fault("frames are split", split_per_frame=(0.01, 0.2)),
    "flipped": _fault("bits flip in frames", flipped_per_frame=(0.01, 0.2)),
    "coverage": _fault("much of the land has no network", coverage_share=(0.2, 0.9)),
    "captive_portals": _fault(
        "networks answer in the hub's place until somebody signs in",
        captive_portals_per_day=(0.5, 6.0),
    ),
    "depot_wifi": _fault(
        "phones have a network at the depot alone", depot_wifi_h_per_day=(0.5, 4.0)
    ),
    "morning_rush": _fault("all phones come on at once each morning", morning_rush_s=(1.0, 600.0)),
    "depots_split": _fault(
        "hubs are cut off from each other for hours or days",
        hubs_apart_per_day=(1.0, 6.0),
        hubs_apart_s_max=(86_400.0, 604_800.0),
    ),
    "hub_moves": _fault("a hub moves to another address", hub_moves_per_day=(0.1, 0.8)),
    "hub_restores": _fault("hubs come back from a copy", hub_restores_per_day=(0.1, 0.8)),
    "same_job": _fault("two dispatchers take the same job at once", same_job_per_day=(2.0, 24.0)),
}

HOSTILE_FAULTS: Final = frozenset({"lost", "repeated", "reordered", "split", "flipped"})
"""No TLS connection does this, so a session need not get on: it must refuse and lose nothing."""

UNSAFE_FAULTS: Final = frozenset({"lying_syncs"})
"""Under these a device may lose what it had acknowledged, and a checker must know it."""

GIVEN_FAULTS: Final = frozenset(
    {
        "coverage", "captive_portals", "depot_wifi", "morning_rush", "depots_split", "hub_moves",
        "hub_restores", "same_job",
    }
)  # fmt: skip
"""No seed draws these by itself, so that seeds of before stay what they were: they are given."""


def draw_options(
    seed: int, *, allowed: Collection[str] | None = None, having: Collection[str] = ()
) -> Options:
    """The options of a seed's world.

    `allowed` names the faults that may exist; None allows all but the hostile, the unsafe and the
    given ones.
    Those of them that are in `having` do exist, as strong as the seed would make them.
    Raises KeyError for a name that is no fault.
    """
    drawn_by_itself = set(FAULTS) - HOSTILE_FAULTS - UNSAFE_FAULTS - GIVEN_FAULTS
    wanted = drawn_by_itself if allowed is None else set(allowed)
    if unknown := sorted(wanted - set(FAULTS)):
        raise KeyError(f"{', '.join(unknown)}: no fault of that name; there are {sorted(FAULTS)}")
    presence = chance_for(seed, "options").choice((0.15, 0.35, 0.5, 0.75))
    drawn: dict[str, object] = {}
    for name, fault in FAULTS.items():
        chance = chance_for(seed, "fault", name)
        exists = chance.random() < presence or name in having
        if name in wanted and exists:
            drawn.update(fault.draw(chance))
    return Options(**drawn)  # type: ignore[arg-type]  # the table is checked by a test


def differing(options: Options) -> dict[str, object]:
    """The options that are not those of a calm world, by name, for a report or a replay."""
    return {
        field.name: getattr(options, field.name)
        for field in fields(Options)
        if getattr(options, field.name) != getattr(CALM, field.name)
    }
