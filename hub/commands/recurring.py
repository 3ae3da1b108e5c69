"""The command `fieldlog recurring`: jobs that come again, on a hub that stands still.

Holds what is asked and printed, and how days and hours are typed. Invariant: nothing is kept that
the hub could not make jobs of.
"""

from __future__ import annotations

import argparse
import sqlite3
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any, Final

from core.dispatch.acts import SITE_STREAM
from core.dispatch.fields import SETTING
from core.dispatch.outline import flat, standing_corners
from core.dispatch.recurrence import (
    HORIZON_DAYS,
    LAST_DAY,
    LAST_WEEK,
    WEEK_DAYS,
    Often,
    nth_weekday,
)
from core.dispatch.recurrence_acts import edit_recurrence
from core.dispatch.show import value_at
from hub.commands.at_rest import hub_at_rest
from hub.recurring import add as begin
from hub.recurring import make_due, recurrence_of, skip, take_up
from replica.commandline import CommandError
from replica.replica import Replica

_WEEKDAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_NOBODY: Final = "nobody"
_NEVER: Final = "never"


def configure(parser: argparse.ArgumentParser) -> None:
    """Have jobs made again and again: on some days, by the wall time of a place."""
    parser.epilog = "The hub stands still meanwhile; it makes the jobs ahead of time as it runs."
    ways = parser.add_subparsers(title="what to do", metavar="list|add|change|skip", required=True)
    listing = ways.add_parser("list", help="show all recurring jobs")
    listing.set_defaults(run=show)
    adding = ways.add_parser("add", help="begin one")
    adding.set_defaults(run=add)
    changing = ways.add_parser("change", help="change what is made from now on, or end one")
    changing.set_defaults(run=change)
    skipping = ways.add_parser("skip", help="leave one day out")
    skipping.add_argument("day", type=_day, help="as in 2026-12-24")
    skipping.add_argument("--undo", action="store_true", help="leave it out no more")
    skipping.set_defaults(run=leave_out)
    for way in (changing, skipping):
        way.add_argument("--number", required=True, help="of the recurring job, as in A-12")
    for way in (adding, changing):
        _add_values(way)
    for way in (listing, adding, changing, skipping):
        way.add_argument("--data", type=Path, required=True, help="the hub's folder")


def _add_values(way: argparse.ArgumentParser) -> None:
    often = way.add_mutually_exclusive_group()
    often.add_argument("--daily", action="store_true", help="every day")
    often.add_argument("--weekly", metavar="DAYS", type=_weekdays, help="as in mon,thu")
    often.add_argument(
        "--monthly", metavar="DAYS", type=_month_days, help="as in 1,15 or last; 2-tue or last-fri"
    )
    way.add_argument("--every", type=int, metavar="N", help="every N days, weeks or months")
    way.add_argument("--from", dest="starts", type=_day, metavar="DAY", help="today if left out")
    way.add_argument("--until", type=_end, metavar="DAY", help=f"its last day, or '{_NEVER}'")
    way.add_argument("--hours", type=_hours, help="of each day: 08:00-10:00")
    way.add_argument("--zone", help="whose hours they are: Europe/Helsinki; else the site's")
    way.add_argument(
        "--ahead", type=int, metavar="DAYS", help=f"made so early; {HORIZON_DAYS} if left out"
    )
    way.add_argument("--title", help="of each job")
    way.add_argument("--description", help="instructions")
    way.add_argument("--minutes", type=int, help="how long it takes")
    way.add_argument("--priority", type=int, help="0 to 3")
    way.add_argument("--customer", metavar="NAME", help="with place and contact")
    way.add_argument("--place", metavar="NAME", help="of the customer's places this one")
    way.add_argument("--address", help="where there is no customer's place")
    way.add_argument("--skill", action="append", metavar="NAME", help="needed; may be repeated")
    way.add_argument("--worker", metavar="NAME", help=f"each job is assigned to, or '{_NOBODY}'")


def show(arguments: argparse.Namespace) -> int:
    """Print a line for each."""
    with hub_at_rest(arguments.data, "has recurring jobs") as replica:
        rows = replica.store.db.execute(
            "SELECT recurrence, number, title FROM recurrence ORDER BY number, recurrence"
        ).fetchall()
        for name, number, title in rows:
            print(f"{number or name}  {title}: {_when(replica, bytes.fromhex(name))}")
        if not rows:
            print("There are no recurring jobs; `fieldlog recurring add` begins one.")
    return 0


def add(arguments: argparse.Namespace) -> int:
    """Begin one, and make its first jobs."""
    with hub_at_rest(arguments.data, "has recurring jobs") as replica:
        values = _values(replica, arguments)
        if "repeats" not in values:
            raise CommandError("say how often: --daily, --weekly mon,thu or --monthly 1,last")
        values.setdefault("zone", _zone_of_site(replica))
        stream = begin(replica, values)
        made = make_due(replica)
        recurrence = recurrence_of(replica, stream)
        assert recurrence is not None
        print(f"Recurring job {recurrence.number}: {_when(replica, stream)}.")
        print(f"{made:,} {'job was' if made == 1 else 'jobs were'} made; the hub makes the next.")
    return 0


