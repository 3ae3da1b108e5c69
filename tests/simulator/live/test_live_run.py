"""Phones and dispatchers against a real hub: what they did is there, and is told in a record."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.draw import Options
from simulator.live.fleets import Fleets
from simulator.live.judging import record_of
from simulator.live.office import OfficePerson
from simulator.live.progress import line_of, page_of
from simulator.live.run import LiveRun, Plan, hour_from
from simulator.live.tally import Tally
from simulator.live.target import TargetError, address_of, find_target
from simulator.report.record import from_json, to_json
from simulator.scenario.scenario import Live, Scenario, SiteSize
from tests.journey.processes import Site
from tests.running import until

PASSWORD = "a long enough one"
SMALL = Scenario(
    "small",
    "A handful of phones for some seconds.",
    site=SiteSize(dispatchers=1, jobs_per_phone=3),
    options=Options(tunnels_per_day=20.0, kills_per_day=2.0),
    live=Live(
        phones=4,
        ramp_up_s=1.0,
        hold_s=5.0,
        ramp_down_s=0.5,
        taps_per_min=200.0,
        backlog=5,
        file_share=0.5,
    ),
)


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    found = Site(tmp_path / "site")
    try:
        await found.set_up()
        yield found
    finally:
        await found.close()


def plan_for(site: Site, scenario: Scenario = SMALL, **more: str) -> Plan:
    address = f"127.0.0.1:{site.sync_port}"
    return Plan(address, "Eva", more.get("password", PASSWORD), scenario, 2, seed=7)


async def test_what_simulated_workers_did_is_on_the_hub_and_in_the_record(site: Site) -> None:
    said: list[str] = []
    run = LiveRun(plan_for(site), said.append)
    await run.run()
    record = record_of(run, "2026-11-30T12:00:00+00:00", 30.0, "fieldlog simulate live")
    assert record.findings == ()
    assert record.passed
    figures = {each.name: each.value for each in record.figures}
    assert figures["phones"] == 4
    # Each wrote its backlog before it came on, and went on from there.
    assert record.counts["entries written"] >= 4 * 5
    assert record.counts["at the end: wrote"] >= record.counts["entries written"]
    assert record.counts["at the end: unsent"] == 0
    assert record.counts["networks lost"] > 0
    assert record.counts["programs killed"] > 0
    assert record.cut_off
    assert set(record.conflicts) == {"jobs whose conflict waits for the office"}
    waits = next(each for each in record.latencies if each.name == "acknowledgement")
    assert waits.count > 0
    assert from_json(to_json(record)) == record
    # The office sees the workers, and work of theirs.
    page = await site.office.get("/?view=all&show=table")
    assert len(re.findall(r"Simulated [0-9a-f]{6} 0000\d", page)) >= 4
    jobs = await site.office.get("/export/jobs.csv?view=all")
    assert len(re.findall(r"Visit \d of Simulated", jobs)) == 4 * 3
    assert re.search(r"in progress|done", jobs)
    assert said[-1] == "over"


async def test_a_run_that_is_broken_off_ends_in_good_order_and_leaves_nothing_here(
    site: Site, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    laid = [tmp_path / "memory", tmp_path / "disk"]
    for each in laid:
        each.mkdir()
    begun: list[Fleets] = []

    class Seen(Fleets):
        async def __aenter__(self) -> Fleets:
            begun.append(self)
            return await super().__aenter__()

    monkeypatch.setattr("simulator.live.run._folders", lambda: tuple(laid))
    monkeypatch.setattr("simulator.live.run.Fleets", Seen)
    long = replace(SMALL, live=replace(SMALL.live, hold_s=3_600.0))
    run = LiveRun(plan_for(site, long), lambda _: None)
    running = asyncio.get_running_loop().create_task(run.run())
    while run.course.samples.seconds == {}:
        await asyncio.sleep(0.1)
        assert not running.done()
    # Broken off in the middle, as by Ctrl-C.
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    # None of its processes had to be killed.
    (fleets,) = begun
    assert [each.returncode for each in fleets.processes] == [0, 0]
    assert not any(each.exists() for each in laid)
    record = record_of(run, "2026-11-30T12:00:00+00:00", 3.0, "fieldlog simulate live")
    assert not record.passed
    assert any("was broken off before its end" in each.words for each in record.findings)
    assert "entries_not_handed_in" not in {each.name for each in record.figures}


async def test_a_phone_that_may_not_join_is_counted_as_a_failure_and_ends_no_run(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = OfficePerson.workers

    async def and_somebody_unknown(person: OfficePerson) -> dict[str, str]:
        known = await asked(person)
        return known | {min(name for name in known if "Simulated" in name): "00" * 12}

    monkeypatch.setattr(OfficePerson, "workers", and_somebody_unknown)
    run = LiveRun(plan_for(site, replace(SMALL, live=replace(SMALL.live, hold_s=1.0))), print)
    await run.run()
    assert run.course.joined == 3
    (words,) = run.course.tally.failures
    assert "a phone could not join: /workers/" in words
    assert "404" in words


async def test_a_hub_that_goes_away_ends_the_run_with_a_report_that_says_so(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("simulator.live.watching.GONE_S", 3.0)
    lasting = replace(SMALL, options=Options(), live=replace(SMALL.live, hold_s=120.0))
    run = LiveRun(plan_for(site, lasting), lambda _: None)
    running = asyncio.get_running_loop().create_task(run.run())
    await until(lambda: run.course.samples.hub != [], "the day has begun")
    await site.hub.kill()
    async with asyncio.timeout(60):
        await running
    assert run.hub_is_gone
    assert "does not answer" in run.course.stage
    assert "THE HUB DOES NOT ANSWER" in line_of(run)
    assert "</span> The hub does not answer.</p>" in page_of(run)
    record = record_of(run, "2026-11-30T12:00:00+00:00", 30.0, "fieldlog simulate live")
    failed = [each for each in record.findings if each.level == "failed"]
    assert "The hub did not answer any more, which ended the run." in [e.words for e in failed]
    for each in failed:
        assert re.match(r"The hub at \S+ stopped answering \d+ s after the run began", each.cause)
    assert not record.passed


async def test_a_hub_whose_job_dispatch_is_off_is_told_before_anything_is_added(
    site: Site,
) -> None:
    page = await site.office.get("/extensions")
    await site.office.post("/extensions/job-dispatch", page, on="no")
    with pytest.raises(TargetError, match="Job Dispatch is off at .* nothing was added"):
        await LiveRun(plan_for(site), lambda _: None).run()
    assert "Simulated" not in await site.office.get("/workers")


async def test_whoever_may_not_sign_in_is_told_so_and_nothing_is_made(site: Site) -> None:
    with pytest.raises(TargetError, match="does not let 'Eva' sign in"):
        await LiveRun(plan_for(site, password="not this one"), lambda _: None).run()
    assert "Simulated" not in await site.office.get("/workers")


async def test_a_run_is_aimed_at_the_machine_that_was_named_alone(site: Site) -> None:
    plan = replace(plan_for(site), fingerprint="00" * 32)
    with pytest.raises(TargetError, match="another machine answers"):
        await LiveRun(plan, lambda _: None).run()
    with pytest.raises(TargetError, match="is it running"):
        await find_target("127.0.0.1:1")
    with pytest.raises(TargetError, match="speaks no TLS"):
        await find_target(f"127.0.0.1:{site.local_port}")


async def test_a_hub_tells_its_figures_to_those_who_are_signed_in_alone(site: Site) -> None:
    target = await find_target(f"127.0.0.1:{site.sync_port}")
    async with OfficePerson(target, "Eva", PASSWORD, Tally()) as person:
        told = await person.hub_figures()
        assert told is not None
        assert "time_zone" not in told
        more = await person.hub_figures(settings=True)
        assert more is not None
        assert (more["time_zone"], more["job_dispatch"]) == ("Europe/Helsinki", True)
        assert told["free_bytes"] > 0
        assert told["memory_bytes"] > 0
        assert told["calls"] > 0
        assert told["version"]
        assert told["room_is_kept"] is True
        assert "Eva" not in json.dumps(told)
    stranger = OfficePerson(target, "Eva", PASSWORD, Tally())
    assert await stranger.hub_figures() is None
    await stranger._session.close()


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("http://127.0.0.1:8080", "by TLS alone"),
        ("https://127.0.0.1:8443/workers", "no hub's address"),
        ("127.0.0.1:seven", "an address is HOST:PORT"),
        ("https://eva@127.0.0.1", "no hub's address"),
    ],
)
def test_what_is_no_hubs_address_is_refused_in_words(typed: str, words: str) -> None:
    with pytest.raises(TargetError, match=words):
        address_of(typed)


def test_an_address_is_taken_as_people_write_it() -> None:
    assert address_of("127.0.0.1") == "127.0.0.1:8443"
    assert address_of("https://hub.example:9443/") == "hub.example:9443"
    assert address_of("[::1]:9443") == "[::1]:9443"


@given(
    st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31)),
    st.sampled_from(("UTC", "Europe/Prague", "America/New_York", "Australia/Lord_Howe")),
    st.integers(0, 30),
)
def test_a_jobs_hours_begin_so_many_hours_from_now_and_can_be_imported(
    moment: datetime, zone: str, number: int
) -> None:
    now = moment.replace(tzinfo=UTC).astimezone(ZoneInfo(zone))
    window = hour_from(now, number)
    assert re.fullmatch(r"[0-2]\d:[0-5]\d", window["From"])
    assert window["From"] < window["Until"] <= "23:59"
    begins = moment.replace(tzinfo=UTC) + timedelta(hours=number)
    assert window["Day"] == begins.astimezone(ZoneInfo(zone)).date().isoformat()
    assert window["From"] == min(f"{begins.astimezone(ZoneInfo(zone)):%H:%M}", "23:58")


@pytest.mark.parametrize(
    ("now", "number", "hours"),
    [
        ("2026-11-30T09:17+01:00", 0, ("2026-11-30", "09:17", "10:17")),
        ("2026-11-30T22:30+01:00", 1, ("2026-11-30", "23:30", "23:59")),
        ("2026-11-30T22:30+01:00", 2, ("2026-12-01", "00:30", "01:30")),
        ("2026-11-30T23:59+01:00", 0, ("2026-11-30", "23:58", "23:59")),
    ],
)
def test_a_job_that_would_end_tomorrow_ends_with_its_day(
    now: str, number: int, hours: tuple[str, str, str]
) -> None:
    found = hour_from(datetime.fromisoformat(now), number)
    assert (found["Day"], found["From"], found["Until"]) == hours
