"""What a dispatcher does to a job from the pane: assign, take back, cancel, note, decide.

Each action is one act, made from the frontier that the pane showed. Where something that the action
depends on changed since, nothing is written and the person is told who did what. Holds no rules of
the field: what an act may do is `core.dispatch.acts`'s, what it becomes the fold's.
Invariant: no action is carried out on a job other than the one that the person saw.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from aiohttp import web
from multidict import MultiDictProxy

from core.dispatch import acts
from core.dispatch.acts import Act, ActError
from core.dispatch.fields import Phase
from core.dispatch.recurrence_acts import skip_day
from core.dispatch.roster import absence_on
from core.log.errors import Malformed
from core.sentence import listed, say
from hub.keys import ACCOUNT
from hub.past_acts import reference_of
from hub.recurring import SKIPPED_WORDS
from web import formats
from web.board.conflicts import conflict_of
from web.board.days import today
from web.board.decisions import decision
from web.board.files import file_named
from web.board.filters import is_stream_id
from web.board.phases import WORKING
from web.board.state import Moment, moment_of
from web.board.words import LABEL_BY_FIELD, load_names, state_words, value_words
from web.recurring.questions import DayOf, day_of_job
from web.roster import absences, absent_words, days_of_job
from web.stale_form import changed_since, clean

GONE: Final = frozenset({"withdrawn", "released", "rejected", "finished"})
STATES: Final = ("assigned", "withdrawn", "handed to", "phase", "cancelled", "override")
_PHASE_BY_WORDS: Final = {phase.name.lower().replace("_", " "): phase for phase in Phase}

Form = MultiDictProxy[Any]


class Overtaken(Exception):
    """Something that the action depends on changed since the page was drawn; `why` says what."""

    def __init__(self, why: str) -> None:
        super().__init__(say("Nothing was changed: {why}", why=why))
        self.why = why


@dataclass(frozen=True, slots=True)
class Case:
    """A job that something is done to: its row, its living assignments, and the form."""

    moment: Moment
    job: Any
    turns: tuple[Any, ...]
    form: Form

    @property
    def stream(self) -> bytes:
        """The job's stream id."""
        return bytes.fromhex(self.job["job"])

    def turn(self) -> Any:
        """The assignment that the form names."""
        for row in self.turns:
            if (row["worker"], row["turn"]) == (self.form.get("worker"), self.form.get("turn")):
                return row
        raise ActError(say("that assignment is not there any more; look at the job again"))

    def text(self, name: str) -> str:
        """A text of the form."""
        return clean(self.form.get(name))


@dataclass(frozen=True, slots=True)
class Done:
    """What an action writes and what to tell the person."""

    changes: Act
    words: str


async def _assign(case: Case) -> Done:
    # The button that says so names the worker under another name than the others'.
    despite = case.text("despite_absence")
    worker = case.text("worker") or despite
    row = await case.moment.hub.reader.row(
        "SELECT name FROM worker WHERE worker = ? AND NOT archived", (worker,)
    )
    if row is None:
        raise ActError(say("choose a worker from the list"))
    if case.job["status"] in ("done", "cancelled"):
        status = say(case.job["status"])
        raise ActError(say("the job is {status}; reopen it before you assign it", status=status))
    if any(turn["worker"] == worker for turn in case.turns):
        raise ActError(say("{name} has this job already", name=row["name"]))
    away = await absent_on_job(case.moment, case.job, worker)
    if away and despite != worker:
        raise ActError(
            say(
                "{name} is {away}, and the job is in that time; choose somebody else, or open "
                "{name} in the list of workers and assign it all the same",
                name=row["name"],
                away=away,
            )
        )
    changes: Act = []
    taken = []
    if case.form.get("keep_others") != "1":
        for turn in case.turns:
            reason = case.text("reason")
            if turn["phase"] in WORKING and not reason:
                raise ActError(say("the worker is at it already; say why it is taken away"))
            changes += acts.withdraw(
                case.stream, bytes.fromhex(turn["worker"]), bytes.fromhex(turn["turn"]), reason
            )
            taken.append(_name(turn))
    changes += acts.assign(case.stream, bytes.fromhex(worker), case.moment.hub.replica.entropy(8))
    number, name = case.job["number"], row["name"]
    if not taken:
        return Done(changes, say("{number} is assigned to {name}.", number=number, name=name))
    words = say(
        "{number} is assigned to {name}, no longer to {others}.",
        number=number,
        name=name,
        others=listed(taken),
    )
    return Done(changes, words)


def _name(turn: Any) -> str:
    return turn["name"] or say("a worker")


