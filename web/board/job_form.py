"""The form of a job: what it shows, and how what comes back is read. Saving is in `job_form_save`.

The form's inputs have texts under logical names (`window` is made of four inputs, `checks` of one
for each item), so that the question "did this person change it?" is a comparison of texts. Local
times are those of the site's zone. Invariant: reading what was drawn gives what was drawn.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from zoneinfo import ZoneInfo

from core.dispatch.acts import CHECK_ITEMS_MAX
from core.dispatch.outline_text import outline_text, read_outline
from core.sentence import marked, say
from web import formats
from web.board.days import today
from web.board.filters import Filter, Query, is_stream_id
from web.board.reader import Rows
from web.board.rows import PRIORITY_WORDS, window_text
from web.board.state import Moment
from web.board.term import YEAR_MAX, YEAR_MIN
from web.outlines import standing_text, text_of_row
from web.stale_form import clean, seal_shown

LABEL_BY_INPUT: Final = {
    "title": say("Title"),
    "customer": say("Customer"),
    "place": say("Place"),
    "address": say("Address"),
    "point": say("Position"),
    "radius": say("Radius"),
    "outline": say("Outline"),
    "contact": say("Contact"),
    "contact_phone": say("Contact's phone"),
    "window": say("Window"),
    "planned": say("Duration"),
    "priority": say("Priority"),
    "skills": say("Skills"),
    "description": say("Instructions"),
    "checks": say("Checklist"),
}
INPUT_BY_FIELD: Final = {
    "title": "title",
    "customer": "customer",
    "place": "place",
    "address": "address",
    "point": "point",
    "radius": "radius",
    "outline": "outline",
    "contact": "contact",
    "contact phone": "contact_phone",
    "window": "window",
    "planned minutes": "planned",
    "priority": "priority",
    "skills": "skills",
    "description": "description",
    "check item": "checks",
}
_DATES: Final = (
    marked("{day} January"),
    marked("{day} February"),
    marked("{day} March"),
    marked("{day} April"),
    marked("{day} May"),
    marked("{day} June"),
    marked("{day} July"),
    marked("{day} August"),
    marked("{day} September"),
    marked("{day} October"),
    marked("{day} November"),
    marked("{day} December"),
)


class FormError(ValueError):
    """An input that can't be read: its name, and what to do in words."""

    def __init__(self, name: str, words: str) -> None:
        super().__init__(words)
        self.input = name


@dataclass(frozen=True, slots=True)
class Option:
    """An entry of a list: its value, its words and whether it is chosen."""

    value: str
    words: str
    chosen: bool


@dataclass(frozen=True, slots=True)
class ClashView:
    """An input that two people changed: both values in words, whose the other is, and when."""

    name: str
    label: str
    mine: str
    theirs: str
    who: str
    at_ms: int


@dataclass(frozen=True, slots=True)
class JobForm:
    """What `board/form.html` gets. `values` are the inputs' texts by name.

    `workers` are whom a new job can be given to at once, `today` is the site's day.
    """

    job: str
    number: str
    action: str
    back: str
    close_href: str
    basis: str
    shown: str
    values: Mapping[str, str]
    customer_name: str
    window_inputs: tuple[str, str, str, str]
    checks: tuple[tuple[int, str], ...]
    places: tuple[Option, ...]
    priorities: tuple[Option, ...]
    skills: tuple[Option, ...]
    zone_name: str
    today: str
    error_by_input: Mapping[str, str] = field(default_factory=dict)
    clashes: tuple[ClashView, ...] = ()
    before: str = ""
    offer_customer: str = ""
    workers: tuple[Option, ...] = ()

    @property
    def is_new(self) -> bool:
        """Whether the job does not exist yet."""
        return not self.job


EMPTY: Final = dict.fromkeys(LABEL_BY_INPUT, "") | {"priority": "1", "checks": "[]"}


async def new_form(moment: Moment, wanted: Filter, query: Query) -> JobForm:
    """An empty form; the URL may give a customer, a position (`at`) and a day."""
    values = dict(EMPTY)
    customer = query.get("customer", "") or query.get("for", "")
    if is_stream_id(customer):
        values |= await values_of_place(moment.hub.reader, customer, "")
    if query.get("at", ""):
        try:
            lat_e7, lon_e7 = formats.parse_point(query.get("at", ""))
            values["point"] = formats.point_words(lat_e7, lon_e7)
        except ValueError:
            values["point"] = ""
    if wanted.day:
        values["window"] = f"{wanted.day}T/{wanted.day}T"
    return await draw_form(moment, wanted, "", "", values, EMPTY)


async def edit_form(moment: Moment, wanted: Filter, job: str) -> JobForm | None:
    """The form of a job as it is now; None where there is no such job."""
    row = await moment.hub.reader.row("SELECT * FROM job WHERE job = ?", (job,))
    if row is None:
        return None
    values = await values_of_job(moment.hub.reader, row, moment.zone)
    return await draw_form(moment, wanted, job, row["frontier"], values, values, row["number"])