def change(arguments: argparse.Namespace) -> int:
    """Change what is made from now on."""
    with hub_at_rest(arguments.data, "has recurring jobs") as replica:
        stream = _named(replica, arguments.number)
        replica.write(edit_recurrence(stream, _values(replica, arguments, stream)))
        made = make_due(replica)
        print(f"Recurring job {arguments.number}: {_when(replica, stream)}.")
        print(f"What was made stays as it is; {made:,} more {'job' if made == 1 else 'jobs'} made.")
    return 0


def leave_out(arguments: argparse.Namespace) -> int:
    """Leave a day out, or take that back."""
    with hub_at_rest(arguments.data, "has recurring jobs") as replica:
        stream = _named(replica, arguments.number)
        if arguments.undo:
            take_up(replica, stream, arguments.day)
            make_due(replica)
            print(f"{arguments.day} is left out no more.")
        else:
            skip(replica, stream, arguments.day)
            print(f"{arguments.day} is left out; a job that was made for it is cancelled.")
    return 0


# --- what was typed


def _values(
    replica: Replica, arguments: argparse.Namespace, stream: bytes | None = None
) -> dict[str, object]:
    """The values that were given, by the names of `edit_recurrence`."""
    db = replica.store.db
    given: dict[str, object] = {
        "title": arguments.title,
        "description": arguments.description,
        "planned_minutes": arguments.minutes,
        "priority": arguments.priority,
        "address": arguments.address,
        "hours": arguments.hours,
        "horizon": arguments.ahead,
        "zone": arguments.zone,
        "starts": arguments.starts,
    }
    values = {name: value for name, value in given.items() if value is not None}
    repeats = _repeats(replica, arguments, stream)
    if repeats is not None:
        values["repeats"] = repeats
    if arguments.until is not None:
        values["ends"] = None if arguments.until == _NEVER else arguments.until
    if arguments.worker == _NOBODY:
        values["worker"] = None
    elif arguments.worker is not None:
        values["worker"] = _one(db, "worker", arguments.worker, "worker")
    if arguments.skill is not None:
        values["skills"] = [_one(db, "skill", name, "skill") for name in arguments.skill]
    if arguments.customer is not None:
        values = {**_of_customer(db, arguments.customer, arguments.place), **values}
    elif arguments.place is not None:
        raise CommandError("--place is one of a customer's; give --customer too")
    return values


def _repeats(
    replica: Replica, arguments: argparse.Namespace, stream: bytes | None
) -> list[Any] | None:
    interval = 1 if arguments.every is None else arguments.every
    if arguments.daily:
        return [int(Often.DAILY), interval, []]
    if arguments.weekly is not None:
        return [int(Often.WEEKLY), interval, arguments.weekly]
    if arguments.monthly is not None:
        often, days = arguments.monthly
        return [int(often), interval, days]
    if arguments.every is None:
        return None
    recurrence = None if stream is None else recurrence_of(replica, stream)
    if recurrence is None:
        raise CommandError("--every needs --daily, --weekly or --monthly beside it")
    return [int(recurrence.often), interval, sorted(recurrence.days)]


def _of_customer(db: sqlite3.Connection, name: str, place: str | None) -> dict[str, object]:
    """A customer, and of it the place and contact that a job has of its own."""
    customer = _one(db, "customer", name, "customer")
    values: dict[str, object] = {"customer": customer}
    places = db.execute(
        "SELECT place, name, address, lat_e7, lon_e7, radius_m, outline FROM customer_place "
        "WHERE customer = ? AND archived = 0 ORDER BY place",
        (customer.hex(),),
    ).fetchall()
    if place is not None:
        places = [row for row in places if row[1].casefold() == place.casefold()]
    if len(places) > 1 or (place is not None and not places):
        raise CommandError(f"say which place of {name} by --place and its name")
    for identity, _, address, lat_e7, lon_e7, radius_m, outline in places:
        values |= {"place": bytes.fromhex(identity), "address": address, "radius": radius_m}
        if lat_e7 is not None:
            values["point"] = [lat_e7, lon_e7]
        values["outline"] = flat(standing_corners(outline, lat_e7, lon_e7)) or None
    contact = db.execute(
        "SELECT name, phone FROM contact WHERE customer = ? AND archived = 0 ORDER BY contact",
        (customer.hex(),),
    ).fetchone()
    if contact is not None:
        values |= {"contact": contact[0], "contact_phone": contact[1]}
    return values


