"""The form of a recurring job: what it shows, and how what comes back is read. `form_save` saves.

The form's inputs have texts under logical names (`repeats` is made of up to a dozen inputs, `hours`
of two), so that the question "did this person change it?" is a comparison of texts. Hours are of
the recurrence's own zone. Invariant: reading what was drawn gives what was drawn.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from zoneinfo import ZoneInfo

from core.dispatch import fields
from core.dispatch.outline_text import outline_text
from core.dispatch.recurrence import (
    DAY_MIN,
    HORIZON_DAYS,
    LAST_DAY,
    LAST_WEEK,
    WEEK_DAYS,
    Often,
    is_pattern,
    nth_weekday,
)
from core.dispatch.show import value_at
from core.log.registers import Registers
from core.sentence import say
from web import formats
from web.board.filters import is_stream_id
from web.board.job_form import LABEL_BY_INPUT as LABEL_OF_JOBS
from web.board.job_form import (
    ClashView,
    FormError,
    Option,
    values_of_job,
    values_of_place,
    window_inputs,
)
from web.board.reader import Rows
from web.board.rows import PRIORITY_WORDS
from web.formats import WEEKDAYS
from web.recurring.words import NTHS
from web.stale_form import clean, seal_shown

OFTEN: Final = {
    "daily": Often.DAILY,
    "weekly": Often.WEEKLY,
    "monthly": Often.MONTHLY,
    "weekday": Often.MONTHLY_BY_WEEKDAY,
}
LABEL_BY_INPUT: Final = {
    "title": LABEL_OF_JOBS["title"],
    "repeats": say("Repeats"),
    "hours": say("Hours"),
    "starts": say("First day"),
    "ends": say("Last day"),
    "zone": say("Time zone"),
    "horizon": say("Days ahead"),
    "worker": say("Worker"),
    # What each job of it begins with.
    **{name: words for name, words in LABEL_OF_JOBS.items() if name not in ("window", "checks")},
}
INPUT_BY_FIELD: Final = {
    **{name: name for name in LABEL_BY_INPUT if name not in ("contact_phone", "planned")},
    "contact phone": "contact_phone",
    "planned minutes": "planned",
}
FROM_PLACE: Final = ("place", "address", "point", "radius", "outline", "contact", "contact_phone")
_CODE_BY_INPUT: Final = {
    "title": fields.EACH_TITLE,
    "starts": fields.STARTS,
    "ends": fields.ENDS,
    "zone": fields.ZONE,
    "customer": fields.EACH_CUSTOMER,
    "place": fields.EACH_PLACE,
    "address": fields.EACH_ADDRESS,
    "radius": fields.EACH_RADIUS,
    "contact": fields.EACH_CONTACT,
    "contact_phone": fields.EACH_CONTACT_CALL,
    "worker": fields.EACH_WORKER,
    "planned": fields.EACH_PLANNED_MINUTES,
    "priority": fields.EACH_PRIORITY,
    "description": fields.EACH_DESCRIPTION,
}
NTHS_MAX: Final = 6 * WEEK_DAYS
"""All that there are: the first to fifth and the last of each weekday."""


@dataclass(frozen=True, slots=True)
class RepeatInputs:
    """The inputs that say how often: as texts, each as its input holds it.

    `nths` are pairs of a place in the month ('-1' for the last) and a weekday, of '' where empty.
    """

    often: str
    every: str
    weekdays: tuple[str, ...]
    month_days: str
    nths: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class RecurrenceFormPage:
    """What `recurrence_form.html` gets. `texts` are the inputs' texts by name."""

    recurrence: str
    number: str
    texts: Mapping[str, str]
    repeat: RepeatInputs
    hours: tuple[str, str]
    customer_text: str
    places: tuple[Option, ...]
    workers: tuple[Option, ...]
    priorities: tuple[Option, ...]
    skills: tuple[Option, ...]
    weekdays: tuple[Option, ...]
    nth_names: tuple[tuple[str, str], ...]
    weekday_names: tuple[tuple[str, str], ...]
    job: str
    job_words: str
    cancel_href: str
    back_words: str
    made: int
    basis: str
    shown: str
    error_by_input: Mapping[str, str] = field(default_factory=dict)
    clashes: tuple[ClashView, ...] = ()
    before: str = ""


