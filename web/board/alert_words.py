"""Alerts in words: what is wrong, and what that follows from. Pure."""

from __future__ import annotations

from typing import Final

from core.dispatch.delay import Cause, Course, Delay
from web import formats

_WORDS_BY_CAUSE: Final = {
    Cause.NO_SHOW: "No show",
    Cause.LATE_START: "Late start",
    Cause.LATE_FINISH: "Late finish",
    Cause.OVERRUN: "Overrun",
    Cause.AT_RISK: "At risk",
    Cause.BLIND: "Blind",
    Cause.UNACKNOWLEDGED: "Not on the phone",
}


def cause_words(trouble: Delay, worker: str) -> str:
    """What is wrong, with its minutes: `Late start, 12 min`; '' as worker: nobody is assigned."""
    words = _WORDS_BY_CAUSE[trouble.cause]
    if not worker and trouble.cause in (Cause.NO_SHOW, Cause.AT_RISK):
        words = f"{words}, nobody assigned"
    if trouble.cause is Cause.AT_RISK and trouble.minutes == 0:
        return words
    return f"{words}, {formats.minutes_words(trouble.minutes)}"


def why_words(trouble: Delay, course: Course, name: str) -> str:
    """What an alert follows from, in a sentence; `name` is the worker's, '' for nobody."""
    who = name or "nobody"
    match trouble.cause:
        case Cause.NO_SHOW:
            return f"The window is over, and {who} has not set out" if name else "Nobody has it"
        case Cause.LATE_START if course.arrived_ms is None:
            return f"The window is over, and {who} is still on the way"
        case Cause.LATE_START:
            return f"{who} began after the window"
        case Cause.LATE_FINISH:
            return f"{who} is still at it after it was due"
        case Cause.OVERRUN:
            return f"{_worked(trouble, course)} on site of {_planned(course)} planned"
        case Cause.AT_RISK if not name:
            return "Nobody has it, and its window ends soon"
        case Cause.AT_RISK if course.eta_s is None:
            return f"{who} is not there yet, and the window ends soon"
        case Cause.AT_RISK:
            drive = formats.minutes_words(-(-(course.eta_s or 0) // 60))
            return f"{drive} of driving from {who}'s last position"
        case Cause.BLIND if course.position_ms is None:
            return f"{who} is on duty, and the phone told no position"
        case Cause.BLIND:
            return f"{who} is on duty, and the phone says nothing of its position"
        case Cause.UNACKNOWLEDGED:
            return f"Assigned to {who}, whose phone has not confirmed it"
    return ""


def _worked(trouble: Delay, course: Course) -> str:
    return formats.minutes_words((course.planned_min or 0) + trouble.minutes)


def _planned(course: Course) -> str:
    return formats.minutes_words(course.planned_min or 0)
