"""A job: the fold of its registers to assignments, status and conflict records.

A worker owns an assignment (job × worker × turn); the job's status is a total fold over them.
Consequences of a merge are derived here and never written. Holds no clock: delays are in `delay`.
Invariant: the same registers give the same job on every replica.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from core.dispatch import fields
from core.dispatch.fields import FIELDS, PHASES, Phase
from core.dispatch.show import Shown, show, show_register, value_at
from core.log.canonical import pack
from core.log.chain import named_id
from core.log.entry import Path
from core.log.registers import Registers, Write

ACTIVE = frozenset({Phase.TRAVELLING, Phase.ON_SITE, Phase.PAUSED})
_WORKED = ACTIVE | {Phase.FINISHED}
TO_DO = frozenset({Phase.ASSIGNED, Phase.RECEIVED, Phase.OPENED, Phase.ACCEPTED})


@dataclass(frozen=True, slots=True)
class Assignment:
    """One worker's turn at a job. `withdrawn` turns are left out of the job's status.

    `made` is the write that is shown of those that made it, `makers` are all: two hubs make the
    same turn of a recurring job. `taken` is what took it from its worker, a withdrawal or handing
    it on, also where work that it had not seen stands against it.
    """

    worker: bytes
    turn: bytes
    phase: Phase
    reason: str
    position: int
    withdrawn: bool
    released: bool
    handed_from: bytes
    made: Write
    makers: tuple[Write, ...]
    taken: Write | None

    @property
    def counts(self) -> bool:
        """Whether the turn takes part in the job's status."""
        return not (self.withdrawn or self.released)


@dataclass(frozen=True, slots=True)
class Conflict:
    """Something that only people can decide; `key` is the same on every replica.

    `path` is the register's, where the conflict is a field's.
    """

    key: bytes
    kind: str
    field: str
    shown: Any
    others: tuple[tuple[Any, Write], ...]
    write: Write | None = None
    path: Path = ()


@dataclass(frozen=True, slots=True)
class Job:
    """A job as its registers show it. `status` is one of the four, or 'cancelled'."""

    status: str
    attention: str
    overridden: bool
    assignments: tuple[Assignment, ...]
    leading: Assignment | None
    conflicts: tuple[Conflict, ...]
    cancelled: str


def fold_job(registers: Registers) -> Job:
    """The job that `registers` of its stream show."""
    assignments = _assignments(registers)
    cancelled = _cancelled(registers)
    status, attention = _status([a for a in assignments if a.counts])
    override = _override(registers, assignments)
    if override:
        status, attention = override, ""
    if cancelled:
        status, attention = "cancelled", ""
    conflicts = _conflicts(registers, assignments, cancelled)
    return Job(
        status,
        attention,
        bool(override),
        assignments,
        _leading(assignments),
        conflicts,
        cancelled,
    )


_OVERRIDES = ("open", "in progress", "done", "rejected")


def _status(counting: list[Assignment]) -> tuple[str, str]:
    phases = {assignment.phase for assignment in counting}
    if not phases:
        return "open", "unassigned"
    if phases & ACTIVE:
        return "in progress", ""
    if phases & TO_DO:
        return "open", ""
    if Phase.FINISHED in phases:
        return "done", ""
    return "rejected", "all rejected"


def _override(registers: Registers, assignments: tuple[Assignment, ...]) -> str:
    """The status that the office set, "" where it set none or somebody went on from it.

    Who is given the job, or moves on with it, having seen what the office set, has the last word:
    else a job that was once set to open would stay so whatever became of it.
    """
    shown = show(registers, (fields.OVERRIDE,))
    if shown is None or not isinstance(shown.value, list) or len(shown.value) != 2:
        return ""
    if shown.value[0] not in _OVERRIDES:
        return ""
    for assignment in assignments:
        phase = show(registers, (fields.PHASE, assignment.worker, assignment.turn))
        later = [assignment.made, *([] if phase is None else [phase.write])]
        if assignment.counts and any(write.saw(shown.write) for write in later):
            return ""
    return str(shown.value[0])


def _cancelled(registers: Registers) -> str:
    value = value_at(registers, (fields.CANCELLED,))
    return value if isinstance(value, str) else ""


def _leading(assignments: tuple[Assignment, ...]) -> Assignment | None:
    """The assignment that a row shows: the one in work, else to do, else the newest."""

    def rank(assignment: Assignment) -> tuple[Any, ...]:
        order = (
            3
            if assignment.phase in ACTIVE
            else 2
            if assignment.phase is Phase.FINISHED
            else 1
            if assignment.phase in TO_DO
            else 0
        )
        made = assignment.made
        return (assignment.counts, order, made.corrected_ms, made.log, made.seq)

    counting = [assignment for assignment in assignments if assignment.counts]
    return max(counting, key=rank) if counting else None


