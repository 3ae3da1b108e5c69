"""A flat scene for the logger: fixes at metres from a point, and the facts that come of them.

Holds no expectations. Seconds count from 08:00 UTC of a working day.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from core.dispatch.autolog import (
    Fact,
    JobPlace,
    Mode,
    Places,
    Settings,
    Start,
    State,
    Stop,
    Suggest,
    from_plain,
    replay,
    standing,
    step,
    tick,
    to_plain,
)
from core.dispatch.fields import LogKind
from core.dispatch.fix import Fix
from core.dispatch.timelog import Interval, TimeLog, counted

BEGIN_MS = 1_780_041_600_000
LAT, LON = 60.17, 24.94
M_PER_DEGREE = 111_195.0

JOB_A, JOB_B = b"job-a-000000", b"job-b-000000"


def ms(seconds: float) -> int:
    return BEGIN_MS + round(seconds * 1000)


def point(x_m: float, y_m: float) -> tuple[int, int]:
    lat = LAT + y_m / M_PER_DEGREE
    lon = LON + x_m / (M_PER_DEGREE * math.cos(math.radians(LAT)))
    return round(lat * 1e7), round(lon * 1e7)


def fix(
    seconds: float,
    x_m: float,
    y_m: float = 0,
    accuracy_m: int | None = 8,
    speed_mps: float | None = None,
    mock: bool = False,
) -> Fix:
    return Fix(ms(seconds), *point(x_m, y_m), accuracy_m, speed_mps, None, "gps", mock)


def stay(
    start_s: float, stop_s: float, x_m: float = 0, y_m: float = 0, every_s: float = 15,
    accuracy_m: int = 8, mock: bool = False,
) -> list[Fix]:  # fmt: skip
    """Fixes of a phone that lies still."""
    count = round((stop_s - start_s) / every_s)
    return [fix(start_s + i * every_s, x_m, y_m, accuracy_m, mock=mock) for i in range(count + 1)]


def go(
    start_s: float, from_x_m: float, to_x_m: float, speed_mps: float = 12, every_s: float = 5
) -> list[Fix]:
    """Fixes of a straight way along the x axis."""
    length_m = abs(to_x_m - from_x_m)
    count = int(length_m / (speed_mps * every_s))
    turn = 1 if to_x_m > from_x_m else -1
    return [
        fix(start_s + i * every_s, from_x_m + turn * i * speed_mps * every_s)
        for i in range(count + 1)
    ]


def job(
    name: bytes = JOB_A, x_m: float = 0, y_m: float = 0, radius_m: int = 100, **more: object
) -> JobPlace:
    return JobPlace(name, *point(x_m, y_m), radius_m, **more)  # type: ignore[arg-type]


def automatic(threshold_min: int = 3, shift_end_s: float | None = None) -> Settings:
    end_ms = None if shift_end_s is None else ms(shift_end_s)
    return Settings(Mode.AUTOMATIC, threshold_min, end_ms)


def told(
    fixes: Iterable[Fix], jobs: Sequence[JobPlace], settings: Settings | None = None,
    until_s: float | None = None,
) -> list[Fact]:  # fmt: skip
    """All that the logger says of fixes, the state being written to disk after every one."""
    places, rules = Places(jobs), settings or automatic()
    state = State()
    facts: list[Fact] = []
    for each in fixes:
        state, more = step(state, each, places, rules)
        facts += more
        state = from_plain(to_plain(state))
    if until_s is not None:
        state, more = tick(state, ms(until_s), places, rules)
        facts += more
    return facts


def told_at_once(
    fixes: Iterable[Fix], jobs: Sequence[JobPlace], settings: Settings | None = None
) -> list[Fact]:
    return replay(State(), fixes, Places(jobs), settings or automatic())[1]


Log = tuple[bytes | None, float, float | None]


def logs(facts: Iterable[Fact], kind: LogKind = LogKind.ON_SITE) -> list[Log]:
    """The logs of a kind that stand: job, start and stop in seconds, None while open."""
    held = standing(facts)
    stop_by_key = {fact.key: fact.at_ms for fact in held if isinstance(fact, Stop)}
    return [
        (fact.job, (fact.at_ms - BEGIN_MS) / 1000, _seconds(stop_by_key.get(fact.key)))
        for fact in held
        if isinstance(fact, Start) and fact.kind is kind
    ]


def _seconds(at_ms: int | None) -> float | None:
    return None if at_ms is None else (at_ms - BEGIN_MS) / 1000


def asked(facts: Iterable[Fact], ask: str) -> list[Suggest]:
    return [fact for fact in standing(facts) if isinstance(fact, Suggest) and fact.ask == ask]


def stops(facts: Iterable[Fact]) -> list[Stop]:
    return [
        fact for fact in standing(facts) if isinstance(fact, Stop) and fact.kind is LogKind.ON_SITE
    ]


def intervals_of(
    logs: Iterable[TimeLog], duty: Sequence[tuple[int, int | None]], now_ms: int
) -> list[Interval]:
    return counted(logs, duty, now_ms).intervals
