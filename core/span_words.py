"""Lengths of time in words, which an edge can say in another language: `4 min`, `3 days ago`.

Pure functions of milliseconds. Holds no clock. Invariant: one unit alone, the largest that says
enough, and never more of it than went by.
"""

from __future__ import annotations

from typing import Final

from core.sentence import say, say_n

_MINUTE_MS: Final = 60_000
_HOURS_TOLD: Final = 48
"""From here on days are said."""


def span_words(span_ms: int) -> str:
    """`under a minute`, `4 min`, `3 h`, `12 days`."""
    minutes = max(span_ms, 0) // _MINUTE_MS
    if minutes < 1:
        return say("under a minute")
    if minutes < 60:
        return say("{minutes} min", minutes=minutes)
    if minutes < _HOURS_TOLD * 60:
        return say("{hours} h", hours=minutes // 60)
    return say_n("{n} day", "{n} days", minutes // 1440)


def span_ago_words(span_ms: int) -> str:
    """`just now`, `4 min ago`, `3 h ago`, `12 days ago`."""
    if span_ms < _MINUTE_MS:
        return say("just now")
    if span_ms >= _HOURS_TOLD * 60 * _MINUTE_MS:
        # Not by a span: languages bend days behind such a word.
        return say_n("{n} day ago", "{n} days ago", span_ms // (1440 * _MINUTE_MS))
    return say("{span} ago", span=span_words(span_ms))


def ago_words(at_ms: int, now_ms: int) -> str:
    """`just now`, `4 min ago`, `3 days ago`; `in 5 min` for a clock that ran ahead."""
    if at_ms - now_ms >= _MINUTE_MS:
        return say("in {span}", span=span_words(at_ms - now_ms))
    return span_ago_words(now_ms - at_ms)
