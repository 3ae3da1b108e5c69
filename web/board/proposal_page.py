"""The proposal's page: a plan beside the day as it is, line by line, to accept or to drop.

Holds the handlers and what the template gets. Invariant: nothing is written before somebody accepts
it, and every line tells what it changes, for whom, and why.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from aiohttp import web

from core.dispatch.acts import ActError
from core.dispatch.itinerary import MINUTE_MS, Timed
from core.dispatch.proposing import TASKS_MAX, Move
from core.sentence import listed, say, say_n
from hub.hub import check_may_write
from hub.keys import ACCOUNT
from hub.map.travel import AIR_DETOUR
from web.board.days import today
from web.board.filters import is_stream_id, read_back
from web.board.plan_input import PlanInput, gather
from web.board.proposals import PROPOSALS, Draft
from web.board.state import Moment, moment_of
from web.formats import sentence
from web.frame import see_other
from web.rendering import show


@dataclass(frozen=True, slots=True)
class BeginPage:
    """What `board/proposal_begin.html` gets: what a proposal would be made of."""

    day: str
    jobs: str
    chosen: int
    to_place: int
    workers: int
    out: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Line:
    """One job that comes to somebody, as the page tells it. Minutes; None where nothing was."""

    job: str
    number: str
    title: str
    window: tuple[int | None, int | None]
    before: str
    after: str
    place: int
    eta_ms: int
    late_before: int | None
    late_after: int
    reason: str
    state: str
    told: str


@dataclass(frozen=True, slots=True)
class WorkerLine:
    """One worker's day before and after: jobs, minutes of driving and of lateness, kilometres."""

    name: str
    jobs: tuple[int, int]
    travel: tuple[int, int]
    late: tuple[int, int]
    km: tuple[int, int]


@dataclass(frozen=True, slots=True)
class ProposalPage:
    """What `board/proposal.html` gets. `left` are jobs that stay as they are, each with why."""

    id: str
    day: str
    is_ready: bool
    progress: str
    problem: str
    lines: tuple[Line, ...]
    open: int
    left: tuple[tuple[str, str, str, str], ...]
    workers: tuple[WorkerLine, ...]
    totals: WorkerLine
    roads_percent: int
    again_jobs: str


def _day_of(text: str, moment: Moment) -> str:
    day = read_back(urlencode({"day": text})).day
    return day or today(moment.now_ms, moment.zone)


def _jobs_of(text: str) -> list[str]:
    return [job for job in dict.fromkeys(text.split(",")) if is_stream_id(job)][:TASKS_MAX]


async def begin_page(request: web.Request) -> web.StreamResponse:
    """GET /proposal?day=&jobs=: what a proposal would be made of, and the button that makes it."""
    moment = await moment_of(request)
    jobs = _jobs_of(request.query.get("jobs", ""))
    day = _day_of(request.query.get("day", ""), moment)
    given = await gather(moment, day, jobs)
    page = BeginPage(
        day=day,
        jobs=",".join(jobs),
        chosen=len(jobs),
        to_place=len(given.tasks),
        workers=sum(1 for crew in given.crews if crew.shift_end_ms != 0),
        out=tuple((f"{row.number} {row.title}", why) for row, why in given.out),
    )
    return await show(request, "board/proposal_begin.html", page)


async def begin(request: web.Request) -> web.StreamResponse:
    """POST /proposal: begin to make one, and go to its page."""
    account = request[ACCOUNT]
    form = await request.post()
    moment = await moment_of(request)
    day = _day_of(str(form.get("day", "")), moment)
    jobs = _jobs_of(str(form.get("jobs", "")))
    try:
        check_may_write(account)
    except ActError as error:
        raise see_other("/proposal", sentence(str(error)), "bad") from error
    draft = request.app[PROPOSALS].begin(moment, account, day, jobs)
    raise see_other(f"/proposal/{draft.id}")


def _draft_of(request: web.Request) -> Draft:
    draft = request.app[PROPOSALS].get(request.match_info["draft"])
    if draft is None:
        words = say(
            "That proposal is not there any more: it was dropped, or the hub was started since. "
            "Make another."
        )
        raise see_other("/proposal", words, "risk")
    return draft


async def proposal_page(request: web.Request) -> web.StreamResponse:
    """GET /proposal/{draft}: how far it is, or the plan beside the day as it is."""
    return await show(request, "board/proposal.html", _page(_draft_of(request)))


async def accept(request: web.Request) -> web.StreamResponse:
    """POST /proposal/{draft}/accept: write the ticked lines, or the one whose button it was."""
    draft = _draft_of(request)
    moment = await moment_of(request)
    jobs = _chosen(await request.post())
    to = f"/proposal/{draft.id}"
    if not jobs:
        raise see_other(to, say("Nothing is ticked; tick what you accept."), "risk")
    book = request.app[PROPOSALS]
    try:
        count, act = await book.accept(moment, request[ACCOUNT], draft, jobs)
    except ActError as error:
        raise see_other(to, sentence(str(error)), "bad") from error
    left = sum(1 for job in jobs if draft.told.get(job, ("",))[0] == "left")
    words = say_n("{n} job accepted.", "{n} jobs accepted.", count)
    if left:
        more = say_n(
            "{n} left as it is: see each line.", "{n} left as they are: see each line.", left
        )
        words = listed([words, more], " ")
    raise see_other(to, words, "risk" if left else "good", undo=act)


