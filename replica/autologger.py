"""The automatic logger as it runs on a phone: fixes in, entries out, notices to the worker.

The rules are in `core.dispatch.autolog`; here they meet the store. A fix, what it makes the logger
remember and the entries that it leads to are one transaction, so that a phone killed at any moment
neither loses nor doubles a log. Holds no screens. Invariant: a fix from outside every duty is
neither kept nor used, whenever it comes.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Sequence
from hashlib import blake2b

from core.dispatch import day_acts
from core.dispatch.acts import ActError
from core.dispatch.autofact import Ask, Fact, Stop, Supersede
from core.dispatch.autolog import close_job, step, switch_off, tick
from core.dispatch.duty import sendable
from core.dispatch.fields import Phase
from core.dispatch.fix import Fix, encode_track, thin
from core.dispatch.sampling import STILL, sampling_for
from core.log.canonical import pack
from replica.autofacts import Turn
from replica.autostate import Context, Notice, duties_around, keep, load, read_context
from replica.pacing import until_due_s
from replica.screens.port import AutoNotice
from replica.store import StoreError
from replica.writer import Writer

LOGGER = logging.getLogger(__name__)

# On duty silence and the end of a shift come due within this; a countdown does at its time.
TICK_S = 60.0
# Off duty nothing comes due but by an act, or by what a hub brings: both wake the logger.
OFF_DUTY_TICK_S = 900.0
# What was written by hand is heeded so much later.
HEED_S = 0.2

# Fixes that wait to become one entry of the worker's day, and for how long at most.
TRACK_FIXES = 120
TRACK_MS = 10 * 60_000

# Under this name a store keeps what tells the fix that was taken last from others, not its place.
TAKEN_LAST = "autolog taken"


class AutoLogger:
    """Runs the logger for one worker.

    `sampling` is how often it would hear of a place now, `saving` whether the battery is spared.

    Args:
        writer: the owner of the phone's replica.
        worker: the worker's stream id.
        announce: called when notices, duty or switches have changed.
    """

    def __init__(self, writer: Writer, worker: bytes, announce: Callable[[], None]) -> None:
        self.context: Context | None = None
        self.saving = False
        self.sampling = STILL
        self._writer = writer
        self._worker = worker
        self._announce = announce
        self._notices: tuple[Notice, ...] = ()
        self._announced: tuple[object, ...] = ()
        self._taken: Fix | None = None
        self._wake = asyncio.Event()

    @property
    def on_duty(self) -> bool:
        """Whether the worker was on duty when this was last looked at."""
        return self.context is not None and self.context.on_duty

    def wake(self) -> None:
        """Look again: something was written by hand, or came from a hub."""
        self._wake.set()

    def _pause_s(self) -> float:
        """How long nothing will come due."""
        now_ms = self._writer.replica.now_ms()
        ends = [each.until_ms for each in self._notices if each.until_ms is not None]
        # One that a full disk holds up is tried again, and not without a pause.
        waits = [max(1.0, (end_ms - now_ms) / 1_000) for end_ms in ends]
        return min([until_due_s(TICK_S if self.on_duty else OFF_DUTY_TICK_S), *waits])

    async def run(self) -> None:
        """Let time pass, until cancelled."""
        while True:
            # Before the look: what is written meanwhile is looked at again.
            self._wake.clear()
            try:
                await self.pass_time()
            except (ActError, StoreError) as error:
                # Nothing was written and all is as it was; the next turn tries again.
                LOGGER.warning("auto logging waits: %s", error)
            with contextlib.suppress(TimeoutError):
                # Not `wait_for`: on Python 3.11 it loses a cancellation that comes with the wake.
                async with asyncio.timeout(self._pause_s()):
                    await self._wake.wait()
                # Whoever tapped waits for a page, which is to be drawn first.
                await asyncio.sleep(HEED_S)

    async def pass_time(self) -> None:
        """Do what is due by now: silence, the end of a shift, countdowns, switches."""
        self._notices = await self._writer.act(self._pass_time)
        context = self.context
        shown = context and (context.on_duty, context.jobs_on, context.settings.mode)
        if (self._notices, shown) != self._announced:
            self._announced = (self._notices, shown)
            self._announce()

    async def take(self, fix: Fix) -> bool:
        """Take a fix; it and what follows from it are durable on return.

        Returns whether it was taken on duty; any other is forgotten here.
        """
        if fix == self._taken:
            # An app that has nothing new says its last place again, all night if it is left alone.
            return True
        before = self._notices
        wanted, self._notices = await self._writer.act(self._take, fix)
        self._taken = fix if wanted else None
        if self._notices != before:
            # A countdown may come due before the next look.
            self.wake()
        return wanted

    def notices(self) -> Sequence[AutoNotice]:
        """What waits for the worker's word, the oldest first."""
        return tuple(notice.shown() for notice in self._notices)

    async def answer(self, notice: str, agreed: bool) -> None:
        """The worker's word on a notice."""
        self._notices = await self._writer.act(self._answer, notice, agreed)
        self._announce()

    # --- on the writer

    def _begin(self) -> Turn:
        replica = self._writer.replica
        self.context = read_context(replica, self._worker, self.context)
        now_ms = replica.now_ms()
        return Turn(replica, self._worker, self.context, load(replica.store), now_ms)

    def _take(self, fix: Fix) -> tuple[bool, tuple[Notice, ...]]:
        with self._writer.replica.store.transaction():
            turn = self._begin()
            context, kept = turn.context, turn.kept
            days = {context.local_day(fix.time_ms)}
            if not sendable([fix], duties_around(turn.replica, self._worker, days)):
                return False, tuple(kept.notices)
            # An app whose answer was lost, as this program died, says the same once more.
            told = blake2b(pack(encode_track([fix])), digest_size=16).digest()
            store = turn.replica.store
            if store.get(TAKEN_LAST) == told:
                return True, tuple(kept.notices)
            store.put(TAKEN_LAST, told)
            kept.buffer.append(fix)
            facts: list[Fact] = []
            if context.on_duty:
                kept.state, facts = step(
                    kept.state, fix, context.places, context.settings, turn.now_ms
                )
                turn.apply(facts)
            self.sampling = sampling_for(kept.state, fix, context.places, saving=self.saving)
            ended = any(isinstance(fact, Stop) for fact in facts)
            evidence = [
                ms for fact in facts if not isinstance(fact, Supersede) for ms in fact.evidence_ms
            ]
            self._flush(turn, evidence, due=ended)
            self._finish(turn, by_rule=True)
        return True, tuple(kept.notices)

    def _pass_time(self) -> tuple[Notice, ...]:
        with self._writer.replica.store.transaction():
            turn = self._begin()
            context, kept = turn.context, turn.kept
            before = (kept.state, list(kept.notices), len(kept.buffer))
            if context.on_duty:
                self._close_by_hand(turn)
                turn.follow(tick(kept.state, turn.now_ms, context.places, context.settings))
            else:
                turn.follow(switch_off(kept.state, context.settings))
            for notice in list(kept.notices):
                if notice.until_ms is not None and notice.until_ms <= turn.now_ms:
                    kept.notices.remove(notice)
                    turn.agree(notice)
                elif notice.ask == Ask.FINISH.value and notice.job not in context.turn_by_job:
                    kept.notices.remove(notice)
            self._flush(turn, (), due=not context.on_duty)
            if (kept.state, kept.notices, len(kept.buffer)) != before or turn.changes:
                self._finish(turn, by_rule=True)
        return tuple(kept.notices)

    def _answer(self, name: str, agreed: bool) -> tuple[Notice, ...]:
        with self._writer.replica.store.transaction():
            turn = self._begin()
            kept = turn.kept
            notice = next((each for each in kept.notices if each.name == name), None)
            if notice is not None:
                kept.notices.remove(notice)
                if agreed:
                    turn.agree(notice)
                else:
                    turn.refuse(notice)
                self._finish(turn, by_rule=False)
        return tuple(kept.notices)

    def _finish(self, turn: Turn, *, by_rule: bool) -> None:
        keep(turn.replica.store, turn.kept)
        erased = turn.replica.erased
        # A job may be erased while a log runs on it: its hours count all the same. And a clock that
        # stood in 1970 dates a track before what is kept.
        changes = [change for change in turn.act() if not erased.covers(change.stream)]
        if changes:
            turn.replica.write(changes, by_rule=by_rule)

    def _close_by_hand(self, turn: Turn) -> None:
        """A job that the worker ended or paused by a button is not logged any further."""
        state = turn.kept.state
        job = state.open_job
        if job is None:
            return
        found = turn.context.turn_by_job.get(job.hex())
        if found is None or found[1] is Phase.PAUSED:
            turn.follow(close_job(state, job, turn.now_ms))

    def _flush(self, turn: Turn, evidence_ms: Sequence[int], *, due: bool) -> None:
        """Make entries of the fixes that waited: some minutes of them, or what a log rests on."""
        buffer = turn.kept.buffer
        if not buffer:
            return
        oldest_ms = min(fix.time_ms for fix in buffer)
        if not (due or len(buffer) >= TRACK_FIXES or turn.now_ms - oldest_ms > TRACK_MS):
            return
        fixes_by_day: dict[str, list[Fix]] = {}
        for fix in thin(buffer, evidence_ms):
            fixes_by_day.setdefault(turn.context.local_day(fix.time_ms), []).append(fix)
        buffer.clear()
        for day, fixes in sorted(fixes_by_day.items()):
            turn.changes += day_acts.add_fixes(self._worker, day, encode_track(fixes))
