"""A job's time logs: totals by kind, the list with source and evidence, and the bar of its day.

Minutes come from the projections, where they are counted of disjoint intervals; here they are only
added up and drawn. Invariant: the bar shows what was claimed, the totals what counts, and a log
that was superseded or taken out stays in the list, struck through.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Final
from zoneinfo import ZoneInfo

from core.dispatch.reasons import reason_words
from core.sentence import listed, marked, say, say_n
from web import formats
from web.board.reader import Rows
from web.board.words import Names

KINDS: Final = (
    marked("travel"),
    marked("on site"),
    marked("break"),
    marked("waiting"),
    marked("other"),
)
_KIND_WORDS: Final = {
    "travel": say("Travel"),
    "on site": say("On site"),
    "break": say("Break"),
    "waiting": say("Waiting"),
    "other": say("Other"),
}
BAR_WIDTH: Final = 1000
"""The bar's own units; the page stretches it to the pane."""
SOURCE_WORDS: Final = {
    "manual": say("by hand"),
    "auto": say("automatic"),
    "dispatcher": say("by the office"),
    "correction": say("corrected"),
}
_CERTAINTY_WORDS: Final = {
    "uncertain": say("uncertain"),
    "bridged over a reboot": say("bridged over a reboot"),
    "overlaps": say("overlaps"),
    "ends before it starts": say("ends before it starts"),
    "unusually long": say("unusually long"),
}


@dataclass(frozen=True, slots=True)
class LogView:
    """One time log. `minutes` counts; None while it is open."""

    worker: str
    kind: str
    day: str
    start_at: int
    stop_at: int | None
    minutes: int | None
    source: str
    source_words: str
    certainty: str
    evidence: str
    reason: str
    struck: bool


@dataclass(frozen=True, slots=True)
class Segment:
    """A piece of the bar, in its own units of a thousand."""

    kind: str
    x: int
    width: int
    open: bool
    words: str


@dataclass(frozen=True, slots=True)
class TimeView:
    """All time of a job: totals (kind, words), logs, and the bar with its ends on the clock."""

    totals: tuple[tuple[str, str], ...]
    logs: tuple[LogView, ...]
    bar: tuple[Segment, ...]
    window: tuple[int, int] | None
    start_at: int
    end_at: int

    @property
    def bar_words(self) -> str:
        """What the bar shows, read aloud."""
        return listed((piece.words for piece in self.bar), "; ")


async def time_of(reader: Rows, job: Any, names: Names, zone: ZoneInfo, now_ms: int) -> TimeView:
    """The time of a job, whoever logged it."""
    rows = await reader.rows(
        "SELECT * FROM time_log WHERE job = ? ORDER BY start_at, log", (job["job"],)
    )
    logs = tuple(_log_view(row, names, zone) for row in rows)
    seconds: dict[str, int] = {}
    for row in rows:
        if not row["superseded"]:
            seconds[row["kind"]] = seconds.get(row["kind"], 0) + row["seconds"]
    totals = tuple(
        (kind, formats.minutes_words(round(seconds[kind] / 60)))
        for kind in KINDS
        if seconds.get(kind)
    )
    counting = [row for row in rows if not row["superseded"]]
    start, end = _bounds(counting, now_ms)
    segments = tuple(_segment(row, start, end, zone, now_ms) for row in counting)
    return TimeView(totals, logs, segments, _window(job, start, end), start, end)


def _bounds(rows: list[Any], now_ms: int) -> tuple[int, int]:
    """The bar's ends: the first start and the last stop, on the quarter of an hour."""
    if not rows:
        return 0, 0
    quarter = 15 * formats.MINUTE_MS
    start = min(row["start_at"] for row in rows) // quarter * quarter
    end = max(_end_of(row, now_ms) for row in rows)
    return start, max(-(-end // quarter) * quarter, start + quarter)


def _end_of(row: Any, now_ms: int) -> int:
    stop = row["stop_at"]
    return int(stop if stop is not None else max(now_ms, row["start_at"]))


def _segment(row: Any, start: int, end: int, zone: ZoneInfo, now_ms: int) -> Segment:
    span = end - start
    left = (row["start_at"] - start) * BAR_WIDTH // span
    right = (_end_of(row, now_ms) - start) * BAR_WIDTH // span
    stop = row["stop_at"]
    until = formats.clock_words(stop, zone) if stop is not None else say("now")
    kind = _KIND_WORDS.get(row["kind"], row["kind"])
    since = formats.clock_words(row["start_at"], zone)
    words = say("{kind} {since}–{until}", kind=kind, since=since, until=until)
    return Segment(row["kind"], left, max(right - left, 4), stop is None, words)


def _window(job: Any, start: int, end: int) -> tuple[int, int] | None:
    """The job's window on the bar's scale, cut to it; None where they do not meet."""
    if job["window_start"] is None or job["window_end"] is None or end <= start:
        return None
    left = max(job["window_start"], start)
    right = min(job["window_end"], end)
    if right <= left:
        return None
    span = end - start
    return (left - start) * BAR_WIDTH // span, (right - left) * BAR_WIDTH // span


def _log_view(row: Any, names: Names, zone: ZoneInfo) -> LogView:
    closed = row["stop_at"] is not None
    return LogView(
        worker=names.worker.get(row["worker"], say("Unknown worker")),
        kind=row["kind"],
        day=row["day"],
        start_at=row["start_at"],
        stop_at=row["stop_at"],
        minutes=round(row["seconds"] / 60) if closed else None,
        source=row["source"],
        source_words=SOURCE_WORDS.get(row["source"], row["source"]),
        certainty=_certainty_words(row["certainty"]),
        evidence=evidence_words(row["evidence"], zone),
        reason=reason_words(row["reason"]),
        struck=bool(row["superseded"]),
    )


def _certainty_words(text: str) -> str:
    """What is doubtful about a log, from the flags that its row joins by commas."""
    return listed(_CERTAINTY_WORDS.get(flag, flag) for flag in text.split(", "))


def evidence_words(text: str, zone: ZoneInfo) -> str:
    """What is behind an automatic log: how many fixes, from when to when, under which rule."""
    try:
        evidence = json.loads(text) if text else {}
    except ValueError:
        return ""
    if not isinstance(evidence, dict):
        return ""
    fixes = [at for at in evidence.get("fixes") or [] if type(at) is int]
    parts: list[str] = []
    if fixes:
        first, last = formats.clock_words(min(fixes), zone), formats.clock_words(max(fixes), zone)
        count = say_n("{n} fix", "{n} fixes", len(fixes))
        parts.append(listed((count, f"{first}–{last}" if first != last else first)))
    rule = evidence.get("rule")
    if isinstance(rule, list) and rule:
        parts.append(
            say("rule {rule}, {minutes} min at least", rule=rule[0], minutes=rule[1])
            if len(rule) > 1
            else say("rule {rule}", rule=rule[0])
        )
    return listed(parts, "; ")
