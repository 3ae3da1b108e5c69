"""What a certificate permits: the one judgement of an entry, from standing and entry alone.

A hub may write everything; a dispatcher everything but certificates, cuts, accounts and numbers; a
worker its own assignments' progress, its own day, notes and ticks on jobs, its own phone's
settings, and a new job of its own where its rights say so. Holds no state. Invariant: the answer
depends on nothing but its arguments.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from core.dispatch.fields import (
    APP_AUTO_MODE,
    APP_AUTO_ON,
    APP_JOBS_ON,
    APP_THRESHOLD_MIN,
    ASSIGNED,
    FIELDS,
    FILE,
    FILE_NAME,
    HANDED_TO,
    NEXT_KEY,
    NOTE,
    PHASE,
    REASON,
    ROLES,
    TICK,
    Field,
    Kind,
    Role,
)
from core.dispatch.shapes import well_formed
from core.log.certificate import Standing
from core.log.chain import derived_unique
from core.log.entry import Entry

# The right, named in a worker's certificate, to write new jobs of one's own.
CREATE_JOBS = "create jobs"

_DATED = frozenset({Kind.DAY, Kind.TRACK})
_OWN_TURN = frozenset({PHASE, REASON, HANDED_TO})
_ANY_JOB = frozenset({NOTE, TICK, FILE, FILE_NAME})
_OWN_PHONE = frozenset({APP_JOBS_ON, APP_AUTO_ON, APP_AUTO_MODE, APP_THRESHOLD_MIN, NEXT_KEY})


def kind_of(stream: bytes) -> int:
    """The kind of a stream, from its id."""
    return stream[4]


def is_day_of(stream: bytes, worker: bytes) -> bool:
    """Whether a stream is one of the worker's days, or the track of one."""
    return kind_of(stream) in _DATED and stream[5:] == derived_unique(worker)


def is_job_of(stream: bytes, worker: bytes) -> bool:
    """Whether a stream is a job that a phone of the worker made, as `acts.own_job_stream` does."""
    return kind_of(stream) == Kind.JOB and stream[5:9] == derived_unique(worker)[:4]


def permits(
    standing: Standing, stream: bytes, entry: Entry, known: Mapping[int, Field] = FIELDS
) -> bool:
    """Whether an author of `standing` may write `entry` to `stream`; `known` are fields by code.

    Fields that this version does not know are permitted to hubs and dispatchers: they are carried
    and shown as unknown, and mean something only to versions that know them. A value that has not
    its field's shape (`shapes`) is permitted to nobody.
    """
    role, kind = standing.role, stream[4]
    if role not in ROLES:
        return False
    is_worker = role == Role.WORKER
    # A loop, not a generator, and no calls but for what must be looked into: this runs for every
    # entry that is folded. Roles are compared as numbers: to make a Role of each takes longer.
    for path, value in entry.changes:
        field = known.get(path[0])
        if field is None:
            if is_worker:
                return False
            continue
        if field.kind is not None and field.kind != kind:
            return False
        if len(path) != 1 + len(field.ids) or role not in field.roles:
            return False
        if is_worker and not _permits_worker(standing, stream, path):
            return False
        if not well_formed(path, value):
            return False
    return True


def _permits_worker(standing: Standing, stream: bytes, path: Sequence[Any]) -> bool:
    kind, code = kind_of(stream), path[0]
    if kind in _DATED:
        return is_day_of(stream, standing.subject)
    if kind == Kind.WORKER:
        return stream == standing.subject and code in _OWN_PHONE
    if code in _OWN_TURN:
        return bool(path[1] == standing.subject)
    if code in _ANY_JOB:
        return True
    # A new job is the worker's own by its id: the right is none to rewrite what others made, nor
    # to give it to anybody else.
    if code == ASSIGNED and path[1] != standing.subject:
        return False
    return CREATE_JOBS in standing.rights and is_job_of(stream, standing.subject)
