"""What is done from a recurring job's page: leave a day out, take it up, end it, decide a conflict.

Each is one act, made from the frontier that the page showed. Invariant: what can't be done is told
on the page that it was asked from, and changes nothing.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from aiohttp import web

from core.dispatch.acts import Act, ActError, cancel_job
from core.dispatch.fields import RECURRENCE_NUMBER
from core.dispatch.job import field_conflicts
from core.dispatch.recurrence_acts import edit_recurrence
from core.dispatch.show import value_at
from core.log.errors import Malformed
from core.log.frontier import read_token
from core.sentence import say, say_n
from hub.hub import Hub
from hub.keys import ACCOUNT, HUB, Account
from web.formats import sentence
from web.frame import see_other
from web.recurring.one import show_one
from web.recurring.questions import jobs_of
from web.recurring.words import ENDED_WORDS
from web.stale_form import clean

NAME_BY_FIELD: Final = {
    **{name: name for name in ("repeats", "starts", "ends", "hours", "zone", "horizon")},
    **{name: name for name in ("title", "description", "customer", "place", "address", "point")},
    **{name: name for name in ("radius", "outline", "contact", "priority", "skills", "worker")},
    "contact phone": "contact_phone",
    "planned minutes": "planned_minutes",
}


@dataclass(frozen=True, slots=True)
class Asked:
    """What a person asks of a recurring job: who, at which hub, and the form."""

    hub: Hub
    account: Account
    stream: bytes
    basis: str
    form: Any

    @property
    def on_page(self) -> dict[bytes, str] | None:
        """The frontier that the page showed, as an act takes it."""
        return {self.stream: self.basis} if self.basis else None

    def day(self, name: str) -> date:
        """A day of the form. Raises ActError."""
        try:
            return date.fromisoformat(clean(self.form.get(name)))
        except ValueError as error:
            raise ActError(say("give the day, as in 2026-11-23")) from error


async def _leave_out(asked: Asked) -> str:
    day = asked.day("day")
    await asked.hub.leave_out(asked.account, asked.stream, day, asked.on_page)
    return say("{day} is left out; if its job was made, it is cancelled.", day=day.isoformat())


async def _take_up(asked: Asked) -> str:
    day = asked.day("day")
    await asked.hub.leave_out(asked.account, asked.stream, day, asked.on_page, left_out=False)
    return say("{day} is left out no more.", day=day.isoformat())


async def _end(asked: Asked) -> str:
    last = asked.day("ends")
    changes = edit_recurrence(asked.stream, {"ends": last})
    cancelled = 0
    if asked.form.get("cancel") == "1":
        for job in await _open_after(asked, last):
            changes += cancel_job(job, ENDED_WORDS)
            cancelled += 1
    await asked.hub.act(asked.account, changes, asked.on_page)
    if not cancelled:
        return say("Its last day is {last}.", last=last.isoformat())
    return say_n(
        "Its last day is {last}. {n} job after it is cancelled.",
        "Its last day is {last}. {n} jobs after it are cancelled.",
        cancelled,
        last=last.isoformat(),
    )


async def _open_after(asked: Asked, last: date) -> list[bytes]:
    """The jobs of later days that nobody has begun with."""
    registers = (await asked.hub.reader.state(asked.stream.hex())).registers
    number = value_at(registers, (RECURRENCE_NUMBER,), "")
    jobs = await jobs_of(asked.hub.reader, asked.stream, number)
    return [
        bytes.fromhex(row["job"]) for day, row in jobs if day > last and row["status"] == "open"
    ]


async def _decide(asked: Asked) -> str:
    registers = (await asked.hub.reader.state(asked.stream.hex())).registers
    wanted, choice = clean(asked.form.get("conflict")), clean(asked.form.get("choice"))
    found = [each for each in field_conflicts(registers) if each.key.hex() == wanted]
    if not found:
        raise ActError(
            say("that conflict is decided already, or its values have changed; look again")
        )
    (conflict,) = found
    values = [conflict.shown, *(value for value, _ in conflict.others)]
    if not choice.isdecimal() or len(choice) > 3 or int(choice) >= len(values):
        raise ActError(say("choose one of the values"))
    name = NAME_BY_FIELD.get(conflict.field)
    if name is None:
        raise ActError(
            say("that value can't be chosen here; begin a new recurring job in its place")
        )
    changes: Act = edit_recurrence(asked.stream, {name: values[int(choice)]})
    await asked.hub.act(asked.account, changes, asked.on_page)
    return say("Decided; every hub will know. Jobs that are made already stay as they are.")


DOINGS: Final[dict[str, Callable[[Asked], Awaitable[str]]]] = {
    "leave-out": _leave_out,
    "take-up": _take_up,
    "end": _end,
    "decide": _decide,
}


async def do(request: web.Request) -> web.StreamResponse:
    """POST /recurring/{recurrence}/{doing}: do it and show the page as it is then."""
    stream = request.match_info["recurrence"]
    form = await request.post()
    hub, basis = request.app[HUB], clean(form.get("basis"))
    row = await hub.reader.row("SELECT 1 FROM recurrence WHERE recurrence = ?", (stream,))
    if row is None:
        raise web.HTTPNotFound(
            text="There is no such recurring job on this hub.\nOpen the list of all."
        )
    asked = Asked(hub, request[ACCOUNT], bytes.fromhex(stream), basis, form)
    try:
        if basis:
            read_token(basis)
        words = await DOINGS[request.match_info["doing"]](asked)
    except (ActError, Malformed) as error:
        return await show_one(request, stream, error=sentence(str(error)), status=422)
    raise see_other(f"/recurring/{stream}", words)


def add_routes(app: web.Application) -> None:
    """Add this module's addresses to `app`."""
    app.router.add_post(
        f"/recurring/{{recurrence:[0-9a-f]{{8}}08[0-9a-f]{{14}}}}/{{doing:{'|'.join(DOINGS)}}}", do
    )
