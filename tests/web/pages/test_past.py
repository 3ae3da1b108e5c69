"""The office's history: visits of a period, the track of a day, and what was erased of it."""

from __future__ import annotations

import json

import pytest

from core.dispatch import acts, day_acts
from core.dispatch.acts import track_stream
from core.dispatch.fields import Kind
from core.dispatch.fix import Fix, encode_track
from hub.forgetting import erase_streams
from tests.web.office import NOON_MS, Office
from tests.web.pages.test_reports import HOUR_MS, TODAY, fill

DAY = TODAY.isoformat()
MINUTE_MS = 60_000
LAT_E7, LON_E7 = 500_995_000, 144_250_000


async def drive(office: Office, worker: bytes) -> None:
    """An hour of fixes: ten minutes on the way, forty in one place, ten on the way."""
    fixes = []
    for minute in range(61):
        away = max(0, 10 - minute) + max(0, minute - 50)
        at_ms = NOON_MS - HOUR_MS + minute * MINUTE_MS
        fixes.append(Fix(at_ms, LAT_E7 + away * 40_000, LON_E7, 10))
    await office.act(day_acts.add_fixes(worker, DAY, encode_track(fixes)))


async def test_done_jobs_stand_with_who_arrived_and_left_when(office: Office) -> None:
    jan = await fill(office)
    eva = await office.signed_in("Eva")
    words = (await eva.get("/history")).words
    assert "23 Nov 2026: 1 job done, 2 h on site, 1 h of travel." in words
    # Travel from 8 to 9, on site from 9 to 11.
    assert "A-1 Leak today Letná =Jan 09:00 11:00 2 h 1 h 30 min 1 h Day" in words
    assert "Pump" not in words
    other = (await eva.get(f"/history?worker={'ab' * 12}")).words
    assert "Nothing was done in this period" in other
    own = await eva.get(f"/history?worker={jan.hex()}")
    assert "A-1 Leak" in own.words
    assert "27 Oct 2026 – 23 Nov 2026" in own.words


async def test_a_job_that_nobody_logged_time_on_is_a_visit_by_its_phases(office: Office) -> None:
    job = acts.new_stream_id(Kind.JOB, NOON_MS, office.entropy(7))
    await office.act(acts.create_job(job, {"title": "Sign"}))
    await office.act(acts.override_status(job, "done", "by phone"))
    eva = await office.signed_in("Eva")
    assert "A-1 Sign" in (await eva.get("/history")).words


async def test_a_days_track_has_its_points_and_its_stop(office: Office) -> None:
    jan = await fill(office)
    await drive(office, jan)
    eva = await office.signed_in("Eva")
    seen = await eva.get(f"/history/track.json?worker={jan.hex()}&day={DAY}")
    data = json.loads(seen.text)
    assert len(data["points"]) == 61
    assert data["points"][0] == [NOON_MS - HOUR_MS, 14.425, 50.1395, 10]
    (stop,) = data["stops"]
    assert stop["start"] == NOON_MS - 50 * MINUTE_MS
    assert stop["end"] == NOON_MS - 10 * MINUTE_MS
    assert stop["at"] == [14.425, 50.0995]
    assert data["metres"] == 8896
    page = await eva.get(f"/history?from={DAY}&to={DAY}&worker={jan.hex()}")
    assert "61 positions, 8.9 km, 1 stop" in page.words
    assert "No job of the day is here 11:10 11:50 40 min" in page.words


async def test_a_track_that_was_erased_is_told_and_not_shown(office: Office) -> None:
    jan = await fill(office)
    await drive(office, jan)
    await office.hub.writer.run(erase_streams, office.hub.replica, [track_stream(jan, DAY)])
    eva = await office.signed_in("Eva")
    seen = await eva.get(f"/history/track.json?worker={jan.hex()}&day={DAY}")
    data = json.loads(seen.text)
    assert (data["points"], data["erased"]) == ([], True)
    words = (await eva.get(f"/history?from={DAY}&to={DAY}&worker={jan.hex()}")).words
    assert "The track of this day was erased; the visits and the hours stay." in words
    other = (await eva.get(f"/history?from=2026-11-20&to=2026-11-20&worker={jan.hex()}")).words
    assert "No position of this day has come in." in other


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("worker=" + "ab" * 12, "That is no day."),
        (f"day={DAY}&worker=jan", "That is no worker."),
    ],
)
async def test_an_address_that_names_no_track_says_what_is_wrong(
    office: Office, query: str, words: str
) -> None:
    eva = await office.signed_in("Eva")
    seen = await eva.get(f"/history/track.json?{query}")
    assert (seen.status, words in seen.words) == (400, True)


async def test_nobody_sees_a_track_without_signing_in(office: Office) -> None:
    jan = await fill(office)
    stranger = await office.person()
    seen = await stranger.get(f"/history/track.json?worker={jan.hex()}&day={DAY}")
    assert "/sign-in" in seen.path


@pytest.mark.parametrize("page", ["0", "-1", "x", "000001999999999999999999999999", "9" * 5_000])
async def test_a_page_that_can_not_be_is_the_first(office: Office, page: str) -> None:
    eva = await office.signed_in("Eva")
    assert (await eva.get(f"/history?page={page}")).status == 200
