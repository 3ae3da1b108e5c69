"""All that a scenario's file may say: tables and keys, each with its range, unit and meaning.

The one source of truth for `reading`, for the table in `docs/scenarios.md`, and for a record. Holds
no reading. Invariant: every key is a field of the part of `Scenario` that its table names, and has
that field's default.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields
from math import inf
from types import MappingProxyType
from typing import Any, Final

from simulator.draw import Options
from simulator.scenario.scenario import Limits, Live, Scenario, Seeded, SiteSize

PARTS: Final[Mapping[str, type]] = MappingProxyType(
    {"site": SiteSize, "seeded": Seeded, "live": Live, "limits": Limits, "options": Options}
)
"""The parts of a scenario that tables fill, by the field of `Scenario` that holds them."""

NEEDS_TWO_HUBS: Final = ("hub_moves_per_day",)
"""Options that need another hub: it is told where the first one went."""

ELSEWHERE: Final = frozenset({"lying_syncs", "unordered_directory"})
"""Options of simulated disks that are no site's: no scenario gives them."""

YEAR_MS: Final = 365 * 86_400_000
DAYS_S_MAX: Final = 60 * 86_400.0


@dataclass(frozen=True, slots=True)
class Key:
    """One key: what it means, its unit, and between what it lies, both included.

    `optional`: `false` says that it is not asked for. Of a text and a list there is no range.
    """

    name: str
    words: str
    unit: str = ""
    least: float = 0.0
    most: float = inf
    optional: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """One table of the file; `part` is the field of `Scenario` whose fields its keys are."""

    name: str
    words: str
    part: str
    keys: tuple[Key, ...]

    def key(self, name: str) -> Key | None:
        """The key of a name."""
        return next((key for key in self.keys if key.name == name), None)

    def default(self, key: Key) -> Any:
        """What holds where the file does not say it."""
        found = next(field for field in fields(PARTS[self.part]) if field.name == key.name)
        return None if found.default is MISSING else found.default


def _chance(name: str, words: str) -> Key:
    return Key(name, words, "chance, 0 to 1", 0.0, 1.0)


def _per_day(name: str, words: str, most: float = 1_000.0) -> Key:
    return Key(name, words, "a day, at the mean", 0.0, most)


