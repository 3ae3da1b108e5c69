"""The recorded trace of a real person: our logs beside trackintel's stay points.

Nobody knows the truth of it, so agreement is what is counted. The places are those of the library's
own stay points (100 m, ten minutes), the longest first, none within 260 m of another; all of them
are jobs the whole time. Both sides are compared where they last ten minutes or more. Times are told
as days and minutes since the trace begins and no places are told, since it is a person's life.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from core.dispatch.fix import Fix
from core.dispatch.geometry import distance_m
from core.dispatch.jobplace import JobPlace
from tests.traces import read_fixes
from tests.truth.detectors import ours
from tests.truth.scoring import Log
from tests.truth.stay_points import PeerError, Stay, StayRule, install, stays_by_rule

RULE: Final = StayRule(100, 10.0, 15.0)
LEAST_MS: Final = 10 * 60_000
APART_M: Final = 260.0
RADIUS_M: Final = 100
INNER_M: Final = 47.0
"""Who rests farther from the pin is next door, by our rules."""


def places_of(stays: Sequence[Stay]) -> list[JobPlace]:
    """The places of the longest stays as jobs."""
    jobs: list[JobPlace] = []
    for stay in sorted(stays, key=lambda stay: stay.start_ms - stay.stop_ms):
        where = (stay.lat_e7, stay.lon_e7)
        if all(distance_m(*where, job.lat_e7, job.lon_e7) > APART_M for job in jobs):
            jobs.append(JobPlace(f"place-{len(jobs):03}".encode(), *where, RADIUS_M))
    return jobs


def report(path: Path) -> list[str]:
    """What agrees and each thing that does not, as lines. Raises TraceError, PeerError."""
    if missing := install():
        raise PeerError(f"trackintel can't be had: {missing}")
    fixes = sorted(read_fixes(path), key=lambda fix: fix.time_ms)
    version, found = stays_by_rule([fixes], [RULE])
    stays = found[0][0]
    jobs = places_of(stays)
    by_name = {job.job.decode(): job for job in jobs}
    logs = ours(fixes, jobs)
    long_logs = [log for log in logs if log.stop_ms - log.start_ms >= LEAST_MS]
    near = [(stay, _place_of(stay, jobs)) for stay in stays]
    at_places = [(stay, name) for stay, name in near if name]
    agreed = [one for one in at_places if _logged(*one, logs)]
    missed = [one for one in at_places if one not in agreed]
    alone = [log for log in long_logs if not _is_stay(log, at_places)]
    first_ms = fixes[0].time_ms
    lines = [
        f"trackintel {version}: {len(fixes)} fixes, {len(stays)} stay points at {len(jobs)} places",
        f"{len(stays) - len(at_places)} of them lie 100 m or more from the place they belong to",
        f"stay points of which a log of ours covers half: {len(agreed)} of {len(at_places)}",
        f"logs of ten minutes or more that are no stay point: {len(alone)} of {len(long_logs)}",
        f"truth_recorded_stays {len(at_places)} stays",
        f"truth_recorded_stays_logged {len(agreed)} stays",
        f"truth_recorded_logs {len(long_logs)} logs",
        f"truth_recorded_logs_without_a_stay {len(alone)} logs",
        "", "stay points without a log",
    ]  # fmt: skip
    for stay, name in missed:
        lines.append(_told(stay, name, by_name[name], fixes, first_ms, logged=False))
    lines += ["", "logs without a stay point"]
    for log in alone:
        stay = Stay(log.start_ms, log.stop_ms, by_name[log.job].lat_e7, by_name[log.job].lon_e7)
        lines.append(_told(stay, log.job, by_name[log.job], fixes, first_ms, logged=True))
    return lines


def _place_of(stay: Stay, jobs: Sequence[JobPlace]) -> str:
    away = [(distance_m(stay.lat_e7, stay.lon_e7, job.lat_e7, job.lon_e7), job) for job in jobs]
    near_m, job = min(away, key=lambda one: one[0])
    return job.job.decode() if near_m <= RADIUS_M else ""


def _shared_ms(a: tuple[int, int], b: tuple[int, int]) -> int:
    return max(0, min(a[1], b[1]) - max(a[0], b[0]))


def _logged(stay: Stay, name: str, logs: Sequence[Log]) -> bool:
    span = (stay.start_ms, stay.stop_ms)
    shared_ms = sum(
        _shared_ms(span, (log.start_ms, log.stop_ms)) for log in logs if log.job == name
    )
    return 2 * shared_ms >= span[1] - span[0]


def _is_stay(log: Log, stays: Sequence[tuple[Stay, str]]) -> bool:
    span = (log.start_ms, log.stop_ms)
    spans = [(stay.start_ms, stay.stop_ms) for stay, name in stays if name == log.job]
    return 2 * sum(_shared_ms(span, one) for one in spans) >= span[1] - span[0]


def _why_alone(away_m: Sequence[float], gaps_ms: Sequence[int], silence_ms: int) -> str:
    """Why the library has no such stay, as far as the fixes say it."""
    if silence_ms > RULE.gap_min * 60_000:
        return "silent for over 15 min after it, where the library drops the stay before"
    if max(gaps_ms, default=0) > RULE.gap_min * 60_000:
        return "silent for over 15 min, where the library ends a stay and we bridge up to an hour"
    if sum(one > RADIUS_M for one in away_m) > len(away_m) // 20:
        return "drift beyond the radius, where the library begins anew and we have a margin"
    return "a fix 100 m from the stay's first one, which ends the library's and not ours"


def _why_missed(stay: Stay, place: JobPlace, gaps_ms: Sequence[int]) -> str:
    """Why we have no log of it, as far as the fixes say it."""
    off_m = distance_m(stay.lat_e7, stay.lon_e7, place.lat_e7, place.lon_e7)
    if off_m > INNER_M:
        return "next door: asked about, not logged"
    if 2 * max(gaps_ms, default=0) > stay.stop_ms - stay.start_ms:
        return "silent for half of it; what we log covers less than half"
    return "no long rest in the place; what we log covers less than half"


def _told(
    stay: Stay, name: str, place: JobPlace, fixes: Sequence[Fix], first_ms: int, *, logged: bool
) -> str:
    """When and how long, what the fixes of it say, and why one side has it and the other not."""
    day, in_day_ms = divmod(stay.start_ms - first_ms, 86_400_000)
    inside = [fix for fix in fixes if stay.start_ms <= fix.time_ms <= stay.stop_ms]
    away_m = sorted(
        distance_m(fix.lat_e7, fix.lon_e7, place.lat_e7, place.lon_e7) for fix in inside
    )
    times_ms = [fix.time_ms for fix in inside]
    gaps_ms = [b - a for a, b in zip(times_ms, times_ms[1:], strict=False)]
    centre_m = distance_m(stay.lat_e7, stay.lon_e7, place.lat_e7, place.lon_e7)
    within = sum(one <= RADIUS_M for one in away_m) / max(1, len(away_m))
    middle_m = away_m[len(away_m) // 2] if away_m else 0.0
    later_ms = next((fix.time_ms for fix in fixes if fix.time_ms > stay.stop_ms), stay.stop_ms)
    silence_ms = later_ms - stay.stop_ms
    why = _why_alone(away_m, gaps_ms, silence_ms) if logged else _why_missed(stay, place, gaps_ms)
    return (
        f"day {day:2}, minute {in_day_ms // 60_000:4}: {name}, "
        f"{(stay.stop_ms - stay.start_ms) / 60_000:5.1f} min, {len(inside)} fixes, "
        f"{within:.0%} within the radius, median {middle_m:.0f} m off, its middle {centre_m:.0f} m "
        f"off, longest silence {max(gaps_ms, default=0) / 60_000:.1f} min. {why}"
    )
