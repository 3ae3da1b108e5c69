"""What an act did, in words: its streams by name, each change before and after, who built on it.

Turns the parts of `core.dispatch.undoing` into what a page shows; the names that they need are
asked for at once. Holds no decision. Invariant: what is not understood is shown as it stands.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final
from zoneinfo import ZoneInfo

from core.dispatch import fields
from core.dispatch.fields import FIELDS, PHASES, Kind, Phase
from core.dispatch.undoing import UNTOLD, Later, Part
from core.log.entry import Path
from core.sentence import listed, marked, say, say_n
from hub.past_acts import Undoable
from replica.projection.conflict import phase_words, words
from web import formats
from web.board.reader import Rows
from web.board.words import STATE_FIELDS, Names, state_words, value_words

_LIKE_A_JOBS: Final = frozenset({"place point", "place radius", "place outline"})
FIELDS_NAMED: Final = 3
"""Of an act with more edits so many are named, and how many more there are."""

_STREAM_WORDS: Final = {
    Kind.SITE: say("The site"),
    Kind.OFFICE: say("The office"),
    Kind.CUSTOMER: say("A customer"),
    Kind.WORKER: say("A worker"),
    Kind.JOB: say("A job"),
    Kind.DAY: say("A worker-day"),
    Kind.RECURRENCE: say("A recurring job"),
}
_PAGES: Final = {Kind.JOB: "/jobs/", Kind.CUSTOMER: "/customers/", Kind.WORKER: "/workers/"}
_BEGUN: Final = {
    fields.CREATED: say("Made"),
    fields.CUSTOMER_NAME: say("Customer added"),
    fields.WORKER_NAME: say("Worker added"),
    fields.REPEATS: say("Recurring job made"),
}
_ADDED: Final = {
    fields.ACCOUNT_NAME: marked("Account added: {name}"),
    fields.PLACE_NAME: marked("Place added: {name}"),
    fields.CONTACT_NAME: marked("Contact added: {name}"),
    fields.TEAM_NAME: marked("Team added: {name}"),
    fields.VEHICLE_NAME: marked("Vehicle added: {name}"),
    fields.SKILL_NAME: marked("Skill added: {name}"),
    fields.NOTE: marked("Note added: {name}"),
    fields.VIEW_NAME: marked("Saved view added: {name}"),
}
# Settings and kinds of alert stand in paths by their names.
_PATH_WORDS: Final = (
    *(marked("site name"), marked("time zone"), marked("job dispatch"), marked("threshold min")),
    *(marked("radius m"), marked("retention days"), marked("keep tracks days")),
    *(marked("keep days days"), marked("keep jobs days")),
)
_TITLES: Final = """
    WITH asked AS (SELECT value FROM json_each(?))
    SELECT job AS id, trim(number || ' ' || title) AS name FROM job WHERE job IN asked
    UNION ALL SELECT customer, name FROM customer WHERE customer IN asked
    UNION ALL SELECT worker, name FROM worker WHERE worker IN asked
    UNION ALL SELECT recurrence, trim(number || ' ' || title) FROM recurrence
        WHERE recurrence IN asked
    UNION ALL SELECT account, name FROM account WHERE account IN asked
    UNION ALL SELECT place, name FROM customer_place WHERE place IN asked
    UNION ALL SELECT contact, name FROM contact WHERE contact IN asked
    UNION ALL SELECT skill, name FROM skill WHERE skill IN asked
    UNION ALL SELECT team, name FROM team WHERE team IN asked
    UNION ALL SELECT vehicle, name FROM vehicle WHERE vehicle IN asked
    UNION ALL SELECT view, name FROM saved_view WHERE view IN asked
"""
_KEYS: Final = """
    SELECT lower(hex(author)), lower(hex(subject)) FROM certificate
    WHERE role = 1 AND lower(hex(author)) IN (SELECT value FROM json_each(?1))
