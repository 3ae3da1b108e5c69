"""Problems that change one by one stand in the order in which all of them sorted anew would."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.dispatch import acts
from core.dispatch.acts import PROBLEM
from core.dispatch.snooze import snooze
from tests.web.board.chance import Chance
from tests.web.board.town import MINUTE_MS, Town
from web.board import problems as board_problems
from web.board.inbox_book import InboxBook
from web.board.problem import Problem
from web.board.problems import KnownJobs, gather
from web.board.ranked import Ranked, rank
from web.board.state import HEARD_MS_MAX, AlertBook

JOBS = [f"job {number:02}" for number in range(40)]
NAMES = st.sampled_from(JOBS)


@st.composite
def some_problems(draw: st.DrawFn, prefix: str = "") -> Problem:
    """One of few values, so that many are alike but for their keys."""
    name = draw(NAMES)
    return Problem(
        key=f"{prefix}{name} {draw(st.integers(0, 2))}", kind="alert", alert="late start",
        stream="", job="", number="", title="", about="", page="",
        priority=draw(st.integers(0, 3)), words="", why="", minutes=draw(st.integers(0, 4)),
        since_ms=draw(st.integers(0, 2)), lost=draw(st.booleans()),
        aside_until_ms=draw(st.sampled_from((0, 0, 7))), conflict="", asks=False,
    )  # fmt: skip


def sorted_anew(problems: list[Problem]) -> tuple[list[Problem], list[Problem]]:
    ordered = sorted(problems, key=rank)
    return (
        [each for each in ordered if not each.aside_until_ms],
        [each for each in ordered if each.aside_until_ms],
    )


@given(
    st.lists(some_problems(), min_size=len(JOBS), max_size=len(JOBS)),
    st.lists(st.dictionaries(NAMES, st.none() | some_problems(), max_size=6), max_size=12),
    st.lists(some_problems("other "), max_size=3, unique_by=lambda each: each.key),
)
def test_they_stand_as_if_all_were_sorted_anew(
    first: list[Problem], steps: list[dict[str, Problem | None]], others: list[Problem]
) -> None:
    ranked, by_name = Ranked(), dict[str, Problem]()
    changes: dict[str, Problem | None]
    # Of so many a few that change are put in their places, and more are sorted with all.
    begins: dict[str, Problem | None] = dict(zip(JOBS, first, strict=True))
    for step in [begins, *steps]:
        changes = {
            name: None if each is None else _named(each, name) for name, each in step.items()
        }
        ranked.change(changes)
        for name, each in changes.items():
            by_name.pop(name, None)
            if each is not None:
                by_name[name] = each
        assert ranked.with_others([]) == sorted_anew([*by_name.values()])
        assert ranked.with_others(others) == sorted_anew([*by_name.values(), *others])


def _named(problem: Problem, name: str) -> Problem:
    """Its key names the job, as those of alerts do."""
    return replace(problem, key=f"{name} {problem.key}")


@pytest.mark.parametrize("seed", ["four", "five", "six"])
async def test_after_anything_that_happens_the_list_is_that_made_from_nothing(
    town: Town, seed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(board_problems, "BREATH_JOBS", 2)
    await town.office.signed_in("Eva")
    hub, chance = town.office.hub, Chance(town, seed)
    alerts = AlertBook(hub)
    book = InboxBook(hub, alerts)
    chance.workers = [await town.worker(name) for name in ("Ana", "Ben")]
    letna = await town.customer("Letná")
    await town.job("At Letná", worker=chance.workers[0], starts_in=-90, customer=letna)
    await chance.job()
    most = 0
    for number in range(60):
        await chance.happens()
        match number % 10:
            case 3:
                name = {"name": f"Renamed {number}"}
                await town.office.act(acts.edit_worker(chance.workers[0].stream, name))
            case 5:
                await town.office.act(acts.edit_customer(letna, {"name": f"Letná {number}"}))
            case 7:
                job, _, worker = chance.one()
                if worker is not None:
                    note = acts.add_note(bytes.fromhex(job), f"{PROBLEM}no key")
                    await town.on_phone(worker, note)
                    await town.meet(worker)
            case 8:
                now_ms = town.clock.now_ms()
                stream = chance.workers[0].stream
                later = snooze(stream, "silent phone", now_ms + MINUTE_MS, now_ms=now_ms)
                await town.office.act(later)
        if number % 2:
            town.clock.at_ms += HEARD_MS_MAX
        now_ms = town.clock.now_ms()
        if number % 11 == 10:
            # Whoever asks may go away before there is an answer.
            asking = asyncio.get_running_loop().create_task(book.newest(now_ms))
            for _ in range(number % 7):
                await asyncio.sleep(0)
            asking.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await asking
            continue
        book._took_s = 0.0
        if number % 5 == 1:
            # Another answer begins all alerts anew meanwhile, as after a clock that was set back.
            town.clock.at_ms -= 2 * MINUTE_MS
            now_ms = town.clock.now_ms()
            begins = alerts.read(now_ms)
            await asyncio.gather(book.newest(now_ms + 2 * MINUTE_MS), begins)
            book._took_s = 0.0
        inbox = await book.newest(now_ms)
        fresh = await gather(
            hub, alerts.alert_by_job, book._forked, now_ms, KnownJobs(), alerts.busy
        )
        assert (inbox.waiting, inbox.aside) == fresh, number
        most = max(most, len(inbox.waiting))
    book.close()
    alerts.close()
    assert most > 5
