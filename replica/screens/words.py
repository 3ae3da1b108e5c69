"""Phases, spans and distances in a worker's words: sentences, which a page says in its language.

Pure functions and tables; no clock and no HTML. Invariant: each phase, log kind and source has a
word and an icon, so that no screen speaks by colour alone.
"""

from __future__ import annotations

import json
import math
from typing import Any

from core.dispatch.fields import FIELDS, LogKind, Phase
from core.dispatch.reasons import note_words, reason_words
from core.sentence import listed, say, say_n

PHASE_BY_WORD = {phase.name.lower().replace("_", " "): phase for phase in Phase}
WORD_BY_PHASE = {phase: word for word, phase in PHASE_BY_WORD.items()}
KIND_BY_WORD = {kind.name.lower().replace("_", " "): kind for kind in LogKind}

# What a phase is called on the screen, with its icon and its tone: (words, icon, tone).
SHOWN_BY_PHASE = {
    "assigned": (say("New"), "new", "open"),
    "received": (say("New"), "new", "open"),
    "opened": (say("To accept"), "open", "open"),
    "accepted": (say("Accepted"), "accepted", "open"),
    "travelling": (say("Travelling"), "travel", "progress"),
    "on site": (say("On site"), "site", "progress"),
    "paused": (say("Paused"), "pause", "risk"),
    "finished": (say("Done"), "done", "done"),
    "rejected": (say("Rejected"), "rejected", "rejected"),
    "withdrawn": (say("Taken back"), "gone", "done"),
    "handed on": (say("Handed on"), "hand", "done"),
    "released": (say("Released"), "gone", "done"),
    "cancelled": (say("Cancelled"), "gone", "done"),
}

ICON_BY_KIND = {
    "travel": "travel",
    "on site": "site",
    "break": "pause",
    "waiting": "clock",
    "other": "note",
}
KIND_WORDS = {
    "travel": say("Travel"),
    "on site": say("On site"),
    "break": say("Break"),
    "waiting": say("Waiting"),
    "other": say("Other work"),
}
SOURCE_WORDS = {
    "manual": say("By hand"),
    "auto": say("Automatic"),
    "dispatcher": say("By the office"),
    "correction": say("Corrected"),
}
PRIORITY_WORDS = {0: say("Low"), 1: "", 2: say("High"), 3: say("Urgent")}


def minutes_words(seconds: int) -> str:
    """Working time: `45 s`, `45 min`, `2 h`, `2 h 05 min`."""
    if 0 <= seconds < 60:
        return say("{seconds} s", seconds=seconds)
    minutes = seconds // 60
    hours, rest = divmod(minutes, 60)
    if not hours:
        return say("{minutes} min", minutes=rest)
    if not rest:
        return say("{hours} h", hours=hours)
    return say("{hours} h {minutes:02d} min", hours=hours, minutes=rest)


def timer_words(seconds: int) -> str:
    """A running time: `4:05`, `1:04:05`."""
    hours, rest = divmod(max(seconds, 0), 3600)
    minutes, second = divmod(rest, 60)
    return f"{hours}:{minutes:02d}:{second:02d}" if hours else f"{minutes}:{second:02d}"


def size_words(size_bytes: int) -> str:
    """`812 B`, `3.4 kB`, `12.0 MB`."""
    if size_bytes < 1_000:
        return say("{size} B", size=size_bytes)
    if size_bytes < 1_000_000:
        whole, tenths = _tenths(size_bytes / 1_000)
        return say("{whole}.{tenths} kB", whole=whole, tenths=tenths)
    whole, tenths = _tenths(size_bytes / 1_000_000)
    return say("{whole}.{tenths} MB", whole=whole, tenths=tenths)


def distance_words(metres: float) -> str:
    """`80 m`, `1.4 km`, `23 km`."""
    if metres < 1_000:
        return say("{metres} m", metres=round(metres / 10) * 10)
    if metres >= 10_000:
        return say("{kilometres} km", kilometres=round(metres / 1000))
    whole, tenths = _tenths(metres / 1000)
    return say("{whole}.{tenths} km", whole=whole, tenths=tenths)


