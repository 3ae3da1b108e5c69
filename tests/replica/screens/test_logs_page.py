"""LOGS and My day: adding, correcting and removing time, with reasons and nothing lost."""

from __future__ import annotations

import re

from core.dispatch import day_acts
from core.dispatch.fields import LogKind, Source
from tests.replica.screens.conftest import DAY, HOUR_MS, Phone

MINUTE_MS = 60_000


async def work(phone: Phone, minutes: int) -> tuple[str, str]:
    """A job with one log by hand of so many minutes; the job and the address of the log."""
    job = phone.give_job("Boiler")
    await phone.sync()
    phone.clock.pass_ms(1_230)
    await phone.tap(job, "assigned", "on site")
    phone.clock.pass_ms(minutes * MINUTE_MS)
    await phone.tap(job, "on site", "finished")
    page = (await phone.get(f"/jobs/{job}/logs")).text
    found = re.search(r'href="(/logs/[^"?]+/[0-9a-f]{16})"', page)
    assert found is not None
    return job, found[1]


def form_of(page: str) -> dict[str, str]:
    """What a browser would send back of a log's form as it stands."""
    found = dict(re.findall(r'name="(start|stop)" type="datetime-local" value="([^"]*)"', page))
    kind = re.search(r'name="kind" value="([^"]+)" checked', page)
    job = re.search(r'<option value="([0-9a-f]*)" selected', page)
    assert kind is not None
    return found | {"kind": kind[1], "job": job[1] if job else ""}


async def test_a_log_added_by_hand_counts_from_the_typed_times(phone: Phone) -> None:
    job = phone.give_job("Boiler")
    await phone.sync()
    phone.clock.pass_ms(3 * HOUR_MS)
    start, stop = f"{DAY}T08:15", f"{DAY}T09:45"
    answer = await phone.post("/logs/new", job=job, kind="on site", start=start, stop=stop)
    assert answer.path.startswith(f"/jobs/{job}/logs")
    assert "1 h 30 min" in answer.text
    begin = phone.clock.now_ms() - 3 * HOUR_MS + 15 * MINUTE_MS
    assert await phone.logs() == [("on site", begin, begin + 90 * MINUTE_MS, "manual", 0)]


async def test_an_end_that_was_left_alone_keeps_its_seconds(phone: Phone) -> None:
    _, address = await work(phone, 60)
    (before,) = await phone.logs()
    form = form_of((await phone.get(address)).text)
    form["start"] = f"{DAY}T07:50"
    answer = await phone.post(address, **form, reason="I tapped too late")
    assert "Log corrected" in answer.text
    new, old = await phone.logs()
    assert new[1] % MINUTE_MS == 0
    assert new[2] == before[2]
    assert new[2] % MINUTE_MS == 1_230
    assert new[3:] == ("correction", 0)
    assert old == (*before[:-1], 1)
    assert "<s>" in answer.text
    assert "I tapped too late" in answer.text


async def test_a_correction_without_a_reason_is_asked_for_and_what_was_typed_stays(
    phone: Phone,
) -> None:
    _, address = await work(phone, 60)
    form = form_of((await phone.get(address)).text) | {"stop": f"{DAY}T08:31"}
    answer = await phone.post(address, **form)
    assert answer.status == 400
    assert "Give the reason" in answer.text
    assert f'value="{DAY}T08:31"' in answer.text
    assert len(await phone.logs()) == 1


async def test_times_that_cannot_be_are_refused_in_words(phone: Phone) -> None:
    _, address = await work(phone, 60)
    form = form_of((await phone.get(address)).text) | {"reason": "slip"}
    for name, value, words in (
        ("stop", f"{DAY}T07:00", "before the start"),
        ("start", "2031-01-01T10:00", "in the future"),
        ("start", "yesterday", "Give the time"),
        ("start", "2026-02-20T08:00", "at most 24 hours"),
        ("kind", "holiday", "Choose what"),
        ("start", "", "start is missing"),
    ):
        answer = await phone.post(address, **(form | {name: value}))
        assert answer.status == 400
        assert words in answer.text
    assert len(await phone.logs()) == 1


async def test_a_removed_log_stays_visible_and_is_not_counted(phone: Phone) -> None:
    job, address = await work(phone, 60)
    answer = await phone.post(f"{address}/remove", choice="I was not there")
    assert answer.path.startswith(f"/jobs/{job}/logs")
    assert "not counted" in answer.text
    assert "I was not there" in answer.text
    ((_, _, _, _, superseded),) = await phone.logs()
    assert superseded == 1
    await phone.sync()
    counted = phone.hub.store.db.execute("SELECT seconds, superseded FROM time_log").fetchall()
    assert counted == [(0, 1)]


