"""Reports: the sums by each grouping, the files, the charts, and what may still come."""

from __future__ import annotations

import csv
import datetime as dt
import io
import os
from pathlib import Path
from urllib.parse import unquote
from zoneinfo import ZoneInfo

import pytest

from core.dispatch import acts, day_acts
from core.dispatch.fields import Kind, LogKind, Phase
from replica.joining import join_by_link
from tests.web.office import NOON_MS, Office
from web.reports.figures import count
from web.reports.wanted import read_wanted

HOUR_MS = 3_600_000
TODAY = dt.date(2026, 11, 23)
PRAGUE = ZoneInfo("Europe/Prague")


async def fill(office: Office) -> bytes:
    """Jan finished one of two jobs after an hour's travel and two on site; returns Jan's id."""
    entropy = office.entropy
    jan = acts.new_stream_id(Kind.WORKER, NOON_MS, entropy(7))
    customer = acts.new_stream_id(Kind.CUSTOMER, NOON_MS, entropy(7))
    van = entropy(8)
    await office.act(acts.set_group("vehicle", van, "Van 3", plate="1A"))
    await office.act(acts.edit_worker(jan, {"name": "=Jan", "vehicle": van}))
    await office.act(acts.edit_customer(customer, {"name": "Letná"}))
    jobs, turn = [], entropy(8)
    for title in ("Leak", "Pump"):
        job = acts.new_stream_id(Kind.JOB, NOON_MS, entropy(7))
        window = [NOON_MS - 3 * HOUR_MS, NOON_MS]
        values = {"title": title, "customer": customer, "window": window, "planned_minutes": 90}
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


async def read_csv(office: Office, query: str, file: str = "summary") -> list[dict[str, str]]:
    eva = await office.signed_in(f"Eva{office.entropy.drawn}")
    seen = await eva.get(f"/reports/{file}.csv?{query}")
    assert seen.headers["Content-Type"].startswith("text/csv"), seen.words
    assert "\r\n" in seen.text
    return list(csv.DictReader(io.StringIO(seen.text, newline="")))


async def test_hours_and_jobs_of_a_period_are_summed_by_worker(office: Office) -> None:
    await fill(office)
    eva = await office.signed_in("Eva")
    seen = await eva.get("/reports")
    # Done, open, rejected, on time, planned, actual, travel, on site, other, break, worked, shares.
    figures = "1 1 – 100 % 1 h 30 min 2 h 1 h 2 h – – 3 h 33 % 0 %"
    assert f"=Jan {figures}" in seen.words
    assert f"All {figures}" in seen.words
    assert seen.text.index("<tfoot>") < seen.text.index("All</th>")
    empty = (await eva.get("/reports?from=2026-11-01&to=2026-11-08&by=worker")).words
    assert "Nothing in this period" in empty


@pytest.mark.parametrize(
    ("by", "name"),
    [
        ("customer", "Letná"),
        ("team", "(no team)"),
        ("vehicle", "Van 3"),
        ("day", "2026-11-23"),
        ("week", "2026-11-23"),
        ("month", "2026-11"),
    ],
)
async def test_the_same_hours_are_summed_by(office: Office, by: str, name: str) -> None:
    await fill(office)
    rows = await read_csv(office, f"from=2026-11-23&to=2026-11-23&by={by}")
    found = [(row["name"], row["jobs_done"], row["worked_min"]) for row in rows]
    assert found == [(name, "1", "180")]


async def test_each_job_is_a_row_ordered_by_any_column(office: Office) -> None:
    await fill(office)
    query = "from=2026-11-23&to=2026-11-23&by=job"
    rows = await read_csv(office, f"{query}&sort=-worked")
    assert [(row["name"], row["worked_min"]) for row in rows] == [
        ("A-1 Leak", "180"),
        ("A-2 Pump", "0"),
    ]
    rows = await read_csv(office, f"{query}&sort=worked")
    assert [row["name"] for row in rows] == ["A-2 Pump", "A-1 Leak"]
    eva = await office.signed_in("Eva")
    seen = await eva.get(f"/reports?{query}&sort=-worked")
    assert 'aria-sort="descending"' in seen.text
    assert "sort=worked" in seen.text


async def test_a_report_narrowed_to_another_worker_counts_nothing_of_this_one(
    office: Office,
) -> None:
    jan = await fill(office)
    query = "from=2026-11-23&to=2026-11-23"
    assert len(await read_csv(office, f"{query}&worker={jan.hex()}", "jobs")) == 2
    for file in ("summary", "jobs", "timelogs", "states"):
        assert await read_csv(office, f"{query}&worker={'ab' * 12}", file) == []


