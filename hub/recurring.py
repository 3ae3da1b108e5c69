"""Recurring jobs, as a hub makes them: each day's once, ahead of time, whoever else makes it too.

What a job of a day is follows from the recurrence and the day (`core.dispatch.recurrence`), so a
hub that is cut off makes what all others make. Makes what lies from today to the horizon; a hub
that stood still for weeks makes up for none of the days that have passed. Invariant: what a person
wrote in such a job is never written over, and nothing that was made is made again.
A day that is left out where its job was not known of yet is a job cancelled by the rule, and opened
by it when the day is taken up again.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final
from zoneinfo import ZoneInfo

from core.dispatch import fields
from core.dispatch.acts import Act, ActError, Change, cancel_job, new_stream_id, reopen_job
from core.dispatch.fields import Kind
from core.dispatch.recurrence import (
    Recurrence,
    occurrence,
    occurrence_number,
    occurrence_stream,
    read_recurrence,
)
from core.dispatch.recurrence_acts import create_recurrence, skip_day, zone_named
from core.dispatch.show import value_at
from core.sentence import say
from hub.numbering import numbered
from replica.replica import Replica, Written

LOGGER = logging.getLogger(__name__)

MADE_AT_ONCE_MAX: Final = 20
"""So many jobs are made in one turn at the writer: some tenths of a second on a slow disk."""

LOOKED_AT_ONCE_MAX: Final = 2_000
"""So many days are looked at in one: nearly all were made before, and each is one look-up."""

SKIPPED_WORDS: Final = "this day is skipped"


@dataclass(frozen=True, slots=True)
class Due:
    """A day of a recurrence that has a job, and the zone whose day it is."""

    recurrence: Recurrence
    day: date
    zone: ZoneInfo

    @property
    def job(self) -> bytes:
        """The stream of the job."""
        return occurrence_stream(self.recurrence.stream, self.day)


def make_due(replica: Replica) -> int:
    """Make all jobs that are due and not there, in as many transactions; how many were made.

    Raises:
        StoreError: the disk refused; what was made before it stays.
    """
    pending = days_due(replica)
    count, is_done = make_some(replica, pending)
    while not is_done:
        made, is_done = make_some(replica, pending)
        count += made
    follow_skips(replica)
    return count


def make_some(replica: Replica, pending: Iterator[Due]) -> tuple[int, bool]:
    """Make the next of the days that are due; how many jobs that were, and whether none is left.

    Each job is one entry in one transaction: it is there whole or not at all.

    Raises:
        StoreError: the disk refused; what was made before it stays.
    """
    count = 0
    for looked_at, due in enumerate(pending, 1):
        try:
            count += _make(replica, due)
        except ActError as error:
            LOGGER.warning("job %s of %s was not made: %s", due.recurrence.number, due.day, error)
        if count == MADE_AT_ONCE_MAX or looked_at == LOOKED_AT_ONCE_MAX:
            return count, False
    return count, True


def days_due(replica: Replica) -> Iterator[Due]:
    """All days from today to each recurrence's horizon that have a job, made or not."""
    for recurrence, zone in _working(replica):
        for day in recurrence.due(today_in(zone, replica)):
            yield Due(recurrence, day, zone)


def days_due_of(replica: Replica, stream: bytes) -> Iterator[Due]:
    """The same of one recurrence; none where it makes no jobs."""
    for recurrence, zone in _working(replica, [stream]):
        for day in recurrence.due(today_in(zone, replica)):
            yield Due(recurrence, day, zone)


def follow_skips(replica: Replica, at_most: int = MADE_AT_ONCE_MAX) -> int:
    """Cancel jobs of days that are left out, and open those of days taken up; how many of both.

    Who left a day out cancelled its job where that was made by then. Another hub may have made it
    meanwhile, looking further ahead: what the recurrence says now holds, and no merge wrote it. A
    job that a person cancelled or opened, or has begun with, is theirs. What is beyond `at_most`
    waits for the next time.

    Raises:
        StoreError: the disk refused; what was written before it stays.
    """
    count = 0
    for recurrence, zone in _working(replica):
        today = today_in(zone, replica)
        left_out = [day for day in sorted(recurrence.skipped) if day >= today]
        for day in [*left_out, *recurrence.due(today)]:
            if count == at_most:
                return count
            count += _follow(replica, recurrence, day)
    return count


def _follow(replica: Replica, recurrence: Recurrence, day: date) -> int:
    """Cancel the job of a day or open it, if that is the rule's to do; 1 where it was."""
    job = occurrence_stream(recurrence.stream, day)
    is_skipped = day in recurrence.skipped
    if _status(replica, job) != ("open" if is_skipped else "cancelled"):
        return 0
    registers = replica.state(job).registers
    cancelled = registers.get((fields.CANCELLED,))
    if cancelled is not None and not all(write.by_rule for write in cancelled.writes.values()):
        return 0
    change = Change(job, (fields.CANCELLED,), SKIPPED_WORDS if is_skipped else None)
    replica.write([change], by_rule=True)
    return 1


def _working(
    replica: Replica, streams: Sequence[bytes] | None = None
) -> Iterator[tuple[Recurrence, ZoneInfo]]:
    """All recurrences, or these, that make jobs here, each with its zone."""
    if streams is None:
        rows = replica.store.db.execute("SELECT recurrence FROM recurrence ORDER BY recurrence")
        streams = [bytes.fromhex(name) for (name,) in rows.fetchall()]
    for stream in streams:
        recurrence = recurrence_of(replica, stream)
        zone = None if recurrence is None else zone_of(recurrence)
        if recurrence is not None and zone is not None:
            yield recurrence, zone


