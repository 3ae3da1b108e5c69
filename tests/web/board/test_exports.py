"""CSV files: exactly the board's rows, readable by any program, harmless in a spreadsheet."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.dispatch import day_acts
from core.dispatch.fields import LogKind, Phase
from tests.web.board.test_board_page import titles
from tests.web.board.town import MINUTE_MS, Town
from tests.web.office import Seen
from web.board.exports import JOB_COLUMNS, LOG_COLUMNS
from web.csv_file import csv_text, safe_cell


def table(seen: Seen) -> list[dict[str, str]]:
    """The rows of a CSV answer by column name, read as RFC 4180 says."""
    assert seen.status == 200
    assert seen.headers["Content-Type"].startswith("text/csv; charset=utf-8")
    assert seen.text.endswith("\r\n")
    return list(csv.DictReader(io.StringIO(seen.text, newline=""), strict=True))


async def test_the_file_holds_exactly_the_rows_shown_in_their_order(town: Town) -> None:
    ana = await town.worker("Ana")
    for index in range(12):
        worker = ana if index % 3 else None
        await town.job(f"Job {index % 5}", worker=worker, starts_in=60 * index)
    eva = await town.office.signed_in("Eva")
    for query in ("view=all&sort=-title,window", f"view=open&worker={ana.id}", "view=unassigned"):
        rows = table(await eva.get(f"/export/jobs.csv?{query}"))
        assert [row["title"] for row in rows] == titles(await eva.get(f"/?{query}"))
    assert table(await eva.get("/export/jobs.csv?view=done")) == []


async def test_a_job_says_when_in_utc_and_on_the_sites_clock(town: Town) -> None:
    ana = await town.worker("Ana")
    letna = await town.customer("Letná")
    job, turn = await town.job("Boiler", worker=ana, customer=letna, planned_minutes=45)
    await town.phases(ana, job, turn, Phase.OPENED, Phase.TRAVELLING)
    town.clock.at_ms += 65 * MINUTE_MS
    await town.phases(ana, job, turn, Phase.ON_SITE)
    town.clock.at_ms += 30 * MINUTE_MS
    await town.phases(ana, job, turn, Phase.FINISHED)
    eva = await town.office.signed_in("Eva")
    (row,) = table(await eva.get("/export/jobs.csv?view=all"))
    assert tuple(row) == JOB_COLUMNS
    expected = {
        "job_no": "A-1",
        "job_id": job,
        "status": "done",
        "priority": "normal",
        "customer_no": "C-1",
        "customer": "Letná",
        "lat": "50.0995",
        "lon": "14.425",
        "workers": "Ana",
        "window_start_utc": "2026-11-23T12:00:00Z",
        "window_start_local": "2026-11-23T13:00:00+01:00",
        "travel_start_utc": "2026-11-23T11:00:00Z",
        "arrived_utc": "2026-11-23T12:05:00Z",
        "finished_local": "2026-11-23T13:35:00+01:00",
        "planned_min": "45",
        "tz": "Europe/Prague",
    }
    assert {name: row[name] for name in expected} == expected


async def test_time_logs_say_what_counts_and_where_it_came_from(town: Town) -> None:
    ana = await town.worker("Ana")
    job, _ = await town.job("Boiler", worker=ana)
    await town.meet(ana)
    stream, log = bytes.fromhex(job), town.office.entropy(8)
    day = "2026-11-23"
    await town.on_phone(ana, day_acts.start_log(ana.stream, day, stream, log, LogKind.ON_SITE))
    town.clock.at_ms += 90 * MINUTE_MS
    await town.on_phone(ana, day_acts.stop_log(ana.stream, day, stream, log))
    await town.meet(ana)
    eva = await town.office.signed_in("Eva")
    (row,) = table(await eva.get("/export/timelogs.csv?view=all"))
    assert tuple(row) == LOG_COLUMNS
    expected = {
        "log_id": log.hex(),
        "job_no": "A-1",
        "worker": "Ana",
        "type": "on site",
        "start_local": "2026-11-23T12:00:00+01:00",
        "end_utc": "2026-11-23T12:30:00Z",
        "minutes": "90",
        "decimal_hours": "1.50",
        "source": "manual",
        "counts": "yes",
    }
    assert {name: row[name] for name in expected} == expected
    assert table(await eva.get("/export/timelogs.csv?view=unassigned")) == []


async def test_every_log_is_there_also_one_of_no_job(town: Town) -> None:
    ana = await town.worker("Ana")
    job, _ = await town.job("Boiler", worker=ana, point=(-334_500_000, -706_600_000))
    await town.meet(ana)
    day, at_ms = "2026-11-23", town.clock.at_ms
    for index, of in enumerate((bytes.fromhex(job), None, None)):
        log, start_ms = town.office.entropy(8), at_ms + index * 40 * MINUTE_MS
        changes = day_acts.start_log(ana.stream, day, of, log, LogKind.OTHER, at_ms=start_ms)
        changes += day_acts.stop_log(ana.stream, day, of, log, at_ms=start_ms + 30 * MINUTE_MS)
        await town.on_phone(ana, changes)
    await town.meet(ana)
    eva = await town.office.signed_in("Eva")
    rows = table(await eva.get("/export/timelogs.csv?view=all"))
    assert [(row["job_no"], row["minutes"]) for row in rows] == [
        ("A-1", "30"),
        ("", "30"),
        ("", "30"),
    ]
    assert len(table(await eva.get("/export/timelogs.csv?view=all&q=boiler"))) == 1
    (row,) = table(await eva.get("/export/jobs.csv?view=all"))
    assert (row["lat"], row["lon"]) == ("-33.45", "-70.66")


async def test_a_title_that_would_be_a_formula_is_a_text(town: Town) -> None:
    title = '=HYPERLINK("http://x","Boiler, big")'
    await town.job(title)
    eva = await town.office.signed_in("Eva")
    (row,) = table(await eva.get("/export/jobs.csv?view=all"))
    assert row["title"] == f"'{title}"


CELLS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=20)


@given(st.lists(st.lists(CELLS, min_size=2, max_size=2), min_size=1, max_size=5))
def test_every_cell_comes_back_and_none_runs(rows: list[list[str]]) -> None:
    read = list(csv.reader(io.StringIO(csv_text(rows), newline=""), strict=True))
    assert len(read) == len(rows)
    for written, found in zip(rows, read, strict=True):
        for cell, back in zip(written, found, strict=True):
            assert back in (cell, f"'{cell}")
            assert not back.startswith(("=", "+", "-", "@", "\t", "\r"))


@pytest.mark.parametrize("number", [-3, 0, 2.5])
def test_a_negative_number_stays_a_number(number: float) -> None:
    assert safe_cell(number) == number


async def test_a_file_of_the_columns_shown_has_those_and_in_the_tables_order(town: Town) -> None:
    ana = await town.worker("Ana")
    await town.job("Boiler", worker=ana, priority=2)
    await town.job("Lamp")
    eva = await town.office.signed_in("Eva")
    query = "view=all&sort=-title&hide=window,delay,reach,updated&columns=shown"
    _, file = await eva.download(f"/export/jobs.csv?{query}")
    assert file.decode().splitlines() == [
        "job_no,priority,title,customer,site,workers,status,phase,reason",
        "A-2,normal,Lamp,,,,open,,",
        "A-1,high,Boiler,,,Ana,open,assigned,",
    ]
    seen = await eva.get("/?view=all&hide=window,delay,number&group=worker")
    assert 'data-hide="number window delay"' in seen.text
