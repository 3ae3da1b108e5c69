"""Erasing: the hub's acts that make a site forget, by a person's word or by a rule of retention.

What stays of worker-days and jobs is written first, in the same transaction. A rule follows from
the site's settings and a grid of weeks, so two hubs that both apply it write the same. Purging is
`replica.purging`'s matter, on every replica alike. Invariant: nothing that is still open is erased,
and no clock alone makes a rule erase anything.
"""

from __future__ import annotations

import json
import logging
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from core.dispatch.acts import Act, ActError
from core.dispatch.erasure import erase, erase_before, summarise_day, summarise_job
from core.dispatch.fields import Kind, LogKind
from core.dispatch.portions import portions
from core.dispatch.workday import day_of
from core.log.chain import stream_id, stream_time_s
from core.log.limits import CHANGES_MAX
from core.sentence import say
from replica.projection.day import kind_words, worker_of
from replica.replica import Replica
from replica.scope import days_of

LOGGER = logging.getLogger(__name__)

DAY_MS: Final = 86_400_000
WEEK_MS: Final = 7 * DAY_MS

# Mondays: 1970 began on a Thursday.
_MONDAY_MS: Final = 4 * DAY_MS

# A rule that keeps less could erase what is still being worked on; 0 keeps for ever.
KEEP_DAYS_MIN: Final = 30

# Whose logs are asked what time it is: those that grew last. Their last entries are the newest.
HEADS_ASKED_MAX: Final = 100

_OF_HUBS: Final = (int(Kind.SITE), int(Kind.OFFICE), int(Kind.SUMMARY))

OPEN: Final = ("open", "in progress")


@dataclass(frozen=True, slots=True)
class Keeping:
    """A rule of retention: the setting that holds its days, and what they are where none is set.

    Where somebody was is nobody's business after some months. How long hours and jobs are to be
    kept is the law's and the office's to say, so these are kept for ever until they say so.
    """

    kind: Kind
    setting: str
    days: int


KEEPING: Final = (
    Keeping(Kind.TRACK, "keep_tracks_days", 90),
    Keeping(Kind.DAY, "keep_days_days", 0),
    Keeping(Kind.JOB, "keep_jobs_days", 0),
)


# --- by a person


def erase_streams(replica: Replica, streams: Iterable[bytes], *, actor: bytes = b"") -> None:
    """Erase these streams everywhere and for good, in one transaction; what is open is refused.

    Raises:
        ActError: one of them is at work still, or can't be erased; nothing was changed.
        StoreError: the disk refused; nothing was changed.
    """
    named = sorted(set(streams))
    if not named:
        raise ActError(say("nothing was named that could be erased"))
    check_at_rest(replica, named)
    with replica.store.transaction():
        _write_summaries(replica, named, actor=actor)
        for at in range(0, len(named), CHANGES_MAX):
            replica.write(erase(named[at : at + CHANGES_MAX]), actor=actor)


def check_at_rest(replica: Replica, streams: Iterable[bytes]) -> None:
    """See that nobody works with any of these streams any more.

    Raises:
        ActError: somebody does, or one was erased before.
    """
    named = frozenset(streams)
    for stream in sorted(named):
        _check_at_rest(replica, stream, named)


