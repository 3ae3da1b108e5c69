"""Who is absent when, and who drives what on which day: acts, and what follows from them.

An absence runs from one local day to another, both included. A worker has a vehicle of every day
(`acts.edit_worker`) and, by day, exceptions to it. Holds no shifts. Invariant: what these acts
make, the projections can show.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Final, NamedTuple

from core.dispatch import fields
from core.dispatch.acts import NAME_LETTERS_MAX, Act, ActError, Change, text_of
from core.dispatch.fields import AbsenceKind
from core.log.chain import SHORT_BYTES
from core.sentence import say

ABSENCE_DAYS_MAX: Final = 3 * 366
"""Beyond a long leave somebody rather no longer works here."""
_YEAR_MIN, _YEAR_MAX = 2000, 2100

KIND_WORDS: Final = {
    AbsenceKind.HOLIDAY: say("on holiday"),
    AbsenceKind.SICK: say("sick"),
    AbsenceKind.OTHER: say("absent"),
}


class Absence(NamedTuple):
    """Local days as `2026-11-23`, both included; `kind` may be a later version's."""

    first: str
    last: str
    kind: int
    note: str

    @property
    def words(self) -> str:
        """What to call it: on holiday, sick, or absent."""
        known = self.kind in set(AbsenceKind)
        return KIND_WORDS[AbsenceKind(self.kind)] if known else KIND_WORDS[AbsenceKind.OTHER]


def absence_on(absences: Iterable[Absence], first: str, last: str = "") -> Absence | None:
    """The absence that covers a day, or any day from `first` to `last`; the one that ends last."""
    found = [each for each in absences if each.first <= (last or first) and each.last >= first]
    return max(found, key=lambda each: (each.last, each.first, each.kind), default=None)


def set_absence(
    worker: bytes, absence: bytes, first: str, last: str, kind: int, note: str = ""
) -> Act:
    """Let a worker be absent from a local day to another, under an id of 8 random bytes."""
    begins, ends = _day(say("The first day"), first), _day(say("The last day"), last)
    if ends < begins:
        raise ActError(say("the absence ends before it begins; put the last day after the first"))
    if (ends - begins).days >= ABSENCE_DAYS_MAX:
        raise ActError(say("an absence lasts three years at most; archive a worker who has left"))
    if kind not in set(AbsenceKind):
        raise ActError(say("an absence is a holiday, sickness or another one"))
    words = text_of(say("The note"), note, NAME_LETTERS_MAX) or ""
    value = [begins.isoformat(), ends.isoformat(), int(kind), words]
    return [Change(worker, (fields.WORKER_ABSENT, absence), value)]


def clear_absence(worker: bytes, absence: bytes) -> Act:
    """Take an absence back."""
    return [Change(worker, (fields.WORKER_ABSENT, absence), None)]


def set_vehicle_on(worker: bytes, day: str, vehicle: bytes | None) -> Act:
    """Let a worker drive another vehicle on a local day: its 8-byte id, or b"" for none.

    None takes the exception back, so that the day is as any other.
    """
    if vehicle is not None and len(vehicle) not in (0, SHORT_BYTES):
        raise ActError(say("the vehicle is not one that is known; choose one from the list"))
    path = (fields.WORKER_VEHICLE_ON, _day(say("The day"), day).isoformat())
    return [Change(worker, path, vehicle)]


def _day(what: str, text: str) -> date:
    if not text:
        raise ActError(say("{what} is missing; give one", what=what))
    try:
        day = date.fromisoformat(text)
    except ValueError as error:
        words = say("{what} '{text}' is none; write it as 2026-11-23", what=what, text=text)
        raise ActError(words) from error
    if not _YEAR_MIN <= day.year <= _YEAR_MAX:
        words = say(
            "{what} lies outside {first} to {last}; check the year",
            what=what, first=_YEAR_MIN, last=_YEAR_MAX,
        )  # fmt: skip
        raise ActError(words)
    return day
