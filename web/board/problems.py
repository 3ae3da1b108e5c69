"""Everything on this hub that needs a person, as one ranked list.

Conflicts, alerts of jobs that run late, jobs that were rejected, problems that workers reported,
phones that are silent or forked, and damage in the hub's own store. Gathered from the projections
and from what is known now; of conflicts only that they are there, for that costs no fold. Holds no
HTML. Invariant: the order is that of `core.dispatch.ranking`, and the same for everybody.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Collection, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Any, Final

from core.dispatch.acts import PROBLEM
from core.dispatch.delay import DELAYED, Cause
from core.dispatch.fields import Kind, Phase
from core.dispatch.reasons import reason_words
from core.dispatch.snooze import aside_until
from core.sentence import listed, marked, say, say_n
from hub.hub import Hub
from web.board.alert_words import cause_words, why_words
from web.board.alerts import Alert, put_aside
from web.board.kept_alerts import BREATH_JOBS
from web.board.problem import Problem
from web.board.ranked import Ranked
from web.board.reader import Rows
from web.formats import MINUTE_MS, span_words
from web.phones import SILENT_MS_MAX, phones_of

SILENT, FORKED, REJECTED = marked("silent phone"), marked("forked key"), marked("rejected")

_CONFLICTS: Final = """
    SELECT conflict.stream, conflict.conflict, conflict.kind, conflict.shown, conflict.other
    FROM conflict WHERE kind <> 'snoozed'
"""
_JOBS: Final = """
    SELECT job.job, job.number, job.title, job.priority, job.worker, job.customer, job.reason,
           job.frontier,
           coalesce(worker.name, '') AS worker_name, coalesce(customer.name, '') AS customer_name
    FROM json_each(?) AS wanted JOIN job ON job.job = wanted.value
    LEFT JOIN worker ON worker.worker = job.worker AND job.worker <> ''
    LEFT JOIN customer ON customer.customer = job.customer AND job.customer <> ''
"""
_REJECTED: Final = "SELECT job, updated_at FROM job WHERE status = 'rejected'"
_REJECTED_AT: Final = "SELECT job, max(at) AS at FROM phase_time WHERE phase = ? GROUP BY job"
_REPORTED: Final = """
    SELECT job.job, note.note, note.at, note.text, coalesce(worker.name, '') AS name
    FROM job CROSS JOIN note ON note.job = job.job
    JOIN worker ON worker.worker = note.actor
    WHERE job.status IN ('open', 'in progress') AND job.notes > 0 AND note.text LIKE ?1 || '%'
"""
_REPORTED_OF_SOME: Final = _REPORTED + " AND job.job IN (SELECT value FROM json_each(?2))"
_FORKED: Final = """
    SELECT lower(hex(log.author)) AS author, count(DISTINCT stream) AS streams,
           lower(hex(certificate.subject)) AS worker, coalesce(worker.name, '') AS name
    FROM log JOIN certificate ON certificate.author = log.author
    LEFT JOIN worker ON worker.worker = lower(hex(certificate.subject))
    WHERE branch <> x'' AND log.author NOT IN (SELECT author FROM revoked) GROUP BY log.author
