"""Undo and redo: a person takes back an act, or says what to do about what others built on it.

`POST /board/undo` names an act by one of its entries and takes all of it back as one act, of up to
some hundred streams. What others built on it is shown first, part by part, with who and when, and
nothing is written until the person has chosen: the rest, all the same, or leave it.
Invariant: what a person was not shown is not overwritten: what comes in between becomes a conflict
that keeps both.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

from aiohttp import web

from core.dispatch.acts import ActError
from core.dispatch.fields import Kind
from core.dispatch.undoing import Part, mark_of, undo_changes
from core.sentence import listed, marked, say, say_n
from hub.hub import Hub, check_may_write
from hub.keys import ACCOUNT, HUB
from hub.past_acts import (
    Reference,
    Undoable,
    entries_of,
    read_reference,
    redoing,
    reference_of,
    undoable,
)
from web.board.undo_words import PartView, Teller, act_words, teller_for
from web.formats import sentence
from web.frame import see_other, settings_of, zone_of
from web.language import answer_json
from web.rendering import show, wants_part
from web.stale_form import clean

AT_A_TIME: Final = 50
"""Streams that are read in one turn at the writer, so that people and phones have theirs."""
PARTS_SHOWN_MAX: Final = 100

ADDRESS: Final = "/board/undo"


@dataclass(frozen=True, slots=True)
class Plan:
    """What undoing an act means now: every entry of it, with the parts that it wrote."""

    reference: Reference
    entries: tuple[Undoable, ...]

    @property
    def parts(self) -> list[Part]:
        """All parts of all streams."""
        return [part for each in self.entries for part in each.parts]

    @property
    def is_built_upon(self) -> bool:
        """Whether something that others wrote would be lost."""
        return any(part.is_open and part.lost for part in self.parts)

    @property
    def basis(self) -> dict[bytes, str]:
        """The frontier of each stream that this was read at."""
        return {each.reference.stream: each.token for each in self.entries}

    @property
    def mark(self) -> str:
        """Another one once somebody builds upon it anew."""
        return mark_of(self.parts)


async def plan_of(hub: Hub, reference: Reference) -> Plan:
    """Read what undoing the act of an entry means.

    Raises:
        ActError: it is not held here, does not count, or is too large.
    """
    references = await hub.writer.run(entries_of, hub.replica, reference)
    found: list[Undoable] = []
    for first in range(0, len(references), AT_A_TIME):
        part = references[first : first + AT_A_TIME]
        found += await hub.writer.run(undoable, hub.replica, part)
    return Plan(reference, tuple(found))


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of it: words and their tone, the act by which it is redone, or where to decide."""

    words: str
    tone: str = "good"
    redo: str = ""
    confirm: str = ""
    status: int = 200


async def _undo(request: web.Request, form: Any) -> Answer:
    hub, account = request.app[HUB], request[ACCOUNT]
    check_may_write(account)
    reference = read_reference(clean(form.get("act")))
    plan = await plan_of(hub, reference)
    choice, mark = clean(form.get("choice")), clean(form.get("mark"))
    decided = choice == "rest" or (choice == "all" and mark == plan.mark)
    if plan.is_built_upon and not decided:
        query = {"act": reference.text(), "back": own_path(form.get("back"))}
        again = {"again": "1"} if choice else {}
        again |= {"redo": "1"} if form.get("redo") == "1" else {}
        told = say("Others have built on that: nothing is undone before you decide.")
        return Answer(told, "risk", confirm=f"{ADDRESS}?{urlencode(query | again)}", status=409)
    changes = undo_changes(plan.parts, over_others=choice == "all")
    teller = await _teller(request, plan)
    if not changes:
        redo = await hub.writer.run(redoing, hub.replica, plan.entries)
        if any(part.done is not None for part in plan.parts):
            repeat = redo.text() if redo is not None else ""
            return Answer(say("That is taken back already."), "", redo=repeat)
        return Answer(_why_not(plan), "risk", status=422)
    written = await hub.act(account, changes, plan.basis)
    words = _done_words(plan, teller, choice, is_redo=form.get("redo") == "1")
    return Answer(words, redo=reference_of(written).text())


def _why_not(plan: Plan) -> str:
    stays = Counter(part.stays for part in plan.parts if part.stays)
    if not stays:
        return say("There is nothing to undo: it stands as it did before.")
    return listed([say("Nothing was undone."), *_stay_words(stays)], " ")


def _stay_words(stays: Counter[str]) -> list[str]:
    (why, count), *others = stays.most_common()
    more = sum(number for _, number in others)
    words = [sentence(say_n("{why}", "{why} ({n} times)", count, why=why))]
    if more:
        words.append(
            say_n("{n} more stays for another reason.", "{n} more stay for other reasons.", more)
        )
    return words


