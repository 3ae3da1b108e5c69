"""The board's rows as a template draws them: words, flags and reach, out of rows of SQL.

Holds what one row says and how it is worded; no SQL of its own but the reach of what is shown.
Invariant: everything a row shows by colour or shape it also says in a word.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final
from zoneinfo import ZoneInfo

from core.sentence import marked, say, say_n
from web import formats
from web.board.days import first_day_words, today, workday_ms
from web.board.filters import ASKED_LATELY, Filter
from web.board.groups import Head, group_of_key
from web.board.questions import Question
from web.board.reach import Reach
from web.board.reader import Rows
from web.board.state import Moment
from web.rendering import ROWS_KEPT

PRIORITY_WORDS: Final = (say("Low"), say("Normal"), say("High"), say("Urgent"))
LIVE_STATUSES: Final = frozenset({"open", "in progress"})

# Said by their codes: how late a job runs, how far its worker is, and why it is late.
CODES: Final = (
    marked("delayed"),
    marked("at risk"),
    marked("assigned"),
    marked("received"),
    marked("opened"),
    marked("accepted"),
    marked("travelling"),
    marked("on site"),
    marked("paused"),
    marked("finished"),
    marked("rejected"),
    marked("withdrawn"),
    marked("released"),
    marked("nobody set out"),
    marked("nobody assigned"),
    marked("unassigned"),
    marked("window ends"),
    marked("late start"),
    marked("late finish"),
    marked("longer than planned"),
    marked("arrives too late"),
    marked("no position"),
)
_JSON: Final = json.JSONEncoder(separators=(",", ":"))
_NO_POSITION: Final = re.compile(r"no position for (\d+) min")


@dataclass(frozen=True, slots=True)
class Flag:
    """A mark before a row: an icon, its words, and a tone ('bad', 'risk' or '')."""

    icon: str
    words: str
    tone: str


@dataclass(frozen=True, slots=True)
class BoardRow:
    """One job as a row. Texts are ready to show; times in ms UTC.

    `key` is what the row is ordered by, as JSON, for the page to put a changed row in its place;
    `basis` the frontier that the row shows, for what is done to it; `heads` stand before the row.
    `worker_id` (hex) and `window` (as `window_text`) are what an editor in the cell begins with.
    """

    job: str
    number: str
    title: str
    about: str
    customer: str
    place: str
    day_words: str
    clock_words: str
    worker: str
    status: str
    phase: str
    flags: tuple[Flag, ...]
    delay_level: str
    delay_words: str
    delay_cause: str
    reach: Reach | None
    priority: int
    updated_iso: str
    updated_words: str
    key: str
    live: bool
    href: str
    matches: bool
    basis: str
    worker_id: str = ""
    window: str = ""
    group: str = ""
    heads: tuple[Head, ...] = ()

    def __hash__(self) -> int:
        # What was drawn is kept by it: rows that are alike in these are few.
        return hash((self.job, self.basis, self.updated_words))

    @property
    def priority_words(self) -> str:
        """The priority, '' for an ordinary one."""
        return "" if self.priority == 1 else PRIORITY_WORDS[self.priority]


@dataclass(frozen=True, slots=True)
class Found:
    """Rows of SQL that are drawn, and whether there are more behind them."""

    rows: Sequence[Any]
    has_more: bool


async def find_rows(reader: Rows, asked: tuple[str, list[Any]], drawn_max: int) -> Found:
    """The first so many rows of a question (SQL and values), which asks for one more to know."""
    rows = await reader.rows(*asked)
    return Found(rows[:drawn_max], len(rows) > drawn_max)


def board_rows(moment: Moment, question: Question, found: Found) -> tuple[BoardRow, ...]:
    """Rows of SQL as rows of the page."""
    if not found.rows:
        return ()
    now_ms, zone = moment.now_ms, moment.zone
    names = tuple(found.rows[0].keys())
    asked = _asked(question.filter, names, question.key_names, zone, today(now_ms, zone))
    # By a row of SQLite's each name is looked for among all columns.
    job, frontier, updated_at = map(names.index, ("job", "frontier", "updated_at"))
    return tuple(
        _board_row(
            asked,
            values,
            moment.reach_of(values[job], values[frontier]),
            short_ago(values[updated_at], now_ms),
        )
        for values in map(tuple, found.rows)
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Asked:
    """What the rows of a question have in common for a local day; equal to itself alone."""

    wanted: Filter
    names: tuple[str, ...]
    keys: tuple[str, ...]
    zone: ZoneInfo
    morning_ms: int
    href: str


@lru_cache(maxsize=ASKED_LATELY)
def _asked(
    wanted: Filter, names: tuple[str, ...], keys: tuple[str, ...], zone: ZoneInfo, day: str
) -> _Asked:
    return _Asked(wanted, names, keys, zone, workday_ms(day, zone), wanted.url(job=""))


@lru_cache(maxsize=ROWS_KEPT)
def _board_row(
    asked: _Asked, values: tuple[Any, ...], reach: Reach | None, updated_words: str
) -> BoardRow:
    """A row of the values that stand under the question's names; made once for the same."""
    row = dict(zip(asked.names, values, strict=True))
    zone = asked.zone
    start, end = row["window_start"], row["window_end"]
    level = row["alert_level"] or ""
    live = row["status"] in LIVE_STATUSES
    key = [row[name] for name in asked.keys]
    return BoardRow(
        job=row["job"],
        number=row["number"],
        title=row["title"] or say("Untitled"),
        about=row["description"].partition("\n")[0][:120],
        customer=row["customer_name"],
        place=row["place_name"] or row["address"],
        day_words=window_day(start, end, zone, asked.morning_ms),
        clock_words=window_clock(start, end, zone),
        worker=row["worker_name"] or (say("Unknown worker") if row["worker"] else ""),
        status=row["status"],
        phase=phase_words(row),
        flags=_flags(row, level),
        delay_level=level,
        delay_words=delay_words(row["alert_minutes"]) if level else "",
        delay_cause=cause_words(row["alert_cause"] or "") if level else "",
        reach=reach if live else None,
        priority=min(max(row["priority"], 0), 3),
        updated_iso=formats.local_time(row["updated_at"], zone).isoformat(timespec="seconds"),
        updated_words=updated_words,
        key=_JSON.encode(key),
        live=live,
        href=asked.href + row["job"],
        matches=bool(row.get("matches", True)),
        basis=row["frontier"],
        worker_id=row["worker"],
        window=window_text(start, end, zone),
        group=group_of_key(asked.wanted, key) or "",
    )