def _tenths(number: float) -> tuple[str, str]:
    """What stands before and behind the point, which languages write as they do."""
    whole, _, tenths = f"{number:.1f}".partition(".")
    return whole, tenths


def bearing_degrees(from_e7: tuple[int, int], to_e7: tuple[int, int]) -> float:
    """The degrees from north (0..360) in which to set out along the great circle."""
    lat1, lon1, lat2, lon2 = (math.radians(each / 1e7) for each in (*from_e7, *to_e7))
    east = math.sin(lon2 - lon1) * math.cos(lat2)
    north = math.cos(lat1) * math.sin(lat2) - math.sin(lat1) * math.cos(lat2) * math.cos(
        lon2 - lon1
    )
    return math.degrees(math.atan2(east, north)) % 360


# After a distance: `1.4 km north`.
_WINDS = (
    *(say("north"), say("north-east"), say("east"), say("south-east")),
    *(say("south"), say("south-west"), say("west"), say("north-west")),
)


def bearing_words(degrees: float) -> str:
    """The nearest of the eight winds."""
    return _WINDS[round(degrees / 45) % 8]


def degrees_text(degrees_e7: int) -> str:
    """1e-7 degree as a decimal number, exactly and without a float."""
    whole, rest = divmod(abs(degrees_e7), 10_000_000)
    digits = f"{rest:07d}".rstrip("0") or "0"
    return f"{'-' if degrees_e7 < 0 else ''}{whole}.{digits}"


def evidence_words(evidence: str) -> str:
    """What stands behind an automatic log, from its JSON: times of fixes; rule and threshold."""
    try:
        facts: Any = json.loads(evidence) if evidence else None
    except ValueError:
        return ""
    if not isinstance(facts, dict):
        return ""
    parts = []
    fixes, rule = facts.get("fixes"), facts.get("rule")
    if isinstance(fixes, list) and fixes:
        parts.append(say_n("{n} position", "{n} positions", len(fixes)))
    if isinstance(rule, list) and len(rule) >= 2:
        words = say("at least {minutes} min there, rule {rule}", minutes=rule[1], rule=rule[0])
        parts.append(words)
    return listed(parts)


_CERTAINTY_WORDS = {
    "uncertain": say("The end is not certain: nobody saw it"),
    "bridged over a reboot": say("The phone restarted meanwhile"),
    "overlaps": say("Overlaps another log: counted once"),
    "ends before it starts": say("Ends before it starts: correct it"),
    "unusually long": say("Unusually long: is it right?"),
}


def certainty_words(certainty: str) -> list[str]:
    """What a worker should know about a log, from the flags that its row joins by commas."""
    flags = [flag for flag in certainty.split(", ") if flag]
    return [_CERTAINTY_WORDS.get(flag, flag.capitalize()) for flag in flags]


# What a history row's field becomes in a list of unsent work or of states, where the office's name
# for it says too little.
_FIELD_WORDS = {
    "phase": say("State"),
    "reason": say("Reason"),
    "tick": say("Check item"),
    "note": say("Note"),
    "handed to": say("Handed on"),
    "log start": say("Time log begun"),
    "log stop": say("Time log ended"),
    "log supersedes": say("Time log corrected"),
    "log removed": say("Time log removed"),
    "duty start": say("Duty begun"),
    "duty stop": say("Duty ended"),
    "fixes": say("Track"),
    "jobs on": say("Jobs on/off"),
    "auto logging on": say("Auto logging on/off"),
    "auto logging mode": say("Auto logging mode"),
    "minimum auto-logging time": say("Minimum auto-logging time"),
}

_CALLED_BY_FIELD = {field.name: field.called for field in FIELDS.values()} | _FIELD_WORDS


def field_words(field: str) -> str:
    """What a history row's field is called."""
    return _CALLED_BY_FIELD.get(field, field.capitalize())


def value_words(field: str, value: str) -> str:
    """What a history row's value says of a state, a reason or a note; others as they are kept."""
    match field:
        case "phase":
            return SHOWN_BY_PHASE[value][0] if value in SHOWN_BY_PHASE else value
        case "reason" | "cancelled" | "withdrawn":
            return reason_words(value)
        case "note":
            return note_words(value)
    return value