# Worker and turn.
_Turn = tuple[bytes, bytes]
# What made each turn, and who handed it on (empty: the office gave it).
_Turns = dict[_Turn, tuple[Shown, bytes]]
# By a giver's turn who has it by now, and the write that gave it to each.
_HandedOn = dict[_Turn, dict[bytes, Shown]]


def _turns(registers: Registers, handed: _HandedOn) -> _Turns:
    """Turns that exist: assigned by the office, or handed on by one who has one."""
    turns: _Turns = {}
    for path in registers:
        if path[0] == fields.ASSIGNED and _is_turn(path):
            shown = show(registers, path)
            if shown is not None and shown.value:
                turns[(path[1], path[2])] = (shown, b"")
    # A colleague may hand on in turn; each round adds turns, so it ends.
    found = True
    while found:
        found = False
        for (giver, turn), colleagues in sorted(handed.items()):
            for colleague, shown in sorted(colleagues.items()):
                if (giver, turn) in turns and (colleague, turn) not in turns:
                    turns[(colleague, turn)] = (shown, giver)
                    found = True
    return turns


def _handed_on(registers: Registers) -> _HandedOn:
    """Who has each turn that was handed on.

    Those who have worked in it, whatever the giver said later: what happened is not undone. Else
    to whom it was handed last; several, where who handed it on had not seen each other.
    """
    given: _HandedOn = {}
    for path in registers:
        if path[0] == fields.HANDED_TO and len(path) == 4 and path[3] != path[1]:
            shown = show(registers, path)
            if shown is not None:
                given.setdefault((path[1], path[2]), {})[path[3]] = shown
    found: _HandedOn = {}
    for (giver, turn), colleagues in given.items():
        worked = {
            colleague: shown
            for colleague, shown in colleagues.items()
            if _phase(show(registers, (fields.PHASE, colleague, turn))) in _WORKED
        }
        standing = {each: shown for each, shown in colleagues.items() if shown.value}
        writes = [shown.write for shown in standing.values()]
        last = {
            colleague: shown
            for colleague, shown in standing.items()
            if not any(write.saw(shown.write) for write in writes if write is not shown.write)
        }
        if has_it := worked or last:
            found[(giver, turn)] = has_it
    return found


def _is_turn(path: Path) -> bool:
    return len(path) == 3 and isinstance(path[1], bytes) and isinstance(path[2], bytes)


def _assignments(registers: Registers) -> tuple[Assignment, ...]:
    found = []
    handed = _handed_on(registers)
    turns = _turns(registers, handed)
    for (worker, turn), (shown, handed_from) in turns.items():
        phase_shown = show(registers, (fields.PHASE, worker, turn))
        phase = _phase(phase_shown)
        taken = _taken(registers, turns, handed, worker, turn)
        withdrawn = taken is not None
        # Work that happened in the world is not undone by an office that had not seen it.
        if taken is not None and phase in _WORKED and phase_shown is not None:
            withdrawn = taken.saw(phase_shown.write)
        reason = value_at(registers, (fields.REASON, worker, turn), "")
        position = value_at(registers, (fields.ORDER, worker, turn), 0)
        found.append(
            Assignment(
                worker,
                turn,
                phase,
                reason if isinstance(reason, str) else "",
                position if type(position) is int else 0,
                withdrawn,
                False,
                handed_from,
                shown.write,
                _makers(registers, worker, turn, handed_from, shown.value),
                taken,
            )
        )
    found.sort(key=lambda a: (a.made.corrected_ms, a.worker, a.turn))
    return tuple(_release(found))


def _makers(
    registers: Registers, worker: bytes, turn: bytes, handed_from: bytes, value: Any
) -> tuple[Write, ...]:
    """All writes that say what made a turn."""
    path: Path = (fields.ASSIGNED, worker, turn)
    if handed_from:
        path = (fields.HANDED_TO, handed_from, turn, worker)
    writes = registers[path].writes.values()
    return tuple(write for write in writes if write.value == value)


def _taken(
    registers: Registers, turns: _Turns, handed: _HandedOn, worker: bytes, turn: bytes
) -> Write | None:
    """The write that took the turn from its worker: a withdrawal, or handing it on.

    An office that takes a turn back and does not know that it was handed on means whoever has it.
    """
    withdrawn = show(registers, (fields.WITHDRAWN, worker, turn))
    if withdrawn is not None and withdrawn.value:
        return withdrawn.write
    if (worker, turn) in handed:
        return max((each.write for each in handed[(worker, turn)].values()), key=_in_time)
    made, giver = turns[(worker, turn)]
    while giver:
        withdrawn = show(registers, (fields.WITHDRAWN, giver, turn))
        if withdrawn is not None and withdrawn.value and not withdrawn.write.saw(made.write):
            return withdrawn.write
        made, giver = turns[(giver, turn)]
    return None


