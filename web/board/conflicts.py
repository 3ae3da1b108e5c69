"""Open conflicts as people see and decide them: both sides, who wrote each, and what each had seen.

Of any stream: a job, a customer, a worker, a recurrence. What is said follows from the entries of
that stream alone, so it is folded when somebody looks at it. Invariant: a side's value is the one
that a decision for it writes, and no side is left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final
from zoneinfo import ZoneInfo

from core.dispatch import fields
from core.dispatch.fields import FIELDS, Kind, Role
from core.dispatch.job import Conflict, field_conflicts, fold_job
from core.log.entry import Path
from core.log.registers import Write
from core.log.stream import StreamState
from core.sentence import listed, say
from replica.projection.conflict import words
from web import formats
from web.board.decisions import both_words
from web.board.reader import Rows
from web.board.words import NOTHING, Names, value_words
from web.recurring.words import side_words


@dataclass(frozen=True, slots=True)
class SideView:
    """One side of a conflict, in words.

    `device` is what it was written on, `seen` what its author knew of when writing it, `choice`
    what to post back to keep it; `shown` where it is the one that screens show now.
    """

    words: str
    who: str
    device: str
    at_ms: int
    seen: str
    choice: str
    shown: bool


@dataclass(frozen=True, slots=True)
class ConflictView:
    """A conflict: what it is about, its sides, the question in words, and how both can stay."""

    conflict: str
    kind: str
    label: str
    why: str
    sides: tuple[SideView, ...]
    both: str
    asks: bool


_WHY_BY_KIND: Final = {
    "field": say("Two people wrote it, and neither had seen the other's."),
    "double assignment": say("Two dispatchers assigned it, and neither had seen the other's."),
    "worked after cancel": say(
        "The job was cancelled while the worker, not knowing, went on working."
    ),
    "worked after withdrawal": say(
        "It was taken back while the worker, not knowing, went on working."
    ),
}
_LABEL_BY_KIND: Final = {
    "double assignment": say("Double assignment"),
    "worked after cancel": say("Worked after cancel"),
    "worked after withdrawal": say("Worked after withdrawal"),
}
# What the first side did not know of, and what the others did not, where it is no field.
_UNSEEN_BY_KIND: Final = {
    "double assignment": (say("did not know of the other assignment"),) * 2,
    "worked after cancel": (
        say("did not know of the work"),
        say("did not know that it was cancelled"),
    ),
    "worked after withdrawal": (
        say("did not know that it was taken back"),
        say("did not know of the work"),
    ),
}
# What the sides of such a conflict say, by how the fold words it.
_SIDES: Final = {
    "travelling": say("Travelling"),
    "on site": say("On site"),
    "paused": say("Paused"),
    "finished": say("Finished"),
    "withdrawn": say("Withdrawn"),
}
_CANCELLED: Final = "cancelled: "
_MINUTES: Final = frozenset({fields.WORKER_SHIFT})
_LIKE: Final = {"place point": "point", "place radius": "radius", "place outline": "outline"}


def open_conflicts(state: StreamState) -> list[Conflict]:
    """The conflicts of a stream that nobody has decided yet, in an order that is the same anywhere.

    Their `key` is the hex of the row's `conflict`.
    """
    if state.stream[4] == Kind.JOB:
        return list(fold_job(state.registers).conflicts)
    return sorted(field_conflicts(state.registers), key=lambda conflict: conflict.key)


def conflict_of(state: StreamState, key: str) -> Conflict | None:
    """The open conflict with this key (hex), None where it is decided or was never there."""
    return next((each for each in open_conflicts(state) if each.key.hex() == key), None)


async def conflicts_of(
    reader: Rows, stream: str, names: Names, zone: ZoneInfo, now_ms: int
) -> tuple[ConflictView, ...]:
    """The open conflicts of a stream (hex id), in words; a question to the store where it has any.

    Most have none, and of those nothing is folded.
    """
    row = await reader.row(
        "SELECT 1 FROM conflict WHERE stream = ? AND kind <> 'snoozed' LIMIT 1", (stream,)
    )
    if row is None:
        return ()
    return views_of(await reader.state(stream), names, zone, now_ms)


def views_of(
    state: StreamState, names: Names, zone: ZoneInfo, now_ms: int
) -> tuple[ConflictView, ...]:
    """The open conflicts of a state, in words."""
    telling = _Telling(state, names, zone, now_ms)
    return tuple(telling.view(conflict) for conflict in open_conflicts(state))


def label_of(conflict: Conflict) -> str:
    """What a conflict is about: the field's label, or its kind."""
    if conflict.path:
        return FIELDS[conflict.path[0]].called
    return _LABEL_BY_KIND.get(conflict.kind, conflict.kind.capitalize())


