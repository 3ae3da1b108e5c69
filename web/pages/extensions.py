"""The Extensions page: Job Dispatch, off until an administrator turns it on.

Invariant: turning it off hides jobs and stops the loggers; it deletes nothing, and what phones have
written still comes in.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from aiohttp import web

from core.dispatch.acts import ActError, set_setting
from core.sentence import say
from hub.keys import ACCOUNT, HUB
from hub.past_acts import reference_of
from web.frame import see_other, settings_of
from web.pages.accounts import check_admin
from web.rendering import show

_COUNTS: Final = """
    SELECT (SELECT count(*) FROM job WHERE status IN ('open', 'in progress')) AS open_jobs,
           (SELECT count(*) FROM worker WHERE archived = 0) AS workers,
           (SELECT count(DISTINCT subject) FROM certificate
            WHERE role = 1 AND author NOT IN (SELECT author FROM revoked)) AS phones
"""


@dataclass(frozen=True, slots=True)
class ExtensionsPage:
    """Whether Job Dispatch is on, and what turning it on or off would touch now."""

    is_on: bool
    open_jobs: int
    workers: int
    phones: int


async def extensions_page(request: web.Request) -> web.StreamResponse:
    """GET /extensions."""
    settings = await settings_of(request)
    row = (await request.app[HUB].reader.rows(_COUNTS))[0]
    page = ExtensionsPage(
        settings.get("job_dispatch") is True, row["open_jobs"], row["workers"], row["phones"]
    )
    return await show(request, "extensions.html", page)


async def switch_job_dispatch(request: web.Request) -> web.StreamResponse:
    """POST /extensions/job-dispatch: `on` is `yes` or `no`."""
    check_admin(request)
    turned_on = (await request.post()).get("on") == "yes"
    try:
        changes = set_setting("job_dispatch", turned_on)
        written = await request.app[HUB].act(request[ACCOUNT], changes)
    except ActError as refusal:
        raise see_other("/extensions", str(refusal), "bad") from refusal
    words = (
        say("Job Dispatch is on. Phones show Jobs as soon as they next meet this hub.")
        if turned_on
        else say(
            "Job Dispatch is off; phones hide Jobs when they next meet this hub. Nothing is lost."
        )
    )
    raise see_other("/extensions", words, undo=reference_of(written).text())


def add_routes(app: web.Application) -> None:
    """Add this module's pages to `app`."""
    app.router.add_get("/extensions", extensions_page)
    app.router.add_post("/extensions/job-dispatch", switch_job_dispatch)
