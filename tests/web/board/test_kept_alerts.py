"""The alerts that are kept are those made from nothing, whatever was done and however time went."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from core.dispatch import acts
from core.dispatch.delay import Course
from tests.web.board.chance import Chance
from tests.web.board.town import HOUR_MS, Town
from web.board.alerts import Alert, compute_alerts, facts_of
from web.board.filters import VIEWS
from web.board.questions import alerts_json, late_of, views_of
from web.board.reach import Reach
from web.board.state import HEARD_MS_MAX, AlertBook

PRAGUE = ZoneInfo("Europe/Prague")


def said(alerts: Any) -> list[Alert]:
    """What the alerts say: what they follow from moves with the clock where nothing is said."""
    return [replace(alert, course=Course()) for alert in alerts]


@pytest.mark.parametrize("seed", ["one", "two", "three"])
async def test_after_anything_that_happens_the_alerts_are_those_made_from_nothing(
    town: Town, seed: str
) -> None:
    await town.office.signed_in("Eva")
    hub, chance = town.office.hub, Chance(town, seed)
    book = AlertBook(hub)
    chance.workers = [await town.worker(name) for name in ("Ana", "Ben")]
    await chance.job()
    seen = set()
    reached: set[str | bool | None] = set()
    for number in range(90):
        await chance.happens()
        if number % 3:
            await book.read(town.clock.now_ms())  # Looked at in between, or not.
            continue
        town.clock.at_ms += HEARD_MS_MAX
        now_ms = town.clock.now_ms()
        text = await book.read(now_ms)
        fresh = await compute_alerts(hub, now_ms)
        assert said(book.alerts) == said(fresh), number
        assert late_of(text) == late_of(alerts_json(fresh))
        for job, facts in (await facts_of(hub.reader)).items():
            assert book.reach_of(job, facts.row["frontier"]) == facts.reach, number
            assert book.reach_of(job, "another") is None
            reached |= {facts.reach.level, facts.reach.newest} if facts.reach else {None}
        views = await views_of(hub.reader, alerts_json(fresh), now_ms, PRAGUE)
        counts = [sum(each >> place & 1 for each in views.values()) for place in range(len(VIEWS))]
        assert list((await book.counts(now_ms, PRAGUE)).values()) == counts
        seen |= {trouble.cause for alert in fresh for trouble in alert.troubles}
    book.close()
    assert len(seen) > 3
    assert reached == {None, "assigned", "on phone", "opened", True, False}


async def test_a_phone_that_is_shut_out_has_no_job_any_more(town: Town) -> None:
    await town.office.signed_in("Eva")
    hub, ana = town.office.hub, await town.worker("Ana")
    book = AlertBook(hub)
    job, _ = await town.job("Boiler", worker=ana, starts_in=600)
    await town.meet(ana)

    async def reached() -> Reach | None:
        await book.read(town.clock.now_ms())
        return book.reach_of(job, (await town.row(job))["frontier"])

    assert await reached() == Reach("on phone", True)
    await hub.revoke(await town.account("Eva"), ana.phone.identity.author)
    assert await reached() == Reach("assigned", None)
    book.close()


async def test_a_job_of_next_week_whose_worker_moves_all_day_waits_for_its_time_once(
    town: Town,
) -> None:
    chance, book = Chance(town, "moving"), AlertBook(town.office.hub)
    chance.workers = [await town.worker("Ana")]
    job, _ = await town.job("Boiler", worker=chance.workers[0], starts_in=7 * 24 * 60)
    for number in range(20):
        await chance.moved()
        await town.office.act(acts.edit_job(bytes.fromhex(job), {"priority": number % 4}))
        town.clock.at_ms += HEARD_MS_MAX
        await book.read(town.clock.now_ms())
    assert len(book._kept._due) < 5
    book.close()


async def test_an_answer_that_began_before_another_makes_nothing_anew_and_a_clock_set_back_does(
    town: Town,
) -> None:
    book, ana = AlertBook(town.office.hub), await town.worker("Ana")
    await town.job("Boiler", worker=ana, starts_in=-60)
    began_ms = town.clock.now_ms()
    await book.read(began_ms + 300)
    alerts, number = book.alerts, book.number
    assert len(alerts) == 1
    await book.read(began_ms)
    assert (book.alerts, book.number) == (alerts, number)
    # What was committed meanwhile is in it all the same.
    await town.job("Gutter", worker=ana, starts_in=-60)
    await book.read(began_ms)
    assert len(book.alerts) == 2
    await book.read(began_ms - HOUR_MS)
    assert list(book.alerts) == []
    book.close()


async def test_while_all_alerts_are_made_anew_those_of_before_are_whole(town: Town) -> None:
    book, ana = AlertBook(town.office.hub), await town.worker("Ana")
    for number in range(5):
        await town.job(f"Boiler {number}", worker=ana, starts_in=-300)
    now_ms = town.clock.now_ms()
    await book.read(now_ms)
    reading = asyncio.get_running_loop().create_task(book.read(now_ms - HOUR_MS))
    looks = 0
    while not reading.done():
        assert len(book.alert_by_job) == len(book.alerts) == 5
        looks += 1
        await asyncio.sleep(0)
    assert looks > 3
    assert len(book.alert_by_job) == 5
    book.close()
