"""Menu > Sync: what is proven to be on a hub, and what still waits on this phone.

What the office has erased and this phone alone knew is shown until it goes.
Invariant: nothing is called sent here that no hub has confirmed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from aiohttp import web

from core.dispatch.fields import Kind
from core.sentence import listed, say, say_n
from replica.history import HistoryRow
from replica.screens.here import SCREENS, goto, message_of
from replica.screens.port import Rows, Unsent
from replica.screens.words import field_words, value_words

ITEMS_MAX = 100
# Changes of one entry that its line names.
CHANGES_MAX = 5


@dataclass(frozen=True, slots=True)
class Item:
    """One entry that waits, in words."""

    words: str
    about: str
    at_ms: int
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Erased:
    """Something that only this phone has of what the office erased, in words."""

    words: str
    at_ms: int
    until_ms: int


async def sync(request: web.Request) -> web.Response:
    """The sync page."""
    screens = request.app[SCREENS]
    here = await screens.here()
    shown = here.sync.unsent[:ITEMS_MAX]
    reader = screens.device.reader
    rows_by_entry: dict[str, list[HistoryRow]] = {}
    for stream in {each.stream for each in shown}:
        for row in await reader.history(stream):
            rows_by_entry.setdefault(row.entry, []).append(row)
    items = [await _item(reader, each, rows_by_entry.get(each.entry, [])) for each in shown]
    return screens.page(
        here,
        "sync.html",
        title=say("Sync"),
        message=message_of(request),
        items=items,
        join_again=screens.device.join_again,
        erased=await _erased(reader),
        carrying=await screens.device.carried.shown(),
        name_of=_names(request),
        oldest=min((each.at_ms for each in here.sync.unsent), default=None),
    )


def _names(request: web.Request) -> Callable[[str], str]:
    """What a colleague is called here, by the worker's id."""
    colleagues = request.app[SCREENS].colleagues

    def name_of(worker: str) -> str:
        known = colleagues.named(worker)
        return known.name if known is not None else say("a colleague")

    return name_of


async def sync_now(request: web.Request) -> web.Response:
    """Try to reach a hub now."""
    screens = request.app[SCREENS]
    screens.device.sync_now()
    return goto("/sync", screens.messages.say("Trying to reach the hub now"))


async def delete_erased(request: web.Request) -> web.Response:
    """Delete what only this phone has of what the office erased."""
    screens = request.app[SCREENS]
    count = await screens.device.delete_erased()
    words = say_n(
        "{n:,} change deleted from this phone", "{n:,} changes deleted from this phone", count
    )
    return goto("/sync", screens.messages.say(words))


async def _erased(reader: Rows) -> list[Erased]:
    rows = await reader.rows(
        "SELECT at, field, value, until FROM only_here ORDER BY at, stream, number LIMIT ?",
        (ITEMS_MAX,),
    )
    return [
        Erased(
            _with_value(row["field"], row["value"]),
            row["at"],
            row["until"],
        )
        for row in rows
    ]


async def _item(reader: Rows, unsent: Unsent, rows: Sequence[HistoryRow]) -> Item:
    """What an entry says, from its rows of history."""
    parts = []
    for row in rows[:CHANGES_MAX]:
        told = row.field in ("phase", "note")
        parts.append(_with_value(row.field, row.value) if told else field_words(row.field))
    kind = bytes.fromhex(unsent.stream)[4]
    words = listed(dict.fromkeys(parts)) or (say("Track") if kind == Kind.TRACK else say("Change"))
    return Item(words, await _about(reader, unsent.stream, kind), unsent.at_ms, unsent.size_bytes)


def _with_value(field: str, value: str) -> str:
    return say("{what}: {why}", what=field_words(field), why=value_words(field, value))


async def _about(reader: Rows, stream: str, kind: int) -> str:
    if kind == Kind.JOB:
        row = await reader.row("SELECT number, title FROM job WHERE job = ?", (stream,))
        return f"{row['number']} {row['title']}" if row is not None else say("A job")
    known = {Kind.DAY: say("My day"), Kind.TRACK: say("My day"), Kind.WORKER: say("Settings")}
    return {int(each): words for each, words in known.items()}.get(kind, say("This phone"))