async def test_a_running_log_is_corrected_and_runs_on(phone: Phone) -> None:
    job = phone.give_job("Boiler")
    await phone.sync()
    phone.clock.pass_ms(HOUR_MS)
    await phone.tap(job, "assigned", "on site")
    phone.clock.pass_ms(20 * MINUTE_MS)
    page = (await phone.get(f"/jobs/{job}/logs")).text
    found = re.search(r'href="(/logs/[^"?]+/[0-9a-f]{16})"', page)
    assert found is not None
    form = form_of((await phone.get(found[1])).text)
    form |= {"start": f"{DAY}T08:30", "running": "yes", "choice": "I forgot to tap"}
    await phone.post(found[1], **form)
    now = phone.clock.now_ms()
    counted = [log for log in await phone.logs() if not log[-1]]
    assert counted == [
        ("on site", now - 50 * MINUTE_MS, now, "correction", 0),
        ("on site", now, None, "manual", 0),
    ]


async def test_a_log_moved_to_another_day_leaves_its_old_day(phone: Phone) -> None:
    _, address = await work(phone, 60)
    form = form_of((await phone.get(address)).text)
    form |= {"start": "2026-03-01T22:00", "stop": "2026-03-01T23:00", "reason": "wrong day"}
    await phone.post(address, **form)
    days = await phone.rows("SELECT day, superseded FROM time_log ORDER BY day")
    assert days == [("2026-03-01", 0), (DAY, 1)]


async def test_an_hour_that_comes_twice_is_asked_about(phone: Phone) -> None:
    night = 1_792_897_200_000  # 2026-10-25 05:00 in Prague, the clock went back at 03:00.
    phone.clock.pass_ms(night - phone.clock.now_ms())
    form = {"kind": "other", "start": "2026-10-25T01:30", "stop": "2026-10-25T02:30"}
    answer = await phone.post("/logs/new", **form)
    assert answer.status == 400
    assert "came twice that night" in answer.text
    lengths = []
    for again in ("first", "second"):
        await phone.post("/logs/new", **form, stop_again=again)
    for _, start, stop, _, _ in await phone.logs():
        lengths.append((stop - start) // MINUTE_MS)
    assert sorted(lengths) == [60, 120]


async def test_stop_now_ends_a_log_once(phone: Phone) -> None:
    job = phone.give_job("Boiler")
    await phone.sync()
    await phone.tap(job, "assigned", "on site")
    page = (await phone.get("/day")).text
    found = re.search(r'action="(/logs/[^"]+/stop)"', page)
    assert found is not None
    phone.clock.pass_ms(5 * MINUTE_MS)
    await phone.post(found[1], back="day")
    ended = await phone.logs()
    phone.clock.pass_ms(5 * MINUTE_MS)
    answer = await phone.post(found[1], back="day")
    assert "ended already" in answer.text
    assert await phone.logs() == ended


async def test_my_day_adds_up_work_without_breaks(phone: Phone) -> None:
    job = phone.give_job("Boiler")
    await phone.sync()
    for before, to, minutes in (
        ("assigned", "travelling", 30),
        ("travelling", "on site", 60),
        ("on site", "paused", 15),
        ("paused", "on site", 45),
        ("on site", "finished", 0),
    ):
        await phone.tap(job, before, to)
        phone.clock.pass_ms(minutes * MINUTE_MS)
    page = (await phone.get("/day")).text
    assert "<strong>2 h 15 min</strong> <span>counted" in page
    assert page.count('class="bar-kind"') == 4
    assert "Nothing logged on this day" in (await phone.get("/day?day=2026-03-01")).text
    assert (await phone.get("/day?day=nonsense")).status == 200


async def test_time_for_no_job_stands_in_my_day(phone: Phone) -> None:
    phone.clock.pass_ms(2 * HOUR_MS)
    await phone.post("/logs/new", kind="other", start=f"{DAY}T08:00", stop=f"{DAY}T08:20")
    answer = await phone.get("/day")
    assert "Other work" in answer.text
    assert "20 min" in answer.text


async def test_logs_say_where_they_come_from(phone: Phone) -> None:
    job = phone.give_job("Boiler")
    await phone.sync()
    now = phone.clock.now_ms()
    start = day_acts.start_log(
        phone.worker,
        DAY,
        bytes.fromhex(job),
        b"autolog1",
        LogKind.ON_SITE,
        at_ms=now,
        source=Source.AUTO,
        evidence=[now, now + 60_000],
        rule=(1, 3),
    )
    await phone.device.act(start)
    page = (await phone.get(f"/jobs/{job}/logs")).text
    assert "Automatic: 2 positions, at least 3 min there, rule 1" in page


async def test_an_unknown_log_is_not_there(phone: Phone) -> None:
    assert (await phone.get(f"/logs/{DAY}/0000000000000000")).status == 404
