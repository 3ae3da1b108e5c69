"""The clock of a replica: wall, monotonic and boot.

The one place of this package that asks the system for the time. Holds no time zone.
Invariant: within one boot `uptime_ms` never goes back.
"""

from __future__ import annotations

import time
from hashlib import blake2b
from pathlib import Path
from typing import Protocol


class Clock(Protocol):
    """What a replica asks of a clock."""

    def now_ms(self) -> int:
        """What the wall clock says, ms UTC."""

    def uptime_ms(self) -> int:
        """Milliseconds of the monotonic clock, sleep included where the system can."""

    def boot(self) -> int:
        """A number that differs from boot to boot."""


BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
# The kernel makes these at its start, and their times stand until its end.
MADE_AT_BOOT = (Path("/proc"), Path("/sys"))


class SystemClock:
    """The machine's clocks."""

    def __init__(self, boot_id: Path = BOOT_ID) -> None:
        self._boot_id = boot_id
        self._boot: int | None = None

    def now_ms(self) -> int:
        """What the wall clock says, ms UTC."""
        return time.time_ns() // 1_000_000

    def uptime_ms(self) -> int:
        """Milliseconds since the machine started, sleep included where the system tells."""
        source = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
        return time.clock_gettime_ns(source) // 1_000_000

    def boot(self) -> int:
        """31 bits of what the kernel tells of this boot; no process outlives one, so asked once.

        Android lets no app read the boot's id since version 8: there it is the time at which the
        kernel made its own file systems, which no setting of the clock moves afterwards.
        """
        if self._boot is None:
            self._boot = self._read_boot()
        return self._boot

    def _read_boot(self) -> int:
        try:
            text = self._boot_id.read_text("ascii").strip()
        except OSError:
            try:
                text = " ".join(str(path.stat().st_ctime_ns) for path in MADE_AT_BOOT)
            except OSError:
                return (self.now_ms() - self.uptime_ms()) // 60_000
        digest = blake2b(text.encode(), digest_size=4).digest()
        return int.from_bytes(digest, "big") >> 1
