"""What auto logging asks, in a worker's words, with what the two answers are called.

Pure. Invariant: the button that agrees names what agreeing does: no job is finished by an *OK*.
"""

from __future__ import annotations

from dataclasses import dataclass

from replica.screens import local_time
from replica.screens.local_time import Zone
from replica.screens.port import AutoNotice


@dataclass(frozen=True, slots=True)
class Asked:
    """A notice as it is drawn: its words before and after the place, and its two answers.

    `other` is where the log that it began can be given to another job, '' where none was begun.
    """

    notice: AutoNotice
    before: str
    place: str
    after: str
    no: str
    yes: str
    other: str = ""


def asked(notice: AutoNotice, place: str, zone: Zone, now_ms: int) -> Asked:
    """The notice in words; one of a kind that this version does not know is asked plainly."""

    def moment(at_ms: int) -> str:
        return local_time.moment_words(at_ms, zone, now_ms)

    at = moment(notice.at_ms)
    since = moment(notice.at_ms if notice.start_ms is None else notice.start_ms)
    mark = "." if notice.mode == "automatic" else "?"
    if notice.kind == "start" and notice.log_kind == "travel":
        words = (f"On the way since {at} to", f" (auto){mark}", "Not so", "OK")
    else:
        words = {
            "start": (f"Arrived {at} at", f" (auto){mark}", "Not here?", "OK"),
            "arrived": (f"Arrived {at} at", f" (auto){mark}", "Not here?", "OK"),
            "left": (f"Left {at}:", f" (auto){mark}", "Still here?", "OK"),
            "log": (f"{since}–{at} at", " (auto). Log it?", "No", "Log it"),
            "finish": (f"Left {at}:", " (auto). Is the job finished?", "Not yet", "Finish job"),
            "end": (
                f"No sign of you since {at} at",
                ". Did you leave then?",
                "Still here",
                "I left",
            ),
            "other job": (f"Since {at} nearer to", ". Are you there?", "No", "Yes, there"),
            "split": (f"{since}–{at} also at", ". Share the time?", "No", "Share it"),
            "join": (f"Since {since}, with a silence, at", ". One visit?", "No", "One visit"),
            "extend": (f"Still there at {at}:", ". Go on logging?", "No", "Go on"),
        }.get(notice.kind, (f"Noticed {at} at", " (auto). Is that so?", "No", "Yes"))
    before, after, no, yes = words
    return Asked(notice, before, place, after, no, yes)
