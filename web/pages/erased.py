"""Erased: what the site has forgotten and what stays of it, and erasing something by its name.

For administrators. Invariant: nothing is erased that was not shown with all that goes with it and
then confirmed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from aiohttp import web

from core.dispatch.acts import ActError
from core.dispatch.fields import Kind
from core.dispatch.workday import day_of
from core.sentence import say, say_n
from hub.erasables import Erasable, find, of_stream, still_named
from hub.keys import ACCOUNT, HUB
from replica.replica import Replica
from web.formats import sentence
from web.frame import see_other
from web.pages.accounts import check_admin
from web.rendering import show

ROWS_SHOWN_MAX: Final = 200

_KINDS: Final[Mapping[int, str]] = {
    Kind.CUSTOMER: say("Customer"),
    Kind.WORKER: say("Worker"),
    Kind.JOB: say("Job"),
    Kind.DAY: say("Worker-day"),
    Kind.TRACK: say("Track"),
    Kind.RECURRENCE: say("Recurrence"),
}
_ALL: Final[Mapping[int, str]] = {
    Kind.JOB: say("All jobs"),
    Kind.DAY: say("All worker-days"),
    Kind.TRACK: say("All tracks"),
}
_ERASED: Final = """
    SELECT erased.what, erased.kind, erased.before_at, erased.at,
           account.name, erased.actor, max(erased_job.number) AS number,
           max(erased_job.status) AS status, max(erased_job.minutes) AS minutes
    FROM erased
    LEFT JOIN account ON account.account = erased.actor
    LEFT JOIN erased_job ON erased_job.job = erased.what
    GROUP BY erased.what ORDER BY erased.at DESC, erased.what LIMIT ?
"""


@dataclass(frozen=True, slots=True)
class ErasedRow:
    """Something that was erased: what it was, when it was made or is for, and what stays of it."""

    kind: str
    dated: str
    at_ms: int
    who: str
    stays: str


@dataclass(frozen=True, slots=True)
class ErasedPage:
    """What was erased, and what a search for something to erase has found."""

    rows: tuple[ErasedRow, ...]
    sought: str
    found: tuple[Erasable, ...]
    beside: tuple[str, ...]


async def erased_page(request: web.Request) -> web.StreamResponse:
    """GET /erased?find=NAME."""
    check_admin(request)
    hub, sought = request.app[HUB], request.query.get("find", "")[:200]
    found = await hub.writer.run(_found, hub.replica, sought) if sought else ()
    page = ErasedPage(
        rows=tuple(_row(row) for row in await hub.reader.rows(_ERASED, (ROWS_SHOWN_MAX,))),
        sought=sought,
        found=found,
        beside=tuple(still_named(hub.replica)),
    )
    return await show(request, "erased.html", page)


def _found(replica: Replica, sought: str) -> tuple[Erasable, ...]:
    return tuple(find(replica.store.db, sought))


def _row(row: Any) -> ErasedRow:
    kind = _KINDS.get(row["kind"], say("Other"))
    if row["before_at"] is None:
        dated = day_of(bytes.fromhex(row["what"]))
    else:
        before = datetime.fromtimestamp(row["before_at"] / 1000, UTC).date().isoformat()
        kind, dated = _ALL.get(row["kind"], say("Others")), say("before {day}", day=before)
    stays = ""
    if row["number"] is not None:
        stays = say_n(
            "{number}, {status}, {minutes} minute",
            "{number}, {status}, {minutes} minutes",
            row["minutes"],
            number=row["number"],
            status=say(row["status"]),
            minutes=f"{row['minutes']:,}",
        )
    return ErasedRow(kind, dated, row["at"], row["name"] or _unnamed(row["actor"]), stays)


def _unnamed(actor: str) -> str:
    """An actor without an account: a hub, which acts for nobody there, by its letter."""
    if len(actor) != 2:
        return actor
    return say("hub {letter}", letter=bytes.fromhex(actor).decode("ascii", "replace"))


async def erase_one(request: web.Request) -> web.StreamResponse:
    """POST /erased/{stream}: erase it, with `along` what was offered beside it."""
    check_admin(request)
    hub, stream = request.app[HUB], bytes.fromhex(request.match_info["stream"])
    along = (await request.post()).get("along") == "yes"
    chosen = await hub.writer.run(lambda: of_stream(hub.replica.store.db, stream))
    if chosen is None:
        raise see_other("/erased", say("That is not here any more."), "bad")
    try:
        await hub.erase(request[ACCOUNT], chosen.chosen(along=along))
    except ActError as refusal:
        raise see_other("/erased", sentence(str(refusal)), "bad") from refusal
    raise see_other("/erased", say("Erased. Phones forget it when they next meet this hub."))


def add_routes(app: web.Application) -> None:
    """Add this module's pages to `app`."""
    app.router.add_get("/erased", erased_page)
    app.router.add_post("/erased/{stream:[0-9a-f]{24}}", erase_one)
