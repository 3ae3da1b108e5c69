"""Acts of a worker's day: time logs, duty, fixes.

Each gives the changes of one act, checked, as `acts` does for everything else; writes nothing.
Invariant: what a person typed is refused here in words or stands in the act as it was meant.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from core.dispatch import fields
from core.dispatch.acts import (
    NAME_LETTERS_MAX,
    Act,
    ActError,
    Change,
    day_stream,
    text_of,
    track_stream,
)
from core.dispatch.fields import LogKind, Source
from core.log.entry import MINT
from core.sentence import say


def start_log(
    worker: bytes,
    day: str,
    job: bytes | None,
    log: Any,
    kind: LogKind,
    *,
    at_ms: int | None = None,
    source: Source = Source.MANUAL,
    evidence: Sequence[int] = (),
    rule: Sequence[int] = (),
) -> Act:
    """Begin a time log; `log` is 8 random bytes or MINT. Without `at_ms` it begins at the entry.

    `evidence` are the times (ms) of the fixes behind it, `rule` the rule's version and threshold.
    """
    plain = source is Source.MANUAL and at_ms is None and not evidence
    value: Any = int(kind)
    if not plain:
        value = [int(kind), int(source), at_ms, list(evidence), list(rule)]
    return [Change(day_stream(worker, day), (fields.LOG_START, job or b"", log), value)]


def stop_log(
    worker: bytes,
    day: str,
    job: bytes | None,
    log: bytes,
    *,
    at_ms: int | None = None,
    uncertain: bool = False,
    evidence: Sequence[int] = (),
) -> Act:
    """End a time log; without `at_ms` at the entry."""
    value: Any = True
    if at_ms is not None or uncertain or evidence:
        value = [at_ms, uncertain, list(evidence)]
    return [Change(day_stream(worker, day), (fields.LOG_STOP, job or b"", log), value)]


def correct_log(
    worker: bytes,
    day: str,
    *,
    old_job: bytes | None,
    old: bytes,
    new: bytes,
    job: bytes | None,
    kind: LogKind,
    start_ms: int,
    stop_ms: int,
    reason: str,
) -> Act:
    """Replace a time log by a corrected one; the old one is kept and shown as superseded."""
    if stop_ms < start_ms:
        raise ActError(say("the log ends before it starts; put the end after the start"))
    if stop_ms - start_ms > 24 * 3_600_000:
        raise ActError(say("a log is at most 24 hours long; add one for each day"))
    stream = day_stream(worker, day)
    start = [int(kind), int(Source.CORRECTION), start_ms, [], []]
    return [
        Change(stream, (fields.LOG_START, job or b"", new), start),
        Change(stream, (fields.LOG_STOP, job or b"", new), [stop_ms, False, []]),
        *replace_log(worker, day, old_job=old_job, old=old, new=new, job=job, reason=reason),
    ]


def replace_log(
    worker: bytes,
    day: str,
    *,
    old_job: bytes | None,
    old: bytes,
    new: bytes,
    job: bytes | None,
    reason: str,
) -> Act:
    """Say that the log `new` of this day stands for `old`, of this day or of one beside it."""
    words = text_of(say("The reason"), reason, NAME_LETTERS_MAX, needed=True)
    value = [old_job or b"", old, words]
    return [Change(day_stream(worker, day), (fields.LOG_SUPERSEDES, job or b"", new), value)]


def remove_log(worker: bytes, day: str, job: bytes | None, log: bytes, reason: str) -> Act:
    """Take a time log out of the count; it is kept and shown struck through."""
    words = text_of(say("The reason"), reason, NAME_LETTERS_MAX, needed=True)
    return [Change(day_stream(worker, day), (fields.LOG_REMOVED, job or b"", log), words)]


def start_duty(worker: bytes, day: str, duty: Any, *, at_ms: int | None = None) -> Act:
    """Go on duty; `duty` is 8 random bytes or MINT."""
    return [Change(day_stream(worker, day), (fields.DUTY_START, duty), at_ms or True)]


def stop_duty(worker: bytes, day: str, duty: bytes, *, at_ms: int | None = None) -> Act:
    """Go off duty; from here nothing about place leaves the phone."""
    return [Change(day_stream(worker, day), (fields.DUTY_STOP, duty), at_ms or True)]


def add_fixes(worker: bytes, day: str, fixes: Sequence[int]) -> Act:
    """Add some minutes of fixes, delta-coded by `core.dispatch.fix`, to the track of the day."""
    return [Change(track_stream(worker, day), (fields.TRACK_FIXES, MINT), list(fixes))]
