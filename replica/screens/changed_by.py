"""By whom a job was changed since the worker looked, in words.

Follows from the job's own entries: who acted in the office is named there by its hub
(`core.dispatch.acting`), a colleague by the code that this phone read. Holds what it found, by the
job's frontier, since a page draws many jobs that nobody changes meanwhile. Invariant: nobody is
named but who wrote a value that differs from what the worker saw.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from aiohttp import web

from core.dispatch import fields
from core.dispatch.acting import acting_name
from core.dispatch.fields import Role
from core.dispatch.show import show
from core.log.registers import Write
from core.log.stream import StreamState
from core.sentence import listed, say
from replica.screens.here import SCREENS, Here, Screens
from replica.screens.joblist import THE_OFFICE, Card, changed_since, looked_at, told_of

KEPT_MAX: Final = 2_000

# The registers behind each of the values that `joblist.looked_at` compares, and where in the value
# each stands; all of it where there is one.
_ALL: Final = slice(None)
_CODES: Final = {
    "title": ((fields.TITLE, _ALL),),
    "window": ((fields.WINDOW, _ALL),),
    "place": ((fields.ADDRESS, slice(0, 1)), (fields.POINT, slice(1, 3))),
    "instructions": ((fields.DESCRIPTION, _ALL),),
    "contact": ((fields.CONTACT, slice(0, 1)), (fields.CONTACT_CALL, slice(1, 2))),
    "priority": ((fields.PRIORITY, _ALL),),
    "cancelled": ((fields.CANCELLED, _ALL),),
}


class ChangedBy:
    """What was found, for the pages of one phone."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, ...], str] = {}

    async def by(self, screens: Screens, worker: str, card: Card) -> str:
        """Who changed what is news: 'Eva', 'you on another phone', 'a colleague', 'the office'.

        `worker` is whose phone this is (hex).
        """

        def colleague(other: str) -> str:
            known = screens.colleagues.named(other)
            return known.name if known is not None else ""

        changed = told_of(changed_since(card, screens.marks))
        if not changed:
            return THE_OFFICE
        key = (worker, card.job, card.frontier, *changed)
        if key not in self._found:
            if len(self._found) >= KEPT_MAX:
                self._found.clear()
            state = await screens.device.reader.state(card.job)
            writes = _writes(state, card, screens.marks.seen(card.job) or {}, changed)
            people = [_who(state, each, bytes.fromhex(worker), colleague) for each in writes]
            self._found[key] = listed(dict.fromkeys(people)) if people else THE_OFFICE
        return self._found[key]


CHANGED_BY: web.AppKey[ChangedBy] = web.AppKey("CHANGED_BY", ChangedBy)


async def changed_by(request: web.Request, here: Here, card: Card) -> str:
    """Who changed what is news about a job, as a page says it."""
    return await request.app[CHANGED_BY].by(request.app[SCREENS], here.worker, card)


def _writes(
    state: StreamState, card: Card, seen: Mapping[str, Any], changed: Iterable[str]
) -> list[Write]:
    """What stands in the registers that are others than the worker saw."""
    now, found = looked_at(card), []
    for name in changed:
        for code, place in _CODES.get(name, ()):
            before, after = _part(seen.get(name), place), _part(now[name], place)
            shown = show(state.registers, (code,))
            if before == after or shown is None:
                continue
            # What the job itself does not say comes from its customer's record.
            told = shown.value if isinstance(shown.value, list) else [shown.value]
            if name != "place" or told == after:
                found.append(shown.write)
    return found


def _part(value: Any, place: slice) -> Any:
    return value if place == _ALL or not isinstance(value, list) else value[place]


def _who(state: StreamState, write: Write, worker: bytes, colleague: Callable[[str], str]) -> str:
    if write.role >= Role.DISPATCHER:
        return acting_name(state.registers, write.actor) or THE_OFFICE
    log = state.logs[write.log]
    subject = log.placed[write.seq - log.base - 1].standing.subject
    if subject == worker:
        return say("you on another phone")
    return colleague(subject.hex()) or say("a colleague")
