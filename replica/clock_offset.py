"""How far this replica's clock stands from its hub's: measured at a contact, and followed since.

A hub is asked what time it is within a session (`core.log.time_told`). From then on the monotonic
clock says what time it is, so a wall clock that is set to another year changes nothing; across a
boot, where that clock begins anew, it is judged by what can be true. The offset is said in each
entry beside what the clock said; no time that was written is ever changed. Holds no session.
Invariant: without a contact nothing is known, and the offset is 0.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from core.log.canonical import pack, unpack
from core.log.errors import LogError
from core.sentence import say, say_n
from replica.clock import Clock
from replica.store import Store

# Offsets below this are the network's own uncertainty.
OFFSET_SLACK_MS: Final = 2_000

# An answer that took longer says too little, and is asked for again in a later session.
ANSWER_MS_MAX: Final = 3_000

# Within a boot nothing but the crystal runs away: a second in half a day.
MEASURED_AGAIN_MS: Final = 6 * 3_600_000

# A clock that was so near before a boot is taken to have run on as it was.
NEAR_MS: Final = 86_400_000

# The worker is told of a clock that stands off by more.
TOLD_FROM_MS: Final = 120_000

_SAMPLE: Final = "clock"


class Sample(NamedTuple):
    """At one moment: what time it was by the hub, wall and monotonic clock, and which boot.

    `asked_ms` is the uptime at which a hub was last asked, and `asked_boot` the boot.
    """

    hub_ms: int
    wall_ms: int
    uptime_ms: int
    boot: int
    asked_ms: int
    asked_boot: int


class ClockOffset:
    """What is known of one replica's clock; what it knows it keeps in the store.

    Only `reload`, `follow` and `compare` touch the store: the others may be asked at any time.
    """

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._sample: Sample | None = None
        self.reload()

    def reload(self) -> None:
        """Know again what the store says: a transaction did not commit."""
        data = self._store.get(_SAMPLE)
        try:
            found = unpack(data) if isinstance(data, bytes) else None
        except LogError:
            found = None
        # A flipped bit in it is as no contact.
        sound = isinstance(found, list) and [type(each) for each in found] == [int] * 6
        self._sample = Sample(*found) if sound and found is not None else None

    @property
    def is_known(self) -> bool:
        """Whether a hub has told what time it is."""
        return self._sample is not None

    def now_ms(self) -> int:
        """How many ms are to be added to what the clock says now; 0 where nothing is known."""
        if self._sample is None:
            return 0
        return _told(_offset(self._sample, self._clock), self._sample)

    def follow(self) -> int:
        """The same, noted anew where the clock was set or the machine booted. In a transaction."""
        sample = self._sample
        if sample is None:
            return 0
        offset = _offset(sample, self._clock)
        told = _told(offset, sample)
        moved = abs(offset - (sample.hub_ms - sample.wall_ms)) >= OFFSET_SLACK_MS
        if moved or sample.boot != self._clock.boot():
            self._note(self._clock.now_ms() + offset, sample.asked_ms, sample.asked_boot)
        return told

    def is_due(self) -> bool:
        """Whether a hub should be asked again: not in this boot yet, or some hours ago."""
        sample, clock = self._sample, self._clock
        if sample is None or sample.asked_boot != clock.boot():
            return True
        return not 0 <= clock.uptime_ms() - sample.asked_ms < MEASURED_AGAIN_MS

    def compare(self, asked_ms: int, told_ms: int) -> bool:
        """Keep what a hub told, asked at uptime `asked_ms`; whether it was worth keeping.

        Raises:
            StoreError: the disk refused.
        """
        clock = self._clock
        uptime_ms = clock.uptime_ms()
        took_ms = uptime_ms - asked_ms
        if not 0 <= took_ms <= ANSWER_MS_MAX:
            return False
        hub_ms = told_ms + took_ms // 2
        if self._sample is not None:
            # Where what was known can be true as well, nothing is moved for the sake of a second.
            known_ms = clock.now_ms() + _offset(self._sample, clock)
            hub_ms = min(max(known_ms, told_ms), told_ms + took_ms)
        with self._store.transaction():
            self._note(hub_ms, uptime_ms, clock.boot())
        return True

    def _note(self, hub_ms: int, asked_ms: int, asked_boot: int) -> None:
        clock = self._clock
        here = clock.now_ms(), clock.uptime_ms(), clock.boot()
        self._sample = Sample(hub_ms, *here, asked_ms, asked_boot)
        self._store.put(_SAMPLE, pack(list(self._sample)))


def _told(offset_ms: int, sample: Sample) -> int:
    """The offset as entries say it: one that has not really changed is said as it was.

    Two clocks drift by milliseconds, and each new number would cost each entry some bytes.
    """
    noted = sample.hub_ms - sample.wall_ms
    steady = noted if abs(offset_ms - noted) < OFFSET_SLACK_MS else offset_ms
    return steady if abs(steady) >= OFFSET_SLACK_MS else 0


def _offset(sample: Sample, clock: Clock) -> int:
    wall_ms, uptime_ms = clock.now_ms(), clock.uptime_ms()
    if sample.boot == clock.boot() and uptime_ms >= sample.uptime_ms:
        return sample.hub_ms + uptime_ms - sample.uptime_ms - wall_ms
    before = sample.hub_ms - sample.wall_ms
    if abs(before) < NEAR_MS and wall_ms + before >= sample.hub_ms:
        return before
    # It stood in another year. Either it still does, or somebody has set it since; what lies before
    # the last time that is known can't be true, and of two that can be, the nearer one is.
    possible = [each for each in (before, 0) if wall_ms + each >= sample.hub_ms]
    return min(possible, default=sample.hub_ms - wall_ms)


def by_true_time(fix_ms: int, wall_ms: int, offset_ms: int) -> int:
    """When a fix was taken, where a location app told it by this machine's clock or by a true one.

    Satellites tell the true time, and networks what the clock says; a fix is new when it comes, so
    the clock that it is nearer to is the one that it was told by.
    """
    by_this_clock = abs(fix_ms - wall_ms) < abs(fix_ms - wall_ms - offset_ms)
    return fix_ms + offset_ms if by_this_clock else fix_ms


def words_of(offset_ms: int) -> str:
    """How far a clock is off, as '12 minutes behind'; '' where it is near enough."""
    if abs(offset_ms) < TOLD_FROM_MS:
        return ""
    minutes = round(abs(offset_ms) / 60_000)
    if minutes >= 2 * 525_600:
        span = say_n("{n:,} year", "{n:,} years", minutes // 525_600)
    elif minutes >= 2 * 1_440:
        span = say_n("{n:,} day", "{n:,} days", minutes // 1_440)
    elif minutes >= 2 * 60:
        span = say_n("{n:,} hour", "{n:,} hours", minutes // 60)
    else:
        span = say_n("{n:,} minute", "{n:,} minutes", minutes)
    behind, ahead = say("{span} behind", span=span), say("{span} ahead", span=span)
    return behind if offset_ms > 0 else ahead
