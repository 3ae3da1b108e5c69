"""Steering OwnTracks: today's places as regions, and how much to report, by duty and auto logging.

Remembers what the app was told. Holds no app's format (`replica.location.owntracks`). Invariant:
off duty, or with auto logging off, it is told to watch nothing.
"""

from __future__ import annotations

from core.dispatch.autofact import Mode
from core.dispatch.sampling import Sampling
from replica.autostate import Context
from replica.location.owntracks import (
    NOTHING_TOLD,
    Command,
    Monitoring,
    Region,
    Told,
    answer_for,
)


class Steering:
    """What one phone's OwnTracks was told."""

    def __init__(self) -> None:
        self._told: Told = NOTHING_TOLD

    def commands(self, context: Context | None, sampling: Sampling) -> list[Command]:
        """What to answer the app now; nothing where nothing is known yet or nothing changed."""
        if context is None:
            return []
        wanted = context.on_duty and context.settings.mode is not Mode.OFF
        if not wanted:
            answer = answer_for(self._told, [], Monitoring.QUIET)
        else:
            exact = Monitoring.ALWAYS if sampling.exact else Monitoring.WHEN_MOVED
            answer = answer_for(self._told, _regions(context), exact, sampling)
        self._told = answer.told
        return answer.commands


def _regions(context: Context) -> list[Region]:
    return [
        Region(
            spot.place.job,
            f"Job {spot.place.job.hex()[-6:]}",
            spot.place.lat_e7,
            spot.place.lon_e7,
            spot.place.radius_m,
        )
        for spot in context.places.by_rank
    ]
