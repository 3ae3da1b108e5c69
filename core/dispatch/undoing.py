"""Undoing: the changes that take back what one entry did to its stream, and what that would lose.

Nothing is deleted: what an entry wrote is taken back by writing again what stood there for whoever
wrote it. Where somebody has written since, having seen it, that is told and left alone unless a
person says otherwise. What happened in the world, what a worker wrote, and what can't be taken back
at all stays, with the reason in words. An act over several streams is undone stream by stream, and
undoing what undid is redoing, by the same functions. Writes nothing.
Invariant: what comes out follows from the set of entries of the stream alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any, Final, NamedTuple

from core.dispatch import fields
from core.dispatch.acts import Act, ActError, Change, assign
from core.dispatch.fields import FIELDS, Kind, Phase, Role
from core.dispatch.job import ACTIVE, TO_DO, Assignment, Job, fold_job
from core.dispatch.show import show, show_register, value_at
from core.log.canonical import pack
from core.log.chain import named_id
from core.log.entry import Path
from core.log.registers import Register, Write
from core.log.stream import Placed, StreamState
from core.sentence import say

CANCEL_WORDS: Final = "taken back"
"""The reason of a cancellation that takes back that a job was made."""

# Of each thing that an entry can begin: what says so, and the write that ends it. Nothing that was
# begun is ever deleted.
_ENDS: Final[dict[int, tuple[int, Any]]] = {
    fields.CREATED: (fields.CANCELLED, CANCEL_WORDS),
    fields.CUSTOMER_NAME: (fields.CUSTOMER_ARCHIVED, True),
    fields.WORKER_NAME: (fields.WORKER_ARCHIVED, True),
    fields.PLACE_NAME: (fields.PLACE_ARCHIVED, True),
    fields.CONTACT_NAME: (fields.CONTACT_ARCHIVED, True),
    fields.TEAM_NAME: (fields.GROUP_ARCHIVED, True),
    fields.VEHICLE_NAME: (fields.GROUP_ARCHIVED, True),
    fields.SKILL_NAME: (fields.GROUP_ARCHIVED, True),
    fields.FILE: (fields.FILE_REMOVED, True),
    fields.REPEATS: (fields.ENDS, ""),  # The day before its first: `_day_before`.
}

_FOR_GOOD: Final = say("it can't be taken back")
_ON_ITS_PAGE: Final = say("accounts are changed on their own page, which keeps an administrator")
# What no later write makes undone, and why.
_STAYS: Final[dict[int, str]] = {
    fields.ERASED: say("what was erased is gone for good"),
    fields.ERASED_BEFORE: say("what was erased is gone for good"),
    fields.ACCOUNT_PASSWORD: say("an old password is not put back; set a new one"),
    # An administrator who undoes that one was made would lock everybody out.
    fields.ACCOUNT_NAME: _ON_ITS_PAGE,
    fields.ACCOUNT_ROLE: _ON_ITS_PAGE,
    fields.ACCOUNT_DISABLED: _ON_ITS_PAGE,
    fields.REVOKED: say("a key that was shut out stays so; let the phone join again"),
    fields.CERTIFICATE: say("what was certified stays so; shut the key out instead"),
    fields.CLOSED: _FOR_GOOD,
    fields.ADMITTED: say("what was admitted counts from then on"),
    fields.HUB_ADDRESSES: _FOR_GOOD,
    fields.KEY_ASKED: say("the phone may have its new key already"),
    fields.NEXT_KEY: _FOR_GOOD,
}
_STAYS_BY_KIND: Final[dict[int, str]] = {
    Kind.DAY: say("time logs are facts; correct them with a reason"),
    Kind.TRACK: say("where somebody was is a fact"),
    Kind.SUMMARY: say("it says what was erased"),
}
WORKERS_OWN: Final = say("a worker wrote it; the office does not take back what happened")
_WENT_ON: Final = say("the worker has gone on since; what happened is not undone")
_AT_IT: Final = say("the worker has begun; take the job back by hand and say why")
_HANDED_ON: Final = say("the worker has handed it on to a colleague; take it back by hand")
_ANOTHERS: Final = say("somebody else has the job by now; assign it by hand")
_KEPT_BY: Final = say("whoever was put on it keeps it")
_CLOSED_BY_NOW: Final = say("the job is closed by now; reopen it first")
_DONE: Final = say("the job is done; what happened is not undone")
_SEVERAL: Final = say("several people wrote it at once; decide that conflict instead")
_UNKNOWN: Final = say("this version of the program does not know the field")

UNTOLD: Final = frozenset(
    {
        fields.ACCOUNT_PASSWORD, fields.CERTIFICATE, fields.NEXT_KEY, fields.FIXES,
        fields.TRACK_FIXES, fields.ACTING_NAME,
    }
)  # fmt: skip
"""Fields whose values no history shows: secrets, what no person reads, and who acts, which it says
of each change anyway."""

# Beside people's acts: what a program says of itself.
_SILENT: Final = frozenset(
    {fields.NUMBER, fields.RECURRENCE_NUMBER, fields.CUT, fields.ACTING_NAME}
)
_UNTOLD_PHASES: Final = frozenset({Phase.ASSIGNED, Phase.RECEIVED, Phase.OPENED})
# What stands for nothing where an empty value would not read well.
_EMPTY: Final[dict[int, Any]] = {
    fields.PHASE: int(Phase.ASSIGNED),
    fields.TICK: False,
    fields.SKIPPED: False,
}


class Later(NamedTuple):
    """A write that somebody made having seen what is to be undone, and the register it is in."""

    path: Path
    write: Write


@dataclass(frozen=True, slots=True)
class Part:
    """One register that an entry wrote, and what taking it back means.

    `before` is what it showed to whoever wrote the entry, `after` what the entry wrote. `changes`
    take it back; `lost` are later values that these would replace or strand. `stays` says in words
    why it can't be taken back, "" where it can. `done` is the write by which it is taken back
    already.
    """

    path: Path
    before: Any
    after: Any
    changes: tuple[Change, ...] = ()
    lost: tuple[Later, ...] = ()
    stays: str = ""
    done: Write | None = None

    @property
    def is_open(self) -> bool:
        """Whether there is something to take back, be it only over what others wrote."""
        return not self.stays and self.done is None


def undo_parts(state: StreamState, placed: Placed) -> tuple[Part, ...]:
    """What one entry of the stream did, register by register, and what takes each back.

    Raises:
        ActError: the entry does not count, so there is nothing to take back.
    """
    entry = placed.entry
    if entry is None or placed.inert:
        raise ActError(say("that change does not count, so there is nothing to take back"))
    paths = [path for path, _ in entry.changes if path[0] not in _SILENT]
    if placed.standing.role == Role.WORKER:
        values = dict(entry.changes)
        return tuple(
            Part(path, None, None if path[0] in UNTOLD else values[path], stays=WORKERS_OWN)
            for path in paths
        )
    return tuple(_Undoing(state, placed, paths).parts())


def undo_changes(parts: Iterable[Part], *, over_others: bool = False) -> Act:
    """The changes that take parts back; those on which others built only with `over_others`."""
    return [
        change
        for part in parts
        if part.is_open and (over_others or not part.lost)
        for change in part.changes
    ]


def mark_of(parts: Iterable[Part]) -> str:
    """A text that is another one once somebody builds upon the parts anew."""
    lost = [
        pack([list(later.path), *later.write.log, later.write.seq])
        for part in parts
        for later in part.lost
    ]
    return named_id("built upon", *sorted(lost)).hex()


def shown_to(writes: Sequence[Write], write: Write, code: int) -> Any:
    """What a register showed to the author of `write`, of all `writes` to it; None: nothing."""
    register = Register()
    for other in writes:
        if write.saw(other):
            register.add(other)
    return show_register(register, code).value if register.writes else None


class _Undoing:
    """One entry of a stream, with all that was written to its registers."""

    def __init__(self, state: StreamState, placed: Placed, paths: Sequence[Path]) -> None:
        self.state = state
        self.stream = state.stream
        self.hash = placed.stored.hash
        self.place = (placed.log, placed.stored.seq)
        self.writes = state.writes_to(paths)
        self.own: dict[Path, Write] = {
            path: next(write for write in writes if (write.log, write.seq) == self.place)
            for path, writes in self.writes.items()
        }
        self.job: Job | None = fold_job(state.registers) if state.stream[4] == Kind.JOB else None

    def parts(self) -> list[Part]:
        begun = [path for path in self.own if self._begins(path)]
        if any(len(path) == 1 for path in begun):
            begun = [path for path in begun if len(path) == 1]
        found = [self._ended(path) for path in begun]
        covered = {path[1:] for path in begun}
        rest = [path for path in self.own if () not in covered and path[1:] not in covered]
        given = {path[1:] for path in rest if path[0] == fields.ASSIGNED and self.own[path].value}
        for path in rest:
            if path[0] == fields.ORDER and path[1:] in given:
                continue  # It goes with its turn.
            part = self._part(path)
            if part is not None:
                found.append(part)
        return _coupled(found)

    def _part(self, path: Path) -> Part | None:
        field, after = FIELDS.get(path[0]), self.own[path].value
        stays = _STAYS.get(path[0]) or _STAYS_BY_KIND.get(self.stream[4], "")
        if field is None or stays:
            if path[0] in UNTOLD:
                return Part(path, None, None, stays=stays)
            return Part(path, self._before(path), after, stays=stays or _UNKNOWN)
        if self.job is not None and after and path[0] == fields.ASSIGNED:
            return self._assigned(self.job, path)
        taken = path[0] == fields.WITHDRAWN and after and not self._before(path)
        if self.job is not None and taken:
            return self._withdrawn(self.job, path)
        return self._plain(path)

    def _before(self, path: Path) -> Any:
        return shown_to(self.writes[path], self.own[path], path[0])

    def _standing(self, path: Path) -> list[Write]:
        """Writes that stand in a register beside the entry's own."""
        register = self.state.registers[path]
        return [write for place, write in register.writes.items() if place != self.place]

    # --- a field

    def _plain(self, path: Path) -> Part | None:
        own, before = self.own[path], self._before(path)
        after, others = own.value, self._standing(path)
        target = before
        if self.place in self.state.registers[path].writes:
            # Nobody wrote having seen it; who wrote at once with it keeps what they wrote.
            if others:
                target = show_register(_register_of(others), path[0]).value
            if _same(target, after):
                return None
            if len({pack(write.value) for write in others}) > 1:
                return Part(path, before, after, stays=_SEVERAL)
            return Part(path, before, after, self._writing(path, target))
        if _same(before, after):
            return None
        shown = show_register(self.state.registers[path], path[0])
        if _same(shown.value, _or_empty(path, before)) or _same(shown.value, before):
            return Part(path, before, after, done=shown.write)
        later = [w for w in others if not _same(w.value, before) and not _same(w.value, after)]
        lost = tuple(Later(path, write) for write in later)
        if path[0] == fields.PHASE and any(write.role == Role.WORKER for write in later):
            return Part(path, before, after, lost=lost, stays=_WENT_ON)
        return Part(path, before, after, self._writing(path, before), lost)

    def _writing(self, path: Path, value: Any) -> tuple[Change, ...]:
        return (Change(self.stream, path, _or_empty(path, value)),)

    # --- something that the entry began

    def _begins(self, path: Path) -> bool:
        own = self.own[path]
        if path[0] not in _ENDS or not own.value:
            return False
        return not any(own.saw(other) for other in self.writes[path])

    def _ended(self, path: Path) -> Part:
        code, value = _ENDS[path[0]]
        end, after = (code, *path[1:]), self.own[path].value
        shown = show(self.state.registers, end)
        is_over = shown is not None and bool(shown.value)
        if code == fields.ENDS:
            value = _day_before(value_at(self.state.registers, (fields.STARTS,)))
            is_over = shown is not None and bool(shown.value) and shown.value <= value
        if is_over and shown is not None:
            return Part(path, None, after, done=shown.write)
        lost = self._built_upon(path, end)
        if self.job is not None and self.job.status == "done":
            return Part(path, None, after, lost=lost, stays=_DONE)
        return Part(path, None, after, (Change(self.stream, end, value),), lost)

    def _built_upon(self, path: Path, end: Path) -> tuple[Later, ...]:
        """What people wrote to it since, having seen that it was begun."""
        own, found = self.own[path], []
        for other, register in self.state.registers.items():
            if other[0] in _SILENT or other == end or other[1:][: len(path) - 1] != path[1:]:
                continue
            for write in register.writes.values():
                untold = other[0] == fields.PHASE and write.value in _UNTOLD_PHASES
                if write.saw(own) and not write.by_rule and not untold:
                    found.append(Later(other, write))
        return tuple(sorted(found, key=_in_time))

    # --- turns at a job

    def _assigned(self, job: Job, path: Path) -> Part:
        worker, turn = path[1:]
        after, taken = self.own[path].value, (fields.WITHDRAWN, worker, turn)
        shown = show(self.state.registers, taken)
        if shown is not None and shown.value:
            return Part(path, None, after, done=shown.write)
        phase = show(self.state.registers, (fields.PHASE, worker, turn))
        said = () if phase is None else (Later((fields.PHASE, worker, turn), phase.write),)
        its = next((each for each in job.assignments if _is_of(each, worker, turn)), None)
        if its is not None and its.phase in ACTIVE | {Phase.FINISHED}:
            return Part(path, None, after, lost=said, stays=_AT_IT)
        if any(each.turn == turn and each.handed_from and each.counts for each in job.assignments):
            return Part(path, None, after, stays=_HANDED_ON)
        lost = said if its is not None and its.phase not in _UNTOLD_PHASES else ()
        return Part(path, None, after, (Change(self.stream, taken, True),), lost)

    def _withdrawn(self, job: Job, path: Path) -> Part:
        """A turn that was taken back is given anew; one in which work happened is the same again.

        On the phone a turn that was taken back is over: a new one tells it that it has the job. Its
        id follows from what is undone, so that two who undo the same give one turn.
        """
        worker, turn = path[1:]
        after = self.own[path].value
        shown = show(self.state.registers, path)
        if shown is not None and not shown.value:
            return Part(path, None, after, done=shown.write)
        living = [each for each in job.assignments if each.counts and each.turn != turn]
        made_since = [each for each in living if each.made.saw(self.own[path])]
        again = [each for each in made_since if each.worker == worker]
        if again:
            return Part(path, None, after, done=again[-1].made)
        if made_since:
            path_of = ((fields.ASSIGNED, each.worker, each.turn) for each in made_since)
            lost = tuple(
                Later(where, each.made) for where, each in zip(path_of, made_since, strict=True)
            )
            return Part(path, None, after, lost=lost, stays=_ANOTHERS)
        its = next((each for each in job.assignments if _is_of(each, worker, turn)), None)
        if its is not None and its.phase not in TO_DO:
            return Part(path, None, after, (Change(self.stream, path, None),))
        if job.status in ("cancelled", "done"):
            return Part(path, None, after, stays=_CLOSED_BY_NOW)
        position = its.position if its is not None else 0
        changes = assign(self.stream, worker, self._new_turn(worker, turn), position)
        return Part(path, None, after, tuple(changes))

    def _new_turn(self, worker: bytes, turn: bytes) -> bytes:
        count = 0
        while True:
            found = named_id("given back", self.hash, worker, turn, count.to_bytes(4, "big"))
            if (fields.ASSIGNED, worker, found) not in self.state.registers:
                return found
            count += 1