def _done_words(plan: Plan, teller: Teller, choice: str, *, is_redo: bool) -> str:
    where = where_words([each.reference for each in plan.entries], teller)
    what = act_words(teller.parts(plan.entries[0]))
    words: list[str] = [say("Undone: {what} ({where}).", what=what, where=where)]
    if is_redo:
        words = [say("Redone: {what} ({where}).", what=what, where=where)]
    stays = Counter(part.stays for part in plan.parts if part.stays)
    if stays:
        words += [say("Not all of it:"), *_stay_words(stays)]
    if choice == "rest":
        words.append(say("What others built on is left as it is."))
    return listed(words, " ")


def where_words(references: Sequence[Reference], teller: Teller) -> str:
    """Where an act was made: `A-17 Boiler`, `40 jobs`, `A-18 Pump and 1 more`."""
    first, more = teller.title(references[0].stream), len(references) - 1
    if not more:
        return first
    are_jobs = all(each.stream[4] == Kind.JOB for each in references)
    if are_jobs:
        return say_n("{n} job", "{n} jobs", more + 1)
    return say_n("{first} and {n} more", "{first} and {n} more", more, first=first)


async def undo(request: web.Request) -> web.StreamResponse:
    """POST /board/undo: take an act back, or say why not, or where to decide.

    The form has `act` (an entry of it), `choice` ('' at first, then 'rest' or 'all'), `mark` (what
    the page of the decision showed), `back`, and `redo` where the person redoes something. A script
    gets JSON, a plain form is sent on.
    """
    form = await request.post()
    try:
        answer = await _undo(request, form)
    except ActError as error:
        answer = Answer(sentence(str(error)), "bad", status=422)
    if wants_part(request):
        found = {"words": answer.words, "redo": answer.redo, "confirm": answer.confirm}
        return answer_json(request, found, status=answer.status)
    if answer.confirm:
        raise see_other(answer.confirm)
    verb = marked("Undo") if form.get("redo") == "1" else marked("Redo")
    back = own_path(form.get("back"))
    raise see_other(back, answer.words, answer.tone, undo=answer.redo, verb=verb)


@dataclass(frozen=True, slots=True)
class UndoPage:
    """What `undo.html` gets: the act, what would be lost, what stays, and what goes anyway.

    `redo` says that the act is itself an undoing, so that to undo it is to redo.
    """

    act: str
    back: str
    mark: str
    what: str
    where: str
    several: bool
    who: str
    at_ms: int
    again: bool
    redo: bool
    lost: tuple[PartView, ...]
    stays: tuple[PartView, ...]
    rest: tuple[PartView, ...]
    hidden: int


async def undo_page(request: web.Request) -> web.StreamResponse:
    """GET /board/undo?act=ENTRY&back=PATH: what undoing it would lose, and the choice."""
    back = own_path(request.query.get("back"))
    try:
        check_may_write(request[ACCOUNT])
        reference = read_reference(request.query.get("act", ""))
        plan = await plan_of(request.app[HUB], reference)
    except ActError as error:
        raise see_other(back, sentence(str(error)), "bad") from error
    teller = await _teller(request, plan)
    views = [view for each in plan.entries for view in teller.parts(each)]
    waiting = [view for view in views if not view.stays and not view.done]
    lost = [view for view in waiting if view.lost]
    stays = [view for view in views if view.stays]
    rest = [view for view in waiting if not view.lost]
    first = plan.entries[0]
    entry = first.placed.entry
    page = UndoPage(
        act=reference.text(),
        back=back,
        mark=plan.mark,
        what=act_words(teller.parts(first)),
        where=where_words([each.reference for each in plan.entries], teller),
        several=len(plan.entries) > 1,
        who=teller.who(entry.actor if entry is not None else b"", first.placed.stored.author),
        at_ms=entry.corrected_ms if entry is not None else 0,
        again=request.query.get("again") == "1",
        redo=request.query.get("redo") == "1",
        lost=tuple(lost[:PARTS_SHOWN_MAX]),
        stays=tuple(stays[:PARTS_SHOWN_MAX]),
        rest=tuple(rest[:PARTS_SHOWN_MAX]),
        hidden=sum(max(len(views) - PARTS_SHOWN_MAX, 0) for views in (lost, stays, rest)),
    )
    return await show(request, "undo.html", page)


async def _teller(request: web.Request, plan: Plan) -> Teller:
    hub = request.app[HUB]
    zone = zone_of(await settings_of(request))
    return await teller_for(hub.reader, plan.entries, zone, hub.clock.now_ms())


def own_path(value: object) -> str:
    """A path of this hub to go back to; anything else becomes the first page."""
    text = value if isinstance(value, str) else ""
    parts = urlsplit(text)
    own = text.startswith("/") and not parts.scheme and not parts.netloc and "\\" not in text
    return text[:2000] if own and not text.startswith("//") else "/"
