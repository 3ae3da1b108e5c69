"""Menu > Settings > Health check and Privacy: how this phone does, and what leaves it.

Draws what `replica.health` finds and what the store says was shared. Holds no judgement. Invariant:
the privacy page names everything that leaves the phone, and when each last did.
"""

from __future__ import annotations

from aiohttp import web

from core.dispatch.fields import Kind
from core.sentence import say
from replica.health import findings, worst
from replica.screens.here import NOTIFIER, SCREENS, message_of
from replica.screens.port import Rows

ICON_BY_TONE = {"good": "check", "watch": "alert", "bad": "alert", "unknown": "unknown"}
WORDS_BY_TONE = {
    "good": say("Fine"),
    "watch": say("Look at it"),
    "bad": say("Mend this"),
    "unknown": say("Not known"),
}


async def health(request: web.Request) -> web.Response:
    """The health check."""
    screens = request.app[SCREENS]
    here = await screens.here()
    notifier = request.app.get(NOTIFIER)
    facts = await screens.device.health(notifies=notifier is not None and notifier.works)
    found = findings(facts)
    return screens.page(
        here,
        "health.html",
        title=say("Health check"),
        back="/settings",
        message=message_of(request),
        findings=found,
        worst=worst(found).value,
        battery_percent=facts.battery_percent,
        icon_by_tone=ICON_BY_TONE,
        words_by_tone=WORDS_BY_TONE,
    )


async def privacy(request: web.Request) -> web.Response:
    """What leaves this phone, and when."""
    screens = request.app[SCREENS]
    here = await screens.here()
    return screens.page(
        here,
        "privacy.html",
        title=say("Privacy"),
        back="/settings",
        message=message_of(request),
        place_told_ms=screens.device.place_told_ms(),
        track_days=await _track_days(screens.device.reader),
        kept_days=await _kept_days(screens.device.reader),
    )


async def _track_days(reader: Rows) -> int:
    """Days of which this phone holds a track; it holds its own worker's alone."""
    row = await reader.row(
        "SELECT count(*) AS days FROM stream WHERE substr(stream, 5, 1) = ?", (bytes([Kind.TRACK]),)
    )
    return int(row["days"]) if row is not None else 0


async def _kept_days(reader: Rows) -> int | None:
    row = await reader.row("SELECT value FROM setting WHERE name = 'keep_tracks_days'")
    return int(row["value"]) if row is not None and row["value"].isdigit() else None
