"""What a tap on a job does: the phases a worker can go to, and the act with its time logs.

Pure functions over values: an act and, beside it, the act that takes it back. Invariant: after any
of these acts the worker has at most one open time log, and what was open was ended, not forgotten.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from core.dispatch import acts, day_acts, fields
from core.dispatch.acts import Act, Change
from core.dispatch.fields import LogKind, Phase, Source
from core.dispatch.reasons import UNDONE
from core.sentence import say
from replica.screens.words import KIND_BY_WORD, PHASE_BY_WORD


@dataclass(frozen=True, slots=True)
class Step:
    """A button: the phase it leads to, its words and icon, and what is said when it is done."""

    phase: Phase
    words: str
    icon: str
    done: str


ACCEPT = Step(Phase.ACCEPTED, say("Accept"), "accepted", say("Accepted"))
TRAVEL = Step(Phase.TRAVELLING, say("Start travel"), "travel", say("Travel started"))
ARRIVE = Step(Phase.ON_SITE, say("Arrived"), "site", say("Arrived"))
RESUME = Step(Phase.ON_SITE, say("Resume"), "site", say("Work resumed"))
FINISH = Step(Phase.FINISHED, say("Finish"), "done", say("Finished"))
PAUSE = Step(Phase.PAUSED, say("Pause"), "pause", say("Paused, break running"))

# The one primary action of each phase.
PRIMARY_BY_PHASE = {
    "assigned": ACCEPT,
    "received": ACCEPT,
    "opened": ACCEPT,
    "accepted": TRAVEL,
    "travelling": ARRIVE,
    "on site": FINISH,
    "paused": RESUME,
}

# Steps beside it that skip or interrupt.
SECONDARY_BY_PHASE = {
    "assigned": (),
    "received": (),
    "opened": (),
    "accepted": (ARRIVE,),
    "travelling": (PAUSE,),
    "on site": (PAUSE,),
    "paused": (FINISH,),
}

REJECTABLE = ("assigned", "received", "opened", "accepted", "travelling", "on site", "paused")

# Every state that a hand can set, in the order of a job's life.
BY_HAND = (
    (Phase.OPENED, say("To accept")),
    (Phase.ACCEPTED, say("Accepted")),
    (Phase.TRAVELLING, say("Travelling")),
    (Phase.ON_SITE, say("On site")),
    (Phase.PAUSED, say("Paused")),
    (Phase.FINISHED, say("Done")),
    (Phase.REJECTED, say("Rejected")),
)

DONE_WORDS = {
    Phase.OPENED: say("Set back to: to accept"),
    Phase.ACCEPTED: say("Accepted"),
    Phase.TRAVELLING: say("Travel started"),
    Phase.ON_SITE: say("On site"),
    Phase.PAUSED: say("Paused, break running"),
    Phase.FINISHED: say("Finished"),
    Phase.REJECTED: say("Rejected"),
}

_LOG_KIND_BY_PHASE = {
    Phase.TRAVELLING: LogKind.TRAVEL,
    Phase.ON_SITE: LogKind.ON_SITE,
    Phase.PAUSED: LogKind.BREAK,
}


@dataclass(frozen=True, slots=True)
class OpenLog:
    """A time log that runs; ids are bytes, `job` is None where it names none."""

    day: str
    log: bytes
    job: bytes | None
    kind: str
    source: str
    start_at: int


@dataclass(frozen=True, slots=True)
class Moved:
    """An act of a tap and the act that takes it back."""

    changes: Act
    undo: Act


@dataclass(frozen=True, slots=True)
class Turn:
    """Whose turn at which job, and how far it is."""

    job: bytes
    worker: bytes
    turn: bytes
    phase: str


def move(
    turn: Turn,
    phase: Phase,
    *,
    open_logs: Sequence[OpenLog],
    today: str,
    entropy: Callable[[int], bytes],
    reason: str = "",
) -> Moved:
    """Go to `phase`: travel, work and breaks are logged with it; what ran before is ended.

    Raises:
        ActError: a rejection without a reason, or a text that is too long.
    """
    changes = acts.set_phase(turn.job, turn.worker, turn.turn, phase, reason)
    before = PHASE_BY_WORD.get(turn.phase, Phase.OPENED)
    undo = acts.set_phase(turn.job, turn.worker, turn.turn, before, UNDONE)
    undo.append(Change(turn.job, (fields.REASON, turn.worker, turn.turn), None))
    undo = [change for change in undo if change.value != UNDONE]
    kind = _LOG_KIND_BY_PHASE.get(phase)
    running = None
    for log in open_logs:
        own = log.job == turn.job
        if kind is not None and own and KIND_BY_WORD.get(log.kind) is kind and running is None:
            # Auto logging, or an earlier tap, has begun the very log that this would.
            running = log
        elif kind is not None or own:
            changes += day_acts.stop_log(turn.worker, log.day, log.job, log.log)
            undo += resume_log(turn.worker, log)
    if kind is not None and running is None:
        fresh = entropy(8)
        changes += day_acts.start_log(turn.worker, today, turn.job, fresh, kind)
        undo += day_acts.remove_log(turn.worker, today, turn.job, fresh, UNDONE)
    return Moved(changes, undo)


def resume_log(worker: bytes, log: OpenLog) -> Act:
    """Let a log that was just ended run on as if it had not been."""
    path = (fields.LOG_STOP, log.job or b"", log.log)
    return [Change(acts.day_stream(worker, log.day), path, None)]


def end_automatic(worker: bytes, open_logs: Sequence[OpenLog], last_ms: int | None) -> Act:
    """End automatic logs at their last evidence, marked uncertain: auto logging was turned off."""
    changes: Act = []
    for log in open_logs:
        if log.source == Source.AUTO.name.lower():
            at_ms = max(log.start_at, last_ms) if last_ms is not None else log.start_at
            changes += day_acts.stop_log(
                worker, log.day, log.job, log.log, at_ms=at_ms, uncertain=True
            )
    return changes