@dataclass(frozen=True, slots=True)
class _Telling:
    """One stream's conflicts being put into words."""

    state: StreamState
    names: Names
    zone: ZoneInfo
    now_ms: int

    def view(self, conflict: Conflict) -> ConflictView:
        """One conflict."""
        sides = [(conflict.shown, conflict.write), *conflict.others]
        path = conflict.path
        before = self.state.writes_to([path])[path] if path else []
        return ConflictView(
            conflict.key.hex(),
            conflict.kind,
            label_of(conflict),
            _WHY_BY_KIND.get(conflict.kind, say("Two truths met.")),
            tuple(
                self._side(conflict, number, value, write, before)
                for number, (value, write) in enumerate(sides)
            ),
            both_words(conflict),
            self.state.stream[4] == Kind.JOB,
        )

    def _side(
        self,
        conflict: Conflict,
        number: int,
        value: Any,
        write: Write | None,
        before: Sequence[Write],
    ) -> SideView:
        return SideView(
            words=self._value(conflict, value),
            who=self._who(write) if write is not None else "",
            device=self._device(write) if write is not None else "",
            at_ms=write.corrected_ms if write is not None else 0,
            seen=self._seen(conflict, number, write, before),
            choice=str(number),
            shown=number == 0,
        )

    def _value(self, conflict: Conflict, value: Any) -> str:
        if self.state.stream[4] == Kind.RECURRENCE:
            return side_words(conflict.field, value, self.names, self.zone, self.now_ms)
        if conflict.kind == "double assignment" or isinstance(value, bytes):
            known = self.names.worker.get(words(value))
            if known is not None or conflict.kind != "field":
                return known or say("an unknown worker")
        if conflict.kind == "field":
            return self._field(conflict.path, value)
        text = str(value)
        if text.startswith(_CANCELLED):
            return say("Cancelled: {reason}", reason=text.removeprefix(_CANCELLED))
        return _SIDES.get(text, text[:1].upper() + text[1:])

    def _field(self, path: Path, value: Any) -> str:
        name = FIELDS[path[0]].name
        if path[0] in _MINUTES and isinstance(value, list):
            return "–".join(formats.minute_of_day_text(minute) for minute in value)
        if isinstance(value, bool):
            return say("Yes") if value else say("No")
        if value is None:
            return NOTHING
        return value_words(_LIKE.get(name, name), words(value), self.names, self.zone, self.now_ms)

    def _who(self, write: Write) -> str:
        return self.names.author(write.actor.hex(), write.log[0].hex())

    def _device(self, write: Write) -> str:
        standing = self.state.placed_at(write.log, write.seq).standing
        match standing.role:
            case Role.HUB:
                return say("hub {letter}", letter=standing.subject.decode("ascii", "replace"))
            case Role.WORKER:
                name = self.names.worker.get(standing.subject.hex(), "")
                phone = say("{name}'s phone", name=name) if name else say("a worker's phone")
                if self.names.has_more_phones(standing):
                    return listed([phone, write.log[0].hex()[:4]], " ")
                return phone
        return say("a dispatcher's own program")

    def _seen(
        self, conflict: Conflict, number: int, write: Write | None, before: Sequence[Write]
    ) -> str:
        unseen = _UNSEEN_BY_KIND.get(conflict.kind)
        if unseen is not None:
            return unseen[min(number, 1)]
        if write is None:
            return ""
        known = [other for other in before if write.saw(other)]
        last = [each for each in known if not any(other.saw(each) for other in known)]
        if not last:
            return say("did not know of the other; had seen no value before")
        newest = max(last, key=lambda each: (each.corrected_ms, each.log, each.seq))
        value = self._field(conflict.path, newest.value)
        at = formats.moment_words(newest.corrected_ms, self.zone, self.now_ms)
        return say(
            "did not know of the other; had seen {value} ({who}, {at})",
            value=value,
            who=self._who(newest),
            at=at,
        )
