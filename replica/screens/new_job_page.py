"""A new job that a worker makes on the phone, where the site allows it.

It is the worker's own from the start: made, given to themselves and accepted in one act, with or
without a network. Invariant: a form that can't be taken changes nothing and comes back as it was
filled in.
"""

from __future__ import annotations

from typing import Any

from aiohttp import web

from core.dispatch import acts
from core.dispatch.acts import Act, ActError
from core.dispatch.fields import Phase
from core.dispatch.outline import flat, standing_corners
from core.sentence import say, whole
from replica.screens.guard import Refused
from replica.screens.here import SCREENS, Here, form_of, goto, message_of
from replica.screens.joblist import FIX_AGE_MS_MAX
from replica.screens.port import Rows

CUSTOMERS_MAX = 200
_FIELDS = ("title", "customer", "address", "description", "priority", "here")


async def may_make_jobs(request: web.Request) -> bool:
    """Whether the site lets workers make jobs, and this phone's key has the right to."""
    device = request.app[SCREENS].device
    row = await device.reader.row("SELECT value FROM setting WHERE name = 'workers_create_jobs'")
    return row is not None and row["value"] == "true" and await device.may_create_jobs()


async def _allowed(request: web.Request) -> Here:
    here = await request.app[SCREENS].here()
    if not here.jobs_shown:
        raise web.HTTPSeeOther("/jobs")
    if not await may_make_jobs(request):
        raise Refused(
            403,
            say("This phone makes no jobs"),
            say(
                "Your site leaves that to the office. If it allowed it just now, let this phone "
                "meet the hub once."
            ),
        )
    return here


async def new_job(request: web.Request) -> web.Response:
    """The form."""
    return await _draw(request, await _allowed(request), dict.fromkeys(_FIELDS, ""))


async def _draw(
    request: web.Request, here: Here, values: dict[str, str], error: str = ""
) -> web.Response:
    screens = request.app[SCREENS]
    customers = await screens.device.reader.rows(
        "SELECT customer, name FROM customer WHERE archived = 0 ORDER BY name LIMIT ?",
        (CUSTOMERS_MAX,),
    )
    return screens.page(
        here,
        "new_job.html",
        title=say("New job"),
        back="/jobs",
        message=message_of(request),
        status=400 if error else 200,
        values=values,
        error=error,
        customers=[(row["customer"], row["name"]) for row in customers],
        fix_age=_fix_age(request, here),
    )


def _fix_age(request: web.Request, here: Here) -> str:
    """How old the position is that `here` would mean, '' where there is none of use."""
    fix = request.app[SCREENS].device.last_fix()
    if fix is None or here.now_ms - fix.time_ms > FIX_AGE_MS_MAX:
        return ""
    return here.ago(fix.time_ms)


async def make(request: web.Request) -> web.Response:
    """Make the job; it is saved on this phone when its page comes."""
    screens = request.app[SCREENS]
    here = await _allowed(request)
    form = await form_of(request)
    values = {name: form.get(name, "").replace("\r\n", "\n").strip() for name in _FIELDS}
    try:
        job, changes = await _act(request, here, values)
    except ActError as error:
        return await _draw(request, here, values, whole(str(error)))
    await screens.device.act(changes)
    return goto(f"/jobs/{job.hex()}", screens.messages.say("Job made, saved on this phone"))


async def _act(request: web.Request, here: Here, values: dict[str, str]) -> tuple[bytes, Act]:
    device = request.app[SCREENS].device
    worker = bytes.fromhex(here.worker)
    wanted: dict[str, Any] = {
        name: values[name] or None for name in ("title", "address", "description")
    }
    if values["customer"]:
        try:
            wanted["customer"] = bytes.fromhex(values["customer"])
        except ValueError as error:
            raise ActError(say("choose a customer from the list")) from error
        if not values["address"] and not values["here"]:
            wanted |= await _place_of(device.reader, values["customer"])
    if values["priority"]:
        wanted["priority"] = int(values["priority"]) if values["priority"].isdecimal() else -1
    if values["here"] == "yes":
        fix = device.last_fix()
        if fix is None or not _fix_age(request, here):
            raise ActError(say("there is no position of now; give an address instead"))
        wanted["point"] = [fix.lat_e7, fix.lon_e7]
    job = acts.own_job_stream(worker, here.now_ms, device.entropy(3))
    turn = device.entropy(8)
    changes = acts.create_job(job, wanted)
    changes += acts.assign(job, worker, turn)
    return job, changes + acts.set_phase(job, worker, turn, Phase.ACCEPTED)


async def _place_of(reader: Rows, customer: str) -> dict[str, Any]:
    """Where a customer's job is, if nothing else was said: at their place, where they have one."""
    rows = await reader.rows(
        "SELECT place, address, lat_e7, lon_e7, radius_m, outline FROM customer_place "
        "WHERE customer = ? AND archived = 0 LIMIT 2",
        (customer,),
    )
    if len(rows) != 1:
        return {}
    row = rows[0]
    found: dict[str, Any] = {"place": bytes.fromhex(row["place"])}
    if row["address"]:
        found["address"] = row["address"]
    if row["lat_e7"] is not None:
        found["point"] = [row["lat_e7"], row["lon_e7"]]
    if row["radius_m"]:
        found["radius"] = row["radius_m"]
    if corners := standing_corners(row["outline"], row["lat_e7"], row["lon_e7"]):
        found["outline"] = flat(corners)
    return found
