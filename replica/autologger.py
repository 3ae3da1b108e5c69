"""The automatic logger as it runs on a phone: fixes in, entries out, notices to the worker.

The rules are in `core.dispatch.autolog`; here they meet the store. A fix, what it makes the logger
remember and the entries that it leads to are one transaction, so that a phone killed at any moment
neither loses nor doubles a log. Holds no screens. Invariant: a log's id follows from what made it,
so that the same facts give the same log.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

from core.dispatch import acts, fields
from core.dispatch.acts import Act, Change
from core.dispatch.autofact import (
    COUNTDOWN_MS,
    Ask,
    Fact,
    Mode,
    Propose,
    Start,
    Stop,
    Suggest,
    Supersede,
)
from core.dispatch.autolog import close_job, refuse_job, replay, switch_off, tick
from core.dispatch.fields import LogKind, Phase, Source
from core.dispatch.fix import Fix, encode_track, thin
from core.dispatch.show import value_at
from replica.autostate import Context, Kept, Notice, keep, load, read_context
from replica.replica import Replica
from replica.screens.port import AutoNotice
from replica.writer import Writer

# Silence, the end of a shift and a countdown come due within this.
TICK_S = 20.0

# Fixes that wait to become one entry of the worker's day, and for how long at most.
TRACK_FIXES = 120
TRACK_MS = 10 * 60_000

_FORWARD = {Phase.TRAVELLING: 4, Phase.ON_SITE: 5}


@dataclass(slots=True)
class _Turn:
    """What one call does: the store's context, and the changes it leads to."""

    replica: Replica
    context: Context
    changes: Act


