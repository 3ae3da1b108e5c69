"""My week: what counts on which day, and why."""

from __future__ import annotations

from core.dispatch import day_acts
from core.dispatch.fields import LogKind
from tests.replica.screens.conftest import HOUR_MS, Phone


async def log(phone: Phone, day: str, start: str, stop: str, kind: str = "on site") -> None:
    """A log by hand."""
    answer = await phone.post(
        "/logs/new", job="", kind=kind, start=f"{day}T{start}", stop=f"{day}T{stop}"
    )
    assert answer.status == 200, answer.text


async def test_a_week_sums_its_days_and_says_what_does_not_count(phone: Phone) -> None:
    phone.clock.pass_ms(80 * HOUR_MS)
    await log(phone, "2026-03-02", "08:00", "12:00")
    await log(phone, "2026-03-02", "12:00", "12:30", "break")
    await log(phone, "2026-03-03", "08:00", "09:00", "travel")
    await log(phone, "2026-03-03", "09:00", "11:00")
    await log(phone, "2026-03-03", "10:00", "11:30")
    page = (await phone.get("/week")).text
    assert "7 h 30 min</strong> <span>counted" in page
    assert "<dt>Travel</dt><dd>1 h</dd>" in page
    assert "<dt>Breaks</dt><dd>30 min</dd>" in page
    assert "<dt>Twice at once</dt><dd>1 h</dd>" in page
    assert "2–8 Mar" in page
    assert 'href="/day?day=2026-03-03"' in page
    assert "By hand 100 %" in page


async def test_an_end_that_nobody_saw_is_marked_on_its_day(phone: Phone) -> None:
    fresh = phone.device.entropy(8)
    start_ms = phone.clock.now_ms()
    changes = day_acts.start_log(phone.worker, "2026-03-02", None, fresh, LogKind.ON_SITE)
    changes += day_acts.stop_log(
        phone.worker, "2026-03-02", None, fresh, at_ms=start_ms + HOUR_MS, uncertain=True
    )
    await phone.device.act(changes)
    page = (await phone.get("/week")).text
    assert "1 to check" in page
    assert "1 log has an end that nobody saw" in page


async def test_other_weeks_are_a_tap_away_and_nonsense_leads_to_this_one(phone: Phone) -> None:
    page = (await phone.get("/week?day=2026-02-25")).text
    assert "23 Feb – 1 Mar" in page
    assert 'href="/week?day=2026-03-02"' in page
    assert "2–8 Mar" in (await phone.get("/week?day=yesterday")).text
