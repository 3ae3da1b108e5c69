"""Fixes: one reading of where a phone was, what may be used of it, and the coding of tracks.

Holds no visits and no places of customers. A fix whose time, place or accuracy is nonsense is kept
as evidence and never used. Invariant: what a coded track gives back is exactly the fixes that were
kept, as `settled` gives them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import gcd
from typing import Final

from core.dispatch.geometry import LAT_E7_MAX, LON_E7_MAX, distance_m

AHEAD_MS_MAX: Final = 86_400_000
"""A phone's own clock may be hours wrong while its GPS is right; a day is another matter."""
BEHIND_MS_MAX: Final = 62 * 86_400_000
"""Old receivers count weeks modulo 1,024, so a fix may come from 19 years ago."""
TIME_MS_MIN: Final = 946_684_800_000
"""The year 2000, before which no phone had a receiver."""
ACCURACY_M_MAX: Final = 200
"""A coarser fix says in which part of town the phone was, and nothing of a visit."""
NOWHERE_E7: Final = 1_000
"""Receivers without a place say 0, 0; nobody works within 11 m of it."""

TRACK_FIXES_MAX: Final = 1_000
"""A track entry holds some minutes; one fix takes at most 14 bytes, an entry 16 kB."""
SOURCE_LETTERS_MAX: Final = 32
TRACK_VERSION: Final = 1

KEEP_M: Final = 25
KEEP_MOVING_MS: Final = 10_000
KEEP_STILL_MS: Final = 120_000

_SOURCES: Final = (
    "", "gps", "network", "fused", "owntracks", "owntracks-region", "traccar", "osmand",
    "gpslogger", "termux",
)  # fmt: skip
"""Codes of sources: a name may be added at the end, and never moved."""


class TrackError(ValueError):
    """A list of numbers that is no track, or too long for one."""


@dataclass(frozen=True, slots=True)
class Fix:
    """Where a phone was. `accuracy_m` is the radius that it claims, None where it tells none.

    `source` names the app or receiver, at most 32 letters; `mock` says that another app made the
    place up.
    """

    time_ms: int
    lat_e7: int
    lon_e7: int
    accuracy_m: int | None = None
    speed_mps: float | None = None
    bearing_deg: int | None = None
    source: str = ""
    mock: bool = False


def fault(fix: Fix, now_ms: int | None = None) -> str:
    """Why a fix is kept but not used: 'time', 'place', 'accuracy'; '' if it is usable.

    Without `now_ms` (a replay of a track that was judged when it came in) only times before 2000
    are refused.
    """
    if fix.time_ms < TIME_MS_MIN:
        return "time"
    if now_ms is not None and not -BEHIND_MS_MAX <= fix.time_ms - now_ms <= AHEAD_MS_MAX:
        return "time"
    if abs(fix.lat_e7) > LAT_E7_MAX or abs(fix.lon_e7) > LON_E7_MAX:
        return "place"
    if abs(fix.lat_e7) < NOWHERE_E7 and abs(fix.lon_e7) < NOWHERE_E7:
        return "place"
    # An app that makes places up often says 0 m; such a fix is known by its `mock` and stays usable
    # as what it is, a suggestion at most.
    if fix.accuracy_m is None or not (fix.accuracy_m > 0 or (fix.mock and fix.accuracy_m == 0)):
        return "accuracy"
    return "accuracy" if fix.accuracy_m > ACCURACY_M_MAX else ""


def usable(fix: Fix, now_ms: int | None = None) -> bool:
    """Whether a fix may take part in visits, trips and nearest workers."""
    return not fault(fix, now_ms)


def order_of(fix: Fix) -> tuple[int, ...]:
    """The order of fixes: by time, then by content, so that no two orders of arrival differ."""
    return (
        fix.time_ms,
        fix.lat_e7,
        fix.lon_e7,
        -1 if fix.accuracy_m is None else fix.accuracy_m,
        speed_cmps(fix),
        -1 if fix.bearing_deg is None else fix.bearing_deg,
        fix.mock,
        *map(ord, fix.source),
    )


def speed_cmps(fix: Fix) -> int:
    """The speed in whole centimetres a second, as tracks keep it; -1 where none was told."""
    return -1 if fix.speed_mps is None else round(fix.speed_mps * 100)


def settled(fix: Fix) -> Fix:
    """The fix as a track gives it back: the speed to a centimetre a second."""
    cmps = speed_cmps(fix)
    speed_mps = None if cmps < 0 else cmps / 100
    return Fix(
        fix.time_ms, fix.lat_e7, fix.lon_e7, fix.accuracy_m, speed_mps, fix.bearing_deg,
        fix.source[:SOURCE_LETTERS_MAX], fix.mock,
    )  # fmt: skip


def thin(fixes: Iterable[Fix], evidence_ms: Iterable[int] = ()) -> list[Fix]:
    """The fixes worth keeping, in order of time and each once.

    Kept are those that moved 25 m since the last one kept (at most one in 10 s), one in 120 s of a
    phone that lies still, the last one, all whose time is in `evidence_ms`, and all that cannot be
    used or are made up, since those are what is asked about later (at most one in 10 s).
    """
    named = frozenset(evidence_ms)
    kept: list[Fix] = []
    ordered = sorted({settled(fix) for fix in fixes}, key=order_of)
    for index, fix in enumerate(ordered):
        if not kept or index == len(ordered) - 1 or fix.time_ms in named:
            kept.append(fix)
            continue
        before = kept[-1]
        waited_ms = fix.time_ms - before.time_ms
        odd = fix.mock != before.mock or fault(fix) != fault(before)
        moved = distance_m(before.lat_e7, before.lon_e7, fix.lat_e7, fix.lon_e7) >= KEEP_M
        if odd or waited_ms >= (KEEP_MOVING_MS if moved or fault(fix) else KEEP_STILL_MS):
            kept.append(fix)
    return kept


