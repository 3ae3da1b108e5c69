"""What plans are made of: whose day, where, when, and what is reckoned beside the loop."""

from __future__ import annotations

import asyncio
import datetime as dt
import threading
from collections.abc import AsyncIterator, Callable
from zoneinfo import ZoneInfo

import pytest_asyncio

from hub.reckoning import THREADS, Reckoner
from tests.web.board.town import BOILER_HOUSE, Town
from web.board.days import day_bounds
from web.board.plan_day import facts_of
from web.board.plan_input import gather
from web.board.plan_wish import Wish, weigh
from web.board.plans import plans_of_day
from web.board.proposals import ProposalBook
from web.board.state import Moment
from web.formats import HOUR_MS

PRAGUE = ZoneInfo("Europe/Prague")
TUESDAY = "2026-11-24"
DAY_MIN = 24 * 60


def moment_in(town: Town) -> Moment:
    """The present of a request."""
    return Moment(town.office.hub, town.clock.now_ms(), PRAGUE, dispatch_on=True, alerts="[]")


async def test_a_job_of_several_days_is_in_the_plan_of_each(town: Town) -> None:
    ana = await town.worker("Ana")
    fence, _ = await town.job("Fence", worker=ana, starts_in=60, lasts=2 * DAY_MIN)
    roof, _ = await town.job("Roof", starts_in=60, lasts=2 * DAY_MIN)
    loose, _ = await town.job("Loose", starts_in=None)
    overdue, _ = await town.job("Overdue", starts_in=-2 * DAY_MIN)
    moment = moment_in(town)
    for day, count in (("2026-11-23", 1), (TUESDAY, 1), ("2026-11-25", 1), ("2026-11-26", 0)):
        ahead = [held.job for held in (await plans_of_day(moment, day))[ana.id].ahead]
        date = dt.date.fromisoformat(day)
        facts = await facts_of(moment, [date], lambda row: True, unassigned=True)
        tasks = [task.stop.job for task in (await gather(moment, day)).tasks]
        assert ahead == [stop.job for stop in facts.stops.get(ana.id, ())] == [fence] * count, day
        today = [loose, overdue] if day == "2026-11-23" else []
        nobodys = sorted(stop.job for stop in facts.stops.get("", ()))
        assert sorted(tasks) == nobodys == sorted([roof] * count + today), day


async def test_a_job_without_a_position_is_at_its_customers_place(town: Town) -> None:
    ana = await town.worker("Ana")
    letna = await town.customer()
    (spot,) = await town.office.rows("SELECT place FROM customer_place")
    place = bytes.fromhex(spot["place"])
    held, _ = await town.job("Held", worker=ana, point=None, customer=letna, place=place)
    free, _ = await town.job("Free", point=None, customer=letna, place=place)
    moment = moment_in(town)
    (plan,) = (await plans_of_day(moment)).values()
    assert [(one.job, one.point) for one in plan.ahead] == [(held, BOILER_HOUSE)]
    given = await gather(moment, "2026-11-23", [free])
    assert given.places == [BOILER_HOUSE]
    assert [task.stop.place for task in given.tasks] == [0]
    eva = await town.office.signed_in("Eva")
    town.office.hub.presence.clear()
    seen = await eva.get(f"/board/job/{free}/candidates")
    assert "has no position" not in seen.words


async def test_where_there_is_more_than_a_planner_draws_a_filter_shows_all_of_a_worker(
    town: Town,
) -> None:
    ana, ben = await town.worker("Ana"), await town.worker("Ben")
    for index in range(3):
        await town.job(f"Ana's {index}", worker=ana)
    job, _ = await town.job("Ben's", worker=ben)
    moment, days = moment_in(town), [dt.date(2026, 11, 23)]
    every = await facts_of(moment, days, lambda row: True, unassigned=True, jobs_max=2)
    assert every.full
    assert [stop.title for stop in every.stops[ana.id]] == ["Ana's 0", "Ana's 1"]
    bens = await facts_of(
        moment, days, lambda row: row["worker"] == ben.id, unassigned=False, jobs_max=2
    )
    assert not bens.full
    assert {worker: [s.job for s in stops] for worker, stops in bens.stops.items()} == {
        ben.id: [job]
    }


async def test_a_day_of_work_begins_at_eight_on_the_wall_also_where_clocks_change(
    town: Town, reckoner: Reckoner
) -> None:
    ana = await town.worker("Ana")
    job, _ = await town.job("Loose", starts_in=None)
    for day in (dt.date(2027, 3, 28), dt.date(2027, 10, 31)):
        start, end = day_bounds(day, PRAGUE)
        assert end - start in (23 * HOUR_MS, 25 * HOUR_MS)
        eight = int(dt.datetime(day.year, day.month, day.day, 8, tzinfo=PRAGUE).timestamp() * 1000)
        prospect = await weigh(moment_in(town), wish_of(job, ana.id, day), reckoner)
        assert prospect.at_ms == eight
        given = await gather(moment_in(town), day.isoformat(), [job])
        assert [crew.free_ms for crew in given.crews] == [eight]


def wish_of(job: str, worker: str, day: dt.date) -> Wish:
    """That a worker does a job on a day."""
    return Wish(job, worker, None, day, "", "", "", {})


@pytest_asyncio.fixture
async def reckoner() -> AsyncIterator[Reckoner]:
    """Threads to reckon on."""
    made = Reckoner()
    yield made
    made.close()


async def test_a_move_is_weighed_beside_the_loop(town: Town, reckoner: Reckoner) -> None:
    ana = await town.worker("Ana")
    job, _ = await town.job("Lift")
    wish, gate = wish_of(job, ana.id, dt.date(2026, 11, 23)), threading.Event()
    async with asyncio.TaskGroup() as group:
        for _ in range(THREADS):
            group.create_task(reckoner.run(gate.wait, 30))
        weighing = group.create_task(weigh(moment_in(town), wish, reckoner))
        done, _ = await asyncio.wait([weighing], timeout=0.3)
        gate.set()
    assert not done, "it waits for a thread, and the loop goes on"
    assert weighing.result().offers[0].way == "order"


async def test_proposals_are_made_one_after_the_other_so_that_a_short_question_is_answered(
    town: Town, reckoner: Reckoner
) -> None:
    await town.worker("Ana")
    await town.job("Lift")
    eva = await town.office.add_account("Eva", "dispatcher")
    gates = [threading.Event() for _ in range(THREADS)]
    book = ProposalBook(town.office.hub, reckoner)
    async with asyncio.TaskGroup() as group:
        for gate in gates:
            group.create_task(reckoner.run(gate.wait, 30))
        drafts = [book.begin(moment_in(town), eva, "2026-11-23", ()) for _ in range(3)]
        first, second, dropped = drafts
        await until(lambda: first.given is not None)
        assert second.progress == "Waiting: another proposal is being made first."
        short = group.create_task(reckoner.run(lambda: "answered"))
        book.drop(dropped.id)
        gates[0].set()
        assert await short == "answered"
        await until(lambda: all(draft.is_ready for draft in drafts))
        gates[1].set()
    assert [draft.problem for draft in (first, second)] == ["", ""]
    assert dropped.given is None, "nobody wants it any more"
    book.close()


async def until(holds: Callable[[], bool]) -> None:
    """Wait until something holds, ten seconds at most."""
    for _ in range(1_000):
        if holds():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it never came to hold")
