"""Numbers for people: the hub's letter and its own count, for jobs and recurrences alike.

Invariant: a number is given and the count kept in one transaction, so that none is given twice.
"""

from __future__ import annotations

from core.dispatch.acts import Act, number_job
from core.dispatch.fields import CREATED, REPEATS, Kind
from core.dispatch.recurrence_acts import number_recurrence
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


def _is_new(replica: Replica, stream: bytes) -> bool:
    return not replica.state(stream).registers


def _next_number(replica: Replica) -> str:
    count = replica.store.get(JOBS_NUMBERED, 0) + 1
    replica.store.put(JOBS_NUMBERED, count)
    letter = replica.subject.decode("ascii", "replace")
    return f"{letter}-{count}"