async def test_a_job_and_its_log_fall_on_the_local_day_of_a_night_with_25_hours(
    office: Office,
) -> None:
    entropy = office.entropy
    jan = acts.new_stream_id(Kind.WORKER, NOON_MS, entropy(7))
    await office.act(acts.edit_worker(jan, {"name": "Jan"}))
    before = dt.datetime(2026, 10, 25, 23, 30, tzinfo=PRAGUE)
    for at in (before, before + dt.timedelta(hours=1)):
        job = acts.new_stream_id(Kind.JOB, NOON_MS, entropy(7))
        start_ms = int(at.timestamp() * 1000)
        await office.act(acts.create_job(job, {"title": "x", "window": [start_ms, start_ms]}))
    rows = await read_csv(office, "from=2026-10-24&to=2026-10-26&by=day")
    assert [(row["name"], row["jobs_open"]) for row in rows] == [
        ("2026-10-25", "1"),
        ("2026-10-26", "1"),
    ]


async def test_the_three_files_list_what_the_report_counts(office: Office) -> None:
    jan = await fill(office)
    query = f"from=2026-11-23&to=2026-11-23&worker={jan.hex()}"
    jobs = await read_csv(office, query, "jobs")
    assert [(row["title"], row["status"]) for row in jobs] == [("Pump", "open"), ("Leak", "done")]
    logs = await read_csv(office, query, "timelogs")
    assert [(row["job_no"], row["type"], row["minutes"]) for row in logs] == [
        ("A-1", "travel", "60"),
        ("A-1", "on site", "120"),
    ]
    states = await read_csv(office, query, "states")
    assert [(row["job_no"], row["state"], row["worker"]) for row in states] == [
        ("A-2", "created", ""),
        ("A-2", "assigned", "'=Jan"),
        ("A-1", "created", ""),
        ("A-1", "assigned", "'=Jan"),
        ("A-1", "finished", "'=Jan"),
    ]
    finished = states[-1]
    assert finished["at_utc"] == "2026-11-23T11:00:00Z"
    assert finished["at_local"] == "2026-11-23T12:00:00+01:00"
    assert (finished["stands"], finished["where"]) == ("yes", "office")


async def test_a_file_is_written_as_a_spreadsheet_wants_it(office: Office) -> None:
    await fill(office)
    eva = await office.signed_in("Eva")
    query = "from=2026-11-23&to=2026-11-23&separator=semicolon&bom=1"
    name, data = await eva.download(f"/reports/jobs.csv?{query}")
    assert 'filename="jobs-2026-11-23-2026-11-23.csv"' in name
    assert data.startswith(b"\xef\xbb\xbfjob_no;job_id;title;")
    refused = await eva.get("/reports/jobs.csv?separator=pipe")
    assert refused.status == 400
    assert "comma, semicolon or tab" in refused.words
    wrong = await eva.get("/reports/states.csv?from=2026-11-24&to=2026-11-23")
    assert wrong.status == 400
    assert "ends before it begins" in wrong.words


async def test_a_name_that_looks_like_a_formula_has_no_power_in_the_file(office: Office) -> None:
    await fill(office)
    rows = await read_csv(office, "by=worker")
    assert rows[0]["name"] == "'=Jan"


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("by=worker&chart=time", "=Jan: on site 2 h"),
        ("by=customer&chart=plan", "Letná: planned 1 h 30 min"),
        ("by=day&chart=jobs", "2026-11-23: 1 done"),
        ("by=week&chart=late", "2026-11-23: 1 on time"),
    ],
)
async def test_a_chart_says_in_words_what_it_draws(office: Office, query: str, words: str) -> None:
    await fill(office)
    eva = await office.signed_in("Eva")
    text = (await eva.get(f"/reports?{query}")).text
    drawing = text[text.index('<svg class="chart"') :]
    assert 'role="img"' in drawing
    assert f"<title>{words}</title>" in drawing
    assert "<desc" in drawing
    assert "style=" not in text


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
    assert "1 of 1 phone was not heard since: =Jan (never heard)" in seen.words
    assert "=Jan may still rise" in seen.words
    for file in ("summary", "jobs", "timelogs", "states"):
        answer = await eva.get(f"/reports/{file}.csv?from=2026-11-23&to=2026-11-23")
        head = unquote(answer.headers["Fieldlog-Completeness"])
        assert head.startswith("may-rise; phones=1; silent=1; ")
        assert f'worker="=Jan" id={jan.hex()} last-heard=never' in head
        assert "never" not in answer.text
    other = await eva.get(f"/reports?worker={'ab' * 12}")
    assert "Hours may still come." not in other.words


async def test_the_total_is_that_of_all_groups_also_those_not_listed(office: Office) -> None:
    await fill(office)
    wanted, _ = read_wanted({"by": "job", "sort": "-done"}, TODAY)
    rows, total, groups = await count(office.hub.reader, wanted, PRAGUE, limit=1)
    assert (len(rows), groups) == (1, 2)
    assert (total.done, total.open, total.worked_s) == (1, 1, 3 * 3600)
