"""The ops of the trace as acts of Fieldlog: what people would have done to have the same said.

A job's fields are its fields, a status is a phase of its assignment, a note a note; a time log is
one entry of the worker's day with its start, its end and a fix of its place. Writes nothing.
Invariant: an act follows from the op and the ops before it, and from nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass

from core.dispatch import acts, day_acts
from core.dispatch.acts import Act, Change, day_stream
from core.dispatch.fields import FIXES, Kind, LogKind, Phase, Source
from core.dispatch.fix import Fix, encode_track
from core.dispatch.workday import day_of
from core.log.chain import derived_unique, named_id, stream_id
from core.log.entry import MINT
from tests.bench.trace import BEGIN_MS, LETTERS, MINUTE_MS, OFFICE, Op, worker_name

SETTLED_MS = BEGIN_MS - 60 * MINUTE_MS

_PHASES = {
    "accepted": Phase.ACCEPTED,
    "travelling": Phase.TRAVELLING,
    "on site": Phase.ON_SITE,
    "paused": Phase.PAUSED,
    "in_progress": Phase.ON_SITE,
    "done": Phase.FINISHED,
    "rejected": Phase.REJECTED,
}
_KINDS = {"travel": LogKind.TRAVEL, "work": LogKind.ON_SITE, "pause": LogKind.BREAK}


@dataclass(slots=True)
class _Assigned:
    """What the next op on a job builds on: who has it, and its window (ms)."""

    worker: bytes
    turn: bytes
    window: list[int]


class Acting:
    """Makes acts of ops, in order: it remembers who has which job, and its window."""

    def __init__(self) -> None:
        self.assigned: dict[str, _Assigned] = {}

    def act_of(self, op: Op) -> Act:
        """The op as an act of the people who do it."""
        if op.kind == "create":
            return self._creation(op)
        return self._log(op) if op.kind == "log" else self._update(op)

    def _creation(self, op: Op) -> Act:
        fields, job = op.fields, job_of(op.job)
        worker, turn = worker_of(fields["assignee"]), named_id("turn", op.job.encode())
        window = [fields["planned_start"] * 1_000, fields["planned_end"] * 1_000]
        self.assigned[op.job] = _Assigned(worker, turn, window)
        values = {
            "title": fields["title"],
            "description": fields["description"],
            "customer": customer_of(fields["customer_id"]),
            "address": fields["address"],
            "point": [round(fields["lat"] * 1e7), round(fields["lon"] * 1e7)],
            "window": window,
            "planned_minutes": fields["duration"],
            "priority": fields["priority"],
            "skills": [named_id("skill", name.encode()) for name in fields["skills"].split(",")],
        }
        return acts.create_job(job, values) + acts.assign(job, worker, turn)

    def _update(self, op: Op) -> Act:
        job, own = job_of(op.job), self.assigned[op.job]
        ((name, value),) = op.fields.items()
        match name:
            case "assignee":
                given_up = acts.withdraw(job, own.worker, own.turn)
                own.worker = worker_of(value)
                own.turn = named_id("turn", op.job.encode(), op.at_ms.to_bytes(8, "big"))
                return given_up + acts.assign(job, own.worker, own.turn)
            case "status" | "step":
                reason = "Nobody let us in" if value == "rejected" else ""
                worker = own.worker if op.writer == OFFICE else worker_of(worker_name(op.writer))
                return acts.set_phase(job, worker, own.turn, _PHASES[value], reason)
            case "notes":
                return acts.add_note(job, value)
            case "tick":
                return acts.set_tick(job, value, True)
            case "planned_start":
                own.window = [value * 1_000, max(own.window[1], value * 1_000)]
                return acts.edit_job(job, {"window": own.window})
            case "planned_end":
                own.window = [min(own.window[0], value * 1_000), value * 1_000]
                return acts.edit_job(job, {"window": own.window})
            case "duration":
                return acts.edit_job(job, {"planned_minutes": value})
        return acts.edit_job(job, {name: value})

    def _log(self, op: Op) -> Act:
        fields, job = op.fields, job_of(op.job)
        worker, log = worker_of(fields["worker"]), named_id("log", op.record.encode())
        start_ms = fields["start"] * 1_000
        day = day_of(stream_id(Kind.DAY, fields["start"], bytes(7)))
        source = Source.AUTO if fields["source"] == "auto" else Source.MANUAL
        fix = Fix(
            start_ms, round(fields["lat"] * 1e7), round(fields["lon"] * 1e7), 10, source="gps"
        )
        return [
            *day_acts.start_log(
                worker, day, job, log, _KINDS[fields["kind"]], at_ms=start_ms, source=source
            ),
            *day_acts.stop_log(worker, day, job, log),
            # A peer's record of a log has its place in itself. Tracks have streams of their own by
            # now; in the field of the first version one op stays one entry, as its peers have it.
            Change(day_stream(worker, day), (FIXES, MINT), encode_track([fix])),
        ]


def job_of(record: str) -> bytes:
    """The stream of a job of the trace; the time stands at the front of its id there too."""
    at_ms = 0
    for letter in record[:10]:
        at_ms = at_ms << 5 | LETTERS.index(letter)
    return stream_id(Kind.JOB, at_ms // 1_000, derived_unique(b"job", record.encode()))


def worker_of(name: str) -> bytes:
    """The stream of a worker of the trace."""
    return stream_id(Kind.WORKER, SETTLED_MS // 1_000, derived_unique(b"worker", name.encode()))


def customer_of(name: str) -> bytes:
    """The stream of a customer of the trace."""
    return stream_id(Kind.CUSTOMER, SETTLED_MS // 1_000, derived_unique(b"customer", name.encode()))
