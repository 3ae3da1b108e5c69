"""Clocks of devices: each wrong in its own way, and what happens to them over the days.

A device clock reads the world's one true time through an offset and a drift, can jump, and starts
anew with a boot. It holds no timers. Invariant: within one boot `uptime_ms` never goes back, and no
jump of the wall clock moves it, as `replica.clock.Clock` asks.
"""

from __future__ import annotations

import asyncio
import enum
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Final

EPOCH_MS: Final = 1_780_272_000_000
"""When simulated worlds begin: 1 June 2026, 00:00 UTC, a Monday."""
FACTORY_MS: Final = 1_230_768_000_000
"""What a phone without a backup battery says after it lay empty: 1 January 2009, UTC."""
FIVE_YEARS_MS: Final = 5 * 365 * 86_400_000


class TrueClock:
    """The world's own time: what a checker measures by.

    Args:
        time_s: virtual seconds since the run began, such as `VirtualLoop.time`.
        epoch_ms: ms UTC at the beginning.
    """

    def __init__(self, time_s: Callable[[], float], epoch_ms: int = EPOCH_MS) -> None:
        self.epoch_ms = epoch_ms
        self._time_s = time_s

    def now_ms(self) -> int:
        """The true time, ms UTC."""
        return self.epoch_ms + int(self._time_s() * 1_000)

    def uptime_ms(self) -> int:
        """Milliseconds since the world began."""
        return int(self._time_s() * 1_000)

    def boot(self) -> int:
        """A world boots once."""
        return 1


class DeviceClock:
    """The clock of one device, on top of the true one.

    Args:
        truth: the world's clock.
        offset_ms: how far the wall clock is ahead at the beginning.
        drift_ppm: how much faster its crystal runs; a phone's is within some 20 ppm.
        first_boot: the number of the first boot; the next ones count on from it.
    """

    def __init__(
        self,
        truth: TrueClock,
        *,
        offset_ms: int = 0,
        drift_ppm: float = 0.0,
        first_boot: int = 1,
    ) -> None:
        self._truth = truth
        self._drift_ppm = drift_ppm
        self._boot = first_boot
        self._anchor_ms = truth.uptime_ms()
        self._wall_ms = max(0, truth.now_ms() + offset_ms)
        self._up_ms = 0

    def now_ms(self) -> int:
        """What its wall clock says, ms UTC; never before 1970."""
        return max(0, self._wall_ms + self._elapsed_ms())

    def uptime_ms(self) -> int:
        """Milliseconds by its crystal since it booted."""
        return self._up_ms + self._elapsed_ms()

    def boot(self) -> int:
        """The number of this boot; it grows by one with each."""
        return self._boot

    def error_ms(self) -> int:
        """How far its wall clock is ahead of the truth."""
        return self.now_ms() - self._truth.now_ms()

    def jump(self, by_ms: int) -> None:
        """Move the wall clock: a person set it, or the network did."""
        self._anchor()
        self._wall_ms = max(0, self._wall_ms + by_ms)

    def set_to(self, wall_ms: int) -> None:
        """Set the wall clock to a time."""
        self.jump(wall_ms - self.now_ms())

    def drift(self, drift_ppm: float) -> None:
        """Let the crystal run at another speed from here on."""
        self._anchor()
        self._drift_ppm = drift_ppm

    def reboot(self, *, forgets: bool = False) -> None:
        """Start anew: uptime 0, the next boot; one that forgets wakes in its factory's year."""
        self._anchor()
        self._boot += 1
        self._up_ms = 0
        if forgets:
            self._wall_ms = FACTORY_MS

    def _elapsed_ms(self) -> int:
        true_ms = self._truth.uptime_ms() - self._anchor_ms
        return int(true_ms * (1 + self._drift_ppm / 1_000_000))

    def _anchor(self) -> None:
        elapsed_ms = self._elapsed_ms()
        self._wall_ms += elapsed_ms
        self._up_ms += elapsed_ms
        self._anchor_ms = self._truth.uptime_ms()


class Upset(enum.Enum):
    """What can happen to a clock; the value is what the trace says."""

    JUMP = "jumps"
    CORRECTED = "is corrected by the network"
    STROBE = "is set to and fro"
    REBOOT = "reboots"
    FORGETS = "reboots and forgets the time"


@dataclass(frozen=True, slots=True)
class ClockUpset:
    """One upset at a virtual time; `by_ms` belongs to jumps and strobes."""

    at_s: float
    upset: Upset
    by_ms: int = 0


def draw_upsets(
    chance: Random, *, until_s: float, upsets_per_day: float, jump_ms_max: int
) -> tuple[ClockUpset, ...]:
    """What a device's clock goes through, in order of time; nothing where none a day happen."""
    upsets: list[ClockUpset] = []
    at_s = 0.0
    while upsets_per_day > 0:
        at_s += chance.expovariate(upsets_per_day / 86_400)
        if at_s >= until_s:
            break
        upset = chance.choice(tuple(Upset))
        if upset is Upset.STROBE:
            # Jepsen's strobe goes from 4 ms to 262 s; a person's daylight saving is an hour.
            by_ms = int(4 * 2 ** chance.uniform(0, 20))
            upsets.extend(
                ClockUpset(at_s + step * 0.5, upset, by_ms if step % 2 == 0 else -by_ms)
                for step in range(2 * chance.randint(1, 10))
            )
        elif upset is Upset.JUMP:
            upsets.append(ClockUpset(at_s, upset, chance.randint(-jump_ms_max, jump_ms_max)))
        else:
            upsets.append(ClockUpset(at_s, upset))
    return tuple(sorted(upsets, key=lambda one: one.at_s))


def apply_upset(clock: DeviceClock, upset: ClockUpset) -> None:
    """Do to the clock what happens to it. A reboot's other half is the device's to carry out."""
    match upset.upset:
        case Upset.JUMP | Upset.STROBE:
            clock.jump(upset.by_ms)
        case Upset.CORRECTED:
            clock.jump(-clock.error_ms())
        case Upset.REBOOT:
            clock.reboot()
        case Upset.FORGETS:
            clock.reboot(forgets=True)


async def live_through(
    clock: DeviceClock,
    upsets: Sequence[ClockUpset],
    happened: Callable[[ClockUpset], None] = lambda _: None,
) -> None:
    """Apply each upset at its time, and tell `happened` of it."""
    loop = asyncio.get_running_loop()
    for upset in upsets:
        await asyncio.sleep(max(0.0, upset.at_s - loop.time()))
        apply_upset(clock, upset)
        happened(upset)