def _coupled(parts: list[Part]) -> list[Part]:
    """Where one who was put on a job keeps it, whom it was taken from for that does not get it."""
    given = [part for part in parts if part.path[0] == fields.ASSIGNED and part.after]
    kept = [part for part in given if part.stays]
    lost = tuple(later for part in given for later in part.lost)
    if not kept and not lost:
        return parts
    return [
        part
        if part.path[0] != fields.WITHDRAWN or not part.is_open
        else replace(part, changes=(), stays=_KEPT_BY)
        if kept
        else replace(part, lost=lost)
        for part in parts
    ]


def _day_before(day: str | None) -> str:
    """A day as 'YYYY-MM-DD'; of none the first of all, before which nothing is made."""
    first = date.min if day is None else date.fromisoformat(day)
    return (first if first == date.min else first - timedelta(days=1)).isoformat()


def _is_of(assignment: Assignment, worker: bytes, turn: bytes) -> bool:
    return (assignment.worker, assignment.turn) == (worker, turn)


def _register_of(writes: Iterable[Write]) -> Register:
    register = Register()
    for write in writes:
        register.add(write)
    return register


def _or_empty(path: Path, value: Any) -> Any:
    return _EMPTY.get(path[0]) if value is None else value


def _same(one: Any, other: Any) -> bool:
    return pack(one) == pack(other)


def _in_time(later: Later) -> tuple[Any, ...]:
    return (later.write.corrected_ms, later.write.log, later.write.seq, pack(list(later.path)))