def _release(found: list[Assignment]) -> list[Assignment]:
    """A turn taken from a worker who was at work releases the turns that replaced it.

    Rule 5 of the field: the work wins, and the new assignment is released with notice.
    """
    replacing = {
        (each.taken.log, each.taken.seq)
        for each in found
        if each.taken is not None and not each.withdrawn
    }
    return [
        replace(assignment, released=True)
        if assignment.phase in TO_DO and (assignment.made.log, assignment.made.seq) in replacing
        else assignment
        for assignment in found
    ]


def _in_time(write: Write) -> tuple[Any, ...]:
    return (write.corrected_ms, write.log, write.seq)


def _phase(shown: Shown | None) -> Phase:
    if shown is None or type(shown.value) is not int or shown.value not in PHASES:
        return Phase.ASSIGNED
    return Phase(shown.value)


# --- conflicts


def _conflicts(
    registers: Registers, assignments: tuple[Assignment, ...], cancelled: str
) -> tuple[Conflict, ...]:
    found = [*field_conflicts(registers), *_double_assignments(assignments)]
    cancel = show(registers, (fields.CANCELLED,)) if cancelled else None
    for assignment in assignments:
        phase = show(registers, (fields.PHASE, assignment.worker, assignment.turn))
        if phase is None or assignment.phase in TO_DO or assignment.phase is Phase.REJECTED:
            continue
        turn = assignment.worker + assignment.turn
        if cancel is not None and not cancel.write.saw(phase.write):
            key = named_id("worked after cancel", turn)
            words = f"cancelled: {cancelled}"
            others = ((assignment.phase.name.lower().replace("_", " "), phase.write),)
            found.append(
                Conflict(key, "worked after cancel", "status", words, others, cancel.write)
            )
        if assignment.taken is not None and not assignment.withdrawn:
            key = named_id("worked after withdrawal", turn)
            worker = assignment.worker
            others = (("withdrawn", assignment.taken),)
            found.append(
                Conflict(key, "worked after withdrawal", "assignment", worker, others, phase.write)
            )
    decided = {
        path[1]
        for path in registers
        if path[0] == fields.DECISION and len(path) == 2 and value_at(registers, path)
    }
    return tuple(c for c in sorted(found, key=lambda c: c.key) if c.key not in decided)


def field_conflicts(registers: Registers) -> list[Conflict]:
    """Fields that matter to people and hold values that no write has seen together."""
    found = []
    for path, register in registers.items():
        field = FIELDS.get(path[0])
        if field is None or field.label is None or len(register.writes) < 2:
            continue
        shown = show_register(register, path[0])
        if not shown.others:
            continue
        parts = [pack(list(path))]
        parts += sorted(pack([w.log[0], w.log[1], w.seq]) for w in register.writes.values())
        others = tuple((write.value, write) for write in shown.others)
        key = named_id("field", *parts)
        found.append(Conflict(key, "field", field.name, shown.value, others, shown.write, path))
    return found


def _knew(one: Assignment, other: Assignment) -> bool:
    """Whether who made one turn knew of the other, from whichever hub that made it."""
    return any(write.saw(made) for write in one.makers for made in other.makers)


def _giver(assignment: Assignment) -> _Turn | None:
    """Whose turn was handed on by this one; None where the office gave it."""
    return (assignment.handed_from, assignment.turn) if assignment.handed_from else None


def _double_assignments(assignments: tuple[Assignment, ...]) -> list[Conflict]:
    """Assignments that two acts of the office made without seeing each other, or two of a giver."""
    counting = [a for a in assignments if a.counts]
    found = []
    for index, first in enumerate(counting):
        for second in counting[index + 1 :]:
            same_act = (first.made.log, first.made.seq) == (second.made.log, second.made.seq)
            if first.worker == second.worker or same_act:
                continue
            if _giver(first) != _giver(second):
                # It was given to one of them, and went on from there.
                continue
            # Two people at one hub are concurrent too: their pages showed the same.
            if _knew(first, second) or _knew(second, first):
                continue
            pair = sorted([first.worker + first.turn, second.worker + second.turn])
            key = named_id("double assignment", *pair)
            # Who works, or has worked, is proposed as keeper; else who was assigned first.
            worked = (first.phase in _WORKED, second.phase in _WORKED)
            keeper, other = (second, first) if worked == (False, True) else (first, second)
            found.append(
                Conflict(
                    key,
                    "double assignment",
                    "assignment",
                    keeper.worker,
                    ((other.worker, other.made),),
                    keeper.made,
                )
            )
    return found
