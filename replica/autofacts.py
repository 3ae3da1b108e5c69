"""From what the automatic logger says to what is written and asked.

A `Turn` is one call's work on the writer: the context read, what was kept, and the changes that
become one act. Holds no fixes' rules (`core.dispatch.autolog`) and no clock. Invariant: a log's id
follows from what made it, so that a repetition is the same log; what the worker started by hand is
never doubled, and a phase never goes back.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from typing import Final

from core.dispatch import acts, day_acts, fields
from core.dispatch.acts import Act, Change
from core.dispatch.autofact import (
    COUNTDOWN_MS,
    Ask,
    Certainty,
    Fact,
    Mode,
    Propose,
    Start,
    Stop,
    Suggest,
    Supersede,
)
from core.dispatch.autolog import Step, close_job, go_on, refuse_job
from core.dispatch.fields import LogKind, Phase, Source
from core.dispatch.show import value_at
from core.log.registers import Registers
from replica.autostate import STARTED, Context, Kept, Notice
from replica.replica import Replica

# A mark on a log that was taken back because a fix came late: only this one is lifted again.
_LATE: Final = "a fix came late"

_ORDER: Final = {Phase.TRAVELLING: 4, Phase.ON_SITE: 5}


def log_id(kind: LogKind, job: bytes | None, start_ms: int) -> bytes:
    """The id of an automatic log: from what made it, so that a repetition is the same log."""
    data = bytes([kind]) + (job or b"") + start_ms.to_bytes(8, "big")
    return blake2b(data, digest_size=8, person=b"fieldlog.auto").digest()


@dataclass(slots=True)
class Turn:
    """One call's work for one worker, within one transaction."""

    replica: Replica
    worker: bytes
    context: Context
    kept: Kept
    now_ms: int
    changes: Act = field(default_factory=list)

    def act(self) -> Act:
        """What is to be written, each path once: the last word counts."""
        return list({(change.stream, change.path): change for change in self.changes}.values())

    # --- facts

    def follow(self, step: Step) -> None:
        """Keep the logger's new state and do what it says."""
        self.kept.state, facts = step
        self.apply(facts)

    def apply(self, facts: Sequence[Fact]) -> None:
        """Write and ask what the facts say."""
        for fact in facts:
            match fact:
                case Start():
                    self._start(fact)
                case Stop():
                    self._stop(fact)
                case Suggest():
                    self._suggest(fact)
                case Supersede():
                    self._take_back(fact)
                case Propose() if fact.mode is Mode.AUTOMATIC or fact.phase is Phase.TRAVELLING:
                    # A countdown's arrival moves the job on when it is agreed.
                    if fact.mode is not Mode.SUGGEST:
                        self._propose(fact.job, fact.phase)

    def _start(self, fact: Start) -> None:
        if fact.kind is LogKind.ON_SITE and self._open_by_hand(fact):
            return
        if fact.mode is Mode.TIMED:
            self._ask(Notice.of(fact, self.now_ms + COUNTDOWN_MS))
            return
        rule = (fact.rule_version, fact.threshold_min)
        self._write_start(fact.kind, fact.job, fact.at_ms, fact.evidence_ms, rule)
        if fact.kind is LogKind.ON_SITE:
            self._ask(Notice.of(fact, None))

    def _stop(self, fact: Stop) -> None:
        uncertain = fact.certainty is Certainty.UNCERTAIN
        for notice in self._notices_of(fact):
            self.kept.notices.remove(notice)
            if notice.ask == STARTED and not notice.written:
                # The visit ended before its countdown did: agreed, it is written whole.
                ended = replace(notice, stop_ms=fact.at_ms, uncertain=uncertain)
                self.kept.notices.append(ended)
        self._write_stop(
            fact.kind, fact.job, fact.start_ms, fact.at_ms, uncertain, fact.evidence_ms
        )

    def _suggest(self, fact: Suggest) -> None:
        if fact.ask is Ask.FINISH and not self._is_in_hand(fact.job):
            return
        if fact.ask is Ask.LOG:
            gone = [each for each in self._notices_of(fact) if each.ask == Ask.ARRIVED.value]
            for notice in gone:
                self.kept.notices.remove(notice)
            if self._runs(fact.kind, fact.job, fact.start_ms):
                # The worker agreed to the arrival, so the departure needs no second yes.
                uncertain = fact.certainty is Certainty.UNCERTAIN
                self._write_stop(
                    fact.kind, fact.job, fact.start_ms, fact.at_ms, uncertain, fact.evidence_ms
                )
                return
        self._ask(Notice.of(fact, None))

    def _take_back(self, fact: Supersede) -> None:
        gone = fact.fact
        match gone:
            case Start():
                for notice in self._notices_of(gone):
                    self.kept.notices.remove(notice)
                day, log = self._place(gone.kind, gone.job, gone.at_ms)
                if self._started(day, gone.job, log):
                    self.changes += day_acts.remove_log(
                        self.worker, day, gone.job, log, fact.reason
                    )
            case Stop():
                for notice in self._notices_of(gone):
                    if notice.ask == STARTED:
                        self.kept.notices.remove(notice)
                        self.kept.notices.append(replace(notice, stop_ms=None, uncertain=False))
                day, log = self._place(gone.kind, gone.job, gone.start_ms)
                if self._stopped(day, gone.job, log):
                    stream = acts.day_stream(self.worker, day)
                    self.changes.append(
                        Change(stream, (fields.LOG_STOP, gone.job or b"", log), None)
                    )
            case Suggest():
                for notice in self._notices_of(gone):
                    if notice.ask == gone.ask.value:
                        self.kept.notices.remove(notice)

    def _ask(self, notice: Notice) -> None:
        """One notice stands for one matter: the newest."""
        kept = [each for each in self.kept.notices if each.matter != notice.matter]
        self.kept.notices[:] = [*kept, notice]

    def _notices_of(self, fact: Start | Stop | Suggest) -> list[Notice]:
        return [notice for notice in self.kept.notices if notice.concerns(fact)]

    # --- the worker's word

    def agree(self, notice: Notice) -> None:
        """Do what a notice asked, now that the worker (or the countdown) agreed."""
        job = bytes.fromhex(notice.job) if notice.job else None
        kind, start_ms, at_ms = notice.log_kind, notice.start_ms, notice.at_ms
        state = self.kept.state
        here = job is not None and (state.open_job, state.open_since_ms) == (job, start_ms)
        match notice.ask:
            case Ask.FINISH.value:
                if job is not None and self._is_in_hand(job):
                    turn, _ = self.context.turn_by_job[job.hex()]
                    self.changes += acts.set_phase(job, self.worker, turn, Phase.FINISHED)
            case Ask.END.value:
                if here and job is not None:
                    self.follow(close_job(state, job, at_ms))
                else:
                    self._write_stop(kind, job, start_ms, at_ms, True, ())
            case Ask.OTHER_JOB.value:
                if state.open_job is not None and state.open_since_ms == start_ms:
                    # The next fix arrives at the job that the worker named.
                    self.follow(refuse_job(state, state.open_job))
            case Ask.JOIN.value:
                self._begin(notice, job)
                self._write_stop(kind, job, start_ms, at_ms, False, (), anew=True)
            case Ask.LOG.value | Ask.SPLIT.value | Ask.EXTEND.value:
                self._begin(notice, job)
                self._write_stop(kind, job, start_ms, at_ms, notice.uncertain, ())
                if notice.ask == Ask.EXTEND.value and job is not None:
                    self.kept.state = go_on(state, job, at_ms)
            case _:
                self._begin(notice, job)
                if notice.stop_ms is not None:
                    self._write_stop(kind, job, start_ms, notice.stop_ms, notice.uncertain, ())
                if kind is LogKind.ON_SITE and job is not None:
                    self._propose(job, Phase.ON_SITE)

    def refuse(self, notice: Notice) -> None:
        """An arrival that was none is taken back; any other no leaves things as they are."""
        if notice.ask not in (STARTED, Ask.ARRIVED.value) or not notice.job:
            return
        job, state = bytes.fromhex(notice.job), self.kept.state
        if (state.open_job, state.open_since_ms) == (job, notice.start_ms):
            self.follow(refuse_job(state, job))

    def _begin(self, notice: Notice, job: bytes | None) -> None:
        day, log = self._place(notice.log_kind, job, notice.start_ms)
        if not self._started(day, job, log):
            self._write_start(
                notice.log_kind, job, notice.start_ms, notice.evidence_ms, notice.rule
            )

    # --- what stands, and writing it

    def _place(self, kind: LogKind, job: bytes | None, start_ms: int) -> tuple[str, bytes]:
        """The day and the id of a log."""
        return self.context.local_day(start_ms), log_id(kind, job, start_ms)

    def _registers(self, day: str) -> Registers:
        return self.replica.state(acts.day_stream(self.worker, day)).registers

    def _value(self, day: str, path: tuple[int, bytes, bytes]) -> object:
        """What stands at a path of a day, with the changes of this turn."""
        stream = acts.day_stream(self.worker, day)
        for change in reversed(self.changes):
            if (change.stream, change.path) == (stream, path):
                return change.value
        return value_at(self._registers(day), path)

    def _started(self, day: str, job: bytes | None, log: bytes) -> bool:
        return self._value(day, (fields.LOG_START, job or b"", log)) is not None

    def _stopped(self, day: str, job: bytes | None, log: bytes) -> bool:
        return self._value(day, (fields.LOG_STOP, job or b"", log)) is not None

    def _runs(self, kind: LogKind, job: bytes | None, start_ms: int) -> bool:
        day, log = self._place(kind, job, start_ms)
        return self._started(day, job, log) and not self._stopped(day, job, log)

    def _is_in_hand(self, job: bytes | None) -> bool:
        return job is not None and job.hex() in self.context.turn_by_job

    def _open_by_hand(self, fact: Start) -> bool:
        """Whether the worker already runs a log at this job."""
        own = log_id(fact.kind, fact.job, fact.at_ms)
        for day in {self.context.local_day(at_ms) for at_ms in (fact.at_ms, self.now_ms)}:
            registers = self._registers(day)
            for path in registers:
                if path[0] != fields.LOG_START or path[1] != (fact.job or b"") or path[2] == own:
                    continue
                value = value_at(registers, path)
                kind = value[0] if isinstance(value, list) else value
                removed = value_at(registers, (fields.LOG_REMOVED, *path[1:]))
                if (
                    kind == LogKind.ON_SITE
                    and removed is None
                    and not self._stopped(day, fact.job, path[2])
                ):
                    return True
        return False

    def _write_start(
        self,
        kind: LogKind,
        job: bytes | None,
        at_ms: int,
        evidence_ms: Sequence[int],
        rule: Sequence[int],
    ) -> None:
        day, log = self._place(kind, job, at_ms)
        self.changes += day_acts.start_log(
            self.worker,
            day,
            job,
            log,
            kind,
            at_ms=at_ms,
            source=Source.AUTO,
            evidence=evidence_ms,
            rule=rule,
        )
        removed = (fields.LOG_REMOVED, job or b"", log)
        if self._value(day, removed) == _LATE:
            self.changes.append(Change(acts.day_stream(self.worker, day), removed, None))

    def _write_stop(
        self,
        kind: LogKind,
        job: bytes | None,
        start_ms: int,
        at_ms: int,
        uncertain: bool,
        evidence_ms: Sequence[int],
        *,
        anew: bool = False,
    ) -> None:
        """End a log that was started; `anew` moves the end of one that has ended."""
        day, log = self._place(kind, job, start_ms)
        if not self._started(day, job, log) or (not anew and self._stopped(day, job, log)):
            return
        self.changes += day_acts.stop_log(
            self.worker,
            day,
            job,
            log,
            at_ms=at_ms,
            uncertain=uncertain,
            evidence=evidence_ms,
        )

    def _propose(self, job: bytes, phase: Phase) -> None:
        """Move the assignment on; never back, and never past what the worker did."""
        found = self.context.turn_by_job.get(job.hex())
        if found is None:
            return
        turn, before = found
        if int(before) < _ORDER[phase]:
            self.changes += acts.set_phase(job, self.worker, turn, phase)
            self.context.turn_by_job[job.hex()] = (turn, phase)
