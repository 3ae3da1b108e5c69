"""The list of recurring jobs: each with its rule, its next days, its open jobs and its conflicts.

Asks and shows. Invariant: one that makes no jobs here says so, and why.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from aiohttp import web

from core.sentence import say
from hub.keys import HUB
from web.board.reader import Rows
from web.formats import folded, local_time, matches
from web.pages.search import WORDS_MAX
from web.recurring.questions import ROWS, next_days, open_counts, recurrence_in, zone_named
from web.recurring.words import date_words, hours_words, rule_words
from web.rendering import show

SHOWN_MAX: Final = 200
"""More than fits on ten screens; the search finds the rest."""
NEXT_SHOWN: Final = 3
LOOKED_AHEAD_DAYS: Final = 2 * 366
"""What comes later than that is told by the rule; a list looks no further."""


@dataclass(frozen=True, slots=True)
class RecurrenceRow:
    """One line of the list. `trouble` says why it makes no jobs, '' where it does."""

    recurrence: str
    number: str
    title: str
    customer: str
    rule: str
    hours: str
    zone: str
    next_days: tuple[str, ...]
    ends: str
    worker: str
    worker_gone: bool
    open_jobs: int
    conflicts: int
    trouble: str
    has_ended: bool


@dataclass(frozen=True, slots=True)
class RecurringPage:
    """The list: what was looked for, which tab (`which`), the rows that fit, how many of each."""

    text: str
    which: str
    rows: tuple[RecurrenceRow, ...]
    found: int
    running: int
    ended: int
    in_conflict: int
    zone_name: str


async def recurring_page(request: web.Request) -> web.StreamResponse:
    """GET /recurring?q=&which=: those that run (''), that have ended, or that are in conflict."""
    hub = request.app[HUB]
    now_ms = hub.clock.now_ms()
    counts = await open_counts(hub.reader)
    rows = [_row(row, counts, now_ms) for row in await hub.reader.rows(ROWS)]
    text = request.query.get("q", "").strip()[:200]
    which = request.query.get("which", "")
    chosen = [row for row in rows if _belongs(row, which)]
    words = folded(text).split()[:WORDS_MAX]
    found = [
        row
        for row in chosen
        if not words or matches(words, row.number, row.title, row.customer, row.worker)
    ]
    found.sort(key=lambda row: (not row.conflicts, folded(row.title), row.number))
    page = RecurringPage(
        text,
        which,
        tuple(found[:SHOWN_MAX]),
        len(found),
        sum(not row.has_ended for row in rows),
        sum(row.has_ended for row in rows),
        sum(row.conflicts > 0 for row in rows),
        await _zone_name(hub.reader),
    )
    return await show(request, "recurring.html", page)


async def recurring_of(reader: Rows, customer: str, now_ms: int) -> tuple[RecurrenceRow, ...]:
    """A customer's recurring jobs, those that run first; how many are open is not counted."""
    found = await reader.rows(f"{ROWS} WHERE recurrence.customer = ?", (customer,))
    rows = [_row(row, {}, now_ms) for row in found]
    return tuple(sorted(rows, key=lambda row: (row.has_ended, folded(row.title), row.number)))


def _belongs(row: RecurrenceRow, which: str) -> bool:
    if which == "conflicts":
        return row.conflicts > 0
    return row.has_ended == (which == "ended")


def _row(row: Any, counts: Mapping[str, int], now_ms: int) -> RecurrenceRow:
    recurrence, zone = recurrence_in(row), zone_named(row["zone"])
    ahead: tuple[str, ...] = ()
    trouble, has_ended, ends = "", False, ""
    if recurrence is None:
        trouble = say("Part of it is missing or can’t be read here: it makes no jobs.")
    elif zone is None:
        trouble = say(
            "This hub knows no time zone {zone}: it makes no jobs here.", zone=row["zone"]
        )
    else:
        today = local_time(now_ms, zone).date()
        days = next_days(recurrence, today, NEXT_SHOWN + len(recurrence.skipped), LOOKED_AHEAD_DAYS)
        kept = [day for day in days if day not in recurrence.skipped][:NEXT_SHOWN]
        ahead = tuple(date_words(day, today) for day in kept)
        has_ended = recurrence.ends is not None and recurrence.ends < today
        ends = date_words(recurrence.ends, today) if recurrence.ends is not None else ""
    return RecurrenceRow(
        recurrence=row["recurrence"],
        number=row["number"],
        title=row["title"],
        customer=row["customer_name"],
        rule=rule_words(json.loads(row["repeats"]) or ()),
        hours=hours_words(recurrence.hours if recurrence is not None else None),
        zone=row["zone"],
        next_days=ahead,
        ends=ends,
        worker=row["worker_name"],
        worker_gone=bool(row["worker_gone"]),
        open_jobs=counts.get(row["number"], 0) if row["number"] else 0,
        conflicts=row["conflicts"],
        trouble=trouble,
        has_ended=has_ended,
    )


async def _zone_name(reader: Any) -> str:
    row = await reader.row("SELECT value FROM setting WHERE name = 'time_zone'")
    value = json.loads(row["value"]) if row is not None else None
    return value if isinstance(value, str) else "UTC"


def add_routes(app: web.Application) -> None:
    """Add this module's pages to `app`."""
    app.router.add_get("/recurring", recurring_page)
