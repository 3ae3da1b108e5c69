"""The mix of days that the automatic logger is scored on, and which seeds are for what.

Each scenario says in words what it is and how many of a hundred worker-days are of its kind. Holds
numbers alone; `days` makes days of them. The mix was written down before any rule was tuned, from
what location products' users report (false arrivals beside busy roads, places that drift, phones
that die, buffers that come late) and from what receivers' documentation gives.
Invariant: shares add up to a hundred, and no seed is both for tuning and for scoring.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from simulator.draw import Options

TUNING_SEEDS: Final = range(1, 50_000)
"""For looking at, as often as one likes."""
SCORING_SEEDS: Final = range(130_000, 150_000)
"""For the table alone. No rule or number was ever chosen by a look at one of these. A table of
those below 130,000 was looked at before the rules were changed again, so they are for nothing."""

TOWN: Final = Options(
    canyons_per_day=4.0, gaps_per_day=0.5, outliers_per_hour=0.05, indoor_drift_m=12.0,
    car_park_m_max=60.0,
)  # fmt: skip
"""An ordinary phone in an ordinary town: 4 m under an open sky, 12 m indoors, bad for some minutes
between tall houses, silent for some minutes every other day, wildly wrong once in twenty hours."""

Range = tuple[float, float]
"""From and to, drawn evenly."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """A kind of day. All that is not said is as on an ordinary one.

    Numbers of things are for one day: `drive_bys` and `slow_drive_bys` are open jobs beside the
    worker's way (at 10 to 16 km/h within 100 m of the slow ones), `jams` are jams within the radius
    of such a job that take `jam_s` in all, `tunnels` lie on the way, `garages` are car parks below
    ground, silent from the ramp until minutes after the door.
    """

    name: str
    share: int
    words: str
    options: Options = TOWN
    moving_every_s: float = 10.0
    still_every_s: Range = (30.0, 30.0)
    park_m: Range = (0.0, 60.0)
    stay_min: Range = (5.2, 100.0)
    drive_bys: int = 0
    slow_drive_bys: int = 0
    jams: int = 0
    jam_s: Range = (0.0, 0.0)
    tunnels: int = 0
    garages: int = 0
    neighbours_with_job: int = 0
    neighbours_without_job: int = 0
    fuel_stops: int = 0
    lunches_near_a_job: int = 0
    mocked_visits: int = 0
    unknown_accuracy_share: float = 0.0
    errands: tuple[int, int] = (6, 10)


def _town(**more: float) -> Options:
    values = {name: getattr(TOWN, name) for name in TOWN.__slots__}
    return Options(**(values | more))


MIX: Final = (
    Scenario(
        "ordinary", 24, "six to ten visits, half an hour as a rule; the car within 60 m; nothing"
        " special",
    ),
    Scenario(
        "noise", 6, "thick walls: places drift 25 m indoors, with errors that last for minutes",
        _town(indoor_drift_m=25.0, gaps_per_day=2.0),
    ),
    Scenario(
        "canyons", 7, "tall houses: 35 m off on the road every quarter of an hour, 35 m off inside",
        _town(canyons_per_day=96.0, indoor_drift_m=35.0),
    ),
    Scenario(
        "tunnels", 5, "two stretches of road and two garages of customers without a sky",
        tunnels=2, garages=2,
    ),
    Scenario("car_parks", 8, "the car 100 to 200 m from each door, the rest on foot",
             park_m=(100.0, 200.0)),
    Scenario(
        "neighbours_both", 4, "two pairs of jobs 50 to 70 m apart, both of a pair done one after"
        " the other on foot, three times in ten against the plan", neighbours_with_job=2,
    ),
    Scenario(
        "neighbours_one", 3, "a stay of 10 to 60 minutes 50 to 75 m from the pin of a job that is"
        " not visited then", neighbours_without_job=1,
    ),
    Scenario(
        "drive_bys", 6, "six more open jobs beside the way, three passed at the road's speed and"
        " three at 10 to 16 km/h", drive_bys=3, slow_drive_bys=3,
    ),
    Scenario(
        "jams_short", 4, "two jams of 1 to 2.5 minutes within the radius of open jobs",
        jams=2, jam_s=(60.0, 150.0),
    ),
    Scenario(
        "jams_long", 3, "a jam of 4 to 10 minutes within the radius of an open job, above every"
        " threshold", jams=1, jam_s=(240.0, 600.0),
    ),
    Scenario(
        "dead_battery", 5, "the battery dies in the second half of the day, for 10 minutes to four"
        " hours", _town(empty_battery_per_day=1.0),
    ),
    Scenario(
        "mocked", 3, "an app says twice that the phone is at an open job while the worker is"
        " elsewhere", mocked_visits=2,
    ),
    Scenario(
        "over_confident", 5, "three times an hour a place 100 to 400 m off that claims 2 to 6 m,"
        " for up to 45 s", _town(outliers_per_hour=3.0),
    ),
    Scenario(
        "short_stops", 4, "fuel for 4 to 7 minutes and lunch for 20 to 45, each 105 to 220 m from"
        " the pin of an open job", fuel_stops=1, lunches_near_a_job=1,
    ),
    Scenario("long_stays", 3, "one or two visits of two to five hours", stay_min=(120.0, 300.0),
             errands=(1, 2)),
    Scenario(
        "missing_accuracy", 4, "six of ten fixes tell no accuracy", unknown_accuracy_share=0.6
    ),
    Scenario(
        "sparse", 6, "a phone that saves its battery: every two to five minutes while it lies"
        " still, every 20 s on the way", moving_every_s=20.0, still_every_s=(120.0, 300.0),
    ),
)  # fmt: skip

# What holds on every day, whatever its scenario.
OPEN_JOBS: Final = 2
"""Further jobs of the day at random addresses that nobody visits."""
PIN_OFF_M: Final = (0.0, 25.0)
"""How far a pin is from the door."""
FAR_PIN_SHARE: Final = 0.1
FAR_PIN_OFF_M: Final = (25.0, 45.0)
LARGE_SITE_SHARE: Final = 0.03
LARGE_SITE_RADIUS_M: Final = 200
LARGE_SITE_OFF_M: Final = (20.0, 140.0)
"""Some places are large: the office sets 200 m, and the work may be anywhere within 140 m."""
SHORT_STAY_SHARE: Final = 0.08
SHORT_STAY_MIN: Final = (2.0, 4.8)
"""Some visits are too short to be counted as visits; a log of one is no false one either."""
AGAIN_SHARE: Final = 0.15
"""On so many days one job is visited a second time at the end."""
UNDATED_SHARE: Final = 0.3
"""So many jobs have no window."""
LIGHTS_PER_LEG: Final = 1.5
LIGHT_S: Final = (15.0, 90.0)
JAM_ANYWHERE_SHARE: Final = 0.3
JAM_ANYWHERE_S: Final = (60.0, 240.0)
"""On so many days there is a jam somewhere on the way, near a job or not."""


def days_of(seeds: range, count: int) -> list[tuple[Scenario, int]]:
    """`count` worker-days in the shares of the mix (largest remainders first), each with its seed.

    Seeds are taken from the front, in the order of the mix. Raises ValueError for too few seeds.
    """
    if count > len(seeds):
        raise ValueError(f"there are {len(seeds)} seeds and {count} days were asked for")
    whole = [count * scenario.share // 100 for scenario in MIX]
    by_remainder = sorted(
        range(len(MIX)), key=lambda index: (-(count * MIX[index].share % 100), index)
    )
    for index in by_remainder[: count - sum(whole)]:
        whole[index] += 1
    kinds = [scenario for scenario, days in zip(MIX, whole, strict=True) for _ in range(days)]
    return list(zip(kinds, seeds, strict=False))