def _check_at_rest(replica: Replica, stream: bytes, named: frozenset[bytes]) -> None:
    """Raise ActError where somebody still works with it."""
    db, name = replica.store.db, stream.hex()
    if replica.erased.covers(stream):
        raise ActError(say("that was erased before"))
    match stream[4]:
        case Kind.JOB:
            row = db.execute("SELECT number, status FROM job WHERE job = ?", (name,)).fetchone()
            if row is not None and row[1] in OPEN:
                raise ActError(
                    say(
                        "job {number} is {status}; cancel or close it first",
                        number=row[0],
                        status=say(row[1]),
                    )
                )
        case Kind.DAY:
            still_open = "SELECT 1 FROM time_log WHERE worker = ? AND day = ? AND stop_at ISNULL"
            worker = worker_of(replica, stream) or b""
            key = (worker.hex(), day_of(stream))
            if db.execute(f"{still_open} AND superseded = 0", key).fetchone() is not None:
                raise ActError(say("a time log of that day is still open; end it first"))
        case Kind.CUSTOMER:
            for job, number in open_jobs_of(db, stream):
                if job not in named:
                    raise ActError(
                        say(
                            "job {number} of this customer is not closed; close it first",
                            number=number,
                        )
                    )
            for recurrence, number in recurrences_of(db, stream):
                if recurrence not in named:
                    raise ActError(
                        say(
                            "recurring job {number} is this customer's; erase it along",
                            number=number,
                        )
                    )
        case Kind.WORKER:
            row = db.execute(
                "SELECT 1 FROM certificate WHERE subject = ? AND author NOT IN "
                "(SELECT author FROM revoked)",
                (stream,),
            ).fetchone()
            if row is not None:
                raise ActError(say("a phone of this worker is not shut out; shut it out first"))


def open_jobs_of(db: sqlite3.Connection, customer: bytes) -> list[tuple[bytes, str]]:
    """The jobs of a customer that are not closed: stream and number."""
    rows = db.execute(
        "SELECT job, number FROM job WHERE customer = ? AND status IN (?, ?)",
        (customer.hex(), *OPEN),
    )
    return [(bytes.fromhex(job), number) for job, number in rows]


def jobs_of(db: sqlite3.Connection, customer: bytes) -> list[bytes]:
    """All jobs that name a customer."""
    rows = db.execute("SELECT job FROM job WHERE customer = ? ORDER BY job", (customer.hex(),))
    return [bytes.fromhex(job) for (job,) in rows]


def recurrences_of(db: sqlite3.Connection, customer: bytes) -> list[tuple[bytes, str]]:
    """The recurrences that name a customer: stream and number."""
    rows = db.execute(
        "SELECT recurrence, number FROM recurrence WHERE customer = ? ORDER BY recurrence",
        (customer.hex(),),
    )
    return [(bytes.fromhex(recurrence), number) for recurrence, number in rows]


def dated_of(db: sqlite3.Connection, worker: bytes, kind: Kind) -> list[bytes]:
    """The days or tracks of a worker that are held."""
    return [stream for stream in days_of(db, worker) if stream[4] == kind]


# --- by a rule


def apply_retention(replica: Replica) -> dict[Kind, int]:
    """Erase what the site's rules say; by kind, the ms before which all went this time.

    Raises:
        StoreError: the disk refused; nothing was changed.
    """
    done: dict[Kind, int] = {}
    db, clock_ms = replica.store.db, replica.clock.now_ms()
    for rule in KEEPING:
        days = keep_days(db, rule)
        # What time it is at the least is asked only where the clock says that something is due.
        if not days or not held_before(db, rule.kind, before_of(clock_ms, days)):
            continue
        before_ms = before_of(known_now_ms(replica), days)
        if rule.kind == Kind.JOB:
            before_ms = min(before_ms, _oldest_open_ms(db, before_ms))
        gone = held_before(db, rule.kind, before_ms)
        if not gone:
            continue
        with replica.store.transaction():
            _write_summaries(replica, gone, by_rule=True)
            replica.write(erase_before(rule.kind, before_ms), by_rule=True)
        LOGGER.info("retention: %s streams of kind %s were erased", len(gone), rule.kind.name)
        done[rule.kind] = before_ms
    return done


def keep_days(db: sqlite3.Connection, rule: Keeping) -> int:
    """For how many days a rule keeps, 0 for ever; a setting that is nonsense is as none."""
    row = db.execute("SELECT value FROM setting WHERE name = ?", (rule.setting,)).fetchone()
    days = rule.days if row is None else json.loads(row[0])
    if type(days) is not int or days < 0:
        return rule.days
    return max(days, KEEP_DAYS_MIN) if days else 0


