"""What a person may want to be erased: found by its name, and what goes with it.

For the command and the page alike. Writes nothing. Invariant: what is said to go is what goes.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from core.dispatch.acts import day_stream, track_stream
from core.dispatch.fields import Kind
from core.dispatch.workday import day_of
from core.log.chain import derived_unique
from core.sentence import say, say_n
from hub.forgetting import dated_of, jobs_of, recurrences_of
from replica.replica import Replica

FOUND_MAX: Final = 20
"""More of one name are told apart by nobody on a list."""


@dataclass(frozen=True, slots=True)
class Erasable:
    """One thing: its name in words, the streams that go, and those that go only if asked for."""

    stream: bytes
    name: str
    streams: tuple[bytes, ...]
    along: tuple[bytes, ...] = ()
    along_words: str = ""

    def chosen(self, *, along: bool) -> tuple[bytes, ...]:
        """The streams to erase."""
        return (*self.streams, *(self.along if along else ()))


def find(db: sqlite3.Connection, text: str) -> list[Erasable]:
    """What is called so.

    Jobs and recurring jobs by number, customers and workers by name, worker-days as
    'name 2026-11-23'.
    """
    named = text.strip().casefold()
    streams = [
        stream
        for question in (
            "SELECT job, number FROM job",
            "SELECT recurrence, number FROM recurrence",
            "SELECT customer, name FROM customer",
            "SELECT worker, name FROM worker",
        )
        for stream, name in db.execute(question)
        if named and named in (name.casefold(), stream)
    ]
    found = [of_stream(db, bytes.fromhex(stream)) for stream in streams[:FOUND_MAX]]
    return [each for each in [*found, *_days(db, named)] if each is not None]


def _days(db: sqlite3.Connection, named: str) -> Iterator[Erasable | None]:
    name, _, day = named.rpartition(" ")
    for worker, called in db.execute("SELECT worker, name FROM worker").fetchall():
        if name == called.casefold():
            rows = db.execute("SELECT 1 FROM time_log WHERE worker = ? AND day = ?", (worker, day))
            if rows.fetchone() is not None:
                yield of_stream(db, day_stream(bytes.fromhex(worker), day))


def of_stream(db: sqlite3.Connection, stream: bytes) -> Erasable | None:
    """What a stream is and what goes with it; None where nothing is shown of it."""
    match stream[4]:
        case Kind.JOB:
            row = db.execute("SELECT number, title FROM job WHERE job = ?", (stream.hex(),))
            return next(
                (
                    Erasable(stream, say("job {number} {title}", number=no, title=title), (stream,))
                    for no, title in row
                ),
                None,
            )
        case Kind.CUSTOMER:
            row = db.execute("SELECT name FROM customer WHERE customer = ?", (stream.hex(),))
            jobs = jobs_of(db, stream)
            recurring = [each for each, _ in recurrences_of(db, stream)]
            words = _jobs_words(len(jobs), len(recurring))
            along = (*jobs, *recurring)
            return next(
                (
                    Erasable(stream, say("customer {name}", name=name), (stream,), along, words)
                    for (name,) in row
                ),
                None,
            )
        case Kind.RECURRENCE:
            row = db.execute(
                "SELECT number, title FROM recurrence WHERE recurrence = ?", (stream.hex(),)
            )
            return next(
                (
                    Erasable(
                        stream,
                        say("recurring job {number} {title}", number=no, title=title),
                        (stream,),
                    )
                    for no, title in row
                ),
                None,
            )
        case Kind.WORKER:
            row = db.execute("SELECT name FROM worker WHERE worker = ?", (stream.hex(),))
            tracks = dated_of(db, stream, Kind.TRACK)
            days = tuple(dated_of(db, stream, Kind.DAY))
            stay = say_n(
                "{n:,} worker-day, of which the minutes stay",
                "{n:,} worker-days, of which the minutes stay",
                len(days),
            )
            return next(
                (
                    Erasable(
                        stream,
                        say("worker {name}, with all tracks", name=name),
                        (stream, *tracks),
                        days,
                        stay if days else "",
                    )
                    for (name,) in row
                ),
                None,
            )
        case Kind.DAY:
            return _day(db, stream)
    return None


def _day(db: sqlite3.Connection, stream: bytes) -> Erasable | None:
    for worker, name in db.execute("SELECT worker, name FROM worker"):
        own = bytes.fromhex(worker)
        if derived_unique(own) == stream[5:]:
            day = day_of(stream)
            words = say("{day} of worker {name}, with the track", day=day, name=name)
            return Erasable(stream, words, (stream, track_stream(own, day)))
    return None


def _jobs_words(jobs: int, recurring: int) -> str:
    """What goes along with a customer, in words; empty for nothing."""
    made = say_n("{n:,} job", "{n:,} jobs", jobs)
    planned = say_n("{n:,} recurring job", "{n:,} recurring jobs", recurring)
    if jobs and recurring:
        return say(
            "its {jobs} and {recurring}, with addresses and contacts", jobs=made, recurring=planned
        )
    if jobs or recurring:
        return say("its {jobs}, with addresses and contacts", jobs=made if jobs else planned)
    return ""


def still_named(replica: Replica) -> list[str]:
    """Folders beside the store that may hold what is erased, and that nothing empties by itself."""
    folder = replica.store.path.parent
    return sorted(str(path) for path in folder.glob("damaged-*"))
