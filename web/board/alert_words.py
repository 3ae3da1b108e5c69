"""Alerts in words: what is wrong, and what that follows from. Pure."""

from __future__ import annotations

from typing import Final

from core.dispatch.delay import Cause, Course, Delay
from core.sentence import listed, say
from web import formats

_WORDS_BY_CAUSE: Final = {
    Cause.NO_SHOW: say("No show"),
    Cause.LATE_START: say("Late start"),
    Cause.LATE_FINISH: say("Late finish"),
    Cause.OVERRUN: say("Overrun"),
    Cause.AT_RISK: say("At risk"),
    Cause.BLIND: say("Blind"),
    Cause.UNACKNOWLEDGED: say("Not on the phone"),
}


def cause_words(trouble: Delay, worker: str) -> str:
    """What is wrong, with its minutes: `Late start, 12 min`; '' as worker: nobody is assigned."""
    words: str = _WORDS_BY_CAUSE[trouble.cause]
    if not worker and trouble.cause in (Cause.NO_SHOW, Cause.AT_RISK):
        words = say("{trouble}, nobody assigned", trouble=words)
    if trouble.cause is Cause.AT_RISK and trouble.minutes == 0:
        return words
    return listed([words, formats.minutes_words(trouble.minutes)])


def why_words(trouble: Delay, course: Course, name: str) -> str:
    """What an alert follows from, in a sentence; `name` is the worker's, '' for nobody."""
    who = name or say("nobody")
    match trouble.cause:
        case Cause.NO_SHOW if not name:
            return say("Nobody has it")
        case Cause.NO_SHOW:
            return say("The window is over, and {who} has not set out", who=who)
        case Cause.LATE_START if course.arrived_ms is None:
            return say("The window is over, and {who} is still on the way", who=who)
        case Cause.LATE_START:
            return say("{who} began after the window", who=who)
        case Cause.LATE_FINISH:
            return say("{who} is still at it after it was due", who=who)
        case Cause.OVERRUN:
            worked, planned = _worked(trouble, course), _planned(course)
            return say("{worked} on site of {planned} planned", worked=worked, planned=planned)
        case Cause.AT_RISK if not name:
            return say("Nobody has it, and its window ends soon")
        case Cause.AT_RISK if course.eta_s is None:
            return say("{who} is not there yet, and the window ends soon", who=who)
        case Cause.AT_RISK:
            drive = formats.minutes_words(-(-(course.eta_s or 0) // 60))
            return say("{drive} of driving from {who}'s last position", drive=drive, who=who)
        case Cause.BLIND if course.position_ms is None:
            return say("{who} is on duty, and the phone told no position", who=who)
        case Cause.BLIND:
            return say("{who} is on duty, and the phone says nothing of its position", who=who)
        case Cause.UNACKNOWLEDGED:
            return say("Assigned to {who}, whose phone has not confirmed it", who=who)
    return ""


def _worked(trouble: Delay, course: Course) -> str:
    return formats.minutes_words((course.planned_min or 0) + trouble.minutes)


def _planned(course: Course) -> str:
    return formats.minutes_words(course.planned_min or 0)