def _flags(row: Any, level: str) -> tuple[Flag, ...]:
    flags = []
    if row["conflicts"]:
        words = say_n("{n} conflict to decide", "{n} conflicts to decide", row["conflicts"])
        flags.append(Flag("git-compare", words, "bad"))
    if level == "delayed":
        flags.append(Flag("triangle-alert", say("Delayed"), "bad"))
    elif level == "at risk":
        flags.append(Flag("clock-alert", say("At risk"), "risk"))
    if row["status"] == "rejected":
        flags.append(Flag("circle-x", say("Rejected"), "bad"))
    elif row["status"] == "open" and not row["worker"]:
        flags.append(Flag("user-x", say("Unassigned"), "risk"))
    elif row["unacknowledged"]:
        flags.append(Flag("smartphone", say("Not on the phone yet"), "risk"))
    if row["status"] in LIVE_STATUSES and row["lat_e7"] is None:
        flags.append(Flag("map-pin-off", say("No position: time is logged by hand"), ""))
    return tuple(flags)


def phase_words(row: Any) -> str:
    """What stands under the status: the phase, the reason of a refusal, or who set the status."""
    if row["status"] in ("rejected", "cancelled"):
        return str(row["reason"])
    if row["overridden"]:
        return say("set by the office")
    if row["status"] == "open" and not row["worker"]:
        return say("unassigned")
    return code_words(str(row["phase"])) if row["status"] in LIVE_STATUSES else ""


def code_words(code: str) -> str:
    """A status, a phase or another code that is English itself, as a sentence; '' for none."""
    return say(code) if code else ""


def cause_words(cause: str) -> str:
    """Why a job is late, as its alert names it, as a sentence; '' for nothing."""
    blind = _NO_POSITION.fullmatch(cause)
    if blind is not None:
        return say("no position for {minutes} min", minutes=blind[1])
    return code_words(cause)


def delay_words(minutes: int | None) -> str:
    """Minutes as the column shows them: `+35 min`, `+2 h 05`, `−10 min` left."""
    if minutes is None:
        return ""
    if minutes == 0:
        return say("soon")
    hours, rest = divmod(abs(minutes), 60)
    sign = "−" if minutes < 0 else "+"
    if hours >= 48:
        return say_n("{sign}{n} day", "{sign}{n} days", hours // 24, sign=sign)
    return f"{sign}{hours} h {rest:02d}" if hours else f"{sign}{rest} min"


def short_ago(at_ms: int, now_ms: int) -> str:
    """How long ago in the fewest letters: `now`, `4 min`, `3 h`, `12 d`."""
    gone = max(now_ms - at_ms, 0)
    if gone < formats.MINUTE_MS:
        return say("now")
    if gone < formats.HOUR_MS:
        return f"{gone // formats.MINUTE_MS} min"
    if gone < formats.DAY_MS:
        return f"{gone // formats.HOUR_MS} h"
    return f"{gone // formats.DAY_MS} d"


def window_day(start: int | None, end: int | None, zone: ZoneInfo, now_ms: int) -> str:
    """The day of a window, as the row's first line: `Today`, `Mon 23 Nov`, `No date`."""
    at_ms = start if start is not None else end
    if at_ms is None:
        return say("No date")
    return first_day_words(at_ms, zone, now_ms)


def window_clock(start: int | None, end: int | None, zone: ZoneInfo) -> str:
    """The hours of a window: `10:00–11:30`, over midnight too; `10:00, 3 days` for a longer one."""
    if start is None and end is None:
        return ""
    if start is None or end is None:
        at_ms = start if start is not None else end
        clock = formats.clock_words(at_ms or 0, zone)
        return say("from {clock}", clock=clock) if end is None else say("by {clock}", clock=clock)
    first, last = formats.local_time(start, zone), formats.local_time(end, zone)
    days = (last.date() - first.date()).days
    if days > 1 or (days == 1 and last.time() >= first.time()):
        clock = formats.clock_words(start, zone)
        return say_n("{clock}, {n} day", "{clock}, {n} days", days + 1, clock=clock)
    return f"{formats.clock_words(start, zone)}–{formats.clock_words(end, zone)}"


def window_text(start: int | None, end: int | None, zone: ZoneInfo) -> str:
    """A window as one text, `2026-11-23T10:00/2026-11-23T11:30`; '' for none."""
    if start is None or end is None:
        return ""
    return f"{formats.local_minute(start, zone)}/{formats.local_minute(end, zone)}"