def before_of(now_ms: int, days: int) -> int:
    """Before when streams are erased, so that none stays longer than `days`.

    It is a Monday: one entry a week says so, and two hubs say the same.
    """
    exact = now_ms - days * DAY_MS - _MONDAY_MS
    return -(-exact // WEEK_MS) * WEEK_MS + _MONDAY_MS


def known_now_ms(replica: Replica) -> int:
    """What time it is at the least, as this clock and another author's newest entry say.

    A hub that starts with its clock in 2036 would else erase everything for good. What it may have
    told other hubs itself, in the site's own stream and the office's, proves no time.
    """
    heads = replica.store.db.execute(
        "SELECT log.stream, log.author, log.branch FROM log JOIN stream USING (stream) "
        "WHERE log.author <> ? AND stream.kind NOT IN (?, ?, ?) ORDER BY log.changed DESC LIMIT ?",
        (replica.author, *_OF_HUBS, HEADS_ASKED_MAX),
    ).fetchall()
    newest_ms = 0
    for stream, author, branch in heads:
        placed = replica.state(stream).logs[(author, branch)].placed
        entry = placed[-1].entry if placed else None
        newest_ms = max(newest_ms, entry.corrected_ms if entry is not None else 0)
    return min(replica.clock.now_ms(), newest_ms)


def held_before(db: sqlite3.Connection, kind: Kind, before_ms: int) -> list[bytes]:
    """The streams of a kind that are held and begin with an earlier time, in order."""
    limit = stream_id(0, before_ms // 1000, b"\0" * 7)
    earlier = "SELECT stream FROM stream WHERE stream < ? AND kind = ? ORDER BY stream"
    rows = db.execute(earlier, (limit, int(kind)))
    return [row[0] for row in rows if stream_time_s(row[0]) * 1000 < before_ms]


def _oldest_open_ms(db: sqlite3.Connection, before_ms: int) -> int:
    """When the oldest job that is not closed was made: a range can't leave it out."""
    rows = db.execute("SELECT job FROM job WHERE status IN (?, ?) ORDER BY job LIMIT 1", OPEN)
    for (job,) in rows:
        return stream_time_s(bytes.fromhex(job)) * 1000
    return before_ms


# --- what stays


def _write_summaries(
    replica: Replica, streams: Sequence[bytes], *, actor: bytes = b"", by_rule: bool = False
) -> None:
    changes: Act = []
    for stream in streams:
        if stream[4] == Kind.DAY:
            changes += _summary_of_day(replica, stream)
        elif stream[4] == Kind.JOB:
            changes += _summary_of_job(replica, stream)
    by_stream: dict[bytes, Act] = {}
    for change in changes:
        by_stream.setdefault(change.stream, []).append(change)
    for own in by_stream.values():
        for portion in portions(own):
            replica.write(portion, actor=actor, by_rule=by_rule)


_KIND_BY_WORDS: Final = {kind_words(kind): int(kind) for kind in LogKind}


def _summary_of_day(replica: Replica, stream: bytes) -> Act:
    worker = worker_of(replica, stream)
    if worker is None:
        return []
    seconds: dict[tuple[int, bytes], int] = {}
    for kind, job, counted in replica.store.db.execute(
        "SELECT kind, job, seconds FROM time_log WHERE worker = ? AND day = ? AND superseded = 0",
        (worker.hex(), day_of(stream)),
    ):
        key = (_KIND_BY_WORDS[kind], bytes.fromhex(job))
        seconds[key] = seconds.get(key, 0) + counted
    if not seconds:
        return []
    return summarise_day(stream, worker, {key: round(s / 60) for key, s in seconds.items()})


def _summary_of_job(replica: Replica, stream: bytes) -> Act:
    db = replica.store.db
    row = db.execute("SELECT number, status FROM job WHERE job = ?", (stream.hex(),)).fetchone()
    if row is None:
        return []
    (seconds,) = db.execute(
        "SELECT coalesce(sum(seconds), 0) FROM time_log WHERE job = ? AND superseded = 0",
        (stream.hex(),),
    ).fetchone()
    return summarise_job(stream, row[0], row[1], round(seconds / 60))
