"""Another minimum: the office sees what it would have logged before it is saved."""

from __future__ import annotations

import pytest

from core.dispatch import acts, day_acts
from core.dispatch.fields import Kind
from core.dispatch.fix import Fix, encode_track
from tests.core.dispatch.scene import JOB_A, JOB_B, job
from tests.core.dispatch.test_what_if import DAY
from tests.web.office import NOON_MS, Office
from tests.web.pages.test_reports import TODAY

A, B = job(JOB_A), job(JOB_B, x_m=2_000)


async def tracked(office: Office, *, own_min: int | None = None) -> tuple[bytes, bytes]:
    """Aino with two jobs today and the track of a day: ten minutes at one, four at the other."""
    entropy = office.entropy
    worker = acts.new_stream_id(Kind.WORKER, NOON_MS, entropy(7))
    await office.act(acts.edit_worker(worker, {"name": "Aino"}))
    if own_min is not None:
        await office.act(acts.set_app(worker, threshold_min=own_min))
    jobs = []
    for title, place in (("Boiler", A), ("Pump", B)):
        new = acts.new_stream_id(Kind.JOB, NOON_MS, entropy(7))
        values = {"title": title, "point": [place.lat_e7, place.lon_e7]}
        await office.act(acts.create_job(new, values) + acts.assign(new, worker, entropy(8)))
        jobs.append(new)
    shift_ms = NOON_MS - DAY[0].time_ms
    fixes = [
        Fix(fix.time_ms + shift_ms, fix.lat_e7, fix.lon_e7, fix.accuracy_m, fix.speed_mps)
        for fix in DAY
    ]
    for at in range(0, len(fixes), 100):
        track = encode_track(fixes[at : at + 100])
        await office.act(day_acts.add_fixes(worker, TODAY.isoformat(), track))
    return worker, jobs[1]


async def test_a_visit_that_goes_under_another_minimum_is_shown_with_both_times(
    office: Office,
) -> None:
    _, pump = await tracked(office)
    eva = await office.signed_in("Eva")
    asked = await eva.get("/settings/other-minimum")
    assert "Nothing is changed by looking" in asked.words
    before = await office.rows("SELECT * FROM setting")
    seen = await eva.get("/settings/other-minimum?minutes=8")
    assert "3 min, as it is now 2" in seen.words
    assert "8 min 1" in seen.words
    assert "Pump No longer logged" in seen.words
    assert f'href="/jobs/{pump.hex()}"' in seen.text
    assert "Boiler No longer" not in seen.words
    same = await eva.get("/settings/other-minimum?minutes=3")
    assert "Nothing would be otherwise" in same.words
    assert await office.rows("SELECT * FROM setting") == before


async def test_a_minimum_of_ones_own_counts_on_both_sides(office: Office) -> None:
    await tracked(office, own_min=3)
    eva = await office.signed_in("Eva")
    seen = await eva.get("/settings/other-minimum?minutes=8")
    assert "Nothing would be otherwise" in seen.words
    assert "1 worker has a minimum of their own" in seen.words


@pytest.mark.parametrize("minutes", ["-1", "lots", "9999", "3.5"])
async def test_what_is_no_minimum_is_refused_in_words(office: Office, minutes: str) -> None:
    eva = await office.signed_in("Eva")
    seen = await eva.get(f"/settings/other-minimum?minutes={minutes}")
    assert (seen.status, "whole number of minutes" in seen.words) == (400, True)


async def test_where_no_tracks_came_in_it_says_so(office: Office) -> None:
    eva = await office.signed_in("Eva")
    seen = await eva.get("/settings/other-minimum?minutes=8")
    assert "No tracks came in" in seen.words
