"""What auto logging noticed is told in words, and the worker has the last word."""

from __future__ import annotations

import re

import pytest

from core.dispatch.autofact import Ask
from core.dispatch.fix import Fix
from replica.screens.local_time import zone_of
from replica.screens.notices import asked
from replica.screens.port import AutoNotice
from tests.replica.screens.conftest import Phone

UTC = zone_of('"UTC"')


async def visit(phone: Phone, minutes: int) -> str:
    """A job, and so many minutes at its place on duty; the job."""
    job = phone.give_job("Boiler", point=[494_000_000, 155_900_000])
    await phone.sync()
    await phone.post("/duty", duty="start")
    for step in range(minutes * 2 + 1):
        near = 494_000_000 + step % 3 * 100
        fix = Fix(phone.clock.now_ms(), near, 155_900_000, 10, speed_mps=0.0)
        await phone.device.take_fix(fix)
        phone.clock.pass_ms(30_000)
    return job


def answer_of(page: str, agreed: str) -> str:
    """Where the answer to a page's notice goes."""
    found = re.search(r'action="(/notices/[^"]+)">\s*<input[^>]*value="' + agreed, page)
    assert found is not None, "the page shows no notice"
    return found[1]


async def test_an_arrival_is_told_and_a_no_takes_its_time_out(phone: Phone) -> None:
    job = await visit(phone, 6)
    page = (await phone.get("/jobs")).text
    assert "Arrived 08:00 at <strong>Boiler</strong> (auto)." in page
    assert "Not here?" in page
    assert [log[0] for log in await phone.logs() if log[3] == "auto" and not log[4]] == ["on site"]
    answer = await phone.post(answer_of(page, "no"), agreed="no", back=f"/jobs/{job}")
    assert answer.path.startswith(f"/jobs/{job}")
    assert [log for log in await phone.logs() if log[3] == "auto" and not log[4]] == []
    assert 'class="notice"' not in (await phone.get("/jobs")).text


async def test_suggesting_logs_nothing_before_the_worker_agrees(phone: Phone) -> None:
    await phone.post("/settings/jobs", mode="suggest")
    await visit(phone, 6)
    page = (await phone.get("/jobs")).text
    assert "(auto)?" in page
    assert "Not logged before you answer" in page
    assert await phone.logs() == []
    await phone.post(answer_of(page, "yes"), agreed="yes")
    assert [(log[0], log[3]) for log in await phone.logs()] == [("on site", "auto")]


@pytest.mark.parametrize("back", ["//evil.example", "/\\evil.example", "https://evil.example", ""])
async def test_an_answer_never_leads_away_from_the_phone(phone: Phone, back: str) -> None:
    answer = await phone.post("/notices/none", agreed="yes", back=back)
    assert answer.path.startswith("/jobs")


@pytest.mark.parametrize(
    "kind", [*(ask.value for ask in Ask), "start", "left", "of a later version"]
)
def test_the_button_says_what_agreeing_does(kind: str) -> None:
    notice = AutoNotice("n", "", kind, 3_600_000, "suggest", None, "", 0)
    shown = asked(notice, "Boiler", UTC, 7_200_000)
    assert "01:00" in shown.words or "00:00" in shown.words
    assert shown.no != shown.yes
    assert (kind == Ask.FINISH.value) == (shown.yes == "Finish job")


def test_travel_is_not_called_an_arrival() -> None:
    notice = AutoNotice("n", "", "start", 0, "timed", 60_000, "", 0, "travel")
    assert "On the way" in asked(notice, "Boiler", UTC, 0).words


async def test_a_visit_that_was_another_jobs_is_given_to_it_in_two_taps(phone: Phone) -> None:
    other = phone.give_job("Pump")
    job = await visit(phone, 6)
    page = (await phone.get(f"/jobs/{job}")).text
    found = re.search(r'href="(/logs/[^"]+)"[^>]*><svg[^>]*>.*?</svg>Other job<', page)
    assert found is not None
    form = (await phone.get(found[1])).text
    start = re.search(r'name="start" type="datetime-local" value="([^"]+)"', form)
    assert start is not None
    answer = await phone.post(
        found[1], kind="on site", job=other, start=start[1], running="yes", choice="I was not there"
    )
    assert "Log corrected" in answer.text
    rows = await phone.rows(
        "SELECT job, stop_at IS NULL FROM time_log WHERE superseded = 0 AND kind = 'on site' "
        "ORDER BY start_at"
    )
    assert {row[0] for row in rows} == {other}
    assert rows[-1][1] == 1, "it runs on, for the other job"
