"""What a dispatcher does to many selected jobs at once: one act, and the truth for each row.

Every selected job comes with the frontier that its row was drawn from. A job that somebody changed
since in what the action depends on is left alone and named, as is one that the action makes no
sense for; the others are changed in one act over their streams. Holds no HTML and no rules of the
field. Invariant: a job is in exactly one of the two lists of the outcome, and what `act` names
changed the jobs of `done` and no others.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final
from zoneinfo import ZoneInfo

from aiohttp import web

from core.date_words import weekday_words
from core.dispatch import acts
from core.dispatch.acts import Act, ActError
from core.dispatch.roster import absence_on
from core.log.errors import Malformed
from core.sentence import say, say_n
from hub.keys import ACCOUNT
from hub.past_acts import reference_of
from web import formats
from web.board.actions import GONE, STATES, Case, Overtaken, check_not_overtaken
from web.board.days import today
from web.board.filters import is_stream_id
from web.board.job_form import FormError, compose_window, window_of
from web.board.phases import WORKING
from web.board.rows import PRIORITY_WORDS
from web.board.state import Moment, moment_of
from web.board.term import PRIORITIES, YEAR_MAX, YEAR_MIN, read_day
from web.roster import absences, absent_words, days_of_job
from web.stale_form import clean

PICKED_MAX: Final = 500
"""Jobs of one act: an entry each, all in one transaction of about a second."""
_CLOSED: Final = frozenset({"done", "cancelled"})


@dataclass(frozen=True, slots=True)
class Pick:
    """A selected job and the frontier that its row was drawn from."""

    job: str
    basis: str


@dataclass(frozen=True, slots=True)
class Left:
    """A job that was left as it is, and why, in a sentence."""

    job: str
    number: str
    title: str
    why: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of the selected jobs. `words` sum it up; `act` names what was written, or is ''.

    `done` are the ids of the jobs that were changed.
    """

    words: str
    done: tuple[str, ...]
    left: tuple[Left, ...]
    act: str


@dataclass(frozen=True, slots=True)
class Doing:
    """An action on many jobs: what it writes to one, what it depends on, and its words.

    `words` stand behind how many jobs, and end the sentence: `assigned to Ana.`
    """

    change: Callable[[Case], Act]
    depends: tuple[str, ...]
    words: str


Form = Any


def read_picks(form: Form) -> tuple[Pick, ...]:
    """The selection of a form: each `pick` is a job's id, a colon and its row's frontier.

    Raises:
        ActError: nothing or too much is selected.
    """
    found: dict[str, Pick] = {}
    for text in form.getall("pick", []):
        job, _, basis = clean(text).partition(":")
        if is_stream_id(job):
            found.setdefault(job, Pick(job, basis))
    if not found:
        raise ActError(say("no job is selected; select some rows first"))
    if len(found) > PICKED_MAX:
        raise ActError(
            say_n(
                "{n} job is selected; at most {most} can change at once",
                "{n} jobs are selected; at most {most} can change at once",
                len(found),
                most=PICKED_MAX,
            )
        )
    return tuple(found.values())


async def carry_out_all(request: web.Request, name: str) -> Outcome:
    """Do the action `name` (of `DOINGS`) to the jobs that the request's form selects.

    Raises:
        ActError: what the form asks for makes sense for no job, or nothing is selected.
    """
    moment, form = await moment_of(request), await request.post()
    picks = read_picks(form)
    doing = await DOINGS[name](moment, form)
    changes: Act = []
    basis: dict[bytes, str] = {}
    done, left = [], []
    rows, turns = await _jobs(moment, picks)
    for pick in picks:
        row = rows.get(pick.job)
        if row is None:
            left.append(Left(pick.job, "", "", say("It is not on this hub any more.")))
            continue
        case = Case(moment, row, tuple(turns.get(pick.job, ())), form)
        try:
            # Who looks at an older row than the hub's has to be told what came since.
            if doing.depends and pick.basis and pick.basis != row["frontier"]:
                await check_not_overtaken(moment, row, pick.basis, doing.depends)
            changes += doing.change(case)
        except (Overtaken, ActError, Malformed) as error:
            # That nothing was changed says the list in which it stands.
            why = error.why if isinstance(error, Overtaken) else str(error)
            left.append(Left(pick.job, row["number"], row["title"], formats.sentence(why)))
            continue
        if pick.basis:
            basis[case.stream] = pick.basis
        done.append(pick.job)
    written = await moment.hub.act(request[ACCOUNT], changes, basis) if changes else None
    words = _summary(doing, len(done), len(picks))
    act = reference_of(written).text() if written is not None else ""
    return Outcome(words, tuple(done), tuple(left), act)


