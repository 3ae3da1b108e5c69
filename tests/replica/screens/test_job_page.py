"""One job on the phone: one primary action, its way back, and everything by hand."""

from __future__ import annotations

import re

import pytest

from core.dispatch import acts
from core.dispatch.fields import Kind, Phase
from core.dispatch.fix import Fix
from replica.history import history_of
from tests.replica.screens.conftest import HOUR_MS, Answer, Phone

MINUTE_MS = 60_000


def primary(answer: Answer) -> list[str]:
    """The words of the primary actions that a page shows."""
    buttons = re.findall(r'<button class="primary">(.*?)</button>', answer.text, re.DOTALL)
    return [re.sub(r"<.*?>", "", button).strip() for button in buttons]


def undo_token(answer: Answer) -> str:
    """The token of the page's Undo."""
    found = re.search(r'name="token" value="([0-9a-f]{16})"', answer.text)
    assert found is not None, "the page offers no undo"
    return found[1]


async def test_opening_a_job_tells_the_office_once(phone: Phone) -> None:
    job = phone.give_job("Boiler")
    await phone.sync()
    await phone.get(f"/jobs/{job}")
    await phone.get(f"/jobs/{job}")
    assert await phone.phase(job) == "opened"
    await phone.sync()
    history = history_of(phone.hub.state(bytes.fromhex(job)))
    assert [row.value for row in history if row.field == "phase"] == ["opened"]


async def test_a_page_that_refreshes_itself_opens_nothing(phone: Phone) -> None:
    job = phone.give_job("Boiler")
    await phone.sync()
    await phone.get(f"/jobs/{job}", **{"X-Fieldlog-Refresh": "1"})
    assert await phone.phase(job) == "assigned"


async def test_the_primary_action_follows_the_job_to_its_end_and_logs_the_time(
    phone: Phone,
) -> None:
    job = phone.give_job("Boiler")
    await phone.sync()
    begin = phone.clock.now_ms()
    before, seen = "opened", primary(await phone.get(f"/jobs/{job}"))
    for to in ("accepted", "travelling", "on site", "paused", "on site", "finished"):
        phone.clock.pass_ms(10 * MINUTE_MS)
        answer = await phone.tap(job, before, to)
        seen += primary(answer) or ["none"]
        before = to
    assert seen == ["Accept", "Start travel", "Arrived", "Finish", "Resume", "Finish", "none"]
    tens = [begin + number * 10 * MINUTE_MS for number in range(8)]
    assert await phone.logs() == [
        ("travel", tens[2], tens[3], "manual", 0),
        ("on site", tens[3], tens[4], "manual", 0),
        ("break", tens[4], tens[5], "manual", 0),
        ("on site", tens[5], tens[6], "manual", 0),
    ]
    await phone.sync()
    status = "SELECT status FROM job WHERE job = ?"
    assert phone.hub.store.db.execute(status, (job,)).fetchone() == ("done",)


async def test_a_second_tap_on_the_same_button_changes_nothing(phone: Phone) -> None:
    job = phone.give_job("Boiler")
    await phone.sync()
    await phone.tap(job, "assigned", "on site")
    await phone.tap(job, "assigned", "on site")
    assert len(await phone.logs()) == 1


async def test_a_tap_on_a_page_that_is_out_of_date_is_refused_in_words(phone: Phone) -> None:
    job = phone.give_job("Boiler")
    await phone.sync()
    await phone.tap(job, "assigned", "on site")
    answer = await phone.tap(job, "travelling", "paused")
    assert "was on site already" in answer.text
    assert await phone.phase(job) == "on site"


async def test_undo_takes_back_phase_and_time_within_seconds(phone: Phone) -> None:
    job = phone.give_job("Boiler")
    await phone.sync()
    await phone.tap(job, "assigned", "travelling")
    phone.clock.pass_ms(20 * MINUTE_MS)
    before = await phone.logs()
    answer = await phone.tap(job, "travelling", "on site")
    phone.clock.pass_ms(4_000)
    answer = await phone.post(f"/jobs/{job}/undo", token=undo_token(answer))
    assert "Undone" in answer.text
    assert await phone.phase(job) == "travelling"
    counted = [log for log in await phone.logs() if not log[-1]]
    assert counted == before
    assert counted[0][2] is None, "travel runs on as if it had not been stopped"


async def test_undo_works_once_and_not_a_minute_later(phone: Phone) -> None:
    job = phone.give_job("Boiler")
    await phone.sync()
    token = undo_token(await phone.tap(job, "assigned", "accepted"))
    phone.clock.pass_ms(MINUTE_MS)
    answer = await phone.post(f"/jobs/{job}/undo", token=token)
    assert "Too late" in answer.text
    assert await phone.phase(job) == "accepted"
    token = undo_token(await phone.tap(job, "accepted", "travelling"))
    await phone.post(f"/jobs/{job}/undo", token=token)
    await phone.tap(job, "accepted", "travelling")
    answer = await phone.post(f"/jobs/{job}/undo", token=token)
    assert "Too late" in answer.text
    assert await phone.phase(job) == "travelling"


