"""What a worker wrote that was not taken: where it met what the office wrote, and the office's won.

For the worker's own screens, from the log alone: who lost is told what was written instead and
when. A value that the office simply changed later, knowing of it, is none of these. Holds no words
for screens. Invariant: the same entries tell the same worker the same on every replica.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from core.dispatch import fields
from core.dispatch.fields import FIELDS, Phase, Role
from core.dispatch.job import ACTIVE, Assignment, Job, fold_job
from core.dispatch.show import show
from core.log.canonical import pack
from core.log.chain import named_id
from core.log.entry import Path
from core.log.registers import Write
from core.log.stream import StreamState

KEPT: Final = "kept "
"""How a decision of a double assignment begins; the worker's id in hex follows."""
WITHDRAWN: Final = "withdrawn"
"""The decision that a turn stays taken back although somebody worked in it."""

_WORKED: Final = ACTIVE | {Phase.FINISHED}
# A phone writes these by itself: nobody misses them.
_UNFELT: Final = frozenset({int(Phase.ASSIGNED), int(Phase.RECEIVED), int(Phase.OPENED)})


@dataclass(frozen=True, slots=True)
class NotTaken:
    """One thing that a worker wrote and that does not count.

    `kind` is a conflict's; `field` is a field's name, '' for another kind. `own` is what the worker
    wrote, `instead` what is shown, `by` the write that it is shown by. `decided` says that the
    office knew of both; else it has still to decide. `key` names it, the same wherever it is asked.
    """

    key: bytes
    kind: str
    field: str
    own: Any
    instead: Any
    by: Write
    decided: bool


def not_taken(state: StreamState, worker: bytes) -> list[NotTaken]:
    """What `worker` wrote in the stream of a job that is not taken, the newest first."""
    job = fold_job(state.registers)
    found = [*_fields(state, worker, job), *_decisions(state, worker, job)]
    return sorted(found, key=lambda each: (-each.by.corrected_ms, each.key))


def _fields(state: StreamState, worker: bytes, job: Job) -> Iterator[NotTaken]:
    waiting = {conflict.path for conflict in job.conflicts if conflict.path}
    felt = [path for path in state.registers if _is_felt(path)]
    for path, writes in state.writes_to(felt).items():
        own = _last([write for write in writes if _is_of(state, write, worker)])
        shown = show(state.registers, path)
        if own is None or shown is None or pack(shown.value) == pack(own.value):
            continue
        if path[0] == fields.PHASE and own.value in _UNFELT:
            continue
        met = [
            other
            for other in writes
            if not _is_of(state, other, worker) and not own.saw(other) and not other.saw(own)
        ]
        met = [other for other in met if pack(other.value) != pack(own.value)]
        if not met or _was_taken(own, met, writes):
            continue
        key = named_id("not taken", pack(list(path)), _place(own), _place(shown.write))
        name = FIELDS[path[0]].name
        decided = path not in waiting
        yield NotTaken(key, "field", name, own.value, shown.value, shown.write, decided)


def _is_felt(path: Path) -> bool:
    field = FIELDS.get(path[0])
    return field is not None and field.label is not None


def _is_of(state: StreamState, write: Write, worker: bytes) -> bool:
    if write.role != Role.WORKER:
        return False
    return state.placed_at(write.log, write.seq).standing.subject == worker


def _last(own: Sequence[Write]) -> Write | None:
    """The newest of somebody's writes; of those that two phones made apart the later one."""
    heads = [write for write in own if not any(other.saw(write) for other in own)]
    return max(heads, key=lambda w: (w.corrected_ms, w.log, w.seq), default=None)


def _was_taken(own: Write, met: Sequence[Write], writes: Sequence[Write]) -> bool:
    """Whether somebody who knew of both sides wrote the worker's value; others may follow it."""
    return any(
        write.saw(own) and pack(write.value) == pack(own.value) and any(map(write.saw, met))
        for write in writes
    )


def _place(write: Write) -> bytes:
    return pack([write.log[0], write.log[1], write.seq])


def _decisions(state: StreamState, worker: bytes, job: Job) -> Iterator[NotTaken]:
    """What was decided of a turn as a whole: work after a cancel or a withdrawal, two assigned."""
    for own in job.assignments:
        if own.worker != worker:
            continue
        turn = own.worker + own.turn
        if own.phase in _WORKED:
            key = named_id("worked after cancel", turn)
            decision = show(state.registers, (fields.DECISION, key))
            if decision is not None and decision.value and job.cancelled:
                yield _turn(own, key, "worked after cancel", job.cancelled, decision.write)
            key = named_id("worked after withdrawal", turn)
            decision = show(state.registers, (fields.DECISION, key))
            if decision is not None and decision.value == WITHDRAWN and own.withdrawn:
                yield _turn(own, key, "worked after withdrawal", "", decision.write)
        for other in job.assignments:
            if other.worker == worker:
                continue
            pair = sorted([turn, other.worker + other.turn])
            key = named_id("double assignment", *pair)
            decision = show(state.registers, (fields.DECISION, key))
            if decision is not None and decision.value == f"{KEPT}{other.worker.hex()}":
                yield _turn(own, key, "double assignment", other.worker, decision.write)


def _turn(own: Assignment, key: bytes, kind: str, instead: Any, by: Write) -> NotTaken:
    return NotTaken(key, kind, "", int(own.phase), instead, by, True)