def empty_texts(today: str, zone: ZoneInfo) -> dict[str, str]:
    """What the form of a new one shows: weekly, from today, in the site's zone."""
    return dict.fromkeys(LABEL_BY_INPUT, "") | {
        "repeats": "weekly 1 ",
        "starts": today,
        "zone": str(zone),
        "horizon": str(HORIZON_DAYS),
        "priority": "1",
    }


async def texts_from_job(
    reader: Rows, row: Any, zone: ZoneInfo, texts: Mapping[str, str]
) -> dict[str, str]:
    """The form filled with a job's values: weekly on its day, at its hours, from its day on."""
    values = await values_of_job(reader, row, zone)
    window = values.pop("window")
    taken = {name: text for name, text in values.items() if name in LABEL_BY_INPUT}
    filled = {**texts, **taken}
    if window:
        start_day, start, _, end = window_inputs(window)
        filled["starts"] = start_day
        weekday = formats.local_time(row["window_start"], zone).weekday()
        filled["repeats"] = f"weekly 1 {weekday}"
        whole_day = (start, end) == ("00:00", "23:59")
        longer = row["window_end"] - row["window_start"] > formats.DAY_MS
        filled["hours"] = "" if whole_day or longer else f"{start}-{end}"
    return filled


async def texts_from_customer(
    reader: Rows, customer: str, place: str, texts: Mapping[str, str]
) -> dict[str, str]:
    """The form filled with a customer's place (hex, else the first) and contact."""
    return {**texts, **await values_of_place(reader, customer, place)}


def texts_from_address(query: Any) -> dict[str, str]:
    """What an address says of the form's inputs, under their names."""
    texts = {name: clean(query.get(name)) for name in ("title", "point", "planned", "starts")}
    worker = clean(query.get("worker"))
    texts["worker"] = worker if is_stream_id(worker) else ""
    start, end = clean(query.get("hours_start")), clean(query.get("hours_end"))
    texts["hours"] = f"{start}-{end}" if start and end else ""
    if query.get("often"):
        with contextlib.suppress(FormError):
            texts["repeats"] = compose_repeats(repeat_sent(query))
    return {name: text for name, text in texts.items() if text}


# --- from registers to texts


def texts_of(registers: Registers) -> dict[str, str]:
    """What the form of a recurrence shows, as texts by input name."""

    def text(code: int) -> str:
        value = value_at(registers, (code,))
        return "" if value is None else value.hex() if isinstance(value, bytes) else str(value)

    texts = {name: text(code) for name, code in _CODE_BY_INPUT.items()}
    hours = value_at(registers, (fields.HOURS,))
    skills = value_at(registers, (fields.EACH_SKILLS,), ())
    return dict.fromkeys(LABEL_BY_INPUT, "") | texts | {
        "repeats": repeats_text(value_at(registers, (fields.REPEATS,), ())),
        "hours": "-".join(map(formats.minute_of_day_text, hours)) if hours else "",
        "zone": texts["zone"] or "UTC",
        "horizon": str(value_at(registers, (fields.HORIZON,), HORIZON_DAYS)),
        "priority": texts["priority"] or "1",
        "point": formats.point_words(*value_at(registers, (fields.EACH_POINT,), (None, None))),
        "outline": outline_text(value_at(registers, (fields.EACH_OUTLINE,), ())),
        "skills": ",".join(sorted(skill.hex() for skill in skills)),
    }  # fmt: skip


