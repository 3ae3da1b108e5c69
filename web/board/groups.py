"""The table in groups: what its rows can be grouped by, the groups' heads, and where they stand.

A group is a first column of the order, so paging by keys goes on as it is; a closed group's rows
are left out of the pages, and its head stands where they would. Invariant: over all pages each
group's head stands once, before its rows, in the order of the groups.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final
from zoneinfo import ZoneInfo

from core.sentence import say
from web.board.days import first_day_words
from web.board.filters import Filter
from web.board.term import STATUSES

GROUPS_MAX: Final = 1_000
"""Heads that are counted; a site with more of one kind is better filtered first."""
_YEARS: Final = 5
"""Days further away than this may begin an hour off, in the order alone."""

# By what is grouped: the SQL of what the groups are ordered by, and of a group's id.
_BY: Final = {
    "worker": ("lower(coalesce(worker.name, ''))", "job.worker"),
    "team": ("lower(coalesce(team.name, ''))", "coalesce(worker.team, '')"),
    "status": (
        "CASE job.status"
        + "".join(f" WHEN '{status}' THEN '{place}'" for place, status in enumerate(STATUSES))
        + " END",
        "job.status",
    ),
    "customer": ("lower(coalesce(customer.name, ''))", "job.customer"),
}
_NAME: Final = {
    "worker": "coalesce(worker.name, '')",
    "team": "coalesce(team.name, '')",
    "customer": "coalesce(customer.name, '')",
}
_NOBODY: Final = {
    "worker": say("Nobody"),
    "team": say("No team"),
    "customer": say("No customer"),
    "day": say("No date"),
}


@dataclass(frozen=True, slots=True)
class Head:
    """A group's head: `id` as in the address, its words, its jobs and how many of them run late.

    `is_status`: its words are a status, which begins the line.
    """

    id: str
    words: str
    jobs: int
    late: int
    closed: bool
    href: str
    is_status: bool = False


def group_sql(by: str, now_ms: int, zone: ZoneInfo) -> tuple[str, str, str]:
    """The SQL of a group's order, its id, and its name."""
    if by == "day":
        day = _day_sql(now_ms, zone)
        return day, day, day
    order, identity = _BY[by]
    return order, identity, _NAME.get(by, identity)


def _day_sql(now_ms: int, zone: ZoneInfo) -> str:
    """The local day of a job's window as text, which sorts; one without comes last, as `none`."""
    at = "coalesce(job.window_start, job.window_end)"
    cases = []
    changes = list(_offset_changes(now_ms, zone))
    for until_ms, offset_s in changes[:-1]:
        cases.append(f"WHEN {at} < {until_ms} THEN {offset_s}")
    offset = f"CASE {' '.join(cases)} ELSE {changes[-1][1]} END" if cases else str(changes[0][1])
    local = f"date({at} / 1000 + {offset}, 'unixepoch')"
    return f"CASE WHEN {at} IS NULL THEN 'none' ELSE {local} END"


def _offset_changes(now_ms: int, zone: ZoneInfo) -> list[tuple[int, int]]:
    """The zone's offsets (s) round now, each with the time (ms) up to which it holds."""
    hour_s = 3_600
    first = now_ms // 1000 - _YEARS * 366 * 24 * hour_s
    last = now_ms // 1000 + _YEARS * 366 * 24 * hour_s

    def offset_at(at_s: int) -> int:
        found = dt.datetime.fromtimestamp(at_s, zone).utcoffset()
        return int(found.total_seconds()) if found is not None else 0

    changes = []
    at, step = first, 7 * 24 * hour_s
    while at < last:
        before, after = offset_at(at), offset_at(at + step)
        if before != after:
            low, high = at, at + step
            while high - low > 1:
                middle = (low + high) // 2
                low, high = (middle, high) if offset_at(middle) == before else (low, middle)
            changes.append((high * 1000, before))
        at += step
    return [*changes, (last * 1000, offset_at(last))]


def heads_of(wanted: Filter, groups: Sequence[Any], zone: ZoneInfo, now_ms: int) -> list[Head]:
    """The heads of all groups, in their order, from rows of `Question.groups`."""
    return [
        Head(
            id=row["group_id"] or "none",
            words=_words(wanted.group, row, zone, now_ms),
            jobs=row["jobs"],
            late=int(row["late"] or 0),
            closed=(row["group_id"] or "none") in wanted.closed,
            href=wanted.toggled(row["group_id"] or "none").url(),
            is_status=wanted.group == "status" and bool(row["group_id"]),
        )
        for row in groups
    ]


def heads_before(
    heads: Sequence[Head], groups: Sequence[str], after: str | None, *, is_last: bool
) -> tuple[list[tuple[Head, ...]], tuple[Head, ...]]:
    """Which heads stand before each row of a page, and which after its last one.

    `groups` are the rows' groups, `after` the group of the row before the page, None at the top;
    `is_last`: no page follows.
    """
    place = {head.id: number for number, head in enumerate(heads)}
    at = 0 if after is None else place.get(after, -1) + 1
    before = []
    for group in groups:
        until = place.get(group, at - 1) + 1
        before.append(tuple(heads[at:until]))
        at = max(at, until)
    return before, tuple(heads[at:]) if is_last else ()


def _words(by: str, row: Any, zone: ZoneInfo, now_ms: int) -> str:
    identity = row["group_id"] or "none"
    if identity == "none":
        return _NOBODY[by]
    if by == "status":
        return str(identity)
    if by == "day":
        day = dt.date.fromisoformat(identity)
        noon = dt.datetime.combine(day, dt.time(12), zone)
        return first_day_words(int(noon.timestamp() * 1000), zone, now_ms)
    return str(row["group_name"]) or say("Unknown")


def group_of_key(wanted: Filter, key: Sequence[Any] | None) -> str | None:
    """The group of a row by its key in the order; None where there is no row or no group."""
    return (str(key[1]) or "none") if wanted.group and key is not None else None
