"""Phases, spans and distances in a worker's words.

Pure functions and tables; no clock and no HTML. Invariant: each phase, log kind and source has a
word and an icon, so that no screen speaks by colour alone.
"""

from __future__ import annotations

import json
import math
from typing import Any

from core.dispatch.fields import LogKind, Phase

PHASE_BY_WORD = {phase.name.lower().replace("_", " "): phase for phase in Phase}
WORD_BY_PHASE = {phase: word for word, phase in PHASE_BY_WORD.items()}
KIND_BY_WORD = {kind.name.lower().replace("_", " "): kind for kind in LogKind}

# What a phase is called on the screen, with its icon and its tone: (words, icon, tone).
SHOWN_BY_PHASE = {
    "assigned": ("New", "new", "open"),
    "received": ("New", "new", "open"),
    "opened": ("To accept", "open", "open"),
    "accepted": ("Accepted", "accepted", "open"),
    "travelling": ("Travelling", "travel", "progress"),
    "on site": ("On site", "site", "progress"),
    "paused": ("Paused", "pause", "risk"),
    "finished": ("Done", "done", "done"),
    "rejected": ("Rejected", "rejected", "rejected"),
    "withdrawn": ("Taken back", "gone", "done"),
    "handed on": ("Handed on", "hand", "done"),
    "released": ("Released", "gone", "done"),
    "cancelled": ("Cancelled", "gone", "done"),
}

ICON_BY_KIND = {
    "travel": "travel",
    "on site": "site",
    "break": "pause",
    "waiting": "clock",
    "other": "note",
}
KIND_WORDS = {
    "travel": "Travel",
    "on site": "On site",
    "break": "Break",
    "waiting": "Waiting",
    "other": "Other work",
}
SOURCE_WORDS = {
    "manual": "By hand",
    "auto": "Automatic",
    "dispatcher": "By the office",
    "correction": "Corrected",
}
PRIORITY_WORDS = {0: "Low", 1: "", 2: "High", 3: "Urgent"}


def span_words(span_ms: int) -> str:
    """A length of time in one unit: `under a minute`, `4 min`, `3 h`, `12 days`."""
    minutes = max(span_ms, 0) // 60_000
    if minutes < 1:
        return "under a minute"
    if minutes < 60:
        return f"{minutes} min"
    if minutes < 48 * 60:
        return f"{minutes // 60} h"
    return f"{minutes // 1440} days"


def ago_words(at_ms: int, now_ms: int) -> str:
    """`just now`, `4 min ago`, `3 days ago`; `in 5 min` for a clock that ran ahead."""
    if at_ms - now_ms >= 60_000:
        return f"in {span_words(at_ms - now_ms)}"
    return "just now" if now_ms - at_ms < 60_000 else f"{span_words(now_ms - at_ms)} ago"


def minutes_words(seconds: int) -> str:
    """Working time: `45 s`, `45 min`, `2 h`, `2 h 05 min`."""
    if 0 <= seconds < 60:
        return f"{seconds} s"
    minutes = seconds // 60
    hours, rest = divmod(minutes, 60)
    if not hours:
        return f"{rest} min"
    return f"{hours} h {rest:02d} min" if rest else f"{hours} h"


def timer_words(seconds: int) -> str:
    """A running time: `4:05`, `1:04:05`."""
    hours, rest = divmod(max(seconds, 0), 3600)
    minutes, second = divmod(rest, 60)
    return f"{hours}:{minutes:02d}:{second:02d}" if hours else f"{minutes}:{second:02d}"


def size_words(size_bytes: int) -> str:
    """`812 B`, `3.4 kB`, `12 MB`."""
    if size_bytes < 1_000:
        return f"{size_bytes} B"
    if size_bytes < 1_000_000:
        return f"{size_bytes / 1_000:.1f} kB"
    return f"{size_bytes / 1_000_000:.1f} MB"


def distance_words(metres: float) -> str:
    """`80 m`, `1.4 km`, `23 km`."""
    if metres < 1_000:
        return f"{round(metres / 10) * 10} m"
    return f"{metres / 1000:.1f} km" if metres < 10_000 else f"{round(metres / 1000)} km"


def bearing_degrees(from_e7: tuple[int, int], to_e7: tuple[int, int]) -> float:
    """The degrees from north (0..360) in which to set out along the great circle."""
    lat1, lon1, lat2, lon2 = (math.radians(each / 1e7) for each in (*from_e7, *to_e7))
    east = math.sin(lon2 - lon1) * math.cos(lat2)
    north = math.cos(lat1) * math.sin(lat2) - math.sin(lat1) * math.cos(lat2) * math.cos(
        lon2 - lon1
    )
    return math.degrees(math.atan2(east, north)) % 360


_WINDS = ("north", "north-east", "east", "south-east", "south", "south-west", "west", "north-west")


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
        parts.append(f"{len(fixes)} position{'s' if len(fixes) != 1 else ''}")
    if isinstance(rule, list) and len(rule) >= 2:
        parts.append(f"at least {rule[1]} min there, rule {rule[0]}")
    return ", ".join(parts)


_CERTAINTY_WORDS = {
    "uncertain": "The end is not certain: nobody saw it",
    "bridged over a reboot": "The phone restarted meanwhile",
    "overlaps": "Overlaps another log: counted once",
    "ends before it starts": "Ends before it starts: correct it",
    "unusually long": "Unusually long: is it right?",
}


def certainty_words(certainty: str) -> list[str]:
    """What a worker should know about a log, from the flags that its row joins by commas."""
    flags = [flag for flag in certainty.split(", ") if flag]
    return [_CERTAINTY_WORDS.get(flag, flag.capitalize()) for flag in flags]


# What a history row's field and value become in a list of unsent work or of states.
FIELD_WORDS = {
    "phase": "State",
    "reason": "Reason",
    "tick": "Check item",
    "note": "Note",
    "handed to": "Handed on",
    "log start": "Time log begun",
    "log stop": "Time log ended",
    "log supersedes": "Time log corrected",
    "log removed": "Time log removed",
    "duty start": "Duty begun",
    "duty stop": "Duty ended",
    "fixes": "Track",
    "jobs on": "Jobs on/off",
    "auto logging on": "Auto logging on/off",
    "auto logging mode": "Auto logging mode",
    "minimum auto-logging time": "Minimum auto-logging time",
}