async def draw_form(
    moment: Moment,
    wanted: Filter,
    job: str,
    basis: str,
    values: Mapping[str, str],
    shown: Mapping[str, str],
    number: str = "",
    *,
    errors: Mapping[str, str] | None = None,
    clashes: Iterable[ClashView] = (),
    before: str = "",
    offer_customer: str = "",
) -> JobForm:
    """A form with these texts in its inputs; `shown` is what it is compared with on return."""
    reader = moment.hub.reader
    customer = values["customer"]
    named = await reader.row("SELECT name FROM customer WHERE customer = ?", (customer,))
    places = await reader.rows(
        "SELECT place, name, address FROM customer_place WHERE customer = ?"
        " AND (NOT archived OR place = ?) ORDER BY lower(name)",
        (customer, values["place"]),
    )
    skills = await reader.rows("SELECT skill, name FROM skill WHERE NOT archived ORDER BY name")
    chosen = values["skills"].split(",")
    workers = (
        ()
        if job
        else await reader.rows(
            "SELECT worker, name FROM worker WHERE NOT archived ORDER BY lower(name), worker"
        )
    )
    more = {"job": job} if job else {}
    return JobForm(
        job=job,
        number=number,
        action=f"/board/job/{job}/edit" if job else "/board/new",
        back=wanted.query(),
        close_href=wanted.url(**more),
        basis=basis,
        shown=seal_shown(shown),
        values=values,
        customer_name=named["name"] if named else values.get("customer_text", ""),
        window_inputs=window_inputs(values["window"]),
        checks=tuple((item, text) for item, text in json.loads(values["checks"])),
        places=tuple(
            Option(row["place"], row["name"] or row["address"], row["place"] == values["place"])
            for row in places
        ),
        priorities=tuple(
            Option(str(index), words, str(index) == values["priority"])
            for index, words in enumerate(PRIORITY_WORDS)
        ),
        skills=tuple(Option(row["skill"], row["name"], row["skill"] in chosen) for row in skills),
        zone_name=str(moment.zone),
        today=today(moment.now_ms, moment.zone),
        error_by_input=errors or {},
        clashes=tuple(clashes),
        before=before,
        offer_customer=offer_customer,
        workers=tuple(
            Option(row["worker"], row["name"], row["worker"] == values.get("worker"))
            for row in workers
        ),
    )


# --- from rows to texts


async def values_of_job(reader: Rows, row: Any, zone: ZoneInfo) -> dict[str, str]:
    """What the form of this job shows, as texts by input name."""
    checks = await reader.rows(
        "SELECT item, text FROM check_item WHERE job = ? ORDER BY item", (row["job"],)
    )
    return {
        "title": row["title"],
        "customer": row["customer"],
        "place": row["place"],
        "address": row["address"],
        "point": formats.point_words(row["lat_e7"], row["lon_e7"]),
        "radius": str(row["radius_m"]),
        "outline": text_of_row(row),
        "contact": row["contact"],
        "contact_phone": row["contact_phone"],
        "window": window_text(row["window_start"], row["window_end"], zone),
        "planned": str(row["planned_minutes"] or ""),
        "priority": str(row["priority"]),
        "skills": ",".join(json.loads(row["skills"])),
        "description": row["description"],
        "checks": json.dumps([[check["item"], check["text"]] for check in checks]),
    }


async def values_of_place(reader: Rows, customer: str, place: str) -> dict[str, str]:
    """What a job takes over from a customer's place (the first, if none is given) and contact."""
    found = await reader.row(
        "SELECT * FROM customer_place WHERE customer = ?1 AND NOT archived"
        " AND (place = ?2 OR ?2 = '') ORDER BY lower(name), place LIMIT 1",
        (customer, place),
    )
    contact = await reader.row(
        "SELECT name, phone FROM contact WHERE customer = ? AND NOT archived"
        " ORDER BY lower(name), contact LIMIT 1",
        (customer,),
    )
    values = {"customer": customer}
    if found is not None:
        values |= {
            "place": found["place"],
            "address": found["address"],
            "point": formats.point_words(found["lat_e7"], found["lon_e7"]),
            "radius": str(found["radius_m"]),
            "outline": standing_text(found),
        }
    if contact is not None:
        values |= {"contact": contact["name"], "contact_phone": contact["phone"]}
    return values


# --- the window: four inputs, one text

NIGHT_MIN_MAX: Final = 12 * 60
"""An end before the start is the next morning; a longer night was rather a slip."""


def window_inputs(text: str) -> tuple[str, str, str, str]:
    """Day, time, day, time of a window's text."""
    first, _, last = text.partition("/")
    start_day, _, start = first.partition("T")
    end_day, _, end = last.partition("T")
    return start_day, start, end_day, end


