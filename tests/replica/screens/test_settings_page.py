"""Settings > Jobs: the three toggles, and what turning them off does."""

from __future__ import annotations

import pytest

from core.dispatch import day_acts
from core.dispatch.fields import LogKind, Source
from core.dispatch.fix import Fix
from tests.replica.screens.conftest import DAY, HOUR_MS, Phone

_SETTINGS = "SELECT jobs_on, auto_on, auto_mode, threshold_min FROM worker"


async def test_jobs_off_hides_jobs_here_and_the_hub_hears_of_it(phone: Phone) -> None:
    phone.give_job("Boiler")
    await phone.sync()
    answer = await phone.post("/settings/jobs", jobs="off")
    assert answer.path.startswith("/settings/jobs")
    page = (await phone.get("/jobs")).text
    assert "Jobs are off on this phone" in page
    assert "Boiler" not in page
    await phone.sync()
    assert phone.hub.store.db.execute("SELECT jobs_on FROM worker").fetchone() == (0,)
    await phone.post("/settings/jobs", jobs="on")
    assert "Boiler" in (await phone.get("/jobs")).text


async def test_auto_logging_off_ends_an_automatic_log_at_its_last_evidence(phone: Phone) -> None:
    job = phone.give_job("Boiler")
    await phone.sync()
    start = phone.clock.now_ms()
    source = {"at_ms": start, "source": Source.AUTO, "evidence": [start], "rule": (1, 3)}
    log = b"autolog1"
    on = bytes.fromhex(job)
    begin = day_acts.start_log(phone.worker, DAY, on, log, LogKind.ON_SITE, **source)  # type: ignore[arg-type]
    await phone.device.act(begin)
    phone.clock.pass_ms(HOUR_MS)
    await phone.device.take_fix(Fix(phone.clock.now_ms(), 490_000_000, 150_000_000, 9))
    last = phone.clock.now_ms()
    phone.clock.pass_ms(HOUR_MS)
    await phone.post("/settings/jobs", auto="off")
    assert await phone.logs() == [("on site", start, last, "auto", 0)]
    assert "The end is not certain" in (await phone.get(f"/jobs/{job}/logs")).text
    assert (await phone.rows(_SETTINGS))[0][:2] == (1, 0)


async def test_auto_logging_off_leaves_a_log_by_hand_running(phone: Phone) -> None:
    job = phone.give_job("Boiler")
    await phone.sync()
    await phone.tap(job, "assigned", "on site")
    await phone.post("/settings/jobs", auto="off")
    assert [log[2] for log in await phone.logs()] == [None]


@pytest.mark.parametrize("mode", ["suggest", "timed", "automatic"])
async def test_each_mode_can_be_chosen(phone: Phone, mode: str) -> None:
    await phone.post("/settings/jobs", mode=mode)
    assert (await phone.rows(_SETTINGS))[0][2] == mode


async def test_the_minimum_time_is_the_phones_own_or_the_sites(phone: Phone) -> None:
    assert "3 min" in (await phone.get("/settings/jobs")).text
    for minutes in ("0", "60", "7"):
        await phone.post("/settings/jobs", minutes=minutes)
        assert (await phone.rows(_SETTINGS))[0][3] == int(minutes)
    assert "Use the site&#39;s own (3 min)" in (await phone.get("/settings/jobs")).text
    await phone.post("/settings/jobs", minutes="site")
    assert (await phone.rows(_SETTINGS))[0][3] is None


@pytest.mark.parametrize("form", [{"minutes": "61"}, {"minutes": "-1"}, {"minutes": "½"}, {}])
async def test_a_setting_that_cannot_be_is_refused_in_words(
    phone: Phone, form: dict[str, str]
) -> None:
    before = await phone.rows(_SETTINGS)
    answer = await phone.post("/settings/jobs", **form)
    assert answer.status == 400
    assert "Nothing was changed" in answer.text
    assert await phone.rows(_SETTINGS) == before


async def test_a_chosen_look_is_kept_and_nonsense_is_left_alone(phone: Phone) -> None:
    await phone.post("/settings/display", theme="dark", text="largest")
    await phone.post("/settings/display", theme="purple")
    page = (await phone.get("/jobs")).text
    assert 'data-theme="dark"' in page
    assert 'data-text="largest"' in page


async def test_battery_and_data_are_chosen_for_this_phone_alone(phone: Phone) -> None:
    page = (await phone.get("/settings/phone")).text
    assert "Which network this phone is in is not known" in page
    await phone.post("/settings/phone", media="wi-fi")
    await phone.device.choices.hear_network(True)
    page = (await phone.get("/settings/phone")).text
    assert "Mobile data. Photos and files wait." in page
    job = phone.give_job("Boiler")
    await phone.sync()
    await phone.device.attach_file(bytes.fromhex(job), "order.txt", b"Two valves")
    assert "On this phone, waits for Wi-Fi" in (await phone.get(f"/jobs/{job}")).text
    await phone.device.choices.hear_network(False)
    assert "waits for Wi-Fi" not in (await phone.get(f"/jobs/{job}")).text
    before = await phone.device.sync_state()
    answer = await phone.post("/settings/phone", battery="by the sun")
    assert (answer.status, "no such choice" in answer.text) == (400, True)
    assert (await phone.device.sync_state()).unsent_count == before.unsent_count, "none is synced"
