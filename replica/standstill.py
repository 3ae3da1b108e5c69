"""Standstills: when this program did not run although nobody had stopped it.

Android ends or freezes programs in the background to save battery, and then nothing is logged; the
worker is told what happened to their own phone rather than what might. On duty a beat is written
every minute; a gap between two beats is a standstill. Holds no store: beats say nothing of work, so
they are kept beside it and lost without harm. Invariant: a standstill is told by a clock that
counts sleep where the system has one, so that a wall clock that is put right makes none.
"""

from __future__ import annotations

import json
import logging
from collections import deque
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from replica.clock import Clock

LOGGER = logging.getLogger(__name__)

BEAT_S: Final = 60.0
BEAT_FILE: Final = "beat.json"
STANDSTILL_MS_MIN: Final = 3 * 60_000
"""Shorter ones are a busy phone's, and cost no log: silence counts from twenty minutes."""
KEPT_MAX: Final = 50


@dataclass(frozen=True, slots=True)
class Standstill:
    """From and to, ms UTC by this phone's clock; `ended` where the program itself was gone."""

    start_ms: int
    end_ms: int
    ended: bool

    @property
    def lasted_ms(self) -> int:
        """How long."""
        return self.end_ms - self.start_ms


class Standstills:
    """Keeps the last standstills of one folder. `stopped_by_hand` ends leave none."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        self._path = folder / BEAT_FILE
        self._clock = clock
        self._kept: deque[Standstill] = deque(maxlen=KEPT_MAX)
        self._beat: tuple[int, int, int] | None = None

    @property
    def kept(self) -> tuple[Standstill, ...]:
        """The last ones, the oldest first."""
        return tuple(self._kept)

    def begin(self) -> None:
        """The program starts: it was gone since its last beat, unless it had been told to stop."""
        try:
            told = json.loads(self._path.read_text("ascii"))
            self._kept.extend(Standstill(*each) for each in told["standstills"])
            beat = told["beat"]
            self._beat = (beat[0], beat[1], beat[2]) if beat is not None else None
        except FileNotFoundError:
            pass
        except (OSError, ValueError, KeyError, TypeError, IndexError) as error:
            LOGGER.warning("%s was not readable (%s); it is begun anew", self._path, error)
        self.beat(ended=True)

    def beat(self, *, ended: bool = False) -> None:
        """The program runs; where it did not for a while, that is kept."""
        now_ms, uptime_ms, boot = self._clock.now_ms(), self._clock.uptime_ms(), self._clock.boot()
        if self._beat is not None:
            was_ms, was_uptime_ms, was_boot = self._beat
            # Over a restart of the phone only the wall clock tells.
            passed_ms = uptime_ms - was_uptime_ms if boot == was_boot else now_ms - was_ms
            if passed_ms >= STANDSTILL_MS_MIN:
                self._kept.append(Standstill(now_ms - passed_ms, now_ms, ended))
        self._beat = (now_ms, uptime_ms, boot)
        self._save()

    def stop(self) -> None:
        """The program is told to stop: what comes until its next start is no standstill."""
        self._beat = None
        self._save()

    def _save(self) -> None:
        rows = [[each.start_ms, each.end_ms, each.ended] for each in self._kept]
        draft = self._path.with_suffix(".new")
        try:
            draft.write_text(json.dumps({"beat": self._beat, "standstills": rows}), "ascii")
            draft.replace(self._path)
        except OSError as error:
            # On a full disk a beat is what matters least.
            LOGGER.debug("the beat was not saved: %s", error)