"""


@dataclass(frozen=True, slots=True)
class LostView:
    """What somebody wrote since: in words, who and when (ms)."""

    words: str
    who: str
    at_ms: int


@dataclass(frozen=True, slots=True)
class PartView:
    """One change of an act: where, which field, both values, and what stands in the way.

    `after` alone says it where `before` is "": a state, or something that was begun.
    """

    title: str
    href: str
    label: str
    before: str
    after: str
    lost: tuple[LostView, ...]
    stays: str
    done: bool

    @property
    def words(self) -> str:
        """The change in one line."""
        if not self.label:
            return self.after
        return listed([self.label, listed([self.before, self.after], " → ")], ": ")


class Teller:
    """Says parts in words, with the names that were asked for."""

    def __init__(self, name_by_id: dict[str, str], names: Names, zone: ZoneInfo, now_ms: int):
        self._name_by_id = name_by_id
        self._names = names
        self._zone = zone
        self._now_ms = now_ms

    def title(self, stream: bytes) -> str:
        """What a stream is called."""
        name = self._name_by_id.get(stream.hex())
        return name or _STREAM_WORDS.get(Kind(stream[4]), say("Something"))

    def who(self, actor: bytes, author: bytes) -> str:
        """Who acted, by name."""
        return self._names.author(actor.hex(), author.hex())

    def parts(self, undoable: Undoable) -> tuple[PartView, ...]:
        """All that one entry did."""
        stream = undoable.reference.stream
        page = _PAGES.get(Kind(stream[4]), "")
        href = page + stream.hex() if page else ""
        return tuple(self._part(self.title(stream), href, part) for part in undoable.parts)

    def _part(self, title: str, href: str, part: Part) -> PartView:
        lost = tuple(self._lost(later) for later in part.lost)
        label, before, after = self._change(part)
        done = part.done is not None
        stays = formats.sentence(part.stays) if part.stays else ""
        return PartView(title, href, label, before, after, lost, stays, done)

    def _change(self, part: Part) -> tuple[str, str, str]:
        code = part.path[0]
        field = FIELDS.get(code)
        if code in _BEGUN and part.before is None and part.after:
            return "", "", _BEGUN[code]
        if code in _ADDED and part.before is None and isinstance(part.after, str):
            return "", "", say(_ADDED[code], name=part.after)
        if code == fields.FILE:
            return "", "", say("File added")
        if code == fields.FILE_REMOVED:
            return "", "", say("File removed") if part.after else say("File put back")
        if code in UNTOLD:
            return "", "", say("{field} set", field=self._label(part.path))
        if field is not None and field.kind == Kind.JOB and field.name in STATE_FIELDS:
            return "", "", self._state(field.name, part.path, part.after)
        return (
            self._label(part.path),
            self._value(part.path, part.before),
            self._value(part.path, part.after),
        )

    def _lost(self, later: Later) -> LostView:
        field = FIELDS.get(later.path[0])
        value = later.write.value
        if field is not None and field.kind == Kind.JOB and field.name in STATE_FIELDS:
            told = self._state(field.name, later.path, value)
        else:
            told = listed([self._label(later.path), self._value(later.path, value)], ": ")
        who = self.who(later.write.actor, later.write.log[0])
        return LostView(told, who, later.write.corrected_ms)

    def _state(self, name: str, path: Path, value: Any) -> str:
        text = words(value)
        if name == "phase" and type(value) is int and value in PHASES:
            text = phase_words(Phase(value))
        of = path[1].hex() if len(path) > 1 else ""
        told = state_words(name, of, text, self._names)
        if name == "phase":
            return listed([told, self._names.worker.get(of) or say("a worker")])
        return told

    def _label(self, path: Path) -> str:
        field = FIELDS.get(path[0])
        if field is None:
            return say("A field of a newer version")
        of = self._name_by_id.get(path[1].hex(), "") if len(path) > 1 and _is_id(path[1]) else ""
        if len(path) > 1 and isinstance(path[1], str) and path[1]:
            of = say(path[1].replace("_", " "))
        return say("{field} ({of})", field=field.called, of=of) if of else field.called

    def _value(self, path: Path, value: Any) -> str:
        field = FIELDS.get(path[0])
        if _is_id(value) and value.hex() in self._name_by_id:
            return self._name_by_id[value.hex()]
        if path[0] == fields.VIEW_OWNER and value == b"":
            return say("everybody")
        if value is None or value is False or value == "" or value == []:
            return say("nothing") if value is not False else say("no")
        if value is True:
            return say("yes")
        name = field.name if field is not None else ""
        # A place's position, radius and outline read as a job's.
        name = name.removeprefix("place ") if name in _LIKE_A_JOBS else name
        return value_words(name, words(value), self._names, self._zone, self._now_ms)


async def teller_for(
    reader: Rows, all_parts: Iterable[Undoable], zone: ZoneInfo, now_ms: int
) -> Teller:
    """Ask for every name that telling these needs."""
    ids, keys = set[bytes](), set[bytes]()
    for each in all_parts:
        ids.add(each.reference.stream)
        entry = each.placed.entry
        if entry is not None and entry.actor:
            ids.add(entry.actor)
        keys.add(each.placed.stored.author)
        for part in each.parts:
            ids |= _ids_in(part.path) | _ids_in(part.before) | _ids_in(part.after)
            for later in part.lost:
                ids |= _ids_in(later.path) | _ids_in(later.write.value) | {later.write.actor}
                keys.add(later.write.log[0])
    of_keys = json.dumps(sorted(key.hex() for key in keys))
    worker_by_key = {row[0]: row[1] for row in await reader.rows(_KEYS, (of_keys,))}
    asked = sorted({one.hex() for one in ids} | set(worker_by_key.values()))
    found = {row["id"]: row["name"] for row in await reader.rows(_TITLES, (json.dumps(asked),))}
    # Ids are of different lengths or random: one map serves all kinds.
    names = Names(found, found, found, found, found, worker_by_key)
    return Teller(found, names, zone, now_ms)


def act_words(views: Sequence[PartView]) -> str:
    """An act in one line, from the changes of one of its streams."""
    told = [view.words for view in views]
    if not told:
        return say("Nothing that shows")
    if len(views) > 1 and any(view.label for view in views):
        # Of several edits each value would make the line too long to scan.
        told = [view.label or view.words for view in views]
    first, more = listed(told[:FIELDS_NAMED]), len(told) - FIELDS_NAMED
    if more <= 0:
        return first
    return say_n("{first} and {n} more", "{first} and {n} more", more, first=first)


def _is_id(value: Any) -> bool:
    return isinstance(value, bytes) and len(value) in (8, 12)


def _ids_in(value: Any) -> set[bytes]:
    if isinstance(value, (list, tuple)):
        return {one for one in value if _is_id(one)}
    return {value} if _is_id(value) else set()