def repeats_text(repeats: Any) -> str:
    """`[often, interval, days]` as one text, `weekly 2 0,3`; '' for what can't be read here."""
    if len(repeats) != 3 or not is_pattern(*repeats):
        return ""
    (name,) = [name for name, often in OFTEN.items() if often == repeats[0]]
    return f"{name} {repeats[1]} {','.join(map(str, sorted(set(repeats[2]))))}"


def repeats_of(text: str) -> list[Any]:
    """The same back."""
    name, interval, days = text.split(" ")
    return [int(OFTEN[name]), int(interval), [int(day) for day in days.split(",") if day]]


def hours_of(text: str) -> list[int] | None:
    """Hours as minutes of the local day; an end that is not after the start is the next day's.

    Raises:
        FormError: they are no hours.
    """
    if not text:
        return None
    start_text, _, end_text = text.partition("-")
    if not start_text or not end_text:
        words = say(
            "Give both, from when and until when, or leave both empty for any time of the day."
        )
        raise FormError("hours", words)
    try:
        start, end = map(formats.parse_minute_of_day, (start_text, end_text))
    except ValueError as error:
        raise FormError("hours", str(error)) from error
    return [start, end if end > start else end + DAY_MIN]


# --- the inputs of a rule


def repeat_inputs(text: str) -> RepeatInputs:
    """The inputs that a rule's text is drawn as."""
    if not text:
        return RepeatInputs("", "1", (), "", (("", ""),))
    name, every, days = text.split(" ")
    numbers = [int(day) for day in days.split(",") if day]
    weekdays = tuple(map(str, numbers)) if name == "weekly" else ()
    month_days = ""
    if name == "monthly":
        in_order = sorted(numbers, key=lambda day: (day == LAST_DAY, day))
        month_days = ", ".join("last" if day == LAST_DAY else str(day) for day in in_order)
    nths: list[tuple[str, str]] = []
    if name == "weekday":
        for day in numbers:
            nth, weekday = divmod(day, WEEK_DAYS)
            nths.append((str(nth), str(weekday)))
    return RepeatInputs(name, every, weekdays, month_days, (*nths, ("", ""))[:NTHS_MAX])


def repeat_sent(form: Any) -> RepeatInputs:
    """The inputs as they came."""
    pairs = [
        (clean(form.get(f"nth_{index}")), clean(form.get(f"weekday_{index}")))
        for index in range(NTHS_MAX)
    ]
    given = [pair for pair in pairs if pair[0]]
    return RepeatInputs(
        clean(form.get("often")),
        clean(form.get("every")),
        tuple(clean(day) for day in form.getall("weekday", [])),
        clean(form.get("month_days")),
        (*given, ("", ""))[:NTHS_MAX],
    )


def compose_repeats(inputs: RepeatInputs) -> str:
    """The rule's text from its inputs.

    Raises:
        FormError: they say no rule; the words say what is missing.
    """
    if inputs.often not in OFTEN:
        raise FormError("repeats", say("Choose how often it repeats."))
    if not inputs.every.isdecimal() or not 1 <= int(inputs.every[:5]) <= 1_000:
        raise FormError("repeats", say("Give a whole number from 1 to 1,000 after “every”."))
    days: list[int] = []
    if inputs.often == "weekly":
        days = [int(day) for day in inputs.weekdays if day in ("0", "1", "2", "3", "4", "5", "6")]
        if not days:
            raise FormError("repeats", say("Tick at least one day of the week."))
    elif inputs.often == "monthly":
        days = _month_days(inputs.month_days)
    elif inputs.often == "weekday":
        days = [_nth(nth, weekday) for nth, weekday in inputs.nths if nth]
        if not days:
            raise FormError(
                "repeats", say("Choose which weekday of the month, such as the second.")
            )
    return f"{inputs.often} {int(inputs.every)} {','.join(map(str, sorted(set(days))))}"