async def test_undo_does_not_overrun_what_came_after(phone: Phone) -> None:
    job = phone.give_job("Boiler")
    await phone.sync()
    token = undo_token(await phone.tap(job, "assigned", "on site"))
    await phone.tap(job, "on site", "finished")
    answer = await phone.post(f"/jobs/{job}/undo", token=token)
    assert "moved on" in answer.text
    assert await phone.phase(job) == "finished"


async def test_a_message_is_gone_from_the_page_after_five_seconds(phone: Phone) -> None:
    job = phone.give_job("Boiler")
    await phone.sync()
    answer = await phone.tap(job, "assigned", "accepted")
    assert "snack-button" in (await phone.get(answer.path)).text
    phone.clock.pass_ms(5_001)
    assert "snack-button" not in (await phone.get(answer.path)).text


async def test_rejecting_needs_a_reason_and_can_be_undone(phone: Phone) -> None:
    job = phone.give_job("Boiler")
    await phone.sync()
    answer = await phone.post(f"/jobs/{job}/reject", text="  ")
    assert "Choose a reason" in answer.text
    assert await phone.phase(job) == "assigned"
    answer = await phone.post(f"/jobs/{job}/reject", choice="I am ill or off", text="flu")
    assert "Rejected: I am ill or off. flu" in answer.text
    await phone.post(f"/jobs/{job}/undo", token=undo_token(answer))
    found = await phone.rows("SELECT phase, reason FROM assignment")
    assert found == [("opened", "")]


@pytest.mark.parametrize("phase", ["opened", "accepted", "travelling", "on site", "paused"])
async def test_every_state_is_reachable_by_hand_from_the_end(phone: Phone, phase: str) -> None:
    job = phone.give_job("Boiler")
    await phone.sync()
    await phone.tap(job, "assigned", "finished")
    assert f'value="{phase}"' in (await phone.get(f"/jobs/{job}/state")).text
    await phone.tap(job, "finished", phase)
    assert await phone.phase(job) == phase


async def test_a_job_with_no_position_is_worked_by_hand(phone: Phone) -> None:
    job = phone.give_job("Boiler", address="Old yard 3")
    await phone.sync()
    page = (await phone.get(f"/jobs/{job}")).text
    assert "Position not known: work this job by hand" in page
    assert 'href="geo:0,0?q=Old%20yard%203"' in page
    await phone.tap(job, "opened", "on site")
    assert [log[0] for log in await phone.logs()] == ["on site"]


async def test_navigation_and_call_are_links_for_the_phone(phone: Phone) -> None:
    job = phone.give_job(
        "Pump (old)",
        point=[494_000_000, -155_912_345],
        contact="Jana",
        contact_phone="+420 (777) 123-456",
    )
    await phone.sync()
    page = (await phone.get(f"/jobs/{job}")).text
    assert 'href="geo:49.4,-15.5912345?q=49.4,-15.5912345(Pump%20%20old)"' in page
    assert 'href="tel:+420777123456"' in page


async def test_the_arrow_points_from_the_last_own_position_and_says_its_age(phone: Phone) -> None:
    job = phone.give_job("Pump", point=[490_000_000, 150_100_000])
    await phone.sync()
    await phone.device.take_fix(Fix(phone.clock.now_ms(), 490_000_000, 150_000_000, 9))
    phone.clock.pass_ms(3 * HOUR_MS)
    page = (await phone.get(f"/jobs/{job}")).text
    assert "730 m east" in page
    assert "rotate(90 24 24)" in page
    assert "where you were 3 h ago" in page


async def test_what_the_office_notes_of_a_customer_stands_beside_the_contact(phone: Phone) -> None:
    customer = phone.site.new_id(Kind.CUSTOMER, phone.clock.now_ms())
    phone.office(acts.edit_customer(customer, {"name": "Bakery", "note": "Beware of the dog"}))
    job = phone.give_job("Oven", customer=customer)
    await phone.sync()
    assert "Beware of the dog" in (await phone.get(f"/jobs/{job}")).text


async def test_notes_and_ticks_reach_the_office(phone: Phone) -> None:
    job = phone.give_job("Boiler", check_items=["Gas off", "Photo"])
    await phone.sync()
    await phone.post(f"/jobs/{job}/notes", text="Key at\r\nthe porter <b>")
    answer = await phone.post(f"/jobs/{job}/tick", item="1", ticked="yes")
    assert "1 of 2" in answer.text
    assert "porter &lt;b&gt;" in answer.text
    await phone.sync()
    db = phone.hub.store.db
    assert db.execute("SELECT text FROM note").fetchall() == [("Key at\nthe porter <b>",)]
    assert db.execute("SELECT ticked FROM check_item ORDER BY item").fetchall() == [(0,), (1,)]
    await phone.post(f"/jobs/{job}/tick", item="1", ticked="no")
    assert await phone.rows("SELECT sum(ticked) FROM check_item") == [(0,)]