def _summary(doing: Doing, done: int, of: int) -> str:
    if done == of:
        return say_n("{n} job {what}", "{n} jobs {what}", of, what=doing.words)
    if not done:
        return say_n("None of {n} job {what}", "None of {n} jobs {what}", of, what=doing.words)
    return say_n(
        "{done} of {n} job {what}", "{done} of {n} jobs {what}", of, done=done, what=doing.words
    )


async def _jobs(
    moment: Moment, picks: Sequence[Pick]
) -> tuple[dict[str, Any], dict[str, list[Any]]]:
    """The jobs' rows by id, and their living assignments."""
    reader = moment.hub.reader
    asked = [json.dumps([pick.job for pick in picks])]
    rows = await reader.rows(
        "SELECT job.* FROM json_each(?) AS wanted JOIN job ON job.job = wanted.value", asked
    )
    turns: dict[str, list[Any]] = {}
    for turn in await reader.rows(
        "SELECT assignment.*, coalesce(worker.name, '') AS name FROM json_each(?) AS wanted"
        " JOIN assignment ON assignment.job = wanted.value LEFT JOIN worker USING (worker)"
        " ORDER BY assigned_at",
        asked,
    ):
        if turn["phase"] not in GONE:
            turns.setdefault(turn["job"], []).append(turn)
    return {row["job"]: row for row in rows}, turns


# --- the actions


def _take_back(case: Case, turns: Sequence[Any], reason: str) -> Act:
    changes: Act = []
    for turn in turns:
        if turn["phase"] in WORKING and not reason:
            name = turn["name"] or say("a worker")
            raise ActError(say("{worker} is at it already; say why it is taken away", worker=name))
        worker, turn_id = bytes.fromhex(turn["worker"]), bytes.fromhex(turn["turn"])
        changes += acts.withdraw(case.stream, worker, turn_id, reason)
    return changes


async def _assign(moment: Moment, form: Form) -> Doing:
    worker = clean(form.get("worker"))
    row = await moment.hub.reader.row(
        "SELECT name FROM worker WHERE worker = ? AND NOT archived", (worker,)
    )
    if row is None:
        raise ActError(say("choose a worker from the list"))
    reason = clean(form.get("assign_reason"))
    away = await absences(moment.hub.reader, f"{YEAR_MIN}-01-01", f"{YEAR_MAX}-12-31")
    present = today(moment.now_ms, moment.zone)

    def change(case: Case) -> Act:
        if case.job["status"] in _CLOSED:
            status = say(case.job["status"])
            raise ActError(say("it is {status}; reopen it before you assign it", status=status))
        if any(turn["worker"] == worker for turn in case.turns):
            raise ActError(say("{worker} has it already", worker=row["name"]))
        days = days_of_job(case.job, moment.zone, moment.now_ms)
        if absent := absent_words(absence_on(away.get(worker, ()), *days), present):
            raise ActError(
                say(
                    "{worker} is {absent}; assign it by itself if that is meant",
                    worker=row["name"],
                    absent=absent,
                )
            )
        changes = _take_back(case, case.turns, reason)
        turn = moment.hub.replica.entropy(8)
        return [*changes, *acts.assign(case.stream, bytes.fromhex(worker), turn)]

    return Doing(change, STATES, say("assigned to {worker}.", worker=row["name"]))