def encode_track(fixes: Sequence[Fix]) -> list[int]:
    """The fixes as a flat list of small integers, in order of time. Raises TrackError.

    Layout: version, number of sources, each source (its code, or minus its length and its letters),
    number of fixes, the unit that all steps of time are multiples of, then for each fix the steps
    of time (in units), latitude and longitude, a mask of what changed, and the changed values:
    1 accuracy, 2 speed (cm/s), 4 bearing (-1 each: not told), 8 source and mock (index * 2 + mock).
    """
    if len(fixes) > TRACK_FIXES_MAX:
        raise TrackError(f"a track entry holds at most {TRACK_FIXES_MAX} fixes; make several")
    ordered = sorted(map(settled, fixes), key=order_of)
    sources = sorted({fix.source for fix in ordered})
    numbers = [TRACK_VERSION, len(sources)]
    for source in sources:
        if source in _SOURCES:
            numbers.append(_SOURCES.index(source))
        else:
            numbers += [-len(source), *map(ord, source)]
    steps = [b.time_ms - a.time_ms for a, b in zip(ordered, ordered[1:], strict=False)]
    unit_ms = gcd(*steps) or 1
    numbers += [len(ordered), unit_ms]
    last = (0, 0, 0)
    told = (-1, -1, -1, 0)
    for index, fix in enumerate(ordered):
        step = fix.time_ms if index == 0 else (fix.time_ms - last[0]) // unit_ms
        said = (
            -1 if fix.accuracy_m is None else fix.accuracy_m,
            speed_cmps(fix),
            -1 if fix.bearing_deg is None else fix.bearing_deg,
            sources.index(fix.source) * 2 + fix.mock,
        )
        changed = [position for position in range(4) if said[position] != told[position]]
        mask = sum(1 << position for position in changed)
        numbers += [step, fix.lat_e7 - last[1], fix.lon_e7 - last[2], mask]
        numbers += [said[position] for position in changed]
        last, told = (fix.time_ms, fix.lat_e7, fix.lon_e7), said
    return numbers


def decode_track(numbers: Sequence[object]) -> list[Fix]:
    """The fixes of a coded track. Raises TrackError for what is none, whatever it is."""
    reader = _Reader(numbers)
    if reader.next() != TRACK_VERSION:
        raise TrackError("the track is of a version that is not known here; upgrade this program")
    sources = [reader.source() for _ in range(reader.count(TRACK_FIXES_MAX))]
    count, unit_ms = reader.count(TRACK_FIXES_MAX), reader.next()
    fixes: list[Fix] = []
    time_ms = lat_e7 = lon_e7 = 0
    told = [-1, -1, -1, 0]
    for index in range(count):
        step = reader.next()
        time_ms += step if index == 0 else step * unit_ms
        lat_e7 += reader.next()
        lon_e7 += reader.next()
        mask = reader.count(15)
        for position in range(4):
            if mask >> position & 1:
                told[position] = reader.next()
        if max(abs(time_ms), abs(lat_e7), abs(lon_e7)) >= 1 << 53:
            raise TrackError("the track leaves the range that its numbers are kept in")
        accuracy_m, cmps, bearing_deg, origin = told
        if not 0 <= origin // 2 < len(sources):
            raise TrackError("the track names a source that it does not list")
        fixes.append(
            Fix(
                time_ms,
                lat_e7,
                lon_e7,
                None if accuracy_m < 0 else accuracy_m,
                None if cmps < 0 else cmps / 100,
                None if bearing_deg < 0 else bearing_deg,
                sources[origin // 2],
                bool(origin % 2),
            )  # fmt: skip
        )
    reader.end()
    return fixes


class _Reader:
    """Takes one whole number after the other from a list of unknown origin."""

    def __init__(self, numbers: Sequence[object]) -> None:
        self._numbers = numbers
        self._at = 0

    def next(self) -> int:
        if self._at >= len(self._numbers):
            raise TrackError("the track ends in the middle of a fix")
        number = self._numbers[self._at]
        if not isinstance(number, int) or isinstance(number, bool) or abs(number) >= 1 << 53:
            raise TrackError("a track is a list of whole numbers")
        self._at += 1
        return number

    def count(self, most: int) -> int:
        number = self.next()
        if not 0 <= number <= most:
            raise TrackError(f"the track says {number} where at most {most} is possible")
        return number

    def source(self) -> str:
        code = self.next()
        if code >= 0:
            if code >= len(_SOURCES):
                raise TrackError("the track has a source that is not known here")
            return _SOURCES[code]
        if -code > SOURCE_LETTERS_MAX:
            raise TrackError("the name of a source is too long")
        return "".join(chr(self.count(0x10FFFF)) for _ in range(-code))

    def end(self) -> None:
        if self._at != len(self._numbers):
            raise TrackError("the track goes on after its last fix")