def recurrence_of(replica: Replica, stream: bytes) -> Recurrence | None:
    """The recurrence of a stream; None where it makes no jobs."""
    return read_recurrence(stream, replica.state(stream).registers)


def zone_of(recurrence: Recurrence) -> ZoneInfo | None:
    """Whose days they are; None for one that is not known here, or no longer.

    In another zone the jobs would be at the wrong hour, which nobody would see.
    """
    try:
        return ZoneInfo(recurrence.zone)
    except (KeyError, ValueError, OSError):
        LOGGER.warning(
            "recurring job %s: there is no time zone %r here; it makes no jobs",
            recurrence.number, recurrence.zone,
        )  # fmt: skip
        return None


def today_in(zone: ZoneInfo, replica: Replica) -> date:
    """The local day by the hub's clock."""
    return datetime.fromtimestamp(replica.clock.now_ms() / 1000, zone).date()


def _make(replica: Replica, due: Due) -> int:
    """Make one job, or what is missing of it; 1 where anything was."""
    if _is_whole(replica, due) or replica.erased.covers(due.job):
        return 0
    registers = replica.state(due.job).registers
    assigned = is_at_work(replica, due.recurrence.worker)
    changes = [
        change
        for change in occurrence(due.recurrence, due.day, due.zone, assigned=assigned)
        if change.path not in registers
    ]
    if not changes:
        return 0
    replica.write(changes, by_rule=True)
    return 1


def _is_whole(replica: Replica, due: Due) -> bool:
    """Whether a hub made the job: its number came with all else, in one entry, and by no person."""
    number = occurrence_number(due.recurrence.number, due.day)
    row = replica.store.db.execute(
        "SELECT 1 FROM job WHERE job = ? AND number = ?", (due.job.hex(), number)
    )
    return row.fetchone() is not None


def is_at_work(replica: Replica, worker: bytes | None) -> bool:
    """Whether a worker is there to be given jobs; the job of one who left waits unassigned."""
    if worker is None:
        return False
    row = replica.store.db.execute(
        "SELECT archived FROM worker WHERE worker = ?", (worker.hex(),)
    ).fetchone()
    return row is not None and not row[0]


# --- acts of the office


def add(replica: Replica, values: dict[str, object], *, actor: bytes = b"") -> bytes:
    """Begin a recurrence, from today on where no first day is given; its stream.

    Raises:
        ActError: it could make no jobs; the sentence says why. Nothing was changed.
        StoreError: the disk refused; nothing was changed.
    """
    if "starts" not in values:
        values = {**values, "starts": today_in(zone_named(values.get("zone")), replica)}
    at_ms = replica.clock.now_ms()
    stream = new_stream_id(Kind.RECURRENCE, at_ms, replica.entropy(7))
    with replica.store.transaction():
        changes = numbered(replica, create_recurrence(stream, values))
        replica.write(changes, actor=actor)
    return stream


def skip(
    replica: Replica,
    stream: bytes,
    day: date,
    *,
    actor: bytes = b"",
    basis: Mapping[bytes, str] | None = None,
) -> Written:
    """Leave a day out; its job is cancelled by the same act where it is made by now.

    Within the horizon the job is made first: another hub that is cut off may have made it, and
    what is cancelled here must be cancelled there. `basis` is as in `Replica.write`.

    Raises:
        ActError: it has no job on that day, or somebody has begun with it.
        StoreError: the disk refused; nothing was changed.
    """
    recurrence = _known(replica, stream)
    if not recurrence.falls_on(day):
        raise ActError(
            say(
                "recurring job {number} has no job on {day}",
                number=recurrence.number,
                day=day.isoformat(),
            )
        )
    changes: Act = skip_day(stream, day)
    with replica.store.transaction():
        for due in days_due_of(replica, stream):
            if due.day == day:
                _make(replica, due)
        job = occurrence_stream(stream, day)
        status = _status(replica, job)
        if status not in ("", "open", "cancelled"):
            raise ActError(
                say(
                    "the job of {day} is {status}; cancel it on the board",
                    day=day.isoformat(),
                    status=say(status),
                )
            )
        if status == "open":
            changes += cancel_job(job, SKIPPED_WORDS)
        return replica.write(changes, actor=actor, basis=basis)


def take_up(
    replica: Replica,
    stream: bytes,
    day: date,
    *,
    actor: bytes = b"",
    basis: Mapping[bytes, str] | None = None,
) -> Written:
    """Take back that a day was left out; a job that was cancelled by it is open again.

    Raises:
        ActError: it was not left out.
        StoreError: the disk refused; nothing was changed.
    """
    recurrence = _known(replica, stream)
    if day not in recurrence.skipped:
        raise ActError(
            say(
                "recurring job {number} does not skip {day}",
                number=recurrence.number,
                day=day.isoformat(),
            )
        )
    changes: Act = skip_day(stream, day, skipped=False)
    job = occurrence_stream(stream, day)
    if value_at(replica.state(job).registers, (fields.CANCELLED,)) == SKIPPED_WORDS:
        changes += reopen_job(job)
    return replica.write(changes, actor=actor, basis=basis)


def _known(replica: Replica, stream: bytes) -> Recurrence:
    recurrence = recurrence_of(replica, stream)
    if recurrence is None:
        raise ActError(say("there is no such recurring job here"))
    return recurrence


def _status(replica: Replica, job: bytes) -> str:
    row = replica.store.db.execute("SELECT status FROM job WHERE job = ?", (job.hex(),)).fetchone()
    return "" if row is None else str(row[0])