TABLES: Final[tuple[Table, ...]] = (
    Table(
        "site",
        "Who and what there is.",
        "site",
        (
            Key(
                "phones",
                "workers with phones, 2 to 200, of seeded runs alone",
                "phones",
                1,
                10_000,
            ),
            Key("hostile", "certified phones that break every rule, besides", "phones", 0, 200),
            Key("dispatchers", "people at the pages of each hub", "people", 0, 200),
            Key("hubs", "hubs of the site; a live run has the hub it is told", "hubs", 1, 2),
            Key("jobs_per_phone", "jobs that each worker has at the beginning", "jobs", 0, 1_000),
        ),
    ),
    Table(
        "seeded",
        "How the seeded way runs it.",
        "seeded",
        (
            Key("days", "days of weather, before all heals", "days", 1, 60),
            Key("entries_per_phone", "what each phone writes at least", "entries", 0, 100_000),
            Key("upgrades", "all programs are replaced by later ones on the way"),
            Key("drawn", "each seed draws further faults beside those that are given"),
            Key("reaches", "what its seeds together must have come by, else they prove nothing"),
        ),
    ),
    Table(
        "live",
        "How the live way runs it.",
        "live",
        (
            Key("phones", "phones of a live run", "phones", 1, 20_000),
            Key("ramp_up_s", "all phones have come on after so long", "s", 0.0, 86_400.0),
            Key("hold_s", "so long they work", "s", 1.0, 30 * 86_400.0),
            Key("ramp_down_s", "all have left after so long", "s", 0.0, 86_400.0),
            Key("taps_per_min", "what one worker does in a minute", "taps a minute", 0.0, 600.0),
            Key("backlog", "what each phone wrote before it comes on", "entries", 0, 100_000),
            Key("file_share", "phones whose store is a file", "share, 0 to 1", 0.0, 1.0),
        ),
    ),
    Table(
        "limits",
        "What a live run must keep to; `false` where it is not asked for.",
        "limits",
        (
            Key(
                "acknowledged_p99_ms",
                "99 of 100 taps are acknowledged within this",
                "ms",
                1.0,
                3_600_000.0,
                optional=True,
            ),
            Key("page_p99_ms", "99 of 100 pages come within this", "ms", 1.0, 3_600_000.0, True),
            Key(
                "entries_per_s_min",
                "so many entries in the best ten seconds",
                "entries a second",
                0.0,
                1_000_000.0,
                True,
            ),
            Key("failures_max", "sessions, pages and enrolments that may fail", "", 0, 1_000_000),
            Key(
                "memory_growth_max",
                "how much more memory the hub may take in the last fifth than in the first",
                "share, 0.1 is a tenth",
                0.0,
                100.0,
                True,
            ),
        ),
    ),
    Table(
        "network",
        "The network when nothing is wrong with it, and where there is none.",
        "options",
        (
            Key("latency_s_min", "one way, at best", "s", 0.0, 60.0),
            Key("latency_s_max", "one way, at worst", "s", 0.0, 60.0),
            Key("bytes_per_s", "what a link carries", "bytes a second", 100.0, 10e9),
            Key("send_buffer_bytes", "what a sender gets rid of at once", "bytes", 1_024, 2**30),
            _per_day("tunnels_per_day", "tunnels that a phone drives through, half to five min"),
            _per_day("dead_zones_per_day", "places without network, 10 to 90 min", 100.0),
            _per_day("offline_per_day", "times that a phone is away for 8 to 72 h", 3.0),
            Key("absence_days", "then one phone is away for so long", "days", 0, 3_650),
            _per_day("partitions_per_day", "times that the network falls into two parts"),
            Key("partition_s_max", "how long such parts last at most", "s", 0.0, DAYS_S_MAX),
            _chance("one_way_per_partition", "one part hears the other and is not heard"),
            _per_day("clogs_per_day", "times that links clog one by one"),
            Key("coverage_share", "how much of the time a phone has coverage", "share", 0.0, 1.0),
            _per_day("captive_portals_per_day", "times that another machine answers, 5 to 60 min"),
            Key(
                "depot_wifi_h_per_day",
                "hours that a phone has the depot's network, and no other; 0: no such bound",
                "h a day",
                0.0,
                12.0,
            ),
            Key(
                "morning_rush_s",
                "phones are off at night and come on within this; 0: they stay on",
                "s",
                0.0,
                7_200.0,
            ),
        ),
    ),
    Table(
        "hubs",
        "What becomes of hubs.",
        "options",
        (
            _per_day(
                "hubs_apart_per_day", "times that two hubs are cut off from each other", 100.0
            ),
            Key(
                "hubs_apart_s_max",
                "how long at most, of an hour at least",
                "s",
                3_600.0,
                DAYS_S_MAX,
            ),
            _per_day("hub_moves_per_day", "times that hub A moves to another address", 10.0),
            _per_day("hub_restores_per_day", "times that a hub's older copy is put back", 100.0),
        ),
    ),
    Table(
        "links",
        "What happens to a link, and what links are made of.",
        "options",
        (
            _chance("stall_per_frame", "a link stalls at a frame"),
            Key("stall_s_max", "how long it stalls at most", "s", 0.0, 86_400.0),
            _chance("cut_per_frame", "a link is cut at a frame"),
            _chance("half_open_per_cut", "one side of a cut link does not know of it"),
            Key("find_out_s_max", "until it finds out, at most", "s", 0.0, 86_400.0),
            Key("websockets", "links are the product's own WebSockets over streams of bytes"),
            _chance("fragmented_per_write", "what is written to a stream comes in pieces"),
        ),
    ),
    Table(
        "frames",
        "What happens to frames on a link that is no honest connection.",
        "options",
        (
            _chance("lost_per_frame", "a frame is lost"),
            _chance("repeated_per_frame", "a frame comes twice"),
            _chance("reordered_per_frame", "a frame is overtaken"),
            _chance("split_per_frame", "a frame comes in two"),
            _chance("flipped_per_frame", "a bit of a frame flips"),
        ),
    ),
    Table(
        "clocks",
        "Clocks of phones; those of hubs only drift.",
        "options",
        (
            Key("clock_offset_ms_max", "how wrong a clock is at most", "ms", 0, 10 * YEAR_MS),
            Key("clock_drift_ppm_max", "how fast or slow it runs at most", "ppm", 0.0, 100_000.0),
            _per_day("clock_upsets_per_day", "times that a clock jumps, strobes or forgets"),
            Key("clock_jump_ms_max", "how far it jumps at most", "ms", 0, 10 * YEAR_MS),
        ),
    ),
    Table(
        "phones",
        "Programs and disks; hubs are struck a third as often, but for copies.",
        "options",
        (
            _per_day("kills_per_day", "times that a program is killed"),
            _per_day("power_cuts_per_day", "times that a device loses power"),
            _per_day("restores_per_day", "times that an older copy is put back, hubs too", 100.0),
            _per_day("full_disks_per_day", "times that a disk is full for a while", 100.0),
            _chance("torn_disks", "a phone's disk tears what was not synced (needs apsw)"),
        ),
    ),
    Table(
        "office",
        "What offices do; the whole site's together.",
        "options",
        (
            _per_day("erasures_per_day", "times that the office erases what is closed", 100.0),
            _per_day("revocations_per_day", "times that a phone is shut out, of each phone", 24.0),
            _per_day("recurrences_per_day", "recurring jobs begun or changed", 100.0),
            _per_day("same_job_per_day", "times that two dispatchers act on one job at once"),
        ),
    ),
    Table(
        "people",
        "What workers do besides.",
        "options",
        (
            _per_day("photos_per_day", "photos that a worker takes", 200.0),
            _per_day("colleagues_per_day", "colleagues that a phone meets away from hubs", 200.0),
        ),
    ),
    Table(
        "sky",
        "What receivers make of the sky, and roads; of phones on real roads alone.",
        "options",
        (
            _per_day("canyons_per_day", "streets between high houses"),
            _per_day("gaps_per_day", "times without a fix"),
            Key("outliers_per_hour", "fixes sure of a wrong place", "an hour", 0.0, 3_600.0),
            Key("indoor_drift_m", "how far a place drifts indoors", "m", 0.0, 5_000.0),
            Key("car_park_m_max", "how far from the door a car stands at most", "m", 0.0, 5_000.0),
            _per_day("empty_battery_per_day", "times that a battery runs empty", 24.0),
            _per_day("jams_per_day", "times that roads jam"),
        ),
    ),
)
TABLE_BY_NAME: Final[Mapping[str, Table]] = MappingProxyType({each.name: each for each in TABLES})
TOP_KEYS: Final[Mapping[str, str]] = MappingProxyType(
    {"name": "what it is called", "about": "one sentence that says what it is for"}
)
NEEDS: Final[tuple[tuple[str, str], ...]] = (
    ("stall_per_frame", "stall_s_max"),
    ("stall_s_max", "stall_per_frame"),
    ("partitions_per_day", "partition_s_max"),
    ("partition_s_max", "partitions_per_day"),
    ("one_way_per_partition", "partitions_per_day"),
    ("fragmented_per_write", "websockets"),
    ("clock_upsets_per_day", "clock_jump_ms_max"),
    ("clock_jump_ms_max", "clock_upsets_per_day"),
)
"""Options that do nothing while another is not given."""