@pytest.mark.parametrize("form", [{"text": ""}, {"text": "x" * 2_001}])
async def test_a_note_that_cannot_be_is_refused_in_words(
    phone: Phone, form: dict[str, str]
) -> None:
    job = phone.give_job("Boiler")
    await phone.sync()
    answer = await phone.post(f"/jobs/{job}/notes", **form)
    assert answer.status == 400
    assert "Nothing was changed" in answer.text


async def test_a_problem_is_told_and_may_pause_the_job(phone: Phone) -> None:
    job = phone.give_job("Boiler")
    await phone.sync()
    await phone.tap(job, "assigned", "on site")
    await phone.post(f"/jobs/{job}/problem", choice="No access", text="gate locked", then="pause")
    assert await phone.phase(job) == "paused"
    assert await phone.rows("SELECT text FROM note") == [("Problem: No access. gate locked",)]
    assert [log[0] for log in await phone.logs() if log[2] is None] == ["break"]


async def test_work_after_an_unseen_withdrawal_is_kept_and_flagged(phone: Phone) -> None:
    job = phone.give_job("Boiler")
    await phone.sync()
    shown = (await phone.get(f"/jobs/{job}")).text
    basis = re.search(r'name="basis" value="([^"]+)"', shown)
    assert basis is not None
    turn = phone.turn_by_job[job]
    phone.office(acts.cancel_job(bytes.fromhex(job), "customer called"))
    await phone.sync()
    form = {"from": "opened", "to": "on site", "basis": basis[1]}
    answer = await phone.post(f"/jobs/{job}/phase", **form)
    assert "The job was cancelled already" in answer.text
    assert await phone.phase(job) == "opened"
    assert turn


async def test_a_cancelled_job_can_still_be_set_by_hand(phone: Phone) -> None:
    job = phone.give_job("Boiler")
    await phone.sync()
    await phone.tap(job, "assigned", "accepted")
    phone.office(acts.cancel_job(bytes.fromhex(job), "customer called"))
    await phone.sync()
    page = (await phone.get(f"/jobs/{job}")).text
    assert "Cancelled by the office: customer called" in page
    await phone.tap(job, "cancelled", "on site")
    assert await phone.phase(job) == Phase.ON_SITE.name.lower().replace("_", " ")
    assert len(await phone.logs()) == 1


async def test_a_settled_job_is_reopened_freely_at_first_and_later_with_a_reason(
    phone: Phone,
) -> None:
    job = phone.give_job("Boiler")
    await phone.sync()
    await phone.tap(job, "assigned", "finished")
    phone.clock.pass_ms(14 * MINUTE_MS)
    await phone.tap(job, "finished", "on site")
    await phone.tap(job, "on site", "finished")
    phone.clock.pass_ms(16 * MINUTE_MS)
    answer = await phone.tap(job, "finished", "on site")
    assert "Give the reason" in answer.text
    assert await phone.phase(job) == "finished"
    form = {"from": "finished", "to": "on site", "reason": "the valve still drips"}
    await phone.post(f"/jobs/{job}/phase", **form)
    assert await phone.phase(job) == "on site"


async def test_rejecting_by_hand_needs_a_reason_too(phone: Phone) -> None:
    job = phone.give_job("Boiler")
    await phone.sync()
    answer = await phone.tap(job, "assigned", "rejected")
    assert "Give the reason" in answer.text
    assert await phone.phase(job) == "assigned"


async def test_a_full_phone_says_so_and_loses_nothing_that_was_saved(phone: Phone) -> None:
    job = phone.give_job("Boiler")
    await phone.sync()
    await phone.post(f"/jobs/{job}/notes", text="saved before")

    def fill_up() -> None:
        db = phone.device.writer.replica.store.db
        (pages,) = db.execute("PRAGMA page_count").fetchone()
        db.execute(f"PRAGMA max_page_count = {pages}")

    await phone.device.writer.run(fill_up)
    # Some pages within the file are free still.
    saved = ["saved before"]
    for number in range(40):
        answer = await phone.post(f"/jobs/{job}/notes", text=f"note {number} " + "word " * 380)
        if answer.status == 507:
            break
        saved.append(f"note {number} word")
    assert answer.status == 507
    assert "Free some space on this phone" in answer.text
    page = (await phone.get(f"/jobs/{job}")).text
    assert all(text in page for text in saved)
    assert f"note {len(saved) - 1} word" not in page