async def absent_on_job(moment: Moment, job: Any, worker: str) -> str:
    """`on holiday until 3 Dec`, where a worker (hex) is absent on a day of the job; else ""."""
    first, last = days_of_job(job, moment.zone, moment.now_ms)
    found = await absences(moment.hub.reader, first, last)
    absence = absence_on(found.get(worker, ()), first, last)
    return absent_words(absence, today(moment.now_ms, moment.zone))


async def _withdraw(case: Case) -> Done:
    turn = case.turn()
    reason = case.text("reason")
    if turn["phase"] in WORKING and not reason:
        raise ActError(say("the worker is at it already; say why it is taken away"))
    worker, turn_id = bytes.fromhex(turn["worker"]), bytes.fromhex(turn["turn"])
    changes = acts.withdraw(case.stream, worker, turn_id, reason)
    words = say("{number} is taken back from {name}.", number=case.job["number"], name=_name(turn))
    return Done(changes, words)


async def _set_phase(case: Case) -> Done:
    turn = case.turn()
    phase = _PHASE_BY_WORDS.get(case.text("phase"))
    if phase is None:
        raise ActError(say("choose a state from the list"))
    worker, turn_id = bytes.fromhex(turn["worker"]), bytes.fromhex(turn["turn"])
    changes = acts.set_phase(case.stream, worker, turn_id, phase, case.text("reason"))
    words = say(
        "{number}: {phase}, on {name}'s behalf.",
        number=case.job["number"],
        phase=say(case.text("phase")),
        name=_name(turn),
    )
    return Done(changes, words)


async def _cancel(case: Case) -> Done:
    if case.job["status"] in ("cancelled", "done"):
        raise ActError(say("the job is {status} already", status=say(case.job["status"])))
    changes = acts.cancel_job(case.stream, case.text("reason"))
    words = say("{number} is cancelled. Time that was logged stays.", number=case.job["number"])
    return Done(changes, words)


async def _reopen(case: Case) -> Done:
    status = case.job["status"]
    if status in ("open", "in progress"):
        raise ActError(say("the job is open already"))
    changes = acts.reopen_job(case.stream)
    if status == "cancelled":
        return Done(changes, say("{number} is open again.", number=case.job["number"]))
    reason = case.text("reason") or "reopened"
    for turn in case.turns:
        # A turn that has ended is over on its phone too: whoever goes on gets a new one.
        if turn["phase"] in ("finished", "rejected"):
            worker, turn_id = bytes.fromhex(turn["worker"]), bytes.fromhex(turn["turn"])
            changes += acts.withdraw(case.stream, worker, turn_id, reason)
    words = say("{number} is open again; assign it to whoever goes on.", number=case.job["number"])
    return Done(changes, words)


async def _finish(case: Case) -> Done:
    changes = acts.override_status(case.stream, "done", case.text("reason"))
    return Done(changes, say("{number} is set to done.", number=case.job["number"]))


async def _note(case: Case) -> Done:
    return Done(acts.add_note(case.stream, case.text("text")), say("The note is added."))


async def _tick(case: Case) -> Done:
    item = case.text("item")
    row = await case.moment.hub.reader.row(
        "SELECT text FROM check_item WHERE job = ? AND item = ?", (case.job["job"], item)
    )
    if row is None:
        raise ActError(say("that check item is not there any more"))
    ticked = case.text("ticked") == "1"
    words = say("“{item}” is ticked.", item=row["text"])
    if not ticked:
        words = say("“{item}” is not ticked any more.", item=row["text"])
    return Done(acts.set_tick(case.stream, int(item), ticked), words)


async def _remove_file(case: Case) -> Done:
    found = file_named(
        await case.moment.hub.reader.state(case.job["job"]), clean(case.form.get("file"))
    )
    if found is None:
        raise ActError(say("that file is not there any more; look at the job again"))
    words = say("“{file}” is removed from {number}.", file=found.shown, number=case.job["number"])
    return Done(acts.remove_file(case.stream, found.file), words)


async def _decide(case: Case) -> Done:
    state = await case.moment.hub.reader.state(case.job["job"])
    conflict = conflict_of(state, case.text("conflict"))
    if conflict is None:
        raise ActError(say("that conflict is decided already"))
    changes = decision(state, conflict, case.text("choice"))
    words = say("Decided for {number}; every phone and hub will know.", number=case.job["number"])
    return Done(changes, words)


@dataclass(frozen=True, slots=True)
class Carried:
    """What was carried out: words for the person, and the act, by which it is undone."""

    words: str
    act: str


