"""My time by the week: what counts on each day, what does not, and why.

Sums the logs that the store shows; it changes none. Invariant: the week's counted time is the sum
of its days', and each day's is what My day shows.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from aiohttp import web

from core.sentence import say
from replica.screens import local_time
from replica.screens.here import SCREENS, Here, message_of
from replica.screens.logs import WORK_KINDS, Log, counted_seconds, logs_of_days
from replica.screens.words import SOURCE_WORDS

DAYS = 7


@dataclass(frozen=True, slots=True)
class DaySum:
    """One day of the week; times in seconds, `unsure` counts logs to be looked at."""

    day: str
    words: str
    counted: int
    breaks: int
    unsure: int
    ahead: bool


@dataclass(frozen=True, slots=True)
class WeekSum:
    """A week's logs in sums of seconds.

    `counted_once` is what logs claim beyond what counts: where two lie over each other, and breaks
    within work. `by_source` has the share of each source in what counts, in whole per cent.
    """

    counted: int
    by_kind: tuple[tuple[str, int], ...]
    breaks: int
    counted_once: int
    replaced: int
    unsure: int
    by_source: tuple[tuple[str, int], ...]


async def my_week(request: web.Request) -> web.Response:
    """My week: the seven days from Monday of the asked day."""
    screens = request.app[SCREENS]
    here = await screens.here()
    today = local_time.read_day(here.today)
    try:
        asked = local_time.read_day(request.query.get("day", here.today))
    except local_time.TimeMistyped:
        asked = today
    monday = asked - dt.timedelta(days=asked.weekday())
    days = [monday + dt.timedelta(days=each) for each in range(DAYS)]
    names = [day.isoformat() for day in days]
    logs = await logs_of_days(screens.device.reader, here.worker, names[0], names[-1])
    sums = [_day_sum(here, day, today, [log for log in logs if log.day == day.isoformat()])
            for day in days]  # fmt: skip
    return screens.page(
        here,
        "week.html",
        title=say("My week"),
        message=message_of(request),
        monday=names[0],
        week_words=local_time.span_words(days[0], days[-1]),
        before=(monday - dt.timedelta(days=DAYS)).isoformat(),
        after=(monday + dt.timedelta(days=DAYS)).isoformat() if days[-1] < today else "",
        days=sums,
        most=max((each.counted for each in sums), default=0),
        week=week_sum(logs, here.now_ms),
    )


def _day_sum(here: Here, day: dt.date, today: dt.date, logs: Sequence[Log]) -> DaySum:
    return DaySum(
        day.isoformat(),
        local_time.weekday_words(day),
        counted_seconds(logs, here.now_ms, WORK_KINDS),
        counted_seconds(logs, here.now_ms, ("break",)),
        sum(is_unsure(log) for log in logs),
        day > today,
    )


def is_unsure(log: Log) -> bool:
    """Whether a log that counts has an end or a start that nobody saw."""
    return not log.superseded and "uncertain" in log.certainty


def week_sum(logs: Sequence[Log], now_ms: int) -> WeekSum:
    """The sums of a week's logs, the running one up to now."""
    counting = [log for log in logs if not log.superseded and log.kind in WORK_KINDS]
    counted = counted_seconds(logs, now_ms, WORK_KINDS)
    claimed = sum(max((log.stop_at or now_ms) - log.start_at, 0) // 1000 for log in counting)
    seconds: Counter[str] = Counter()
    for log in counting:
        seconds[log.source] += counted_seconds([log], now_ms, WORK_KINDS)
    by_kind = [(kind, counted_seconds(logs, now_ms, (kind,))) for kind in WORK_KINDS]
    return WeekSum(
        counted,
        tuple((kind, each) for kind, each in by_kind if each),
        counted_seconds(logs, now_ms, ("break",)),
        max(claimed - counted, 0),
        sum(log.superseded for log in logs),
        sum(is_unsure(log) for log in logs),
        tuple(
            (SOURCE_WORDS.get(source, source), round(100 * each / counted))
            for source, each in seconds.most_common()
            if counted and each
        ),
    )
