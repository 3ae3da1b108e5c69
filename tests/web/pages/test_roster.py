"""Absences and vehicles by day: on the worker's page, where jobs are assigned, in the reports."""

from __future__ import annotations

import csv
import io
import re

import pytest

from core.dispatch import acts
from core.dispatch.roster import set_absence, set_vehicle_on
from tests.web.board.town import Town
from tests.web.office import Person

DAY_MIN = 24 * 60
HOLIDAY = {"first": "2026-11-23", "last": "2026-12-03", "kind": "1", "note": "Alps"}


async def send(eva: Person, path: str, worker: str, **fields: str) -> str:
    """Post a form of the worker's page as it stands; the words of the page after it."""
    page = await eva.get(f"/workers/{worker}")
    basis = re.search(r'name="basis" value="([^"]*)"', page.text)
    assert basis is not None
    seen = await eva.post(f"/workers/{worker}/{path}", {"basis": basis[1], **fields})
    return seen.words


async def test_an_absence_is_added_changed_and_taken_back(town: Town) -> None:
    eva, ana = await town.office.signed_in("Eva"), await town.worker("Ana")
    words = await send(eva, "absences", ana.id, **HOLIDAY)
    assert "The absence is added." in words
    assert "on holiday until 3 Dec" in words
    assert "Holiday 23 Nov – 3 Dec, Alps" in words
    assert "on holiday until 3 Dec" in (await eva.get("/workers")).words
    assert "is there already" in await send(eva, "absences", ana.id, **HOLIDAY)
    (row,) = await town.office.rows("SELECT absence FROM absence")
    one = f"absences/{row['absence']}"
    words = await send(eva, one, ana.id, **(HOLIDAY | {"kind": "2", "last": "2026-11-24"}))
    assert "sick until 24 Nov" in words
    assert "ends before it begins" in await send(
        eva, one, ana.id, **(HOLIDAY | {"last": "2026-11-01"})
    )
    assert "taken back" in await send(eva, one, ana.id, remove="1")
    assert await town.office.rows("SELECT * FROM absence") == []
    changes = (await eva.get(f"/workers/{ana.id}")).words
    assert "on holiday 2026-11-23 to 2026-12-03, Alps" in changes


async def test_jobs_that_meet_an_absence_are_told_when_it_is_added(town: Town) -> None:
    eva, ana = await town.office.signed_in("Eva"), await town.worker("Ana")
    job, _ = await town.job("Boiler", worker=ana, starts_in=DAY_MIN)
    assert "1 job is assigned in those days" in await send(eva, "absences", ana.id, **HOLIDAY)
    later = HOLIDAY | {"first": "2026-12-10", "last": "2026-12-11"}
    assert "assigned in those days" not in await send(eva, "absences", ana.id, **later)
    assert job


async def test_who_is_absent_on_the_jobs_day_comes_last_and_is_asked_about_first(
    town: Town,
) -> None:
    eva, ana, ben = (
        await town.office.signed_in("Eva"),
        await town.worker("Ana"),
        await town.worker("Ben"),
    )
    job, _ = await town.job("Boiler", starts_in=DAY_MIN)
    later, _ = await town.job("Later", starts_in=30 * DAY_MIN)
    await town.office.act(set_absence(ana.stream, b"absence1", "2026-11-24", "2026-12-03", 1))
    part = await eva.get(f"/board/job/{job}/candidates")
    assert part.text.index("Ben") < part.text.index("Ana")
    assert "Ana is on holiday until 3 Dec, and the job is in that time." in part.words
    assert "on holiday" not in (await eva.get(f"/board/job/{later}/candidates")).words
    seen = await eva.post(f"/board/job/{job}/assign", {"worker": ana.id})
    assert "Ana is on holiday until 3 Dec" in seen.words
    assert (await town.row(job))["worker"] == ""
    await eva.post(f"/board/job/{job}/assign", {"despite_absence": ana.id})
    assert (await town.row(job))["worker"] == ana.id
    await eva.post(f"/board/job/{later}/assign", {"worker": ana.id})
    assert (await town.row(later))["worker"] == ana.id
    assert ben.id


