"""LOGS of a job and My day: reading time logs, adding, correcting and removing them.

Every correction is a new log that stands in for the old one, with a reason; the old one stays and
is shown struck through. Invariant: no handler here changes a log in place.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from core import date_words
from core.dispatch import day_acts
from core.dispatch.acts import Act, ActError
from core.dispatch.fields import LogKind
from core.dispatch.reasons import CORRECTION_REASONS, moved_reason, reason_words
from core.sentence import capital, say
from replica.history import HistoryRow
from replica.screens import local_time
from replica.screens.here import SCREENS, Here, form_of, goto, message_of
from replica.screens.job_page import card_of
from replica.screens.joblist import load_cards
from replica.screens.logs import (
    WORK_KINDS,
    Log,
    LogMistyped,
    TwiceThatNight,
    Typed,
    counted_seconds,
    find_log,
    logs_of_day,
    logs_of_job,
    read_typed,
)
from replica.screens.words import KIND_BY_WORD, value_words

_REASON_MISSING = say("Give the reason: choose one, or write it.")
_STATES = frozenset({"phase", "assigned", "withdrawn", "cancelled", "handed to"})


@dataclass(frozen=True, slots=True)
class Bar:
    """A log on the day's bar, in thousandths of its width."""

    left: int
    width: int
    kind: str


async def job_logs(request: web.Request) -> web.Response:
    """LOGS: the job's time logs and its changes of state."""
    screens = request.app[SCREENS]
    here, card = await card_of(request)
    logs = await logs_of_job(screens.device.reader, here.worker, card.job)
    history = await screens.device.reader.history(card.job)
    states = [row for row in reversed(history) if row.field in _STATES and not row.inert]
    return screens.page(
        here,
        "logs.html",
        title=say("LOGS"),
        back=f"/jobs/{card.job}",
        message=message_of(request),
        card=card,
        logs=logs,
        on_site=counted_seconds(logs, here.now_ms, ("on site",)),
        travel=counted_seconds(logs, here.now_ms, ("travel",)),
        breaks=counted_seconds(logs, here.now_ms, ("break",)),
        states=[_state_words(here, row) for row in states],
        unsent_logs=_unsent_days(here),
    )


def _unsent_days(here: Here) -> set[str]:
    """Streams with entries that no hub has confirmed."""
    return set(here.unsent_by_stream)


def _state_words(here: Here, row: HistoryRow) -> dict[str, Any]:
    words = {
        "assigned": say("Given to a worker"),
        "withdrawn": say("Taken back by the office"),
        "handed to": say("Handed on to a colleague"),
    }.get(row.field) or value_words(row.field, row.value)
    if row.field == "cancelled":
        words = say("No longer cancelled")
        if row.value:
            words = say("Cancelled: {reason}", reason=reason_words(row.value))
    who = {here.worker: say("by you"), "rule": say("by auto logging")}
    return {"at": row.at, "words": words, "who": who.get(row.actor, say("by the office"))}


async def my_day(request: web.Request) -> web.Response:
    """My day: duty, what was logged, what counts; any day by its date."""
    screens = request.app[SCREENS]
    here = await screens.here()
    try:
        day = local_time.read_day(request.query.get("day", here.today))
    except local_time.TimeMistyped:
        day = local_time.read_day(here.today)
    reader = screens.device.reader
    logs = await logs_of_day(reader, here.worker, day.isoformat())
    duties = await reader.rows(
        "SELECT start_at, stop_at FROM duty WHERE worker = ? AND day = ? ORDER BY start_at",
        (here.worker, day.isoformat()),
    )
    today = local_time.read_day(here.today)
    return screens.page(
        here,
        "day.html",
        title=say("My day"),
        message=message_of(request),
        day=day.isoformat(),
        day_words=capital(date_words.day_words(day, today)),
        before=(day - dt.timedelta(days=1)).isoformat(),
        after=(day + dt.timedelta(days=1)).isoformat() if day < today else "",
        logs=logs,
        duties=duties,
        bars=_bars(here, day, logs),
        work=counted_seconds(logs, here.now_ms, WORK_KINDS),
        on_site=counted_seconds(logs, here.now_ms, ("on site",)),
        travel=counted_seconds(logs, here.now_ms, ("travel",)),
        breaks=counted_seconds(logs, here.now_ms, ("break",)),
    )


def _bars(here: Here, day: dt.date, logs: list[Log]) -> list[Bar]:
    start = local_time.day_start_ms(day, here.zone)
    length = local_time.day_start_ms(day + dt.timedelta(days=1), here.zone) - start
    bars = []
    for log in logs:
        if log.superseded:
            continue
        left = (log.start_at - start) * 1000 // length
        right = ((log.stop_at or here.now_ms) - start) * 1000 // length
        if 0 <= left < 1000:
            bars.append(Bar(left, max(min(right, 1000) - left, 4), log.kind))
    return bars


