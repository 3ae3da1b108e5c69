"""Runs `fieldlog` with a machine clock that stands off by what a file says, in ms.

A phone's clock is what its owner or its network makes it; here a test does. `python -m
tests.journey.shifted OFFSET_FILE COMMAND …`.
"""

from __future__ import annotations

import sys
from pathlib import Path

from replica.clock import SystemClock
from replica.commandline import main

# The machine counts as up for this long, since one that was started just now has no uptime to take
# hours from.
UP_MS = 30 * 86_400_000


def shift(offset_file: Path) -> None:
    """Let the machine's clocks stand off by the number in the file, read anew each time."""
    wall, uptime = SystemClock.now_ms, SystemClock.uptime_ms

    def offset_ms() -> int:
        return int(offset_file.read_text())

    SystemClock.now_ms = lambda self: wall(self) + offset_ms()  # type: ignore[method-assign]
    SystemClock.uptime_ms = lambda self: UP_MS + uptime(self) + offset_ms()  # type: ignore[method-assign]


if __name__ == "__main__":
    shift(Path(sys.argv[1]))
    raise SystemExit(main(sys.argv[2:]))
