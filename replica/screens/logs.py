"""Time logs as screens show them: what is read from the store, and what a typed log means.

Reads and checks; writes nothing. Invariant: an end or a start that the worker left as it was keeps
its exact instant, seconds and clock change included.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from core.sentence import say
from replica.screens import local_time
from replica.screens.local_time import TimeMistyped, Zone
from replica.screens.port import Rows
from replica.screens.words import KIND_BY_WORD

_LOGS = """
SELECT time_log.*, coalesce(job.title, '') AS title, coalesce(customer.name, '') AS customer_name
FROM time_log LEFT JOIN job ON job.job = time_log.job
LEFT JOIN customer ON customer.customer = job.customer
WHERE time_log.worker = ? AND
"""

WORK_KINDS = ("travel", "on site", "waiting", "other")
"""What counts as work; breaks are shown and do not."""

# A log that claims more than this is a slip of the finger, and `acts` refuses it anyway.
LOG_HOURS_MAX = 24


class LogMistyped(ValueError):
    """A typed log makes no sense; the sentence says what to change."""


@dataclass(frozen=True, slots=True)
class Log:
    """One time log; ids are hex text, `stop_at` is None while it runs."""

    day: str
    log: str
    job: str
    title: str
    kind: str
    start_at: int
    stop_at: int | None
    seconds: int
    source: str
    certainty: str
    evidence: str
    superseded: bool
    reason: str

    @property
    def running(self) -> bool:
        """Whether it is open."""
        return self.stop_at is None and not self.superseded


def _log(row: Any) -> Log:
    return Log(
        day=row["day"],
        log=row["log"],
        job=row["job"],
        title=row["customer_name"] or row["title"],
        kind=row["kind"],
        start_at=row["start_at"],
        stop_at=row["stop_at"],
        seconds=row["seconds"],
        source=row["source"],
        certainty=row["certainty"],
        evidence=row["evidence"],
        superseded=bool(row["superseded"]),
        reason=row["reason"],
    )


async def logs_of_job(reader: Rows, worker: str, job: str) -> list[Log]:
    """The worker's logs on a job, the newest first."""
    rows = await reader.rows(_LOGS + "time_log.job = ? ORDER BY start_at DESC, log", (worker, job))
    return [_log(row) for row in rows]


async def logs_of_day(reader: Rows, worker: str, day: str) -> list[Log]:
    """The worker's logs that began on a local day, in order."""
    rows = await reader.rows(_LOGS + "time_log.day = ? ORDER BY start_at, log", (worker, day))
    return [_log(row) for row in rows]


async def logs_of_days(reader: Rows, worker: str, first: str, last: str) -> list[Log]:
    """The worker's logs that began on local days from `first` to `last`, in order."""
    rows = await reader.rows(
        _LOGS + "time_log.day BETWEEN ? AND ? ORDER BY start_at, log", (worker, first, last)
    )
    return [_log(row) for row in rows]


async def find_log(reader: Rows, worker: str, day: str, log: str) -> Log | None:
    """One log, None where there is none of that id."""
    row = await reader.row(_LOGS + "time_log.day = ? AND log = ?", (worker, day, log))
    return _log(row) if row is not None else None


def counted_seconds(logs: Sequence[Log], now_ms: int, kinds: Sequence[str]) -> int:
    """What counts of these logs for kinds of time, the running one up to now."""
    total = 0
    for log in logs:
        if log.superseded or log.kind not in kinds:
            continue
        total += max(now_ms - log.start_at, 0) // 1000 if log.running else log.seconds
    return total


@dataclass(frozen=True, slots=True)
class Typed:
    """A log as typed, checked; `stop_ms` is None where it is to run on."""

    kind: str
    start_ms: int
    stop_ms: int | None


def read_typed(form: dict[str, str], zone: Zone, now_ms: int, old: Log | None) -> Typed:
    """What the fields `kind`, `start`, `stop` and `running` of a form say.

    Raises:
        LogMistyped: they make no log; the sentence says what to change.
    """
    kind = form.get("kind", "")
    if kind not in KIND_BY_WORD:
        raise LogMistyped(say("Choose what the time was spent on."))
    start_ms = _instant(form, "start", zone, old.start_at if old is not None else None)
    if start_ms > now_ms:
        raise LogMistyped(say("The start lies in the future. Put it at or before now."))
    if form.get("running") == "yes":
        return Typed(kind, start_ms, None)
    stop_ms = _instant(form, "stop", zone, old.stop_at if old is not None else None)
    if stop_ms > now_ms + local_time.MINUTE_MS:
        raise LogMistyped(say("The end lies in the future. Put it at or before now."))
    if stop_ms < start_ms:
        raise LogMistyped(say("The end lies before the start. Put it after."))
    if stop_ms - start_ms > LOG_HOURS_MAX * local_time.HOUR_MS:
        raise LogMistyped(
            say("A log is at most {hours} hours long. Add one for each day.", hours=LOG_HOURS_MAX)
        )
    return Typed(kind, start_ms, stop_ms)


def _instant(form: dict[str, str], name: str, zone: Zone, was_ms: int | None) -> int:
    """A typed time; the hour that comes twice is taken as the field's `_again` says."""
    text = form.get(name, "")
    label = say("The start") if name == "start" else say("The end")
    if not text:
        raise LogMistyped(say("{what} is missing. Give day and time.", what=label))
    if was_ms is not None and text == local_time.field_text(was_ms, zone):
        return was_ms
    try:
        found = local_time.instants(text, zone)
    except TimeMistyped as error:
        raise LogMistyped(say("{what}: {why}", what=label, why=str(error))) from error
    if len(found) == 1:
        return found[0]
    match form.get(f"{name}_again"):
        case "first":
            return found[0]
        case "second":
            return found[1]
    words = say("{what} came twice that night: say which one you mean.", what=label)
    raise TwiceThatNight(name, words)


class TwiceThatNight(LogMistyped):
    """A typed time stands in the hour that the clock change repeats; `name` is its field."""

    def __init__(self, name: str, words: str) -> None:
        super().__init__(words)
        self.name = name