# --- forms


async def _job_choices(request: web.Request, here: Here, job: str) -> list[tuple[str, str]]:
    """Jobs that a log can be for: the log's own, those in work, those of about now."""
    cards = await load_cards(request.app[SCREENS].device.reader, here.worker)
    own = [cards[job]] if job in cards else []
    others = sorted(
        (card for card in cards.values() if card.job != job),
        key=lambda card: abs((card.window_start or card.updated_at) - here.now_ms),
    )
    names = [(card.job, f"{card.number} {card.customer_name or card.title}") for card in own]
    return names + [
        (card.job, f"{card.number} {card.customer_name or card.title}") for card in others[:30]
    ]


async def _draw_form(
    request: web.Request, here: Here, log: Log | None, values: dict[str, str], error: str = "",
    twice: str = "",
) -> web.Response:  # fmt: skip
    back = values["back"]
    return request.app[SCREENS].page(
        here,
        "log_form.html",
        title=say("Correct this log") if log is not None else say("Add a log"),
        back=back,
        message=message_of(request),
        status=400 if error else 200,
        log=log,
        values=values,
        error=error,
        twice=twice,
        jobs=await _job_choices(request, here, values["job"]),
        kinds=list(KIND_BY_WORD),
        reasons=CORRECTION_REASONS,
    )


def _back(job: str, day: str) -> str:
    return f"/jobs/{job}/logs" if job else f"/day?day={day}"


async def add_form(request: web.Request) -> web.Response:
    """Ask for a new log: on a job, or on a day."""
    here = await request.app[SCREENS].here()
    job, day = request.query.get("job", ""), request.query.get("day", here.today)
    now = local_time.field_text(here.now_ms, here.zone)
    # The day that was looked at, at this hour: the worker sets the hours right.
    stop = now if day == here.today else f"{day}T{now[11:]}"
    start = local_time.field_text(here.now_ms - local_time.HOUR_MS, here.zone)
    start = start if day == here.today else f"{day}T{start[11:]}"
    values = {
        "job": job,
        "kind": "on site" if job else "other",
        "start": start,
        "stop": stop,
        "running": "",
        "reason": "",
        "back": _back(job, day),
    }
    return await _draw_form(request, here, None, values)


async def edit_form(request: web.Request) -> web.Response:
    """Ask how a log should read."""
    here, log = await _log_of(request)
    return await _draw_form(request, here, log, _values_of(request, here, log))


def _values_of(request: web.Request, here: Here, log: Log) -> dict[str, str]:
    stop_ms = log.stop_at if log.stop_at is not None else here.now_ms
    return {
        "job": log.job,
        "kind": log.kind,
        "start": local_time.field_text(log.start_at, here.zone),
        "stop": local_time.field_text(stop_ms, here.zone),
        "running": "yes" if log.running else "",
        "reason": "",
        "back": _back("" if request.query.get("from") == "day" else log.job, log.day),
    }


async def _log_of(request: web.Request) -> tuple[Here, Log]:
    screens = request.app[SCREENS]
    here = await screens.here()
    day, name = request.match_info["day"], request.match_info["log"]
    log = await find_log(screens.device.reader, here.worker, day, name)
    if log is None:
        raise web.HTTPNotFound
    return here, log


def _posted(form: dict[str, str], back: str) -> dict[str, str]:
    names = ("job", "kind", "start", "stop", "running", "reason")
    return {name: form.get(name, "") for name in names} | {"back": back}


def _job_id(text: str) -> bytes | None:
    try:
        job = bytes.fromhex(text)
    except ValueError:
        raise ActError(say("that job is not known here; choose one from the list")) from None
    if job and len(job) != 12:
        raise ActError(say("that job is not known here; choose one from the list"))
    return job or None


async def add(request: web.Request) -> web.Response:
    """Add a log by hand."""
    screens = request.app[SCREENS]
    here = await screens.here()
    form = await form_of(request)
    job = _job_id(form.get("job", ""))
    back = _back(form.get("job", ""), form.get("start", here.today)[:10])
    try:
        typed = read_typed(form, here.zone, here.now_ms, None)
    except LogMistyped as error:
        twice = error.name if isinstance(error, TwiceThatNight) else ""
        return await _draw_form(request, here, None, _posted(form, back), str(error), twice)
    worker = bytes.fromhex(here.worker)
    day = local_time.day_of(typed.start_ms, here.zone)
    fresh = screens.device.entropy(8)
    changes: Act = []
    if typed.stop_ms is None:
        for running in here.running:
            changes += day_acts.stop_log(worker, running.day, running.job, running.log)
    kind = KIND_BY_WORD[typed.kind]
    changes += day_acts.start_log(worker, day, job, fresh, kind, at_ms=typed.start_ms)
    if typed.stop_ms is not None:
        changes += day_acts.stop_log(worker, day, job, fresh, at_ms=typed.stop_ms)
    await screens.device.act(changes)
    return goto(back, screens.messages.say("Log added"))


