"""Watching the phone itself: what came of its location app, and whether this program may run.

Collects what the health check judges (`replica.health`). Holds no judgement and no words.
Invariant: watching costs no entry and no commit.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from core.dispatch.fix import Fix
from replica.clock import Clock
from replica.files import MACHINE_FILES
from replica.health import STOOD_STILL_WITHIN_MS, Facts
from replica.pacing import until_due_s
from replica.reader import Reader
from replica.standstill import BEAT_S, Standstills

FIXES_JUDGED: Final = 10
"""By so many of the newest fixes it is judged how exact this phone's places are."""


class PhoneWatch:
    """Watches the phone of one folder, between `begin` and `stop`; `now_ms` says the true time."""

    def __init__(self, folder: Path, clock: Clock, now_ms: Callable[[], int]) -> None:
        self._folder = folder
        self._now_ms = now_ms
        self._standstills = Standstills(folder, clock)
        self._fixes: deque[Fix] = deque(maxlen=FIXES_JUDGED)
        self._heard_ms: int | None = None
        self._on_duty: bool | None = None
        self._duty_began = asyncio.Event()

    def begin(self) -> None:
        """The program starts."""
        self._standstills.begin()

    def stop(self) -> None:
        """The program was told to stop."""
        self._standstills.stop()

    def heed_duty(self, on_duty: bool) -> None:
        """Only on duty is it of interest whether this program may run, and worth waking for."""
        if on_duty == self._on_duty:
            return
        self._on_duty = on_duty
        if on_duty:
            self._standstills.beat()
            self._duty_began.set()
        else:
            self._duty_began.clear()
            self._standstills.stop()

    async def run(self) -> None:
        """Notice when the phone's system did not let this program run, until cancelled."""
        while True:
            await self._duty_began.wait()
            await asyncio.sleep(until_due_s(BEAT_S))
            if self._on_duty:
                self._standstills.beat()

    def saw(self, fix: Fix) -> None:
        """A fix came, of use or not."""
        self._heard_ms = self._now_ms()
        self._fixes.append(fix)

    async def facts(self, reader: Reader, worker: str, **told: Any) -> Facts:
        """What is known now; `told` are the fields of `Facts` that others know."""
        now_ms = self._now_ms()
        off_ms = told["offset_ms"] or 0
        rows = await reader.rows(
            "SELECT start_at, stop_at FROM duty WHERE worker = ? "
            "AND (stop_at IS NULL OR stop_at >= ?) ORDER BY start_at",
            (worker, now_ms - STOOD_STILL_WITHIN_MS),
        )
        duties = [(int(row["start_at"]), row["stop_at"]) for row in rows]
        return Facts(
            now_ms=now_ms,
            duty_since_ms=max((start for start, stop in duties if stop is None), default=None),
            fixes=tuple(self._fixes),
            heard_ms=self._heard_ms,
            standstills=[
                replace(each, start_ms=each.start_ms + off_ms, end_ms=each.end_ms + off_ms)
                for each in self._standstills.kept
            ],
            duties=duties,
            free_bytes=MACHINE_FILES.free_bytes(self._folder),
            **told,
        )
