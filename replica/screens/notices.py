"""What auto logging asks, in a worker's words, with what the two answers are called.

Pure. Invariant: the button that agrees names what agreeing does: no job is finished by an *OK*.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from core.sentence import Sentence, marked, say
from replica.screens import local_time
from replica.screens.local_time import Zone
from replica.screens.port import AutoNotice


@dataclass(frozen=True, slots=True)
class Asked:
    """A notice as it is drawn: its sentence, and what its two answers are called.

    `template` has the place and these `values`; a page sets the place apart in it. `other` is where
    the log that it began can be given to another job, '' where none was begun.
    """

    notice: AutoNotice
    template: str
    values: Mapping[str, str]
    place: str
    no: str
    yes: str
    other: str = ""

    @property
    def words(self) -> Sentence:
        """The whole sentence."""
        return say(self.template, place=self.place, **self.values)


_NO: Final = say("No")
# By kind: what is told of what was logged, what is asked of what was not, and the two answers.
_ON_THE_WAY: Final = (
    marked("On the way since {at} to {place} (auto)."),
    marked("On the way since {at} to {place} (auto)?"),
    say("Not so"),
    say("OK"),
)
_ARRIVED: Final = (
    marked("Arrived {at} at {place} (auto)."),
    marked("Arrived {at} at {place} (auto)?"),
    say("Not here?"),
    say("OK"),
)
_LEFT: Final = (
    marked("Left {at}: {place} (auto)."),
    marked("Left {at}: {place} (auto)?"),
    say("Still here?"),
    say("OK"),
)
# What is asked in the same words, whatever was logged.
_QUESTIONS: Final = {
    "log": (marked("{since}–{at} at {place} (auto). Log it?"), _NO, say("Log it")),
    "finish": (
        marked("Left {at}: {place} (auto). Is the job finished?"),
        say("Not yet"),
        say("Finish job"),
    ),
    "end": (
        marked("No sign of you since {at} at {place}. Did you leave then?"),
        say("Still here"),
        say("I left"),
    ),
    "other job": (
        marked("Since {at} nearer to {place}. Are you there?"),
        _NO,
        say("Yes, there"),
    ),
    "split": (marked("{since}–{at} also at {place}. Share the time?"), _NO, say("Share it")),
    "join": (
        marked("Since {since}, with a silence, at {place}. One visit?"),
        _NO,
        say("One visit"),
    ),
    "extend": (marked("Still there at {at}: {place}. Go on logging?"), _NO, say("Go on")),
}
_OF_ANOTHER_KIND: Final = marked("Noticed {at} at {place} (auto). Is that so?"), _NO, say("Yes")


def asked(notice: AutoNotice, place: str, zone: Zone, now_ms: int) -> Asked:
    """The notice in words; one of a kind that this version does not know is asked plainly."""
    at = local_time.moment_words(notice.at_ms, zone, now_ms)
    since_ms = notice.at_ms if notice.start_ms is None else notice.start_ms
    values = {"at": at, "since": local_time.moment_words(since_ms, zone, now_ms)}
    told = {"start": _ARRIVED, "arrived": _ARRIVED, "left": _LEFT}.get(notice.kind)
    if notice.kind == "start" and notice.log_kind == "travel":
        told = _ON_THE_WAY
    if told is not None:
        as_told, as_asked, no, yes = told
        template = as_told if notice.mode == "automatic" else as_asked
    else:
        template, no, yes = _QUESTIONS.get(notice.kind, _OF_ANOTHER_KIND)
    return Asked(notice, template, values, place, no, yes)
