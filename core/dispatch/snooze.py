"""Snoozing: an alert that the office has put aside until a time, and what brings it back sooner.

A snooze is what the office knows: it stands in the stream that the alert is about, signed like any
other value, so every dispatcher and every hub sees the same. An alert comes back when the time is
over, or when it gets worse: each kind is put aside by itself and with all that is less bad. Holds
no clock. Invariant: the same registers and the same `now_ms` put the same alerts aside everywhere.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from core.dispatch import fields
from core.dispatch.acts import NAME_LETTERS_MAX, Act, ActError, Change, text_of
from core.dispatch.delay import Cause
from core.dispatch.shapes import CODE_LETTERS_MAX
from core.dispatch.show import show
from core.log.limits import WALL_MS_MAX
from core.log.registers import Registers, Write
from core.sentence import say

FOR_GOOD_MS: Final = WALL_MS_MAX
"""Until then lies beyond every clock: the alert was dealt with."""
_RANK_BY_KIND: Final = {cause.value: rank for rank, cause in enumerate(Cause)}


@dataclass(frozen=True, slots=True)
class Snooze:
    """An alert of the kind `kind`, put aside until `until_ms` (UTC; 0: it was taken up again)."""

    kind: str
    until_ms: int
    reason: str
    write: Write


def snooze(stream: bytes, kind: str, until_ms: int, reason: str = "", *, now_ms: int) -> Act:
    """Put an alert of a stream aside until a time that is yet to come.

    Raises:
        ActError: the time is over, or the reason is too long.
    """
    if not 0 < len(kind) <= CODE_LETTERS_MAX:
        raise ActError(say("there is no such alert; load the page anew"))
    if not now_ms < until_ms <= FOR_GOOD_MS:
        raise ActError(say("that time is over; choose one that is still to come"))
    words = text_of(say("The reason"), reason, NAME_LETTERS_MAX)
    return [Change(stream, (fields.SNOOZED, kind), [until_ms, words])]


def wake(stream: bytes, kind: str) -> Act:
    """Take an alert up again before its time."""
    return [Change(stream, (fields.SNOOZED, kind), None)]


def snoozes(registers: Registers) -> tuple[Snooze, ...]:
    """All that was ever put aside in a stream, by kind; what was taken up again has until 0."""
    found = []
    for path in sorted(path for path in registers if path[0] == fields.SNOOZED and len(path) == 2):
        shown = show(registers, path)
        if shown is None:
            continue
        until_ms, reason = shown.value if isinstance(shown.value, list) else (0, None)
        found.append(Snooze(str(path[1]), until_ms, reason or "", shown.write))
    return tuple(found)


def aside_until(kind: str, until_ms_by_kind: Iterable[tuple[str, int]], now_ms: int) -> int:
    """Until when (ms) an alert of this kind is put aside, 0 where it is not.

    One kind is put aside with all that is less bad, so a worse one comes up at once.
    """
    holding = (
        until_ms
        for other, until_ms in until_ms_by_kind
        if until_ms > now_ms and (other == kind or _is_worse(other, kind))
    )
    return max(holding, default=0)


def _is_worse(one: str, other: str) -> bool:
    ranks = _RANK_BY_KIND.get(one), _RANK_BY_KIND.get(other)
    return ranks[0] is not None and ranks[1] is not None and ranks[0] < ranks[1]
