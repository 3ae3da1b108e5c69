"""Who is absent when and who drives what on which day, as pages ask it.

The questions of the worker's page, the assign list, the exports and the reports; `roster_on` is all
that a plan of a day needs. Holds no writing. Invariant: a day's vehicle is that day's own, or else
the worker's of every day.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from core.dispatch.fields import AbsenceKind
from core.dispatch.roster import Absence, absence_on
from core.sentence import say
from web.board.reader import Rows
from web.formats import date_words, local_time


@dataclass(frozen=True, slots=True)
class RosterDay:
    """A worker on a local day: absent or not, and the vehicle's hex id and name, "" for none."""

    absence: Absence | None
    vehicle: str
    vehicle_name: str
    is_exception: bool


def absent_words(absence: Absence | None, today: str) -> str:
    """`on holiday until 3 Dec`; "" for nobody absent."""
    if absence is None:
        return ""
    day = date_words(absence.last, today)
    match absence.kind:
        case AbsenceKind.HOLIDAY:
            return say("on holiday until {day}", day=day)
        case AbsenceKind.SICK:
            return say("sick until {day}", day=day)
    return say("absent until {day}", day=day)


async def absences(reader: Rows, first: str, last: str) -> dict[str, list[Absence]]:
    """The absences by worker (hex) that cover any day from `first` to `last`."""
    found: dict[str, list[Absence]] = defaultdict(list)
    for row in await reader.rows(
        "SELECT worker, first, last, kind, note FROM absence WHERE first <= ? AND last >= ?",
        (last, first),
    ):
        found[row["worker"]].append(Absence(row["first"], row["last"], row["kind"], row["note"]))
    return found


async def vehicle_exceptions(reader: Rows, first: str, last: str) -> dict[tuple[str, str], str]:
    """Vehicles (hex, "" for none) by worker and local day, where a day has one of its own."""
    return {
        (row["worker"], row["day"]): row["vehicle"]
        for row in await reader.rows(
            "SELECT worker, day, vehicle FROM vehicle_day WHERE day BETWEEN ? AND ?", (first, last)
        )
    }


async def vehicle_names(reader: Rows) -> dict[str, str]:
    """All vehicles' names by hex id."""
    return {
        row["vehicle"]: row["name"]
        for row in await reader.rows("SELECT vehicle, name FROM vehicle")
    }


async def roster_on(reader: Rows, day: str, last: str = "") -> dict[str, RosterDay]:
    """Every worker by hex id on a local day; absent is who is on any day up to `last`."""
    away = await absences(reader, day, last or day)
    exceptions = await vehicle_exceptions(reader, day, day)
    names = await vehicle_names(reader)
    found = {}
    for row in await reader.rows("SELECT worker, vehicle FROM worker"):
        worker = row["worker"]
        vehicle = exceptions.get((worker, day), row["vehicle"])
        found[worker] = RosterDay(
            absence_on(away.get(worker, ()), day, last),
            vehicle,
            names.get(vehicle, ""),
            (worker, day) in exceptions,
        )
    return found


def days_of_job(row: Any, zone: ZoneInfo, now_ms: int) -> tuple[str, str]:
    """The local days that a job's window begins and ends on; today's for a job without one."""
    start, end = row["window_start"], row["window_end"]
    first = local_time(start if start is not None else now_ms, zone).date().isoformat()
    last = local_time(end, zone).date().isoformat() if end is not None else first
    return first, last


def days_absent(found: Iterable[Absence], first: str, last: str, days: Iterable[str]) -> int:
    """How many of these local days, all from `first` to `last`, somebody is absent on."""
    within = [each for each in found if each.first <= last and each.last >= first]
    return sum(absence_on(within, day) is not None for day in days)


def vehicle_of(
    exceptions: Mapping[tuple[str, str], str], worker: str, day: str, every_day: str
) -> str:
    """The vehicle (hex) of a worker on a day, from what `vehicle_exceptions` found."""
    return exceptions.get((worker, day), every_day)