"""
_NAMED: Final = {
    int(Kind.CUSTOMER): ("SELECT name FROM customer WHERE customer = ?", "/customers/"),
    int(Kind.WORKER): ("SELECT name FROM worker WHERE worker = ?", "/workers/"),
    int(Kind.RECURRENCE): ("SELECT title AS name FROM recurrence WHERE recurrence = ?", ""),
}
_NAMED_KINDS: Final = frozenset({Kind.CUSTOMER, Kind.WORKER})
_KIND_WORDS: Final = {
    int(Kind.SITE): say("Site"),
    int(Kind.OFFICE): say("Office"),
    int(Kind.CUSTOMER): say("Customer"),
    int(Kind.WORKER): say("Worker"),
    int(Kind.RECURRENCE): say("Recurring job"),
}


_NOTHING_MORE: Final = {"lost": False, "conflict": "", "asks": False}


async def forked_keys(reader: Rows) -> list[Any]:
    """Rows of keys that wrote in two places at once; looks at every log, so not at every commit."""
    return await reader.rows(_FORKED)


class KnownJobs:
    """What problems say of jobs, kept for as long as nothing of it changed.

    A large site has thousands of alerts, of which a commit changes one.
    """

    def __init__(self) -> None:
        self.row_by_job: dict[str, Any] = {}
        self.ranked = Ranked()
        self._reported: dict[str, list[Any]] = {}
        # Jobs whose notes are to be read, and jobs whose problem is to be made; None: of all jobs.
        self._unread: set[str] | None = None
        self._unmade: set[str] | None = None

    def forget(self, streams: Collection[bytes], alerted: Collection[str] | None) -> None:
        """Ask anew of what changed, and of the jobs that show a name that may have changed.

        `alerted` are the jobs whose alert is another or none now; None: any may be.
        """
        jobs = {stream.hex() for stream in streams}
        gone = set(jobs)
        if any(stream[4] == Kind.SITE for stream in streams):
            self.row_by_job.clear()
            self._unread = self._unmade = None
        named = {stream.hex() for stream in streams if stream[4] in _NAMED_KINDS}
        if named:
            gone |= {
                job
                for job, row in self.row_by_job.items()
                if row["worker"] in named or row["customer"] in named
            }
            # Notes show names as well, also of people of whom nothing was known before.
            self._unread = None
        for job in gone:
            self.row_by_job.pop(job, None)
        if self._unread is not None:
            self._unread |= jobs
        if alerted is None:
            self._unmade = None
        if self._unmade is not None:
            self._unmade |= gone.union(alerted or ())

    async def read(self, reader: Rows, wanted: Set[str]) -> dict[str, Any]:
        """The rows of these jobs, by job; one that is not there any more has none."""
        missing = sorted(wanted - self.row_by_job.keys())
        if missing:
            rows = await reader.rows(_JOBS, (json.dumps(missing),))
            self.row_by_job |= {row["job"]: row for row in rows}
        for job in self.row_by_job.keys() - wanted:
            del self.row_by_job[job]
        return self.row_by_job

    async def reported(self, reader: Rows) -> list[Any]:
        """The notes by which workers reported a problem of a job that is not over."""
        # Taken off only when it was read: whoever is interrupted leaves it to the next one.
        if self._unread is None:
            rows = await reader.rows(_REPORTED, (PROBLEM,))
            self._reported = {}
        elif self._unread:
            rows = await reader.rows(_REPORTED_OF_SOME, (PROBLEM, json.dumps(sorted(self._unread))))
            for job in self._unread:
                self._reported.pop(job, None)
        else:
            rows = []
        for row in rows:
            self._reported.setdefault(row["job"], []).append(row)
        self._unread = set()
        return [row for of_job in self._reported.values() for row in of_job]

    async def rank(self, making: _Making, alert_by_job: Mapping[str, Alert]) -> None:
        """Make the problems anew that alerts stand for, where an alert or its job changed."""
        whole = self._unmade is None
        jobs = alert_by_job.keys() if self._unmade is None else self._unmade
        made: dict[str, Problem | None] = {}
        for number, job in enumerate(list(jobs)):
            if number % BREATH_JOBS == BREATH_JOBS - 1:
                # Minutes turn for all at once; nobody else is to wait for thousands of them.
                await asyncio.sleep(0)
            alert = alert_by_job.get(job)
            known = alert is not None and job in making.jobs
            made[job] = making.alert(alert) if alert is not None and known else None
        if whole:
            self.ranked = Ranked()
        self.ranked.change(made)
        # As above: only when it was done.
        self._unmade = set()


async def gather(
    hub: Hub,
    alert_by_job: Mapping[str, Alert],
    forked: Sequence[Any],
    now_ms: int,
    known: KnownJobs,
    busy: Collection[str],
) -> tuple[list[Problem], list[Problem]]:
    """All problems, what hurts most first: what waits for a person, and what is put aside.

    The alerts are those of `now_ms`, `forked` what `forked_keys` said lately, `known` what was read
    before and did not change, and `busy` the workers (hex) who have jobs to do.
    """
    reader = hub.reader
    conflicts = await reader.rows(_CONFLICTS)
    rejected = await reader.rows(_REJECTED)
    reported = await known.reported(reader)
    more = [row["stream"] for row in conflicts]
    more += [row["job"] for row in (*rejected, *reported)]
    jobs = await known.read(reader, alert_by_job.keys() | set(more))
    making = _Making(jobs, await put_aside(reader), now_ms)
    await known.rank(making, alert_by_job)
    found = [await _conflict(reader, making, row) for row in conflicts]
    # What came since the first question was asked has its turn at the next commit.
    found += await _rejected(reader, making, [row for row in rejected if row["job"] in jobs])
    found += [making.reported(row) for row in reported if row["job"] in jobs]
    found += await _phones(hub, making, busy)
    found += [_forked(making, row) for row in forked]
    found += [making.damage(words) for words in hub.self_check.findings]
    return known.ranked.with_others(found)


@dataclass(frozen=True, slots=True)
class _Making:
    """What all problems of one moment are made with."""

    jobs: dict[str, Any]
    aside: dict[str, list[tuple[str, int]]]
    now_ms: int

    def minutes_since(self, at_ms: int) -> int:
        return max(self.now_ms - at_ms, 0) // MINUTE_MS

    def aside_until(self, stream: str, alert: str) -> int:
        return aside_until(alert, self.aside.get(stream, ()), self.now_ms)

    def of_job(self, job: str, **more: Any) -> Problem:
        row = self.jobs[job]
        return self.of(
            stream=job,
            job=job,
            number=row["number"],
            title=row["title"] or say("Untitled"),
            about=", ".join(part for part in (row["customer_name"], row["worker_name"]) if part),
            page="",
            priority=row["priority"],
            **{"asks": bool(row["worker"]), **more},
        )

    def of(self, **more: Any) -> Problem:
        until_ms = self.aside_until(more["stream"], more["alert"]) if more["alert"] else 0
        return Problem(**{**_NOTHING_MORE, "aside_until_ms": until_ms, **more})

    def alert(self, alert: Alert) -> Problem:
        """A job that runs late, or of which nothing is heard."""
        worst, row = alert.troubles[0], self.jobs[alert.job]
        others = [
            cause_words(each, row["worker"])
            for each in alert.troubles[1:]
            if each.cause is not Cause.AT_RISK
        ]
        why = why_words(worst, alert.course, row["worker_name"])
        if others:
            why = say("{why}; also: {others}", why=why, others=listed(others))
        return self.of_job(
            alert.job,
            key=f"alert {alert.job} {worst.cause.value}",
            kind="alert",
            alert=worst.cause.value,
            words=cause_words(worst, row["worker"]),
            why=why,
            minutes=worst.minutes,
            since_ms=worst.since_ms,
            lost=worst.cause in DELAYED,
            aside_until_ms=alert.aside_until_ms,
        )

    def reported(self, row: Any) -> Problem:
        """A problem that a worker told."""
        return self.of_job(
            row["job"],
            key=f"reported {row['job']} {row['note']}",
            kind="reported",
            alert=f"problem {row['note']}",
            words=say("Problem reported"),
            why=listed((row["name"], reason_words(row["text"].removeprefix(PROBLEM))), ": "),
            minutes=self.minutes_since(row["at"]),
            since_ms=row["at"],
        )

    def damage(self, words: str) -> Problem:
        """Damage in this hub's own store."""
        return self.of(
            stream="",
            job="",
            number="",
            title=say("This hub's store"),
            about="",
            page="/phones",
            priority=3,
            key=f"damage {words}",
            kind="damage",
            alert="",
            words=say("Damaged"),
            why=words,
            minutes=MINUTES_OF_DAMAGE,
            since_ms=0,
            lost=True,
        )


