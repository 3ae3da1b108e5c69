"""Telling phones who in the office acts: the account's name, beside its acts in a job's stream.

Invariant: a job is told no name but of an account that acts in it, with the act that it makes.
"""

from __future__ import annotations

from collections import Counter

from core.dispatch.acting import acting_as
from core.dispatch.acts import Act
from core.dispatch.fields import Kind
from core.log.limits import CHANGES_MAX
from replica.replica import Replica


def named(replica: Replica, changes: Act, account: bytes) -> Act:
    """The act, with the account's name for each job that does not know it yet; in a transaction."""
    found = list(changes)
    counts = Counter(change.stream for change in changes if change.stream[4] == Kind.JOB)
    if not counts:
        return found
    row = replica.store.db.execute(
        "SELECT name FROM account WHERE account = ?", (account.hex(),)
    ).fetchone()
    if row is None:
        return found
    for job, count in counts.items():
        # A full entry goes without: the name comes with the next act.
        if count < CHANGES_MAX:
            found += acting_as(replica.state(job).registers, job, account, row[0])
    return found
