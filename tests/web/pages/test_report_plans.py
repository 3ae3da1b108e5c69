"""Reports and history look things up: no question of theirs goes through all logs of all years."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

import pytest

from core.log.stream import StreamState
from tests.web.office import NOON_MS, Office
from tests.web.pages.test_reports import TODAY, fill
from web.board.reader import Rows
from web.history.found import patterns_of
from web.history.visits import visits_of
from web.reports.figures import count, jobs_of, worker_days_of
from web.reports.wanted import BY_WORDS, read_wanted

PRAGUE = ZoneInfo("Europe/Prague")


class Explaining:
    """A reader that notes how the store means to answer each question, and answers it."""

    def __init__(self, reader: Rows) -> None:
        self._reader = reader
        self.plan: list[str] = []

    async def rows(self, sql: str, parameters: Any = ()) -> list[Any]:
        found = await self._reader.rows(f"EXPLAIN QUERY PLAN {sql}", parameters)
        self.plan += [row["detail"] for row in found]
        return await self._reader.rows(sql, parameters)

    async def row(self, sql: str, parameters: Any = ()) -> Any:
        found = await self.rows(sql, parameters)
        return found[0] if found else None

    async def answers(self, *questions: tuple[str, Any]) -> list[list[Any]]:
        return [await self.rows(sql, parameters) for sql, parameters in questions]

    async def state(self, stream: str) -> StreamState:
        return await self._reader.state(stream)

    async def history(self, stream: str) -> list[Any]:
        return await self._reader.history(stream)

    async def history_since(self, stream: str, tips: Any) -> list[Any]:
        return await self._reader.history_since(stream, tips)

    @property
    def scanned(self) -> set[str]:
        """The tables and names that all rows are looked at of."""
        return {line.split()[1] for line in self.plan if line.startswith("SCAN")}


@pytest.mark.parametrize("by", BY_WORDS)
async def test_a_report_looks_up_each_workers_days(office: Office, by: str) -> None:
    await fill(office)
    reader = Explaining(office.hub.reader)
    wanted, _ = read_wanted({"by": by}, TODAY)
    await count(reader, wanted, PRAGUE)
    await worker_days_of(reader, wanted)
    assert not reader.scanned & {"time_log_row", "log", "word", "erased_time"}
    assert "SEARCH log USING PRIMARY KEY (worker=? AND day=?)" in reader.plan


async def test_a_narrowed_report_looks_at_the_jobs_of_whom_it_is_about(office: Office) -> None:
    jan = await fill(office)
    reader = Explaining(office.hub.reader)
    wanted, _ = read_wanted({"worker": jan.hex(), "by": "day"}, TODAY)
    await count(reader, wanted, PRAGUE)
    await jobs_of(reader, wanted, PRAGUE)
    assert "job" not in reader.scanned


async def test_history_and_patterns_look_up_logs_by_their_jobs(office: Office) -> None:
    await fill(office)
    reader = Explaining(office.hub.reader)
    wanted, _ = read_wanted({}, TODAY)
    await visits_of(reader, wanted, PRAGUE)
    assert any(line.startswith("SEARCH log USING INDEX time_log_job") for line in reader.plan)
    await patterns_of(reader, NOON_MS, PRAGUE)
    assert any(line.startswith("SEARCH job USING INDEX job_customer") for line in reader.plan)
    assert any(line.startswith("SEARCH job USING INDEX job_worker") for line in reader.plan)
    assert not reader.scanned & {"time_log_row", "log", "word", "job"}
