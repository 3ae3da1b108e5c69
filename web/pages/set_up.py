"""The first page of a new hub: the site's name, its time zone and the first administrator.

Reached by the one-time link that the hub prints while it has no account, so that nobody else on the
network can take the hub over. Invariant: once one account exists, this page does nothing.
"""

from __future__ import annotations

import zoneinfo
from dataclasses import dataclass, replace
from typing import Final

from aiohttp import web

from core.dispatch.acts import ActError, set_account, set_setting
from core.sentence import say
from hub.keys import HUB, PASSWORDS, Account
from hub.one_time_links import LinkOver, check_set_up_token
from hub.passwords import PasswordError, TooManyPasswordChecks
from web.frame import see_other
from web.pages.sign_in import begin_session, new_password
from web.rendering import show
from web.stale_form import clean

ACCOUNT_BYTES: Final = 8
CHOOSE_A_ZONE: Final = say("Choose the time zone from the list, such as Europe/Prague.")


@dataclass(frozen=True, slots=True)
class SetUpPage:
    """The set-up form; `over` says why the link does nothing, `error` what to mend."""

    site_name: str = ""
    time_zone: str = ""
    name: str = ""
    error: str = ""
    over: str = ""

    @property
    def zones(self) -> list[str]:
        """The names of all time zones that this machine knows, for the list under the field."""
        return zone_names()


def zone_names() -> list[str]:
    """Time zones by name, places only: no `Etc/GMT+7` and the like."""
    return sorted(
        name
        for name in zoneinfo.available_timezones()
        if "/" in name and not name.startswith(("Etc/", "posix/", "right/", "SystemV/", "US/"))
    ) + ["UTC"]


async def set_up_page(request: web.Request) -> web.StreamResponse:
    """GET /set-up/{token}."""
    try:
        await _check_link(request)
    except LinkOver as over:
        return await show(request, "set_up.html", SetUpPage(over=str(over)), status=410)
    return await show(request, "set_up.html", SetUpPage())


async def set_up(request: web.Request) -> web.StreamResponse:
    """POST /set-up/{token}: write the settings and the account in one act, and sign in."""
    # One at a time: of two who send the form at once the second finds the hub set up.
    async with request.app[HUB].setting_up:
        return await _set_up(request)


async def _set_up(request: web.Request) -> web.StreamResponse:
    try:
        await _check_link(request)
    except LinkOver as over:
        return await show(request, "set_up.html", SetUpPage(over=str(over)), status=410)
    form = await request.post()
    given = SetUpPage(
        clean(form.get("site_name")), clean(form.get("time_zone")), clean(form.get("name"))
    )
    hub = request.app[HUB]
    account_id = hub.replica.entropy(ACCOUNT_BYTES)
    account = Account(account_id.hex(), given.name, "admin")
    try:
        if given.time_zone not in zoneinfo.available_timezones():
            raise ActError(CHOOSE_A_ZONE)
        changes = set_setting("site_name", given.site_name)
        changes += set_setting("time_zone", given.time_zone)
        password = new_password(form, given.name)
        encoded = await request.app[PASSWORDS].hash(password)
        changes += set_account(account_id, name=given.name, password=encoded, role="admin")
        await hub.act(account, changes)
    except (ActError, PasswordError, TooManyPasswordChecks) as refusal:
        page = replace(given, error=str(refusal))
        return await show(request, "set_up.html", page, status=422)
    words = say("{site} is set up, and you are signed in.", site=given.site_name)
    answer = see_other("/extensions", words)
    begin_session(request, answer, account.account)
    raise answer


async def _check_link(request: web.Request) -> None:
    hub = request.app[HUB]
    if await hub.reader.row("SELECT 1 FROM account LIMIT 1") is not None:
        raise LinkOver(say("This hub is set up already. Sign in with your account."))
    token = request.match_info["token"]
    check_set_up_token(hub.sessions.form_secret, token, hub.clock.now_ms())


def add_routes(app: web.Application) -> None:
    """Add this module's pages to `app`."""
    app.router.add_get("/set-up/{token}", set_up_page)
    app.router.add_post("/set-up/{token}", set_up)
