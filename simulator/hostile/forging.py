"""Entries that no honest program would make: forks, false `seen`, rights that nobody gave.

A forger has a certified key and keeps the logs that it made with it, so that what it sends joins
and is sealed as it should be: the lies lie within. Holds no conversation. Invariant: every chain of
a forger is sound, for a broken one is refused at the door and tries nothing further.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

from core.dispatch import acts, day_acts, fields
from core.dispatch.acts import SITE_STREAM, Change
from core.dispatch.fields import Kind, LogKind, Phase
from core.log.canonical import pack
from core.log.chain import chain_next, chain_start
from core.log.entry import FORMAT, Cursor, Entry, encode
from core.log.errors import LogError
from core.log.stream import Stored
from replica.identity import Identity
from simulator.device_clock import EPOCH_MS

# A format that no program of this world reads.
FUTURE_FORMAT = FORMAT + 8
NONSENSE_BYTES_MAX = 200
YEARS_MS = 5 * 365 * 86_400_000


@dataclass(slots=True)
class ForgedLog:
    """A chain of the forger's key in one stream."""

    stream: bytes
    head: bytes
    entries: list[Stored] = field(default_factory=list)
    cursors: dict[int, Cursor] = field(default_factory=dict)

    def cursor(self, version: int) -> Cursor:
        """Where the log stands for entries of a format."""
        return self.cursors.setdefault(version, Cursor.at_start(self.stream))


