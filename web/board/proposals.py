"""Proposals that are being made or wait for somebody's decision: in memory, the newest twenty.

Makes them on a thread beside the loop, tells how far it is, and writes what was accepted.
Invariant: accepting is one act over all its jobs, from the frontiers that the proposal was made
from; a job that somebody changed since is left as it is, and named.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from aiohttp import web

from core.dispatch import acts, fields
from core.dispatch.acts import Act, ActError, Change
from core.dispatch.proposing import Move, Proposal, TooMuch, propose
from core.sentence import marked, say
from hub.hub import Hub
from hub.keys import Account
from hub.map.matrix import Matrix, TooManyPlaces, matrix
from hub.map.roads import Roads
from hub.past_acts import reference_of
from hub.reckoning import Reckoner
from web.board.days import today
from web.board.plan_input import PlanInput, gather
from web.board.state import Moment
from web.formats import sentence
from web.roster import absent_words, roster_on
from web.stale_form import changed_since

KEPT_MAX: Final = 20
READING: Final = say("Reading the plans.")
_DEPENDS: Final = (
    *(marked("assigned"), marked("withdrawn"), marked("handed to"), marked("phase")),
    *(marked("cancelled"), marked("override"), marked("window"), marked("point")),
    *(marked("skills"), marked("planned minutes")),
)


@dataclass(slots=True)
class Draft:
    """A proposal on its way to a decision.

    `progress` is how far it is, in words; `result` and `times` are there when it is made, `problem`
    says why it can't be. `told` is what became of each job that was decided on, by job.
    """

    id: str
    account: str
    day: str
    jobs: tuple[str, ...]
    made_ms: int
    progress: str = READING
    problem: str = ""
    given: PlanInput | None = None
    times: Matrix | None = None
    result: Proposal | None = None
    told: dict[str, tuple[str, str]] = field(default_factory=dict)
    deciding: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def is_ready(self) -> bool:
        """Whether it is made, or cannot be."""
        return self.result is not None or bool(self.problem)

    def open_moves(self) -> list[Move]:
        """What nobody has decided on yet."""
        return (
            [move for move in self.result.moves if move.job not in self.told] if self.result else []
        )


class ProposalBook:
    """The drafts of one application."""

    def __init__(self, hub: Hub, reckoner: Reckoner) -> None:
        self._hub = hub
        self._reckoner = reckoner
        self._drafts: dict[str, Draft] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        # One at a time: a thread stays free for what takes a moment, and somebody waits for it.
        self._turn = asyncio.Lock()

    def get(self, draft: str) -> Draft | None:
        """A draft by its id; None where it was dropped, or the hub has been started since."""
        return self._drafts.get(draft)

    def drop(self, draft: str) -> None:
        """Forget a draft."""
        self._drafts.pop(draft, None)

    def begin(self, moment: Moment, account: Account, day: str, jobs: Sequence[str]) -> Draft:
        """Begin to make one; it gets ready by itself."""
        draft = Draft(
            self._hub.replica.entropy(8).hex(), account.account, day, tuple(jobs), moment.now_ms
        )
        self._drafts[draft.id] = draft
        while len(self._drafts) > KEPT_MAX:
            self._drafts.pop(next(iter(self._drafts)))
        task = asyncio.get_running_loop().create_task(self._make(moment, draft))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return draft

    async def _make(self, moment: Moment, draft: Draft) -> None:
        try:
            if self._turn.locked():
                draft.progress = say("Waiting: another proposal is being made first.")
            async with self._turn:
                # Whoever dropped it while it waited wants it no more.
                if draft.id in self._drafts:
                    await self._fill(moment, draft)
        except (TooMuch, TooManyPlaces) as error:
            draft.problem = sentence(str(error))
        finally:
            if not draft.is_ready:
                # A fault of the program's own goes on to the loop's log; the page stops waiting.
                draft.problem = say("It could not be made; make it anew.")

    async def _fill(self, moment: Moment, draft: Draft) -> None:
        """Read the plans as they are by now, and reckon.

        Raises:
            TooMuch, TooManyPlaces: there is more than one proposal takes.
        """
        draft.progress = READING
        moment = replace(moment, now_ms=self._hub.clock.now_ms())
        draft.given = await gather(moment, draft.day, draft.jobs)
        region = self._hub.region
        roads = region.roads if region is not None else None
        draft.times, draft.result = await self._reckoner.run(_reckon, roads, draft)

    def close(self) -> None:
        """Make nothing any more."""
        for task in self._tasks:
            task.cancel()

    # --- deciding

    async def accept(
        self, moment: Moment, account: Account, draft: Draft, jobs: set[str]
    ) -> tuple[int, str]:
        """Write the moves of these jobs as one act; how many were, and the act, '' where none was.

        `draft.told` says what became of each.

        Raises:
            ActError: the account may not; nothing was written.
        """
        async with draft.deciding:
            # A second click waits, and finds that the first has decided.
            return await self._accept(moment, account, draft, jobs)

    async def _accept(
        self, moment: Moment, account: Account, draft: Draft, jobs: set[str]
    ) -> tuple[int, str]:
        if draft.given is None or draft.result is None:
            raise ActError(say("the proposal is not ready yet"))
        chosen = [move for move in draft.open_moves() if move.job in jobs]
        changes: Act = []
        basis: dict[bytes, str] = {}
        told: dict[str, tuple[str, str]] = {}
        living = await _living_workers(moment)
        roster = await roster_on(moment.hub.reader, draft.day)
        for move in chosen:
            overtaken = await self._overtaken(draft.given, move.job)
            if not overtaken and move.worker not in living:
                overtaken = say("the worker is archived")
            elif not overtaken and (absence := roster[move.worker].absence) is not None:
                present = today(moment.now_ms, moment.zone)
                overtaken = say("the worker is {absent}", absent=absent_words(absence, present))
            if overtaken:
                told[move.job] = ("left", say("left as it is: {why}", why=overtaken))
                continue
            changes += self._changes(draft.given, move)
            basis[bytes.fromhex(move.job)] = draft.given.rows[move.job].frontier
            name = draft.given.names[move.worker]
            told[move.job] = ("accepted", say("accepted: {worker} has it", worker=name))
        act = ""
        if changes:
            kept = {move.worker for move in chosen if told[move.job][0] == "accepted"}
            await self._keep_order(draft, kept, changes, basis)
            act = reference_of(await self._hub.act(account, changes, basis)).text()
        draft.told |= told
        return sum(1 for state, _ in told.values() if state == "accepted"), act

    def _changes(self, given: PlanInput, move: Move) -> Act:
        job, worker = bytes.fromhex(move.job), bytes.fromhex(move.worker)
        turn = given.turns.get(move.job)
        if turn is None:
            return acts.assign(job, worker, self._hub.replica.entropy(8), move.place)
        if turn.worker == move.worker:
            return [_order(job, worker, turn.turn, move.place)]
        changes = acts.withdraw(job, bytes.fromhex(turn.worker), bytes.fromhex(turn.turn))
        return changes + acts.assign(job, worker, self._hub.replica.entropy(8), move.place)

    async def _keep_order(
        self, draft: Draft, workers: Iterable[str], changes: Act, basis: dict[bytes, str]
    ) -> None:
        """Number what stays in the days that change, so that the phones list them in this order."""
        assert draft.given is not None
        assert draft.result is not None
        moved = {move.job for move in draft.result.moves}
        for worker in sorted(workers):
            for place, timed in enumerate(draft.result.after[worker], 1):
                job = timed.stop.job
                turn = draft.given.turns.get(job)
                if job in moved or turn is None or turn.position == place:
                    continue
                if await self._overtaken(draft.given, job):
                    continue
                stream = bytes.fromhex(job)
                changes.append(_order(stream, bytes.fromhex(worker), turn.turn, place))
                basis[stream] = draft.given.rows[job].frontier

    async def _overtaken(self, given: PlanInput, job: str) -> str:
        """Who changed the job since the proposal was made, in words; '' for nobody."""
        reader = self._hub.reader
        if await reader.row("SELECT 1 FROM job WHERE job = ?", (job,)) is None:
            return say("it is not there any more")
        changes = await changed_since(reader, job, given.rows[job].frontier, _DEPENDS)
        if not changes:
            return ""
        newest = max(changes, key=lambda change: change.at_ms)
        return say("{who} changed it meanwhile ({field})", who=newest.who, field=say(newest.field))


def _order(job: bytes, worker: bytes, turn: str, place: int) -> Change:
    return Change(job, (fields.ORDER, worker, bytes.fromhex(turn)), place)


async def _living_workers(moment: Moment) -> set[str]:
    rows = await moment.hub.reader.rows("SELECT worker FROM worker WHERE NOT archived")
    return {row["worker"] for row in rows}


def _reckon(roads: Roads | None, draft: Draft) -> tuple[Matrix, Proposal]:
    """The long part, on its own thread; `draft.progress` is all that it touches."""
    given = draft.given
    assert given is not None

    def searched(done: int, of: int) -> None:
        draft.progress = say("Searching the roads: {done} of {of} places.", done=done, of=of)

    def walked(done: int, of: int) -> None:
        percent = 100 * done // of
        draft.progress = say(
            "Trying orders: {percent} % of the most that is tried.", percent=percent
        )

    times = matrix(roads, given.places, searched)
    return times, propose(given.tasks, given.crews, times.times_ms, progress=walked)


PROPOSALS: Final = web.AppKey("PROPOSALS", ProposalBook)
