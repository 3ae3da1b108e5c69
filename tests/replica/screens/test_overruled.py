"""The job's page tells the worker what was not taken, and what the office asks."""

from __future__ import annotations

import html
import re

from core.dispatch import acts
from core.dispatch.acts import Change
from core.dispatch.fields import Phase
from core.dispatch.job import fold_job
from core.dispatch.snooze import snooze
from tests.replica.screens.conftest import Phone


def words(text: str) -> str:
    """A page as a person reads it."""
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", text)))


async def begun(phone: Phone) -> str:
    """A job that the worker travels to while the office, not knowing, calls it finished."""
    job = phone.give_job("Boiler")
    await phone.sync()
    await phone.get(f"/jobs/{job}")
    await phone.sync()
    turn = phone.turn_by_job[job]
    await phone.tap(job, "opened", "travelling")
    stream = bytes.fromhex(job)
    phone.office(acts.set_phase(stream, phone.worker, turn, Phase.FINISHED))
    await phone.sync()
    return job


async def test_a_value_that_lost_is_told_first_as_waiting_and_then_as_not_taken(
    phone: Phone,
) -> None:
    job = await begun(phone)
    seen = words((await phone.get(f"/jobs/{job}")).text)
    assert "Your state “Travelling” met the office's “Done”. Both are kept" in seen
    (conflict,) = fold_job(phone.hub.state(bytes.fromhex(job)).registers).conflicts
    phone.office([Change(bytes.fromhex(job), conflict.path, int(Phase.FINISHED))])
    await phone.sync()
    seen = words((await phone.get(f"/jobs/{job}")).text)
    assert "Changed by the office: your state “Travelling” was not taken. It is “Done”" in seen
    # Once seen it is put away, and stays so whatever else is acknowledged.
    await phone.post(f"/jobs/{job}/seen")
    assert "was not taken" not in words((await phone.get(f"/jobs/{job}")).text)
    await phone.post(f"/jobs/{job}/seen")
    assert "was not taken" not in words((await phone.get(f"/jobs/{job}")).text)


async def test_a_value_that_won_tells_nobody_that_it_lost(phone: Phone) -> None:
    job = await begun(phone)
    (conflict,) = fold_job(phone.hub.state(bytes.fromhex(job)).registers).conflicts
    phone.office([Change(bytes.fromhex(job), conflict.path, int(Phase.TRAVELLING))])
    await phone.sync()
    seen = words((await phone.get(f"/jobs/{job}")).text)
    assert "not taken" not in seen
    assert "met the office's" not in seen
    assert await phone.phase(job) == "travelling"


async def test_work_on_a_job_that_stays_cancelled_is_told_with_what_becomes_of_the_time(
    phone: Phone,
) -> None:
    job = phone.give_job("Boiler")
    await phone.sync()
    await phone.get(f"/jobs/{job}")
    await phone.tap(job, "opened", "on site")
    stream = bytes.fromhex(job)
    phone.office(acts.cancel_job(stream, "customer rang"))
    await phone.sync()
    (conflict,) = fold_job(phone.hub.state(stream).registers).conflicts
    phone.office(acts.decide(stream, conflict.key, "as shown"))
    await phone.sync()
    seen = words((await phone.get(f"/jobs/{job}")).text)
    assert "The office keeps the job cancelled (customer rang)" in seen
    assert "The time that you logged stays." in seen


async def test_a_question_of_the_office_is_pointed_out_until_it_is_answered(phone: Phone) -> None:
    job = phone.give_job("Boiler")
    await phone.sync()
    await phone.get(f"/jobs/{job}")
    phone.office(acts.ask_worker(bytes.fromhex(job), "Is the gate open?"))
    await phone.sync()
    assert "New note" in words((await phone.get("/jobs")).text)
    assert "The office asks: Is the gate open?" in words((await phone.get(f"/jobs/{job}")).text)
    await phone.post(f"/jobs/{job}/seen")
    phone.clock.pass_ms(60_000)
    await phone.post(f"/jobs/{job}/notes", text="Yes")
    assert "The office asks:" not in words((await phone.get(f"/jobs/{job}")).text)
    assert "New note" not in words((await phone.get("/jobs")).text), "the note is own"


async def test_a_note_from_before_a_question_arrived_is_no_answer_to_it(phone: Phone) -> None:
    job = phone.give_job("Boiler")
    await phone.sync()
    await phone.get(f"/jobs/{job}")
    phone.office(acts.ask_worker(bytes.fromhex(job), "Is the gate open?"))
    phone.clock.pass_ms(60_000)
    await phone.post(f"/jobs/{job}/notes", text="Written without a network")
    await phone.sync()
    assert "The office asks: Is the gate open?" in words((await phone.get(f"/jobs/{job}")).text)


async def test_what_the_office_puts_aside_is_no_news_to_a_worker(phone: Phone) -> None:
    job = phone.give_job("Boiler")
    await phone.sync()
    before = words((await phone.get(f"/jobs/{job}")).text)
    now_ms = phone.clock.now_ms()
    phone.office(snooze(bytes.fromhex(job), "late start", now_ms + 1, now_ms=now_ms))
    await phone.sync()
    after = words((await phone.get(f"/jobs/{job}")).text)
    assert "The office changed" not in after
    assert "Two versions" not in after + before