MINUTES_OF_DAMAGE: Final = 8 * 60
"""Damage spreads to backups while it is left: as a whole day that is lost."""
MINUTES_OF_FORK: Final = 60
"""Both branches count, so nothing is lost yet; who holds the other copy should be known today."""


async def _conflict(reader: Rows, making: _Making, row: Any) -> Problem:
    stream = row["stream"]
    sides = [json.loads(row["shown"]), *json.loads(row["other"])]
    since_ms = max(side["at"] for side in sides)
    more = {
        "key": f"conflict {stream} {row['conflict']}",
        "kind": "conflict",
        "alert": "",
        "words": say("Conflict"),
        "why": "",
        "minutes": making.minutes_since(since_ms),
        "since_ms": since_ms,
        "conflict": row["conflict"],
    }
    if stream in making.jobs:
        return making.of_job(stream, **more)
    kind = bytes.fromhex(stream)[4]
    question, page = _NAMED.get(kind, ("", ""))
    named = await reader.row(question, (stream,)) if question else None
    return making.of(
        stream=stream,
        job="",
        number="",
        title=(named["name"] if named is not None else "")
        or _KIND_WORDS.get(kind, say("Something")),
        about=_KIND_WORDS.get(kind, ""),
        page=f"{page}{stream}" if page else "",
        priority=1,
        **more,
    )


