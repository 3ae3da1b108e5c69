"""How many visits of a trace the automatic logger finds, judged by an independent finder.

The finder looks at the whole trace at once, with its own formula of distance; it shares no line
with the logger. A visit is true where fixes stay within 100 m for ten minutes or more, with no
absence over five minutes and no silence over an hour. Holds no thresholds of the logger.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from core.dispatch.autolog import JobPlace, Places, Settings, Start, State, Stop, replay, standing
from core.dispatch.fields import LogKind
from core.dispatch.fix import Fix
from tests.traces import generate, read_fixes

RADIUS_M = 100
APART_M = 260
"""Places nearer than this would share visits, and which of the two is right is a matter of plan."""
VISIT_MS = 10 * 60_000
PASS_MS = 3 * 60_000
ABSENCE_MS = 5 * 60_000
SILENCE_MS = 60 * 60_000
GENERATED_SEED = 7
GENERATED_DAYS = 12

Span = tuple[int, int]


class Row(NamedTuple):
    """What was found at one place."""

    place: str
    visits_true: int
    visits_found: int
    visits_false: int
    minutes_true: int
    minutes_logged: int


def _metres(a: tuple[float, float], b: tuple[float, float]) -> float:
    """Distance of two places in degrees, by the spherical law of cosines' flat approximation."""
    lat = math.radians((a[0] + b[0]) / 2)
    return math.hypot(a[0] - b[0], (a[1] - b[1]) * math.cos(lat)) * 111_194.93


def longest_stays(fixes: Sequence[Fix], count: int = 10) -> list[tuple[int, int]]:
    """The `count` places (lat_e7, lon_e7) of the longest stays, none within 260 m of another."""
    track = [(fix.time_ms, fix.lat_e7 / 1e7, fix.lon_e7 / 1e7) for fix in fixes]
    stays: list[tuple[int, float, float]] = []
    first = 0
    while first < len(track):
        last = first
        while (
            last + 1 < len(track)
            and track[last + 1][0] - track[last][0] <= SILENCE_MS
            and _metres(track[first][1:], track[last + 1][1:]) <= RADIUS_M
        ):
            last += 1
        stayed_ms = track[last][0] - track[first][0]
        if stayed_ms >= VISIT_MS:
            seen = track[first : last + 1]
            lat = sorted(row[1] for row in seen)[len(seen) // 2]
            lon = sorted(row[2] for row in seen)[len(seen) // 2]
            stays.append((stayed_ms, lat, lon))
            first = last + 1
        else:
            first += 1
    places: list[tuple[float, float]] = []
    for stayed_ms, lat, lon in sorted(stays, reverse=True):
        del stayed_ms
        if len(places) < count and all(_metres((lat, lon), p) > APART_M for p in places):
            places.append((lat, lon))
    return [(round(lat * 1e7), round(lon * 1e7)) for lat, lon in places]


def spans_at(fixes: Sequence[Fix], lat_e7: int, lon_e7: int) -> list[Span]:
    """When the trace was at a place, absences of five minutes and silences of an hour bridged."""
    centre = (lat_e7 / 1e7, lon_e7 / 1e7)
    spans: list[Span] = []
    start_ms = last_ms = 0
    absent = False
    for fix in fixes:
        here = abs(fix.lat_e7 - lat_e7) < 20_000 and (
            _metres(centre, (fix.lat_e7 / 1e7, fix.lon_e7 / 1e7)) <= RADIUS_M
        )
        if not here:
            absent = True
            continue
        if start_ms and fix.time_ms - last_ms > (ABSENCE_MS if absent else SILENCE_MS):
            spans.append((start_ms, last_ms))
            start_ms = 0
        start_ms, last_ms, absent = start_ms or fix.time_ms, fix.time_ms, False
    if start_ms:
        spans.append((start_ms, last_ms))
    return spans


def logged_spans(fixes: Sequence[Fix], places: Sequence[tuple[int, int]]) -> list[list[Span]]:
    """What the logger logs on site at each place, all of them being jobs of the day."""
    jobs = [JobPlace(bytes([index]), lat, lon, RADIUS_M) for index, (lat, lon) in enumerate(places)]
    state, facts = replay(State(), fixes, Places(jobs), Settings())
    spans: list[list[Span]] = [[] for _ in places]
    for fact in standing(facts):
        if isinstance(fact, Stop) and fact.kind is LogKind.ON_SITE and fact.job:
            spans[fact.job[0]].append((fact.start_ms, fact.at_ms))
    if state.open_job is not None and state.open_since_ms and state.seen_until_ms:
        spans[state.open_job[0]].append((state.open_since_ms, state.seen_until_ms))
    starts = [f for f in standing(facts) if isinstance(f, Start) and f.kind is LogKind.ON_SITE]
    assert len(starts) == sum(map(len, spans)), "a log began and neither ended nor is open"
    return spans


def _overlap_ms(a: Span, b: Span) -> int:
    return max(0, min(a[1], b[1]) - max(a[0], b[0]))


def judged(
    fixes: Sequence[Fix], places: Sequence[tuple[int, int]], names: Sequence[str]
) -> list[Row]:
    """One row for each place: true visits, those of them found, false ones, and minutes.

    A true visit is found if logs cover at least half of it. A log is false where the trace was
    never at the place for as long as three minutes.
    """
    rows: list[Row] = []
    for (lat, lon), logged, name in zip(places, logged_spans(fixes, places), names, strict=True):
        spans = spans_at(fixes, lat, lon)
        visits = [span for span in spans if span[1] - span[0] >= VISIT_MS]
        stays = [span for span in spans if span[1] - span[0] >= PASS_MS]
        found = [v for v in visits if 2 * sum(_overlap_ms(v, log) for log in logged) >= v[1] - v[0]]
        false = [log for log in logged if not any(_overlap_ms(log, stay) for stay in stays)]
        true_ms = sum(stop - start for start, stop in stays)
        logged_ms = sum(stop - start for start, stop in logged)
        rows.append(
            Row(
                name,
                len(visits),
                len(found),
                len(false),
                round(true_ms / 60_000),
                round(logged_ms / 60_000),
            )  # fmt: skip
        )
    return rows


def score(traces_path: Path | None) -> list[Row]:
    """The rows over the recorded trace at `traces_path`, or without one over generated days."""
    if traces_path is None:
        made = generate(GENERATED_SEED, GENERATED_DAYS)
        fixes, places = made.fixes, made.places
    else:
        fixes = read_fixes(traces_path)
        places = longest_stays(fixes)
    names = [f"place {chr(ord('A') + index)}" for index in range(len(places))]
    return judged(fixes, places, names)