def _month_days(text: str) -> list[int]:
    days = []
    for word in text.lower().replace(",", " ").split():
        digits = word.rstrip(".").removesuffix("st").removesuffix("nd").removesuffix("rd")
        digits = digits.removesuffix("th")
        if word == "last":
            days.append(LAST_DAY)
        elif digits.isascii() and digits.isdecimal() and 1 <= int(digits[:4]) <= 31:
            days.append(int(digits))
        else:
            words = say("“{word}” is no day of a month; write 1, 15 or last.", word=word)
            raise FormError("repeats", words)
    if not days:
        raise FormError("repeats", say("Give the days of the month, such as 1, 15 or last."))
    return days


def _nth(nth: str, weekday: str) -> int:
    if nth not in map(str, NTHS) or weekday not in ("0", "1", "2", "3", "4", "5", "6"):
        raise FormError("repeats", say("Choose both, which one of the month and which weekday."))
    return nth_weekday(int(nth), int(weekday))


# --- the form as it is drawn


async def draw_form(
    reader: Rows,
    recurrence: str,
    number: str,
    basis: str,
    texts: Mapping[str, str],
    shown: Mapping[str, str],
    *,
    repeat: RepeatInputs | None = None,
    hours: tuple[str, str] | None = None,
    customer_text: str | None = None,
    job: str = "",
    made: int = 0,
    cancel_href: str = "/recurring",
    errors: Mapping[str, str] | None = None,
    clashes: Iterable[ClashView] = (),
    before: str = "",
) -> RecurrenceFormPage:
    """A form with these texts in its inputs; `shown` is what it is compared with on return."""
    named = await reader.row("SELECT name FROM customer WHERE customer = ?", (texts["customer"],))
    places = await reader.rows(
        "SELECT place AS id, coalesce(nullif(name, ''), address) AS name FROM customer_place"
        " WHERE customer = ? AND (NOT archived OR place = ?) ORDER BY lower(name)",
        (texts["customer"], texts["place"]),
    )
    workers = await reader.rows(
        "SELECT worker AS id, name FROM worker WHERE NOT archived OR worker = ?"
        " ORDER BY lower(name)",
        (texts["worker"],),
    )
    skills = await reader.rows(
        "SELECT skill AS id, name FROM skill WHERE NOT archived ORDER BY lower(name)"
    )
    repeat = repeat or repeat_inputs(texts["repeats"])
    start, _, end = texts["hours"].partition("-")
    of_job = await reader.row("SELECT number FROM job WHERE job = ?", (job,))
    return RecurrenceFormPage(
        recurrence=recurrence,
        number=number,
        texts=texts,
        repeat=repeat,
        hours=hours or (start, end),
        customer_text=(named["name"] if named else "") if customer_text is None else customer_text,
        places=_options(places, [texts["place"]]),
        workers=_options(workers, [texts["worker"]]),
        priorities=tuple(
            Option(str(index), words, str(index) == texts["priority"])
            for index, words in enumerate(PRIORITY_WORDS)
        ),
        skills=_options(skills, texts["skills"].split(",")),
        weekdays=tuple(
            Option(str(index), words, str(index) in repeat.weekdays)
            for index, words in enumerate(WEEKDAYS)
        ),
        nth_names=tuple((str(nth), words) for nth, words in sorted(NTHS.items(), key=_place)),
        weekday_names=tuple((str(index), words) for index, words in enumerate(WEEKDAYS)),
        job=job,
        job_words=of_job["number"] if of_job is not None else "",
        cancel_href=cancel_href,
        made=made,
        back_words=(
            say("Recurring jobs") if cancel_href == "/recurring" else say("Back to the customer")
        ),
        basis=basis,
        shown=seal_shown(shown),
        error_by_input=errors or {},
        clashes=tuple(clashes),
        before=before,
    )


def _place(nth: tuple[int, str]) -> tuple[bool, int]:
    return nth[0] == LAST_WEEK, nth[0]


def _options(rows: Iterable[Any], chosen: Iterable[str]) -> tuple[Option, ...]:
    wanted = set(chosen)
    return tuple(Option(row["id"], row["name"], row["id"] in wanted) for row in rows)