async def _rejected(reader: Rows, making: _Making, rows: Sequence[Any]) -> list[Problem]:
    if not rows:
        return []
    rejections = await reader.rows(_REJECTED_AT, (int(Phase.REJECTED),))
    at_ms = {row["job"].hex(): row["at"] for row in rejections}
    found = []
    for row in rows:
        since_ms = at_ms.get(row["job"], row["updated_at"])
        reason = making.jobs[row["job"]]["reason"]
        found.append(
            making.of_job(
                row["job"],
                key=f"rejected {row['job']} {since_ms}",
                kind="rejected",
                alert=REJECTED,
                words=say("Rejected"),
                asks=False,
                why=say("“{reason}”. Nobody has it now.", reason=reason_words(reason))
                if reason
                else say("Nobody has it now."),
                minutes=making.minutes_since(since_ms),
                since_ms=since_ms,
            )
        )
    return found


async def _phones(hub: Hub, making: _Making, busy: Collection[str]) -> list[Problem]:
    """Phones of workers with work to do that nothing was heard of for a day."""
    newest: dict[str, tuple[int, str]] = {}
    for phone in await phones_of(hub):
        if phone.worker in busy:
            newest[phone.worker] = max(
                newest.get(phone.worker, (0, phone.name)), (phone.heard_at_ms or 0, phone.name)
            )
    found = []
    for worker, (heard_ms, name) in newest.items():
        silent_ms = making.now_ms - heard_ms
        if heard_ms and silent_ms <= SILENT_MS_MAX:
            continue
        who = name or say("the worker")
        why = say("It was never heard, and {who} has jobs to do.", who=who)
        if heard_ms:
            span = span_words(silent_ms)
            why = say("It was silent for {span}, and {who} has jobs to do.", span=span, who=who)
        found.append(
            making.of(
                stream=worker,
                job="",
                number="",
                title=say("{name}'s phone", name=name) if name else say("A worker's phone"),
                about=say("Phone"),
                page=f"/workers/{worker}",
                priority=1,
                key=f"silent {worker}",
                kind="phone",
                alert=SILENT,
                words=say("Silent phone"),
                why=why,
                minutes=(silent_ms - SILENT_MS_MAX) // MINUTE_MS if heard_ms else 1,
                since_ms=heard_ms + SILENT_MS_MAX if heard_ms else 0,
            )
        )
    return found


def _forked(making: _Making, row: Any) -> Problem:
    return making.of(
        stream=row["worker"],
        job="",
        number="",
        title=say("{name}'s phone", name=row["name"]) if row["name"] else say("A key"),
        about=say("Phone"),
        page="/phones",
        priority=2,
        key=f"forked {row['author']}",
        kind="phone",
        alert=FORKED,
        words=say("Wrote in two places at once"),
        why=say_n(
            "In {n} record: restored, copied or stolen. Give it a new key.",
            "In {n} records: restored, copied or stolen. Give it a new key.",
            row["streams"],
        ),
        minutes=MINUTES_OF_FORK,
        since_ms=0,
    )