async def _leave_out(case: Case) -> Done:
    found = await _day_of(case)
    if case.job["status"] not in ("open", "cancelled"):
        status = say(case.job["status"])
        raise ActError(
            say("the job is {status}; cancel it if that day is to be left out", status=status)
        )
    changes = skip_day(found.recurrence, found.day)
    if case.job["status"] == "open":
        changes += acts.cancel_job(case.stream, SKIPPED_WORDS)
    day = found.day.isoformat()
    return Done(changes, say("{day} is left out of {number}.", day=day, number=found.number))


async def _take_up(case: Case) -> Done:
    found = await _day_of(case)
    if not found.is_skipped:
        raise ActError(say("that day is not left out any more; look at the job again"))
    changes = skip_day(found.recurrence, found.day, skipped=False)
    if case.job["status"] == "cancelled" and case.job["reason"] == SKIPPED_WORDS:
        changes += acts.reopen_job(case.stream)
    day = found.day.isoformat()
    words = say("{day} is left out of {number} no more.", day=day, number=found.number)
    return Done(changes, words)


async def _day_of(case: Case) -> DayOf:
    job, number = case.job["job"], case.job["number"]
    found = await day_of_job(case.moment.hub.reader, job, number)
    if found is None:
        raise ActError(say("this job comes from no recurring job"))
    return found


Action = Callable[[Case], Awaitable[Done]]

# By name in the address: what it does, and whether it depends on the states that the pane showed.
ACTIONS: Final[dict[str, tuple[Action, bool]]] = {
    "assign": (_assign, True),
    "withdraw": (_withdraw, True),
    "phase": (_set_phase, True),
    "cancel": (_cancel, True),
    "reopen": (_reopen, True),
    "finish": (_finish, True),
    "note": (_note, False),
    "tick": (_tick, False),
    "remove-file": (_remove_file, False),
    "decide": (_decide, False),
    "leave-out": (_leave_out, True),
    "take-up": (_take_up, True),
}


async def carry_out(request: web.Request, job: str, name: str) -> Carried | None:
    """Do the action `name` to a job; None where there is no such job.

    Raises:
        ActError: it can't be done; the sentence says why.
        Overtaken: somebody changed the job's state meanwhile; nothing was written.
    """
    moment = await moment_of(request)
    form = await request.post()
    reader = moment.hub.reader
    row = await reader.row("SELECT * FROM job WHERE job = ?", (job,)) if is_stream_id(job) else None
    if row is None:
        return None
    turns = await reader.rows(
        "SELECT assignment.*, coalesce(worker.name, '') AS name FROM assignment"
        " LEFT JOIN worker USING (worker) WHERE job = ? ORDER BY assigned_at",
        (job,),
    )
    living = tuple(turn for turn in turns if turn["phase"] not in GONE)
    basis = clean(form.get("basis"))
    action, depends = ACTIONS[name]
    try:
        if depends and basis:
            await check_not_overtaken(moment, row, basis)
        named = tuple(turns) if name in ("phase", "reopen") else living
        done = await action(Case(moment, row, named, form))
    except Malformed as error:
        raise ActError(str(error)) from error
    stream = bytes.fromhex(job)
    of_page = {stream: basis} if basis else None
    written = await moment.hub.act(request[ACCOUNT], done.changes, of_page)
    return Carried(done.words, reference_of(written).text())


async def check_not_overtaken(
    moment: Moment, row: Any, basis: str, fields: Sequence[str] = STATES
) -> None:
    """Raise Overtaken where somebody changed one of the fields of a job's row since `basis`."""
    found = await changed_since(moment.hub.reader, row["job"], basis, fields)
    # That a phone fetched a job or showed it is no decision of anybody's.
    changes = [change for change in found if change.theirs not in ("received", "opened")]
    if not changes:
        return
    names = await load_names(moment.hub.reader, row["customer"])
    newest = max(changes, key=lambda change: change.at_ms)
    if newest.field in STATES:
        what = state_words(newest.field, newest.path, newest.theirs, names)
    else:
        value = value_words(newest.field, newest.theirs, names, moment.zone, moment.now_ms)
        what = listed([LABEL_BY_FIELD[newest.field], value], ": ")
    when = formats.moment_words(newest.at_ms, moment.zone, moment.now_ms)
    # Quotes and ends of lines that somebody typed are written out.
    bare = json.dumps(what, ensure_ascii=False)[1:-1]
    raise Overtaken(
        say(
            "since you opened this, {who} acted at {when} ({what}). Look at it and decide again.",
            who=newest.who,
            when=when,
            what=what if bare == what else bare,
        )
    )
