"""Trips: when a phone moved and when it lay still, and the travel and waiting logs of the way.

Holds the motion part of the automatic logger and no visits. A trip begins 200 m from where the
phone lay (back to when it was last there), and ends when all fixes of three minutes lie together.
Travel is what lies between two visits; stops on the way of five minutes or more are waiting.
Invariant: travel and waiting of one way are disjoint and lie between its two visits.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from core.dispatch.autofact import (
    RULE_VERSION,
    Ask,
    Certainty,
    Given,
    Mode,
    Plain,
    Start,
    Stop,
    Suggest,
)
from core.dispatch.fields import LogKind
from core.dispatch.fix import Fix, speed_cmps
from core.dispatch.geometry import distance_m

TRIP_M: Final = 200
"""A trip has begun this far from where the phone lay."""
STILL_M: Final = 100
"""Fixes within this of the newest lie together (so within 200 m of each other)."""
STILL_MS: Final = 180_000
WAITING_MS_MIN: Final = 5 * 60_000
"""A shorter stop on the way (a light, a barrier, a jam) is travel."""
WAITING_MS_MAX: Final = 2 * 3_600_000
"""A longer stop ends the way: what comes after it goes somewhere else."""
SILENCE_MS: Final = 20 * 60_000
"""Without a fix for so long, what is logged is marked uncertain."""
SILENCE_MS_MAX: Final = 60 * 60_000
"""A longer silence is logged as nothing."""
TRAVEL_MS_MIN: Final = 60_000
LEGS_MAX: Final = 48
"""Legs of one way that are remembered; a way with more stops is logged without its first ones."""
SPEED_CMPS_GATE: Final = 222
"""8 km/h: a median speed below it is not a drive past."""

_SAMPLE_MS: Final = 15_000
_BASELINE_MS: Final = 20_000
_BASELINE_MS_MAX: Final = 120_000
_ACCURACY_M: Final = 50

Sample = tuple[int, int, int]
"""Time, latitude and longitude of one fix, of which one in 15 s is remembered."""
Leg = tuple[int, int, int]
"""Start and end of one movement, and 1 where silence lies in it."""


class Motion(NamedTuple):
    """Whether the phone moves, and the legs of the way since the last visit.

    `origin_ms` is the end of that visit, 0 without one. While still, the place is where the phone
    lies and `near_ms` when it was last there; while moving, it is where it set out.
    """

    origin_ms: int = 0
    moving: int = 0
    since_ms: int = 0
    lat_e7: int = 0
    lon_e7: int = 0
    near_ms: int = 0
    far_count: int = 0
    silent: int = 0
    legs: tuple[Leg, ...] = ()
    samples: tuple[Sample, ...] = ()


class Way(NamedTuple):
    """How facts about a way are given: the mode, why only as questions ('' if not), threshold."""

    mode: Mode
    doubt: str
    threshold_min: int


def pace(motion: Motion, fix: Fix) -> int:
    """1 if the fix is of somebody slower than 8 km/h, 2 if faster, 0 if nothing can be said.

    Where the fix tells no speed, it is taken over at least 20 s, so that noise is not speed.
    """
    told = speed_cmps(fix)
    if told >= 0:
        return 1 if told < SPEED_CMPS_GATE else 2
    for time_ms, lat_e7, lon_e7 in reversed(motion.samples):
        span_ms = fix.time_ms - time_ms
        if span_ms >= _BASELINE_MS:
            moved_m = distance_m(lat_e7, lon_e7, fix.lat_e7, fix.lon_e7)
            if span_ms <= _BASELINE_MS_MAX:
                return 1 if moved_m * 100_000 < SPEED_CMPS_GATE * span_ms else 2
            return 1 if moved_m < STILL_M else 0
    return 0


def move(motion: Motion, fix: Fix, way: Way, facts: list[Given]) -> Motion:
    """The motion after a fix that is later than all before; a way that ended gives its facts."""
    samples = motion.samples
    if not samples:
        return Motion(
            motion.origin_ms, 0, fix.time_ms, fix.lat_e7, fix.lon_e7, fix.time_ms, 0, 0,
            motion.legs, ((fix.time_ms, fix.lat_e7, fix.lon_e7),),
        )  # fmt: skip
    silence_ms = fix.time_ms - samples[-1][0]
    if silence_ms > SILENCE_MS_MAX:
        return _after_silence(motion, fix, way, facts)
    if silence_ms > SILENCE_MS and motion.moving:
        motion = motion._replace(silent=1)
    motion = motion._replace(samples=_sampled(samples, fix))
    if motion.moving:
        return _moving(motion, fix)
    return _still(motion, fix, way, facts)


def _sampled(samples: tuple[Sample, ...], fix: Fix) -> tuple[Sample, ...]:
    if fix.time_ms - samples[-1][0] < _SAMPLE_MS:
        return samples
    oldest_ms = fix.time_ms - STILL_MS
    first = 0
    # One sample of at least the full span is kept, since it proves that the span is covered.
    while first + 1 < len(samples) and samples[first + 1][0] <= oldest_ms:
        first += 1
    return (*samples[first:], (fix.time_ms, fix.lat_e7, fix.lon_e7))


def _lies_since_ms(motion: Motion, fix: Fix) -> int:
    """Since when all fixes lie together with this one, if for three minutes; else 0."""
    samples = motion.samples
    if fix.time_ms - samples[0][0] < STILL_MS:
        return 0
    since_ms = fix.time_ms
    for time_ms, lat_e7, lon_e7 in samples:
        if distance_m(lat_e7, lon_e7, fix.lat_e7, fix.lon_e7) > STILL_M:
            return 0
        since_ms = min(since_ms, time_ms)
    return since_ms


def _moving(motion: Motion, fix: Fix) -> Motion:
    since_ms = _lies_since_ms(motion, fix)
    if not since_ms:
        return motion
    return motion._replace(
        moving=0,
        legs=_with_leg(motion, max(since_ms, motion.since_ms)),
        since_ms=since_ms,
        lat_e7=fix.lat_e7,
        lon_e7=fix.lon_e7,
        near_ms=fix.time_ms,
        far_count=0,
        silent=0,
    )


def _with_leg(motion: Motion, end_ms: int) -> tuple[Leg, ...]:
    return (*motion.legs, (motion.since_ms, end_ms, motion.silent))[-LEGS_MAX:]


def _still(motion: Motion, fix: Fix, way: Way, facts: list[Given]) -> Motion:
    off_m = distance_m(motion.lat_e7, motion.lon_e7, fix.lat_e7, fix.lon_e7)
    if off_m < STILL_M:
        return motion._replace(near_ms=fix.time_ms, far_count=0)
    if off_m - min(fix.accuracy_m or 0, _ACCURACY_M) >= TRIP_M:
        if motion.far_count == 0:
            return motion._replace(far_count=1)
        return _set_out(motion, fix, way, facts)
    since_ms = _lies_since_ms(motion, fix)
    if since_ms:  # It was carried next door, or lay within a wide drift: it lies here now.
        return motion._replace(
            lat_e7=fix.lat_e7, lon_e7=fix.lon_e7, near_ms=fix.time_ms, far_count=0
        )
    return motion


def _set_out(motion: Motion, fix: Fix, way: Way, facts: list[Given]) -> Motion:
    start_ms = max(motion.near_ms, motion.origin_ms)
    silent = int(fix.time_ms - start_ms > SILENCE_MS)
    if motion.legs and start_ms - motion.legs[-1][1] > WAITING_MS_MAX:
        facts += way_facts(motion, None, motion.legs[-1][1], way)
        motion = motion._replace(origin_ms=0, legs=())
    return motion._replace(moving=1, since_ms=start_ms, far_count=0, silent=silent)


def _after_silence(motion: Motion, fix: Fix, way: Way, facts: list[Given]) -> Motion:
    """The phone was silent for over an hour: the way before ends, nothing is said of the hour."""
    last_ms = motion.samples[-1][0]
    if motion.moving:
        motion = motion._replace(moving=0, legs=_with_leg(motion, max(last_ms, motion.since_ms)))
    if motion.legs:
        facts += way_facts(motion, None, motion.legs[-1][1], way)
    here = (fix.time_ms, fix.lat_e7, fix.lon_e7)
    return Motion(0, 0, *here, fix.time_ms, 0, 0, (), (here,))


def left(motion: Motion, end_ms: int) -> Motion:
    """The motion once a visit ended at `end_ms`: the way to the next one begins there."""
    since_ms = max(motion.since_ms, end_ms) if motion.moving else motion.since_ms
    return motion._replace(origin_ms=end_ms, legs=(), since_ms=since_ms)


def arrived(motion: Motion) -> Motion:
    """The motion once a visit began: its way is told and done with."""
    return motion._replace(origin_ms=0, legs=())


def way_facts(motion: Motion, job: bytes | None, until_ms: int, way: Way) -> list[Given]:
    """The travel and waiting logs of the way that ended at `until_ms`, for `job` if it led there.

    A way without a job ends with its last leg; one to a job lasts until the arrival, and begins
    with the last departure, if that was less than two hours before.
    """
    parts = _parts(motion, until_ms, led_to_job=job is not None)
    if sum(end - start for kind, start, end, _ in parts if kind is LogKind.TRAVEL) < TRAVEL_MS_MIN:
        return []
    reason = "stopped" if job is None else "arrived"
    facts: list[Given] = []
    for kind, start_ms, end_ms, silent in parts:
        sure = Certainty.UNCERTAIN if silent else Certainty.CERTAIN
        seen = (start_ms, end_ms)
        if way.doubt:
            facts.append(
                Suggest(
                    Ask.LOG,
                    kind,
                    job,
                    start_ms,
                    end_ms,
                    sure,
                    way.doubt,
                    seen,
                    RULE_VERSION,
                    way.threshold_min,
                )  # fmt: skip
            )
            continue
        rule = (seen, RULE_VERSION, way.threshold_min)
        facts.append(Start(kind, job, start_ms, way.mode, sure, *rule))
        facts.append(Stop(kind, job, start_ms, end_ms, way.mode, sure, reason, *rule))
    return facts


def _parts(
    motion: Motion, until_ms: int, *, led_to_job: bool
) -> list[tuple[LogKind, int, int, int]]:
    legs = list(motion.legs)
    if motion.moving:
        legs.append((motion.since_ms, until_ms, motion.silent))
    legs = [(start, min(end, until_ms), silent) for start, end, silent in legs if start < until_ms]
    if not legs:
        return []
    cursor_ms = legs[0][0]
    if motion.origin_ms and cursor_ms - motion.origin_ms <= WAITING_MS_MAX:
        cursor_ms = motion.origin_ms
    if led_to_job:
        legs.append((until_ms, until_ms, 0))
    parts: list[tuple[LogKind, int, int, int]] = []
    for start_ms, end_ms, silent in legs:
        travel_ms = start_ms
        if start_ms - cursor_ms >= WAITING_MS_MIN:
            parts.append((LogKind.WAITING, cursor_ms, start_ms, 0))
        else:
            travel_ms = cursor_ms
        if parts and parts[-1][0] is LogKind.TRAVEL and parts[-1][2] == travel_ms:
            _, travel_ms, _, before = parts.pop()
            silent |= before
        if end_ms > travel_ms:
            parts.append((LogKind.TRAVEL, travel_ms, end_ms, silent))
        cursor_ms = max(cursor_ms, end_ms)
    return parts


def plain_motion(motion: Motion) -> Plain:
    """The motion as lists of numbers."""
    *head, legs, samples = motion
    return [*head, [list(leg) for leg in legs], [list(sample) for sample in samples]]


def motion_of_plain(plain: Plain) -> Motion:
    """The motion that `plain_motion` made lists of."""
    *head, legs, samples = plain
    triples = [tuple((a, b, c) for a, b, c in rows) for rows in (legs, samples)]
    return Motion(*head, *triples)
