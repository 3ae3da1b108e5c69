"""Erasure: which streams a site has erased, as its site stream says.

A stream is erased by its id, or with all of its kind whose ids begin with an earlier time. What was
erased stays so: every entry that stands counts, whatever was written over it, so the answer is a
function of the set of entries. Knows no store; nothing is purged here. Invariant: the site's own
stream, the office and the summaries of what was erased are never erased themselves.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from core.dispatch import fields
from core.dispatch.acts import SITE_STREAM, Act, ActError, Change
from core.dispatch.fields import Kind
from core.log.chain import EPOCH_S, stream_id, stream_time_s
from core.log.limits import CHANGES_MAX
from core.log.stream import StreamState
from core.sentence import say

ERASABLE = frozenset({Kind.CUSTOMER, Kind.WORKER, Kind.JOB, Kind.DAY, Kind.TRACK, Kind.RECURRENCE})

# Customers and workers live on for years after their ids were made: their age says nothing.
ERASABLE_BY_AGE = frozenset({Kind.JOB, Kind.DAY, Kind.TRACK})


@dataclass(frozen=True, slots=True)
class Erased:
    """What a site has erased: single streams, and for each kind the time before which all went."""

    streams: frozenset[bytes] = frozenset()
    before_ms_by_kind: Mapping[int, int] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.streams or self.before_ms_by_kind)

    def covers(self, stream: bytes) -> bool:
        """Whether a stream is erased, held or not."""
        if stream in self.streams:
            return stream[4] in ERASABLE
        before_ms = self.before_ms_by_kind.get(stream[4], 0)
        return stream[4] in ERASABLE_BY_AGE and stream_time_s(stream) * 1000 < before_ms


def erased_in(site: StreamState) -> Erased:
    """What the entries of the site stream that stand have erased."""
    streams: set[bytes] = set()
    before: dict[int, int] = {}
    for placed in site.entries():
        if placed.entry is None or placed.inert:
            continue
        for path, value in placed.entry.changes:
            if path[0] == fields.ERASED and value:
                streams.add(path[1])
            elif path[0] == fields.ERASED_BEFORE and value:
                before[path[1]] = max(value, before.get(path[1], 0))
    return Erased(frozenset(streams), before)


def erase(streams: Iterable[bytes]) -> Act:
    """Erase these streams everywhere, for good.

    Raises:
        ActError: one of them can't be erased, none is named, or too many for one act.
    """
    named = sorted(set(streams))
    if not named:
        raise ActError(say("nothing was named that could be erased"))
    if len(named) > CHANGES_MAX:
        raise ActError(
            say("at most {most} can be erased at once; erase them in parts", most=CHANGES_MAX)
        )
    for stream in named:
        if stream[4] not in ERASABLE:
            raise ActError(say("the site's own log and the office's can't be erased"))
    return [Change(SITE_STREAM, (fields.ERASED, stream), True) for stream in named]


def erase_before(kind: int, before_ms: int) -> Act:
    """Erase everywhere, for good, all streams of a kind whose ids begin with a time before this.

    Raises:
        ActError: streams of this kind are not erased by their age.
    """
    if kind not in ERASABLE_BY_AGE:
        raise ActError(say("only jobs, worker-days and tracks are erased by their age"))
    if before_ms <= EPOCH_S * 1000:
        raise ActError(say("nothing is older than that"))
    return [Change(SITE_STREAM, (fields.ERASED_BEFORE, int(kind)), before_ms)]


def summary_stream(stream: bytes) -> bytes:
    """The stream that holds what stays of an erased one: all of a month have one."""
    month = datetime.fromtimestamp(stream_time_s(stream), UTC).replace(
        day=1, hour=0, minute=0, second=0, microsecond=0
    )
    return stream_id(Kind.SUMMARY, int(month.timestamp()), b"\0" * 7)


def summarise_day(day: bytes, worker: bytes, minutes: Mapping[tuple[int, bytes], int]) -> Act:
    """What stays of a worker-day: its minutes by kind of log and job (empty: none)."""
    parts = [[kind, job, count] for (kind, job), count in sorted(minutes.items())]
    date = datetime.fromtimestamp(stream_time_s(day), UTC).date().isoformat()
    return [Change(summary_stream(day), (fields.DAY_SUMMARY, worker, date), parts)]


def summarise_job(job: bytes, number: str, status: str, minutes: int) -> Act:
    """What stays of a job: its number, what had become of it, and the minutes counted on it."""
    return [Change(summary_stream(job), (fields.JOB_SUMMARY, job), [number, status, minutes])]
