"""Recent acts: what people at this hub did last, each to be undone or redone.

It lists acts of this hub's own key alone: of these a store knows when they were committed, and
finds them without reading every stream. Invariant: an act that a rule or a program made for nobody
is not listed.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from aiohttp import web

from core.dispatch.acts import ActError
from core.dispatch.undoing import UNTOLD
from core.sentence import say
from hub.keys import HUB
from hub.past_acts import Found, Reference, Undoable, newest_acts, redoing, undoable
from replica.replica import Replica
from web.board.undo_words import PartView, Teller, act_words, teller_for
from web.board.undoing import where_words
from web.frame import settings_of, zone_of
from web.rendering import show

ACTS_SHOWN_MAX: Final = 100
LOOKED_AT_MAX: Final = 400
"""Of so many acts those of one person are looked for: beyond, a page would read half the log."""
AT_A_TIME: Final = 20
"""Acts that are read in one turn at the writer."""
JUDGED_MAX: Final = 20
"""So many entries of an act are looked at; if it has more, the button of all says the rest."""

_PAGES: Final = {2: "/customers/", 3: "/workers/", 4: "/jobs/"}


@dataclass(frozen=True, slots=True)
class ActRow:
    """One act. `act` is what the button posts, "" for none; `stays` why there is none."""

    at_ms: int
    who: str
    what: str
    where: str
    href: str
    state: str
    act: str
    verb: str
    stays: str


@dataclass(frozen=True, slots=True)
class ActsPage:
    """The newest acts, and whose they may be: names by account."""

    rows: tuple[ActRow, ...]
    people: dict[str, str]
    by: str


@dataclass(frozen=True, slots=True)
class _Read:
    """An act with what undoing its entries means, and what redoes it; `more`: not all are here."""

    found: Found
    entries: tuple[Undoable, ...]
    redo: Reference | None
    more: bool

    @property
    def first(self) -> Undoable:
        """By which the act is told."""
        return self.entries[0]

    @property
    def is_open(self) -> bool:
        """Whether undoing it changes anything, as far as is known without reading all of it."""
        return self.more or any(part.is_open for each in self.entries for part in each.parts)


async def acts_page(request: web.Request) -> web.StreamResponse:
    """GET /acts?by=ACCOUNT."""
    hub = request.app[HUB]
    rows = await hub.reader.rows("SELECT account, name FROM account ORDER BY lower(name)")
    people = {row["account"]: row["name"] for row in rows}
    by = request.query.get("by", "")
    by = by if by in people else ""
    wanted = {by} if by else set(people)
    found = await hub.writer.run(newest_acts, hub.replica, LOOKED_AT_MAX)
    read: list[_Read] = []
    for first in range(0, len(found), AT_A_TIME):
        if len(read) >= ACTS_SHOWN_MAX:
            break
        some = found[first : first + AT_A_TIME]
        read += await hub.writer.run(_read, hub.replica, some, wanted)
    read = read[:ACTS_SHOWN_MAX]
    zone = zone_of(await settings_of(request))
    firsts = [each.first for each in read]
    teller = await teller_for(hub.reader, firsts, zone, hub.clock.now_ms())
    page = ActsPage(tuple(_row(each, teller, people) for each in read), people, by)
    return await show(request, "acts.html", page)


def _read(replica: Replica, some: list[Found], wanted: set[str]) -> list[_Read]:
    read = []
    for found in some:
        entries: list[Undoable] = []
        for reference in found.references[: -JUDGED_MAX - 1 : -1]:
            with suppress(ActError):  # It does not count, or was erased since.
                entries += undoable(replica, [reference])
        if not entries:
            continue
        entry = entries[0].placed.entry
        is_told = any(part.path[0] not in UNTOLD for part in entries[0].parts)
        if entry is not None and entry.actor.hex() in wanted and is_told:
            more = len(found.references) > JUDGED_MAX
            redo = None if more else redoing(replica, entries)
            read.append(_Read(found, tuple(entries), redo, more))
    return read


def _row(read: _Read, teller: Teller, people: dict[str, str]) -> ActRow:
    views = teller.parts(read.first)
    entry = read.first.placed.entry
    references = read.found.references
    stream = references[-1].stream
    alone = len(references) == 1 and stream[4] in _PAGES
    act = read.first.reference if read.is_open else read.redo
    return ActRow(
        at_ms=read.found.at_ms,
        who=people.get(entry.actor.hex(), "") if entry is not None else "",
        what=act_words(views),
        where=where_words(list(reversed(references)), teller),
        href=_PAGES[stream[4]] + stream.hex() if alone else "",
        state=_state(read),
        act=act.text() if act is not None else "",
        verb=say("Undo") if read.is_open else say("Redo"),
        stays=_stays(views),
    )


def _state(read: _Read) -> str:
    if read.redo is not None:
        return say("undone")
    is_done = any(part.done for each in read.entries for part in each.parts)
    return say("taken back since") if is_done and not read.is_open else ""


def _stays(views: tuple[PartView, ...]) -> str:
    return next((view.stays for view in views if view.stays), "")


def add_routes(app: web.Application) -> None:
    """Add this module's pages to `app`."""
    app.router.add_get("/acts", acts_page)
