"""Reasons that a worker chooses from a list: written in English, said in any language.

What a worker types stands in the log as it was typed. What is chosen stands there as the English
text of these lists, whichever language it was read in, so that reports count it once and everybody
reads it in their own. Invariant: a text that was typed is never changed, but for such a reason in
front of it.
"""

from __future__ import annotations

import re
from typing import Final

from core.dispatch.acts import PROBLEM, QUESTION
from core.sentence import listed, marked, say

REJECT_REASONS: Final = (
    marked("I cannot be there in time"),
    marked("Not my kind of work"),
    marked("I lack the tool or part"),
    marked("I am ill or off"),
)
PROBLEMS: Final = (
    marked("Nobody is there"),
    marked("No access"),
    marked("Wrong address"),
    marked("Missing part or tool"),
    marked("It takes longer"),
    marked("Not safe"),
)
CORRECTION_REASONS: Final = (
    marked("I forgot to tap"),
    marked("I tapped too late"),
    marked("I tapped by mistake"),
    marked("I was not there"),
)
UNDONE: Final = marked("Undone")
_MOVED: Final = re.compile(r"Moved to (\d{4}-\d{2}-\d{2}): (.*)", re.DOTALL)
_CHOSEN: Final = (*REJECT_REASONS, *PROBLEMS, *CORRECTION_REASONS, UNDONE)
_BESIDE: Final = ". "


def reason_text(choice: str, text: str) -> str:
    """What is written of a chosen reason and of what was typed beside it."""
    return _BESIDE.join(part for part in (choice, text) if part)


def moved_reason(day: str, reason: str) -> str:
    """What is written of a log that was taken to another day, 2026-11-23, with a reason."""
    return f"Moved to {day}: {reason}"


def reason_words(reason: str) -> str:
    """A reason as it is said to people: what was chosen as a sentence, what was typed as it is."""
    moved = _MOVED.fullmatch(reason)
    if moved is not None:
        return say("Moved to {day}: {reason}", day=moved[1], reason=reason_words(moved[2]))
    if reason in _CHOSEN:
        return say(reason)
    for choice in _CHOSEN:
        if reason.startswith(choice + _BESIDE):
            return listed((say(choice), reason.removeprefix(choice + _BESIDE)), _BESIDE)
    return reason


def note_words(text: str) -> str:
    """A note as it is said to people: a problem that was reported, a question, or as it stands."""
    if text.startswith(PROBLEM):
        return say("Problem: {what}", what=reason_words(text.removeprefix(PROBLEM)))
    if text.startswith(QUESTION):
        return say("Question: {what}", what=text.removeprefix(QUESTION))
    return text
