"""The board's own part of the running program, and the moment that one answer is drawn at.

Holds the alerts of live jobs for some seconds, so that the many small questions of a page (counts,
rows, map) cost one computation. Invariant: nothing here is older than `ALERTS_MS_MAX`, and a change
that came in makes it be computed again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from zoneinfo import ZoneInfo

from aiohttp import web

from hub.hub import Hub
from hub.keys import HUB
from web.board.alerts import Alert, compute_alerts
from web.board.filters import Filter
from web.board.questions import Question, alerts_json, named_like
from web.frame import settings_of, zone_of

ALERTS_MS_MAX: Final = 5_000
"""A minute is what people see; five seconds keep a burst of questions cheap."""


class AlertBook:
    """The newest computed alerts, by job, and their JSON for the questions."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._computed_at_ms = -ALERTS_MS_MAX
        self._alerts: dict[str, Alert] = {}
        self._text = "[]"

    def forget(self) -> None:
        """Compute again at the next question: something changed."""
        self._computed_at_ms = -ALERTS_MS_MAX

    async def read(self, now_ms: int) -> str:
        """The JSON of all alerts, at most some seconds old."""
        if not 0 <= now_ms - self._computed_at_ms < ALERTS_MS_MAX:
            self._computed_at_ms = now_ms
            alerts = await compute_alerts(self._hub, now_ms)
            self._alerts = {alert.job: alert for alert in alerts}
            self._text = alerts_json(alerts)
        return self._text

    @property
    def jobs(self) -> tuple[str, ...]:
        """The jobs that have an alert now."""
        return tuple(self._alerts)


ALERT_BOOK: Final = web.AppKey("ALERT_BOOK", AlertBook)


@dataclass(frozen=True, slots=True)
class Moment:
    """What every answer of the board starts from."""

    hub: Hub
    now_ms: int
    zone: ZoneInfo
    dispatch_on: bool
    alerts: str

    async def question(self, wanted: Filter) -> Question:
        """The question that a filter asks now."""
        named = await named_like(self.hub.reader, wanted.text) if wanted.text else ()
        return Question(wanted, self.alerts, self.now_ms, self.zone, named)


async def moment_of(request: web.Request) -> Moment:
    """The present of this request."""
    hub = request.app[HUB]
    settings = await settings_of(request)
    now_ms = hub.clock.now_ms()
    return Moment(
        hub=hub,
        now_ms=now_ms,
        zone=zone_of(settings),
        dispatch_on=settings.get("job_dispatch") is True,
        alerts=await request.app[ALERT_BOOK].read(now_ms),
    )
