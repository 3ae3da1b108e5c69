"""Reports: the period, the sums, the CSV file, and what may still come."""

from __future__ import annotations

import csv
import datetime as dt
import io
import os
from pathlib import Path

import pytest

from core.dispatch import acts, day_acts
from core.dispatch.fields import Kind, LogKind, Phase
from replica.joining import join_by_link
from tests.web.office import NOON_MS, Office
from web.pages.reports import read_period

HOUR_MS = 3_600_000
TODAY = dt.date(2026, 11, 23)


async def fill(office: Office) -> bytes:
    """Jan finished one of two jobs after an hour's travel and two on site; returns Jan's id."""
    entropy = office.entropy
    jan = acts.new_stream_id(Kind.WORKER, NOON_MS, entropy(7))
    customer = acts.new_stream_id(Kind.CUSTOMER, NOON_MS, entropy(7))
    await office.act(acts.edit_worker(jan, {"name": "=Jan"}))
    await office.act(acts.edit_customer(customer, {"name": "Letná"}))
    jobs, turn = [], entropy(8)
    for title in ("Leak", "Pump"):
        job = acts.new_stream_id(Kind.JOB, NOON_MS, entropy(7))
        window = [NOON_MS - 3 * HOUR_MS, NOON_MS]
        values = {"title": title, "customer": customer, "window": window}
        await office.act(acts.create_job(job, values) + acts.assign(job, jan, turn))
        jobs.append(job)
    await office.act(acts.set_phase(jobs[0], jan, turn, Phase.FINISHED))
    day = TODAY.isoformat()
    start_ms = NOON_MS - 4 * HOUR_MS
    for kind, hours in ((LogKind.TRAVEL, 1), (LogKind.ON_SITE, 2)):
        log, end_ms = entropy(8), start_ms + hours * HOUR_MS
        await office.act(
            day_acts.start_log(jan, day, jobs[0], log, kind, at_ms=start_ms)
            + day_acts.stop_log(jan, day, jobs[0], log, at_ms=end_ms)
        )
        start_ms = end_ms
    return jan


async def read_csv(office: Office, query: str) -> list[dict[str, str]]:
    eva = await office.signed_in(f"Eva{office.entropy.drawn}")
    seen = await eva.get(f"/reports/summary.csv?{query}")
    assert seen.headers["Content-Type"].startswith("text/csv")
    assert "\r\n" in seen.text
    return list(csv.DictReader(io.StringIO(seen.text)))


async def test_hours_and_jobs_of_a_period_are_summed_by_worker(office: Office) -> None:
    await fill(office)
    eva = await office.signed_in("Eva")
    words = (await eva.get("/reports")).words
    assert "=Jan 1 1 – 1 h 2 h – – 3 h 0 %" in words
    assert "All 1 1 – 1 h 2 h – – 3 h 0 %" in words
    empty = (await eva.get("/reports?from=2026-11-01&to=2026-11-08&by=worker")).words
    assert "Nothing in this period" in empty


@pytest.mark.parametrize(
    ("by", "name"), [("customer", "Letná"), ("team", "(no team)"), ("day", "2026-11-23")]
)
async def test_the_same_hours_are_summed_by(office: Office, by: str, name: str) -> None:
    await fill(office)
    rows = await read_csv(office, f"from=2026-11-23&to=2026-11-23&by={by}")
    assert [(row[by], row["jobs_done"], row["worked_min"]) for row in rows] == [(name, "1", "180")]


async def test_a_name_that_looks_like_a_formula_has_no_power_in_the_file(office: Office) -> None:
    await fill(office)
    rows = await read_csv(office, "by=worker")
    assert rows[0]["worker"] == "'=Jan"


async def test_a_phone_that_was_not_heard_is_named_with_the_hours(
    office: Office, tmp_path: Path
) -> None:
    jan = await fill(office)
    await office.listen_for_phones()
    made = await office.hub.writer.run(office.hub.enrolments.offer, jan)
    (tmp_path / "phone").mkdir()
    await join_by_link(tmp_path / "phone", made.link, os.urandom)
    eva = await office.signed_in("Eva")
    seen = await eva.get("/reports")
    assert "Hours may still come." in seen.words
    assert "1 phone was not heard since: =Jan" in seen.words


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ({"from": "2026-11-23", "to": "x"}, "both days"),
        ({"from": "2026-11-23", "to": "2026-11-22"}, "before it begins"),
        ({"from": "2025-01-01", "to": "2026-11-22"}, "a year at most"),
        ({"from": "0001-01-01", "to": "0001-01-02"}, "a year at most"),
    ],
)
def test_a_period_that_cannot_be_shows_this_week_and_says_why(
    query: dict[str, str], words: str
) -> None:
    period, error = read_period(query, TODAY)
    assert words in error
    assert (period.first, period.last) == (dt.date(2026, 11, 23), dt.date(2026, 11, 29))


def test_a_year_is_a_period() -> None:
    period, error = read_period({"from": "2026-01-01", "to": "2026-12-31"}, TODAY)
    assert not error
    assert period.first == dt.date(2026, 1, 1)
