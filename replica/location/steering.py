"""Steering OwnTracks: today's places as regions, and how much to report, by duty and auto logging.

Remembers what the app was told. Holds no app's format (`replica.location.owntracks`). Invariants:
off duty, or with auto logging off, it is told to watch no region; and it is never told to be so
quiet that it would not hear of the next duty, since it hears in answers alone.
"""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from typing import Final

from core.dispatch.autofact import Mode
from core.dispatch.sampling import IDLE, Sampling
from replica.autostate import Context
from replica.location.owntracks import (
    NOTHING_TOLD,
    Command,
    Monitoring,
    Region,
    Told,
    answer_for,
)

OBEYED_MS: Final = 10_000
"""Within this after an answer the app does as it was told."""


class Steering:
    """What one phone's OwnTracks was told."""

    def __init__(self) -> None:
        self._told: Told = NOTHING_TOLD
        self._told_at_ms = 0

    def hear(self, app_mode: tuple[int, int] | None) -> None:
        """The app's mode and when it was in that, ms of this phone's clock.

        Where it is not the one that was told, an answer was lost or somebody chose another in the
        app: then all but the regions is told again.
        """
        if app_mode is None or self._told.monitoring is None:
            return
        mode, at_ms = app_mode
        if mode != self._told.monitoring and at_ms > self._told_at_ms + OBEYED_MS:
            self._told = replace(self._told, monitoring=None, sampling=None)

    def commands(self, context: Context | None, sampling: Sampling, now_ms: int) -> list[Command]:
        """What to answer the app now; nothing where nothing is known yet or nothing changed.

        `now_ms` is by this phone's clock.
        """
        if context is None:
            return []
        if context.on_duty and context.settings.mode is not Mode.OFF:
            exact = Monitoring.ALWAYS if sampling.exact else Monitoring.WHEN_MOVED
            answer = answer_for(self._told, _regions(context, now_ms), exact, sampling)
        else:
            answer = answer_for(self._told, [], Monitoring.WHEN_MOVED, IDLE)
        self._told = answer.told
        if answer.commands:
            self._told_at_ms = now_ms
        return answer.commands


def _regions(context: Context, now_ms: int) -> list[Region]:
    """The places that may be visited at some time of the local day.

    By the day and not by the moment, as each that goes has all told again. OwnTracks knows circles
    alone: that of an outline reaches to its farthest corner.
    """
    today = datetime.fromtimestamp(now_ms / 1_000, UTC).astimezone(context.zone).date()
    begin = datetime.combine(today, time(), context.zone)
    end = datetime.combine(today + timedelta(days=1), time(), context.zone)
    begin_ms, end_ms = (round(each.timestamp() * 1_000) for each in (begin, end))
    return [
        Region(
            spot.place.job,
            f"Job {spot.place.job.hex()[-6:]}",
            spot.area.projection.lat_e7,
            spot.area.projection.lon_e7,
            math.ceil(spot.area.reach_m),
        )
        for spot in context.places.by_rank
        if spot.opens_ms < end_ms and spot.closes_ms >= begin_ms
    ]