class AutoLogger:
    """Runs the logger for one worker.

    Args:
        worker: the worker's stream id.
        announce: called when notices may have changed.
    """

    def __init__(
        self, folder: Path, writer: Writer, worker: bytes, announce: Callable[[], None]
    ) -> None:
        self.on_duty = False
        self.context: Context | None = None
        self._folder = folder
        self._writer = writer
        self._worker = worker
        self._announce = announce
        self._notices: tuple[Notice, ...] = ()
        self._wake = asyncio.Event()

    def wake(self) -> None:
        """Look again: something was written by hand."""
        self._wake.set()

    async def run(self) -> None:
        """Let time pass, until cancelled."""
        while True:
            await self._writer.run(self._pass_time)
            self._announce()
            self._wake.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), TICK_S)

    async def take(self, fix: Fix) -> None:
        """Take a fix; it and what follows from it are durable on return."""
        await self._writer.run(self._take, [fix])

    def notices(self) -> Sequence[AutoNotice]:
        """What waits for the worker's word, the oldest first."""
        return tuple(notice.shown() for notice in self._notices)

    async def answer(self, notice: str, agreed: bool) -> None:
        """The worker's word on a notice."""
        await self._writer.run(self._answer, notice, agreed)
        self._announce()

    # --- on the writer

    def _begin(self) -> _Turn:
        replica = self._writer.replica
        context = read_context(replica, self._worker)
        self.on_duty = context.on_duty
        self.context = context
        return _Turn(replica, context, [])

    def _take(self, fixes: list[Fix]) -> None:
        replica = self._writer.replica
        with replica.store.transaction():
            turn = self._begin()
            kept = load(replica.store)
            now_ms = replica.clock.now_ms()
            if turn.context.on_duty:
                state, facts = replay(
                    kept.state, fixes, turn.context.places, turn.context.settings, now_ms
                )
                kept.buffer += fixes
                kept.state = state
                self._apply(turn, kept.notices, facts)
                self._flush(turn, kept.buffer, facts, now_ms)
            self._finish(turn, kept)

    def _pass_time(self) -> None:
        replica = self._writer.replica
        with replica.store.transaction():
            turn = self._begin()
            kept = load(replica.store)
            before = (kept.state, list(kept.notices), len(kept.buffer))
            now_ms = replica.clock.now_ms()
            if turn.context.on_duty:
                self._close_by_hand(turn, kept.notices, kept, now_ms)
                state, facts = tick(kept.state, now_ms, turn.context.places, turn.context.settings)
            else:
                state, facts = switch_off(kept.state, turn.context.settings)
            kept.state = state
            self._apply(turn, kept.notices, facts)
            for notice in list(kept.notices):
                if notice.until_ms is not None and notice.until_ms <= now_ms:
                    kept.notices.remove(notice)
                    self._agree(turn, notice)
            self._flush(turn, kept.buffer, facts, now_ms)
            if (kept.state, kept.notices, len(kept.buffer)) != before or turn.changes:
                self._finish(turn, kept)
            self._notices = tuple(kept.notices)

    def _answer(self, name: str, agreed: bool) -> None:
        replica = self._writer.replica
        with replica.store.transaction():
            turn = self._begin()
            kept = load(replica.store)
            notice = next((each for each in kept.notices if each.name == name), None)
            if notice is None:
                return
            kept.notices.remove(notice)
            if agreed:
                self._agree(turn, notice)
            elif notice.job:
                state, facts = refuse_job(kept.state, bytes.fromhex(notice.job))
                kept.state = state
                self._apply(turn, kept.notices, facts)
            self._finish(turn, kept)

    def _finish(self, turn: _Turn, kept: Kept) -> None:
        keep(turn.replica.store, kept)
        if turn.changes:
            turn.replica.write(turn.changes, by_rule=True)
        self._notices = tuple(kept.notices)

    def _close_by_hand(self, turn: _Turn, notices: list[Notice], kept: Kept, now_ms: int) -> None:
        """A job that the worker ended by a button is not logged any further."""
        job = kept.state.open_job
        if job is not None and job.hex() not in turn.context.turn_by_job:
            kept.state, facts = close_job(kept.state, job, now_ms)
            self._apply(turn, notices, facts)

    # --- facts to changes

    def _apply(self, turn: _Turn, notices: list[Notice], facts: Sequence[Fact]) -> None:
        for fact in facts:
            match fact:
                case Start() if fact.mode is Mode.TIMED:
                    until = turn.replica.clock.now_ms() + COUNTDOWN_MS
                    notices.append(Notice.of(fact, until))
                case Start():
                    self._start(turn, fact)
                    if fact.kind is LogKind.ON_SITE:
                        _replace(notices, Notice.of(fact, None))
                case Stop():
                    self._stop(turn, fact)
                    notices[:] = [n for n in notices if not n.concerns(fact)]
                case Propose() if fact.mode is not Mode.SUGGEST:
                    self._propose(turn, fact)
                case Suggest():
                    _replace(notices, Notice.of(fact, None))
                case Supersede():
                    self._take_back(turn, notices, fact)

    def _day(self, turn: _Turn, at_ms: int) -> str:
        return turn.context.local_day(at_ms)

    def _start(self, turn: _Turn, fact: Start) -> None:
        day = self._day(turn, fact.at_ms)
        log = log_id(fact.kind, fact.job, fact.at_ms)
        if fact.kind is LogKind.ON_SITE and self._open_by_hand(turn, day, fact.job):
            return
        turn.changes += acts.start_log(
            self._worker,
            day,
            fact.job,
            log,
            fact.kind,
            at_ms=fact.at_ms,
            source=Source.AUTO,
            evidence=fact.evidence_ms,
            rule=(fact.rule_version, fact.threshold_min),
        )

    def _stop(self, turn: _Turn, fact: Stop) -> None:
        day = self._day(turn, fact.start_ms)
        log = log_id(fact.kind, fact.job, fact.start_ms)
        started = self._started(turn, day, fact.job, log)
        state = turn.replica.state(acts.day_stream(self._worker, day))
        stop_path = (fields.LOG_STOP, fact.job or b"", log)
        if not started or value_at(state.registers, stop_path) is not None:
            return
        turn.changes += acts.stop_log(
            self._worker,
            day,
            fact.job,
            log,
            at_ms=fact.at_ms,
            uncertain=fact.certainty.value == "uncertain",
            evidence=fact.evidence_ms,
        )

    def _started(self, turn: _Turn, day: str, job: bytes | None, log: bytes) -> bool:
        stream = acts.day_stream(self._worker, day)
        path = (fields.LOG_START, job or b"", log)
        in_this_act = any(c.stream == stream and c.path == path for c in turn.changes)
        return in_this_act or value_at(turn.replica.state(stream).registers, path) is not None

    def _open_by_hand(self, turn: _Turn, day: str, job: bytes | None) -> bool:
        """Whether the worker already runs a log at this job by hand."""
        registers = turn.replica.state(acts.day_stream(self._worker, day)).registers
        for path in registers:
            if path[0] != fields.LOG_START or path[1] != (job or b""):
                continue
            value = value_at(registers, path)
            kind = value[0] if isinstance(value, list) else value
            stopped = value_at(registers, (fields.LOG_STOP, *path[1:])) is not None
            removed = value_at(registers, (fields.LOG_REMOVED, *path[1:])) is not None
            if kind == LogKind.ON_SITE and not stopped and not removed:
                return True
        return False

    def _propose(self, turn: _Turn, fact: Propose) -> None:
        """Move the assignment on; never back, and never past what the worker did."""
        found = turn.context.turn_by_job.get(fact.job.hex())
        if found is None:
            return
        own_turn, phase = found
        if int(phase) < _FORWARD[fact.phase]:
            turn.changes += acts.set_phase(fact.job, self._worker, own_turn, fact.phase)
            turn.context.turn_by_job[fact.job.hex()] = (own_turn, fact.phase)

    def _take_back(self, turn: _Turn, notices: list[Notice], fact: Supersede) -> None:
        gone = fact.fact
        notices[:] = [notice for notice in notices if not notice.concerns(gone)]
        if isinstance(gone, Start):
            day, log = self._day(turn, gone.at_ms), log_id(gone.kind, gone.job, gone.at_ms)
            if self._started(turn, day, gone.job, log):
                turn.changes += acts.remove_log(self._worker, day, gone.job, log, fact.reason)
        elif isinstance(gone, Stop):
            day, log = self._day(turn, gone.start_ms), log_id(gone.kind, gone.job, gone.start_ms)
            stream = acts.day_stream(self._worker, day)
            if self._started(turn, day, gone.job, log):
                path = (fields.LOG_STOP, gone.job or b"", log)
                turn.changes.append(Change(stream, path, None))

    def _agree(self, turn: _Turn, notice: Notice) -> None:
        """Write what a notice asked, now that the worker (or the countdown) agreed."""
        job = bytes.fromhex(notice.job) if notice.job else None
        day = self._day(turn, notice.start_ms)
        log = log_id(notice.log_kind, job, notice.start_ms)
        if notice.ask == Ask.FINISH.value and job is not None:
            found = turn.context.turn_by_job.get(notice.job)
            if found is not None:
                turn.changes += acts.set_phase(job, self._worker, found[0], Phase.FINISHED)
            return
        started = self._started(turn, day, job, log)
        begins = notice.ask in ("start", Ask.ARRIVED.value, Ask.LOG.value, Ask.JOIN.value)
        if begins and not started and not notice.written:
            started = True
            turn.changes += acts.start_log(
                self._worker,
                day,
                job,
                log,
                notice.log_kind,
                at_ms=notice.start_ms,
                source=Source.AUTO,
                evidence=notice.evidence_ms,
                rule=notice.rule,
            )
        if started and notice.ask in (Ask.LOG.value, Ask.END.value, Ask.JOIN.value):
            turn.changes += acts.stop_log(self._worker, day, job, log, at_ms=notice.at_ms)

    def _flush(self, turn: _Turn, buffer: list[Fix], facts: Sequence[Fact], now_ms: int) -> None:
        """Make an entry of the fixes that waited: some minutes of them, or what a log rests on."""
        if not buffer:
            return
        oldest = min(fix.time_ms for fix in buffer)
        due = len(buffer) >= TRACK_FIXES or now_ms - oldest > TRACK_MS
        if not (due or any(isinstance(fact, Stop) for fact in facts)):
            return
        evidence = [
            ms for fact in facts if not isinstance(fact, Supersede) for ms in fact.evidence_ms
        ]
        kept = thin(buffer, evidence)
        buffer.clear()
        if kept:
            day = self._day(turn, kept[0].time_ms)
            turn.changes += acts.add_fixes(self._worker, day, encode_track(kept))


def log_id(kind: LogKind, job: bytes | None, start_ms: int) -> bytes:
    """The id of an automatic log: from what made it, so that a repetition is the same log."""
    data = bytes([kind]) + (job or b"") + start_ms.to_bytes(8, "big")
    return blake2b(data, digest_size=8, person=b"fieldlog.auto").digest()


def _replace(notices: list[Notice], notice: Notice) -> None:
    """One notice stands for one matter: the newest."""
    notices[:] = [each for each in notices if each.matter != notice.matter]
    notices.append(notice)