def compose_window(start_day: str, start: str, end_day: str, end: str) -> str:
    """The window's text from its inputs: a day alone is the whole day; an earlier end the next day.

    Raises:
        FormError: a time without a day, or what is no day or time.
    """
    if not (start_day or start or end_day or end):
        return ""
    if not start_day:
        raise FormError("window", say("Give the day of the window, or leave all of it empty."))
    start = start or "00:00"
    try:
        first = dt.date.fromisoformat(start_day)
        last = dt.date.fromisoformat(end_day) if end_day else first
        start_at = formats.parse_minute_of_day(start)
        end_at = formats.parse_minute_of_day(end) if end else 24 * 60 - 1
    except ValueError as error:
        words = say("Write the day as 2026-11-23 and times as 14:30.")
        raise FormError("window", words) from error
    for day in (first, last):
        if not YEAR_MIN <= day.year <= YEAR_MAX:
            words = say("Give a day between {first} and {last}.", first=YEAR_MIN, last=YEAR_MAX)
            raise FormError("window", words)
    if not end_day and end and end_at < start_at:
        if 24 * 60 - start_at + end_at > NIGHT_MIN_MAX:
            words = say(
                "The window ends at {end}, before it starts at {start}. "
                "For one that long, give the day that it ends on.",
                end=end,
                start=start,
            )
            raise FormError("window", words)
        last = first + dt.timedelta(days=1)
    first_time = formats.minute_of_day_text(start_at)
    return f"{first}T{first_time}/{last}T{formats.minute_of_day_text(end_at)}"


def window_of(text: str, zone: ZoneInfo) -> tuple[int, int] | None:
    """A window's text as ms UTC.

    Raises:
        FormError: a time that the clocks leave out on that day, or an end before the start.
    """
    if not text:
        return None
    first, _, last = text.partition("/")
    start, end = (_instant(part, zone) for part in (first, last))
    if end < start:
        words = say("The window ends before it starts; put the end after the start.")
        raise FormError("window", words)
    return start, end


def _instant(text: str, zone: ZoneInfo) -> int:
    local = dt.datetime.fromisoformat(text).replace(tzinfo=zone)
    instant = local.astimezone(dt.UTC)
    if instant.astimezone(zone).replace(tzinfo=None) != local.replace(tzinfo=None):
        words = say(
            "{time} does not exist on {date}: the clocks go forward then.",
            time=local.strftime("%H:%M"),
            date=say(_DATES[local.month - 1], day=local.day),
        )
        raise FormError("window", words)
    return int(instant.timestamp() * 1000)


# --- from what was posted to texts


def read_given(form: Any) -> dict[str, str]:
    """The texts of a posted form by logical name.

    Raises:
        FormError: the window's inputs make none, a position or an outline can't be read, or there
            are too many check items.
    """
    given = {name: clean(form.get(name)) for name in LABEL_BY_INPUT}
    given["skills"] = _read_skills(form)
    given["window"] = compose_window(*_window_parts(form))
    given["checks"] = json.dumps(_read_checks(form))
    if given["point"]:
        try:
            given["point"] = formats.point_words(*formats.parse_point(given["point"]))
        except ValueError as error:
            raise FormError("point", str(error)) from error
    try:
        # As the form draws it, so that the same outline pasted anew is no change.
        given["outline"] = outline_text(read_outline(given["outline"]))
    except ValueError as error:
        raise FormError("outline", str(error)) from error
    return given


def typed_parts(form: Any) -> dict[str, str]:
    """What was typed where several inputs make a text, for a form that comes back.

    The window need not be one. A checklist that is too long is left as it was.
    """
    start_day, start, end_day, end = _window_parts(form)
    window = f"{start_day}T{start}/{end_day}T{end}"
    typed = {"window": "" if window == "T/T" else window, "skills": _read_skills(form)}
    try:
        typed["checks"] = json.dumps(_read_checks(form))
    except FormError:
        return typed
    return typed


def _window_parts(form: Any) -> list[str]:
    return [clean(form.get(f"window_{part}")) for part in ("day", "start", "end_day", "end")]


def _read_skills(form: Any) -> str:
    return ",".join(sorted(clean(skill) for skill in form.getall("skills", [])))


def _read_checks(form: Any) -> list[list[Any]]:
    """Check items by number: those that were there under their own, new lines behind them."""
    old = {}
    for name, text in form.items():
        number = name.removeprefix("check_")
        if name.startswith("check_") and number.isdigit() and isinstance(text, str):
            old[int(number)] = clean(text)
    new = [clean(line) for line in clean(form.get("check_new")).split("\n")]
    start = max(old, default=-1) + 1
    rows: list[list[Any]] = [[number, old[number]] for number in sorted(old)]
    rows += [[start + index, line] for index, line in enumerate(filter(None, new))]
    if rows and rows[-1][0] >= CHECK_ITEMS_MAX:
        words = say("A checklist has at most {most} items.", most=CHECK_ITEMS_MAX)
        raise FormError("checks", words)
    return rows


def whole_number(name: str, text: str) -> int | None:
    """What an input holds as a whole number; None where it is empty.

    Raises:
        FormError: it is none, or has more than six digits.
    """
    if not text:
        return None
    if not text.isdecimal() or len(text) > 6:
        raise FormError(name, say("Write a whole number."))
    return int(text)