def _one(db: sqlite3.Connection, table: str, name: str, what: str) -> bytes:
    """The id of the one that is called so."""
    rows = db.execute(f"SELECT {table}, name FROM {table} WHERE archived = 0").fetchall()
    found = [each for each, called in rows if name.casefold() in (called.casefold(), each)]
    if len(found) == 1:
        return bytes.fromhex(found[0])
    if found:
        raise CommandError(f"several are called {name!r}; give an id: {', '.join(sorted(found))}")
    raise CommandError(f"there is no {what} called {name!r}; add it on the hub's pages first")


def _named(replica: Replica, number: str) -> bytes:
    rows = replica.store.db.execute("SELECT recurrence, number FROM recurrence").fetchall()
    found = [each for each, known in rows if number.casefold() in (known.casefold(), each)]
    if len(found) != 1:
        raise CommandError(
            f"there is no recurring job {number}; `fieldlog recurring list` shows them"
        )
    return bytes.fromhex(found[0])


def _zone_of_site(replica: Replica) -> str:
    zone = value_at(replica.state(SITE_STREAM).registers, (SETTING, "time_zone"))
    if not isinstance(zone, str):
        raise CommandError("the site has no time zone yet; give one: --zone Europe/Helsinki")
    return zone


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is no day; write it as 2026-12-24") from error


def _end(text: str) -> date | str:
    return _NEVER if text == _NEVER else _day(text)


def _weekdays(text: str) -> list[int]:
    names = [name.strip().lower()[:3] for name in text.split(",")]
    if not set(names) <= set(_WEEKDAYS):
        raise argparse.ArgumentTypeError(f"{text!r} are no weekdays; write them as mon,thu")
    return [_WEEKDAYS.index(name) for name in names]


def _month_days(text: str) -> tuple[Often, list[int]]:
    """Days of a month, or its weekdays by their place in it."""
    found = [day.strip().lower() for day in text.split(",")]
    if all(day == "last" or (day.isascii() and day.isdigit()) for day in found):
        return Often.MONTHLY, [LAST_DAY if day == "last" else int(day) for day in found]
    try:
        return Often.MONTHLY_BY_WEEKDAY, [_nth_weekday(day) for day in found]
    except ValueError as error:
        words = "are no days of a month; write 1,15,last, or by weekday 2-tue,last-fri"
        raise argparse.ArgumentTypeError(f"{text!r} {words}") from error


def _nth_weekday(text: str) -> int:
    nth, weekday = text.split("-")
    place = LAST_WEEK if nth == "last" else ("1", "2", "3", "4", "5").index(nth)
    return nth_weekday(place, _WEEKDAYS.index(weekday[:3]))


def _hours(text: str) -> list[int]:
    try:
        start, end = (_minute(part) for part in text.split("-"))
    except ValueError as error:
        raise argparse.ArgumentTypeError(
            f"{text!r} are no hours; write them as 08:00-10:00"
        ) from error
    # What ends before it begins ends on the day after.
    return [start, end if end >= start else end + 24 * 60]


def _minute(text: str) -> int:
    hour, minute = text.strip().split(":")
    if not (hour.isdigit() and minute.isdigit() and int(hour) <= 24 and int(minute) < 60):
        raise ValueError(text)
    return int(hour) * 60 + int(minute)


# --- in words


def _when(replica: Replica, stream: bytes) -> str:
    recurrence = recurrence_of(replica, stream)
    if recurrence is None:
        return "makes no jobs; part of it is missing"
    every = f"every {recurrence.interval} " if recurrence.interval > 1 else ""
    unit: Mapping[Often, tuple[str, str]] = {
        Often.DAILY: ("daily", "days"),
        Often.WEEKLY: ("weekly", "weeks"),
        Often.MONTHLY: ("monthly", "months"),
        Often.MONTHLY_BY_WEEKDAY: ("monthly", "months"),
    }
    words = f"{every}{unit[recurrence.often][1]}" if every else unit[recurrence.often][0]
    match recurrence.often:
        case Often.WEEKLY:
            words += f" on {', '.join(_WEEKDAYS[day] for day in sorted(recurrence.days))}"
        case Often.MONTHLY:
            days = sorted(recurrence.days - {LAST_DAY}) + (
                ["last"] if LAST_DAY in recurrence.days else []
            )
            words += f" on {', '.join(map(str, days))}"
        case Often.MONTHLY_BY_WEEKDAY:
            words += f" on {', '.join(map(_nth_words, sorted(recurrence.days)))}"
    if recurrence.hours is not None:
        words += f", {_clock(recurrence.hours[0])}-{_clock(recurrence.hours[1])}"
    words += f" ({recurrence.zone}), from {recurrence.starts}"
    if recurrence.ends is not None:
        words += f" until {recurrence.ends}"
    return words


def _nth_words(day: int) -> str:
    nth, weekday = divmod(day, WEEK_DAYS)
    return f"{'last' if nth == LAST_WEEK else nth + 1}-{_WEEKDAYS[weekday]}"


def _clock(minute: int) -> str:
    return f"{minute // 60 % 24:02}:{minute % 60:02}"
