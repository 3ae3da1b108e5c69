"""The site's settings: name, time zone, automatic logging, places, how long what is kept.

Each is a register of the site stream, so two hubs may change one at once; the form writes only what
was edited, and asks where somebody else changed the same setting since it was drawn.
"""

from __future__ import annotations

import zoneinfo
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from aiohttp import web

from core.dispatch.acts import THRESHOLD_MIN_MAX, Act, ActError, set_setting
from core.dispatch.geometry import RADIUS_M_MAX, RADIUS_M_MIN
from core.dispatch.visit import THRESHOLD_MIN_DEFAULT
from core.log.errors import Malformed
from core.sentence import say
from hub.forgetting import KEEP_DAYS_MIN, KEEPING
from hub.keys import ACCOUNT, HUB
from hub.past_acts import reference_of
from replica.projection.people import DEFAULT_RADIUS_M
from web.frame import see_other, settings_of
from web.pages.accounts import check_admin
from web.pages.set_up import CHOOSE_A_ZONE, zone_names
from web.rendering import show
from web.stale_form import Clash, clashes_by_value, read_sent, seal_shown

LABELS: Final = {
    "site_name": say("Name of the site"),
    "time_zone": say("Time zone"),
    "workers_create_jobs": say("Workers make jobs"),
    "threshold_min": say("Minimum auto-logging time"),
    "radius_m": say("Radius of a new place"),
    "keep_tracks_days": say("Tracks are kept"),
    "keep_days_days": say("Worker-days are kept"),
    "keep_jobs_days": say("Jobs are kept"),
}
_DEFAULTS: Final = {
    "time_zone": "UTC",
    "workers_create_jobs": False,
    "threshold_min": THRESHOLD_MIN_DEFAULT,
    "radius_m": DEFAULT_RADIUS_M,
    **{rule.setting: rule.days for rule in KEEPING},
}
_KEPT: Final = tuple(rule.setting for rule in KEEPING)
_NUMBERS: Final = ("threshold_min", "radius_m", *_KEPT)


@dataclass(frozen=True, slots=True)
class SettingsPage:
    """The form: `values` by setting as texts, `shown` to compare with when it comes back."""

    values: Mapping[str, str]
    shown: str
    zones: tuple[str, ...]
    clashes: tuple[Clash, ...] = ()
    error: str = ""
    radius_m_min: int = RADIUS_M_MIN
    radius_m_max: int = RADIUS_M_MAX
    threshold_min_max: int = THRESHOLD_MIN_MAX
    keep_days_min: int = KEEP_DAYS_MIN


async def settings_page(request: web.Request) -> web.StreamResponse:
    """GET /settings."""
    check_admin(request)
    return await _form(request, await _current(request))


async def save_settings(request: web.Request) -> web.StreamResponse:
    """POST /settings: write what was edited, all in one act."""
    check_admin(request)
    try:
        sent = read_sent(await request.post(), LABELS)
    except Malformed as wrong:
        return await _form(request, await _current(request), error=str(wrong), status=400)
    current = await _current(request)
    edited = sent.edited()
    clashes = clashes_by_value(sent, current, LABELS)
    if clashes:
        return await _form(request, current | edited, clashes=tuple(clashes), status=409)
    undo = ""
    try:
        changes: Act = []
        for name, text in edited.items():
            changes += set_setting(name, _value(name, text))
        if changes:
            written = await request.app[HUB].act(request[ACCOUNT], changes)
            undo = reference_of(written).text()
    except ActError as refusal:
        given = current | edited
        return await _form(request, given, error=str(refusal), shown=sent.shown, status=422)
    words = say("Settings saved.") if edited else say("Nothing was changed.")
    raise see_other("/settings", words, undo=undo)


def _value(name: str, text: str) -> object:
    if name in _NUMBERS:
        if not text.isdecimal() or len(text) > 6:
            raise ActError(say("{setting}: give a whole number.", setting=LABELS[name]))
        if name in _KEPT and 0 < int(text) < KEEP_DAYS_MIN:
            raise ActError(
                say(
                    "{setting}: {days} days at least, or 0 for ever.",
                    setting=LABELS[name],
                    days=KEEP_DAYS_MIN,
                )
            )
        return int(text)
    if name == "workers_create_jobs":
        return text == "yes"
    if name == "time_zone" and text not in zoneinfo.available_timezones():
        raise ActError(CHOOSE_A_ZONE)
    return text


async def _current(request: web.Request) -> dict[str, str]:
    settings = _DEFAULTS | dict(await settings_of(request))
    return {name: _text(settings.get(name, "")) for name in LABELS}


def _text(value: object) -> str:
    """A setting's value as its field shows it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)


async def _form(
    request: web.Request,
    values: Mapping[str, str],
    *,
    shown: Mapping[str, str] | None = None,
    clashes: tuple[Clash, ...] = (),
    error: str = "",
    status: int = 200,
) -> web.Response:
    page = SettingsPage(
        values=values,
        shown=seal_shown(shown if shown is not None else await _current(request)),
        zones=tuple(zone_names()),
        clashes=clashes,
        error=error,
    )
    return await show(request, "settings.html", page, status=status)


def add_routes(app: web.Application) -> None:
    """Add this module's pages to `app`."""
    app.router.add_get("/settings", settings_page)
    app.router.add_post("/settings", save_settings)
