"""By whom a job was changed since the worker looked, in words.

Follows from the job's own entries: who acted in the office is named there by its hub
(`core.dispatch.acting`), a colleague by the code that this phone read. Holds what it found, by the
job's frontier, since a page draws many jobs that nobody changes meanwhile. Invariant: nobody is
named but who wrote a value that differs from what the worker saw.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from aiohttp import web

from core.dispatch import fields
from core.dispatch.acting import acting_name
from core.dispatch.fields import Role
from core.dispatch.show import show
from core.log.registers import Write
from core.log.stream import StreamState
from core.sentence import listed, say
from replica.screens.here import SCREENS, Here, Screens
from replica.screens.joblist import THE_OFFICE, Card, changed_since, told_of

KEPT_MAX: Final = 2_000

# The registers behind each of the values that `joblist.looked_at` compares.
_CODES: Final = {
    "title": (fields.TITLE,),
    "window": (fields.WINDOW,),
    "place": (fields.ADDRESS, fields.POINT),
    "instructions": (fields.DESCRIPTION,),
    "contact": (fields.CONTACT, fields.CONTACT_CALL),
    "priority": (fields.PRIORITY,),
    "cancelled": (fields.CANCELLED,),
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
            self._found[key] = _told(state, changed, bytes.fromhex(worker), colleague)
        return self._found[key]


CHANGED_BY: web.AppKey[ChangedBy] = web.AppKey("CHANGED_BY", ChangedBy)


async def changed_by(request: web.Request, here: Here, card: Card) -> str:
    """Who changed what is news about a job, as a page says it."""
    return await request.app[CHANGED_BY].by(request.app[SCREENS], here.worker, card)


def _told(
    state: StreamState, changed: Iterable[str], worker: bytes, colleague: Callable[[str], str]
) -> str:
    people: dict[str, bool] = {}
    for name in changed:
        found = [show(state.registers, (code,)) for code in _CODES.get(name, ())]
        writes = [shown.write for shown in found if shown is not None]
        if writes:
            # Of a value in two registers, who wrote last is who changed it.
            newest = max(writes, key=lambda write: (write.corrected_ms, write.log, write.seq))
            people[_who(state, newest, worker, colleague)] = True
    return listed(people) if people else THE_OFFICE


def _who(state: StreamState, write: Write, worker: bytes, colleague: Callable[[str], str]) -> str:
    if write.role >= Role.DISPATCHER:
        return acting_name(state.registers, write.actor) or THE_OFFICE
    log = state.logs[write.log]
    subject = log.placed[write.seq - log.base - 1].standing.subject
    if subject == worker:
        return say("you on another phone")
    return colleague(subject.hex()) or say("a colleague")
