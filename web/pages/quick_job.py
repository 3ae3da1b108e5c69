"""A job for a customer in at most three fields, on the customer's page: what, when, whom.

Place, address, position, radius and contact come from the customer, as in the job's form. Whoever
is absent on the day is asked about first. Invariant: the job and its assignment are one act.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from aiohttp import web

from core.dispatch.acts import ActError, assign, create_job, new_stream_id
from core.dispatch.fields import Kind
from core.dispatch.outline_text import read_outline
from core.dispatch.roster import absence_on
from core.sentence import say
from hub.keys import ACCOUNT, HUB
from web.board.days import today
from web.board.job_form import FormError, compose_window, values_of_place, window_of
from web.formats import date_words, parse_point, sentence
from web.frame import see_other, settings_of, zone_of
from web.roster import absences, absent_words
from web.stale_form import clean

TITLES_OFFERED: Final = 12


@dataclass(frozen=True, slots=True)
class WorkerChoice:
    """A worker who can be chosen; `away` says until when, where absent today."""

    worker: str
    name: str
    away: str


@dataclass(frozen=True, slots=True)
class QuickJob:
    """The three fields as they are, what can be chosen, and what is wrong or asked."""

    title: str
    day: str
    worker: str
    where: str
    titles: tuple[str, ...]
    workers: tuple[WorkerChoice, ...]
    error: str = ""
    question: str = ""


async def quick_job(
    request: web.Request, customer: str, given: Mapping[str, str], error: str, question: str
) -> QuickJob:
    """The form for a customer, with what was typed already."""
    hub = request.app[HUB]
    present = today(hub.clock.now_ms(), zone_of(await settings_of(request)))
    # Absent on the day that was chosen; today's until one is.
    day = given.get("day") or present
    away = await absences(hub.reader, day, day)
    rows = await hub.reader.rows(
        "SELECT worker, name FROM worker WHERE NOT archived ORDER BY lower(name), worker"
    )
    place = await values_of_place(hub.reader, customer, "")
    titles = await hub.reader.rows(
        "SELECT title FROM job WHERE customer = ? GROUP BY title"
        " ORDER BY count(*) DESC, max(updated_at) DESC LIMIT ?",
        (customer, TITLES_OFFERED),
    )
    return QuickJob(
        title=given.get("title", ""),
        day=given.get("day", ""),
        worker=given.get("worker", ""),
        where=" · ".join(filter(None, (place.get("address"), place.get("contact")))),
        titles=tuple(row["title"] for row in titles),
        workers=tuple(
            WorkerChoice(
                row["worker"],
                row["name"],
                absent_words(absence_on(away.get(row["worker"], ()), day), present),
            )
            for row in rows
        ),
        error=error,
        question=question,
    )


class Asked(Exception):
    """The worker is absent on the day; the sentence asks whether it is meant."""


async def make_job(
    request: web.Request, customer: str, form: Mapping[str, Any]
) -> web.HTTPSeeOther:
    """Make the job that a posted form asks for; returns where to go on.

    Raises:
        ActError: what was given makes no job; the sentence says why.
        Asked: the worker is absent on that day, and nobody has said that it is meant.
    """
    hub = request.app[HUB]
    given = {name: clean(form.get(name)) for name in ("title", "day", "worker")}
    zone, now_ms = zone_of(await settings_of(request)), hub.clock.now_ms()
    try:
        window = window_of(compose_window(given["day"], "", "", ""), zone)
    except FormError as wrong:
        raise ActError(*wrong.args) from wrong
    place = await values_of_place(hub.reader, customer, "")
    values: dict[str, object] = {
        "title": given["title"],
        "customer": bytes.fromhex(customer),
        "place": bytes.fromhex(place.get("place", "")) or None,
        "address": place.get("address") or None,
        "point": parse_point(place["point"]) if place.get("point") else None,
        "radius": int(place["radius"]) if place.get("radius") else None,
        "outline": read_outline(place.get("outline", "")) or None,
        "contact": place.get("contact") or None,
        "contact_phone": place.get("contact_phone") or None,
        "window": window,
    }
    job = new_stream_id(Kind.JOB, now_ms, hub.replica.entropy(7))
    act = create_job(job, values)
    words = say("The job is made.")
    if given["worker"]:
        present = today(now_ms, zone)
        name = await _checked(request, given, clean(form.get("despite_absence")), present)
        act += assign(job, bytes.fromhex(given["worker"]), hub.replica.entropy(8))
        words = say("The job is made and assigned to {worker}.", worker=name)
    await hub.act(request[ACCOUNT], act)
    return see_other(f"/?view=all&job={job.hex()}", words)


async def _checked(
    request: web.Request, given: Mapping[str, str], despite: str, present: str
) -> str:
    """The name of the worker who was chosen, where nothing has to be asked first."""
    reader, worker = request.app[HUB].reader, given["worker"]
    row = await reader.row("SELECT name FROM worker WHERE worker = ? AND NOT archived", (worker,))
    if row is None:
        raise ActError(say("choose a worker from the list"))
    day = given["day"] or present
    absence = absence_on((await absences(reader, day, day)).get(worker, ()), day)
    if absence is not None and despite != worker:
        name, until = row["name"], absent_words(absence, present)
        if given["day"]:
            asked = say(
                "{worker} is {until}; the job is on {day}. Choose somebody else or another day, "
                "or assign it all the same.",
                worker=name, until=until, day=date_words(day, present),
            )  # fmt: skip
        else:
            asked = say(
                "{worker} is {until}; the job is today. Choose somebody else or another day, or "
                "assign it all the same.",
                worker=name, until=until,
            )  # fmt: skip
        raise Asked(asked)
    return str(row["name"])


def refusal_words(error: Exception) -> tuple[str, str]:
    """What to show of a job that was not made: the error and the question, one of them empty."""
    words = str(error)
    return ("", words) if isinstance(error, Asked) else (sentence(words), "")