class Forger:
    """Makes entries with a key that the site certified.

    Args:
        identity: the key and its certificates.
        now_ms: the true time, which entries give or take five years of.
        told: hears of changes by which a hub may come to give a stream to somebody.
    """

    def __init__(
        self,
        identity: Identity,
        chance: Random,
        now_ms: Callable[[], int],
        told: Callable[[Sequence[Change]], None],
    ) -> None:
        self.identity = identity
        self.worker = identity.own.subject
        self.logs: list[ForgedLog] = []
        self.heard: dict[bytes, None] = {SITE_STREAM: None, self.worker: None}
        self.heads: list[bytes] = []
        self._chance = chance
        self._now_ms = now_ms
        self._told = told

    @property
    def author(self) -> bytes:
        """The forger's public key."""
        return self.identity.author

    def hear(self, stream: bytes, head: bytes) -> None:
        """Learn of a stream and of an entry's hash in it; both will be misused."""
        self.heard[stream] = None
        self.heads = [*self.heads[-63:], head]

    # --- writing

    def forge(self) -> ForgedLog:
        """Write one entry more, honest or not, into some log; returns the log."""
        chance = self._chance
        kind, stream, changes = chance.choice(self._kinds())()
        log = self._log_of(stream)
        if chance.random() < 0.15 and log.entries:
            log = self._fork(log)
        version = FUTURE_FORMAT if kind == "future" else FORMAT
        try:
            if kind == "nonsense":
                raise OverflowError  # the same way out as for what no entry can say
            draft = Entry(
                wall_ms=self._some_ms(),
                changes=tuple((change.path, change.value) for change in changes),
                seen=self._some_seen(),
                basis=self._some_seen() if chance.random() < 0.1 else None,
                by_rule=chance.random() < 0.1,
                version=version,
            )
            body, entry_hash, _ = encode(draft, log.cursor(version), log.head)
        except (LogError, OverflowError, TypeError):
            body = self._nonsense()
            entry_hash = chain_next(log.head, body)
        seq = log.entries[-1].seq + 1 if log.entries else 1
        log.entries.append(Stored(self.author, seq, log.head, entry_hash, body))
        log.head = entry_hash
        return log

    def _log_of(self, stream: bytes) -> ForgedLog:
        own = [log for log in self.logs if log.stream == stream]
        if own:
            return self._chance.choice(own)
        start = chain_start(self.identity.site, stream, self.author)
        self.logs.append(ForgedLog(stream, start))
        return self.logs[-1]

    def _fork(self, log: ForgedLog) -> ForgedLog:
        """A second log that shares the first entries of one; each goes on by itself."""
        shared = log.entries[: self._chance.randrange(len(log.entries))]
        twin = ForgedLog(log.stream, chain_start(self.identity.site, log.stream, self.author))
        twin.entries = list(shared)
        if shared:
            twin.head = shared[-1].hash
        self.logs.append(twin)
        return twin

    def _some_ms(self) -> int:
        near = self._chance.random() < 0.5
        far_ms = 0 if near else self._chance.randrange(-YEARS_MS, YEARS_MS)
        return max(0, self._now_ms() + far_ms) // 10 * 10

    def _some_seen(self) -> tuple[bytes, ...]:
        """Heads that it holds, heads of others' logs in other streams, and some of nobody."""
        chance = self._chance
        named = {
            chance.choice(self.heads)[:8] if self.heads and chance.random() < 0.6
            else chance.randbytes(8)
            for _ in range(chance.choice((0, 0, 1, 2, 5)))
        }  # fmt: skip
        return tuple(sorted(named))

    def _nonsense(self) -> bytes:
        chance = self._chance
        if chance.random() < 0.5:
            return pack([chance.choice((None, -1, "x", b"", [[]])), chance.randbytes(9)])
        return chance.randbytes(1 + chance.randrange(NONSENSE_BYTES_MAX))

    # --- what is written

    def _kinds(self) -> tuple[Callable[[], tuple[str, bytes, Sequence[Change]]], ...]:
        return (
            self._own_note, self._own_job, self._own_day, self._anothers_turn, self._anothers_day,
            self._powers, self._customer, self._shapeless, self._unknown_field, self._future,
            self._nothing_readable,
        )  # fmt: skip

    def _some_job(self) -> bytes:
        jobs = [stream for stream in self.heard if stream[4] == Kind.JOB]
        if jobs:
            return self._chance.choice(jobs)
        made_up = acts.own_job_stream(self.worker, EPOCH_MS, self._chance.randbytes(3))
        # Whoever may make jobs may take one that is its own by its id, though it never made it.
        self._told(acts.assign(made_up, self.worker, b"12345678"))
        return made_up

    def _own_note(self) -> tuple[str, bytes, Sequence[Change]]:
        job = self._some_job()
        return "", job, acts.add_note(job, "x" * self._chance.randrange(1, 2_000))

    def _own_job(self) -> tuple[str, bytes, Sequence[Change]]:
        job = acts.own_job_stream(self.worker, self._some_ms(), self._chance.randbytes(3))
        changes = acts.create_job(job, {"title": "made up"})
        self.heard[job] = None
        self._told(changes)
        return "", job, changes

    def _own_day(self) -> tuple[str, bytes, Sequence[Change]]:
        day = f"{self._chance.choice((1970, 2026, 2031, 2090))}-03-0{self._chance.randrange(1, 9)}"
        log = self._chance.randbytes(8)
        changes = [
            *day_acts.start_log(self.worker, day, self._some_job(), log, LogKind.ON_SITE),
            *day_acts.stop_log(self.worker, day, self._some_job(), log),
        ]
        return "", changes[0].stream, changes

    def _anothers_turn(self) -> tuple[str, bytes, Sequence[Change]]:
        job, other = self._some_job(), self._someone()
        phase = self._chance.choice(list(Phase))
        return "", job, acts.set_phase(job, other, self._chance.randbytes(8), phase, "no way in")

    def _anothers_day(self) -> tuple[str, bytes, Sequence[Change]]:
        changes = day_acts.start_duty(self._someone(), "2026-03-02", self._chance.randbytes(8))
        return "", changes[0].stream, changes

    def _someone(self) -> bytes:
        workers = [stream for stream in self.heard if stream[4] == Kind.WORKER]
        return self._chance.choice(workers)

    def _powers(self) -> tuple[str, bytes, Sequence[Change]]:
        """What hubs alone may write: revocations, certificates, cuts, assignments, settings."""
        job, own = self._some_job(), self.identity.own
        hub = self.identity.certificates[-1].author
        changes = [
            Change(SITE_STREAM, (fields.REVOKED, hub), True),
            Change(SITE_STREAM, (fields.CERTIFICATE, own.author, b"12345678"), own.to_bytes()),
            Change(SITE_STREAM, (fields.ERASED, job), True),
            Change(job, (fields.CUT, hub), [1, b"x" * 8]),
            Change(job, (fields.ASSIGNED, self.worker, b"12345678"), True),
            *acts.set_setting("time_zone", "Pacific/Kiritimati"),
        ]
        change = self._chance.choice(changes)
        return "", change.stream, [change]

    def _customer(self) -> tuple[str, bytes, Sequence[Change]]:
        customers = [stream for stream in self.heard if stream[4] == Kind.CUSTOMER]
        unique = self._chance.randbytes(7)
        made_up = acts.new_stream_id(Kind.CUSTOMER, EPOCH_MS, unique)
        stream = self._chance.choice([*customers, made_up])
        return "", stream, acts.edit_customer(stream, {"name": "Mine"})

    def _shapeless(self) -> tuple[str, bytes, Sequence[Change]]:
        job = self._some_job()
        value: Any = self._chance.choice((2**62, [[1], b"x"], "", None, {1: 2}))
        return "", job, [Change(job, (fields.TICK, 1), value)]

    def _unknown_field(self) -> tuple[str, bytes, Sequence[Change]]:
        job = self._some_job()
        return "", job, [Change(job, (60_000, b"12345678"), "?")]

    def _future(self) -> tuple[str, bytes, Sequence[Change]]:
        job = self._some_job()
        return "future", job, acts.add_note(job, "from a later version")

    def _nothing_readable(self) -> tuple[str, bytes, Sequence[Change]]:
        return "nonsense", self._some_job(), []
