"""Which chart a report draws of its figures, and its words.

Time goes along the width, with the days of the period that have nothing; all else is a list of
bars, cut where nobody could tell them apart. Holds no SQL and no SVG.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from core.sentence import listed, say
from replica.language import Language
from web.formats import minutes_words
from web.reports.drawing import Chart, Line, Piece, bars, columns
from web.reports.figures import Figures
from web.reports.period import week_of
from web.reports.wanted import BY_PHRASES, CHARTS, TIMES, Wanted

LINES_MAX: Final = 15
"""Bars that fit on a screen beside their table."""

_LEGENDS: Final = {
    "time": (say("On site"), say("Travel"), say("Waiting, other"), say("Break")),
    "plan": (say("Planned"), say("Actual on site")),
    "jobs": (say("Done"), say("Open"), say("Rejected")),
    "late": (say("On time"), say("Late")),
}


def chart_of(wanted: Wanted, figures: Sequence[Figures], language: Language) -> Chart | None:
    """The chart of a report in a language; None where there is nothing to draw."""
    if not figures:
        return None
    along = wanted.by in TIMES
    shown = _all_times(wanted, figures) if along else list(figures[:LINES_MAX])
    lines = [_said(_line(wanted.chart, each, along), language) for each in shown]
    title = say("{figures} {by}", figures=CHARTS[wanted.chart], by=BY_PHRASES[wanted.by])
    description = say("{period}. The figures stand in the table below.", period=wanted.period.words)
    if not along and len(figures) > LINES_MAX:
        cut = say("The first {n} are drawn.", n=LINES_MAX)
        description = listed([description, cut], " ")
    legend = language.plain(_LEGENDS[wanted.chart])
    draw = columns if along else bars
    return draw(language.said(title), language.said(description), legend, lines)


def _said(line: Line, language: Language) -> Line:
    """A line as it is drawn: in a language."""
    pieces = tuple(
        tuple(replace(piece, words=language.said(piece.words)) for piece in bar)
        for bar in line.bars
    )
    return Line(language.said(line.name), language.said(line.words), pieces, line.mark)


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
    pieces: tuple[Piece, ...]
    match chart:
        case "plan":
            planned, actual = _hours(row.planned_s), _hours(row.actual_s)
            each = (
                (Piece(0, row.planned_s, say("planned {time}", time=planned)),),
                (Piece(1, row.actual_s, say("actual {time}", time=actual)),),
            )
            return Line(row.name, listed([planned, actual], " / "), each, mark)
        case "jobs":
            pieces = (
                Piece(0, row.done, say("{count} done", count=row.done)),
                Piece(1, row.open, say("{count} open", count=row.open)),
                Piece(2, row.rejected, say("{count} rejected", count=row.rejected)),
            )
            words = " + ".join(map(str, (row.done, row.open, row.rejected)))
        case "late":
            late = row.windowed - row.on_time
            pieces = (
                Piece(0, row.on_time, say("{count} on time", count=row.on_time)),
                Piece(1, late, say("{count} late", count=late)),
            )
            percent = row.on_time_percent
            words = "–" if percent is None else f"{percent} %"
        case _:
            rest_s = row.waiting_s + row.other_s
            pieces = (
                Piece(0, row.on_site_s, say("on site {time}", time=_hours(row.on_site_s))),
                Piece(1, row.travel_s, say("travel {time}", time=_hours(row.travel_s))),
                Piece(2, rest_s, say("waiting, other {time}", time=_hours(rest_s))),
                Piece(3, row.break_s, say("break {time}", time=_hours(row.break_s))),
            )
            words = _hours(row.worked_s)
    return Line(row.name, words, (pieces,), mark)


def _hours(seconds: int) -> str:
    return minutes_words(round(seconds / 60))