async def correct(request: web.Request) -> web.Response:
    """Replace a log by a corrected one."""
    screens = request.app[SCREENS]
    here, log = await _log_of(request)
    form = await form_of(request)
    back = _back("" if request.query.get("from") == "day" else log.job, log.day)
    reason = form.get("reason", "").strip() or form.get("choice", "").strip()
    try:
        typed = read_typed(form, here.zone, here.now_ms, log)
        if not reason:
            raise LogMistyped(_REASON_MISSING)
        if typed.stop_ms is None and not log.running:
            raise LogMistyped(say("Only a running log can run on. Give its end."))
    except LogMistyped as error:
        twice = error.name if isinstance(error, TwiceThatNight) else ""
        return await _draw_form(request, here, log, _posted(form, back), str(error), twice)
    job = _job_id(form.get("job", ""))
    await screens.device.act(_correction(request, here, log, typed, job, reason))
    return goto(back, screens.messages.say("Log corrected. The old one stays visible"))


def _correction(
    request: web.Request, here: Here, log: Log, typed: Typed, job: bytes | None, reason: str
) -> Act:
    entropy = request.app[SCREENS].device.entropy
    worker = bytes.fromhex(here.worker)
    day = local_time.day_of(typed.start_ms, here.zone)
    kind: LogKind = KIND_BY_WORD[typed.kind]
    changes: Act = []
    old_job, old = _job_id(log.job), bytes.fromhex(log.log)
    if day != log.day:
        # A log belongs to the day it began, and a correction to the stream of its log. It is said
        # to stand for the old one, so that a correction made elsewhere meanwhile is its rival.
        changes += day_acts.remove_log(worker, log.day, old_job, old, moved_reason(day, reason))
        fresh = entropy(8)
        changes += day_acts.start_log(worker, day, job, fresh, kind, at_ms=typed.start_ms)
        if typed.stop_ms is not None:
            changes += day_acts.stop_log(worker, day, job, fresh, at_ms=typed.stop_ms)
        return changes + day_acts.replace_log(
            worker, day, old_job=old_job, old=old, new=fresh, job=job, reason=reason
        )
    stop_ms = here.now_ms if typed.stop_ms is None else typed.stop_ms
    changes += day_acts.correct_log(
        worker,
        day,
        old_job=old_job,
        old=old,
        new=entropy(8),
        job=job,
        kind=kind,
        start_ms=typed.start_ms,
        stop_ms=max(stop_ms, typed.start_ms),
        reason=reason,
    )
    if typed.stop_ms is None:
        # What was corrected ends here, and the time runs on in a log of its own.
        changes += day_acts.start_log(worker, here.today, job, entropy(8), kind)
    return changes


async def remove(request: web.Request) -> web.Response:
    """Take a log out of the count, with a reason."""
    screens = request.app[SCREENS]
    here, log = await _log_of(request)
    form = await form_of(request)
    back = _back("" if request.query.get("from") == "day" else log.job, log.day)
    reason = form.get("reason", "").strip() or form.get("choice", "").strip()
    if not reason:
        values = _values_of(request, here, log)
        return await _draw_form(request, here, log, values, _REASON_MISSING)
    worker = bytes.fromhex(here.worker)
    changes = day_acts.remove_log(worker, log.day, _job_id(log.job), bytes.fromhex(log.log), reason)
    await screens.device.act(changes)
    return goto(back, screens.messages.say("Log removed from the count. It stays visible"))


async def stop(request: web.Request) -> web.Response:
    """End a running log now."""
    screens = request.app[SCREENS]
    here, log = await _log_of(request)
    form = await form_of(request)
    back = "/day" if form.get("back") == "day" else _back(log.job, log.day)
    if not log.running:
        return goto(back, screens.messages.say("That log had ended already"))
    worker = bytes.fromhex(here.worker)
    await screens.device.act(
        day_acts.stop_log(worker, log.day, _job_id(log.job), bytes.fromhex(log.log))
    )
    words = say("Ended {clock}", clock=here.clock(here.now_ms))
    return goto(back, screens.messages.say(words))
