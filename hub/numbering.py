"""Numbers for people: the hub's letter and its own count, for jobs and recurrences alike.

Invariant: a number is given and the count kept in one transaction, so that none is given twice.
"""

from __future__ import annotations

from typing import Final

from core.dispatch.acts import Act, number_job
from core.dispatch.fields import CREATED, REPEATS, Kind, Role
from core.dispatch.recurrence_acts import number_recurrence
from core.dispatch.show import show
from hub.founding import JOBS_NUMBERED
from replica.replica import Replica


def numbered(replica: Replica, changes: Act) -> Act:
    """The act, with a number for each job and recurrence that it begins; in a transaction."""
    found = list(changes)
    for change in changes:
        begun = (change.path, int(change.stream[4]))
        if begun == ((CREATED,), Kind.JOB):
            found += number_job(change.stream, _next_number(replica))
        elif begun == ((REPEATS,), Kind.RECURRENCE) and _is_new(replica, change.stream):
            found += number_recurrence(change.stream, _next_number(replica))
    return found


UNNUMBERED: Final = "SELECT job FROM job WHERE substr(number, 1, 1) = '~'"
"""Jobs that have the stand-in of a number, made of their id."""


def number_those_of_phones(replica: Replica) -> int:
    """Number jobs that workers made on phones which this hub certified; how many.

    By the certificate's issuer, so that of two hubs that hear of such a job one alone numbers it.
    """
    changes: Act = []
    with replica.store.transaction() as db:
        for (job,) in db.execute(UNNUMBERED).fetchall():
            stream = bytes.fromhex(job)
            created = show(replica.state(stream).registers, (CREATED,))
            if created is None or _issuer(replica, created.write.log[0]) != replica.author:
                continue
            changes += number_job(stream, _next_number(replica))
        if changes:
            replica.write(changes)
    return len(changes)


def _issuer(replica: Replica, author: bytes) -> bytes | None:
    """Who certified a worker's key first; None where it is no worker's."""
    own = [each for each in replica.certificates_of(Role.WORKER) if each.author == author]
    return min(own, key=lambda each: each.session_until).issuer if own else None


def _is_new(replica: Replica, stream: bytes) -> bool:
    return not replica.state(stream).registers


def _next_number(replica: Replica) -> str:
    count = replica.store.get(JOBS_NUMBERED, 0) + 1
    replica.store.put(JOBS_NUMBERED, count)
    letter = replica.subject.decode("ascii", "replace")
    return f"{letter}-{count}"