async def drop(request: web.Request) -> web.StreamResponse:
    """POST /proposal/{draft}/drop: drop the ticked lines, or with `all` the whole proposal."""
    draft = _draft_of(request)
    form = await request.post()
    try:
        check_may_write(request[ACCOUNT])
    except ActError as error:
        raise see_other(f"/proposal/{draft.id}", sentence(str(error)), "bad") from error
    # What is being accepted at this moment is not dropped any more.
    async with draft.deciding:
        if form.get("all") == "1":
            request.app[PROPOSALS].drop(draft.id)
            words = say("The proposal is dropped; nothing more of it is written.")
            raise see_other("/", words)
        dropped = _chosen(form) & {move.job for move in draft.open_moves()}
        draft.told |= dict.fromkeys(dropped, ("dropped", say("dropped")))
    words = say_n(
        "{n} dropped; nothing was written.", "{n} dropped; nothing was written.", len(dropped)
    )
    raise see_other(f"/proposal/{draft.id}", words)


def _chosen(form: object) -> set[str]:
    pairs = form.items() if hasattr(form, "items") else ()
    posted = [(name, value) for name, value in pairs if isinstance(value, str)]
    only = [value for name, value in posted if name == "only"]
    return set(only or [value for name, value in posted if name == "job"])


# --- what the page tells


def _page(draft: Draft) -> ProposalPage:
    given, result, times = draft.given, draft.result, draft.times
    if given is None or result is None or times is None:
        nothing = WorkerLine("All", (0, 0), (0, 0), (0, 0), (0, 0))
        return ProposalPage(
            draft.id, draft.day, draft.is_ready, draft.progress, draft.problem,
            (), 0, (), (), nothing, 0, ",".join(draft.jobs),
        )  # fmt: skip
    late_before = {
        timed.stop.job: _minutes(timed.late_ms) for day in result.before.values() for timed in day
    }
    lines = tuple(_line(draft, given, move, late_before) for move in result.moves)
    left = [(given.rows[one.job], one.why) for one in result.left] + given.out
    starts = {crew.worker: crew.start for crew in given.crews}
    workers = []
    for worker, before in result.before.items():
        after = result.after[worker]
        start = starts[worker]
        workers.append(
            WorkerLine(
                given.names[worker],
                (len(before), len(after)),
                _both(_travel, before, after),
                _both(_late, before, after),
                (_km(times.metres, start, before), _km(times.metres, start, after)),
            )
        )
    changed = tuple(line for line, key in zip(workers, result.before, strict=True)
                    if _jobs(result.before[key]) != _jobs(result.after[key]))  # fmt: skip
    searched = [known for row in times.by_road for known in row]
    return ProposalPage(
        id=draft.id,
        day=draft.day,
        is_ready=True,
        progress="",
        problem=draft.problem,
        lines=lines,
        open=sum(1 for line in lines if not line.state),
        left=tuple((row.job, row.number, row.title, why) for row, why in left),
        workers=changed,
        totals=_totals(workers),
        roads_percent=round(100 * sum(searched) / len(searched)) if searched else 0,
        again_jobs=",".join(draft.jobs),
    )


def _line(draft: Draft, given: PlanInput, move: Move, late_before: dict[str, int]) -> Line:
    row = given.rows[move.job]
    state, told = draft.told.get(move.job, ("", ""))
    return Line(
        job=move.job,
        number=row.number,
        title=row.title,
        window=row.window,
        before=given.names.get(move.before, say("a worker")) if move.before else "",
        after=given.names[move.worker],
        place=move.place,
        eta_ms=move.timed.arrive_ms,
        late_before=late_before.get(move.job),
        late_after=_minutes(move.timed.late_ms),
        reason=sentence(move.reason),
        state=state,
        told=told,
    )


def _minutes(span_ms: int) -> int:
    return -(-span_ms // MINUTE_MS)


def _jobs(day: Sequence[Timed]) -> list[str]:
    return [timed.stop.job for timed in day]


def _both(
    reckon: Callable[[Sequence[Timed]], int], before: Sequence[Timed], after: Sequence[Timed]
) -> tuple[int, int]:
    return reckon(before), reckon(after)


def _travel(day: Sequence[Timed]) -> int:
    return _minutes(sum(timed.travel_ms for timed in day))


def _late(day: Sequence[Timed]) -> int:
    return sum(_minutes(timed.late_ms) for timed in day)


def _km(metres: Sequence[Sequence[int]], start: int | None, day: Sequence[Timed]) -> int:
    """About how far a day drives: the straight lines with the detour that travel times take."""
    whole, here = 0, start
    for timed in day:
        place = timed.stop.place
        if place is None:
            continue
        whole += 0 if here is None else metres[here][place]
        here = place
    return round(whole * AIR_DETOUR / 1000)


def _totals(workers: Sequence[WorkerLine]) -> WorkerLine:
    def total(name: str) -> tuple[int, int]:
        pairs = [getattr(worker, name) for worker in workers]
        return sum(pair[0] for pair in pairs), sum(pair[1] for pair in pairs)

    return WorkerLine("All", total("jobs"), total("travel"), total("late"), total("km"))


def attach_proposals(app: web.Application) -> None:
    """Add the proposal's addresses; the book stands under `PROPOSALS` before."""
    router = app.router
    router.add_get("/proposal", begin_page)
    router.add_post("/proposal", begin)
    router.add_get("/proposal/{draft:[0-9a-f]{16}}", proposal_page)
    router.add_post("/proposal/{draft:[0-9a-f]{16}}/accept", accept)
    router.add_post("/proposal/{draft:[0-9a-f]{16}}/drop", drop)