async def _withdraw(moment: Moment, form: Form) -> Doing:
    reason = clean(form.get("withdraw_reason"))

    def change(case: Case) -> Act:
        if not case.turns:
            raise ActError(say("nobody has it who could be asked for it back"))
        return _take_back(case, case.turns, reason)

    return Doing(change, STATES, say("taken back."))


async def _priority(moment: Moment, form: Form) -> Doing:
    text = clean(form.get("priority"))
    if text not in map(str, range(len(PRIORITY_WORDS))):
        raise ActError(say("choose a priority from the list"))
    priority = int(text)
    words = say(PRIORITIES[priority])

    def change(case: Case) -> Act:
        if case.job["priority"] == priority:
            raise ActError(say("its priority is {priority} already", priority=words))
        return acts.edit_job(case.stream, {"priority": priority})

    return Doing(change, ("priority",), say("given {priority} priority.", priority=words))


async def _day(moment: Moment, form: Form) -> Doing:
    day = read_day(clean(form.get("to_day")))
    if day is None:
        raise ActError(say("choose the day to move to"))

    def change(case: Case) -> Act:
        if case.job["status"] in _CLOSED:
            status = say(case.job["status"])
            raise ActError(say("it is {status}; reopen it before you move it", status=status))
        start, end = case.job["window_start"], case.job["window_end"]
        if start is None or end is None:
            raise ActError(say("it has no window to move; give it one first"))
        window = moved_window(start, end, day, moment.zone)
        if window == (start, end):
            raise ActError(say("it is on that day already"))
        return acts.edit_job(case.stream, {"window": window})

    return Doing(change, ("window",), say("moved to {day}.", day=weekday_words(day)))


def moved_window(start_ms: int, end_ms: int, day: dt.date, zone: ZoneInfo) -> tuple[int, int]:
    """A window (ms UTC) put on another local day at the same hours of the clock."""
    first, last = formats.local_time(start_ms, zone), formats.local_time(end_ms, zone)
    days = day - first.date()

    def moved(at: dt.datetime) -> int:
        there = dt.datetime.combine(at.date() + days, at.time(), zone)
        return int(there.timestamp() * 1000)

    start = moved(first)
    return start, max(moved(last), start)


async def _window(moment: Moment, form: Form) -> Doing:
    try:
        text = compose_window(
            *(clean(form.get(f"window_{part}")) for part in ("day", "start", "end_day", "end"))
        )
        window = window_of(text, moment.zone)
    except FormError as error:
        raise ActError(str(error)) from error
    start, end = window or (None, None)

    def change(case: Case) -> Act:
        if (case.job["window_start"], case.job["window_end"]) == (start, end):
            raise ActError(say("that is its window already"))
        return acts.edit_job(case.stream, {"window": window})

    if window is None:
        return Doing(change, ("window",), say("left without a window."))
    words = formats.window_words(start, end, moment.zone, moment.now_ms)
    return Doing(change, ("window",), say("given the window {window}.", window=words))


async def _cancel(moment: Moment, form: Form) -> Doing:
    reason = acts.text_of(say("The reason"), clean(form.get("cancel_reason")), 200, needed=True)

    def change(case: Case) -> Act:
        if case.job["status"] in _CLOSED:
            raise ActError(say("it is {status} already", status=say(case.job["status"])))
        return acts.cancel_job(case.stream, reason or "")

    return Doing(change, STATES, say("cancelled."))


async def _note(moment: Moment, form: Form) -> Doing:
    text = acts.text_of(
        say("The note"), clean(form.get("note")), acts.TEXT_LETTERS_MAX, needed=True
    )
    return Doing(lambda case: acts.add_note(case.stream, text or ""), (), say("given the note."))


DOINGS: Final[dict[str, Callable[[Moment, Form], Awaitable[Doing]]]] = {
    "assign": _assign,
    "withdraw": _withdraw,
    "priority": _priority,
    "day": _day,
    "window": _window,
    "cancel": _cancel,
    "note": _note,
}
"""By name in the address: what prepares the action from the form."""