def as_tables(scenario: Scenario) -> dict[str, Any]:
    """What a scenario says beyond what holds anyway, as its file would say it."""
    told: dict[str, Any] = {"name": scenario.name, "about": scenario.about}
    for table in TABLES:
        part = getattr(scenario, table.part)
        said = {
            key.name: list(value) if isinstance(value, tuple) else value
            for key in table.keys
            if (value := getattr(part, key.name)) != table.default(key)
            or (table.part == "options" and key.name in scenario.given)
        }
        if said:
            told[table.name] = said
    return told


def described() -> str:
    """All tables and keys as Markdown, for `docs/scenarios.md`."""
    told = ", ".join(f"`{name}` ({words})" for name, words in TOP_KEYS.items())
    lines = [f"**At the top**, before all tables, and both needed: {told}.", ""]
    for table in TABLES:
        lines += [
            f"**`[{table.name}]`** {table.words}",
            "",
            "| key | default | from | to | unit | meaning |",
            "|---|---|---|---|---|---|",
        ]
        for key in table.keys:
            default = table.default(key)
            ranged = not isinstance(default, bool | tuple)
            cells = (
                f"`{key.name}`",
                toml_value(default),
                number_in_words(key.least) if ranged else "",
                number_in_words(key.most) if ranged else "",
                key.unit,
                key.words,
            )
            lines.append(f"| {' | '.join(cells)} |")
        lines.append("")
    return "\n".join(lines)


def toml_value(value: Any) -> str:
    """A default as a file would say it."""
    if value is None:
        return "`false`"
    if isinstance(value, bool):
        return "`true`" if value else "`false`"
    if isinstance(value, tuple):
        return "`[]`" if not value else f"`{list(value)}`"
    return f"`{number_in_words(value)}`"


def number_in_words(value: float) -> str:
    """A number as people write it: `1000000`, `0.02`."""
    return str(int(value)) if float(value).is_integer() else f"{value:g}"
