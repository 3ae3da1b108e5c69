"""Which chart a report draws of its figures, and its words.

Time goes along the width, with the days of the period that have nothing; all else is a list of
bars, cut where nobody could tell them apart. Holds no SQL and no SVG.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Final

from web.formats import minutes_words
from web.reports.drawing import Chart, Line, Piece, bars, columns
from web.reports.figures import Figures
from web.reports.period import week_of
from web.reports.wanted import BY_WORDS, CHARTS, TIMES, Wanted

LINES_MAX: Final = 15
"""Bars that fit on a screen beside their table."""

_LEGENDS: Final = {
    "time": ("On site", "Travel", "Waiting, other", "Break"),
    "plan": ("Planned", "Actual on site"),
    "jobs": ("Done", "Open", "Rejected"),
    "late": ("On time", "Late"),
}


def chart_of(wanted: Wanted, figures: Sequence[Figures]) -> Chart | None:
    """The chart of a report; None where there is nothing to draw."""
    if not figures:
        return None
    along = wanted.by in TIMES
    shown = _all_times(wanted, figures) if along else list(figures[:LINES_MAX])
    lines = [_line(wanted.chart, each, along) for each in shown]
    of_what = CHARTS[wanted.chart]
    title = f"{of_what} by {BY_WORDS[wanted.by].lower()}"
    cut = "" if along or len(figures) <= LINES_MAX else f" The first {LINES_MAX} are drawn."
    description = f"{wanted.period.words}. The figures stand in the table below.{cut}"
    draw = columns if along else bars
    return draw(title, description, _LEGENDS[wanted.chart], lines)


def _all_times(wanted: Wanted, figures: Sequence[Figures]) -> list[Figures]:
    """A figure for each day, week or month of the period, in order."""
    by_key = {each.key: each for each in figures}
    keys = dict.fromkeys(_key(wanted.by, day) for day in wanted.period.days())
    return [by_key.get(key) or Figures(key, key) for key in keys]


def _key(by: str, day: dt.date) -> str:
    if by == "month":
        return f"{day:%Y-%m}"
    return (week_of(day).first if by == "week" else day).isoformat()


def _line(chart: str, row: Figures, along: bool) -> Line:
    mark = row.key[5:] if along and len(row.key) == 10 else ""
    match chart:
        case "plan":
            pair = (row.planned_s, row.actual_s)
            words = " / ".join(map(_hours, pair))
            named = zip(("planned", "actual"), pair, strict=True)
            each = tuple(
                (Piece(index, amount, f"{word} {_hours(amount)}"),)
                for index, (word, amount) in enumerate(named)
            )
            return Line(row.name, words, each, mark)
        case "jobs":
            counts = (("done", row.done), ("open", row.open), ("rejected", row.rejected))
            pieces = tuple(
                Piece(index, count, f"{count} {word}") for index, (word, count) in enumerate(counts)
            )
            words = " + ".join(str(count) for _, count in counts)
        case "late":
            late = row.windowed - row.on_time
            pieces = (
                Piece(0, row.on_time, f"{row.on_time} on time"),
                Piece(1, late, f"{late} late"),
            )
            percent = row.on_time_percent
            words = "–" if percent is None else f"{percent} %"
        case _:
            spans = (row.on_site_s, row.travel_s, row.waiting_s + row.other_s, row.break_s)
            names = ("on site", "travel", "waiting, other", "break")
            pieces = tuple(
                Piece(index, amount, f"{word} {_hours(amount)}")
                for index, (word, amount) in enumerate(zip(names, spans, strict=True))
            )
            words = _hours(row.worked_s)
    return Line(row.name, words, (pieces,), mark)


def _hours(seconds: int) -> str:
    return minutes_words(round(seconds / 60))