async def test_a_day_with_another_vehicle_shows_where_jobs_are_assigned_and_reported(
    town: Town,
) -> None:
    office, eva = town.office, await town.office.signed_in("Eva")
    ana, ben = await town.worker("Ana"), await town.worker("Ben")
    transit, crafter = office.entropy(8), office.entropy(8)
    await office.act(
        acts.set_group("vehicle", transit, "Transit")
        + acts.set_group("vehicle", crafter, "Crafter")
    )
    await office.act(acts.edit_worker(ana.stream, {"vehicle": transit}))
    await office.act(acts.edit_worker(ben.stream, {"vehicle": crafter}))
    day = {"day": "2026-11-24", "vehicle": crafter.hex()}
    words = await send(eva, "vehicle-days", ana.id, **day)
    assert "The vehicle for 2026-11-24 is set. Ben has it on that day too." in words
    assert "24 Nov Crafter" in words
    assert "Choose a vehicle" in await send(
        eva, "vehicle-days", ana.id, day="2026-11-24", vehicle="00"
    )
    job, _ = await town.job("Boiler", worker=ana, starts_in=DAY_MIN)
    await town.job("Today", worker=ana)
    part = (await eva.get(f"/board/job/{job}/candidates")).words
    assert "Ana Crafter" in part
    seen = await eva.get("/export/jobs.csv?view=all")
    rows = {row["title"]: row for row in csv.DictReader(io.StringIO(seen.text.lstrip("\ufeff")))}
    assert (rows["Boiler"]["vehicle"], rows["Today"]["vehicle"]) == ("Crafter", "Transit")
    seen = await eva.get("/reports/summary.csv?from=2026-11-23&to=2026-11-24&by=vehicle")
    found = {row["name"]: row["jobs_open"] for row in csv.DictReader(io.StringIO(seen.text))}
    assert found == {"Crafter": "1", "Transit": "1"}
    assert "is a day as any other again" in await send(
        eva, "vehicle-days", ana.id, day="2026-11-24", remove="1"
    )
    assert await office.rows("SELECT * FROM vehicle_day") == []


async def test_hours_and_absent_days_are_reported(town: Town) -> None:
    office, eva = town.office, await town.office.signed_in("Eva")
    ana = await town.worker("Ana")
    crafter = office.entropy(8)
    await office.act(acts.set_group("vehicle", crafter, "Crafter"))
    await office.act(
        set_absence(ana.stream, b"absence1", "2026-11-24", "2026-12-03", 1)
        + set_absence(ana.stream, b"absence2", "2026-11-26", "2026-11-26", 2)
        + set_vehicle_on(ana.stream, "2026-11-23", crafter)
    )
    seen = await eva.get("/reports/summary.csv?from=2026-11-23&to=2026-11-29&by=worker")
    (row,) = csv.DictReader(io.StringIO(seen.text))
    assert (row["name"], row["absent_days"]) == ("Ana", "6")
    assert "Absent days" in (await eva.get("/reports?from=2026-11-23&to=2026-11-29")).words


async def test_a_manager_sees_absences_and_changes_none(town: Town) -> None:
    ana, marta = await town.worker("Ana"), await town.office.signed_in("Marta", "manager")
    await town.office.act(set_absence(ana.stream, b"absence1", "2026-11-23", "2026-11-23", 3))
    page = await marta.get(f"/workers/{ana.id}")
    assert "Other 23 Nov" in page.words
    assert "Add an absence" not in page.words
    assert (await marta.post(f"/workers/{ana.id}/absences", HOLIDAY)).status == 403


@pytest.mark.parametrize("path", ["absences", "vehicle-days"])
async def test_a_worker_who_is_not_there_has_no_roster(town: Town, path: str) -> None:
    eva = await town.office.signed_in("Eva")
    fields = HOLIDAY | {"day": "2026-11-24", "vehicle": "none"}
    assert (await eva.post(f"/workers/{'0' * 24}/{path}", fields)).status == 404
