"""What a decision of a conflict writes: one act that clears it on every replica.

A field's conflict clears by writing the chosen value, having seen both; the others clear by a
decision record, with a withdrawal or a reopening where the choice asks for one. Pure: a state and
a choice give an act. Invariant: what was not chosen stays in the history.
"""

from __future__ import annotations

from typing import Any, Final

from core.dispatch import acts, fields
from core.dispatch.acts import Act, ActError, Change
from core.dispatch.job import Conflict, fold_job
from core.dispatch.overruled import KEPT, WITHDRAWN
from core.log.stream import StreamState
from core.sentence import say

BOTH: Final = "both"

# How two texts become one, and how long it may get; other texts exclude each other.
_JOINED: Final = {
    fields.TITLE: (" / ", acts.NAME_LETTERS_MAX),
    fields.ADDRESS: (" / ", acts.NAME_LETTERS_MAX),
    fields.DESCRIPTION: ("\n", acts.TEXT_LETTERS_MAX),
    fields.CUSTOMER_NOTE: ("\n", acts.TEXT_LETTERS_MAX),
    fields.WORKER_NOTE: ("\n", acts.TEXT_LETTERS_MAX),
    fields.PLACE_ADDRESS: (" / ", acts.NAME_LETTERS_MAX),
    fields.EACH_TITLE: (" / ", acts.NAME_LETTERS_MAX),
    fields.EACH_DESCRIPTION: ("\n", acts.TEXT_LETTERS_MAX),
}
_UNITED: Final = frozenset({fields.NEEDED_SKILLS, fields.WORKER_SKILLS, fields.EACH_SKILLS})


def both_words(conflict: Conflict) -> str:
    """What keeping both is called, '' where it makes no sense."""
    if conflict.kind == "double assignment":
        return say("Both work on it")
    code = conflict.path[0] if conflict.path else None
    values = _values(conflict)
    if code in _JOINED and all(isinstance(value, str) for value in values):
        return say("Keep both, one after the other")
    if code in _UNITED and all(isinstance(value, list) for value in values):
        return say("Keep all of them")
    return ""


def decision(state: StreamState, conflict: Conflict, choice: str) -> Act:
    """The changes that decide `conflict` by `choice`: a side's number, 0 the one shown, or 'both'.

    Raises:
        ActError: there is no such choice, or both together are too long.
    """
    stream, values = state.stream, _values(conflict)
    if choice == BOTH:
        return _both(stream, conflict, values)
    if choice not in map(str, range(len(values))):
        raise ActError(say("choose one of the values"))
    number = int(choice)
    match conflict.kind:
        case "field":
            return _field(stream, conflict, values[number])
        case "double assignment":
            return _keep_one(state, conflict, values, number)
        case "worked after cancel" if number > 0:
            counts = acts.decide(stream, conflict.key, "the work counts")
            return [*acts.reopen_job(stream), *counts]
        case "worked after withdrawal" if number > 0:
            gone = _withdraw(state, values[0])
            return [*gone, *acts.decide(stream, conflict.key, WITHDRAWN)]
    return acts.decide(stream, conflict.key, "as shown")


def _values(conflict: Conflict) -> list[Any]:
    return [conflict.shown, *(value for value, _ in conflict.others)]


def _both(stream: bytes, conflict: Conflict, values: list[Any]) -> Act:
    if not both_words(conflict):
        raise ActError(say("these exclude each other; choose one of the values"))
    if conflict.kind != "field":
        return acts.decide(stream, conflict.key, "both stand")
    code = conflict.path[0]
    if code in _UNITED:
        return [Change(stream, conflict.path, sorted({item for value in values for item in value}))]
    between, letters_max = _JOINED[code]
    text = between.join(values)
    if len(text) > letters_max:
        raise ActError(
            say(
                "both together are longer than {most:,} letters; choose one, and add to it",
                most=letters_max,
            )
        )
    return [Change(stream, conflict.path, text)]


def _field(stream: bytes, conflict: Conflict, value: Any) -> Act:
    if conflict.path == (fields.CANCELLED,) and not value:
        return acts.reopen_job(stream)
    return [Change(stream, conflict.path, value)]


def _keep_one(state: StreamState, conflict: Conflict, values: list[Any], number: int) -> Act:
    changes: Act = []
    for index, worker in enumerate(values):
        if index != number:
            changes += _withdraw(state, worker)
    kept = acts.decide(state.stream, conflict.key, f"{KEPT}{values[number].hex()}")
    return [*changes, *kept]


def _withdraw(state: StreamState, worker: bytes) -> Act:
    changes: Act = []
    for turn in fold_job(state.registers).assignments:
        if turn.worker == worker and turn.counts:
            words = "decided by the office"
            changes += acts.withdraw(state.stream, worker, turn.turn, words)
    return changes
